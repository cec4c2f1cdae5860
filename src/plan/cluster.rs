//! Clusters: the cluster, its settings, and which capacity providers are attached to it.

use super::object::{Steps, Unreadable, Work, document};
use super::{Blocked, Draft, Hold, Waiting};
use crate::model::desired::{Document, Object};
use crate::model::merge::merged;
use crate::model::names::{Key, Kind, last_segment};
use crate::model::observed::{Resource, Sighting};
use serde_json::{Value, json};

const ATTACHMENTS: [&str; 2] = ["capacityProviders", "defaultCapacityProviderStrategy"];

pub(super) const STEPS: Steps = Steps { create, update };

/// Whether AWS is still working on the cluster's providers.
pub(super) fn is_attaching(cluster: &Resource) -> bool {
    cluster.body.get("attachmentsStatus").is_some_and(|status| status == "UPDATE_IN_PROGRESS")
}

/// Whether something may be put into the cluster now.
pub(super) fn is_active(cluster: &Resource) -> bool {
    cluster.body.get("status").is_none_or(|status| status == "ACTIVE")
}

fn create<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>) -> Result<(), Unreadable> {
    let mut input = work.object.spec.clone();
    input.remove("region");
    // Providers that are not there yet are attached by a later pass.
    let hold = provider_hold(draft, work, &input)?;
    if hold.is_some() {
        input.retain(|member, _| !ATTACHMENTS.contains(&member.as_str()));
    }
    work.plan.hold = hold;
    let later = work.plan.hold.is_some();
    input.insert("tags".to_owned(), work.new_tags(draft, work.object.spec.get("tags"), !later));
    let created = work.act(draft, "ecs", "CreateCluster", input);
    // CreateCluster answers with a cluster of that name that somebody else made.
    draft.plan.actions[created].must_own = true;
    Ok(())
}

fn update<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>, live: &'a Resource) -> Result<(), Unreadable> {
    let described = described(draft, live, work.object)?;
    let Some(desired) = work.compare_whole(&described) else { return Ok(()) };
    let spec = Kind::EcsCluster.spec();
    let mut members = work.members("");
    let attach = members.iter().any(|member| ATTACHMENTS.contains(&member.as_str()));
    members.retain(|member| !ATTACHMENTS.contains(&member.as_str()));
    if attach {
        work.plan.hold = if is_attaching(live) {
            Some(Hold::Waiting(Waiting::Attachments { cluster: work.object.key.name.clone() }))
        } else {
            provider_hold(draft, work, &desired)?
        };
    }
    let attach_now = attach && work.plan.hold.is_none();
    work.tag_ahead(draft, work.object.spec.get("tags"), !members.is_empty() || attach_now);
    let name = json!(work.object.key.name);
    if !members.is_empty() {
        let mut input = document([("cluster", name.clone())]);
        input.extend(merged(spec, &members, &desired, &described, work.account));
        work.act(draft, "ecs", "UpdateCluster", input);
    }
    if attach_now {
        // Both are required, and replace what is there: what the manifest leaves alone is sent as it is.
        let mut input = document([("cluster", name)]);
        for member in ATTACHMENTS {
            let value = desired.get(member).or_else(|| {
                let declares_providers = desired.contains_key(ATTACHMENTS[0]);
                described.get(member).filter(|_| member == ATTACHMENTS[0] || !declares_providers)
            });
            input.insert(member.to_owned(), value.cloned().unwrap_or_else(|| json!([])));
        }
        work.act(draft, "ecs", "PutClusterCapacityProviders", input);
    }
    if (!members.is_empty() || attach_now) && work.plan.hold.is_none() {
        work.settle(draft, None);
    }
    Ok(())
}

/// Why the declared providers cannot be attached now.
fn provider_hold(draft: &Draft, work: &Work, wanted: &Document) -> Result<Option<Hold>, Unreadable> {
    let names = wanted.get(ATTACHMENTS[0]).and_then(Value::as_array).into_iter().flatten();
    for name in names.filter_map(Value::as_str).map(last_segment) {
        let key = provider_key(&work.object.key, name);
        let declared = draft.desired.objects.contains_key(&key);
        let hold = match draft.observed.find(&key) {
            _ if is_built_in(name) => None,
            Some(Sighting::Present(provider)) if !provider.is_inactive() => {
                let active = provider.body.get("status").is_none_or(|status| status == "ACTIVE");
                (!active).then(|| Hold::Waiting(Waiting::CapacityProvider { name: name.to_owned() }))
            }
            Some(Sighting::Unreadable(cause)) => return Err(cause.clone()),
            _ if declared => Some(Hold::Waiting(Waiting::CapacityProvider { name: name.to_owned() })),
            _ => Some(Hold::Blocked(Blocked::Missing { what: format!("capacity provider `{name}`") })),
        };
        if hold.is_some() {
            return Ok(hold);
        }
    }
    Ok(None)
}

/// The providers that every account has.
pub(super) fn is_built_in(provider: &str) -> bool {
    matches!(provider, "FARGATE" | "FARGATE_SPOT")
}

fn provider_key(cluster: &Key, name: &str) -> Key {
    Key { kind: Kind::EcsCapacityProvider, cluster: None, name: name.to_owned(), ..cluster.clone() }
}

/// The cluster as a manifest would declare it. Providers of Managed Instances are not in the set that can be put:
/// they belong to their cluster by themselves, and some answers know them only there. What kind of provider one is that
/// the manifest does not declare must be known: else it would be told as drift.
fn described(draft: &Draft, live: &Resource, object: &Object) -> Result<Document, Unreadable> {
    let mut described = crate::model::described::plain(live);
    let declared = object.spec.get(ATTACHMENTS[0]).and_then(Value::as_array);
    let Some(Value::Array(names)) = described.get_mut(ATTACHMENTS[0]) else { return Ok(described) };
    let mut unread = None;
    names.retain(|name| {
        let provider = provider_key(&object.key, last_segment(name.as_str().unwrap_or_default()));
        if is_built_in(&provider.name) || declared.is_some_and(|declared| declared.contains(name)) {
            return true;
        }
        match draft.observed.find(&provider) {
            Some(Sighting::Present(provider)) => !provider.body.contains_key("managedInstancesProvider"),
            Some(Sighting::Unreadable(cause)) => {
                unread = Some(cause.clone()).filter(|_| declared.is_some());
                true
            }
            Some(Sighting::Absent) | None => false,
        }
    });
    unread.map_or(Ok(described), Err)
}
