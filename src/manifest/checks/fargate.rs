//! What Fargate asks of a task definition and of a service.
//!
//! Tests: at the end of this file.

use super::node::Node;
use super::service::runs_on_fargate;
use super::task_definition::Task;
use super::{Check, Finding};

pub(super) const CHECKS: &[Check] =
    &[network_mode, size, storage, task_members, volumes, container_members, log_drivers, service_members];

/// Task CPU in units, and its memory in MiB: least, greatest, step.
pub const SIZES: [(i64, i64, i64, i64); 7] = [
    // 512, 1024 and 2048: see `fits`.
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

const LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

fn fargate<'a>(spec: &Node<'a>) -> Option<Task<'a>> {
    Task::of(spec).filter(|task| task.on_fargate)
}

fn network_mode(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = fargate(spec) else { return };
    let mode = task.node.at("networkMode");
    let hint = "write `networkMode: awsvpc`";
    match mode.text() {
        None => out.push(Finding::error(&task.node, "Fargate needs `networkMode: awsvpc`").hint(hint)),
        Some(other @ ("bridge" | "host" | "none")) => {
            out.push(Finding::error(&mode, format!("Fargate refuses the network mode `{other}`")).hint(hint));
        }
        Some(_) => {}
    }
}

fn size(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = fargate(spec) else { return };
    for (member, example) in [("cpu", "256"), ("memory", "512")] {
        if !task.node.has(member) {
            out.push(
                Finding::error(&task.node, format!("Fargate needs the task's `{member}`"))
                    .hint(format!("write `{member}: \"{example}\"`, or more")),
            );
        }
    }
    let (Some(cpu), Some(memory)) = (task.quantity("cpu"), task.quantity("memory")) else { return };
    let Some(row) = SIZES.iter().find(|(units, ..)| *units == cpu) else {
        let sizes: Vec<String> = SIZES.iter().map(|(units, ..)| units.to_string()).collect();
        out.push(
            Finding::error(&task.node.at("cpu"), format!("Fargate has no tasks of {cpu} CPU units"))
                .hint(format!("one of {}", sizes.join(", "))),
        );
        return;
    };
    if !fits(row, memory) {
        out.push(
            Finding::error(
                &task.node.at("memory"),
                format!("Fargate has no tasks of {cpu} CPU units with {memory} MiB of memory"),
            )
            .hint(allowed(row))
            .related(&task.node.at("cpu")),
        );
    }
}

fn fits((cpu, least, greatest, step): &(i64, i64, i64, i64), memory: i64) -> bool {
    let odd = *cpu == 256 && memory == 1536;
    (least..=greatest).contains(&&memory) && memory % step == 0 && !odd
}

fn allowed((cpu, least, greatest, step): &(i64, i64, i64, i64)) -> String {
    match cpu {
        256 => "with 256 CPU units: 512, 1024 or 2048 MiB".to_owned(),
        _ => format!("with {cpu} CPU units: {least} to {greatest} MiB, in steps of {step}"),
    }
}

fn storage(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = fargate(spec) else { return };
    let size = task.node.at("ephemeralStorage.sizeInGiB");
    let given = size.value().and_then(serde_json::Value::as_i64);
    if let Some(gib) = given.filter(|gib| !(21..=200).contains(gib)) {
        out.push(
            Finding::error(&size, format!("Fargate has no ephemeral storage of {gib} GiB"))
                .hint("21 to 200; without `ephemeralStorage` a task has 20"),
        );
    }
}

fn task_members(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = fargate(spec) else { return };
    let mut refuse = |member: &str| {
        let node = task.node.at(member);
        out.push(Finding::error(&node, format!("Fargate refuses `{member}`")).hint("remove it"));
    };
    ["placementConstraints", "inferenceAccelerators"]
        .into_iter()
        .filter(|member| task.node.has(member))
        .for_each(&mut refuse);
    ["pidMode", "ipcMode"]
        .into_iter()
        .filter(|member| task.node.str(member) == Some("host"))
        .for_each(&mut refuse);
}

fn volumes(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = fargate(spec) else { return };
    for volume in task.node.list("volumes") {
        for (member, what) in [
            ("host.sourcePath", "a host volume"),
            ("dockerVolumeConfiguration", "a Docker volume"),
            ("fsxWindowsFileServerVolumeConfiguration", "an FSx for Windows File Server volume"),
        ] {
            if volume.has(member) {
                out.push(
                    Finding::error(&volume.at(member), format!("Fargate refuses {what}"))
                        .hint("use EFS, EBS (`configuredAtLaunch`), or a volume with a name alone"),
                );
            }
        }
    }
}

fn container_members(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = fargate(spec) else { return };
    for container in &task.containers {
        if container.is_true("privileged") {
            out.push(
                Finding::error(&container.at("privileged"), "Fargate refuses privileged containers")
                    .hint("remove it, or run the service on EC2"),
            );
        }
        for member in [
            "dockerSecurityOptions",
            "linuxParameters.devices",
            "linuxParameters.maxSwap",
            "linuxParameters.swappiness",
        ] {
            if container.has(member) {
                let node = container.at(member);
                out.push(Finding::error(&node, format!("Fargate refuses `{member}`")).hint("remove it"));
            }
        }
        for added in container.list("linuxParameters.capabilities.add") {
            if let Some(name) = added.text().filter(|name| *name != "SYS_PTRACE") {
                out.push(
                    Finding::error(&added, format!("Fargate refuses the capability `{name}`"))
                        .hint("only `SYS_PTRACE` can be added"),
                );
            }
        }
        for needed in container.list("resourceRequirements") {
            if let Some(kind) =
                needed.str("type").filter(|kind| matches!(*kind, "GPU" | "InferenceAccelerator"))
            {
                let message = format!("Fargate refuses the resource requirement `{kind}`");
                out.push(Finding::error(&needed, message).hint("run the service on EC2"));
            }
        }
        for member in ["stopTimeout", "startTimeout"] {
            if container.integer(member).is_some_and(|seconds| seconds > 120) {
                let node = container.at(member);
                out.push(Finding::error(&node, format!("`{member}` is at most 120 seconds on Fargate")));
            }
        }
    }
}

