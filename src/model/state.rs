//! What is remembered in tags: hashes of manifests and of task definition bodies.
//!
//! A hash never covers a secret value: others can read tags. So equal hashes mean equal but for secrets, and who
//! relies on one compares those apart.

use super::desired::{DeletionPolicy, Document, Object};
use super::diff::masked;
use super::facts::Shape;
use super::names::{Kind, tag};
use super::observed::Tags;
use super::reduce::reduce;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

/// The hash of a document's least form without its secrets: 16 hex digits, stable across spellings.
pub fn hash(shape: &Shape, document: &Document, account: &str) -> String {
    let least = masked(shape, &Value::Object(reduce(shape, document, account)));
    digest(&sorted(&least).to_string())[..16].to_owned()
}

/// The hash of a manifest. The word by which somebody asks for another try is part of it; what else the annotations
/// say is not.
pub fn manifest(object: &Object, account: &str) -> String {
    let shape = object.key.kind.spec();
    // What silence means in a part of a service depends on that part alone.
    let parts = ["taskDefinition", "service", "autoscaling"].map(|name| {
        let part = shape.member(name).zip(object.part(name));
        part.map(|(member, part)| hash(member.shape(), part, account))
    });
    let spec = match object.key.kind {
        Kind::EcsService => digest(&format!("{parts:?}"))[..16].to_owned(),
        _ => hash(shape, &object.spec, account),
    };
    match &object.policy.retry {
        Some(word) => digest(&format!("{spec} {word}"))[..16].to_owned(),
        None => spec,
    }
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

/// The state tag of a resource. What does not parse counts as lost, and a lost tag costs only labels, except for a
/// rollback that a person asked for and a deletion policy whose manifest is gone.
///
/// Written ahead, so that a crash between two calls loses nothing: *attempted* before the first, *applied* after the
/// last. A manifest that is not the one attempted is a newer one, and is tried at once; the one attempted is tried
/// again only where the history of deployments says that it did not fail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The manifest, by its hash. Written before the first call that changes something.
    pub attempted: Option<String>,
    /// The manifest. Written after the last call.
    pub applied: Option<String>,
    /// The manifest that ran well before the one attempted.
    pub good: Option<String>,
    /// The newest service deployment that there was before the attempt, by the end of its ARN: what failed up to then
    /// says nothing about this attempt.
    pub before: Option<String>,
    /// What was tried and went back.
    pub rejected: Option<Rejected>,
    /// What is to happen when the manifest goes, where that is not its kind's default.
    pub deletion: Option<DeletionPolicy>,
}

/// A manifest that was tried and went back. The hash does not cover secrets; the revision does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// [`Self::WHATEVER`] where a rollback was asked for while it was not known which manifest runs.
    pub manifest: String,
    /// `family:revision` that was tried; of a family with a very long name only a hash of that.
    revision: String,
}

impl Rejected {
    /// Whatever manifest wants the revision.
    pub const WHATEVER: &str = "any";
    /// A tag has 256 characters, and a family up to 255.
    const LONGEST: usize = 100;

    pub fn new(manifest: &str, revision: &str) -> Self {
        let revision = match revision.len() {
            ..=Self::LONGEST => revision.to_owned(),
            _ => digest(revision)[..16].to_owned(),
        };
        Self { manifest: manifest.to_owned(), revision }
    }

    /// Whether this is the revision that was tried.
    pub fn tried(&self, revision: &str) -> bool {
        *self == Self::new(&self.manifest, revision)
    }

    /// The revision that was tried, where the tag has room for it.
    pub fn revision(&self) -> Option<&str> {
        Some(self.revision.as_str()).filter(|revision| revision.contains(':'))
    }

    /// Whether this can be about the manifest of this hash.
    pub fn is_about(&self, manifest: &str) -> bool {
        self.manifest == manifest || self.manifest == Self::WHATEVER
    }
}

impl State {
    /// What is to happen to a resource of `kind` when its manifest goes.
    pub fn deletion(&self, kind: Kind) -> DeletionPolicy {
        self.deletion.unwrap_or(DeletionPolicy::of(kind))
    }

