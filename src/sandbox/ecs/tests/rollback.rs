//! Deployments that fail: the circuit breaker, going back, and what is told about it.

use serde_json::{Value, json};

use super::{Client, SETTLED, fargate_service, fargate_task, with};
use crate::sandbox::{Sandbox, tests::options};

/// Until three tasks of `sandbox/crash` have failed one after the other.
const TRIPPED: u64 = 180;

impl Client {
    /// A further revision of `web` with this image.
    pub fn image(&self, image: &str) {
        let container =
            json!({"name": "web", "image": image, "portMappings": [{"containerPort": 80, "name": "http"}]});
        let more = json!({"containerDefinitions": [container]});
        self.ecs("RegisterTaskDefinition", with(fargate_task("web"), more));
    }

    /// The service deployments of `web`, newest first, whole.
    pub fn history(&self) -> Vec<Value> {
        let list = self.ecs("ListServiceDeployments", json!({"cluster": "shop", "service": "web"}));
        let arns: Vec<Value> = list["serviceDeployments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|brief| brief["serviceDeploymentArn"].clone())
            .collect();
        let answer = self.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": arns}));
        answer["serviceDeployments"].as_array().unwrap().clone()
    }

    fn statuses(&self) -> Vec<String> {
        self.history().iter().map(|one| one["status"].as_str().unwrap().to_owned()).collect()
    }

    /// Of each deployment of `web`: status, the task definition's revision, rollout state.
    fn rollouts(&self) -> Vec<(String, String, String)> {
        let service = self.service("web");
        let text = |value: &Value| value.as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let one = |d: &Value| (text(&d["status"]), text(&d["taskDefinition"]), text(&d["rolloutState"]));
        service["deployments"].as_array().unwrap().iter().map(one).collect()
    }

    /// The shop with a service `web` whose circuit breaker is `breaker`, steady on `web:1`.
    fn with_breaker(breaker: Value, count: u32) -> Self {
        let client = Self::shop();
        let more = json!({"deploymentConfiguration": {"deploymentCircuitBreaker": breaker}});
        client.ecs("CreateService", with(fargate_service("web", count), more));
        client.pass(SETTLED);
        client
    }
}

fn rolls_back() -> Value {
    json!({"enable": true, "rollback": true})
}

fn rollout(status: &str, revision: &str, state: &str) -> (String, String, String) {
    (status.to_owned(), revision.to_owned(), state.to_owned())
}

#[test]
fn the_breaker_goes_back_to_the_last_deployment_that_completed() {
    let client = Client::with_breaker(rolls_back(), 2);
    let before = client.service("web")["deployments"][0].clone();
    client.image("sandbox/crash");
    let failed = client.update(json!({"taskDefinition": "web:2"}))["deployments"][0].clone();
    client.pass(20);
    assert_eq!(
        client.rollouts(),
        [rollout("PRIMARY", "2", "IN_PROGRESS"), rollout("ACTIVE", "1", "COMPLETED")]
    );
    assert_eq!(client.service("web")["deployments"][0]["failedTasks"], 2);
    // Looked at each second, so that the rollback is seen under way.
    let under_way = (0..TRIPPED).find_map(|_| {
        client.pass(1);
        let service = client.service("web");
        (service["deployments"][0]["id"] == before["id"]).then_some(service)
    });
    let under_way = under_way.unwrap();
    assert!(under_way["taskDefinition"].as_str().unwrap().ends_with("web:1"));
    assert_eq!(under_way["runningCount"], 2, "the old tasks were never stopped");
    let name = before["id"].as_str().unwrap();
    assert_eq!(
        under_way["deployments"][0]["rolloutStateReason"],
        format!("ECS deployment circuit breaker: rolling back to deploymentId {name}.")
    );
    assert_eq!(under_way["deployments"][1]["id"], failed["id"]);
    assert_eq!(under_way["deployments"][1]["rolloutState"], "FAILED");
    assert_eq!(
        under_way["deployments"][1]["rolloutStateReason"],
        "ECS deployment circuit breaker: tasks failed to start."
    );
    client.pass(SETTLED);
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "1", "COMPLETED")]);
    let messages = client.messages("web");
    let failed = failed["id"].as_str().unwrap();
    for expected in [
        "(service web) has reached a steady state.".to_owned(),
        format!("(service web) (deployment {name}) deployment completed."),
        format!("(service web) rolling back to deployment {name}."),
        format!("(service web) (deployment {failed}) deployment failed: tasks failed to start."),
    ] {
        assert!(messages.iter().take(6).any(|message| *message == expected), "{expected}: {messages:#?}");
    }
}

