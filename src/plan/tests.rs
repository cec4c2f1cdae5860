//! The planner on plain values: a world by hand, what is wanted, and the calls that follow.
//!
//! That planning again after the calls finds nothing is held in `tests/`, where the sandbox answers them.

mod rejection;

use super::*;
use crate::model::desired::{Object, Policy};
use crate::model::names::tag;
use crate::model::observed::{History, Parts, Resource, Revision, Sighting, Tags};
use crate::model::state::{State, manifest};
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-central-1";

fn key(kind: Kind, name: &str) -> Key {
    let cluster = (kind == Kind::EcsService).then(|| "shop".to_owned());
    Key { kind, region: REGION.to_owned(), cluster, name: name.to_owned() }
}

fn object(kind: Kind, name: &str, spec: Value) -> Object {
    let origin = Origin { kind, namespace: None, name: name.to_owned(), place: "shop.yaml:1".to_owned() };
    Object { key: key(kind, name), origin, policy: Policy::of(kind), spec: spec.as_object().unwrap().clone() }
}

/// A world in which what is added has been made from its manifest by the operator.
#[derive(Default)]
struct World {
    desired: Desired,
    observed: Observed,
    options: Options,
}

impl World {
    fn new() -> Self {
        let observed = Observed { account: ACCOUNT.to_owned(), ..Observed::default() };
        Self {
            observed,
            options: Options { owner: "default".to_owned(), ..Options::default() },
            ..Self::default()
        }
    }

    fn wants(mut self, object: Object) -> Self {
        self.observed.resources.entry(object.key.clone()).or_insert(Sighting::Absent);
        self.desired.objects.insert(object.key.clone(), object);
        self
    }

    /// `applied`: the manifest that was applied last.
    fn has(mut self, applied: &Object, body: Value, parts: Parts) -> Self {
        let applied_hash = Some(manifest(applied, ACCOUNT));
        let state = State { attempted: applied_hash.clone(), applied: applied_hash, ..State::default() };
        let tags = Tags::from([
            (tag::OWNER.to_owned(), "default".to_owned()),
            (tag::STATE.to_owned(), state.to_string()),
        ]);
        let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:thing/{}", applied.key.name);
        let history = parts.history.clone().or(Some(Sighting::Present(History::default())));
        let parts = Parts { history, ..parts };
        let resource = Resource { arn, body: body.as_object().unwrap().clone(), tags, parts };
        self.observed.resources.insert(applied.key.clone(), Sighting::Present(resource));
        self
    }

    fn has_cluster(mut self, body: Value) -> Self {
        let resource = Resource { body: body.as_object().unwrap().clone(), ..Resource::default() };
        self.observed.external.insert(key(Kind::EcsCluster, "shop"), Sighting::Present(resource));
        self
    }

    fn has_revision(mut self, name: &str, body: Value) -> Self {
        let body = body.as_object().unwrap().clone();
        let revision = Revision { arn: name.to_owned(), body, tags: Tags::new() };
        let family = name.split(':').next().unwrap().to_owned();
        let key = (REGION.to_owned(), name.to_owned());
        self.observed.revisions.insert(key, Sighting::Present(revision));
        let newest =
            self.observed.families.entry((REGION.to_owned(), family)).or_insert(Sighting::Present(vec![]));
        if let Sighting::Present(names) = newest {
            names.insert(0, name.to_owned());
        }
        self
    }

    fn plan(&self) -> Plan {
        let plan = plan(&self.desired, &self.observed, &self.options);
        assert_eq!(lint::lint(&plan), Vec::<String>::new());
        plan
    }
}

fn operations(plan: &Plan) -> Vec<&str> {
    plan.actions.iter().map(|action| action.operation).collect()
}

fn paths(plan: &Plan) -> Vec<&str> {
    let differences = plan.objects.iter().flat_map(|object| &object.differences);
    differences.map(|planned| planned.difference.path.as_str()).collect()
}

fn task_definition(image: &str) -> Value {
    json!({"family": "web", "containerDefinitions": [{"name": "web", "image": image}]})
}

fn web(image: &str, more: Value) -> Object {
    let mut service = json!({"serviceName": "web", "cluster": "shop", "launchType": "FARGATE"});
    service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object(Kind::EcsService, "web", json!({"taskDefinition": task_definition(image), "service": service}))
}

fn live_web(more: Value) -> Value {
    let mut live = json!({
        "serviceName": "web", "status": "ACTIVE", "launchType": "FARGATE", "desiredCount": 2,
        "clusterArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"),
        "taskDefinition": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:1"),
        "deploymentController": {"type": "ECS"}, "schedulingStrategy": "REPLICA"
    });
    live.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    live
}

