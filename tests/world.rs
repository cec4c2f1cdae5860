//! A world to test in: the sandbox in process, under paused time, and the product's passes against it.
//!
//! Manifests are JSON values; they take the whole way: text, source, resolve, observe, plan, execute. Calls are
//! counted as the sandbox saw them.

use bytes::Bytes;
use ecs_operator::aws::{Api, Aws, Connection, Exchange, Operation, Patience};
use ecs_operator::execute::ActionResult;
use ecs_operator::manifest::problem::Problem;
use ecs_operator::model::desired::Desired;
use ecs_operator::model::names::tag;
use ecs_operator::observe::{RevisionCache, inventory};
use ecs_operator::plan::{Hold, ObjectPlan, Options, Plan, Verdict};
use ecs_operator::reconcile::Session;
use ecs_operator::resolve::{self, Resolved, resolve};
use ecs_operator::sandbox::{CallRecord, Clock, Fault, FaultKind, Outcome, Sandbox};
use ecs_operator::{sandbox, source};
use futures::FutureExt;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub const REGION: &str = "eu-central-1";
pub const ACCOUNT: &str = "123456789012";
/// Passes until everything must be done: capacity providers, attachments, a drained service.
const MOST_PASSES: usize = 60;

pub struct World {
    pub sandbox: Sandbox,
    pub session: Session,
    /// Somebody else's way to the same AWS.
    other: Aws,
    garbled: Arc<AtomicBool>,
}

/// What an apply did.
#[derive(Debug, Default)]
pub struct Applied {
    /// The operations that changed something, in their order, as the sandbox saw them.
    pub changes: Vec<String>,
    /// What failed, in words.
    pub failures: Vec<String>,
    /// The last plan: nothing of it can be written now.
    pub last: Plan,
}

impl World {
    pub async fn new() -> Self {
        Self::seeded(0).await
    }

    pub async fn seeded(seed: u64) -> Self {
        let options = sandbox::Options { seed, clock: Clock::Tokio, account: ACCOUNT.to_owned() };
        let sandbox = Sandbox::new(options);
        let garbled = Arc::new(AtomicBool::new(false));
        let session = Session::new(
            aws(&sandbox, &garbled).await,
            Options { owner: "default".to_owned(), ..Options::default() },
        );
        let other = aws(&sandbox, &Arc::default()).await;
        Self { sandbox, session, other, garbled }
    }

    /// A call by somebody else; it is not in [`Self::changes`].
    pub async fn behind(&self, operation: Operation, input: Value) -> Value {
        let before = self.sandbox.calls();
        let answer = self.other.call(REGION, operation, &input).await;
        self.sandbox.forget_calls();
        assert!(before.len() < 50_000);
        Value::Object(answer.unwrap_or_else(|error| panic!("{operation} {input}: {error}")).document)
    }

    /// Whether AWS takes it.
    pub async fn is_taken(&self, operation: Operation, input: &Value) -> bool {
        let answer = self.other.call(REGION, operation, input).await;
        self.sandbox.forget_calls();
        answer.is_ok()
    }

