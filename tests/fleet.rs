//! Fleets of thousands in a sandbox, made quickly: one manifest of each form takes the whole way, the others are
//! its copies under other names, and what the planner would do about them is performed without the SDK.
//!
//! For `tests/calls.rs` and `benches/`.

use bytes::Bytes;
use ecs_operator::aws::{Aws, Connection, Exchange, Share};
use ecs_operator::model::desired::{Desired, Object};
use ecs_operator::model::document::to_wire;
use ecs_operator::model::facts;
use ecs_operator::model::names::Kind;
use ecs_operator::plan::{Action, Options, Plan};
use ecs_operator::reconcile::Session;
use ecs_operator::resolve::{self, resolve};
use ecs_operator::sandbox::{self, Clock, Sandbox};
use ecs_operator::source;
use futures::FutureExt;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub const REGION: &str = "eu-central-1";

/// How many of each there are, in one cluster.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub services: usize,
    /// Of the services, those with a scalable target and two policies.
    pub scaled: usize,
    pub repositories: usize,
    /// Whether every service has a task definition of its own, or all run the same by name.
    pub own_definitions: bool,
}

/// A fleet that runs as it is declared.
pub struct Fleet {
    pub sandbox: Sandbox,
    pub desired: Desired,
}

impl Fleet {
    /// Declares it and makes it.
    pub async fn new(size: Size) -> Self {
        let sandbox = Sandbox::new(sandbox::Options { clock: Clock::Tokio, ..sandbox::Options::default() });
        if !size.own_definitions {
            let base = json!({"family": "base", "containerDefinitions": [{"name": "web", "image": "nginx"}],
                "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"});
            perform(&sandbox, "ecs", "RegisterTaskDefinition", &base);
        }
        let fleet = Self { sandbox, desired: declared(size) };
        let mut plan = fleet.session(Share::WHOLE).await.plan(&fleet.desired).await.unwrap().plan;
        fleet.make(&mut plan);
        // Whatever is under way comes to its end; and the tagging API knows all.
        fleet.sandbox.advance(Duration::from_hours(1));
        fleet.sandbox.forget_calls();
        fleet
    }

    /// A session that has read nothing yet.
    pub async fn session(&self, share: Share) -> Session {
        let sandbox = self.sandbox.clone();
        session(share, Arc::new(move |request| std::future::ready(sandbox.call(request)).boxed())).await
    }

    /// The calls since this was asked last, by operation.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for call in self.sandbox.calls() {
            *calls.entry(call.operation).or_default() += 1;
        }
        self.sandbox.forget_calls();
        calls
    }

    /// Does what the plan says, without tasks: they are of no interest and many.
    fn make(&self, plan: &mut Plan) {
        let mut answers: Vec<Value> = Vec::new();
        for action in &mut plan.actions {
            if action.operation == "CreateService" {
                action.input.insert("desiredCount".to_owned(), json!(0));
            }
            for binding in &action.bindings {
                let value = answers[binding.action].pointer(binding.from).unwrap().clone();
                action.input.insert(binding.to.to_owned(), value);
            }
            answers.push(perform(&self.sandbox, action.api, action.operation, &wire(action)));
        }
    }
}

/// A session that reaches AWS through `call`.
pub async fn session(share: Share, call: Exchange) -> Session {
    let aws = Aws::connect(Connection::InProcess { call, region: REGION.to_owned() }).await;
    let options = Options { owner: "default".to_owned(), ..Options::default() };
    Session::new(aws.with_budget(share), options)
}

fn wire(action: &Action) -> Value {
    let shape = facts::operation(action.api, action.operation).unwrap().input.unwrap().shape();
    to_wire(shape, &Value::Object(action.input.clone()))
}

/// A call by somebody else; a throttle is waited for by the sandbox's clock.
pub fn perform(sandbox: &Sandbox, api: &str, operation: &str, input: &Value) -> Value {
    let target = match api {
        "ecs" => "AmazonEC2ContainerServiceV20141113",
        "ecr" => "AmazonEC2ContainerRegistry_V20150921",
        _ => "AnyScaleFrontendService",
    };
    let body = Bytes::from(input.to_string());
    loop {
        let request = http::Request::post("http://sandbox/")
            .header("x-amz-target", format!("{target}.{operation}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential=X/20260101/{REGION}/{api}/aws4_request, SignedHeaders=host, Signature=0"),
            )
            .body(body.clone())
            .unwrap();
        let answer = sandbox.call(request).unwrap();
        let document: Value = serde_json::from_slice(answer.body()).unwrap();
        if answer.status().is_success() {
            return document;
        }
        assert!(document["__type"].as_str().unwrap().contains("Throttling"), "{operation}: {document}");
        sandbox.advance(Duration::from_secs(1));
    }
}

