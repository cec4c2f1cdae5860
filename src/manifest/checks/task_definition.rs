//! Task definitions as a whole: sizes, volumes, roles, and what containers say of each other.
//!
//! Tests: at the end of this file.

use super::node::{Node, repeated};
use super::service::runs_on_fargate;
use super::{Check, Finding};
use crate::model::semantics::Scope;
use crate::model::semantics::spelling::Spelling;

pub(super) const CHECKS: &[Check] =
    &[size, container_count, sums, volumes, proxy, log_router, execution_role];

/// The most containers of a task definition.
const MOST_CONTAINERS: usize = 10;
/// The most bytes of a task definition.
const MOST_BYTES: usize = 64 * 1024;

/// A task definition with what its rules ask for again and again.
pub(super) struct Task<'a> {
    pub node: Node<'a>,
    pub containers: Vec<Node<'a>>,
    /// As written, or the default; `unknown` where AWS does not document one.
    pub network_mode: &'a str,
    /// AWS holds it to Fargate's rules: when it is registered, or when the service is created.
    pub on_fargate: bool,
}

impl<'a> Task<'a> {
    /// The task definition that stands in the spec of a service, if one does.
    pub fn of(spec: &Node<'a>) -> Option<Self> {
        let node = spec.at("taskDefinition");
        node.members()?;
        let requires = node.list("requiresCompatibilities");
        let on_fargate = requires.iter().any(|one| one.text() == Some("FARGATE")) || runs_on_fargate(spec);
        let managed = requires.iter().any(|one| one.text() == Some("MANAGED_INSTANCES"));
        let default = match (on_fargate, managed) {
            (true, _) => "awsvpc",
            (false, true) => "unknown",
            (false, false) => "bridge",
        };
        let network_mode = node.str("networkMode").unwrap_or(default);
        Some(Self { containers: node.list("containerDefinitions"), network_mode, on_fargate, node })
    }

    pub fn container(&self, name: &str) -> Option<&Node<'a>> {
        self.containers.iter().find(|container| container.str("name") == Some(name))
    }

    /// Whether no container is named so, as far as their names could be read.
    pub fn lacks(&self, name: &str) -> bool {
        self.container(name).is_none() && self.node.knows("containerDefinitions[].name")
    }

    /// The names of the containers, for a hint.
    pub fn names(&self) -> String {
        let names: Vec<String> =
            self.containers.iter().filter_map(|one| Some(format!("`{}`", one.str("name")?))).collect();
        format!("the containers are {}", names.join(", "))
    }

    /// The task's `cpu` in units or `memory` in MiB, however spelled.
    pub fn quantity(&self, member: &str) -> Option<i64> {
        let spelling = if member == "cpu" { Spelling::CpuUnits } else { Spelling::MemoryMib };
        let given = self.node.at(member);
        match given.text() {
            Some(text) => spelling.canonical(text, &Scope::of(self.node.members()?, "")).parse().ok(),
            None => given.value()?.as_i64(),
        }
    }
}

fn size(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    for (member, example) in [("cpu", "`\"256\"` or `\".25 vCPU\"`"), ("memory", "`\"512\"` or `\".5 GB\"`")]
    {
        let node = task.node.at(member);
        let Some(text) = node.text().filter(|text| !super::names::is_template(text)) else { continue };
        if task.quantity(member).is_none_or(|quantity| quantity <= 0) {
            out.push(
                Finding::error(&node, format!("`{text}` is not an amount of {member}"))
                    .hint(format!("write {example}")),
            );
        }
    }
    let bytes = task.node.value().map_or(0, |value| value.to_string().len());
    if bytes > MOST_BYTES {
        out.push(Finding::error(
            &task.node,
            format!("the task definition has {bytes} bytes, and at most {MOST_BYTES} are allowed"),
        ));
    }
}

