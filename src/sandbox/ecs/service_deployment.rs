//! The history of a service's deployments: what List- and DescribeServiceDeployments tell, and
//! stopping one.
//!
//! A rollback is no deployment of its own: the one that failed goes through ROLLBACK_IN_PROGRESS to
//! ROLLBACK_SUCCESSFUL (AWS's documentation of service deployments).
//!
//! Tests: `tests/deployment.rs`, `tests/rollback.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::breaker::Breaker;
use super::cluster::Cluster;
use super::listing;
use super::service::{self, Service};
use super::words::{arn_of, at, invalid};
use super::{State, Wake};
use crate::sandbox::{Call, Document, Refusal, field};

/// Seconds for which the history is kept: 90 days.
const HISTORY: f64 = 90.0 * 86_400.0;

/// One of what ListServiceDeployments lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceDeployment {
    pub arn: String,
    /// The deployment's id.
    pub revision: String,
    sources: Vec<String>,
    pub status: Status,
    pub reason: Option<String>,
    stage: Option<String>,
    created_at: f64,
    started_at: Option<f64>,
    finished_at: Option<f64>,
    updated_at: f64,
    configuration: Document,
    pub rollback: Option<Rollback>,
    /// Failures that the circuit breaker has counted, and whether it tripped.
    pub failures: u64,
    pub tripped: bool,
    /// What it stood when it tripped; until then the desired count decides.
    #[serde(default)]
    pub threshold: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rollback {
    pub reason: String,
    pub started_at: f64,
    /// The id of the deployment that it goes back to.
    pub to: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Pending,
    InProgress,
    StopRequested,
    Stopped,
    Successful,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::Successful => "SUCCESSFUL",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    pub fn is_finished(self) -> bool {
        matches!(self, Self::Stopped | Self::Successful | Self::RollbackSuccessful | Self::RollbackFailed)
    }
}

/// Has the one under way give way to another, or to the service's deletion. AWS's documentation
/// knows no way from a rollback under way to STOPPED.
pub fn cancel(service: &mut Service, call: &Call) {
    let Some(current) = service.history.first_mut() else { return };
    match current.status {
        Status::RollbackInProgress => {
            current.reason = Some(OVERTAKEN.to_owned());
            current.turn(call, Status::RollbackFailed);
        }
        status if !status.is_finished() => {
            current.reason = Some(OVERTAKEN.to_owned());
            current.turn(call, Status::StopRequested);
        }
        _ => {}
    }
}

/// Not known from AWS.
const OVERTAKEN: &str = "Service deployment stopped because of a newer change of the service.";

pub fn forget_old(service: &mut Service, call: &Call) {
    let Service { history, revisions, deployments, .. } = service;
    history.retain(|deployment| call.now - deployment.created_at < HISTORY);
    revisions.retain(|id, _| {
        deployments.iter().any(|deployment| deployment.id == *id)
            || history.iter().any(|deployment| deployment.revision == *id || deployment.sources.contains(id))
    });
}

impl ServiceDeployment {
    /// That of a new PRIMARY with this id, which is not among the service's deployments yet.
    pub fn begin(service: &Service, call: &Call, cluster: &str, id: &str) -> Self {
        let name = format!("{cluster}/{}/{}", service.name, call.ids.hex(21));
        Self {
            arn: arn_of(call, "service-deployment", &name),
            revision: id.to_owned(),
            sources: service.deployments.iter().map(|deployment| deployment.id.clone()).collect(),
            status: Status::Pending,
            reason: None,
            stage: None,
            created_at: call.now,
            started_at: None,
            finished_at: None,
            updated_at: call.now,
            configuration: field::object(&service.spec, "deploymentConfiguration")
                .cloned()
                .unwrap_or_default(),
            rollback: None,
            failures: 0,
            tripped: false,
            threshold: None,
        }
    }

    /// The scheduler has begun with it, or reached another stage.
    pub fn proceed(&mut self, call: &Call, stage: Option<&'static str>) {
        if self.status == Status::Pending {
            self.turn(call, Status::InProgress);
            self.started_at = Some(call.now);
        }
        if self.stage.as_deref() != stage {
            self.stage = stage.map(str::to_owned);
            self.updated_at = call.now;
        }
    }

    /// From now on it has this status.
    pub fn turn(&mut self, call: &Call, status: Status) {
        self.status = status;
        self.updated_at = call.now;
        if status.is_finished() {
            self.stage = None;
            self.finished_at = Some(call.now);
        }
    }

    fn brief(&self, service: &Service, cluster_arn: &str) -> Value {
        let mut answer = json!({
            "serviceDeploymentArn": self.arn,
            "serviceArn": service.arn,
            "clusterArn": cluster_arn,
            "createdAt": self.created_at,
            "targetServiceRevisionArn": service.revision_arn(&self.revision),
            "status": self.status.name(),
        });
        let times = [("startedAt", self.started_at), ("finishedAt", self.finished_at)];
        for (member, at) in times.into_iter().filter_map(|(member, at)| Some((member, at?))) {
            answer[member] = json!(at);
        }
        if let Some(reason) = &self.reason {
            answer["statusReason"] = json!(reason);
        }
        answer
    }

