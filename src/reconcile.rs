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
use crate::model::observed::Observed;
use crate::observe::{self, Depth, Look, ReadCache};
use crate::plan::{self, Plan};

/// What lasts from pass to pass.
pub struct Session {
    pub aws: Aws,
    pub options: plan::Options,
    cache: ReadCache,
}

/// What a pass found and would do.
pub struct Planned {
    pub observed: Observed,
    pub plan: Plan,
}

impl Session {
    pub fn new(aws: Aws, options: plan::Options) -> Self {
        Self { aws, options, cache: ReadCache::default() }
    }

    /// The first half of a pass: only reads, made now.
    pub async fn plan(&self, desired: &Desired) -> Result<Planned, CallError> {
        self.look(&self.aws, desired, Depth::Pass).await
    }

    /// The same over everything, to find what needs a pass: it lets all other calls go first, and what rarely
    /// changes counts as it was read last.
    pub async fn sweep(&self, desired: &Desired) -> Result<Planned, CallError> {
        self.cache.begin_sweep();
        self.look(&self.aws.with_priority(Priority::Sweep), desired, Depth::Sweep).await
    }

    async fn look(&self, aws: &Aws, desired: &Desired, depth: Depth) -> Result<Planned, CallError> {
        let look = Look { depth, owner: &self.options.owner };
        let observed = observe::observe(aws, &self.cache, desired, look).await?; // I/O
        let plan = plan::plan(desired, &observed, &self.options); //                pure
        Ok(Planned { observed, plan })
    }

    /// The second half: carries out a plan, unless it breaks a rule that every plan must keep.
    pub async fn execute(&self, plan: &Plan) -> Result<Outcome, Vec<String>> {
        let broken = plan::lint::lint(plan); //                                     pure
        if !broken.is_empty() {
            return Err(broken);
        }
        let outcome = execute::execute(&self.aws, plan).await; //                   I/O
        plan.actions.iter().for_each(|action| self.cache.wrote(&action.object, &action.input));
        Ok(outcome)
    }
}
