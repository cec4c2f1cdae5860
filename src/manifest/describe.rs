//! What members mean, in one line each, for editors and for `kubectl explain`: the ones that people meet most.
//!
//! A description says what the word does not: the unit, the default, what silence means, what it needs. The tests at
//! the end hold every row against the model.

use crate::model::names::annotation;

/// The description of `member` of `shape`, or of the shape itself for an empty member.
pub fn description(shape: &str, member: &str) -> Option<&'static str> {
    let row = DESCRIPTIONS.iter().find(|(of, name, _)| *of == shape && *name == member)?;
    Some(row.2)
}

/// The description of an annotation of ours.
pub fn annotation_description(name: &str) -> Option<&'static str> {
    ANNOTATIONS.iter().find(|(of, _)| *of == name).map(|(_, text)| *text)
}

#[rustfmt::skip]
const ANNOTATIONS: &[(&str, &str)] = &[
    (annotation::ADOPT, "Take over the AWS resource if it exists and nobody owns it. Nothing but its tags changes if the manifest matches."),
    (annotation::CONFIRM, "Confirms one plan that replaces or deletes: the hash that this plan shows."),
    (annotation::DELETION_POLICY, "What becomes of the AWS resource with the manifest gone. Services are deleted, everything else is retained, unless said here."),
    (annotation::DRIFT, "What to do when AWS changed behind the manifest's back: heal (default), report only, or ignore."),
    (annotation::IGNORE, "Paths to leave alone, as the diff prints them, separated by commas."),
    (annotation::RETRY, "Any word; a new one has what was tried and rolled back tried again."),
    (annotation::SUSPEND, "Leave this object alone until the annotation is gone."),
];

