//! What a test has scripted to go wrong: the next calls of an operation are throttled, denied,
//! lost. Faults never change what AWS holds, except that a lost answer's operation was done.
//!
//! Tests: `tests.rs`.

use super::protocol::Parsed;
use super::{Call, Refusal};

/// The next `times` calls of `operation` (`UpdateService`; `*` for every one) go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub operation: String,
    pub kind: FaultKind,
    pub times: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// `ThrottlingException`: the usual form of a throttle.
    Throttled,
    /// `ThrottlingException` with status 429 instead of 400.
    TooManyRequests,
    /// `ClientException` whose message speaks of throttling.
    ThrottledAsClientException,
    /// The service's own fault: status 500.
    ServerError,
    /// No answer from a healthy server: status 503.
    Unavailable,
    /// The caller lacks the permission.
    Denied,
    /// The connection breaks before the request arrives: nothing is done.
    LostRequest,
    /// The connection breaks after the operation was done.
    LostAnswer,
}

/// How a call fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Refused(Refusal),
    Lost,
}

#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub fn script(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The oldest fault that is left for an operation, used up by one.
    pub fn draw(&mut self, operation: &str) -> Option<FaultKind> {
        self.0.retain(|fault| fault.times > 0);
        let fault = self.0.iter_mut().find(|fault| fault.operation == "*" || fault.operation == operation)?;
        fault.times -= 1;
        Some(fault.kind)
    }
}

impl FaultKind {
    /// What the caller gets instead of the operation.
    pub(super) fn before(self, call: &Call, request: &Parsed) -> Option<Failure> {
        let (status, code, message) = match self {
            Self::Throttled => (400, "ThrottlingException", "Rate exceeded".to_owned()),
            Self::TooManyRequests => (429, "ThrottlingException", "Rate exceeded".to_owned()),
            Self::ThrottledAsClientException => (
                400,
                "ClientException",
                "Too many concurrent attempts: throttling. Please try again.".to_owned(),
            ),
            Self::ServerError => {
                (500, "ServerException", "Service Unavailable. Please try again later.".to_owned())
            }
            Self::Unavailable => (503, "ServiceUnavailableException", "Service is unavailable".to_owned()),
            Self::Denied => (400, "AccessDeniedException", denied(call, request)),
            Self::LostRequest => return Some(Failure::Lost),
            Self::LostAnswer => return None,
        };
        Some(Failure::Refused(Refusal { code: code.to_owned(), message, status }))
    }
}

fn denied(call: &Call, request: &Parsed) -> String {
    format!(
        "User: {} is not authorized to perform: {}:{} on resource: * because no identity-based policy allows the {}:{} action",
        call.caller(),
        request.service(),
        request.operation(),
        request.service(),
        request.operation(),
    )
}
