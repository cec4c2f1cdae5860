//! Task definitions.

use serde_json::{Value, json};

use super::{ARN, Client, bridge_task, fargate_task, with};

fn register(client: &Client, body: Value) -> Value {
    client.ecs("RegisterTaskDefinition", body)["taskDefinition"].clone()
}

fn describe(client: &Client, name: &str) -> Value {
    client.ecs("DescribeTaskDefinition", json!({"taskDefinition": name}))["taskDefinition"].clone()
}

/// A Fargate task whose one container has more members.
fn container_with(more: Value) -> Value {
    let container = json!({"name": "web", "image": "nginx"});
    with(fargate_task("web"), json!({"containerDefinitions": [with(container, more)]}))
}

#[test]
fn what_is_omitted_is_filled() {
    let client = Client::new();
    let body = register(&client, fargate_task("web"));
    assert_eq!(body["taskDefinitionArn"], format!("{ARN}task-definition/web:1"));
    assert_eq!((&body["revision"], &body["status"]), (&json!(1), &json!("ACTIVE")));
    assert_eq!(body["volumes"], json!([]));
    assert_eq!(body["placementConstraints"], json!([]));
    let expected = json!({
        "name": "web",
        "image": "nginx:1.27",
        "portMappings": [{"containerPort": 80, "name": "http", "protocol": "tcp", "hostPort": 80}],
        "cpu": 0,
        "essential": true,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
    });
    assert_eq!(body["containerDefinitions"], json!([expected]));
    assert!(body["registeredAt"].is_f64());
    assert!(body.get("tags").is_none());
}

#[test]
fn the_host_port_follows_the_network_mode() {
    let client = Client::new();
    let body = register(&client, bridge_task("web"));
    assert_eq!(body["containerDefinitions"][0]["portMappings"][0]["hostPort"], 0);
    let body = register(&client, with(bridge_task("web"), json!({"networkMode": "host"})));
    assert_eq!(body["containerDefinitions"][0]["portMappings"][0]["hostPort"], 80);
}

#[test]
fn a_health_check_and_linux_parameters_are_filled_once_they_exist() {
    let client = Client::new();
    let more =
        json!({"healthCheck": {"command": ["CMD", "true"]}, "linuxParameters": {"initProcessEnabled": true}});
    let container = register(&client, container_with(more))["containerDefinitions"][0].clone();
    assert_eq!(
        container["healthCheck"],
        json!({"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3})
    );
    assert_eq!(container["linuxParameters"]["capabilities"], json!({}));
}

#[test]
fn sizes_are_converted_to_units_and_mebibytes() {
    let client = Client::new();
    for (cpu, memory, units, mib) in [
        ("1 vCPU", "2 GB", "1024", "2048"),
        (".25 vcpu", "0.5GB", "256", "512"),
        ("512", "1024", "512", "1024"),
        ("2vCPU", "4 gb", "2048", "4096"),
    ] {
        let body = register(&client, with(fargate_task("web"), json!({"cpu": cpu, "memory": memory})));
        assert_eq!((&body["cpu"], &body["memory"]), (&json!(units), &json!(mib)));
    }
    let (code, _) =
        client.refused("RegisterTaskDefinition", with(fargate_task("web"), json!({"cpu": "lots"})));
    assert_eq!(code, "ClientException");
}

#[test]
fn the_environment_is_registered_in_order_and_described_in_another() {
    let client = Client::new();
    let names = ["A", "B", "C", "D", "E", "F", "G", "H"];
    let environment: Vec<Value> = names.iter().map(|name| json!({"name": name, "value": "x"})).collect();
    let registered = register(&client, container_with(json!({"environment": environment})));
    assert_eq!(registered["containerDefinitions"][0]["environment"], json!(environment));
    let described = describe(&client, "web")["containerDefinitions"][0]["environment"].clone();
    assert_ne!(described, json!(environment));
    let mut sorted = described.as_array().unwrap().clone();
    sorted.sort_by_key(|variable| variable["name"].to_string());
    assert_eq!(json!(sorted), json!(environment));
}

#[test]
fn of_two_variables_of_one_name_the_last_is_kept() {
    let client = Client::new();
    let environment =
        json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "A", "value": "3"}]);
    let container =
        register(&client, container_with(json!({"environment": environment})))["containerDefinitions"][0]
            .clone();
    assert_eq!(container["environment"], json!([{"name": "B", "value": "2"}, {"name": "A", "value": "3"}]));
}

