//! The definitions: what is stored, shown, explained, merged and scaled.

use super::server::{Namespace, list, root};
use crate::properties::generator::{Place, Recipe};
use crate::world::{manifest, problems, with};
use ecs_operator::manifest::crd;
use ecs_operator::manifest::status::{
    Applied, Condition, ConditionStatus, Drift, MOST_PATHS, ObjectStatus, Rollout, ServiceStatus, Status,
};
use ecs_operator::model::names::Kind;
use serde_json::{Value, json};
use std::process::Command;

/// A service on Fargate.
fn service(name: &str) -> Value {
    manifest(
        "EcsService",
        name,
        json!({
            "taskDefinition": {
                "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
                "containerDefinitions": [{"name": "web", "image": "nginx", "portMappings": [{"containerPort": 80}]}],
            },
            "service": {
                "cluster": "shop", "desiredCount": 2, "launchType": "FARGATE",
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            },
        }),
    )
}

#[test]
fn the_command_prints_what_is_committed() {
    let printed = |args: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_ecs-operator")).arg("crds").args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let committed = |kind| std::fs::read_to_string(root().join("crds").join(crd::file_name(kind))).unwrap();
    assert_eq!(printed(&[]), (Some(0), Kind::ALL.map(committed).join("---\n")));
    assert_eq!(printed(&["--kind", "EcsService"]), (Some(0), committed(Kind::EcsService)));
    assert_eq!(printed(&["--kind", "Service"]).0, Some(2));
}

#[test]
fn the_examples_are_taken_as_they_are() {
    let Some(kube) = Namespace::of("examples") else { return };
    let examples = root().join("examples");
    let applied = kube.succeeds(&["apply", "--recursive", "-f", examples.to_str().unwrap()]);
    assert!(applied.lines().count() >= 12, "{applied}");
    let shown = kube.succeeds(&["get", "ecs"]);
    for column in ["CLUSTER", "READY", "SYNCED", "DESIRED", "RUNNING", "REVISION", "REPOSITORY", "AGE"] {
        assert!(shown.contains(column), "{shown}");
    }
    assert!(shown.contains("ecsservice.ecs-operator.dev/storefront"), "{shown}");
    // What is stored is what people wrote.
    let stored = kube.get("ecssvc/hello");
    let written = std::fs::read_to_string(examples.join("hello/service.yaml")).unwrap();
    let written: Vec<Value> = serde_saphyr::from_multiple(&written).unwrap();
    let hello = written.iter().find(|one| one["kind"] == "EcsService").unwrap();
    assert_eq!(stored["spec"], hello["spec"]);
}

#[test]
fn whatever_validate_takes_in_exact_spelling_is_taken() {
    let Some(kube) = Namespace::of("generated") else { return };
    let places = [Place::Fargate, Place::Awsvpc, Place::Bridge, Place::Host, Place::Daemon];
    let mut objects = Vec::new();
    for seed in 0..30_u64 {
        let place = places[usize::try_from(seed).unwrap() % places.len()];
        let fleet = Recipe { place, identity: seed, seed, density: 3 * seed + 10 }.fleet();
        assert!(problems(&fleet).is_empty(), "{seed}");
        objects.extend(fleet.into_iter().map(|one| {
            // A provider's must not begin with `ecs`.
            let name = format!("a-{}-{seed}", one["kind"].as_str().unwrap().to_lowercase());
            with(one, "/metadata/name", json!(name))
        }));
    }
    let told = kube.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &list(&objects));
    assert!(told.ok, "{}", told.stderr);
    assert_eq!(told.stdout.lines().count(), objects.len());
}

