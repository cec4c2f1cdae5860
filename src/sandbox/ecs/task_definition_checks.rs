//! What RegisterTaskDefinition refuses, beyond the API model's own constraints.
//!
//! Tests: `tests/task_definition.rs`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::words::{client, is_name, objects};
use crate::sandbox::{Document, Refusal, field};

/// Bytes.
const LARGEST: usize = 65_536;
/// Task cpu units, and the memory from, to and by which step (MiB) Fargate has for them. The
/// smallest size knows 512 beside its steps.
const FARGATE_SIZES: [(u64, u64, u64, u64); 7] = [
    (256, 1024, 2048, 1024),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];
const FARGATE_LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

type Check = Result<(), Refusal>;

fn refuse(message: impl Into<String>) -> Check {
    Err(client(message))
}

/// Checks a body whose units are converted and whose members are not yet filled.
pub fn check(body: &Document) -> Check {
    let size = serde_json::to_vec(body).map_or(0, |bytes| bytes.len());
    if size > LARGEST {
        return refuse(format!("Actual length: '{size}'. Max allowed length is '{LARGEST}' bytes."));
    }
    let family = field::text(body, "family").unwrap_or_default();
    if family.is_empty() {
        return refuse("Family should not be null or empty.");
    }
    if !is_name(family) {
        return refuse("Family contains invalid characters.");
    }
    let containers: Vec<&Document> = objects(body, "containerDefinitions").collect();
    if containers.is_empty() {
        return refuse("Container list cannot be empty.");
    }
    if containers.len() > 10 {
        return refuse("Task definition has more than 10 containers.");
    }
    let names: Vec<&str> = containers.iter().map(|c| field::text(c, "name").unwrap_or_default()).collect();
    if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
        return refuse("Container names should be unique.");
    }
    let volumes = check_volumes(body)?;
    for container in &containers {
        check_container(container, body)?;
        check_references(container, &names, &volumes)?;
    }
    if containers.iter().all(|container| field::flag(container, "essential") == Some(false)) {
        return refuse("A task definition must have at least one essential container.");
    }
    check_cycles(&containers)?;
    Ok(())
}

/// After the filling: what the author requires must be what the body is compatible with.
pub fn check_compatibilities(body: &Document) -> Check {
    let required = field::texts(body, "requiresCompatibilities");
    if required.contains(&"FARGATE") {
        fits_fargate(body)?;
    }
    let supported = field::texts(body, "compatibilities");
    match required.iter().find(|kind| !supported.contains(kind)) {
        Some(kind) => refuse(format!("Task definition is not compatible with {kind}.")),
        None => Ok(()),
    }
}

fn check_volumes(body: &Document) -> Result<Vec<&str>, Refusal> {
    let mut names = Vec::new();
    for volume in objects(body, "volumes") {
        let name = field::text(volume, "name").unwrap_or_default();
        if !is_name(name) {
            return Err(client(
                "Volume name is invalid. Up to 255 letters (uppercase and lowercase), numbers, hyphens, and underscores are allowed.",
            ));
        }
        if names.contains(&name) {
            return Err(client(format!("Volume names should be unique. Duplicate: {name}")));
        }
        let configurations =
            volume.keys().filter(|member| *member != "name" && *member != "configuredAtLaunch");
        if configurations.count() > 1 {
            return Err(client("Only one volume configuration may be specified for a volume."));
        }
        names.push(name);
    }
    Ok(names)
}

