//! What would be done: a pure function of what is wanted and what was seen.
//!
//! The plan leaves no choice to who executes it: every side effect is an [`Action`] with its whole input and what it
//! must come after. An object about which nothing is done says why ([`Hold`]). One file per kind; what all kinds share
//! is in [`object`]; [`lint`] looks over every finished plan. It must never read a clock, an environment or the network.

mod capacity_provider;
mod cluster;
mod delete;
mod hold;
pub mod lint;
mod object;
pub mod prune;
#[cfg(test)]
mod prune_tests;
mod rejection;
mod repository;
mod revision;
mod rollback;
mod scaling;
mod service;
#[cfg(test)]
mod tests;
mod without;

pub use hold::{Blocked, Hold, Waiting};
pub use prune::{Limit, Prune, Pruning};
pub use rollback::rollback;

use crate::model::desired::{Desired, Document, Origin};
use crate::model::diff::Difference;
use crate::model::names::{Key, Kind};
use crate::model::observed::Observed;
use crate::model::semantics::Change;
use crate::rollout::Progress;
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of a plan beyond the manifests.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The operator instance that owns what it makes.
    pub owner: String,
    /// Adopt whatever exists without an owner, as if every manifest asked for it.
    pub adopt: bool,
    /// `KIND/NAME` of objects whose replacement or deletion is confirmed, and `prune/HASH` of all that goes at once.
    pub confirmed: Vec<String>,
    /// Delete what is owned and not declared; `None`: it is not looked for.
    pub prune: Option<Prune>,
}

/// Everything that would be done, and why the rest is not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub account: String,
    pub owner: String,
    /// In the order in which people read them: providers, clusters, repositories, services.
    pub objects: Vec<ObjectPlan>,
    /// What an action comes after is always before it.
    pub actions: Vec<Action>,
    /// Services of which the history, or more of it, must be read before it can be told whether a deployment may be
    /// started: until then none is.
    pub asks: BTreeSet<Key>,
    /// Where the deployments of the services stand that are there and were looked into.
    pub rollouts: BTreeMap<Key, Progress>,
    /// What became of pruning, where it was asked for. What it found stands among the objects.
    pub prune: Option<Pruning>,
}

/// What would become of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectPlan {
    pub key: Key,
    pub origin: Origin,
    pub verdict: Verdict,
    /// What differs, secrets included: who shows them masks them.
    pub differences: Vec<PlannedDifference>,
    /// What people should know beside the differences, such as who owns desiredCount.
    pub notes: Vec<String>,
    /// Paths where AWS has a value and the manifest leaves it alone.
    pub undeclared: Vec<String>,
    /// Why something, or all of it, is not done in this pass.
    pub hold: Option<Hold>,
    /// Indices into the plan's actions.
    pub actions: Vec<usize>,
}

/// What a plan says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Unchanged,
    Create,
    /// The manifest changed since it was last applied, or both sides did.
    Change,
    /// AWS changed behind the manifest's back.
    Drift,
    /// It exists and would be taken over.
    Adopt,
    /// Somebody asks for the last good revision.
    Rollback,
    Delete,
    /// Ours and not declared, and kept: its deletion policy or another manifest says so.
    Retained,
    /// It exists and is not ours: never touched.
    NotOwned,
    /// The reads that would tell have failed.
    Unreadable,
    /// The manifest asks to be left alone.
    Suspended,
}

/// A difference, and whether AWS or the manifest moved.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedDifference {
    pub difference: Difference,
    pub drift: bool,
    /// Left alone because the manifest says so (`drift: report | ignore`, `ignore` paths are not even listed), or
    /// because it was tried and went back.
    pub held_back: bool,
}

impl ObjectPlan {
    /// The worst that the differences do; `None` when nothing differs.
    pub fn change(&self) -> Option<Change> {
        self.differences.iter().map(|planned| planned.difference.change).max()
    }

    /// Whether AWS is not what the manifest says, whatever the reason.
    pub fn differs(&self) -> bool {
        !matches!(self.verdict, Verdict::Unchanged | Verdict::Suspended | Verdict::Retained)
    }
}

/// One call that changes something.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    pub object: Key,
    /// As in `model/`: `ecs`, `ecr`, `application-autoscaling`.
    pub api: &'static str,
    pub operation: &'static str,
    /// In the crate's spelling; secrets included.
    pub input: Document,
    /// Indices of actions that must have succeeded before.
    pub after: Vec<usize>,
    /// Members of the input that come from the answers of earlier actions.
    pub bindings: Vec<Binding>,
    /// The answer must describe something of ours: for creates that answer with what exists.
    pub must_own: bool,
}

/// A member of an action's input that an earlier action's answer gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub action: usize,
    /// A JSON pointer into its answer, such as `/taskDefinition/taskDefinitionArn`.
    pub from: &'static str,
    /// The member at the top of the input.
    pub to: &'static str,
}

/// Plans every object of `desired`, and where that is asked for what nobody declares any more.
pub fn plan(desired: &Desired, observed: &Observed, options: &Options) -> Plan {
    let mut draft = Draft::new(desired, observed, options);
    for object in desired.objects.values() {
        let steps = match object.key.kind {
            Kind::EcsCapacityProvider => &capacity_provider::STEPS,
            Kind::EcsCluster => &cluster::STEPS,
            Kind::EcrRepository => &repository::STEPS,
            Kind::EcsService => &service::STEPS,
        };
        object::plan(&mut draft, object, steps);
    }
    prune::plan(&mut draft);
    draft.plan
}

/// A plan in the making, with all it is made from.
struct Draft<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    options: &'a Options,
    plan: Plan,
    /// The last action of each object so far: what depends on the object comes after it.
    last: BTreeMap<Key, usize>,
}

impl<'a> Draft<'a> {
    fn new(desired: &'a Desired, observed: &'a Observed, options: &'a Options) -> Self {
        let plan =
            Plan { account: observed.account.clone(), owner: options.owner.clone(), ..Plan::default() };
        Self { desired, observed, options, plan, last: BTreeMap::new() }
    }
}
