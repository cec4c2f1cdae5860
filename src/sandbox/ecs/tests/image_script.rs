//! What tasks do by their images: every row of the table, and the sandbox's own registry.

use serde_json::{Value, json};

use super::{Client, SETTLED, bridge_task, fargate_service, fargate_task, network, with};

/// A task with this image, five minutes after it was run.
fn ran(image: &str, more: Value) -> Value {
    let client = Client::shop();
    let task = client.start(image, more);
    client.pass(300);
    client.task(&task)
}

impl Client {
    /// Runs a task whose one container has this image and these members; its ARN.
    fn start(&self, image: &str, more: Value) -> Value {
        let container = with(json!({"name": "web", "image": image}), more);
        let role = json!({"executionRoleArn": "arn:aws:iam::123456789012:role/execution"});
        let definition = with(fargate_task("web"), role);
        self.ecs("RegisterTaskDefinition", with(definition, json!({"containerDefinitions": [container]})));
        let input = json!({"cluster": "shop", "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network()});
        self.ecs("RunTask", input)["tasks"][0]["taskArn"].clone()
    }

    fn task(&self, arn: &Value) -> Value {
        self.ecs("DescribeTasks", json!({"cluster": "shop", "tasks": [arn]}))["tasks"][0].clone()
    }
}

#[test]
fn what_never_starts_says_why() {
    for (script, words) in [
        (
            "not-found",
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref sandbox/not-found:1: sandbox/not-found:1: not found",
        ),
        ("denied", "403 Forbidden"),
        ("timeout", "i/o timeout"),
        ("toomanyrequests", "toomanyrequests"),
        ("wrong-platform", "does not contain descriptor matching platform 'linux/amd64'"),
        ("no-auth", "ecr:GetAuthorizationToken"),
        ("no-route", "api.ecr.eu-central-1.amazonaws.com"),
        ("no-secret", "Secrets Manager can't find the specified secret."),
        ("no-secret-access", "secretsmanager:GetSecretValue"),
        ("no-parameter", "invalid ssm parameters"),
        ("no-log-group", "The specified log group does not exist"),
        ("no-log-access", "logs:CreateLogStream"),
        ("no-efs", "EFS"),
        ("no-ip", "in subnet 'subnet-1': InsufficientFreeAddressesInSubnet"),
        ("no-eni", "network interface provisioning"),
        ("no-capacity", "Capacity is unavailable at this time."),
        ("exec-format", "exec format error"),
        ("no-command", "executable file not found in $PATH"),
        ("nobody-wrote-this", "CannotPullContainerError"),
    ] {
        let task = ran(&format!("sandbox/{script}:1"), json!({}));
        assert_eq!(
            (&task["lastStatus"], &task["stopCode"]),
            (&json!("STOPPED"), &json!("TaskFailedToStart")),
            "{script}"
        );
        let reason = task["stoppedReason"].as_str().unwrap();
        assert!(reason.contains(words), "{script}: {reason}");
        assert!(!reason.contains(['{', '}']), "{script}: {reason}");
        assert!(task.get("startedAt").is_none() && task["stoppedAt"].is_f64(), "{script}");
        let container = &task["containers"][0];
        assert!(container.get("exitCode").is_none(), "{script}");
        assert_eq!(container["reason"].is_string(), reason.starts_with("Cannot"), "{script}");
    }
}

#[test]
fn what_ends_by_itself_has_an_exit_code() {
    for (image, code) in [
        ("sandbox/crash", 1),
        ("sandbox/crash:137", 137),
        ("public.ecr.aws/sandbox/crash:126", 126),
        ("sandbox/done", 0),
        ("sandbox/oom", 137),
        ("sandbox/segfault", 139),
        ("sandbox/crash-later:60", 1),
        ("sandbox/flaky:100", 1),
    ] {
        let task = ran(image, json!({}));
        assert_eq!(task["stopCode"], "EssentialContainerExited", "{image}");
        assert_eq!(task["stoppedReason"], "Essential container in task exited", "{image}");
        let container = &task["containers"][0];
        assert_eq!(
            (&container["exitCode"], &container["lastStatus"]),
            (&json!(code), &json!("STOPPED")),
            "{image}"
        );
        assert!(task["startedAt"].as_f64() < task["stoppedAt"].as_f64(), "{image}");
        let killed = container["reason"] == "OutOfMemoryError: Container killed due to memory usage";
        assert_eq!(killed, image.contains("oom"), "{image}");
    }
}

#[test]
fn every_other_image_runs_well() {
    for image in [
        "sandbox/ok",
        "sandbox/slow:200",
        "sandbox/flaky:0",
        "nginx",
        "localhost:5000/a/b:c",
        "crash",
        "shop/crash:1",
        "sandbox/unhealthy",
    ] {
        let task = ran(image, json!({}));
        assert_eq!(
            (&task["lastStatus"], &task["healthStatus"]),
            (&json!("RUNNING"), &json!("UNKNOWN")),
            "{image}"
        );
    }
}

#[test]
fn a_slow_image_is_pulled_for_as_long_as_its_tag_says() {
    let client = Client::shop();
    let task = client.start("sandbox/slow:100", json!({}));
    client.pass(100);
    assert_eq!(client.task(&task)["lastStatus"], "PENDING");
    client.pass(5);
    let task = client.task(&task);
    assert_eq!(task["lastStatus"], "RUNNING");
    let pull = task["pullStoppedAt"].as_f64().unwrap() - task["pullStartedAt"].as_f64().unwrap();
    assert!((98.0..=100.0).contains(&pull), "{pull}");
}

#[test]
fn a_container_that_is_not_essential_may_end() {
    let client = Client::shop();
    let containers = json!([{"name": "web", "image": "nginx"}, {"name": "init", "image": "sandbox/crash:2", "essential": false}]);
    client.ecs(
        "RegisterTaskDefinition",
        with(fargate_task("web"), json!({"containerDefinitions": containers})),
    );
    client.ecs("CreateService", fargate_service("web", 1));
    client.pass(SETTLED);
    let arns = client.ecs("ListTasks", json!({"cluster": "shop", "serviceName": "web"}))["taskArns"].clone();
    let task = client.task(&arns[0]);
    assert_eq!(task["lastStatus"], "RUNNING");
    assert_eq!(
        (&task["containers"][0]["lastStatus"], &task["containers"][1]["lastStatus"]),
        (&json!("RUNNING"), &json!("STOPPED"))
    );
    assert_eq!(task["containers"][1]["exitCode"], 2);
    assert_eq!(client.service("web")["deployments"][0]["rolloutState"], "COMPLETED");
}

#[test]
fn on_an_instance_the_container_has_the_reason() {
    let client = Client::with_instances();
    let container = json!({"name": "web", "image": "sandbox/denied", "memory": 128});
    client.ecs(
        "RegisterTaskDefinition",
        with(bridge_task("bridge"), json!({"containerDefinitions": [container]})),
    );
    let input = json!({"cluster": "shop", "taskDefinition": "bridge"});
    let arn = client.ecs("RunTask", input)["tasks"][0]["taskArn"].clone();
    client.pass(SETTLED);
    let task = client.task(&arn);
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"]),
        (&json!("TaskFailedToStart"), &json!("Task failed to start"))
    );
    assert!(task["containers"][0]["reason"].as_str().unwrap().starts_with("CannotPullContainerError"));
}

#[test]
fn unhealthy_is_who_fails_a_check() {
    let check = json!({"healthCheck": {"command": ["CMD", "false"], "interval": 10, "retries": 2, "startPeriod": 30}});
    let task = ran("sandbox/unhealthy", check.clone());
    assert_eq!((&task["lastStatus"], &task["healthStatus"]), (&json!("RUNNING"), &json!("UNHEALTHY")));
    let client = Client::shop();
    let container = with(json!({"name": "web", "image": "sandbox/unhealthy"}), check);
    client.ecs(
        "RegisterTaskDefinition",
        with(fargate_task("web"), json!({"containerDefinitions": [container]})),
    );
    client.ecs("CreateService", fargate_service("web", 1));
    client.pass(SETTLED);
    let input = json!({"cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED"});
    let stopped = client.ecs("ListTasks", input)["taskArns"].clone();
    let task = client.task(&stopped[0]);
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"]),
        (&json!("ServiceSchedulerInitiated"), &json!("Task failed container health checks"))
    );
    let messages = client.messages("web");
    assert!(messages.iter().any(|m| m.ends_with(") failed container health checks.")), "{messages:#?}");
    assert!(
        messages[0].ends_with("Amazon ECS replaced 1 tasks due to an unhealthy status."),
        "{messages:#?}"
    );
    assert_eq!(client.service("web")["deployments"][0]["failedTasks"], 1);
}

