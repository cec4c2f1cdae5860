//! Rules of task definitions as a whole. Those of single containers are in `containers.rs`, Fargate's in
//! `fargate.rs`. Tests: at the end.

use super::{Rule, Subject, by, names, says, unique};
use crate::manifest::problem::Report;
use crate::manifest::tree::{Node, Value};
use std::collections::HashMap;

pub const RULES: &[Rule] = &[
    family,
    containers,
    sizes,
    essential,
    dependencies,
    links,
    volumes,
    host_ports,
    port_names,
    firelens,
    proxy,
];

/// So many containers a task definition may have.
const MOST_CONTAINERS: usize = 10;

pub fn list<'a>(definition: &'a Node) -> &'a [Node] {
    definition.list("containerDefinitions")
}

/// The container of a name.
pub fn find<'a>(definition: &'a Node, name: &str) -> Option<&'a Node> {
    list(definition).iter().find(|container| container.str("name") == Some(name))
}

/// Whether all containers have readable names, so that a name which is not there is not there.
pub fn all_named(definition: &Node) -> bool {
    let is_named = |container: &Node| container.str("name").is_some();
    definition.get("containerDefinitions").is_some_and(|list| list.value != Value::Invalid)
        && list(definition).iter().all(is_named)
}

/// The network mode in force: what is declared, or `bridge`.
pub fn network_mode(definition: &Node) -> Option<&str> {
    match definition.get("networkMode") {
        None => Some("bridge"),
        Some(mode) => mode.as_str(),
    }
}

fn family(subject: &Subject, report: &mut Report) {
    if let Some(family) = subject.spec.get("family") {
        names::plain_name("family", family, report);
    }
}

fn containers(subject: &Subject, report: &mut Report) {
    let Some(all) = subject.spec.get("containerDefinitions") else { return };
    let count = all.items().len();
    if matches!(&all.value, Value::List(items) if items.is_empty()) {
        report.error(all, "`containerDefinitions` is empty: a task has at least one container");
    }
    if count > MOST_CONTAINERS {
        report.error(all, format!("{count} containers; a task definition has at most {MOST_CONTAINERS}"));
    }
    unique(all.items(), by("name"), "the container", report);
}

/// CPU units of `256`, `1 vCPU`, `.25 vcpu`.
pub fn cpu_units(text: &str) -> Option<i64> {
    sized(text, "vcpu")
}

/// MiB of `512`, `1GB`, `.5 gb`.
pub fn mebibytes(text: &str) -> Option<i64> {
    sized(text, "gb")
}

fn sized(text: &str, unit: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let Some(large) = text.strip_suffix(unit) else {
        return text.parse().ok().filter(|number| *number > 0);
    };
    let number: f64 = large.trim().parse().ok()?;
    #[allow(clippy::cast_possible_truncation)] // Checked right before.
    (number > 0.0 && number < 1e6).then_some((number * 1024.0).round() as i64)
}

fn sizes(subject: &Subject, report: &mut Report) {
    for (member, read, example) in [
        ("cpu", cpu_units as fn(&str) -> Option<i64>, "`256` or `.25 vCPU`"),
        ("memory", mebibytes, "`512` or `1 GB`"),
    ] {
        let Some(node) = subject.spec.get(member) else { continue };
        if let Some(text) = node.as_str().filter(|text| read(text).is_none()) {
            let problem = report.error(node, format!("`{member}` of a task cannot be `{text}`"));
            problem.hint(format!("write {example}"));
        }
    }
}

fn essential(subject: &Subject, report: &mut Report) {
    let all = list(subject.spec);
    if !all.is_empty() && all.iter().all(|container| container.bool("essential") == Some(false)) {
        report.error(&all[0], "no container is essential: at least one must be");
    }
}

/// dependsOn names other containers, without a cycle, and asks for what they can fulfil.
fn dependencies(subject: &Subject, report: &mut Report) {
    let all = list(subject.spec);
    let mut graph: HashMap<&str, Vec<(&str, &Node)>> = HashMap::new();
    for container in all {
        let own = container.str("name").unwrap_or_default();
        for dependency in container.list("dependsOn") {
            let Some(node) = dependency.get("containerName") else { continue };
            let Some(name) = node.as_str() else { continue };
            graph.entry(own).or_default().push((name, node));
            match find(subject.spec, name) {
                None if all_named(subject.spec) => unknown_container("dependsOn", node, subject.spec, report),
                Some(other) => condition(dependency, other, name, report),
                None => {}
            }
        }
    }
    if let Some((path, at)) = cycle(&graph) {
        report.error(at, format!("`dependsOn` goes round in a circle: {}", path.join(" → ")));
    }
}

