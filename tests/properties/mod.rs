//! What holds for whatever is declared, over generated manifests that use any member of the model.
//!
//! A failure shrinks by dropping members. `PROPTEST_CASES` sets the number of fleets a property is tried on.

pub mod generator;
mod members;
mod respell;

use crate::world::{World, count, desired, is_empty, of, told};
use ecs_operator::aws::Operation;
use ecs_operator::model::facts::Shape;
use ecs_operator::model::names::Kind;
use ecs_operator::plan::Verdict;
use ecs_operator::sandbox::FaultKind;
use generator::{Place, Recipe};
use proptest::prelude::*;
use respell::respelled;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::future::Future;

/// Runs under paused time.
fn under_paused_time<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(story)
}

fn places() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Fargate),
        Just(Place::Awsvpc),
        Just(Place::Bridge),
        Just(Place::Host),
        Just(Place::Daemon)
    ]
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let seeds = any::<u64>().no_shrink();
    (places(), seeds, seeds, 0..100u64).prop_map(|(place, identity, seed, density)| Recipe {
        place,
        identity,
        seed,
        density,
    })
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_applied_needs_no_second_apply(recipe in recipes()) {
        under_paused_time(async {
            let world = World::seeded(recipe.seed).await;
            let applied = world.applies(&recipe.fleet()).await;
            for operation in ["CreateCapacityProvider", "CreateCluster", "CreateRepository", "RegisterTaskDefinition", "CreateService"] {
                assert_eq!(count(&applied.changes, operation), 1, "{:?}", applied.changes);
            }
            assert_eq!(count(&applied.changes, "UpdateService"), 0);
        });
    }

    #[test]
    fn there_and_back_again_ends_where_it_began_with_two_revisions((one, two) in pairs()) {
        under_paused_time(async {
            let world = World::seeded(one.seed).await;
            let (one, two) = (one.fleet(), two.fleet());
            world.applies(&one).await;
            for (fleet, most) in [(&two, 1), (&one, 0), (&two, 0)] {
                let applied = world.applies(fleet).await;
                let changes = &applied.changes;
                assert!(count(changes, "RegisterTaskDefinition") <= most, "{changes:?}");
                assert!(count(changes, "UpdateService") <= 1, "{changes:?}");
                let anew = changes.iter().filter(|change| change.starts_with("Create") || change.starts_with("DeleteService"));
                assert_eq!(anew.count(), 0, "{changes:?}");
            }
            assert!(world.revisions("web").await.len() <= 2);
        });
    }

    #[test]
    fn another_spelling_of_the_same_is_the_same(recipe in recipes(), how in any::<u64>().no_shrink()) {
        under_paused_time(async {
            let world = World::seeded(recipe.seed).await;
            world.applies(&recipe.fleet()).await;
            let other: Vec<_> = recipe.fleet().into_iter().map(|manifest| respelled(manifest, how)).collect();
            world.has_nothing_to_do(&other).await;
        });
    }

    #[test]
    fn whatever_fails_on_the_way_nothing_is_made_twice(recipe in recipes(), faults in faults()) {
        under_paused_time(async {
            let world = World::seeded(recipe.seed).await;
            for (operation, kind, times) in faults {
                world.script(operation, kind, times);
            }
            // What fails is told, and the next apply goes on from there.
            for _ in 0..30 {
                let applied = world.apply(&recipe.fleet()).await;
                if applied.failures.is_empty() && is_empty(&applied.last) {
                    break;
                }
            }
            world.applies(&recipe.fleet()).await;
            assert_eq!(world.revisions("web").await.len(), 1);
        });
    }

    #[test]
    fn what_somebody_else_changes_is_named_and_healed((one, two) in pairs()) {
        under_paused_time(async {
            let world = World::seeded(one.seed).await;
            let fleet = one.fleet();
            world.applies(&fleet).await;
            let service = two.fleet().remove(3)["spec"]["service"].clone();
            let member = one.pick("drift", &["deploymentConfiguration", "enableECSManagedTags", "propagateTags", "networkConfiguration", "placementStrategy"]);
            let Some(value) = service.get(member).filter(|_| fleet[3]["spec"]["service"].get(member).is_some()) else { return };
            let change = json!({"cluster": "shop", "service": "web", member: value});
            // What AWS refuses beside the rest of the service changes nothing.
            if !world.is_taken(Operation::UpdateService, &change).await {
                return;
            }
            world.settle().await;
            let plan = world.plan(&fleet).await;
            for planned in &of(&plan, "web").differences {
                let path = &planned.difference.path;
                assert!(path.starts_with(&format!("service.{member}")) && planned.drift, "{}", told(&plan));
            }
            for action in plan.actions.iter().filter(|action| action.operation == "UpdateService") {
                let sent: Vec<&str> = action.input.keys().map(String::as_str).collect();
                assert_eq!(sent, ["cluster", "service", member]);
            }
            let applied = world.applies(&fleet).await;
            assert_eq!(count(&applied.changes, "RegisterTaskDefinition"), 0);
        });
    }

    #[test]
    fn an_import_plans_to_adoptions_and_nothing_else(recipe in recipes()) {
        under_paused_time(async {
            let mut world = World::seeded(recipe.seed).await;
            world.applies(&recipe.fleet()).await;
            world.disown().await;
            let imported = world.import("shop").await;
            let plan = world.plan(&imported).await;
            for object in &plan.objects {
                assert_eq!(object.verdict, Verdict::Adopt, "{}", told(&plan));
                assert!(object.differences.is_empty(), "{}", told(&plan));
            }
            assert!(plan.objects.iter().any(|object| object.key.name == "web"));
            let applied = world.applies(&imported).await;
            assert!(applied.changes.iter().all(|change| change == "TagResource"), "{:?}", applied.changes);
        });
    }
}