#[test]
fn a_member_that_nobody_knows_and_a_value_of_the_wrong_type_are_refused() {
    let Some(kube) = Namespace::of("unknown") else { return };
    let container = "/spec/taskDefinition/containerDefinitions/0";
    for (pointer, value, said) in [
        (
            format!("{container}/imgae"),
            json!("x"),
            "unknown field \"spec.taskDefinition.containerDefinitions[0].imgae\"",
        ),
        ("/spec/taskDefinition/cpu".to_owned(), json!(256), "must be of type string"),
        ("/spec/service/launchType".to_owned(), json!("fargate"), "supported values: \"EC2\", \"FARGATE\""),
        ("/spec/service/desiredCount".to_owned(), json!(-1), "should be greater than or equal to 0"),
        (format!("{container}/name"), json!("a b"), "should match"),
        (format!("{container}/image"), Value::Null, "image: Required value"),
        (
            "/spec/service/loadBalancers".to_owned(),
            json!([{}, {}, {}, {}, {}, {}]),
            "must have at most 5 items",
        ),
    ] {
        let told = kube.kubectl_with(
            &["create", "--dry-run=server", "-f", "-"],
            &with(service("web"), &pointer, value).to_string(),
        );
        assert!(!told.ok && told.stderr.contains(said), "{pointer}: {}", told.stderr);
    }
}

#[test]
fn policies_are_yaml_or_text_and_rules_have_priorities_of_their_own() {
    let Some(kube) = Namespace::of("policies") else { return };
    let rule = |priority: u32, status: &str| {
        json!({"rulePriority": priority, "action": {"type": "expire"},
            "selection": {"tagStatus": status, "countType": "imageCountMoreThan", "countNumber": 5}})
    };
    let repository = |lifecycle: Value| {
        let spec = json!({"lifecyclePolicy": lifecycle, "repositoryPolicy": {"Version": "2012-10-17", "Statement": [{"Any": {"thing": 1}}]}});
        manifest("EcrRepository", "web", spec).to_string()
    };
    let create = ["create", "--dry-run=server", "-f", "-"];
    kube.succeeds_with(&create, &repository(json!({"rules": [rule(1, "untagged"), rule(2, "any")]})));
    kube.succeeds_with(&create, &repository(json!(json!({"rules": [rule(1, "any")]}).to_string())));
    for (lifecycle, said) in [
        (json!({"rules": [rule(1, "untagged"), rule(1, "any")]}), "Duplicate value: {\"rulePriority\":1}"),
        (json!({"rules": [rule(1, "none")]}), "supported values: \"tagged\", \"untagged\", \"any\""),
        (json!({"rules": []}), "should have at least 1 items"),
        (json!({"rulez": []}), "lifecyclePolicy.rules: Required value"),
    ] {
        let told = kube.kubectl_with(&create, &repository(lifecycle));
        assert!(!told.ok && told.stderr.contains(said), "{said}: {}", told.stderr);
    }
}

#[test]
fn two_managers_each_have_their_container() {
    let Some(kube) = Namespace::of("managers") else { return };
    let apply = |manager: &str, containers: Value| {
        let mut object = service("web");
        if manager != "team" {
            object["spec"] = json!({"taskDefinition": {}, "service": {}});
        }
        object["spec"]["taskDefinition"]["containerDefinitions"] = containers;
        let args = ["apply", "--server-side", "--field-manager", manager, "-f", "-"];
        kube.kubectl_with(&args, &object.to_string())
    };
    let web =
        |image: &str| json!([{"name": "web", "image": image, "environment": [{"name": "A", "value": "a"}]}]);
    assert!(apply("team", web("nginx:1")).ok);
    let told = apply("platform", json!([{"name": "collector", "image": "otel", "essential": false}]));
    assert!(told.ok, "{}", told.stderr);
    let told = apply("releases", json!([{"name": "collector", "image": "otel:2"}]));
    assert!(
        told.stderr.contains(
            "conflict with \"platform\": .spec.taskDefinition.containerDefinitions[name=\"collector\"].image"
        ),
        "{}",
        told.stderr
    );
    assert!(apply("team", web("nginx:2")).ok);
    let containers = kube.get("ecssvc/web")["spec"]["taskDefinition"]["containerDefinitions"].clone();
    assert_eq!(containers[0]["image"], "nginx:2");
    assert_eq!(containers[1], json!({"name": "collector", "image": "otel", "essential": false}));
    // What nobody declares any more is gone.
    assert!(apply("platform", json!([])).ok);
    let containers = kube.get("ecssvc/web")["spec"]["taskDefinition"]["containerDefinitions"].clone();
    assert_eq!(containers.as_array().unwrap().len(), 1, "{containers}");
}

