//! What is wanted: the objects of a source, checked and resolved.

use super::names::{Key, Kind, last_segment};
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

impl Desired {
    /// These objects and what they depend on: a service's cluster, a cluster's capacity providers. What is not
    /// declared is left out; only when there is such a one all that the source declares stays known, which is what
    /// pruning goes by.
    #[must_use]
    pub fn around<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) -> Self {
        let mut open: Vec<Key> = keys.into_iter().cloned().collect();
        let is_undeclared = |key: &Key| !self.objects.contains_key(key);
        let source = self.source.clone().filter(|_| open.iter().any(is_undeclared));
        let mut around = Self { source, ..Self::default() };
        while let Some(key) = open.pop() {
            let Some(object) = self.objects.get(&key).filter(|_| !around.objects.contains_key(&key)) else {
                continue;
            };
            open.extend(object.depends_on());
            around.objects.insert(key, object.clone());
        }
        around
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

    /// What must be there before it, declared or not: its cluster, the capacity providers that it names.
    pub fn depends_on(&self) -> Vec<Key> {
        let names = |strategy: Option<&Value>| -> Vec<String> {
            let items = strategy.and_then(Value::as_array).into_iter().flatten();
            let name = |item: &Value| item["capacityProvider"].as_str().or(item.as_str()).map(str::to_owned);
            items.filter_map(name).collect()
        };
        let named = match self.key.kind {
            Kind::EcsCluster => {
                let strategy = names(self.spec.get("defaultCapacityProviderStrategy"));
                [names(self.spec.get("capacityProviders")), strategy].concat()
            }
            Kind::EcsService => {
                names(self.part("service").and_then(|service| service.get("capacityProviderStrategy")))
            }
            Kind::EcsCapacityProvider | Kind::EcrRepository => Vec::new(),
        };
        // One of Managed Instances belongs to a cluster, which is part of its key.
        let cluster =
            if self.key.kind == Kind::EcsCluster { Some(&self.key.name) } else { self.key.cluster.as_ref() };
        let provider = |name: &str, cluster: Option<&String>| Key {
            kind: Kind::EcsCapacityProvider,
            cluster: cluster.cloned(),
            name: last_segment(name).to_owned(),
            ..self.key.clone()
        };
        let providers = named.iter().flat_map(|name| [provider(name, None), provider(name, cluster)]);
        let of_cluster = self.key.cluster.as_ref().map(|cluster| self.key.of_cluster(cluster));
        of_cluster.into_iter().chain(providers).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(kind: Kind, cluster: Option<&str>, name: &str) -> Key {
        let cluster = cluster.map(str::to_owned);
        Key { kind, region: "eu-central-1".to_owned(), cluster, name: name.to_owned() }
    }

    fn desired(objects: impl IntoIterator<Item = (Key, Value)>) -> Desired {
        let object = |(key, spec): (Key, Value)| {
            let origin =
                Origin { kind: key.kind, namespace: None, name: key.name.clone(), place: String::new() };
            let spec = spec.as_object().cloned().unwrap_or_default();
            (key.clone(), Object { origin, policy: Policy::of(key.kind), spec, key })
        };
        Desired { objects: objects.into_iter().map(object).collect(), source: None }
    }

    #[test]
    fn around_a_service_are_its_cluster_and_the_capacity_providers_that_either_names() {
        let (provider, cluster, service) = (Kind::EcsCapacityProvider, Kind::EcsCluster, Kind::EcsService);
        let arn = "arn:aws:ecs:eu-central-1:123456789012:capacity-provider/default";
        let strategy = |name: &str| json!([{"capacityProvider": name}]);
        let all = desired([
            (key(provider, None, "listed"), json!({})),
            (key(provider, None, "default"), json!({})),
            (key(provider, None, "unused"), json!({})),
            (key(provider, Some("shop"), "managed"), json!({})),
            (key(provider, Some("other"), "managed"), json!({})),
            (
                key(cluster, None, "shop"),
                json!({"capacityProviders": ["listed", "FARGATE"], "defaultCapacityProviderStrategy": strategy(arn)}),
            ),
            (key(cluster, None, "other"), json!({})),
            (
                key(service, Some("shop"), "web"),
                json!({"service": {"capacityProviderStrategy": strategy("managed")}}),
            ),
            (key(service, Some("shop"), "api"), json!({"service": {}})),
            (key(service, Some("elsewhere"), "alone"), json!({"service": {}})),
            (key(Kind::EcrRepository, None, "web"), json!({})),
        ]);
        let around = |keys: &[Key]| -> Vec<String> {
            all.around(keys).objects.keys().map(ToString::to_string).collect()
        };
        let shop = ["EcsCapacityProvider/default", "EcsCapacityProvider/listed", "EcsCluster/shop"];
        assert_eq!(around(&[key(cluster, None, "shop")]), shop);
        assert_eq!(
            around(&[key(service, Some("shop"), "web")]),
            [shop[0], shop[1], "EcsCapacityProvider/shop/managed", shop[2], "EcsService/shop/web",]
        );
        assert_eq!(
            around(&[key(provider, Some("other"), "managed")]),
            ["EcsCapacityProvider/other/managed", "EcsCluster/other"]
        );
        assert_eq!(around(&[key(service, Some("elsewhere"), "alone")]), ["EcsService/elsewhere/alone"]);
        assert_eq!(around(&[key(service, Some("shop"), "gone")]), [""; 0]);
        assert_eq!(all.around(all.objects.keys()), all);
    }
}
