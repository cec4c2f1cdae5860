//! What every operation is given and what it answers.

use serde_json::{Map, Value};

/// An input or output of an operation: a JSON object in the API's own spelling.
pub type Document = Map<String, Value>;

/// Who calls, where, and when.
#[derive(Debug, Clone)]
pub struct Call {
    /// Twelve digits.
    pub account: String,
    /// From the credential scope of the request's signature, such as `eu-central-1`.
    pub region: String,
    /// The sandbox's clock: seconds since the epoch, as AWS writes time stamps.
    pub now: f64,
}

/// An operation's "no", as AWS words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The exception's name, such as `ClusterNotFoundException`.
    pub code: String,
    pub message: String,
    /// 400 for the caller's faults, 500 and above for the service's.
    pub status: u16,
}

impl Refusal {
    /// The caller's fault: status 400.
    pub fn client(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: 400 }
    }
}