    /// A call by somebody else of an operation of ECS that the product does not use.
    pub fn poke(&self, operation: &str, input: &Value) -> Value {
        let request = http::Request::post("http://ecs.eu-central-1.amazonaws.com/")
            .header("x-amz-target", format!("AmazonEC2ContainerServiceV20141113.{operation}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=X/20260101/eu-central-1/ecs/aws4_request, SignedHeaders=host, Signature=0",
            )
            .body(Bytes::from(input.to_string()))
            .unwrap();
        let answer = self.sandbox.call(request).unwrap();
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(answer.status().is_success(), "{operation}: {body}");
        self.sandbox.forget_calls();
        serde_json::from_str(&body).unwrap()
    }

    pub async fn plan(&self, manifests: &[Value]) -> Plan {
        let plan = self.session.plan(&desired(manifests)).await.unwrap().plan;
        assert_eq!(ecs_operator::plan::lint::lint(&plan), Vec::<String>::new(), "{plan:#?}");
        plan
    }

    /// One pass.
    pub async fn pass(&self, manifests: &[Value]) -> Applied {
        self.sandbox.forget_calls();
        let plan = self.plan(manifests).await;
        let failures = self.execute(&plan).await;
        Applied { changes: self.changed(), failures, last: plan }
    }

    /// Passes until nothing more can be written, and all that was waited for has come.
    pub async fn apply(&self, manifests: &[Value]) -> Applied {
        let desired = desired(manifests);
        self.sandbox.forget_calls();
        let mut failures = Vec::new();
        for _ in 0..MOST_PASSES {
            let plan = match self.session.plan(&desired).await {
                Ok(planned) => planned.plan,
                Err(error) => {
                    failures.push(error.to_string());
                    return Applied { changes: self.changed(), failures, last: Plan::default() };
                }
            };
            let is_waiting = plan.objects.iter().any(|object| matches!(object.hold, Some(Hold::Waiting(_))));
            if !plan.actions.is_empty() {
                failures.extend(self.execute(&plan).await);
            }
            if !failures.is_empty() || (plan.actions.is_empty() && !is_waiting) {
                return Applied { changes: self.changed(), failures, last: plan };
            }
            tokio::time::sleep(Duration::from_secs(15)).await;
        }
        panic!("after {MOST_PASSES} passes there is still something to do: {:?}", self.changed());
    }

    async fn execute(&self, plan: &Plan) -> Vec<String> {
        let outcome =
            self.session.execute(plan).await.unwrap_or_else(|broken| panic!("{broken:#?}\n{plan:#?}"));
        let results = outcome.results.iter().zip(&plan.actions);
        results
            .filter_map(|(result, action)| match result {
                ActionResult::Done | ActionResult::Skipped => None,
                ActionResult::Failed(error) => {
                    Some(format!("{}: {error}\n{}", action.object, json!(action.input)))
                }
                ActionResult::NotOwned => Some(format!("{}: not ours", action.object)),
            })
            .collect()
    }

    /// Applies, and holds what must hold for whatever was applied: nothing failed, the next plan is empty, and
    /// applying again changes nothing, now and when all has settled.
    pub async fn applies(&self, manifests: &[Value]) -> Applied {
        let applied = self.apply(manifests).await;
        assert!(applied.failures.is_empty(), "{}\n{}", applied.failures.join("\n"), shown(manifests));
        self.has_nothing_to_do(manifests).await;
        self.settle().await;
        self.has_nothing_to_do(manifests).await;
        applied
    }

    pub async fn has_nothing_to_do(&self, manifests: &[Value]) {
        let plan = self.plan(manifests).await;
        assert!(is_empty(&plan), "planned again: {}\n{}", told(&plan), shown(manifests));
        let again = self.apply(manifests).await;
        assert_eq!(again.changes, Vec::<String>::new());
    }

    /// Rollouts end, what drains is gone.
    pub async fn settle(&self) {
        tokio::time::sleep(Duration::from_mins(30)).await;
    }

    /// The calls that would have changed something, refused ones included, since the last apply began.
    pub fn changes(&self) -> Vec<CallRecord> {
        let mut calls = self.sandbox.calls();
        calls.retain(|call| operation(call).is_none_or(Operation::writes));
        calls
    }

    /// Their names; `X (Code)` for a refused one.
    pub fn changed(&self) -> Vec<String> {
        names(&self.changes())
    }

    pub fn script(&self, operation: &str, kind: FaultKind, times: u32) {
        self.sandbox.script(Fault { operation: operation.to_owned(), kind, times });
    }

    /// From now on every answer is a page of something that is not AWS, or no more.
    pub fn garble(&self, on: bool) {
        self.garbled.store(on, Ordering::Relaxed);
    }

    pub async fn service(&self, cluster: &str, name: &str) -> Value {
        let input = json!({"cluster": cluster, "services": [name], "include": ["TAGS"]});
        self.behind(Operation::DescribeServices, input).await["services"][0].clone()
    }

    /// Takes our tags from everything: nobody made it.
    pub async fn disown(&mut self) {
        let keys = json!([tag::OWNER, tag::SOURCE, tag::STATE]);
        let clusters = self.behind(Operation::DescribeClusters, json!({"clusters": ["shop"]})).await;
        let providers = self.behind(Operation::DescribeCapacityProviders, json!({})).await;
        let mut arns = vec![
            clusters["clusters"][0]["clusterArn"].clone(),
            self.service("shop", "web").await["serviceArn"].clone(),
        ];
        let all = providers["capacityProviders"].as_array().unwrap();
        arns.extend(
            all.iter()
                .map(|one| one["capacityProviderArn"].clone())
                .filter(|arn| !arn.as_str().unwrap().contains("FARGATE")),
        );
        for arn in arns {
            self.behind(Operation::EcsUntagResource, json!({"resourceArn": arn, "tagKeys": keys})).await;
        }
        let repositories = self.behind(Operation::DescribeRepositories, json!({})).await;
        for repository in repositories["repositories"].as_array().unwrap() {
            let input = json!({"resourceArn": repository["repositoryArn"], "tagKeys": keys});
            self.behind(Operation::EcrUntagResource, input).await;
        }
    }

    /// Manifests for what runs in a cluster.
    pub async fn import(&self, cluster: &str) -> Vec<Value> {
        let cache = RevisionCache::default();
        let observed = inventory(&self.session.aws, &cache, REGION, cluster).await.unwrap();
        let import = ecs_operator::import::manifests(&observed).unwrap();
        let written = import.manifests.iter().map(|one| {
            let annotations: serde_json::Map<_, _> =
                one.annotations.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": one.key.kind.name(),
                "metadata": {"name": one.name, "annotations": annotations}, "spec": one.spec})
        });
        written.collect()
    }

    /// The ACTIVE revisions of a family.
    pub async fn revisions(&self, family: &str) -> Vec<String> {
        let input = json!({"familyPrefix": family, "status": "ACTIVE"});
        let answer = self.behind(Operation::ListTaskDefinitions, input).await;
        serde_json::from_value(answer["taskDefinitionArns"].clone()).unwrap()
    }

    /// Another process: all that it knows is in AWS.
    pub async fn restart(&mut self) {
        self.session = Session::new(aws(&self.sandbox, &self.garbled).await, self.session.options.clone());
    }

    pub async fn impatient(&mut self) {
        let aws = aws(&self.sandbox, &self.garbled).await.with_patience(Patience::NONE);
        self.session = Session::new(aws, self.session.options.clone());
    }
}

