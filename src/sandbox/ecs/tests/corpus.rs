//! What AWS was seen to answer is what the sandbox answers: clusters, task definitions, services.
//!
//! Reads the corpus from the folder that `ECS_OPERATOR_CORPUS` names; without it the tests say so.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{Client, SETTLED, with};
use crate::sandbox::{Sandbox, tests::options};

/// What only answers have.
const OUTPUT_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "tags",
];

/// The files of a folder of the corpus whose names begin so, by name.
fn files(folder: &str, prefix: &str) -> Vec<(String, Value)> {
    let Some(corpus) = std::env::var_os("ECS_OPERATOR_CORPUS") else {
        println!("left out: ECS_OPERATOR_CORPUS is not set");
        return Vec::new();
    };
    let entries = std::fs::read_dir(PathBuf::from(corpus).join(folder)).unwrap();
    let named = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)));
    let mut files: Vec<(String, Value)> = named
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
            Some((format!("{folder}/{}", path.file_name().unwrap().display()), value))
        })
        .collect();
    files.sort_by(|left, right| left.0.cmp(&right.0));
    files
}

/// A client of the account and Region that an ARN is of.
fn client_of(arn: &str) -> Client {
    let parts: Vec<&str> = arn.split(':').collect();
    let account = parts[4].to_owned();
    let region = Box::leak(parts[3].to_owned().into_boxed_str());
    Client { sandbox: Sandbox::new(crate::sandbox::Options { account, ..options() }), region }
}

/// The same value with every list in one order, and without what is nothing.
fn unordered(value: &Value) -> Value {
    match value {
        Value::Array(elements) => {
            let mut elements: Vec<Value> = elements.iter().map(unordered).collect();
            elements.sort_by_key(Value::to_string);
            Value::Array(elements)
        }
        Value::Object(members) => {
            let mut kept: Vec<(String, Value)> =
                members.iter().map(|(k, v)| (k.clone(), unordered(v))).collect();
            kept.retain(|(_, value)| {
                !matches!(value, Value::Null) && *value != json!([]) && *value != json!({})
            });
            kept.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(kept.into_iter().collect())
        }
        other => other.clone(),
    }
}

fn without(value: &Value, members: &[&str]) -> Value {
    let kept: Map<String, Value> = value
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !members.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(kept)
}

/// The members of `expected` are those of `answer`, in whatever order lists are.
#[track_caller]
fn same(file: &str, answer: &Value, expected: &Value) {
    for (member, expected) in expected.as_object().unwrap() {
        let answer = answer.get(member).unwrap_or(&Value::Null);
        assert_eq!(unordered(answer), unordered(expected), "{file}: {member}");
    }
}

/// The registered body of a recorded answer.
fn registered(recorded: &Value) -> Value {
    let body = recorded.get("taskDefinition").unwrap_or(recorded);
    without(body, &OUTPUT_ONLY)
}

fn send(client: &Client, operation: &str, input: &Value) -> (u16, Value) {
    client.send("ecs", &format!("{}.{operation}", crate::sandbox::tests::ECS), input).unwrap()
}

#[test]
fn recorded_task_definitions_registered_again_read_back_the_same() {
    for (file, recorded) in files("responses/taskdef", "") {
        let input = registered(&recorded);
        if !input["containerDefinitions"].is_array() {
            continue; // a listing's answer
        }
        let client = Client::new();
        client.ecs("RegisterTaskDefinition", input.clone());
        let answer = client.ecs("DescribeTaskDefinition", json!({"taskDefinition": input["family"]}));
        same(&file, &answer["taskDefinition"], &input);
    }
}

#[test]
fn kept_files_and_their_recorded_answers_agree_but_for_the_image() {
    for (file, pair) in files("pairs", "near-") {
        let client = Client::new();
        client.ecs("RegisterTaskDefinition", without(&pair["request"], &["tags"]));
        let answer =
            client.ecs("DescribeTaskDefinition", json!({"taskDefinition": pair["request"]["family"]}));
        let mut expected = registered(&pair["response"]);
        for (n, container) in expected["containerDefinitions"].as_array_mut().unwrap().iter_mut().enumerate()
        {
            container["image"] = pair["request"]["containerDefinitions"][n]["image"].clone();
        }
        same(&file, &answer["taskDefinition"], &expected);
    }
}

