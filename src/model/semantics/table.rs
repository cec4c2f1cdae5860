//! The semantics table: the heart of what the project knows about AWS.
//!
//! A row names members of one shape (those of one meaning together), how they compare, what their
//! absence means, and, for the top of a resource, what changing them does. The sources are the API
//! references, the API models, and recorded answers of AWS; a comment says what is not in them. Tests:
//! `tests/` walks the model and fails for a row that names nothing, and for a member of a kind
//! that is neither here nor known to have an unknown default.

use super::spelling::Spelling;
use super::{Absent, Change, Compare, Meaning, Scope, policy};
use Absent::{Default, DefaultOf, NotOurs, Nothing, Unknown};
use Compare::{By, ByLast, Canonical, Declared, Exact, Set, Spelled};
use serde_json::{Value, json};

pub(super) struct Row {
    pub shape: &'static str,
    /// Separated by spaces.
    pub members: &'static str,
    pub meaning: Meaning,
}

/// A row about a part of a resource.
const fn row(shape: &'static str, members: &'static str, compare: Compare, absent: Absent) -> Row {
    top(shape, members, compare, absent, Change::InPlace)
}

/// A row about a member at the top of a resource, with what changing it does.
const fn top(
    shape: &'static str,
    members: &'static str,
    compare: Compare,
    absent: Absent,
    change: Change,
) -> Row {
    Row { shape, members, meaning: Meaning { compare, absent, change, secret: false } }
}

/// A row about a value that is never shown.
const fn secret(shape: &'static str, members: &'static str) -> Row {
    Row {
        shape,
        members,
        meaning: Meaning { compare: Exact, absent: Nothing, change: Change::InPlace, secret: true },
    }
}