/// Two fleets of one identity: the second is another, or the first with members dropped.
fn pairs() -> impl Strategy<Value = (Recipe, Recipe)> {
    (recipes(), any::<u64>().no_shrink(), 0..100u64, any::<bool>()).prop_map(|(one, seed, density, other)| {
        let seed = if other { seed } else { one.seed };
        (one, Recipe { seed, density, ..one })
    })
}

fn faults() -> impl Strategy<Value = Vec<(&'static str, FaultKind, u32)>> {
    let operation = prop::sample::select(vec![
        "*",
        "CreateCluster",
        "CreateCapacityProvider",
        "PutClusterCapacityProviders",
        "CreateRepository",
        "PutLifecyclePolicy",
        "RegisterTaskDefinition",
        "CreateService",
        "TagResource",
        "RegisterScalableTarget",
        "PutScalingPolicy",
        "PutScheduledAction",
        "DescribeServices",
        "DescribeClusters",
    ]);
    let kind = prop::sample::select(vec![
        FaultKind::Throttled,
        FaultKind::ThrottledAsClientException,
        FaultKind::ServerError,
        FaultKind::Unavailable,
        FaultKind::Denied,
        FaultKind::LostRequest,
        FaultKind::LostAnswer,
    ]);
    prop::collection::vec((operation, kind, 1..4u32), 0..6)
}