/// Files that no one could register: templates, comments, and what AWS refuses.
#[test]
fn task_definitions_that_people_keep_are_registered_unless_they_are_none() {
    for (file, body) in files("requests/taskdef", "") {
        let client = Client::new();
        let (status, answer) = send(&client, "RegisterTaskDefinition", &registered(&body));
        let (code, message) =
            (answer["__type"].as_str().unwrap_or_default(), answer["message"].as_str().unwrap_or_default());
        let expected = match code {
            "SerializationException" => true,
            "InvalidParameterException" => message.contains("validation error"),
            _ => [
                "Family contains invalid characters",
                "image should not be null",
                "host ports and container ports in port mappings must match",
            ]
            .iter()
            .any(|words| message.contains(words)),
        };
        assert!(status == 200 || expected, "{file}: {code}: {message}");
    }
}

#[test]
fn the_recorded_cluster_is_made_again() {
    for (file, pair) in files("pairs", "recorded-2026-create-cluster") {
        let recorded = &pair["response"]["cluster"];
        let client = client_of(recorded["clusterArn"].as_str().unwrap());
        same(&file, &client.ecs("CreateCluster", pair["request"].clone())["cluster"], recorded);
    }
}

/// Its cluster with whatever providers it uses, and its task definition with the ports that it
/// balances to.
fn stage(client: &Client, service: &Value) {
    let names = service["capacityProviderStrategy"].as_array().cloned().unwrap_or_default();
    let providers: Vec<&Value> = names.iter().map(|item| &item["capacityProvider"]).collect();
    for name in providers.iter().filter(|name| !name.as_str().unwrap().starts_with("FARGATE")) {
        let group = json!({"autoScalingGroupArn": name});
        client.ecs("CreateCapacityProvider", json!({"name": name, "autoScalingGroupProvider": group}));
    }
    client.pass(SETTLED);
    let short =
        |member: &str| service[member].as_str().unwrap_or("default").rsplit('/').next().unwrap().to_owned();
    client.ecs("CreateCluster", json!({"clusterName": short("clusterArn"), "capacityProviders": providers}));
    let definition = short("taskDefinition");
    let (family, number) = definition.split_once(':').unwrap_or((&definition, "1"));
    let ports = service["loadBalancers"].as_array().into_iter().flatten();
    let mut containers: Vec<Value> = ports
        .map(|to| json!({"name": to["containerName"], "image": "nginx", "portMappings": [{"containerPort": to["containerPort"]}]}))
        .collect();
    containers.dedup_by_key(|container| container["name"].clone());
    if containers.is_empty() {
        containers.push(json!({"name": "main", "image": "nginx"}));
    }
    let mode = if service.get("networkConfiguration").is_some() { "awsvpc" } else { "bridge" };
    let body = json!({"family": family, "networkMode": mode, "cpu": "256", "memory": "512", "taskRoleArn": "task", "containerDefinitions": containers});
    for _ in 0..number.parse().unwrap_or(1) {
        client.ecs("RegisterTaskDefinition", body.clone());
    }
}

/// The members of a recorded service that CreateService takes.
fn created_from(service: &Value) -> Value {
    let output_only = [
        "serviceArn",
        "clusterArn",
        "status",
        "runningCount",
        "pendingCount",
        "platformFamily",
        "taskSets",
        "deployments",
        "roleArn",
        "events",
        "createdAt",
        "createdBy",
        "currentServiceDeployment",
        "currentServiceRevisions",
        "resourceManagementType",
    ];
    with(without(service, &output_only), json!({"cluster": service["clusterArn"], "propagateTags": "NONE"}))
}

