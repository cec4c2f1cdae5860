//! A rollback that somebody asks for: AWS's own while a deployment is under way, else one update to what ran well before;
//! and then nothing brings back what was rejected.

use crate::world::{REGION, World, cluster, count, desired, of, operations, service, told, with};
use ecs_operator::aws::Operation;
use ecs_operator::execute::ActionResult;
use ecs_operator::model::desired::Desired;
use ecs_operator::plan::{Blocked, Hold, Plan, Verdict, lint};
use ecs_operator::rollout::Progress;
use ecs_operator::sandbox::FaultKind;
use serde_json::{Value, json};

fn shop(image: &str, more: Value) -> [Value; 2] {
    let task = json!({"containerDefinitions": [{"name": "web", "image": image, "portMappings": [{"containerPort": 80}]}]});
    [cluster("shop"), service("web", task, more)]
}

/// What the command asks for: the service, of which nothing is wanted.
fn web() -> Desired {
    let mut desired = desired(&shop("nginx", json!({})));
    desired.objects.retain(|key, _| key.name == "web");
    for object in desired.objects.values_mut() {
        assert_eq!(object.key.region, REGION);
        object.spec =
            serde_json::from_value(json!({"service": {"serviceName": "web", "cluster": "shop"}})).unwrap();
    }
    desired
}

async fn planned(world: &World) -> Plan {
    let plan = world.session.plan_rollback(&web()).await.unwrap().plan;
    assert_eq!(lint::lint(&plan), Vec::<String>::new(), "{}", told(&plan));
    plan
}

/// Rolls back, and says by which calls.
async fn roll_back(world: &World) -> Vec<String> {
    let plan = planned(world).await;
    world.sandbox.forget_calls();
    let outcome = world.session.execute(&plan).await.unwrap();
    assert!(outcome.results.iter().all(|result| matches!(result, ActionResult::Done)), "{outcome:?}");
    world.changed()
}