fn container_count(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let list = task.node.at("containerDefinitions");
    let count = task.containers.len();
    if list.value().is_some() && count == 0 {
        out.push(Finding::error(&list, "the task definition has no container"));
    }
    if count > MOST_CONTAINERS {
        let message = format!("{count} containers, and a task definition has at most {MOST_CONTAINERS}");
        out.push(Finding::error(&list, message));
    }
    if count > 0 && task.containers.iter().all(|container| container.is_false("essential")) {
        out.push(
            Finding::error(&list, "no container is essential")
                .hint("remove `essential: false` from the container whose end should end the task"),
        );
    }
    for (container, first) in repeated(&task.containers, |one| one.str("name")) {
        let name = container.str("name").unwrap_or_default();
        let at = container.at("name");
        out.push(
            Finding::error(&at, format!("two containers are named `{name}`")).related(&first.at("name")),
        );
    }
}

/// What the containers reserve must fit into what the task has.
fn sums(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let reserved = |container: &Node| container.integer("memoryReservation").or(container.integer("memory"));
    let cpu = |container: &Node| container.integer("cpu");
    let sum = |of: &dyn Fn(&Node) -> Option<i64>| {
        task.containers.iter().filter_map(of).fold(0, |sum: i64, one| sum.saturating_add(one))
    };
    for (member, sum, unit) in [("cpu", sum(&cpu), "CPU units"), ("memory", sum(&reserved), "MiB of memory")]
    {
        let Some(most) = task.quantity(member).filter(|most| sum > *most) else { continue };
        out.push(
            Finding::error(
                &task.node.at(member),
                format!("the containers reserve {sum} {unit}, and the task has {most}"),
            )
            .hint(format!("raise the task's `{member}`, or lower the containers'")),
        );
    }
    for container in &task.containers {
        let (Some(own), Some(most)) = (container.integer("memory"), task.quantity("memory")) else {
            continue;
        };
        if own > most && container.given("memoryReservation") {
            let message = format!("the container's memory of {own} MiB is over the task's {most}");
            out.push(Finding::error(&container.at("memory"), message).related(&task.node.at("memory")));
        }
    }
}

fn volumes(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let volumes = task.node.list("volumes");
    for (volume, first) in repeated(&volumes, |one| one.str("name")) {
        let name = volume.str("name").unwrap_or_default();
        let at = volume.at("name");
        out.push(Finding::error(&at, format!("two volumes are named `{name}`")).related(&first.at("name")));
    }
    let mut at_launch = volumes.iter().filter(|volume| volume.is_true("configuredAtLaunch"));
    if let (Some(first), Some(second)) = (at_launch.next(), at_launch.next()) {
        let message = "only one volume of a task definition can be configured at launch";
        out.push(Finding::error(&second.at("configuredAtLaunch"), message).related(first));
    }
    for volume in &volumes {
        if volume.members().is_some() && !volume.has("name") {
            out.push(Finding::error(volume, "the volume has no `name`").hint("add `name`"));
        }
        one_configuration(volume, out);
        efs(&volume.at("efsVolumeConfiguration"), out);
    }
    for container in &task.containers {
        let mounts = container.list("mountPoints");
        for (again, first) in repeated(&mounts, |mount| mount.str("containerPath").map(str::to_owned)) {
            let path = again.str("containerPath").unwrap_or_default();
            let message = format!("two volumes are mounted at `{path}`");
            out.push(Finding::error(&again.at("containerPath"), message).related(&first));
        }
        for mount in mounts {
            let source = mount.at("sourceVolume");
            let Some(name) = source.text() else { continue };
            let is_there = volumes.iter().any(|volume| volume.str("name") == Some(name));
            if !is_there && task.node.knows("volumes[].name") {
                out.push(
                    Finding::error(&source, format!("the task definition has no volume `{name}`"))
                        .hint(format!("add `{{name: {name}}}` to `volumes`")),
                );
            }
        }
    }
}

