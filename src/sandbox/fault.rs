//! What a test has scripted to go wrong: calls are throttled, denied, lost, answered out of the
//! past, or never again. Faults never change what AWS holds, except that a lost answer's operation
//! was done.
//!
//! Tests: `tests.rs` (each kind), and in this file (which calls they meet).

use serde::Deserialize;

use super::ids::Ids;
use super::protocol::Parsed;
use super::{Call, Refusal, rate};

/// Of the calls that `calls` means, `after` are let pass, and the next `times` go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub calls: Calls,
    pub kind: FaultKind,
    #[serde(default)]
    pub after: u32,
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// The next call that `calls` means goes wrong.
    pub fn new(calls: &str, kind: FaultKind) -> Self {
        Self { calls: Calls(calls.to_owned()), kind, after: 0, times: 1 }
    }

    #[must_use]
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

/// Faults by chance, for good. The same calls in the same order meet the same ones.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chances {
    pub seed: u64,
    /// How many of the calls go wrong: 0.1 is one in ten.
    pub rate: f64,
    /// One of these, each as often; one that a call cannot meet is none.
    pub kinds: Vec<FaultKind>,
    #[serde(default)]
    pub calls: Calls,
}

impl Chances {
    pub fn new(seed: u64, rate: f64, kinds: &[FaultKind]) -> Self {
        Self { seed, rate, kinds: kinds.to_vec(), calls: Calls::default() }
    }
}

/// Which calls: an operation (`UpdateService`), `reads`, `writes`, or `*`; of one service only with
/// its signing name before it (`ecs:writes`, `tagging:*`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Calls(pub String);

impl Default for Calls {
    fn default() -> Self {
        Self("*".to_owned())
    }
}

impl Calls {
    fn mean(&self, service: &str, operation: &str) -> bool {
        let (of, what) = self.0.split_once(':').unwrap_or(("*", &self.0));
        let is = match what {
            "*" => true,
            "reads" => !changes(operation),
            "writes" => changes(operation),
            name => name == operation,
        };
        is && (of == "*" || of == service)
    }
}

/// Whether an operation is there to change something.
pub(super) fn changes(operation: &str) -> bool {
    let reads = ["Describe", "List", "Get", "BatchGet", "BatchCheck"];
    !reads.iter().any(|verb| operation.starts_with(verb))
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum FaultKind {
    /// The service's usual form of a throttle: `ThrottlingException` of ECS.
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
    /// Any other no, with status 400.
    Refused { code: String, message: String },
    /// A read does not know of the changes of the last `seconds` (at most [`LONGEST_PAST`]) yet.
    /// Other calls do not meet it.
    StaleRead { seconds: u32 },
    /// The connection breaks before the request arrives: nothing is done.
    LostRequest,
    /// The connection breaks after the operation was done.
    LostAnswer,
    /// The operation is done and the connection stays, but no answer ever comes.
    Unanswered,
    /// Before the operation is done the world halts: neither this call nor a later one is done or
    /// answered until [`Sandbox::resume`](super::Sandbox::resume). A test ends the caller there.
    HaltBefore,
    /// The same once the operation is done.
    HaltAfter,
}

/// Seconds for which a [`FaultKind::StaleRead`] can look back.
pub const LONGEST_PAST: u32 = 60;

/// How a call fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Refused(Refusal),
    Lost,
    /// There is no end to the wait for an answer.
    Unanswered,
    /// The same for this call and all that follow.
    Halted,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    scripted: Vec<Fault>,
    by_chance: Vec<(Chances, Ids)>,
}

impl Faults {
    pub fn script(&mut self, fault: Fault) {
        self.scripted.push(fault);
    }

    pub fn leave_to_chance(&mut self, chances: Chances) {
        let numbers = Ids::seeded(chances.seed);
        self.by_chance.push((chances, numbers));
    }

    /// What a call meets: the oldest fault that is left for it, used up by one; else what chance
    /// has for it.
    pub fn draw(&mut self, service: &str, operation: &str) -> Option<FaultKind> {
        self.scripted.retain(|fault| fault.times > 0);
        let mut drawn = None;
        for fault in &mut self.scripted {
            if !fault.calls.mean(service, operation) || !fault.kind.can_meet(operation) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
            } else if drawn.is_none() {
                fault.times -= 1;
                drawn = Some(fault.kind.clone());
            }
        }
        for (chances, numbers) in &self.by_chance {
            if !chances.calls.mean(service, operation) {
                continue;
            }
            // Both are drawn whatever they say, so that a call takes as many numbers in any case.
            let (chance, choice) = (fraction(numbers.number()), numbers.number());
            let kinds = chances.kinds.len() as u64;
            if chance < chances.rate && drawn.is_none() && kinds > 0 {
                let kind = usize::try_from(choice % kinds).ok().and_then(|n| chances.kinds.get(n));
                drawn = kind.filter(|kind| kind.can_meet(operation)).cloned();
            }
        }
        drawn
    }

    /// Whether a read may be answered out of the past, so that it must be remembered.
    pub fn look_back(&self) -> bool {
        let scripted = self.scripted.iter().filter(|fault| fault.times > 0).map(|fault| &fault.kind);
        let mut kinds = scripted.chain(self.by_chance.iter().flat_map(|(chances, _)| &chances.kinds));
        kinds.any(|kind| matches!(kind, FaultKind::StaleRead { .. }))
    }
}

