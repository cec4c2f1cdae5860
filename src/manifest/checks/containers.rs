//! Rules of single containers. Tests: at the end.

use super::task_definition::list;
use super::{Rule, Subject, by, names, says, unique};
use crate::manifest::problem::Report;
use crate::manifest::tree::Node;

pub const RULES: &[Rule] = &[named, memory, ports, environment, secrets, health_checks, execution_role];

fn named(subject: &Subject, report: &mut Report) {
    for container in list(subject.spec) {
        match container.get("name") {
            Some(name) => names::plain_name("name", name, report),
            None => {
                report.error(container, "a container has no `name`");
            }
        }
        if container.get("image").is_none() {
            let name = container.str("name").unwrap_or_default();
            report.error(container, format!("the container `{name}` has no `image`"));
        }
    }
}

/// Without a size of the task every container says how much memory it needs.
fn memory(subject: &Subject, report: &mut Report) {
    let of_task = subject.spec.str("memory").and_then(super::task_definition::mebibytes);
    let has_task = subject.spec.get("memory").is_some();
    for container in list(subject.spec) {
        let name = container.str("name").unwrap_or_default();
        let (hard, soft) = (container.get("memory"), container.get("memoryReservation"));
        if !has_task && hard.is_none() && soft.is_none() {
            let problem = report
                .error(container, format!("the container `{name}` has no `memory`, and the task has none"));
            problem.hint("give the container `memory` or `memoryReservation`, or the task `memory`");
        }
        let (hard_size, soft_size) = (hard.and_then(Node::as_int), soft.and_then(Node::as_int));
        if let (Some(hard), Some(soft), Some(at)) = (hard_size, soft_size, soft)
            && soft > hard
        {
            report.error(at, format!("`memoryReservation` {soft} is over `memory` {hard}"));
        }
        if let (Some(own), Some(task), Some(at)) = (hard_size, of_task, hard)
            && own > task
        {
            report.error(at, format!("`memory` {own} of the container `{name}` is over the task's {task}"));
        }
    }
}

fn ports(subject: &Subject, report: &mut Report) {
    for mapping in list(subject.spec).iter().flat_map(|container| container.list("portMappings")) {
        match (mapping.get("containerPort"), mapping.get("containerPortRange")) {
            (None, None) => {
                report.error(mapping, "a port mapping has no `containerPort`");
            }
            (Some(_), Some(range)) => {
                report.error(range, "`containerPort` and `containerPortRange` exclude each other");
            }
            _ => {}
        }
    }
}

/// A name that stands twice is legal, and hardly meant: AWS keeps one of the two.
fn environment(subject: &Subject, report: &mut Report) {
    for container in list(subject.spec) {
        let mut seen: Vec<(&str, &Node)> = Vec::new();
        for variable in container.list("environment") {
            let Some(node) = variable.get("name") else {
                report.error(variable, "a variable of `environment` has no `name`");
                continue;
            };
            let name = node.as_str().unwrap_or_default();
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
                let place = report.place(*first);
                report
                    .warning(
                        node,
                        format!("the variable `{name}` stands here twice: AWS keeps one of the two"),
                    )
                    .related(place, "the first one");
            } else {
                seen.push((name, node));
            }
        }
    }
}

fn secrets(subject: &Subject, report: &mut Report) {
    for container in list(subject.spec) {
        let secrets = container.list("secrets");
        unique(secrets, by("name"), "the secret", report);
        for variable in container.list("environment") {
            let name = variable.str("name");
            let secret = secrets.iter().find(|secret| secret.str("name") == name && name.is_some());
            if let (Some(secret), Some(name)) = (secret, name) {
                let place = report.place(variable.get("name").unwrap_or(variable));
                let at = secret.get("name").unwrap_or(secret);
                report
                    .error(at, format!("`{name}` is a secret and a variable of the environment"))
                    .related(place, "the variable");
            }
        }
    }
}

fn health_checks(subject: &Subject, report: &mut Report) {
    for container in list(subject.spec) {
        let Some(command) = container.at_path(&["healthCheck", "command"]) else { continue };
        let Some(first) = command.items().first() else {
            report.error(command, "`healthCheck.command` is empty");
            continue;
        };
        if first.as_str().is_some_and(|word| !["CMD", "CMD-SHELL", "NONE"].contains(&word)) {
            let problem = report.warning(first, "a health check's command begins with `CMD` or `CMD-SHELL`");
            problem.hint("write `[\"CMD-SHELL\", \"curl -f http://localhost/ || exit 1\"]`");
        }
    }
}

/// Secrets are fetched with the execution role.
fn execution_role(subject: &Subject, report: &mut Report) {
    if subject.spec.get("executionRoleArn").is_some() {
        return;
    }
    if let Some(secrets) = list(subject.spec).iter().find_map(|container| says(container.get("secrets"))) {
        report.warning(secrets, "`secrets` need an `executionRoleArn` that may read them");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    fn container(text: &str) -> String {
        format!(
            "service: {{}}\ntaskDefinition:\n  executionRoleArn: ecsTaskExecutionRole\n  containerDefinitions: [{{name: a, image: nginx, {text}}}]"
        )
    }

    #[test]
    fn a_container_on_ec2_says_how_much_memory_it_needs() {
        says_nothing("EcsService", &container("memoryReservation: 64"));
        says("EcsService", &container("cpu: 0"), "has no `memory`, and the task has none");
        says("EcsService", &container("memory: 64, memoryReservation: 128"), "is over `memory` 64");
    }

    #[test]
    fn a_variable_that_stands_twice_is_a_warning() {
        let twice = "memory: 64, environment: [{name: A, value: x}, {name: A, value: y}]";
        says("EcsService", &container(twice), "warning: the variable `A` stands here twice");
    }

    #[test]
    fn a_secret_and_a_variable_of_one_name_are_refused() {
        let both = "memory: 64, environment: [{name: A, value: x}], secrets: [{name: A, valueFrom: /a}]";
        says("EcsService", &container(both), "`A` is a secret and a variable");
    }

    #[test]
    fn bounds_of_the_documentation_hold() {
        says(
            "EcsService",
            &container("memory: 64, healthCheck: {command: [CMD, a], interval: 1}"),
            "at least 5",
        );
        says("EcsService", &container("memory: 64, portMappings: [{containerPort: 70000}]"), "at most 65535");
        says(
            "EcsService",
            &container("memory: 64, portMappings: [{protocol: tcp}]"),
            "has no `containerPort`",
        );
    }
}
