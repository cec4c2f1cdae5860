//! What is wanted, in its last valid form: what a source says now, and of what it says badly, what it said before.
//!
//! A file that cannot be used holds its objects: they stay as they were last valid, and drift of them is healed to
//! that. What was never valid is not wanted. Only what a whole source no longer declares is gone. Pure. Tests: at the end.

use crate::manifest::Manifest;
use crate::manifest::problem::{ObjectName, Problem};
use crate::manifest::tree::Node;
use crate::model::desired::{Desired, Object, Origin};
use crate::model::names::{Key, Kind};
use crate::report::{Event, Happening};
use crate::resolve::Resolved;
use crate::source::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

const UNSURE: &str = "its cluster may be declared in a file that cannot be read, so its Region is not known";

/// What is declared.
#[derive(Debug, Default)]
pub struct Declared {
    /// Every object in its last valid form.
    pub desired: Arc<Desired>,
    /// Of those, the ones whose present manifest is not that form.
    pub kept: BTreeSet<Key>,
    /// Where the source is: a commit.
    pub revision: Option<String>,
    /// What is wrong with the source, by what it is about: an object, or a file.
    pub wrong: BTreeMap<String, String>,
    pub files: usize,
}

/// What another look at the source brought.
#[derive(Debug, Default, PartialEq)]
pub struct Reload {
    /// New, or otherwise declared than before.
    pub changed: BTreeSet<Key>,
    /// No longer declared, as they were.
    pub gone: Vec<Object>,
    pub events: Vec<Event>,
}

impl Declared {
    /// Takes in what a source says now.
    pub fn load(&mut self, snapshot: &Snapshot, resolved: Resolved) -> Reload {
        let faults = Faults::of(snapshot, &resolved);
        let before = std::mem::take(&mut self.desired);
        let (mut reload, mut desired) = (Reload::default(), resolved.desired.beside());
        for (key, object) in &resolved.desired.objects {
            let old = before.objects.get(key);
            if old.is_none() && faults.unsure.contains(&name(object)) {
                continue;
            }
            if old.is_none_or(|old| old.spec != object.spec || old.policy != object.policy) {
                reload.changed.insert(key.clone());
            }
            desired.objects.insert(key.clone(), object.clone());
        }
        self.kept.clear();
        for (key, old) in &before.objects {
            if desired.objects.contains_key(key) {
                continue;
            }
            if faults.hold(old) {
                self.kept.insert(key.clone());
                desired.objects.insert(key.clone(), old.clone());
            } else {
                reload.gone.push(old.clone());
            }
        }
        self.desired = Arc::new(desired);
        self.revision.clone_from(&snapshot.revision);
        self.files = snapshot.files.len();
        reload.events.extend(self.complain(&resolved.problems, &faults.unsure));
        reload
    }

    /// What is wrong that was not told, and what is no longer wrong.
    fn complain(&mut self, problems: &[Problem], unsure: &BTreeSet<ObjectName>) -> Vec<Event> {
        let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for error in problems.iter().filter(|problem| problem.is_error()) {
            let about = error.object.as_ref().map_or_else(|| error.place.path.clone(), ToString::to_string);
            let text = format!("{}: {}", error.place, error.message);
            wrong.entry(about).or_default().push(text);
        }
        let known = |name: &ObjectName| {
            let settled = |object: &Object| self::name(object) == *name && !self.kept.contains(&object.key);
            self.desired.objects.values().any(settled)
        };
        for name in unsure.iter().filter(|name| !known(name)) {
            wrong.entry(name.to_string()).or_insert_with(|| vec![UNSURE.to_owned()]);
        }
        let wrong = wrong.into_iter().map(|(about, texts)| (about, texts.join("; "))).collect();
        let before = std::mem::replace(&mut self.wrong, wrong);
        let is_new = |(about, text): &(&String, &String)| before.get(*about) != Some(*text);
        let new = self.wrong.iter().filter(is_new).map(|(about, text)| {
            let keeps = self.kept.iter().any(|key| self.is_about(about, key));
            let what = if keeps { "kept as it was last valid" } else { "nothing is done about it" };
            Event::of(about, Happening::Invalid, format!("{text}; {what}"))
        });
        let over = before.keys().filter(|about| !self.wrong.contains_key(*about));
        let over = over.map(|about| Event::of(about, Happening::Valid, ""));
        new.chain(over).collect()
    }