/// The fleet as objects.
pub fn declared(size: Size) -> Desired {
    let one = resolved(&manifests(Size { services: 2, scaled: 1, repositories: 1, ..size }));
    let of = |kind: Kind, name: &str| -> &Object {
        one.objects.values().find(|object| object.key.kind == kind && object.key.name == name).unwrap()
    };
    let (scaled, plain, repository) =
        (of(Kind::EcsService, "s00000"), of(Kind::EcsService, "s00001"), of(Kind::EcrRepository, "r00000"));
    let services = (0..size.services)
        .map(|index| copy(if index < size.scaled { scaled } else { plain }, &format!("s{index:05}")));
    let repositories = (0..size.repositories).map(|index| copy(repository, &format!("r{index:05}")));
    let objects = services.chain(repositories).chain([of(Kind::EcsCluster, "shop").clone()]);
    Desired { objects: objects.map(|object| (object.key.clone(), object)).collect(), source: None }
}

fn copy(object: &Object, name: &str) -> Object {
    let mut copy = object.clone();
    rename(&mut copy.spec, &object.key.name, name);
    name.clone_into(&mut copy.key.name);
    name.clone_into(&mut copy.origin.name);
    copy
}

fn rename(document: &mut Map<String, Value>, from: &str, to: &str) {
    for value in document.values_mut() {
        match value {
            Value::String(text) if text == from => to.clone_into(text),
            Value::Object(members) => rename(members, from, to),
            _ => {}
        }
    }
}

/// The manifests of a fleet.
pub fn manifests(size: Size) -> String {
    let manifest = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let services = (0..size.services).map(|index| {
        let spec = service(index < size.scaled, size.own_definitions);
        manifest("EcsService", &format!("s{index:05}"), spec)
    });
    let repositories =
        (0..size.repositories).map(|index| manifest("EcrRepository", &format!("r{index:05}"), json!({})));
    let all = [manifest("EcsCluster", "shop", json!({}))].into_iter().chain(services).chain(repositories);
    all.fold(String::new(), |text, manifest| text + &format!("---\n{manifest:#}\n"))
}

fn service(scaled: bool, own_definition: bool) -> Value {
    let mut spec = json!({
        "service": {
            "cluster": "shop", "launchType": "FARGATE",
            "networkConfiguration":
                {"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": ["sg-0bb"]}},
            "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}},
        },
    });
    if own_definition {
        spec["taskDefinition"] = json!({
            "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "containerDefinitions": [{
                "name": "web", "image": "nginx:1", "portMappings": [{"containerPort": 80}],
                "environment": [{"name": "STAGE", "value": "production"}],
            }],
        });
    } else {
        spec["service"]["taskDefinition"] = json!("base:1");
    }
    if scaled {
        let policy = |name: &str, metric: &str| {
            json!({
                "policyName": name, "policyType": "TargetTrackingScaling",
                "targetTrackingScalingPolicyConfiguration":
                    {"targetValue": 60.0, "predefinedMetricSpecification": {"predefinedMetricType": metric}},
            })
        };
        let policies = [
            policy("cpu", "ECSServiceAverageCPUUtilization"),
            policy("memory", "ECSServiceAverageMemoryUtilization"),
        ];
        spec["autoscaling"] = json!({"minCapacity": 0, "maxCapacity": 4, "policies": policies});
    }
    spec
}

/// What the text of manifests declares: it must be without fault.
pub fn resolved(text: &str) -> Desired {
    let snapshot = source::load(&[PathBuf::from("-")], &mut text.as_bytes());
    let resolved = resolve(&snapshot, &resolve::Options { default_region: Some(REGION.to_owned()) });
    let faults: Vec<_> = resolved.problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    resolved.desired
}