#[test]
fn a_bare_volume_gains_a_host_and_roles_become_arns() {
    let client = Client::new();
    let more = json!({"volumes": [{"name": "tmp"}], "taskRoleArn": "worker"});
    let body = register(&client, with(fargate_task("web"), more));
    assert_eq!(body["volumes"], json!([{"name": "tmp", "host": {}}]));
    assert_eq!(body["taskRoleArn"], "arn:aws:iam::123456789012:role/worker");
}

#[test]
fn compatibilities_follow_from_the_body() {
    let client = Client::new();
    let of = |body: Value| register(&client, body)["compatibilities"].clone();
    assert_eq!(of(fargate_task("web")), json!(["EC2", "MANAGED_INSTANCES", "FARGATE"]));
    assert_eq!(of(bridge_task("bridge")), json!(["EXTERNAL", "EC2"]));
}

#[test]
fn requires_compatibilities_come_back_sorted() {
    let client = Client::new();
    let body =
        register(&client, with(fargate_task("web"), json!({"requiresCompatibilities": ["FARGATE", "EC2"]})));
    assert_eq!(body["requiresCompatibilities"], json!(["EC2", "FARGATE"]));
}

#[test]
fn empty_tags_are_refused_and_tags_are_answered_on_request() {
    let client = Client::new();
    let (code, message) =
        client.refused("RegisterTaskDefinition", with(fargate_task("web"), json!({"tags": []})));
    assert_eq!((code.as_str(), message.as_str()), ("ClientException", "Tags can not be empty."));
    let tags = json!([{"key": "team", "value": "a"}]);
    client.ecs("RegisterTaskDefinition", with(fargate_task("web"), json!({"tags": tags})));
    let without = client.ecs("DescribeTaskDefinition", json!({"taskDefinition": "web"}));
    assert!(without.get("tags").is_none());
    let with_tags =
        client.ecs("DescribeTaskDefinition", json!({"taskDefinition": "web", "include": ["TAGS"]}));
    assert_eq!(with_tags["tags"], tags);
}

#[test]
fn fargate_refuses_what_it_cannot_run() {
    let client = Client::new();
    for (changes, words) in [
        (json!({"networkMode": "bridge"}), "Fargate only supports network mode"),
        (
            json!({"cpu": "256", "memory": "4096"}),
            "No Fargate configuration exists for given values: 256 CPU, 4096 memory",
        ),
        (json!({"memory": "600"}), "No Fargate configuration exists"),
        (
            json!({"volumes": [{"name": "v", "host": {"sourcePath": "/x"}}]}),
            "host.sourcePath should not be set",
        ),
        (json!({"ephemeralStorage": {"sizeInGiB": 20}}), "between 21 and 200"),
    ] {
        let (code, message) = client.refused("RegisterTaskDefinition", with(fargate_task("web"), changes));
        assert_eq!(code, "ClientException");
        assert!(message.contains(words), "{message}");
    }
    for (container, words) in [
        (json!({"privileged": true}), "privileged"),
        (json!({"logConfiguration": {"logDriver": "syslog"}}), "log driver syslog"),
        (
            json!({"logConfiguration": {"logDriver": "awslogs"}}),
            "execution role ARN to support log driver awslogs",
        ),
        (
            json!({"image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1"}),
            "execution role ARN to support ECR images",
        ),
    ] {
        let (_, message) = client.refused("RegisterTaskDefinition", container_with(container));
        assert!(message.contains(words), "{message}");
    }
    let mut no_size = fargate_task("web");
    no_size.as_object_mut().unwrap().shift_remove("cpu");
    assert!(
        client.refused("RegisterTaskDefinition", no_size).1.contains("'cpu' be defined at the task level")
    );
}

