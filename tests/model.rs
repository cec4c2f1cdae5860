//! The whole model, walked: no member of an API is forgotten.
//!
//! Every member that a kind can declare is walked to at any depth. It must be seen by the diff, sent by a create and
//! by an update, and read back; what is not so stands in a table here with the reason. The lists of this file are
//! exact: a new version of the API models makes them fail until somebody has looked.

use ecs_operator::model::desired::Document;
use ecs_operator::model::diff::{Diff, diff};
use ecs_operator::model::facts::{Shape, Type, kind_shape, operation, shape};
use ecs_operator::model::merge::merged;
use ecs_operator::model::reduce::reduce;
use ecs_operator::model::semantics::{Absent, Change, Compare, Meaning, named};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ACCOUNT: &str = "123456789012";

/// What a manifest can hold, by the shape of each part: the part, and the call that makes it.
const PARTS: [(&str, &str, &str); 8] = [
    ("TaskDefinition", "ecs", "RegisterTaskDefinition"),
    ("Service", "ecs", "CreateService"),
    ("EcsCluster", "ecs", "CreateCluster"),
    ("EcsCapacityProvider", "ecs", "CreateCapacityProvider"),
    ("EcrRepository", "ecr", "CreateRepository"),
    ("Autoscaling", "application-autoscaling", "RegisterScalableTarget"),
    ("Policy", "application-autoscaling", "PutScalingPolicy"),
    ("ScheduledAction", "application-autoscaling", "PutScheduledAction"),
];

/// Members that the planner fills in by itself, and what with.
type Own = &'static [(&'static str, &'static str)];

/// The calls that change what exists: the part whose members they take, and what else is in their inputs.
const UPDATES: [(&str, &str, &str, Own); 8] = [
    (
        "Service",
        "ecs",
        "UpdateService",
        &[("service", "its name"), ("forceNewDeployment", "sent with a capacity provider strategy")],
    ),
    ("EcsCluster", "ecs", "UpdateCluster", &[("cluster", "its name")]),
    ("EcsCluster", "ecs", "PutClusterCapacityProviders", &[("cluster", "its name")]),
    ("EcsCapacityProvider", "ecs", "UpdateCapacityProvider", &[]),
    ("EcrRepository", "ecr", "PutImageTagMutability", &[("registryId", "left out of the kind")]),
    ("EcrRepository", "ecr", "PutImageScanningConfiguration", &[("registryId", "left out of the kind")]),
    (
        "EcrRepository",
        "ecr",
        "PutLifecyclePolicy",
        &[("registryId", "left out of the kind"), ("lifecyclePolicyText", "`lifecyclePolicy`, as text")],
    ),
    (
        "EcrRepository",
        "ecr",
        "SetRepositoryPolicy",
        &[
            ("registryId", "left out of the kind"),
            ("policyText", "`repositoryPolicy`, as text"),
            (
                "force",
                "only guards against a policy that locks its own author out; the next pass would be denied and say so",
            ),
        ],
    ),
];

/// Members of a part that no update takes and whose change is no replacement: by what they are written.
const WRITTEN_OTHERWISE: &[(&str, &str)] = &[
    ("Service.tags", "TagResource"),
    ("EcsCluster.tags", "TagResource"),
    ("EcsCapacityProvider.tags", "TagResource"),
    ("EcrRepository.tags", "TagResource"),
    ("EcrRepository.lifecyclePolicy", "PutLifecyclePolicy, DeleteLifecyclePolicy"),
    ("EcrRepository.repositoryPolicy", "SetRepositoryPolicy, DeleteRepositoryPolicy"),
    ("Service.clientToken", "only on creation"),
];

/// A place in a document: the members and elements from its top.
type Place = Vec<Step>;

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Member(&'static Shape, usize),
    Element(&'static Shape),
}

/// Every place below `shape`.
fn places(shape: &'static Shape) -> Vec<Place> {
    let mut found = Vec::new();
    below(shape, &Vec::new(), &mut found);
    found
}

fn below(shape: &'static Shape, above: &Place, found: &mut Vec<Place>) {
    match &shape.kind {
        Type::Structure(members) => {
            for (at, member) in members.iter().enumerate() {
                let place = [above.clone(), vec![Step::Member(shape, at)]].concat();
                found.push(place.clone());
                below(member.shape(), &place, found);
            }
        }
        Type::List(element) | Type::Map(element) => {
            below(element.shape(), &[above.clone(), vec![Step::Element(shape)]].concat(), found);
        }
        _ => {}
    }
}

/// `containerDefinitions[].portMappings[].hostPort`.
fn shown(place: &[Step]) -> String {
    let mut text = String::new();
    for step in place {
        match step {
            Step::Member(shape, at) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&shape.members()[*at].name);
            }
            Step::Element(_) => text.push_str("[]"),
        }
    }
    text
}