/// Shape, member, text. Grouped by what people write, from the outside in.
#[rustfmt::skip]
const DESCRIPTIONS: &[(&str, &str, &str)] = &[
    // ---- Kinds ----
    ("EcsCluster", "", "An ECS cluster with its settings and the capacity providers attached to it."),
    ("EcsCluster", "region", "The AWS Region; the SDK's own when absent."),
    ("EcsCluster", "clusterName", "The cluster's name in AWS; metadata.name when absent."),
    ("EcsCluster", "settings", "Settings such as containerInsights. Those not listed are left as they are."),
    ("EcsCluster", "configuration", "Logging of ECS Exec sessions, and keys for managed storage."),
    ("ClusterSetting", "name", "containerInsights is the only one."),
    ("ClusterSetting", "value", "Of containerInsights: enabled, disabled or enhanced."),
    ("ExecuteCommandConfiguration", "logging", "DEFAULT: the task's awslogs; OVERRIDE: logConfiguration; NONE."),
    ("EcsCluster", "capacityProviders", "All providers of the cluster: FARGATE, FARGATE_SPOT, and Auto Scaling group providers. The list replaces what is attached."),
    ("EcsCluster", "defaultCapacityProviderStrategy", "For services that name neither a strategy nor a launch type."),
    ("EcsCluster", "serviceConnectDefaults", "The Cloud Map namespace for services that use Service Connect and name none."),
    ("EcsCluster", "tags", "Tags by key. Keys that are not listed are left alone."),
    ("EcsCapacityProvider", "", "Where tasks can run: an Auto Scaling group, or Managed Instances of one cluster."),
    ("EcsCapacityProvider", "region", "The AWS Region; the SDK's own when absent."),
    ("EcsCapacityProvider", "name", "The provider's name in AWS; metadata.name when absent. Must not begin with aws, ecs or fargate."),
    ("EcsCapacityProvider", "cluster", "For Managed Instances: the cluster that the provider belongs to."),
    ("EcsCapacityProvider", "autoScalingGroupProvider", "Instances of an Auto Scaling group."),
    ("EcsCapacityProvider", "managedInstancesProvider", "Instances that ECS launches and patches by itself."),
    ("AutoScalingGroupProvider", "autoScalingGroupArn", "The group's ARN or name. It cannot change later."),
    ("AutoScalingGroupProvider", "managedScaling", "Lets ECS scale the group by what its tasks need."),
    ("AutoScalingGroupProvider", "managedTerminationProtection", "Keeps instances with tasks from being scaled in; the group needs scale-in protection. Default: DISABLED."),
    ("AutoScalingGroupProvider", "managedDraining", "Moves tasks away before an instance is terminated. Default: ENABLED."),
    ("ManagedScaling", "targetCapacity", "Percent of the group that should be in use; below 100 leaves room for tasks to come. Default: 100."),
    ("ManagedScaling", "instanceWarmupPeriod", "Seconds until a new instance counts. Default: 300."),
    ("ManagedScaling", "status", "ENABLED or DISABLED."),
    ("CreateManagedInstancesProviderConfiguration", "infrastructureRoleArn", "The role with which ECS launches and ends instances."),
    ("CreateManagedInstancesProviderConfiguration", "instanceLaunchTemplate", "What instances are like, and where they are."),
    ("EcsCapacityProvider", "tags", "Tags by key. Keys that are not listed are left alone."),
    ("EcrRepository", "", "An ECR repository with its settings and its two policies."),
    ("EcrRepository", "region", "The AWS Region; the SDK's own when absent."),
    ("EcrRepository", "repositoryName", "The repository's name in AWS, which may hold slashes; metadata.name when absent."),
    ("EcrRepository", "imageTagMutability", "Whether a tag can be moved to another image. Default: MUTABLE."),
    ("EcrRepository", "imageTagMutabilityExclusionFilters", "Tags to which the opposite applies, by wildcard; for the two values that end in _WITH_EXCLUSION."),
    ("EcrRepository", "tags", "Tags by key. Keys that are not listed are left alone."),
    ("ImageScanningConfiguration", "scanOnPush", "Scan each image when it is pushed. Default: false."),
    ("EncryptionConfiguration", "kmsKey", "The key's id, alias or ARN; with KMS and none, the one that AWS manages."),
    ("EcrRepository", "imageScanningConfiguration", "Whether images are scanned when they are pushed. Default: no."),
    ("EcrRepository", "encryptionConfiguration", "AES256 (default) or a KMS key. It cannot change later."),
    ("EcrRepository", "lifecyclePolicy", "Which images expire: YAML, or JSON text. Without it there is none."),
    ("EcrRepository", "repositoryPolicy", "Who else may use the repository, as an IAM policy: YAML, or JSON text. Without it there is none."),
    ("LifecycleRule", "rulePriority", "Rules are tried from the lowest number up; each number once."),
    ("LifecycleRule", "selection", "Which images."),
    ("LifecycleRule", "action", "expire removes them; transition moves them to the archive."),
    ("LifecycleSelection", "countNumber", "How many images, or days."),
    ("LifecycleSelection", "tagPatternList", "Tags with `*` for anything. An image must match all patterns of the list."),
    ("LifecycleSelection", "tagPrefixList", "Beginnings of tags. An image must match all of the list."),
    ("LifecycleSelection", "tagStatus", "Which images: tagged (needs prefixes or patterns), untagged, or any (only in the last rule)."),
    ("LifecycleSelection", "countType", "By number (imageCountMoreThan) or by age in days."),
    ("LifecycleSelection", "countUnit", "days, for rules by age only."),
    ("EcsService", "", "An ECS service with the task definition that it runs and its scaling."),
    ("EcsService", "region", "The AWS Region; the cluster's when it is declared, else the SDK's own."),
    ("EcsService", "taskDefinition", "The body of RegisterTaskDefinition. A revision is registered only when none that is equal exists."),
    ("EcsService", "service", "The body of CreateService."),
    ("EcsService", "autoscaling", "Bounds, policies and scheduled actions of desiredCount. Absent: left alone. {}: none."),

    // ---- Task definition ----
    ("TaskDefinition", "family", "The name that revisions are numbered under; the service's name when absent."),
    ("TaskDefinition", "taskRoleArn", "The role of the application itself. ECS Exec needs one."),
    ("TaskDefinition", "executionRoleArn", "The role with which ECS pulls images, reads secrets and writes logs."),
    ("TaskDefinition", "networkMode", "awsvpc gives each task an address of its own; Fargate needs it. Default: bridge."),
    ("TaskDefinition", "requiresCompatibilities", "Where the task must be able to run; checked when it is registered."),
    ("TaskDefinition", "containerDefinitions", "The containers of the task, one to ten, by name. Their order says nothing."),
    ("TaskDefinition", "pidMode", "task or host: whose processes containers see. Default: their own."),
    ("TaskDefinition", "placementConstraints", "Which instances may run the task. Not on Fargate."),
    ("TaskDefinition", "cpu", "CPU units (1024 are one vCPU), or text such as `0.5 vCPU`. Fargate takes certain pairs of cpu and memory only."),
    ("TaskDefinition", "memory", "MiB, or text such as `2 GB`."),
    ("TaskDefinition", "volumes", "Volumes that containers mount, by name."),
    ("TaskDefinition", "runtimePlatform", "CPU architecture and operating system. Default: X86_64 and LINUX."),
    ("TaskDefinition", "ephemeralStorage", "Disk of a Fargate task, 21 to 200 GiB; 20 when absent."),
    ("TaskDefinition", "tags", "Tags of the revision, by key."),
    ("ContainerDefinition", "name", "Unique in the task; load balancers and dependencies name it."),
    ("ContainerDefinition", "image", "registry/repository:tag, or @sha256:digest."),
    ("ContainerDefinition", "cpu", "CPU units reserved for this container; 0 shares what is left."),
    ("ContainerDefinition", "memory", "MiB after which the container is killed."),
    ("ContainerDefinition", "memoryReservation", "MiB kept free for the container; it may use more."),
    ("ContainerDefinition", "essential", "The task stops when this container does. Default: true."),
    ("ContainerDefinition", "portMappings", "Ports that can be reached from outside the task."),
    ("ContainerDefinition", "environment", "Variables in plain text. What must stay secret belongs under secrets."),
    ("ContainerDefinition", "secrets", "Variables from Secrets Manager or Parameter Store, read when the task starts."),
    ("ContainerDefinition", "dependsOn", "Containers that must have reached a condition before this one starts."),
    ("ContainerDefinition", "healthCheck", "A command in the container. An essential container that fails it has its task replaced."),
    ("ContainerDefinition", "logConfiguration", "Where standard output goes. Fargate takes awslogs, splunk and awsfirelens."),
    ("ContainerDefinition", "mountPoints", "Where volumes of the task appear in the container."),
    ("ContainerDefinition", "entryPoint", "Replaces the image's ENTRYPOINT."),
    ("ContainerDefinition", "command", "Replaces the image's CMD."),
    ("ContainerDefinition", "stopTimeout", "Seconds between SIGTERM and SIGKILL. Default: 30."),
    ("ContainerDefinition", "readonlyRootFilesystem", "Mounts the image read-only. Default: false."),
    ("ContainerDefinition", "restartPolicy", "Restarts the container inside its task instead of stopping the task."),
    ("ContainerDefinition", "environmentFiles", "Files in S3 with variables, one NAME=VALUE a line."),
    ("ContainerDefinition", "dockerLabels", "Labels of the Docker container."),
    ("ContainerDefinition", "user", "The user, or user:group, to run as. Default: the image's."),
    ("ContainerDefinition", "workingDirectory", "Replaces the image's WORKDIR."),
    ("ContainerDefinition", "privileged", "All rights of the instance's root. Not on Fargate. Default: false."),
    ("ContainerDefinition", "linuxParameters", "Capabilities, devices, shared memory, swap, an init process."),
    ("ContainerDefinition", "ulimits", "Limits of the kernel, such as nofile."),
    ("ContainerDefinition", "startTimeout", "Seconds after which a container that depends on this one gives up."),
    ("ContainerDefinition", "repositoryCredentials", "A secret with which to pull from a private registry other than ECR."),
    ("ContainerDefinition", "resourceRequirements", "GPUs that the container needs. Not on Fargate."),
    ("ContainerDefinition", "firelensConfiguration", "Makes this container the one that routes the logs of the others."),
    ("ContainerDefinition", "versionConsistency", "Resolves the image's tag to a digest for all tasks of a deployment. Default: enabled."),
    ("KeyValuePair", "name", "The name."),
    ("KeyValuePair", "value", "The value; plans and logs never show it."),
    ("RepositoryCredentials", "credentialsParameter", "The ARN of a secret that holds username and password."),
    ("ContainerRestartPolicy", "restartAttemptPeriod", "Seconds that it must have run before another restart: 60 to 1800. Default: 300."),
    ("ContainerRestartPolicy", "ignoredExitCodes", "Exit codes after which it is not restarted."),
    ("LogConfiguration", "logDriver", "awslogs, awsfirelens and splunk everywhere; others on EC2 instances only."),
    ("LogConfiguration", "options", "Of awslogs on Fargate: awslogs-group, awslogs-region and awslogs-stream-prefix are needed."),
    ("LogConfiguration", "secretOptions", "Options whose values are secrets."),
    ("MountPoint", "sourceVolume", "The name of a volume of the task."),
    ("MountPoint", "containerPath", "Where the volume appears in the container."),
    ("MountPoint", "readOnly", "Default: false."),
    ("Secret", "name", "The variable's name."),
    ("ContainerDependency", "containerName", "The container to wait for."),
    ("PortMapping", "containerPort", "The port that the application listens on."),
    ("PortMapping", "hostPort", "Bridge: the instance's port, 0 or absent for a free one. Otherwise the same as containerPort."),
    ("PortMapping", "name", "Service Connect and VPC Lattice refer to the port by it."),
    ("PortMapping", "containerPortRange", "Ports FIRST-LAST, in place of containerPort."),
    ("PortMapping", "protocol", "tcp (default) or udp."),
    ("PortMapping", "appProtocol", "http, http2 or grpc: what Service Connect can tell about requests."),
    ("HealthCheck", "command", "CMD or CMD-SHELL first, then the command; exit code 0 is healthy."),
    ("HealthCheck", "interval", "Seconds between checks. Default: 30."),
    ("HealthCheck", "timeout", "Seconds until a check counts as failed. Default: 5."),
    ("HealthCheck", "retries", "Failures in a row that make it unhealthy. Default: 3."),
    ("HealthCheck", "startPeriod", "Seconds after the start in which failures do not count."),
    ("Secret", "valueFrom", "The ARN of a secret, or the name or ARN of a parameter; `:key::` after a secret's ARN picks one JSON key."),
    ("ContainerDependency", "condition", "START: it started. COMPLETE: it ended. SUCCESS: it ended with 0. HEALTHY: its health check passes."),
    ("EFSVolumeConfiguration", "transitEncryption", "ENABLED is needed for access points and IAM. Default: DISABLED."),
    ("Volume", "name", "Mount points name it."),
    ("Volume", "host", "A folder of the instance; without sourcePath one that Docker makes."),
    ("Volume", "efsVolumeConfiguration", "A file system on EFS."),
    ("Volume", "dockerVolumeConfiguration", "A volume that Docker manages. Not on Fargate."),
    ("Volume", "configuredAtLaunch", "An EBS volume that the service configures in volumeConfigurations."),
    ("EFSVolumeConfiguration", "fileSystemId", "The id of the file system."),
    ("EFSVolumeConfiguration", "authorizationConfig", "An access point, and whether the task's role counts."),
    ("EphemeralStorage", "sizeInGiB", "21 to 200."),
    ("RuntimePlatform", "cpuArchitecture", "X86_64 (default) or ARM64."),

    // ---- Service ----
    ("Service", "cluster", "The cluster's name or ARN; `default` when absent. It cannot change later."),
    ("Service", "serviceName", "The service's name in AWS; metadata.name when absent."),
    ("Service", "taskDefinition", "An existing family, family:revision or ARN to run as it is, in place of spec.taskDefinition."),
    ("Service", "desiredCount", "How many tasks. Absent: whatever runs stays. With scaling it counts only on creation."),
    ("Service", "launchType", "Instead of a capacity provider strategy."),
    ("Service", "capacityProviderStrategy", "How tasks are spread over providers: base first, then by weight. Instead of a launch type."),
    ("Service", "platformVersion", "The Fargate platform. Absent is LATEST."),
    ("Service", "schedulingStrategy", "REPLICA keeps a number of tasks (default), DAEMON one on each instance. It cannot change later."),
    ("Service", "deploymentConfiguration", "How a new revision replaces the old one."),
    ("Service", "deploymentController", "Who deploys: ECS (default), CODE_DEPLOY or EXTERNAL."),
    ("Service", "loadBalancers", "Target groups that tasks are registered in."),
    ("Service", "networkConfiguration", "Subnets and security groups of tasks in awsvpc mode."),
    ("Service", "healthCheckGracePeriodSeconds", "Seconds after a task's start in which the load balancer's checks do not count."),
    ("Service", "placementStrategy", "How tasks are spread or packed over instances, in this order. Not on Fargate."),
    ("Service", "placementConstraints", "Which instances may run the tasks. Not on Fargate."),
    ("Service", "availabilityZoneRebalancing", "Moves tasks when zones are uneven. Absent: left as it is; new services have it."),
    ("Service", "enableExecuteCommand", "Allows ECS Exec into new tasks; needs a task role. Default: false."),
    ("Service", "enableECSManagedTags", "Tags tasks with their cluster and service. Default: false."),
    ("Service", "propagateTags", "Copies tags to tasks, from the service or the task definition. Default: no."),
    ("Service", "serviceConnectConfiguration", "Names under which services of a namespace reach each other."),
    ("Service", "tags", "Tags by key. Keys that are not listed are left alone."),
    ("CapacityProviderStrategyItem", "base", "At least so many tasks run here; on one provider only. Default: 0."),
    ("CapacityProviderStrategyItem", "weight", "Share of the tasks above base; not 0 for all. Default: 0."),
    ("CapacityProviderStrategyItem", "capacityProvider", "FARGATE, FARGATE_SPOT, or the name of a provider that the cluster has."),
    ("NetworkConfiguration", "awsvpcConfiguration", "Where tasks in awsvpc mode get their addresses."),
    ("AwsVpcConfiguration", "subnets", "One to sixteen subnets of one VPC; their order says nothing."),
    ("DeploymentController", "type", "ECS (default), CODE_DEPLOY or EXTERNAL."),
    ("AwsVpcConfiguration", "securityGroups", "Absent: the VPC's default group, and what is there is left alone."),
    ("AwsVpcConfiguration", "assignPublicIp", "Public subnets without NAT need ENABLED to pull images. Default: DISABLED."),
    ("DeploymentConfiguration", "strategy", "ROLLING (default), BLUE_GREEN, LINEAR or CANARY."),
    ("DeploymentConfiguration", "maximumPercent", "How many tasks may run while deploying, in percent of desiredCount. Default: 200; DAEMON: 100."),
    ("DeploymentConfiguration", "minimumHealthyPercent", "How many must stay healthy while deploying. Default: 100; DAEMON: 0."),
    ("DeploymentConfiguration", "deploymentCircuitBreaker", "Stops a rolling deployment whose tasks do not start, and may roll it back."),
    ("DeploymentConfiguration", "alarms", "CloudWatch alarms that fail a deployment."),
    ("DeploymentConfiguration", "bakeTimeInMinutes", "How long both revisions stay after traffic has moved."),
    ("DeploymentConfiguration", "lifecycleHooks", "Lambda functions, or pauses, at stages of a blue/green deployment."),
    ("DeploymentConfiguration", "linearConfiguration", "Of LINEAR: how much traffic moves at a time, and how long it stays so."),
    ("DeploymentConfiguration", "canaryConfiguration", "Of CANARY: how much traffic moves first, and how long it stays so."),
    ("DeploymentCircuitBreaker", "enable", "Ends a deployment after too many tasks that failed to start."),
    ("DeploymentCircuitBreaker", "rollback", "And goes back to the last deployment that completed."),
    ("DeploymentAlarms", "alarmNames", "Names of CloudWatch alarms: one in alarm fails the deployment."),
    ("DeploymentAlarms", "rollback", "And goes back to the last deployment that completed."),
    ("LoadBalancer", "containerName", "The container that gets the traffic; it must map containerPort."),
    ("LoadBalancer", "containerPort", "The port that gets the traffic, as the container maps it."),
    ("LoadBalancer", "targetGroupArn", "The target group; of the type ip for tasks in awsvpc mode."),
    ("LoadBalancer", "loadBalancerName", "A Classic Load Balancer, in place of a target group."),
    ("LoadBalancer", "advancedConfiguration", "What blue/green, linear and canary deployments move the traffic with."),
    ("AdvancedConfiguration", "productionListenerRule", "The ARN of the listener's rule whose traffic moves."),
    ("AdvancedConfiguration", "testListenerRule", "The ARN of a rule that shows the new revision before its traffic moves."),
    ("AdvancedConfiguration", "roleArn", "The role with which ECS changes the listener's rules."),
    ("AdvancedConfiguration", "alternateTargetGroupArn", "The second target group: traffic moves between the two."),
    ("PlacementStrategy", "field", "What to spread over or pack by: instanceId, attribute:ecs.availability-zone, cpu, memory."),
    ("PlacementStrategy", "type", "random, spread or binpack."),
    ("PlacementConstraint", "type", "distinctInstance: each task on another instance; memberOf: instances that the expression finds."),
    ("PlacementConstraint", "expression", "In the cluster query language, such as `attribute:ecs.instance-type =~ t3.*`."),
    ("Service", "serviceRegistries", "A service of Cloud Map that tasks are registered in, for names by DNS."),
    ("Service", "volumeConfigurations", "The EBS volume that each task gets."),
    ("Service", "vpcLatticeConfigurations", "Target groups of VPC Lattice that tasks are registered in."),
    ("ServiceConnectConfiguration", "namespace", "The Cloud Map namespace's name or ARN; the cluster's default when absent."),
    ("ServiceConnectConfiguration", "services", "Ports that others of the namespace reach, by name. None: the service only calls others."),
    ("ServiceConnectService", "portName", "The name of a port mapping."),
    ("ServiceConnectService", "clientAliases", "The name and port that others call."),

    // ---- Scaling ----
    ("Autoscaling", "minCapacity", "The least desiredCount. Scheduled actions may move it."),
    ("Autoscaling", "maxCapacity", "The greatest desiredCount. Scheduled actions may move it."),
    ("Autoscaling", "policies", "All scaling policies of the service: others are deleted."),
    ("Autoscaling", "scheduledActions", "All scheduled actions of the service: others are deleted."),
    ("Policy", "policyType", "TargetTrackingScaling, StepScaling (default) or PredictiveScaling."),
    ("Policy", "policyName", "Unique for the service."),
    ("TargetTrackingScalingPolicyConfiguration", "predefinedMetricSpecification", "A metric that AWS knows, such as ECSServiceAverageCPUUtilization."),
    ("TargetTrackingScalingPolicyConfiguration", "customizedMetricSpecification", "Any CloudWatch metric, or a calculation with some."),
    ("TargetTrackingScalingPolicyConfiguration", "disableScaleIn", "Only ever adds tasks. Default: false."),
    ("TargetTrackingScalingPolicyConfiguration", "scaleOutCooldown", "Seconds between two steps up. Default: 300."),
    ("PredefinedMetricSpecification", "resourceLabel", "Of ALBRequestCountPerTarget: app/NAME/ID/targetgroup/NAME/ID, the ends of both ARNs."),
    ("StepScalingPolicyConfiguration", "adjustmentType", "What scalingAdjustment is: ChangeInCapacity, PercentChangeInCapacity or ExactCapacity."),
    ("TargetTrackingScalingPolicyConfiguration", "targetValue", "The metric's value to hold, such as 60 for 60 percent."),
    ("TargetTrackingScalingPolicyConfiguration", "scaleInCooldown", "Seconds between two steps down. Default: 300."),
    ("StepScalingPolicyConfiguration", "stepAdjustments", "Bounds are relative to the threshold of the alarm that calls the policy."),
    ("ScheduledAction", "schedule", "cron(…), rate(…) or at(…), as AWS writes them: cron has six fields."),
    ("ScheduledAction", "timezone", "An IANA name, such as Europe/Berlin. Default: UTC."),
    ("ScheduledAction", "scalableTargetAction", "The bounds that it sets."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::shape;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_describes_a_member_of_the_model_and_does_so_once() {
        let mut seen = BTreeSet::new();
        for (of, member, text) in DESCRIPTIONS {
            assert!(seen.insert((of, member)), "{of}.{member} is described twice");
            let apis = ["kinds", "ecs", "ecr", "application-autoscaling"];
            let known = apis
                .iter()
                .filter_map(|api| shape(api, of))
                .any(|shape| member.is_empty() || shape.member(member).is_some());
            assert!(known, "{of}.{member} is not in the model");
            assert!(text.len() < 180 && text.ends_with('.'), "{of}.{member}: {text}");
        }
    }

    #[test]
    fn every_annotation_of_ours_is_described() {
        for name in annotation::ALL {
            assert!(annotation_description(name).is_some(), "{name}");
        }
    }
}
