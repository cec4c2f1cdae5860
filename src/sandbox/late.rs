//! A value that some learn of only a little later: tags, by the tagging API.
//!
//! Tests: in this file.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// Seconds until everybody knows. AWS says no more than that it takes a moment.
pub const LATE: f64 = 3.0;

/// What it is now, and what it was a moment ago. A kept world forgets the latter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Late<T> {
    value: T,
    /// What it is seen as until then, in seconds since the epoch; oldest first.
    #[serde(skip)]
    before: Vec<(f64, T)>,
}

impl<T: Default> Late<T> {
    /// A value that begins now; until it is seen there is none.
    pub fn begin(now: f64, value: T) -> Self {
        Self { value, before: vec![(now + LATE, T::default())] }
    }

    pub fn set(&mut self, now: f64, value: T) {
        self.before.retain(|(until, _)| *until > now);
        let old = std::mem::replace(&mut self.value, value);
        self.before.push((now + LATE, old));
    }

    /// What those see who learn of it late.
    pub fn seen(&self, now: f64) -> &T {
        self.before.iter().find(|(until, _)| *until > now).map_or(&self.value, |(_, old)| old)
    }
}

impl<T> Late<T> {
    /// For a change that nobody learns of late.
    pub fn at_once(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Deref for Late<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_seen_in_its_turn() {
        let mut late = Late::begin(0.0, "first".to_owned());
        late.set(1.0, "second".to_owned());
        assert_eq!(*late, "second");
        for (now, seen) in [(2.9, ""), (3.0, "first"), (3.9, "first"), (4.0, "second")] {
            assert_eq!(late.seen(now), seen, "at {now}");
        }
        late.set(10.0, "third".to_owned());
        assert_eq!((late.seen(10.0).as_str(), late.seen(13.0).as_str()), ("second", "third"));
    }
}
