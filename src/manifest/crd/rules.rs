//! What crosses members, in CEL, as one table: the rules of `validate` that an API server can hold before anything is
//! stored, in `validate`'s words.
//!
//! A rule never refuses what `validate` lets pass in exact spelling; the other way round much is left to the operator.
//! The API server estimates what a rule can cost from the bounds of what it touches, and refuses a definition that may
//! cost too much: so lists and texts that the model leaves unbounded have [`BOUNDS`] here, and messages hold no numbers
//! and no names out of lists, whose length it cannot tell. Rules about what changes (named `…-stays`) see `oldSelf`.
//! Optional members (`?`) need Kubernetes 1.30. Tests: `tests/kube/rules.yaml` has for each rule an object that is refused
//! and its neighbour that is not.

use super::super::checks::FARGATE_SIZES;
use crate::model::names::Kind;
use serde_json::{Value, json};

/// A rule that the API server holds.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub name: &'static str,
    /// The shape whose values it holds, or a kind's [`object_scope`].
    on: &'static str,
    /// The member that the refusal points at; empty for the value itself.
    at: &'static str,
    /// In CEL; `{…}` stands for a fragment of [`expanded`].
    holds: &'static str,
    says: Says,
}

/// What a refusal says.
#[derive(Debug, Clone, Copy)]
enum Says {
    Text(&'static str),
    /// In CEL.
    Cel(&'static str),
}

use Says::{Cel, Text};

/// The scope of rules over a whole object of the kind.
pub fn object_scope(kind: Kind) -> String {
    format!("{kind} object")
}

const fn rule(
    name: &'static str,
    on: &'static str,
    at: &'static str,
    holds: &'static str,
    says: Says,
) -> Rule {
    Rule { name, on, at, holds, says }
}

#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // ---- What an object is cannot change ----
    rule("cluster-name-stays", "EcsCluster object", ".spec",
        "(has(self.spec.clusterName) ? self.spec.clusterName : self.metadata.name) == (has(oldSelf.spec.clusterName) ? oldSelf.spec.clusterName : oldSelf.metadata.name)",
        Text("`clusterName` cannot be changed on what exists")),
    rule("provider-name-stays", "EcsCapacityProvider object", ".spec",
        "{provider} == (has(oldSelf.spec.name) ? oldSelf.spec.name : oldSelf.metadata.name)",
        Text("`name` cannot be changed on what exists")),
    rule("repository-name-stays", "EcrRepository object", ".spec",
        "(has(self.spec.repositoryName) ? self.spec.repositoryName : self.metadata.name) == (has(oldSelf.spec.repositoryName) ? oldSelf.spec.repositoryName : oldSelf.metadata.name)",
        Text("`repositoryName` cannot be changed on what exists")),
    rule("service-name-stays", "EcsService object", ".spec.service",
        "(has(self.spec.service.serviceName) ? self.spec.service.serviceName : self.metadata.name) == (has(oldSelf.spec.service.serviceName) ? oldSelf.spec.service.serviceName : oldSelf.metadata.name)",
        Text("`serviceName` cannot be changed on what exists")),
    // An ARN ends in the name.
    rule("service-cluster-stays", "Service", "",
        "has(self.cluster) && has(oldSelf.cluster) ? {same cluster}
            : has(self.cluster) ? self.cluster == 'default' || self.cluster.endsWith('/default')
            : !has(oldSelf.cluster) || oldSelf.cluster == 'default' || oldSelf.cluster.endsWith('/default')",
        Text("`cluster` cannot be changed on what exists")),
    rule("provider-cluster-stays", "EcsCapacityProvider", "",
        "has(self.cluster) == has(oldSelf.cluster) && (!has(self.cluster) || {same cluster})",
        Text("`cluster` cannot be changed on what exists")),
    // Where none is named it is the operator's, or the cluster's, and the operator looks.
    rule("cluster-region-stays", "EcsCluster", "", REGION, REGION_STAYS),
    rule("provider-region-stays", "EcsCapacityProvider", "", REGION, REGION_STAYS),
    rule("repository-region-stays", "EcrRepository", "", REGION, REGION_STAYS),
    rule("service-region-stays", "EcsService", "", REGION, REGION_STAYS),
    // `kubectl scale` must not seem to do what it cannot.
    rule("scaled-count-stays", "EcsService", ".service",
        "!has(oldSelf.autoscaling) || !has(self.autoscaling) || !has(self.autoscaling.minCapacity)
            || self.service.?desiredCount.orValue(-1) in [-1, oldSelf.service.?desiredCount.orValue(-1)]",
        Text("`desiredCount` is owned by Application Auto Scaling: change `minCapacity` and `maxCapacity`")),
    rule("daemon-count-stays", "Service", ".desiredCount",
        "self.?schedulingStrategy.orValue('') != 'DAEMON' || self.?desiredCount.orValue(-1) in [-1, oldSelf.?desiredCount.orValue(-1)]",
        Text("`DAEMON` decides the number of tasks itself")),

    // ---- Names that a resource cannot have ----
    rule("cluster-name-fits", "EcsCluster object", ".spec",
        "has(self.spec.clusterName) || !self.metadata.name.contains('.')",
        Cel("'`' + self.metadata.name + '` is not a cluster name'")),
    rule("provider-name-fits", "EcsCapacityProvider object", ".spec",
        "!{provider}.matches('^(aws|ecs|fargate|FARGATE)|[.]')",
        Cel("'`' + {provider} + '` is not a capacity provider name'")),
    rule("service-name-fits", "EcsService object", ".spec",
        "has(self.spec.service.serviceName) || !self.metadata.name.contains('.')",
        Cel("'`' + self.metadata.name + '` is not a service name'")),

    // ---- Service and task definition ----
    rule("task-definition", "EcsService", ".service",
        "has(self.taskDefinition) || has(self.service.taskDefinition) || {external}",
        Text("the service has no task definition")),
    rule("fargate-network-mode", "EcsService", ".taskDefinition",
        "!has(self.taskDefinition) || !{fargate} || self.taskDefinition.?networkMode.orValue('') == 'awsvpc'",
        Cel("has(self.taskDefinition.networkMode) ? 'Fargate refuses the network mode `' + self.taskDefinition.networkMode + '`' : 'Fargate needs `networkMode: awsvpc`'")),
    rule("fargate-cpu-and-memory", "EcsService", ".taskDefinition",
        "!has(self.taskDefinition) || !{fargate} || has(self.taskDefinition.cpu) && has(self.taskDefinition.memory)",
        Cel(r"'Fargate needs the task\'s `' + (has(self.taskDefinition.cpu) ? 'memory' : 'cpu') + '`'")),
    // Units written out (`1 vCPU`) are left to the operator.
    rule("fargate-size", "EcsService", ".taskDefinition",
        "!has(self.taskDefinition) || !{fargate} || !has(self.taskDefinition.cpu) || !has(self.taskDefinition.memory)
            || !self.taskDefinition.cpu.matches('^[0-9]{1,9}$') || !self.taskDefinition.memory.matches('^[0-9]{1,9}$')
            || {sizes}.exists(row, int(self.taskDefinition.cpu) == row[0] && int(self.taskDefinition.memory) >= row[1]
                && int(self.taskDefinition.memory) <= row[2] && int(self.taskDefinition.memory) % row[3] == 0)
                && !(int(self.taskDefinition.cpu) == 256 && int(self.taskDefinition.memory) == 1536)",
        Cel("'Fargate has no tasks of ' + self.taskDefinition.cpu + ' CPU units' + ({sizes}.exists(row, row[0] == int(self.taskDefinition.cpu))
            ? ' with ' + self.taskDefinition.memory + ' MiB of memory' : '')")),
    rule("fargate-daemon", "EcsService", ".service",
        "self.service.?schedulingStrategy.orValue('') != 'DAEMON' || !{service on fargate}",
        Text("Fargate refuses `DAEMON`")),
    rule("awsvpc-network", "EcsService", ".service",
        "(has(self.taskDefinition) ? self.taskDefinition.?networkMode.orValue('') != 'awsvpc' : !{service on fargate})
            || self.service.?networkConfiguration.awsvpcConfiguration.hasValue() || {external}",
        Text("tasks in `awsvpc` mode need a network configuration")),
    rule("network-without-awsvpc", "EcsService", ".service.networkConfiguration",
        "!self.service.?networkConfiguration.awsvpcConfiguration.hasValue() || !has(self.taskDefinition) || {fargate}
            || self.taskDefinition.?networkMode.orValue({on instances} ? 'bridge' : 'awsvpc') == 'awsvpc'",
        Cel(r"'a network configuration is only for `awsvpc`, and the task\'s mode is `' + (has(self.taskDefinition.networkMode) ? self.taskDefinition.networkMode : 'bridge') + '`'")),
    rule("load-balancer-container", "EcsService", ".service.loadBalancers",
        "!has(self.taskDefinition) || !has(self.service.loadBalancers) || self.service.loadBalancers.all(balancer,
            self.taskDefinition.containerDefinitions.exists(container, container.name == balancer.containerName))",
        Text("there is no container of this `containerName`")),
    rule("load-balancer-port", "EcsService", ".service.loadBalancers",
        "!has(self.taskDefinition) || !has(self.service.loadBalancers) || self.service.loadBalancers.all(balancer,
            self.taskDefinition.containerDefinitions.all(container, container.name != balancer.containerName
                || has(container.portMappings) && container.portMappings.exists(mapping, has(mapping.containerPortRange)
                    || has(mapping.containerPort) && mapping.containerPort == balancer.containerPort)))",
        Text("the container has no port of this `containerPort`")),
    rule("essential-container", "TaskDefinition", ".containerDefinitions",
        "self.containerDefinitions.exists(container, !has(container.essential) || container.essential)",
        Text("no container is essential")),
    rule("dependency", "TaskDefinition", ".containerDefinitions",
        "self.containerDefinitions.all(container, !has(container.dependsOn) || container.dependsOn.all(on,
            self.containerDefinitions.exists(one, one.name == on.containerName)))",
        Text("a container depends on one that is not there")),
    rule("mounted-volume", "TaskDefinition", ".containerDefinitions",
        "self.containerDefinitions.all(container, !has(container.mountPoints) || container.mountPoints.all(mount, !has(mount.sourceVolume) || mount.sourceVolume == ''
            || has(self.volumes) && self.volumes.exists(volume, volume.name == mount.sourceVolume)))",
        Text("a container mounts a volume that the task definition does not have")),
    rule("launch-type-or-strategy", "Service", ".launchType",
        "!has(self.launchType) || !has(self.capacityProviderStrategy) || self.capacityProviderStrategy.size() == 0",
        Text("`launchType` and `capacityProviderStrategy` cannot stand together")),
    rule("daemon-placement", "Service", ".placementStrategy",
        "self.?schedulingStrategy.orValue('') != 'DAEMON' || !has(self.placementStrategy) || self.placementStrategy.size() == 0",
        Text("`DAEMON` has one task on each instance, and no placement strategy")),
    rule("percentages", "Service", ".deploymentConfiguration",
        "{least} <= {most}",
        Text("`minimumHealthyPercent` is greater than `maximumPercent`")),
    rule("room-to-deploy", "Service", ".deploymentConfiguration",
        "{least} != 100 || {most} != 100",
        Text("nothing can be deployed: `maximumPercent` 100 lets no task start, `minimumHealthyPercent` 100 none stop")),
    rule("alternate-target-group", "Service", ".loadBalancers",
        "!(self.?deploymentConfiguration.strategy.orValue('') in ['BLUE_GREEN', 'LINEAR', 'CANARY']) || !has(self.loadBalancers) || self.loadBalancers.all(balancer,
            has(balancer.advancedConfiguration) && has(balancer.advancedConfiguration.alternateTargetGroupArn)
            && has(balancer.advancedConfiguration.productionListenerRule) && has(balancer.advancedConfiguration.roleArn))",
        Cel("'`' + self.deploymentConfiguration.strategy + '` needs `alternateTargetGroupArn`, `productionListenerRule`, `roleArn` in `advancedConfiguration`'")),
    rule("linear-configuration", "DeploymentConfiguration", ".linearConfiguration",
        "!has(self.linearConfiguration) || self.?strategy.orValue('') == 'LINEAR'",
        Cel("'`linearConfiguration` is for the strategy `LINEAR`, and this is `' + (has(self.strategy) ? self.strategy : 'ROLLING') + '`'")),
    rule("canary-configuration", "DeploymentConfiguration", ".canaryConfiguration",
        "!has(self.canaryConfiguration) || self.?strategy.orValue('') == 'CANARY'",
        Cel("'`canaryConfiguration` is for the strategy `CANARY`, and this is `' + (has(self.strategy) ? self.strategy : 'ROLLING') + '`'")),
    rule("target-group", "LoadBalancer", "",
        "has(self.targetGroupArn) != has(self.loadBalancerName)",
        Cel("has(self.targetGroupArn) ? '`targetGroupArn` and `loadBalancerName` cannot stand together' : 'the load balancer has no target group'")),

    // ---- Capacity ----
    rule("strategy-weights", "CapacityProviderStrategy", "",
        "self.size() == 0 || self.size() == 1 && !has(self[0].weight) || self.exists(item, item.?weight.orValue(0) > 0)",
        Text("all weights of the strategy are 0, so that no task can be placed")),
    rule("strategy-base", "CapacityProviderStrategy", "",
        "self.filter(item, item.?base.orValue(0) > 0).size() <= 1",
        Text("only one provider of a strategy can have a `base`")),
    rule("fargate-alone", "CapacityProviderStrategy", "",
        "!self.exists(item, {is fargate}) || self.all(item, {is fargate})",
        Text("a strategy cannot mix `FARGATE` or `FARGATE_SPOT` with other providers")),
    rule("default-strategy", "EcsCluster", ".defaultCapacityProviderStrategy",
        "!has(self.defaultCapacityProviderStrategy) || self.defaultCapacityProviderStrategy.all(item, has(self.capacityProviders)
            && self.capacityProviders.exists(name, name == item.capacityProvider || name.endsWith('/' + item.capacityProvider) || item.capacityProvider.endsWith('/' + name)))",
        Text("the default strategy names a provider that the cluster does not list")),
    rule("one-source", "EcsCapacityProvider", "",
        "has(self.autoScalingGroupProvider) != has(self.managedInstancesProvider)",
        Cel("has(self.autoScalingGroupProvider) ? '`autoScalingGroupProvider` and `managedInstancesProvider` cannot stand together' : 'the capacity provider has no capacity'")),
    rule("termination-protection", "AutoScalingGroupProvider", ".managedTerminationProtection",
        "self.?managedTerminationProtection.orValue('') != 'ENABLED' || self.?managedScaling.status.orValue('') != 'DISABLED'",
        Text("managed termination protection needs managed scaling")),

    // ---- Scaling ----
    rule("capacity-bounds", "Autoscaling", ".minCapacity", BOTH_BOUNDS, CROSSED_BOUNDS),
    rule("scheduled-bounds", "ScalableTargetAction", ".minCapacity", BOTH_BOUNDS, CROSSED_BOUNDS),
    rule("scheduled-change", "ScheduledAction", "",
        "self.?scalableTargetAction.minCapacity.hasValue() || self.?scalableTargetAction.maxCapacity.hasValue()",
        Text("the scheduled action changes nothing")),
    rule("policy-configuration", "Policy", "",
        "!has(self.policyType) || {its configuration}",
        Cel("'`' + self.policyType + '` needs `' + {'TargetTrackingScaling': 'targetTracking', 'StepScaling': 'step', 'PredictiveScaling': 'predictive'}[self.policyType] + 'ScalingPolicyConfiguration`'")),
    rule("one-metric", "TargetTrackingScalingPolicyConfiguration", "",
        "has(self.predefinedMetricSpecification) != has(self.customizedMetricSpecification)",
        Cel("has(self.predefinedMetricSpecification) ? 'a policy follows one metric: predefined or customized' : 'the policy follows no metric'")),

    // ---- Repository ----
    rule("exclusion-filters", "EcrRepository", ".imageTagMutability",
        "!self.?imageTagMutability.orValue('').endsWith('_WITH_EXCLUSION') || has(self.imageTagMutabilityExclusionFilters)",
        Cel("'`' + self.imageTagMutability + '` needs `imageTagMutabilityExclusionFilters`'")),
    rule("kms-key", "EncryptionConfiguration", ".kmsKey",
        "!has(self.kmsKey) || self.encryptionType != 'AES256'",
        Text("`AES256` has no KMS key")),
];