/// Members that no generated fleet has, and why.
const NOT_GENERATED: &[&str] = &[
    // Providers of Managed Instances: the import's tests have them.
    "AcceleratorCountRequest.max",
    "AcceleratorCountRequest.min",
    "AcceleratorTotalMemoryMiBRequest.max",
    "AcceleratorTotalMemoryMiBRequest.min",
    "AutoRepairConfiguration.actionsStatus",
    "BaselineEbsBandwidthMbpsRequest.max",
    "BaselineEbsBandwidthMbpsRequest.min",
    "CapacityReservationRequest.reservationGroupArn",
    "CapacityReservationRequest.reservationPreference",
    "CreateManagedInstancesProviderConfiguration.autoRepairConfiguration",
    "CreateManagedInstancesProviderConfiguration.infrastructureOptimization",
    "CreateManagedInstancesProviderConfiguration.infrastructureRoleArn",
    "CreateManagedInstancesProviderConfiguration.instanceLaunchTemplate",
    "CreateManagedInstancesProviderConfiguration.propagateTags",
    "EcsCapacityProvider.cluster",
    "EcsCapacityProvider.managedInstancesProvider",
    "InfrastructureOptimization.scaleInAfter",
    "InstanceLaunchTemplate.capacityOptionType",
    "InstanceLaunchTemplate.capacityReservations",
    "InstanceLaunchTemplate.ec2InstanceProfileArn",
    "InstanceLaunchTemplate.fipsEnabled",
    "InstanceLaunchTemplate.instanceMetadataTagsPropagation",
    "InstanceLaunchTemplate.instanceRequirements",
    "InstanceLaunchTemplate.localStorageConfiguration",
    "InstanceLaunchTemplate.monitoring",
    "InstanceLaunchTemplate.networkConfiguration",
    "InstanceLaunchTemplate.nitroEnclavesEnabled",
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
    "InstanceRequirementsRequest.memoryMiB",
    "InstanceRequirementsRequest.networkBandwidthGbps",
    "InstanceRequirementsRequest.networkInterfaceCount",
    "InstanceRequirementsRequest.onDemandMaxPricePercentageOverLowestPrice",
    "InstanceRequirementsRequest.requireHibernateSupport",
    "InstanceRequirementsRequest.spotMaxPricePercentageOverLowestPrice",
    "InstanceRequirementsRequest.totalLocalStorageGB",
    "InstanceRequirementsRequest.vCpuCount",
    "ManagedInstancesLocalStorageConfiguration.useLocalStorage",
    "ManagedInstancesNetworkConfiguration.securityGroups",
    "ManagedInstancesNetworkConfiguration.subnets",
    "ManagedInstancesStorageConfiguration.storageSizeGiB",
    "MemoryGiBPerVCpuRequest.max",
    "MemoryGiBPerVCpuRequest.min",
    "MemoryMiBRequest.max",
    "MemoryMiBRequest.min",
    "NetworkBandwidthGbpsRequest.max",
    "NetworkBandwidthGbpsRequest.min",
    "NetworkInterfaceCountRequest.max",
    "NetworkInterfaceCountRequest.min",
    "TotalLocalStorageGBRequest.max",
    "TotalLocalStorageGBRequest.min",
    "VCpuCountRangeRequest.max",
    "VCpuCountRangeRequest.min",
    // Gateways are made elsewhere.
    "GatewayConnector.deregistrationDelay",
    "GatewayConnector.filters",
    "GatewayConnector.healthCheck",
    "GatewayConnector.portName",
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
    "Service.gatewayConnectors",
    // What few places take, or AWS refuses beside something else that is always there; `model` walks them.
    "AdvancedConfiguration.testListenerRule",
    "AutoScalingGroupProvider.managedTerminationProtection",
    "ContainerDefinition.credentialSpecs",
    "ContainerDefinition.disableNetworking",
    "DeploymentConfiguration.earlySuccessCriteria",
    "DeploymentController.type",
    "DeploymentEarlySuccessCriteria.enable",
    "DeploymentEarlySuccessCriteria.healthyPercent",
    "DeploymentEarlySuccessCriteria.sourceServiceRevisionCleanup",
    "Device.containerPath",
    "DockerVolumeConfiguration.autoprovision",
    "EcrRepository.region",
    "EcsCapacityProvider.region",
    "EcsCluster.region",
    "EcsService.region",
    "ExecuteCommandLogConfiguration.s3BucketName",
    "ExecuteCommandLogConfiguration.s3EncryptionEnabled",
    "ExecuteCommandLogConfiguration.s3KeyPrefix",
    "InferenceAccelerator.deviceName",
    "InferenceAccelerator.deviceType",
    "LifecycleAction.targetStorageClass",
    "LifecycleSelection.storageClass",
    "LoadBalancer.loadBalancerName",
    "LogConfiguration.secretOptions",
    "NvidiaMpsAllocation.maxComputePercent",
    "NvidiaMpsAllocation.memory",
    "PortMapping.containerPortRange",
    "PredefinedMetricSpecification.resourceLabel",
    "PredictiveScalingCustomizedMetricSpecification.metricDataQueries",
    "PredictiveScalingMetric.dimensions",
    "PredictiveScalingMetric.metricName",
    "PredictiveScalingMetric.namespace",
    "PredictiveScalingMetricDataQuery.expression",
    "PredictiveScalingMetricDataQuery.id",
    "PredictiveScalingMetricDataQuery.label",
    "PredictiveScalingMetricDataQuery.metricStat",
    "PredictiveScalingMetricDataQuery.returnData",
    "PredictiveScalingMetricDimension.name",
    "PredictiveScalingMetricDimension.value",
    "PredictiveScalingMetricSpecification.customizedCapacityMetricSpecification",
    "PredictiveScalingMetricSpecification.customizedLoadMetricSpecification",
    "PredictiveScalingMetricSpecification.customizedScalingMetricSpecification",
    "PredictiveScalingMetricSpecification.predefinedLoadMetricSpecification",
    "PredictiveScalingMetricSpecification.predefinedScalingMetricSpecification",
    "PredictiveScalingMetricStat.metric",
    "PredictiveScalingMetricStat.stat",
    "PredictiveScalingMetricStat.unit",
    "PredictiveScalingPolicyConfiguration.maxCapacityBreachBehavior",
    "PredictiveScalingPolicyConfiguration.maxCapacityBuffer",
    "PredictiveScalingPredefinedLoadMetricSpecification.predefinedMetricType",
    "PredictiveScalingPredefinedLoadMetricSpecification.resourceLabel",
    "PredictiveScalingPredefinedMetricPairSpecification.resourceLabel",
    "PredictiveScalingPredefinedScalingMetricSpecification.predefinedMetricType",
    "PredictiveScalingPredefinedScalingMetricSpecification.resourceLabel",
    "ResourceRequirement.sharingStrategy",
    "Service.deploymentController",
    "Service.role",
    "Service.taskDefinition",
    "ServiceConnectClientAlias.testTrafficRules",
    "ServiceConnectTestTrafficHeaderMatchRules.exact",
    "ServiceConnectTestTrafficHeaderRules.name",
    "ServiceConnectTestTrafficHeaderRules.value",
    "ServiceConnectTestTrafficRules.header",
    "ServiceManagedEBSVolumeConfiguration.snapshotId",
    "ServiceManagedEBSVolumeConfiguration.volumeInitializationRate",
    "ServiceRegistry.containerName",
    "ServiceRegistry.containerPort",
    "ServiceRegistry.port",
    "SharingStrategy.nvidiaMps",
    "StepScalingPolicyConfiguration.minAdjustmentMagnitude",
    "TaskDefinition.inferenceAccelerators",
    "TaskDefinition.trustedExecutionConfiguration",
    "TrustedExecutionConfiguration.attestationPolicy",
    "TrustedExecutionConfiguration.isolationMode",
    "VpcLatticeAdvancedConfiguration.alternateTargetGroupArn",
    "VpcLatticeAdvancedConfiguration.productionListenerRule",
    "VpcLatticeAdvancedConfiguration.testListenerRule",
    "VpcLatticeConfiguration.advancedConfiguration",
];

