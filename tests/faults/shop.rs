//! What is declared: a small shop with one of everything.

use crate::operator::life::Files;
use crate::world::{annotated, manifest, service, with};
use serde_json::{Value, json};

pub const GROUP: &str = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c0000-0000-4000-8000-000000000000:autoScalingGroupName/shop";
pub const IMAGE: &str = "/spec/taskDefinition/containerDefinitions/0/image";

pub fn cluster() -> Value {
    let strategy = json!([{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]);
    manifest(
        "EcsCluster",
        "shop",
        json!({"capacityProviders": ["FARGATE", "FARGATE_SPOT", "shop-ec2"], "defaultCapacityProviderStrategy": strategy,
            "settings": [{"name": "containerInsights", "value": "enabled"}]}),
    )
}

pub fn provider() -> Value {
    let group =
        json!({"autoScalingGroupArn": GROUP, "managedScaling": {"status": "ENABLED", "targetCapacity": 90}});
    manifest("EcsCapacityProvider", "shop-ec2", json!({"autoScalingGroupProvider": group}))
}

pub fn repository(days: u32) -> Value {
    let expire = json!({"rulePriority": 1, "action": {"type": "expire"},
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}});
    let pull = json!({"Sid": "pull", "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]});
    manifest(
        "EcrRepository",
        "web",
        json!({"repositoryName": "shop/web", "imageTagMutability": "IMMUTABLE", "lifecyclePolicy": {"rules": [expire]},
            "repositoryPolicy": {"Version": "2012-10-17", "Statement": [pull]}}),
    )
}

/// Two tasks with a circuit breaker that rolls back, and as many as eight when there is much to do.
pub fn scaled(name: &str, image: &str, most: u32) -> Value {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let scaled = service(name, json!({}), json!({"deploymentConfiguration": breaker}));
    let policy = json!({"policyName": "cpu", "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration": {
        "targetValue": 60, "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}}});
    let night = json!({"scheduledActionName": "night", "schedule": "cron(0 20 * * ? *)",
        "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 2}});
    let scaling =
        json!({"minCapacity": 2, "maxCapacity": most, "policies": [policy], "scheduledActions": [night]});
    with(with(scaled, IMAGE, json!(image)), "/spec/autoscaling", scaling)
}

/// One that nothing scales.
pub fn plain(name: &str, image: &str) -> Value {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let plain = service(name, json!({}), json!({"desiredCount": 2, "deploymentConfiguration": breaker}));
    with(plain, IMAGE, json!(image))
}

/// One file for each.
pub fn files() -> Files {
    let files = Files::default();
    for (name, manifest) in [
        ("cluster", cluster()),
        ("provider", provider()),
        ("repository", repository(7)),
        ("web", scaled("web", "sandbox/ok:1", 8)),
        ("api", plain("api", "sandbox/ok:1")),
        // It goes when it is no longer declared.
        ("old", annotated(plain("old", "sandbox/ok:1"), "deletion-policy", "delete")),
    ] {
        files.write(&format!("{name}.yaml"), &[manifest]);
    }
    files
}
