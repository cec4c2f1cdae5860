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
use crate::model::names::Key;
use crate::model::observed::Observed;
use crate::observe::{self, RevisionCache};
use crate::plan::{self, Plan};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What lasts from pass to pass.
pub struct Session {
    pub aws: Aws,
    pub options: plan::Options,
    cache: RevisionCache,
    /// What was confirmed as a part of all that was to be pruned.
    accepted: Mutex<BTreeSet<Key>>,
}

/// What a pass found and would do.
pub struct Planned {
    pub observed: Observed,
    pub plan: Plan,
}

impl Session {
    pub fn new(aws: Aws, options: plan::Options) -> Self {
        Self { aws, options, cache: RevisionCache::default(), accepted: Mutex::default() }
    }

    /// The first half of a pass: only reads.
    pub async fn plan(&self, desired: &Desired) -> Result<Planned, CallError> {
        let mut observed = observe::observe(&self.aws, &self.cache, desired).await?; // I/O
        let options = self.options();
        let regions = plan::prune::regions(desired, &options);
        observe::add_owned(&self.aws, desired, &options.owner, &regions, &mut observed).await?; // I/O
        let plan = plan::plan(desired, &observed, &options); //                     pure
        Ok(Planned { observed, plan })
    }

    fn options(&self) -> plan::Options {
        let mut options = self.options.clone();
        if let Some(prune) = &mut options.prune {
            prune.accepted.clone_from(&self.accepted.lock().unwrap_or_else(PoisonError::into_inner));
        }
        options
    }

    /// The second half: carries out a plan, unless it breaks a rule that every plan must keep.
    pub async fn execute(&self, plan: &Plan) -> Result<Outcome, Vec<String>> {
        let broken = plan::lint::lint(plan); //                                     pure
        if !broken.is_empty() {
            return Err(broken);
        }
        if let Some(prune) = plan.prune.as_ref().filter(|prune| prune.confirmed) {
            self.accepted.lock().unwrap_or_else(PoisonError::into_inner).extend(prune.going.iter().cloned());
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