#[test]
fn the_history_tells_of_a_rollback_as_one_service_deployment() {
    let client = Client::with_breaker(rolls_back(), 1);
    let good = client.service("web")["currentServiceRevisions"][0]["arn"].clone();
    client.image("sandbox/crash:3");
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(SETTLED + TRIPPED);
    let history = client.history();
    assert_eq!(history.len(), 2);
    let rolled_back = &history[0];
    assert_eq!(rolled_back["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(
        rolled_back["statusReason"],
        "Service deployment rolled back because the circuit breaker threshold was exceeded."
    );
    assert_eq!(rolled_back["rollback"]["serviceRevisionArn"], good);
    assert_ne!(rolled_back["targetServiceRevision"]["arn"], good);
    assert_eq!(rolled_back["sourceServiceRevisions"][0]["arn"], good);
    assert_eq!(
        rolled_back["deploymentCircuitBreaker"],
        json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3})
    );
    assert!(rolled_back["rollback"]["startedAt"].as_f64() < rolled_back["finishedAt"].as_f64());
    client.update(json!({"desiredCount": 20}));
    assert_eq!(
        client.history()[0]["deploymentCircuitBreaker"]["threshold"],
        3,
        "what is over stays as it was"
    );
    client.update(json!({"desiredCount": 1}));
    client.pass(SETTLED);
    let service = client.service("web");
    assert_eq!(service["currentServiceDeployment"], rolled_back["serviceDeploymentArn"]);
    assert_eq!(
        service["currentServiceRevisions"],
        json!([{"arn": good, "requestedTaskCount": 1, "runningTaskCount": 1, "pendingTaskCount": 0}])
    );
}

#[test]
fn a_rollback_brings_the_revision_back_and_leaves_the_rest() {
    let client = Client::with_breaker(rolls_back(), 1);
    client.image("sandbox/crash");
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-9"], "securityGroups": ["sg-1"]}});
    let connect = json!({"enabled": true, "namespace": "n", "services": [{"portName": "http"}]});
    client.update(json!({
        "taskDefinition": "web:2",
        "networkConfiguration": network,
        "serviceConnectConfiguration": connect,
        "platformVersion": "1.4.0",
        "desiredCount": 2,
        "propagateTags": "SERVICE",
        "deploymentConfiguration": {"maximumPercent": 150, "deploymentCircuitBreaker": rolls_back()},
    }));
    client.pass(SETTLED + TRIPPED);
    let service = client.service("web");
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "1", "COMPLETED")]);
    let subnets = &service["networkConfiguration"]["awsvpcConfiguration"]["subnets"];
    assert_eq!(*subnets, json!(["subnet-1", "subnet-2"]));
    assert_eq!(service["platformVersion"], "LATEST");
    assert!(service["deployments"][0].get("serviceConnectConfiguration").is_none());
    assert_eq!((&service["desiredCount"], &service["runningCount"]), (&json!(2), &json!(2)));
    assert_eq!(service["deploymentConfiguration"]["maximumPercent"], 150);
    assert_eq!(service["propagateTags"], "SERVICE");
}