const REGION: &str = "!has(self.region) || !has(oldSelf.region) || self.region == oldSelf.region";
const REGION_STAYS: Says = Text("`region` cannot be changed on what exists");
const BOTH_BOUNDS: &str =
    "!has(self.minCapacity) || !has(self.maxCapacity) || self.minCapacity <= self.maxCapacity";
const CROSSED_BOUNDS: Says = Text("`minCapacity` is greater than `maxCapacity`");

/// What stands for what in the table.
const FRAGMENTS: &[(&str, &str)] = &[
    (
        "{fargate}",
        "(has(self.taskDefinition) && has(self.taskDefinition.requiresCompatibilities) && 'FARGATE' in self.taskDefinition.requiresCompatibilities || {service on fargate})",
    ),
    (
        "{service on fargate}",
        "(self.service.?launchType.orValue('') == 'FARGATE' || has(self.service.capacityProviderStrategy) && self.service.capacityProviderStrategy.exists(item, {is fargate}))",
    ),
    ("{is fargate}", "item.capacityProvider in ['FARGATE', 'FARGATE_SPOT']"),
    ("{external}", "self.service.?deploymentController.type.orValue('') == 'EXTERNAL'"),
    ("{on instances}", "!(has(self.taskDefinition.requiresCompatibilities) && 'MANAGED_INSTANCES' in self.taskDefinition.requiresCompatibilities)"),
    ("{least}", "self.?deploymentConfiguration.minimumHealthyPercent.orValue({daemon} ? 0 : 100)"),
    ("{most}", "self.?deploymentConfiguration.maximumPercent.orValue({daemon} ? 100 : 200)"),
    ("{daemon}", "self.?schedulingStrategy.orValue('') == 'DAEMON'"),
    ("{provider}", "(has(self.spec.name) ? self.spec.name : self.metadata.name)"),
    (
        "{same cluster}",
        "(self.cluster == oldSelf.cluster || self.cluster.endsWith('/' + oldSelf.cluster) || oldSelf.cluster.endsWith('/' + self.cluster))",
    ),
    (
        "{its configuration}",
        "(self.policyType == 'TargetTrackingScaling' ? has(self.targetTrackingScalingPolicyConfiguration)
            : self.policyType == 'StepScaling' ? has(self.stepScalingPolicyConfiguration) : has(self.predictiveScalingPolicyConfiguration))",
    ),
];

