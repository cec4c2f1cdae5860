//! The pass on one page: what every command does, in different modes.
//!
//! ```text
//! source ─► resolve ─► observe ─► plan ─► execute ─► report
//! ```
//!
//! Nothing waits inside a pass: an unfinished rollout is a fact that the next pass looks at again.

use crate::aws::{Aws, CallError};
use crate::execute::{self, Outcome};
use crate::model::desired::Desired;
use crate::model::observed::Observed;
use crate::observe::{self, HistoryCache, RevisionCache};
use crate::plan::{self, Plan};

/// What lasts from pass to pass.
pub struct Session {
    pub aws: Aws,
    pub options: plan::Options,
    cache: RevisionCache,
    histories: HistoryCache,
}

/// What a pass found and would do.
pub struct Planned {
    pub observed: Observed,
    pub plan: Plan,
}

type Planner = fn(&Desired, &Observed, &plan::Options) -> Plan;

impl Session {
    pub fn new(aws: Aws, options: plan::Options) -> Self {
        Self { aws, options, cache: RevisionCache::default(), histories: HistoryCache::default() }
    }

    /// The first half of a pass: only reads.
    pub async fn plan(&self, desired: &Desired) -> Result<Planned, CallError> {
        self.planned(desired, plan::plan).await
    }

    /// The same for taking services back, of which `desired` says nothing but which they are.
    pub async fn plan_rollback(&self, desired: &Desired) -> Result<Planned, CallError> {
        self.planned(desired, plan::rollback).await
    }

    async fn planned(&self, desired: &Desired, plan: Planner) -> Result<Planned, CallError> {
        let mut observed = observe::observe(&self.aws, &self.cache, desired).await?; // I/O
        let mut planned = plan(desired, &observed, &self.options); //                   pure
        // What was deployed before is looked up only where something hangs on it.
        while !planned.asks.is_empty() {
            let caches = (&self.cache, &self.histories);
            observe::add_histories(&self.aws, caches, &planned.asks, &mut observed).await; // I/O
            planned = plan(desired, &observed, &self.options); //                       pure
        }
        Ok(Planned { observed, plan: planned })
    }

    /// The second half: carries out a plan, unless it breaks a rule that every plan must keep.
    pub async fn execute(&self, plan: &Plan) -> Result<Outcome, Vec<String>> {
        let broken = plan::lint::lint(plan); //                                     pure
        if !broken.is_empty() {
            return Err(broken);
        }
        let outcome = execute::execute(&self.aws, plan).await; //                   I/O
        for action in plan.actions.iter().filter(|action| action.operation == "TagResource") {
            if let Some(arn) = action.input.get("resourceArn").and_then(|arn| arn.as_str()) {
                self.cache.forget(&action.object.region, arn);
            }
        }
        Ok(outcome)
    }
}
