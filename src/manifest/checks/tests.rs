//! What the tests of the rules share, and all rules on what must never make one panic.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) type Case = (&'static str, Value, &'static str);

/// The findings of a spec, each as one line; warnings say so.
pub(super) fn lines(kind: Kind, spec: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    check(kind, "shop", spec.as_object().unwrap(), &mut |finding| {
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
