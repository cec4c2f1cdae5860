//! What people and machines are told: plans, what became of them, and where rollouts stand.
//!
//! Every text is made from a [`View`], which is also the JSON output: what one says the other cannot contradict. Secrets
//! are masked when the view is made, so nothing later can print one. Text carries ANSI styles, which the printer strips
//! where they are not wanted. Pure: it must never print, nor read a clock, an environment or the network.
//!
//! Tests: beside each text (inline snapshots), and `tests/cli/` for whole commands.

#![allow(clippy::format_push_string)] // Lines are put together piece by piece; `write!` to a String cannot fail.

mod build;
mod event;
mod json;
mod markdown;
mod problems;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod view;
mod words;

pub use build::Source;
pub use event::{Event, Happening, Told};
pub use json::{json, schema};
pub use problems::Validated;
pub use text::{counted, short};
pub use view::{
    Applied, CauseView, ErrorView, HoldView, ObjectView, PruneView, Result, RolloutState, RolloutView,
    Summary, VERSION, View,
};
pub use words::verdict_name;
