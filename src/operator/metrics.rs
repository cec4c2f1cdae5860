//! What is counted, in the OpenMetrics format: numbers, kinds and reasons, never the name of a resource.
//!
//! What happens is counted as it happens; where things stand ([`Gauges`]) and the calls to AWS are read when somebody
//! asks. Tests: in [`super::vitals`], and `tests/operator`.

use crate::aws::Aws;
use crate::execute::{ActionResult, Outcome};
use crate::plan::Plan;
use crate::report::Event;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;

/// Where things stand: by metric, then by labels.
pub type Gauges = BTreeMap<Gauge, BTreeMap<Labels, f64>>;

/// What is measured and not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gauge {
    Objects,
    Held,
    Rollouts,
    Kept,
    Invalid,
    Reachable,
    LastSweep,
}

impl Gauge {
    /// Its name, its unit, and what it says.
    fn words(self) -> (&'static str, Option<Unit>, &'static str) {
        match self {
            Self::Objects => ("objects", None, "Declared objects, by what the last look said of them."),
            Self::Held => ("objects_held", None, "Objects about which something is not done, by reason."),
            Self::Rollouts => ("rollouts", None, "Services, by where their newest deployment stands."),
            Self::Kept => ("objects_kept", None, "Objects kept as they were last valid."),
            Self::Invalid => ("source_invalid", None, "Files and objects of the source that cannot be used."),
            Self::Reachable => ("aws_reachable", None, "Whether AWS answered the last time it was asked."),
            Self::LastSweep => {
                ("last_sweep_timestamp", Some(Unit::Seconds), "When everything was looked at last.")
            }
        }
    }
}

/// All that is counted.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    gauges: Arc<Mutex<Gauges>>,
    runs: Counters,
    events: Counters,
    actions: Counters,
    durations: Family<Labels, Histogram>,
}

impl Metrics {
    pub fn new(aws: &Aws) -> Self {
        let mut registry = Registry::with_prefix("ecs_operator");
        let (runs, events, actions) = (Counters::default(), Counters::default(), Counters::default());
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        let gauges = Arc::<Mutex<Gauges>>::default();
        registry.register("build", "This program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("runs", "Sweeps and passes, by how they ended", Family::clone(&runs));
        registry.register("events", "What happened to objects, as the log tells it", Family::clone(&events));
        registry.register("actions", "Calls that change something, by result", Family::clone(&actions));
        let help = "How long sweeps and passes take";
        registry.register_with_unit("run_duration", help, Unit::Seconds, Family::clone(&durations));
        registry.register_collector(Box::new(Stand(Arc::clone(&gauges))));
        registry.register_collector(Box::new(Calls(aws.clone())));
        Self { registry: Arc::new(registry), gauges, runs, events, actions, durations }
    }

    /// A sweep or a pass is over.
    pub fn ran(&self, what: &'static str, took: Duration, is_done: bool) {
        let result = if is_done { "done" } else { "failed" };
        self.runs.get_or_create(&vec![("run", what.to_owned()), ("result", result.to_owned())]).inc();
        self.durations.get_or_create(&vec![("run", what.to_owned())]).observe(took.as_secs_f64());
    }

    pub fn happened(&self, events: &[Event]) {
        for event in events {
            let kind = event.object.as_ref().and_then(|object| Some(object.split_once('/')?.0));
            // A file is not a kind.
            let kind =
                kind.filter(|kind| crate::model::names::Kind::find(kind).is_some()).unwrap_or_default();
            self.events.get_or_create(&vec![("event", event.what.name()), ("kind", kind.to_owned())]).inc();
        }
    }

    pub fn wrote(&self, plan: &Plan, outcome: &Outcome) {
        for (action, result) in plan.actions.iter().zip(&outcome.results) {
            let result = match result {
                ActionResult::Done => "done",
                ActionResult::Failed(_) => "failed",
                ActionResult::NotOwned => "not_owned",
                ActionResult::Skipped => "skipped",
            };
            let operation = format!("{}:{}", action.api, action.operation);
            self.actions.get_or_create(&vec![("operation", operation), ("result", result.to_owned())]).inc();
        }
    }

    /// Things stand like this now.
    pub fn stand(&self, gauges: Gauges) {
        *self.gauges.lock().unwrap_or_else(PoisonError::into_inner) = gauges;
    }

    /// All of it as text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// 0.1 s to 27 min: a sweep of 10,000 services takes a minute.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.1, 4.0, 8))
}

/// Writes one metric with all its labels.
fn encode<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder,
    (name, unit, help): (&str, Option<&Unit>, &str),
    kind: MetricType,
    values: impl IntoIterator<Item = (Labels, M)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, unit, kind)?;
    for (labels, value) in values {
        if labels.is_empty() {
            return value.encode(metric);
        }
        value.encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

#[derive(Debug)]
struct Stand(Arc<Mutex<Gauges>>);

impl Collector for Stand {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let gauges = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (gauge, values) in gauges {
            let (name, unit, help) = gauge.words();
            let values = values.into_iter().map(|(labels, value)| (labels, ConstGauge::new(value)));
            encode(&mut encoder, (name, unit.as_ref(), help), MetricType::Gauge, values)?;
        }
        Ok(())
    }
}

struct Calls(Aws);

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Calls")
    }
}

impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let counters = self.0.counters();
        let label = |name, value: &dyn fmt::Display| (name, value.to_string());
        let calls = counters.calls.iter().map(|((operation, ended), count)| {
            (vec![label("operation", operation), label("outcome", ended)], ConstCounter::new(*count))
        });
        let help = "Requests to AWS, each attempt counted, by how they ended.";
        encode(&mut encoder, ("aws_calls", None, help), MetricType::Counter, calls)?;
        let waited = counters.waited.iter().map(|(class, waited)| {
            (vec![("class", format!("{class:?}"))], ConstCounter::new(waited.as_secs_f64()))
        });
        let help = "What calls have waited for the call budget.";
        let wait = ("aws_budget_wait", Some(&Unit::Seconds), help);
        encode(&mut encoder, wait, MetricType::Counter, waited)?;
        let waiting = self.0.waiting().into_iter().map(|waiting| {
            let labels = vec![("class", format!("{:?}", waiting.class)), ("region", waiting.region)];
            // Far below where a float is no longer exact.
            #[allow(clippy::cast_precision_loss)]
            (labels, ConstGauge::new(waiting.calls as f64))
        });
        let help = "Calls that wait for the call budget now.";
        encode(&mut encoder, ("aws_budget_waiting", None, help), MetricType::Gauge, waiting)
    }
}
