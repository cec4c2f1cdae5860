//! Deployments: how a service rolls, and what is told about it.

use serde_json::{Value, json};

use super::{Client, SETTLED, fargate_service, fargate_task, with};

fn web_with(configuration: Value, count: u32) -> Client {
    let client = Client::shop();
    client.ecs(
        "CreateService",
        with(fargate_service("web", count), json!({"deploymentConfiguration": configuration})),
    );
    client.pass(SETTLED);
    client.ecs("RegisterTaskDefinition", fargate_task("web"));
    client
}

fn counts(client: &Client) -> Vec<(String, u64, u64)> {
    let service = client.service("web");
    let one = |d: &Value| {
        (
            d["status"].as_str().unwrap().to_owned(),
            d["desiredCount"].as_u64().unwrap(),
            d["runningCount"].as_u64().unwrap(),
        )
    };
    service["deployments"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn a_new_revision_rolls_and_the_old_one_is_drained() {
    let client = web_with(json!({}), 2);
    let service = client.update(json!({"taskDefinition": "web:2"}));
    let deployments = service["deployments"].as_array().unwrap();
    assert_eq!((&deployments[0]["status"], &deployments[0]["desiredCount"]), (&json!("PRIMARY"), &json!(0)));
    assert_eq!(
        (&deployments[1]["status"], &deployments[1]["rolloutState"]),
        (&json!("ACTIVE"), &json!("COMPLETED"))
    );
    client.pass(3);
    assert_eq!(counts(&client), [("PRIMARY".to_owned(), 2, 0), ("ACTIVE".to_owned(), 2, 2)]);
    client.pass(SETTLED);
    assert_eq!(counts(&client), [("PRIMARY".to_owned(), 2, 2)]);
    assert_eq!(client.service("web")["deployments"][0]["rolloutState"], "COMPLETED");
    let messages = client.messages("web");
    assert_eq!(messages[0], "(service web) has reached a steady state.");
    assert!(
        messages
            .iter()
            .any(|message| message.starts_with("(service web) has stopped 2 running tasks: (task "))
    );
}

#[test]
fn the_percentages_bound_how_many_tasks_there_are() {
    for (maximum, minimum, least, most) in
        [(200, 100, 4, 8), (150, 100, 4, 6), (100, 50, 2, 4), (125, 75, 3, 5)]
    {
        let client = web_with(json!({"maximumPercent": maximum, "minimumHealthyPercent": minimum}), 4);
        client.update(json!({"taskDefinition": "web:2"}));
        for second in 0..SETTLED {
            client.pass(1);
            let service = client.service("web");
            let (running, pending) =
                (service["runningCount"].as_u64().unwrap(), service["pendingCount"].as_u64().unwrap());
            assert!(running >= least, "{maximum}/{minimum} after {second} s: {running} run");
            assert!(running + pending <= most, "{maximum}/{minimum} after {second} s: {running} + {pending}");
        }
        client.pass(SETTLED);
        assert_eq!(counts(&client), [("PRIMARY".to_owned(), 4, 4)], "{maximum}/{minimum}");
    }
}

#[test]
fn only_what_a_revision_holds_starts_a_deployment() {
    let client = web_with(json!({}), 2);
    for changes in [
        json!({"desiredCount": 3}),
        json!({"deploymentConfiguration": {"maximumPercent": 150}}),
        json!({"availabilityZoneRebalancing": "DISABLED"}),
        json!({"enableECSManagedTags": true, "propagateTags": "SERVICE"}),
        json!({"taskDefinition": "web:1"}),
    ] {
        let service = client.update(changes.clone());
        assert_eq!(service["deployments"].as_array().unwrap().len(), 1, "{changes}");
    }
    for changes in [
        json!({"taskDefinition": "web"}),
        json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-9"], "securityGroups": ["sg-1"]}}}),
        json!({"platformVersion": "1.4.0"}),
        json!({"serviceConnectConfiguration": {"enabled": true, "namespace": "n", "services": [{"portName": "http"}]}}),
        json!({"forceNewDeployment": true}),
    ] {
        let service = client.update(changes.clone());
        assert_eq!(service["deployments"].as_array().unwrap().len(), 2, "{changes}");
        client.pass(SETTLED);
    }
}

#[test]
fn a_deployment_that_is_overtaken_ends_as_stopped() {
    let client = web_with(json!({}), 2);
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(3);
    client.update(json!({"forceNewDeployment": true}));
    client.pass(3);
    assert_eq!(counts(&client).len(), 3);
    client.pass(SETTLED);
    assert_eq!(counts(&client), [("PRIMARY".to_owned(), 2, 2)]);
    let list = client.ecs("ListServiceDeployments", json!({"cluster": "shop", "service": "web"}));
    let statuses: Vec<&Value> =
        list["serviceDeployments"].as_array().unwrap().iter().map(|d| &d["status"]).collect();
    assert_eq!(statuses, ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]);
}

#[test]
fn the_history_and_its_revisions_can_be_read() {
    let client = web_with(json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}}), 1);
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(SETTLED);
    let list = client.ecs(
        "ListServiceDeployments",
        json!({"cluster": "shop", "service": "web", "status": ["SUCCESSFUL"]}),
    );
    let newest = &list["serviceDeployments"][0];
    let service = client.service("web");
    assert_eq!(newest["serviceDeploymentArn"], service["currentServiceDeployment"]);
    assert_eq!(newest["targetServiceRevisionArn"], service["currentServiceRevisions"][0]["arn"]);
    let arns =
        json!([newest["serviceDeploymentArn"], format!("{}service-deployment/shop/web/none", super::ARN)]);
    let answer = client.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": arns}));
    let deployment = &answer["serviceDeployments"][0];
    assert_eq!(deployment["status"], "SUCCESSFUL");
    assert_eq!(deployment["sourceServiceRevisions"].as_array().unwrap().len(), 1);
    assert_eq!(deployment["deploymentCircuitBreaker"]["status"], "MONITORING_COMPLETE");
    assert!(deployment["startedAt"].as_f64() < deployment["finishedAt"].as_f64());
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
    let arn = &deployment["targetServiceRevision"]["arn"];
    let answer = client.ecs("DescribeServiceRevisions", json!({"serviceRevisionArns": [arn]}));
    let revision = &answer["serviceRevisions"][0];
    assert!(revision["taskDefinition"].as_str().unwrap().ends_with("web:2"));
    assert_eq!(revision["platformVersion"], "1.4.0");
    assert_eq!(revision["containerImages"][0]["containerName"], "web");
    assert!(revision["containerImages"][0]["imageDigest"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn blue_green_bakes_then_swaps_the_target_groups() {
    let group = |name: &str| {
        format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{name}/0123456789abcdef")
    };
    let balancer = json!({
        "targetGroupArn": group("blue"),
        "containerName": "web",
        "containerPort": 80,
        "advancedConfiguration": {"alternateTargetGroupArn": group("green"), "productionListenerRule": "rule", "roleArn": "role"},
    });
    let client = Client::shop();
    let configuration = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5});
    let more = json!({"deploymentConfiguration": configuration, "loadBalancers": [balancer]});
    client.ecs("CreateService", with(fargate_service("web", 2), more));
    client.pass(SETTLED);
    assert_eq!(client.service("web")["loadBalancers"][0]["targetGroupArn"], group("blue"));
    client.ecs("RegisterTaskDefinition", fargate_task("web"));
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(SETTLED);
    assert_eq!(counts(&client), [("PRIMARY".to_owned(), 2, 2), ("ACTIVE".to_owned(), 2, 2)]);
    let arn = client.service("web")["currentServiceDeployment"].clone();
    let stage = client.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]}));
    assert_eq!(stage["serviceDeployments"][0]["lifecycleStage"], "BAKE_TIME");
    client.pass(300 + SETTLED);
    assert_eq!(counts(&client), [("PRIMARY".to_owned(), 2, 2)]);
    let after = client.service("web")["loadBalancers"][0].clone();
    assert_eq!(after["targetGroupArn"], group("green"));
    assert_eq!(after["advancedConfiguration"]["alternateTargetGroupArn"], group("blue"));
    let same = client.update(json!({"loadBalancers": [balancer]}));
    assert_eq!(same["deployments"].as_array().unwrap().len(), 1, "which of the pair is live is no change");
}