async fn aws(sandbox: &Sandbox, garbled: &Arc<AtomicBool>) -> Aws {
    let (sandbox, garbled) = (sandbox.clone(), Arc::clone(garbled));
    let call: Exchange = Arc::new(move |request| {
        let answer = if garbled.load(Ordering::Relaxed) {
            Ok(http::Response::new(Bytes::from_static(b"<html>Welcome to the hotel's network</html>")))
        } else {
            sandbox.call(request)
        };
        std::future::ready(answer).boxed()
    });
    Aws::connect(Connection::InProcess { call, region: REGION.to_owned() }).await
}

fn operation(call: &CallRecord) -> Option<Operation> {
    let api = match call.service.as_str() {
        "ecs" => Api::Ecs,
        "ecr" => Api::Ecr,
        "application-autoscaling" => Api::Autoscaling,
        "tagging" => Api::Tagging,
        "sts" => Api::Sts,
        _ => return None,
    };
    Operation::find(api, &call.operation)
}

fn names(calls: &[CallRecord]) -> Vec<String> {
    let name = |call: &CallRecord| match &call.outcome {
        Outcome::Refused(code) => format!("{} ({code})", call.operation),
        Outcome::Answered | Outcome::Lost => call.operation.clone(),
    };
    calls.iter().map(name).collect()
}

