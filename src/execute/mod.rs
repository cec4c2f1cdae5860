//! A plan's actions as calls, in dependency order, side by side where independent.
//!
//! A failed action skips only what comes after it. Nothing is decided here: inputs are sent as planned.

use crate::aws::CallError;

/// What became of a plan's actions, by index.
#[derive(Debug, Default)]
pub struct Outcome {
    pub results: Vec<ActionResult>,
}

/// What became of one action.
#[derive(Debug)]
pub enum ActionResult {
    Done,
    Failed(CallError),
    /// The create answered with something that exists and is not ours.
    NotOwned,
    /// An action that it comes after did not succeed.
    Skipped,
}

impl Outcome {
    pub fn is_done(&self) -> bool {
        self.results.iter().all(|result| matches!(result, ActionResult::Done))
    }

    /// How many calls changed something.
    pub fn changed(&self) -> usize {
        self.results.iter().filter(|result| matches!(result, ActionResult::Done)).count()
    }
}
