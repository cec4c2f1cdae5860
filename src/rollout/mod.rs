//! Where a deployment stands, judged from what AWS describes. Pure.

use serde_json::{Map, Value};

/// Where a service's rollout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// PRIMARY runs the wanted revision and its rollout is complete.
    Done,
    /// On its way.
    Rolling(Counts),
    /// It came to an end elsewhere: failed, stopped, or rolled back.
    Failed { reason: String },
}

/// Tasks of the newest deployment, and all that still run beside it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    /// Tasks that failed to start, as AWS counts them.
    pub failed: i64,
}

/// Judges the service that DescribeServices answered. `wanted` is the revision that was asked for, as
/// `family:revision`; without one whatever PRIMARY runs counts.
pub fn progress(service: &Map<String, Value>, wanted: Option<&str>) -> Progress {
    let deployments =
        service.get("deployments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(primary) = deployments.iter().find(|deployment| deployment["status"] == "PRIMARY") else {
        // EXTERNAL: what runs is in task sets, which somebody else rolls out.
        return Progress::Done;
    };
    let counts = counts(service, primary);
    let running = primary["taskDefinition"].as_str().map(crate::model::names::family_and_revision);
    let elsewhere = wanted.is_some_and(|wanted| running != Some(wanted));
    let reason = || primary["rolloutStateReason"].as_str().unwrap_or("the rollout failed").to_owned();
    match primary["rolloutState"].as_str() {
        Some("FAILED") => Progress::Failed { reason: reason() },
        // A circuit breaker's rollback ends complete, on the old revision.
        Some("COMPLETED") if elsewhere => Progress::Failed {
            reason: format!("rolled back to {}: {}", running.unwrap_or("another revision"), reason()),
        },
        Some("COMPLETED") if counts.running >= counts.desired => Progress::Done,
        // Services older than rollout states have none.
        None if deployments.len() == 1 && counts.running >= counts.desired && !elsewhere => Progress::Done,
        _ => Progress::Rolling(counts),
    }
}

fn counts(service: &Map<String, Value>, primary: &Value) -> Counts {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(rollout: &str, task_definition: &str, running: i64) -> Progress {
        let service = json!({"desiredCount": 2, "deployments": [
            {"status": "PRIMARY", "taskDefinition": format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/{task_definition}"),
             "desiredCount": 2, "runningCount": running, "pendingCount": 0, "failedTasks": 0, "rolloutState": rollout, "rolloutStateReason": "why"}]});
        progress(service.as_object().unwrap(), Some("web:2"))
    }

    #[test]
    fn success_is_complete_on_the_revision_that_was_asked_for() {
        assert_eq!(judged("COMPLETED", "web:2", 2), Progress::Done);
        assert_eq!(
            judged("COMPLETED", "web:1", 2),
            Progress::Failed { reason: "rolled back to web:1: why".into() }
        );
        assert_eq!(judged("FAILED", "web:2", 0), Progress::Failed { reason: "why".into() });
    }

    #[test]
    fn a_rollout_on_its_way_has_counts() {
        let counts = Counts { desired: 2, running: 1, pending: 0, failed: 0 };
        assert_eq!(judged("IN_PROGRESS", "web:2", 1), Progress::Rolling(counts));
    }
}
