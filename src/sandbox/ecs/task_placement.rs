//! Where a task goes: to Fargate, or to an instance with room; and which provider of a strategy is
//! next.
//!
//! Tests: `tests/capacity.rs`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::capacity_provider::CapacityProvider;
use super::cluster::Cluster;
use super::task::{self, Launch, Place};
use super::{Agenda, instance};
use crate::sandbox::Call;

/// Which provider of a strategy the next task goes to, given how many each has: first the base,
/// then whoever is furthest behind its weight.
pub fn next_provider(strategy: &[Value], counts: &BTreeMap<String, u64>) -> Option<String> {
    let number = |item: &Value, member: &str| item[member].as_u64().unwrap_or(0);
    let name = |item: &Value| item["capacityProvider"].as_str().unwrap_or_default().to_owned();
    let has = |item: &Value| counts.get(&name(item)).copied().unwrap_or(0);
    if let Some(item) = strategy.iter().find(|item| has(item) < number(item, "base")) {
        return Some(name(item));
    }
    let weighted = strategy.iter().filter(|item| number(item, "weight") > 0);
    // (has - base) / weight, compared without fractions.
    let next = weighted.min_by(|left, right| {
        let share = |item: &Value, other: &Value| {
            (has(item) - number(item, "base").min(has(item))) * number(other, "weight")
        };
        share(left, right).cmp(&share(right, left))
    });
    next.map(name)
}

/// Launches one task and finds it a place; the reason if there is none.
pub fn start(
    agenda: &mut Agenda,
    cluster: &mut Cluster,
    providers: &BTreeMap<String, CapacityProvider>,
    call: &Call,
    what: Launch,
) -> Result<String, String> {
    if what.place.is_fargate() {
        let id = task::launch(cluster, call, what);
        task::begin(agenda, cluster, call, &id, None);
        return Ok(id);
    }
    let provider = match &what.place {
        Place::CapacityProvider(name) => Some(name.clone()),
        Place::LaunchType(_) => None,
    };
    let wanted = instance::Wanted {
        provider: provider.as_deref(),
        needs: what.revision.needs(),
        not_beside: what.wants_alone().then_some(what.group.as_str()),
    };
    let found = instance::find(cluster, &wanted);
    if found.is_none() {
        instance::ask_for_more(agenda, cluster, providers, call, provider.as_deref());
        // A capacity provider's tasks wait for its instances; the others are not even made.
        if provider.is_none() {
            let none_at_all = cluster.instances.is_empty();
            return Err(if none_at_all {
                "No Container Instances were found in your cluster."
            } else {
                "RESOURCE:MEMORY"
            }
            .to_owned());
        }
    }
    let id = task::launch(cluster, call, what);
    if found.is_some() {
        task::begin(agenda, cluster, call, &id, found);
    }
    Ok(id)
}
