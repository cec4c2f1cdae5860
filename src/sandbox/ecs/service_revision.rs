//! Service revisions: what a deployment brings, which never changes.
//!
//! Tests: `tests/deployment.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::State;
use super::cluster::Cluster;
use super::listing;
use super::service::{self, Service};
use super::task_definition::{self, Family};
use super::words::objects;
use crate::sandbox::{Call, Document, Refusal, derived, field};

/// The members of a service whose change starts a deployment: what a service revision holds.
const REVISION: [&str; 14] = [
    "taskDefinition",
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "platformFamily",
    "loadBalancers",
    "serviceRegistries",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
    "deploymentController",
];

/// Of a service's `spec` what a revision holds and a rollback brings back. Which controller it has
/// is not a deployment's to change.
pub fn of(spec: &Document) -> Document {
    let members = REVISION.iter().filter(|member| **member != "deploymentController");
    members.filter_map(|member| Some(((*member).to_owned(), spec.get(*member)?.clone()))).collect()
}

/// Brings a service back to a revision; what no revision holds stays.
pub fn bring_back(spec: &mut Document, revision: &Document) {
    for member in REVISION.iter().filter(|member| **member != "deploymentController") {
        match revision.get(*member) {
            Some(value) => spec.insert((*member).to_owned(), value.clone()),
            None => spec.shift_remove(*member),
        };
    }
}

/// A revision with the platform version that `LATEST` is.
pub fn resolved(spec: &Document) -> Document {
    let mut spec = spec.clone();
    if service::is_on_fargate(&spec) {
        let version =
            field::text(&spec, "platformVersion").filter(|version| *version != "LATEST").unwrap_or("1.4.0");
        let version = json!(version);
        spec.insert("platformVersion".to_owned(), version);
    }
    spec
}

/// Whether a change of the service is a new revision. A pair of target groups that was swapped by
/// the last deployment is the same pair.
pub fn differs(before: &Document, after: &Document) -> bool {
    REVISION.iter().any(|member| match *member {
        "loadBalancers" => unswapped(before) != unswapped(after),
        member => before.get(member) != after.get(member),
    })
}

fn unswapped(spec: &Document) -> Vec<Value> {
    let mut all = field::list(spec, "loadBalancers").to_vec();
    for balancer in &mut all {
        if balancer["advancedConfiguration"]["alternateTargetGroupArn"].as_str()
            < balancer["targetGroupArn"].as_str()
        {
            swap(balancer);
        }
    }
    all
}

/// The same of all load balancers of a `spec`.
pub fn swap_all(spec: &mut Document) {
    if let Some(Value::Array(balancers)) = spec.get_mut("loadBalancers") {
        balancers.iter_mut().for_each(swap);
    }
}

/// What was the alternate target group is now the live one.
fn swap(balancer: &mut Value) {
    if let Some(alternate) = balancer.pointer("/advancedConfiguration/alternateTargetGroupArn").cloned() {
        let live = std::mem::replace(&mut balancer["targetGroupArn"], alternate);
        balancer["advancedConfiguration"]["alternateTargetGroupArn"] = live;
    }
}

/// One of what DescribeServiceRevisions describes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceRevision {
    pub spec: Document,
    pub created_at: f64,
}

impl ServiceRevision {
    fn answer(&self, state: &State, cluster: &Cluster, service: &Service, id: &str) -> Document {
        let mut answer = resolved(&self.spec);
        let balancers: Vec<Value> = objects(&self.spec, "loadBalancers")
            .filter_map(|balancer| balancer.get("targetGroupArn"))
            .map(|group| json!({"targetGroupArn": group}))
            .collect();
        let members = [
            ("serviceRevisionArn", json!(service.revision_arn(id))),
            ("serviceArn", json!(service.arn)),
            ("clusterArn", json!(cluster.arn)),
            ("containerImages", self.images(&state.task_definitions)),
            ("guardDutyEnabled", json!(false)),
            ("createdAt", json!(self.created_at)),
            ("resolvedConfiguration", json!({"loadBalancers": balancers})),
        ];
        answer.extend(members.map(|(member, value)| (member.to_owned(), value)));
        answer
    }

    fn images(&self, families: &BTreeMap<String, Family>) -> Value {
        let name = field::text(&self.spec, "taskDefinition");
        let definition = name.and_then(|name| task_definition::find(families, name));
        let one = |container: &Document| {
            let image = field::text(container, "image").unwrap_or_default();
            json!({"containerName": container.get("name"), "image": image, "imageDigest": derived::digest(image)})
        };
        definition
            .iter()
            .flat_map(|definition| objects(&definition.body, "containerDefinitions"))
            .map(one)
            .collect()
    }
}

pub fn describe(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let revision = |arn: &str| {
        let (cluster, service, id) = state.of_service(arn)?;
        service.revisions.get(id).map(|revision| json!(revision.answer(state, cluster, service, id)))
    };
    listing::of_arns(input, "serviceRevisionArns", "serviceRevisions", revision)
}

impl Service {
    pub fn revision_arn(&self, id: &str) -> String {
        format!("{}/{id}", self.arn.replacen(":service/", ":service-revision/", 1))
    }
}

impl State {
    /// Of `arn:…:service-revision/cluster/service/id` the service, and the id.
    pub fn of_service<'a>(&'a self, arn: &'a str) -> Option<(&'a super::Cluster, &'a Service, &'a str)> {
        let [_, cluster, service, id] = arn.split('/').collect::<Vec<_>>().try_into().ok()?;
        let cluster = self.clusters.get(cluster)?;
        Some((cluster, cluster.services.get(service)?, id))
    }
}
