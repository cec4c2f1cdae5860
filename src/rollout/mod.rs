//! Where a deployment stands, judged from what AWS describes. Pure.
//!
//! Success is only this: the PRIMARY deployment runs what was asked for, and its rollout is COMPLETED. A circuit
//! breaker's rollback ends COMPLETED, too, on the old revision, and in the middle of it PRIMARY is already the old one:
//! so [`progress`] says where the service stands, and whether that is where it should be is judged by who knows the
//! whole bundle that is wanted (`plan`), from the [`history`] of deployments. Tests: in every file.

pub mod bundle;
mod cause;
pub mod history;

pub use cause::{Cause, causes};

use crate::model::desired::Document;
use crate::model::names::family_and_revision;
use serde_json::Value;
use std::fmt;

/// Where a service's rollout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// PRIMARY's rollout is complete, and its tasks run.
    Done,
    /// On its way, with the reasons of those tasks that failed meanwhile, where they were asked for.
    Rolling { counts: Counts, causes: Vec<Cause> },
    /// It failed and is on its way back.
    RollingBack(Failure),
    /// It failed and went back, or somebody sent it back.
    RolledBack(Failure),
    /// It failed, and nothing brings it back by itself.
    Failed(Failure),
}

/// Tasks of the newest deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    /// Tasks that failed to start, as AWS counts them.
    pub failed: i64,
}

/// A deployment that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The revision that was tried, as `family:revision`.
    pub from: String,
    /// The revision that it goes back to; none: there is none, or nothing goes back.
    pub to: Option<String>,
    /// AWS's own words.
    pub reason: String,
    /// Tasks that failed as the circuit breaker counts them, and how many it takes.
    pub breaker: Option<(i64, i64)>,
    pub causes: Vec<Cause>,
}

impl Progress {
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::RollingBack(failure) | Self::RolledBack(failure) | Self::Failed(failure) => Some(failure),
            Self::Done | Self::Rolling { .. } => None,
        }
    }

    /// Whether time will change it.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Rolling { .. } | Self::RollingBack(_))
    }
}

/// Where the service that DescribeServices answered stands by itself, whatever is wanted of it.
pub fn progress(service: &Document) -> Progress {
    let Some(primary) = primary(service) else {
        // EXTERNAL: what runs is in task sets, which somebody else rolls out.
        return Progress::Done;
    };
    let counts = counts(service, primary);
    match primary["rolloutState"].as_str() {
        Some("FAILED") => Progress::Failed(failure(primary, None)),
        Some("COMPLETED") if counts.running >= counts.desired => Progress::Done,
        // Services older than rollout states have none.
        None if deployments(service).len() == 1 && counts.running >= counts.desired => Progress::Done,
        // A circuit breaker at work: the old revision is PRIMARY again, and what failed is still there.
        Some("IN_PROGRESS") if is_going_back(primary) => {
            let old = deployments(service).iter().find(|deployment| has_failed(deployment));
            Progress::RollingBack(failure(old.unwrap_or(primary), Some(task_definition(primary))))
        }
        _ => Progress::Rolling { counts, causes: Vec::new() },
    }
}

/// Whether a deployment of the service failed, or tasks of one under way do: reason enough to look for the causes.
pub fn shows_failure(service: &Document) -> bool {
    let fails = |deployment: &Value| {
        deployment["rolloutState"] == "IN_PROGRESS"
            && deployment["failedTasks"].as_i64().unwrap_or_default() > 0
    };
    deployments(service).iter().any(has_failed) || primary(service).is_some_and(fails)
}

/// The deployment of this revision that the service itself shows as failed, for as long as it does.
pub fn failed_visibly(service: &Document, revision: &str) -> Option<Failure> {
    let failed = |deployment: &&Value| has_failed(deployment) && task_definition(deployment) == revision;
    let found = deployments(service).iter().find(failed)?;
    let back = primary(service).map(task_definition).filter(|running| running != revision);
    Some(failure(found, back))
}

/// Whether the newest deployment itself failed and nothing took its place.
pub fn has_failed_in_place(service: &Document) -> bool {
    primary(service).is_some_and(has_failed)
}

