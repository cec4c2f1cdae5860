//! How a resource is deleted, one step a pass: what can be done now, what is waited for, what people should know
//! before. Each step follows from what was seen, so a pass after a crash goes on where the one before stopped.
//!
//! Task definition revisions are never touched. Whether a resource may be deleted at all is not decided here: see
//! [`super::prune`], and the replacement of a service.

use super::object::{Unreadable, document};
use super::{Blocked, Hold, Waiting, scaling};
use crate::model::desired::Document;
use crate::model::names::{Key, last_segment};
use crate::model::observed::{Resource, Sighting};
use serde_json::{Value, json};

/// What deleting a resource takes now.
#[derive(Default)]
pub(super) struct Deletion {
    /// In their order.
    pub calls: Vec<Call>,
    pub notes: Vec<String>,
    pub hold: Option<Hold>,
}

pub(super) struct Call {
    pub api: &'static str,
    pub operation: &'static str,
    pub input: Document,
}

impl Deletion {
    fn held(hold: Hold) -> Self {
        Self { hold: Some(hold), ..Self::default() }
    }

    fn waits(waiting: Waiting) -> Self {
        Self::held(Hold::Waiting(waiting))
    }

    fn is_blocked(blocked: Blocked) -> Self {
        Self::held(Hold::Blocked(blocked))
    }

    fn calls(api: &'static str, operation: &'static str, input: Document) -> Self {
        Self { calls: vec![Call { api, operation, input }], ..Self::default() }
    }
}

/// Its scalable target first, so that nothing scales what is going; then the service, which drains by itself.
pub(super) fn service(key: &Key, live: &Resource) -> Result<Deletion, Unreadable> {
    let mut deletion = Deletion::default();
    let running = number(live, "runningCount") + number(live, "pendingCount");
    if running > 0 {
        deletion.notes.push(format!("stops {}", counted(running, "task")));
    }
    match &live.parts.target {
        Some(Sighting::Unreadable(cause)) => return Err(cause.clone()),
        Some(Sighting::Present(target)) => {
            deletion.notes.push(scaling_note(target, live));
            deletion.calls.push(scaling::deregister(key));
        }
        Some(Sighting::Absent) | None => {}
    }
    if live.status() == Some("DRAINING") {
        deletion.hold = Some(Hold::Waiting(Waiting::Draining));
    } else {
        let input =
            document([("cluster", json!(key.cluster)), ("service", json!(key.name)), ("force", json!(true))]);
        deletion.calls.push(Call { api: "ecs", operation: "DeleteService", input });
    }
    Ok(deletion)
}

/// `its scalable target (2–10) goes along, with 1 policy (cpu) and 2 scheduled actions (night, day)`.
fn scaling_note(target: &Document, live: &Resource) -> String {
    let bound = |name: &str| target.get(name).map_or_else(|| "?".to_owned(), Value::to_string);
    let parts = [
        (&live.parts.policies, "policyName", "policy", "policies"),
        (&live.parts.scheduled_actions, "scheduledActionName", "scheduled action", "scheduled actions"),
    ];
    let parts = parts.map(|(part, member, one, many)| match part {
        Some(Sighting::Present(all)) if all.is_empty() => None,
        Some(Sighting::Present(all)) => {
            let names: Vec<&str> = all.iter().filter_map(|one| one.get(member)?.as_str()).collect();
            let what = if all.len() == 1 { one } else { many };
            Some(format!("{} {what} (`{}`)", all.len(), names.join("`, `")))
        }
        _ => Some(format!("its {many}")),
    });
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let along = if parts.is_empty() { String::new() } else { format!(", with {}", parts.join(" and ")) };
    format!("its scalable target ({}–{}) goes along{along}", bound("minCapacity"), bound("maxCapacity"))
}

/// What else a cluster holds of what is ours.
#[derive(Default)]
pub(super) struct Inside {
    /// Services that go, draining ones included.
    pub services: i64,
    /// Cluster-scoped capacity providers that go.
    pub providers: i64,
    /// Cluster-scoped capacity providers that stay.
    pub kept_providers: i64,
}

/// Only when nothing is left in it.
pub(super) fn cluster(key: &Key, live: &Resource, inside: &Inside) -> Deletion {
    if live.status() == Some("DEPROVISIONING") {
        return Deletion::waits(Waiting::Deleting);
    }
    let services = number(live, "activeServicesCount");
    let tasks = number(live, "runningTasksCount") + number(live, "pendingTasksCount");
    let instances = number(live, "registeredContainerInstancesCount");
    let stays = listed(&[
        (services - inside.services, "service"),
        (inside.kept_providers, "cluster-scoped capacity provider"),
        (if services + inside.services + tasks > 0 { 0 } else { instances }, "container instance"),
    ]);
    if !stays.is_empty() {
        return Deletion::is_blocked(Blocked::NotEmpty { inside: stays });
    }
    let leaves = listed(&[
        (inside.services.max(services), "service"),
        (tasks, "task"),
        (inside.providers, "cluster-scoped capacity provider"),
    ]);
    if !leaves.is_empty() {
        return Deletion::waits(Waiting::NotEmpty { inside: leaves });
    }
    Deletion::calls("ecs", "DeleteCluster", document([("cluster", json!(key.name))]))
}

