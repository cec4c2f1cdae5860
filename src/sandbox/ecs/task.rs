//! Tasks: their life from PROVISIONING to STOPPED, told by the time that passes. The
//! operations on tasks are in `task_api`; which tasks a service has is the `scheduler`'s.
//!
//! Tests: `tests/task.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::capacity_provider::is_fargate;
use super::cluster::Cluster;
use super::tags::Tags;
use super::task_definition::Revision;
use super::words::{self, arn_of, objects};
use super::{Agenda, State, Wake, instance};
use crate::sandbox::{Call, Document, field};

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
    /// Shares no instance with a task of its group.
    alone: bool,
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

impl Launch<'_> {
    /// Whether no two tasks of its group may share an instance.
    pub fn wants_alone(&self) -> bool {
        let distinct = |constraint: &Document| field::text(constraint, "type") == Some("distinctInstance");
        field::text(self.spec, "schedulingStrategy") == Some("DAEMON")
            || objects(self.spec, "placementConstraints").any(distinct)
    }
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

    pub fn group(&self) -> &str {
        field::text(&self.document, "group").unwrap_or_default()
    }

    /// The group of which no other task may be on its instance.
    pub fn not_beside(&self) -> Option<&str> {
        self.alone.then(|| self.group())
    }

    pub fn family(&self) -> &str {
        let definition =
            field::text(&self.document, "taskDefinitionArn").map(words::short).unwrap_or_default();
        definition.split(':').next().unwrap_or_default()
    }

    pub fn started_by(&self) -> &str {
        field::text(&self.document, "startedBy").unwrap_or_default()
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

    pub fn answer(&self, with_tags: bool) -> Value {
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
    let alone = launch.wants_alone();
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
        alone,
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