/// The most elements, or letters, of what rules touch and AWS does not bound: more than a task definition of 64 KiB makes
/// use of, so that the cost of the rules is known. What it is estimated at is less than a third of what is allowed.
const BOUNDS: &[(&str, &str, &str, u32)] = &[
    ("TaskDefinition", "requiresCompatibilities", "/maxItems", 10),
    ("TaskDefinition", "volumes", "/maxItems", 50),
    ("TaskDefinition", "cpu", "/maxLength", 20),
    ("TaskDefinition", "memory", "/maxLength", 20),
    ("Volume", "name", "/maxLength", 255),
    ("ContainerDefinition", "portMappings", "/maxItems", 500),
    ("ContainerDefinition", "dependsOn", "/maxItems", 10),
    ("ContainerDefinition", "mountPoints", "/maxItems", 50),
    ("ContainerDependency", "containerName", "/maxLength", 255),
    ("MountPoint", "sourceVolume", "/maxLength", 255),
    ("LoadBalancer", "containerName", "/maxLength", 255),
    ("Autoscaling", "scheduledActions", "/maxItems", 200),
    ("CapacityProviderStrategyItem", "capacityProvider", "/maxLength", 512),
    ("EcsCluster", "capacityProviders", "/items/maxLength", 512),
    ("EcsCluster", "region", "/maxLength", 32),
    ("EcsCapacityProvider", "region", "/maxLength", 32),
    ("EcrRepository", "region", "/maxLength", 32),
    ("EcsService", "region", "/maxLength", 32),
];

