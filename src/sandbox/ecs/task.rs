//! Tasks: their life from PROVISIONING to STOPPED, and the operations on them. Which tasks a
//! service has is the `scheduler`'s.
//!
//! Tests: `tests/task.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::capacity_provider::{self, CapacityProvider, is_fargate};
use super::cluster::Cluster;
use super::listing::{self, includes};
use super::service_checks;
use super::tags::Tags;
use super::task_definition::Revision;
use super::words::{self, arn_of, cluster_name, failure, invalid, objects, short};
use super::{Agenda, State, Wake, instance};
use crate::sandbox::{Call, Document, Refusal, field};

/// Seconds for which a stopped task is still described, as in AWS.
const REMEMBERED: f64 = 3600.0;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub id: String,
    pub arn: String,
    pub tags: Tags,
    pub status: Status,
    /// Whether it was told to stop.
    pub stopping: bool,
    /// What DescribeTasks answers, but for what follows from the other fields.
    document: Document,
    /// The id of the service's deployment that it belongs to.
    pub deployment: Option<String>,
    pub service: Option<String>,
    /// The container instance it runs on; not yet placed, or on Fargate: none.
    pub instance: Option<String>,
    /// Of a DAEMON service: it keeps no instance from being idle.
    pub daemon: bool,
    /// CPU units and MiB.
    pub needs: (u64, u64),
    /// When its status next changes by itself.
    due: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Provisioning,
    Pending,
    Running,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }

    /// Seconds that a task stays in it, if it does not stay for good.
    fn lasts(self) -> Option<f64> {
        match self {
            Self::Provisioning | Self::Stopping | Self::Deprovisioning => Some(2.0),
            Self::Pending => Some(4.0),
            Self::Running => None,
            Self::Stopped => Some(REMEMBERED),
        }
    }
}

/// Where a task runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    LaunchType(String),
    CapacityProvider(String),
}

impl Place {
    pub fn is_fargate(&self) -> bool {
        matches!(self, Self::LaunchType(name) | Self::CapacityProvider(name) if is_fargate(name))
    }
}

/// What a new task is made from.
pub struct Launch<'a> {
    pub place: Place,
    pub revision: &'a Revision,
    pub group: String,
    pub started_by: Option<String>,
    /// The service and the id of its deployment.
    pub service: Option<(String, String)>,
    /// The members of a service or of RunTask: networkConfiguration, enableExecuteCommand …
    pub spec: &'a Document,
    pub tags: Tags,
}

impl Task {
    pub fn is_stopped(&self) -> bool {
        self.status == Status::Stopped
    }

    /// Counts for its service: started and not told to stop.
    pub fn is_alive(&self) -> bool {
        !self.stopping
    }

    pub fn is_running(&self) -> bool {
        self.is_alive() && self.status == Status::Running
    }

    pub fn launch_type(&self) -> &str {
        field::text(&self.document, "launchType").unwrap_or("EC2")
    }

    pub fn provider(&self) -> Option<&str> {
        field::text(&self.document, "capacityProviderName")
    }

    pub fn is_in_group(&self, group: &str) -> bool {
        field::text(&self.document, "group") == Some(group)
    }

    pub fn waits_for_instance(&self, provider: &str) -> bool {
        self.instance.is_none()
            && self.is_alive()
            && self.status == Status::Provisioning
            && self.provider() == Some(provider)
    }

    fn set(&mut self, member: &str, value: impl Into<Value>) {
        self.document.insert(member.to_owned(), value.into());
    }

    fn answer(&self, with_tags: bool) -> Value {
        let mut answer = self.document.clone();
        let desired = if self.stopping { "STOPPED" } else { "RUNNING" };
        answer.insert("lastStatus".to_owned(), json!(self.status.name()));
        answer.insert("desiredStatus".to_owned(), json!(desired));
        answer.insert("tags".to_owned(), if with_tags { self.tags.answer() } else { json!([]) });
        let container_status = match self.status {
            Status::Provisioning | Status::Pending => "PENDING",
            Status::Running | Status::Stopping => "RUNNING",
            Status::Deprovisioning | Status::Stopped => "STOPPED",
        };
        let mut health = "UNKNOWN";
        for container in words::objects_mut(&mut answer, "containers") {
            container.insert("lastStatus".to_owned(), json!(container_status));
            let is_checked = container.shift_remove("healthCheck").is_some();
            let healthy = if is_checked && self.status == Status::Running { "HEALTHY" } else { "UNKNOWN" };
            container.insert("healthStatus".to_owned(), json!(healthy));
            if is_checked {
                health = healthy;
            }
            if container_status == "STOPPED" {
                container.insert("exitCode".to_owned(), json!(0));
            }
        }
        answer.insert("healthStatus".to_owned(), json!(health));
        Value::Object(answer)
    }
}

