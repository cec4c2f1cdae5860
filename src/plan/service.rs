//! Services: the revision they run, their settings, their scaling. One UpdateService per service and pass.

use super::object::{Steps, Unreadable, Work, document};
use super::revision::{self, Choice};
use super::{Binding, Blocked, Draft, Hold, Waiting, cluster, delete, rejection, scaling};
use crate::model::described;
use crate::model::desired::{Document, Object};
use crate::model::facts::kind_shape;
use crate::model::merge::merged;
use crate::model::names::{Key, Kind, family_and_revision, last_segment};
use crate::model::observed::{Resource, Sighting};
use crate::model::semantics::Change;
use crate::model::state::digest;
use serde_json::{Value, json};

pub(super) const STEPS: Steps = Steps { create, update };

fn create<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>) -> Result<(), Unreadable> {
    let mut input = work.object.part("service").cloned().unwrap_or_default();
    scaling::decide_owner(work, &mut input, None);
    work.plan.hold = cluster_hold(draft, work, &input)?;
    let choice = match revision::choose(draft, work, None) {
        Choice::Unreadable(cause) => return Err(cause),
        Choice::Held(hold) => {
            work.plan.hold.get_or_insert(hold);
            Choice::Keep
        }
        choice => choice,
    };
    if !input.contains_key("desiredCount") && !is_daemon(&input) {
        let count = scaling::first_count(work);
        work.plan.notes.push(format!("desiredCount starts at {count}"));
        input.insert("desiredCount".to_owned(), json!(count));
    }
    if work.plan.hold.is_some() {
        return Ok(());
    }
    let binding = revision::bring(draft, work, choice, &mut input);
    let scaled = work.object.part("autoscaling").is_some_and(|scaling| !scaling.is_empty());
    let tags = work.new_tags(draft, input.get("tags"), !scaled);
    input.insert("tags".to_owned(), tags);
    input.insert("clientToken".to_owned(), json!(client_token(draft, work)));
    // The API refuses the word that stands for silence.
    if input.get("propagateTags").is_some_and(|from| from == "NONE") {
        input.remove("propagateTags");
    }
    let created = work.act(draft, "ecs", "CreateService", input);
    draft.plan.actions[created].bindings.extend(binding);
    let cluster = draft.last.get(&work.object.key.its_cluster()).copied();
    draft.plan.actions[created].after.extend(cluster);
    if scaled {
        scaling::write(draft, work, None);
        let arn = Binding { action: created, from: "/service/serviceArn", to: "resourceArn" };
        work.settle(draft, Some(arn));
    }
    Ok(())
}

/// The same for a retry of the same request, another for a service made again after a deletion.
/// 32 of the 36 characters that the API allows.
fn client_token(draft: &Draft, work: &Work) -> String {
    let before = draft.observed.resources.get(&work.object.key).and_then(Sighting::present);
    let predecessor = before.and_then(|service| service.body.get("createdAt")).map(Value::to_string);
    let Key { region, cluster, name, .. } = &work.object.key;
    let text = format!("{region} {cluster:?} {name} {} {predecessor:?}", work.hash);
    digest(&text)[..32].to_owned()
}