fn check_container(container: &Document, body: &Document) -> Check {
    let name = field::text(container, "name").unwrap_or_default();
    if !is_name(name) {
        return refuse(
            "Container.name should not be null or empty, and contain only letters, numbers, hyphens, and underscores.",
        );
    }
    if field::text(container, "image").is_none_or(str::is_empty) {
        return refuse("Container.image should not be null or empty.");
    }
    let (memory, reservation) =
        (field::integer(container, "memory"), field::integer(container, "memoryReservation"));
    if memory.is_none() && reservation.is_none() && !body.contains_key("memory") {
        return refuse(format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        ));
    }
    if memory.is_some_and(|memory| memory < 6) || reservation.is_some_and(|memory| memory < 6) {
        return refuse(format!(
            "Invalid setting for container '{name}'. The minimum valid value for 'memory' is 6 MiB."
        ));
    }
    if memory.zip(reservation).is_some_and(|(memory, reservation)| reservation > memory) {
        return refuse(format!(
            "Invalid setting for container '{name}'. The 'memoryReservation' must not exceed 'memory'."
        ));
    }
    let of_task = |member: &str| field::text(body, member).and_then(|text| text.parse::<i64>().ok());
    for member in ["cpu", "memory"] {
        if of_task(member).zip(field::integer(container, member)).is_some_and(|(task, own)| own > task) {
            return refuse(format!("The '{member}' setting for container is greater than for the task."));
        }
    }
    if !field::list(container, "secrets").is_empty() && !body.contains_key("executionRoleArn") {
        return refuse(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        );
    }
    check_ports(container, field::text(body, "networkMode").unwrap_or("bridge"))?;
    check_health(container)
}

fn check_ports(container: &Document, network_mode: &str) -> Check {
    for mapping in objects(container, "portMappings") {
        let (port, host) = (field::integer(mapping, "containerPort"), field::integer(mapping, "hostPort"));
        if port.is_none() && !mapping.contains_key("containerPortRange") {
            return refuse("Port mapping must have a containerPort or a containerPortRange.");
        }
        if [port, host].into_iter().flatten().any(|port| !(0..=65_535).contains(&port)) {
            return refuse("Port must be between 0 and 65535.");
        }
        if network_mode != "bridge" && host.is_some_and(|host| host != 0 && Some(host) != port) {
            return refuse(format!(
                "When networkMode={network_mode}, the host ports and container ports in port mappings must match."
            ));
        }
    }
    if network_mode != "bridge" && !field::list(container, "links").is_empty() {
        return refuse(format!("Links are not supported when networkMode={network_mode}."));
    }
    Ok(())
}

fn check_health(container: &Document) -> Check {
    let Some(check) = field::object(container, "healthCheck") else { return Ok(()) };
    let first = field::texts(check, "command").first().copied().unwrap_or_default();
    if !["CMD", "CMD-SHELL", "NONE"].contains(&first) {
        return refuse("Container.healthCheck.command must start with CMD, CMD-SHELL or NONE.");
    }
    for (member, from, to) in
        [("interval", 5, 300), ("timeout", 2, 120), ("retries", 1, 10), ("startPeriod", 0, 300)]
    {
        if field::integer(check, member).is_some_and(|value| !(from..=to).contains(&value)) {
            return refuse(format!("Container.healthCheck.{member} must be between {from} and {to}."));
        }
    }
    Ok(())
}

fn check_references(container: &Document, containers: &[&str], volumes: &[&str]) -> Check {
    for mount in objects(container, "mountPoints") {
        let volume = field::text(mount, "sourceVolume").unwrap_or_default();
        if !volumes.contains(&volume) {
            return refuse(format!("Unknown volume '{volume}'."));
        }
    }
    for (list, member) in [("volumesFrom", "sourceContainer"), ("dependsOn", "containerName")] {
        for other in objects(container, list).filter_map(|element| field::text(element, member)) {
            if !containers.contains(&other) {
                return refuse(format!("Container '{other}' in {list} is not in the task definition."));
            }
        }
    }
    Ok(())
}

/// Takes away, again and again, the containers that wait for none of the rest.
fn check_cycles(containers: &[&Document]) -> Check {
    let name = |container: &Document| field::text(container, "name").unwrap_or_default().to_owned();
    let waits_for = |container: &Document| -> Vec<String> {
        let dependencies = objects(container, "dependsOn").filter_map(|d| field::text(d, "containerName"));
        dependencies.map(str::to_owned).collect()
    };
    let mut left: Vec<(String, Vec<String>)> = containers.iter().map(|c| (name(c), waits_for(c))).collect();
    loop {
        let names: BTreeSet<String> = left.iter().map(|(name, _)| name.clone()).collect();
        let before = left.len();
        left.retain(|(_, waits_for)| waits_for.iter().any(|other| names.contains(other)));
        if left.is_empty() {
            return Ok(());
        }
        if left.len() == before {
            return refuse("Container dependencies must not form a cycle.");
        }
    }
}

