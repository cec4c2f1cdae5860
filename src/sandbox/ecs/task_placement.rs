//! Where a task goes: to Fargate, or to an instance with room; and which provider of a strategy is
//! next.
//!
//! Tests: `tests/capacity.rs`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::capacity_provider::CapacityProvider;
use super::cluster::Cluster;
use super::task::{self, Launch, Place};
use super::{Agenda, instance, task_life};
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

/// Why a task found no place.
#[derive(Debug, PartialEq, Eq)]
pub enum Unplaced {
    NoInstances,
    /// What the closest instance, by its id, lacks.
    Lacks {
        instance: String,
        what: Lack,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    Cpu,
    Memory,
    /// Room for another task of its group.
    Distinct,
}

impl Unplaced {
    /// RunTask's failure.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoInstances => "No Container Instances were found in your cluster.",
            Self::Lacks { what: Lack::Cpu, .. } => "RESOURCE:CPU",
            Self::Lacks { what: Lack::Memory, .. } => "RESOURCE:MEMORY",
            Self::Lacks { what: Lack::Distinct, .. } => "distinctInstance placement constraint unsatisfied.",
        }
    }

    /// In a service's event.
    pub fn event(&self) -> String {
        match self {
            Self::Lacks { instance, what: Lack::Cpu } => {
                format!(
                    "The closest matching (container-instance {instance}) has insufficient CPU units available."
                )
            }
            Self::Lacks { instance, what: Lack::Memory } => {
                format!(
                    "The closest matching (container-instance {instance}) has insufficient memory available."
                )
            }
            _ => format!("Reason: {}", self.reason()),
        }
    }
}

/// Launches one task and finds it a place; the reason if there is none.
pub fn start(
    agenda: &mut Agenda,
    cluster: &mut Cluster,
    providers: &BTreeMap<String, CapacityProvider>,
    call: &Call,
    what: Launch,
) -> Result<String, Unplaced> {
    if what.place.is_fargate() {
        let id = task::launch(cluster, call, what);
        task_life::begin(agenda, cluster, call, &id, None);
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
            return Err(instance::lack(cluster, &wanted)
                .map_or(Unplaced::NoInstances, |(instance, what)| Unplaced::Lacks { instance, what }));
        }
    }
    let id = task::launch(cluster, call, what);
    if found.is_some() {
        task_life::begin(agenda, cluster, call, &id, found);
    }
    Ok(id)
}