#[test]
fn a_missing_service_is_created_after_its_revision_and_before_its_scaling() {
    let mut service = web("nginx", json!({}));
    service.spec.insert(
        "autoscaling".into(),
        json!({"minCapacity": 2, "maxCapacity": 4, "policies": [{"policyName": "cpu"}]}),
    );
    let world = World::new().wants(service).has_cluster(json!({"status": "ACTIVE"}));
    let plan = world.plan();
    assert_eq!(
        operations(&plan),
        [
            "RegisterTaskDefinition",
            "CreateService",
            "RegisterScalableTarget",
            "PutScalingPolicy",
            "TagResource"
        ]
    );
    assert_eq!(plan.actions[1].input["desiredCount"], 2);
    assert_eq!(plan.actions[1].bindings[0].to, "taskDefinition");
}

#[test]
fn a_service_as_declared_is_left_alone() {
    let service = web("nginx", json!({}));
    let world = World::new()
        .has(&service, live_web(json!({})), Parts::default())
        .wants(service)
        .has_cluster(json!({}))
        .has_revision("web:1", task_definition("nginx"));
    assert_eq!((world.plan().actions, world.plan().objects[0].verdict), (vec![], Verdict::Unchanged));
}

#[test]
fn a_changed_image_registers_once_and_updates_once_with_the_state_written_ahead() {
    let world = World::new()
        .has(&web("nginx:1", json!({})), live_web(json!({})), Parts::default())
        .wants(web("nginx:2", json!({})))
        .has_revision("web:1", task_definition("nginx:1"));
    let plan = world.plan();
    assert_eq!(operations(&plan), ["TagResource", "RegisterTaskDefinition", "UpdateService", "TagResource"]);
    assert_eq!(paths(&plan), ["taskDefinition.containerDefinitions[web].image"]);
    assert_eq!(plan.objects[0].verdict, Verdict::Change);
    assert_eq!(plan.objects[0].change(), Some(Change::NewDeployment));
}

#[test]
fn going_back_uses_the_revision_that_is_there() {
    let world = World::new()
        .has(&web("nginx:2", json!({})), live_web(json!({"taskDefinition": "web:2"})), Parts::default())
        .wants(web("nginx:1", json!({})))
        .has_revision("web:1", task_definition("nginx:1"))
        .has_revision("web:2", task_definition("nginx:2"));
    let plan = world.plan();
    assert_eq!(operations(&plan), ["TagResource", "UpdateService", "TagResource"]);
    assert_eq!(plan.actions[1].input["taskDefinition"], "web:1");
}

#[test]
fn a_member_changed_behind_our_back_is_drift_and_is_sent_alone() {
    let service = web("nginx", json!({"deploymentConfiguration": {"maximumPercent": 150}}));
    let live = json!({"deploymentConfiguration": {"maximumPercent": 120, "minimumHealthyPercent": 100}});
    let world = World::new()
        .has(&service, live_web(live), Parts::default())
        .wants(service)
        .has_revision("web:1", task_definition("nginx"));
    let plan = world.plan();
    assert_eq!(plan.objects[0].verdict, Verdict::Drift);
    let mut sent: Vec<&String> = plan.actions[1].input.keys().collect();
    sent.sort();
    assert_eq!(sent, ["cluster", "deploymentConfiguration", "service"]);
}

#[test]
fn drift_that_is_only_to_be_reported_is_told_and_not_written() {
    let mut service = web("nginx", json!({"enableExecuteCommand": true}));
    service.policy.drift = crate::model::desired::DriftPolicy::Report;
    let world = World::new()
        .has(&service, live_web(json!({})), Parts::default())
        .wants(service)
        .has_revision("web:1", task_definition("nginx"));
    let plan = world.plan();
    assert_eq!((operations(&plan).len(), plan.objects[0].verdict), (0, Verdict::Drift));
}

#[test]
fn an_ignored_path_keeps_what_aws_has_also_in_a_new_revision() {
    let mut service = web("nginx:1", json!({}));
    service.policy.ignore = vec!["taskDefinition.containerDefinitions[web].image".to_owned()];
    let world = World::new().has(&service, live_web(json!({})), Parts::default()).wants(service.clone());
    let same = world.has_revision("web:1", task_definition("nginx:9"));
    assert_eq!(operations(&same.plan()), Vec::<&str>::new());
    service.spec["taskDefinition"]["cpu"] = json!("256");
    let plan = same.wants(service).plan();
    assert_eq!(plan.actions[1].input["containerDefinitions"][0]["image"], "nginx:9");
}

