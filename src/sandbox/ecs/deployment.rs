//! Deployments of services: those under way, their history, and the revisions that they brought.
//!
//! Tests: `tests/deployment.rs`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::State;
use super::listing;
use super::service::{self, Service};
use super::task_definition::{self, Family};
use super::words::{arn_of, invalid, objects};
use crate::sandbox::{Call, Document, Refusal, field};

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

/// Seconds for which the history is kept: 90 days.
const HISTORY: f64 = 90.0 * 86_400.0;

/// One of a service's `deployments`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    /// The number in `ecs-svc/…`, and of the service revision.
    pub id: String,
    /// The revision's members.
    pub spec: Document,
    pub desired: u64,
    pub failed: u64,
    created_at: f64,
    updated_at: f64,
    pub rollout: Rollout,
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

/// One of what ListServiceDeployments lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceDeployment {
    pub arn: String,
    /// The deployment's id.
    revision: String,
    sources: Vec<String>,
    pub status: Cow<'static, str>,
    reason: Option<Cow<'static, str>>,
    stage: Option<Cow<'static, str>>,
    created_at: f64,
    started_at: Option<f64>,
    finished_at: Option<f64>,
    updated_at: f64,
    configuration: Value,
}

impl Deployment {
    pub fn arn_name(&self) -> String {
        format!("ecs-svc/{}", self.id)
    }

