//! A service's scalable target, its policies and its scheduled actions; and who owns desiredCount.
//!
//! RegisterScalableTarget clamps what runs into the bounds even when neither is sent: it is never called when
//! nothing changed, and the plan says when it will move capacity. Scheduled actions rewrite the bounds when they
//! fire: bounds that equal what a declared action sets are left alone.

use super::Draft;
use super::delete::Call;
use super::object::{Work, document};
use crate::model::described;
use crate::model::desired::Document;
use crate::model::diff::Difference;
use crate::model::facts::{Shape, kind_shape};
use crate::model::merge::merged;
use crate::model::names::Key;
use crate::model::observed::{Resource, Sighting};
use crate::model::semantics::{Change, is_nothing};
use serde_json::{Value, json};

const API: &str = "application-autoscaling";

/// Notes who owns desiredCount and takes it out of `desired` where that is not the manifest.
pub(super) fn decide_owner(work: &mut Work, desired: &mut Document, live: Option<&Resource>) {
    let declared = work.object.part("autoscaling");
    let target = live.and_then(|live| live.parts.target.as_ref());
    let daemon = desired.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON");
    let scaled = match (declared, target) {
        (Some(declared), _) => !declared.is_empty(),
        (None, Some(Sighting::Present(target))) => {
            let bounds = format!("{}–{}", shown(target.get("minCapacity")), shown(target.get("maxCapacity")));
            work.plan.notes.push(format!(
                "desiredCount is owned by a scalable target ({bounds}) that the manifest leaves alone"
            ));
            true
        }
        (None, Some(Sighting::Unreadable(cause))) if desired.contains_key("desiredCount") => {
            work.plan.notes.push(format!(
                "desiredCount is not compared: whether it is scaled could not be read: {cause}"
            ));
            true
        }
        _ => false,
    };
    let has_count = desired.contains_key("desiredCount");
    if daemon {
        desired.remove("desiredCount");
    } else if scaled && live.is_some() {
        if has_count && declared.is_some() {
            work.plan.notes.push(
                "desiredCount is owned by Application Auto Scaling: the declared one counts only on creation"
                    .to_owned(),
            );
        }
        desired.remove("desiredCount");
    }
}

fn shown(number: Option<&Value>) -> String {
    number.map_or_else(|| "?".to_owned(), Value::to_string)
}

/// How many tasks a new service starts with.
pub(super) fn first_count(work: &Work) -> i64 {
    let least = work.object.part("autoscaling").and_then(|scaling| scaling.get("minCapacity")?.as_i64());
    least.unwrap_or(1).max(1)
}

/// A part that the manifest declares and that could not be read.
pub(super) fn unreadable<'a>(work: &Work, live: &'a Resource) -> Option<&'a str> {
    work.object.part("autoscaling")?;
    let parts = &live.parts;
    let causes = [
        parts.target.as_ref().and_then(Sighting::cause),
        parts.policies.as_ref().and_then(Sighting::cause),
        parts.scheduled_actions.as_ref().and_then(Sighting::cause),
    ];
    causes.into_iter().flatten().next()
}

/// Notes the differences of the declared scaling against the live one.
pub(super) fn compare(work: &mut Work, live: &Resource) {
    let Some(declared) = work.object.part("autoscaling") else { return };
    let there = described::autoscaling(live);
    if declared.is_empty() {
        if let Some(Sighting::Present(target)) = &live.parts.target {
            let target =
                json!({"minCapacity": target.get("minCapacity"), "maxCapacity": target.get("maxCapacity")});
            work.differ(target_difference(Some(target), None));
        }
    } else if !matches!(live.parts.target, Some(Sighting::Present(_))) {
        let target =
            json!({"minCapacity": declared.get("minCapacity"), "maxCapacity": declared.get("maxCapacity")});
        work.differ(target_difference(None, Some(target)));
    }
    let (wanted, notes) = wanted(work, declared, &there);
    work.plan.notes.extend(notes);
    work.compare(kind_shape("Autoscaling"), "autoscaling", &wanted, &there);
    // A missing target is one difference, not one per bound.
    if !matches!(live.parts.target, Some(Sighting::Present(_))) {
        let bound = |path: &str| path == "autoscaling.minCapacity" || path == "autoscaling.maxCapacity";
        work.plan.differences.retain(|planned| !bound(&planned.difference.path));
    }
    note_clamp(work, declared, live);
}

fn target_difference(live: Option<Value>, desired: Option<Value>) -> Difference {
    Difference {
        path: "autoscaling.target".to_owned(),
        live,
        desired,
        by_default: false,
        shape: kind_shape("Autoscaling"),
        secret: false,
        change: Change::InPlace,
    }
}

/// What is declared, with what the manifest leaves alone as it is. Bounds that a declared scheduled action has set
/// are what is wanted until it or another sets them back; the notes say so.
fn wanted(work: &Work, declared: &Document, there: &Document) -> (Document, Vec<String>) {
    let mut wanted = work.leaving_alone(kind_shape("Autoscaling"), "autoscaling", declared, there);
    let mut notes = Vec::new();
    let actions: Vec<Value> =
        wanted.get("scheduledActions").and_then(Value::as_array).cloned().unwrap_or_default();
    for bound in ["minCapacity", "maxCapacity"] {
        let Some(live) = there.get(bound).filter(|live| Some(*live) != wanted.get(bound)) else { continue };
        if let Some(action) =
            actions.iter().find(|action| action["scalableTargetAction"].get(bound) == Some(live))
        {
            let name = action["scheduledActionName"].as_str().unwrap_or_default();
            notes.push(format!("autoscaling.{bound} is {live}, as the scheduled action `{name}` sets it"));
            wanted.insert(bound.to_owned(), live.clone());
        }
    }
    (wanted, notes)
}