/// `Shape.member` of the place's last member.
fn title(place: &[Step]) -> String {
    match place.last() {
        Some(Step::Member(shape, at)) => format!("{}.{}", shape.name, shape.members()[*at].name),
        _ => String::new(),
    }
}

/// A valid value with no more in it than must be; `variant` 0 and 1 differ where the shape has two values.
fn sample(shape: &Shape, variant: usize) -> Value {
    let number = shape.min.unwrap_or(1.0).max(1.0);
    match &shape.kind {
        Type::Structure(members) => {
            let required = members.iter().filter(|member| member.required);
            required
                .map(|member| (member.name.clone(), sample(member.shape(), variant)))
                .collect::<Document>()
                .into()
        }
        Type::List(element) => json!([sample(element.shape(), variant)]),
        Type::Map(value) => json!({"key": sample(value.shape(), variant)}),
        Type::String if shape.enum_values.is_empty() => json!(["one", "two"][variant]),
        Type::String => json!(shape.enum_values[variant % shape.enum_values.len()]),
        #[allow(clippy::cast_possible_truncation)]
        Type::Integer | Type::Long => json!(number as i64 + i64::from(variant == 1)),
        Type::Double | Type::Timestamp => json!(number + [0.0, 1.0][variant]),
        Type::Boolean => json!(variant == 0),
        Type::Blob => json!("AA=="),
        Type::Document => json!({"Statement": [{"Action": (["a:B", "a:C"][variant])}]}),
    }
}

/// A document that holds `place` with a value, or without one, and around it only what must be there.
fn document(shape: &'static Shape, place: &[Step], variant: Option<usize>) -> Value {
    let Some((step, rest)) = place.split_first() else {
        return variant.map_or(Value::Null, |variant| sample(shape, variant));
    };
    let mut value = sample(shape, 0);
    match step {
        Step::Member(holder, at) => {
            let member = &holder.members()[*at];
            if holder.union {
                value = json!({});
            }
            let inner = document(member.shape(), rest, variant);
            let members = value.as_object_mut().unwrap();
            members.remove(&member.name);
            if !inner.is_null() {
                members.insert(member.name.clone(), inner);
            }
        }
        Step::Element(holder) => {
            let element = document(holder.element().unwrap(), rest, variant);
            value =
                if matches!(holder.kind, Type::Map(_)) { json!({"key": element}) } else { json!([element]) };
        }
    }
    value
}

fn object(value: Value) -> Document {
    value.as_object().cloned().unwrap()
}

fn compared(shape: &'static Shape, desired: &Value, live: &Value) -> Diff {
    let side = |value: &Value| reduce(shape, &object(value.clone()), ACCOUNT);
    diff(shape, "", &side(desired), &side(live), ACCOUNT)
}

fn meaning(place: &[Step]) -> Option<Meaning> {
    match place.last() {
        Some(Step::Member(shape, at)) => Some(Meaning::of(shape, &shape.members()[*at])),
        _ => None,
    }
}

/// Every member that can be declared, by its shape: what the places of all parts end in.
fn declared() -> BTreeSet<(String, String)> {
    let parts = PARTS.iter().map(|(part, ..)| *part).chain(["EcsService"]);
    let all = parts.flat_map(|part| places(kind_shape(part)));
    all.filter_map(|place| match place.last() {
        Some(Step::Member(shape, at)) => Some((shape.name.clone(), shape.members()[*at].name.clone())),
        _ => None,
    })
    .collect()
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n  {}\n", problems.join("\n  "));
}

#[test]
fn what_a_create_takes_can_be_declared_or_is_left_out_with_a_reason() {
    let mut problems = Vec::new();
    for (part, api, name) in PARTS {
        let part_shape = kind_shape(part);
        for member in operation(api, name).unwrap().input.unwrap().shape().members() {
            let reason = part_shape.without.iter().find(|(left_out, _)| *left_out == member.name);
            match reason {
                Some((_, reason)) if reason.len() < 10 => {
                    problems.push(format!("{part}: no reason for leaving out `{}`", member.name));
                }
                None if part_shape.member(&member.name).is_none() => {
                    problems.push(format!("{name}.{} is forgotten", member.name));
                }
                _ => {}
            }
        }
    }
    none(&problems);
}