#[test]
fn a_body_that_contradicts_itself_is_refused() {
    let client = Client::new();
    for (container, words) in [
        (json!({"image": ""}), "image should not be null"),
        (json!({"name": "a b"}), "Container.name"),
        (json!({"memory": 4}), "minimum valid value for 'memory'"),
        (json!({"memory": 1024}), "'memory' setting for container is greater"),
        (json!({"portMappings": [{"containerPort": 80, "hostPort": 81}]}), "must match"),
        (json!({"secrets": [{"name": "A", "valueFrom": "b"}]}), "executionRoleArn"),
        (json!({"mountPoints": [{"sourceVolume": "gone", "containerPath": "/x"}]}), "Unknown volume 'gone'"),
        (json!({"dependsOn": [{"containerName": "gone", "condition": "START"}]}), "'gone'"),
        (json!({"dependsOn": [{"containerName": "web", "condition": "START"}]}), "cycle"),
        (json!({"essential": false}), "essential"),
        (json!({"healthCheck": {"command": ["true"]}}), "healthCheck.command"),
        (json!({"healthCheck": {"command": ["CMD"], "interval": 1}}), "healthCheck.interval"),
    ] {
        let (code, message) = client.refused("RegisterTaskDefinition", container_with(container));
        assert_eq!(code, "ClientException");
        assert!(message.contains(words), "{message}");
    }
    let (_, message) = client.refused(
        "RegisterTaskDefinition",
        json!({"family": "x", "containerDefinitions": [{"name": "a", "image": "b"}]}),
    );
    assert!(message.contains("At least one of 'memory' or 'memoryReservation'"), "{message}");
}

#[test]
fn revisions_count_up_and_a_number_is_never_given_again() {
    let client = Client::new();
    for number in 1..=3 {
        assert_eq!(register(&client, fargate_task("web"))["revision"], number);
    }
    let deregistered = client.ecs("DeregisterTaskDefinition", json!({"taskDefinition": "web:3"}));
    assert_eq!(deregistered["taskDefinition"]["status"], "INACTIVE");
    assert_eq!(describe(&client, "web")["revision"], 2);
    assert_eq!(describe(&client, "web:3")["status"], "INACTIVE");
    client.ecs("DeleteTaskDefinitions", json!({"taskDefinitions": ["web:3"]}));
    assert_eq!(register(&client, fargate_task("web"))["revision"], 4);
}

#[test]
fn a_missing_task_definition_is_a_client_exception() {
    let client = Client::new();
    let refusal = client.refused("DescribeTaskDefinition", json!({"taskDefinition": "none"}));
    assert_eq!(refusal, ("ClientException".to_owned(), "Unable to describe task definition.".to_owned()));
}

#[test]
fn only_inactive_revisions_are_deleted() {
    let client = Client::new();
    register(&client, fargate_task("web"));
    let answer = client.ecs("DeleteTaskDefinitions", json!({"taskDefinitions": ["web:1", "web:9"]}));
    assert_eq!(answer["failures"].as_array().unwrap().len(), 2);
    client.ecs("DeregisterTaskDefinition", json!({"taskDefinition": "web:1"}));
    let answer = client.ecs("DeleteTaskDefinitions", json!({"taskDefinitions": ["web:1"]}));
    assert_eq!(answer["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
}

#[test]
fn listings_filter_sort_and_page() {
    let client = Client::new();
    for _ in 0..11 {
        register(&client, fargate_task("web"));
    }
    register(&client, fargate_task("web-admin"));
    let list = |input: Value| client.ecs("ListTaskDefinitions", input)["taskDefinitionArns"].clone();
    let all = list(json!({}));
    assert_eq!(all.as_array().unwrap().len(), 12);
    assert_eq!(all[9], format!("{ARN}task-definition/web:10"), "numbers are sorted as numbers");
    let newest = list(json!({"familyPrefix": "web", "sort": "DESC", "maxResults": 2}));
    assert_eq!(
        newest,
        json!([format!("{ARN}task-definition/web:11"), format!("{ARN}task-definition/web:10")])
    );
    assert_eq!(list(json!({"status": "INACTIVE"})), json!([]));
    assert_eq!(
        client.ecs("ListTaskDefinitionFamilies", json!({"familyPrefix": "web"}))["families"],
        json!(["web", "web-admin"])
    );
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let client = Client::new();
    let environment = json!([{"name": "BIG", "value": "x".repeat(70_000)}]);
    let (_, message) =
        client.refused("RegisterTaskDefinition", container_with(json!({"environment": environment})));
    assert!(message.contains("Max allowed length is '65536' bytes"), "{message}");
}
