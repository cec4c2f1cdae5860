//! The deployment circuit breaker: when a deployment has failed.
//!
//! Tests: in this file, `tests/rollback.rs`.

use crate::sandbox::{Document, field};

/// A service's `deploymentCircuitBreaker`, where it is enabled.
#[derive(Debug, Clone, PartialEq)]
pub struct Breaker {
    pub rollback: bool,
    /// Whether a healthy task sets the count of failures back to 0.
    pub resets: bool,
    threshold: Threshold,
}

#[derive(Debug, Clone, PartialEq)]
enum Threshold {
    Count(u64),
    /// Of the desired count, rounded up; bounded: not below 3 and not above 200.
    Percent {
        value: u64,
        bounded: bool,
    },
}

impl Breaker {
    /// What a `deploymentConfiguration` says.
    pub fn of(configuration: &Document) -> Option<Self> {
        let breaker = field::object(configuration, "deploymentCircuitBreaker")?;
        field::flag(breaker, "enable").filter(|enabled| *enabled)?;
        let given = field::object(breaker, "thresholdConfiguration");
        let value = given
            .and_then(|given| field::integer(given, "value"))
            .and_then(|value| u64::try_from(value).ok())
            .unwrap_or(50);
        let threshold = match given.and_then(|given| field::text(given, "type")) {
            Some("COUNT") => Threshold::Count(value),
            kind => Threshold::Percent { value, bounded: kind != Some("UNBOUNDED_PERCENT") },
        };
        Some(Self {
            rollback: field::flag(breaker, "rollback").unwrap_or(false),
            resets: field::flag(breaker, "resetOnHealthyTask").unwrap_or(true),
            threshold,
        })
    }

    /// The failures at which a deployment has failed, by the latest desired count.
    pub fn threshold(&self, desired: u64) -> u64 {
        match self.threshold {
            Threshold::Count(count) => count.max(1),
            Threshold::Percent { value, bounded } => {
                let share = desired.saturating_mul(value).div_ceil(100);
                if bounded { share.clamp(3, 200) } else { share.max(1) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn breaker(more: &Value) -> Option<Breaker> {
        let mut breaker = json!({"enable": true, "rollback": true});
        breaker.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Breaker::of(json!({"deploymentCircuitBreaker": breaker}).as_object().unwrap())
    }

    #[test]
    fn the_threshold_follows_the_desired_count_as_aws_documents_it() {
        let percent =
            |kind: &str, value: u64| json!({"thresholdConfiguration": {"type": kind, "value": value}});
        for (more, desired, expected) in [
            (json!({}), 0, 3),
            (json!({}), 1, 3),
            (json!({}), 6, 3),
            (json!({}), 7, 4),
            (json!({}), 25, 13),
            (json!({}), 400, 200),
            (json!({}), 800, 200),
            (percent("BOUNDED_PERCENT", 10), 25, 3),
            (percent("BOUNDED_PERCENT", 100), 25, 25),
            (percent("UNBOUNDED_PERCENT", 50), 1, 1),
            (percent("UNBOUNDED_PERCENT", 50), 800, 400),
            (percent("COUNT", 5), 800, 5),
            (percent("COUNT", 1), 1, 1),
        ] {
            assert_eq!(breaker(&more).unwrap().threshold(desired), expected, "{more} of {desired}");
        }
    }

    #[test]
    fn one_that_is_not_enabled_is_none() {
        assert_eq!(Breaker::of(&Document::new()), None);
        assert_eq!(breaker(&json!({"enable": false})), None);
        assert!(breaker(&json!({})).unwrap().resets);
        assert!(!breaker(&json!({"resetOnHealthyTask": false})).unwrap().resets);
    }
}
