//! JSON Schema of the manifests, for editors (`ecs-operator schema`). It is generated from the shapes, so it
//! says what the reader takes in its exact form; what the reader only tolerates is not in it.
//!
//! `schema/ecs-operator.schema.json` is this, committed. Tests: at the end; `UPDATE_SCHEMA=1` rewrites the file.

use super::limits;
use crate::model::facts::{Shape, Type};
use crate::model::names::{GROUP, Kind, VERSION, annotation};
use serde_json::{Map, Value, json};

/// What the most used members are, in a line.
const DESCRIPTIONS: &[(&str, &str, &str)] = &[
    ("*", "region", "The AWS Region; default: that of the service's declared cluster, else the SDK's"),
    ("EcsCluster", "clusterName", "The cluster's name on AWS; default: metadata.name"),
    ("EcsCluster", "capacityProviders", "All capacity providers of the cluster; a declared list is the whole list"),
    ("EcsCluster", "defaultCapacityProviderStrategy", "Where services without a strategy of their own run"),
    ("EcsCapacityProvider", "name", "The capacity provider's name on AWS; default: metadata.name"),
    ("EcrRepository", "repositoryName", "The repository's name on AWS, such as shop/checkout; default: metadata.name"),
    ("EcrRepository", "lifecyclePolicy", "Rules by which images expire"),
    ("EcrRepository", "repositoryPolicy", "Who may pull and push: an IAM policy, or its JSON in a string"),
    ("EcsService", "taskDefinition", "RegisterTaskDefinition's body: what runs"),
    ("EcsService", "service", "CreateService's body: where and how many"),
    ("EcsService", "autoscaling", "Scaling of the service; absent: not touched, {}: none, what is there is removed"),
    ("TaskDefinition", "family", "The task definition's name; default: the service's name"),
    ("TaskDefinition", "cpu", "CPU units of the task, such as \"256\" or \"1 vCPU\""),
    ("TaskDefinition", "memory", "MiB of the task, such as \"512\" or \"1 GB\""),
    ("TaskDefinition", "executionRoleArn", "The role that pulls images, reads secrets and writes logs"),
    ("TaskDefinition", "taskRoleArn", "The role of the application itself"),
    ("TaskDefinition", "networkMode", "awsvpc gives each task its own network interface; Fargate needs it"),
    ("ContainerDefinition", "image", "repository:tag or repository@digest"),
    ("ContainerDefinition", "essential", "Whether the task ends with this container; default: true"),
    ("ContainerDefinition", "secrets", "Variables whose values are fetched from Secrets Manager or Parameter Store"),
    ("ContainerDefinition", "dependsOn", "Containers that must have started, ended or be healthy before this one starts"),
    ("Service", "serviceName", "The service's name on AWS; default: metadata.name"),
    ("Service", "cluster", "The cluster's name or ARN; default: default"),
    ("Service", "desiredCount", "How many tasks; absent: not ours, as with scaling"),
    ("Service", "capacityProviderStrategy", "Which capacity providers, by base and weight; excludes launchType"),
    ("Service", "taskDefinition", "An existing family or family:revision, where spec.taskDefinition is absent"),
    ("DeploymentConfiguration", "deploymentCircuitBreaker", "Ends a rollout whose tasks keep failing, and rolls it back"),
    ("Autoscaling", "minCapacity", "The least number of tasks"),
    ("Autoscaling", "maxCapacity", "The greatest number of tasks"),
    ("Autoscaling", "policies", "All scaling policies; a declared list is the whole list"),
    ("Autoscaling", "scheduledActions", "All scheduled actions; a declared list is the whole list"),
    ("ScheduledAction", "schedule", "cron(0 20 * * ? *), rate(1 hour) or at(2026-05-01T06:00:00)"),
];

/// The schema of all kinds.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let kinds: Vec<Value> = Kind::ALL.iter().map(|kind| of_kind(*kind, &mut definitions)).collect();
    definitions.sort_keys();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ecs-operator manifests",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": format!("{GROUP}/{VERSION}")},
            "kind": {"enum": Kind::ALL.map(Kind::name)},
            "metadata": metadata(),
            "spec": true,
            "status": true,
        },
        "additionalProperties": false,
        "allOf": kinds,
        "$defs": definitions,
    })
}

fn of_kind(kind: Kind, definitions: &mut Map<String, Value>) -> Value {
    json!({
        "if": {"properties": {"kind": {"const": kind.name()}}, "required": ["kind"]},
        "then": {"properties": {"spec": reference(kind.spec(), definitions)}},
    })
}