/// Bounds a member that rules touch.
pub fn bound(schema: &mut Value, shape: &str, member: &str) {
    for (_, _, word, most) in BOUNDS.iter().filter(|row| row.0 == shape && row.1 == member) {
        let (way, word) = word.rsplit_once('/').unwrap_or_default();
        if let Some(schema) = schema.pointer_mut(way) {
            schema[word] = json!(most);
        }
    }
}

/// Adds the rules of a scope to its schema.
pub fn apply(schema: &mut Value, scope: &str) {
    let rules: Vec<Value> = RULES.iter().filter(|rule| rule.on == scope).map(Rule::validation).collect();
    if !rules.is_empty() {
        schema["x-kubernetes-validations"] = json!(rules);
    }
}

impl Rule {
    /// As it stands in a definition.
    fn validation(&self) -> Value {
        let mut rule = json!({"rule": expanded(self.holds)});
        match self.says {
            Text(text) => rule["message"] = json!(text),
            Cel(text) => rule["messageExpression"] = json!(expanded(text)),
        }
        if !self.at.is_empty() {
            rule["fieldPath"] = json!(self.at);
        }
        rule
    }
}

/// CEL on one line, with its fragments in place.
fn expanded(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some((name, fragment)) = FRAGMENTS.iter().find(|(name, _)| text.contains(name)) {
        text = text.replace(name, fragment);
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ").replace("{sizes}", &sizes())
}

/// Fargate's sizes as a list of rows: CPU units, least and greatest memory, step.
fn sizes() -> String {
    let rows = FARGATE_SIZES.map(|(cpu, least, most, step)| format!("[{cpu}, {least}, {most}, {step}]"));
    format!("[{}]", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::shape;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_a_scope_of_the_model() {
        let mut names = BTreeSet::new();
        let objects: Vec<String> = Kind::ALL.into_iter().map(object_scope).collect();
        for rule in RULES {
            assert!(names.insert(rule.name), "{} stands twice", rule.name);
            let apis = ["kinds", "ecs", "ecr", "application-autoscaling"];
            let known = apis.iter().any(|api| shape(api, rule.on).is_some());
            assert!(known || objects.iter().any(|object| object == rule.on), "{}: {}", rule.name, rule.on);
        }
    }

    #[test]
    fn every_bound_is_of_a_member() {
        for (owner, member, _, _) in BOUNDS {
            let owner = shape("kinds", owner).or_else(|| shape("ecs", owner)).unwrap();
            assert!(owner.member(member).is_some(), "{}.{member}", owner.name);
        }
    }

    #[test]
    fn fragments_are_put_in_place_and_maps_of_cel_stay() {
        for rule in RULES {
            let written = rule.validation().to_string();
            let left = [
                "{fargate",
                "{service",
                "{is ",
                "{its",
                "{least",
                "{most",
                "{sizes",
                "{on",
                "{external",
                "{daemon",
            ];
            assert!(!left.iter().any(|one| written.contains(one)), "{written}");
        }
    }
}
