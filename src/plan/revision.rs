//! Which task definition revision a service should run: the one it runs, a recent one that is equal, or a new one.
//! No revision is registered without need.

use super::object::{Work, document};
use super::{Binding, Blocked, Draft, Hold};
use crate::model::described::{tag_list, tag_map};
use crate::model::desired::Document;
use crate::model::diff::Difference;
use crate::model::facts::kind_shape;
use crate::model::names::{family_and_revision, tag};
use crate::model::observed::{Revision, Sighting};
use crate::model::revision::{content, difference, is_equal};
use crate::model::semantics::Change;
use serde_json::{Value, json};

/// The answer.
pub(super) enum Choice {
    /// What runs is what is wanted, or the manifest names none.
    Keep,
    /// An existing revision, as `family:revision` or as the manifest names it.
    Use(String),
    /// A new one of this body.
    Register(Document),
    /// It cannot be told, or cannot be had.
    Held(Hold),
    /// A read that would tell has failed.
    Unreadable(String),
}

impl Choice {
    /// Whether another revision than the running one is brought.
    pub(super) fn deploys(&self) -> bool {
        matches!(self, Self::Use(_) | Self::Register(_))
    }
}

/// Chooses for a service that runs `running` (`None`: to be created), and notes the differences.
pub(super) fn choose(draft: &Draft, work: &mut Work, running: Option<&str>) -> Choice {
    match work.object.part("taskDefinition") {
        Some(body) => by_body(draft, work, body, running),
        None => match work.object.part("service").and_then(|service| service.get("taskDefinition")?.as_str())
        {
            Some(named) => by_name(draft, work, named, running),
            None => Choice::Keep,
        },
    }
}

fn by_body(draft: &Draft, work: &mut Work, declared: &Document, running: Option<&str>) -> Choice {
    let mut body = declared.clone();
    let region = &work.object.key.region;
    let seen = |name: &str| draft.observed.revisions.get(&(region.clone(), name.to_owned()));
    if let Some(name) = running {
        match seen(name) {
            Some(Sighting::Present(revision)) => {
                body =
                    work.leaving_alone(kind_shape("TaskDefinition"), "taskDefinition", &body, &revision.body);
                if note_differences(work, &body, revision) {
                    return Choice::Keep;
                }
            }
            Some(Sighting::Unreadable(cause)) => return Choice::Unreadable(cause.clone()),
            // Deleted task definitions keep running: something new is needed all the same.
            Some(Sighting::Absent) | None => {
                work.plan.notes.push(format!("the running revision `{name}` is not described any more"));
                work.differ(replaced_whole(&body, name));
            }
        }
    }
    let family = body.get("family").and_then(Value::as_str).unwrap_or_default();
    match draft.observed.families.get(&(region.clone(), family.to_owned())) {
        Some(Sighting::Unreadable(cause)) => return Choice::Unreadable(cause.clone()),
        Some(Sighting::Present(names)) => {
            let equal = names.iter().find(|name| {
                let revision = seen(name).and_then(Sighting::present);
                revision
                    .is_some_and(|revision| revision.is_active() && is_equal(&body, revision, work.account))
            });
            if let Some(name) = equal {
                return Choice::Use(name.clone());
            }
            let unread = names.iter().find_map(|name| seen(name)?.cause());
            if let Some(cause) = unread {
                return Choice::Unreadable(cause.to_owned());
            }
        }
        Some(Sighting::Absent) | None => {}
    }
    Choice::Register(body)
}

/// Compares what runs with what is wanted. `true`: it is what is wanted.
fn note_differences(work: &mut Work, body: &Document, revision: &Revision) -> bool {
    let found = difference(body, revision, work.account);
    work.plan.undeclared.extend(found.undeclared);
    // The manifest's hash does not cover secrets: on a revision registered from the same body but for those,
    // it is the manifest that moved.
    let same_but_secrets = revision.tags.get(tag::CONTENT) == Some(&content(body, work.account));
    let drift = work.is_applied() && !same_but_secrets;
    let before = work.plan.differences.len();
    for difference in found.differences {
        work.differ_as(Difference { change: Change::NewDeployment, ..difference }, drift);
    }
    work.plan.differences[before..].iter().all(|planned| planned.held_back)
}

