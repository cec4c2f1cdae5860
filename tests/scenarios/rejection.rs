//! A deployment that fails: tried once, rolled back, and kept so, whatever happens meanwhile.

use crate::world::{World, annotated, cluster, count, of, operations, service, told, with};
use ecs_operator::aws::Operation;
use ecs_operator::model::names::tag;
use ecs_operator::model::state::State;
use ecs_operator::plan::{Blocked, Hold, Plan, Verdict};
use ecs_operator::rollout::{Failure, Progress};
use serde_json::{Value, json};
use std::time::Duration;

/// Two tasks with a circuit breaker that rolls back.
fn shop(image: &str) -> [Value; 2] {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let task = json!({"containerDefinitions": [{"name": "web", "image": image, "portMappings": [{"containerPort": 80}]}]});
    [cluster("shop"), service("web", task, json!({"desiredCount": 2, "deploymentConfiguration": breaker}))]
}

/// One after the other: a rollback takes its time.
fn in_place(image: &str) -> [Value; 2] {
    let [shop, web] = shop(image);
    let web = with(web, "/spec/service/deploymentConfiguration/maximumPercent", json!(100));
    [shop, with(web, "/spec/service/deploymentConfiguration/minimumHealthyPercent", json!(0))]
}

const GOOD: &str = "nginx:1";
const BAD: &str = "sandbox/crash";

/// A world in which the good version runs, and the bad one was tried and rolled back.
async fn rolled_back(bad: &[Value]) -> World {
    let world = World::new().await;
    world.applies(&shop(GOOD)).await;
    let applied = world.pass(bad).await;
    assert_eq!(count(&applied.changes, "UpdateService"), 1, "{:?}", applied.changes);
    world.settle().await;
    world
}

async fn state(world: &World) -> State {
    let service = world.service("shop", "web").await;
    let tags = service["tags"].as_array().unwrap().iter();
    let tags =
        tags.map(|tag| (tag["key"].as_str().unwrap().to_owned(), tag["value"].as_str().unwrap().to_owned()));
    State::of(&tags.collect())
}

async fn running(world: &World) -> String {
    let service = world.service("shop", "web").await;
    let arn = service["taskDefinition"].as_str().unwrap().to_owned();
    arn.rsplit('/').next().unwrap().to_owned()
}

/// How many deployments there were.
async fn deployments(world: &World) -> usize {
    let input = json!({"cluster": "shop", "service": "web", "maxResults": 100});
    let answer = world.behind(Operation::ListServiceDeployments, input).await;
    answer["serviceDeployments"].as_array().unwrap().len()
}

