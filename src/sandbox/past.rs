//! The Regions as they were before the changes of the last minute, for reads that are to be
//! stale. Remembered only while such reads are scripted: it copies a Region before each change.
//!
//! Tests: `tests.rs`.

use std::collections::VecDeque;

use super::Region;
use super::fault::LONGEST_PAST;

/// Copies that are kept at most, however many changes there are in a minute.
const MOST: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Past(VecDeque<Moment>);

#[derive(Debug)]
struct Moment {
    name: String,
    /// What the Region was before the change of this time.
    until: f64,
    region: Region,
}

impl Past {
    /// Remembers a Region that is about to change at `now`.
    pub fn remember(&mut self, name: &str, now: f64, region: &Region) {
        let forgotten = now - f64::from(LONGEST_PAST);
        self.0.retain(|moment| moment.until > forgotten);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Moment { name: name.to_owned(), until: now, region: region.clone() });
    }

    /// The Region before the changes of the last `seconds`; `None` when there were none.
    pub fn before(&mut self, name: &str, seconds: u32, now: f64) -> Option<&mut Region> {
        let since = now - f64::from(seconds);
        let moment = self.0.iter_mut().find(|moment| moment.name == name && moment.until > since)?;
        Some(&mut moment.region)
    }

    pub fn forget(&mut self) {
        self.0.clear();
    }
}