    pub fn of(tags: &Tags) -> Self {
        let mut state = Self::default();
        let words = tags.get(tag::STATE).and_then(|text| text.strip_prefix("v1 ")).unwrap_or_default();
        for (name, value) in words.split(' ').filter_map(|word| word.split_once('=')) {
            let text = || Some(value.to_owned());
            match name {
                "attempted" => state.attempted = text(),
                "applied" => state.applied = text(),
                "good" => state.good = text(),
                "before" => state.before = text(),
                "rejected" => {
                    state.rejected =
                        value.split_once('@').map(|(manifest, revision)| Rejected::new(manifest, revision));
                }
                "deletion" => state.deletion = DeletionPolicy::find(value),
                _ => {}
            }
        }
        state
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("v1")?;
        let words = [
            ("attempted", &self.attempted),
            ("applied", &self.applied),
            ("good", &self.good),
            ("before", &self.before),
        ];
        for (name, word) in words.into_iter().filter_map(|(name, word)| Some((name, word.as_ref()?))) {
            write!(f, " {name}={word}")?;
        }
        if let Some(Rejected { manifest, revision }) = &self.rejected {
            write!(f, " rejected={manifest}@{revision}")?;
        }
        if let Some(policy) = self.deletion {
            write!(f, " deletion={}", policy.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::{Origin, Policy};
    use crate::model::facts::kind_shape;
    use crate::model::names::Key;
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
    fn a_manifest_is_another_by_its_word_for_a_retry_and_by_no_spelling() {
        let object = |spec: Value, retry: Option<&str>| {
            let kind = Kind::EcsService;
            let key = Key { kind, region: "r".into(), cluster: None, name: "web".into() };
            let origin = Origin { kind, namespace: None, name: "web".into(), place: String::new() };
            let policy = Policy { retry: retry.map(str::to_owned), ..Policy::of(kind) };
            manifest(&Object { key, origin, policy, spec: spec.as_object().unwrap().clone() }, "")
        };
        let task = |port: Value| json!({"taskDefinition": {"networkMode": "awsvpc", "containerDefinitions": [{"name": "web", "portMappings": [port]}]}});
        let plain = object(task(json!({"containerPort": 80})), None);
        assert_eq!(
            plain,
            object(task(json!({"containerPort": 80, "hostPort": 80, "protocol": "tcp"})), None)
        );
        assert_ne!(plain, object(task(json!({"containerPort": 81})), None));
        let retried = object(task(json!({"containerPort": 80})), Some("once"));
        assert!(plain != retried && retried.len() == 16);
        assert_ne!(object(json!({}), None), object(json!({"autoscaling": {}}), None));
    }

    #[test]
    fn a_state_tag_reads_back_and_a_foreign_one_counts_as_lost() {
        let rejected = Rejected::new("cd", "web:12");
        let state = State {
            attempted: Some("ab".into()),
            before: Some("r9i43YFjvgF_xlg7m2eJ1".into()),
            rejected: Some(rejected),
            deletion: Some(DeletionPolicy::Retain),
            ..State::default()
        };
        let tags = Tags::from([(tag::STATE.to_owned(), state.to_string())]);
        assert_eq!(State::of(&tags), state);
        assert_eq!(State::of(&Tags::from([(tag::STATE.to_owned(), "v9 x".into())])), State::default());
    }

    #[test]
    fn the_longest_state_fits_a_tag_and_still_knows_its_revision() {
        let revision = format!("{}:123456", "f".repeat(255));
        let word = |letter: &str, count| Some(letter.repeat(count));
        let rejected = Rejected::new(&"d".repeat(16), &revision);
        assert!(rejected.tried(&revision) && rejected.revision().is_none());
        let state = State {
            attempted: word("a", 16),
            applied: word("b", 16),
            good: word("c", 16),
            before: word("e", 24),
            rejected: Some(Rejected::new(&"d".repeat(16), &"f".repeat(Rejected::LONGEST))),
            deletion: Some(DeletionPolicy::Retain),
        };
        assert!(state.to_string().len() <= 256, "{state}");
    }
}