/// Says when new bounds will move what runs.
fn note_clamp(work: &mut Work, declared: &Document, live: &Resource) {
    let bounds_change = work.plan.differences.iter().any(|planned| {
        let path = &planned.difference.path;
        !planned.held_back && (path == "autoscaling.target" || path.starts_with("autoscaling.m"))
    });
    let number = |value: Option<&Value>| value.and_then(Value::as_i64);
    let running = number(live.body.get("desiredCount"));
    let (least, most) = (number(declared.get("minCapacity")), number(declared.get("maxCapacity")));
    if let (true, Some(now), Some(least), Some(most)) = (bounds_change, running, least, most) {
        let clamped = now.max(least).min(most);
        if clamped != now {
            work.plan
                .notes
                .push(format!("the bounds {least}–{most} will move desiredCount from {now} to {clamped}"));
        }
    }
}

/// Adds the calls that make the target, its policies and its actions what is declared.
pub(super) fn write<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>, live: Option<&Resource>) {
    let Some(declared) = work.object.part("autoscaling") else { return };
    let there = live.map(described::autoscaling).unwrap_or_default();
    let has_target = live.is_some_and(|live| matches!(live.parts.target, Some(Sighting::Present(_))));
    if declared.is_empty() {
        let gone = work.members("autoscaling");
        if has_target && !gone.is_empty() {
            work.call(draft, deregister(&work.object.key));
        }
        return;
    }
    let (wanted, _) = wanted(work, declared, &there);
    let changed = if live.is_some() { work.members("autoscaling") } else { all_members(declared) };
    let bounds = ["target", "minCapacity", "maxCapacity", "suspendedState"];
    if changed.iter().any(|member| bounds.contains(&member.as_str())) {
        let mut members = vec!["minCapacity", "maxCapacity", "roleARN"];
        members.extend(changed.iter().any(|member| member == "suspendedState").then_some("suspendedState"));
        let target = merged(kind_shape("Autoscaling"), members, &wanted, &there, work.account);
        let input = identified(work, target);
        work.act(draft, API, "RegisterScalableTarget", input);
    }
    let lists = [
        ("policies", "policyName", "PutScalingPolicy", "DeleteScalingPolicy"),
        ("scheduledActions", "scheduledActionName", "PutScheduledAction", "DeleteScheduledAction"),
    ];
    for (list, name, put, delete) in lists {
        write_list(draft, work, (list, name, put, delete), (&wanted, &there), live.is_some());
    }
}

fn all_members(declared: &Document) -> Vec<String> {
    let given = declared.iter().filter(|(_, value)| !is_nothing(value));
    given.map(|(name, _)| name.clone()).chain(["target".to_owned()]).collect()
}

/// Puts what differs whole and deletes what is declared no more; a policy of another type is deleted first.
fn write_list<'a>(
    draft: &mut Draft<'a>,
    work: &mut Work<'a>,
    (list, name, put, delete): (&str, &str, &'static str, &'static str),
    (declared, there): (&Document, &Document),
    exists: bool,
) {
    let elements =
        |document: &Document| document.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let (declared, there) = (elements(declared), elements(there));
    let named = |element: &Value| element[name].as_str().unwrap_or_default().to_owned();
    let differs = |work: &Work, element: &Value| {
        let path = format!("autoscaling.{list}[{}]", named(element));
        work.plan.differences.iter().any(|planned| {
            let rest = planned.difference.path.strip_prefix(&path);
            !planned.held_back && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let key = |element: &Value| document([(name, json!(named(element)))]);
    for old in there.iter().filter(|old| !declared.iter().any(|new| named(new) == named(old))) {
        if differs(work, old) {
            let input = identified(work, key(old));
            work.act(draft, API, delete, input);
        }
    }
    for new in &declared {
        if exists && !differs(work, new) {
            continue;
        }
        let old = there.iter().find(|old| named(old) == named(new));
        let same_type = |old: &&Value| list != "policies" || old["policyType"] == new["policyType"];
        if old.is_some_and(|old| !same_type(&old)) {
            let input = identified(work, key(new));
            work.act(draft, API, delete, input);
        }
        let old = old.filter(same_type);
        let shape = kind_shape(if list == "policies" { "Policy" } else { "ScheduledAction" });
        let input = identified(work, written(shape, new, old, work.account));
        work.act(draft, API, put, input);
    }
}

/// A policy or action as declared; what it says no more goes back to its default, for a put leaves alone what it
/// does not name.
fn written(shape: &'static Shape, new: &Value, old: Option<&Value>, account: &str) -> Document {
    let new = new.as_object().cloned().unwrap_or_default();
    let Some(old) = old.and_then(Value::as_object) else { return new };
    let either = shape.members().iter().map(|member| &member.name);
    merged(
        shape,
        either.filter(|name| new.contains_key(*name) || old.contains_key(*name)),
        &new,
        old,
        account,
    )
}

/// Takes the target away, and with it its policies and scheduled actions.
pub(super) fn deregister(key: &Key) -> Call {
    Call { api: API, operation: "DeregisterScalableTarget", input: of_service(key, Document::new()) }
}

/// Every call names the target by its service.
fn identified(work: &Work, input: Document) -> Document {
    of_service(&work.object.key, input)
}

fn of_service(key: &Key, mut input: Document) -> Document {
    let cluster = key.cluster.as_deref().unwrap_or("default");
    input.insert("serviceNamespace".to_owned(), json!("ecs"));
    input.insert("resourceId".to_owned(), json!(format!("service/{cluster}/{}", key.name)));
    input.insert("scalableDimension".to_owned(), json!("ecs:service:DesiredCount"));
    input
}
