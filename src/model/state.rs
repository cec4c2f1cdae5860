//! What is remembered in tags: hashes of manifests and of task definition bodies.
//!
//! A hash never covers a secret value: others can read tags. So equal hashes mean equal but for secrets, and who
//! relies on one compares those apart.

use super::desired::Document;
use super::diff::masked;
use super::facts::Shape;
use super::names::tag;
use super::observed::Tags;
use super::reduce::reduce;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The hash of a document's least form without its secrets: 16 hex digits, stable across spellings.
pub fn hash(shape: &Shape, document: &Document, account: &str) -> String {
    let least = masked(shape, &Value::Object(reduce(shape, document, account)));
    digest(&sorted(&least).to_string())[..16].to_owned()
}

/// 64 hex digits.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Objects by key: the order in which a manifest was written says nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The state tag: hashes of the manifest attempted and applied. What does not parse counts as lost, and a lost tag
/// costs only labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Written before the first call that changes something.
    pub attempted: Option<String>,
    /// Written after the last one.
    pub applied: Option<String>,
}

impl State {
    pub fn of(tags: &Tags) -> Self {
        let mut state = Self::default();
        let words = tags.get(tag::STATE).and_then(|text| text.strip_prefix("v1 ")).unwrap_or_default();
        for word in words.split(' ') {
            match word.split_once('=') {
                Some(("attempted", hash)) => state.attempted = Some(hash.to_owned()),
                Some(("applied", hash)) => state.applied = Some(hash.to_owned()),
                _ => {}
            }
        }
        state
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("v1")?;
        for (name, hash) in [("attempted", &self.attempted), ("applied", &self.applied)] {
            if let Some(hash) = hash {
                write!(f, " {name}={hash}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::kind_shape;
    use serde_json::json;

    fn hashed(document: Value) -> String {
        hash(kind_shape("TaskDefinition"), document.as_object().unwrap(), "")
    }

    #[test]
    fn spelling_order_and_secrets_do_not_change_a_hash() {
        let variable = |value: &str| json!({"containerDefinitions": [{"name": "web", "image": "a", "environment": [{"name": "A", "value": value}]}]});
        assert_eq!(hashed(variable("1")), hashed(variable("2")));
        assert_eq!(
            hashed(json!({"cpu": "1 vCPU", "memory": "512"})),
            hashed(json!({"memory": 512, "cpu": "1024"}))
        );
        assert_ne!(hashed(json!({"cpu": "256"})), hashed(json!({"cpu": "512"})));
    }

    #[test]
    fn a_state_tag_reads_back_and_a_foreign_one_counts_as_lost() {
        let state = State { attempted: Some("ab".into()), applied: None };
        let tags = Tags::from([(tag::STATE.to_owned(), state.to_string())]);
        assert_eq!(State::of(&tags), state);
        assert_eq!(State::of(&Tags::from([(tag::STATE.to_owned(), "v9 x".into())])), State::default());
    }
}