    /// Whether a kept object is the one, or of the file, that a complaint is about.
    fn is_about(&self, about: &str, key: &Key) -> bool {
        let Some(object) = self.desired.objects.get(key) else { return false };
        object.origin.to_string() == about || is_below(object.origin.file(), about)
    }
}

/// What the errors of a source cover.
struct Faults<'a> {
    /// Files and folders with errors.
    places: BTreeSet<&'a str>,
    invalid: &'a BTreeSet<Key>,
    /// Nothing at all was read: that says nothing of any object.
    is_empty: bool,
    /// Objects that take their Region from a cluster which may stand in what could not be read.
    unsure: BTreeSet<ObjectName>,
}

impl<'a> Faults<'a> {
    fn of(snapshot: &'a Snapshot, resolved: &'a Resolved) -> Self {
        let errors = resolved.problems.iter().filter(|problem| problem.is_error());
        let places: BTreeSet<&str> = errors.map(|problem| problem.place.path.as_str()).collect();
        Self {
            is_empty: snapshot.objects.is_empty() && !places.is_empty(),
            unsure: if snapshot.is_partial() { unsure(&snapshot.objects) } else { BTreeSet::new() },
            invalid: &resolved.invalid,
            places,
        }
    }

    /// Whether an object that is not validly declared now is to be kept.
    fn hold(&self, old: &Object) -> bool {
        let file = old.origin.file();
        self.is_empty
            || self.invalid.contains(&old.key)
            || self.unsure.contains(&name(old))
            || self.places.iter().any(|place| is_below(file, place))
    }
}

/// Without a Region of their own, in clusters that none of these manifests declares.
fn unsure(manifests: &[Manifest]) -> BTreeSet<ObjectName> {
    let clusters = manifests.iter().filter(|manifest| manifest.kind == Kind::EcsCluster);
    let clusters: BTreeSet<&str> =
        clusters.map(|cluster| cluster.tree.str("clusterName").unwrap_or(&cluster.name)).collect();
    let is_unsure = |manifest: &&Manifest| {
        let cluster = match manifest.kind {
            Kind::EcsService => manifest.tree.at_path(&["service", "cluster"]).and_then(Node::as_str),
            Kind::EcsCapacityProvider => manifest.tree.str("cluster"),
            Kind::EcsCluster | Kind::EcrRepository => None,
        };
        let undeclared = cluster.is_some_and(|name| !name.starts_with("arn:") && !clusters.contains(name));
        undeclared && manifest.tree.str("region").is_none()
    };
    manifests.iter().filter(is_unsure).map(Manifest::object).collect()
}

fn name(object: &Object) -> ObjectName {
    let Origin { kind, namespace, name, .. } = object.origin.clone();
    ObjectName { kind, namespace, name }
}