async fn running(world: &World) -> (String, Value) {
    let service = world.service("shop", "web").await;
    let name = service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    (name, service["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0].clone())
}

/// Passes find nothing to do, and the service stays where it is.
async fn stays(world: &World, manifests: &[Value], at: &str) {
    for _ in 0..5 {
        world.settle().await;
        let applied = world.apply(manifests).await;
        assert_eq!(applied.changes, [""; 0], "{}", told(&applied.last));
        assert_eq!(running(world).await.0, at);
    }
    let plan = world.plan(manifests).await;
    assert!(matches!(of(&plan, "web").hold, Some(Hold::Blocked(Blocked::RolledBack(_)))), "{}", told(&plan));
}

#[tokio::test(start_paused = true)]
async fn what_runs_well_goes_back_to_the_whole_bundle_before_it_and_stays_there() {
    let world = World::new().await;
    world.applies(&shop("nginx:1", json!({}))).await;
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0cc"], "securityGroups": ["sg-0bb"]}});
    let two = shop("nginx:2", json!({"networkConfiguration": network, "desiredCount": 3}));
    world.applies(&two).await;
    let plan = planned(&world).await;
    assert_eq!(
        (of(&plan, "web").verdict, operations(&plan)),
        (Verdict::Rollback, vec!["TagResource", "UpdateService"])
    );
    assert_eq!(roll_back(&world).await, ["TagResource", "UpdateService"]);
    assert!(matches!(planned(&world).await.rollouts.values().next(), Some(Progress::RollingBack(_))));
    world.settle().await;
    assert_eq!(running(&world).await, ("web:1".to_owned(), json!("subnet-0aa")));
    // Asked again, it has been done.
    let again = planned(&world).await;
    assert_eq!(operations(&again), [""; 0], "{}", told(&again));
    assert!(matches!(again.rollouts.values().next(), Some(Progress::RolledBack(_))));
    stays(&world, &two, "web:1").await;
    // What needs no deployment still follows the manifest.
    assert_eq!(world.service("shop", "web").await["desiredCount"], 3);
    // A fix goes out at once.
    let fixed = world.applies(&shop("nginx:3", json!({}))).await;
    assert_eq!(count(&fixed.changes, "UpdateService"), 1);
    assert_eq!(running(&world).await.0, "web:3");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_under_way_is_stopped_and_aws_goes_back() {
    let world = World::new().await;
    world.applies(&shop("nginx:1", json!({}))).await;
    // Without a circuit breaker this goes on for ever.
    let bad = shop("sandbox/crash", json!({}));
    world.pass(&bad).await;
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!(roll_back(&world).await, ["TagResource", "StopServiceDeployment"]);
    world.settle().await;
    assert_eq!(world.apply(&bad).await.changes, [""; 0]);
    stays(&world, &bad, "web:1").await;
    // That it was asked for needs no tag: AWS remembers its own rollback.
    let arn = world.service("shop", "web").await["serviceArn"].clone();
    let tags = json!({"resourceArn": arn, "tagKeys": ["ecs-operator.dev/state"]});
    world.behind(Operation::EcsUntagResource, tags).await;
    assert_eq!(world.apply(&bad).await.changes, ["TagResource"]);
    stays(&world, &bad, "web:1").await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_cut_short_is_carried_out_by_the_next_pass() {
    let mut world = World::new().await;
    world.applies(&shop("nginx:1", json!({}))).await;
    let two = shop("nginx:2", json!({}));
    world.applies(&two).await;
    world.impatient().await;
    world.script("UpdateService", FaultKind::LostRequest, 1);
    let plan = planned(&world).await;
    world.session.execute(&plan).await.unwrap();
    assert_eq!(running(&world).await.0, "web:2");
    let applied = world.apply(&two).await;
    assert_eq!(count(&applied.changes, "UpdateService"), 1, "{:?}", applied.changes);
    stays(&world, &two, "web:1").await;
}

#[tokio::test(start_paused = true)]
async fn with_the_state_tag_lost_whatever_wants_the_revision_is_rejected() {
    let world = World::new().await;
    world.applies(&shop("nginx:1", json!({}))).await;
    let two = shop("nginx:2", json!({}));
    world.applies(&two).await;
    let arn = world.service("shop", "web").await["serviceArn"].clone();
    let tags = json!({"resourceArn": arn, "tagKeys": ["ecs-operator.dev/state"]});
    world.behind(Operation::EcsUntagResource, tags).await;
    assert_eq!(roll_back(&world).await, ["TagResource", "UpdateService"]);
    world.settle().await;
    assert_eq!(world.apply(&two).await.changes, ["TagResource"]);
    stays(&world, &two, "web:1").await;
}

#[tokio::test(start_paused = true)]
async fn there_may_be_nothing_to_go_back_to_or_nothing_that_is_ours() {
    let mut world = World::new().await;
    let blocked = async |world: &World| {
        let plan = planned(world).await;
        assert_eq!(operations(&plan), [""; 0], "{}", told(&plan));
        of(&plan, "web").hold.clone()
    };
    world.applies(&[cluster("shop")]).await;
    assert!(matches!(blocked(&world).await, Some(Hold::Blocked(Blocked::Missing { .. }))));
    world.applies(&shop("nginx:1", json!({}))).await;
    assert!(matches!(blocked(&world).await, Some(Hold::Blocked(Blocked::NothingGood { .. }))));
    world.applies(&shop("nginx:2", json!({}))).await;
    world.disown().await;
    assert!(matches!(blocked(&world).await, Some(Hold::Blocked(Blocked::NotOwned { .. }))));
}

#[tokio::test(start_paused = true)]
async fn what_failed_without_a_rollback_is_taken_back_on_request() {
    let breaker =
        json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": false}}});
    let world = World::new().await;
    world.applies(&shop("nginx:1", breaker.clone())).await;
    let bad = shop("sandbox/not-found", breaker);
    world.apply(&bad).await;
    world.settle().await;
    world.apply(&bad).await;
    assert_eq!(running(&world).await.0, "web:2");
    assert_eq!(roll_back(&world).await, ["UpdateService"]);
    stays(&world, &bad, "web:1").await;
}

#[tokio::test(start_paused = true)]
async fn drift_while_rejected_goes_back_to_what_was_good_before_it() {
    let world = World::new().await;
    world.applies(&shop("nginx:1", json!({}))).await;
    let two = shop("nginx:2", json!({}));
    world.applies(&two).await;
    roll_back(&world).await;
    world.settle().await;
    let foreign = with(shop("httpd", json!({}))[1].clone(), "/spec/taskDefinition/family", json!("foreign"));
    let mut definition = foreign["spec"]["taskDefinition"].clone();
    definition["family"] = json!("foreign");
    world.behind(Operation::RegisterTaskDefinition, definition).await;
    world
        .behind(
            Operation::UpdateService,
            json!({"cluster": "shop", "service": "web", "taskDefinition": "foreign"}),
        )
        .await;
    world.settle().await;
    assert_eq!(roll_back(&world).await, ["UpdateService"]);
    stays(&world, &two, "web:1").await;
}