#[test]
fn without_a_completed_deployment_nothing_more_is_started() {
    let client = Client::shop();
    client.image("sandbox/crash");
    let more = json!({"deploymentConfiguration": {"deploymentCircuitBreaker": rolls_back()}});
    client.ecs("CreateService", with(fargate_service("web", 1), more));
    client.pass(TRIPPED);
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "2", "FAILED")]);
    let history = client.history();
    assert_eq!(history[0]["status"], "ROLLBACK_FAILED");
    assert_eq!(history[0]["statusReason"], "No rollback candidate was found to run the rollback.");
    assert!(history[0].get("rollback").is_none());
    let events = client.messages("web").len();
    client.pass(86_400);
    assert_eq!(client.messages("web").len(), events, "nothing happens any more");
    assert_eq!(client.service("web")["runningCount"], 0);
    // A newer revision is deployed at once.
    client.update(json!({"taskDefinition": "web:1"}));
    client.pass(SETTLED);
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "1", "COMPLETED")]);
    assert_eq!(client.statuses(), ["SUCCESSFUL", "ROLLBACK_FAILED"]);
}

#[test]
fn without_rollback_the_deployment_stays_failed_and_the_old_tasks_run_on() {
    let client = Client::with_breaker(json!({"enable": true, "rollback": false}), 2);
    client.image("sandbox/not-found");
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(86_400);
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "2", "FAILED"), rollout("ACTIVE", "1", "COMPLETED")]);
    let service = client.service("web");
    assert_eq!((&service["runningCount"], &service["pendingCount"]), (&json!(2), &json!(0)));
    let history = client.history();
    assert_eq!(history[0]["status"], "STOPPED");
    assert!(history[0]["stoppedAt"].is_f64());
    assert_eq!(history[0]["deploymentCircuitBreaker"]["status"], "TRIGGERED");
}

#[test]
fn without_a_breaker_it_goes_on_trying_ever_more_slowly() {
    let client = Client::with_breaker(json!({"enable": false, "rollback": false}), 1);
    client.image("sandbox/crash");
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(600);
    let early = client.service("web")["deployments"][0]["failedTasks"].as_u64().unwrap();
    assert!((4..=6).contains(&early), "{early}");
    client.pass(86_400);
    let service = client.service("web");
    let late = service["deployments"][0]["failedTasks"].as_u64().unwrap();
    assert!((50..=60).contains(&late), "every 27 minutes: {late}");
    assert_eq!(
        client.rollouts(),
        [rollout("PRIMARY", "2", "IN_PROGRESS"), rollout("ACTIVE", "1", "COMPLETED")]
    );
    assert_eq!(service["runningCount"], 1);
    assert!(
        client
            .messages("web")
            .iter()
            .any(|m| m.contains("is unable to consistently start tasks successfully."))
    );
}

