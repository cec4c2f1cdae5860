//! Whose a resource is, and what is never done to what is not ours.

use crate::world::{World, annotated, cluster, count, manifest, of, operations, paths, service, with};
use ecs_operator::aws::Operation;
use ecs_operator::plan::{Blocked, Hold, Verdict};
use ecs_operator::sandbox::FaultKind;
use serde_json::{Value, json};

/// A world with a cluster, a service, a repository and a provider that somebody else made, and their manifests.
async fn foreign() -> (World, Vec<Value>) {
    let world = World::new().await;
    world.behind(Operation::CreateCluster, json!({"clusterName": "shop"})).await;
    let definition = json!({"family": "web", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "web", "image": "nginx", "portMappings": [{"containerPort": 80}]}]});
    world.behind(Operation::RegisterTaskDefinition, definition).await;
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": ["sg-0bb"]}});
    let input = json!({"cluster": "shop", "serviceName": "web", "taskDefinition": "web", "desiredCount": 3, "launchType": "FARGATE", "networkConfiguration": network});
    world.behind(Operation::CreateService, input).await;
    world.behind(Operation::CreateRepository, json!({"repositoryName": "web"})).await;
    world.settle().await;
    let manifests = vec![
        manifest("EcsCluster", "shop", json!({})),
        service("web", json!({}), json!({})),
        manifest("EcrRepository", "web", json!({})),
    ];
    (world, manifests)
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_is_left_alone_and_said_so() {
    let (world, manifests) = foreign().await;
    let plan = world.plan(&manifests).await;
    assert_eq!(operations(&plan), [""; 0]);
    for object in &plan.objects {
        assert_eq!(object.verdict, Verdict::NotOwned);
        let hold = object.hold.as_ref().unwrap();
        assert_eq!(*hold, Hold::Blocked(Blocked::NotOwned { owner: None }));
        assert!(hold.hint().unwrap().contains("adopt"));
    }
    assert_eq!(world.apply(&manifests).await.changes, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_adoption_that_matches_changes_only_tags() {
    let (world, manifests) = foreign().await;
    let asking: Vec<Value> =
        manifests.iter().map(|manifest| annotated(manifest.clone(), "adopt", "true")).collect();
    let plan = world.plan(&asking).await;
    assert!(
        plan.objects.iter().all(|object| object.verdict == Verdict::Adopt && object.differences.is_empty())
    );
    assert_eq!(operations(&plan), ["TagResource"; 3]);
    assert_eq!(world.applies(&asking).await.changes, ["TagResource"; 3]);
    world.has_nothing_to_do(&manifests).await;
}

#[tokio::test(start_paused = true)]
async fn adoption_by_the_command_line_is_the_same_and_what_differs_is_a_change() {
    let (mut world, mut manifests) = foreign().await;
    manifests[1] = with(manifests[1].clone(), "/spec/service/desiredCount", json!(2));
    world.session.options.adopt = true;
    let plan = world.plan(&manifests).await;
    assert_eq!((of(&plan, "shop").verdict, paths(&plan)), (Verdict::Adopt, vec!["service.desiredCount"]));
    world.applies(&manifests).await;
    assert_eq!(world.service("shop", "web").await["desiredCount"], 2);
}

#[tokio::test(start_paused = true)]
async fn another_owners_resource_is_not_adopted() {
    let (mut world, manifests) = foreign().await;
    world.session.options.adopt = true;
    world.applies(&manifests).await;
    world.session.options.owner = "other".to_owned();
    let plan = world.plan(&manifests).await;
    for object in &plan.objects {
        let owner = Some("default".to_owned());
        assert_eq!(object.hold, Some(Hold::Blocked(Blocked::NotOwned { owner })));
    }
    assert_eq!(world.apply(&manifests).await.changes, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_somebody_makes_meanwhile_is_not_taken_and_nothing_is_put_into_it() {
    let world = World::new().await;
    let manifests = [cluster("shop"), service("web", json!({}), json!({}))];
    let plan = world.plan(&manifests).await;
    world.behind(Operation::CreateCluster, json!({"clusterName": "shop"})).await;
    let outcome = world.session.execute(&plan).await.unwrap();
    assert!(!outcome.is_done());
    assert_eq!(count(&world.changed(), "CreateService"), 0);
    let plan = world.plan(&manifests).await;
    assert_eq!(of(&plan, "shop").verdict, Verdict::NotOwned);
    assert_eq!(
        of(&plan, "web").hold,
        Some(Hold::Blocked(Blocked::Dependency { on: "EcsCluster/shop".to_owned() }))
    );
    assert_eq!(operations(&plan), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_denied_tag_blocks_before_anything_is_changed() {
    let world = World::new().await;
    let manifests = [cluster("shop"), service("web", json!({}), json!({}))];
    world.applies(&manifests).await;
    let changed =
        [cluster("shop"), with(manifests[1].clone(), "/spec/service/enableExecuteCommand", json!(false))];
    let changed = [
        changed[0].clone(),
        with(changed[1].clone(), "/spec/taskDefinition/containerDefinitions/0/image", json!("nginx:2")),
    ];
    world.script("TagResource", FaultKind::Denied, 1);
    let denied = world.pass(&changed).await;
    assert_eq!(denied.changes, ["TagResource (AccessDeniedException)"]);
    assert!(denied.failures[0].contains("ecs:TagResource"), "{}", denied.failures[0]);
    world.applies(&changed).await;
}

#[tokio::test(start_paused = true)]
async fn a_suspended_object_is_left_alone_and_goes_on_when_it_is_not() {
    let world = World::new().await;
    let manifests = [cluster("shop"), service("web", json!({}), json!({}))];
    world.applies(&manifests).await;
    let changed =
        with(manifests[1].clone(), "/spec/taskDefinition/containerDefinitions/0/image", json!("nginx:2"));
    let suspended = [cluster("shop"), annotated(changed.clone(), "suspend", "true")];
    assert_eq!(of(&world.plan(&suspended).await, "web").verdict, Verdict::Suspended);
    assert_eq!(world.apply(&suspended).await.changes, [""; 0]);
    assert_eq!(count(&world.applies(&[cluster("shop"), changed]).await.changes, "UpdateService"), 1);
}
