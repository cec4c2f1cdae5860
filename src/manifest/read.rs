//! From the documents of a file to manifests: apiVersion, kind, metadata, spec.
//!
//! Documents of other groups are left alone with a note; whatever is near to one of ours and is not one is
//! an error. Tests: at the end, and the corpus.

use super::convert::convert;
use super::problem::{ObjectName, Problem, Report, Source};
use super::suggest::nearest;
use super::tree::{Entry, Node, Value};
use super::{Manifest, yaml};
use crate::model::names::{GROUP, Kind, VERSION, annotation};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a file came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It was named: what is not a manifest is an error.
    ByName,
    /// It was found in a directory: what has nothing to do with us is skipped.
    InDirectory,
}

/// What a text holds.
#[derive(Debug, Default)]
pub struct Reading {
    pub manifests: Vec<Manifest>,
    pub problems: Vec<Problem>,
}

/// All manifests of `text`, which people know as `path`, and everything that is wrong with them.
pub fn read(path: &str, text: String, asked: Asked) -> Reading {
    let (documents, problems) = yaml::parse(path, &text);
    let source = Arc::new(Source::new(path, text, &documents));
    let mut reading = Reading { manifests: Vec::new(), problems };
    let mut report = Report::new(Arc::clone(&source));
    for document in &documents {
        for object in listed(document) {
            if report.is_full() {
                break;
            }
            report.object = None;
            if let Some(manifest) = manifest(object, asked, &mut report) {
                reading.manifests.push(manifest);
            }
        }
    }
    reading.problems.extend(report.finish());
    reading.problems.sort_by(|one, other| one.place.cmp(&other.place));
    reading
}

/// The objects of a document: itself, or those of a `kind: List`.
fn listed(document: &Node) -> Vec<&Node> {
    match (document.str("kind"), document.get("items")) {
        (Some("List"), Some(items)) => items.items().iter().collect(),
        _ if document.value == Value::Null => Vec::new(),
        _ => vec![document],
    }
}

fn manifest(object: &Node, asked: Asked, report: &mut Report) -> Option<Manifest> {
    let kind = kind(object, asked, report)?;
    let metadata = object.get("metadata");
    let name = metadata.and_then(|metadata| metadata.str("name"));
    let namespace = metadata.and_then(|metadata| metadata.str("namespace")).map(str::to_owned);
    report.object = name.map(|name| ObjectName { kind, namespace: namespace.clone(), name: name.to_owned() });
    members(object, &["apiVersion", "kind", "metadata", "spec", "status"], "the manifest", report);
    let mut texts = checked_metadata(object, metadata, report);
    let tree = match object.get("spec") {
        Some(spec) if spec.value != Value::Null => convert(kind.spec(), "spec", spec, report),
        _ => {
            report.error(object.at, "the manifest has no `spec`");
            object.with(Value::Invalid)
        }
    };
    Some(Manifest {
        kind,
        name: name?.to_owned(),
        namespace,
        labels: texts.remove("labels").unwrap_or_default(),
        annotations: texts.remove("annotations").unwrap_or_default(),
        spec: tree.to_document(),
        metadata: metadata.cloned().unwrap_or_default(),
        tree,
        at: object.at,
        source: Arc::clone(&report.source),
    })
}

