//! Services: how tasks are launched and placed, their network, what a scheduling strategy allows.
//!
//! Tests: at the end of this file.

use super::node::Node;
use super::strategy::{self, is_fargate};
use super::task_definition::Task;
use super::{Check, Finding};

pub(super) const CHECKS: &[Check] = &[
    task_definition,
    launch,
    compatibility,
    ec2_launch,
    platform_version,
    network,
    network_ids,
    daemon,
    placement,
    exec,
    monitoring,
];

/// Whether the service itself says that its tasks run on Fargate.
pub(super) fn runs_on_fargate(spec: &Node) -> bool {
    let service = spec.at("service");
    service.str("launchType") == Some("FARGATE")
        || service.list("capacityProviderStrategy").iter().filter_map(strategy::provider).any(is_fargate)
}

/// Under EXTERNAL task sets hold what a service otherwise does.
pub(super) fn is_external(spec: &Node) -> bool {
    spec.str("service.deploymentController.type") == Some("EXTERNAL")
}

fn task_definition(spec: &Node, out: &mut Vec<Finding>) {
    let service = spec.at("service");
    let given = spec.given("taskDefinition") || service.has("taskDefinition");
    if service.members().is_some() && !given && !is_external(spec) {
        out.push(Finding::error(&service, "the service has no task definition").hint(
            "write it under `spec.taskDefinition`, or name an existing one in `service.taskDefinition`",
        ));
    }
}

fn launch(spec: &Node, out: &mut Vec<Finding>) {
    let service = spec.at("service");
    let strategy = service.at("capacityProviderStrategy");
    if service.has("launchType") && !strategy.elements().is_empty() {
        out.push(
            Finding::error(
                &service.at("launchType"),
                "`launchType` and `capacityProviderStrategy` cannot stand together",
            )
            .hint("keep the strategy; `FARGATE` is a capacity provider too")
            .related(&strategy),
        );
    }
    strategy::check(&strategy, out);
}

/// AWS computes what a task definition is compatible with: a hint, no refusal.
fn compatibility(spec: &Node, out: &mut Vec<Finding>) {
    let requires = spec.at("taskDefinition.requiresCompatibilities");
    let elements = requires.elements();
    let lacks = !elements.is_empty() && elements.iter().all(|one| one.text() != Some("FARGATE"));
    if lacks && spec.knows("taskDefinition.requiresCompatibilities[]") && runs_on_fargate(spec) {
        out.push(
            Finding::warning(
                &requires,
                "the service runs on Fargate, and `requiresCompatibilities` does not say so",
            )
            .hint("add `FARGATE`"),
        );
    }
}

fn ec2_launch(spec: &Node, out: &mut Vec<Finding>) {
    let service = spec.at("service");
    let launch_type = service.at("launchType");
    let Some(launch) = launch_type.text().filter(|launch| matches!(*launch, "EC2" | "EXTERNAL")) else {
        return;
    };
    let public = service.at("networkConfiguration.awsvpcConfiguration.assignPublicIp");
    let mut refuse = |node: &Node, what: &str| {
        let message = format!("`launchType: {launch}` refuses {what}");
        out.push(Finding::error(node, message).hint("remove it").related(&launch_type));
    };
    if service.has("platformVersion") {
        refuse(&service.at("platformVersion"), "a `platformVersion`, which only Fargate has");
    }
    if public.text() == Some("ENABLED") {
        refuse(&public, "`assignPublicIp: ENABLED`");
    }
    if launch == "EXTERNAL" && service.has("loadBalancers") {
        refuse(&service.at("loadBalancers"), "`loadBalancers`");
    }
}

fn platform_version(spec: &Node, out: &mut Vec<Finding>) {
    let at = spec.at("service.platformVersion");
    let Some(text) = at.text().filter(|text| !super::names::is_template(text)) else { return };
    let number = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    let is_version = text.split('.').count() == 3 && text.split('.').all(number);
    if text != "LATEST" && !is_version {
        out.push(
            Finding::error(&at, format!("`{text}` is not a platform version"))
                .hint("write `LATEST`, or such as `1.4.0`"),
        );
    }
}

fn network(spec: &Node, out: &mut Vec<Finding>) {
    let service = spec.at("service");
    let given = service.has("networkConfiguration.awsvpcConfiguration");
    let task = Task::of(spec);
    let mode = task.as_ref().map(|task| task.network_mode);
    // What Fargate says of the mode is enough.
    let on_fargate = task.as_ref().is_some_and(|task| task.on_fargate);
    let needed = mode == Some("awsvpc") || (mode.is_none() && runs_on_fargate(spec));
    if needed && !given && !is_external(spec) && service.members().is_some() {
        let mut finding = Finding::error(&service, "tasks in `awsvpc` mode need a network configuration")
            .hint("add `networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-…], securityGroups: [sg-…]}}`");
        if let Some(task) = task.filter(|task| task.node.given("networkMode")) {
            finding = finding.related(&task.node.at("networkMode"));
        }
        out.push(finding);
    } else if given && !on_fargate && matches!(mode, Some("bridge" | "host" | "none")) {
        out.push(
            Finding::error(
                &service.at("networkConfiguration"),
                format!(
                    "a network configuration is only for `awsvpc`, and the task's mode is `{}`",
                    mode.unwrap_or_default()
                ),
            )
            .hint("remove it, or write `networkMode: awsvpc` in the task definition"),
        );
    }
}

