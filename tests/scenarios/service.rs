//! Services: revisions, settings, drift, and who owns desiredCount.

use crate::world::{World, cluster, count, is_empty, of, operations, paths, service, told, with};
use ecs_operator::aws::Operation;
use ecs_operator::plan::Verdict;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_cluster_and_its_service_are_created_and_then_there_is_nothing_to_do() {
    let world = World::new().await;
    let manifests = [cluster("shop"), service("web", json!({}), json!({}))];
    let applied = world.applies(&manifests).await;
    for operation in ["CreateCluster", "RegisterTaskDefinition", "CreateService"] {
        assert_eq!(count(&applied.changes, operation), 1, "{:?}", applied.changes);
    }
    assert_eq!(count(&applied.changes, "UpdateService"), 0);
    assert_eq!(world.service("shop", "web").await["runningCount"], 1);
}

#[tokio::test(start_paused = true)]
async fn there_and_back_again_makes_two_revisions_and_no_service_anew() {
    let world = World::new().await;
    let one = [cluster("shop"), service("web", json!({}), json!({}))];
    let two = [
        one[0].clone(),
        with(one[1].clone(), "/spec/taskDefinition/containerDefinitions/0/image", json!("nginx:2")),
    ];
    world.applies(&one).await;
    for (manifests, registered) in [(&two, 1), (&one, 0), (&two, 0), (&one, 0)] {
        let plan = world.plan(manifests).await;
        assert_eq!(paths(&plan), ["taskDefinition.containerDefinitions[web].image"]);
        assert_eq!(of(&plan, "web").verdict, Verdict::Change);
        let applied = world.applies(manifests).await;
        assert_eq!(count(&applied.changes, "RegisterTaskDefinition"), registered);
        assert_eq!(count(&applied.changes, "UpdateService"), 1);
        assert_eq!(count(&applied.changes, "CreateService"), 0);
    }
    assert_eq!(world.revisions("web").await.len(), 2);
    let running = world.service("shop", "web").await["taskDefinition"].clone();
    assert!(running.as_str().unwrap().ends_with("/web:1"), "{running}");
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_behind_our_back_is_drift_named_and_healed_by_its_member_alone() {
    let world = World::new().await;
    let manifests = [cluster("shop"), service("web", json!({}), json!({"healthCheckGracePeriodSeconds": 0}))];
    world.applies(&manifests).await;
    let deployment = json!({"maximumPercent": 150, "minimumHealthyPercent": 50});
    let input = json!({"cluster": "shop", "service": "web", "deploymentConfiguration": deployment});
    world.behind(Operation::UpdateService, input).await;
    world.settle().await;
    let plan = world.plan(&manifests).await;
    assert_eq!(of(&plan, "web").verdict, Verdict::Drift, "{}", told(&plan));
    assert_eq!(
        paths(&plan),
        [
            "service.deploymentConfiguration.maximumPercent",
            "service.deploymentConfiguration.minimumHealthyPercent"
        ]
    );
    let update = plan.actions.iter().find(|action| action.operation == "UpdateService").unwrap();
    let sent: Vec<&str> = update.input.keys().map(String::as_str).collect();
    assert_eq!(sent, ["cluster", "service", "deploymentConfiguration"]);
    assert!(!operations(&plan).contains(&"RegisterTaskDefinition"));
    world.applies(&manifests).await;
    assert!(is_empty(&world.plan(&manifests).await));
}