fn update<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>, live: &'a Resource) -> Result<(), Unreadable> {
    if live.status() == Some("DRAINING") {
        work.plan.hold = Some(Hold::Waiting(Waiting::Draining));
        work.live = None;
        return Ok(());
    }
    if let Some(cause) = scaling::unreadable(work, live) {
        return Err(cause.to_owned());
    }
    let declared = work.object.part("service").cloned().unwrap_or_default();
    let described = described::service(live);
    let mut desired = work.leaving_alone(kind_shape("Service"), "service", &declared, &described);
    scaling::decide_owner(work, &mut desired, Some(live));
    back_to_launch_type(&mut desired, &described);
    as_swapped(&mut desired, &described);
    note_unread(work, &mut desired, live);
    // Chosen apart: the same revision has many spellings.
    desired.remove("taskDefinition");
    let running = described::running_revision(live).map(|name| family_and_revision(name).to_owned());
    let choice = match revision::choose(draft, work, running.as_deref()) {
        Choice::Unreadable(cause) => return Err(cause),
        choice => choice,
    };
    work.compare(kind_shape("Service"), "service", &desired, &described);
    scaling::compare(work, live);
    let choice = match (hold(draft, work, live, &desired)?, choice) {
        (Some(hold), _) | (None, Choice::Held(hold)) => {
            work.plan.hold = Some(hold);
            return replace_when_confirmed(draft, work, live);
        }
        (None, choice) => choice,
    };
    let Some(choice) = rejection::settled(draft, work, live, &mut desired, choice)? else { return Ok(()) };
    let deploys = choice.deploys();
    let members = work.members("service");
    let scales = !work.members("autoscaling").is_empty();
    let tags = desired.get("tags").cloned();
    work.tag_ahead(draft, tags.as_ref(), deploys || scales || !members.is_empty());
    let retagged = match &running {
        Some(running) if !deploys && work.next.rejected.is_none() => {
            revision::tag_running(draft, work, running)
        }
        _ => false,
    };
    send(draft, work, choice, (&desired, &described));
    scaling::write(draft, work, Some(live));
    if deploys || scales || retagged || !members.is_empty() {
        work.settle(draft, None);
    }
    Ok(())
}

/// One UpdateService with the chosen revision and all that differs; none where nothing does.
pub(super) fn send<'a>(
    draft: &mut Draft<'a>,
    work: &mut Work<'a>,
    choice: Choice,
    (desired, described): (&Document, &Document),
) {
    let members = work.members("service");
    if !choice.deploys() && members.is_empty() {
        return;
    }
    let mut input =
        document([("cluster", json!(work.object.key.cluster)), ("service", json!(work.object.key.name))]);
    let binding = revision::bring(draft, work, choice, &mut input);
    let members = members.iter().filter(|member| *member != "taskDefinition");
    input.extend(merged(kind_shape("Service"), members, desired, described, work.account));
    if input.contains_key("capacityProviderStrategy") {
        input.insert("forceNewDeployment".to_owned(), json!(true));
    }
    let updated = work.act(draft, "ecs", "UpdateService", input);
    draft.plan.actions[updated].bindings.extend(binding);
}

/// Whatever forbids the update as a whole.
fn hold(draft: &Draft, work: &Work, live: &Resource, desired: &Document) -> Result<Option<Hold>, Unreadable> {
    let replaced = work.replaced();
    if !replaced.is_empty() {
        return Ok(Some(Hold::Blocked(Blocked::ReplacementNeeded { members: replaced })));
    }
    let refused = refused_by_controller(work, live);
    if let Some((controller, members)) = refused {
        return Ok(Some(Hold::Blocked(Blocked::DeploymentController { controller, members })));
    }
    if work.members("service").iter().any(|member| member == "capacityProviderStrategy") {
        return cluster_hold(draft, work, desired);
    }
    Ok(None)
}

/// A confirmed replacement deletes the old service; a later pass makes the new one when it has drained.
fn replace_when_confirmed<'a>(
    draft: &mut Draft<'a>,
    work: &mut Work<'a>,
    live: &Resource,
) -> Result<(), Unreadable> {
    if matches!(work.plan.hold, Some(Hold::Blocked(Blocked::ReplacementNeeded { .. }))) {
        if work.is_confirmed(draft) {
            work.plan.hold = Some(Hold::Waiting(Waiting::Draining));
            let deletion = delete::service(&work.object.key, live)?;
            work.plan.notes.extend(deletion.notes);
            for call in deletion.calls {
                work.call(draft, call);
            }
        } else {
            let how = format!(
                "to delete the service and make it anew, pass `--confirm {}` or annotate it with `ecs-operator.dev/confirm: {}`",
                work.object.origin,
                work.confirmation()
            );
            work.plan.notes.push(how);
            work.plan.notes.push("a replacement stops all its tasks before new ones start".to_owned());
        }
    }
    Ok(())
}

