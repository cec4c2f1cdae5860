//! What was asked of the sandbox: the last calls whole, and all of them counted. Knows nothing of
//! what they mean.
//!
//! Tests: `tests.rs`.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::fault::{Failure, changes};
use super::protocol::{Body, Parsed};
use super::{Call, Document};

/// Calls that are remembered whole; older ones are only counted.
const REMEMBERED: usize = 100_000;

/// What one call was and became.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallRecord {
    /// Seconds since the epoch, by the sandbox's clock.
    pub at: f64,
    /// The signing name: `ecs`, `ecr`, `application-autoscaling`, `tagging`, `sts`.
    pub service: String,
    pub region: String,
    pub operation: String,
    /// Whether the operation is there to change something.
    pub changes: bool,
    pub input: Document,
    pub outcome: Outcome,
    /// Whether the operation was done, whatever became of the answer.
    pub done: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Outcome {
    Answered,
    /// The exception's name.
    Refused(String),
    /// No answer came, or the connection broke, before the operation was done or after.
    Lost,
}

/// How often an operation was called, and what became of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub calls: u64,
    pub done: u64,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub calls: VecDeque<CallRecord>,
    /// By service and operation: `ecs:CreateService`.
    pub counts: BTreeMap<String, Count>,
}

impl Ledger {
    pub fn record(&mut self, call: &Call, request: &Parsed, answer: &Result<Body, Failure>, done: bool) {
        let (service, operation) = (request.service(), request.operation());
        let count = self.counts.entry(format!("{service}:{operation}")).or_default();
        count.calls += 1;
        count.done += u64::from(done);
        if self.calls.len() == REMEMBERED {
            self.calls.pop_front();
        }
        self.calls.push_back(CallRecord {
            at: call.now,
            service: service.to_owned(),
            region: call.region.clone(),
            operation: operation.to_owned(),
            changes: changes(operation),
            input: request.input.clone(),
            outcome: match answer {
                Ok(_) => Outcome::Answered,
                Err(Failure::Refused(refusal)) => Outcome::Refused(refusal.code.clone()),
                Err(Failure::Lost | Failure::Unanswered | Failure::Halted) => Outcome::Lost,
            },
            done,
        });
    }
}
