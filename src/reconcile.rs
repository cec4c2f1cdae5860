//! The pass on one page: what every command does, in different modes.
//!
//! ```text
//! source ─► resolve ─► observe ─► plan ─► execute ─► report
//! ```
//!
//! Nothing waits inside a pass: an unfinished rollout is a fact that the next pass looks at again.

use crate::aws::{Aws, CallError, Priority};
use crate::execute::{self, Outcome};
use crate::model::desired::Desired;
use crate::model::names::Key;
use crate::model::observed::Observed;
use crate::observe::{self, Depth, Look, ReadCache};
use crate::plan::{self, Plan};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What lasts from pass to pass.
pub struct Session {
    pub aws: Aws,
    pub options: plan::Options,
    cache: ReadCache,
    pruning: Mutex<Pruning>,
}

/// What pruning knows of the passes before.
#[derive(Default)]
struct Pruning {
    /// What was confirmed as a part of all that was to be pruned.
    accepted: BTreeSet<Key>,
    /// Where it was looked: a Region may still hold what went with its last manifest.
    regions: BTreeSet<String>,
}

/// What a pass found and would do.
pub struct Planned {
    pub observed: Observed,
    pub plan: Plan,
}

type Planner = fn(&Desired, &Observed, &plan::Options) -> Plan;

impl Session {
    pub fn new(aws: Aws, options: plan::Options) -> Self {
        Self { aws, options, cache: ReadCache::default(), pruning: Mutex::default() }
    }

    /// The first half of a pass: only reads, made now.
    pub async fn plan(&self, desired: &Desired) -> Result<Planned, CallError> {
        self.look(&self.aws, desired, Depth::Pass, plan::plan).await
    }

    /// The same for taking services back, of which `desired` says nothing but which they are.
    pub async fn plan_rollback(&self, desired: &Desired) -> Result<Planned, CallError> {
        self.look(&self.aws, desired, Depth::Pass, plan::rollback).await
    }

    /// The first half over everything, to find what needs a pass: it lets all other calls go first, and what rarely
    /// changes counts as it was read last.
    pub async fn sweep(&self, desired: &Desired) -> Result<Planned, CallError> {
        self.cache.begin_sweep();
        self.look(&self.aws.with_priority(Priority::Sweep), desired, Depth::Sweep, plan::plan).await
    }

    async fn look(
        &self,
        aws: &Aws,
        desired: &Desired,
        depth: Depth,
        plan: Planner,
    ) -> Result<Planned, CallError> {
        let options = self.options();
        let look = Look { depth, owner: &options.owner };
        let mut observed = observe::observe(aws, &self.cache, desired, look).await?; // I/O
        let regions = plan::prune::regions(desired, &options);
        self.pruning().regions.extend(regions.iter().cloned());
        observe::add_owned(aws, &self.cache, desired, &options.owner, &regions, &mut observed).await?; // I/O
        let mut planned = plan(desired, &observed, &options); //                        pure
        // What was deployed before is looked up only where something hangs on it.
        while !planned.asks.is_empty() {
            observe::add_histories(aws, &self.cache, &planned.asks, &mut observed).await; // I/O
            planned = plan(desired, &observed, &options); //                              pure
        }
        Ok(Planned { observed, plan: planned })
    }

    fn options(&self) -> plan::Options {
        let mut options = self.options.clone();
        if let Some(prune) = &mut options.prune {
            let before = self.pruning();
            prune.accepted.clone_from(&before.accepted);
            prune.regions.extend(before.regions.iter().cloned());
        }
        options
    }

    fn pruning(&self) -> MutexGuard<'_, Pruning> {
        self.pruning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The second half: carries out a plan, unless it breaks a rule that every plan must keep.
    pub async fn execute(&self, plan: &Plan) -> Result<Outcome, Vec<String>> {
        let broken = plan::lint::lint(plan); //                                     pure
        if !broken.is_empty() {
            return Err(broken);
        }
        if let Some(prune) = plan.prune.as_ref().filter(|prune| prune.confirmed) {
            self.pruning().accepted.extend(prune.going.iter().cloned());
        }
        let outcome = execute::execute(&self.aws, plan).await; //                   I/O
        plan.actions.iter().for_each(|action| self.cache.wrote(&action.object, &action.input));
        Ok(outcome)
    }
}
