//! What CreateService and UpdateService refuse.

use serde_json::{Value, json};

use super::{Client, bridge_task, fargate_service, fargate_task, network, with};

/// Creating `fargate_service` with these changes (null takes a member away) is refused.
#[track_caller]
fn refused(client: &Client, changes: Value, words: &str) {
    let (code, message) = client.refused("CreateService", with(fargate_service("web", 1), changes));
    assert!(
        ["InvalidParameterException", "ClientException", "PlatformUnknownException"].contains(&code.as_str()),
        "{code}"
    );
    assert!(message.contains(words), "{code}: {message}");
    assert_eq!(client.ecs("ListServices", json!({"cluster": "shop"}))["serviceArns"], json!([]));
}

#[test]
fn the_cluster_must_be_there() {
    let client = Client::shop();
    let refusal =
        client.refused("CreateService", with(fargate_service("web", 1), json!({"cluster": "none"})));
    assert_eq!(refusal, ("ClusterNotFoundException".to_owned(), "Cluster not found.".to_owned()));
    let refusal = client.refused("UpdateService", json!({"cluster": "shop", "service": "none"}));
    assert_eq!(refusal, ("ServiceNotFoundException".to_owned(), "Service not found.".to_owned()));
}

#[test]
fn the_task_definition_must_be_there_and_fit() {
    let client = Client::shop();
    refused(&client, json!({"taskDefinition": "none"}), "TaskDefinition not found.");
    refused(&client, json!({"taskDefinition": "web:9"}), "TaskDefinition not found.");
    refused(&client, json!({"taskDefinition": null}), "TaskDefinition");
    refused(
        &client,
        json!({"taskDefinition": "bridge", "networkConfiguration": null}),
        "does not support launch_type FARGATE",
    );
    client.ecs("DeregisterTaskDefinition", json!({"taskDefinition": "web:1"}));
    refused(&client, json!({"taskDefinition": "web:1"}), "TaskDefinition is inactive");
}

#[test]
fn the_network_must_fit_the_network_mode() {
    let client = Client::shop();
    let vpc = |more: Value| json!({"networkConfiguration": {"awsvpcConfiguration": more}});
    refused(
        &client,
        json!({"networkConfiguration": null}),
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    );
    refused(
        &client,
        json!({"taskDefinition": "bridge", "launchType": "EC2"}),
        "not valid for the given networkMode",
    );
    refused(&client, vpc(json!({"subnets": []})), "subnets can not be empty.");
    refused(&client, vpc(json!({"subnets": ["vpc-1"]})), "'vpc-1' is not valid");
    refused(
        &client,
        with(
            vpc(json!({"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"})),
            json!({"launchType": "EC2"}),
        ),
        "Assign public IP is not supported",
    );
}

#[test]
fn capacity_must_be_said_in_one_way() {
    let client = Client::shop();
    let strategy = |items: Value| json!({"launchType": null, "capacityProviderStrategy": items});
    let both = json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]});
    refused(&client, both, "Specifying both a launch type and capacity provider strategy");
    refused(&client, strategy(json!([{"capacityProvider": "none", "weight": 1}])), "'none' was not found");
    refused(&client, strategy(json!([{"capacityProvider": "FARGATE"}])), "weight");
    let bases = json!([{"capacityProvider": "FARGATE", "base": 1, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "base": 1}]);
    refused(&client, strategy(bases), "base");
    client.ecs("CreateCluster", json!({"clusterName": "bare"}));
    let input =
        with(fargate_service("web", 1), strategy(json!([{"capacityProvider": "FARGATE", "weight": 1}])));
    let (_, message) = client.refused("CreateService", with(input, json!({"cluster": "bare"})));
    assert!(message.contains("not associated with the cluster"), "{message}");
    refused(&client, json!({"platformVersion": "9.9.9"}), "platform version");
    refused(
        &client,
        json!({"launchType": "EC2", "platformVersion": "1.4.0"}),
        "must be null when specifying an EC2 launch type",
    );
}

