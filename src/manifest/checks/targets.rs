//! What a service connects to its tasks: load balancers, registries, Service Connect, Lattice, gateways, volumes.
//!
//! Tests: at the end of this file.

use super::node::{Node, repeated};
use super::ports::{listens, ports};
use super::task_definition::Task;
use super::{Check, Finding};

pub(super) const CHECKS: &[Check] = &[
    load_balancers,
    registries,
    port_names,
    connect,
    host_connect,
    volume_configurations,
    unconfigured_volumes,
];

/// The most target groups of a service.
const MOST_BALANCERS: usize = 5;

fn load_balancers(spec: &Node, out: &mut Vec<Finding>) {
    let list = spec.at("service.loadBalancers");
    let balancers = list.elements();
    if balancers.len() > MOST_BALANCERS {
        let message =
            format!("{} load balancers, and a service has at most {MOST_BALANCERS}", balancers.len());
        out.push(Finding::error(&list, message));
    }
    for balancer in &balancers {
        match (balancer.has("targetGroupArn"), balancer.has("loadBalancerName")) {
            (true, true) => out.push(
                Finding::error(
                    &balancer.at("loadBalancerName"),
                    "`targetGroupArn` and `loadBalancerName` cannot stand together",
                )
                .hint("`loadBalancerName` is for Classic Load Balancers only"),
            ),
            (false, false) => {
                out.push(
                    Finding::error(balancer, "the load balancer has no target group")
                        .hint("add `targetGroupArn`"),
                );
            }
            _ => {}
        }
        for member in ["containerName", "containerPort"] {
            if !balancer.has(member) {
                out.push(
                    Finding::error(balancer, format!("the load balancer has no `{member}`")).hint("add it"),
                );
            }
        }
        container_and_port(spec, balancer, out);
    }
}

/// `containerName` and `containerPort` must be of the task definition, where that is written here.
fn container_and_port(spec: &Node, node: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let at = node.at("containerName");
    let Some(name) = at.text().filter(|name| !super::names::is_template(name)) else { return };
    let Some(container) = task.container(name) else {
        if !task.lacks(name) {
            return;
        }
        out.push(Finding::error(&at, format!("there is no container `{name}`")).hint(task.names()));
        return;
    };
    if let Some(port) = node.integer("containerPort").filter(|port| !listens(container, *port)) {
        out.push(
            Finding::error(&node.at("containerPort"), format!("the container `{name}` has no port {port}"))
                .hint(ports(container))
                .related(&container.at("portMappings")),
        );
    }
}

fn registries(spec: &Node, out: &mut Vec<Finding>) {
    let list = spec.at("service.serviceRegistries");
    let registries = list.elements();
    if registries.len() > 1 {
        out.push(Finding::error(&list, "a service has at most one service registry"));
    }
    for registry in &registries {
        if !registry.has("registryArn") {
            out.push(Finding::error(registry, "the service registry has no `registryArn`").hint("add it"));
        }
        if registry.given("port") && registry.given("containerPort") {
            out.push(
                Finding::error(&registry.at("port"), "`port` and `containerPort` cannot stand together")
                    .related(&registry.at("containerPort")),
            );
        }
        let mode = Task::of(spec).map(|task| task.network_mode);
        let named = registry.has("containerName") && registry.has("containerPort");
        if let Some(mode) = mode.filter(|mode| matches!(*mode, "bridge" | "host") && !named) {
            out.push(
                Finding::error(registry, "the registry names no container and port")
                    .hint(format!("with the network mode `{mode}` add `containerName` and `containerPort`")),
            );
        }
        container_and_port(spec, registry, out);
    }
}

