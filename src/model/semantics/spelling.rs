//! Strings with more than one spelling: a role's name and its ARN, `1 vCPU` and `1024`.
//!
//! [`Spelling::canonical`] picks one spelling of a string; [`Spelling::same`] also answers where no common
//! spelling exists (a KMS alias and the key's id): what cannot be told apart is the same, because a
//! difference that never goes away is worse than one that is missed.

use super::Scope;
use crate::model::names::last_segment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// An IAM role or instance profile: name ≡ ARN of this account.
    Role,
    /// A cluster or capacity provider: name ≡ ARN.
    Name,
    /// An Auto Scaling group: name ≡ ARN.
    AutoScalingGroup,
    /// A KMS key: id ≡ ARN, alias ≡ the alias's ARN; an alias and an id cannot be told apart.
    KmsKey,
    /// A Cloud Map namespace: a name and an ARN, which holds an id, cannot be told apart.
    Namespace,
    /// A task's CPU: units, or `1 vCPU`.
    CpuUnits,
    /// A task's memory: MiB, or `2 GB`.
    MemoryMib,
    /// Whatever the case; `host` is `instanceId`.
    PlacementField,
}

impl Spelling {
    pub fn canonical(self, text: &str, scope: &Scope) -> String {
        match self {
            Self::Role if of_account(text, scope.account) => last_segment(text).to_owned(),
            Self::Name => last_segment(text).to_owned(),
            Self::AutoScalingGroup => {
                text.rsplit_once("autoScalingGroupName/").map_or(text, |(_, name)| name).to_owned()
            }
            Self::KmsKey => match text.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)) {
                Some(resource) => resource.strip_prefix("key/").unwrap_or(resource).to_owned(),
                None => text.strip_prefix("key/").unwrap_or(text).to_owned(),
            },
            Self::CpuUnits => quantity(text, &["vcpu", "vcpus"]).unwrap_or_else(|| text.to_owned()),
            Self::MemoryMib => quantity(text, &["gb"]).unwrap_or_else(|| text.to_owned()),
            Self::PlacementField => {
                let lower = text.to_ascii_lowercase();
                if lower == "host" { "instanceid".to_owned() } else { lower }
            }
            Self::Role | Self::Namespace => text.to_owned(),
        }
    }

    /// Whether two canonical spellings name one thing, or cannot be told apart.
    pub fn same(self, one: &str, other: &str) -> bool {
        let unlike = |test: fn(&str) -> bool| test(one) != test(other);
        one == other
            || match self {
                Self::KmsKey => unlike(|key| key.starts_with("alias/")),
                Self::Namespace => unlike(|namespace| namespace.starts_with("arn:")),
                _ => false,
            }
    }
}

/// An ARN names its account; whose account is unknown is taken as ours.
fn of_account(arn: &str, account: &str) -> bool {
    arn.starts_with("arn:") && (account.is_empty() || arn.split(':').nth(4) == Some(account))
}

/// `1 vCPU`, `.25 vcpu`, `2GB`, `1024`: in thousandths of 1024, as whole units.
fn quantity(text: &str, units: &[&str]) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).trim_end();
    let unit = lower[digits.len()..].trim();
    let number: f64 = digits.parse().ok()?;
    let scale = if unit.is_empty() {
        1.0
    } else if units.contains(&unit) {
        1024.0
    } else {
        return None;
    };
    let whole = number * scale;
    (whole.fract() == 0.0 && whole >= 0.0).then(|| format!("{whole:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    fn canonical(spelling: Spelling, text: &str) -> String {
        let root = Map::new();
        spelling.canonical(text, &Scope::of(&root, "123456789012"))
    }

    #[test]
    fn units_are_converted_whatever_the_case_dot_or_spacing() {
        for (text, units) in [("1 vCPU", "1024"), (".25 vcpu", "256"), ("0.5VCPU", "512"), ("1024", "1024")] {
            assert_eq!(canonical(Spelling::CpuUnits, text), units, "{text}");
        }
        for (text, mib) in [("2 GB", "2048"), (".5 gb", "512"), ("30GB", "30720"), ("512", "512")] {
            assert_eq!(canonical(Spelling::MemoryMib, text), mib, "{text}");
        }
        assert_eq!(canonical(Spelling::MemoryMib, "much"), "much");
    }

    #[test]
    fn a_role_of_another_account_keeps_its_arn() {
        assert_eq!(canonical(Spelling::Role, "arn:aws:iam::123456789012:role/app/web"), "web");
        let foreign = "arn:aws:iam::999999999999:role/web";
        assert_eq!(canonical(Spelling::Role, foreign), foreign);
    }

    #[test]
    fn a_key_is_its_id_and_an_alias_may_be_any_key() {
        let id = canonical(Spelling::KmsKey, "arn:aws:kms:eu-central-1:123456789012:key/1234");
        assert_eq!(id, "1234");
        assert!(Spelling::KmsKey.same(&id, "alias/ecr"));
        assert!(!Spelling::KmsKey.same(&id, "5678"));
    }

    #[test]
    fn an_auto_scaling_group_is_its_name() {
        let arn =
            "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c:autoScalingGroupName/shop";
        assert_eq!(canonical(Spelling::AutoScalingGroup, arn), "shop");
    }

    #[test]
    fn placement_fields_are_read_in_any_case() {
        assert_eq!(canonical(Spelling::PlacementField, "CPU"), canonical(Spelling::PlacementField, "cpu"));
        assert_eq!(
            canonical(Spelling::PlacementField, "host"),
            canonical(Spelling::PlacementField, "instanceId")
        );
    }
}
