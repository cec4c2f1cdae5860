//! What is due when. An entry only wakes its thing, which then looks at itself and the time: a
//! wake too many does no harm.
//!
//! Tests: in this file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What to look at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wake {
    Cluster {
        cluster: String,
    },
    CapacityProvider {
        name: String,
    },
    /// The container instances that one capacity provider brings to a cluster.
    Instances {
        cluster: String,
        provider: String,
    },
    Service {
        cluster: String,
        service: String,
    },
    Task {
        cluster: String,
        task: String,
    },
}

/// Wakes by time (milliseconds since the epoch) and, at one time, in the order they were asked for.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, Wake)>", into = "Vec<(u64, Wake)>")]
pub struct Agenda {
    wakes: BTreeMap<(u64, u64), Wake>,
    asked: u64,
}

impl Agenda {
    /// Asks for a wake at a time in seconds since the epoch. Many in a row for one thing and one
    /// time, as when a service's tasks change together, are one.
    pub fn wake(&mut self, at: f64, wake: Wake) {
        let at = milliseconds(at);
        let last = self.wakes.range((at, 0)..=(at, u64::MAX)).next_back();
        if last.is_none_or(|(_, last)| *last != wake) {
            self.asked += 1;
            self.wakes.insert((at, self.asked), wake);
        }
    }

    /// The time of the next wake, in seconds since the epoch.
    #[allow(clippy::cast_precision_loss)] // milliseconds since the epoch are far below 2^52
    pub fn due(&self) -> Option<f64> {
        self.wakes.first_key_value().map(|((at, _), _)| *at as f64 / 1000.0)
    }

    /// The next wake that is due at `now`.
    pub fn next(&mut self, now: f64) -> Option<Wake> {
        let next = self.wakes.first_entry().filter(|entry| entry.key().0 <= milliseconds(now))?;
        Some(next.remove())
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // times are after 1970
fn milliseconds(at: f64) -> u64 {
    (at * 1000.0).round() as u64
}

impl From<Vec<(u64, Wake)>> for Agenda {
    fn from(wakes: Vec<(u64, Wake)>) -> Self {
        let asked = wakes.len() as u64;
        Self { wakes: wakes.into_iter().zip(1..).map(|((at, wake), n)| ((at, n), wake)).collect(), asked }
    }
}

impl From<Agenda> for Vec<(u64, Wake)> {
    fn from(agenda: Agenda) -> Self {
        agenda.wakes.into_iter().map(|((at, _), wake)| (at, wake)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(name: &str) -> Wake {
        Wake::Cluster { cluster: name.to_owned() }
    }

    #[test]
    fn wakes_come_by_time_then_by_order_and_survive_being_kept() {
        let mut agenda = Agenda::default();
        for (at, name) in [(2.0, "late"), (1.0, "first"), (1.0, "second"), (1.0, "second")] {
            agenda.wake(at, cluster(name));
        }
        let kept = serde_json::to_value(agenda).unwrap();
        let mut agenda: Agenda = serde_json::from_value(kept).unwrap();
        assert_eq!(agenda.due(), Some(1.0));
        assert_eq!(agenda.next(1.5), Some(cluster("first")));
        assert_eq!(agenda.next(1.5), Some(cluster("second")));
        assert_eq!(agenda.next(1.5), None);
        assert_eq!(agenda.due(), Some(2.0));
    }
}
