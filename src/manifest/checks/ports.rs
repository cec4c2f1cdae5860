//! Port mappings: numbers and ranges by network mode, host ports and names that are taken.
//!
//! Tests: at the end of this file.

use super::node::{Node, repeated};
use super::task_definition::Task;
use super::{Check, Finding};

pub(super) const CHECKS: &[Check] = &[numbers, host_ports, names, ranges];

/// The mappings of every container.
fn mappings<'a>(task: &Task<'a>) -> Vec<Node<'a>> {
    task.containers.iter().flat_map(|container| container.list("portMappings")).collect()
}

/// First and last port of `containerPortRange`.
pub(super) fn range(mapping: &Node) -> Option<(i64, i64)> {
    let (first, last) = mapping.str("containerPortRange")?.split_once('-')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
}

/// Whether the container listens on `port`, or may, where its ports could not be read.
pub(super) fn listens(container: &Node, port: i64) -> bool {
    let unknown = ["containerPort", "containerPortRange"]
        .iter()
        .any(|member| !container.knows(&format!("portMappings[].{member}")));
    unknown
        || container.list("portMappings").iter().any(|mapping| {
            mapping.integer("containerPort") == Some(port)
                || range(mapping).is_some_and(|(first, last)| (first..=last).contains(&port))
        })
}

/// The container's ports, for a hint.
pub(super) fn ports(container: &Node) -> String {
    let mappings = container.list("portMappings");
    let ports: Vec<String> = mappings
        .iter()
        .filter_map(|mapping| {
            let range = mapping.str("containerPortRange").map(str::to_owned);
            mapping.integer("containerPort").map(|port| port.to_string()).or(range)
        })
        .collect();
    if ports.is_empty() {
        "the container has no `portMappings`".to_owned()
    } else {
        format!("the container's ports are {}", ports.join(", "))
    }
}

fn numbers(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    for mapping in mappings(&task) {
        let (container, host) = (mapping.integer("containerPort"), mapping.integer("hostPort"));
        for (member, port, least) in [("containerPort", container, 1), ("hostPort", host, 0)] {
            if let Some(port) = port.filter(|port| !(least..=65535).contains(port)) {
                let message = format!("`{port}` is not a port: {least} to 65535");
                out.push(Finding::error(&mapping.at(member), message));
            }
        }
        if container.is_none() && !mapping.given("containerPortRange") && !mapping.given("containerPort") {
            out.push(Finding::error(&mapping, "the port mapping has no `containerPort`").hint("add it"));
        }
        let fixed = matches!(task.network_mode, "awsvpc" | "host");
        if let (true, Some(container), Some(host)) = (fixed, container, host)
            && host != container
            && host != 0
        {
            out.push(
                Finding::error(
                    &mapping.at("hostPort"),
                    format!("with the network mode `{}` the host port {host} must be the container port {container}", task.network_mode),
                )
                .hint("remove `hostPort`")
                .related(&mapping.at("containerPort")),
            );
        }
    }
}

/// One port of the host, or of the task's own network interface, is for one container.
fn host_ports(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let taken = |mapping: &Node| {
        let port = match task.network_mode {
            "awsvpc" | "host" => mapping.integer("containerPort"),
            _ => mapping.integer("hostPort"),
        };
        Some((port.filter(|port| *port != 0)?, mapping.str("protocol").unwrap_or("tcp").to_owned()))
    };
    for (mapping, first) in repeated(&mappings(&task), taken) {
        let Some((port, protocol)) = taken(&mapping) else { continue };
        let member = if mapping.given("hostPort") { "hostPort" } else { "containerPort" };
        let at = mapping.at(member);
        let message = format!("the port {port}/{protocol} is taken by another mapping");
        // In `awsvpc` mode nothing is bound for a mapping: it fails only when both containers listen.
        let finding = if task.network_mode == "awsvpc" {
            Finding::warning(&at, message)
        } else {
            Finding::error(&at, message)
        };
        out.push(finding.related(&first));
    }
}

