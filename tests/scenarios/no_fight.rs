//! The operator and the circuit breaker never fight over a bad version, whatever happens to either: a day of drift,
//! restarts, lost tags, lost answers and denials, from seeds. `ECS_OPERATOR_SEEDS` asks for more of them, and
//! `ECS_OPERATOR_SEED` for one alone.

use crate::world::{ACCOUNT, REGION, World, cluster, count, service, told};
use ecs_operator::aws::Operation;
use ecs_operator::model::names::tag;
use ecs_operator::sandbox::{FaultKind, Outcome};
use serde_json::{Value, json};
use std::time::Duration;

const SEEDS: u64 = 3;

/// A small generator: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    /// Below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }
}

fn shop(image: &str) -> [Value; 2] {
    let settings = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}, "minimumHealthyPercent": 0, "maximumPercent": 100});
    let task = json!({"containerDefinitions": [{"name": "web", "image": image, "portMappings": [{"containerPort": 80}]}]});
    [cluster("shop"), service("web", task, json!({"desiredCount": 2, "deploymentConfiguration": settings}))]
}

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("ECS_OPERATOR_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("ECS_OPERATOR_SEEDS").unwrap_or(SEEDS)).collect(),
    }
}

/// How often the operator itself deployed this revision.
fn deployed(world: &World, revision: &str) -> usize {
    let updates = world.changes().into_iter().filter(|call| call.operation == "UpdateService");
    let done = updates.filter(|call| call.outcome != Outcome::Refused(String::new()));
    done.filter(|call| {
        let named = call.input.get("taskDefinition").and_then(Value::as_str).unwrap_or_default();
        named.rsplit('/').next() == Some(revision)
    })
    .count()
}

async fn meddle(world: &World, dice: &mut Dice) {
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0cc"], "securityGroups": ["sg-0bb"]}});
    let change = match dice.roll(6) {
        0 => json!({"taskDefinition": "foreign"}),
        1 => json!({"networkConfiguration": network}),
        2 => json!({"desiredCount": 1 + dice.roll(4)}),
        3 => json!({"taskDefinition": "foreign", "networkConfiguration": network}),
        4 => json!({"forceNewDeployment": true}),
        _ => json!({"enableExecuteCommand": false, "deploymentConfiguration": {"maximumPercent": 150}}),
    };
    let mut input = json!({"cluster": "shop", "service": "web"});
    input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    world.is_taken(Operation::UpdateService, &input).await;
}

async fn untag(world: &World) {
    let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/web");
    let input = json!({"resourceArn": arn, "tagKeys": [tag::STATE]});
    world.is_taken(Operation::EcsUntagResource, &input).await;
}

/// Something goes wrong with the next calls of some operation.
fn trouble(world: &World, dice: &mut Dice) {
    let operations = [
        "*",
        "DescribeServices",
        "ListServiceDeployments",
        "DescribeServiceDeployments",
        "DescribeServiceRevisions",
        "UpdateService",
        "TagResource",
        "DescribeTaskDefinition",
        "ListTasks",
    ];
    let kind = match dice.roll(5) {
        0 => FaultKind::Throttled,
        1 => FaultKind::ServerError,
        2 => FaultKind::Denied,
        3 => FaultKind::LostRequest,
        _ => FaultKind::LostAnswer,
    };
    let times = 1 + u32::try_from(dice.roll(4)).unwrap();
    world.script(dice.one::<&str>(&operations), kind, times);
}

/// A pass, from which the process may not come back.
async fn pass(world: &World, manifests: &[Value], deployed_so_far: &mut usize) {
    world.sandbox.forget_calls();
    if let Ok(planned) = world.session.plan(&crate::world::desired(manifests)).await {
        let broken = ecs_operator::plan::lint::lint(&planned.plan);
        assert_eq!(broken, Vec::<String>::new(), "{}", told(&planned.plan));
        let _ = world.session.execute(&planned.plan).await;
    }
    *deployed_so_far += deployed(world, "web:2");
    assert_eq!(count(&world.changed(), "RegisterTaskDefinition"), 0);
    assert_eq!(count(&world.changed(), "CreateService"), 0);
}

async fn a_day(seed: u64) {
    let mut dice = Dice(seed);
    let mut world = World::seeded(seed).await;
    world.applies(&shop("nginx:1")).await;
    let foreign = json!({"family": "foreign", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "web", "image": "httpd"}]});
    world.behind(Operation::RegisterTaskDefinition, foreign).await;
    let bad = shop("sandbox/crash");
    let tried = world.pass(&bad).await;
    assert_eq!(count(&tried.changes, "UpdateService"), 1);
    let mut again = 0;
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_hours(24) {
        match dice.roll(6) {
            // Before it has failed, whoever deploys something else has it tried anew: that is drift.
            0 if began.elapsed() > Duration::from_hours(1) => meddle(&world, &mut dice).await,
            1 => untag(&world).await,
            2 => trouble(&world, &mut dice),
            3 => world.restart().await,
            _ => {}
        }
        pass(&world, &bad, &mut again).await;
        assert_eq!(again, 0, "a second attempt after {:?}", began.elapsed());
        tokio::time::sleep(Duration::from_secs(30 + dice.roll(1200))).await;
    }
    // The troubles are used up one by one.
    for _ in 0..60 {
        world.settle().await;
        pass(&world, &bad, &mut again).await;
    }
    assert_eq!(again, 0);
    let last = world.apply(&bad).await;
    assert_eq!(last.failures, [""; 0]);
    assert_eq!(last.changes, [""; 0], "{}", told(&last.last));
    let service = world.service("shop", "web").await;
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("/web:1"), "{}", told(&last.last));
    assert_eq!((&service["desiredCount"], &service["runningCount"]), (&json!(2), &json!(2)));
    // A fix goes out, once no trouble of what it needs is left.
    for _ in 0..20 {
        world.apply(&shop("nginx:3")).await;
        world.settle().await;
    }
    world.applies(&shop("nginx:3")).await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_version_is_tried_once_in_a_day_of_everything() {
    for seed in seeds() {
        println!("to run this alone: ECS_OPERATOR_SEED={seed} cargo test --test all scenarios::no_fight");
        Box::pin(a_day(seed)).await;
    }
}