use Change::{ForcedDeployment, InPlace, LaterTasks, NewDeployment, Replacement};

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // ---- Task definition: registering makes a new revision, so absence is a statement nearly everywhere ----
    row("TaskDefinition", "family", Exact, Unknown),
    row("TaskDefinition", "taskRoleArn executionRoleArn", Spelled(Spelling::Role), Nothing),
    row("TaskDefinition", "networkMode", Exact, DefaultOf(network_mode)),
    row("TaskDefinition", "containerDefinitions", By(&["name"]), Nothing),
    row("TaskDefinition", "volumes", By(&["name"]), Nothing),
    row("TaskDefinition", "placementConstraints inferenceAccelerators requiresCompatibilities", Set, Nothing),
    row("TaskDefinition", "cpu", Spelled(Spelling::CpuUnits), Nothing),
    row("TaskDefinition", "memory", Spelled(Spelling::MemoryMib), Nothing),
    row("TaskDefinition", "pidMode ipcMode proxyConfiguration ephemeralStorage runtimePlatform trustedExecutionConfiguration", Exact, Nothing),
    row("TaskDefinition", "enableFaultInjection", Exact, Default("false")),
    row("TaskDefinition", "tags", Declared(&["key"]), NotOurs),

    row("ContainerDefinition", "cpu", Exact, Default("0")),
    row("ContainerDefinition", "essential", Exact, Default("true")),
    row("ContainerDefinition", "environment", ByLast(&["name"]), Nothing),
    row("ContainerDefinition", "secrets systemControls", By(&["name", "namespace"]), Nothing),
    row("ContainerDefinition", "portMappings", By(&["containerPort", "containerPortRange", "protocol"]), Nothing),
    row("ContainerDefinition", "mountPoints", By(&["containerPath"]), Nothing),
    row("ContainerDefinition", "volumesFrom", By(&["sourceContainer"]), Nothing),
    row("ContainerDefinition", "ulimits", By(&["name"]), Nothing),
    row("ContainerDefinition", "dependsOn", By(&["containerName"]), Nothing),
    row("ContainerDefinition", "command entryPoint dnsServers dnsSearchDomains", Exact, Nothing),
    // links come back sorted.
    row("ContainerDefinition", "links extraHosts dockerSecurityOptions resourceRequirements environmentFiles credentialSpecs", Set, Nothing),
    row("ContainerDefinition", "interactive pseudoTerminal privileged readonlyRootFilesystem disableNetworking", Exact, Default("false")),
    row("ContainerDefinition", "versionConsistency", Exact, Default("\"enabled\"")),
    row("ContainerDefinition", "name image repositoryCredentials memory memoryReservation restartPolicy linuxParameters startTimeout stopTimeout hostname user workingDirectory dockerLabels logConfiguration healthCheck firelensConfiguration", Exact, Nothing),
    row("PortMapping", "protocol", Exact, Default("\"tcp\"")),
    row("PortMapping", "hostPort", Exact, DefaultOf(host_port)),
    row("PortMapping", "containerPort containerPortRange name appProtocol", Exact, Nothing),
    row("ContainerRestartPolicy", "ignoredExitCodes", Set, Nothing),
    row("ContainerRestartPolicy", "restartAttemptPeriod", Exact, Nothing),
    secret("KeyValuePair", "value"),
    row("KeyValuePair", "name", Exact, Nothing),
    row("MountPoint", "readOnly", Exact, Default("false")),
    row("MountPoint", "sourceVolume containerPath", Exact, Nothing),
    row("VolumeFrom", "readOnly", Exact, Default("false")),
    row("VolumeFrom", "sourceContainer", Exact, Nothing),
    row("LinuxParameters", "capabilities maxSwap swappiness", Exact, Nothing),
    row("LinuxParameters", "initProcessEnabled", Exact, Default("false")),
    // AWS answers 0 for some revisions where none was sent, and Docker takes 0 as its own default.
    row("LinuxParameters", "sharedMemorySize", Exact, Default("0")),
    row("LinuxParameters", "devices", By(&["hostPath"]), Nothing),
    row("LinuxParameters", "tmpfs", By(&["containerPath"]), Nothing),
    row("KernelCapabilities", "add drop", Set, Nothing),
    row("Device", "permissions", Set, Nothing),
    row("Device", "containerPath", Exact, Nothing),
    row("Tmpfs", "mountOptions", Set, Nothing),
    row("LogConfiguration", "secretOptions", By(&["name"]), Nothing),
    row("LogConfiguration", "options", Exact, Nothing),
    row("FirelensConfiguration", "options", Exact, Nothing),
    row("HealthCheck", "interval", Exact, Default("30")),
    row("HealthCheck", "timeout", Exact, Default("5")),
    row("HealthCheck", "retries", Exact, Default("3")),
    row("HealthCheck", "startPeriod", Exact, Nothing),
    row("SystemControl", "namespace value", Exact, Nothing),
    row("ResourceRequirement", "sharingStrategy", Exact, Nothing),
    row("SharingStrategy", "nvidiaMps", Exact, Nothing),
    row("NvidiaMpsAllocation", "maxComputePercent", Exact, Unknown),
    row("Volume", "name host dockerVolumeConfiguration efsVolumeConfiguration s3filesVolumeConfiguration fsxWindowsFileServerVolumeConfiguration", Exact, Nothing),
    row("Volume", "configuredAtLaunch", Exact, Default("false")),
    row("HostVolumeProperties", "sourcePath", Exact, Nothing),
    row("DockerVolumeConfiguration", "driverOpts labels", Exact, Nothing),
    row("DockerVolumeConfiguration", "autoprovision", Exact, Default("false")),
    row("DockerVolumeConfiguration", "scope driver", Exact, Unknown),
    row("EFSVolumeConfiguration", "transitEncryption", Exact, Default("\"DISABLED\"")),
    row("EFSVolumeConfiguration", "rootDirectory", Exact, Default("\"/\"")),
    row("EFSVolumeConfiguration", "transitEncryptionPort authorizationConfig", Exact, Nothing),
    row("EFSAuthorizationConfig", "accessPointId", Exact, Nothing),
    row("EFSAuthorizationConfig", "iam", Exact, Default("\"DISABLED\"")),
    row("S3FilesVolumeConfiguration", "rootDirectory", Exact, Default("\"/\"")),
    row("S3FilesVolumeConfiguration", "transitEncryptionPort accessPointArn", Exact, Nothing),
    row("TaskDefinitionPlacementConstraint", "type expression", Exact, Nothing),
    row("ProxyConfiguration", "type", Exact, Default("\"APPMESH\"")),
    row("ProxyConfiguration", "properties", By(&["name"]), Nothing),
    row("RuntimePlatform", "cpuArchitecture operatingSystemFamily", Exact, Nothing),
    row("TrustedExecutionConfiguration", "attestationPolicy", Exact, Unknown),

    // ---- Service ----
    top("EcsService", "region", Canonical(ignored), NotOurs, Replacement),
    top("Service", "serviceName", Exact, NotOurs, Replacement),
    top("Service", "cluster", Spelled(Spelling::Name), NotOurs, Replacement),
    // The revision is planned apart: by content, never by comparing this member.
    top("Service", "taskDefinition", Exact, NotOurs, NewDeployment),
    top("Service", "desiredCount", Exact, NotOurs, InPlace),
    top("Service", "availabilityZoneRebalancing", Exact, NotOurs, InPlace),
    top("Service", "launchType", Exact, NotOurs, Replacement),
    top("Service", "capacityProviderStrategy", By(&["capacityProvider"]), NotOurs, ForcedDeployment),
    top("Service", "platformVersion", Canonical(platform_version), NotOurs, NewDeployment),
    top("Service", "schedulingStrategy", Exact, Default("\"REPLICA\""), Replacement),
    top("Service", "role", Canonical(service_role), NotOurs, Replacement),
    top("Service", "deploymentConfiguration", Exact, Default("{}"), InPlace),
    top("Service", "deploymentController", Exact, Default("{\"type\": \"ECS\"}"), NewDeployment),
    top("Service", "loadBalancers", Canonical(load_balancers), Nothing, NewDeployment),
    top("Service", "serviceRegistries", Set, Nothing, NewDeployment),
    top("Service", "networkConfiguration", Exact, Nothing, NewDeployment),
    top("Service", "healthCheckGracePeriodSeconds", Exact, Default("0"), InPlace),
    top("Service", "placementConstraints", Set, Nothing, LaterTasks),
    top("Service", "placementStrategy", Exact, Nothing, LaterTasks),
    top("Service", "enableECSManagedTags enableExecuteCommand", Exact, Default("false"), LaterTasks),
    top("Service", "propagateTags", Exact, Default("\"NONE\""), LaterTasks),
    top("Service", "serviceConnectConfiguration", Canonical(service_connect), Nothing, NewDeployment),
    top("Service", "volumeConfigurations", By(&["name"]), Nothing, NewDeployment),
    top("Service", "vpcLatticeConfigurations", By(&["portName", "targetGroupArn"]), Nothing, NewDeployment),
    // Only the service revision holds these two: what the manifest does not declare is not read.
    top("Service", "gatewayConnectors", By(&["portName"]), Unknown, NewDeployment),
    top("Service", "monitoring", Exact, Unknown, NewDeployment),
    top("Service", "tags", Declared(&["key"]), NotOurs, LaterTasks),

    row("DeploymentConfiguration", "maximumPercent", Exact, DefaultOf(maximum_percent)),
    row("DeploymentConfiguration", "minimumHealthyPercent", Exact, DefaultOf(minimum_healthy_percent)),
    row("DeploymentConfiguration", "strategy", Exact, Default("\"ROLLING\"")),
    row("DeploymentConfiguration", "bakeTimeInMinutes", Exact, Default("0")),
    row("DeploymentConfiguration", "deploymentCircuitBreaker alarms", Exact, Default("{}")),
    row("DeploymentConfiguration", "lifecycleHooks", Set, Nothing),
    row("DeploymentConfiguration", "linearConfiguration", Exact, DefaultOf(linear)),
    row("DeploymentConfiguration", "canaryConfiguration", Exact, DefaultOf(canary)),
    row("DeploymentConfiguration", "earlySuccessCriteria", Exact, Default("{}")),
    row("DeploymentCircuitBreaker", "enable rollback", Exact, Default("false")),
    row("DeploymentCircuitBreaker", "resetOnHealthyTask", Exact, Default("true")),
    row("DeploymentCircuitBreaker", "thresholdConfiguration", Exact, Default("{\"type\": \"BOUNDED_PERCENT\", \"value\": 50}")),
    row("DeploymentAlarms", "alarmNames", Set, Nothing),
    row("DeploymentAlarms", "enable rollback", Exact, Default("false")),
    row("DeploymentEarlySuccessCriteria", "enable", Exact, Default("false")),
    row("LinearConfiguration", "stepPercent", Exact, Default("10")),
    row("LinearConfiguration", "stepBakeTimeInMinutes", Exact, Default("6")),
    row("CanaryConfiguration", "canaryPercent", Exact, Default("5")),
    row("CanaryConfiguration", "canaryBakeTimeInMinutes", Exact, Default("10")),
    row("DeploymentLifecycleHook", "targetType", Exact, Default("\"AWS_LAMBDA\"")),
    row("DeploymentLifecycleHook", "lifecycleStages", Set, Nothing),
    row("DeploymentLifecycleHook", "hookTargetArn hookDetails", Exact, Nothing),
    row("DeploymentLifecycleHook", "roleArn", Spelled(Spelling::Role), Nothing),
    row("DeploymentLifecycleHook", "timeoutConfiguration", Exact, Default("{}")),
    row("DeploymentLifecycleHookTimeoutConfiguration", "timeoutInMinutes", Exact, Default("1440")),
    row("DeploymentLifecycleHookTimeoutConfiguration", "action", Exact, Default("\"ROLLBACK\"")),
    row("CapacityProviderStrategyItem", "capacityProvider", Spelled(Spelling::Name), Nothing),
    row("CapacityProviderStrategyItem", "base weight", Exact, Default("0")),
    row("NetworkConfiguration", "awsvpcConfiguration", Exact, Nothing),
    row("AwsVpcConfiguration", "subnets", Set, Nothing),
    row("AwsVpcConfiguration", "securityGroups", Set, NotOurs),
    row("AwsVpcConfiguration", "assignPublicIp", Exact, Default("\"DISABLED\"")),
    row("LoadBalancer", "targetGroupArn loadBalancerName containerName containerPort advancedConfiguration", Exact, Nothing),
    row("AdvancedConfiguration", "alternateTargetGroupArn productionListenerRule testListenerRule", Exact, Nothing),
    row("AdvancedConfiguration", "roleArn", Spelled(Spelling::Role), Nothing),
    row("ServiceRegistry", "registryArn port containerName containerPort", Exact, Nothing),
    row("PlacementConstraint", "type expression", Exact, Nothing),
    row("PlacementStrategy", "type", Exact, Nothing),
    row("PlacementStrategy", "field", Spelled(Spelling::PlacementField), Nothing),
    row("ServiceConnectConfiguration", "namespace", Spelled(Spelling::Namespace), NotOurs),
    row("ServiceConnectConfiguration", "services", By(&["portName", "discoveryName"]), Nothing),
    row("ServiceConnectConfiguration", "logConfiguration accessLogConfiguration containerConfigurations", Exact, Nothing),
    row("ServiceConnectService", "discoveryName", Exact, DefaultOf(discovery_name)),
    // At most one of a port; a dnsName may be filled in (?).
    row("ServiceConnectService", "clientAliases", By(&["port"]), Nothing),
    row("ServiceConnectService", "ingressPortOverride timeout tls", Exact, Nothing),
    row("ServiceConnectClientAlias", "dnsName", Exact, Unknown),
    row("ServiceConnectClientAlias", "testTrafficRules", Exact, Nothing),
    row("ServiceConnectTestTrafficHeaderRules", "value", Exact, Nothing),
    row("ServiceConnectTlsConfiguration", "kmsKey", Spelled(Spelling::KmsKey), Nothing),
    row("ServiceConnectTlsConfiguration", "roleArn", Spelled(Spelling::Role), Nothing),
    row("ServiceConnectTlsCertificateAuthority", "awsPcaAuthorityArn", Exact, Nothing),
    row("ServiceConnectAccessLogConfiguration", "includeQueryParameters", Exact, Default("\"DISABLED\"")),
    row("ServiceVolumeConfiguration", "managedEBSVolume", Exact, Nothing),
    row("ServiceManagedEBSVolumeConfiguration", "roleArn", Spelled(Spelling::Role), Unknown),
    row("ServiceManagedEBSVolumeConfiguration", "kmsKeyId", Spelled(Spelling::KmsKey), Unknown),
    row("ServiceManagedEBSVolumeConfiguration", "tagSpecifications", Set, Nothing),
    row("ServiceManagedEBSVolumeConfiguration", "snapshotId volumeInitializationRate", Exact, Nothing),
    row("ServiceManagedEBSVolumeConfiguration", "encrypted volumeType sizeInGiB iops throughput filesystemType", Exact, Unknown),
    row("EBSTagSpecification", "tags", By(&["key"]), Nothing),
    row("EBSTagSpecification", "propagateTags", Exact, Default("\"NONE\"")),
    row("VpcLatticeConfiguration", "roleArn", Spelled(Spelling::Role), Nothing),
    row("VpcLatticeConfiguration", "advancedConfiguration", Exact, Nothing),
    row("VpcLatticeAdvancedConfiguration", "alternateTargetGroupArn productionListenerRule testListenerRule", Exact, Nothing),
    row("MonitoringConfiguration", "metricConfigurations", Set, Nothing),
    row("MetricConfiguration", "metricNames", Set, Nothing),
    row("GatewayConnectorFilters", "accessTypes", Set, Unknown),

    // ---- Cluster ----
    top("EcsCluster", "region", Canonical(ignored), NotOurs, Replacement),
    top("EcsCluster", "clusterName", Exact, NotOurs, Replacement),
    // containerInsights may come from an account's default.
    top("EcsCluster", "settings", Declared(&["name"]), NotOurs, InPlace),
    top("EcsCluster", "configuration", Exact, Unknown, InPlace),
    top("EcsCluster", "capacityProviders", Canonical(providers), NotOurs, InPlace),
    top("EcsCluster", "defaultCapacityProviderStrategy", By(&["capacityProvider"]), DefaultOf(cluster_strategy), InPlace),
    top("EcsCluster", "serviceConnectDefaults", Exact, Nothing, InPlace),
    top("EcsCluster", "tags", Declared(&["key"]), NotOurs, InPlace),
    row("ClusterServiceConnectDefaultsRequest", "namespace", Spelled(Spelling::Namespace), Nothing),
    row("ExecuteCommandConfiguration", "kmsKeyId", Spelled(Spelling::KmsKey), Unknown),
    row("ExecuteCommandLogConfiguration", "cloudWatchEncryptionEnabled s3EncryptionEnabled", Exact, Default("false")),
    row("ManagedStorageConfiguration", "kmsKeyId fargateEphemeralStorageKmsKeyId", Spelled(Spelling::KmsKey), Unknown),

    // ---- Capacity provider ----
    top("EcsCapacityProvider", "region", Canonical(ignored), NotOurs, Replacement),
    top("EcsCapacityProvider", "name", Exact, NotOurs, Replacement),
    top("EcsCapacityProvider", "cluster", Spelled(Spelling::Name), NotOurs, Replacement),
    top("EcsCapacityProvider", "autoScalingGroupProvider managedInstancesProvider", Exact, NotOurs, InPlace),
    top("EcsCapacityProvider", "tags", Declared(&["key"]), NotOurs, InPlace),
    top("AutoScalingGroupProvider", "autoScalingGroupArn", Spelled(Spelling::AutoScalingGroup), NotOurs, Replacement),
    row("AutoScalingGroupProvider", "managedScaling", Exact, Default("{}")),
    row("AutoScalingGroupProvider", "managedTerminationProtection", Exact, Default("\"DISABLED\"")),
    row("AutoScalingGroupProvider", "managedDraining", Exact, Default("\"ENABLED\"")),
    // The reference documents DISABLED nowhere; a provider made without managedScaling answers DISABLED (?).
    row("ManagedScaling", "status", Exact, Unknown),
    row("ManagedScaling", "targetCapacity", Exact, Default("100")),
    row("ManagedScaling", "minimumScalingStepSize", Exact, Default("1")),
    row("ManagedScaling", "maximumScalingStepSize", Exact, Default("10000")),
    row("ManagedScaling", "instanceWarmupPeriod", Exact, Default("300")),
    row("CreateManagedInstancesProviderConfiguration", "infrastructureRoleArn", Spelled(Spelling::Role), NotOurs),
    row("CreateManagedInstancesProviderConfiguration", "propagateTags", Exact, Default("\"NONE\"")),
    row("CreateManagedInstancesProviderConfiguration", "infrastructureOptimization autoRepairConfiguration", Exact, Unknown),
    top("InstanceLaunchTemplate", "capacityOptionType fipsEnabled nitroEnclavesEnabled", Exact, NotOurs, Replacement),
    row("InstanceLaunchTemplate", "ec2InstanceProfileArn", Spelled(Spelling::Role), NotOurs),
    row("ManagedInstancesNetworkConfiguration", "subnets", Set, NotOurs),
    row("ManagedInstancesNetworkConfiguration", "securityGroups", Set, NotOurs),
    row("InstanceRequirementsRequest", "cpuManufacturers excludedInstanceTypes instanceGenerations localStorageTypes acceleratorTypes acceleratorManufacturers acceleratorNames allowedInstanceTypes", Set, Unknown),

    // ---- Repository ----
    top("EcrRepository", "region", Canonical(ignored), NotOurs, Replacement),
    top("EcrRepository", "repositoryName", Exact, NotOurs, Replacement),
    top("EcrRepository", "imageTagMutability", Exact, Default("\"MUTABLE\""), InPlace),
    top("EcrRepository", "imageTagMutabilityExclusionFilters", Set, Nothing, InPlace),
    top("EcrRepository", "imageScanningConfiguration", Exact, Default("{}"), InPlace),
    row("ImageScanningConfiguration", "scanOnPush", Exact, Default("false")),
    top("EcrRepository", "encryptionConfiguration", Exact, Default("{}"), Replacement),
    row("EncryptionConfiguration", "encryptionType", Exact, Default("\"AES256\"")),
    row("EncryptionConfiguration", "kmsKey", Spelled(Spelling::KmsKey), NotOurs),
    top("EcrRepository", "tags", Declared(&["key"]), NotOurs, InPlace),
    top("EcrRepository", "lifecyclePolicy", Exact, Nothing, InPlace),
    top("EcrRepository", "repositoryPolicy", Canonical(policy::canonical), Nothing, InPlace),
    row("LifecyclePolicy", "rules", By(&["rulePriority"]), Nothing),
    row("LifecycleRule", "description", Exact, Nothing),
    row("LifecycleSelection", "tagPrefixList tagPatternList", Set, Nothing),
    row("LifecycleSelection", "countUnit storageClass", Exact, Nothing),
    row("LifecycleAction", "targetStorageClass", Exact, Nothing),

    // ---- Application Auto Scaling ----
    row("Autoscaling", "minCapacity maxCapacity", Exact, NotOurs),
    // Always the service-linked role for ECS.
    row("Autoscaling", "roleARN", Canonical(ignored), NotOurs),
    row("Autoscaling", "suspendedState", Exact, Default("{}")),
    row("SuspendedState", "dynamicScalingInSuspended dynamicScalingOutSuspended scheduledScalingSuspended", Exact, Default("false")),
    row("Autoscaling", "policies", By(&["policyName"]), Nothing),
    row("Autoscaling", "scheduledActions", By(&["scheduledActionName"]), Nothing),
    row("Policy", "policyType stepScalingPolicyConfiguration targetTrackingScalingPolicyConfiguration predictiveScalingPolicyConfiguration", Exact, Nothing),
    row("StepScalingPolicyConfiguration", "adjustmentType minAdjustmentMagnitude", Exact, Nothing),
    row("StepScalingPolicyConfiguration", "cooldown", Exact, Default("300")),
    row("StepScalingPolicyConfiguration", "metricAggregationType", Exact, Default("\"Average\"")),
    row("StepScalingPolicyConfiguration", "stepAdjustments", By(&["metricIntervalLowerBound", "metricIntervalUpperBound"]), Nothing),
    row("StepAdjustment", "metricIntervalLowerBound metricIntervalUpperBound", Exact, Nothing),
    row("TargetTrackingScalingPolicyConfiguration", "disableScaleIn", Exact, Default("false")),
    // Not echoed unless set (?): an answer that spells out the reference's default of 300 is the same.
    row("TargetTrackingScalingPolicyConfiguration", "scaleOutCooldown scaleInCooldown", Exact, Default("300")),
    row("TargetTrackingScalingPolicyConfiguration", "predefinedMetricSpecification customizedMetricSpecification", Exact, Nothing),
    row("PredefinedMetricSpecification", "resourceLabel", Exact, Nothing),
    row("CustomizedMetricSpecification", "metricName namespace statistic unit", Exact, Nothing),
    row("CustomizedMetricSpecification", "dimensions", By(&["name"]), Nothing),
    row("CustomizedMetricSpecification", "metrics", By(&["id"]), Nothing),
    row("TargetTrackingMetricDataQuery", "expression label metricStat", Exact, Nothing),
    row("TargetTrackingMetricDataQuery", "returnData", Exact, Default("true")),
    row("TargetTrackingMetricStat", "unit", Exact, Nothing),
    row("TargetTrackingMetric", "dimensions", By(&["name"]), Nothing),
    row("TargetTrackingMetric", "metricName namespace", Exact, Nothing),
    row("PredictiveScalingPolicyConfiguration", "mode", Exact, Default("\"ForecastOnly\"")),
    row("PredictiveScalingPolicyConfiguration", "schedulingBufferTime maxCapacityBreachBehavior maxCapacityBuffer", Exact, Unknown),
    row("PredictiveScalingMetricSpecification", "predefinedMetricPairSpecification predefinedScalingMetricSpecification predefinedLoadMetricSpecification customizedScalingMetricSpecification customizedLoadMetricSpecification customizedCapacityMetricSpecification", Exact, Nothing),
    row("PredictiveScalingCustomizedMetricSpecification", "metricDataQueries", By(&["id"]), Nothing),
    row("PredictiveScalingMetricDataQuery", "expression metricStat label", Exact, Nothing),
    row("PredictiveScalingMetricDataQuery", "returnData", Exact, Default("true")),
    row("PredictiveScalingMetricStat", "unit", Exact, Nothing),
    row("PredictiveScalingMetric", "dimensions", By(&["name"]), Nothing),
    row("PredictiveScalingMetric", "metricName namespace", Exact, Nothing),
    row("ScheduledAction", "timezone", Exact, Default("\"UTC\"")),
    row("ScheduledAction", "startTime endTime scalableTargetAction", Exact, Nothing),
    row("ScalableTargetAction", "minCapacity maxCapacity", Exact, Nothing),
];

