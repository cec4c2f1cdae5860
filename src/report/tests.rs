//! Texts of plans made by hand.

use super::{Source, View};
use crate::model::desired::{Document, Origin};
use crate::model::diff::Difference;
use crate::model::facts::{Shape, kind_shape, shape};
use crate::model::names::{Key, Kind};
use crate::model::observed::{Observed, Resource, Sighting};
use crate::model::semantics::Change;
use crate::plan::{Action, Blocked, Hold, ObjectPlan, Plan, PlannedDifference, Verdict, Waiting};
use insta::assert_snapshot;
use serde_json::{Value, json};

fn object(kind: Kind, name: &str, verdict: Verdict) -> ObjectPlan {
    let cluster = (kind == Kind::EcsService).then(|| "shop".to_owned());
    ObjectPlan {
        key: Key { kind, region: "eu-central-1".into(), cluster, name: name.into() },
        origin: Origin { kind, namespace: None, name: name.into(), place: format!("shop/{name}.yaml:1") },
        verdict,
        differences: Vec::new(),
        notes: Vec::new(),
        undeclared: Vec::new(),
        hold: None,
        actions: Vec::new(),
    }
}

fn difference(path: &str, live: Value, desired: Value) -> PlannedDifference {
    let some = |value: Value| (!value.is_null()).then_some(value);
    let difference = Difference {
        path: path.into(),
        live: some(live),
        desired: some(desired),
        by_default: false,
        shape: shape("ecs", "String").unwrap(),
        secret: false,
        change: Change::InPlace,
    };
    PlannedDifference { difference, drift: false, held_back: false }
}

fn of_shape(shape: &'static Shape, mut planned: PlannedDifference) -> PlannedDifference {
    planned.difference.shape = shape;
    planned
}

fn changing(change: Change, mut planned: PlannedDifference) -> PlannedDifference {
    planned.difference.change = change;
    planned
}

fn view(objects: Vec<ObjectPlan>, actions: Vec<Action>) -> View {
    let plan =
        Plan { account: "123456789012".into(), owner: "default".into(), objects, actions, ..Plan::default() };
    View::of(&plan, &Source { place: "examples/shop".into(), revision: Some("4f2c1e9".into()) }, false)
}

/// Without colours: what a file or a pipe gets.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn whole(view: &View, verbose: bool) -> String {
    plain(&[view.heading(), view.plan_text(verbose), view.summary_text()].concat())
}