fn metadata() -> Value {
    let name = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
    let words = |words: &[&str], text: &str| json!({"enum": words, "description": text});
    let text = |text: &str| json!({"type": "string", "description": text});
    json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "pattern": name, "maxLength": 253},
            "namespace": {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "annotations": {
                "type": "object",
                "properties": {
                    annotation::ADOPT: words(&["true", "false"], "Take over what exists and has no owner"),
                    annotation::CONFIRM: text("The hash of a plan whose replacement or deletion is confirmed"),
                    annotation::DELETION_POLICY: words(&["delete", "retain"], "What happens when the manifest goes"),
                    annotation::DRIFT: words(&["heal", "report", "ignore"], "What to do about drift"),
                    annotation::IGNORE: text("Paths to leave alone, as the diff prints them"),
                    annotation::SUSPEND: words(&["true", "false"], "Leave the object as it is"),
                },
                "additionalProperties": {"type": "string"},
            },
        },
    })
}

/// A reference to a structure, or the schema of anything else.
fn reference(shape: &'static Shape, definitions: &mut Map<String, Value>) -> Value {
    match &shape.kind {
        Type::Structure(_) => {
            let name = format!("{}.{}", shape.api, shape.name);
            if !definitions.contains_key(&name) {
                // A placeholder first: a shape may hold itself.
                definitions.insert(name.clone(), Value::Null);
                let structure = structure(shape, definitions);
                definitions.insert(name.clone(), structure);
            }
            let reference = json!({"$ref": format!("#/$defs/{name}")});
            if shape.name == "LifecyclePolicy" { json!({"anyOf": [reference, {"type": "string"}]}) } else { reference }
        }
        Type::List(element) => {
            let items = reference(element.shape(), definitions);
            bounded(json!({"type": "array", "items": items}), shape, ["minItems", "maxItems"])
        }
        Type::Map(value) => {
            json!({"type": "object", "additionalProperties": reference(value.shape(), definitions)})
        }
        Type::Document if shape.name == "PolicyDocument" => json!({"type": ["object", "string"]}),
        Type::Document => json!({}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::Integer | Type::Long => bounded(json!({"type": "integer"}), shape, ["minimum", "maximum"]),
        Type::Double => bounded(json!({"type": "number"}), shape, ["minimum", "maximum"]),
        Type::Timestamp => json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]}),
        Type::String | Type::Blob if shape.enum_values.is_empty() => {
            bounded(json!({"type": "string"}), shape, ["minLength", "maxLength"])
        }
        Type::String | Type::Blob => json!({"enum": shape.enum_values}),
    }
}

fn structure(shape: &'static Shape, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for member in shape.members() {
        let mut property = reference(member.shape(), definitions);
        if let Some((least, most)) = limits::of(&shape.name, &member.name) {
            property["minimum"] = number(least);
            property["maximum"] = number(most);
        }
        if let Some(text) = description(&shape.name, &member.name) {
            property["description"] = text.into();
        }
        properties.insert(member.name.clone(), property);
    }
    let required: Vec<&str> =
        shape.members().iter().filter(|member| member.required).map(|member| member.name.as_str()).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if shape.union {
        schema["minProperties"] = 1.into();
        schema["maxProperties"] = 1.into();
    }
    schema
}

fn description(shape: &str, member: &str) -> Option<&'static str> {
    let row = |row: &&(&str, &str, &'static str)| (row.0 == shape || row.0 == "*") && row.1 == member;
    DESCRIPTIONS.iter().find(row).map(|row| row.2)
}

fn bounded(mut schema: Value, shape: &Shape, [least, most]: [&str; 2]) -> Value {
    if let Some(bound) = shape.min {
        schema[least] = number(bound);
    }
    if let Some(bound) = shape.max {
        schema[most] = number(bound);
    }
    schema
}

/// Without the point of a whole number.
fn number(value: f64) -> Value {
    #[allow(clippy::cast_possible_truncation)] // Whole, and far from 2^53.
    if value.fract() == 0.0 && value.abs() < 9e15 { (value as i64).into() } else { value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/ecs-operator.schema.json");
        let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap() == current, "run the tests with UPDATE_SCHEMA=1");
    }

    #[test]
    fn every_reference_is_defined() {
        let schema = schema();
        let text = schema.to_string();
        for name in text.split("\"#/$defs/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(schema["$defs"][name]["properties"].is_object(), "{name}");
        }
    }

    #[test]
    fn every_description_is_used() {
        for (shape, member, _) in DESCRIPTIONS {
            let name = if *shape == "*" { "EcsService" } else { shape };
            let schema = schema();
            let found = ["kinds", "ecs"].iter().any(|api| schema["$defs"][format!("{api}.{name}")]["properties"][member]["description"].is_string());
            assert!(found, "{shape}.{member}");
        }
    }
}