// What the table calls is of one type, whether or not a default always follows.
/// Without one the mode is bridge, unless the task is for Fargate, which must name awsvpc.
#[allow(clippy::unnecessary_wraps)]
fn network_mode(scope: &Scope) -> Option<Value> {
    let fargate = scope.root.get("requiresCompatibilities").and_then(Value::as_array);
    let fargate = fargate.is_some_and(|list| list.iter().any(|one| one == "FARGATE"));
    Some(json!(if fargate { "awsvpc" } else { "bridge" }))
}

/// awsvpc and host: the container's port; bridge: 0, any free one. A range has none.
fn host_port(scope: &Scope) -> Option<Value> {
    match scope.root_str("networkMode") {
        Some("awsvpc" | "host") => scope.parent.get("containerPort").cloned(),
        _ if scope.parent.contains_key("containerPort") => Some(json!(0)),
        _ => None,
    }
}

#[allow(clippy::unnecessary_wraps)]
fn maximum_percent(scope: &Scope) -> Option<Value> {
    Some(json!(if scope.root_str("schedulingStrategy") == Some("DAEMON") { 100 } else { 200 }))
}

#[allow(clippy::unnecessary_wraps)]
fn minimum_healthy_percent(scope: &Scope) -> Option<Value> {
    Some(json!(if scope.root_str("schedulingStrategy") == Some("DAEMON") { 0 } else { 100 }))
}