/// Whatever names a port must name one of the task definition's.
fn port_names(spec: &Node, out: &mut Vec<Finding>) {
    let Some(task) = Task::of(spec) else { return };
    let mappings = task.node.find("containerDefinitions[].portMappings[].name");
    let known: Vec<&str> = mappings.iter().filter_map(Node::text).collect();
    for list in ["serviceConnectConfiguration.services", "vpcLatticeConfigurations", "gatewayConnectors"] {
        for at in spec.find(&format!("service.{list}[].portName")) {
            let Some(name) = at.text().filter(|name| !super::names::is_template(name)) else { continue };
            if !known.contains(&name) && task.node.knows("containerDefinitions[].portMappings[].name") {
                let hint = if known.is_empty() {
                    format!("add `name: {name}` to a port mapping")
                } else {
                    format!("the named ports are `{}`", known.join("`, `"))
                };
                out.push(Finding::error(&at, format!("no port mapping is named `{name}`")).hint(hint));
            }
        }
    }
}

fn connect(spec: &Node, out: &mut Vec<Finding>) {
    let connect = spec.at("service.serviceConnectConfiguration");
    let services = connect.list("services");
    if connect.is_false("enabled") && !services.is_empty() {
        out.push(
            Finding::warning(
                &connect.at("services"),
                "`services` count for nothing: Service Connect is not enabled",
            )
            .hint("write `enabled: true`, or remove them"),
        );
    }
    for member in ["portName", "discoveryName"] {
        for (service, first) in repeated(&services, |one| one.str(member).map(str::to_owned)) {
            let name = service.str(member).unwrap_or_default();
            let message = format!("two services have the `{member}` `{name}`");
            out.push(Finding::error(&service.at(member), message).related(&first.at(member)));
        }
    }
    for service in &services {
        let aliases = service.at("clientAliases");
        if aliases.elements().len() > 1 {
            out.push(Finding::error(&aliases, "a Service Connect service has at most one client alias"));
        }
    }
    let aliases = connect.find("services[].clientAliases[]");
    let address = |alias: &Node| Some((alias.str("dnsName")?.to_owned(), alias.integer("port")?));
    for (alias, first) in repeated(&aliases, address) {
        let Some((name, port)) = address(&alias) else { continue };
        out.push(Finding::error(&alias, format!("two client aliases are `{name}:{port}`")).related(&first));
    }
}

fn host_connect(spec: &Node, out: &mut Vec<Finding>) {
    let connect = spec.at("service.serviceConnectConfiguration");
    let Some(task) = Task::of(spec).filter(|_| connect.is_true("enabled")) else { return };
    if matches!(task.network_mode, "host" | "none") {
        out.push(
            Finding::error(
                &connect.at("enabled"),
                format!(
                    "Service Connect needs `awsvpc` or `bridge`, and the task's mode is `{}`",
                    task.network_mode
                ),
            )
            .related(&task.node.at("networkMode")),
        );
    }
}

fn volume_configurations(spec: &Node, out: &mut Vec<Finding>) {
    let list = spec.at("service.volumeConfigurations");
    let configurations = list.elements();
    if configurations.len() > 1 {
        out.push(Finding::error(&list, "a service configures at most one volume"));
    }
    for configuration in &configurations {
        let ebs = configuration.at("managedEBSVolume");
        if ebs.value().is_some() && !ebs.has("sizeInGiB") && !ebs.has("snapshotId") {
            out.push(
                Finding::error(&ebs, "the volume has no size").hint("add `sizeInGiB`, or a `snapshotId`"),
            );
        }
        let (Some(task), at) = (Task::of(spec), configuration.at("name")) else { continue };
        let Some(name) = at.text() else { continue };
        match task.node.list("volumes").iter().find(|volume| volume.str("name") == Some(name)) {
            None if !task.node.knows("volumes[].name") => {}
            None => {
                let hint =
                    format!("add `{{name: {name}, configuredAtLaunch: true}}` to `taskDefinition.volumes`");
                let message = format!("the task definition has no volume `{name}`");
                out.push(Finding::error(&at, message).hint(hint));
            }
            Some(volume) if !volume.is_true("configuredAtLaunch") => out.push(
                Finding::error(&at, format!("the volume `{name}` is not configured at launch"))
                    .hint("add `configuredAtLaunch: true` to it")
                    .related(volume),
            ),
            Some(_) => {}
        }
    }
}

