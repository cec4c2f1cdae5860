//! Services: what they read back as, and what an update changes.

use serde_json::{Value, json};

use super::{ARN, Client, SETTLED, bridge_task, fargate_service, fargate_task, network, with};

const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef";

fn balancers() -> Value {
    json!([{"targetGroupArn": GROUP, "containerName": "web", "containerPort": 80}])
}

#[test]
fn what_is_omitted_is_filled() {
    let client = Client::shop();
    let service = client.ecs("CreateService", fargate_service("web", 2))["service"].clone();
    assert_eq!(service["serviceArn"], format!("{ARN}service/shop/web"));
    assert_eq!(service["clusterArn"], format!("{ARN}cluster/shop"));
    assert_eq!(service["taskDefinition"], format!("{ARN}task-definition/web:1"));
    for (member, value) in [
        ("status", json!("ACTIVE")),
        ("desiredCount", json!(2)),
        ("runningCount", json!(0)),
        ("launchType", json!("FARGATE")),
        ("platformVersion", json!("LATEST")),
        ("platformFamily", json!("Linux")),
        ("schedulingStrategy", json!("REPLICA")),
        ("deploymentController", json!({"type": "ECS"})),
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("propagateTags", json!("NONE")),
        ("availabilityZoneRebalancing", json!("ENABLED")),
        (
            "roleArn",
            json!("arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"),
        ),
        (
            "deploymentConfiguration",
            json!({
                "maximumPercent": 200,
                "minimumHealthyPercent": 100,
                "deploymentCircuitBreaker": {"enable": false, "rollback": false},
                "strategy": "ROLLING",
                "bakeTimeInMinutes": 0,
            }),
        ),
    ] {
        assert_eq!(service[member], value, "{member}");
    }
    assert_eq!(service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"], "DISABLED");
    assert!(service.get("healthCheckGracePeriodSeconds").is_none());
    assert!(service.get("capacityProviderStrategy").is_none());
}

#[test]
fn the_primary_deployment_wants_no_tasks_for_a_moment() {
    let client = Client::shop();
    let service = client.ecs("CreateService", fargate_service("web", 2))["service"].clone();
    let primary = &service["deployments"][0];
    assert_eq!(
        (&primary["status"], &primary["desiredCount"], &service["desiredCount"]),
        (&json!("PRIMARY"), &json!(0), &json!(2))
    );
    assert_eq!(primary["platformVersion"], "1.4.0");
    assert!(service.get("currentServiceDeployment").is_none());
    client.pass(1);
    let service = client.service("web");
    assert_eq!(service["deployments"][0]["desiredCount"], 2);
    assert!(service["currentServiceDeployment"].as_str().unwrap().contains(":service-deployment/shop/web/"));
}

#[test]
fn a_new_service_becomes_steady() {
    let client = Client::with_service(2);
    let service = client.service("web");
    assert_eq!((&service["runningCount"], &service["pendingCount"]), (&json!(2), &json!(0)));
    let primary = &service["deployments"][0];
    assert_eq!(primary["rolloutState"], "COMPLETED");
    assert_eq!(
        primary["rolloutStateReason"],
        format!("ECS deployment {} completed.", primary["id"].as_str().unwrap())
    );
    let messages = client.messages("web");
    assert_eq!(messages[0], "(service web) has reached a steady state.");
    assert!(messages[1].ends_with("deployment completed."), "{}", messages[1]);
    assert!(messages[2].starts_with("(service web) has started 2 tasks: (task "), "{}", messages[2]);
}

#[test]
fn groups_that_are_omitted_become_the_default_group() {
    let client = Client::shop();
    let bare = json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}});
    let service = client.ecs("CreateService", with(fargate_service("web", 0), bare))["service"].clone();
    let groups =
        service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"].as_array().unwrap().clone();
    assert_eq!(groups.len(), 1);
    assert!(groups[0].as_str().unwrap().starts_with("sg-"));
}