#[test]
fn the_threshold_is_the_configured_one() {
    for (breaker, count, failures) in [
        (json!({"thresholdConfiguration": {"type": "COUNT", "value": 1}}), 1, 1),
        (json!({"thresholdConfiguration": {"type": "COUNT", "value": 5}}), 1, 5),
        (json!({"thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 1}}), 8, 8),
        (json!({"thresholdConfiguration": {"type": "UNBOUNDED_PERCENT", "value": 25}}), 4, 4),
        (json!({}), 10, 10),
    ] {
        let client = Client::with_breaker(with(rolls_back(), breaker.clone()), count);
        client.image("sandbox/crash");
        client.update(json!({"taskDefinition": "web:2"}));
        client.pass(1200);
        let history = client.history();
        assert_eq!(history[0]["status"], "ROLLBACK_SUCCESSFUL", "{breaker}");
        // Tasks that were started together fail together.
        assert_eq!(history[0]["deploymentCircuitBreaker"]["failureCount"], failures, "{breaker}");
    }
}

#[test]
fn a_healthy_task_sets_the_count_back_unless_it_is_told_not_to() {
    let outcome = |resets: bool| {
        let threshold = json!({"type": "COUNT", "value": 32});
        let more = json!({"resetOnHealthyTask": resets, "thresholdConfiguration": threshold});
        let client = Client::with_breaker(with(rolls_back(), more), 40);
        // About twenty fail together, then ten, five …
        client.image("sandbox/flaky:50");
        client.update(json!({"taskDefinition": "web:2"}));
        client.pass(1200);
        client.statuses()[0].clone()
    };
    assert_eq!(outcome(true), "SUCCESSFUL");
    assert_eq!(outcome(false), "ROLLBACK_SUCCESSFUL");
}

#[test]
fn a_newer_update_in_the_middle_of_a_rollback_starts_at_once() {
    let client = Client::with_breaker(rolls_back(), 2);
    client.image("sandbox/unhealthy");
    client.image("nginx:1.28");
    client.image("sandbox/crash");
    client.update(json!({"taskDefinition": "web:4"}));
    let is_back = |client: &Client| client.statuses()[0] == "ROLLBACK_IN_PROGRESS";
    assert!((0..TRIPPED).any(|_| {
        client.pass(1);
        is_back(&client)
    }));
    client.update(json!({"taskDefinition": "web:3"}));
    client.pass(SETTLED);
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "3", "COMPLETED")]);
    assert_eq!(client.statuses(), ["SUCCESSFUL", "ROLLBACK_FAILED", "SUCCESSFUL"]);
}

#[test]
fn a_deployment_that_is_rolled_back_to_is_no_candidate_before_it_has_completed() {
    let client = Client::with_breaker(rolls_back(), 2);
    client.image("sandbox/crash");
    client.update(json!({"taskDefinition": "web:2"}));
    assert!((0..TRIPPED).any(|_| {
        client.pass(1);
        client.statuses()[0] == "ROLLBACK_IN_PROGRESS"
    }));
    client.update(json!({"forceNewDeployment": true, "taskDefinition": "web:2"}));
    client.pass(TRIPPED);
    assert_eq!(client.statuses(), ["ROLLBACK_FAILED", "ROLLBACK_FAILED", "SUCCESSFUL"]);
    assert_eq!(client.rollouts()[0], rollout("PRIMARY", "2", "FAILED"));
    assert_eq!(client.service("web")["runningCount"], 2, "the old tasks run on");
}

#[test]
fn a_deployment_is_stopped_by_going_back() {
    let client = Client::with_breaker(json!({"enable": false, "rollback": false}), 2);
    client.image("sandbox/slow:600");
    client.update(json!({"taskDefinition": "web:2"}));
    let stop = |arn: &Value, more: Value| {
        client.ecs("StopServiceDeployment", with(json!({"serviceDeploymentArn": arn}), more))
    };
    let arn = client.history()[0]["serviceDeploymentArn"].clone();
    assert_eq!(client.statuses()[0], "PENDING");
    assert_eq!(stop(&arn, json!({}))["serviceDeploymentArn"], arn);
    assert_eq!(client.statuses()[0], "ROLLBACK_REQUESTED");
    stop(&arn, json!({"stopType": "ROLLBACK"}));
    client.pass(SETTLED);
    assert_eq!(client.statuses(), ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "1", "COMPLETED")]);
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(60);
    assert_eq!(client.statuses()[0], "IN_PROGRESS");
    let arn = client.history()[0]["serviceDeploymentArn"].clone();
    stop(&arn, json!({"stopType": "ROLLBACK"}));
    client.pass(SETTLED);
    assert_eq!(client.statuses(), ["ROLLBACK_SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    assert_eq!(client.service("web")["runningCount"], 2);
}

#[test]
fn what_cannot_be_stopped_is_refused() {
    let client = Client::with_service(1);
    let arn = client.history()[0]["serviceDeploymentArn"].clone();
    let refused = |input: Value| client.refused("StopServiceDeployment", input);
    assert_eq!(refused(json!({"serviceDeploymentArn": arn})).0, "ConflictException");
    assert_eq!(
        refused(json!({"serviceDeploymentArn": arn, "stopType": "ABORT"})).0,
        "InvalidParameterException"
    );
    let none = format!("{}service-deployment/shop/web/none", super::ARN);
    assert_eq!(refused(json!({"serviceDeploymentArn": none})).0, "ServiceDeploymentNotFoundException");
    let input = json!({"serviceDeploymentArn": arn, "hookId": "h", "action": "CONTINUE"});
    let (code, message) = client.refused("ContinueServiceDeployment", input);
    assert_eq!(code, "InvalidParameterException");
    assert!(message.contains("never pause"), "{message}");
}

#[test]
fn a_first_deployment_that_is_stopped_has_nothing_to_go_back_to() {
    let client = Client::shop();
    client.image("sandbox/slow:600");
    client.ecs("CreateService", fargate_service("web", 1));
    client.pass(5);
    let arn = client.history()[0]["serviceDeploymentArn"].clone();
    client.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn}));
    client.pass(SETTLED);
    assert_eq!(client.statuses(), ["ROLLBACK_FAILED"]);
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "2", "FAILED")]);
}

