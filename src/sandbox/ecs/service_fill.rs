//! What a service reads back as: defaults, ARNs for names, spellings that AWS changes.
//!
//! Tests: `tests/service.rs`.

use serde_json::{Value, json};

use super::State;
use super::capacity_provider;
use super::cluster::{Cluster, namespace_arn};
use super::service::{self, Service};
use super::task_definition;
use super::words::{self, at, fill, objects_mut, scattered};
use crate::sandbox::{Call, Document, Refusal, field};

/// Members that an empty list takes away.
const REMOVED_BY_EMPTY: [&str; 4] =
    ["capacityProviderStrategy", "volumeConfigurations", "vpcLatticeConfigurations", "gatewayConnectors"];

/// Fills what a new service is to be.
pub fn create(state: &State, cluster: &Cluster, call: &Call, spec: &mut Document) -> Result<(), Refusal> {
    fill(
        spec,
        [
            ("schedulingStrategy", json!("REPLICA")),
            ("deploymentController", json!({"type": "ECS"})),
            ("enableECSManagedTags", json!(false)),
            ("enableExecuteCommand", json!(false)),
            ("propagateTags", json!("NONE")),
        ],
    );
    let role = spec.shift_remove("role").and_then(|role| role.as_str().map(str::to_owned));
    let role = role.unwrap_or_else(|| "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS".to_owned());
    let role = if role.starts_with("arn:") { role } else { call.iam_arn(&format!("role/{role}")) };
    spec.insert("roleArn".to_owned(), json!(role));
    if at(spec, "schedulingStrategy") == "DAEMON" {
        spec.insert("desiredCount".to_owned(), json!(0));
    }
    if let Some(name) = field::text(spec, "taskDefinition") {
        let arn = state.runnable(name)?.arn.clone();
        spec.insert("taskDefinition".to_owned(), json!(arn));
    }
    remove_empty(spec, &REMOVED_BY_EMPTY);
    if !spec.contains_key("launchType") && !spec.contains_key("capacityProviderStrategy") {
        let external = at(spec, "deploymentController")["type"] == "EXTERNAL";
        if cluster.default_strategy.is_empty() || external {
            spec.insert("launchType".to_owned(), json!("EC2"));
        } else {
            spec.insert("capacityProviderStrategy".to_owned(), json!(cluster.default_strategy));
        }
    }
    normalise(state, cluster, call, spec)?;
    let rebalancing = if may_rebalance(spec) { "ENABLED" } else { "DISABLED" };
    fill(spec, [("availabilityZoneRebalancing", json!(rebalancing))]);
    Ok(())
}

/// What a service is to be after an update.
pub fn update(
    state: &State,
    cluster: &Cluster,
    call: &Call,
    service: &Service,
    changes: &Document,
) -> Result<Document, Refusal> {
    let mut spec = service.spec.clone();
    for (member, value) in changes {
        spec.insert(member.clone(), value.clone());
    }
    if let Some(name) = field::text(changes, "taskDefinition") {
        let arn = state.runnable(name)?.arn.clone();
        spec.insert("taskDefinition".to_owned(), json!(arn));
    }
    remove_empty(&mut spec, &REMOVED_BY_EMPTY);
    if spec.contains_key("capacityProviderStrategy") {
        spec.shift_remove("launchType");
    } else if !spec.contains_key("launchType") {
        // Back from a strategy: to the launch type that its providers were of.
        let launch_type = if service.is_on_fargate() { "FARGATE" } else { "EC2" };
        spec.insert("launchType".to_owned(), json!(launch_type));
    }
    normalise(state, cluster, call, &mut spec)?;
    Ok(spec)
}

fn remove_empty(document: &mut Document, members: &[&str]) {
    document.retain(|member, value| {
        !members.contains(&member.as_str()) || !value.as_array().is_some_and(Vec::is_empty)
    });
}

/// Brings a whole `spec` to the form that AWS answers; twice is as once.
fn normalise(state: &State, cluster: &Cluster, call: &Call, spec: &mut Document) -> Result<(), Refusal> {
    if spec.contains_key("capacityProviderStrategy") {
        let strategy = capacity_provider::strategy(field::list(spec, "capacityProviderStrategy"))?;
        spec.insert("capacityProviderStrategy".to_owned(), json!(strategy));
    }
    platform(state, spec);
    for list in ["loadBalancers", "serviceRegistries", "placementConstraints", "placementStrategy"] {
        fill(spec, [(list, json!([]))]);
    }
    let is_balanced = !field::list(spec, "loadBalancers").is_empty();
    if is_balanced {
        fill(spec, [("healthCheckGracePeriodSeconds", json!(0))]);
    } else if field::integer(spec, "healthCheckGracePeriodSeconds") == Some(0) {
        spec.shift_remove("healthCheckGracePeriodSeconds");
    }
    for strategy in objects_mut(spec, "placementStrategy") {
        respell(strategy);
    }
    deployment_configuration(spec);
    if let Some(Value::Object(network)) = spec.get_mut("networkConfiguration")
        && let Some(Value::Object(vpc)) = network.get_mut("awsvpcConfiguration")
    {
        let default_group = format!("sg-0{:016x}", scattered(&format!("{}{}", call.account, call.region)));
        remove_empty(vpc, &["securityGroups"]);
        fill(vpc, [("securityGroups", json!([default_group])), ("assignPublicIp", json!("DISABLED"))]);
    }
    if let Some(Value::Object(connect)) = spec.get_mut("serviceConnectConfiguration") {
        service_connect(cluster, call, connect);
    }
    Ok(())
}