#[test]
fn explain_tells_what_members_mean() {
    let Some(kube) = Namespace::of("explain") else { return };
    for (path, words) in [
        (
            "ecsservice.spec.taskDefinition.containerDefinitions",
            "The containers of the task, one to ten, by name.",
        ),
        ("ecsservice.spec.taskDefinition.containerDefinitions", "The task stops when this container does."),
        ("ecsservice.spec.service.desiredCount", "Absent: whatever runs stays."),
        ("ecssvc.status.conditions", "Why, and what a person can do about it."),
        ("ecrrepository.spec.lifecyclePolicy", "Which images expire"),
        ("ecscl.spec", "All providers of the cluster"),
        ("ecscp", "Where tasks can run"),
    ] {
        let told = kube.succeeds(&["explain", path]);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(words), "{path}: {told}");
    }
}

#[test]
fn a_second_apply_of_the_definitions_changes_nothing() {
    let Some(kube) = Namespace::of("again") else { return };
    let crds = root().join("crds");
    let told = kube.succeeds(&["apply", "-f", crds.to_str().unwrap()]);
    assert!(told.lines().count() == 4 && told.lines().all(|line| line.ends_with(" unchanged")), "{told}");
    let crds = kube.get("crd");
    for crd in crds["items"].as_array().unwrap() {
        let conditions = crd["status"]["conditions"].as_array().unwrap();
        let holds = |name: &str| conditions.iter().any(|one| one["type"] == name && one["status"] == "True");
        assert!(
            holds("Established") && holds("NamesAccepted") && !holds("NonStructuralSchema"),
            "{conditions:?}"
        );
    }
}

/// A status with everything that there is.
fn status() -> Status {
    let time = || "2026-05-01T06:00:00Z".to_owned();
    let condition = |name: &str, status| Condition {
        r#type: name.to_owned(),
        status,
        reason: "SomethingLater".to_owned(),
        message: "it runs".to_owned(),
        last_transition_time: time(),
        observed_generation: Some(1),
    };
    let applied = Applied {
        manifest: "0123456789abcdef".to_owned(),
        generation: Some(1),
        revision: Some("web:7".to_owned()),
        time: Some(time()),
    };
    Status {
        object: ObjectStatus {
            observed_generation: Some(1),
            conditions: vec![
                condition("Synced", ConditionStatus::True),
                condition("Ready", ConditionStatus::True),
                condition("Stalled", ConditionStatus::False),
            ],
            arn: Some("arn:aws:ecs:eu-central-1:123456789012:service/shop/web".to_owned()),
            last_applied: Some(applied.clone()),
            last_good: Some(applied),
            drift: Some(Drift { count: 40, paths: vec!["service.tags".to_owned(); MOST_PATHS] }),
            last_handled_reconcile_at: Some("now".to_owned()),
        },
        service: ServiceStatus {
            revision: Some("web:7".to_owned()),
            desired: Some(3),
            running: Some(2),
            pending: Some(1),
            rollout: Some(Rollout {
                deployment_id: Some("ecs-svc/1".to_owned()),
                stage: "Rolling".to_owned(),
                revision: Some("web:7".to_owned()),
                desired: 3,
                running: 2,
                pending: 1,
                failed: 0,
                started_at: Some(time()),
            }),
        },
    }
}