#[test]
fn a_load_balancer_finds_a_target_unhealthy_after_the_grace_period() {
    let client = Client::shop();
    client.image("sandbox/unhealthy");
    let group = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef";
    let balancer = json!({"targetGroupArn": group, "containerName": "web", "containerPort": 80});
    let more = json!({"loadBalancers": [balancer], "healthCheckGracePeriodSeconds": 120});
    client.ecs("CreateService", with(fargate_service("web", 1), more));
    client.pass(180);
    assert_eq!(client.service("web")["runningCount"], 1);
    client.pass(30);
    let input = json!({"cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED"});
    let stopped = client.ecs("ListTasks", input)["taskArns"].clone();
    let task = client.task(&stopped[0]);
    assert_eq!(task["stoppedReason"], format!("Task failed ELB health checks in (target-group {group})"));
    let messages = client.messages("web");
    let expected = [
        format!("(service web) registered 1 targets in (target-group {group})"),
        format!("(service web) deregistered 1 targets in (target-group {group})"),
        "(service web) has begun draining connections on 1 tasks.".to_owned(),
    ];
    assert!(expected.iter().all(|message| messages.contains(message)), "{messages:#?}");
    let unhealthy = format!(
        "(port 80) is unhealthy in (target-group {group}) due to (reason Health checks failed with these codes: [503])."
    );
    assert!(messages.iter().any(|message| message.ends_with(&unhealthy)), "{messages:#?}");
}