fn failure(plan: &Plan) -> &Failure {
    match &of(plan, "web").hold {
        Some(Hold::Blocked(
            Blocked::RolledBack(failure) | Blocked::RollingBack(failure) | Blocked::RolloutFailed(failure),
        )) => failure,
        other => panic!("{other:?}: {}", told(plan)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_image_is_tried_once_rolled_back_and_told_with_its_cause() {
    let world = rolled_back(&shop(BAD)).await;
    let plan = world.plan(&shop(BAD)).await;
    let failure = failure(&plan);
    assert_eq!((failure.from.as_str(), failure.to.as_deref()), ("web:2", Some("web:1")), "{failure:?}");
    // Two tasks fail at a time.
    assert_eq!(failure.breaker, Some((4, 3)));
    assert_eq!(failure.causes[0].exit_code, Some(1), "{failure:?}");
    assert_eq!(failure.causes[0].container.as_deref(), Some("web"));
    assert!(matches!(plan.rollouts.values().next(), Some(Progress::RolledBack(_))), "{:?}", plan.rollouts);
    assert!(of(&plan, "web").differences.iter().all(|planned| planned.held_back));
    // The verdict is noted down once, and then there is nothing to do.
    assert_eq!(operations(&plan), ["TagResource"]);
    assert_eq!(world.apply(&shop(BAD)).await.changes, ["TagResource"]);
    let state = state(&world).await;
    let rejected = state.rejected.as_ref().unwrap();
    assert_eq!((Some(&rejected.manifest), rejected.revision()), (state.attempted.as_ref(), Some("web:2")));
    for _ in 0..3 {
        world.settle().await;
        assert_eq!(world.apply(&shop(BAD)).await.changes, [""; 0]);
    }
    assert_eq!((running(&world).await.as_str(), deployments(&world).await), ("web:1", 2));
}

/// Somebody else meddles with the service: the way to do it, by number.
async fn meddle(world: &World, round: usize) {
    let change = match round % 4 {
        0 => {
            let foreign = json!({"family": "foreign", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
                "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "web", "image": "httpd"}]});
            world.behind(Operation::RegisterTaskDefinition, foreign).await;
            json!({"taskDefinition": "foreign"})
        }
        1 => {
            json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0cc"], "securityGroups": ["sg-0bb"]}}})
        }
        2 => json!({"desiredCount": 5}),
        _ => json!({"taskDefinition": "web:2"}),
    };
    let mut input = json!({"cluster": "shop", "service": "web"});
    input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    world.behind(Operation::UpdateService, input).await;
}

async fn untag(world: &World) {
    let arn = world.service("shop", "web").await["serviceArn"].clone();
    world.behind(Operation::EcsUntagResource, json!({"resourceArn": arn, "tagKeys": [tag::STATE]})).await;
}

/// Twenty sweeps with somebody meddling before each: `before` a sweep something else may happen.
async fn stays_rejected(before: impl AsyncFn(&mut World, usize)) {
    let mut world = rolled_back(&shop(BAD)).await;
    for round in 0..20 {
        meddle(&world, round).await;
        if round % 3 == 0 {
            world.settle().await;
        }
        before(&mut world, round).await;
        let applied = world.apply(&shop(BAD)).await;
        assert_eq!(applied.failures, [""; 0], "{round}");
        assert_eq!(count(&applied.changes, "RegisterTaskDefinition"), 0, "{round}: {:?}", applied.changes);
        assert!(count(&applied.changes, "UpdateService") <= 1, "{round}: {:?}", applied.changes);
        world.settle().await;
        let service = world.service("shop", "web").await;
        assert_eq!(running(&world).await, "web:1", "{round}: {}", told(&applied.last));
        assert_eq!(service["desiredCount"], 2, "{round}");
        let subnets = &service["networkConfiguration"]["awsvpcConfiguration"]["subnets"];
        assert_eq!(subnets, &json!(["subnet-0aa"]), "{round}");
        assert_eq!(service["runningCount"], 2, "{round}");
        world.apply(&shop(BAD)).await;
        let plan = world.plan(&shop(BAD)).await;
        assert_eq!(operations(&plan), [""; 0], "{round}: {}", told(&plan));
        assert_eq!(failure(&plan).from, "web:2");
    }
    assert_eq!(world.revisions("web").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn drift_of_what_was_rolled_back_is_healed_to_the_last_good_state_and_nothing_is_tried_again() {
    Box::pin(stays_rejected(async |_, _| ())).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_recognised_with_the_state_tag_lost() {
    Box::pin(stays_rejected(async |world, _| untag(world).await)).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_recognised_after_a_restart() {
    Box::pin(stays_rejected(async |world, round| {
        world.restart().await;
        if round % 2 == 0 {
            untag(world).await;
        }
    }))
    .await;
}

#[tokio::test(start_paused = true)]
async fn from_the_failure_to_the_end_of_the_rollback_nothing_is_written_but_the_verdict() {
    let world = World::new().await;
    world.applies(&in_place(GOOD)).await;
    world.pass(&in_place(BAD)).await;
    let mut seen = Vec::new();
    for _ in 0..200 {
        let applied = world.pass(&in_place(BAD)).await;
        assert_eq!(count(&applied.changes, "UpdateService"), 0, "{}", told(&applied.last));
        let progress = match applied.last.rollouts.values().next().unwrap() {
            Progress::Done => "done",
            Progress::Rolling { .. } => "rolling",
            Progress::RollingBack(_) => "rolling back",
            Progress::RolledBack(_) => "rolled back",
            Progress::Failed(_) => "failed",
        };
        if seen.last() != Some(&progress) {
            seen.push(progress);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(seen, ["rolling", "rolling back", "rolled back"]);
    assert_eq!(deployments(&world).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_newer_manifest_is_picked_up_at_once_also_in_the_middle_of_a_rollback() {
    let world = World::new().await;
    world.applies(&in_place(GOOD)).await;
    world.pass(&in_place(BAD)).await;
    let is_going_back = |plan: &Plan| matches!(plan.rollouts.values().next(), Some(Progress::RollingBack(_)));
    let mut plan = world.plan(&in_place(BAD)).await;
    for _ in 0..100 {
        if is_going_back(&plan) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        plan = world.plan(&in_place(BAD)).await;
    }
    assert!(is_going_back(&plan), "{}", told(&plan));
    let applied = world.applies(&in_place("nginx:3")).await;
    assert_eq!(count(&applied.changes, "UpdateService"), 1, "{:?}", applied.changes);
    assert_eq!((running(&world).await.as_str(), state(&world).await.rejected), ("web:3", None));
}

#[tokio::test(start_paused = true)]
async fn going_back_to_what_runs_deploys_nothing_and_declaring_the_bad_one_anew_tries_it_anew() {
    let world = rolled_back(&shop(BAD)).await;
    world.apply(&shop(BAD)).await;
    let back = world.applies(&shop(GOOD)).await;
    assert_eq!(back.changes, ["TagResource"]);
    assert_eq!(state(&world).await.rejected, None);
    for _ in 0..2 {
        let again = world.apply(&shop(BAD)).await;
        assert_eq!(count(&again.changes, "UpdateService"), 1, "{:?}", again.changes);
        assert_eq!(count(&again.changes, "RegisterTaskDefinition"), 0);
        world.settle().await;
        assert_eq!(world.apply(&shop(BAD)).await.changes, ["TagResource"]);
        assert_eq!(running(&world).await, "web:1");
        world.applies(&shop(GOOD)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_retry_word_tries_the_same_again_once() {
    let world = rolled_back(&shop(BAD)).await;
    world.apply(&shop(BAD)).await;
    for word in ["once", "more"] {
        let [shop, web] = shop(BAD);
        let retried = [shop, annotated(web, "retry", word)];
        let applied = world.apply(&retried).await;
        assert_eq!(count(&applied.changes, "UpdateService"), 1, "{:?}", applied.changes);
        world.settle().await;
        assert_eq!(world.apply(&retried).await.changes, ["TagResource"]);
        world.settle().await;
        assert_eq!(world.apply(&retried).await.changes, [""; 0]);
    }
    assert_eq!(deployments(&world).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_deployment_does_not_swallow_a_retry() {
    let mut world = rolled_back(&shop(BAD)).await;
    world.apply(&shop(BAD)).await;
    let [shop, web] = shop(BAD);
    let retried = [shop, annotated(web, "retry", "once")];
    world.impatient().await;
    world.script("UpdateService", ecs_operator::sandbox::FaultKind::LostRequest, 1);
    world.pass(&retried).await;
    assert_eq!(deployments(&world).await, 2);
    world.restart().await;
    let applied = world.apply(&retried).await;
    assert_eq!(count(&applied.changes, "UpdateService"), 1, "{:?}", applied.changes);
    world.settle().await;
    world.apply(&retried).await;
    assert_eq!((deployments(&world).await, running(&world).await.as_str()), (3, "web:1"));
}

#[tokio::test(start_paused = true)]
async fn another_secret_is_a_newer_manifest_though_its_hash_is_the_same() {
    let with_secret = |image: &str, secret: &str| {
        let environment = json!([{"name": "KEY", "value": secret}]);
        let [shop, web] = shop(image);
        [shop, with(web, "/spec/taskDefinition/containerDefinitions/0/environment", environment)]
    };
    let world = World::new().await;
    world.applies(&with_secret(GOOD, "a")).await;
    world.pass(&with_secret(BAD, "a")).await;
    world.settle().await;
    world.apply(&with_secret(BAD, "a")).await;
    assert_eq!(world.apply(&with_secret(BAD, "a")).await.changes, [""; 0]);
    let applied = world.apply(&with_secret(BAD, "b")).await;
    assert_eq!(count(&applied.changes, "UpdateService"), 1, "{:?}", applied.changes);
    world.settle().await;
    world.apply(&with_secret(BAD, "b")).await;
    world.settle().await;
    assert_eq!(world.apply(&with_secret(BAD, "b")).await.changes, [""; 0]);
    assert_eq!(running(&world).await, "web:1");
}

#[tokio::test(start_paused = true)]
async fn a_first_deployment_that_fails_is_told_and_neither_made_anew_nor_tried_again() {
    for breaker in [json!({"enable": true, "rollback": true}), json!({"enable": true, "rollback": false})] {
        let world = World::new().await;
        let [shop_, web] = shop(BAD);
        let web = with(web, "/spec/service/deploymentConfiguration/deploymentCircuitBreaker", breaker);
        let bad = [shop_, web];
        world.apply(&bad).await;
        world.settle().await;
        let plan = world.plan(&bad).await;
        assert_eq!((failure(&plan).from.as_str(), &failure(&plan).to), ("web:1", &None), "{}", told(&plan));
        assert_eq!(failure(&plan).causes[0].exit_code, Some(1));
        assert!(matches!(plan.rollouts.values().next(), Some(Progress::Failed(_))), "{:?}", plan.rollouts);
        world.apply(&bad).await;
        // With nothing good to go back to, nothing that starts a deployment is written.
        meddle(&world, 1).await;
        world.settle().await;
        for _ in 0..3 {
            assert_eq!(count(&world.apply(&bad).await.changes, "UpdateService"), 0);
            world.settle().await;
        }
        let fixed = world.applies(&shop(GOOD)).await;
        assert_eq!(count(&fixed.changes, "UpdateService"), 1);
        assert_eq!(count(&fixed.changes, "CreateService"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_rollback_what_failed_stays_where_it_is_and_is_told() {
    let failing = |image: &str| {
        let breaker = json!({"enable": true, "rollback": false});
        let [shop, web] = shop(image);
        [shop, with(web, "/spec/service/deploymentConfiguration/deploymentCircuitBreaker", breaker)]
    };
    let world = World::new().await;
    world.applies(&failing(GOOD)).await;
    world.pass(&failing(BAD)).await;
    world.settle().await;
    assert_eq!(world.apply(&failing(BAD)).await.changes, ["TagResource"]);
    let plan = world.plan(&failing(BAD)).await;
    assert!(
        matches!(of(&plan, "web").hold, Some(Hold::Blocked(Blocked::RolloutFailed(_)))),
        "{}",
        told(&plan)
    );
    assert_eq!(running(&world).await, "web:2");
    // Somebody else's change is drift from the last good state.
    meddle(&world, 0).await;
    world.settle().await;
    assert_eq!(count(&world.apply(&failing(BAD)).await.changes, "UpdateService"), 1);
    world.settle().await;
    assert_eq!(running(&world).await, "web:1");
    assert_eq!(world.apply(&failing(BAD)).await.changes, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_crash_without_a_breaker_are_told_while_it_rolls() {
    let [shop, web] = shop(BAD);
    let bad = [shop, with(web, "/spec/service/deploymentConfiguration", Value::Null)];
    let world = World::new().await;
    world.apply(&bad).await;
    world.settle().await;
    let plan = world.plan(&bad).await;
    let Some(Progress::Rolling { counts, causes }) = plan.rollouts.values().next() else {
        panic!("{plan:?}")
    };
    assert!(counts.failed > 3 && causes[0].exit_code == Some(1), "{counts:?} {causes:?}");
    assert_eq!((operations(&plan).len(), of(&plan, "web").verdict), (0, Verdict::Unchanged));
}

#[tokio::test(start_paused = true)]
async fn a_denied_history_holds_the_deployment_and_names_the_permission() {
    let mut world = rolled_back(&shop(BAD)).await;
    world.impatient().await;
    world.script("ListServiceDeployments", ecs_operator::sandbox::FaultKind::Denied, 1);
    let plan = world.plan(&shop(BAD)).await;
    assert_eq!((operations(&plan).len(), of(&plan, "web").verdict), (0, Verdict::Unreadable));
    assert!(
        of(&plan, "web").notes.iter().any(|note| note.contains("ecs:ListServiceDeployments")),
        "{}",
        told(&plan)
    );
    // A newer manifest does not need it.
    world.script("ListServiceDeployments", ecs_operator::sandbox::FaultKind::Denied, 1);
    assert!(operations(&world.plan(&shop("nginx:3")).await).contains(&"UpdateService"));
}

#[tokio::test(start_paused = true)]
async fn a_whole_bundle_that_failed_is_rejected_though_its_task_definition_is_the_good_one() {
    let on = |subnet: &str, image: &str| {
        let network = json!({"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": ["sg-0bb"]}});
        let [shop, web] = shop(image);
        [shop, with(web, "/spec/service/networkConfiguration", network)]
    };
    let world = World::new().await;
    // Flaky tasks: the same revision is good first and bad later.
    world.applies(&on("subnet-0aa", GOOD)).await;
    world.apply(&on("subnet-0cc", BAD)).await;
    world.settle().await;
    world.apply(&on("subnet-0cc", BAD)).await;
    let service = world.service("shop", "web").await;
    let subnets = &service["networkConfiguration"]["awsvpcConfiguration"]["subnets"];
    assert_eq!((subnets, running(&world).await.as_str()), (&json!(["subnet-0aa"]), "web:1"));
    assert_eq!(world.apply(&on("subnet-0cc", BAD)).await.changes, [""; 0]);
    // The same revision elsewhere is another manifest.
    let applied = world.apply(&on("subnet-0bb", BAD)).await;
    assert_eq!(count(&applied.changes, "UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_no_success_whatever_is_to_be_done_about_drift() {
    for policy in ["report", "ignore"] {
        let manifests = |image: &str| {
            let [shop, web] = shop(image);
            [shop, annotated(web, "drift", policy)]
        };
        let world = World::new().await;
        world.applies(&manifests(GOOD)).await;
        world.pass(&manifests(BAD)).await;
        world.settle().await;
        assert_eq!(world.apply(&manifests(BAD)).await.changes, ["TagResource"], "{policy}");
        let plan = world.plan(&manifests(BAD)).await;
        assert_eq!((failure(&plan).from.as_str(), failure(&plan).to.as_deref()), ("web:2", Some("web:1")));
        assert!(
            matches!(plan.rollouts.values().next(), Some(Progress::RolledBack(_))),
            "{policy}: {}",
            told(&plan)
        );
        // And drift is left alone, as the manifest says.
        meddle(&world, 0).await;
        world.settle().await;
        assert_eq!(world.apply(&manifests(BAD)).await.changes, [""; 0], "{policy}");
        assert_eq!(running(&world).await, "foreign:1");
    }
}
