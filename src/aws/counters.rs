//! What the calls of this process were and became, for metrics: numbers only, never a name of a resource.
//!
//! Tests: in `wire_tests`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Answer;
use super::error::{CallError, ErrorKind};
use super::operation::{Operation, RateClass};

/// How an attempt ended, in a closed set of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ended {
    Ok,
    Failed(ErrorKind),
}

impl Ended {
    /// The word for a label.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed(ErrorKind::Throttled) => "throttled",
            Self::Failed(ErrorKind::Passing) => "passing",
            Self::Failed(ErrorKind::Denied) => "denied",
            Self::Failed(ErrorKind::NotFound) => "not_found",
            Self::Failed(ErrorKind::Unreachable) => "unreachable",
            Self::Failed(ErrorKind::Garbage) => "garbage",
            Self::Failed(ErrorKind::Refused) => "refused",
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Numbers since the process began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Attempts, each of which is a request to AWS.
    pub calls: BTreeMap<(Operation, Ended), u64>,
    /// What attempts have waited for the call budget, summed up.
    pub waited: BTreeMap<RateClass, Duration>,
}

impl Counters {
    /// Requests in all.
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Requests that AWS has throttled.
    pub fn throttles(&self) -> u64 {
        let throttled = |ended: &Ended| *ended == Ended::Failed(ErrorKind::Throttled);
        self.calls.iter().filter(|((_, ended), _)| throttled(ended)).map(|(_, count)| count).sum()
    }
}

/// Where they are counted.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counters>);

impl Tally {
    pub fn count(&self, operation: Operation, waited: Duration, outcome: &Result<Answer, CallError>) {
        let ended = outcome.as_ref().map_or_else(|error| Ended::Failed(error.kind), |_| Ended::Ok);
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.calls.entry((operation, ended)).or_default() += 1;
        if !waited.is_zero() {
            *counters.waited.entry(operation.class()).or_default() += waited;
        }
    }

    pub fn snapshot(&self) -> Counters {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
