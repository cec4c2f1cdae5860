//! Instances that capacity providers bring, and where tasks are placed.

use serde_json::{Value, json};

use super::{Client, SETTLED, bridge_task, with};

fn on_instances(name: &str, more: Value) -> Value {
    with(json!({"cluster": "shop", "serviceName": name, "taskDefinition": "bridge"}), more)
}

fn instances(client: &Client) -> usize {
    client.ecs("ListContainerInstances", json!({"cluster": "shop"}))["containerInstanceArns"]
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn an_attached_group_brings_its_first_instance() {
    let client = Client::with_instances();
    assert_eq!(instances(&client), 1);
    let arns =
        client.ecs("ListContainerInstances", json!({"cluster": "shop"}))["containerInstanceArns"].clone();
    let described =
        client.ecs("DescribeContainerInstances", json!({"cluster": "shop", "containerInstances": arns}));
    let instance = &described["containerInstances"][0];
    assert_eq!((&instance["status"], &instance["capacityProviderName"]), (&json!("ACTIVE"), &json!("big")));
    assert_eq!(instance["remainingResources"], instance["registeredResources"]);
}

#[test]
fn tasks_that_find_no_room_wait_for_more_instances_and_idle_ones_go() {
    let client = Client::with_instances();
    let strategy = json!([{"capacityProvider": "big", "weight": 1}]);
    client.ecs(
        "CreateService",
        on_instances("web", json!({"desiredCount": 40, "capacityProviderStrategy": strategy})),
    );
    client.pass(10);
    let service = client.service("web");
    assert_eq!((&service["runningCount"], &service["pendingCount"]), (&json!(16), &json!(24)));
    client.pass(SETTLED);
    assert_eq!(client.service("web")["runningCount"], 40);
    assert_eq!(instances(&client), 3);
    client.update(json!({"desiredCount": 0}));
    client.pass(SETTLED + 900);
    assert_eq!(instances(&client), 1);
}

#[test]
fn launch_type_ec2_uses_the_instances_that_there_are() {
    let client = Client::with_instances();
    client.ecs("CreateService", on_instances("web", json!({"desiredCount": 20, "launchType": "EC2"})));
    client.pass(400);
    assert_eq!(client.service("web")["runningCount"], 20);
    assert_eq!(instances(&client), 2);
}

#[test]
fn without_instances_nothing_is_placed_and_the_event_says_so() {
    let client = Client::shop();
    client.ecs("CreateService", on_instances("web", json!({"desiredCount": 1})));
    client.pass(1000);
    let service = client.service("web");
    assert_eq!((&service["runningCount"], &service["pendingCount"]), (&json!(0), &json!(0)));
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let messages = client.messages("web");
    let expected = "(service web) was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your cluster.";
    assert!(messages[0].starts_with(expected), "{}", messages[0]);
    assert_eq!(messages.len(), 1);
}

#[test]
fn a_daemon_has_one_task_on_every_instance() {
    let client = Client::with_instances();
    let created = client.ecs("CreateService", on_instances("agent", json!({"schedulingStrategy": "DAEMON"})));
    let configuration = &created["service"]["deploymentConfiguration"];
    assert_eq!(
        (&configuration["maximumPercent"], &configuration["minimumHealthyPercent"]),
        (&json!(100), &json!(0))
    );
    assert_eq!(created["service"]["availabilityZoneRebalancing"], "DISABLED");
    client.pass(SETTLED);
    assert_eq!(client.service("agent")["desiredCount"], 1);
    let strategy = json!([{"capacityProvider": "big", "weight": 1}]);
    client.ecs(
        "CreateService",
        on_instances("web", json!({"desiredCount": 30, "capacityProviderStrategy": strategy})),
    );
    client.pass(2 * SETTLED);
    let daemon = client.service("agent");
    assert_eq!(
        (&daemon["desiredCount"], &daemon["runningCount"]),
        (&json!(instances(&client)), &json!(instances(&client)))
    );
    assert_eq!(daemon["deployments"][0]["rolloutState"], "COMPLETED");
    client.ecs("RegisterTaskDefinition", bridge_task("bridge"));
    client.ecs("UpdateService", json!({"cluster": "shop", "service": "agent", "taskDefinition": "bridge"}));
    client.pass(SETTLED);
    let daemon = client.service("agent");
    assert_eq!(daemon["deployments"].as_array().unwrap().len(), 1);
    assert!(daemon["taskDefinition"].as_str().unwrap().ends_with("bridge:2"));
}

#[test]
fn a_strategy_gives_the_base_first_and_the_rest_by_weight() {
    let client = Client::shop();
    let strategy = json!([{"capacityProvider": "FARGATE", "base": 2, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 3}]);
    let mut input = with(super::fargate_service("web", 10), json!({"capacityProviderStrategy": strategy}));
    input.as_object_mut().unwrap().shift_remove("launchType");
    client.ecs("CreateService", input);
    client.pass(SETTLED);
    let arns = client.ecs("ListTasks", json!({"cluster": "shop"}))["taskArns"].clone();
    let tasks = client.ecs("DescribeTasks", json!({"cluster": "shop", "tasks": arns}))["tasks"].clone();
    let on = |name: &str| {
        tasks.as_array().unwrap().iter().filter(|task| task["capacityProviderName"] == name).count()
    };
    assert_eq!((on("FARGATE"), on("FARGATE_SPOT")), (4, 6));
}

#[test]
fn distinct_instances_are_distinct() {
    let client = Client::with_instances();
    let strategy = json!([{"capacityProvider": "big", "weight": 1}]);
    let constraint = json!([{"type": "distinctInstance"}]);
    let more =
        json!({"desiredCount": 3, "capacityProviderStrategy": strategy, "placementConstraints": constraint});
    client.ecs("CreateService", on_instances("web", more));
    client.pass(2 * SETTLED);
    assert_eq!(client.service("web")["runningCount"], 3);
    assert_eq!(instances(&client), 3);
}

#[test]
fn a_service_without_room_takes_the_room_that_another_leaves() {
    let client = Client::with_instances();
    client.ecs(
        "UpdateCapacityProvider",
        json!({"name": "big", "autoScalingGroupProvider": {"managedScaling": {"status": "DISABLED"}}}),
    );
    client.ecs("CreateService", on_instances("web", json!({"desiredCount": 16})));
    client.pass(SETTLED);
    client.ecs("CreateService", on_instances("late", json!({"desiredCount": 2})));
    client.pass(3600);
    assert_eq!((client.service("late")["runningCount"].clone(), instances(&client)), (json!(0), 1));
    client.update(json!({"desiredCount": 14}));
    client.pass(SETTLED);
    assert_eq!(client.service("late")["runningCount"], 2);
}

#[test]
fn a_daemon_that_crashes_is_rolled_back_on_every_instance() {
    let client = Client::with_instances();
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let more = json!({"schedulingStrategy": "DAEMON", "deploymentConfiguration": breaker});
    client.ecs("CreateService", on_instances("web", more));
    let strategy = json!([{"capacityProvider": "big", "weight": 1}]);
    let more = json!({"desiredCount": 30, "capacityProviderStrategy": strategy});
    client.ecs("CreateService", on_instances("many", more));
    client.pass(2 * SETTLED);
    assert_eq!(client.service("web")["deployments"][0]["rolloutState"], "COMPLETED");
    let container = json!({"name": "web", "image": "sandbox/crash", "memory": 128});
    let definition = with(bridge_task("bridge"), json!({"containerDefinitions": [container]}));
    client.ecs("RegisterTaskDefinition", definition);
    client.update(json!({"taskDefinition": "bridge:2"}));
    client.pass(300);
    let daemon = client.service("web");
    assert!(daemon["taskDefinition"].as_str().unwrap().ends_with("bridge:1"));
    assert_eq!(daemon["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(daemon["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(daemon["runningCount"], json!(instances(&client)));
    assert_eq!(client.history()[0]["status"], "ROLLBACK_SUCCESSFUL");
    let messages = client.messages("web");
    assert!(!messages.iter().any(|message| message.contains("unable to place")), "{messages:#?}");
}

#[test]
fn what_the_closest_instance_lacks_is_told() {
    for (container, lack) in [
        (json!({"memory": 20_000}), "insufficient memory available."),
        (json!({"memory": 128, "cpu": 8192}), "insufficient CPU units available."),
    ] {
        let client = Client::with_instances();
        client.pass(SETTLED);
        let container = with(json!({"name": "web", "image": "nginx"}), container);
        let definition = with(bridge_task("bridge"), json!({"containerDefinitions": [container]}));
        client.ecs("RegisterTaskDefinition", definition);
        client.ecs("CreateService", on_instances("web", json!({"desiredCount": 1, "launchType": "EC2"})));
        client.pass(SETTLED);
        let messages = client.messages("web");
        let start = "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance ";
        assert!(messages[0].starts_with(start) && messages[0].contains(lack), "{}", messages[0]);
    }
}
