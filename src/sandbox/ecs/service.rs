//! Services: what they want (`spec`), and making, changing and deleting them. What is wanted is
//! filled by `service_fill`, refused by `service_checks`, answered by `service_read`, and made to
//! run by the `scheduler`.
//!
//! Tests: `tests/service.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::capacity_provider::is_fargate;
use super::cluster::Cluster;
use super::deployment::{self, Deployment};
use super::events::Event;
use super::service_deployment::{self, ServiceDeployment};
use super::service_revision::ServiceRevision;
use super::tags::Tags;
use super::words::{self, arn_of, cluster_name, invalid, service_not_found, short};
use super::{State, Wake, service_checks, service_fill, service_read, service_revision};
use crate::sandbox::{Call, Document, Refusal, field};

/// Seconds until a new deployment is looked at: until then its PRIMARY wants no tasks.
pub const NOTICED: f64 = 1.0;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub arn: String,
    pub created_at: f64,
    pub tags: Tags,
    pub status: Status,
    /// Since when it has its status.
    pub since: f64,
    /// The client token of its creation.
    token: Option<String>,
    /// What is wanted: CreateService's members, filled, by ARNs where AWS answers ARNs.
    pub spec: Document,
    /// Newest first; the first is PRIMARY. None under EXTERNAL.
    pub deployments: Vec<Deployment>,
    /// Newest first.
    pub history: Vec<ServiceDeployment>,
    /// By the id of the deployment that made it.
    pub revisions: BTreeMap<String, ServiceRevision>,
    /// Newest first.
    pub events: VecDeque<Event>,
    /// The ids of its tasks that are not yet stopped.
    pub tasks: BTreeSet<String>,
    /// Whether it has said that it is steady since it last changed.
    pub steady: bool,
    /// Whether a task of it found no place.
    pub unplaced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Active,
    Draining,
    Inactive,
}

impl Service {
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    pub fn is_inactive(&self) -> bool {
        self.status == Status::Inactive
    }

    pub fn desired_count(&self) -> i64 {
        field::integer(&self.spec, "desiredCount").unwrap_or(0)
    }

    pub fn is_daemon(&self) -> bool {
        field::text(&self.spec, "schedulingStrategy") == Some("DAEMON")
    }

    pub fn controller(&self) -> &str {
        let controller = field::object(&self.spec, "deploymentController");
        controller.and_then(|controller| field::text(controller, "type")).unwrap_or("ECS")
    }

    pub fn uses_provider(&self, name: &str) -> bool {
        field::list(&self.spec, "capacityProviderStrategy")
            .iter()
            .any(|item| item["capacityProvider"] == name)
    }

    pub fn is_on_fargate(&self) -> bool {
        is_on_fargate(&self.spec)
    }

    /// Its tasks, or those of one deployment, that were not told to stop: running, and not yet.
    pub fn count(&self, cluster: &Cluster, deployment: Option<&str>) -> (usize, usize) {
        let tasks = self.tasks.iter().filter_map(|task| cluster.tasks.get(task));
        let tasks = tasks
            .filter(|task| deployment.is_none_or(|id| task.deployment.as_deref() == Some(id)))
            .filter(|task| task.is_alive());
        let (running, pending): (Vec<_>, Vec<_>) = tasks.partition(|task| task.is_running());
        (running.len(), pending.len())
    }

    fn become_status(&mut self, call: &Call, status: Status) {
        self.status = status;
        self.since = call.now;
    }

    /// The last of its tasks has stopped.
    pub fn deactivate(&mut self, call: &Call) {
        self.become_status(call, Status::Inactive);
        self.deployments.clear();
    }
}

pub fn is_on_fargate(spec: &Document) -> bool {
    field::text(spec, "launchType") == Some("FARGATE")
        || field::list(spec, "capacityProviderStrategy")
            .iter()
            .any(|item| is_fargate(item["capacityProvider"].as_str().unwrap_or_default()))
}

pub fn create(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let name = field::text(input, "serviceName").unwrap_or_default();
    let token = field::text(input, "clientToken").map(str::to_owned);
    service_checks::check_name(name, token.as_deref())?;
    match cluster.services.get(name) {
        Some(service) if service.status == Status::Active => {
            if token.is_none() || service.token != token {
                return Err(invalid("Creation of service was not idempotent."));
            }
            return Ok(json!({"service": service_read::answer(cluster, service, true)}));
        }
        Some(service) if service.status == Status::Draining => {
            return Err(invalid("Unable to Start a service that is still Draining."));
        }
        _ => {}
    }
    let tags = Tags::read(call, input)?;
    let mut spec = input.clone();
    for member in ["cluster", "serviceName", "clientToken", "tags"] {
        spec.shift_remove(member);
    }
    service_checks::check_given(&spec)?;
    service_fill::create(state, cluster, call, &mut spec)?;
    service_checks::check(state, cluster, &spec)?;
    let service = Service {
        name: name.to_owned(),
        arn: arn_of(call, "service", &format!("{}/{name}", cluster.name)),
        created_at: call.now,
        tags,
        status: Status::Active,
        since: call.now,
        token,
        spec,
        deployments: Vec::new(),
        history: Vec::new(),
        revisions: BTreeMap::new(),
        events: VecDeque::new(),
        tasks: BTreeSet::new(),
        steady: false,
        unplaced: false,
    };
    let cluster_name = cluster_name(input).to_owned();
    state.cluster_mut(input)?.services.insert(name.to_owned(), service);
    if field::present(input, "deploymentController").is_none_or(|controller| controller["type"] != "EXTERNAL")
    {
        deploy(state, call, &cluster_name, name);
    }
    answer(state, input, name)
}