/// LINEAR and CANARY fill their configuration; under another strategy there is none, and none may be sent.
#[allow(clippy::unnecessary_wraps)]
fn linear(scope: &Scope) -> Option<Value> {
    Some(if scope.parent.get("strategy").is_some_and(|one| one == "LINEAR") {
        json!({})
    } else {
        Value::Null
    })
}

#[allow(clippy::unnecessary_wraps)]
fn canary(scope: &Scope) -> Option<Value> {
    Some(if scope.parent.get("strategy").is_some_and(|one| one == "CANARY") {
        json!({})
    } else {
        Value::Null
    })
}

fn discovery_name(scope: &Scope) -> Option<Value> {
    scope.parent.get("portName").cloned()
}

/// Who declares a cluster's providers declares its strategy, too.
fn cluster_strategy(scope: &Scope) -> Option<Value> {
    scope.root.contains_key("capacityProviders").then(|| json!([]))
}

/// Says nothing about the resource: where it is, or what AWS always fills in the same way.
fn ignored(_: &Value, _: &Scope) -> Value {
    Value::Null
}

/// LATEST is whatever AWS runs: as good as absent.
fn platform_version(value: &Value, _: &Scope) -> Value {
    if value == "LATEST" { Value::Null } else { value.clone() }
}

/// The service-linked role is what a service has when it names none.
fn service_role(value: &Value, scope: &Scope) -> Value {
    match value.as_str() {
        Some(role) if role.contains("AWSServiceRoleForECS") => Value::Null,
        Some(role) => json!(Spelling::Role.canonical(role, scope)),
        None => value.clone(),
    }
}

