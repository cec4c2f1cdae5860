//! From manifests to what is wanted: names filled in, annotations read, objects checked against each other.
//!
//! Pure. An object with an error is left out and all others stay; that it was declared is remembered, so that
//! nobody takes it for removed ([`declared`]). Tests: at the end, and `resolve/cross.rs`.

mod checks;
#[cfg(test)]
mod corpus;
mod cross;
mod declared;
mod policy;

use crate::manifest::Manifest;
use crate::manifest::checks::UNREADABLE;
use crate::manifest::problem::{ObjectName, Place, Problem, Severity};
use crate::manifest::tree::{Mark, Node};
use crate::model::desired::{Desired, Document, Object, Origin};
use crate::model::names::{Key, Kind, last_segment};
use crate::source::Snapshot;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

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
    checks::check(&candidates, &mut problems);
    cross::check(&candidates, &mut problems);
    in_order(&mut problems, &snapshot.files);
    let faulty: BTreeSet<ObjectName> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .filter_map(|problem| problem.object.clone())
        .collect();
    let source = declared::declared(candidates.iter().map(|candidate| &candidate.object), &problems);
    let mut resolved = Resolved { problems, ..Resolved::default() };
    resolved.desired.source = Some(Arc::new(source));
    for Candidate { manifest, object } in candidates {
        if faulty.contains(&manifest.object()) || !manifest.tree.is_valid() {
            resolved.invalid.insert(object.key);
        } else {
            resolved.desired.objects.insert(object.key.clone(), object);
        }
    }
    resolved
}

/// As people read: file by file, each from its first line to its last, and then what is said of it as a whole.
fn in_order(problems: &mut [Problem], files: &[String]) {
    let order: HashMap<&str, usize> =
        files.iter().enumerate().map(|(at, file)| (file.as_str(), at)).collect();
    problems.sort_by_cached_key(|problem| {
        let Place { path, line, column } = problem.place.clone();
        let file = order.get(path.as_str()).copied().unwrap_or(usize::MAX);
        (file, path, line.checked_sub(1).unwrap_or(u32::MAX), column)
    });
}