/// Whether Fargate could run it, and if not, why.
pub fn fits_fargate(body: &Document) -> Check {
    if field::text(body, "networkMode") != Some("awsvpc") {
        return refuse("Fargate only supports network mode ‘awsvpc’.");
    }
    check_fargate_size(body)?;
    let has_execution_role = body.contains_key("executionRoleArn");
    for container in objects(body, "containerDefinitions") {
        check_fargate_container(container, has_execution_role)?;
    }
    let on_host =
        |volume: &Document| field::object(volume, "host").is_some_and(|host| host.contains_key("sourcePath"));
    if objects(body, "volumes").any(on_host) {
        return refuse("host.sourcePath should not be set for volumes in Fargate.");
    }
    if objects(body, "volumes").any(|volume| volume.contains_key("dockerVolumeConfiguration")) {
        return refuse("Docker volumes are not supported on Fargate.");
    }
    if !field::list(body, "placementConstraints").is_empty() {
        return refuse("Placement constraints are not supported on Fargate.");
    }
    if field::text(body, "ipcMode").is_some() || field::text(body, "pidMode") == Some("host") {
        return refuse("Fargate does not support ipcMode, nor pidMode 'host'.");
    }
    if field::object(body, "ephemeralStorage")
        .and_then(|storage| field::integer(storage, "sizeInGiB"))
        .is_some_and(|size| !(21..=200).contains(&size))
    {
        return refuse("Ephemeral storage size must be between 21 and 200 GiB.");
    }
    Ok(())
}

fn check_fargate_size(body: &Document) -> Check {
    let of_task = |member: &str| {
        let text = field::text(body, member);
        text.ok_or_else(|| client(format!("Fargate requires that '{member}' be defined at the task level.")))
    };
    let (cpu, memory) = (of_task("cpu")?, of_task("memory")?);
    let (units, mib) = (cpu.parse::<u64>().unwrap_or(0), memory.parse::<u64>().unwrap_or(0));
    let known = FARGATE_SIZES.iter().any(|(size, from, to, step)| {
        *size == units && (from..=to).contains(&&mib) && (mib - from).is_multiple_of(*step)
    });
    if known || (units, mib) == (256, 512) {
        return Ok(());
    }
    refuse(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
    ))
}

fn check_fargate_container(container: &Document, has_execution_role: bool) -> Check {
    if field::flag(container, "privileged") == Some(true) {
        return refuse("Fargate does not support privileged containers.");
    }
    let driver = field::object(container, "logConfiguration").and_then(|log| field::text(log, "logDriver"));
    if let Some(driver) = driver.filter(|driver| !FARGATE_LOG_DRIVERS.contains(driver)) {
        return refuse(format!(
            "Fargate does not support the log driver {driver}. Supported: {}.",
            FARGATE_LOG_DRIVERS.join(", ")
        ));
    }
    if driver == Some("awslogs") && !has_execution_role {
        return refuse(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        );
    }
    if field::text(container, "image").is_some_and(|image| image.contains(".dkr.ecr.")) && !has_execution_role
    {
        return refuse("Fargate requires task definition to have execution role ARN to support ECR images.");
    }
    let is_gpu = |requirement: &Value| requirement["type"] == "GPU";
    if field::list(container, "resourceRequirements").iter().any(is_gpu) {
        return refuse("Fargate does not support GPU resource requirements.");
    }
    let unsupported = ["dockerSecurityOptions", "links", "extraHosts"];
    match unsupported.iter().find(|member| !field::list(container, member).is_empty()) {
        Some(member) => refuse(format!("Fargate does not support {member}.")),
        None => Ok(()),
    }
}
