//! The end of a deployment that failed: the last one that had COMPLETED is PRIMARY again, or nothing
//! more is started.
//!
//! AWS makes no new deployment for a rollback. The old one goes from COMPLETED back to IN_PROGRESS
//! under its own id, "which means that it is not eligible for another rollback until it reaches
//! COMPLETED" (developer guide, deployment circuit breaker); that is also what people have seen.
//!
//! Tests: `tests/rollback.rs`.

use super::deployment::Rollout;
use super::service::Service;
use super::service_deployment::{Rollback, Status};
use super::service_revision;
use crate::sandbox::Call;

/// What ended a deployment. Alarms would be another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    CircuitBreaker,
    /// StopServiceDeployment. Its words are not known from AWS.
    Request,
}

impl Cause {
    /// Of the deployment that failed: `rolloutStateReason`.
    fn failed(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "ECS deployment circuit breaker: tasks failed to start.",
            Self::Request => "ECS deployment stopped by a request.",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "tasks failed to start.",
            Self::Request => "rollback requested.",
        }
    }

    /// Of the deployment that it goes back to: `rolloutStateReason`.
    fn back_to(self, deployment: &str) -> String {
        match self {
            Self::CircuitBreaker => {
                format!("ECS deployment circuit breaker: rolling back to deploymentId {deployment}.")
            }
            Self::Request => format!("ECS deployment stopped: rolling back to deploymentId {deployment}."),
        }
    }

    /// Of the service deployment: `statusReason`, and the rollback's reason.
    fn rolled_back(self) -> &'static str {
        match self {
            Self::CircuitBreaker => {
                "Service deployment rolled back because the circuit breaker threshold was exceeded."
            }
            Self::Request => "Service deployment rolled back because of a request to stop it.",
        }
    }
}

/// Not known from AWS.
const STOPPED: &str = "Service deployment stopped because the circuit breaker threshold was exceeded.";
const NO_CANDIDATE: &str = "No rollback candidate was found to run the rollback.";

/// The PRIMARY has failed.
pub fn begin(service: &mut Service, call: &Call, cause: Cause, roll_back: bool) {
    let Some(primary) = service.deployments.first_mut() else { return };
    let name = primary.arn_name();
    primary.become_rollout(call, Rollout::Failed, cause.failed().to_owned());
    service.say(call, &format!(") (deployment {name}) deployment failed: {}", cause.event()));
    let completed =
        service.deployments.iter().position(|deployment| deployment.rollout == Rollout::Completed);
    match completed.filter(|_| roll_back) {
        Some(n) => go_back(service, call, cause, n),
        None => finish(service, call, cause, roll_back),
    }
}

/// Nothing more is started: the deployment has stalled.
fn finish(service: &mut Service, call: &Call, cause: Cause, roll_back: bool) {
    let Some(current) = service.history.first_mut() else { return };
    current.tripped |= cause == Cause::CircuitBreaker;
    let (status, reason) =
        if roll_back { (Status::RollbackFailed, NO_CANDIDATE) } else { (Status::Stopped, STOPPED) };
    current.reason = Some(reason.to_owned());
    current.turn(call, status);
}

/// The deployment `n` is PRIMARY again, and its revision what the service says. What no revision
/// holds (the desired count, the deployment configuration …) stays.
fn go_back(service: &mut Service, call: &Call, cause: Cause, n: usize) {
    let mut back = service.deployments.remove(n);
    let name = back.arn_name();
    back.failed = 0;
    back.restart.recovered();
    back.bake_until = None;
    back.become_rollout(call, Rollout::InProgress, cause.back_to(&name));
    service_revision::bring_back(&mut service.spec, &back.spec);
    if let Some(current) = service.history.first_mut() {
        let reason = cause.rolled_back();
        current.tripped |= cause == Cause::CircuitBreaker;
        current.rollback =
            Some(Rollback { reason: reason.to_owned(), started_at: call.now, to: back.id.clone() });
        current.reason = Some(reason.to_owned());
        current.turn(call, Status::RollbackInProgress);
    }
    service.deployments.insert(0, back);
    service.steady = false;
    service.say(call, &format!(") rolling back to deployment {name}."));
}
