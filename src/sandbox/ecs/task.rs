//! Tasks: what they are and what is answered of them. How one goes from PROVISIONING to STOPPED is
//! in `task_life`, the operations are in `task_api`; which tasks a service has is the
//! `scheduler`'s.
//!
//! Tests: `tests/task.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::capacity_provider::is_fargate;
use super::cluster::Cluster;
use super::container::{self, Container};
use super::instance;
use super::tags::Tags;
use super::task_definition::Revision;
use super::words::{self, arn_of, objects};
use crate::sandbox::{Call, Document, field};

/// Seconds after the grace period in which a load balancer finds a target unhealthy.
const UNHEALTHY_TARGET: f64 = 60.0;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub id: String,
    pub arn: String,
    pub tags: Tags,
    pub status: Status,
    /// Whether it is to stop, told so or by itself.
    pub stopping: bool,
    /// What DescribeTasks answers, but for what follows from the other fields.
    document: Document,
    pub containers: Vec<Container>,
    /// The id of the service's deployment that it belongs to.
    pub deployment: Option<String>,
    pub service: Option<String>,
    /// The target groups that it is registered in while it runs.
    pub balanced: Option<Balanced>,
    /// The container instance it runs on; not yet placed, or on Fargate: none.
    pub instance: Option<String>,
    /// Shares no instance with a task of its group.
    alone: bool,
    /// Of a DAEMON service: it keeps no instance from being idle.
    pub daemon: bool,
    /// CPU units and MiB.
    pub needs: (u64, u64),
    pub started_at: Option<f64>,
    /// Its health checks have failed.
    pub unhealthy: bool,
    /// What its service is yet to notice.
    pub news: Option<News>,
    /// Whether it has run well for a while: it counts for a steady state.
    pub healthy: bool,
    /// When something next happens to it by itself.
    pub due: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Balanced {
    /// Target groups and the port of each.
    pub groups: Vec<(String, i64)>,
    grace: f64,
    pub is_registered: bool,
}

impl Balanced {
    /// Seconds from a task's start until its failing health checks are noticed.
    pub fn noticed_after(&self) -> f64 {
        self.grace + UNHEALTHY_TARGET
    }
}

/// What happens to a task by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum News {
    /// The task's stopped reason, or its container's.
    FailedToStart(String),
    /// An essential container ended, after the task had run well or before.
    Exited {
        was_healthy: bool,
    },
    FailsHealthChecks,
    RunsWell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
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

    /// Runs well, and has done so for a while.
    pub fn is_healthy(&self) -> bool {
        self.is_running() && self.healthy
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

    /// The subnet of its network interface.
    pub fn subnet(&self) -> &str {
        let details = self.document.get("attachments").and_then(|all| all.pointer("/0/details/0/value"));
        details.and_then(Value::as_str).unwrap_or_default()
    }

    /// As the registries write it: `linux/arm64`.
    pub fn platform(&self) -> &'static str {
        let architecture = self.document.get("attributes").and_then(|all| all.pointer("/0/value"));
        if architecture.is_some_and(|name| name == "arm64") { "linux/arm64" } else { "linux/amd64" }
    }

    pub fn set(&mut self, member: &str, value: impl Into<Value>) {
        self.document.insert(member.to_owned(), value.into());
    }

    /// Counts a change of its state.
    pub fn change(&mut self, status: Status) {
        self.status = status;
        let version = field::integer(&self.document, "version").unwrap_or(1) + 1;
        self.set("version", version);
    }

    pub fn answer(&self, with_tags: bool) -> Value {
        let mut answer = self.document.clone();
        let desired = if self.stopping { "STOPPED" } else { "RUNNING" };
        answer.insert("lastStatus".to_owned(), json!(self.status.name()));
        answer.insert("desiredStatus".to_owned(), json!(desired));
        answer.insert("tags".to_owned(), if with_tags { self.tags.answer() } else { json!([]) });
        let is_checked = self.containers.iter().any(|container| container.check.is_some());
        let health = match self.status {
            _ if !is_checked => "UNKNOWN",
            _ if self.unhealthy => "UNHEALTHY",
            Status::Running if self.healthy => "HEALTHY",
            _ => "UNKNOWN",
        };
        let ran = self.started_at.is_some();
        let containers = self.containers.iter().map(|container| container.answer(self.status, ran, health));
        answer.insert("containers".to_owned(), containers.collect());
        answer.insert("healthStatus".to_owned(), json!(health));
        Value::Object(answer)
    }
}

/// Makes a task, PROVISIONING and, unless it is for Fargate, without an instance yet.
pub fn launch(cluster: &mut Cluster, call: &Call, launch: Launch) -> String {
    let id = call.ids.hex(32);
    let arn = arn_of(call, "task", &format!("{}/{id}", cluster.name));
    let document = document(cluster, call, &arn, &launch);
    let containers = container::all(call, &arn, &launch.revision.body);
    let alone = launch.wants_alone();
    let balanced = launch.service.as_ref().and_then(|_| balanced(launch.spec));
    let (service, deployment) = launch.service.unzip();
    let task = Task {
        id: id.clone(),
        arn,
        tags: launch.tags,
        status: Status::Provisioning,
        stopping: false,
        document,
        containers,
        deployment,
        service,
        balanced,
        instance: None,
        alone,
        daemon: field::text(launch.spec, "schedulingStrategy") == Some("DAEMON"),
        needs: launch.revision.needs(),
        started_at: None,
        unhealthy: false,
        news: None,
        healthy: false,
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

/// By a service's load balancers; a Classic one counts as its target group.
fn balanced(spec: &Document) -> Option<Balanced> {
    let group = |balancer: &Document| {
        let name =
            ["targetGroupArn", "loadBalancerName"].iter().find_map(|member| field::text(balancer, member))?;
        Some((name.to_owned(), field::integer(balancer, "containerPort").unwrap_or(0)))
    };
    let groups: Vec<_> = objects(spec, "loadBalancers").filter_map(group).collect();
    let grace = field::present(spec, "healthCheckGracePeriodSeconds").and_then(Value::as_f64).unwrap_or(0.0);
    (!groups.is_empty()).then_some(Balanced { groups, grace, is_registered: false })
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