#[test]
fn the_clusters_default_strategy_is_filled_in() {
    let client = Client::shop();
    let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    client.ecs(
        "PutClusterCapacityProviders",
        json!({"cluster": "shop", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": strategy}),
    );
    let mut input = fargate_service("web", 1);
    input.as_object_mut().unwrap().shift_remove("launchType");
    let service = client.ecs("CreateService", input)["service"].clone();
    assert_eq!(
        service["capacityProviderStrategy"],
        json!([{"capacityProvider": "FARGATE", "weight": 1, "base": 0}])
    );
    assert!(service.get("launchType").is_none());
}

#[test]
fn a_load_balancer_brings_a_grace_period_of_zero() {
    let client = Client::shop();
    let input = with(fargate_service("web", 1), json!({"loadBalancers": balancers()}));
    assert_eq!(client.ecs("CreateService", input)["service"]["healthCheckGracePeriodSeconds"], 0);
    client.pass(SETTLED);
    let service = client.update(json!({"loadBalancers": []}));
    assert_eq!(service["loadBalancers"], json!([]));
    assert!(service.get("healthCheckGracePeriodSeconds").is_none());
    assert_eq!(service["deployments"].as_array().unwrap().len(), 2);
}

#[test]
fn placement_is_respelled() {
    let client = Client::with_instances();
    let strategy = json!([{"type": "spread", "field": "attribute:ecs.availability-zone"}, {"type": "binpack", "field": "cpu"}, {"type": "spread", "field": "host"}]);
    let input = json!({"cluster": "shop", "serviceName": "web", "taskDefinition": "bridge", "desiredCount": 1, "placementStrategy": strategy});
    let service = client.ecs("CreateService", input)["service"].clone();
    assert_eq!(service["launchType"], "EC2");
    assert!(service.get("platformVersion").is_none());
    let fields: Vec<&Value> =
        service["placementStrategy"].as_array().unwrap().iter().map(|s| &s["field"]).collect();
    assert_eq!(fields, ["attribute:ecs.availability-zone", "CPU", "instanceId"]);
}

#[test]
fn each_strategy_fills_its_own_configuration() {
    let client = Client::shop();
    for (strategy, member, filled) in [
        ("LINEAR", "linearConfiguration", json!({"stepPercent": 10.0, "stepBakeTimeInMinutes": 6})),
        ("CANARY", "canaryConfiguration", json!({"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10})),
    ] {
        let hooks = json!([{"hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:f", "roleArn": "arn:aws:iam::123456789012:role/r", "lifecycleStages": ["POST_SCALE_UP"]}]);
        let configuration =
            json!({"deploymentConfiguration": {"strategy": strategy, "lifecycleHooks": hooks}});
        let service =
            client.ecs("CreateService", with(fargate_service(strategy, 0), configuration))["service"].clone();
        assert_eq!(service["deploymentConfiguration"][member], filled);
        let hook = &service["deploymentConfiguration"]["lifecycleHooks"][0];
        assert_eq!(hook["targetType"], "AWS_LAMBDA");
        assert_eq!(hook["timeoutConfiguration"], json!({"timeoutInMinutes": 1440, "action": "ROLLBACK"}));
    }
}

#[test]
fn service_connect_and_volumes_stand_on_the_deployment_only() {
    let client = Client::shop();
    let task = with(fargate_task("disk"), json!({"volumes": [{"name": "data", "configuredAtLaunch": true}]}));
    client.ecs("RegisterTaskDefinition", task);
    let more = json!({
        "taskDefinition": "disk",
        "serviceConnectConfiguration": {"enabled": true, "namespace": "internal", "services": [{"portName": "http"}]},
        "volumeConfigurations": [{"name": "data", "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/ebs", "sizeInGiB": 10}}],
    });
    client.ecs("CreateService", with(fargate_service("web", 1), more));
    let service = client.service("web");
    assert!(
        service.get("serviceConnectConfiguration").is_none() && service.get("volumeConfigurations").is_none()
    );
    let primary = &service["deployments"][0];
    let connect = &primary["serviceConnectConfiguration"];
    assert!(connect["namespace"].as_str().unwrap().starts_with("arn:aws:servicediscovery:"), "{connect}");
    assert_eq!(connect["services"][0]["discoveryName"], "http");
    assert_eq!(primary["volumeConfigurations"][0]["name"], "data");
    let list = client.ecs("ListServicesByNamespace", json!({"namespace": "internal"}));
    assert_eq!(list["serviceArns"], json!([format!("{ARN}service/shop/web")]));
}

#[test]
fn a_client_token_makes_a_second_creation_the_same() {
    let client = Client::shop();
    let input = with(fargate_service("web", 1), json!({"clientToken": "once"}));
    let first = client.ecs("CreateService", input.clone());
    let second = client.ecs("CreateService", input);
    assert_eq!(first["service"]["deployments"][0]["id"], second["service"]["deployments"][0]["id"]);
    let other = with(fargate_service("web", 1), json!({"clientToken": "twice"}));
    assert_eq!(client.refused("CreateService", other).1, "Creation of service was not idempotent.");
    let long = with(fargate_service("two", 1), json!({"clientToken": "x".repeat(37)}));
    assert_eq!(client.refused("CreateService", long).0, "InvalidParameterException");
}

#[test]
fn an_update_leaves_what_it_does_not_name() {
    let client = Client::with_service(2);
    let before = client.service("web");
    let after = client.update(json!({"desiredCount": 3}));
    for member in
        ["taskDefinition", "networkConfiguration", "deploymentConfiguration", "launchType", "propagateTags"]
    {
        assert_eq!(before[member], after[member]);
    }
    assert_eq!(after["deployments"].as_array().unwrap().len(), 1, "a new count is no new deployment");
    client.pass(SETTLED);
    assert_eq!(client.service("web")["runningCount"], 3);
}

#[test]
fn a_structure_that_is_sent_is_taken_whole() {
    let client = Client::with_service(1);
    client.update(json!({"deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50}}));
    let service = client.update(
        json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}}),
    );
    assert_eq!(service["deploymentConfiguration"]["maximumPercent"], 200);
    assert_eq!(service["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"], true);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn another_strategy_needs_a_forced_deployment_and_an_empty_one_goes_back() {
    let client = Client::with_service(1);
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let input = json!({"cluster": "shop", "service": "web", "capacityProviderStrategy": strategy});
    let (code, message) = client.refused("UpdateService", input.clone());
    assert_eq!(code, "InvalidParameterException");
    assert!(message.ends_with("you must force a new deployment."), "{message}");
    let service =
        client.ecs("UpdateService", with(input, json!({"forceNewDeployment": true})))["service"].clone();
    assert!(service.get("launchType").is_none());
    client.pass(SETTLED);
    let service = client.update(json!({"capacityProviderStrategy": [], "forceNewDeployment": true}));
    assert_eq!(service["launchType"], "FARGATE");
    assert!(service.get("capacityProviderStrategy").is_none());
}

#[test]
fn deletion_drains_then_is_inactive_then_forgotten() {
    let client = Client::with_service(2);
    let (code, message) = client.refused("DeleteService", json!({"cluster": "shop", "service": "web"}));
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
    );
    let deleted = client.ecs("DeleteService", json!({"cluster": "shop", "service": "web", "force": true}));
    assert_eq!(deleted["service"]["status"], "DRAINING");
    let again = client.refused("CreateService", fargate_service("web", 1));
    assert_eq!(again.1, "Unable to Start a service that is still Draining.");
    assert_eq!(client.ecs("ListServices", json!({"cluster": "shop"}))["serviceArns"], json!([]));
    client.pass(SETTLED);
    assert_eq!(client.service("web")["status"], "INACTIVE");
    let refused =
        client.refused("UpdateService", json!({"cluster": "shop", "service": "web", "desiredCount": 1}));
    assert_eq!(refused.0, "ServiceNotActiveException");
    client.pass(3600 + SETTLED);
    let missing = client.ecs("DescribeServices", json!({"cluster": "shop", "services": ["web"]}));
    assert_eq!(missing["failures"], json!([{"arn": format!("{ARN}service/shop/web"), "reason": "MISSING"}]));
}

#[test]
fn an_inactive_service_makes_way_for_a_new_one() {
    let client = Client::with_service(1);
    client.ecs("DeleteService", json!({"cluster": "shop", "service": "web", "force": true}));
    client.pass(SETTLED);
    client.ecs("CreateService", fargate_service("web", 1));
    client.pass(SETTLED);
    assert_eq!(client.service("web")["runningCount"], 1);
    client.pass(2 * 3600);
    assert_eq!(client.service("web")["status"], "ACTIVE", "the old one's end does not take the new one away");
}

#[test]
fn services_are_described_ten_at_a_time_and_a_missing_one_is_no_error() {
    let client = Client::with_service(0);
    let names: Vec<String> = (0..11).map(|n| format!("s{n}")).collect();
    assert_eq!(
        client.refused("DescribeServices", json!({"cluster": "shop", "services": names})).0,
        "InvalidParameterException"
    );
    let answer = client.ecs(
        "DescribeServices",
        json!({"cluster": "shop", "services": ["web", format!("{ARN}service/shop/none")]}),
    );
    assert_eq!(answer["services"].as_array().unwrap().len(), 1);
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
    let elsewhere = client.refused("DescribeServices", json!({"cluster": "none", "services": ["web"]}));
    assert_eq!(elsewhere, ("ClusterNotFoundException".to_owned(), "Cluster not found.".to_owned()));
}

#[test]
fn services_are_listed_in_pages() {
    let client = Client::shop();
    for n in 0..12 {
        client.ecs("CreateService", fargate_service(&format!("s{n:02}"), 0));
    }
    let first = client.ecs("ListServices", json!({"cluster": "shop"}));
    assert_eq!(first["serviceArns"].as_array().unwrap().len(), 10);
    let rest = client.ecs("ListServices", json!({"cluster": "shop", "nextToken": first["nextToken"]}));
    assert_eq!(rest["serviceArns"].as_array().unwrap().len(), 2);
    assert!(rest.get("nextToken").is_none());
    assert_eq!(
        client.refused("ListServices", json!({"cluster": "shop", "nextToken": "zz"})).0,
        "InvalidParameterException"
    );
}

#[test]
fn an_external_service_has_neither_deployments_nor_tasks() {
    let client = Client::shop();
    let input = json!({"cluster": "shop", "serviceName": "web", "deploymentController": {"type": "EXTERNAL"}, "desiredCount": 2});
    client.ecs("CreateService", input);
    client.pass(SETTLED);
    let service = client.service("web");
    assert_eq!((&service["deployments"], &service["taskSets"]), (&json!([]), &json!([])));
    assert_eq!(service["launchType"], "EC2");
    assert_eq!(
        service["deploymentConfiguration"],
        json!({"maximumPercent": 200, "minimumHealthyPercent": 100})
    );
}

#[test]
fn under_code_deploy_only_some_members_can_be_updated() {
    let client = Client::shop();
    let more = json!({"deploymentController": {"type": "CODE_DEPLOY"}, "loadBalancers": balancers()});
    client.ecs("CreateService", with(fargate_service("web", 1), more));
    client.pass(SETTLED);
    assert_eq!(client.service("web")["runningCount"], 1);
    client.update(json!({"desiredCount": 2, "healthCheckGracePeriodSeconds": 5}));
    for (changes, words) in [
        (json!({"taskDefinition": "web"}), "Unable to update task definition on services with a CODE_DEPLOY"),
        (json!({"networkConfiguration": network()}), "Unable to update network parameters"),
        (json!({"forceNewDeployment": true}), "Cannot force a new deployment"),
    ] {
        let input = with(json!({"cluster": "shop", "service": "web"}), changes);
        assert!(client.refused("UpdateService", input).1.contains(words));
    }
}

#[test]
fn a_deregistered_task_definition_runs_on_but_is_not_deployed() {
    let client = Client::with_service(1);
    client.ecs("DeregisterTaskDefinition", json!({"taskDefinition": "web:1"}));
    client.update(json!({"desiredCount": 2}));
    client.pass(SETTLED);
    assert_eq!(client.service("web")["runningCount"], 2);
    for changes in [json!({"forceNewDeployment": true}), json!({"taskDefinition": "web:1"})] {
        let input = with(json!({"cluster": "shop", "service": "web"}), changes);
        assert_eq!(client.refused("UpdateService", input).0, "ClientException");
    }
    client.ecs("RegisterTaskDefinition", bridge_task("other"));
    assert_eq!(client.refused("CreateService", fargate_service("two", 1)).1, "TaskDefinition not found.");
}
