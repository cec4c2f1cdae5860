//! Sweeps: looks at everything, one at a time, that find what a pass is needed for, and write nothing.
//!
//! A sweep that fails, or that was of another account, says nothing of any object; it is made again soon.
//! Tests: `tests/operator`.

use super::agenda::{Pace, jittered};
use super::publish::Publish;
use super::wake::Panicked;
use super::{Operator, Settings};
use crate::aws::CallError;
use crate::model::desired::Desired;
use crate::plan::Verdict;
use crate::reconcile::Planned;
use crate::report::{Event, Happening};
use crate::source::Source;
use std::sync::Arc;
use tokio::time::Instant;

/// Sweeps come up to this much sooner or later, so that many operators do not come at once.
const JITTER: f64 = 0.1;

/// A sweep that has come back.
pub(super) struct Swept {
    pub began: Instant,
    pub desired: Arc<Desired>,
    pub planned: Result<Planned, CallError>,
}

/// What is known of the sweeps.
pub(super) struct Sweeps {
    pub next: Instant,
    /// When the last one began.
    pub began: Option<Instant>,
    /// The last one was of the right account: before that there are no passes.
    pub may_pass: bool,
    /// Why AWS cannot be asked, as it was told last.
    pub unreachable: Option<String>,
    /// The account of the first one.
    account: Option<String>,
    /// In a row.
    failed: u32,
}

impl Sweeps {
    pub fn new() -> Self {
        Self {
            next: Instant::now(),
            began: None,
            may_pass: false,
            unreachable: None,
            account: None,
            failed: 0,
        }
    }

    /// AWS has answered.
    pub fn reached(&mut self) -> Vec<Event> {
        self.unreachable.take().map(|_| Event::of_all(Happening::Reachable, "")).into_iter().collect()
    }

    /// AWS has not; told once.
    pub fn not_reached(&mut self, cause: String) -> Vec<Event> {
        match self.unreachable.replace(cause.clone()) {
            None => vec![Event::of_all(Happening::Unreachable, cause)],
            Some(_) => Vec::new(),
        }
    }

    /// Why what was read is worth nothing as a whole.
    fn doubt(&mut self, planned: &Planned, settings: &Settings) -> Option<String> {
        let account = &planned.plan.account;
        // Nothing is declared, so nobody was asked.
        if account.is_empty() {
            return None;
        }
        let expected = settings.expect_account.as_ref().or(self.account.as_ref()).unwrap_or(account);
        self.may_pass = expected == account;
        if !self.may_pass {
            // What is not there may well be in the other one.
            return Some(format!(
                "these are credentials for account `{account}`, and it should be `{expected}`"
            ));
        }
        self.account = Some(account.clone());
        let objects = &planned.plan.objects;
        let all_fail =
            objects.len() > 1 && objects.iter().all(|object| object.verdict == Verdict::Unreadable);
        objects.first().filter(|_| all_fail).map(|object| object.notes.join("; "))
    }
}

impl<S: Source, P: Publish> Operator<S, P> {
    pub(super) async fn swept(&mut self, swept: Result<Swept, Panicked>) {
        let now = Instant::now();
        let swept = match swept {
            Ok(Swept { began, desired, planned: Ok(planned) }) => {
                match self.sweeps.doubt(&planned, &self.settings) {
                    None => Ok((began, desired, planned)),
                    Some(doubt) => Err((Some(began), doubt)),
                }
            }
            Ok(Swept { began, planned: Err(error), .. }) => Err((Some(began), error.to_string())),
            Err(panicked) => Err((None, panicked.to_string())),
        };
        let events = match swept {
            Ok((began, desired, planned)) => {
                self.vitals.metrics.ran("sweep", now - began, true);
                self.vitals.swept();
                self.sweeps.failed = 0;
                self.sweeps.next = now + jittered(self.settings.interval, JITTER);
                let news = self.kept.swept(&desired, &planned, began, now);
                [self.sweeps.reached(), news].concat()
            }
            Err((began, cause)) => {
                self.vitals.metrics.ran("sweep", began.map(|began| now - began).unwrap_or_default(), false);
                self.sweeps.failed += 1;
                let wait = Pace(self.settings.poll).backoff(self.sweeps.failed).min(self.settings.interval);
                self.sweeps.next = now + jittered(wait, JITTER);
                self.sweeps.not_reached(cause)
            }
        };
        self.tell(events).await;
    }
}
