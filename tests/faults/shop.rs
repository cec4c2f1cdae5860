//! What is declared: a small shop with one of everything; and what others have beside it.

use crate::operator::life::Files;
use crate::world::{REGION, annotated, manifest, service, with};
use ecs_operator::sandbox::Sandbox;
use fastrand::Rng;
use serde_json::{Value, json};

pub const GROUP: &str = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c0000-0000-4000-8000-000000000000:autoScalingGroupName/shop";
pub const IMAGE: &str = "/spec/taskDefinition/containerDefinitions/0/image";

pub fn cluster(insights: &str) -> Value {
    let strategy = json!([{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]);
    manifest(
        "EcsCluster",
        "shop",
        json!({"capacityProviders": ["FARGATE", "FARGATE_SPOT", "shop-ec2"], "defaultCapacityProviderStrategy": strategy,
            "settings": [{"name": "containerInsights", "value": insights}]}),
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

/// Two tasks with a circuit breaker that rolls back, and as many as `most` when there is much to do.
pub fn scaled(name: &str, image: &str, most: u32) -> Value {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let scaled = service(name, json!({}), json!({"deploymentConfiguration": breaker}));
    let policy = json!({"policyName": "cpu", "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration": {
        "targetValue": 60, "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}}});
    let night = json!({"scheduledActionName": "night", "schedule": "cron(0 20 * * ? *)",
        "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 2}});
    let day = json!({"scheduledActionName": "day", "schedule": "cron(0 6 * * ? *)",
        "scalableTargetAction": {"minCapacity": 2, "maxCapacity": most}});
    let scaling = json!({"minCapacity": 2, "maxCapacity": most, "policies": [policy], "scheduledActions": [night, day]});
    with(with(scaled, IMAGE, json!(image)), "/spec/autoscaling", scaling)
}

/// One that nothing scales.
pub fn plain(name: &str, image: &str) -> Value {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let plain = service(name, json!({}), json!({"desiredCount": 2, "deploymentConfiguration": breaker}));
    with(plain, IMAGE, json!(image))
}

/// What the files say: a number for each thing that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    web: u32,
    most: u32,
    api: u32,
    days: u32,
    insights: bool,
    /// A service that comes and goes.
    extra: bool,
    /// A file that nobody can read.
    broken: Option<&'static str>,
}

impl Default for Versions {
    fn default() -> Self {
        Self { web: 1, most: 8, api: 1, days: 7, insights: true, extra: true, broken: None }
    }
}

/// More are not looked at before a revision is registered again.
const IMAGES: std::ops::RangeInclusive<u32> = 1..=4;

impl Versions {
    /// Changes one of them.
    pub fn edit(&mut self, random: &mut Rng) {
        match random.u8(..6) {
            0 => self.web = random.u32(IMAGES),
            1 => self.most = random.u32(4..10),
            2 => self.api = random.u32(IMAGES),
            3 => self.days = random.u32(1..30),
            4 => self.insights = !self.insights,
            _ => self.extra = !self.extra,
        }
    }

    pub fn break_one(&mut self, random: &mut Rng) {
        self.broken = Some(["cluster", "repository", "web", "api", "extra"][random.usize(..5)]);
    }

    pub fn repair(&mut self) {
        self.broken = None;
    }

    pub fn has_extra(&self) -> bool {
        self.extra
    }

    /// Writes what differs from what is there.
    pub fn write(&self, files: &Files) {
        let image = |version: u32| format!("sandbox/ok:{version}");
        let insights = if self.insights { "enabled" } else { "disabled" };
        let extra = annotated(plain("extra", &image(1)), "deletion-policy", "delete");
        for (name, manifest) in [
            ("cluster", Some(cluster(insights))),
            ("provider", Some(provider())),
            ("repository", Some(repository(self.days))),
            ("web", Some(scaled("web", &image(self.web), self.most))),
            ("api", Some(plain("api", &image(self.api)))),
            ("extra", Some(extra).filter(|_| self.extra)),
        ] {
            let file = format!("{name}.yaml");
            match manifest {
                Some(_) if self.broken == Some(name) => files.write_text(&file, "kind: ["),
                Some(manifest) => files.write(&file, &[manifest]),
                None => files.remove(&file),
            }
        }
    }

    pub fn files(&self) -> Files {
        let files = Files::default();
        self.write(&files);
        files
    }
}

/// What others have: none of it is ours to touch. In our own cluster too, where that is there.
pub fn bystanders(sandbox: &Sandbox, in_our_cluster: bool) {
    let perform = |service: &str, operation: &str, input: Value| {
        let done = sandbox.perform(REGION, service, operation, &input);
        done.unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"))
    };
    let theirs = json!([{"key": "ecs-operator.dev/owner", "value": "theirs"}]);
    perform("ecs", "CreateCluster", json!({"clusterName": "theirs", "tags": theirs}));
    perform("ecr", "CreateRepository", json!({"repositoryName": "theirs"}));
    let group = json!({"autoScalingGroupArn": GROUP.replace("/shop", "/theirs")});
    perform(
        "ecs",
        "CreateCapacityProvider",
        json!({"name": "theirs", "autoScalingGroupProvider": group, "tags": theirs}),
    );
    let definition = json!({"family": "theirs", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "web", "image": "nginx"}]});
    perform("ecs", "RegisterTaskDefinition", definition);
    let service = |cluster: &str, tags: &Value| {
        json!({"cluster": cluster, "serviceName": "theirs", "taskDefinition": "theirs", "desiredCount": 1,
            "launchType": "FARGATE", "tags": tags,
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": ["sg-0bb"]}}})
    };
    perform("ecs", "CreateService", service("theirs", &theirs));
    if in_our_cluster {
        let nobodys = json!([{"key": "team", "value": "theirs"}]);
        perform("ecs", "CreateService", service("shop", &nobodys));
        perform(
            "application-autoscaling",
            "RegisterScalableTarget",
            json!({"ServiceNamespace": "ecs",
            "ResourceId": "service/shop/theirs", "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 1, "MaxCapacity": 3}),
        );
    }
}
