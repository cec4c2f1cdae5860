//! The sandbox's time: the system's, tokio's (which tests pause), or stepped by hand. Nothing else
//! in the sandbox knows what time it is; operations find it in their [`Call`](super::Call).
//!
//! Tests: in this file.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where a clock that is not the system's begins: 2026-01-01T00:00:00Z.
const BEGINNING: f64 = 1_767_225_600.0;

/// What moves the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clock {
    /// The system's clock, from now on `speed` times as fast.
    Real { speed: f64 },
    /// tokio's clock, which stands while it is paused, from 2026 on.
    Tokio,
    /// Stands, from 2026 on, until [`Sandbox::advance`](super::Sandbox::advance).
    Stepped,
}

/// A clock that has begun.
#[derive(Debug)]
pub(super) struct Time {
    clock: Clock,
    begin: f64,
    system: Instant,
    tokio: tokio::time::Instant,
    advanced: Mutex<Duration>,
}

impl Time {
    /// Begins now, and not before `earliest` (seconds since the epoch): a kept world never goes back.
    pub fn begin(clock: Clock, earliest: f64) -> Self {
        let begin = match clock {
            Clock::Real { .. } => {
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(BEGINNING, |d| d.as_secs_f64())
            }
            Clock::Tokio | Clock::Stepped => BEGINNING,
        };
        Self {
            clock,
            begin: begin.max(earliest),
            system: Instant::now(),
            tokio: tokio::time::Instant::now(),
            advanced: Mutex::default(),
        }
    }

    /// Seconds since the epoch, in whole milliseconds, as AWS answers them.
    pub fn now(&self) -> f64 {
        let moved = match self.clock {
            Clock::Real { speed } => self.system.elapsed().as_secs_f64() * speed,
            Clock::Tokio => self.tokio.elapsed().as_secs_f64(),
            Clock::Stepped => 0.0,
        };
        let advanced = self.advanced.lock().unwrap_or_else(PoisonError::into_inner).as_secs_f64();
        ((self.begin + moved + advanced) * 1000.0).round() / 1000.0
    }

    pub fn advance(&self, by: Duration) {
        *self.advanced.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_clock_stands_until_it_is_advanced() {
        let time = Time::begin(Clock::Stepped, 0.0);
        assert!((time.now() - BEGINNING).abs() < f64::EPSILON);
        time.advance(Duration::from_millis(1500));
        assert!((time.now() - BEGINNING - 1.5).abs() < 1e-6);
    }

    #[test]
    fn a_real_clock_begins_no_earlier_than_the_world_that_it_moves() {
        let late = 9_999_999_999.0;
        let time = Time::begin(Clock::Real { speed: 1.0 }, late);
        assert!(time.now() >= late && time.now() < late + 60.0);
    }
}