#[test]
fn what_nobody_marked_as_ours_is_not_touched_until_it_is_adopted() {
    let service = web("nginx", json!({}));
    let mut world = World::new()
        .has(&service, live_web(json!({})), Parts::default())
        .wants(service.clone())
        .has_revision("web:1", task_definition("nginx"));
    let Some(Sighting::Present(live)) = world.observed.resources.get_mut(&service.key) else { panic!() };
    live.tags.clear();
    let plan = world.plan();
    assert_eq!((plan.actions.len(), plan.objects[0].verdict), (0, Verdict::NotOwned));
    assert_eq!(plan.objects[0].hold, Some(Hold::Blocked(Blocked::NotOwned { owner: None })));
    world.options.adopt = true;
    let plan = world.plan();
    assert_eq!((operations(&plan), plan.objects[0].verdict), (vec!["TagResource"], Verdict::Adopt));
    assert_eq!(paths(&plan), Vec::<&str>::new());
}

#[test]
fn what_could_not_be_read_is_not_created() {
    let service = web("nginx", json!({}));
    let mut world = World::new().wants(service.clone());
    world.observed.resources.insert(service.key, Sighting::Unreadable("denied".to_owned()));
    let plan = world.plan();
    assert_eq!((plan.actions.len(), plan.objects[0].verdict), (0, Verdict::Unreadable));
}

#[test]
fn another_scheduling_strategy_is_a_replacement_and_waits_for_a_word() {
    let service = web("nginx", json!({"schedulingStrategy": "DAEMON"}));
    let mut world = World::new()
        .has(&service, live_web(json!({})), Parts::default())
        .wants(service)
        .has_revision("web:1", task_definition("nginx"));
    let plan = world.plan();
    assert!(matches!(plan.objects[0].hold, Some(Hold::Blocked(Blocked::ReplacementNeeded { .. }))));
    assert_eq!(plan.actions, vec![]);
    world.options.confirmed = vec!["EcsService/web".to_owned()];
    assert_eq!(operations(&world.plan()), ["DeleteService"]);
}

#[test]
fn under_code_deploy_only_what_it_allows_is_sent_and_the_rest_is_named() {
    let service = |more: Value| web("nginx", more);
    let live = live_web(json!({"deploymentController": {"type": "CODE_DEPLOY"}, "platformVersion": "1.3.0"}));
    let with = |object: Object| {
        World::new()
            .has(&object, live.clone(), Parts::default())
            .wants(object)
            .has_revision("web:1", task_definition("nginx"))
            .plan()
    };
    let allowed = with(service(
        json!({"deploymentController": {"type": "CODE_DEPLOY"}, "healthCheckGracePeriodSeconds": 9}),
    ));
    assert_eq!(operations(&allowed), ["TagResource", "UpdateService", "TagResource"]);
    let refused =
        with(service(json!({"deploymentController": {"type": "CODE_DEPLOY"}, "platformVersion": "1.4.0"})));
    let Some(Hold::Blocked(Blocked::DeploymentController { members, .. })) = &refused.objects[0].hold else {
        panic!()
    };
    assert_eq!(members, &["service.platformVersion"]);
}

#[test]
fn a_swapped_pair_is_sent_the_way_round_it_is_live() {
    let pair = |production: &str, alternate: &str, port: i64| {
        json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}, "loadBalancers": [{"containerName": "web", "containerPort": port,
            "targetGroupArn": production, "advancedConfiguration": {"alternateTargetGroupArn": alternate}}]})
    };
    let planned = |port: i64| {
        let service = web("nginx", pair("blue", "green", port));
        World::new()
            .has(&service, live_web(pair("green", "blue", 80)), Parts::default())
            .wants(service)
            .has_revision("web:1", task_definition("nginx"))
            .plan()
    };
    assert_eq!(operations(&planned(80)), Vec::<&str>::new());
    let sent = &planned(81).actions[1].input["loadBalancers"][0];
    assert_eq!((&sent["targetGroupArn"], &sent["containerPort"]), (&json!("green"), &json!(81)));
}

#[test]
fn a_draining_predecessor_is_waited_for() {
    let service = web("nginx", json!({}));
    let world =
        World::new().has(&service, live_web(json!({"status": "DRAINING"})), Parts::default()).wants(service);
    let plan = world.plan();
    assert_eq!(plan.objects[0].hold, Some(Hold::Waiting(Waiting::Draining)));
    assert_eq!(plan.actions, vec![]);
}