#[test]
fn linear_and_canary_complete_after_their_shift() {
    for (configuration, minutes) in [
        (
            json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 2}}),
            8,
        ),
        (
            json!({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 3}, "bakeTimeInMinutes": 1}),
            4,
        ),
    ] {
        let client = web_with(configuration, 1);
        client.update(json!({"taskDefinition": "web:2"}));
        client.pass(minutes * 60);
        assert_eq!(counts(&client).len(), 2);
        client.pass(SETTLED);
        assert_eq!(counts(&client), [("PRIMARY".to_owned(), 1, 1)]);
    }
}

#[test]
fn a_service_that_wants_nothing_is_steady_at_once() {
    let client = web_with(json!({}), 0);
    assert_eq!(client.service("web")["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(client.messages("web")[0], "(service web) has reached a steady state.");
}

#[test]
fn however_late_it_is_looked_at_the_same_has_happened() {
    let story = |steps: &[u64]| {
        let client = Client::shop();
        client.ecs("CreateService", fargate_service("web", 3));
        let before = client.sandbox.world();
        for step in steps {
            client.pass(*step);
            client.sandbox.world();
        }
        assert_ne!(client.sandbox.world(), before);
        client.sandbox.world()
    };
    assert_eq!(story(&[100]), story(&[1; 100]));
}

#[test]
fn a_kept_world_goes_on_rolling() {
    let client = web_with(json!({}), 2);
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(4);
    let restored =
        crate::sandbox::Sandbox::restore(client.sandbox.world(), crate::sandbox::tests::options()).unwrap();
    let restored = Client { sandbox: restored, region: client.region };
    for client in [&client, &restored] {
        client.pass(SETTLED);
    }
    assert_eq!(counts(&restored), [("PRIMARY".to_owned(), 2, 2)]);
    assert_eq!(restored.sandbox.world()["regions"], client.sandbox.world()["regions"]);
}
