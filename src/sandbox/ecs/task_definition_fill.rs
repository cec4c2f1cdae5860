//! What a task definition reads back as: the members that AWS fills, the units it converts, the
//! order it changes.
//!
//! Tests: `tests/task_definition.rs`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::task_definition_checks::fits_fargate;
use super::words::{self, client, objects, objects_mut, scattered};
use crate::sandbox::{Call, Document, Refusal, field};

/// `1 vCPU` is 1024 units, `2 GB` is 2048 MiB, whatever the case and spacing.
pub fn convert_units(body: &mut Document) -> Result<(), Refusal> {
    for (member, unit) in [("cpu", "vcpu"), ("memory", "gb")] {
        let Some(text) = field::text(body, member) else { continue };
        let lower = text.trim().to_ascii_lowercase();
        let units = match lower.strip_suffix(unit) {
            Some(number) => number.trim().parse::<f64>().ok().map(|number| number * 1024.0),
            None => lower.parse::<u32>().ok().map(f64::from),
        };
        let Some(units) = units.filter(|units| units.fract() == 0.0 && *units > 0.0) else {
            return Err(client(format!(
                "Invalid '{member}' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
            )));
        };
        body.insert(member.to_owned(), json!(format!("{units:.0}")));
    }
    Ok(())
}

/// Fills a body that has been checked.
pub fn fill(call: &Call, body: &mut Document) {
    for role in ["taskRoleArn", "executionRoleArn"] {
        if let Some(name) = field::text(body, role).filter(|name| !name.starts_with("arn:")) {
            let arn = call.iam_arn(&format!("role/{name}"));
            body.insert(role.to_owned(), json!(arn));
        }
    }
    let network_mode = field::text(body, "networkMode").unwrap_or("bridge").to_owned();
    for container in objects_mut(body, "containerDefinitions") {
        fill_container(container, &network_mode);
    }
    words::fill(body, [("volumes", json!([])), ("placementConstraints", json!([]))]);
    for volume in objects_mut(body, "volumes") {
        fill_volume(volume);
    }
    if let Some(Value::Array(required)) = body.get_mut("requiresCompatibilities") {
        required.sort_by_key(Value::to_string);
        required.dedup();
    }
    let compatibilities = compatibilities(body);
    let attributes = requires_attributes(body);
    body.insert("compatibilities".to_owned(), compatibilities);
    body.insert("requiresAttributes".to_owned(), attributes);
}

fn fill_container(container: &mut Document, network_mode: &str) {
    words::fill(
        container,
        [
            ("cpu", json!(0)),
            ("portMappings", json!([])),
            ("essential", json!(true)),
            ("environment", json!([])),
            ("mountPoints", json!([])),
            ("volumesFrom", json!([])),
            ("systemControls", json!([])),
        ],
    );
    for mapping in objects_mut(container, "portMappings") {
        words::fill(mapping, [("protocol", json!("tcp"))]);
        if let Some(port) = mapping.get("containerPort").cloned() {
            let host_port = if network_mode == "bridge" { json!(0) } else { port };
            words::fill(mapping, [("hostPort", host_port)]);
        }
    }
    if let Some(check) = container.get_mut("healthCheck").and_then(Value::as_object_mut) {
        words::fill(check, [("interval", json!(30)), ("timeout", json!(5)), ("retries", json!(3))]);
    }
    if let Some(linux) = container.get_mut("linuxParameters").and_then(Value::as_object_mut) {
        words::fill(linux, [("capabilities", json!({})), ("devices", json!([])), ("tmpfs", json!([]))]);
    }
    if let Some(Value::Array(links)) = container.get_mut("links") {
        links.sort_by_key(Value::to_string);
    }
    if let Some(Value::Array(environment)) = container.get_mut("environment") {
        *environment = last_of_each_name(std::mem::take(environment));
    }
}

