//! The one retry layer. The SDK below makes one attempt and nobody above makes another.
//!
//! Throttles and roles that IAM has not told everybody of yet are waited for by time, other
//! passing errors by number. A write whose outcome is not known is sent again only when that
//! cannot do the thing twice ([`safe_to_repeat`](super::Operation::safe_to_repeat)). It must never wait on anything but
//! tokio's clock: the tests (here and in `wire_tests`) run under paused time.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::error::{CallError, ErrorKind};

/// How long a call goes on trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Waiting for throttles, in total.
    pub throttled: Duration,
    /// Waiting for a role that was just made, in total.
    pub settling: Duration,
    /// Retries after a passing error.
    pub passing: usize,
    /// Retries when there is no connection: nothing was sent, so writes too.
    pub unreachable: usize,
}

impl Default for Patience {
    /// A bucket of AWS refills within a minute; IAM takes up to some minutes.
    fn default() -> Self {
        Self {
            throttled: Duration::from_mins(2),
            settling: Duration::from_mins(3),
            passing: 4,
            unreachable: 2,
        }
    }
}

impl Patience {
    /// One attempt.
    pub const NONE: Self =
        Self { throttled: Duration::ZERO, settling: Duration::ZERO, passing: 0, unreachable: 0 };
}

/// The waits of one call: a series per cause, so that a throttle between two broken connections
/// does not use up their tries.
pub struct Waits {
    throttled: ExponentialBackoff,
    settling: ExponentialBackoff,
    passing: ExponentialBackoff,
    unreachable: ExponentialBackoff,
    safe_to_repeat: bool,
}

impl Waits {
    pub fn new(patience: Patience, safe_to_repeat: bool) -> Self {
        let series = ExponentialBuilder::new().with_jitter().with_factor(2.0);
        let for_time = |first: u64, longest: u64, total| {
            series
                .with_min_delay(Duration::from_millis(first))
                .with_max_delay(Duration::from_millis(longest))
                .without_max_times()
                .with_total_delay(Some(total))
                .build()
        };
        let by_number = |times| {
            let first = Duration::from_millis(500);
            series.with_min_delay(first).with_max_delay(first * 16).with_max_times(times).build()
        };
        Self {
            throttled: for_time(500, 10_000, patience.throttled),
            settling: for_time(3_000, 15_000, patience.settling),
            passing: by_number(patience.passing),
            unreachable: by_number(patience.unreachable),
            safe_to_repeat,
        }
    }

    /// How long to wait before the next attempt; `None` gives up.
    pub fn next(&mut self, error: &CallError) -> Option<Duration> {
        if error.unclear && !self.safe_to_repeat {
            return None;
        }
        match error.kind {
            ErrorKind::Throttled => self.throttled.next(),
            ErrorKind::Passing if error.is_settling() => self.settling.next(),
            ErrorKind::Passing => self.passing.next(),
            ErrorKind::Unreachable if error.code == "ConnectionFailed" => self.unreachable.next(),
            _ => None,
        }
    }
}