#[test]
fn a_plan_shows_only_what_differs() {
    let mut checkout = object(Kind::EcsService, "checkout", Verdict::Change);
    let image = |tag: &str| {
        json!(format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/checkout-service:{tag}"))
    };
    let mut secret = difference(
        "taskDefinition.containerDefinitions[web].environment[KEY].value",
        json!("hunter2"),
        json!("swordfish"),
    );
    secret.difference.secret = true;
    let mut by_default = difference("service.deploymentConfiguration.maximumPercent", json!(150), json!(200));
    by_default.difference.by_default = true;
    let container = shape("ecs", "ContainerDefinition").unwrap();
    let sidecar = json!({"name": "log", "image": "fluent-bit:3", "environment": [{"name": "TOKEN", "value": "hunter2"}]});
    let subnets = "service.networkConfiguration.awsvpcConfiguration.subnets";
    checkout.differences = vec![
        changing(
            Change::NewDeployment,
            difference("taskDefinition.containerDefinitions[web].image", image("1.4.0"), image("1.5.0")),
        ),
        secret,
        of_shape(container, difference("taskDefinition.containerDefinitions[log]", Value::Null, sidecar)),
        difference("taskDefinition.containerDefinitions[web].user", json!("root"), Value::Null),
        by_default,
        difference(subnets, json!(["subnet-0aa"]), json!(["subnet-0bb", "subnet-0cc"])),
    ];
    let mut cart = object(Kind::EcsService, "cart", Verdict::Drift);
    cart.differences =
        vec![PlannedDifference { drift: true, ..difference("service.desiredCount", json!(3), json!(2)) }];
    let mut catalog = object(Kind::EcrRepository, "catalog", Verdict::Unchanged);
    catalog.undeclared = vec!["encryptionConfiguration".into()];
    let view = view(vec![catalog, checkout, cart], vec![]);
    assert_snapshot!(whole(&view, false), @r#"
    123456789012 eu-central-1 · owner default · examples/shop @ 4f2c1e9
    ~ EcsService/checkout  new deployment · it is not what the manifest says
        taskDefinition.containerDefinitions[web].image                   …shop/checkout-service:1.4.0 → …shop/checkout-service:1.5.0
        taskDefinition.containerDefinitions[web].environment[KEY].value  (changed, hidden)
        taskDefinition.containerDefinitions[log]                         + {name: log, image: fluent-bit:3…: [{name: TOKEN, value: "***"}]}
        taskDefinition.containerDefinitions[web].user                    - root
        service.deploymentConfiguration.maximumPercent                   150 → 200 (default)
        service.networkConfiguration.awsvpcConfiguration.subnets         - subnet-0aa
                                                                         + subnet-0bb
                                                                         + subnet-0cc
    ! EcsService/cart      in place · AWS changed, the manifest did not
        service.desiredCount  3 → 2
    1 to change, 1 drifted, 1 unchanged
    "#);
}

#[test]
fn what_is_not_done_says_why_and_what_helps() {
    let mut provider = object(Kind::EcsCapacityProvider, "shop-ec2", Verdict::Unreadable);
    provider.notes = vec!["ecs:DescribeCapacityProviders in eu-central-1 was denied".into()];
    let mut cluster = object(Kind::EcsCluster, "shop", Verdict::Create);
    cluster.hold = Some(Hold::Waiting(Waiting::CapacityProvider { name: "shop-ec2".into() }));
    let mut legacy = object(Kind::EcsService, "legacy", Verdict::NotOwned);
    legacy.hold = Some(Hold::Blocked(Blocked::NotOwned { owner: None }));
    let mut web = object(Kind::EcsService, "web", Verdict::Change);
    web.key.name = "Web_v2".into();
    web.differences = vec![changing(
        Change::Replacement,
        difference("service.schedulingStrategy", json!("REPLICA"), json!("DAEMON")),
    )];
    web.hold = Some(Hold::Blocked(Blocked::ReplacementNeeded {
        members: vec!["service.schedulingStrategy".into()],
    }));
    assert_snapshot!(whole(&view(vec![provider, cluster, legacy, web], vec![]), false), @r#"
    123456789012 eu-central-1 · owner default · examples/shop @ 4f2c1e9
    ? EcsCapacityProvider/shop-ec2  unreadable · it could not be read, so nothing is done
        ecs:DescribeCapacityProviders in eu-central-1 was denied
    … EcsCluster/shop               create · it does not exist
        waiting: capacity provider `shop-ec2` is not active yet
    x EcsService/legacy             not owned · it exists and is not ours
        blocked: it exists and nobody's tag is on it
        hint: to take it over, annotate the manifest with `ecs-operator.dev/adopt: "true"`, or pass `--adopt`
    x EcsService/web (Web_v2)       replacement · it is not what the manifest says
        service.schedulingStrategy  REPLICA → DAEMON
        blocked: `service.schedulingStrategy` cannot be changed on what exists
        hint: declare it under a new name beside the old one, or put the members back
    1 to create, 1 to change, 1 not owned, 1 unreadable, 1 waiting, 1 blocked
    "#);
}

#[test]
fn drift_is_marked_per_field_where_both_sides_moved_and_verbose_tells_all() {
    let mut web = object(Kind::EcsService, "web", Verdict::Change);
    let healed = difference("service.enableExecuteCommand", json!(true), json!(false));
    web.differences = vec![
        difference("taskDefinition.cpu", json!("256"), json!("512")),
        PlannedDifference { drift: true, held_back: true, ..healed },
    ];
    web.notes = vec!["desiredCount is Application Auto Scaling's, within 2 and 10".into()];
    web.undeclared = vec!["service.availabilityZoneRebalancing".into()];
    web.actions = vec![0];
    let input = json!({"family": "web", "containerDefinitions": [{"name": "web", "environment": [{"name": "KEY", "value": "hunter2"}]}]});
    let Value::Object(input) = input else { unreachable!() };
    let action = Action {
        object: web.key.clone(),
        api: "ecs",
        operation: "RegisterTaskDefinition",
        input,
        after: vec![],
        bindings: vec![],
        must_own: false,
    };
    assert_snapshot!(whole(&view(vec![web], vec![action]), true), @r#"
    123456789012 eu-central-1 · owner default · examples/shop @ 4f2c1e9
    ~ EcsService/web  in place · it is not what the manifest says
          taskDefinition.cpu            256 → 512
        ! service.enableExecuteCommand  true → false (left alone: its manifest says only to report it)
        desiredCount is Application Auto Scaling's, within 2 and 10
        undeclared service.availabilityZoneRebalancing
        call ecs:RegisterTaskDefinition {family: web, containerDefinitions: [{name: web, environment: [{name: KEY, value: "***"}]}]}
    1 to change
    "#);
}

#[test]
fn a_secret_is_in_no_text_and_in_no_json() {
    let mut web = object(Kind::EcsService, "web", Verdict::Change);
    let container = |value: &str| json!({"name": "web", "environment": [{"name": "KEY", "value": value}]});
    let path = "taskDefinition.containerDefinitions[web]";
    web.differences = vec![
        of_shape(
            shape("ecs", "ContainerDefinition").unwrap(),
            difference(path, container("hunter2"), container("hunter3")),
        ),
        of_shape(
            kind_shape("TaskDefinition"),
            difference(
                "taskDefinition",
                Value::Null,
                json!({"containerDefinitions": [container("hunter2")]}),
            ),
        ),
    ];
    let view = view(vec![web], vec![]);
    let told = [whole(&view, true), super::json(&view), plain(&view.status_text(true))].concat();
    assert!(!told.contains("hunter"), "{told}");
    assert!(told.contains("(changed, hidden)"));
}

#[test]
fn status_says_what_runs_and_what_keeps_it_from_being_ready() {
    let service = |running: i64, rollout: &str, reason: &str| -> Document {
        let body = json!({"desiredCount": 2, "runningCount": running, "pendingCount": 2 - running,
            "taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7",
            "deployments": [{"status": "PRIMARY", "taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7",
                "desiredCount": 2, "runningCount": running, "failedTasks": 1, "rolloutState": rollout, "rolloutStateReason": reason}]});
        body.as_object().unwrap().clone()
    };
    let mut drifted = object(Kind::EcsService, "cart", Verdict::Drift);
    drifted.differences = vec![difference("service.desiredCount", json!(3), json!(2))];
    let objects = vec![
        object(Kind::EcsCluster, "shop", Verdict::Unchanged),
        drifted,
        object(Kind::EcsService, "checkout", Verdict::Unchanged),
        object(Kind::EcsService, "mail", Verdict::Unchanged),
        object(Kind::EcsService, "new", Verdict::Create),
    ];
    let seen = [
        service(2, "COMPLETED", "done"),
        service(1, "IN_PROGRESS", "on its way"),
        service(0, "FAILED", "tasks failed to start"),
    ];
    let keys = objects[1..4].iter().map(|object| object.key.clone());
    let resources =
        keys.zip(seen).map(|(key, body)| (key, Sighting::Present(Resource { body, ..Resource::default() })));
    let observed = Observed { resources: resources.collect(), ..Observed::default() };
    let plan = Plan { account: "123456789012".into(), owner: "default".into(), objects, ..Plan::default() };
    let view = View::of(&plan, &Source::default(), false).with_rollouts(&plan, &observed);
    assert_snapshot!(plain(&[view.heading(), view.status_text(false)].concat()), @r#"
    123456789012 eu-central-1 · owner default
    ✓ EcsCluster/shop      ready
    ! EcsService/cart      drifted      web:7  2/2 running
        differs: service.desiredCount
    … EcsService/checkout  rolling out  web:7  1/2 running, 1 pending, 1 failed to start
    ✗ EcsService/mail      failed       web:7  0/2 running, 2 pending
        tasks failed to start
    + EcsService/new       missing
    "#);
}