/// Fargate has a platform version; the family follows from the task definition.
fn platform(state: &State, spec: &mut Document) {
    let definition = field::text(spec, "taskDefinition");
    let family = definition
        .and_then(|name| task_definition::find(&state.task_definitions, name))
        .map(task_definition::Revision::platform_family);
    if service::is_on_fargate(spec) {
        fill(spec, [("platformVersion", json!("LATEST"))]);
        spec.insert("platformFamily".to_owned(), json!(family.unwrap_or_else(|| "Linux".to_owned())));
    } else {
        spec.shift_remove("platformVersion");
        spec.shift_remove("platformFamily");
    }
}

/// `cpu` comes back `CPU`, `host` comes back `instanceId`.
fn respell(strategy: &mut Document) {
    let field = field::text(strategy, "field").unwrap_or_default().to_owned();
    let respelled = match field.to_ascii_lowercase().as_str() {
        "cpu" => "CPU".to_owned(),
        "memory" => "MEMORY".to_owned(),
        "host" | "instanceid" => "instanceId".to_owned(),
        _ => field,
    };
    if !respelled.is_empty() {
        strategy.insert("field".to_owned(), json!(respelled));
    }
}

fn deployment_configuration(spec: &mut Document) {
    let is_daemon = at(spec, "schedulingStrategy") == "DAEMON";
    let by_ecs = at(spec, "deploymentController")["type"] == "ECS";
    let (maximum, minimum) = if is_daemon { (100, 0) } else { (200, 100) };
    let entry = spec.entry("deploymentConfiguration").or_insert_with(|| json!({}));
    let Some(configuration) = entry.as_object_mut() else { return };
    fill(configuration, [("maximumPercent", json!(maximum)), ("minimumHealthyPercent", json!(minimum))]);
    if !by_ecs {
        return;
    }
    fill(
        configuration,
        [
            ("deploymentCircuitBreaker", json!({"enable": false, "rollback": false})),
            ("strategy", json!("ROLLING")),
            ("bakeTimeInMinutes", json!(0)),
        ],
    );
    let shift = match at(configuration, "strategy").as_str() {
        Some("LINEAR") => {
            Some(("linearConfiguration", [("stepPercent", json!(10.0)), ("stepBakeTimeInMinutes", json!(6))]))
        }
        Some("CANARY") => Some((
            "canaryConfiguration",
            [("canaryPercent", json!(5.0)), ("canaryBakeTimeInMinutes", json!(10))],
        )),
        _ => None,
    };
    if let Some((member, defaults)) = shift
        && let Some(shift) = configuration.entry(member).or_insert_with(|| json!({})).as_object_mut()
    {
        fill(shift, defaults);
    }
    for hook in objects_mut(configuration, "lifecycleHooks") {
        fill(hook, [("targetType", json!("AWS_LAMBDA")), ("timeoutConfiguration", json!({}))]);
        if let Some(timeout) = hook.get_mut("timeoutConfiguration").and_then(Value::as_object_mut) {
            fill(timeout, [("timeoutInMinutes", json!(1440)), ("action", json!("ROLLBACK"))]);
        }
    }
}

/// The namespace by its ARN, by default the cluster's; names follow from the ports'.
fn service_connect(cluster: &Cluster, call: &Call, connect: &mut Document) {
    if connect.get("enabled") != Some(&json!(true)) {
        return;
    }
    let namespace = field::text(connect, "namespace").map(|name| namespace_arn(call, name));
    if let Some(namespace) = namespace.or_else(|| cluster.service_connect_namespace.clone()) {
        connect.insert("namespace".to_owned(), json!(namespace));
    }
    for service in words::objects_mut(connect, "services") {
        let port = service.get("portName").cloned().unwrap_or_default();
        fill(service, [("discoveryName", port)]);
    }
}

/// Zone rebalancing is not for every service.
pub fn may_rebalance(spec: &Document) -> bool {
    let maximum = at(spec, "deploymentConfiguration")["maximumPercent"].as_u64().unwrap_or(200);
    let by_classic =
        field::list(spec, "loadBalancers").iter().any(|balancer| balancer.get("loadBalancerName").is_some());
    let first = field::list(spec, "placementStrategy").first();
    let spreads = first
        .is_none_or(|first| first["type"] == "spread" && first["field"] == "attribute:ecs.availability-zone");
    at(spec, "schedulingStrategy") != "DAEMON" && maximum > 100 && !by_classic && spreads
}
