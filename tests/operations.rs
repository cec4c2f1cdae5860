//! Every operation that the product can call, once, by the real SDK against the sandbox.
//!
//! The bytes on the wire are held in `aws/`; here each answer must be one that the model knows. A new operation
//! in the table fails until it is called here.

use crate::world::World;
use ecs_operator::aws::Operation::{self, *};
use ecs_operator::model::document::from_wire;
use ecs_operator::model::facts;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// What the sandbox refuses, because deployments there cannot be stopped or held yet.
const NOT_THERE: [Operation; 2] = [StopServiceDeployment, ContinueServiceDeployment];

const SERVICE: &str = "arn:aws:ecs:eu-central-1:123456789012:service/shop/web";
const REPOSITORY: &str = "arn:aws:ecr:eu-central-1:123456789012:repository/shop/web";
const GROUP: &str = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c8a6e-0000-4000-8000-000000000000:autoScalingGroupName/shop";

/// An operation, its input, and the member of the answer that must say something.
type Step = (Operation, Value, &'static str);

fn of_ecs() -> Vec<Step> {
    let containers = json!([{"name": "web", "image": "nginx", "memory": 64}]);
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0aaaaaaaaaaaaaaa1"]}});
    let one = json!({"cluster": "shop", "services": ["web"]});
    let task = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", "containerDefinitions": containers});
    let create = json!({"cluster": "shop", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": network});
    let tags = json!([{"key": "team", "value": "a"}]);
    vec![
        (CreateCluster, json!({"clusterName": "shop"}), "cluster"),
        (
            UpdateCluster,
            json!({"cluster": "shop", "settings": [{"name": "containerInsights", "value": "enabled"}]}),
            "cluster",
        ),
        (DescribeClusters, json!({"clusters": ["shop"]}), "clusters"),
        (ListClusters, json!({}), "clusterArns"),
        (
            CreateCapacityProvider,
            json!({"name": "own", "autoScalingGroupProvider": {"autoScalingGroupArn": GROUP}}),
            "capacityProvider",
        ),
        (
            PutClusterCapacityProviders,
            json!({"cluster": "shop", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": []}),
            "cluster",
        ),
        (RegisterTaskDefinition, task, "taskDefinition"),
        (DescribeTaskDefinition, json!({"taskDefinition": "web"}), "taskDefinition"),
        (ListTaskDefinitions, json!({"familyPrefix": "web"}), "taskDefinitionArns"),
        (CreateService, create, "service"),
        (DescribeServices, one, "services"),
        (ListServices, json!({"cluster": "shop"}), "serviceArns"),
        (UpdateService, json!({"cluster": "shop", "service": "web", "desiredCount": 2}), "service"),
        (EcsTagResource, json!({"resourceArn": SERVICE, "tags": tags}), ""),
        (EcsListTagsForResource, json!({"resourceArn": SERVICE}), "tags"),
        (EcsUntagResource, json!({"resourceArn": SERVICE, "tagKeys": ["team"]}), ""),
        (ListServiceDeployments, json!({"service": SERVICE, "cluster": "shop"}), "serviceDeployments"),
        (
            RunTask,
            json!({"cluster": "shop", "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network}),
            "tasks",
        ),
        (ListTasks, json!({"cluster": "shop"}), "taskArns"),
    ]
}

fn of_ecr() -> Vec<Step> {
    let name = json!({"repositoryName": "shop/web"});
    let with = |member: &str, value: Value| json!({"repositoryName": "shop/web", member: value});
    let lifecycle = json!({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}, "action": {"type": "expire"}}]});
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]});
    vec![
        (CreateRepository, name.clone(), "repository"),
        (DescribeRepositories, json!({}), "repositories"),
        (PutImageTagMutability, with("imageTagMutability", json!("IMMUTABLE")), "imageTagMutability"),
        (
            PutImageScanningConfiguration,
            with("imageScanningConfiguration", json!({"scanOnPush": true})),
            "imageScanningConfiguration",
        ),
        (
            PutLifecyclePolicy,
            with("lifecyclePolicyText", json!(lifecycle.to_string())),
            "lifecyclePolicyText",
        ),
        (GetLifecyclePolicy, name.clone(), "lifecyclePolicyText"),
        (DeleteLifecyclePolicy, name.clone(), "lifecyclePolicyText"),
        (SetRepositoryPolicy, with("policyText", json!(policy.to_string())), "policyText"),
        (GetRepositoryPolicy, name.clone(), "policyText"),
        (DeleteRepositoryPolicy, name.clone(), "policyText"),
        (ListImages, name.clone(), "imageIds"),
        (DescribeImages, name.clone(), "imageDetails"),
        (EcrTagResource, json!({"resourceArn": REPOSITORY, "tags": [{"Key": "team", "Value": "a"}]}), ""),
        (EcrListTagsForResource, json!({"resourceArn": REPOSITORY}), "tags"),
        (GetResources, json!({"ResourceTypeFilters": ["ecr:repository"]}), "ResourceTagMappingList"),
        (EcrUntagResource, json!({"resourceArn": REPOSITORY, "tagKeys": ["team"]}), ""),
        (DeleteRepository, name, "repository"),
    ]
}

fn of_scaling() -> Vec<Step> {
    let target = |more: Value| {
        let mut input = json!({"ServiceNamespace": "ecs", "ResourceId": "service/shop/web", "ScalableDimension": "ecs:service:DesiredCount"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let tracking = json!({"TargetValue": 60.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}});
    vec![
        (RegisterScalableTarget, target(json!({"MinCapacity": 1, "MaxCapacity": 3})), "ScalableTargetARN"),
        (DescribeScalableTargets, json!({"ServiceNamespace": "ecs"}), "ScalableTargets"),
        (
            PutScalingPolicy,
            target(
                json!({"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking}),
            ),
            "PolicyARN",
        ),
        (DescribeScalingPolicies, json!({"ServiceNamespace": "ecs"}), "ScalingPolicies"),
        (
            PutScheduledAction,
            target(
                json!({"ScheduledActionName": "night", "Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 1}}),
            ),
            "",
        ),
        (DescribeScheduledActions, json!({"ServiceNamespace": "ecs"}), "ScheduledActions"),
        (DescribeScalingActivities, json!({"ServiceNamespace": "ecs"}), "ScalingActivities"),
        (DeleteScheduledAction, target(json!({"ScheduledActionName": "night"})), ""),
        (DeleteScalingPolicy, target(json!({"PolicyName": "cpu"})), ""),
        (DeregisterScalableTarget, target(json!({})), ""),
    ]
}

/// Carries out the steps, and holds each answer against the model.
async fn walk(world: &World, steps: Vec<Step>, called: &mut BTreeSet<Operation>) -> Vec<Value> {
    let mut answers = Vec::new();
    for (operation, input, says) in steps {
        let answer = world.behind(operation, input).await;
        assert!(says.is_empty() || answer.get(says).is_some(), "{operation} does not say `{says}`: {answer}");
        known_to_the_model(operation, &answer);
        called.insert(operation);
        answers.push(answer);
    }
    answers
}

fn known_to_the_model(operation: Operation, answer: &Value) {
    let apis = ["ecs", "ecr", "application-autoscaling", "resourcegroupstaggingapi"];
    let prefix = operation.permission();
    let api = apis.into_iter().find(|api| prefix.starts_with(api)).unwrap_or("resourcegroupstaggingapi");
    let output = facts::operation(api, operation.name()).unwrap().output.unwrap().shape();
    let ours = from_wire(output, answer);
    let unknown = ours.as_object().unwrap().keys().find(|member| output.member(member).is_none());
    assert_eq!(unknown, None, "{operation} answers what the model does not know");
}

#[tokio::test(start_paused = true)]
async fn every_operation_is_understood_by_the_sandbox() {
    let world = World::new().await;
    let mut called = BTreeSet::new();
    let answers = walk(&world, of_ecs(), &mut called).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let last = answers.last().unwrap()["taskArns"][0].clone();
    let deployments =
        world.behind(ListServiceDeployments, json!({"service": SERVICE, "cluster": "shop"})).await;
    let deployment = &deployments["serviceDeployments"][0];
    let rest = vec![
        (
            UpdateCapacityProvider,
            json!({"name": "own", "autoScalingGroupProvider": {"managedDraining": "DISABLED"}}),
            "capacityProvider",
        ),
        (DescribeCapacityProviders, json!({"capacityProviders": ["own"]}), "capacityProviders"),
        (DeleteCapacityProvider, json!({"capacityProvider": "own"}), "capacityProvider"),
        (
            DescribeServiceDeployments,
            json!({"serviceDeploymentArns": [deployment["serviceDeploymentArn"]]}),
            "serviceDeployments",
        ),
        (
            DescribeServiceRevisions,
            json!({"serviceRevisionArns": [deployment["targetServiceRevisionArn"]]}),
            "serviceRevisions",
        ),
        (DescribeTasks, json!({"cluster": "shop", "tasks": [last]}), "tasks"),
        (StopTask, json!({"cluster": "shop", "task": last}), "task"),
    ];
    walk(&world, rest, &mut called).await;
    walk(&world, of_ecr(), &mut called).await;
    walk(&world, of_scaling(), &mut called).await;
    let end = vec![(DeleteService, json!({"cluster": "shop", "service": "web", "force": true}), "service")];
    walk(&world, end, &mut called).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    walk(&world, vec![(DeleteCluster, json!({"cluster": "shop"}), "cluster")], &mut called).await;
    assert_eq!(world.session.aws.account_id("eu-central-1").await.unwrap(), "123456789012");
    called.insert(GetCallerIdentity);
    let left: Vec<_> =
        Operation::ALL.iter().filter(|one| !called.contains(one) && !NOT_THERE.contains(one)).collect();
    assert!(left.is_empty(), "never called: {left:?}");
}
