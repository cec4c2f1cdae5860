//! Not here yet.
use super::{Call, Refusal};

#[allow(clippy::unnecessary_wraps)]
pub fn answer(call: &Call, _body: &str) -> Result<String, Refusal> {
    Ok(call.caller())
}
