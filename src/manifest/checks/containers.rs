//! Containers: memory, order of start, links, environment, health checks.
//!
//! Tests: at the end of this file.

use super::node::{Node, repeated};
use super::task_definition::Task;
use super::{Check, Finding};

/// Every rule sees each container with its task definition.
type ContainerCheck = fn(&Task, &Node, &mut Vec<Finding>);

const EACH: &[ContainerCheck] = &[
    image,
    memory,
    depends_on,
    links,
    volumes_from,
    environment,
    health_check,
    bounds,
    ulimits,
    awsvpc_members,
    unnamed,
];

pub(super) const CHECKS: &[Check] = &[each, cycles];

fn each(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    for container in &task.containers {
        for check in EACH {
            check(&task, container, out);
        }
    }
}

fn unnamed(_: &Task, container: &Node, out: &mut Vec<Finding>) {
    for member in ["name", "image"] {
        // An empty name is told with the letters of names.
        if !container.given(member) {
            out.push(
                Finding::error(container, format!("the container has no `{member}`"))
                    .hint(format!("add `{member}`")),
            );
        } else if member == "image" && !container.has(member) {
            out.push(Finding::error(&container.at(member), "`image` is empty"));
        }
    }
}

/// What an image is called is the registry's affair, but no name has a space in it.
fn image(_: &Task, container: &Node, out: &mut Vec<Finding>) {
    let at = container.at("image");
    let Some(name) = at.text().filter(|name| !super::names::is_template(name)) else { return };
    if name.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        out.push(
            Finding::error(&at, format!("`{}` is not an image: there is a space in it", name.escape_debug()))
                .hint("write `repository:tag`"),
        );
    }
}

fn memory(task: &Task, container: &Node, out: &mut Vec<Finding>) {
    let (limit, reservation) = (container.integer("memory"), container.integer("memoryReservation"));
    let given = ["memory", "memoryReservation"].iter().any(|member| container.given(member));
    if !given && !task.node.has("memory") && !task.on_fargate && container.members().is_some() {
        out.push(Finding::error(container, "the container has no memory, and neither has the task").hint(
            "add `memory` (a limit, in MiB) or `memoryReservation` to the container, or `memory` to the task",
        ));
    }
    if let (Some(limit), Some(reservation)) = (limit, reservation)
        && limit < reservation
    {
        out.push(
            Finding::error(
                &container.at("memoryReservation"),
                format!("the reservation of {reservation} MiB is over the limit of {limit}"),
            )
            .hint("`memoryReservation` is at most `memory`")
            .related(&container.at("memory")),
        );
    }
    if let Some(limit) = limit.filter(|limit| *limit < 4) {
        let at = container.at("memory");
        out.push(Finding::error(
            &at,
            format!("a container needs at least 4 MiB of memory, and this has {limit}"),
        ));
    }
}

fn depends_on(task: &Task, container: &Node, out: &mut Vec<Finding>) {
    for dependency in container.list("dependsOn") {
        let at = dependency.at("containerName");
        let Some(name) = at.text() else { continue };
        let Some(other) = task.container(name) else {
            if task.lacks(name) {
                out.push(Finding::error(&at, format!("there is no container `{name}`")).hint(task.names()));
            }
            continue;
        };
        let condition = dependency.at("condition");
        match condition.text() {
            Some("HEALTHY") if !other.given("healthCheck") => out.push(
                Finding::error(
                    &condition,
                    format!("`{name}` can never be `HEALTHY`: it has no `healthCheck`"),
                )
                .hint(format!(
                    "add a `healthCheck` to `{name}`, or write `START`; one in the image does not count"
                ))
                .related(other),
            ),
            Some(ended @ ("SUCCESS" | "COMPLETE")) if !other.is_false("essential") => out.push(
                Finding::error(&condition, format!("`{name}` is essential: when it ends, the task does"))
                    .hint(format!("`{ended}` needs `essential: false` on `{name}`"))
                    .related(other),
            ),
            _ => {}
        }
    }
}