#[test]
fn the_fleets_use_every_member_of_the_model_but_these() {
    let (mut all, mut used) = (BTreeSet::new(), BTreeSet::new());
    for kind in Kind::ALL {
        declared(kind.spec(), &mut all);
    }
    let places = [Place::Fargate, Place::Awsvpc, Place::Bridge, Place::Host, Place::Daemon];
    for (seed, place) in (0..60).zip(places.into_iter().cycle()) {
        let recipe = Recipe { place, identity: seed, seed, density: 95 };
        for object in desired(&recipe.fleet()).objects.values() {
            members(object.key.kind.spec(), &Value::Object(object.spec.clone()), &mut used);
        }
    }
    let expected: BTreeSet<String> = NOT_GENERATED.iter().map(|name| (*name).to_owned()).collect();
    let unused: BTreeSet<String> = all.difference(&used).cloned().collect();
    let (new, gone): (Vec<_>, Vec<_>) =
        (unused.difference(&expected).collect(), expected.difference(&unused).collect());
    assert!(new.is_empty() && gone.is_empty(), "new: {new:#?}\ngone: {gone:#?}");
}

/// `Shape.member` of everything below a shape.
fn declared(shape: &'static Shape, all: &mut BTreeSet<String>) {
    for member in shape.members() {
        if all.insert(format!("{}.{}", shape.name, member.name)) {
            declared(member.shape(), all);
        }
    }
    if let Some(element) = shape.element() {
        declared(element, all);
    }
}

/// `Shape.member` of everything that a document has.
fn members(shape: &'static Shape, value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(document) if shape.is_structure() => {
            for (name, value) in document {
                if let Some(member) = shape.member(name) {
                    used.insert(format!("{}.{name}", shape.name));
                    members(member.shape(), value, used);
                }
            }
        }
        Value::Array(elements) => {
            elements
                .iter()
                .zip(shape.element().into_iter().cycle())
                .for_each(|(one, element)| members(element, one, used));
        }
        _ => {}
    }
}
