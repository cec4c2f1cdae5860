//! What is wanted: the objects of a source, checked and resolved.

use super::names::{Key, Kind};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A JSON object in the crate's spelling (camelCase, checked against its shape).
pub type Document = Map<String, Value>;

/// Everything wanted, by the AWS resource it stands for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    pub objects: BTreeMap<Key, Object>,
    /// What the whole source declares that these objects are of; only beside it something can be taken for removed.
    /// `None` where that is not to be asked.
    pub source: Option<Arc<Declared>>,
}

impl Desired {
    /// None of the objects: only what is there beside all that is declared.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { source: self.source.clone(), ..Self::default() }
    }
}

/// What a whole source declares: the same however few of its objects a pass looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Of all objects, those that cannot be used included.
    pub keys: BTreeSet<Key>,
    /// The clusters, capacity providers and repositories that objects name, declared or not.
    pub named: BTreeSet<Key>,
    /// How many errors it has: what they hide may declare anything.
    pub errors: usize,
}

impl Declared {
    /// Whether an object of the source stands for this resource. To which cluster a capacity provider belongs is not
    /// always known: its name counts.
    pub fn has(&self, key: &Key) -> bool {
        let provider = |other: &Key| {
            other.kind == Kind::EcsCapacityProvider && other.region == key.region && other.name == key.name
        };
        self.keys.contains(key) || (key.kind == Kind::EcsCapacityProvider && self.keys.iter().any(provider))
    }
}

/// One object wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub key: Key,
    pub origin: Origin,
    pub policy: Policy,
    /// As declared, in canonical spelling, with the names filled in (`service.serviceName`, `service.cluster`,
    /// `taskDefinition.family`, `clusterName`, …) and nothing else: defaults stay absent.
    pub spec: Document,
}

impl Object {
    /// A part of the spec that is an object: `service`, `taskDefinition`, `autoscaling`.
    pub fn part(&self, name: &str) -> Option<&Document> {
        self.spec.get(name)?.as_object()
    }
}

/// The manifest an object comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub kind: Kind,
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
    /// `path:line` of a file, or the object's place in a cluster.
    pub place: String,
}

impl fmt::Display for Origin {
    /// `EcsService/checkout`: how people name an object, also on the command line.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// What the object's annotations ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub drift: DriftPolicy,
    /// Paths to leave alone, as the diff prints them.
    pub ignore: Vec<String>,
    pub adopt: bool,
    pub suspend: bool,
    pub deletion: DeletionPolicy,
    /// The hash of a plan whose replacement or deletion is confirmed.
    pub confirm: Option<String>,
    /// Any word: a new one has what was rejected tried again.
    pub retry: Option<String>,
}

impl Policy {
    /// What holds when no annotation says otherwise.
    pub fn of(kind: Kind) -> Self {
        Self {
            drift: DriftPolicy::Heal,
            ignore: Vec::new(),
            adopt: false,
            suspend: false,
            deletion: DeletionPolicy::of(kind),
            confirm: None,
            retry: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftPolicy {
    Heal,
    Report,
    Ignore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionPolicy {
    Delete,
    Retain,
}

impl DeletionPolicy {
    pub const ALL: [Self; 2] = [Self::Delete, Self::Retain];

    /// As the annotation has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Retain => "retain",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }

    /// What holds when no annotation says otherwise: services are deleted with their manifest, the rest is retained.
    pub fn of(kind: Kind) -> Self {
        if kind == Kind::EcsService { Self::Delete } else { Self::Retain }
    }
}
