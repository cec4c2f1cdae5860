//! Rules of services: what runs, where, and how many. Those of rollouts are in `deployment.rs`, of networks in
//! `network.rs`. Tests: at the end.

use super::fargate::{self, Compute};
use super::{Rule, Subject, names, says, strategy};
use crate::manifest::problem::Report;
use crate::manifest::tree::{Node, Value};

pub const RULES: &[Rule] =
    &[name, task_definition, launch_type, daemon, exec, placement, volumes, platform_version, on_fargate];

fn name(subject: &Subject, report: &mut Report) {
    names::named(subject.spec.get("service"), "serviceName", subject, report);
}

/// Whether another tool deploys: the service then has no task definition and no network of its own.
pub fn is_external(service: &Node) -> bool {
    service.at_path(&["deploymentController", "type"]).and_then(Node::as_str) == Some("EXTERNAL")
}

fn task_definition(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    let has_one = subject.spec.get("taskDefinition").is_some() || service.get("taskDefinition").is_some();
    if !has_one && service.value != Value::Invalid && !is_external(service) {
        let problem = report.error(service, "the service has no task definition");
        problem.hint(
            "write one under `spec.taskDefinition`, or name an existing one in `service.taskDefinition`",
        );
    }
}

fn launch_type(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    let strategy = service.get("capacityProviderStrategy");
    strategy::check(strategy, report);
    if let (Some(launch_type), Some(strategy)) = (service.get("launchType"), says(strategy)) {
        let place = report.place(strategy);
        report
            .error(launch_type, "`launchType` and `capacityProviderStrategy` exclude each other")
            .related(place, "the strategy")
            .hint("FARGATE is a capacity provider too: `capacityProviderStrategy` alone says it all");
    }
}

/// One task on each instance: there is no number, and nothing to place or scale.
fn daemon(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    if service.str("schedulingStrategy") != Some("DAEMON") {
        return;
    }
    if let Some(count) = service.get("desiredCount") {
        report.warning(count, "a `DAEMON` service has no `desiredCount`: ignored");
    }
    if let Some(node) = says(service.get("placementStrategy")) {
        report.error(node, "a `DAEMON` service has no `placementStrategy`");
    }
    if let Some(node) = says(subject.spec.get("autoscaling")) {
        report.error(node, "a `DAEMON` service cannot be scaled: it has one task on each instance");
    }
}

fn exec(subject: &Subject, report: &mut Report) {
    let on = subject.spec.at_path(&["service", "enableExecuteCommand"]);
    let Some(on) = on.filter(|node| node.as_bool() == Some(true)) else { return };
    if subject.spec.get("taskDefinition").is_some_and(|definition| {
        definition.value != Value::Invalid && definition.get("taskRoleArn").is_none()
    }) {
        let problem = report.error(on, "`enableExecuteCommand` needs a `taskRoleArn` in the task definition");
        problem.hint("the role must allow ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel, OpenDataChannel");
    }
}

/// So much of each a service may have.
const MOST_CONSTRAINTS: usize = 10;
const MOST_STRATEGIES: usize = 5;

fn placement(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    for (member, most) in [("placementConstraints", MOST_CONSTRAINTS), ("placementStrategy", MOST_STRATEGIES)]
    {
        if let Some(list) = service.get(member).filter(|list| list.items().len() > most) {
            report.error(
                list,
                format!("`{member}` has {} elements; at most {most} are allowed", list.items().len()),
            );
        }
    }
    for constraint in service.list("placementConstraints") {
        match (constraint.str("type"), constraint.get("expression")) {
            (Some("memberOf"), None) => {
                report.error(constraint, "`memberOf` needs an `expression`");
            }
            (Some("distinctInstance"), Some(expression)) => {
                report.error(expression, "`distinctInstance` has no `expression`");
            }
            _ => {}
        }
    }
    for strategy in service.list("placementStrategy") {
        let field = strategy.get("field");
        match (strategy.str("type"), field, field.and_then(Node::as_str)) {
            (Some(kind @ ("spread" | "binpack")), None, _) => {
                report.error(strategy, format!("`{kind}` needs a `field`"));
            }
            (Some("binpack"), Some(node), Some(text))
                if !["cpu", "memory"].contains(&text.to_ascii_lowercase().as_str()) =>
            {
                report.error(node, format!("`binpack` goes by `cpu` or `memory`, not by `{text}`"));
            }
            _ => {}
        }
    }
}