fn network_ids(spec: &Node, out: &mut Vec<Finding>) {
    let vpc = spec.at("service.networkConfiguration.awsvpcConfiguration");
    for (member, prefix, what, most) in
        [("subnets", "subnet-", "subnet", 16), ("securityGroups", "sg-", "security group", 5)]
    {
        let list = vpc.at(member);
        let ids = list.elements();
        if ids.len() > most {
            out.push(Finding::error(&list, format!("{} {what}s, and at most {most} are allowed", ids.len())));
        }
        if list.value().is_some() && ids.is_empty() && member == "subnets" {
            out.push(Finding::error(&list, "at least one subnet is needed"));
        }
        for id in ids {
            let Some(text) = id.text().filter(|text| !super::names::is_template(text)) else { continue };
            let digits = text.strip_prefix(prefix).unwrap_or_default();
            if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                out.push(
                    Finding::error(&id, format!("`{text}` is not the id of a {what}"))
                        .hint(format!("ids are `{prefix}` with hexadecimal digits")),
                );
            }
        }
    }
}

fn daemon(spec: &Node, out: &mut Vec<Finding>) {
    let service = spec.at("service");
    if service.str("schedulingStrategy") != Some("DAEMON") {
        return;
    }
    let controller = service.at("deploymentController.type");
    if let Some(kind) = controller.text().filter(|kind| *kind != "ECS") {
        out.push(Finding::error(&controller, format!("`DAEMON` cannot be deployed by `{kind}`")));
    }
    if service.has("placementStrategy") {
        let node = service.at("placementStrategy");
        out.push(Finding::error(&node, "`DAEMON` has one task on each instance, and no placement strategy"));
    }
    if service.given("desiredCount") {
        out.push(
            Finding::warning(&service.at("desiredCount"), "`DAEMON` decides the number of tasks itself")
                .hint("remove `desiredCount`"),
        );
    }
    if spec.has("autoscaling") {
        let node = spec.at("autoscaling");
        out.push(Finding::warning(&node, "`DAEMON` decides the number of tasks itself: it does not scale"));
    }
}

fn placement(spec: &Node, out: &mut Vec<Finding>) {
    let service = spec.at("service");
    for (member, most) in [("placementConstraints", 10), ("placementStrategy", 5)] {
        let count = service.list(member).len();
        if count > most {
            let message = format!("{count} of them, and at most {most} are allowed");
            out.push(Finding::error(&service.at(member), message));
        }
    }
    for place in service
        .list("placementConstraints")
        .into_iter()
        .chain(spec.list("taskDefinition.placementConstraints"))
    {
        let expression = place.at("expression");
        match place.str("type") {
            Some("memberOf") if expression.text().is_none() => {
                out.push(
                    Finding::error(&place, "`memberOf` needs an `expression`")
                        .hint("such as `attribute:ecs.instance-type =~ t3.*`"),
                );
            }
            Some("distinctInstance") if expression.text().is_some() => {
                out.push(Finding::error(&expression, "`distinctInstance` has no `expression`"));
            }
            _ => {}
        }
    }
    for place in service.list("placementStrategy") {
        let field = place.at("field");
        let name = field.text().map(str::to_ascii_lowercase);
        let problem = match (place.str("type"), name.as_deref()) {
            (Some("binpack"), Some("cpu" | "memory")) | (Some("spread"), Some(_)) => continue,
            (Some("binpack"), _) => "`binpack` needs `field: cpu` or `field: memory`",
            (Some("spread"), None) => {
                "`spread` needs a `field`, such as `attribute:ecs.availability-zone` or `instanceId`"
            }
            _ => continue,
        };
        out.push(Finding::error(if field.value().is_some() { &field } else { &place }, problem));
    }
}

fn exec(spec: &Node, out: &mut Vec<Finding>) {
    let exec = spec.at("service.enableExecuteCommand");
    let Some(task) = Task::of(spec).filter(|_| spec.is_true("service.enableExecuteCommand")) else { return };
    if !task.node.has("taskRoleArn") {
        out.push(
            Finding::error(
                &exec,
                "`enableExecuteCommand` needs a task role, and the task definition has none",
            )
            .hint("add `taskRoleArn` to the task definition; the role needs `ssmmessages:*` of ECS Exec"),
        );
    }
}