    pub fn answer(&self, is_primary: bool, (running, pending): (usize, usize)) -> Value {
        let (rollout, reason) = match self.rollout {
            Rollout::InProgress => ("IN_PROGRESS", "in progress"),
            Rollout::Completed => ("COMPLETED", "completed"),
            Rollout::Failed => ("FAILED", "failed"),
        };
        let mut answer = json!({
            "id": self.arn_name(),
            "status": if is_primary { "PRIMARY" } else { "ACTIVE" },
            "desiredCount": self.desired,
            "pendingCount": pending,
            "runningCount": running,
            "failedTasks": self.failed,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "rolloutState": rollout,
            "rolloutStateReason": format!("ECS deployment {} {reason}.", self.arn_name()),
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
        for (member, value) in members.into_iter().filter_map(|member| Some((member, self.spec.get(member)?)))
        {
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

    pub fn touch(&mut self, call: &Call) {
        self.updated_at = call.now;
    }
}

fn discovery(connect: &Document, service: &Document) -> Value {
    let name = field::text(service, "discoveryName").unwrap_or_default();
    let namespace = field::text(connect, "namespace").unwrap_or_default();
    let prefix = namespace.split(":namespace/").next().unwrap_or_default();
    let id = super::words::scattered(&format!("{namespace}/{name}"));
    json!({"discoveryName": name, "discoveryArn": format!("{prefix}:service/srv-{id:016x}")})
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

/// What was the alternate target group is now the live one.
pub fn swap(balancer: &mut Value) {
    if let Some(alternate) = balancer.pointer("/advancedConfiguration/alternateTargetGroupArn").cloned() {
        let live = std::mem::replace(&mut balancer["targetGroupArn"], alternate);
        balancer["advancedConfiguration"]["alternateTargetGroupArn"] = live;
    }
}

/// A new PRIMARY for what the service now wants.
pub fn begin(service: &mut Service, families: &BTreeMap<String, Family>, call: &Call, cluster: &str) {
    cancel(service, call);
    let id = call.ids.digits(19);
    let members = REVISION.iter().filter(|member| **member != "deploymentController");
    let mut spec: Document = members
        .filter_map(|member| Some(((*member).to_owned(), service.spec.get(*member)?.clone())))
        .collect();
    if service::is_on_fargate(&spec) {
        let version =
            field::text(&spec, "platformVersion").filter(|version| *version != "LATEST").unwrap_or("1.4.0");
        let version = json!(version);
        spec.insert("platformVersion".to_owned(), version);
    }
    let sources = service.deployments.iter().map(|deployment| deployment.id.clone()).take(1).collect();
    service.revisions.insert(id.clone(), revision(service, &spec, families, call, cluster, &id));
    service.history.insert(
        0,
        ServiceDeployment {
            arn: arn_of(
                call,
                "service-deployment",
                &format!("{cluster}/{}/{}", service.name, call.ids.hex(21)),
            ),
            revision: id.clone(),
            sources,
            status: "PENDING".into(),
            reason: None,
            stage: None,
            created_at: call.now,
            started_at: None,
            finished_at: None,
            updated_at: call.now,
            configuration: service.spec.get("deploymentConfiguration").cloned().unwrap_or_default(),
        },
    );
    let rollout = Rollout::InProgress;
    service.deployments.insert(
        0,
        Deployment {
            id,
            spec,
            desired: 0,
            failed: 0,
            created_at: call.now,
            updated_at: call.now,
            rollout,
            bake_until: None,
        },
    );
    service.steady = false;
    forget_old(service, call);
}

fn forget_old(service: &mut Service, call: &Call) {
    let Service { history, revisions, deployments, .. } = service;
    history.retain(|deployment| call.now - deployment.created_at < HISTORY);
    revisions.retain(|id, _| {
        deployments.iter().any(|deployment| deployment.id == *id)
            || history.iter().any(|deployment| deployment.revision == *id || deployment.sources.contains(id))
    });
}

fn revision(
    service: &Service,
    spec: &Document,
    families: &BTreeMap<String, Family>,
    call: &Call,
    cluster: &str,
    id: &str,
) -> Document {
    let mut revision = spec.clone();
    let definition =
        field::text(spec, "taskDefinition").and_then(|name| task_definition::find(families, name));
    let containers = definition.map(|definition| definition.body.clone()).unwrap_or_default();
    let images: Vec<Value> = objects(&containers, "containerDefinitions")
        .map(|container| {
            let image = field::text(container, "image").unwrap_or_default();
            let digest = [0, 1, 2, 3].map(|n| format!("{:016x}", super::words::scattered(&format!("{n}{image}")))).concat();
            json!({"containerName": container.get("name"), "image": image, "imageDigest": format!("sha256:{digest}")})
        })
        .collect();
    let balancers: Vec<Value> = objects(spec, "loadBalancers")
        .filter_map(|balancer| balancer.get("targetGroupArn"))
        .map(|group| json!({"targetGroupArn": group}))
        .collect();
    let members = [
        (
            "serviceRevisionArn",
            json!(arn_of(call, "service-revision", &format!("{cluster}/{}/{id}", service.name))),
        ),
        ("serviceArn", json!(service.arn)),
        ("clusterArn", json!(arn_of(call, "cluster", cluster))),
        ("containerImages", json!(images)),
        ("guardDutyEnabled", json!(false)),
        ("createdAt", json!(call.now)),
        ("resolvedConfiguration", json!({"loadBalancers": balancers})),
    ];
    revision.extend(members.map(|(member, value)| (member.to_owned(), value)));
    revision
}

/// A deployment that another one or the service's deletion overtakes.
pub fn cancel(service: &mut Service, call: &Call) {
    if let Some(current) = service.history.first_mut().filter(|current| current.finished_at.is_none()) {
        current.finish(
            call,
            "STOPPED",
            Some("Service deployment stopped because of a newer change of the service."),
        );
    }
}

impl ServiceDeployment {
    pub fn is_unfinished(&self) -> bool {
        self.finished_at.is_none()
    }

    /// The scheduler has begun with it, or reached another stage.
    pub fn proceed(&mut self, call: &Call, stage: Option<&'static str>) {
        self.status = "IN_PROGRESS".into();
        self.started_at.get_or_insert(call.now);
        if self.stage.as_deref() != stage {
            self.stage = stage.map(Cow::Borrowed);
            self.updated_at = call.now;
        }
    }

    pub fn finish(&mut self, call: &Call, status: &'static str, reason: Option<&'static str>) {
        self.status = status.into();
        self.reason = reason.map(Cow::Borrowed);
        self.stage = None;
        self.finished_at = Some(call.now);
        self.updated_at = call.now;
    }

    fn brief(&self, service: &Service, cluster_arn: &str) -> Value {
        let mut answer = json!({
            "serviceDeploymentArn": self.arn,
            "serviceArn": service.arn,
            "clusterArn": cluster_arn,
            "createdAt": self.created_at,
            "targetServiceRevisionArn": service.revision_arn(&self.revision),
            "status": self.status,
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

    fn whole(&self, service: &Service, cluster_arn: &str) -> Value {
        let mut answer = self.brief(service, cluster_arn);
        if let Some(members) = answer.as_object_mut() {
            members.shift_remove("targetServiceRevisionArn");
        }
        let count = |id: &str| service.deployments.iter().find(|d| d.id == id).map_or(0, |d| d.desired);
        let summary = |id: &String| {
            json!({
                "arn": service.revision_arn(id),
                "requestedTaskCount": count(id),
                "runningTaskCount": count(id),
                "pendingTaskCount": 0,
            })
        };
        answer["updatedAt"] = json!(self.updated_at);
        answer["sourceServiceRevisions"] = self.sources.iter().map(summary).collect();
        answer["targetServiceRevision"] = summary(&self.revision);
        answer["deploymentConfiguration"] = self.configuration.clone();
        let breaker = self.configuration["deploymentCircuitBreaker"]["enable"] == true;
        let monitoring = match (breaker, self.finished_at) {
            (false, _) => "DISABLED",
            (true, None) => "MONITORING",
            (true, Some(_)) => "MONITORING_COMPLETE",
        };
        answer["deploymentCircuitBreaker"] = json!({"status": monitoring, "failureCount": 0, "threshold": 3});
        if let Some(stage) = &self.stage {
            answer["lifecycleStage"] = json!(stage);
        }
        answer
    }
}

impl Service {
    pub fn revision_arn(&self, id: &str) -> String {
        format!("{}/{id}", self.arn.replacen(":service/", ":service-revision/", 1))
    }
}

/// Newest first; the sorting by keys of the listing is turned over.
pub fn list_deployments(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let (cluster, service) = service::named(state, input)?;
    let statuses = field::texts(input, "status");
    let created = field::object(input, "createdAt").cloned().unwrap_or_default();
    let bound = |member: &str| created.get(member).and_then(Value::as_f64);
    let chosen = service.history.iter().rev().enumerate().filter(|(_, deployment)| {
        (statuses.is_empty() || statuses.contains(&&*deployment.status))
            && bound("after").is_none_or(|after| deployment.created_at > after)
            && bound("before").is_none_or(|before| deployment.created_at < before)
    });
    let items = chosen.map(|(age, deployment)| {
        (format!("{:010}", 9_999_999_999 - age), deployment.brief(service, &cluster.arn))
    });
    listing::paged(input, "serviceDeployments", items, (20, 100))
}

pub fn describe_deployments(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let whole = |arn: &str| {
        let (cluster, service, _) = state.of_service(arn)?;
        let found = service.history.iter().find(|deployment| deployment.arn == arn)?;
        Some(found.whole(service, &cluster.arn))
    };
    described(input, "serviceDeploymentArns", "serviceDeployments", whole)
}

pub fn describe_revisions(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let revision = |arn: &str| {
        let (_, service, id) = state.of_service(arn)?;
        service.revisions.get(id).map(|revision| json!(revision))
    };
    described(input, "serviceRevisionArns", "serviceRevisions", revision)
}

fn described(
    input: &Document,
    arns: &str,
    list: &str,
    find: impl Fn(&str) -> Option<Value>,
) -> Result<Value, Refusal> {
    let arns = field::texts(input, arns);
    if arns.is_empty() || arns.len() > 20 {
        return Err(invalid("Between 1 and 20 ARNs must be specified."));
    }
    Ok(listing::described(list, &arns, find, str::to_owned))
}

impl State {
    /// Of `arn:…:service-revision/cluster/service/id` the service, and the id.
    fn of_service<'a>(&'a self, arn: &'a str) -> Option<(&'a super::Cluster, &'a Service, &'a str)> {
        let [_, cluster, service, id] = arn.split('/').collect::<Vec<_>>().try_into().ok()?;
        let cluster = self.clusters.get(cluster)?;
        Some((cluster, cluster.services.get(service)?, id))
    }
}