/// Makes a task, PROVISIONING and, unless it is for Fargate, without an instance yet.
pub fn launch(cluster: &mut Cluster, call: &Call, launch: Launch) -> String {
    let id = call.ids.hex(32);
    let arn = arn_of(call, "task", &format!("{}/{id}", cluster.name));
    let document = document(cluster, call, &arn, &launch);
    let (service, deployment) = launch.service.unzip();
    let task = Task {
        id: id.clone(),
        arn,
        tags: launch.tags,
        status: Status::Provisioning,
        stopping: false,
        document,
        deployment,
        service,
        instance: None,
        daemon: field::text(launch.spec, "schedulingStrategy") == Some("DAEMON"),
        needs: launch.revision.needs(),
        due: None,
    };
    cluster.tasks.insert(id.clone(), task);
    id
}

fn document(cluster: &Cluster, call: &Call, arn: &str, launch: &Launch) -> Document {
    let body = &launch.revision.body;
    let (cpu, memory) = launch.revision.needs();
    let overrides = field::object(launch.spec, "overrides").cloned().unwrap_or_default();
    let mut document = json!({
        "attachments": [],
        "attributes": [{"name": "ecs.cpu-architecture", "value": architecture(body)}],
        "clusterArn": cluster.arn,
        "containers": containers(call, arn, body),
        "cpu": cpu.to_string(),
        "createdAt": call.now,
        "enableExecuteCommand": field::flag(launch.spec, "enableExecuteCommand").unwrap_or(false),
        "group": launch.group,
        "memory": memory.to_string(),
        "overrides": overrides_answer(body, overrides),
        "taskArn": arn,
        "taskDefinitionArn": launch.revision.arn,
        "version": 1,
    });
    if let Some(started_by) = &launch.started_by {
        document["startedBy"] = json!(started_by);
    }
    match &launch.place {
        Place::LaunchType(name) => document["launchType"] = json!(name),
        Place::CapacityProvider(name) => {
            document["launchType"] = json!(if is_fargate(name) { "FARGATE" } else { "EC2" });
            document["capacityProviderName"] = json!(name);
        }
    }
    if launch.place.is_fargate() {
        document["platformVersion"] = json!("1.4.0");
        document["platformFamily"] = json!(launch.revision.platform_family());
        document["ephemeralStorage"] =
            body.get("ephemeralStorage").cloned().unwrap_or(json!({"sizeInGiB": 20}));
        document["availabilityZone"] = json!(instance::zone(call, arn));
    }
    if let Some(network) = field::object(launch.spec, "networkConfiguration")
        .filter(|_| launch.revision.network_mode() == "awsvpc")
    {
        document["attachments"] = json!([network_interface(call, network)]);
    }
    match document {
        Value::Object(document) => document,
        _ => Document::new(),
    }
}

fn architecture(body: &Document) -> &'static str {
    let platform = field::object(body, "runtimePlatform");
    match platform.and_then(|platform| field::text(platform, "cpuArchitecture")) {
        Some("ARM64") => "arm64",
        _ => "x86_64",
    }
}

fn containers(call: &Call, task_arn: &str, body: &Document) -> Value {
    let one = |container: &Document| {
        let mut answer = json!({
            "containerArn": arn_of(call, "container", &format!("{}/{}", task_arn.split_once("task/").map_or("", |(_, id)| id), call.ids.uuid())),
            "taskArn": task_arn,
            "name": container.get("name"),
            "image": container.get("image"),
            "networkInterfaces": [],
            "cpu": field::integer(container, "cpu").unwrap_or(0).to_string(),
        });
        for member in ["memory", "memoryReservation"] {
            if let Some(mib) = field::integer(container, member) {
                answer[member] = json!(mib.to_string());
            }
        }
        if container.contains_key("healthCheck") {
            answer["healthCheck"] = json!(true);
        }
        answer
    };
    objects(body, "containerDefinitions").map(one).collect()
}