#[test]
fn an_image_of_the_own_registry_must_be_there() {
    let client = Client::shop();
    let ecr = |operation: &str, input: Value| {
        client.send("ecr", &format!("AmazonEC2ContainerRegistry_V20150921.{operation}"), &input).unwrap().1
    };
    ecr("CreateRepository", json!({"repositoryName": "shop/web"}));
    let put = ecr(
        "PutImage",
        json!({"repositoryName": "shop/web", "imageTag": "1", "imageManifest": "{\"schemaVersion\": 2}"}),
    );
    let digest = put["image"]["imageId"]["imageDigest"].as_str().unwrap().to_owned();
    let own = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    let none = format!("sha256:{}", "0".repeat(64));
    for (image, runs) in [
        (format!("{own}/shop/web:1"), true),
        (format!("{own}/shop/web@{digest}"), true),
        (format!("{own}/shop/web:1@{digest}"), true),
        (format!("{own}/shop/web:2"), false),
        (format!("{own}/shop/web"), false),
        (format!("{own}/shop/web@{none}"), false),
        (format!("{own}/shop/none:1"), false),
        ("123456789012.dkr-ecr.eu-central-1.on.aws/shop/none:1".to_owned(), false),
        ("999999999999.dkr.ecr.eu-central-1.amazonaws.com/shop/none:1".to_owned(), true),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/none:1".to_owned(), true),
    ] {
        let task = client.start(&image, json!({}));
        client.pass(SETTLED);
        let task = client.task(&task);
        let status = if runs { "RUNNING" } else { "STOPPED" };
        assert_eq!(task["lastStatus"], status, "{image}");
        if !runs {
            let reason = task["stoppedReason"].as_str().unwrap();
            assert!(
                reason.starts_with("CannotPullContainerError")
                    && reason.ends_with(&format!("{image}: not found")),
                "{reason}"
            );
        }
    }
}

#[test]
fn a_task_whose_capacity_is_taken_is_replaced_and_did_not_fail() {
    let client = Client::shop();
    client.image("sandbox/interrupted:60");
    client.ecs("CreateService", fargate_service("web", 1));
    client.pass(120);
    let input = json!({"cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED"});
    let stopped = client.ecs("ListTasks", input)["taskArns"].clone();
    let task = client.task(&stopped[0]);
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"]),
        (&json!("SpotInterruption"), &json!("Your Spot Task was interrupted."))
    );
    let service = client.service("web");
    assert_eq!((&service["runningCount"], &service["deployments"][0]["failedTasks"]), (&json!(1), &json!(0)));
}

#[test]
fn a_stubborn_container_is_killed_late() {
    let client = Client::shop();
    client.image("sandbox/stubborn:100");
    client.ecs("CreateService", fargate_service("web", 1));
    client.pass(SETTLED);
    client.ecs("DeleteService", json!({"cluster": "shop", "service": "web", "force": true}));
    client.pass(90);
    assert_eq!(client.service("web")["status"], "DRAINING");
    client.pass(30);
    assert_eq!(client.service("web")["status"], "INACTIVE");
    let stopped =
        client.ecs("ListTasks", json!({"cluster": "shop", "desiredStatus": "STOPPED"}))["taskArns"].clone();
    assert_eq!(client.task(&stopped[0])["containers"][0]["exitCode"], 137);
}
