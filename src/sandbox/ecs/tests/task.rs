//! Tasks: their life, and the operations on them.

use serde_json::{Value, json};

use super::{ARN, Client, SETTLED, network, with};

fn run(client: &Client, more: Value) -> Value {
    let input = json!({"cluster": "shop", "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network()});
    client.ecs("RunTask", with(input, more))
}

fn describe(client: &Client, arn: &Value) -> Value {
    client.ecs("DescribeTasks", json!({"cluster": "shop", "tasks": [arn]}))["tasks"][0].clone()
}

#[test]
fn a_task_goes_through_its_states() {
    let client = Client::shop();
    let task = run(&client, json!({"startedBy": "me"}))["tasks"][0].clone();
    assert_eq!((&task["lastStatus"], &task["desiredStatus"]), (&json!("PROVISIONING"), &json!("RUNNING")));
    assert_eq!((&task["group"], &task["startedBy"]), (&json!("family:web"), &json!("me")));
    assert_eq!((&task["cpu"], &task["memory"]), (&json!("256"), &json!("512")));
    assert_eq!(task["overrides"]["containerOverrides"], json!([{"name": "web"}]));
    assert_eq!(task["attachments"][0]["details"][0]["value"], "subnet-1");
    let arn = task["taskArn"].clone();
    let status = || describe(&client, &arn)["lastStatus"].clone();
    client.pass(2);
    assert_eq!(status(), "PENDING");
    client.pass(4);
    let running = describe(&client, &arn);
    assert_eq!(
        (&running["lastStatus"], &running["containers"][0]["lastStatus"]),
        (&json!("RUNNING"), &json!("RUNNING"))
    );
    assert!(running["startedAt"].is_f64() && running["pullStoppedAt"].is_f64());
    client.ecs("StopTask", json!({"cluster": "shop", "task": arn, "reason": "enough"}));
    client.pass(3);
    assert_eq!(status(), "DEPROVISIONING");
    client.pass(1);
    let stopped = describe(&client, &arn);
    assert_eq!(
        (&stopped["lastStatus"], &stopped["stopCode"], &stopped["stoppedReason"]),
        (&json!("STOPPED"), &json!("UserInitiated"), &json!("enough"))
    );
    client.pass(3600);
    let gone = client.ecs("DescribeTasks", json!({"cluster": "shop", "tasks": [arn]}));
    assert_eq!(gone["failures"][0]["reason"], "MISSING");
}

#[test]
fn a_task_that_is_stopped_early_stops_once() {
    let client = Client::shop();
    let arn = run(&client, json!({}))["tasks"][0]["taskArn"].clone();
    client.pass(1);
    client.ecs("StopTask", json!({"cluster": "shop", "task": arn}));
    client.pass(2);
    assert_eq!(describe(&client, &arn)["lastStatus"], "DEPROVISIONING");
    client.pass(2);
    assert_eq!(describe(&client, &arn)["lastStatus"], "STOPPED");
}

#[test]
fn a_container_with_a_health_check_becomes_healthy() {
    let client = Client::shop();
    let container = json!({"name": "web", "image": "nginx", "healthCheck": {"command": ["CMD", "true"]}});
    client.ecs(
        "RegisterTaskDefinition",
        with(super::fargate_task("web"), json!({"containerDefinitions": [container]})),
    );
    let arn = run(&client, json!({}))["tasks"][0]["taskArn"].clone();
    assert_eq!(describe(&client, &arn)["healthStatus"], "UNKNOWN");
    client.pass(SETTLED);
    let task = describe(&client, &arn);
    assert_eq!(
        (&task["healthStatus"], &task["containers"][0]["healthStatus"]),
        (&json!("HEALTHY"), &json!("HEALTHY"))
    );
    assert!(task["containers"][0].get("healthCheck").is_none());
}

#[test]
fn a_services_task_that_is_stopped_is_replaced() {
    let client = Client::with_service(2);
    let tasks = client.ecs("ListTasks", json!({"cluster": "shop", "serviceName": "web"}))["taskArns"].clone();
    client.ecs("StopTask", json!({"cluster": "shop", "task": tasks[0]}));
    client.pass(SETTLED);
    let service = client.service("web");
    assert_eq!(service["runningCount"], 2);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    let after = client.ecs("ListTasks", json!({"cluster": "shop", "serviceName": "web"}))["taskArns"].clone();
    assert!(!after.as_array().unwrap().contains(&tasks[0]));
    let stopped =
        client.ecs("ListTasks", json!({"cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED"}));
    assert_eq!(stopped["taskArns"], json!([tasks[0]]));
}

#[test]
fn tasks_are_listed_by_what_they_are() {
    let client = Client::with_service(1);
    run(&client, json!({"count": 3, "startedBy": "me"}));
    let count = |filter: Value| {
        let answer = client.ecs("ListTasks", with(json!({"cluster": "shop"}), filter));
        answer["taskArns"].as_array().unwrap().len()
    };
    assert_eq!(count(json!({})), 4);
    assert_eq!(count(json!({"startedBy": "me"})), 3);
    assert_eq!(count(json!({"family": "web"})), 4);
    assert_eq!(count(json!({"family": "bridge"})), 0);
    assert_eq!(count(json!({"launchType": "EC2"})), 0);
    assert_eq!(count(json!({"serviceName": "web"})), 1);
    assert_eq!(
        client.refused("ListTasks", json!({"cluster": "shop", "serviceName": "none"})).0,
        "ServiceNotFoundException"
    );
}

#[test]
fn a_client_token_runs_its_tasks_once() {
    let client = Client::shop();
    let first = run(&client, json!({"clientToken": "once", "count": 2}));
    let second = run(&client, json!({"clientToken": "once", "count": 2}));
    assert_eq!(first, second);
    assert_eq!(client.ecs("ListTasks", json!({"cluster": "shop"}))["taskArns"].as_array().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_run_is_refused() {
    let client = Client::shop();
    let input = json!({"cluster": "shop", "taskDefinition": "web", "launchType": "FARGATE"});
    assert!(client.refused("RunTask", input).1.starts_with("Network Configuration must be provided"));
    let input = json!({"cluster": "shop", "taskDefinition": "bridge", "launchType": "FARGATE"});
    assert_eq!(client.refused("RunTask", input).1, "Task definition does not support launch_type FARGATE.");
    let input = json!({"cluster": "shop", "taskDefinition": "bridge", "count": 11});
    assert_eq!(client.refused("RunTask", input).0, "InvalidParameterException");
    let none = client.ecs("RunTask", json!({"cluster": "shop", "taskDefinition": "bridge"}));
    assert_eq!(none["tasks"], json!([]));
    assert!(none["failures"][0]["reason"].as_str().unwrap().contains("No Container Instances"));
    assert_eq!(
        client.refused("StopTask", json!({"cluster": "shop", "task": "none"})).1,
        "The referenced task was not found."
    );
}

#[test]
fn a_shell_is_refused_honestly() {
    let client = Client::with_service(1);
    let task = format!("{ARN}task/shop/x");
    let input = json!({"cluster": "shop", "task": task, "command": "sh", "interactive": true});
    assert!(client.refused("ExecuteCommand", input).1.contains("no shell"));
}