/// An object that will be wanted unless something is wrong with it: then its spec may hold stand-ins.
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
    let mut spec = tree.to_document_with(UNREADABLE);
    let cluster = match manifest.kind {
        Kind::EcsService => {
            let named = tree.at_path(&["service", "cluster"]).and_then(Node::as_str);
            Some(named.unwrap_or("default"))
        }
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
        let place = |of: &Candidate| of.manifest.name_place();
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

#[cfg(test)]
mod testing {
    use super::*;
    use crate::manifest::read::{Asked, read};

    pub const CLUSTER: &str = "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsCluster\nmetadata: {name: shop}\nspec: {region: eu-central-1, capacityProviders: [FARGATE], defaultCapacityProviderStrategy: [{capacityProvider: FARGATE, weight: 1}]}\n";

    pub fn service(name: &str, body: &str) -> String {
        format!(
            "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata: {{name: {name}}}\nspec: {{service: {{{body}}}}}\n"
        )
    }

    /// Files `0.yaml`, `1.yaml` … resolved, and all that is said.
    pub fn resolved(files: &[&str]) -> (Resolved, Vec<String>) {
        let mut snapshot = Snapshot::default();
        for (at, text) in files.iter().enumerate() {
            let reading = read(&format!("{at}.yaml"), (*text).to_owned(), Asked::ByName);
            snapshot.objects.extend(reading.manifests);
            snapshot.problems.extend(reading.problems);
        }
        let options = Options { default_region: Some("eu-west-1".to_owned()) };
        let resolved = resolve(&snapshot, &options);
        let said = resolved.problems.iter().map(ToString::to_string).collect();
        (resolved, said)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{CLUSTER, resolved, service};
    use super::*;

    fn keys(resolved: &Resolved) -> Vec<String> {
        let key = |key: &Key| format!("{key} in {}", key.region);
        resolved.desired.objects.keys().map(key).collect()
    }

    #[test]
    fn a_service_takes_the_region_of_its_declared_cluster() {
        let (found, said) =
            resolved(&[CLUSTER, &service("web", "cluster: shop, taskDefinition: web, launchType: EC2")]);
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(keys(&found), ["EcsCluster/shop in eu-central-1", "EcsService/shop/web in eu-central-1"]);
    }

    #[test]
    fn names_are_filled_in() {
        let arn = "'arn:aws:ecs:us-east-1:123456789012:cluster/other'";
        let (found, said) = resolved(&[&service("web", &format!("cluster: {arn}, taskDefinition: 'web:3'"))]);
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(keys(&found), ["EcsService/other/web in us-east-1"]);
        let object = found.desired.objects.values().next().unwrap();
        let body = object.part("service").unwrap();
        assert_eq!((&body["serviceName"], &body["cluster"]), (&"web".into(), &"other".into()));
        assert_eq!(body["taskDefinition"], "web:3");
        assert_eq!(object.origin.place, "0.yaml:1");
        let (found, _) = resolved(&[&service("web", "taskDefinition: web")]);
        assert_eq!(keys(&found), ["EcsService/default/web in eu-west-1"]);
    }

    #[test]
    fn a_family_beside_a_task_definition_is_ignored_or_an_error() {
        let both = |family: &str| {
            service("web", &format!("taskDefinition: {family}")).replace(
                "spec: {",
                "spec: {taskDefinition: {containerDefinitions: [{name: a, image: b, memory: 64}]}, ",
            )
        };
        let (found, said) = resolved(&[&both("'web:7'")]);
        assert_eq!(said, Vec::<String>::new());
        let object = found.desired.objects.values().next().unwrap();
        assert_eq!(object.part("taskDefinition").unwrap()["family"], "web");
        assert!(!object.part("service").unwrap().contains_key("taskDefinition"));
        let (found, said) = resolved(&[&both("other")]);
        assert!(said[0].contains("names the family `other`"), "{said:?}");
        assert!(found.desired.objects.is_empty() && found.invalid.len() == 1);
    }

    #[test]
    fn two_manifests_for_one_resource_are_an_error_with_both_places() {
        let (found, said) =
            resolved(&[&service("web", "taskDefinition: a"), &service("web", "taskDefinition: b")]);
        assert!(said[0].starts_with("1.yaml:3:18: `EcsService/web` is declared twice"), "{said:?}");
        assert!(said[0].contains("0.yaml:3:18: the first one"), "{said:?}");
        assert!(found.desired.objects.is_empty());
        let (_, said) = resolved(&[
            &service("web", "taskDefinition: a"),
            &service("b", "serviceName: web, taskDefinition: b"),
        ]);
        assert_eq!(said.len(), 2);
        assert!(said[0].contains("are one resource: `EcsService/default/web`"), "{said:?}");
        assert!(said[0].contains("1.yaml:3:18: the other one"), "{said:?}");
    }

    #[test]
    fn one_bad_object_leaves_the_others() {
        let (found, said) = resolved(&[CLUSTER, &service("web", "desiredcount: 2, taskDefinition: web")]);
        assert_eq!(said.len(), 1);
        assert_eq!(keys(&found), ["EcsCluster/shop in eu-central-1"]);
        assert_eq!(found.invalid.iter().next().unwrap().name, "web");
    }
}

#[cfg(test)]
mod examples {
    use super::*;
    use crate::source::load;
    use std::path::Path;

    #[test]
    fn every_example_is_read_without_a_word() {
        for (example, count) in [("hello", 2), ("shop", 11)] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
            let resolved = resolve(&load(&[path], &mut std::io::empty()), &Options::default());
            let said: Vec<String> = resolved.problems.iter().map(ToString::to_string).collect();
            assert_eq!(said, Vec::<String>::new());
            assert_eq!(resolved.desired.objects.len(), count, "{example}");
            assert!(resolved.desired.objects.keys().all(|key| key.region == "eu-central-1"), "{example}");
        }
    }
}