#[test]
fn a_status_is_kept_apart_from_the_spec_shown_in_columns_and_waited_for() {
    let Some(kube) = Namespace::of("status") else { return };
    kube.succeeds_with(&["create", "-f", "-"], &service("web").to_string());
    let told = kube.kubectl(&["wait", "--for=condition=Ready", "ecssvc/web", "--timeout=0s"]);
    assert!(!told.ok, "nobody has said so yet");
    let object = json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsService", "metadata": {"name": "web"},
        "status": status()});
    let args = ["apply", "--server-side", "--subresource=status", "--field-manager=ecs-operator", "-f", "-"];
    kube.succeeds_with(&args, &object.to_string());
    kube.succeeds(&["wait", "--for=condition=Ready", "ecssvc/web", "--timeout=5s"]);
    let stored = kube.get("ecssvc/web");
    assert_eq!(stored["status"], serde_json::to_value(status()).unwrap(), "nothing of it is pruned");
    assert_eq!(stored["metadata"]["generation"], 1);
    let shown = kube.succeeds(&["get", "ecssvc", "web", "-o", "wide", "--no-headers"]);
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(words[..8], ["web", "shop", "True", "True", "3", "2", "web:7", "1"], "{shown}");
    assert!(shown.contains("SomethingLater") && shown.contains("arn:aws:ecs:"), "{shown}");
    // Of another kind there are no tasks.
    kube.succeeds_with(&["create", "-f", "-"], &manifest("EcsCluster", "shop", json!({})).to_string());
    let object = json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsCluster", "metadata": {"name": "shop"},
        "status": {"observedGeneration": 1, "running": 2}});
    let told = kube.kubectl_with(&args, &object.to_string());
    assert!(told.stderr.contains(".status.running: field not declared in schema"), "{}", told.stderr);
}

#[test]
fn scale_sets_the_count_where_the_manifest_owns_it_and_nowhere_else() {
    let Some(kube) = Namespace::of("scale") else { return };
    let bounds = json!({"minCapacity": 1, "maxCapacity": 4});
    let objects = [
        service("counted"),
        with(service("uncounted"), "/spec/service/desiredCount", Value::Null),
        with(service("scaled"), "/spec/autoscaling", bounds),
        manifest(
            "EcsService",
            "daemon",
            json!({"service": {"taskDefinition": "agent", "schedulingStrategy": "DAEMON"}}),
        ),
    ];
    kube.succeeds_with(&["create", "-f", "-"], &list(&objects));
    kube.succeeds(&["scale", "ecssvc/counted", "--replicas=5"]);
    assert_eq!(kube.get("ecssvc/counted")["spec"]["service"]["desiredCount"], 5);
    kube.succeeds(&["scale", "ecssvc/uncounted", "--replicas=5"]);
    assert_eq!(kube.get("ecssvc/uncounted")["spec"]["service"]["desiredCount"], 5);
    for (name, why) in [
        ("scaled", "`desiredCount` is owned by Application Auto Scaling"),
        ("daemon", "`DAEMON` decides the number of tasks itself"),
    ] {
        let told = kube.kubectl(&["scale", &format!("ecssvc/{name}"), "--replicas=5"]);
        assert!(!told.ok && told.stderr.contains(why), "{name}: {}", told.stderr);
    }
}

#[test]
fn the_server_holds_a_service_account_to_its_role() {
    let Some(kube) = Namespace::of("roles") else { return };
    kube.succeeds(&["create", "serviceaccount", "reader"]);
    let token = kube.succeeds(&["create", "token", "reader"]);
    let read = ["--token", token.trim(), "get", "ecssvc"];
    // kubectl would rather be who the configuration says.
    let read = [&read[..], &["--user", ""]].concat();
    let told = kube.kubectl(&read);
    assert!(
        told.stderr.contains("system:serviceaccount:roles:reader\" cannot list resource \"ecsservices\""),
        "{}",
        told.stderr
    );
    kube.succeeds(&[
        "create",
        "role",
        "reader",
        "--verb=get,list",
        "--resource=ecsservices.ecs-operator.dev",
    ]);
    kube.succeeds(&["create", "rolebinding", "reader", "--role=reader", "--serviceaccount=roles:reader"]);
    let told = kube.kubectl(&read);
    assert!(told.ok, "{}", told.stderr);
}