/// Who still has a capacity provider.
pub(super) enum User<'a> {
    /// A service that goes.
    Going(&'a Key),
    /// A service or a cluster that stays, and is not to be changed.
    Staying(String),
    /// A cluster of ours that nobody declares; beside it what stays attached to it.
    Cluster(&'a Key, &'a Resource),
    /// A cluster that is being detached from it, or was a moment ago.
    Detaching(&'a Key),
}

/// When no service uses it and no cluster has it attached: AWS would answer well, and then not delete it.
pub(super) fn provider(key: &Key, live: &Resource, users: &[User], going: &[&str]) -> Deletion {
    let status = live.body.get("updateStatus").and_then(Value::as_str).unwrap_or_default();
    if status == "DELETE_IN_PROGRESS" {
        return Deletion::waits(Waiting::Deleting);
    }
    let by = |user: &User| match user {
        User::Staying(by) => Some(by.clone()),
        _ => None,
    };
    if let Some(by) = users.iter().find_map(by) {
        return Deletion::is_blocked(Blocked::InUse { by });
    }
    for user in users {
        match user {
            User::Going(by) => return Deletion::waits(Waiting::InUse { by: by.to_string() }),
            User::Detaching(by) => return Deletion::waits(Waiting::Detaching { cluster: by.name.clone() }),
            User::Cluster(by, cluster) => return detached(by, cluster, going),
            User::Staying(_) => {}
        }
    }
    let mut input = document([("capacityProvider", json!(key.name))]);
    input.extend(key.cluster.as_ref().map(|cluster| ("cluster".to_owned(), json!(cluster))));
    let mut deletion = Deletion::calls("ecs", "DeleteCapacityProvider", input);
    if status == "DELETE_FAILED" {
        let why =
            live.body.get("updateStatusReason").and_then(Value::as_str).unwrap_or("AWS does not say why");
        deletion.notes.push(format!("AWS could not delete it before: {why}"));
    }
    deletion
}

/// A cluster with the rest of its providers: the call takes the whole set.
fn detached(key: &Key, cluster: &Resource, going: &[&str]) -> Deletion {
    let rest = |member: &str, name: fn(&Value) -> Option<&str>| -> Value {
        let all = cluster.body.get(member).and_then(Value::as_array).cloned().unwrap_or_default();
        all.into_iter()
            .filter(|one| name(one).is_none_or(|name| !going.contains(&last_segment(name))))
            .collect()
    };
    let input = document([
        ("cluster", json!(key.name)),
        ("capacityProviders", rest("capacityProviders", Value::as_str)),
        (
            "defaultCapacityProviderStrategy",
            rest("defaultCapacityProviderStrategy", |item| item["capacityProvider"].as_str()),
        ),
    ]);
    let waiting = Waiting::Detaching { cluster: key.name.clone() };
    let mut deletion = Deletion::calls("ecs", "PutClusterCapacityProviders", input);
    deletion.hold = Some(Hold::Waiting(waiting));
    deletion
}

/// With images only when that is confirmed: without force AWS refuses what was pushed meanwhile.
pub(super) fn repository(
    key: &Key,
    live: &Resource,
    confirmed: bool,
    object: &str,
) -> Result<Deletion, Unreadable> {
    let images = match &live.parts.images {
        Some(Sighting::Present(images)) => *images,
        Some(Sighting::Unreadable(cause)) => return Err(cause.clone()),
        Some(Sighting::Absent) | None => return Err("its images were not looked for".to_owned()),
    };
    let holds = match images {
        0 => None,
        1 => Some("it holds 1 image".to_owned()),
        1000.. => Some("it holds 1,000 images or more".to_owned()),
        _ => Some(format!("it holds {images} images")),
    };
    let mut input = document([("repositoryName", json!(key.name))]);
    if let Some(what) = holds {
        if !confirmed {
            return Ok(Deletion::is_blocked(Blocked::Unconfirmed { object: object.to_owned(), what }));
        }
        input.insert("force".to_owned(), json!(true));
        let mut deletion = Deletion::calls("ecr", "DeleteRepository", input);
        deletion.notes.push(format!("{what}, which go along"));
        return Ok(deletion);
    }
    Ok(Deletion::calls("ecr", "DeleteRepository", input))
}

fn number(live: &Resource, member: &str) -> i64 {
    live.body.get(member).and_then(Value::as_i64).unwrap_or_default()
}

fn counted(count: i64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `2 services and 1 task`, of those that there are.
fn listed(counts: &[(i64, &str)]) -> String {
    let parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(*count, what)).collect();
    parts.join(" and ")
}