/// Whether `path` is `folder` or below it.
fn is_below(path: &str, folder: &str) -> bool {
    Path::new(path).starts_with(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::problem::Severity;
    use crate::manifest::read::{Asked, read};
    use crate::resolve::{Options, resolve};

    const SHOP: &str = "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsCluster\nmetadata: {name: shop}\nspec: {region: us-east-1}\n";

    fn service(name: &str, more: &str) -> String {
        format!(
            "---\napiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata: {{name: {name}}}\nspec: {{service: {{cluster: shop, launchType: EC2, taskDefinition: web{more}}}}}\n"
        )
    }

    /// A source of these files, the way it stands to what was declared before.
    fn load(declared: &mut Declared, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let mut snapshot = Snapshot::default();
        for (path, text) in files {
            let reading = read(path, (*text).to_owned(), Asked::InDirectory);
            snapshot.files.push((*path).to_owned());
            snapshot.objects.extend(reading.manifests);
            snapshot.problems.extend(reading.problems);
        }
        if files.is_empty() {
            snapshot.problems.push(Problem::about(
                Severity::Error,
                "m",
                "there is no such file or directory",
            ));
        }
        let options = Options { default_region: Some("eu-central-1".to_owned()) };
        let resolved = resolve(&snapshot, &options);
        let reload = declared.load(&snapshot, resolved);
        let changed = reload.changed.iter().map(|key| format!("{} {}", key.name, key.region)).collect();
        let told = reload.events.iter().map(|event| event.text(""));
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string().trim().to_owned();
        (changed, told.map(plain).collect())
    }

    fn names(declared: &Declared) -> Vec<&str> {
        declared.desired.objects.keys().map(|key| key.name.as_str()).collect()
    }

    #[test]
    fn only_what_is_declared_otherwise_has_changed() {
        let mut declared = Declared::default();
        let (web, api) = (service("web", ""), service("api", ""));
        let (changed, _) = load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", &format!("{web}{api}"))]);
        assert_eq!(changed, ["shop us-east-1", "api us-east-1", "web us-east-1"]);
        let web = service("web", ", desiredCount: 2");
        let (changed, told) =
            load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", &format!("# moved\n{web}{api}"))]);
        assert_eq!((changed, told), (vec!["web us-east-1".to_owned()], vec![]));
    }

    #[test]
    fn a_file_that_becomes_invalid_holds_its_objects_and_the_rest_goes_on() {
        let mut declared = Declared::default();
        let both = service("web", "") + &service("api", "");
        load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", &both)]);
        let before = declared.desired.objects.clone();
        // Broken text, an object that is wrong, a file that is gone and an error at its folder: all the same.
        for (at, broken) in
            ["kind: [", &(service("web", ", desiredcount: 1") + &service("api", ""))].into_iter().enumerate()
        {
            let (changed, told) = load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", broken)]);
            assert_eq!((changed, &declared.desired.objects), (vec![], &before));
            assert!(
                told.iter().any(|one| one.contains("invalid") && one.ends_with("kept as it was last valid")),
                "{told:?}"
            );
            assert_eq!(declared.kept.len(), 2 - at, "{:?}", declared.kept);
            let (_, again) = load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", broken)]);
            assert_eq!(again, [""; 0], "told once");
        }
        let (changed, told) = load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", &both)]);
        assert_eq!((changed, declared.kept.len()), (vec![], 0));
        assert_eq!(told, ["✓ EcsService/web valid again"]);
    }

    #[test]
    fn what_was_never_valid_is_told_and_not_wanted() {
        let mut declared = Declared::default();
        let (_, told) =
            load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", &service("web", ", desiredcount: 1"))]);
        assert_eq!(names(&declared), ["shop"]);
        assert!(
            told[0].starts_with("x EcsService/web invalid: m/b.yaml:5")
                && told[0].ends_with("nothing is done about it"),
            "{told:?}"
        );
    }

    #[test]
    fn what_two_files_declare_stays_as_it_was() {
        let mut declared = Declared::default();
        load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", &service("web", ""))]);
        let before = declared.desired.objects.clone();
        let (changed, _) = load(
            &mut declared,
            &[
                ("m/a.yaml", SHOP),
                ("m/b.yaml", &service("web", "")),
                ("m/c.yaml", &service("web", ", desiredCount: 9")),
            ],
        );
        assert_eq!((changed, &declared.desired.objects), (vec![], &before));
        assert_eq!(declared.kept.len(), 1);
    }

    #[test]
    fn a_deleted_manifest_takes_its_objects_away_and_a_source_that_is_gone_none() {
        let mut declared = Declared::default();
        load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", &service("web", ""))]);
        let (_, told) = load(&mut declared, &[]);
        assert_eq!(names(&declared), ["shop", "web"]);
        assert!(told[0].starts_with("x m invalid: m: there is no such"), "{told:?}");
        load(&mut declared, &[("m/a.yaml", SHOP)]);
        assert_eq!(names(&declared), ["shop"]);
    }

    #[test]
    fn nothing_moves_to_another_region_because_its_cluster_cannot_be_read() {
        let mut declared = Declared::default();
        let web = service("web", "");
        load(&mut declared, &[("m/a.yaml", SHOP), ("m/b.yaml", &web)]);
        let before = declared.desired.objects.clone();
        let broken = [("m/a.yaml", "kind: ["), ("m/b.yaml", web.as_str())];
        load(&mut declared, &broken);
        assert_eq!(declared.desired.objects, before);
        let mut restarted = Declared::default();
        let (_, told) = load(&mut restarted, &broken);
        assert_eq!(names(&restarted), [""; 0]);
        assert!(told.iter().any(|one| one.contains("EcsService/web invalid: its cluster")), "{told:?}");
    }
}