/// Every container stands in the answer's overrides, if only by its name.
fn overrides_answer(body: &Document, mut overrides: Document) -> Value {
    let given: Vec<Document> = objects(&overrides, "containerOverrides").cloned().collect();
    let one = |container: &Document| {
        let same = |given: &&Document| given.get("name") == container.get("name");
        given.iter().find(same).map_or_else(|| json!({"name": container.get("name")}), |given| json!(given))
    };
    let all: Vec<Value> = objects(body, "containerDefinitions").map(one).collect();
    overrides.insert("containerOverrides".to_owned(), json!(all));
    words::fill(&mut overrides, [("inferenceAcceleratorOverrides", json!([]))]);
    Value::Object(overrides)
}

fn network_interface(call: &Call, network: &Document) -> Value {
    let subnets = field::object(network, "awsvpcConfiguration")
        .map(|vpc| field::texts(vpc, "subnets"))
        .unwrap_or_default();
    let subnet = subnets.first().copied().unwrap_or_default();
    let host = call.ids.number();
    json!({
        "id": call.ids.uuid(),
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED",
        "details": [
            {"name": "subnetId", "value": subnet},
            {"name": "networkInterfaceId", "value": format!("eni-{}", call.ids.hex(17))},
            {"name": "privateIPv4Address", "value": format!("10.0.{}.{}", host % 256, 4 + (host >> 8) % 250)},
        ],
    })
}

/// Puts a task that has found its place on its way.
pub fn begin(agenda: &mut Agenda, cluster: &mut Cluster, call: &Call, id: &str, on: Option<String>) {
    let arn = on
        .as_ref()
        .and_then(|instance| cluster.instances.get(instance))
        .map(|i| (i.arn.clone(), i.zone.clone()));
    let Some(task) = cluster.tasks.get_mut(id) else { return };
    if let Some((arn, zone)) = arn {
        task.set("containerInstanceArn", arn);
        task.set("availabilityZone", zone);
    }
    task.instance = on;
    wake_later(agenda, cluster, call, id);
}

/// Tells a task to stop.
pub fn stop_task(
    agenda: &mut Agenda,
    cluster: &mut Cluster,
    call: &Call,
    id: &str,
    code: &str,
    reason: &str,
) {
    let Some(task) = cluster.tasks.get_mut(id).filter(|task| !task.stopping) else { return };
    task.stopping = true;
    task.status = Status::Stopping;
    task.set("stoppingAt", call.now);
    task.set("stopCode", code);
    task.set("stoppedReason", reason);
    wake_later(agenda, cluster, call, id);
}

fn wake_later(agenda: &mut Agenda, cluster: &mut Cluster, call: &Call, id: &str) {
    let Some(task) = cluster.tasks.get_mut(id) else { return };
    task.due = task.status.lasts().map(|lasts| call.now + lasts);
    if let Some(due) = task.due {
        agenda.wake(due, Wake::Task { cluster: cluster.name.clone(), task: id.to_owned() });
    }
}

/// The next step of a task's life, if its time has come.
pub fn wake(state: &mut State, call: &Call, cluster: &str, id: &str) {
    let State { clusters, agenda, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster) else { return };
    let Some(task) = cluster.tasks.get_mut(id) else { return };
    if task.due.is_none_or(|due| call.now < due) {
        return;
    }
    let next = match (task.status, task.stopping) {
        (Status::Provisioning, false) => Status::Pending,
        (Status::Pending, false) => Status::Running,
        (Status::Stopping, _) => Status::Deprovisioning,
        (Status::Deprovisioning, _) => Status::Stopped,
        (Status::Stopped, _) => {
            cluster.tasks.remove(id);
            return;
        }
        _ => return,
    };
    task.status = next;
    let version = field::integer(&task.document, "version").unwrap_or(1) + 1;
    task.set("version", version);
    match next {
        Status::Pending => {
            task.set("connectivity", "CONNECTED");
            task.set("connectivityAt", call.now);
            task.set("pullStartedAt", call.now + 1.0);
        }
        Status::Running => {
            task.set("pullStoppedAt", call.now - 1.0);
            task.set("startedAt", call.now);
        }
        Status::Deprovisioning => task.set("executionStoppedAt", call.now),
        Status::Stopped => task.set("stoppedAt", call.now),
        Status::Provisioning | Status::Stopping => {}
    }
    let (service, instance) = (task.service.clone(), task.instance.clone());
    if let Some(service) = service.filter(|_| matches!(next, Status::Running | Status::Stopped)) {
        agenda.wake(call.now, Wake::Service { cluster: cluster.name.clone(), service });
    }
    if let Some(instance) = instance.filter(|_| next == Status::Stopped) {
        instance::left(agenda, cluster, call, &instance);
    }
    wake_later(agenda, cluster, call, id);
}