/// How often an operation was called.
pub fn count(changes: &[String], operation: &str) -> usize {
    changes.iter().filter(|change| change.as_str() == operation).count()
}

/// Manifests, resolved: they must be without fault.
pub fn desired(manifests: &[Value]) -> Desired {
    let problems = problems(manifests);
    assert!(problems.is_empty(), "{problems:#?}\n{}", shown(manifests));
    resolved(manifests).desired
}

/// What is wrong with manifests; warnings are not.
pub fn problems(manifests: &[Value]) -> Vec<Problem> {
    resolved(manifests).problems.into_iter().filter(Problem::is_error).collect()
}

fn resolved(manifests: &[Value]) -> Resolved {
    let snapshot = source::load(&[PathBuf::from("-")], &mut shown(manifests).as_bytes());
    resolve(&snapshot, &resolve::Options { default_region: Some(REGION.to_owned()) })
}

fn shown(manifests: &[Value]) -> String {
    manifests.iter().fold(String::new(), |text, manifest| text + &format!("---\n{manifest:#}\n"))
}

/// Whether a plan changes nothing and finds nothing amiss.
pub fn is_empty(plan: &Plan) -> bool {
    plan.actions.is_empty()
        && plan.objects.iter().all(|object| {
            object.verdict == Verdict::Unchanged && object.differences.is_empty() && object.hold.is_none()
        })
}

/// A plan in words.
pub fn told(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for object in &plan.objects {
        let hold = object.hold.as_ref().map(ToString::to_string).unwrap_or_default();
        lines.push(format!("{}: {:?} {hold} {:?}", object.key, object.verdict, object.notes));
        for planned in &object.differences {
            let one = &planned.difference;
            lines.push(format!("  {}: {} → {}", one.path, json!(one.live), json!(one.desired)));
        }
    }
    lines.extend(plan.actions.iter().map(|action| format!("{} {}", action.operation, json!(action.input))));
    lines.join("\n")
}

/// The plan of the object of this name.
pub fn of<'a>(plan: &'a Plan, name: &str) -> &'a ObjectPlan {
    plan.objects.iter().find(|object| object.key.name == name).unwrap()
}

pub fn paths(plan: &Plan) -> Vec<&str> {
    let all = plan.objects.iter().flat_map(|object| &object.differences);
    all.map(|planned| planned.difference.path.as_str()).collect()
}

pub fn operations(plan: &Plan) -> Vec<&str> {
    plan.actions.iter().map(|action| action.operation).collect()
}

pub fn manifest(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

pub fn annotated(mut manifest: Value, annotation: &str, value: &str) -> Value {
    manifest["metadata"]["annotations"][format!("ecs-operator.dev/{annotation}")] = json!(value);
    manifest
}

pub fn cluster(name: &str) -> Value {
    manifest("EcsCluster", name, json!({"capacityProviders": ["FARGATE", "FARGATE_SPOT"]}))
}

/// A Fargate service of cluster `shop`, with more of each part.
pub fn service(name: &str, task: Value, more: Value) -> Value {
    let mut definition = json!({
        "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "web", "image": "nginx", "portMappings": [{"containerPort": 80}]}],
    });
    let mut part = json!({
        "cluster": "shop", "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": ["sg-0bb"]}},
    });
    extend(&mut definition, task);
    extend(&mut part, more);
    manifest("EcsService", name, json!({"taskDefinition": definition, "service": part}))
}

/// Puts members into an object; null takes one away.
pub fn extend(object: &mut Value, more: Value) {
    let object = object.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}

/// The same manifest with something else at `pointer`; null takes it away.
pub fn with(mut manifest: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = manifest.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {pointer}"));
    match parent {
        Value::Object(members) if value.is_null() => drop(members.remove(name)),
        Value::Object(members) => drop(members.insert(name.to_owned(), value)),
        Value::Array(elements) => elements[name.parse::<usize>().unwrap()] = value,
        _ => panic!("nothing below {pointer}"),
    }
    manifest
}
