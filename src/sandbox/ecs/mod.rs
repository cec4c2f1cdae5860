//! Amazon ECS.
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Document, Refusal, Region};

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct State {}

impl State {
    /// When something is next due, in seconds since the epoch.
    pub fn due(&self) -> Option<f64> {
        None
    }
}

pub fn answer(_: &mut Region, _: &Call, operation: &str, _: &Document) -> Result<Value, Refusal> {
    Err(Refusal::client("UnknownOperationException", format!("the sandbox does not have `{operation}`")))
}

/// Does what is due at `call.now`.
pub fn advance(_: &mut Region, _: &Call) {}
