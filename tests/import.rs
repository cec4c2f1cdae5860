//! Imports planned again: of a world as AWS describes it, and of a sandbox's, written and read on the way.

use ecs_operator::aws::{Aws, Connection, Exchange, Operation};
use ecs_operator::import::{Import, Imported, manifests};
use ecs_operator::manifest::write::yaml;
use ecs_operator::model::desired::{Desired, Document, Object, Origin, Policy};
use ecs_operator::model::names::{Key, Kind, tag};
use ecs_operator::model::observed::{Observed, Parts, Resource, Revision, Sighting, Tags};
use ecs_operator::observe::{ReadCache, inventory};
use ecs_operator::plan::{self, Options, Plan, Verdict};
use ecs_operator::reconcile::Session;
use ecs_operator::resolve::{self, resolve};
use ecs_operator::sandbox::{Options as World, Sandbox};
use ecs_operator::source;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const REGION: &str = "eu-central-1";

fn key(kind: Kind, cluster: Option<&str>, name: &str) -> Key {
    Key { kind, region: REGION.to_owned(), cluster: cluster.map(str::to_owned), name: name.to_owned() }
}

fn document(value: Value) -> Document {
    value.as_object().unwrap().clone()
}

fn arn(rest: &str) -> String {
    format!("arn:aws:ecs:{REGION}:123456789012:{rest}")
}

fn resource(body: Value, parts: Parts) -> Sighting<Resource> {
    let tags = Tags::from([
        ("team".to_owned(), "web".to_owned()),
        ("aws:cloudformation:stack-name".to_owned(), "old".to_owned()),
    ]);
    Sighting::Present(Resource { arn: arn("any"), body: document(body), tags, parts })
}

fn cluster() -> Sighting<Resource> {
    let body = json!({
        "clusterName": "Shop", "clusterArn": arn("cluster/Shop"), "status": "ACTIVE", "runningTasksCount": 3, "statistics": [],
        "settings": [{"name": "containerInsights", "value": "disabled"}], "configuration": {},
        "capacityProviders": ["FARGATE", "managed", "shop-ec2"], "defaultCapacityProviderStrategy": [],
    });
    resource(body, Parts::default())
}

fn group() -> Value {
    json!({"name": "shop-ec2", "capacityProviderArn": arn("capacity-provider/shop-ec2"), "status": "ACTIVE", "updateStatus": "CREATE_COMPLETE",
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c:autoScalingGroupName/shop",
            "managedScaling": {"status": "ENABLED", "targetCapacity": 90, "minimumScalingStepSize": 1, "maximumScalingStepSize": 10000, "instanceWarmupPeriod": 300},
            "managedTerminationProtection": "DISABLED", "managedDraining": "ENABLED"}})
}

/// A service as DescribeServices answers; `extra` is laid over it.
fn service(name: &str, extra: Value, parts: Parts) -> Sighting<Resource> {
    let mut body = json!({
        "serviceArn": arn(&format!("service/Shop/{name}")), "serviceName": name, "clusterArn": arn("cluster/Shop"), "loadBalancers": [], "serviceRegistries": [],
        "status": "ACTIVE", "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "launchType": "FARGATE", "platformVersion": "LATEST", "platformFamily": "Linux",
        "taskDefinition": arn("task-definition/web:3"),
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}, "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0},
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED",
            "serviceConnectConfiguration": {"enabled": true, "namespace": "shop", "services": [{"portName": "http", "clientAliases": [{"port": 80}]}]}}],
        "roleArn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "createdAt": 1_700_000_000.5, "placementConstraints": [], "placementStrategy": [],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": ["sg-0bb"], "assignPublicIp": "DISABLED"}},
        "healthCheckGracePeriodSeconds": 0, "schedulingStrategy": "REPLICA", "deploymentController": {"type": "ECS"}, "createdBy": "arn:aws:iam::123456789012:role/ci",
        "enableECSManagedTags": false, "propagateTags": "NONE", "enableExecuteCommand": false, "availabilityZoneRebalancing": "ENABLED",
    });
    body.as_object_mut().unwrap().extend(document(extra));
    resource(body, parts)
}