#[test]
fn what_an_update_takes_can_be_declared_or_is_the_planners_own() {
    let mut problems = Vec::new();
    for (part, api, name, own) in UPDATES {
        for member in operation(api, name).unwrap().input.unwrap().shape().members() {
            let is_own = own.iter().any(|(own, _)| *own == member.name);
            if !is_own && kind_shape(part).member(&member.name).is_none() {
                problems.push(format!("{name}.{} is neither declared nor explained", member.name));
            }
        }
    }
    none(&problems);
}

#[test]
fn what_can_be_declared_is_updated_replaced_or_written_by_another_call() {
    let mut problems = Vec::new();
    for part in ["Service", "EcsCluster", "EcsCapacityProvider", "EcrRepository"] {
        for place in places(kind_shape(part)) {
            let top = format!("{part}.{}", shown(&place[..1]));
            let replaces = (1..=place.len())
                .filter_map(|end| meaning(&place[..end]))
                .any(|meaning| meaning.change == Change::Replacement);
            let otherwise = WRITTEN_OTHERWISE.iter().any(|(member, _)| *member == top);
            let updates = UPDATES.iter().filter(|(of, ..)| *of == part);
            let taken = updates
                .map(|(_, api, name, _)| operation(api, name).unwrap().input.unwrap().shape())
                .any(|input| reaches(input, &place));
            if !(replaces || otherwise || taken || top == format!("{part}.region")) {
                problems.push(format!("{part}.{} can be declared, and no call changes it", shown(&place)));
            }
        }
    }
    none(&problems);
}

