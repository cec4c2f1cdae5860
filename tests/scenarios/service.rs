//! Services: revisions, settings, drift, and who owns desiredCount.

use crate::world::{World, annotated, cluster, count, is_empty, of, operations, paths, service, told, with};
use ecs_operator::aws::Operation;
use ecs_operator::plan::{Blocked, Hold, Verdict, Waiting};
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

#[tokio::test(start_paused = true)]
async fn order_units_and_spelled_out_defaults_say_nothing() {
    let world = World::new().await;
    let environment = json!([{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]);
    let task = json!({"cpu": "1024", "memory": "2048", "containerDefinitions": [
        {"name": "web", "image": "nginx", "environment": environment, "portMappings": [{"containerPort": 80}, {"containerPort": 81}]},
        {"name": "log", "image": "fluent-bit", "essential": false}]});
    let subnets = json!({"awsvpcConfiguration": {"subnets": ["subnet-0aa", "subnet-0bb"], "securityGroups": ["sg-0bb"]}});
    world.applies(&[cluster("shop"), service("web", task, json!({"networkConfiguration": subnets}))]).await;

    let environment = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
    let task = json!({"cpu": "1 vCPU", "memory": "2 GB", "containerDefinitions": [
        {"name": "log", "image": "fluent-bit", "essential": false, "cpu": 0, "environment": [], "mountPoints": []},
        {"name": "web", "image": "nginx", "essential": true, "environment": environment, "portMappings": [
            {"containerPort": 81, "hostPort": 81, "protocol": "tcp"}, {"containerPort": 80, "protocol": "tcp"}]}]});
    let subnets = json!({"awsvpcConfiguration": {"subnets": ["subnet-0bb", "subnet-0aa"], "securityGroups": ["sg-0bb"], "assignPublicIp": "DISABLED"}});
    let more = json!({"networkConfiguration": subnets, "schedulingStrategy": "REPLICA", "platformVersion": "LATEST", "propagateTags": "NONE",
        "deploymentController": {"type": "ECS"}, "loadBalancers": [], "enableExecuteCommand": false,
        "deploymentConfiguration": {"strategy": "ROLLING", "maximumPercent": 200, "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": {"enable": false, "rollback": false}}});
    world.has_nothing_to_do(&[cluster("shop"), service("web", task, more)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_member_ends_as_its_case_says() {
    let world = World::new().await;
    let more = json!({
        "desiredCount": 3, "enableExecuteCommand": true, "propagateTags": "SERVICE", "platformVersion": "1.4.0",
        "deploymentConfiguration": {"maximumPercent": 150, "deploymentCircuitBreaker": {"enable": true, "rollback": true}},
        "serviceConnectConfiguration": {"enabled": true, "namespace": "shop.local", "services": [{"portName": "http", "clientAliases": [{"port": 80, "dnsName": "web"}]}]},
        "loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/73e2d6bc24d8a067", "containerName": "web", "containerPort": 80}],
        "tags": [{"key": "team", "value": "a"}],
    });
    let task = json!({"taskRoleArn": "arn:aws:iam::123456789012:role/web", "containerDefinitions": [
        {"name": "web", "image": "nginx", "portMappings": [{"containerPort": 80, "name": "http"}], "healthCheck": {"command": ["CMD", "true"]}}]});
    let full = service("web", task, more);
    world.applies(&[cluster("shop"), full.clone()]).await;
    let mut bare = full;
    for member in [
        "desiredCount",
        "enableExecuteCommand",
        "propagateTags",
        "platformVersion",
        "deploymentConfiguration",
        "serviceConnectConfiguration",
        "loadBalancers",
        "tags",
    ] {
        bare = with(bare, &format!("/spec/service/{member}"), json!(null));
    }
    bare = with(bare, "/spec/taskDefinition/containerDefinitions/0/healthCheck", json!(null));
    let applied = world.applies(&[cluster("shop"), bare]).await;
    assert_eq!(count(&applied.changes, "UpdateService"), 1, "{:?}", applied.changes);
    assert_eq!(count(&applied.changes, "RegisterTaskDefinition"), 1);
    let live = world.service("shop", "web").await;
    // A known default is written back.
    assert_eq!(live["deploymentConfiguration"]["maximumPercent"], 200);
    assert_eq!(live["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"], false);
    assert_eq!(live["enableExecuteCommand"], false);
    assert_eq!(live["propagateTags"], "NONE");
    assert_eq!(live["loadBalancers"], json!([]));
    assert_ne!(live["deployments"][0]["serviceConnectConfiguration"]["enabled"], true);
    // What is not ours stays.
    assert_eq!(live["desiredCount"], 3);
    assert!(live["tags"].as_array().unwrap().iter().any(|tag| tag["key"] == "team"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_drains_is_waited_for_and_then_made_anew() {
    let world = World::new().await;
    let manifests = [cluster("shop"), service("web", json!({}), json!({}))];
    world.applies(&manifests).await;
    world.behind(Operation::DeleteService, json!({"cluster": "shop", "service": "web", "force": true})).await;
    let plan = world.plan(&manifests).await;
    assert_eq!(of(&plan, "web").hold, Some(Hold::Waiting(Waiting::Draining)), "{}", told(&plan));
    assert_eq!(operations(&plan), [""; 0]);
    let applied = world.applies(&manifests).await;
    assert_eq!(count(&applied.changes, "CreateService"), 1);
    assert_eq!(count(&applied.changes, "RegisterTaskDefinition"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_blocked_until_it_is_confirmed_for_this_plan() {
    let world = World::new().await;
    let on_ec2 = |strategy: &str| {
        let task = json!({"requiresCompatibilities": ["EC2"], "networkMode": "bridge", "cpu": null, "memory": null,
            "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 64}]});
        service(
            "web",
            task,
            json!({"launchType": "EC2", "networkConfiguration": null, "schedulingStrategy": strategy}),
        )
    };
    world.applies(&[cluster("shop"), on_ec2("REPLICA")]).await;
    let changed = [cluster("shop"), on_ec2("DAEMON")];
    let plan = world.plan(&changed).await;
    let members = vec!["service.schedulingStrategy".to_owned()];
    assert_eq!(
        of(&plan, "web").hold,
        Some(Hold::Blocked(Blocked::ReplacementNeeded { members })),
        "{}",
        told(&plan)
    );
    assert_eq!(operations(&plan), [""; 0]);
    assert_eq!(world.apply(&changed).await.changes, [""; 0]);

    let notes = of(&plan, "web").notes.join("\n");
    let hash =
        notes.split("ecs-operator.dev/confirm: ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    let wrong = [cluster("shop"), annotated(on_ec2("DAEMON"), "confirm", "0123456789ab")];
    assert_eq!(world.apply(&wrong).await.changes, [""; 0]);
    let confirmed = [cluster("shop"), annotated(on_ec2("DAEMON"), "confirm", &hash)];
    let applied = world.applies(&confirmed).await;
    assert_eq!(count(&applied.changes, "DeleteService"), 1);
    assert_eq!(count(&applied.changes, "CreateService"), 1);
    assert_eq!(world.service("shop", "web").await["schedulingStrategy"], "DAEMON");
}

#[tokio::test(start_paused = true)]
async fn the_command_line_confirms_a_replacement_by_its_name() {
    let mut world = World::new().await;
    world.applies(&[cluster("shop"), service("web", json!({}), json!({"role": null}))]).await;
    let task = json!({"requiresCompatibilities": ["EC2"]});
    let changed = [cluster("shop"), service("web", task, json!({"launchType": "EC2"}))];
    assert_eq!(world.apply(&changed).await.changes, [""; 0]);
    world.session.options.confirmed = vec!["EcsService/web".to_owned()];
    let applied = world.applies(&changed).await;
    assert_eq!((count(&applied.changes, "DeleteService"), count(&applied.changes, "CreateService")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn under_another_deployment_controller_what_an_update_refuses_is_blocked_by_name() {
    let group = |name: &str| json!([{"targetGroupArn": format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{name}/73e2d6bc24d8a067"), "containerName": "web", "containerPort": 80}]);
    for (controller, more) in [
        ("CODE_DEPLOY", json!({"loadBalancers": group("web")})),
        ("EXTERNAL", json!({"launchType": null, "networkConfiguration": null})),
    ] {
        let world = World::new().await;
        let mut one = service("web", json!({}), more);
        one["spec"]["service"]["deploymentController"] = json!({"type": controller});
        if controller == "EXTERNAL" {
            // Its task sets hold what it runs.
            one = with(one, "/spec/taskDefinition", json!(null));
        }
        world.applies(&[cluster("shop"), one.clone()]).await;
        let allowed = [cluster("shop"), with(one.clone(), "/spec/service/enableECSManagedTags", json!(true))];
        assert_eq!(count(&world.applies(&allowed).await.changes, "UpdateService"), 1, "{controller}");
        let refused = [cluster("shop"), with(one.clone(), "/spec/service/enableExecuteCommand", json!(true))];
        let refused = if controller == "EXTERNAL" {
            refused
        } else {
            [
                cluster("shop"),
                with(one, "/spec/taskDefinition/containerDefinitions/0/image", json!("nginx:2")),
            ]
        };
        let plan = world.plan(&refused).await;
        let Some(Hold::Blocked(Blocked::DeploymentController { members, .. })) =
            of(&plan, "web").hold.clone()
        else {
            panic!("{}", told(&plan))
        };
        let member =
            if controller == "EXTERNAL" { "service.enableExecuteCommand" } else { "service.taskDefinition" };
        assert!(members.contains(&member.to_owned()), "{members:?}");
        assert_eq!(operations(&plan), [""; 0]);
        assert_eq!(world.apply(&refused).await.changes, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_secret_value_is_a_change_and_is_not_shown() {
    let world = World::new().await;
    let variable = |value: &str| {
        let container =
            json!([{"name": "web", "image": "nginx", "environment": [{"name": "TOKEN", "value": value}]}]);
        [cluster("shop"), service("web", json!({"containerDefinitions": container}), json!({}))]
    };
    world.applies(&variable("hunter2")).await;
    let plan = world.plan(&variable("hunter3")).await;
    assert_eq!(paths(&plan), ["taskDefinition.containerDefinitions[web].environment[TOKEN].value"]);
    assert!(of(&plan, "web").differences[0].difference.secret);
    assert_eq!(of(&plan, "web").verdict, Verdict::Change);
    assert_eq!(count(&world.applies(&variable("hunter3")).await.changes, "RegisterTaskDefinition"), 1);
    assert_eq!(count(&world.applies(&variable("hunter2")).await.changes, "RegisterTaskDefinition"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_running_revision_that_is_deregistered_keeps_running_and_is_registered_again_only_to_change() {
    let world = World::new().await;
    let manifests = [cluster("shop"), service("web", json!({}), json!({}))];
    world.applies(&manifests).await;
    world.poke("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"}));
    world.has_nothing_to_do(&manifests).await;
    let changed = [
        cluster("shop"),
        with(manifests[1].clone(), "/spec/taskDefinition/containerDefinitions/0/image", json!("nginx:2")),
    ];
    world.applies(&changed).await;
    let applied = world.applies(&manifests).await;
    assert_eq!(
        count(&applied.changes, "RegisterTaskDefinition"),
        1,
        "an INACTIVE revision cannot be deployed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_can_run_a_revision_that_is_named() {
    let world = World::new().await;
    for image in ["nginx:1", "nginx:2"] {
        let definition = json!({"family": "other", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "web", "image": image}]});
        world.behind(Operation::RegisterTaskDefinition, definition).await;
    }
    let naming = |name: &str| {
        [
            cluster("shop"),
            with(
                with(service("web", json!({}), json!({})), "/spec/taskDefinition", json!(null)),
                "/spec/service/taskDefinition",
                json!(name),
            ),
        ]
    };
    world.applies(&naming("other:1")).await;
    let plan = world.plan(&naming("other:2")).await;
    assert_eq!(paths(&plan), ["service.taskDefinition"]);
    world.applies(&naming("other:2")).await;
    world.has_nothing_to_do(&naming("other")).await;
    let plan = world.plan(&naming("other:9")).await;
    assert_eq!(
        of(&plan, "web").hold,
        Some(Hold::Blocked(Blocked::Missing { what: "task definition `other:9`".to_owned() }))
    );
}

#[tokio::test(start_paused = true)]
async fn tags_of_a_service_and_of_its_revision_change_in_place() {
    let world = World::new().await;
    let tagged = |value: &str| {
        let tags = json!([{"key": "team", "value": value}]);
        [cluster("shop"), service("web", json!({"tags": tags}), json!({"tags": tags}))]
    };
    world.applies(&tagged("a")).await;
    let plan = world.plan(&tagged("b")).await;
    assert_eq!(paths(&plan).len(), 2, "{}", told(&plan));
    let applied = world.applies(&tagged("b")).await;
    assert!(applied.changes.iter().all(|change| change == "TagResource"), "{:?}", applied.changes);
}

#[tokio::test(start_paused = true)]
async fn paths_to_ignore_and_drift_to_report_are_left_as_they_are() {
    let world = World::new().await;
    let plain = service("web", json!({}), json!({"healthCheckGracePeriodSeconds": 0}));
    let ignoring = annotated(plain.clone(), "ignore", "service.deploymentConfiguration");
    let reporting = annotated(plain, "drift", "report");
    world.applies(&[cluster("shop"), ignoring.clone()]).await;
    let deployment = json!({"maximumPercent": 150, "minimumHealthyPercent": 50});
    let input = json!({"cluster": "shop", "service": "web", "deploymentConfiguration": deployment});
    world.behind(Operation::UpdateService, input).await;
    world.settle().await;
    world.has_nothing_to_do(&[cluster("shop"), ignoring]).await;
    let plan = world.plan(&[cluster("shop"), reporting.clone()]).await;
    assert_eq!((of(&plan, "web").verdict, operations(&plan)), (Verdict::Drift, vec![]), "{}", told(&plan));
    assert!(of(&plan, "web").differences.iter().all(|planned| planned.held_back));
    let changed = with(reporting, "/spec/service/enableECSManagedTags", json!(true));
    world.apply(&[cluster("shop"), changed]).await;
}
