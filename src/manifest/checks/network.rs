//! Rules of networks: subnets, load balancers, names of ports. Tests: at the end.

use super::fargate::{self, Compute};
use super::service::is_external;
use super::task_definition::{all_named, find, list, network_mode, unknown_container};
use super::{Rule, Subject, says};
use crate::manifest::nearest;
use crate::manifest::problem::Report;
use crate::manifest::tree::{Node, Value};

pub const RULES: &[Rule] = &[configuration, subnets, load_balancers, registries, port_names, grace_period];

/// So many of each a service may have.
const MOST_SUBNETS: usize = 16;
const MOST_GROUPS: usize = 5;
const MOST_LOAD_BALANCERS: usize = 5;

/// `awsvpc` and a network configuration come together.
fn configuration(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    if is_external(service) || service.value == Value::Invalid {
        return;
    }
    let definition = subject.spec.get("taskDefinition");
    let mode = definition.filter(|definition| definition.value != Value::Invalid).map(network_mode);
    let on_fargate = fargate::compute(subject.spec) == Some(Compute::Fargate);
    let network = says(service.get("networkConfiguration"));
    match (network, mode) {
        (None, Some(Some("awsvpc"))) => {
            let at = definition.and_then(|definition| definition.get("networkMode")).unwrap_or(service);
            let problem =
                report.error(at, "`networkMode: awsvpc` needs the service's `networkConfiguration`");
            problem.hint("write `networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-…], securityGroups: [sg-…]}}`");
        }
        (None, None) if on_fargate => {
            let problem = report.error(service, "Fargate needs the service's `networkConfiguration`");
            problem.hint("write `networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-…], securityGroups: [sg-…]}}`");
        }
        (Some(network), Some(Some(mode))) if mode != "awsvpc" => {
            let problem = report
                .error(network, format!("`networkConfiguration` needs `networkMode: awsvpc`, not `{mode}`"));
            problem.hint(
                "write `networkMode: awsvpc` in the task definition, or leave `networkConfiguration` out",
            );
        }
        _ => {}
    }
}

fn subnets(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    let Some(network) = service.at_path(&["networkConfiguration", "awsvpcConfiguration"]) else { return };
    for (member, most) in [("subnets", MOST_SUBNETS), ("securityGroups", MOST_GROUPS)] {
        if let Some(node) = network.get(member).filter(|node| node.items().len() > most) {
            report.error(node, format!("{} `{member}`; at most {most} are allowed", node.items().len()));
        }
    }
    if let Some(node) =
        network.get("subnets").filter(|node| matches!(&node.value, Value::List(items) if items.is_empty()))
    {
        report.error(node, "`subnets` is empty");
    }
    let on_instances = matches!(service.str("launchType"), Some("EC2" | "EXTERNAL"));
    if let Some(node) =
        network.get("assignPublicIp").filter(|node| on_instances && node.as_str() == Some("ENABLED"))
    {
        let problem = report.error(node, "`assignPublicIp: ENABLED` is for Fargate");
        problem.hint("on instances of your own a task in a private subnet goes out through a NAT gateway");
    }
}

/// A load balancer's container and port are those of the task.
fn load_balancers(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    if let Some(all) = service.get("loadBalancers").filter(|all| all.items().len() > MOST_LOAD_BALANCERS) {
        report.error(
            all,
            format!("{} load balancers; at most {MOST_LOAD_BALANCERS} are allowed", all.items().len()),
        );
    }
    for balancer in service.list("loadBalancers") {
        match (balancer.get("targetGroupArn"), balancer.get("loadBalancerName")) {
            (None, None) if !is_external(service) => {
                report.error(balancer, "a load balancer has no `targetGroupArn`");
            }
            (Some(_), Some(name)) => {
                report.error(name, "`targetGroupArn` and `loadBalancerName` exclude each other");
            }
            _ => {}
        }
        for member in ["containerName", "containerPort"] {
            if balancer.get(member).is_none() {
                report.error(balancer, format!("a load balancer has no `{member}`"));
            }
        }
        target("loadBalancers", balancer, subject.spec.get("taskDefinition"), report);
    }
}

fn registries(subject: &Subject, report: &mut Report) {
    for registry in subject.spec.get("service").map_or(&[][..], |service| service.list("serviceRegistries")) {
        target("serviceRegistries", registry, subject.spec.get("taskDefinition"), report);
        if registry.get("registryArn").is_none() {
            report.error(registry, "a service registry has no `registryArn`");
        }
    }
}

