//! How often tasks that fail are started again: AWS waits longer each time, up to 27 minutes.
//!
//! AWS waits so only for tasks that never reached RUNNING. Here it also waits for those that end
//! within seconds of it, so that a world full of crash loops stays cheap to simulate. Tasks that
//! fail health checks are replaced at once, there and here.
//!
//! Tests: in this file.

use serde::{Deserialize, Serialize};

/// Seconds until the first restart; each further one takes twice as long. Seen in AWS.
const FIRST: f64 = 30.0;
/// 27 minutes: "may change in future updates".
const LONGEST: f64 = 1620.0;
/// From then on AWS speaks of it.
const REPEATEDLY: u32 = 3;

/// The restarts of one deployment's tasks.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Restart {
    /// How often in a row tasks failed; those that fail together are one time.
    rounds: u32,
    until: f64,
}

impl Restart {
    /// A task failed. Answers until when none is started, if that is news.
    pub fn failed(&mut self, now: f64) -> Option<f64> {
        if now < self.until {
            return None;
        }
        self.rounds = self.rounds.saturating_add(1);
        self.until = now + (FIRST * 2f64.powi(self.rounds.min(16).cast_signed() - 1)).min(LONGEST);
        Some(self.until)
    }

    /// A task came to run well.
    pub fn recovered(&mut self) {
        *self = Self::default();
    }

    pub fn is_waiting(&self, now: f64) -> bool {
        now < self.until
    }

    /// Tasks cannot be started consistently.
    pub fn is_throttled(&self) -> bool {
        self.rounds >= REPEATEDLY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_to_27_minutes_and_a_good_task_ends_it() {
        let (mut restart, mut now, mut waits) = (Restart::default(), 0.0, Vec::new());
        for _ in 0..9 {
            let until = restart.failed(now).unwrap();
            assert_eq!(restart.failed(now + 1.0), None, "together is once");
            assert!(restart.is_waiting(now + 1.0) && !restart.is_waiting(until));
            waits.push(until - now);
            now = until;
        }
        assert_eq!(waits, [30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1620.0, 1620.0, 1620.0]);
        restart.recovered();
        assert!(!restart.is_waiting(now) && !restart.is_throttled());
    }
}