/// The kind of an object of ours; everything else is said and gives none.
fn kind(object: &Node, asked: Asked, report: &mut Report) -> Option<Kind> {
    let Value::Map(entries) = &object.value else {
        not_a_manifest(
            object,
            asked,
            "a manifest is a map with `apiVersion`, `kind`, `metadata` and `spec`",
            report,
        );
        return None;
    };
    let (version, kind) = (object.get("apiVersion"), object.get("kind"));
    let (Some(version), Some(kind)) = (version, kind) else {
        return headless(object, entries, asked, report);
    };
    let (version_text, kind_text) = (version.as_str().unwrap_or_default(), kind.as_str().unwrap_or_default());
    let known = Kind::find(kind_text);
    let (group, of_group) = version_text.split_once('/').unwrap_or((version_text, ""));
    let is_near = group == GROUP || strsim::damerau_levenshtein(group, GROUP) <= 3;
    if !is_near && known.is_none() {
        report.note(object.at, format!("`{kind_text}` of `{version_text}` is not the operator's: skipped"));
        return None;
    }
    if group != GROUP || of_group != VERSION {
        let problem = report.error(version.at, format!("there is no `{version_text}`"));
        problem.hint(format!("write `apiVersion: {GROUP}/{VERSION}`"));
        return None;
    }
    if known.is_none() {
        let names = Kind::ALL.map(Kind::name);
        let hint = nearest(kind_text, names).map_or_else(
            || format!("the kinds are {}", names.map(|name| format!("`{name}`")).join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        report.error(kind.at, format!("there is no kind `{kind_text}`")).hint(hint);
    }
    known
}

/// A map without apiVersion or kind: a manifest with a mistake, a pasted body, or something of others.
fn headless(object: &Node, entries: &[Entry], asked: Asked, report: &mut Report) -> Option<Kind> {
    let has = |names: &[&str]| {
        entries.iter().any(|entry| names.contains(&entry.name.to_ascii_lowercase().as_str()))
    };
    let pasted = [
        (&["containerdefinitions", "taskdefinition"][..], "this looks like a task definition"),
        (&["servicename", "services", "service"], "this looks like a service"),
    ];
    if let Some((_, what)) =
        pasted.iter().find(|(names, _)| has(names)).filter(|_| !has(&["kind", "apiversion"]))
    {
        let hint =
            format!("{what}: `ecs-operator import --file {}` makes a manifest of it", report.source.path);
        report.error(object.at, "not a manifest: it has no `apiVersion` and no `kind`").hint(hint);
        return None;
    }
    // A misspelled member of ours must not make a manifest vanish.
    let ours =
        has(&["apiversion", "metadata", "spec"]) || entries.iter().any(|entry| entry.name.starts_with("Ecs"));
    let asked = if ours { Asked::ByName } else { asked };
    let missing = if object.get("apiVersion").is_none() { "apiVersion" } else { "kind" };
    not_a_manifest(object, asked, &format!("not a manifest: it has no `{missing}`"), report);
    None
}

fn not_a_manifest(object: &Node, asked: Asked, why: &str, report: &mut Report) {
    if asked == Asked::InDirectory {
        report.note(object.at, "not a manifest: skipped");
        return;
    }
    report.error(object.at, why).hint(format!("a manifest begins with `apiVersion: {GROUP}/{VERSION}`"));
}

/// Reports members of `node` that are none of `known`.
fn members(node: &Node, known: &[&str], what: &str, report: &mut Report) {
    for Entry { name, node } in node.entries() {
        if !known.contains(&name.as_str()) && !name.starts_with('_') && !name.starts_with('$') {
            let problem = report.error(node.name_at, format!("{what} has no member `{name}`"));
            problem.hint =
                nearest(name, known.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
        }
    }
}

/// Members of metadata that people write, and those that a cluster adds.
const METADATA: [&str; 12] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
];

type Texts = BTreeMap<&'static str, BTreeMap<String, String>>;

/// Checks `metadata`; its labels and annotations.
fn checked_metadata(object: &Node, metadata: Option<&Node>, report: &mut Report) -> Texts {
    let Some(metadata) = metadata.filter(|metadata| matches!(metadata.value, Value::Map(_))) else {
        report.error(metadata.map_or(object.at, Node::mark), "the manifest has no `metadata.name`");
        return Texts::new();
    };
    let known: Vec<&str> = METADATA.iter().copied().chain(["uid", "selfLink", "generateName"]).collect();
    members(metadata, &known, "`metadata`", report);
    match metadata.get("name") {
        None => {
            report.error(metadata, "the manifest has no `metadata.name`");
        }
        Some(name) => object_name("metadata.name", name, 253, ".", report),
    }
    if let Some(namespace) = metadata.get("namespace") {
        object_name("metadata.namespace", namespace, 63, "", report);
    }
    ["labels", "annotations"].into_iter().map(|name| (name, texts(metadata, name, report))).collect()
}

/// A name as Kubernetes has it, so that a manifest that works in Git works there.
fn object_name(what: &str, node: &Node, most: usize, more: &str, report: &mut Report) {
    let Some(name) = node.as_str() else {
        let found = node.value.describe();
        report.error(node.at, format!("`{what}` is a string, not {found}"));
        return;
    };
    let end = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    let inner = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-' || more.contains(letter)
    };
    let is_name = end(name.chars().next()) && end(name.chars().last()) && name.chars().all(inner);
    if !is_name || name.len() > most {
        let problem = report.error(node.at, format!("`{what}` cannot be `{name}`"));
        problem.hint(format!(
            "small letters, digits and `-`, at most {most}; the name on AWS may differ: it is a member of `spec`"
        ));
    }
}

/// A map of strings.
fn texts(metadata: &Node, name: &str, report: &mut Report) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for Entry { name: key, node } in metadata.get(name).map_or(&[][..], Node::entries) {
        match &node.value {
            Value::String(text) => {
                texts.insert(key.clone(), text.clone());
            }
            Value::Bool(_) | Value::Number(_) => {
                let text = node.to_json().to_string();
                report.warning(node.at, format!("`{key}` is a string: `\"{text}\"`"));
                texts.insert(key.clone(), text);
            }
            _ => {
                let found = node.value.describe();
                report.error(node.at, format!("`{key}` is a string, not {found}"));
            }
        }
        if key.starts_with(GROUP) && !annotation::ALL.contains(&key.as_str()) {
            let problem = report.error(node.name_at, format!("there is no `{key}`"));
            problem.hint = nearest(key, annotation::ALL).map(|meant| format!("did you mean `{meant}`?"));
        } else if key.starts_with(GROUP) && name == "labels" {
            report.error(node.name_at, format!("`{key}` is an annotation, not a label"));
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, asked: Asked) -> (usize, Vec<String>) {
        let reading = read("a.yaml", text.to_owned(), asked);
        (reading.manifests.len(), reading.problems.iter().map(ToString::to_string).collect())
    }

    const HEAD: &str = "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsCluster\n";

    #[test]
    fn a_manifest_knows_the_places_of_its_members() {
        let text = format!(
            "{HEAD}metadata:\n  name: shop\n  labels: {{a: b}}\nspec:\n  tags:\n    - key: team\n      value: web\n"
        );
        let reading = read("a.yaml", text, Asked::ByName);
        let manifest = &reading.manifests[0];
        assert_eq!(manifest.place("tags[0].value").to_string(), "a.yaml:9:14");
        assert_eq!(manifest.place("tags[0].nothing").to_string(), "a.yaml:8:7");
        assert_eq!(manifest.place("settings").to_string(), "a.yaml:6:1");
        assert_eq!(manifest.labels["a"], "b");
    }

    #[test]
    fn a_list_of_objects_is_read_and_others_are_left_alone() {
        let text = "kind: List\nitems:\n  - {apiVersion: ecs-operator.dev/v1alpha1, kind: EcsCluster, metadata: {name: a}, spec: {}}\n  - {apiVersion: v1, kind: ConfigMap}\n";
        let (count, said) = said(text, Asked::ByName);
        assert_eq!(count, 1);
        assert!(said.len() == 1 && said[0].contains("note: `ConfigMap` of `v1`"), "{said:?}");
    }

    #[test]
    fn what_is_near_to_ours_is_an_error() {
        for (text, words) in [
            ("apiVersion: ecs-operator.dev/v1\nkind: EcsCluster\n", "there is no `ecs-operator.dev/v1`"),
            (
                "apiVersion: ecs-operator.de/v1alpha1\nkind: Cluster\n",
                "write `apiVersion: ecs-operator.dev/v1alpha1`",
            ),
            ("apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsServices\n", "did you mean `EcsService`?"),
            ("apiversion: ecs-operator.dev/v1alpha1\nkind: EcsService\n", "it has no `apiVersion`"),
            ("metadata: {name: a}\nspec: {}\n", "it has no `apiVersion`"),
            ("containerDefinitions: []\n", "`ecs-operator import --file a.yaml` makes a manifest of it"),
        ] {
            let (count, said) = said(text, Asked::InDirectory);
            assert!(count == 0 && said.len() == 1 && said[0].contains(words), "{text}: {said:?}");
        }
        assert!(
            said("resources: [a.yaml]\n", Asked::InDirectory).1[0].contains("note: not a manifest: skipped")
        );
        assert!(!said("resources: [a.yaml]\n", Asked::ByName).1[0].contains("note: "));
    }

    #[test]
    fn metadata_is_that_of_kubernetes() {
        for (metadata, words) in [
            ("{}", "the manifest has no `metadata.name`"),
            ("{name: Shop}", "`metadata.name` cannot be `Shop`"),
            ("{name: 5}", "`metadata.name` is a string, not a number"),
            ("{name: a, nam: b}", "`metadata` has no member `nam`"),
            (
                "{name: a, annotations: {ecs-operator.dev/adpt: 'true'}}",
                "did you mean `ecs-operator.dev/adopt`?",
            ),
            (
                "{name: a, annotations: {ecs-operator.dev/adopt: true}}",
                "warning: `ecs-operator.dev/adopt` is a string",
            ),
            ("{name: a, labels: {ecs-operator.dev/adopt: 'true'}}", "is an annotation, not a label"),
        ] {
            let (_, said) = said(&format!("{HEAD}metadata: {metadata}\nspec: {{}}\n"), Asked::ByName);
            assert!(said.len() == 1 && said[0].contains(words), "{metadata}: {said:?}");
        }
    }
}