/// Which provider of a strategy the next task goes to, given how many each has: first the base,
/// then whoever is furthest behind its weight.
pub fn next_provider(strategy: &[Value], counts: &BTreeMap<String, u64>) -> Option<String> {
    let number = |item: &Value, member: &str| item[member].as_u64().unwrap_or(0);
    let name = |item: &Value| item["capacityProvider"].as_str().unwrap_or_default().to_owned();
    let has = |item: &Value| counts.get(&name(item)).copied().unwrap_or(0);
    if let Some(item) = strategy.iter().find(|item| has(item) < number(item, "base")) {
        return Some(name(item));
    }
    let weighted = strategy.iter().filter(|item| number(item, "weight") > 0);
    // (has - base) / weight, compared without fractions.
    let next = weighted.min_by(|left, right| {
        let share = |item: &Value, other: &Value| {
            (has(item) - number(item, "base").min(has(item))) * number(other, "weight")
        };
        share(left, right).cmp(&share(right, left))
    });
    next.map(name)
}

pub fn run(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let token = field::text(input, "clientToken").map(str::to_owned);
    if let Some(ids) = token.as_ref().and_then(|token| cluster.run_tokens.get(token)) {
        let tasks: Vec<Value> =
            ids.iter().filter_map(|id| cluster.tasks.get(id)).map(|task| task.answer(true)).collect();
        return Ok(json!({"tasks": tasks, "failures": []}));
    }
    let count = field::integer(input, "count").unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(invalid("Tasks can be run in a count of 1 to 10."));
    }
    let revision = state.runnable(field::text(input, "taskDefinition").unwrap_or_default())?.clone();
    service_checks::check_network(&revision, input)?;
    let strategy = run_strategy(state, cluster, input)?;
    let launch_type = field::text(input, "launchType").unwrap_or("EC2");
    if strategy.is_empty() && !revision.supports(launch_type) {
        return Err(invalid(format!("Task definition does not support launch_type {launch_type}.")));
    }
    let tags = Tags::read(input)?;
    let family = short(&revision.arn).split(':').next().unwrap_or_default().to_owned();
    let (mut started, mut failures, mut counts) = (Vec::new(), Vec::new(), BTreeMap::new());
    for _ in 0..count {
        let place = match next_provider(&strategy, &counts) {
            Some(provider) => {
                *counts.entry(provider.clone()).or_insert(0) += 1;
                Place::CapacityProvider(provider)
            }
            None => Place::LaunchType(launch_type.to_owned()),
        };
        let launch = Launch {
            place,
            revision: &revision,
            group: field::text(input, "group").map_or_else(|| format!("family:{family}"), str::to_owned),
            started_by: field::text(input, "startedBy").map(str::to_owned),
            service: None,
            spec: input,
            tags: tags.clone(),
        };
        match start(state, call, cluster_name(input), launch) {
            Ok(id) => started.push(id),
            Err(reason) => failures.push(json!({"reason": reason})),
        }
    }
    let cluster = state.cluster_mut(input)?;
    let tasks: Vec<Value> =
        started.iter().filter_map(|id| cluster.tasks.get(id)).map(|task| task.answer(true)).collect();
    if let Some(token) = token {
        cluster.run_tokens.insert(token, started);
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

/// The strategy that RunTask says or the cluster's default, if it says no launch type.
fn run_strategy(state: &State, cluster: &Cluster, input: &Document) -> Result<Vec<Value>, Refusal> {
    let given = capacity_provider::strategy(field::list(input, "capacityProviderStrategy"))?;
    let launch_type = field::text(input, "launchType");
    if launch_type.is_some() && !given.is_empty() {
        return Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    service_checks::check_attached(state, cluster, &given)?;
    Ok(match launch_type {
        None if given.is_empty() => cluster.default_strategy.clone(),
        _ => given,
    })
}

/// Launches one task and finds it a place; the reason if there is none.
pub fn start(state: &mut State, call: &Call, cluster: &str, what: Launch) -> Result<String, String> {
    let State { clusters, capacity_providers, agenda, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster) else { return Err("MISSING".to_owned()) };
    start_in(agenda, cluster, capacity_providers, call, what)
}

/// As [`start`], where the state is already taken apart.
pub fn start_in(
    agenda: &mut Agenda,
    cluster: &mut Cluster,
    providers: &BTreeMap<String, CapacityProvider>,
    call: &Call,
    what: Launch,
) -> Result<String, String> {
    if what.place.is_fargate() {
        let id = launch(cluster, call, what);
        begin(agenda, cluster, call, &id, None);
        return Ok(id);
    }
    let provider = match &what.place {
        Place::CapacityProvider(name) => Some(name.clone()),
        Place::LaunchType(_) => None,
    };
    let wanted = instance::Wanted {
        provider: provider.as_deref(),
        needs: what.revision.needs(),
        not_beside: wants_alone(what.spec).then_some(what.group.as_str()),
    };
    let found = instance::find(cluster, &wanted);
    if found.is_none() {
        instance::ask_for_more(agenda, cluster, providers, call, provider.as_deref());
        // A capacity provider's tasks wait for its instances; the others are not even made.
        if provider.is_none() {
            let none_at_all = cluster.instances.is_empty();
            return Err(if none_at_all {
                "No Container Instances were found in your cluster."
            } else {
                "RESOURCE:MEMORY"
            }
            .to_owned());
        }
    }
    let id = launch(cluster, call, what);
    if found.is_some() {
        begin(agenda, cluster, call, &id, found);
    }
    Ok(id)
}

/// Whether no two tasks of a group may share an instance.
fn wants_alone(spec: &Document) -> bool {
    let distinct = |constraint: &Document| field::text(constraint, "type") == Some("distinctInstance");
    field::text(spec, "schedulingStrategy") == Some("DAEMON")
        || objects(spec, "placementConstraints").any(distinct)
}

pub fn stop(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let id = short(field::text(input, "task").unwrap_or_default()).to_owned();
    let reason = field::text(input, "reason").unwrap_or("Task stopped by user");
    state.cluster(input)?.tasks.get(&id).ok_or_else(|| invalid("The referenced task was not found."))?;
    let State { clusters, agenda, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster_name(input)) else { return Err(words::cluster_not_found()) };
    stop_task(agenda, cluster, call, &id, "UserInitiated", reason);
    if let Some(service) = cluster.tasks[&id].service.clone() {
        agenda.wake(call.now + 1.0, Wake::Service { cluster: cluster.name.clone(), service });
    }
    Ok(json!({"task": cluster.tasks[&id].answer(true)}))
}

pub fn describe(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let ids = field::texts(input, "tasks");
    if ids.is_empty() {
        return Err(invalid("Tasks cannot be empty."));
    }
    if ids.len() > 100 {
        return Err(invalid("Tasks can have at most 100 items."));
    }
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match cluster.tasks.get(short(id)) {
            Some(task) => tasks.push(task.answer(includes(input, "TAGS"))),
            None => {
                let arn = arn_of(call, "task", &format!("{}/{}", cluster.name, short(id)));
                failures.push(failure(&arn, "MISSING"));
            }
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

/// Without `desiredStatus` those that are to run.
pub fn list(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let service = field::text(input, "serviceName").map(short);
    if let Some(name) = service
        && !cluster.services.contains_key(name)
    {
        return Err(words::service_not_found());
    }
    let stopped = field::text(input, "desiredStatus") == Some("STOPPED");
    let is = |member: &str, value: Option<&str>| {
        value.is_none_or(|value| field::text(input, member).is_none_or(|wanted| wanted == value))
    };
    let family = field::text(input, "family");
    let chosen = cluster.tasks.values().filter(|task| {
        let definition = field::text(&task.document, "taskDefinitionArn").map(short).unwrap_or_default();
        task.stopping == stopped
            && service.is_none_or(|service| task.service.as_deref() == Some(service))
            && is("launchType", Some(task.launch_type()))
            && is("startedBy", Some(field::text(&task.document, "startedBy").unwrap_or_default()))
            && family.is_none_or(|family| definition.split(':').next() == Some(family))
            && field::text(input, "containerInstance")
                .is_none_or(|wanted| task.instance.as_deref() == Some(short(wanted)))
    });
    listing::paged(input, "taskArns", listing::arns(chosen.map(|task| task.arn.as_str())), (100, 100))
}

pub fn execute_command(_: &mut State, _: &Call, _: &Document) -> Result<Value, Refusal> {
    Err(invalid(
        "The execute command failed because the sandbox's tasks have no shell: nothing runs in them.",
    ))
}
