//! How the loop is: whether it turns, whether it is ready, what it counts. Written by the loop, read by whoever asks.
//!
//! Alive is a loop that turns. Ready is one that has looked at everything lately, whatever it found: a manifest that
//! cannot be used is for its author, and no reason to start another operator. Tests: at the end.

use super::Kept;
use super::metrics::{Gauge, Gauges, Metrics};
use crate::aws::{Aws, Waiting};
use crate::report::counted;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A loop that has not turned for so long is stuck: it turns every 10 seconds, and loads a source in between.
const STUCK: Duration = Duration::from_mins(2);
/// After so many intervals without a sweep it is not known how things are.
const MISSED: u32 = 3;
/// Short intervals are not held against a sweep that waits for the call budget.
const PATIENCE: Duration = Duration::from_mins(5);

pub struct Vitals {
    pub metrics: Metrics,
    aws: Aws,
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    began: Instant,
    turned: Instant,
    swept: Option<Instant>,
    /// Seconds since the epoch, for people's clocks.
    swept_at: f64,
    unreachable: Option<String>,
    objects: usize,
    kept: usize,
    /// What cannot be used, by name.
    wrong: Vec<String>,
}

/// An answer to a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub is_good: bool,
    pub text: String,
}

impl Vitals {
    pub fn new(aws: &Aws, interval: Duration) -> Self {
        let now = Instant::now();
        let state = State {
            began: now,
            turned: now,
            swept: None,
            swept_at: 0.0,
            unreachable: None,
            objects: 0,
            kept: 0,
            wrong: Vec::new(),
        };
        Self { metrics: Metrics::new(aws), aws: aws.clone(), interval, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn turned(&self) {
        self.state().turned = Instant::now();
    }

    /// A sweep has seen everything.
    pub(super) fn swept(&self) {
        let now = jiff::Timestamp::now();
        let mut state = self.state();
        state.swept = Some(Instant::now());
        state.swept_at = now.as_duration().as_secs_f64();
    }

    /// All is as in `kept` now.
    pub(super) fn update(&self, kept: &Kept, unreachable: Option<&String>) {
        let mut state = self.state();
        state.unreachable = unreachable.cloned();
        state.objects = kept.declared.desired.objects.len();
        state.kept = kept.declared.kept.len();
        state.wrong = kept.declared.wrong.keys().cloned().collect();
        self.metrics.stand(gauges(&state, kept));
    }

    /// Whether the loop turns.
    pub fn alive(&self) -> Answer {
        let stood = self.state().turned.elapsed();
        let is_good = stood < STUCK;
        let text = if is_good { "alive" } else { "the loop is stuck" };
        Answer { is_good, text: format!("{text}: it turned {} s ago\n", stood.as_secs()) }
    }

    /// Whether it is known how things are.
    pub fn ready(&self) -> Answer {
        let state = self.state();
        let longest = (self.interval * MISSED).max(PATIENCE);
        let is_good = state.swept.is_some_and(|swept| swept.elapsed() <= longest);
        let looked = match state.swept {
            Some(swept) => format!("everything was looked at {} s ago", swept.elapsed().as_secs()),
            None => format!("nothing was looked at for {} s", state.began.elapsed().as_secs()),
        };
        let kept = match state.kept {
            0 => String::new(),
            kept => format!(", {kept} of them kept as they were last valid"),
        };
        let declared = format!("{} declared{kept}", counted(state.objects, "object"));
        let ready = if is_good { "ready" } else { "not ready" };
        let mut lines = vec![ready.to_owned(), looked, declared];
        lines.extend(state.unreachable.iter().map(|cause| format!("AWS cannot be asked: {cause}")));
        lines.extend(self.aws.waiting().into_iter().map(|Waiting { region, class, calls, longest }| {
            let calls = counted(calls, "call");
            format!(
                "{calls} ({class}) in {region} wait for the call budget, for up to {} s",
                longest.as_secs()
            )
        }));
        lines.extend(state.wrong.iter().map(|about| format!("invalid: {about}")));
        Answer { is_good, text: lines.join("\n") + "\n" }
    }
}

fn gauges(state: &State, kept: &Kept) -> Gauges {
    let mut gauges = Gauges::new();
    let mut set = |gauge, value: f64| drop(gauges.insert(gauge, BTreeMap::from([(Vec::new(), value)])));
    // Far below where a float is no longer exact.
    #[allow(clippy::cast_precision_loss)]
    {
        set(Gauge::Kept, state.kept as f64);
        set(Gauge::Invalid, state.wrong.len() as f64);
    }
    set(Gauge::Reachable, if state.unreachable.is_none() { 1.0 } else { 0.0 });
    set(Gauge::LastSweep, state.swept_at);
    for (key, standing) in kept.standings() {
        let kind = || ("kind", key.kind.name().to_owned());
        let mut count = |gauge, label, value: &str| {
            let labels = vec![kind(), (label, value.to_owned())];
            *gauges.entry(gauge).or_default().entry(labels).or_default() += 1.0;
        };
        count(Gauge::Objects, "verdict", standing.verdict_name());
        if let Some(hold) = &standing.hold {
            count(Gauge::Held, "reason", hold.reason);
        }
        if let Some(rollout) = &standing.rollout {
            count(Gauge::Rollouts, "state", rollout.state_name());
        }
    }
    gauges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Connection, Exchange};
    use crate::operator::agenda::Pace;
    use std::future::ready;
    use std::sync::Arc;
    use tokio::time::sleep;

    async fn vitals(interval: Duration) -> Vitals {
        let call: Exchange = Arc::new(|_| Box::pin(ready(Err(std::io::ErrorKind::NotConnected.into()))));
        let aws = Aws::connect(Connection::InProcess { call, region: "eu-central-1".to_owned() }).await;
        Vitals::new(&aws, interval)
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_turns_is_alive_and_one_that_has_looked_lately_is_ready() {
        let vitals = vitals(Duration::from_mins(10)).await;
        assert!(vitals.alive().is_good && !vitals.ready().is_good);
        vitals.swept();
        assert_eq!(vitals.ready().text, "ready\neverything was looked at 0 s ago\n0 objects declared\n");
        sleep(Duration::from_mins(30)).await;
        assert!(vitals.ready().is_good);
        assert_eq!(vitals.alive().text, "the loop is stuck: it turned 1800 s ago\n");
        vitals.turned();
        sleep(Duration::from_secs(1)).await;
        assert!(vitals.alive().is_good && !vitals.ready().is_good);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_amiss_is_named_and_does_not_make_it_unready() {
        let vitals = vitals(Duration::from_secs(1)).await;
        vitals.swept();
        let mut kept = Kept::new(Pace(Duration::from_secs(5)), false);
        kept.declared.wrong.insert("fleet/a.yaml".to_owned(), "its text".to_owned());
        vitals.update(&kept, Some(&"no route".to_owned()));
        let ready = vitals.ready();
        assert!(
            ready.is_good && ready.text.ends_with("AWS cannot be asked: no route\ninvalid: fleet/a.yaml\n"),
            "{}",
            ready.text
        );
        let metrics = vitals.metrics.text().unwrap();
        for line in ["ecs_operator_source_invalid 1.0", "ecs_operator_aws_reachable 0.0", "# EOF"] {
            assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
        }
    }
}