/// Of two variables of one name AWS keeps one.
fn last_of_each_name(environment: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Value> =
        environment.into_iter().rev().filter(|variable| seen.insert(variable["name"].to_string())).collect();
    kept.reverse();
    kept
}

fn fill_volume(volume: &mut Document) {
    if volume.keys().all(|member| member == "name") {
        volume.insert("host".to_owned(), json!({}));
    }
    if let Some(efs) = volume.get_mut("efsVolumeConfiguration").and_then(Value::as_object_mut) {
        words::fill(efs, [("rootDirectory", json!("/"))]);
    }
}

/// In no order that anyone asked for.
fn compatibilities(body: &Document) -> Value {
    let network_mode = field::text(body, "networkMode").unwrap_or("bridge");
    let mut all = vec!["EC2"];
    if network_mode != "awsvpc" {
        all.insert(0, "EXTERNAL");
    }
    let sized = body.contains_key("cpu") && body.contains_key("memory");
    if sized && matches!(network_mode, "awsvpc" | "host") {
        all.push("MANAGED_INSTANCES");
    }
    if fits_fargate(body).is_ok() {
        all.push("FARGATE");
    }
    json!(all)
}

/// The capabilities that an instance must have, as far as they follow from the usual members.
fn requires_attributes(body: &Document) -> Value {
    let has_execution_role = body.contains_key("executionRoleArn");
    let mut names = BTreeSet::from(["com.amazonaws.ecs.capability.docker-remote-api.1.18".to_owned()]);
    let mut need = |name: &str| {
        names.insert(name.to_owned());
    };
    if body.contains_key("taskRoleArn") {
        need("com.amazonaws.ecs.capability.task-iam-role");
    }
    if field::text(body, "networkMode") == Some("awsvpc") {
        need("ecs.capability.task-eni");
    }
    for container in objects(body, "containerDefinitions") {
        if let Some(driver) =
            field::object(container, "logConfiguration").and_then(|log| field::text(log, "logDriver"))
        {
            need(&format!("com.amazonaws.ecs.capability.logging-driver.{driver}"));
            need("com.amazonaws.ecs.capability.docker-remote-api.1.19");
            if driver == "awslogs" && has_execution_role {
                need("ecs.capability.execution-role-awslogs");
            }
        }
        if field::text(container, "image").is_some_and(|image| image.contains(".dkr.ecr.")) {
            need("com.amazonaws.ecs.capability.ecr-auth");
            if has_execution_role {
                need("ecs.capability.execution-role-ecr-pull");
            }
        }
        if container.contains_key("dockerLabels") {
            need("com.amazonaws.ecs.capability.docker-remote-api.1.17");
        }
        if container.contains_key("healthCheck") {
            need("ecs.capability.container-health-check");
            need("com.amazonaws.ecs.capability.docker-remote-api.1.29");
        }
        for secret in objects(container, "secrets") {
            let from = field::text(secret, "valueFrom").unwrap_or_default();
            let store = if from.contains(":secretsmanager:") { "asm" } else { "ssm" };
            need(&format!("ecs.capability.secrets.{store}.environment-variables"));
        }
    }
    names.into_iter().map(|name| json!({"name": name})).collect()
}

/// DescribeTaskDefinition answers some lists in another order than they were registered in.
pub fn reordered(mut body: Document) -> Document {
    for container in objects_mut(&mut body, "containerDefinitions") {
        for (list, key) in [
            ("environment", "name"),
            ("portMappings", "containerPort"),
            ("mountPoints", "containerPath"),
            ("volumesFrom", "sourceContainer"),
        ] {
            scatter(container, list, key);
        }
    }
    scatter(&mut body, "containerDefinitions", "name");
    body
}

fn scatter(document: &mut Document, list: &str, key: &str) {
    if let Some(Value::Array(elements)) = document.get_mut(list) {
        elements.sort_by_key(|element| scattered(&element[key].to_string()));
    }
}