fn one_configuration(volume: &Node, out: &mut Vec<Finding>) {
    let kinds = [
        "host",
        "dockerVolumeConfiguration",
        "efsVolumeConfiguration",
        "s3filesVolumeConfiguration",
        "fsxWindowsFileServerVolumeConfiguration",
    ];
    let mut given: Vec<&str> = kinds.into_iter().filter(|kind| volume.has(kind)).collect();
    if volume.is_true("configuredAtLaunch") {
        given.push("configuredAtLaunch");
    }
    if let [first, second, ..] = given[..] {
        out.push(
            Finding::error(&volume.at(second), format!("a volume cannot have both `{first}` and `{second}`"))
                .related(&volume.at(first)),
        );
    }
}

fn efs(efs: &Node, out: &mut Vec<Finding>) {
    let encrypted = efs.str("transitEncryption") == Some("ENABLED") || !efs.knows("transitEncryption");
    let access_point = efs.at("authorizationConfig.accessPointId");
    let root = efs.at("rootDirectory");
    let hint = "add `transitEncryption: ENABLED`";
    if access_point.text().is_some() {
        if !encrypted {
            out.push(
                Finding::error(&access_point, "an EFS access point needs encryption in transit").hint(hint),
            );
        }
        if let Some(directory) = root.text().filter(|root| *root != "/") {
            out.push(
                Finding::error(
                    &root,
                    format!("with an EFS access point `rootDirectory` cannot be `{directory}`"),
                )
                .hint("remove `rootDirectory`: the access point has its own")
                .related(&access_point),
            );
        }
    }
    let iam = efs.at("authorizationConfig.iam");
    if iam.text() == Some("ENABLED") && !encrypted {
        out.push(Finding::error(&iam, "IAM authorization of EFS needs encryption in transit").hint(hint));
    }
}

fn proxy(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let name = task.node.at("proxyConfiguration.containerName");
    if let Some(container) = name.text().filter(|container| task.lacks(container)) {
        // AWS has been seen to take it.
        out.push(Finding::warning(&name, format!("there is no container `{container}`")).hint(task.names()));
    }
}

/// FireLens: who writes to it needs exactly one container that is it.
fn log_router(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let mut routers = task.containers.iter().filter(|one| one.given("firelensConfiguration"));
    let first = routers.next();
    for router in routers {
        let at = router.at("firelensConfiguration");
        out.push(Finding::error(&at, "only one container of a task can have a `firelensConfiguration`"));
    }
    let none = first.is_none() && task.node.knows("containerDefinitions[].firelensConfiguration");
    for container in task.containers.iter().filter(|_| none) {
        let driver = container.at("logConfiguration.logDriver");
        if driver.text() == Some("awsfirelens") {
            out.push(
                Finding::error(&driver, "`awsfirelens` needs a container that routes the log")
                    .hint("add a container with a `firelensConfiguration`"),
            );
        }
    }
}

