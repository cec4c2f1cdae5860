//! What DescribeServices and the listings of services answer.
//!
//! Tests: `tests/service.rs`.

use serde_json::{Value, json};

use super::State;
use super::cluster::{Cluster, namespace_arn};
use super::listing::{self, includes};
use super::service::{Service, Status};
use super::service_deployment::Status::Pending;
use super::words::{arn_of, invalid, short};
use crate::sandbox::{Call, Document, Refusal, field};

/// Members of `spec` that are answered as they are.
const ECHOED: [&str; 18] = [
    "loadBalancers",
    "serviceRegistries",
    "desiredCount",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "taskDefinition",
    "deploymentConfiguration",
    "roleArn",
    "placementConstraints",
    "placementStrategy",
    "networkConfiguration",
    "healthCheckGracePeriodSeconds",
    "schedulingStrategy",
    "deploymentController",
    "availabilityZoneRebalancing",
    "propagateTags",
];

pub fn answer(cluster: &Cluster, service: &Service, with_tags: bool) -> Value {
    let mut answer = json!({
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": cluster.arn,
        "status": match service.status {
            Status::Active => "ACTIVE",
            Status::Draining => "DRAINING",
            Status::Inactive => "INACTIVE",
        },
    });
    for (member, value) in ECHOED.into_iter().filter_map(|member| Some((member, service.spec.get(member)?))) {
        answer[member] = value.clone();
    }
    let (running, pending) = service.count(cluster, None);
    answer["runningCount"] = json!(running);
    answer["pendingCount"] = json!(pending);
    if service.is_daemon() {
        answer["desiredCount"] = json!(service.deployments.first().map_or(0, |primary| primary.desired));
    }
    let each = service.deployments.iter().enumerate();
    answer["deployments"] =
        each.map(|(n, d)| d.answer(n == 0, service.count(cluster, Some(&d.id)))).collect();
    if service.controller() == "EXTERNAL" {
        answer["taskSets"] = json!([]);
    }
    answer["events"] = service.events_answer();
    answer["createdAt"] = json!(service.created_at);
    if let Some(current) = service.history.first().filter(|current| current.status != Pending) {
        answer["currentServiceDeployment"] = json!(current.arn);
    }
    let revisions = service.deployments.iter().map(|d| service.revision_summary(cluster, &d.id));
    answer["currentServiceRevisions"] = revisions.collect();
    answer["createdBy"] = json!(created_by(&cluster.arn));
    for flag in ["enableECSManagedTags", "enableExecuteCommand"] {
        answer[flag] = json!(field::flag(&service.spec, flag).unwrap_or(false));
    }
    answer["resourceManagementType"] = json!("CUSTOMER");
    if with_tags {
        answer["tags"] = service.tags.answer();
    }
    answer
}

/// The sandbox's one user, in the account that an ARN is of.
fn created_by(arn: &str) -> String {
    let parts: Vec<&str> = arn.split(':').collect();
    let part = |n: usize| parts.get(n).copied().unwrap_or_default();
    format!("arn:{}:iam::{}:user/sandbox", part(1), part(4))
}

pub fn describe(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let names = field::texts(input, "services");
    if names.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if names.len() > 10 {
        return Err(invalid("Services can have at most 10 items."));
    }
    let find = |name: &str| {
        let service = cluster.services.get(short(name))?;
        let elsewhere = name.matches('/').count() == 2 && name != service.arn;
        (!elsewhere).then(|| answer(cluster, service, includes(input, "TAGS")))
    };
    let arn = |name: &str| arn_of(call, "service", &format!("{}/{}", cluster.name, short(name)));
    Ok(listing::described("services", &names, find, arn))
}

/// Those that are ACTIVE.
pub fn list(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let is = |member: &str, service: &Service| {
        field::text(input, member).is_none_or(|wanted| field::text(&service.spec, member) == Some(wanted))
    };
    let chosen = cluster.services.values().filter(|service| {
        service.is_active()
            && is("launchType", service)
            && is("schedulingStrategy", service)
            && field::text(input, "resourceManagementType").is_none_or(|wanted| wanted == "CUSTOMER")
    });
    listing::paged(input, "serviceArns", listing::arns(chosen.map(|service| service.arn.as_str())), (10, 100))
}

pub fn list_by_namespace(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let namespace = namespace_arn(call, field::text(input, "namespace").unwrap_or_default());
    let uses = |service: &&Service| {
        let connect = field::object(&service.spec, "serviceConnectConfiguration");
        service.is_active()
            && connect.and_then(|connect| field::text(connect, "namespace")) == Some(namespace.as_str())
    };
    let chosen = state.clusters.values().flat_map(|cluster| cluster.services.values()).filter(uses);
    listing::paged(input, "serviceArns", listing::arns(chosen.map(|service| service.arn.as_str())), (10, 100))
}