fn names(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    for (mapping, first) in repeated(&mappings(&task), |mapping| mapping.str("name").map(str::to_owned)) {
        let name = mapping.str("name").unwrap_or_default();
        let message = format!("two port mappings are named `{name}`");
        out.push(Finding::error(&mapping.at("name"), message).related(&first.at("name")));
    }
}

fn ranges(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    for container in &task.containers {
        let mut seen: Vec<((i64, i64), Node)> = Vec::new();
        for mapping in container.list("portMappings") {
            let at = mapping.at("containerPortRange");
            let Some(text) = at.text().filter(|text| !super::names::is_template(text)) else { continue };
            let valid = range(&mapping).filter(|(first, last)| 1 <= *first && first < last && *last <= 65535);
            let Some((first, last)) = valid else {
                let message = format!("`{text}` is not a range of ports");
                out.push(Finding::error(&at, message).hint("such as `8000-8010`, within 1 to 65535"));
                continue;
            };
            for member in ["containerPort", "hostPort"] {
                if mapping.given(member) {
                    let message = format!("`containerPortRange` and `{member}` cannot stand together");
                    out.push(Finding::error(&at, message).related(&mapping.at(member)));
                }
            }
            if task.network_mode == "host" {
                let message = "`containerPortRange` needs the network mode `awsvpc` or `bridge`";
                out.push(Finding::error(&at, message));
            }
            let overlap = seen.iter().find(|((low, high), _)| first <= *high && *low <= last);
            if let Some((_, other)) = overlap {
                out.push(Finding::error(&at, "the ranges of ports overlap").related(other));
            }
            seen.push(((first, last), at));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{service_with, table};
    use serde_json::{Value, json};

    #[test]
    fn port_mappings() {
        let ports = |mode: &str, mappings: Value| {
            let web = json!({"name": "web", "image": "nginx", "memory": 8, "portMappings": mappings});
            let network = if mode == "awsvpc" {
                json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}})
            } else {
                json!({})
            };
            service_with(json!({"networkMode": mode, "containerDefinitions": [web]}), network)
        };
        let port = |port: i64, host: i64| json!({"containerPort": port, "hostPort": host});
        table([
            ("equal", ports("awsvpc", json!([port(80, 80), {"containerPort": 81}])), ""),
            (
                "bridge",
                ports("bridge", json!([port(80, 8080), port(80, 8081), port(81, 0), port(82, 0)])),
                "",
            ),
            (
                "protocols",
                ports("host", json!([{"containerPort": 53}, {"containerPort": 53, "protocol": "udp"}])),
                "",
            ),
            ("awsvpc", ports("awsvpc", json!([port(5601, 80)])), "must be the container port 5601"),
            ("host", ports("host", json!([port(5601, 80)])), "must be the container port 5601"),
            ("taken", ports("bridge", json!([port(80, 8080), port(81, 8080)])), "8080/tcp is taken"),
            (
                "taken in awsvpc",
                ports("awsvpc", json!([{"containerPort": 80}, {"containerPort": 80}])),
                "portMappings[1].containerPort: the port 80/tcp is taken",
            ),
            ("no port", ports("bridge", json!([{"containerPort": 70000}])), "`70000` is not a port"),
            ("nothing", ports("bridge", json!([{"protocol": "tcp"}])), "no `containerPort`"),
            (
                "names",
                ports(
                    "bridge",
                    json!([{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]),
                ),
                "two port mappings",
            ),
            (
                "range",
                ports("bridge", json!([{"containerPortRange": "80-90"}, {"containerPortRange": "91-95"}])),
                "",
            ),
            ("no range", ports("bridge", json!([{"containerPortRange": "90-80"}])), "not a range"),
            (
                "overlap",
                ports("bridge", json!([{"containerPortRange": "80-90"}, {"containerPortRange": "90-95"}])),
                "overlap",
            ),
            (
                "range and port",
                ports("bridge", json!([{"containerPortRange": "80-90", "containerPort": 80}])),
                "cannot stand together",
            ),
            (
                "range on the host",
                ports("host", json!([{"containerPortRange": "80-90"}])),
                "`awsvpc` or `bridge`",
            ),
        ]);
    }
}