/// What UpdateService refuses under a deployment controller other than ECS.
fn refused_by_controller(work: &Work, live: &Resource) -> Option<(String, Vec<String>)> {
    const PLACEMENT_AND_TAGS: [&str; 7] = [
        "desiredCount",
        "healthCheckGracePeriodSeconds",
        "placementConstraints",
        "placementStrategy",
        "enableECSManagedTags",
        "propagateTags",
        "tags",
    ];
    let controller = live.body.get("deploymentController")?.get("type")?.as_str()?;
    let accepted = |member: &str| {
        PLACEMENT_AND_TAGS.contains(&member)
            || (controller == "CODE_DEPLOY" && member == "deploymentConfiguration")
    };
    // Moving to another controller is one UpdateService with all that changes; silence does not ask for it.
    let declares = work.object.part("service").is_some_and(|part| part.contains_key("deploymentController"));
    let moves = declares && work.members("service").iter().any(|member| member == "deploymentController");
    if controller == "ECS" || moves {
        return None;
    }
    let mut members: Vec<String> = work
        .members("service")
        .into_iter()
        .filter(|member| !accepted(member))
        .map(|member| format!("service.{member}"))
        .collect();
    let deploys =
        |change: Change, path: &str| change >= Change::NewDeployment && path.starts_with("taskDefinition");
    if work
        .plan
        .differences
        .iter()
        .any(|planned| deploys(planned.difference.change, &planned.difference.path))
    {
        members.push("service.taskDefinition".to_owned());
    }
    (!members.is_empty()).then(|| (controller.to_owned(), members))
}

/// What only the service revision holds is not compared where that could not be read.
fn note_unread(work: &mut Work, desired: &mut Document, live: &Resource) {
    for member in ["monitoring", "gatewayConnectors"] {
        if !desired.contains_key(member) || matches!(live.parts.service_revision, Some(Sighting::Present(_)))
        {
            continue;
        }
        let why = live
            .parts
            .service_revision
            .as_ref()
            .and_then(Sighting::cause)
            .unwrap_or("there is no service revision");
        work.plan.notes.push(format!("service.{member} is not checked: {why}"));
        desired.remove(member);
    }
}

/// A launch type where a strategy is: the way back is an empty strategy.
pub(super) fn back_to_launch_type(desired: &mut Document, live: &Document) {
    let has = |document: &Document, member: &str| {
        document.get(member).is_some_and(|value| !crate::model::semantics::is_nothing(value) && value != "")
    };
    if has(desired, "launchType") && has(live, "capacityProviderStrategy") {
        desired.remove("launchType");
        desired.insert("capacityProviderStrategy".to_owned(), json!([]));
    }
}

/// Which target group of a pair is live is AWS's to say: a declared pair is sent the way round it is now, so that a
/// change of anything else never moves traffic.
fn as_swapped(desired: &mut Document, live: &Document) {
    const ALTERNATE: &str = "/advancedConfiguration/alternateTargetGroupArn";
    let pair = |one: &Value| (one.get("targetGroupArn").cloned(), one.pointer(ALTERNATE).cloned());
    let there: Vec<_> =
        live.get("loadBalancers").and_then(Value::as_array).into_iter().flatten().map(pair).collect();
    for one in desired.get_mut("loadBalancers").and_then(Value::as_array_mut).into_iter().flatten() {
        if let (Some(production), Some(alternate)) = pair(one)
            && there.contains(&(Some(alternate.clone()), Some(production.clone())))
        {
            one["targetGroupArn"] = alternate;
            one["advancedConfiguration"]["alternateTargetGroupArn"] = production;
        }
    }
}

fn is_daemon(service: &Document) -> bool {
    service.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON")
}