fn monitoring(spec: &Node, out: &mut Vec<Finding>) {
    for metric in spec.list("service.monitoring.metricConfigurations") {
        for name in metric.list("metricNames") {
            let Some(text) =
                name.text().filter(|text| !matches!(*text, "CPUUtilization" | "MemoryUtilization"))
            else {
                continue;
            };
            out.push(
                Finding::error(&name, format!("`{text}` is not a metric of a service"))
                    .hint("`CPUUtilization` or `MemoryUtilization`"),
            );
        }
        let resolution = metric.integer("resolutionSeconds");
        if let Some(seconds) = resolution.filter(|seconds| !matches!(seconds, 20 | 60)) {
            let message = format!("a metric has a resolution of 20 or 60 seconds, not {seconds}");
            out.push(Finding::error(&metric.at("resolutionSeconds"), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{fargate_task, service_with, table, task};
    use serde_json::json;

    #[test]
    fn services() {
        let vpc = || json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
        let bridge = || task(json!({}), json!({"name": "web", "memory": 128}));
        let awsvpc = || task(json!({"networkMode": "awsvpc"}), json!({"name": "web", "memory": 128}));
        let fargate = || fargate_task(json!({}), json!({}));
        let plain = |service| service_with(bridge(), service);
        table([
            ("plain", plain(json!({})), ""),
            ("nothing to run", json!({"service": {"serviceName": "a"}}), "no task definition"),
            ("external", json!({"service": {"deploymentController": {"type": "EXTERNAL"}}}), ""),
            (
                "both",
                service_with(
                    fargate(),
                    json!({"launchType": "FARGATE", "networkConfiguration": vpc(), "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}),
                ),
                "cannot stand together",
            ),
            (
                "empty strategy",
                service_with(
                    fargate(),
                    json!({"launchType": "FARGATE", "networkConfiguration": vpc(), "capacityProviderStrategy": []}),
                ),
                "",
            ),
            (
                "compatible",
                service_with(
                    fargate_task(json!({"requiresCompatibilities": ["EC2"]}), json!({})),
                    json!({"launchType": "FARGATE", "networkConfiguration": vpc()}),
                ),
                "warning: taskDefinition.requires",
            ),
            (
                "platform",
                plain(json!({"launchType": "EC2", "platformVersion": "LATEST"})),
                "`platformVersion`",
            ),
            ("version", plain(json!({"platformVersion": "1.4.0"})), ""),
            ("no version", plain(json!({"platformVersion": "1.4"})), "`1.4` is not a platform version"),
            (
                "public address",
                service_with(
                    awsvpc(),
                    json!({"launchType": "EC2", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}}}),
                ),
                "`assignPublicIp: ENABLED`",
            ),
            ("no network", service_with(awsvpc(), json!({})), "need a network configuration"),
            (
                "no network on Fargate",
                json!({"service": {"taskDefinition": "x", "launchType": "FARGATE"}}),
                "need a network configuration",
            ),
            ("network without awsvpc", plain(json!({"networkConfiguration": vpc()})), "mode is `bridge`"),
            (
                "subnet",
                service_with(
                    awsvpc(),
                    json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["sn-1"]}}}),
                ),
                "`sn-1`",
            ),
            (
                "no subnet",
                service_with(
                    awsvpc(),
                    json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": [], "securityGroups": ["sg-1"]}}}),
                ),
                "at least one subnet",
            ),
        ]);
    }

    #[test]
    fn daemons_placement_and_exec() {
        let bridge = task(json!({}), json!({"name": "web", "memory": 128}));
        let plain = |service| service_with(bridge.clone(), service);
        table([
            ("daemon", plain(json!({"schedulingStrategy": "DAEMON"})), ""),
            (
                "daemon's controller",
                plain(json!({"schedulingStrategy": "DAEMON", "deploymentController": {"type": "EXTERNAL"}})),
                "by `EXTERNAL`",
            ),
            (
                "daemon's count",
                plain(json!({"schedulingStrategy": "DAEMON", "desiredCount": 2})),
                "warning: service.desiredCount",
            ),
            (
                "placement",
                plain(
                    json!({"placementConstraints": [{"type": "distinctInstance"}], "placementStrategy": [{"type": "spread", "field": "host"}, {"type": "binpack", "field": "CPU"}, {"type": "random"}]}),
                ),
                "",
            ),
            (
                "memberOf",
                plain(json!({"placementConstraints": [{"type": "memberOf"}]})),
                "needs an `expression`",
            ),
            (
                "binpack",
                plain(json!({"placementStrategy": [{"type": "binpack", "field": "disk"}]})),
                "`field: cpu`",
            ),
            (
                "monitoring",
                plain(
                    json!({"monitoring": {"metricConfigurations": [{"metricNames": ["CPUUtilization"], "resolutionSeconds": 20}]}}),
                ),
                "",
            ),
            (
                "resolution",
                plain(
                    json!({"monitoring": {"metricConfigurations": [{"metricNames": ["CPUUtilization"], "resolutionSeconds": 30}]}}),
                ),
                "20 or 60",
            ),
            ("exec", plain(json!({"enableExecuteCommand": true})), "needs a task role"),
            (
                "exec of another's task",
                json!({"service": {"taskDefinition": "x", "enableExecuteCommand": true}}),
                "",
            ),
        ]);
    }
}
