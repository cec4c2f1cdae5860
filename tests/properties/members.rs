//! What the generator knows by hand: names that refer to each other, and what AWS takes only together or only in
//! some places.

// One arm per member: a table.
#![allow(
    clippy::match_same_arms,
    clippy::too_many_lines,
    clippy::semicolon_if_nothing_returned,
    clippy::cast_possible_truncation
)]

use super::generator::{Hand, Place, Recipe, hashed};
use crate::world::extend;
use Hand::{Always, Facts, Never};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/shop";
const GROUP: &str = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c0000-0000-4000-8000-000000000000:autoScalingGroupName/shop";
/// Task sizes of Fargate: cpu, memory.
const SIZES: [(&str, &str); 6] = [
    ("256", "1024"),
    ("512", "2048"),
    ("1 vCPU", "4 GB"),
    ("2048", "8192"),
    ("4096", "16384"),
    (".25 vcpu", "2 GB"),
];

fn given(value: Value) -> Hand {
    Hand::Value(value)
}

/// `Facts` where `allowed`.
fn only(allowed: bool) -> Hand {
    if allowed { Facts } else { Never }
}

pub fn by_hand(recipe: Recipe, shape: &str, member: &str, path: &str) -> Hand {
    let ec2 = recipe.place != Place::Fargate;
    match (shape, member) {
        (_, "tags") => given(json!([{"key": "team", "value": recipe.pick(path, &["a", "b", "c"])}])),
        (_, "region" | "family" | "serviceName" | "clusterName" | "repositoryName" | "name")
            if !path.contains('[') =>
        {
            Never
        }
        ("TaskDefinition", _) => task_definition(recipe, member, path),
        ("ContainerDefinition", _) => container(recipe, member, path, ec2),
        ("Service", _) => service(recipe, member, path),
        _ => part(recipe, shape, member, path, ec2),
    }
}

fn task_definition(recipe: Recipe, member: &str, path: &str) -> Hand {
    let ec2 = recipe.place != Place::Fargate;
    let size = recipe.pick("size", &SIZES);
    match member {
        "taskRoleArn" | "executionRoleArn" => Hand::Fixed(json!(ROLE)),
        "networkMode" if recipe.place == Place::Bridge || recipe.place == Place::Daemon => {
            given(json!("bridge"))
        }
        "networkMode" => Hand::Fixed(json!(recipe.network_mode())),
        "requiresCompatibilities" => Hand::Fixed(json!([if ec2 { "EC2" } else { "FARGATE" }])),
        "cpu" if ec2 => given(json!("2048")),
        "memory" if ec2 => given(json!("4096")),
        "cpu" => Hand::Fixed(json!(size.0)),
        "memory" => Hand::Fixed(json!(size.1)),
        "pidMode" if !ec2 => given(json!("task")),
        "ipcMode" | "placementConstraints" | "trustedExecutionConfiguration" | "inferenceAccelerators"
            if !ec2 =>
        {
            Never
        }
        "inferenceAccelerators" | "trustedExecutionConfiguration" => Never,
        "proxyConfiguration" if recipe.network_mode() != "awsvpc" => Never,
        "ephemeralStorage" => {
            if ec2 {
                Never
            } else {
                given(json!({"sizeInGiB": recipe.number(path, 21, 200)}))
            }
        }
        "runtimePlatform" => given(
            json!({"cpuArchitecture": recipe.pick(path, &["X86_64", "ARM64"]), "operatingSystemFamily": "LINUX"}),
        ),
        "placementConstraints" => given(
            json!([{"type": "memberOf", "expression": format!("attribute:a == {}", recipe.number(path, 1, 9))}]),
        ),
        "containerDefinitions" => Hand::Fixed(
            (0..recipe.number(path, 1, 3))
                .map(|at| recipe.value_of("ContainerDefinition", &format!("c[{at}]")))
                .collect(),
        ),
        "volumes" => Hand::Fixed(volumes(recipe)),
        _ => Facts,
    }
}

