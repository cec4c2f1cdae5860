//! What a service's `deployments` are: those of which it has tasks, or to which it may roll back.
//! What DescribeServiceDeployments tells of them is in `service_deployment`.
//!
//! Tests: `tests/deployment.rs`, `tests/rollback.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::restart::Restart;
use super::service::Service;
use super::service_deployment::{self, ServiceDeployment};
use super::service_revision::{self, ServiceRevision};
use super::words::objects;
use crate::sandbox::{Call, Document, field};

/// One of a service's `deployments`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    /// The number in `ecs-svc/…`, and of the service revision.
    pub id: String,
    /// The revision's members, as the service says them.
    pub spec: Document,
    pub desired: u64,
    /// Its tasks that failed; in a row, unless the circuit breaker is told to count all.
    pub failed: u64,
    pub restart: Restart,
    created_at: f64,
    updated_at: f64,
    pub rollout: Rollout,
    rollout_reason: String,
    /// For the strategies that shift traffic: when the old revision may go.
    pub bake_until: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl Rollout {
    fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

impl Deployment {
    pub fn arn_name(&self) -> String {
        format!("ecs-svc/{}", self.id)
    }

    /// From now on its rollout is in this state, for this reason.
    pub fn become_rollout(&mut self, call: &Call, rollout: Rollout, reason: String) {
        self.rollout = rollout;
        self.rollout_reason = reason;
        self.updated_at = call.now;
    }

    pub fn answer(&self, is_primary: bool, (running, pending): (usize, usize)) -> Value {
        let mut answer = json!({
            "id": self.arn_name(),
            "status": if is_primary { "PRIMARY" } else { "ACTIVE" },
            "desiredCount": self.desired,
            "pendingCount": pending,
            "runningCount": running,
            "failedTasks": self.failed,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "rolloutState": self.rollout.name(),
            "rolloutStateReason": self.rollout_reason,
        });
        let members = [
            "taskDefinition",
            "capacityProviderStrategy",
            "launchType",
            "platformVersion",
            "platformFamily",
            "networkConfiguration",
            "serviceConnectConfiguration",
            "volumeConfigurations",
            "vpcLatticeConfigurations",
        ];
        let spec = service_revision::resolved(&self.spec);
        for (member, value) in members.into_iter().filter_map(|member| Some((member, spec.get(member)?))) {
            answer[member] = value.clone();
        }
        if let Some(connect) = field::object(&self.spec, "serviceConnectConfiguration") {
            let resources: Vec<Value> =
                objects(connect, "services").map(|service| discovery(connect, service)).collect();
            if !resources.is_empty() {
                answer["serviceConnectResources"] = json!(resources);
            }
        }
        answer
    }
}

fn discovery(connect: &Document, service: &Document) -> Value {
    let name = field::text(service, "discoveryName").unwrap_or_default();
    let namespace = field::text(connect, "namespace").unwrap_or_default();
    let prefix = namespace.split(":namespace/").next().unwrap_or_default();
    let id = super::words::scattered(&format!("{namespace}/{name}"));
    json!({"discoveryName": name, "discoveryArn": format!("{prefix}:service/srv-{id:016x}")})
}

/// A new PRIMARY for what the service now wants.
pub fn begin(service: &mut Service, call: &Call, cluster: &str) {
    service_deployment::cancel(service, call);
    let id = call.ids.digits(19);
    let spec = service_revision::of(&service.spec);
    let revision = ServiceRevision { spec: spec.clone(), created_at: call.now };
    service.revisions.insert(id.clone(), revision);
    let history = ServiceDeployment::begin(service, call, cluster, &id);
    service.history.insert(0, history);
    let rollout_reason = format!("ECS deployment ecs-svc/{id} in progress.");
    let primary = Deployment {
        id,
        spec,
        desired: 0,
        failed: 0,
        restart: Restart::default(),
        created_at: call.now,
        updated_at: call.now,
        rollout: Rollout::InProgress,
        rollout_reason,
        bake_until: None,
    };
    service.deployments.insert(0, primary);
    service.steady = false;
    service_deployment::forget_old(service, call);
}