fn scaled() -> Parts {
    let target = json!({"serviceNamespace": "ecs", "resourceId": "service/Shop/web", "scalableDimension": "ecs:service:DesiredCount", "minCapacity": 2, "maxCapacity": 8,
        "roleARN": "arn:aws:iam::123456789012:role/aws-service-role/x", "creationTime": 1_700_000_000,
        "suspendedState": {"dynamicScalingInSuspended": false, "dynamicScalingOutSuspended": false, "scheduledScalingSuspended": false}});
    let policy = json!({"policyARN": "arn:aws:autoscaling:x", "policyName": "cpu", "policyType": "TargetTrackingScaling", "alarms": [{"alarmName": "a", "alarmARN": "b"}],
        "targetTrackingScalingPolicyConfiguration": {"targetValue": 60.0, "disableScaleIn": false, "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}}});
    let action = json!({"scheduledActionName": "sale", "scheduledActionARN": "arn", "schedule": "rate(1 day)", "timezone": "UTC",
        "startTime": 1_767_225_600.0, "scalableTargetAction": {"minCapacity": 4}});
    Parts {
        target: Some(Sighting::Present(document(target))),
        policies: Some(Sighting::Present(vec![document(policy)])),
        scheduled_actions: Some(Sighting::Present(vec![document(action)])),
        ..Parts::default()
    }
}

fn unscaled() -> Parts {
    Parts {
        target: Some(Sighting::Absent),
        policies: Some(Sighting::Present(Vec::new())),
        scheduled_actions: Some(Sighting::Present(Vec::new())),
        ..Parts::default()
    }
}

fn world() -> Observed {
    let strategy = json!([{"capacityProvider": "shop-ec2", "weight": 1, "base": 0}]);
    let managed = json!({"name": "managed", "status": "ACTIVE", "cluster": arn("cluster/Shop"), "managedInstancesProvider": {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infra", "propagateTags": "NONE", "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecs", "networkConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": []}}}});
    let lifecycle = json!({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}]});
    let repository = Parts {
        lifecycle_policy: Some(Sighting::Present(document(lifecycle))),
        repository_policy: Some(Sighting::Absent),
        ..Parts::default()
    };
    let resources = BTreeMap::from([
        (key(Kind::EcsCluster, None, "Shop"), cluster()),
        (key(Kind::EcsCapacityProvider, None, "shop-ec2"), resource(group(), Parts::default())),
        (key(Kind::EcsCapacityProvider, Some("Shop"), "managed"), resource(managed, Parts::default())),
        (key(Kind::EcsService, Some("Shop"), "web"), service("web", json!({}), scaled())),
        (
            key(Kind::EcsService, Some("Shop"), "Web_2"),
            service(
                "Web_2",
                json!({"launchType": "", "capacityProviderStrategy": strategy, "availabilityZoneRebalancing": "DISABLED"}),
                unscaled(),
            ),
        ),
        (
            key(Kind::EcsService, Some("Shop"), "agent"),
            service(
                "agent",
                json!({"schedulingStrategy": "DAEMON", "launchType": "EC2", "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 0}}),
                unscaled(),
            ),
        ),
        (
            key(Kind::EcrRepository, None, "shop/web"),
            resource(
                json!({"repositoryName": "shop/web", "registryId": "123456789012", "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": false},
                    "encryptionConfiguration": {"encryptionType": "AES256"}, "createdAt": 1_700_000_000.0}),
                repository,
            ),
        ),
    ]);
    let body = json!({
        "taskDefinitionArn": arn("task-definition/web:3"), "family": "web", "revision": 3, "status": "ACTIVE", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"], "compatibilities": ["EC2", "FARGATE"], "volumes": [{"name": "tmp", "host": {}}], "placementConstraints": [],
        "requiresAttributes": [{"name": "x"}], "registeredAt": 1.0, "registeredBy": "me",
        "containerDefinitions": [{"name": "web", "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1", "cpu": 0, "essential": true, "environment": [{"name": "ON", "value": "yes"}],
            "mountPoints": [], "volumesFrom": [], "systemControls": [], "portMappings": [{"name": "http", "containerPort": 80, "hostPort": 80, "protocol": "tcp"}]}],
    });
    let revision = Revision { arn: arn("task-definition/web:3"), body: document(body), tags: Tags::new() };
    let revisions = BTreeMap::from([((REGION.to_owned(), "web:3".to_owned()), Sighting::Present(revision))]);
    Observed { account: "123456789012".to_owned(), resources, revisions, ..Observed::default() }
}

/// The imported manifests with their names filled in, as resolving does.
fn resolved(import: &Import) -> Desired {
    let object = |imported: &Imported| {
        let mut spec = imported.spec.clone();
        spec.remove("region");
        let key = imported.key.clone();
        let fill = |spec: &mut Document, member: &str| {
            spec.entry(member.to_owned()).or_insert_with(|| json!(key.name));
        };
        match key.kind {
            Kind::EcsCluster => fill(&mut spec, "clusterName"),
            Kind::EcsCapacityProvider => fill(&mut spec, "name"),
            Kind::EcrRepository => fill(&mut spec, "repositoryName"),
            Kind::EcsService => {
                for (part, member) in [("service", "serviceName"), ("taskDefinition", "family")] {
                    if let Some(Value::Object(part)) = spec.get_mut(part) {
                        fill(part, member);
                    }
                }
            }
        }
        let origin = Origin {
            kind: key.kind,
            namespace: None,
            name: imported.name.clone(),
            place: "import".to_owned(),
        };
        let policy = Policy { adopt: true, ..Policy::of(key.kind) };
        (imported.key.clone(), Object { key, origin, policy, spec })
    };
    Desired { objects: import.manifests.iter().map(object).collect(), ..Desired::default() }
}

fn planned(observed: &Observed) -> (Import, Plan) {
    let import = manifests(observed).unwrap();
    let options = Options { owner: "default".to_owned(), ..Options::default() };
    let plan = plan::plan(&resolved(&import), observed, &options);
    (import, plan)
}

fn spec<'a>(import: &'a Import, name: &str) -> &'a Document {
    &import.manifests.iter().find(|imported| imported.name == name).unwrap().spec
}

#[test]
fn planning_an_import_shows_adoptions_and_no_differences() {
    let (import, plan) = planned(&world());
    assert_eq!(import.notes, Vec::<String>::new());
    assert_eq!(plan.objects.len(), 7);
    for object in &plan.objects {
        assert_eq!((object.verdict, &object.hold), (Verdict::Adopt, &None), "{}", object.key);
        assert_eq!(object.differences, [], "{}", object.key);
    }
    assert!(plan.actions.iter().all(|action| action.operation == "TagResource"), "{:#?}", plan.actions);
}

#[test]
fn a_manifest_says_only_what_must_be_said() {
    let (import, _) = planned(&world());
    let tags = json!([{"key": "team", "value": "web"}]);
    assert_eq!(
        Value::Object(spec(&import, "web").clone()),
        json!({
            "taskDefinition": {
                "networkMode": "awsvpc", "volumes": [{"name": "tmp"}], "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
                "containerDefinitions": [{"name": "web", "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1",
                    "portMappings": [{"name": "http", "containerPort": 80}], "environment": [{"name": "ON", "value": "yes"}]}],
            },
            "service": {
                "cluster": "Shop", "launchType": "FARGATE", "tags": tags,
                "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}},
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": ["sg-0bb"]}},
                "serviceConnectConfiguration": {"enabled": true, "namespace": "shop", "services": [{"portName": "http", "clientAliases": [{"port": 80}]}]},
            },
            "autoscaling": {
                "minCapacity": 2, "maxCapacity": 8,
                "policies": [{"policyName": "cpu", "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration":
                    {"targetValue": 60, "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}}}],
                "scheduledActions": [{"schedule": "rate(1 day)", "scheduledActionName": "sale", "startTime": "2026-01-01T00:00:00Z", "scalableTargetAction": {"minCapacity": 4}}],
            },
        })
    );
    assert_eq!(
        Value::Object(spec(&import, "shop").clone()),
        json!({"region": REGION, "clusterName": "Shop", "capacityProviders": ["FARGATE", "shop-ec2"], "tags": tags})
    );
    assert_eq!(
        spec(&import, "shop-web").keys().collect::<Vec<_>>(),
        ["region", "repositoryName", "tags", "imageTagMutability", "lifecyclePolicy"]
    );
    let second = &spec(&import, "web-2")["service"];
    assert_eq!((&second["serviceName"], &second["desiredCount"]), (&json!("Web_2"), &json!(2)));
    assert!(second.get("launchType").is_none() && second["availabilityZoneRebalancing"] == "DISABLED");
    let daemon = &spec(&import, "agent")["service"];
    assert!(daemon.get("desiredCount").is_none() && daemon["schedulingStrategy"] == "DAEMON");
}

#[test]
fn names_that_become_one_label_are_told_apart() {
    let mut observed = world();
    for name in ["WEB", "we_b", "we/b", "___"] {
        observed
            .resources
            .insert(key(Kind::EcsService, Some("Shop"), name), service(name, json!({}), unscaled()));
    }
    let (import, plan) = planned(&observed);
    let mut names: Vec<&str> = import.manifests.iter().map(|imported| imported.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "agent",
            "ecsservice",
            "managed",
            "shop",
            "shop-ec2",
            "shop-web",
            "we-b",
            "we-b-2",
            "web",
            "web-2",
            "web-2-2"
        ]
    );
    assert!(plan.objects.iter().all(|object| object.differences.is_empty()));
}

#[test]
fn nothing_is_written_when_anything_could_not_be_read() {
    let mut observed = world();
    let denied = || "AccessDeniedException".to_owned();
    let parts = Parts { policies: Some(Sighting::Unreadable(denied())), ..scaled() };
    observed.resources.insert(key(Kind::EcsService, Some("Shop"), "web"), service("web", json!({}), parts));
    observed.resources.insert(key(Kind::EcrRepository, None, "shop/web"), Sighting::Unreadable(denied()));
    let problems: Vec<String> = manifests(&observed).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "EcrRepository/shop/web could not be read: AccessDeniedException",
            "the scaling policies of EcsService/Shop/web could not be read: AccessDeniedException",
        ]
    );
}

#[test]
fn what_is_going_is_left_out_and_said_and_a_cluster_that_is_not_there_is_an_error() {
    let mut observed = world();
    observed.resources.insert(
        key(Kind::EcsService, Some("Shop"), "web"),
        service("web", json!({"status": "DRAINING"}), unscaled()),
    );
    assert_eq!(manifests(&observed).unwrap().notes, ["EcsService/Shop/web: it is DRAINING"]);
    observed.resources.insert(key(Kind::EcsCluster, None, "Shop"), Sighting::Absent);
    assert_eq!(manifests(&observed).unwrap_err()[0].to_string(), "EcsCluster/Shop is not there");
}

#[test]
fn a_revision_that_is_not_described_any_more_is_named() {
    let mut observed = world();
    observed.revisions.clear();
    let (import, plan) = planned(&observed);
    assert_eq!(spec(&import, "web")["service"]["taskDefinition"], arn("task-definition/web:3"));
    assert_eq!(import.notes.len(), 3);
    for object in &plan.objects {
        assert_eq!(object.differences, [], "{}", object.key);
    }
}

// ---- Against the sandbox ----

async fn session(sandbox: &Sandbox) -> Session {
    let answering = sandbox.clone();
    let call: Exchange = Arc::new(move |request| Box::pin(ready(answering.call(request))));
    let aws = Aws::connect(Connection::InProcess { call, region: REGION.to_owned() }).await;
    Session::new(aws, Options { owner: "default".to_owned(), ..Options::default() })
}

fn desired(path: &Path) -> Desired {
    let snapshot = source::load(&[PathBuf::from(path)], &mut std::io::empty());
    let options = resolve::Options { default_region: None };
    let resolved = resolve(&snapshot, &options);
    assert!(resolved.problems.is_empty(), "{:#?}", resolved.problems);
    resolved.desired
}

/// Passes until there is nothing to write; the last plan.
async fn applied(session: &Session, sandbox: &Sandbox, desired: &Desired) -> Plan {
    for _ in 0..20 {
        let plan = session.plan(desired).await.unwrap().plan;
        if plan.actions.is_empty() && plan.objects.iter().all(|object| object.verdict == Verdict::Unchanged) {
            return plan;
        }
        let _ = session.execute(&plan).await.unwrap();
        sandbox.advance(Duration::from_mins(1));
    }
    panic!("twenty passes were not enough");
}

/// As if nobody had made it: without the operator's tags.
async fn disown(session: &Session, desired: &Desired) {
    let observed = session.plan(desired).await.unwrap().observed;
    for (key, seen) in &observed.resources {
        let operation = match key.kind {
            Kind::EcrRepository => Operation::EcrUntagResource,
            _ => Operation::EcsUntagResource,
        };
        let arn = &seen.present().unwrap().arn;
        let input = json!({"resourceArn": arn, "tagKeys": [tag::OWNER, tag::SOURCE, tag::STATE]});
        session.aws.call(REGION, operation, &input).await.unwrap();
    }
}

async fn imported(session: &Session, cluster: &str, into: &Path) -> Import {
    let observed = inventory(&session.aws, &ReadCache::default(), REGION, cluster).await.unwrap();
    let import = manifests(&observed).unwrap();
    for (index, one) in import.manifests.iter().enumerate() {
        let text = yaml(one.key.kind, &one.name, None, &one.annotations, &one.spec);
        std::fs::write(into.join(format!("{index:03}-{}.yaml", one.name)), text).unwrap();
    }
    import
}

#[tokio::test(start_paused = true)]
async fn an_import_of_the_shop_is_adopted_with_nothing_but_tags() {
    let sandbox = Sandbox::new(World::default());
    let session = session(&sandbox).await;
    let shop = desired(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop"));
    applied(&session, &sandbox, &shop).await;
    disown(&session, &shop).await;

    let folder = tempfile::tempdir().unwrap();
    let import = imported(&session, "shop", folder.path()).await;
    assert_eq!(import.notes, Vec::<String>::new());
    let again = desired(folder.path());
    // The shop's images are public: its repositories are not the cluster's.
    assert_eq!(again.objects.len(), shop.objects.len() - 2);
    let plan = session.plan(&again).await.unwrap().plan;
    for object in &plan.objects {
        assert_eq!((object.verdict, &object.hold), (Verdict::Adopt, &None), "{}", object.key);
        assert_eq!(object.differences, [], "{}", object.key);
    }
    assert!(plan.actions.iter().all(|action| action.operation == "TagResource"));
    applied(&session, &sandbox, &again).await;
}

/// A cluster with Managed Instances, and a service whose image is in a repository of the account.
const OWN: &str = r#"
apiVersion: ecs-operator.dev/v1alpha1
kind: EcsCluster
metadata: {name: own}
spec: {region: eu-central-1, capacityProviders: [FARGATE]}
---
apiVersion: ecs-operator.dev/v1alpha1
kind: EcsCapacityProvider
metadata: {name: managed}
spec:
  region: eu-central-1
  cluster: own
  managedInstancesProvider:
    infrastructureRoleArn: arn:aws:iam::123456789012:role/infrastructure
    instanceLaunchTemplate:
      ec2InstanceProfileArn: arn:aws:iam::123456789012:instance-profile/ecs
      networkConfiguration: {subnets: [subnet-0aaaaaaaaaaaaaaa1], securityGroups: [sg-0bbbbbbbbbbbbbbb1]}
---
apiVersion: ecs-operator.dev/v1alpha1
kind: EcrRepository
metadata: {name: web}
spec:
  region: eu-central-1
  repositoryName: own/web
  lifecyclePolicy: {rules: [{rulePriority: 1, selection: {tagStatus: any, countType: imageCountMoreThan, countNumber: 9}, action: {type: expire}}]}
---
apiVersion: ecs-operator.dev/v1alpha1
kind: EcsService
metadata: {name: web}
spec:
  taskDefinition:
    requiresCompatibilities: [FARGATE]
    networkMode: awsvpc
    cpu: "256"
    memory: "512"
    executionRoleArn: arn:aws:iam::123456789012:role/execution
    containerDefinitions: [{name: web, image: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/own/web:1"}]
  service:
    cluster: own
    serviceName: Web_1
    desiredCount: 0
    launchType: FARGATE
    networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-0aaaaaaaaaaaaaaa1]}}
"#;

#[tokio::test(start_paused = true)]
async fn an_import_has_the_clusters_own_providers_and_the_repositories_of_its_images() {
    let sandbox = Sandbox::new(World::default());
    let session = session(&sandbox).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.yaml");
    std::fs::write(&file, OWN).unwrap();
    let own = desired(&file);
    applied(&session, &sandbox, &own).await;
    disown(&session, &own).await;

    let folder = tempfile::tempdir().unwrap();
    let import = imported(&session, "own", folder.path()).await;
    assert_eq!(import.notes, Vec::<String>::new());
    let again = desired(folder.path());
    assert_eq!(again.objects.keys().collect::<Vec<_>>(), own.objects.keys().collect::<Vec<_>>());
    let plan = session.plan(&again).await.unwrap().plan;
    for object in &plan.objects {
        assert_eq!((object.verdict, &object.hold), (Verdict::Adopt, &None), "{}", object.key);
        assert_eq!(object.differences, [], "{}", object.key);
    }
    applied(&session, &sandbox, &again).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_not_there_is_an_error_with_its_cause() {
    let sandbox = Sandbox::new(World::default());
    let session = session(&sandbox).await;
    let error = inventory(&session.aws, &ReadCache::default(), REGION, "none").await.unwrap_err();
    assert_eq!(error.code, "ClusterNotFoundException");
}
