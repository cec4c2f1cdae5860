//! What CreateService and UpdateService refuse, beyond the API model's own constraints.
//!
//! Tests: `tests/service_refusals.rs`.

use serde_json::Value;

use super::capacity_provider::{is_fargate, not_attached};
use super::cluster::Cluster;
use super::service::{self, Service};
use super::service_fill::may_rebalance;
use super::task_definition::{self, Revision};
use super::words::{at, client, invalid, is_name, objects};
use super::{State, capacity_provider};
use crate::sandbox::{Document, Refusal, field};

type Check = Result<(), Refusal>;

fn refuse(message: impl Into<String>) -> Check {
    Err(invalid(message))
}

pub fn check_name(name: &str, token: Option<&str>) -> Check {
    if !is_name(name) {
        return refuse(
            "The service name is invalid. Up to 255 letters (uppercase and lowercase), numbers, underscores, and hyphens are allowed.",
        );
    }
    if token.is_some_and(|token| token.len() > 36 || !token.is_ascii()) {
        return refuse("The client token can have at most 36 ASCII characters.");
    }
    Ok(())
}

/// What must not be sent together, as it is before anything is filled.
pub fn check_given(sent: &Document) -> Check {
    let strategy = !field::list(sent, "capacityProviderStrategy").is_empty();
    if strategy && sent.contains_key("launchType") {
        return refuse(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        );
    }
    if field::text(sent, "schedulingStrategy") == Some("DAEMON") && sent.contains_key("desiredCount") {
        return refuse(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
        );
    }
    if sent.contains_key("platformVersion")
        && !strategy
        && field::text(sent, "launchType").is_some_and(|launch_type| launch_type != "FARGATE")
    {
        return refuse("The platform version must be null when specifying an EC2 launch type.");
    }
    if field::integer(sent, "desiredCount").is_some_and(|count| count < 0) {
        return refuse("desiredCount must not be negative.");
    }
    let controller =
        field::object(sent, "deploymentController").and_then(|controller| field::text(controller, "type"));
    if controller == Some("EXTERNAL") {
        for member in [
            "taskDefinition",
            "networkConfiguration",
            "loadBalancers",
            "serviceRegistries",
            "capacityProviderStrategy",
            "platformVersion",
        ] {
            if sent.contains_key(member) {
                return refuse(format!("{member} must be null when the deployment controller is EXTERNAL."));
            }
        }
    }
    Ok(())
}

/// What the deployment controller leaves to UpdateService.
pub fn check_update(service: &Service, changes: &Document, forced: bool) -> Check {
    if service.is_daemon() && changes.contains_key("desiredCount") {
        return refuse(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
        );
    }
    let controller = service.controller();
    let mut allowed = vec![
        "desiredCount",
        "healthCheckGracePeriodSeconds",
        "placementConstraints",
        "placementStrategy",
        "enableECSManagedTags",
        "propagateTags",
    ];
    let hint = match controller {
        "CODE_DEPLOY" => {
            allowed.push("deploymentConfiguration");
            "Use AWS CodeDeploy to trigger a new deployment."
        }
        "EXTERNAL" => "Use a task set instead.",
        _ => return Ok(()),
    };
    if forced {
        return refuse(format!(
            "Cannot force a new deployment on services with a {controller} deployment controller. {hint}"
        ));
    }
    let what = |member: &str| match member {
        "taskDefinition" => "task definition".to_owned(),
        "networkConfiguration" => "network parameters".to_owned(),
        "platformVersion" => "platform version".to_owned(),
        other => other.to_owned(),
    };
    match changes.keys().find(|member| !allowed.contains(&member.as_str())) {
        Some(member) => refuse(format!(
            "Unable to update {} on services with a {controller} deployment controller. {hint}",
            what(member)
        )),
        None => Ok(()),
    }
}

/// Another strategy needs a forced deployment.
pub fn check_strategy_change(before: &Document, after: &Document, forced: bool) -> Check {
    let member = "capacityProviderStrategy";
    if before.get(member) != after.get(member) && !forced {
        return refuse(
            "When switching from launch type to capacity provider strategy on an existing service, or making a change to a capacity provider strategy on a service that is already using one, you must force a new deployment.",
        );
    }
    Ok(())
}

/// Checks all that a service is to be, filled.
pub fn check(state: &State, cluster: &Cluster, spec: &Document) -> Check {
    check_attached(state, cluster, field::list(spec, "capacityProviderStrategy"))?;
    check_scheduling(spec)?;
    check_deployment_configuration(spec)?;
    if at(spec, "deploymentController")["type"] == "EXTERNAL" {
        return Ok(());
    }
    let name = field::text(spec, "taskDefinition").ok_or_else(|| client("TaskDefinition cannot be empty"))?;
    let revision = task_definition::find(&state.task_definitions, name)
        .ok_or_else(|| client("TaskDefinition not found."))?;
    let launch_type = if service::is_on_fargate(spec) {
        "FARGATE"
    } else {
        field::text(spec, "launchType").unwrap_or("EC2")
    };
    if !revision.supports(launch_type) {
        return refuse(format!("Task definition does not support launch_type {launch_type}."));
    }
    check_network(revision, spec)?;
    check_balancers(revision, spec)?;
    check_connect(revision, spec)?;
    check_volumes(revision, spec)?;
    if field::flag(spec, "enableExecuteCommand") == Some(true) && !revision.body.contains_key("taskRoleArn") {
        return refuse(
            "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again.",
        );
    }
    Ok(())
}

