//! From manifests to what is wanted: names filled in, annotations read, objects checked against each other.
//!
//! Pure. An object with an error is left out and all others stay; that it was declared is remembered, so that
//! nobody takes it for removed. Tests: at the end, and `resolve/cross.rs`.

mod cross;
mod policy;

use crate::manifest::Manifest;
use crate::manifest::problem::{ObjectName, Problem, Severity};
use crate::manifest::tree::{Mark, Node};
use crate::model::desired::{Desired, Document, Object, Origin};
use crate::model::names::{Key, Kind, last_segment};
use crate::source::Snapshot;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What the source does not say.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The SDK's Region, for objects that name none.
    pub default_region: Option<String>,
}

/// What a snapshot comes to.
#[derive(Debug, Clone, Default)]
pub struct Resolved {
    pub desired: Desired,
    /// Those of the snapshot and those found here.
    pub problems: Vec<Problem>,
    /// Objects that are declared and cannot be used: what runs of them stays as it is.
    pub invalid: BTreeSet<Key>,
}

/// Resolves all objects of a snapshot.
pub fn resolve(snapshot: &Snapshot, options: &Options) -> Resolved {
    let mut problems = snapshot.problems.clone();
    let regions = Regions::of(&snapshot.objects, options);
    let candidates: Vec<Candidate> =
        snapshot.objects.iter().map(|manifest| candidate(manifest, &regions, &mut problems)).collect();
    duplicates(&candidates, &mut problems);
    cross::check(&candidates, &mut problems);
    let faulty: BTreeSet<ObjectName> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .filter_map(|problem| problem.object.clone())
        .collect();
    let mut resolved = Resolved { problems, ..Resolved::default() };
    for Candidate { manifest, object } in candidates {
        if faulty.contains(&manifest.object()) {
            resolved.invalid.insert(object.key);
        } else {
            resolved.desired.objects.insert(object.key.clone(), object);
        }
    }
    resolved
}

/// An object that will be wanted unless something is wrong with it.
struct Candidate<'a> {
    manifest: &'a Manifest,
    object: Object,
}

impl Candidate<'_> {
    fn error(&self, at: impl Into<Mark>, message: impl Into<String>) -> Problem {
        self.manifest.problem(Severity::Error, at, message)
    }
}

/// Regions of declared clusters, by name.
struct Regions<'a> {
    clusters: HashMap<&'a str, Vec<&'a str>>,
    default: &'a str,
}

impl<'a> Regions<'a> {
    fn of(manifests: &'a [Manifest], options: &'a Options) -> Self {
        let mut clusters: HashMap<&str, Vec<&str>> = HashMap::new();
        for manifest in manifests.iter().filter(|manifest| manifest.kind == Kind::EcsCluster) {
            let name = manifest.tree.str("clusterName").unwrap_or(&manifest.name);
            clusters.entry(name).or_default().extend(manifest.tree.str("region"));
        }
        Self { clusters, default: options.default_region.as_deref().unwrap_or_default() }
    }

    /// An object's own Region, that of the ARN or the declared cluster it names, or the default.
    fn find(&self, own: Option<&'a str>, cluster: Option<&'a str>) -> &'a str {
        let in_arn = cluster.and_then(|cluster| cluster.strip_prefix("arn:")?.split(':').nth(2));
        let declared = || match self.clusters.get(last_segment(cluster?))?.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        own.or(in_arn).or_else(declared).unwrap_or(self.default)
    }
}