pub fn unknown_container(what: &str, node: &Node, definition: &Node, report: &mut Report) {
    let name = node.as_str().unwrap_or_default();
    let known = list(definition).iter().filter_map(|container| container.str("name"));
    let problem = report.error(node, format!("`{what}` names the container `{name}`, which does not exist"));
    problem.hint = crate::manifest::nearest(name, known.clone())
        .map(|meant| format!("did you mean `{meant}`?"))
        .or_else(|| {
            Some(format!(
                "there are {}",
                known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ))
        });
}

fn condition(dependency: &Node, other: &Node, name: &str, report: &mut Report) {
    let Some(node) = dependency.get("condition") else { return };
    match node.as_str() {
        Some("HEALTHY") if other.get("healthCheck").is_none() => {
            let problem =
                report.error(node, format!("`HEALTHY` needs a `healthCheck` of the container `{name}`"));
            problem.hint("use `START`, or give it a health check: the image's own does not count");
        }
        Some(end @ ("COMPLETE" | "SUCCESS"))
            if other.bool("essential") != Some(false)
                && other.get("essential").is_none_or(|node| node.value != Value::Invalid) =>
        {
            let problem = report.error(node, format!("`{end}` needs a container that is not essential"));
            problem.hint(format!(
                "write `essential: false` for `{name}`: a task ends with its essential containers"
            ));
        }
        _ => {}
    }
}

/// A circle of dependencies, and where it closes.
fn cycle<'a>(graph: &HashMap<&'a str, Vec<(&'a str, &'a Node)>>) -> Option<(Vec<String>, &'a Node)> {
    let mut starts: Vec<&&str> = graph.keys().collect();
    starts.sort();
    starts.into_iter().find_map(|start| {
        let mut path = vec![*start];
        let mut seen = Vec::new();
        walk(graph, start, &mut path, &mut seen)
            .map(|at| (path.iter().map(|name| (*name).to_owned()).collect(), at))
    })
}

/// Follows dependencies until one leads back to the first of `path`.
fn walk<'a>(
    graph: &HashMap<&'a str, Vec<(&'a str, &'a Node)>>,
    from: &'a str,
    path: &mut Vec<&'a str>,
    seen: &mut Vec<&'a str>,
) -> Option<&'a Node> {
    for (next, at) in graph.get(from).map_or(&[][..], Vec::as_slice) {
        path.push(next);
        if *next == path[0] {
            return Some(at);
        }
        if !seen.contains(next) {
            seen.push(next);
            if let Some(at) = walk(graph, next, path, seen) {
                return Some(at);
            }
        }
        path.pop();
    }
    None
}

fn links(subject: &Subject, report: &mut Report) {
    let mode = network_mode(subject.spec);
    for link in list(subject.spec).iter().flat_map(|container| container.list("links")) {
        let name = link.as_str().unwrap_or_default().split(':').next().unwrap_or_default();
        if mode.is_some_and(|mode| mode != "bridge") {
            report.error(
                link,
                format!("`links` need `networkMode: bridge`, not `{}`", mode.unwrap_or_default()),
            );
        } else if find(subject.spec, name).is_none() && all_named(subject.spec) {
            unknown_container("links", &link.with(Value::String(name.to_owned())), subject.spec, report);
        }
    }
}

/// Volumes have names; containers mount what is there.
fn volumes(subject: &Subject, report: &mut Report) {
    let volumes = subject.spec.list("volumes");
    unique(volumes, by("name"), "the volume", report);
    for volume in volumes {
        match volume.get("name") {
            Some(name) => names::plain_name("name", name, report),
            None => {
                report.error(volume, "a volume has no `name`");
            }
        }
        efs(volume, report);
    }
    let named = |name: &str| volumes.iter().any(|volume| volume.str("name") == Some(name));
    let readable = subject.spec.get("volumes").is_none_or(|list| list.value != Value::Invalid);
    for container in list(subject.spec) {
        for mount in container.list("mountPoints") {
            let Some(node) = mount.get("sourceVolume") else { continue };
            if let Some(name) = node.as_str().filter(|name| readable && !named(name)) {
                let problem = report
                    .error(node, format!("`mountPoints` names the volume `{name}`, which does not exist"));
                let known = volumes.iter().filter_map(|volume| volume.str("name"));
                problem.hint =
                    crate::manifest::nearest(name, known).map(|meant| format!("did you mean `{meant}`?"));
            }
        }
        for from in container.list("volumesFrom") {
            let Some(node) = from.get("sourceContainer") else { continue };
            if find(subject.spec, node.as_str().unwrap_or_default()).is_none() && all_named(subject.spec) {
                unknown_container("volumesFrom", node, subject.spec, report);
            }
        }
    }
}