#[test]
fn a_count_that_autoscaling_moved_is_not_compared_and_bounds_that_a_schedule_set_are_left() {
    let mut service = web("nginx", json!({"desiredCount": 2}));
    service.spec.insert(
        "autoscaling".into(),
        json!({"minCapacity": 2, "maxCapacity": 9, "scheduledActions": [
            {"scheduledActionName": "night", "schedule": "rate(1 day)", "scalableTargetAction": {"minCapacity": 1}}]}),
    );
    let document = |value: Value| value.as_object().unwrap().clone();
    let parts = Parts {
        target: Some(Sighting::Present(document(json!({"minCapacity": 1, "maxCapacity": 9})))),
        policies: Some(Sighting::Present(vec![])),
        scheduled_actions: Some(Sighting::Present(vec![document(
            json!({"scheduledActionName": "night", "schedule": "rate(1 day)", "timezone": "UTC", "scalableTargetAction": {"minCapacity": 1}}),
        )])),
        ..Parts::default()
    };
    let world = World::new()
        .has(&service, live_web(json!({"desiredCount": 7})), parts)
        .wants(service)
        .has_revision("web:1", task_definition("nginx"));
    let plan = world.plan();
    assert_eq!((paths(&plan), operations(&plan)), (vec![], vec![]));
    assert!(plan.objects[0].notes.iter().any(|note| note.contains("`night`")));
}

#[test]
fn no_scaling_at_all_is_declared_by_an_empty_part() {
    let mut service = web("nginx", json!({}));
    service.spec.insert("autoscaling".into(), json!({}));
    let document = |value: Value| value.as_object().unwrap().clone();
    let parts = Parts {
        target: Some(Sighting::Present(document(json!({"minCapacity": 1, "maxCapacity": 9})))),
        policies: Some(Sighting::Present(vec![document(json!({"policyName": "cpu"}))])),
        scheduled_actions: Some(Sighting::Present(vec![])),
        ..Parts::default()
    };
    let world = World::new()
        .has(&service, live_web(json!({})), parts)
        .wants(service)
        .has_revision("web:1", task_definition("nginx"));
    let plan = world.plan();
    assert_eq!(paths(&plan), ["autoscaling.target", "autoscaling.policies[cpu]"]);
    assert_eq!(operations(&plan), ["TagResource", "DeregisterScalableTarget", "TagResource"]);
}

#[test]
fn providers_are_attached_when_they_are_there_and_services_wait_for_that() {
    let cluster = object(
        Kind::EcsCluster,
        "shop",
        json!({"clusterName": "shop", "capacityProviders": ["FARGATE", "own"]}),
    );
    let provider = object(
        Kind::EcsCapacityProvider,
        "own",
        json!({"name": "own", "autoScalingGroupProvider": {"autoScalingGroupArn": "a"}}),
    );
    let mut service = web("nginx", json!({"capacityProviderStrategy": [{"capacityProvider": "own"}]}));
    service.spec["service"].as_object_mut().unwrap().remove("launchType");
    let world = World::new().wants(cluster).wants(provider).wants(service);
    let plan = world.plan();
    assert_eq!(operations(&plan), ["CreateCapacityProvider", "CreateCluster"]);
    assert!(!plan.actions[1].input.contains_key("capacityProviders"));
    assert_eq!(plan.objects[1].hold, Some(Hold::Waiting(Waiting::CapacityProvider { name: "own".into() })));
    assert_eq!(plan.objects[2].hold, Some(Hold::Waiting(Waiting::Cluster { name: "shop".into() })));
}

#[test]
fn a_dropped_lifecycle_policy_is_deleted_and_a_changed_one_is_put_whole() {
    let rules = |days: i64| json!({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}, "action": {"type": "expire"}}]});
    let live = json!({"repositoryName": "shop/web", "imageTagMutability": "MUTABLE", "encryptionConfiguration": {"encryptionType": "AES256"}});
    let parts = || Parts {
        lifecycle_policy: Some(Sighting::Present(rules(7).as_object().unwrap().clone())),
        repository_policy: Some(Sighting::Absent),
        ..Parts::default()
    };
    let planned = |spec: Value| {
        let repository = object(Kind::EcrRepository, "shop/web", spec);
        World::new().has(&repository, live.clone(), parts()).wants(repository).plan()
    };
    assert_eq!(
        operations(&planned(json!({"repositoryName": "shop/web", "lifecyclePolicy": rules(7)}))),
        Vec::<&str>::new()
    );
    let changed = planned(json!({"repositoryName": "shop/web", "lifecyclePolicy": rules(9)}));
    assert_eq!(operations(&changed), ["TagResource", "PutLifecyclePolicy", "TagResource"]);
    assert_eq!(paths(&changed), ["lifecyclePolicy.rules[1].selection.countNumber"]);
    let dropped = planned(json!({"repositoryName": "shop/web"}));
    assert_eq!(operations(&dropped), ["TagResource", "DeleteLifecyclePolicy", "TagResource"]);
}
