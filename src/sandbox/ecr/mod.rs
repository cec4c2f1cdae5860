//! Not here yet.
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Document, Refusal, Region};

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct State {}

pub fn answer(_: &mut Region, _: &Call, operation: &str, _: &Document) -> Result<Value, Refusal> {
    Err(Refusal::client("UnknownOperationException", format!("the sandbox does not have `{operation}`")))
}