/// Sorted, without doubles, and without providers of Managed Instances' own kind, which cannot be in the set:
/// those are left out by whoever reads the cluster.
fn providers(value: &Value, scope: &Scope) -> Value {
    let mut names: Vec<String> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|name| Spelling::Name.canonical(name, scope))
        .collect();
    names.sort();
    names.dedup();
    json!(names)
}

/// A set; and where there is another target group to swap traffic with, which of the pair is live says nothing,
/// whatever strategy either side has.
/// CODE_DEPLOY keeps the pair to itself, so there the group says nothing at all.
fn load_balancers(value: &Value, scope: &Scope) -> Value {
    let controller = scope.root.get("deploymentController").and_then(|controller| controller.get("type"));
    let by_code_deploy = controller.and_then(Value::as_str) == Some("CODE_DEPLOY");
    let mut elements: Vec<Value> = value.as_array().cloned().unwrap_or_default();
    for element in elements.iter_mut().filter_map(Value::as_object_mut) {
        if by_code_deploy {
            element.remove("targetGroupArn");
        }
        sort_pair(element);
    }
    elements.sort_by_key(Value::to_string);
    Value::Array(elements)
}

fn sort_pair(load_balancer: &mut serde_json::Map<String, Value>) {
    let live = load_balancer.get("targetGroupArn").cloned();
    let alternate = load_balancer
        .get("advancedConfiguration")
        .and_then(|more| more.get("alternateTargetGroupArn"))
        .cloned();
    let (Some(live), Some(alternate)) = (live, alternate) else { return };
    if live.as_str() > alternate.as_str() {
        load_balancer.insert("targetGroupArn".into(), alternate);
        if let Some(more) = load_balancer.get_mut("advancedConfiguration").and_then(Value::as_object_mut) {
            more.insert("alternateTargetGroupArn".into(), live);
        }
    }
}

/// Disabled is absent, whatever else it says.
fn service_connect(value: &Value, _: &Scope) -> Value {
    if value.get("enabled") == Some(&Value::Bool(false)) { Value::Null } else { value.clone() }
}