/// An access point brings its own root, and IAM needs encryption in transit.
fn efs(volume: &Node, report: &mut Report) {
    let Some(efs) = volume.get("efsVolumeConfiguration") else { return };
    let authorization = efs.get("authorizationConfig");
    let access_point = authorization.and_then(|config| config.get("accessPointId"));
    let root = efs.get("rootDirectory").filter(|node| !matches!(node.as_str(), Some("/" | "")));
    if let (Some(root), Some(_)) = (root, access_point) {
        report.error(root, "with an `accessPointId` `rootDirectory` must be left out or `/`");
    }
    let iam = authorization.and_then(|config| config.str("iam")) == Some("ENABLED");
    let encrypted = efs.get("transitEncryption").is_some_and(|node| node.as_str() != Some("DISABLED"));
    if (iam || access_point.is_some()) && !encrypted {
        report.error(efs, "an access point and IAM need `transitEncryption: ENABLED`");
    }
}

/// Two containers cannot have one port of the host; with `awsvpc` and `host` that is the container's own.
fn host_ports(subject: &Subject, report: &mut Report) {
    let mode = network_mode(subject.spec);
    let shares_host = matches!(mode, Some("awsvpc" | "host"));
    let mut taken: Vec<((i64, &str), &Node)> = Vec::new();
    for mapping in list(subject.spec).iter().flat_map(|container| container.list("portMappings")) {
        let (container, host) = (mapping.int("containerPort"), mapping.int("hostPort"));
        if let (true, Some(inner), Some(outer @ 1..)) = (shares_host, container, host)
            && inner != outer
        {
            let at = mapping.get("hostPort").unwrap_or(mapping);
            let problem =
                report.error(at, format!("`hostPort` {outer} differs from `containerPort` {inner}"));
            problem.hint(format!("with `networkMode: {}` leave `hostPort` out", mode.unwrap_or_default()));
            continue;
        }
        let port = if shares_host { container } else { host.filter(|port| *port != 0) };
        let Some(port) = port else { continue };
        let protocol = mapping.str("protocol").unwrap_or("tcp");
        let at = mapping.get("hostPort").or(mapping.get("containerPort")).unwrap_or(mapping);
        if let Some((_, first)) = taken.iter().find(|(known, _)| *known == (port, protocol)) {
            let place = report.place(*first);
            report
                .error(at, format!("the port {port}/{protocol} of the host is taken twice"))
                .related(place, "the first time");
        } else {
            taken.push(((port, protocol), at));
        }
    }
}

fn port_names(subject: &Subject, report: &mut Report) {
    let mappings: Vec<Node> =
        list(subject.spec).iter().flat_map(|container| container.list("portMappings")).cloned().collect();
    unique(&mappings, by("name"), "the port name", report);
    for name in mappings.iter().filter_map(|mapping| mapping.get("name")) {
        let is_letter =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
        let text = name.as_str().unwrap_or("a");
        if text.is_empty() || text.len() > 64 || text.starts_with('-') || !text.chars().all(is_letter) {
            let problem = report.error(name, format!("the name of a port cannot be `{text}`"));
            problem.hint("small letters, digits, `-` and `_`, at most 64 of them, not beginning with `-`");
        }
    }
}

fn firelens(subject: &Subject, report: &mut Report) {
    let routers: Vec<&Node> =
        list(subject.spec).iter().filter_map(|container| container.get("firelensConfiguration")).collect();
    if let [first, second, ..] = routers.as_slice() {
        let place = report.place(*first);
        report
            .error(*second, "only one container can have a `firelensConfiguration`")
            .related(place, "the first one");
    }
    for container in list(subject.spec) {
        let driver = container.at_path(&["logConfiguration", "logDriver"]);
        if let Some(driver) =
            driver.filter(|driver| driver.as_str() == Some("awsfirelens") && routers.is_empty())
        {
            let problem =
                report.error(driver, "`awsfirelens` needs a container with a `firelensConfiguration`");
            problem.hint(
                "add a log router such as `public.ecr.aws/aws-observability/aws-for-fluent-bit:stable`",
            );
        }
    }
}

