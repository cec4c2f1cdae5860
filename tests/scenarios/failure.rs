//! AWS denied, throttled, unreachable, answering garbage, losing answers: said as it is, nothing made twice.

use crate::world::{World, cluster, count, is_empty, manifest, operations, service, with};
use ecs_operator::plan::Verdict;
use ecs_operator::sandbox::FaultKind;
use serde_json::{Value, json};

fn shop() -> [Value; 3] {
    [cluster("shop"), service("web", json!({}), json!({})), manifest("EcrRepository", "web", json!({}))]
}

fn changed() -> [Value; 3] {
    let [cluster, web, repository] = shop();
    [cluster, with(web, "/spec/taskDefinition/containerDefinitions/0/image", json!("nginx:2")), repository]
}

#[tokio::test(start_paused = true)]
async fn nothing_is_created_while_reads_fail_whatever_the_cause() {
    for kind in [FaultKind::Denied, FaultKind::Throttled, FaultKind::ServerError, FaultKind::LostRequest] {
        let mut world = World::new().await;
        world.impatient().await;
        assert!(world.session.aws.account_id("eu-central-1").await.is_ok());
        for operation in ["DescribeClusters", "DescribeServices", "DescribeRepositories"] {
            world.script(operation, kind.clone(), 1);
        }
        let plan = world.plan(&shop()).await;
        assert_eq!(operations(&plan), [""; 0], "{kind:?}");
        let unreadable = plan.objects.iter().filter(|object| object.verdict == Verdict::Unreadable);
        assert_eq!(unreadable.count(), 3, "{kind:?}: {plan:#?}");
        assert!(plan.objects.iter().all(|object| !object.notes.is_empty()), "{kind:?}: the cause is told");
        world.settle().await;
        world.applies(&shop()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_part_of_an_object_holds_that_object_and_no_other() {
    for (operation, name) in [
        ("DescribeServices", "web"),
        ("DescribeTaskDefinition", "web"),
        ("GetLifecyclePolicy", "web"),
        ("ListTagsForResource", "web"),
    ] {
        let mut world = World::new().await;
        world.applies(&shop()).await;
        world.impatient().await;
        world.script(operation, FaultKind::Denied, 1);
        let plan = world.plan(&changed()).await;
        let held: Vec<_> =
            plan.objects.iter().filter(|object| object.verdict == Verdict::Unreadable).collect();
        assert_eq!(held.len(), 1, "{operation}: {plan:#?}");
        assert_eq!(held[0].key.name, name);
        assert!(held[0].actions.is_empty());
        world.applies(&changed()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_for_an_answer_is_neither_absence_nor_drift() {
    let world = World::new().await;
    world.applies(&shop()).await;
    world.garble(true);
    let plan = world.plan(&changed()).await;
    assert_eq!(operations(&plan), [""; 0]);
    assert!(plan.objects.iter().all(|object| object.verdict == Verdict::Unreadable), "{plan:#?}");
    world.garble(false);
    assert_eq!(count(&world.applies(&changed()).await.changes, "UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn throttles_are_waited_for_in_all_their_forms() {
    for kind in [FaultKind::Throttled, FaultKind::TooManyRequests, FaultKind::ThrottledAsClientException] {
        let world = World::new().await;
        world.script("*", kind.clone(), 8);
        let applied = world.applies(&shop()).await;
        assert_eq!(count(&applied.changes, "CreateService"), 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_of_anything() {
    for lost in [
        "CreateCluster",
        "CreateRepository",
        "RegisterTaskDefinition",
        "CreateService",
        "TagResource",
        "PutClusterCapacityProviders",
    ] {
        let world = World::new().await;
        world.script(lost, FaultKind::LostAnswer, 1);
        // What failed is told; the next apply ends it.
        world.apply(&shop()).await;
        world.applies(&shop()).await;
        assert_eq!(world.revisions("web").await.len(), 1, "{lost}");
        assert!(is_empty(&world.plan(&shop()).await));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_change_starts_no_second_deployment() {
    for lost in ["UpdateService", "RegisterTaskDefinition", "TagResource"] {
        let world = World::new().await;
        world.applies(&shop()).await;
        world.script(lost, FaultKind::LostAnswer, 1);
        world.apply(&changed()).await;
        world.applies(&changed()).await;
        assert_eq!(world.revisions("web").await.len(), 2, "{lost}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_object_does_not_stop_the_others() {
    let world = World::new().await;
    world.script("CreateRepository", FaultKind::Denied, 1);
    let applied = world.apply(&shop()).await;
    assert_eq!(applied.failures.len(), 1, "{:?}", applied.failures);
    assert_eq!(count(&applied.changes, "CreateService"), 1);
    world.applies(&shop()).await;
}