/// A volume configured at launch is configured by the service, and no other is.
fn volumes(subject: &Subject, report: &mut Report) {
    let Some(definition) = subject.spec.get("taskDefinition") else { return };
    let Some(service) = subject.spec.get("service") else { return };
    let configured = service.list("volumeConfigurations");
    let at_launch = |volume: &&Node| volume.bool("configuredAtLaunch") == Some(true);
    for volume in definition.list("volumes").iter().filter(at_launch) {
        let name = volume.str("name");
        if !configured.iter().any(|configuration| configuration.str("name") == name) {
            let name = name.unwrap_or_default();
            let problem =
                report.error(volume, format!("the volume `{name}` is configured at launch, and by nobody"));
            problem.hint("add it to `service.volumeConfigurations`");
        }
    }
    for configuration in configured {
        let Some(node) = configuration.get("name") else { continue };
        let name = node.as_str();
        if !definition.list("volumes").iter().filter(at_launch).any(|volume| volume.str("name") == name) {
            let name = name.unwrap_or_default();
            let problem = report.error(
                node,
                format!("the task definition has no volume `{name}` with `configuredAtLaunch: true`"),
            );
            problem.hint("a volume that the service configures is declared in `taskDefinition.volumes`");
        }
    }
}

fn platform_version(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    let Some(version) = service.get("platformVersion") else { return };
    let text = version.as_str().unwrap_or("LATEST");
    let is_version = text.split('.').count() == 3
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if text != "LATEST" && !is_version {
        report
            .error(version, format!("`platformVersion` cannot be `{text}`"))
            .hint("`LATEST`, or such as `1.4.0`");
    } else if let Some(launch @ ("EC2" | "EXTERNAL")) = service.str("launchType") {
        report.error(version, format!("`platformVersion` is Fargate's: `launchType` is {launch}"));
    }
}

fn on_fargate(subject: &Subject, report: &mut Report) {
    let runs_there = fargate::compute(subject.spec) == Some(Compute::Fargate);
    if runs_there {
        fargate::check_service(subject.spec, report);
    }
    if let Some(definition) = subject.spec.get("taskDefinition")
        && definition.value != Value::Invalid
        && (runs_there || fargate::is_required(subject.spec))
    {
        fargate::check_task(definition, report);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    #[test]
    fn a_service_has_a_task_definition() {
        says_nothing("EcsService", "service: {taskDefinition: web}");
        says("EcsService", "service: {cluster: shop}", "has no task definition");
        says_nothing("EcsService", "service: {deploymentController: {type: EXTERNAL}}");
    }

    #[test]
    fn launch_type_and_strategy_exclude_each_other() {
        says(
            "EcsService",
            "service: {taskDefinition: web, launchType: EC2, capacityProviderStrategy: [{capacityProvider: a, weight: 1}]}",
            "exclude each other",
        );
        says_nothing(
            "EcsService",
            "service: {taskDefinition: web, launchType: EC2, capacityProviderStrategy: []}",
        );
    }

    #[test]
    fn a_daemon_has_no_number_and_is_not_scaled() {
        let daemon = "service: {taskDefinition: web, schedulingStrategy: DAEMON";
        says(
            "EcsService",
            &format!("{daemon}, desiredCount: 2}}"),
            "warning: a `DAEMON` service has no `desiredCount`",
        );
        says(
            "EcsService",
            &format!("{daemon}}}\nautoscaling: {{minCapacity: 1, maxCapacity: 2}}"),
            "cannot be scaled",
        );
        says_nothing("EcsService", &format!("{daemon}}}\nautoscaling: {{}}"));
    }

    #[test]
    fn exec_needs_a_task_role() {
        let task = "taskDefinition: {ROLE containerDefinitions: [{name: a, image: nginx, memory: 64}]}\nservice: {enableExecuteCommand: true}";
        says("EcsService", &task.replace("ROLE", ""), "needs a `taskRoleArn`");
        says_nothing("EcsService", &task.replace("ROLE", "taskRoleArn: web,"));
    }

    #[test]
    fn placement_and_volumes_are_checked() {
        says(
            "EcsService",
            "service: {taskDefinition: web, placementConstraints: [{type: memberOf}]}",
            "needs an `expression`",
        );
        says(
            "EcsService",
            "service: {taskDefinition: web, placementStrategy: [{type: binpack, field: disk}]}",
            "by `cpu` or `memory`",
        );
        let task = "taskDefinition: {volumes: [{name: d, configuredAtLaunch: true}], containerDefinitions: [{name: a, image: nginx, memory: 64}]}\n";
        says("EcsService", &format!("{task}service: {{}}"), "configured at launch, and by nobody");
    }
}