/// A missing member is unchanged; an empty list removes; a structure is taken whole.
pub fn update(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let name = short(field::text(input, "service").unwrap_or_default());
    let service = cluster.services.get(name).ok_or_else(service_not_found)?;
    if !service.is_active() {
        return Err(Refusal::client("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let mut changes = input.clone();
    let forced = changes.shift_remove("forceNewDeployment").is_some_and(|force| force == true);
    for member in ["cluster", "service"] {
        changes.shift_remove(member);
    }
    service_checks::check_update(service, &changes, forced)?;
    service_checks::check_given(&changes)?;
    let spec = service_fill::update(state, cluster, call, service, &changes)?;
    service_checks::check_strategy_change(&service.spec, &spec, forced)?;
    let differs = forced || service_revision::differs(&service.spec, &spec);
    if differs && let Some(definition) = field::text(&spec, "taskDefinition") {
        state.runnable(definition)?;
    }
    service_checks::check(state, cluster, &spec)?;
    let (cluster, name) = (cluster.name.clone(), name.to_owned());
    let is_external = service.controller() == "EXTERNAL";
    if let Some(service) =
        state.clusters.get_mut(&cluster).and_then(|cluster| cluster.services.get_mut(&name))
    {
        service.spec = spec;
        service.steady = false;
    }
    if differs && !is_external {
        deploy(state, call, &cluster, &name);
    } else {
        state.agenda.wake(call.now + NOTICED, Wake::Service { cluster, service: name.clone() });
    }
    answer(state, input, &name)
}

fn deploy(state: &mut State, call: &Call, cluster: &str, name: &str) {
    let State { clusters, agenda, .. } = state;
    if let Some(service) = clusters.get_mut(cluster).and_then(|cluster| cluster.services.get_mut(name)) {
        deployment::begin(service, call, cluster);
    }
    agenda.wake(call.now + NOTICED, Wake::Service { cluster: cluster.to_owned(), service: name.to_owned() });
}

fn answer(state: &State, input: &Document, name: &str) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let service = cluster.services.get(name).ok_or_else(service_not_found)?;
    Ok(json!({"service": service_read::answer(cluster, service, true)}))
}

/// Sets the desired count as Application Auto Scaling does.
pub fn scale(state: &mut State, call: &Call, cluster: &str, name: &str, count: i64) {
    let service = state.clusters.get_mut(cluster).and_then(|cluster| cluster.services.get_mut(name));
    if let Some(service) = service.filter(|service| service.is_active() && !service.is_daemon()) {
        service.spec.insert("desiredCount".to_owned(), json!(count));
        service.steady = false;
        state.agenda.wake(call.now, Wake::Service { cluster: cluster.to_owned(), service: name.to_owned() });
    }
}

/// The service is DRAINING until its tasks have stopped.
pub fn delete(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = short(field::text(input, "service").unwrap_or_default()).to_owned();
    let forced = field::flag(input, "force").unwrap_or(false);
    let cluster = state.cluster_mut(input)?;
    let cluster_name = cluster.name.clone();
    let service =
        cluster.services.get_mut(&name).filter(|s| !s.is_inactive()).ok_or_else(service_not_found)?;
    if service.is_active() {
        if !forced && !service.is_daemon() && service.desired_count() > 0 {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        service.spec.insert("desiredCount".to_owned(), json!(0));
        service.become_status(call, Status::Draining);
        service_deployment::cancel(service, call);
    }
    let wake = Wake::Service { cluster: cluster_name, service: name.clone() };
    state.agenda.wake(call.now + NOTICED, wake);
    answer(state, input, &name)
}

/// The service that an input's `service` names: by name beside `cluster`, or by ARN.
pub fn named<'a>(state: &'a State, input: &Document) -> Result<(&'a Cluster, &'a Service), Refusal> {
    let name = field::text(input, "service").unwrap_or_default();
    let of_arn =
        name.split_once("service/").and_then(|(_, path)| path.split_once('/')).map(|(cluster, _)| cluster);
    let cluster = match of_arn {
        Some(cluster) => state.clusters.get(cluster).ok_or_else(words::cluster_not_found)?,
        None => state.cluster(input)?,
    };
    let service = cluster.services.get(short(name)).ok_or_else(service_not_found)?;
    Ok((cluster, service))
}