/// Why the cluster does not let the service in now.
fn cluster_hold(draft: &Draft, work: &Work, service: &Document) -> Result<Option<Hold>, Unreadable> {
    let key = work.object.key.its_cluster();
    let declared = draft.desired.objects.get(&key);
    let what = || format!("cluster `{}`", key.name);
    let seen = draft.observed.find(&key);
    let planned = draft.plan.objects.iter().find(|planned| planned.key == key);
    if let Some(blocked) = planned.filter(|planned| matches!(planned.hold, Some(Hold::Blocked(_)))) {
        return Ok(Some(Hold::Blocked(Blocked::Dependency { on: blocked.origin.to_string() })));
    }
    let live = match seen {
        Some(Sighting::Unreadable(cause)) => return Err(cause.clone()),
        Some(Sighting::Present(live)) if !live.is_inactive() => live,
        // Made in this pass: what needs no capacity provider comes right after it.
        _ if declared.is_some() && draft.last.contains_key(&key) && names_no_provider(service, declared) => {
            return Ok(None);
        }
        _ if declared.is_some() => {
            return Ok(Some(Hold::Waiting(Waiting::Cluster { name: key.name.clone() })));
        }
        _ => return Ok(Some(Hold::Blocked(Blocked::Missing { what: what() }))),
    };
    if !cluster::is_active(live) {
        return Ok(Some(match live.body.get("status").and_then(Value::as_str) {
            Some("DEPROVISIONING") => {
                Hold::Blocked(Blocked::Unusable { what: what(), why: "it is being deleted".to_owned() })
            }
            _ => Hold::Waiting(Waiting::Cluster { name: key.name.clone() }),
        }));
    }
    Ok(provider_hold(draft, &key, live, service))
}

/// Whether the service runs by launch type, in a cluster whose default strategy cannot interfere.
fn names_no_provider(service: &Document, cluster: Option<&Object>) -> bool {
    let has_default =
        cluster.is_some_and(|cluster| cluster.spec.contains_key("defaultCapacityProviderStrategy"));
    let by_type = service.contains_key("launchType") || !has_default;
    !service.contains_key("capacityProviderStrategy") && by_type
}

/// Every provider of the strategy, the service's own or the cluster's default, must be attached.
fn provider_hold(draft: &Draft, cluster: &Key, live: &Resource, service: &Document) -> Option<Hold> {
    let declared = draft.desired.objects.get(cluster).map(|cluster| &cluster.spec);
    let default = declared.and_then(|spec| spec.get("defaultCapacityProviderStrategy"));
    let default = default.filter(|_| !service.contains_key("launchType"));
    let strategy = service.get("capacityProviderStrategy").or(default)?.as_array()?;
    let list = |document: &Document| -> Vec<String> {
        let names = document.get("capacityProviders").and_then(Value::as_array);
        names
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|name| last_segment(name).to_owned())
            .collect()
    };
    let (attached, wanted) = (list(&live.body), declared.map(list).unwrap_or_default());
    for name in strategy.iter().filter_map(|item| item["capacityProvider"].as_str()).map(last_segment) {
        let inside = Key {
            kind: Kind::EcsCapacityProvider,
            cluster: Some(cluster.name.clone()),
            name: name.to_owned(),
            region: cluster.region.clone(),
        };
        let of_cluster = draft.desired.objects.contains_key(&inside);
        if attached.iter().any(|one| one == name) {
            if cluster::is_attaching(live) {
                return Some(Hold::Waiting(Waiting::Attachments { cluster: cluster.name.clone() }));
            }
        } else if wanted.iter().any(|one| one == name) || of_cluster {
            return Some(Hold::Waiting(Waiting::CapacityProvider { name: name.to_owned() }));
        } else {
            let what = format!("capacity provider `{name}`");
            let why = format!("it is not attached to cluster `{}`", cluster.name);
            return Some(Hold::Blocked(Blocked::Unusable { what, why }));
        }
    }
    None
}