/// Evenly between 0 and 1, by the upper 53 bits: all that a double holds.
#[allow(clippy::cast_precision_loss)]
fn fraction(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

impl FaultKind {
    fn can_meet(&self, operation: &str) -> bool {
        !matches!(self, Self::StaleRead { .. }) || !changes(operation)
    }

    /// What the caller gets instead of the operation.
    pub(super) fn before(&self, call: &Call, request: &Parsed) -> Option<Failure> {
        let refused = |status: u16, code: &str, message: &str| {
            let refusal = Refusal { status, ..Refusal::client(code, message) };
            Some(Failure::Refused(refusal))
        };
        match self {
            Self::Throttled => Some(Failure::Refused(rate::throttled(request.service()))),
            Self::TooManyRequests => refused(429, "ThrottlingException", "Rate exceeded"),
            Self::ThrottledAsClientException => {
                refused(400, "ClientException", "Too many concurrent attempts: throttling. Please try again.")
            }
            Self::ServerError => {
                refused(500, "ServerException", "Service Unavailable. Please try again later.")
            }
            Self::Unavailable => refused(503, "ServiceUnavailableException", "Service is unavailable"),
            Self::Denied => refused(400, "AccessDeniedException", &denied(call, request)),
            Self::Refused { code, message } => refused(400, code, message),
            Self::LostRequest => Some(Failure::Lost),
            Self::HaltBefore => Some(Failure::Halted),
            Self::StaleRead { .. } | Self::LostAnswer | Self::Unanswered | Self::HaltAfter => None,
        }
    }

    /// What becomes of the answer once the operation was done.
    pub(super) fn after(&self) -> Option<Failure> {
        match self {
            Self::LostAnswer => Some(Failure::Lost),
            Self::Unanswered => Some(Failure::Unanswered),
            Self::HaltAfter => Some(Failure::Halted),
            _ => None,
        }
    }
}

fn denied(call: &Call, request: &Parsed) -> String {
    let (caller, action) = (call.caller(), format!("{}:{}", request.service(), request.operation()));
    format!(
        "User: {caller} is not authorized to perform: {action} on resource: * because no identity-based policy allows the {action} action"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What calls of ECS meet, one after another.
    fn drawn(faults: &mut Faults, operations: &[&str]) -> Vec<Option<FaultKind>> {
        operations.iter().map(|operation| faults.draw("ecs", operation)).collect()
    }

    #[test]
    fn calls_are_named_by_operation_by_kind_and_by_service() {
        for (calls, met) in [
            ("*", [true, true, true]),
            ("UpdateService", [true, false, false]),
            ("writes", [true, false, false]),
            ("reads", [false, true, true]),
            ("ecs:*", [true, true, false]),
            ("ecr:reads", [false, false, true]),
            ("ecs:UpdateService", [true, false, false]),
            ("ecr:UpdateService", [false, false, false]),
        ] {
            let calls = Calls(calls.to_owned());
            let all = [("ecs", "UpdateService"), ("ecs", "DescribeServices"), ("ecr", "GetLifecyclePolicy")];
            assert_eq!(all.map(|(service, operation)| calls.mean(service, operation)), met, "{calls:?}");
        }
    }

    #[test]
    fn the_nth_call_goes_wrong_and_as_many_times_as_was_said() {
        let mut faults = Faults::default();
        faults.script(Fault::new("writes", FaultKind::Denied).after(1).times(2));
        faults.script(Fault::new("UpdateService", FaultKind::Throttled).after(2));
        let operations = ["CreateService", "ListServices", "UpdateService", "UpdateService", "UpdateService"];
        let (denied, throttled) = (Some(FaultKind::Denied), Some(FaultKind::Throttled));
        assert_eq!(drawn(&mut faults, &operations), [None, None, denied.clone(), denied, throttled]);
        assert_eq!(drawn(&mut faults, &operations), [const { None }; 5]);
    }

    #[test]
    fn a_stale_read_is_left_for_the_next_read() {
        let mut faults = Faults::default();
        let stale = FaultKind::StaleRead { seconds: 5 };
        faults.script(Fault::new("*", stale.clone()));
        assert!(faults.look_back());
        assert_eq!(drawn(&mut faults, &["UpdateService", "ListServices"]), [None, Some(stale)]);
        assert!(!faults.look_back());
    }

    #[test]
    fn the_same_seed_and_calls_meet_the_same_faults_at_about_the_rate() {
        let kinds = [FaultKind::Throttled, FaultKind::LostAnswer, FaultKind::StaleRead { seconds: 5 }];
        let story = |seed| {
            let mut faults = Faults::default();
            faults.leave_to_chance(Chances::new(seed, 0.3, &kinds));
            drawn(&mut faults, &vec!["DescribeServices"; 2000])
        };
        assert_eq!(story(7), story(7));
        assert_ne!(story(7), story(8));
        for kind in &kinds {
            let met = story(7).iter().flatten().filter(|met| *met == kind).count();
            assert!((150..250).contains(&met), "{kind:?}: {met}");
        }
    }
}