    fn whole(&self, cluster: &Cluster, service: &Service) -> Value {
        let mut answer = self.brief(service, &cluster.arn);
        if let Some(members) = answer.as_object_mut() {
            members.shift_remove("targetServiceRevisionArn");
        }
        answer["updatedAt"] = json!(self.updated_at);
        let summary = |id: &String| service.revision_summary(cluster, id);
        answer["sourceServiceRevisions"] = self.sources.iter().map(summary).collect();
        answer["targetServiceRevision"] = summary(&self.revision);
        answer["deploymentConfiguration"] = json!(self.configuration);
        answer["deploymentCircuitBreaker"] = self.breaker(service);
        answer["alarms"] = self.alarms();
        if let Some(at) = self.finished_at.filter(|_| self.status == Status::Stopped) {
            answer["stoppedAt"] = json!(at);
        }
        if let Some(stage) = &self.stage {
            answer["lifecycleStage"] = json!(stage);
        }
        if let Some(Rollback { reason, started_at, to }) = &self.rollback {
            let revision = service.revision_arn(to);
            answer["rollback"] =
                json!({"reason": reason, "startedAt": started_at, "serviceRevisionArn": revision});
        }
        answer
    }

    fn breaker(&self, service: &Service) -> Value {
        let breaker = Breaker::of(&self.configuration);
        let status = match &breaker {
            None => "DISABLED",
            Some(_) if self.tripped => "TRIGGERED",
            Some(_) if self.status.is_finished() => "MONITORING_COMPLETE",
            Some(_) => "MONITORING",
        };
        let desired = u64::try_from(service.desired_count()).unwrap_or(0);
        let threshold = self.threshold.or_else(|| Some(breaker?.threshold(desired))).unwrap_or(0);
        json!({"status": status, "failureCount": self.failures, "threshold": threshold})
    }

    /// Nothing raises an alarm here.
    fn alarms(&self) -> Value {
        let alarms = at(&self.configuration, "alarms");
        let status = match (alarms["enable"] == true, self.status.is_finished()) {
            (false, _) => "DISABLED",
            (true, false) => "MONITORING",
            (true, true) => "MONITORING_COMPLETE",
        };
        let names = alarms["alarmNames"].as_array().cloned().unwrap_or_default();
        json!({"status": status, "alarmNames": names, "triggeredAlarmNames": []})
    }
}

impl Service {
    /// What a revision has of tasks.
    pub fn revision_summary(&self, cluster: &Cluster, id: &str) -> Value {
        let (running, pending) = self.count(cluster, Some(id));
        let requested =
            self.deployments.iter().find(|deployment| deployment.id == id).map_or(0, |d| d.desired);
        json!({
            "arn": self.revision_arn(id),
            "requestedTaskCount": requested,
            "runningTaskCount": running,
            "pendingTaskCount": pending,
        })
    }
}

/// Newest first; the sorting by keys of the listing is turned over.
pub fn list(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let (cluster, service) = service::named(state, input)?;
    let statuses = field::texts(input, "status");
    let created = field::object(input, "createdAt").cloned().unwrap_or_default();
    let bound = |member: &str| created.get(member).and_then(Value::as_f64);
    let chosen = service.history.iter().rev().enumerate().filter(|(_, deployment)| {
        (statuses.is_empty() || statuses.contains(&deployment.status.name()))
            && bound("after").is_none_or(|after| deployment.created_at > after)
            && bound("before").is_none_or(|before| deployment.created_at < before)
    });
    let items = chosen.map(|(age, deployment)| {
        (format!("{:010}", 9_999_999_999 - age), deployment.brief(service, &cluster.arn))
    });
    listing::paged(input, "serviceDeployments", items, (20, 100))
}

pub fn describe(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let whole = |arn: &str| {
        let (cluster, service, _) = state.of_service(arn)?;
        let found = service.history.iter().find(|deployment| deployment.arn == arn)?;
        Some(found.whole(cluster, service))
    };
    listing::of_arns(input, "serviceDeploymentArns", "serviceDeployments", whole)
}

/// Has a deployment rolled back: at once where it is not yet under way, else it goes on with that.
pub fn stop(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let arn = field::text(input, "serviceDeploymentArn").unwrap_or_default();
    let (cluster, service, n) = state.find(arn)?;
    // AWS's documentation: "The valid values are ROLLBACK".
    if field::text(input, "stopType").is_some_and(|kind| kind != "ROLLBACK") {
        return Err(invalid("The valid values for stopType are ROLLBACK."));
    }
    let status = service.history[n].status;
    if status.is_finished() {
        let message =
            format!("Service deployment cannot be stopped because it is in the {} state.", status.name());
        return Err(Refusal::client("ConflictException", message));
    }
    let (cluster, name) = (cluster.name.clone(), service.name.clone());
    if matches!(status, Status::Pending | Status::InProgress)
        && let Some(service) = state.clusters.get_mut(&cluster).and_then(|c| c.services.get_mut(&name))
    {
        service.history[n].turn(call, Status::RollbackRequested);
        state.agenda.wake(call.now + service::NOTICED, Wake::Service { cluster, service: name });
    }
    Ok(json!({"serviceDeploymentArn": arn}))
}

/// Answers a hook that pauses a deployment. There are none here.
pub fn proceed(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    state.find(field::text(input, "serviceDeploymentArn").unwrap_or_default())?;
    let hook = field::text(input, "hookId").unwrap_or_default();
    Err(invalid(format!(
        "The service deployment does not wait for a lifecycle hook `{hook}`: the sandbox's deployments never pause."
    )))
}

impl State {
    fn find<'a>(&'a self, arn: &'a str) -> Result<(&'a Cluster, &'a Service, usize), Refusal> {
        let found = self.of_service(arn).and_then(|(cluster, service, _)| {
            let n = service.history.iter().position(|deployment| deployment.arn == arn)?;
            Some((cluster, service, n))
        });
        found.ok_or_else(|| {
            Refusal::client("ServiceDeploymentNotFoundException", "Service deployment not found.")
        })
    }
}