/// One volume of each kind that fits the place.
fn volumes(recipe: Recipe) -> Value {
    let ec2 = recipe.place != Place::Fargate;
    let mut volumes = Vec::new();
    let kinds = [
        ("bare", true),
        ("host", ec2),
        ("docker", ec2),
        ("efs", true),
        ("launch", true),
        ("fsx", ec2),
        ("s3", true),
    ];
    for (kind, fits) in kinds {
        if !fits || !recipe.has(&format!("volume {kind}")) {
            continue;
        }
        let mut volume = json!({"name": kind});
        match kind {
            "host" => volume["host"] = json!({"sourcePath": recipe.pick("host", &["/data", "/var/data"])}),
            "docker" => {
                volume["dockerVolumeConfiguration"] = recipe.value_of("DockerVolumeConfiguration", "docker")
            }
            "efs" => volume["efsVolumeConfiguration"] = recipe.value_of("EFSVolumeConfiguration", "efs"),
            "fsx" => {
                volume["fsxWindowsFileServerVolumeConfiguration"] = json!({"fileSystemId": "fs-0123456789abcdef0", "rootDirectory": "share",
                "authorizationConfig": {"credentialsParameter": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:fsx-AbCdEf", "domain": "corp.example.com"}})
            }
            "s3" => {
                volume["s3filesVolumeConfiguration"] = recipe.value_of("S3FilesVolumeConfiguration", "s3")
            }
            "launch" => volume["configuredAtLaunch"] = json!(true),
            _ => {}
        }
        volumes.push(volume);
    }
    Value::Array(volumes)
}

/// Which container a path is in.
fn index(path: &str) -> i64 {
    path.strip_prefix("c[").and_then(|rest| rest[..1].parse().ok()).unwrap_or_default()
}

fn container(recipe: Recipe, member: &str, path: &str, ec2: bool) -> Hand {
    let at = index(path);
    let mode = recipe.network_mode();
    match member {
        "name" => Hand::Fixed(json!(format!("c{at}"))),
        "image" => {
            Hand::Fixed(json!(recipe.pick(path, &["nginx:1", "nginx:2", "public.ecr.aws/nginx/nginx:1.27"])))
        }
        "cpu" => given(json!(recipe.number(path, 0, 64))),
        "memory" => Hand::Fixed(json!(recipe.number(path, 128, 256))),
        "memoryReservation" => given(json!(recipe.number(path, 16, 128))),
        "essential" => {
            if at == 0 {
                given(json!(true))
            } else {
                Facts
            }
        }
        "links" => {
            if mode == "bridge" && at > 0 {
                given(json!(["c0"]))
            } else {
                Never
            }
        }
        "portMappings" => ports(recipe, at),
        "dependsOn" => {
            if at > 0 {
                given(json!([{"containerName": "c0", "condition": "START"}]))
            } else {
                Never
            }
        }
        "volumesFrom" => {
            if at > 0 {
                given(json!([{"sourceContainer": "c0", "readOnly": recipe.has(path)}]))
            } else {
                Never
            }
        }
        "mountPoints" => mounts(recipe, path),
        "environment" => given(
            json!([{"name": "B", "value": recipe.pick(path, &["1", "2"])}, {"name": "A", "value": "x"}]),
        ),
        "environmentFiles" => given(json!([{"type": "s3", "value": "arn:aws:s3:::shop/web.env"}])),
        "secrets" => given(
            json!([{"name": "SECRET", "valueFrom": format!("arn:aws:ssm:eu-central-1:123456789012:parameter/{}", recipe.pick(path, &["a", "b"]))}]),
        ),
        "hostname" | "dnsServers" | "dnsSearchDomains" | "extraHosts" if mode == "awsvpc" => Never,
        "dnsServers" => given(json!(["10.0.0.2", "10.0.0.1"])),
        "dnsSearchDomains" => given(json!(["b.example.com", "a.example.com"])),
        "extraHosts" => given(json!([{"hostname": "db", "ipAddress": "10.0.0.9"}])),
        "hostname" => given(json!("web")),
        "privileged" => only(ec2),
        "disableNetworking" => Never,
        "dockerSecurityOptions" => {
            if ec2 {
                given(json!(["no-new-privileges"]))
            } else {
                Never
            }
        }
        "credentialSpecs" => Never,
        "resourceRequirements" => {
            if ec2 {
                given(json!([{"type": "GPU", "value": "1"}]))
            } else {
                Never
            }
        }
        "startTimeout" | "stopTimeout" => given(json!(recipe.number(path, 2, 120))),
        "ulimits" => given(
            json!([{"name": "nofile", "softLimit": recipe.number(path, 1024, 2048), "hardLimit": 4096}]),
        ),
        "healthCheck" => Facts,
        "logConfiguration" => given(
            json!({"logDriver": "awslogs", "options": {"awslogs-group": "/shop", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": recipe.pick(path, &["a", "b"])}}),
        ),
        "firelensConfiguration" if at == 2 => {
            given(json!({"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}}))
        }
        "firelensConfiguration" => Never,
        "systemControls" => {
            if ec2 && mode != "host" {
                given(json!([{"namespace": "net.core.somaxconn", "value": "1024"}]))
            } else {
                Never
            }
        }
        "repositoryCredentials" => given(
            json!({"credentialsParameter": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-AbCdEf"}),
        ),
        "workingDirectory" => given(json!("/app")),
        "user" => given(json!("1000:1000")),
        "command" => given(json!(["serve", "--port", "80"])),
        "entryPoint" => given(json!(["/bin/sh", "-c"])),
        _ => Facts,
    }
}

fn ports(recipe: Recipe, at: i64) -> Hand {
    let count = if at == 0 { 2 } else { recipe.number(&format!("ports {at}"), 0, 2) };
    let ports = (0..count).map(|port| {
        let number = 8000 + 100 * at + port;
        let mut mapping = json!({"containerPort": number});
        if port == 0 && at == 0 {
            mapping["name"] = json!("http");
            mapping["appProtocol"] = json!("http");
        }
        let place = format!("port {at} {port}");
        if recipe.has(&format!("{place} host")) {
            mapping["hostPort"] = json!(if recipe.network_mode() == "bridge" {
                recipe.pick(&place, &[0, number])
            } else {
                number
            });
        }
        if recipe.has(&format!("{place} protocol")) && !(port == 0 && at == 0) {
            mapping["protocol"] = json!(recipe.pick(&place, &["tcp", "udp"]));
        }
        mapping
    });
    Hand::Fixed(ports.collect())
}

fn mounts(recipe: Recipe, path: &str) -> Hand {
    let volumes = volumes(recipe);
    let mounts = volumes.as_array().unwrap().iter().map(|volume| {
        let name = volume["name"].as_str().unwrap();
        let mut mount = json!({"sourceVolume": name, "containerPath": format!("/mnt/{name}")});
        if recipe.has(&format!("{path} {name}")) {
            mount["readOnly"] = json!(recipe.roll(path).is_multiple_of(2));
        }
        mount
    });
    given(mounts.collect())
}

fn service(recipe: Recipe, member: &str, path: &str) -> Hand {
    let ec2 = recipe.place != Place::Fargate;
    match member {
        "cluster" => Hand::Fixed(json!("shop")),
        "launchType" => Hand::Fixed(json!(if ec2 { "EC2" } else { "FARGATE" })),
        "capacityProviderStrategy" => {
            if recipe.place == Place::Daemon {
                Never
            } else {
                Facts
            }
        }
        "platformVersion" => {
            if ec2 {
                Never
            } else {
                given(json!(recipe.pick(path, &["LATEST", "1.4.0"])))
            }
        }
        "schedulingStrategy" => {
            Hand::Fixed(json!(if recipe.place == Place::Daemon { "DAEMON" } else { "REPLICA" }))
        }
        "desiredCount" => {
            if recipe.place == Place::Daemon {
                Never
            } else {
                given(json!(recipe.number(path, 0, 3)))
            }
        }
        "networkConfiguration" => {
            if recipe.network_mode() == "awsvpc" {
                Always
            } else {
                Never
            }
        }
        "taskDefinition" | "role" | "deploymentController" => Never,
        "placementConstraints" => {
            if ec2 {
                given(
                    json!([{"type": "distinctInstance"}, {"type": "memberOf", "expression": "attribute:a == 1"}]),
                )
            } else {
                Never
            }
        }
        "placementStrategy" => {
            if ec2 && recipe.place != Place::Daemon {
                given(
                    json!([{"type": "spread", "field": "attribute:ecs.availability-zone"}, {"type": "binpack", "field": recipe.pick(path, &["cpu", "memory"])}]),
                )
            } else {
                Never
            }
        }
        "loadBalancers" => given(
            json!([{"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/73e2d6bc24d8a067", "containerName": "c0", "containerPort": 8000}]),
        ),
        "serviceRegistries" => {
            if recipe.network_mode() == "awsvpc" {
                given(
                    json!([{"registryArn": "arn:aws:servicediscovery:eu-central-1:123456789012:service/srv-0123456789abcdef"}]),
                )
            } else {
                Never
            }
        }
        "volumeConfigurations" | "gatewayConnectors" => Never,
        "monitoring" => given(
            json!({"metricConfigurations": [{"metricNames": ["MemoryUtilization", "CPUUtilization"], "resolutionSeconds": recipe.pick(path, &[20, 60])}]}),
        ),
        "availabilityZoneRebalancing" => given(json!("DISABLED")),
        "vpcLatticeConfigurations" => given(
            json!([{"portName": "http", "targetGroupArn": "arn:aws:vpc-lattice:eu-central-1:123456789012:targetgroup/tg-0123456789abcdef0", "roleArn": ROLE}]),
        ),
        "healthCheckGracePeriodSeconds" => given(json!(recipe.number(path, 0, 300))),
        "serviceConnectConfiguration" => {
            if recipe.network_mode() == "host" {
                Never
            } else {
                Facts
            }
        }
        _ => Facts,
    }
}

fn part(recipe: Recipe, shape: &str, member: &str, path: &str, ec2: bool) -> Hand {
    match (shape, member) {
        ("DeploymentLifecycleHook", "roleArn") => Hand::Fixed(json!(ROLE)),
        (_, "roleArn" | "roleARN" | "infrastructureRoleArn") => given(json!(ROLE)),
        ("EFSVolumeConfiguration", "fileSystemId") => Hand::Fixed(json!("fs-0123456789abcdef0")),
        ("EFSVolumeConfiguration", "rootDirectory") => given(json!(recipe.pick(path, &["/", "/data"]))),
        ("EFSVolumeConfiguration", "transitEncryptionPort") => given(json!(recipe.number(path, 2000, 3000))),
        ("EFSAuthorizationConfig", "accessPointId") => given(json!("fsap-0123456789abcdef0")),
        ("S3FilesVolumeConfiguration", "fileSystemArn") => {
            Hand::Fixed(json!("arn:aws:s3files:eu-central-1:123456789012:file-system/fs-0123456789abcdef0"))
        }
        ("S3FilesVolumeConfiguration", "accessPointArn") => given(json!(
            "arn:aws:s3files:eu-central-1:123456789012:file-system/fs-0123456789abcdef0/access-point/fsap-0123456789abcdef0"
        )),
        ("S3FilesVolumeConfiguration", "rootDirectory") => given(json!(recipe.pick(path, &["/", "/data"]))),
        ("S3FilesVolumeConfiguration", "transitEncryptionPort") => {
            given(json!(recipe.number(path, 2000, 3000)))
        }
        ("DockerVolumeConfiguration", "autoprovision") => Never,
        ("DockerVolumeConfiguration", "scope") => given(json!(recipe.pick(path, &["task", "shared"]))),
        ("DockerVolumeConfiguration", "driver") => given(json!("local")),
        ("HealthCheck", "command") => {
            Hand::Fixed(json!(["CMD-SHELL", recipe.pick(path, &["curl -f http://localhost/", "true"])]))
        }
        ("HealthCheck", "interval") => given(json!(recipe.number(path, 5, 300))),
        ("HealthCheck", "timeout") => given(json!(recipe.number(path, 2, 60))),
        ("HealthCheck", "retries") => given(json!(recipe.number(path, 1, 10))),
        ("HealthCheck", "startPeriod") => given(json!(recipe.number(path, 0, 300))),
        ("ContainerRestartPolicy", "enabled") => Hand::Fixed(json!(true)),
        ("ContainerRestartPolicy", "restartAttemptPeriod") => given(json!(recipe.number(path, 60, 1800))),
        ("ContainerRestartPolicy", "ignoredExitCodes") => given(json!([2, 1])),
        ("LinuxParameters", "devices" | "sharedMemorySize" | "tmpfs" | "maxSwap" | "swappiness") if !ec2 => {
            Never
        }
        ("LinuxParameters", "tmpfs") => given(
            json!([{"containerPath": "/run", "size": recipe.number(path, 1, 64), "mountOptions": ["rw", "noexec"]}]),
        ),
        ("LinuxParameters", "devices") => {
            given(json!([{"hostPath": "/dev/fuse", "permissions": ["write", "read"]}]))
        }
        ("LinuxParameters", "swappiness") => given(json!(recipe.number(path, 0, 100))),
        ("KernelCapabilities", "add") => given(json!(["SYS_PTRACE"])),
        ("KernelCapabilities", "drop") => given(json!(["NET_RAW", "CHOWN"])),
        ("ProxyConfiguration", "containerName") => Hand::Fixed(json!("c0")),
        ("ProxyConfiguration", "properties") => given(
            json!([{"name": "ProxyIngressPort", "value": "15000"}, {"name": "IgnoredUID", "value": "1337"}, {"name": "AppPorts", "value": "8000"}, {"name": "ProxyEgressPort", "value": "15001"}]),
        ),
        _ => service_part(recipe, shape, member, path, ec2),
    }
}

fn service_part(recipe: Recipe, shape: &str, member: &str, path: &str, ec2: bool) -> Hand {
    match (shape, member) {
        ("ServiceManagedEBSVolumeConfiguration", "kmsKeyId") => {
            given(json!("arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"))
        }
        ("ServiceManagedEBSVolumeConfiguration", "snapshotId" | "volumeInitializationRate") => Never,
        ("ServiceManagedEBSVolumeConfiguration", "encrypted") => given(json!(true)),
        ("ServiceManagedEBSVolumeConfiguration", "iops") => given(json!(3000)),
        ("ServiceManagedEBSVolumeConfiguration", "throughput") => given(json!(125)),
        ("ServiceManagedEBSVolumeConfiguration", "filesystemType") => given(json!("xfs")),
        ("EBSTagSpecification", "resourceType") => Hand::Fixed(json!("volume")),
        ("AwsVpcConfiguration", "subnets") => Hand::Fixed(json!(
            recipe.pick(path, &[["subnet-0aa", "subnet-0bb"], ["subnet-0cc", "subnet-0bb"]])
        )),
        ("AwsVpcConfiguration", "securityGroups") => given(json!(["sg-0bb", "sg-0aa"])),
        ("AwsVpcConfiguration", "assignPublicIp") => {
            if ec2 {
                given(json!("DISABLED"))
            } else {
                Facts
            }
        }
        ("NetworkConfiguration", "awsvpcConfiguration") => Always,
        ("ServiceConnectConfiguration", "enabled") => Hand::Fixed(json!(true)),
        ("ServiceConnectConfiguration", "namespace") => Hand::Fixed(json!("shop.local")),
        ("ServiceConnectConfiguration", "services") => {
            given(json!([recipe.value_of("ServiceConnectService", path)]))
        }
        ("ServiceConnectConfiguration", "logConfiguration") => given(
            json!({"logDriver": "awslogs", "options": {"awslogs-group": "/connect", "awslogs-region": "eu-central-1"}}),
        ),
        ("ServiceConnectService", "portName") => Hand::Fixed(json!("http")),
        ("ServiceConnectService", "discoveryName") => given(json!(recipe.pick(path, &["http", "web"]))),
        ("ServiceConnectService", "clientAliases") => {
            given(json!([{"port": recipe.number(path, 80, 90), "dnsName": "web"}]))
        }
        ("ServiceConnectService", "ingressPortOverride") => given(json!(recipe.number(path, 9000, 9100))),
        ("ServiceConnectTlsConfiguration", "kmsKey") => {
            given(json!("arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"))
        }
        ("ServiceConnectTlsCertificateAuthority", "awsPcaAuthorityArn") => Hand::Fixed(json!(
            "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555"
        )),
        ("DeploymentConfiguration", "maximumPercent") => given(json!(recipe.number(path, 101, 200))),
        ("DeploymentConfiguration", "minimumHealthyPercent") => given(json!(recipe.number(path, 0, 100))),
        ("DeploymentConfiguration", "strategy") => given(json!(strategy(recipe))),
        ("DeploymentConfiguration", "linearConfiguration") => only(strategy(recipe) == "LINEAR"),
        ("DeploymentConfiguration", "canaryConfiguration") => only(strategy(recipe) == "CANARY"),
        ("DeploymentConfiguration", "lifecycleHooks") => {
            given(json!([recipe.value_of("DeploymentLifecycleHook", path)]))
        }
        ("DeploymentConfiguration", "earlySuccessCriteria") => Never,
        ("LinearConfiguration", "stepPercent") => given(json!(recipe.number(path, 5, 50))),
        ("CanaryConfiguration", "canaryPercent") => given(json!(recipe.number(path, 1, 50))),
        ("LinearConfiguration" | "CanaryConfiguration", _) => given(json!(recipe.number(path, 0, 60))),
        ("DeploymentLifecycleHook", "targetType") => Hand::Fixed(json!("AWS_LAMBDA")),
        ("DeploymentLifecycleHook", "hookTargetArn") => {
            Hand::Fixed(json!("arn:aws:lambda:eu-central-1:123456789012:function:check"))
        }
        ("DeploymentLifecycleHook", "lifecycleStages") => {
            Hand::Fixed(json!(["POST_SCALE_UP", "PRE_SCALE_UP"]))
        }
        ("DeploymentLifecycleHook", "hookDetails") => given(json!({"team": "a"})),
        ("DeploymentLifecycleHookTimeoutConfiguration", "timeoutInMinutes") => {
            given(json!(recipe.number(path, 1, 1440)))
        }
        ("DeploymentConfiguration", "bakeTimeInMinutes") => given(json!(recipe.number(path, 0, 10))),
        ("DeploymentCircuitBreaker", "thresholdConfiguration") => given(
            json!({"type": recipe.pick(path, &["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"]), "value": recipe.number(path, 1, 100)}),
        ),
        ("MetricConfiguration", "metricNames") => {
            given(json!([recipe.pick(path, &["CPUUtilization", "MemoryUtilization"])]))
        }
        ("MetricConfiguration", "resolutionSeconds") => given(json!(recipe.pick(path, &[20, 60]))),
        ("DeploymentAlarms", "alarmNames") => Hand::Fixed(json!(["web-5xx", "web-4xx"])),
        ("CapacityProviderStrategyItem", _) => Facts,
        _ => other_part(recipe, shape, member, path),
    }
}

fn other_part(recipe: Recipe, shape: &str, member: &str, path: &str) -> Hand {
    match (shape, member) {
        ("EcsCluster", _) => cluster(recipe, member, path),
        ("EcsCapacityProvider", "managedInstancesProvider" | "cluster") => Never,
        ("EcsCapacityProvider", "autoScalingGroupProvider") => Always,
        ("AutoScalingGroupProvider", "autoScalingGroupArn") => Hand::Fixed(json!(GROUP)),
        ("AutoScalingGroupProvider", "managedTerminationProtection") => Never,
        ("ManagedScaling", "targetCapacity") => given(json!(recipe.number(path, 1, 100))),
        ("ManagedScaling", "minimumScalingStepSize") => given(json!(recipe.number(path, 1, 10))),
        ("ManagedScaling", "maximumScalingStepSize") => given(json!(recipe.number(path, 10, 10_000))),
        ("ManagedScaling", "instanceWarmupPeriod") => given(json!(recipe.number(path, 0, 10_000))),
        (
            "ExecuteCommandConfiguration" | "ManagedStorageConfiguration",
            "kmsKeyId" | "fargateEphemeralStorageKmsKeyId",
        ) => given(json!("arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555")),
        ("ExecuteCommandConfiguration", "logging") => Hand::Fixed(json!("OVERRIDE")),
        ("ExecuteCommandConfiguration", "logConfiguration") => Always,
        ("ExecuteCommandLogConfiguration", "cloudWatchLogGroupName") => Hand::Fixed(json!("/exec")),
        ("ExecuteCommandLogConfiguration", "s3BucketName" | "s3EncryptionEnabled" | "s3KeyPrefix") => Never,
        ("ClusterServiceConnectDefaultsRequest", "namespace") => Hand::Fixed(json!("shop.local")),
        ("EcrRepository", "encryptionConfiguration") => encryption(recipe),
        ("EcrRepository", "imageTagMutabilityExclusionFilters") => {
            given(json!([{"filterType": "WILDCARD", "filter": recipe.pick(path, &["latest*", "dev-*"])}]))
        }
        ("EcrRepository", "lifecyclePolicy") => given(lifecycle(recipe)),
        ("EcrRepository", "repositoryPolicy") => Facts,
        _ => scaling(recipe, shape, member, path),
    }
}

fn cluster(recipe: Recipe, member: &str, path: &str) -> Hand {
    match member {
        "capacityProviders" => Hand::Fixed(json!(["shop-ec2", "FARGATE_SPOT", "FARGATE"])),
        "defaultCapacityProviderStrategy" => given(
            json!([{"capacityProvider": "FARGATE_SPOT", "weight": recipe.number(path, 1, 9)}, {"capacityProvider": "FARGATE", "base": recipe.number(path, 0, 9), "weight": 1}]),
        ),
        "settings" => given(
            json!([{"name": "containerInsights", "value": recipe.pick(path, &["enabled", "disabled", "enhanced"])}]),
        ),
        _ => Facts,
    }
}

fn encryption(recipe: Recipe) -> Hand {
    match hashed(recipe.identity, "encryption") % 3 {
        0 => Never,
        1 => Hand::Fixed(json!({"encryptionType": "AES256"})),
        _ => Hand::Fixed(
            json!({"encryptionType": "KMS", "kmsKey": "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"}),
        ),
    }
}

fn lifecycle(recipe: Recipe) -> Value {
    let untagged = json!({"rulePriority": 1, "description": "old", "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": recipe.number("days", 1, 99)}, "action": {"type": "expire"}});
    let tagged = json!({"rulePriority": 2, "selection": {"tagStatus": "tagged", recipe.pick("tags", &["tagPrefixList", "tagPatternList"]): ["v", "main"], "countType": "imageCountMoreThan", "countNumber": recipe.number("count", 1, 99)}, "action": {"type": "expire"}});
    let any = json!({"rulePriority": 3, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 999}, "action": {"type": "expire"}});
    let rules = [(tagged, "tagged"), (untagged, "untagged"), (any, "")];
    json!({"rules": rules.into_iter().filter(|(_, name)| name.is_empty() || recipe.has(name)).map(|(rule, _)| rule).collect::<Vec<_>>()})
}

fn scaling(recipe: Recipe, shape: &str, member: &str, path: &str) -> Hand {
    match (shape, member) {
        ("Autoscaling", "minCapacity") => Hand::Fixed(json!(recipe.number(path, 0, 2))),
        ("Autoscaling", "maxCapacity") => Hand::Fixed(json!(recipe.number(path, 2, 9))),
        ("Autoscaling", "policies") => given(policies(recipe)),
        ("Autoscaling", "scheduledActions") => given(json!([recipe.value_of("ScheduledAction", path)])),
        ("ScheduledAction", "scheduledActionName") => Hand::Fixed(json!("night")),
        ("ScheduledAction", "schedule") => {
            Hand::Fixed(json!(recipe.pick(path, &["cron(0 20 * * ? *)", "rate(1 day)"])))
        }
        ("ScheduledAction", "timezone") => given(json!("Europe/Berlin")),
        ("ScheduledAction", "scalableTargetAction") => {
            Hand::Fixed(json!({"minCapacity": 1, "maxCapacity": recipe.number(path, 20, 30)}))
        }
        ("ScheduledAction", "endTime") => given(json!("2026-09-01T00:00:00Z")),
        _ => Facts,
    }
}

fn policies(recipe: Recipe) -> Value {
    let tracking = json!({"policyName": "cpu", "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration": {
        "targetValue": recipe.number("target", 10, 90), "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}}});
    let mut tracking = tracking;
    for (member, value) in [
        ("scaleOutCooldown", json!(60)),
        ("scaleInCooldown", json!(recipe.number("in", 1, 600))),
        ("disableScaleIn", json!(true)),
    ] {
        if recipe.has(member) {
            tracking["targetTrackingScalingPolicyConfiguration"][member] = value;
        }
    }
    let mut step = json!({"policyName": "step", "policyType": "StepScaling", "stepScalingPolicyConfiguration": {
        "adjustmentType": "ChangeInCapacity", "stepAdjustments": [{"metricIntervalLowerBound": 10, "scalingAdjustment": 2}, {"metricIntervalLowerBound": 0, "metricIntervalUpperBound": 10, "scalingAdjustment": 1}]}});
    for (member, value) in
        [("cooldown", json!(recipe.number("cooldown", 0, 600))), ("metricAggregationType", json!("Maximum"))]
    {
        if recipe.has(member) {
            step["stepScalingPolicyConfiguration"][member] = value;
        }
    }
    let dimensions =
        json!([{"name": "ServiceName", "value": "web"}, {"name": "ClusterName", "value": "shop"}]);
    let custom = json!({"policyName": "queue", "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration": {
        "targetValue": recipe.number("queue", 1, 99), "customizedMetricSpecification": {
            "metricName": "Depth", "namespace": "Shop", "dimensions": dimensions, "statistic": "Average", "unit": "Count"}}});
    let metrics = json!([
        {"id": "m1", "label": "depth", "returnData": false, "metricStat": {"metric": {"metricName": "Depth", "namespace": "Shop", "dimensions": dimensions}, "stat": "Sum", "unit": "Count"}},
        {"id": "e1", "expression": "m1 / 2"}]);
    let math = json!({"policyName": "math", "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration": {
        "targetValue": recipe.number("math", 1, 99), "customizedMetricSpecification": {"metrics": metrics}}});
    let predictive = json!({"policyName": "predictive", "policyType": "PredictiveScaling", "predictiveScalingPolicyConfiguration": {
        "mode": recipe.pick("mode", &["ForecastOnly", "ForecastAndScale"]), "schedulingBufferTime": recipe.number("buffer", 0, 3600),
        "metricSpecifications": [{"targetValue": 40, "predefinedMetricPairSpecification": {"predefinedMetricType": "ECSServiceCPUUtilization"}}]}});
    let all = [
        (tracking, "tracking"),
        (step, "step"),
        (custom, "custom"),
        (math, "math"),
        (predictive, "predictive"),
    ];
    all.into_iter().filter(|(_, name)| recipe.has(name)).map(|(policy, _)| policy).collect()
}

fn drop_member(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().shift_remove(member);
}

/// How a new revision takes over; by the identity, because the load balancers follow from it.
fn strategy(recipe: Recipe) -> &'static str {
    let all = ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"];
    let rolls = matches!(recipe.place, Place::Daemon | Place::Host);
    if rolls { "ROLLING" } else { all[hashed(recipe.identity, "strategy") as usize % 4] }
}

/// What members of one structure ask of each other.
pub fn together(recipe: Recipe, shape: &str, value: &mut Value, path: &str) {
    let has = |value: &Value, member: &str| value.get(member).is_some();
    match shape {
        "EFSVolumeConfiguration" => {
            if has(value, "authorizationConfig") || has(value, "transitEncryptionPort") {
                value["transitEncryption"] = json!("ENABLED");
            }
            if value["authorizationConfig"].get("accessPointId").is_some() {
                drop_member(value, "rootDirectory");
            }
        }
        "CapacityProviderStrategyItem" => *value = json!({"capacityProvider": "FARGATE", "weight": 1}),
        "DeploymentCircuitBreaker" if value["enable"] == false => value["rollback"] = json!(false),
        "LinuxParameters" if has(value, "swappiness") && !has(value, "maxSwap") => {
            value["maxSwap"] = json!(64)
        }
        "EcrRepository" => {
            // Filters are for a mutability with exclusions.
            let mutability = if has(value, "imageTagMutabilityExclusionFilters") {
                "IMMUTABLE_WITH_EXCLUSION"
            } else {
                recipe.pick(path, &["MUTABLE", "IMMUTABLE"])
            };
            if has(value, "imageTagMutability") || mutability.contains("WITH") {
                value["imageTagMutability"] = json!(mutability);
            }
        }
        _ => {}
    }
}

/// What the service and its task definition ask of each other.
pub fn tie(recipe: Recipe, service: &mut Value, definition: &mut Value) {
    let has = |value: &Value, member: &str| value.get(member).is_some_and(|value| !value.is_null());
    if has(service, "capacityProviderStrategy") {
        drop_member(service, "launchType");
        let providers = if recipe.place == Place::Fargate {
            json!([{"capacityProvider": "FARGATE_SPOT", "weight": 3}, {"capacityProvider": "FARGATE", "base": recipe.number("base", 0, 3), "weight": 1}])
        } else {
            json!([{"capacityProvider": "shop-ec2", "weight": recipe.number("weight", 1, 9)}])
        };
        service["capacityProviderStrategy"] = providers;
    }
    let strategy = service["deploymentConfiguration"]["strategy"].as_str().unwrap_or("ROLLING").to_owned();
    if strategy == "ROLLING" {
        if let Some(deployment) = service.get_mut("deploymentConfiguration") {
            for member in ["linearConfiguration", "canaryConfiguration", "lifecycleHooks"] {
                drop_member(deployment, member);
            }
        }
    } else {
        service["deploymentConfiguration"]["bakeTimeInMinutes"] = json!(recipe.number("bake", 1, 9));
        drop_member(&mut service["deploymentConfiguration"], "alarms");
        drop_member(&mut service["deploymentConfiguration"], "deploymentCircuitBreaker");
        if let Some(balancer) = service.pointer_mut("/loadBalancers/0") {
            let rule = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/shop/0123456789abcdef/0123456789abcdef/0123456789abcdef";
            balancer["advancedConfiguration"] = json!({"roleArn": ROLE, "productionListenerRule": rule,
                "alternateTargetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/other/0123456789abcdef"});
        }
    }
    if !has(service, "loadBalancers") {
        drop_member(service, "healthCheckGracePeriodSeconds");
    }
    let volumes = definition["volumes"].as_array().cloned().unwrap_or_default();
    if volumes.iter().any(|volume| volume["configuredAtLaunch"] == true) {
        let mut volume = recipe.value_of("ServiceManagedEBSVolumeConfiguration", "ebs");
        extend(
            &mut volume,
            json!({"roleArn": ROLE, "sizeInGiB": recipe.number("ebs", 1, 100), "volumeType": "gp3"}),
        );
        service["volumeConfigurations"] = json!([{"name": "launch", "managedEBSVolume": volume}]);
    }
    if recipe.place == Place::Daemon {
        // DAEMON: 100 and 0 unless said otherwise.
        if let Some(deployment) = service.get_mut("deploymentConfiguration") {
            drop_member(deployment, "maximumPercent");
            drop_member(deployment, "minimumHealthyPercent");
        }
    }
}