/// Every provider of a strategy must be the cluster's.
pub fn check_attached(state: &State, cluster: &Cluster, strategy: &[Value]) -> Check {
    for name in strategy.iter().filter_map(|item| item["capacityProvider"].as_str()) {
        let own =
            state.capacity_providers.get(name).is_some_and(|provider| provider.belongs_to(&cluster.name));
        if !own && !cluster.capacity_providers.iter().any(|attached| attached == name) {
            // Whether it exists at all is said first.
            if !is_fargate(name) && !state.capacity_providers.contains_key(name) {
                capacity_provider::attachable(state, name)?;
            }
            return Err(not_attached());
        }
    }
    Ok(())
}

fn check_scheduling(spec: &Document) -> Check {
    let on_fargate = service::is_on_fargate(spec);
    let has = |member: &str| !field::list(spec, member).is_empty();
    if at(spec, "schedulingStrategy") == "DAEMON" {
        if on_fargate {
            return refuse("The daemon scheduling strategy is not supported on the Fargate launch type.");
        }
        if has("placementStrategy") {
            return refuse("The daemon scheduling strategy does not support placement strategies.");
        }
    } else if !spec.contains_key("desiredCount") {
        return refuse("The desired count is required for the REPLICA scheduling strategy.");
    }
    if on_fargate && has("placementStrategy") {
        return refuse("Placement strategies are not supported with FARGATE launch type.");
    }
    if on_fargate && has("placementConstraints") {
        return refuse("Placement constraints are not supported with FARGATE launch type.");
    }
    if field::list(spec, "placementStrategy").len() > 5
        || field::list(spec, "placementConstraints").len() > 10
    {
        return refuse("A service can have at most 5 placement strategies and 10 placement constraints.");
    }
    let version = field::text(spec, "platformVersion").unwrap_or("LATEST");
    if !["LATEST", "1.4.0", "1.3.0", "1.0.0"].contains(&version) {
        return Err(Refusal::client(
            "PlatformUnknownException",
            "The specified platform version does not exist.",
        ));
    }
    if spec.get("availabilityZoneRebalancing").is_some_and(|rebalancing| rebalancing == "ENABLED")
        && !may_rebalance(spec)
    {
        return refuse(
            "Availability Zone rebalancing is not supported for services with the daemon scheduling strategy, a maximumPercent of at most 100, a Classic Load Balancer, or a placement strategy that does not spread by Availability Zone first.",
        );
    }
    Ok(())
}

fn check_deployment_configuration(spec: &Document) -> Check {
    let Some(configuration) = field::object(spec, "deploymentConfiguration") else { return Ok(()) };
    let number = |member: &str| field::integer(configuration, member).unwrap_or(0);
    let (maximum, minimum) = (number("maximumPercent"), number("minimumHealthyPercent"));
    if minimum < 0 || maximum < 0 || minimum > 100 && minimum > maximum {
        return refuse("minimumHealthyPercent must be at least 0 and must not exceed maximumPercent.");
    }
    if maximum < 100 {
        return refuse("maximumPercent must be at least 100.");
    }
    if maximum == 100 && minimum == 100 {
        return refuse(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        );
    }
    let by_ecs = at(spec, "deploymentController")["type"] == "ECS";
    let breaker = field::object(configuration, "deploymentCircuitBreaker");
    if !by_ecs && breaker.is_some_and(|breaker| at(breaker, "enable") == true) {
        return refuse(
            "The deployment circuit breaker is only supported with the ECS deployment controller.",
        );
    }
    if let Some(alarms) = field::object(configuration, "alarms")
        && at(alarms, "enable") == true
        && field::list(alarms, "alarmNames").is_empty()
    {
        return refuse("alarmNames must not be empty when alarms are enabled.");
    }
    let strategy = field::text(configuration, "strategy").unwrap_or("ROLLING");
    for (member, of) in [("linearConfiguration", "LINEAR"), ("canaryConfiguration", "CANARY")] {
        if configuration.contains_key(member) && strategy != of {
            return refuse(format!("{member} is only supported with the {of} deployment strategy."));
        }
    }
    let balancers = field::list(spec, "loadBalancers");
    if by_ecs
        && strategy != "ROLLING"
        && balancers.iter().any(|balancer| balancer.get("advancedConfiguration").is_none())
    {
        return refuse(
            "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy.",
        );
    }
    if at(spec, "deploymentController")["type"] == "CODE_DEPLOY" && balancers.len() != 1 {
        return refuse(
            "Exactly one load balancer is required when using the CODE_DEPLOY deployment controller.",
        );
    }
    Ok(())
}