#[test]
fn load_balancers_must_point_at_the_task_definition() {
    let client = Client::shop();
    let group = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef";
    let to = |container: &str, port: u16| json!({"loadBalancers": [{"targetGroupArn": group, "containerName": container, "containerPort": port}]});
    refused(&client, to("api", 80), "The container api does not exist in the task definition.");
    refused(&client, to("web", 8080), "The container web did not have a container port 8080 defined.");
    refused(
        &client,
        json!({"loadBalancers": [{"containerName": "web", "containerPort": 80}]}),
        "Exactly one of targetGroupArn",
    );
    refused(
        &client,
        json!({"loadBalancers": [{"targetGroupArn": "web", "containerName": "web", "containerPort": 80}]}),
        "target group",
    );
    let blue = json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}});
    refused(&client, with(to("web", 80), blue), "advancedConfiguration field is required");
    refused(&client, json!({"deploymentController": {"type": "CODE_DEPLOY"}}), "load balancer is required");
}

#[test]
fn scheduling_must_be_possible() {
    let client = Client::shop();
    refused(&client, json!({"desiredCount": null}), "desired count is required");
    refused(&client, json!({"desiredCount": -1}), "negative");
    refused(&client, json!({"schedulingStrategy": "DAEMON"}), "does not support a desired count");
    refused(
        &client,
        json!({"schedulingStrategy": "DAEMON", "desiredCount": null}),
        "not supported on the Fargate launch type",
    );
    refused(
        &client,
        json!({"placementStrategy": [{"type": "random"}]}),
        "Placement strategies are not supported with FARGATE",
    );
    refused(
        &client,
        json!({"placementConstraints": [{"type": "distinctInstance"}]}),
        "Placement constraints are not supported with FARGATE",
    );
    refused(&client, json!({"enableExecuteCommand": true}), "taskRoleArn");
    let tight = json!({"availabilityZoneRebalancing": "ENABLED", "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 0}});
    refused(&client, tight, "Availability Zone rebalancing is not supported");
}

#[test]
fn the_deployment_configuration_must_let_deployments_through() {
    let client = Client::shop();
    let configuration = |more: Value| json!({"deploymentConfiguration": more});
    refused(
        &client,
        configuration(json!({"maximumPercent": 100, "minimumHealthyPercent": 100})),
        "this will block deployments",
    );
    refused(&client, configuration(json!({"maximumPercent": 50})), "maximumPercent");
    refused(&client, configuration(json!({"canaryConfiguration": {"canaryPercent": 5.0}})), "CANARY");
    refused(
        &client,
        configuration(json!({"alarms": {"enable": true, "rollback": true, "alarmNames": []}})),
        "alarmNames",
    );
}

#[test]
fn ports_and_volumes_must_be_the_task_definitions() {
    let client = Client::shop();
    let connect = |more: Value| json!({"serviceConnectConfiguration": with(json!({"enabled": true}), more)});
    refused(&client, connect(json!({"namespace": "n", "services": [{"portName": "grpc"}]})), "'grpc'");
    refused(&client, connect(json!({"services": [{"portName": "http"}]})), "namespace is missing");
    let volume = json!({"volumeConfigurations": [{"name": "data", "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/r"}}]});
    refused(&client, volume, "do not match");
    client.ecs(
        "RegisterTaskDefinition",
        with(fargate_task("disk"), json!({"volumes": [{"name": "data", "configuredAtLaunch": true}]})),
    );
    refused(&client, json!({"taskDefinition": "disk"}), "do not match");
}

#[test]
fn an_external_services_tasks_are_the_task_sets_concern() {
    let client = Client::shop();
    refused(
        &client,
        json!({"deploymentController": {"type": "EXTERNAL"}, "taskDefinition": "web"}),
        "taskDefinition must be null",
    );
    let bare = json!({"cluster": "shop", "serviceName": "web", "deploymentController": {"type": "EXTERNAL"}, "desiredCount": 1, "networkConfiguration": network()});
    assert!(client.refused("CreateService", bare).1.contains("networkConfiguration must be null"));
}

#[test]
fn a_refused_update_changes_nothing() {
    let client = Client::with_service(1);
    client.ecs("RegisterTaskDefinition", bridge_task("other"));
    let before = client.service("web");
    for changes in [
        json!({"taskDefinition": "other"}),
        json!({"taskDefinition": "none"}),
        json!({"desiredCount": -1}),
        json!({"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 100}}),
        json!({"enableExecuteCommand": true}),
    ] {
        client.refused("UpdateService", with(json!({"cluster": "shop", "service": "web"}), changes));
        assert_eq!(client.service("web"), before);
    }
}

#[test]
fn names_have_their_limits() {
    let client = Client::shop();
    for name in ["", "a b", &"x".repeat(256)] {
        refused(&client, json!({"serviceName": name}), "service name");
    }
}