/// Who reads secrets, writes to CloudWatch Logs or pulls from ECR before a container runs.
fn execution_role(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    if task.node.has("executionRoleArn") {
        return;
    }
    for container in &task.containers {
        let needs = [
            ("secrets", "secrets"),
            ("repositoryCredentials", "repository credentials"),
            ("logConfiguration.secretOptions", "secrets of the log driver"),
        ];
        let fargate = [
            ("logConfiguration.logDriver", "the log driver `awslogs` on Fargate", "awslogs"),
            ("image", "an image of Amazon ECR on Fargate", ".dkr.ecr."),
        ];
        let always = needs.into_iter().find(|(member, _)| container.has(member));
        let on_fargate = || {
            let wants =
                |member: &str, text: &str| container.str(member).is_some_and(|given| given.contains(text));
            let found = fargate.into_iter().find(|(member, _, text)| wants(member, text));
            found.filter(|_| task.on_fargate).map(|(member, what, _)| (member, what))
        };
        if let Some((member, what)) = always.or_else(on_fargate) {
            out.push(
                Finding::error(&container.at(member), format!("{what} needs an execution role"))
                    .hint("add `executionRoleArn` to the task definition"),
            );
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{Case, table, task};
    use serde_json::json;

    fn tasks(cases: Vec<Case>) {
        let spec = |task| json!({"taskDefinition": task, "service": {"serviceName": "web"}});
        table(cases.into_iter().map(|(what, task, words)| (what, spec(task), words)));
    }

    #[test]
    fn tasks_as_a_whole() {
        let web = || json!({"name": "web", "image": "nginx", "memory": 128});
        let eleven: Vec<_> =
            (0..11).map(|n| json!({"name": format!("c{n}"), "image": "x", "memory": 8})).collect();
        tasks(vec![
            ("spelled sizes", task(json!({"cpu": ".25 vcpu", "memory": "1 GB"}), web()), ""),
            ("no amount", task(json!({"cpu": "much"}), web()), "taskDefinition.cpu: `much`"),
            ("no container", json!({"containerDefinitions": []}), "no container"),
            ("many", json!({"containerDefinitions": eleven}), "11 containers"),
            ("one name twice", json!({"containerDefinitions": [web(), web()]}), "two containers"),
            (
                "none essential",
                task(json!({}), json!({"name": "a", "memory": 8, "essential": false})),
                "essential",
            ),
            ("memory", task(json!({"memory": "64"}), web()), "reserve 128 MiB"),
            ("memory fits", task(json!({"memory": ".5 GB"}), web()), ""),
            (
                "limit",
                task(json!({"memory": "100"}), json!({"name": "a", "memory": 200, "memoryReservation": 50})),
                "over the task's",
            ),
            ("cpu", task(json!({"cpu": "256"}), json!({"name": "a", "memory": 8, "cpu": 512})), "512 CPU"),
        ]);
    }

    #[test]
    fn volumes_and_roles() {
        let web = || json!({"name": "web", "image": "nginx", "memory": 128});
        let efs = |efs| task(json!({"volumes": [{"name": "v", "efsVolumeConfiguration": efs}]}), web());
        tasks(vec![
            (
                "mount",
                task(json!({}), json!({"name": "a", "memory": 8, "mountPoints": [{"sourceVolume": "v"}]})),
                "no volume `v`",
            ),
            (
                "volumes",
                task(json!({"volumes": [{"name": "v"}, {"name": "v", "host": {}}]}), web()),
                "two volumes",
            ),
            (
                "kinds",
                task(
                    json!({"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}, "host": {"sourcePath": "/x"}}]}),
                    web(),
                ),
                "both `host`",
            ),
            (
                "efs",
                efs(
                    json!({"fileSystemId": "fs-1", "transitEncryption": "ENABLED", "rootDirectory": "/", "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"}}),
                ),
                "",
            ),
            (
                "efs root",
                efs(
                    json!({"transitEncryption": "ENABLED", "rootDirectory": "/a", "authorizationConfig": {"accessPointId": "fsap-1"}}),
                ),
                "cannot be `/a`",
            ),
            (
                "efs plain",
                efs(json!({"authorizationConfig": {"accessPointId": "fsap-1"}})),
                "encryption in transit",
            ),
            (
                "proxy",
                task(json!({"proxyConfiguration": {"containerName": "envoy"}}), web()),
                "warning: taskDefinition.proxyConfiguration.containerName",
            ),
            (
                "router",
                task(
                    json!({}),
                    json!({"name": "a", "memory": 8, "logConfiguration": {"logDriver": "awsfirelens"}}),
                ),
                "routes the log",
            ),
            (
                "secrets",
                task(
                    json!({}),
                    json!({"name": "a", "memory": 8, "secrets": [{"name": "A", "valueFrom": "x"}]}),
                ),
                "execution role",
            ),
            (
                "secrets with a role",
                task(
                    json!({"executionRoleArn": "exec"}),
                    json!({"name": "a", "memory": 8, "secrets": [{"name": "A", "valueFrom": "x"}]}),
                ),
                "",
            ),
        ]);
    }
}
