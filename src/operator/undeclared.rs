//! What is owned and declared no longer, where that is to be pruned. Pure. Tests: `tests/operator`.
//!
//! Files come and go for a moment, while a branch is checked out or a folder is copied: what is not declared goes only
//! when sweeps have found it so for a while. And it goes only in a pass that was made for it.

use crate::model::names::Key;
use crate::plan::Plan;
use crate::report::{Event, Happening};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub struct Undeclared {
    /// How long it must be gone.
    grace: Duration,
    /// Since which sweep it would be deleted, and whether that is long enough.
    since: BTreeMap<Key, (Instant, bool)>,
    /// Why nothing goes, as it was told.
    hold: Option<String>,
}

impl Undeclared {
    pub fn new(grace: Duration) -> Self {
        Self { grace, since: BTreeMap::new(), hold: None }
    }

    /// A sweep that began then would delete these; why it would delete nothing is told.
    pub fn swept(&mut self, plan: &Plan, gone: &[Key], began: Instant) -> Vec<Event> {
        let hold = plan.prune.as_ref().and_then(|prune| prune.hold.as_ref());
        let before = std::mem::take(&mut self.since);
        for key in gone {
            let (first, was_ripe) = before.get(key).copied().unwrap_or((began, false));
            let is_ripe = was_ripe || began.duration_since(first) >= self.grace;
            self.since.insert(key.clone(), (first, is_ripe));
        }
        let told = std::mem::replace(&mut self.hold, hold.map(ToString::to_string));
        let news = hold.filter(|_| told != self.hold);
        let news =
            news.map(|hold| Event::of_all(Happening::Blocked, hold.to_string()).with_hint(hold.hint()));
        news.into_iter().collect()
    }

    /// It has been gone for long enough.
    pub fn is_ripe(&self, key: &Key) -> bool {
        self.since.get(key).is_some_and(|(_, is_ripe)| *is_ripe)
    }

    /// It is declared again.
    pub fn declared(&mut self, key: &Key) {
        self.since.remove(key);
    }
}
