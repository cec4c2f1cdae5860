//! Tasks: what they are. How one goes from PROVISIONING to STOPPED is in `task_life`, what is
//! answered of it in `task_read`, the operations are in `task_api`; which tasks a service has is
//! the `scheduler`'s. There may be many, so that they are kept small.
//!
//! Tests: `tests/task.rs`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// How often its state has changed.
    pub version: u64,
    /// The task definition's ARN.
    pub revision: String,
    pub group: String,
    pub started_by: Option<String>,
    pub place: Place,
    pub containers: Vec<Container>,
    /// RunTask's, as given.
    pub overrides: Document,
    /// The subnet of its network interface, if it has one of its own.
    pub subnet: Option<String>,
    pub zone: Option<String>,
    /// What only Fargate tells.
    pub fargate: Option<Fargate>,
    pub architecture: Architecture,
    pub may_exec: bool,
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
    pub times: Times,
    /// Why it is to stop, told so or by itself.
    pub stop: Option<Stop>,
    pub health: Health,
    /// What its service is yet to notice.
    pub news: Option<News>,
    /// When something next happens to it by itself.
    pub due: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    X86,
    Arm,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fargate {
    pub platform_family: String,
    pub storage_gib: i64,
}

/// When it came how far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Times {
    pub created: f64,
    pub connected: Option<f64>,
    pub pull_started: Option<f64>,
    pub pull_stopped: Option<f64>,
    pub started: Option<f64>,
    pub stopping: Option<f64>,
    pub execution_stopped: Option<f64>,
    pub stopped: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stop {
    pub code: String,
    pub reason: String,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Health {
    Unknown,
    /// It has run well for a while, and counts for a steady state.
    Healthy,
    /// Its health checks have failed.
    Unhealthy,
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
    /// Its capacity was taken away: no failure of its own.
    Interrupted,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        self.stop.is_none()
    }

    pub fn is_running(&self) -> bool {
        self.is_alive() && self.status == Status::Running
    }

    /// Runs well, and has done so for a while.
    pub fn is_healthy(&self) -> bool {
        self.is_running() && self.health == Health::Healthy
    }

    pub fn launch_type(&self) -> &str {
        match &self.place {
            Place::LaunchType(name) => name,
            Place::CapacityProvider(_) if self.place.is_fargate() => "FARGATE",
            Place::CapacityProvider(_) => "EC2",
        }
    }

    pub fn provider(&self) -> Option<&str> {
        match &self.place {
            Place::LaunchType(_) => None,
            Place::CapacityProvider(name) => Some(name),
        }
    }

    /// The group of which no other task may be on its instance.
    pub fn not_beside(&self) -> Option<&str> {
        self.alone.then_some(self.group.as_str())
    }

    pub fn family(&self) -> &str {
        words::short(&self.revision).split(':').next().unwrap_or_default()
    }

    pub fn waits_for_instance(&self, provider: &str) -> bool {
        self.instance.is_none()
            && self.is_alive()
            && self.status == Status::Provisioning
            && self.provider() == Some(provider)
    }

    /// Counts a change of its state.
    pub fn change(&mut self, status: Status) {
        self.status = status;
        self.version += 1;
    }
}

/// Makes a task, PROVISIONING and, unless it is for Fargate, without an instance yet.
pub fn launch(cluster: &mut Cluster, call: &Call, launch: Launch) -> String {
    let id = call.ids.hex(32);
    let arn = arn_of(call, "task", &format!("{}/{id}", cluster.name));
    let (revision, spec) = (launch.revision, launch.spec);
    let alone = launch.wants_alone();
    let fargate = launch.place.is_fargate().then(|| Fargate {
        platform_family: revision.platform_family(),
        storage_gib: storage(&revision.body).unwrap_or(20),
    });
    let (service, deployment) = launch.service.unzip();
    let task = Task {
        id: id.clone(),
        tags: launch.tags,
        status: Status::Provisioning,
        version: 1,
        revision: revision.arn.clone(),
        group: launch.group,
        started_by: launch.started_by,
        place: launch.place,
        containers: container::all(&revision.body),
        overrides: field::object(spec, "overrides").cloned().unwrap_or_default(),
        subnet: subnet(spec).filter(|_| revision.network_mode() == "awsvpc"),
        zone: fargate.is_some().then(|| instance::zone(call, &arn)),
        fargate,
        architecture: architecture(&revision.body),
        may_exec: field::flag(spec, "enableExecuteCommand").unwrap_or(false),
        balanced: service.as_ref().and_then(|_| balanced(spec)),
        deployment,
        service,
        instance: None,
        alone,
        daemon: field::text(spec, "schedulingStrategy") == Some("DAEMON"),
        needs: revision.needs(),
        times: Times { created: call.now, ..Times::default() },
        stop: None,
        health: Health::Unknown,
        news: None,
        due: None,
        arn,
    };
    cluster.tasks.insert(id.clone(), task);
    id
}

fn architecture(body: &Document) -> Architecture {
    let platform = field::object(body, "runtimePlatform");
    match platform.and_then(|platform| field::text(platform, "cpuArchitecture")) {
        Some("ARM64") => Architecture::Arm,
        _ => Architecture::X86,
    }
}

fn storage(body: &Document) -> Option<i64> {
    field::integer(field::object(body, "ephemeralStorage")?, "sizeInGiB")
}

fn subnet(spec: &Document) -> Option<String> {
    let vpc = field::object(field::object(spec, "networkConfiguration")?, "awsvpcConfiguration");
    let subnets = vpc.map(|vpc| field::texts(vpc, "subnets")).unwrap_or_default();
    Some(subnets.first().copied().unwrap_or_default().to_owned())
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