#[test]
fn a_rollback_whose_own_tasks_fail_has_failed() {
    let client = Client::with_breaker(rolls_back(), 1);
    let registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    let role = json!({"executionRoleArn": "arn:aws:iam::123456789012:role/execution"});
    let container = json!({"name": "web", "image": format!("{registry}/shop:1")});
    client
        .send(
            "ecr",
            "AmazonEC2ContainerRegistry_V20150921.CreateRepository",
            &json!({"repositoryName": "shop"}),
        )
        .unwrap();
    let put = json!({"repositoryName": "shop", "imageTag": "1", "imageManifest": "{\"schemaVersion\": 2}"});
    client.send("ecr", "AmazonEC2ContainerRegistry_V20150921.PutImage", &put).unwrap();
    client.ecs(
        "RegisterTaskDefinition",
        with(with(fargate_task("web"), role), json!({"containerDefinitions": [container]})),
    );
    client.update(json!({"taskDefinition": "web:2"}));
    client.pass(SETTLED);
    assert_eq!(client.rollouts(), [rollout("PRIMARY", "2", "COMPLETED")]);
    let delete = json!({"repositoryName": "shop", "imageIds": [{"imageTag": "1"}]});
    client.send("ecr", "AmazonEC2ContainerRegistry_V20150921.BatchDeleteImage", &delete).unwrap();
    // So that none of the old tasks is left when it goes back.
    client.image("sandbox/crash");
    client.update(json!({"taskDefinition": "web:3", "availabilityZoneRebalancing": "DISABLED", "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100, "deploymentCircuitBreaker": rolls_back()}}));
    client.pass(2 * TRIPPED + SETTLED);
    assert_eq!(client.statuses()[0], "ROLLBACK_FAILED");
    assert_eq!(client.rollouts()[0], rollout("PRIMARY", "2", "FAILED"));
    assert!(
        client
            .messages("web")
            .iter()
            .any(|message| message.contains("was unable to place a task. Reason: CannotPullContainerError"))
    );
}

#[test]
fn a_kept_world_goes_on_rolling_back() {
    let client = Client::with_breaker(rolls_back(), 2);
    client.image("sandbox/crash");
    client.update(json!({"taskDefinition": "web:2"}));
    for seconds in [10, 35, 60] {
        client.pass(seconds);
        let restored = Sandbox::restore(client.sandbox.world(), options()).unwrap();
        let restored = Client { sandbox: restored, region: client.region };
        restored.pass(SETTLED + TRIPPED);
        assert_eq!(restored.statuses(), ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"], "{seconds}");
        assert_eq!(restored.rollouts(), [rollout("PRIMARY", "1", "COMPLETED")], "{seconds}");
    }
}
