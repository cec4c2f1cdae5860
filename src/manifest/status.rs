//! What the operator says of an object in its `status`: the shape, once, for who writes it, who reads it, and the CRDs.
//!
//! Doc comments are what `kubectl explain` prints. Words that the operator chooses (reasons, stages) are not closed in the
//! definitions: a newer operator reports to an older definition, and the API server would refuse the whole status for one
//! word. Times are RFC 3339, set by who writes the status. Tests: in `crd`, and against an API server in `tests/kube/`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most paths that a status lists.
pub const MOST_PATHS: usize = 20;

/// What the operator last saw and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    #[serde(flatten)]
    pub object: ObjectStatus,
    /// Empty but for services.
    #[serde(flatten)]
    pub service: ServiceStatus,
}

/// What the operator last saw and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectStatus {
    /// The generation of the object that the rest of the status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Synced: AWS has what the object says. Ready: it also runs. Reconciling: under way. Stalled: a person must act.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The ARN of the AWS resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The manifest that was put in place last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied: Option<Applied>,
    /// The manifest that ran well last: where a rollback leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Applied>,
    /// Where AWS is not what the object says, and was last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// The value of the annotation `ecs-operator.dev/reconcile-requested-at` that was handled last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// What only services have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// The task definition that the service names, as `family:revision`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// How many tasks should run, whoever says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<i32>,
    /// How many tasks run, of all deployments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<i32>,
    /// How many tasks are about to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<i32>,
    /// The newest deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

/// One aspect of the object's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Synced, Ready, Reconciling or Stalled.
    #[schemars(length(max = 316))]
    pub r#type: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why, in one word of a closed list.
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    pub reason: String,
    /// Why, and what a person can do about it.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// When it came to hold or ceased to.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// The generation of the object that it was judged for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

// Without docs on the variants: with them the schema would be one of three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    True,
    False,
    Unknown,
}

/// A manifest and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// The hash of the manifest without its secrets, as the tag `ecs-operator.dev/state` has it.
    pub manifest: String,
    /// The generation of the object, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Of a service: the task definition, as `family:revision`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// When it was first seen so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub time: Option<String>,
}

/// What AWS has otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// How many paths differ.
    pub count: i32,
    /// The first of them, as `plan` prints them.
    #[schemars(length(max = MOST_PATHS))]
    pub paths: Vec<String>,
}

/// Where a deployment stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// The id of the deployment in AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    /// How far it is, in one word.
    pub stage: String,
    /// The task definition that it rolls out, as `family:revision`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// How many tasks it should have.
    pub desired: i32,
    /// How many of its tasks run.
    pub running: i32,
    /// How many of its tasks are about to run.
    pub pending: i32,
    /// How many of its tasks failed to start.
    pub failed: i32,
    /// When AWS started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub started_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_service_has_all_in_one_map_and_another_kind_nothing_of_services() {
        let object = ObjectStatus { observed_generation: Some(3), ..ObjectStatus::default() };
        let service = ServiceStatus { running: Some(2), ..ServiceStatus::default() };
        for (service, expected) in [
            (service, json!({"observedGeneration": 3, "running": 2})),
            (ServiceStatus::default(), json!({"observedGeneration": 3})),
        ] {
            let status = Status { object: object.clone(), service };
            let written = serde_json::to_value(&status).unwrap();
            assert_eq!(written, expected);
            assert_eq!(serde_json::from_value::<Status>(written).unwrap(), status);
        }
    }

    #[test]
    fn a_status_of_a_newer_operator_is_read() {
        let status: Status = serde_json::from_value(json!({"observedGeneration": 1, "later": {}})).unwrap();
        assert_eq!(status.object.observed_generation, Some(1));
    }
}