/// awsvpc needs a network configuration, nothing else may have one.
pub fn check_network(revision: &Revision, spec: &Document) -> Check {
    let configuration = field::object(spec, "networkConfiguration")
        .and_then(|network| field::object(network, "awsvpcConfiguration"));
    let Some(configuration) = configuration else {
        return match revision.network_mode() {
            "awsvpc" => {
                refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
            }
            _ => Ok(()),
        };
    };
    if revision.network_mode() != "awsvpc" {
        return refuse(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        );
    }
    let count = |member: &str| field::list(configuration, member).len();
    if count("subnets") == 0 {
        return refuse("subnets can not be empty.");
    }
    if count("subnets") > 16 || count("securityGroups") > 5 {
        return refuse("There can be at most 16 subnets and 5 security groups.");
    }
    for (member, prefix) in [("subnets", "subnet-"), ("securityGroups", "sg-")] {
        if let Some(id) = field::texts(configuration, member).into_iter().find(|id| !id.starts_with(prefix)) {
            return refuse(format!(
                "Error retrieving {member} information for [{id}]: the ID '{id}' is not valid."
            ));
        }
    }
    if field::text(configuration, "assignPublicIp") == Some("ENABLED") && !service::is_on_fargate(spec) {
        return refuse("Assign public IP is not supported for this launch type.");
    }
    Ok(())
}

fn check_balancers(revision: &Revision, spec: &Document) -> Check {
    for balancer in objects(spec, "loadBalancers") {
        let group = field::text(balancer, "targetGroupArn");
        let classic = field::text(balancer, "loadBalancerName");
        if group.is_some() == classic.is_some() {
            return refuse(
                "Exactly one of targetGroupArn and loadBalancerName must be specified for a load balancer.",
            );
        }
        if let Some(arn) = group.filter(|arn| !arn.starts_with("arn:") || !arn.contains(":targetgroup/")) {
            return refuse(format!(
                "Unable to describe the target group with the ARN {arn}: the ARN is not valid."
            ));
        }
        check_port(revision, balancer)?;
    }
    for registry in
        objects(spec, "serviceRegistries").filter(|registry| registry.contains_key("containerName"))
    {
        check_port(revision, registry)?;
    }
    Ok(())
}

fn check_port(revision: &Revision, target: &Document) -> Check {
    let name = field::text(target, "containerName").unwrap_or_default();
    let container = objects(&revision.body, "containerDefinitions")
        .find(|container| field::text(container, "name") == Some(name));
    let Some(container) = container else {
        return refuse(format!("The container {name} does not exist in the task definition."));
    };
    let port = field::integer(target, "containerPort");
    let within = |mapping: &Document| {
        let range = field::text(mapping, "containerPortRange").and_then(|range| range.split_once('-'));
        let bounds = range.and_then(|(from, to)| Some((from.parse::<i64>().ok()?, to.parse::<i64>().ok()?)));
        field::integer(mapping, "containerPort") == port
            || bounds.zip(port).is_some_and(|((from, to), port)| (from..=to).contains(&port))
    };
    if objects(container, "portMappings").any(within) {
        return Ok(());
    }
    let port = port.map_or_else(|| "null".to_owned(), |port| port.to_string());
    refuse(format!("The container {name} did not have a container port {port} defined."))
}

fn check_connect(revision: &Revision, spec: &Document) -> Check {
    let port_names: Vec<&str> = objects(&revision.body, "containerDefinitions")
        .flat_map(|container| objects(container, "portMappings"))
        .filter_map(|mapping| field::text(mapping, "name"))
        .collect();
    let unknown = |name: &str, of: &str| {
        refuse(format!(
            "The portName '{name}' in the {of} does not match a named port mapping of the task definition."
        ))
    };
    if let Some(connect) =
        field::object(spec, "serviceConnectConfiguration").filter(|connect| at(connect, "enabled") == true)
    {
        if !connect.contains_key("namespace") {
            return refuse(
                "The Service Connect namespace is missing: the service names none, and the cluster has no default.",
            );
        }
        let mut names = objects(connect, "services").filter_map(|service| field::text(service, "portName"));
        if let Some(name) = names.find(|name| !port_names.contains(name)) {
            return unknown(name, "Service Connect configuration");
        }
    }
    for lattice in objects(spec, "vpcLatticeConfigurations") {
        let name = field::text(lattice, "portName").unwrap_or_default();
        if !port_names.contains(&name) {
            return unknown(name, "VPC Lattice configuration");
        }
    }
    Ok(())
}

/// A volume that is configured at launch must be, and no other.
fn check_volumes(revision: &Revision, spec: &Document) -> Check {
    let name = |volume: &Document| field::text(volume, "name").unwrap_or_default().to_owned();
    let mut expected: Vec<String> = objects(&revision.body, "volumes")
        .filter(|volume| field::flag(volume, "configuredAtLaunch") == Some(true))
        .map(name)
        .collect();
    let mut given: Vec<String> = objects(spec, "volumeConfigurations").map(name).collect();
    expected.sort();
    given.sort();
    if expected == given {
        return Ok(());
    }
    refuse(format!(
        "The volume configurations [{}] do not match the volumes of the task definition that are configured at launch [{}].",
        given.join(", "),
        expected.join(", ")
    ))
}