/// Whether AWS is at work on a deployment.
pub fn is_deploying(service: &Document) -> bool {
    primary(service).is_some_and(|primary| primary["rolloutState"] == "IN_PROGRESS")
}

fn failure(deployment: &Value, to: Option<String>) -> Failure {
    Failure {
        from: task_definition(deployment),
        to,
        reason: deployment["rolloutStateReason"].as_str().unwrap_or("the rollout failed").to_owned(),
        ..Failure::default()
    }
}

fn deployments(service: &Document) -> &[Value] {
    service.get("deployments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn primary(service: &Document) -> Option<&Value> {
    deployments(service).iter().find(|deployment| deployment["status"] == "PRIMARY")
}

fn has_failed(deployment: &Value) -> bool {
    deployment["rolloutState"] == "FAILED"
}

fn is_going_back(primary: &Value) -> bool {
    primary["rolloutStateReason"].as_str().is_some_and(|reason| reason.contains("rolling back to deployment"))
}

fn task_definition(deployment: &Value) -> String {
    family_and_revision(deployment["taskDefinition"].as_str().unwrap_or_default()).to_owned()
}

fn counts(service: &Document, primary: &Value) -> Counts {
    let number = |value: Option<&Value>| value.and_then(Value::as_i64).unwrap_or_default();
    let of_primary = |name: &str| number(primary.get(name));
    Counts {
        // Right after an update PRIMARY says 0 while the service says more.
        desired: of_primary("desiredCount").max(number(service.get("desiredCount"))),
        running: of_primary("runningCount"),
        pending: of_primary("pendingCount"),
        failed: of_primary("failedTasks"),
    }
}

impl fmt::Display for Failure {
    /// AWS's words, and what the circuit breaker counted.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.reason.trim_end_matches('.'))?;
        if let Some((failed, threshold)) = self.breaker {
            write!(f, " ({failed} failed tasks, threshold {threshold})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(status: &str, rollout: &str, revision: &str, running: i64, reason: &str) -> Value {
        json!({"status": status, "taskDefinition": format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/{revision}"),
             "desiredCount": 2, "runningCount": running, "pendingCount": 0, "failedTasks": 0, "rolloutState": rollout, "rolloutStateReason": reason})
    }

    fn judged(deployments: &[Value]) -> Progress {
        progress(json!({"desiredCount": 2, "deployments": deployments}).as_object().unwrap())
    }

    #[test]
    fn a_rollout_on_its_way_has_counts_and_a_complete_one_is_done_when_its_tasks_run() {
        let counts = Counts { desired: 2, running: 1, pending: 0, failed: 0 };
        let rolling = Progress::Rolling { counts, causes: vec![] };
        assert_eq!(judged(&[deployment("PRIMARY", "IN_PROGRESS", "web:2", 1, "")]), rolling);
        assert_eq!(judged(&[deployment("PRIMARY", "COMPLETED", "web:2", 1, "")]), rolling);
        assert_eq!(judged(&[deployment("PRIMARY", "COMPLETED", "web:2", 2, "")]), Progress::Done);
    }

    #[test]
    fn a_failed_rollout_says_what_failed_and_why() {
        let Progress::Failed(failure) =
            judged(&[deployment("PRIMARY", "FAILED", "web:2", 0, "tasks failed to start")])
        else {
            panic!()
        };
        assert_eq!(
            (failure.from.as_str(), failure.to, failure.reason.as_str()),
            ("web:2", None, "tasks failed to start")
        );
    }

    #[test]
    fn in_the_middle_of_a_rollback_the_old_revision_is_already_primary() {
        let back =
            "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/6405940160831029548.";
        let Progress::RollingBack(failure) = judged(&[
            deployment("PRIMARY", "IN_PROGRESS", "web:1", 1, back),
            deployment(
                "ACTIVE",
                "FAILED",
                "web:2",
                0,
                "ECS deployment circuit breaker: tasks failed to start.",
            ),
        ]) else {
            panic!()
        };
        assert_eq!((failure.from.as_str(), failure.to.as_deref()), ("web:2", Some("web:1")));
        assert!(failure.reason.ends_with("tasks failed to start."));
    }
}