fn log_drivers(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = fargate(spec) else { return };
    for container in &task.containers {
        let log = container.at("logConfiguration");
        let Some(driver) = log.str("logDriver") else { continue };
        if !LOG_DRIVERS.contains(&driver) && !super::names::is_template(driver) {
            out.push(
                Finding::error(&log.at("logDriver"), format!("Fargate refuses the log driver `{driver}`"))
                    .hint("`awslogs`, `splunk` or `awsfirelens`"),
            );
        }
        let options = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];
        let missing: Vec<String> = options
            .into_iter()
            .filter(|option| driver == "awslogs" && !log.at("options").given(option))
            .map(|option| format!("`{option}`"))
            .collect();
        if !missing.is_empty() {
            out.push(Finding::error(
                &log,
                format!("on Fargate the log driver `awslogs` needs the option {}", missing.join(", ")),
            ));
        }
    }
}

fn service_members(spec: &Node, out: &mut Vec<Finding>) {
    if !runs_on_fargate(spec) {
        return;
    }
    let service = spec.at("service");
    for member in ["placementConstraints", "placementStrategy"] {
        if service.has(member) {
            out.push(
                Finding::error(&service.at(member), format!("Fargate refuses `{member}`")).hint("remove it"),
            );
        }
    }
    if service.str("schedulingStrategy") == Some("DAEMON") {
        out.push(
            Finding::error(&service.at("schedulingStrategy"), "Fargate refuses `DAEMON`")
                .hint("a daemon needs EC2 instances; on Fargate use a sidecar container"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::checks::tests::{fargate_task, table};
    use serde_json::{Value, json};

    #[test]
    fn every_size_of_the_table_fits_and_no_other() {
        let fitting = |cpu: i64| {
            let row = SIZES.iter().find(|row| row.0 == cpu).unwrap();
            (1..=130_000).filter(|memory| fits(row, *memory)).count()
        };
        assert_eq!([256, 512, 1024, 2048, 4096, 8192, 16384].map(fitting), [3, 4, 7, 13, 23, 12, 12]);
    }

    #[test]
    fn what_fargate_refuses() {
        let with = |task: Value, container: Value| {
            json!({"taskDefinition": fargate_task(task, container), "service": {
                "launchType": "FARGATE",
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}})
        };
        let on = |service: Value| {
            let mut spec = with(json!({}), json!({}));
            spec["service"].as_object_mut().unwrap().extend(service.as_object().unwrap().clone());
            spec
        };
        table([
            ("plain", with(json!({}), json!({})), ""),
            ("spelled", with(json!({"cpu": "1 vCPU", "memory": "2GB"}), json!({})), ""),
            ("no mode", with(json!({"networkMode": null}), json!({})), "needs `networkMode: awsvpc`"),
            ("bridge", with(json!({"networkMode": "host"}), json!({})), "network mode `host`"),
            ("no cpu", with(json!({"cpu": null}), json!({})), "needs the task's `cpu`"),
            ("cpu", with(json!({"cpu": "300"}), json!({})), "300 CPU units"),
            ("memory", with(json!({"cpu": "256", "memory": "4096"}), json!({})), "256 CPU units with 4096"),
            ("odd memory", with(json!({"cpu": "256", "memory": "1536"}), json!({})), "with 1536"),
            ("storage", with(json!({"ephemeralStorage": {"sizeInGiB": 20}}), json!({})), "20 GiB"),
            ("largest storage", with(json!({"ephemeralStorage": {"sizeInGiB": 200}}), json!({})), ""),
            ("pid", with(json!({"pidMode": "host"}), json!({})), "`pidMode`"),
            ("pid of the task", with(json!({"pidMode": "task"}), json!({})), ""),
            (
                "host volume",
                with(json!({"volumes": [{"name": "v", "host": {"sourcePath": "/x"}}]}), json!({})),
                "a host volume",
            ),
            ("bare volume", with(json!({"volumes": [{"name": "v", "host": {}}]}), json!({})), ""),
            ("privileged", with(json!({}), json!({"privileged": true})), "privileged"),
            (
                "gpu",
                with(json!({}), json!({"resourceRequirements": [{"type": "GPU", "value": "1"}]})),
                "`GPU`",
            ),
            (
                "capability",
                with(
                    json!({}),
                    json!({"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}}}),
                ),
                "add[1]: Fargate refuses the capability `NET_ADMIN`",
            ),
            ("stop", with(json!({}), json!({"stopTimeout": 121})), "at most 120"),
            (
                "log driver",
                with(json!({}), json!({"logConfiguration": {"logDriver": "json-file"}})),
                "`json-file`",
            ),
            (
                "awslogs",
                with(
                    json!({"executionRoleArn": "x"}),
                    json!({"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r"}}}),
                ),
                "`awslogs-stream-prefix`",
            ),
            (
                "awslogs without a role",
                with(
                    json!({}),
                    json!({"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p"}}}),
                ),
                "execution role",
            ),
            ("links", with(json!({}), json!({"links": ["web"]})), "links"),
            ("placement", on(json!({"placementStrategy": [{"type": "random"}]})), "`placementStrategy`"),
            ("daemon", on(json!({"schedulingStrategy": "DAEMON"})), "Fargate refuses `DAEMON`"),
        ]);
    }
}