/// Whether `shape` has the place, by names.
fn reaches(shape: &'static Shape, place: &[Step]) -> bool {
    let mut at = shape;
    for step in place {
        let next = match step {
            Step::Member(holder, member) => {
                at.member(&holder.members()[*member].name).map(ecs_operator::model::facts::Member::shape)
            }
            Step::Element(_) => at.element(),
        };
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    true
}

#[test]
fn every_row_of_the_table_names_a_member_that_can_be_declared() {
    let declared = declared();
    let lost =
        named().filter(|(shape, member)| !declared.contains(&((*shape).to_owned(), (*member).to_owned())));
    none(
        &lost
            .map(|(shape, member)| format!("{shape}.{member} is in the table and in no kind"))
            .collect::<Vec<_>>(),
    );
}

/// Places whose change the diff does not see, with the reason.
const NOT_COMPARED: &[(&str, &str)] = &[
    ("Autoscaling.roleARN", "always the service-linked role of Application Auto Scaling for ECS"),
    ("EcsCluster.region", "where it is, not what it is"),
    ("EcsCapacityProvider.region", "where it is, not what it is"),
    ("EcrRepository.region", "where it is, not what it is"),
];

#[test]
fn the_diff_sees_a_change_of_every_member() {
    let mut problems = Vec::new();
    for (part, ..) in PARTS {
        let shape = kind_shape(part);
        for place in places(shape).iter().filter(|place| matches!(place.last(), Some(Step::Member(..)))) {
            let (one, two) = (document(shape, place, Some(0)), document(shape, place, Some(1)));
            let has_one_value = one == two;
            let seen = compared(shape, &one, &two);
            let explained = NOT_COMPARED.iter().any(|(title_, _)| *title_ == title(place));
            if seen.is_empty() && !has_one_value && !explained {
                problems.push(format!("{part}: {} ({})", shown(place), title(place)));
            }
        }
    }
    none(&problems);
}

#[test]
fn what_changes_is_sent_with_its_new_value() {
    let mut problems = Vec::new();
    for (part, ..) in PARTS {
        let shape = kind_shape(part);
        for place in places(shape).iter().filter(|place| matches!(place.last(), Some(Step::Member(..)))) {
            let (desired, live) = (document(shape, place, Some(1)), document(shape, place, Some(0)));
            let top = shown(&place[..1]);
            let sent = merged(shape, [&top], &object(desired.clone()), &object(live), ACCOUNT);
            if sent.get(&top) != desired.get(&top) {
                problems.push(format!(
                    "{part}: {}: {} instead of {}",
                    shown(place),
                    json!(sent.get(&top)),
                    desired[&top]
                ));
            }
        }
    }
    none(&problems);
}

#[test]
fn an_absent_member_is_a_statement_or_left_alone_as_the_table_says() {
    let mut problems = Vec::new();
    for (part, ..) in PARTS {
        let shape = kind_shape(part);
        for place in places(shape) {
            let Some(Step::Member(holder, at)) = place.last() else { continue };
            let member = &holder.members()[*at];
            if member.required || holder.union {
                continue;
            }
            let (desired, live) = (document(shape, &place, None), document(shape, &place, Some(1)));
            let counts = matches!(
                Meaning::of(holder, member).absent,
                Absent::Default(_) | Absent::DefaultOf(_) | Absent::Nothing
            );
            let found = compared(shape, &desired, &live);
            let alone = found.is_empty();
            // The surroundings may make it the default, or a list's key.
            if !counts && !alone && !is_key(&place) {
                problems.push(format!("{part}: {} is not ours, and differs", shown(&place)));
            }
            let top = shown(&place[..1]);
            let sent = merged(shape, [&top], &object(desired.clone()), &object(live.clone()), ACCOUNT);
            let after: Document = object(desired.clone())
                .into_iter()
                .filter(|(name, _)| *name != top)
                .chain(sent.clone())
                .collect();
            let settled = compared(shape, &desired, &Value::Object(after));
            if !settled.is_empty() && place.len() > 1 {
                let paths: Vec<&str> = settled.differences.iter().map(|one| one.path.as_str()).collect();
                problems.push(format!(
                    "{part}: {} is dropped, {} is sent, and {paths:?} differs still",
                    shown(&place),
                    json!(sent)
                ));
            }
        }
    }
    none(&problems);
}

/// Whether an element of a list around is another element without this member.
fn is_key(place: &[Step]) -> bool {
    let name = shown(&place[place.len() - 1..]);
    let above = place[..place.len() - 1].iter().filter_map(|step| match step {
        Step::Member(shape, at) => Some(Meaning::of(shape, &shape.members()[*at]).compare),
        Step::Element(_) => None,
    });
    let compares: Vec<Compare> = above.collect();
    let keys = match compares.last() {
        Some(Compare::By(keys) | Compare::ByLast(keys) | Compare::Declared(keys)) => *keys,
        _ => &[],
    };
    keys.contains(&name.as_str())
        || compares.iter().any(|one| matches!(one, Compare::Set | Compare::Canonical(_)))
}

/// The shapes that AWS describes a part with.
const DESCRIBED: [(&str, &str, &[&str]); 8] = [
    ("TaskDefinition", "ecs", &["TaskDefinition"]),
    ("Service", "ecs", &["Service", "Deployment", "ServiceRevision"]),
    ("EcsCluster", "ecs", &["Cluster"]),
    ("EcsCapacityProvider", "ecs", &["CapacityProvider"]),
    ("EcrRepository", "ecr", &["Repository"]),
    ("Autoscaling", "application-autoscaling", &["ScalableTarget"]),
    ("Policy", "application-autoscaling", &["ScalingPolicy"]),
    ("ScheduledAction", "application-autoscaling", &["ScheduledAction"]),
];

/// Members that no description has, and how they are read instead.
const READ_OTHERWISE: &[(&str, &str)] = &[
    ("Autoscaling.policies", "DescribeScalingPolicies"),
    ("Autoscaling.scheduledActions", "DescribeScheduledActions"),
    ("EcrRepository.lifecyclePolicy", "GetLifecyclePolicy"),
    ("EcrRepository.repositoryPolicy", "GetRepositoryPolicy"),
    ("EcrRepository.tags", "ListTagsForResource"),
    ("EcrRepository.region", "where it is read"),
    ("EcsCapacityProvider.region", "where it is read"),
    ("EcsCluster.region", "where it is read"),
    ("Service.cluster", "`clusterArn`"),
    ("Service.role", "`roleArn`"),
    ("TaskDefinition.tags", "beside the task definition in the answer"),
];

#[test]
fn what_can_be_declared_is_read_back() {
    let mut found = BTreeSet::new();
    for (part, api, described) in DESCRIBED {
        let is_read = |place: &[Step]| described.iter().any(|name| reaches(shape(api, name).unwrap(), place));
        for place in places(kind_shape(part)) {
            if !is_read(&place) && (1..place.len()).all(|end| is_read(&place[..end])) {
                found.insert(format!("{part}.{}", shown(&place)));
            }
        }
    }
    same(&found, &READ_OTHERWISE.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

/// Members that may be left out and whose default nobody knows.
const UNKNOWN_DEFAULT: &[&str] = &[
    "AcceleratorCountRequest.max",
    "AcceleratorCountRequest.min",
    "AcceleratorTotalMemoryMiBRequest.max",
    "AcceleratorTotalMemoryMiBRequest.min",
    "AutoRepairConfiguration.actionsStatus",
    "BaselineEbsBandwidthMbpsRequest.max",
    "BaselineEbsBandwidthMbpsRequest.min",
    "CapacityReservationRequest.reservationGroupArn",
    "CapacityReservationRequest.reservationPreference",
    "ClusterConfiguration.executeCommandConfiguration",
    "ClusterConfiguration.managedStorageConfiguration",
    "ClusterSetting.name",
    "ClusterSetting.value",
    "CreateManagedInstancesProviderConfiguration.autoRepairConfiguration",
    "CreateManagedInstancesProviderConfiguration.infrastructureOptimization",
    "DeploymentEarlySuccessCriteria.healthyPercent",
    "DeploymentEarlySuccessCriteria.sourceServiceRevisionCleanup",
    "DockerVolumeConfiguration.driver",
    "DockerVolumeConfiguration.scope",
    "EcsCluster.configuration",
    "ExecuteCommandConfiguration.kmsKeyId",
    "ExecuteCommandConfiguration.logConfiguration",
    "ExecuteCommandConfiguration.logging",
    "ExecuteCommandLogConfiguration.cloudWatchLogGroupName",
    "ExecuteCommandLogConfiguration.s3BucketName",
    "ExecuteCommandLogConfiguration.s3KeyPrefix",
    "GatewayConnector.deregistrationDelay",
    "GatewayConnector.filters",
    "GatewayConnector.healthCheck",
    "GatewayConnectorDeregistrationDelay.timeoutSeconds",
    "GatewayConnectorFilters.accessTypes",
    "GatewayConnectorHealthCheck.healthCheckIntervalSeconds",
    "GatewayConnectorHealthCheck.healthCheckPath",
    "GatewayConnectorHealthCheck.healthCheckPort",
    "GatewayConnectorHealthCheck.healthCheckProtocol",
    "GatewayConnectorHealthCheck.healthCheckTimeoutSeconds",
    "GatewayConnectorHealthCheck.healthyThresholdCount",
    "GatewayConnectorHealthCheck.matcher",
    "GatewayConnectorHealthCheck.unhealthyThresholdCount",
    "GatewayConnectorHealthCheckMatcher.grpcCode",
    "GatewayConnectorHealthCheckMatcher.httpCode",
    "InfrastructureOptimization.scaleInAfter",
    "InstanceLaunchTemplate.capacityReservations",
    "InstanceLaunchTemplate.instanceMetadataTagsPropagation",
    "InstanceLaunchTemplate.instanceRequirements",
    "InstanceLaunchTemplate.localStorageConfiguration",
    "InstanceLaunchTemplate.monitoring",
    "InstanceLaunchTemplate.storageConfiguration",
    "InstanceRequirementsRequest.acceleratorCount",
    "InstanceRequirementsRequest.acceleratorManufacturers",
    "InstanceRequirementsRequest.acceleratorNames",
    "InstanceRequirementsRequest.acceleratorTotalMemoryMiB",
    "InstanceRequirementsRequest.acceleratorTypes",
    "InstanceRequirementsRequest.allowedInstanceTypes",
    "InstanceRequirementsRequest.bareMetal",
    "InstanceRequirementsRequest.baselineEbsBandwidthMbps",
    "InstanceRequirementsRequest.burstablePerformance",
    "InstanceRequirementsRequest.cpuManufacturers",
    "InstanceRequirementsRequest.excludedInstanceTypes",
    "InstanceRequirementsRequest.instanceGenerations",
    "InstanceRequirementsRequest.localStorage",
    "InstanceRequirementsRequest.localStorageTypes",
    "InstanceRequirementsRequest.maxSpotPriceAsPercentageOfOptimalOnDemandPrice",
    "InstanceRequirementsRequest.memoryGiBPerVCpu",
    "InstanceRequirementsRequest.networkBandwidthGbps",
    "InstanceRequirementsRequest.networkInterfaceCount",
    "InstanceRequirementsRequest.onDemandMaxPricePercentageOverLowestPrice",
    "InstanceRequirementsRequest.requireHibernateSupport",
    "InstanceRequirementsRequest.spotMaxPricePercentageOverLowestPrice",
    "InstanceRequirementsRequest.totalLocalStorageGB",
    "ManagedInstancesLocalStorageConfiguration.useLocalStorage",
    "ManagedInstancesStorageConfiguration.storageSizeGiB",
    "ManagedScaling.status",
    "ManagedStorageConfiguration.fargateEphemeralStorageKmsKeyId",
    "ManagedStorageConfiguration.kmsKeyId",
    "MemoryGiBPerVCpuRequest.max",
    "MemoryGiBPerVCpuRequest.min",
    "MemoryMiBRequest.max",
    "NetworkBandwidthGbpsRequest.max",
    "NetworkBandwidthGbpsRequest.min",
    "NetworkInterfaceCountRequest.max",
    "NetworkInterfaceCountRequest.min",
    "NvidiaMpsAllocation.maxComputePercent",
    "PredictiveScalingPolicyConfiguration.maxCapacityBreachBehavior",
    "PredictiveScalingPolicyConfiguration.maxCapacityBuffer",
    "PredictiveScalingPolicyConfiguration.schedulingBufferTime",
    "PredictiveScalingPredefinedLoadMetricSpecification.resourceLabel",
    "PredictiveScalingPredefinedMetricPairSpecification.resourceLabel",
    "PredictiveScalingPredefinedScalingMetricSpecification.resourceLabel",
    "ResourceRequirement.value",
    "Service.gatewayConnectors",
    "Service.monitoring",
    "ServiceConnectClientAlias.dnsName",
    "ServiceConnectContainerConfiguration.logLevel",
    "ServiceManagedEBSVolumeConfiguration.encrypted",
    "ServiceManagedEBSVolumeConfiguration.filesystemType",
    "ServiceManagedEBSVolumeConfiguration.iops",
    "ServiceManagedEBSVolumeConfiguration.kmsKeyId",
    "ServiceManagedEBSVolumeConfiguration.sizeInGiB",
    "ServiceManagedEBSVolumeConfiguration.throughput",
    "ServiceManagedEBSVolumeConfiguration.volumeType",
    "Tag.key",
    "Tag.value",
    "TaskDefinition.family",
    "TimeoutConfiguration.idleTimeoutSeconds",
    "TimeoutConfiguration.perRequestTimeoutSeconds",
    "TotalLocalStorageGBRequest.max",
    "TotalLocalStorageGBRequest.min",
    "TrustedExecutionConfiguration.attestationPolicy",
    "VCpuCountRangeRequest.max",
];

#[test]
fn members_with_an_unknown_default_are_these() {
    let unknown = listed(|meaning, required| matches!(meaning.absent, Absent::Unknown) && !required);
    same(&unknown, UNKNOWN_DEFAULT);
}

/// Lists in which the order counts.
const ORDERED: &[&str] = &[
    "ContainerDefinition.command",
    "ContainerDefinition.dnsSearchDomains",
    "ContainerDefinition.dnsServers",
    "ContainerDefinition.entryPoint",
    "HealthCheck.command",
    "PredictiveScalingPolicyConfiguration.metricSpecifications",
    "Service.placementStrategy",
    "ServiceConnectConfiguration.containerConfigurations",
];

#[test]
fn lists_in_which_the_order_counts_are_these() {
    let all = PARTS.iter().flat_map(|(part, ..)| places(kind_shape(part)));
    let ordered = all.filter(|place| match place.last() {
        Some(Step::Member(shape, at)) => {
            let is_list = matches!(shape.members()[*at].shape().kind, Type::List(_));
            is_list && matches!(Meaning::of(shape, &shape.members()[*at]).compare, Compare::Exact)
        }
        _ => false,
    });
    same(&ordered.map(|place| title(&place)).collect(), ORDERED);
}

fn listed(is: impl Fn(&Meaning, bool) -> bool) -> BTreeSet<String> {
    let all = PARTS.iter().flat_map(|(part, ..)| places(kind_shape(part)));
    let found = all.filter(|place| match place.last() {
        Some(Step::Member(shape, at)) => {
            is(&Meaning::of(shape, &shape.members()[*at]), shape.members()[*at].required)
        }
        _ => false,
    });
    found.map(|place| title(&place)).collect()
}

fn same(found: &BTreeSet<String>, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    let new: Vec<_> = found.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(found).collect();
    assert!(new.is_empty() && gone.is_empty(), "\nnew: {new:#?}\ngone: {gone:#?}");
}