/// The container and port that `from` names.
fn target(what: &str, from: &Node, definition: Option<&Node>, report: &mut Report) {
    let Some(definition) = definition.filter(|definition| all_named(definition)) else { return };
    let Some(node) = from.get("containerName") else { return };
    let Some(name) = node.as_str() else { return };
    let Some(container) = find(definition, name) else {
        return unknown_container(what, node, definition, report);
    };
    let Some(port) = from.get("containerPort") else { return };
    let Some(number) = port.as_int() else { return };
    let has_port = |mapping: &Node| {
        mapping.int("containerPort") == Some(number)
            || mapping.str("containerPortRange").and_then(|range| {
                let (from, to) = range.split_once('-')?;
                Some((from.parse().ok()?..=to.parse().ok()?).contains(&number))
            }) == Some(true)
    };
    let mappings = container.list("portMappings");
    let readable = mappings
        .iter()
        .all(|mapping| mapping.get("containerPort").is_none_or(|port| port.value != Value::Invalid));
    if readable && !mappings.iter().any(has_port) {
        let known: Vec<String> =
            mappings.iter().filter_map(|mapping| Some(mapping.int("containerPort")?.to_string())).collect();
        let problem = report.error(
            port,
            format!("`{what}` names the port {number}, which the container `{name}` does not map"),
        );
        problem.hint(match known.as_slice() {
            [] => format!("add `portMappings: [{{containerPort: {number}}}]` to the container"),
            known => format!("it maps {}", known.join(", ")),
        });
    }
}

/// Service Connect, VPC Lattice and gateways go by the names of ports.
fn port_names(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    let Some(definition) = subject.spec.get("taskDefinition").filter(|definition| all_named(definition))
    else {
        return;
    };
    let known: Vec<&str> = list(definition)
        .iter()
        .flat_map(|container| container.list("portMappings"))
        .filter_map(|mapping| mapping.str("name"))
        .collect();
    let connect =
        service.get("serviceConnectConfiguration").map_or(&[][..], |connect| connect.list("services"));
    let users = [
        ("serviceConnectConfiguration", connect),
        ("vpcLatticeConfigurations", service.list("vpcLatticeConfigurations")),
        ("gatewayConnectors", service.list("gatewayConnectors")),
    ];
    for (what, items) in users {
        for node in items.iter().filter_map(|item| item.get("portName")) {
            let Some(name) = node.as_str().filter(|name| !known.contains(name)) else { continue };
            let problem = report
                .error(node, format!("`{what}` names the port `{name}`, and no port mapping has that name"));
            let meant = nearest(name, known.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
            problem.hint = meant.or_else(|| Some(format!("write `name: {name}` in the port mapping")));
        }
    }
}

fn grace_period(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    let behind =
        ["loadBalancers", "vpcLatticeConfigurations", "gatewayConnectors", "serviceConnectConfiguration"];
    let Some(period) =
        service.get("healthCheckGracePeriodSeconds").filter(|period| period.as_int() > Some(0))
    else {
        return;
    };
    if behind.iter().all(|member| says(service.get(member)).is_none()) {
        report.warning(period, "`healthCheckGracePeriodSeconds` has no effect without a load balancer");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    fn service(mode: &str, service: &str) -> String {
        format!(
            "taskDefinition:\n  {mode}\n  containerDefinitions: [{{name: web, image: nginx, memory: 64, portMappings: [{{containerPort: 80, name: http}}]}}]\nservice: {{{service}}}"
        )
    }

    const NETWORK: &str = "networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-1a]}}";
    const GROUP: &str =
        "targetGroupArn: 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/1'";

    #[test]
    fn awsvpc_and_a_network_configuration_come_together() {
        says_nothing("EcsService", &service("networkMode: awsvpc", NETWORK));
        says("EcsService", &service("networkMode: awsvpc", ""), "needs the service's `networkConfiguration`");
        says(
            "EcsService",
            &service("networkMode: bridge", NETWORK),
            "needs `networkMode: awsvpc`, not `bridge`",
        );
        says("EcsService", "service: {taskDefinition: web, launchType: FARGATE}", "Fargate needs");
    }

    #[test]
    fn a_load_balancer_reaches_a_container_and_a_port_that_exist() {
        let balancer = |name: &str, port: u32| {
            service(
                "",
                &format!("loadBalancers: [{{{GROUP}, containerName: {name}, containerPort: {port}}}]"),
            )
        };
        says_nothing("EcsService", &balancer("web", 80));
        says("EcsService", &balancer("wbe", 80), "names the container `wbe`");
        says("EcsService", &balancer("web", 8080), "names the port 8080");
        says(
            "EcsService",
            "service: {taskDefinition: web, loadBalancers: [{targetGroupArn: BLUE, containerName: a, containerPort: 80}]}",
            "is an ARN",
        );
    }

    #[test]
    fn service_connect_goes_by_names_of_ports() {
        let connect = |name: &str| {
            service(
                "",
                &format!("serviceConnectConfiguration: {{enabled: true, services: [{{portName: {name}}}]}}"),
            )
        };
        says_nothing("EcsService", &connect("http"));
        says("EcsService", &connect("grpc"), "names the port `grpc`");
    }

    #[test]
    fn subnets_are_ids() {
        let subnets = |ids: &str| {
            format!(
                "service: {{taskDefinition: web, networkConfiguration: {{awsvpcConfiguration: {{subnets: [{ids}]}}}}}}"
            )
        };
        says_nothing("EcsService", &subnets("subnet-0f84f9bc7d44d11aa"));
        says("EcsService", &subnets("PRIVATE_SUBNET_ONE"), "is not a subnet");
        says("EcsService", &subnets("subnet-xxxxxxxxx"), "stands for a subnet");
        says("EcsService", &subnets(""), "is empty");
    }
}