/// Containers that wait for each other, each circle once.
fn cycles(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let waits = |container: &Node| -> Vec<usize> {
        let index = |name: &str| task.containers.iter().position(|one| one.str("name") == Some(name));
        container.list("dependsOn").iter().filter_map(|one| index(one.str("containerName")?)).collect()
    };
    let graph: Vec<Vec<usize>> = task.containers.iter().map(waits).collect();
    let mut told = vec![false; graph.len()];
    for start in 0..graph.len() {
        let Some(circle) = circle(&graph, start).filter(|circle| !circle.iter().any(|one| told[*one])) else {
            continue;
        };
        let name = |index: usize| task.containers[index].str("name").unwrap_or_default();
        let round: Vec<&str> = circle.iter().chain([&start]).map(|index| name(*index)).collect();
        for index in circle {
            told[index] = true;
        }
        out.push(
            Finding::error(
                &task.containers[start].at("dependsOn"),
                format!("containers wait for each other: `{}`", round.join(" → ")),
            )
            .hint("take one `dependsOn` away"),
        );
    }
}

/// The shortest way from `start` back to itself.
fn circle(graph: &[Vec<usize>], start: usize) -> Option<Vec<usize>> {
    let mut ways = vec![vec![start]];
    let mut seen = vec![false; graph.len()];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in &graph[*way.last()?] {
                if *next == start {
                    return Some(way);
                }
                if !std::mem::replace(&mut seen[*next], true) {
                    longer.push([way.as_slice(), &[*next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

fn links(task: &Task, container: &Node, out: &mut Vec<Finding>) {
    let links = container.list("links");
    if !links.is_empty() && matches!(task.network_mode, "awsvpc" | "host" | "none") {
        out.push(
            Finding::error(
                &container.at("links"),
                format!("`links` need the network mode `bridge`, and the task's is `{}`", task.network_mode),
            )
            .hint("remove them: in `awsvpc` and `host` mode containers reach each other on `localhost`"),
        );
        return;
    }
    for link in links {
        let Some(name) = link.text().and_then(|text| text.split(':').next()) else { continue };
        if task.lacks(name) {
            out.push(Finding::error(&link, format!("there is no container `{name}`")).hint(task.names()));
        }
    }
}

fn volumes_from(task: &Task, container: &Node, out: &mut Vec<Finding>) {
    for source in container.list("volumesFrom") {
        let at = source.at("sourceContainer");
        let Some(name) = at.text().filter(|name| task.lacks(name)) else { continue };
        out.push(Finding::error(&at, format!("there is no container `{name}`")).hint(task.names()));
    }
}

fn environment(_: &Task, container: &Node, out: &mut Vec<Finding>) {
    let (variables, secrets) = (container.list("environment"), container.list("secrets"));
    let name = |node: &Node| node.str("name").map(str::to_owned);
    for variable in variables.iter().filter(|variable| !variable.has("name")) {
        out.push(Finding::error(variable, "the variable has no `name`"));
    }
    for (again, first) in repeated(&variables, name) {
        let variable = name(&again).unwrap_or_default();
        out.push(
            Finding::warning(
                &again.at("name"),
                format!("the variable `{variable}` is given twice, and the last counts"),
            )
            .hint("remove one")
            .related(&first.at("name")),
        );
    }
    for (again, first) in repeated(&secrets, name) {
        let variable = name(&again).unwrap_or_default();
        out.push(
            Finding::error(&again.at("name"), format!("the secret `{variable}` is given twice"))
                .hint("remove one")
                .related(&first.at("name")),
        );
    }
    for secret in &secrets {
        let Some(variable) = secret.str("name") else { continue };
        if let Some(plain) = variables.iter().find(|one| one.str("name") == Some(variable)) {
            out.push(
                Finding::error(
                    &secret.at("name"),
                    format!("`{variable}` is in `secrets` and in `environment`"),
                )
                .hint("remove one")
                .related(&plain.at("name")),
            );
        }
    }
}

fn health_check(_: &Task, container: &Node, out: &mut Vec<Finding>) {
    let check = container.at("healthCheck");
    let command = check.at("command");
    let words = command.elements();
    let first = words.first().and_then(Node::text);
    let hint = "such as `[CMD-SHELL, curl -f http://localhost/ || exit 1]`";
    let problem = match (first, words.len()) {
        (None, _) if command.value().is_some() => Some("the command is empty"),
        (Some("NONE") | None, _) | (Some("CMD" | "CMD-SHELL"), 2..) => None,
        (Some("CMD" | "CMD-SHELL"), _) => Some("the command has nothing to run"),
        (Some(_), _) => Some("the command does not start with `CMD`, `CMD-SHELL` or `NONE`"),
    };
    if let Some(problem) = problem.filter(|_| !first.is_some_and(super::names::is_template)) {
        out.push(Finding::error(&command, problem).hint(hint));
    }
}

fn bounds(_: &Task, container: &Node, out: &mut Vec<Finding>) {
    for (member, least, most, unit) in [
        ("healthCheck.interval", 5, 300, "seconds"),
        ("healthCheck.timeout", 2, 60, "seconds"),
        ("healthCheck.retries", 1, 10, "attempts"),
        ("healthCheck.startPeriod", 0, 300, "seconds"),
        ("restartPolicy.restartAttemptPeriod", 60, 1800, "seconds"),
        ("linuxParameters.swappiness", 0, 100, "percent"),
    ] {
        let given = container.integer(member);
        if let Some(given) = given.filter(|given| !(least..=most).contains(given)) {
            let message = format!("{given} is out of bounds: {least} to {most} {unit}");
            out.push(Finding::error(&container.at(member), message));
        }
    }
    for (member, most) in [("restartPolicy.ignoredExitCodes", 50), ("environmentFiles", 10)] {
        let count = container.list(member).len();
        if count > most {
            let message = format!("{count} of them, and at most {most} are allowed");
            out.push(Finding::error(&container.at(member), message));
        }
    }
}

fn ulimits(_: &Task, container: &Node, out: &mut Vec<Finding>) {
    let limits = container.list("ulimits");
    for (again, first) in repeated(&limits, |limit| limit.str("name").map(str::to_owned)) {
        let name = again.str("name").unwrap_or_default();
        out.push(Finding::error(&again, format!("the ulimit `{name}` is given twice")).related(&first));
    }
    for limit in limits {
        let (soft, hard) = (limit.integer("softLimit"), limit.integer("hardLimit"));
        // -1 is no limit.
        if let (Some(soft), Some(hard)) = (soft, hard.filter(|hard| *hard >= 0))
            && soft > hard
        {
            let message = format!("the soft limit {soft} is over the hard limit {hard}");
            out.push(Finding::error(&limit.at("softLimit"), message).related(&limit.at("hardLimit")));
        }
    }
}

/// What the container's own network name space takes away.
fn awsvpc_members(task: &Task, container: &Node, out: &mut Vec<Finding>) {
    for member in ["hostname", "extraHosts"] {
        if task.network_mode == "awsvpc" && container.has(member) {
            out.push(
                Finding::error(&container.at(member), format!("the network mode `awsvpc` has no `{member}`"))
                    .hint("remove it"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{service_with, table};
    use serde_json::{Value, json};

    fn one(container: Value) -> Value {
        let mut whole = json!({"name": "web", "image": "nginx", "memory": 128});
        whole.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
        service_with(json!({"containerDefinitions": [whole]}), json!({}))
    }

    fn two(web: Value, side: Value) -> Value {
        let mut spec = one(web);
        let mut whole = json!({"name": "side", "image": "x", "memory": 8, "essential": false});
        whole.as_object_mut().unwrap().extend(side.as_object().unwrap().clone());
        spec["taskDefinition"]["containerDefinitions"].as_array_mut().unwrap().push(whole);
        spec
    }

    #[test]
    fn containers() {
        let after = |name: &str, condition: &str| json!({"dependsOn": [{"containerName": name, "condition": condition}]});
        let healthy = json!({"healthCheck": {"command": ["CMD", "true"], "interval": 5, "timeout": 60, "retries": 10, "startPeriod": 0}});
        let check = |members: Value| one(json!({"healthCheck": members}));
        table([
            ("no memory", one(json!({"memory": null})), "has no memory"),
            ("reservation", one(json!({"memoryReservation": 64})), ""),
            ("equal", one(json!({"memoryReservation": 128})), ""),
            ("over", one(json!({"memoryReservation": 256})), "256 MiB is over the limit of 128"),
            ("tiny", one(json!({"memory": 3})), "at least 4"),
            ("image", one(json!({"image": null})), "no `image`"),
            ("healthy", two(after("side", "HEALTHY"), healthy), ""),
            ("never healthy", two(after("side", "HEALTHY"), json!({})), "can never be `HEALTHY`"),
            ("ends", two(after("side", "SUCCESS"), json!({})), ""),
            (
                "essential ends",
                two(after("side", "COMPLETE"), json!({"essential": true})),
                "`side` is essential",
            ),
            ("unknown", one(after("db", "START")), "no container `db`"),
            ("itself", one(after("web", "START")), "`web → web`"),
            ("circle", two(after("side", "START"), after("web", "START")), "`web → side → web`"),
            ("link", two(json!({"links": ["side:s"]}), json!({})), ""),
            ("unknown link", one(json!({"links": ["db"]})), "no container `db`"),
            ("volumes from", one(json!({"volumesFrom": [{"sourceContainer": "db"}]})), "no container `db`"),
            (
                "twice",
                one(json!({"environment": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]})),
                "warning: taskDefinition.containerDefinitions[0].environment[1].name",
            ),
            ("plain check", check(json!({"command": ["CMD-SHELL", "true"]})), ""),
            ("no check", check(json!({"command": ["NONE"]})), ""),
            ("bare command", check(json!({"command": ["curl", "x"]})), "does not start with"),
            ("empty command", check(json!({"command": []})), "is empty"),
            ("nothing to run", check(json!({"command": ["CMD"]})), "nothing to run"),
            ("interval", check(json!({"command": ["CMD", "x"], "interval": 4})), "5 to 300"),
            ("timeout", check(json!({"command": ["CMD", "x"], "timeout": 61})), "2 to 60"),
            ("retries", check(json!({"command": ["CMD", "x"], "retries": 0})), "1 to 10"),
            ("start", check(json!({"command": ["CMD", "x"], "startPeriod": 301})), "0 to 300"),
            (
                "restart",
                one(json!({"restartPolicy": {"enabled": true, "restartAttemptPeriod": 59}})),
                "60 to 1800",
            ),
            (
                "ulimit",
                one(json!({"ulimits": [{"name": "nofile", "softLimit": 2, "hardLimit": 1}]})),
                "over the hard limit 1",
            ),
            ("no ulimit", one(json!({"ulimits": [{"name": "core", "softLimit": 2, "hardLimit": -1}]})), ""),
            ("hostname", one(json!({"hostname": "a"})), ""),
        ]);
    }

    #[test]
    fn a_name_in_environment_and_secrets_is_an_error_with_both_places() {
        let mut spec = one(json!({
            "environment": [{"name": "A", "value": "1"}], "secrets": [{"name": "A", "valueFrom": "x"}]}));
        spec["taskDefinition"]["executionRoleArn"] = json!("exec");
        table([("both", spec, "secrets[0].name: `A` is in `secrets` and in `environment`")]);
    }
}