fn proxy(subject: &Subject, report: &mut Report) {
    let Some(node) = subject.spec.at_path(&["proxyConfiguration", "containerName"]) else { return };
    let is_there = find(subject.spec, node.as_str().unwrap_or_default()).is_some();
    if !is_there && says(Some(node)).is_some() && all_named(subject.spec) {
        unknown_container("proxyConfiguration", node, subject.spec, report);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};
    use super::*;

    /// A service on EC2 whose task has these containers.
    fn task(more: &str, containers: &[&str]) -> String {
        let containers: String = containers
            .iter()
            .map(|container| format!("    - {{image: nginx, memory: 128, {container}}}\n"))
            .collect();
        format!("service: {{}}\ntaskDefinition:\n{more}  containerDefinitions:\n{containers}")
    }

    #[test]
    fn sizes_are_read_in_every_spelling() {
        for (text, units) in [("256", 256), ("1 vCPU", 1024), (".25 vcpu", 256), ("0.5VCPU", 512)] {
            assert_eq!(cpu_units(text), Some(units), "{text}");
        }
        for (text, size) in [("512", 512), ("1GB", 1024), (".5 gb", 512)] {
            assert_eq!(mebibytes(text), Some(size), "{text}");
        }
        assert_eq!(mebibytes("512MB"), None);
        says("EcsService", &task("  memory: 512MB\n", &["name: a"]), "`memory` of a task cannot be `512MB`");
    }

    #[test]
    fn dependencies_are_other_containers_without_a_circle() {
        says(
            "EcsService",
            &task("", &["name: a, dependsOn: [{containerName: b, condition: START}]"]),
            "`b`, which does not exist",
        );
        says(
            "EcsService",
            &task(
                "",
                &[
                    "name: a, dependsOn: [{containerName: b, condition: START}]",
                    "name: b, dependsOn: [{containerName: a, condition: START}]",
                ],
            ),
            "goes round in a circle: a → b → a",
        );
        says(
            "EcsService",
            &task("", &["name: a, dependsOn: [{containerName: a, condition: START}]"]),
            "circle: a → a",
        );
        says(
            "EcsService",
            &task("", &["name: a, dependsOn: [{containerName: b, condition: HEALTHY}]", "name: b"]),
            "needs a `healthCheck`",
        );
        says(
            "EcsService",
            &task("", &["name: a, dependsOn: [{containerName: b, condition: SUCCESS}]", "name: b"]),
            "not essential",
        );
        says_nothing(
            "EcsService",
            &task(
                "",
                &[
                    "name: a, dependsOn: [{containerName: b, condition: SUCCESS}]",
                    "name: b, essential: false",
                ],
            ),
        );
    }

    #[test]
    fn names_of_containers_ports_and_volumes_are_unique_and_known() {
        says("EcsService", &task("", &["name: a", "name: a"]), "the container `a` stands here twice");
        says("EcsService", &task("", &["name: a, essential: false"]), "no container is essential");
        says(
            "EcsService",
            &task("", &["name: a, mountPoints: [{sourceVolume: data, containerPath: /d}]"]),
            "the volume `data`",
        );
        says("EcsService", &task("", &["name: a, volumesFrom: [{sourceContainer: b}]"]), "the container `b`");
        says("EcsService", &task("", &["name: a, links: ['b:db']"]), "the container `b`");
        says(
            "EcsService",
            &task(
                "",
                &[
                    "name: a, portMappings: [{containerPort: 80, hostPort: 80}, {containerPort: 81, hostPort: 80}]",
                ],
            ),
            "80/tcp of the host is taken twice",
        );
    }

    #[test]
    fn a_misspelled_member_is_not_missing_as_well() {
        says(
            "EcsService",
            "service: {}\ntaskDefinition: {containerDefinition: [{name: a}]}",
            "has no member `containerDefinition`",
        );
    }

    #[test]
    fn firelens_needs_its_router() {
        says(
            "EcsService",
            &task("", &["name: a, logConfiguration: {logDriver: awsfirelens}"]),
            "needs a container with",
        );
    }

    #[test]
    fn an_efs_access_point_needs_encryption_and_no_root() {
        let volume = |config: &str| {
            task(
                &format!(
                    "  volumes: [{{name: d, efsVolumeConfiguration: {{fileSystemId: fs-1, {config}}}}}]\n"
                ),
                &["name: a"],
            )
        };
        says(
            "EcsService",
            &volume("authorizationConfig: {accessPointId: fsap-1}"),
            "transitEncryption: ENABLED",
        );
        says(
            "EcsService",
            &volume(
                "transitEncryption: ENABLED, rootDirectory: /x, authorizationConfig: {accessPointId: fsap-1}",
            ),
            "`rootDirectory` must be left out",
        );
    }
}
