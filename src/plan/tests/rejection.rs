//! What was tried and went back, on plain values.

use super::*;
use crate::rollout::Progress;

/// Deployments, newest first: task definition and status. The newest began last.
fn history(deployments: &[(&str, &str)]) -> History {
    let mut history = History::default();
    for (n, (revision, status)) in deployments.iter().enumerate() {
        let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/shop/web/{n}");
        let began = 1000 - 10 * n;
        let mut deployment = json!({"serviceDeploymentArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/shop/web/d{n}"),
            "targetServiceRevisionArn": arn, "status": status, "statusReason": "why", "createdAt": began, "finishedAt": began + 2});
        if status.starts_with("ROLLBACK") {
            let older = deployments.len() - 1;
            let back = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/shop/web/{older}");
            deployment["rollback"] = json!({"serviceRevisionArn": back});
        }
        history.deployments.push(deployment.as_object().unwrap().clone());
        let body = json!({"serviceRevisionArn": arn, "launchType": "FARGATE",
            "taskDefinition": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{revision}")});
        history.revisions.insert(arn, body.as_object().unwrap().clone());
    }
    history
}

fn has_history(history: Option<Sighting<History>>) -> Parts {
    Parts { history, ..Parts::default() }
}

/// `web:2` was attempted; `running` runs. Of the history this is known.
fn tried(running: &str, history: Option<Sighting<History>>) -> World {
    let body = live_web(json!({"taskDefinition": running}));
    let mut world = World::new()
        .has(&web("nginx:2", json!({})), body, Parts::default())
        .wants(web("nginx:2", json!({})))
        .has_revision("web:1", task_definition("nginx:1"))
        .has_revision("web:2", task_definition("nginx:2"))
        .has_revision("foreign:1", json!({"family": "foreign", "containerDefinitions": []}));
    live(&mut world).parts = has_history(history);
    world
}

fn live(world: &mut World) -> &mut Resource {
    match world.observed.resources.get_mut(&key(Kind::EcsService, "web")) {
        Some(Sighting::Present(live)) => live,
        other => panic!("{other:?}"),
    }
}

fn rolled_back() -> Sighting<History> {
    Sighting::Present(history(&[("web:2", "ROLLBACK_SUCCESSFUL"), ("web:1", "SUCCESSFUL")]))
}

/// What the plan writes in the state tag comes true.
fn noted(mut world: World, plan: &Plan) -> World {
    let tags = crate::model::described::tag_map(plan.actions[0].input.get("tags"));
    live(&mut world).tags.extend(tags);
    world
}

#[test]
fn what_was_attempted_before_is_asked_about_and_nothing_is_deployed_meanwhile() {
    let mut world = tried("web:1", None);
    let plan = world.plan();
    assert_eq!((operations(&plan), plan.asks.len()), (vec![], 1));
    // The same with the tag lost.
    live(&mut world).tags.remove(tag::STATE);
    assert_eq!(world.plan().asks.len(), 1);
    // Answered that it went well, what runs is drift.
    live(&mut world).parts =
        has_history(Some(Sighting::Present(history(&[("web:1", "SUCCESSFUL"), ("web:2", "SUCCESSFUL")]))));
    let plan = world.plan();
    assert_eq!(
        (operations(&plan), plan.asks.len()),
        (vec!["TagResource", "UpdateService", "TagResource"], 0)
    );
}

#[test]
fn a_newer_manifest_is_deployed_without_asking() {
    let world = tried("web:1", None).wants(web("nginx:3", json!({})));
    let plan = world.plan();
    assert_eq!((operations(&plan).len(), plan.asks.len()), (4, 0));
}

#[test]
fn a_rejection_is_noted_down_once_and_then_nothing_is_done() {
    let world = tried("web:1", Some(rolled_back()));
    let plan = world.plan();
    assert_eq!(operations(&plan), ["TagResource"]);
    let Some(Hold::Blocked(Blocked::RolledBack(failure))) = &plan.objects[0].hold else {
        panic!("{plan:#?}")
    };
    assert_eq!(
        (failure.from.as_str(), failure.to.as_deref(), failure.reason.as_str()),
        ("web:2", Some("web:1"), "why")
    );
    assert!(plan.objects[0].differences.iter().all(|planned| planned.held_back && !planned.drift));
    assert!(matches!(plan.rollouts.values().next(), Some(Progress::RolledBack(_))));
    let state = crate::model::described::tag_map(plan.actions[0].input.get("tags"))[tag::STATE].clone();
    assert!(state.ends_with("@web:2"), "{state}");
    let world = noted(world, &plan);
    let again = world.plan();
    assert_eq!((operations(&again), &again.objects[0].hold), (vec![], &plan.objects[0].hold));
    // The tag is enough once AWS has forgotten.
    let mut world = world;
    live(&mut world).parts = has_history(Some(Sighting::Present(history(&[("web:1", "SUCCESSFUL")]))));
    assert_eq!(operations(&world.plan()), Vec::<&str>::new());
}

#[test]
fn drift_from_the_last_good_bundle_is_healed_with_what_is_there() {
    let known =
        history(&[("foreign:1", "SUCCESSFUL"), ("web:2", "ROLLBACK_SUCCESSFUL"), ("web:1", "SUCCESSFUL")]);
    let plan = tried("foreign:1", Some(Sighting::Present(known))).plan();
    assert_eq!(operations(&plan), ["TagResource", "UpdateService", "TagResource"]);
    assert_eq!(plan.actions[1].input["taskDefinition"], "web:1");
    let healed = plan.objects[0].differences.iter().find(|planned| !planned.held_back).unwrap();
    assert_eq!((healed.difference.path.as_str(), healed.drift), ("service.taskDefinition", true));
}

#[test]
fn in_the_rejected_state_what_needs_no_deployment_follows_the_manifest() {
    let mut world = tried("web:1", Some(rolled_back()));
    live(&mut world).body.insert("enableExecuteCommand".into(), json!(true));
    live(&mut world).body.insert("desiredCount".into(), json!(7));
    let plan = world.wants(web("nginx:2", json!({"desiredCount": 2}))).plan();
    // The manifest changed by its count alone: another hash, and a new attempt.
    assert!(operations(&plan).contains(&"UpdateService"));
    let mut world = tried("web:1", Some(rolled_back()));
    live(&mut world).body.insert("enableExecuteCommand".into(), json!(true));
    let plan = world.plan();
    assert_eq!(operations(&plan), ["TagResource", "UpdateService", "TagResource"]);
    assert!(!plan.actions[1].input.contains_key("taskDefinition"));
    assert_eq!(plan.actions[1].input["enableExecuteCommand"], false);
}

#[test]
fn with_nothing_good_to_go_back_to_no_deployment_is_started() {
    let failed = json!({"deployments": [{"status": "PRIMARY", "taskDefinition": "web:2", "rolloutState": "FAILED", "rolloutStateReason": "no"}]});
    for known in [Sighting::Present(history(&[("web:2", "STOPPED")])), Sighting::Absent] {
        let mut world = tried("web:2", Some(known));
        live(&mut world).body.extend(failed.as_object().unwrap().clone());
        let plan = world.plan();
        assert_eq!(operations(&plan), ["TagResource"]);
        assert!(matches!(plan.objects[0].hold, Some(Hold::Blocked(Blocked::RolloutFailed(_)))), "{plan:#?}");
        assert_eq!(operations(&noted(world, &plan).plan()), Vec::<&str>::new());
    }
}

#[test]
fn a_deployment_that_aws_does_not_show_yet_is_not_started_twice() {
    let known = history(&[("web:2", "IN_PROGRESS"), ("web:1", "SUCCESSFUL")]);
    let plan = tried("web:1", Some(Sighting::Present(known))).plan();
    assert_eq!(plan.objects[0].hold, Some(Hold::Waiting(Waiting::Deployment)));
    assert_eq!(operations(&plan), Vec::<&str>::new());
}

#[test]
fn without_a_history_it_is_deployed_and_said_that_it_was_not_checked() {
    let plan = tried("web:1", Some(Sighting::Absent)).plan();
    assert!(operations(&plan).contains(&"UpdateService"));
    assert!(plan.objects[0].notes.iter().any(|note| note.contains("not checked")), "{plan:#?}");
    let unread = tried("web:1", Some(Sighting::Unreadable("denied".into()))).plan();
    assert_eq!((operations(&unread), unread.objects[0].verdict), (vec![], Verdict::Unreadable));
}

#[test]
fn older_pages_are_asked_for_until_the_attempt_and_what_was_good_before_it_are_found() {
    let page = |deployments: &[(&str, &str)], next: Option<&str>| {
        let next = next.map(str::to_owned);
        Some(Sighting::Present(History { next, ..history(deployments) }))
    };
    for (deployments, asks) in [
        (&[("web:1", "SUCCESSFUL")][..], 1),
        (&[("web:1", "SUCCESSFUL"), ("web:2", "STOPPED")][..], 1),
        (&[("web:1", "SUCCESSFUL"), ("web:2", "SUCCESSFUL")][..], 0),
    ] {
        assert_eq!(
            tried("web:1", page(deployments, Some("more"))).plan().asks.len(),
            asks,
            "{deployments:?}"
        );
        assert_eq!(tried("web:1", page(deployments, None)).plan().asks.len(), 0);
    }
}

#[test]
fn what_failed_before_the_attempt_began_says_nothing_of_it() {
    let mut world = tried("web:1", Some(rolled_back()));
    let mut state = State::of(&live(&mut world).tags);
    state.before = Some("d0".into());
    live(&mut world).tags.insert(tag::STATE.to_owned(), state.to_string());
    assert!(operations(&world.plan()).contains(&"UpdateService"));
}

#[test]
fn a_deployment_before_the_answer_breaks_a_rule() {
    let mut plan = tried("web:1", None).wants(web("nginx:3", json!({}))).plan();
    plan.asks.insert(key(Kind::EcsService, "web"));
    assert_eq!(lint::lint(&plan).len(), 1);
}
