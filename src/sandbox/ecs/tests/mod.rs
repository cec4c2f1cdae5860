//! Behaviours of ECS, with raw bytes, and AWS's own SDK against all of it.

#![allow(clippy::needless_pass_by_value)] // inputs are written where they are sent

mod any_input;
mod capacity;
mod cluster;
mod corpus;
mod deployment;
mod image_script;
mod rollback;
mod scale;
mod service;
mod service_refusals;
mod tags;
mod task;
mod task_definition;
mod with_sdk;

use serde_json::{Value, json};

pub use crate::sandbox::tests::Client;

/// Seconds after which a few Fargate tasks are up and a rollout is complete.
pub const SETTLED: u64 = 60;

pub const ARN: &str = "arn:aws:ecs:eu-central-1:123456789012:";

/// A task definition for Fargate with one container `web` on port 80.
pub fn fargate_task(family: &str) -> Value {
    json!({
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "web", "image": "nginx:1.27", "portMappings": [{"containerPort": 80, "name": "http"}]}],
    })
}

/// A task definition for instances: bridge, one container `web` of 512 MiB on port 80.
pub fn bridge_task(family: &str) -> Value {
    let container = json!({"name": "web", "image": "nginx:1.27", "memory": 512, "cpu": 256, "portMappings": [{"containerPort": 80}]});
    json!({"family": family, "containerDefinitions": [container]})
}

pub fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}})
}

/// CreateService's input for Fargate.
pub fn fargate_service(name: &str, count: u32) -> Value {
    json!({
        "cluster": "shop",
        "serviceName": name,
        "taskDefinition": "web",
        "desiredCount": count,
        "launchType": "FARGATE",
        "networkConfiguration": network(),
    })
}

/// `base` with other or more members.
pub fn with(mut base: Value, more: Value) -> Value {
    let (Value::Object(base_members), Value::Object(more)) = (&mut base, more) else {
        panic!("both are objects")
    };
    base_members.extend(more);
    base
}

impl Client {
    /// A cluster `shop` with Fargate's providers, and the task definitions `web` (Fargate) and
    /// `bridge`.
    pub fn shop() -> Self {
        let client = Self::new();
        client.ecs(
            "CreateCluster",
            json!({"clusterName": "shop", "capacityProviders": ["FARGATE", "FARGATE_SPOT"]}),
        );
        client.ecs("RegisterTaskDefinition", fargate_task("web"));
        client.ecs("RegisterTaskDefinition", bridge_task("bridge"));
        client
    }

    /// The shop with a service `web` that is steady.
    pub fn with_service(count: u32) -> Self {
        let client = Self::shop();
        client.ecs("CreateService", fargate_service("web", count));
        client.pass(SETTLED);
        client
    }

    /// The shop with a provider `big` of an Auto Scaling group, attached.
    pub fn with_instances() -> Self {
        let client = Self::shop();
        let group = json!({"autoScalingGroupArn": "big", "managedScaling": {"status": "ENABLED"}});
        client.ecs("CreateCapacityProvider", json!({"name": "big", "autoScalingGroupProvider": group}));
        client.pass(10);
        let providers = json!(["FARGATE", "FARGATE_SPOT", "big"]);
        client.ecs(
            "PutClusterCapacityProviders",
            json!({"cluster": "shop", "capacityProviders": providers, "defaultCapacityProviderStrategy": []}),
        );
        client.pass(10);
        client
    }

    #[track_caller]
    pub fn service(&self, name: &str) -> Value {
        let answer =
            self.ecs("DescribeServices", json!({"cluster": "shop", "services": [name], "include": ["TAGS"]}));
        answer["services"][0].clone()
    }

    #[track_caller]
    pub fn update(&self, changes: Value) -> Value {
        let input = with(json!({"cluster": "shop", "service": "web"}), changes);
        self.ecs("UpdateService", input)["service"].clone()
    }

    pub fn messages(&self, name: &str) -> Vec<String> {
        let service = self.service(name);
        let events = service["events"].as_array().unwrap();
        events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }
}