fn candidate<'a>(manifest: &'a Manifest, regions: &Regions, problems: &mut Vec<Problem>) -> Candidate<'a> {
    let tree = &manifest.tree;
    let mut spec = manifest.spec.clone();
    let cluster = match manifest.kind {
        Kind::EcsService => tree.at_path(&["service", "cluster"]).and_then(Node::as_str),
        Kind::EcsCapacityProvider => tree.str("cluster"),
        _ => None,
    };
    let region = regions.find(tree.str("region"), cluster).to_owned();
    let (name, cluster) = match manifest.kind {
        Kind::EcsCluster => (named(&mut spec, "clusterName", &manifest.name), None),
        Kind::EcrRepository => (named(&mut spec, "repositoryName", &manifest.name), None),
        Kind::EcsCapacityProvider => {
            let cluster = cluster.map(|cluster| last_segment(cluster).to_owned());
            if let Some(cluster) = &cluster {
                spec.insert("cluster".to_owned(), Value::String(cluster.clone()));
            }
            (named(&mut spec, "name", &manifest.name), cluster)
        }
        Kind::EcsService => {
            let (name, cluster) = service_names(manifest, &mut spec, problems);
            (name, Some(cluster))
        }
    };
    let key = Key { kind: manifest.kind, region, cluster, name };
    let place = manifest.source.place(manifest.at);
    let origin = Origin {
        kind: manifest.kind,
        namespace: manifest.namespace.clone(),
        name: manifest.name.clone(),
        place: if place.line == 0 { place.path } else { format!("{}:{}", place.path, place.line) },
    };
    let policy = policy::read(manifest, problems);
    Candidate { manifest, object: Object { key, origin, policy, spec } }
}

/// The member that names the resource, filled in with `metadata.name` when it is absent.
fn named(body: &mut Document, member: &str, name: &str) -> String {
    let given =
        body.get(member).and_then(Value::as_str).filter(|given| !given.is_empty()).unwrap_or(name).to_owned();
    body.insert(member.to_owned(), Value::String(given.clone()));
    given
}

/// Fills in the names of a service, of its cluster and of its family.
fn service_names(manifest: &Manifest, spec: &mut Document, problems: &mut Vec<Problem>) -> (String, String) {
    let mut empty = Document::new();
    let service = spec.get_mut("service").and_then(Value::as_object_mut).unwrap_or(&mut empty);
    let name = named(service, "serviceName", &manifest.name);
    let cluster = service.get("cluster").and_then(Value::as_str).unwrap_or("default");
    let cluster = last_segment(cluster).to_owned();
    service.insert("cluster".to_owned(), Value::String(cluster.clone()));
    let declared = service.get("taskDefinition").and_then(Value::as_str).map(str::to_owned);
    let Some(definition) = spec.get_mut("taskDefinition").and_then(Value::as_object_mut) else {
        return (name, cluster);
    };
    let family = named(definition, "family", &name);
    if let Some(declared) = declared {
        let named = crate::model::names::family_and_revision(&declared);
        let named = named.split(':').next().unwrap_or_default();
        if named != family {
            let at = manifest.tree.nearest("service.taskDefinition").mark();
            let message = format!(
                "`service.taskDefinition` names the family `{named}`, `taskDefinition` is `{family}`"
            );
            let mut problem = manifest.problem(Severity::Error, at, message);
            problem.hint(format!(
                "write `family: {named}` under `taskDefinition`, or leave `service.taskDefinition` out"
            ));
            problems.push(problem);
        }
        if let Some(service) = spec.get_mut("service").and_then(Value::as_object_mut) {
            service.remove("taskDefinition");
        }
    }
    (name, cluster)
}

/// Two manifests of one name, and two that stand for one AWS resource.
fn duplicates(candidates: &[Candidate], problems: &mut Vec<Problem>) {
    let mut names: BTreeMap<ObjectName, &Candidate> = BTreeMap::new();
    let mut keys: BTreeMap<&Key, &Candidate> = BTreeMap::new();
    for candidate in candidates {
        let Candidate { manifest, object } = candidate;
        let place = |of: &Candidate| of.manifest.source.place(of.manifest.name_mark());
        if let Some(first) = names.insert(manifest.object(), candidate) {
            let message = format!("`{}` is declared twice", manifest.object());
            problems.push(candidate.error(manifest.name_mark(), message));
            let last = problems.len() - 1;
            problems[last].related(place(first), "the first one");
            continue;
        }
        if let Some(first) = keys.insert(&object.key, candidate) {
            let message = format!(
                "`{}` and `{}` are one resource: `{}`",
                first.object.origin, object.origin, object.key
            );
            for (one, other) in [(first, candidate), (candidate, first)] {
                let mut problem = one.error(one.manifest.name_mark(), message.clone());
                problem.related(place(other), "the other one");
                problems.push(problem);
            }
        }
    }
}