#[test]
fn recorded_services_made_again_read_back_the_same() {
    let moving = [
        "deployments",
        "events",
        "createdAt",
        "createdBy",
        "runningCount",
        "pendingCount",
        "currentServiceDeployment",
        "currentServiceRevisions",
        "taskSets",
        "status",
        "propagateTags",
    ];
    for (file, recorded) in files("responses/service", "") {
        for service in recorded["services"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|service| service["status"] == "ACTIVE")
        {
            let external = service["deploymentController"]["type"] == "EXTERNAL";
            let client = client_of(service["serviceArn"].as_str().unwrap());
            stage(&client, service);
            let mut input = created_from(service);
            if external {
                input.as_object_mut().unwrap().shift_remove("taskDefinition");
            }
            client.ecs("CreateService", input.clone());
            client.pass(SETTLED);
            let names = json!({"cluster": service["clusterArn"], "services": [service["serviceName"]], "include": ["TAGS"]});
            let answer = client.ecs("DescribeServices", names)["services"][0].clone();
            let mut expected = without(service, &moving);
            // Old answers lack members, and old ARNs the cluster's name.
            let mut answered = answer.clone();
            for configuration in [&mut expected, &mut answered] {
                if let Some(members) = configuration["deploymentConfiguration"].as_object_mut() {
                    members.retain(|name, _| {
                        ["maximumPercent", "minimumHealthyPercent"].contains(&name.as_str())
                    });
                }
            }
            if !service["serviceArn"].as_str().unwrap().split_once("service/").unwrap().1.contains('/') {
                expected.as_object_mut().unwrap().shift_remove("serviceArn");
            }
            same(&file, &answered, &expected);
        }
    }
}

#[test]
fn the_recorded_external_service_is_made_again() {
    for (file, pair) in files("pairs", "recorded-2020-create-service-external") {
        let recorded = &pair["response"]["service"];
        let client = client_of(recorded["serviceArn"].as_str().unwrap());
        client.ecs("CreateCluster", json!({}));
        let answer = client.ecs("CreateService", pair["request"].clone())["service"].clone();
        same(&file, &answer, &without(recorded, &["createdAt", "createdBy"]));
    }
}

#[test]
fn the_recorded_update_is_answered_again() {
    for (file, pair) in files("pairs", "recorded-2026-update-service") {
        let recorded = &pair["response"]["service"];
        let client = client_of(recorded["serviceArn"].as_str().unwrap());
        stage(&client, recorded);
        client.ecs("CreateService", with(created_from(recorded), json!({"enableExecuteCommand": false})));
        client.pass(SETTLED);
        let answer = client.ecs("UpdateService", pair["request"].clone())["service"].clone();
        let moving = ["deployments", "events", "createdAt", "createdBy", "currentServiceRevisions"];
        same(&file, &answer, &without(recorded, &moving));
        for (n, expected) in recorded["deployments"].as_array().unwrap().iter().enumerate() {
            let expected = without(expected, &["id", "createdAt", "updatedAt", "rolloutStateReason"]);
            same(&file, &answer["deployments"][n], &expected);
        }
        for (n, expected) in recorded["currentServiceRevisions"].as_array().unwrap().iter().enumerate() {
            same(&file, &answer["currentServiceRevisions"][n], &without(expected, &["arn"]));
        }
    }
}

#[test]
fn services_that_people_keep_are_made_unless_they_are_none() {
    for (file, mut service) in files("requests/service", "") {
        let client = Client::new();
        service["clusterArn"] = service.get("cluster").cloned().unwrap_or_default();
        stage(&client, &service);
        let (status, answer) = send(&client, "CreateService", &without(&service, &["clusterArn"]));
        let message = answer["message"].as_str().unwrap_or_default();
        let expected =
            ["API model does not have it", "validation error", "_ONE' is not valid", "_ID1' is not valid"];
        assert!(status == 200 || expected.iter().any(|words| message.contains(words)), "{file}: {message}");
    }
}