fn unconfigured_volumes(spec: &Node, out: &mut Vec<Finding>) {
    let configured = spec.find("service.volumeConfigurations[].name");
    for volume in spec.list("taskDefinition.volumes") {
        let Some(name) = volume.str("name").filter(|_| volume.is_true("configuredAtLaunch")) else {
            continue;
        };
        let is_configured = configured.iter().any(|one| one.text() == Some(name) || one.is_unread());
        if !is_configured && spec.given("service") {
            out.push(
                Finding::error(&volume, format!("the service does not configure the volume `{name}`"))
                    .hint(format!("add `{name}` to `service.volumeConfigurations`")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{service_with, table};
    use serde_json::{Value, json};

    const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/1f0c";

    fn service(members: Value) -> Value {
        let web = json!({"name": "web", "image": "nginx", "memory": 8, "portMappings": [
            {"containerPort": 80, "name": "http"}, {"containerPortRange": "9000-9010"}]});
        let volumes = json!([{"name": "data", "configuredAtLaunch": true}, {"name": "bare"}]);
        let mut members = members;
        members
            .as_object_mut()
            .unwrap()
            .entry("volumeConfigurations")
            .or_insert(json!([{"name": "data", "managedEBSVolume": {"roleArn": "ebs", "sizeInGiB": 1}}]));
        service_with(json!({"containerDefinitions": [web], "volumes": volumes}), members)
    }

    #[test]
    fn what_a_service_connects_must_exist() {
        let balancer = |members: Value| {
            let mut whole = json!({"targetGroupArn": GROUP, "containerName": "web", "containerPort": 80});
            whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            service(json!({"loadBalancers": [whole]}))
        };
        let registry = |mut members: Value| {
            members["registryArn"] =
                json!("arn:aws:servicediscovery:eu-central-1:123456789012:service/srv-1");
            service(json!({"serviceRegistries": [members]}))
        };
        let connect = |services: Value| {
            service(json!({"serviceConnectConfiguration": {"enabled": true, "services": services}}))
        };
        let alias = |port: &str| json!({"portName": port, "clientAliases": [{"port": 80, "dnsName": "a"}]});
        table([
            ("balancer", balancer(json!({})), ""),
            ("port in a range", balancer(json!({"containerPort": 9005})), ""),
            (
                "container",
                balancer(json!({"containerName": "app"})),
                "containerName: there is no container `app`",
            ),
            (
                "port",
                balancer(json!({"containerPort": 81})),
                "containerPort: the container `web` has no port 81",
            ),
            ("no group", balancer(json!({"targetGroupArn": null})), "no target group"),
            ("two kinds", balancer(json!({"loadBalancerName": "x"})), "cannot stand together"),
            ("no port", balancer(json!({"containerPort": null})), "no `containerPort`"),
            ("registry", registry(json!({"containerName": "web", "containerPort": 80})), ""),
            (
                "registry's container",
                registry(json!({"containerName": "app", "containerPort": 80})),
                "no container `app`",
            ),
            (
                "registry's ports",
                registry(json!({"port": 80, "containerName": "web", "containerPort": 80})),
                "cannot stand together",
            ),
            ("connect", connect(json!([alias("http")])), ""),
            ("port name", connect(json!([{"portName": "web"}])), "portName: no port mapping is named `web`"),
            (
                "gateway",
                service(json!({"gatewayConnectors": [{"portName": "x"}]})),
                "no port mapping is named `x`",
            ),
            (
                "aliases",
                connect(json!([{"portName": "http", "clientAliases": [{"port": 1}, {"port": 2}]}])),
                "at most one client alias",
            ),
            (
                "volume",
                service(json!({"volumeConfigurations": [{"name": "data", "managedEBSVolume": {}}]})),
                "no size",
            ),
        ]);
    }

    #[test]
    fn a_volume_and_its_configuration_need_each_other() {
        let lines = |configurations: Value| {
            let spec = service(json!({"volumeConfigurations": configurations}));
            crate::manifest::checks::tests::lines(crate::model::names::Kind::EcsService, &spec).join("\n")
        };
        assert!(lines(json!([])).contains("does not configure the volume `data`"));
        assert!(lines(json!([{"name": "bare"}])).contains("`bare` is not configured at launch"));
        assert!(lines(json!([{"name": "none"}])).contains("no volume `none`"));
    }
}