fn replaced_whole(body: &Document, name: &str) -> Difference {
    Difference {
        path: "taskDefinition".to_owned(),
        live: Some(json!(name)),
        desired: Some(Value::Object(body.clone())),
        by_default: false,
        shape: kind_shape("TaskDefinition"),
        secret: false,
        change: Change::NewDeployment,
    }
}

/// A family, `family:revision` or ARN, to run as it is. A bare family is content with any revision of it.
fn by_name(draft: &Draft, work: &mut Work, named: &str, running: Option<&str>) -> Choice {
    let wanted = family_and_revision(named);
    let fits = |running: &str| {
        running == wanted
            || (!wanted.contains(':') && running.rsplit_once(':').is_some_and(|(family, _)| family == wanted))
    };
    if running.is_some_and(fits) {
        return Choice::Keep;
    }
    if let Some(running) = running {
        work.differ(Difference {
            path: "service.taskDefinition".to_owned(),
            live: Some(json!(running)),
            desired: Some(json!(wanted)),
            by_default: false,
            shape: kind_shape("Service")
                .member("taskDefinition")
                .map_or(kind_shape("Text"), |member| member.shape()),
            secret: false,
            change: Change::NewDeployment,
        });
        if work.plan.differences.last().is_none_or(|planned| planned.held_back) {
            return Choice::Keep;
        }
    }
    let what = || format!("task definition `{wanted}`");
    match draft.observed.revisions.get(&(work.object.key.region.clone(), wanted.to_owned())) {
        Some(Sighting::Unreadable(cause)) => Choice::Unreadable(cause.clone()),
        Some(Sighting::Present(revision)) if !revision.is_active() => {
            Choice::Held(Hold::Blocked(Blocked::Unusable { what: what(), why: "it is INACTIVE".to_owned() }))
        }
        Some(Sighting::Present(_)) => Choice::Use(named.to_owned()),
        Some(Sighting::Absent) | None => Choice::Held(Hold::Blocked(Blocked::Missing { what: what() })),
    }
}

/// Makes `input.taskDefinition` name the chosen revision; registers it first when it is new.
pub(super) fn bring<'a>(
    draft: &mut Draft<'a>,
    work: &mut Work<'a>,
    choice: Choice,
    input: &mut Document,
) -> Option<Binding> {
    match choice {
        Choice::Use(name) => {
            input.insert("taskDefinition".to_owned(), json!(name));
            None
        }
        Choice::Register(mut body) => {
            let mut tags = tag_map(body.get("tags"));
            tags.insert(tag::CONTENT.to_owned(), content(&body, work.account));
            body.insert("tags".to_owned(), tag_list(&tags));
            let action = work.act(draft, "ecs", "RegisterTaskDefinition", body);
            Some(Binding { action, from: "/taskDefinition/taskDefinitionArn", to: "taskDefinition" })
        }
        Choice::Keep | Choice::Held(_) | Choice::Unreadable(_) => None,
    }
}

/// Tags of the running revision that the manifest declares otherwise: tags can change on a revision as it is.
pub(super) fn tag_running<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>, running: &str) -> bool {
    let key = (work.object.key.region.clone(), running.to_owned());
    let Some(Sighting::Present(revision)) = draft.observed.revisions.get(&key) else { return false };
    let mut changed = tag_map(work.object.part("taskDefinition").and_then(|body| body.get("tags")));
    changed.retain(|key, value| revision.tags.get(key) != Some(value));
    let shape = kind_shape("Text");
    for (key, value) in &changed {
        work.differ(Difference {
            path: format!("taskDefinition.tags[{key}].value"),
            live: revision.tags.get(key).map(|value| json!(value)),
            desired: Some(json!(value)),
            by_default: false,
            shape,
            secret: false,
            change: Change::InPlace,
        });
    }
    let held_back = work.plan.differences.last().is_none_or(|planned| planned.held_back);
    if changed.is_empty() || held_back {
        return false;
    }
    let input = document([("resourceArn", json!(revision.arn)), ("tags", tag_list(&changed))]);
    work.act(draft, "ecs", "TagResource", input);
    true
}
