//! What the tests of the rules share, and all rules on what must never make one panic.

use super::*;
use crate::manifest::read::{Asked, read};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) type Case = (&'static str, Value, &'static str);

/// The findings of a spec, each as one line; warnings say so.
pub(super) fn lines(kind: Kind, spec: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    check(kind, spec.as_object().unwrap(), &mut |finding| {
        let warning = if finding.severity == Severity::Warning { "warning: " } else { "" };
        lines.push(format!("{warning}{}: {}", finding.path, finding.message));
    });
    lines
}

/// Services, each with the words of its one finding; without words, without a finding.
pub(super) fn table(cases: impl IntoIterator<Item = Case>) {
    for (what, spec, words) in cases {
        assert_one(what, &lines(Kind::EcsService, &spec), words);
    }
}

pub(super) fn assert_one(what: &str, found: &[String], words: &str) {
    match words {
        "" => assert!(found.is_empty(), "{what}: {found:?}"),
        words => assert!(found.len() == 1 && found[0].contains(words), "{what}: {found:?} for {words}"),
    }
}

fn merged(mut into: Value, from: Value) -> Value {
    into.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
    into
}

/// A task definition with one container.
pub(super) fn task(task: Value, container: Value) -> Value {
    let container = merged(json!({"image": "nginx"}), container);
    merged(json!({"containerDefinitions": [container]}), task)
}

/// One that Fargate takes, with these members instead.
pub(super) fn fargate_task(task_members: Value, container: Value) -> Value {
    let base = json!({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "1024", "memory": "2048"});
    task(merged(base, task_members), merged(json!({"name": "web", "image": "nginx"}), container))
}

/// A service of a task definition.
pub(super) fn service_with(task: Value, service: Value) -> Value {
    json!({"taskDefinition": task, "service": service})
}

#[test]
fn the_manifests_of_the_reference_pass() {
    let provider = json!({"name": "shop-ec2", "autoScalingGroupProvider": {
        "autoScalingGroupArn": "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c:autoScalingGroupName/shop",
        "managedScaling": {"status": "ENABLED", "targetCapacity": 90}}});
    let cluster = json!({"clusterName": "shop", "region": "eu-central-1",
        "settings": [{"name": "containerInsights", "value": "enhanced"}],
        "capacityProviders": ["FARGATE", "FARGATE_SPOT", "shop-ec2"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]});
    let repository = json!({"repositoryName": "shop/checkout", "imageTagMutability": "IMMUTABLE",
        "lifecyclePolicy": {"rules": [{"rulePriority": 1, "action": {"type": "expire"}, "selection":
            {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}}]},
        "repositoryPolicy": {"Version": "2012-10-17", "Statement": []}});
    let service = json!({
        "taskDefinition": {"family": "checkout", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
            "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "web",
                "image": "public.ecr.aws/nginx/nginx:1.27", "portMappings": [{"containerPort": 80}]}]},
        "service": {"serviceName": "checkout", "cluster": "shop",
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 1},
                {"capacityProvider": "FARGATE_SPOT", "weight": 3}],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": ["sg-0bb"]}},
            "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}},
        "autoscaling": {"minCapacity": 2, "maxCapacity": 10,
            "policies": [{"policyName": "cpu", "policyType": "TargetTrackingScaling",
                "targetTrackingScalingPolicyConfiguration": {"targetValue": 60, "predefinedMetricSpecification":
                    {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}}}],
            "scheduledActions": [{"scheduledActionName": "night", "schedule": "cron(0 20 * * ? *)",
                "timezone": "Europe/Berlin", "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 2}}]}});
    for (kind, spec) in [
        (Kind::EcsCapacityProvider, provider),
        (Kind::EcsCluster, cluster),
        (Kind::EcrRepository, repository),
        (Kind::EcsService, service),
    ] {
        assert_one(kind.name(), &lines(kind, &spec), "");
    }
}

/// Every place below a value, with the value there replaced by what stands in for the unreadable.
fn each_unreadable(
    path: &str,
    value: &Value,
    whole: &dyn Fn(Value) -> Value,
    out: &mut Vec<(String, Value)>,
) {
    if !path.is_empty() {
        out.push((path.to_owned(), whole(Value::from(UNREADABLE))));
    }
    let with = |place: &dyn Fn(&mut Value) -> &mut Value, inner: Value| {
        let mut copy = value.clone();
        *place(&mut copy) = inner;
        whole(copy)
    };
    for (name, member) in value.as_object().into_iter().flatten() {
        let dot = if path.is_empty() { "" } else { "." };
        each_unreadable(
            &format!("{path}{dot}{name}"),
            member,
            &|inner| with(&|copy| &mut copy[name.as_str()], inner),
            out,
        );
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        each_unreadable(
            &format!("{path}[{index}]"),
            element,
            &|inner| with(&|copy| &mut copy[index], inner),
            out,
        );
    }
}

#[test]
fn nothing_follows_from_what_could_not_be_read() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let manifests: Vec<_> = std::fs::read_dir(examples)
        .unwrap()
        .flat_map(|entry| {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            read("shop.yaml", text, Asked::InDirectory).manifests
        })
        .collect();
    assert!(!manifests.is_empty());
    let mut wrong = Vec::new();
    for manifest in &manifests {
        let mut variants = Vec::new();
        each_unreadable("", &Value::Object(manifest.spec.clone()), &|spec| spec, &mut variants);
        for (path, spec) in variants {
            check(manifest.kind, spec.as_object().unwrap(), &mut |finding| {
                if !finding.path.starts_with(&path) {
                    wrong.push(format!(
                        "{} without {path}: {}: {}",
                        manifest.name, finding.path, finding.message
                    ));
                }
            });
        }
    }
    assert!(wrong.is_empty(), "{} follow:\n{}", wrong.len(), wrong.join("\n"));
}

/// A value of any shape, made of the names that the rules look for.
fn any_value() -> impl Strategy<Value = Value> {
    let names = "service|taskDefinition|autoscaling|containerDefinitions|name|portMappings|containerPort|dependsOn|containerName|condition|policies|scheduledActions|schedule|stepScalingPolicyConfiguration|stepAdjustments|metricIntervalLowerBound|tags|key|value|lifecyclePolicy|rules|selection|rulePriority|cpu|memory|capacityProviderStrategy|capacityProvider|weight|base|loadBalancers|targetGroupArn|healthCheck|command|repositoryPolicy|Statement";
    let names: Vec<&str> = names.split('|').collect();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~é€]{0,12}".prop_map(Value::from),
        proptest::sample::select(vec![
            "FARGATE",
            "web",
            "arn:aws:ecs",
            "HEALTHY",
            "cron(",
            "rate(1 )",
            "at()",
            "80-90",
            "ENABLED",
            "DAEMON"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let members = (proptest::sample::select(names.clone()), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            proptest::collection::vec(members, 0..6).prop_map(|members| Value::Object(
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_makes_a_rule_panic(service in any_value(), task in any_value(), rest in any_value()) {
        let spec = json!({"service": service, "taskDefinition": task, "autoscaling": rest, "lifecyclePolicy": rest, "repositoryPolicy": rest, "tags": rest});
        for kind in Kind::ALL {
            lines(kind, &spec);
        }
    }
}
