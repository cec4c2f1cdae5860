//! Ids that look as AWS's do and follow from the seed: the same calls in the same order get the
//! same ids. Never reads the system's randomness.
//!
//! Tests: in this file.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The step of `SplitMix64` (Steele, Lea, Flood 2014): its state only counts, so that one number
/// is all that a kept world must remember.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A generator of ids. Clones draw from the same sequence.
#[derive(Debug, Clone)]
pub struct Ids(Arc<AtomicU64>);

impl Ids {
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    /// Where the sequence stands: seeded with it, a new generator goes on.
    pub fn position(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn number(&self) -> u64 {
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// As many lower-case hexadecimal digits.
    pub fn hex(&self, length: usize) -> String {
        let mut digits = String::new();
        while digits.len() < length {
            let _ = write!(digits, "{:016x}", self.number());
        }
        digits.truncate(length);
        digits
    }

    /// As many decimal digits, the first of which is not 0.
    pub fn digits(&self, length: usize) -> String {
        let mut digits = (1 + self.number() % 9).to_string();
        while digits.len() < length {
            digits.push_str(&(self.number() % 10).to_string());
        }
        digits
    }

    /// A version 4 UUID.
    pub fn uuid(&self) -> String {
        let hex = self.hex(30);
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_ids_and_a_position_goes_on() {
        let (first, second) = (Ids::seeded(7), Ids::seeded(7));
        assert_eq!(first.uuid(), second.uuid());
        let later = Ids::seeded(first.position());
        assert_eq!(later.hex(32), second.hex(32));
        assert_ne!(Ids::seeded(8).number(), Ids::seeded(7).number());
    }

    #[test]
    fn ids_have_the_length_that_was_asked_for() {
        let ids = Ids::seeded(0);
        assert_eq!((ids.uuid().len(), ids.hex(17).len(), ids.digits(19).len()), (36, 17, 19));
    }
}
