//! Clusters and capacity providers: what waits for what.

use crate::world::{World, cluster, count, extend, manifest, of, operations, paths, service, told, with};
use ecs_operator::aws::Operation;
use ecs_operator::plan::{Blocked, Hold, Verdict, Waiting};
use ecs_operator::sandbox::FaultKind;
use serde_json::{Value, json};

const GROUP: &str = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c0000-0000-4000-8000-000000000000:autoScalingGroupName/shop";

fn provider(more: Value) -> Value {
    let mut group =
        json!({"autoScalingGroupArn": GROUP, "managedScaling": {"status": "ENABLED", "targetCapacity": 90}});
    extend(&mut group, more);
    manifest("EcsCapacityProvider", "shop-ec2", json!({"autoScalingGroupProvider": group}))
}

fn with_provider() -> Value {
    let strategy = json!([{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]);
    manifest(
        "EcsCluster",
        "shop",
        json!({"capacityProviders": ["FARGATE", "shop-ec2"], "defaultCapacityProviderStrategy": strategy}),
    )
}

fn on_provider(name: &str) -> Value {
    let definition = json!({"requiresCompatibilities": ["EC2"], "cpu": null, "memory": null, "networkMode": "bridge",
        "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 128}]});
    let strategy = json!([{"capacityProvider": "shop-ec2", "weight": 1}]);
    let more =
        json!({"launchType": null, "networkConfiguration": null, "capacityProviderStrategy": strategy});
    service(name, definition, more)
}

#[tokio::test(start_paused = true)]
async fn providers_are_made_then_attached_and_then_used() {
    let world = World::new().await;
    let manifests = [provider(json!({})), with_provider(), on_provider("web")];
    let plan = world.plan(&manifests).await;
    let waits_for_cluster = Hold::Waiting(Waiting::Cluster { name: "shop".to_owned() });
    assert_eq!(of(&plan, "web").hold, Some(waits_for_cluster), "{}", told(&plan));
    let applied = world.applies(&manifests).await;
    for operation in
        ["CreateCapacityProvider", "CreateCluster", "PutClusterCapacityProviders", "CreateService"]
    {
        assert_eq!(count(&applied.changes, operation), 1, "{:?}", applied.changes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_updated_in_place_and_another_group_needs_another_provider() {
    let world = World::new().await;
    world.applies(&[provider(json!({}))]).await;
    let changed = provider(json!({"managedScaling": {"status": "ENABLED"}, "managedDraining": "DISABLED"}));
    let plan = world.plan(std::slice::from_ref(&changed)).await;
    assert_eq!(
        paths(&plan),
        [
            "autoScalingGroupProvider.managedScaling.targetCapacity",
            "autoScalingGroupProvider.managedDraining"
        ]
    );
    assert_eq!(count(&world.applies(&[changed]).await.changes, "UpdateCapacityProvider"), 1);
    let other =
        provider(json!({"autoScalingGroupArn": GROUP.replace("1f0c", "2f0c").replace("/shop", "/other")}));
    let plan = world.plan(&[other]).await;
    let members = vec!["autoScalingGroupProvider.autoScalingGroupArn".to_owned()];
    assert_eq!(of(&plan, "shop-ec2").hold, Some(Hold::Blocked(Blocked::ReplacementNeeded { members })));
    assert_eq!(operations(&plan), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_clusters_settings_strategy_and_tags_follow_the_manifest() {
    let world = World::new().await;
    let one = manifest(
        "EcsCluster",
        "shop",
        json!({
            "settings": [{"name": "containerInsights", "value": "enhanced"}],
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 3}],
            "serviceConnectDefaults": {"namespace": "shop.local"},
            "tags": [{"key": "team", "value": "a"}]
        }),
    );
    world.applies(std::slice::from_ref(&one)).await;
    let two = with(one.clone(), "/spec/defaultCapacityProviderStrategy/1/weight", json!(1));
    let two = with(two, "/spec/tags/0/value", json!("b"));
    let applied = world.applies(&[two]).await;
    assert_eq!(count(&applied.changes, "PutClusterCapacityProviders"), 1);
    assert_eq!(count(&applied.changes, "UpdateCluster"), 0);
    let silent = manifest("EcsCluster", "shop", json!({"capacityProviders": ["FARGATE"]}));
    world.applies(&[silent]).await;
    let input = json!({"clusters": ["shop"], "include": ["SETTINGS", "TAGS", "CONFIGURATIONS"]});
    let live = world.behind(Operation::DescribeClusters, input).await["clusters"][0].clone();
    assert_eq!(live["capacityProviders"], json!(["FARGATE"]));
    assert_eq!(live["defaultCapacityProviderStrategy"], json!([]));
    assert_eq!(live["settings"][0]["value"], "enhanced", "not ours while the manifest is silent");
    assert!(live["tags"].as_array().unwrap().iter().any(|tag| tag["key"] == "team"));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_declares_must_exist() {
    let world = World::new().await;
    let plan = world.plan(&[service("web", json!({}), json!({}))]).await;
    let hold = Hold::Blocked(Blocked::Missing { what: "cluster `shop`".to_owned() });
    assert_eq!((of(&plan, "web").hold.clone(), operations(&plan)), (Some(hold), vec![]));
    let plan = world.plan(&[with_provider()]).await;
    let hold = Hold::Blocked(Blocked::Missing { what: "capacity provider `shop-ec2`".to_owned() });
    assert_eq!(of(&plan, "shop").hold, Some(hold));
    world.behind(Operation::CreateCluster, json!({"clusterName": "shop"})).await;
    world.applies(&[service("web", json!({}), json!({}))]).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_provider_is_not_attached_is_blocked() {
    let world = World::new().await;
    world.behind(Operation::CreateCluster, json!({"clusterName": "shop"})).await;
    world.applies(&[provider(json!({}))]).await;
    let manifests = [provider(json!({})), on_provider("web")];
    let plan = world.plan(&manifests).await;
    let hold = of(&plan, "web").hold.clone().unwrap();
    assert_eq!(
        hold.to_string(),
        "capacity provider `shop-ec2` cannot be used: it is not attached to cluster `shop`"
    );
    assert_eq!(of(&plan, "web").verdict, Verdict::Create);
    assert_eq!(operations(&plan), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_service_moves_to_another_strategy_by_one_forced_deployment_and_back_to_its_launch_type() {
    let world = World::new().await;
    let by_type = service("web", json!({}), json!({}));
    world.applies(&[cluster("shop"), by_type.clone()]).await;
    let strategy = json!([{"capacityProvider": "FARGATE", "base": 1, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 3}]);
    let by_strategy =
        service("web", json!({}), json!({"launchType": null, "capacityProviderStrategy": strategy}));
    for manifest in [by_strategy, by_type] {
        let manifests = [cluster("shop"), manifest];
        let plan = world.plan(&manifests).await;
        let update = plan.actions.iter().find(|action| action.operation == "UpdateService");
        let update = update.unwrap_or_else(|| panic!("{}", told(&plan)));
        assert_eq!(update.input["forceNewDeployment"], true);
        let applied = world.applies(&manifests).await;
        assert_eq!(count(&applied.changes, "UpdateService"), 1);
        assert_eq!(count(&applied.changes, "CreateService"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_cannot_be_read_is_neither_drift_nor_something_for_a_person() {
    let mut world = World::new().await;
    world.applies(&[provider(json!({})), with_provider()]).await;
    world.impatient().await;
    // Declared and to be attached, or attached and not declared: of which kind it is is not known.
    let more = with(with_provider(), "/spec/capacityProviders/1", json!("FARGATE_SPOT"));
    let back = with(with_provider(), "/spec/defaultCapacityProviderStrategy/0/weight", json!(2));
    for declared in [more, back] {
        world.script("DescribeCapacityProviders", FaultKind::Denied, 9);
        let plan = world.plan(&[declared]).await;
        world.sandbox.clear_faults();
        assert_eq!(of(&plan, "shop").verdict, Verdict::Unreadable, "{}", told(&plan));
        assert_eq!(operations(&plan), [""; 0]);
    }
}
