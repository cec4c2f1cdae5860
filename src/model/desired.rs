//! What is wanted: the objects of a source, checked and resolved.

use super::names::{Key, Kind, last_segment};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// A JSON object in the crate's spelling (camelCase, checked against its shape).
pub type Document = Map<String, Value>;

/// Everything wanted, by the AWS resource it stands for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    pub objects: BTreeMap<Key, Object>,
}

impl Desired {
    /// The objects of `keys` with all that they depend on: what is planned of them is as if all were planned.
    #[must_use]
    pub fn around<'a>(&'a self, keys: impl IntoIterator<Item = &'a Key>) -> Self {
        let mut open: Vec<Key> = keys.into_iter().cloned().collect();
        let mut part = Self::default();
        while let Some(key) = open.pop() {
            let Some(object) = self.objects.get(&key).filter(|_| !part.objects.contains_key(&key)) else {
                continue;
            };
            open.extend(object.depends_on());
            part.objects.insert(key, object.clone());
        }
        part
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

    /// What it may depend on, wherever that is declared: its cluster, and the capacity providers that it names.
    pub fn depends_on(&self) -> Vec<Key> {
        let key = &self.key;
        let cluster = match key.kind {
            Kind::EcsService => Some(key.its_cluster()),
            Kind::EcsCapacityProvider => key.cluster.as_ref().map(|cluster| key.of_cluster(cluster)),
            Kind::EcsCluster => Some(key.clone()),
            Kind::EcrRepository => None,
        };
        let list = |pointer: [&str; 2]| {
            let part = if pointer[0].is_empty() { Some(&self.spec) } else { self.part(pointer[0]) };
            part.and_then(|part| part.get(pointer[1])?.as_array()).into_iter().flatten()
        };
        let named = list(["", "capacityProviders"]).filter_map(Value::as_str);
        let in_strategy = list(["", "defaultCapacityProviderStrategy"])
            .chain(list(["service", "capacityProviderStrategy"]))
            .filter_map(|item| item["capacityProvider"].as_str());
        let providers = named.chain(in_strategy).map(last_segment).flat_map(|name| {
            // Of the account, or of the cluster alone (Managed Instances).
            let of = |cluster: Option<&Key>| Key {
                kind: Kind::EcsCapacityProvider,
                region: key.region.clone(),
                cluster: cluster.map(|cluster| cluster.name.clone()),
                name: name.to_owned(),
            };
            [of(None), of(cluster.as_ref())]
        });
        let mut keys: Vec<Key> = providers.collect();
        keys.extend(cluster.filter(|cluster| cluster != key));
        keys
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

impl Origin {
    /// `place` without its line: what a broken file holds.
    pub fn file(&self) -> &str {
        match self.place.rsplit_once(':') {
            Some((file, line)) if line.bytes().all(|digit| digit.is_ascii_digit()) => file,
            _ => &self.place,
        }
    }
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
