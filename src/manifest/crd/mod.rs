//! The custom resource definitions of the four kinds: what a Kubernetes API server holds manifests to.
//!
//! They follow from the facts of the API models as the editors' schema does ([`structural`]), with what crosses members
//! as [`rules`]. They are exact where files are read with tolerance, have no defaults (a manifest stays what people
//! wrote), and let change what AWS can change: only names, clusters and Regions stay. An enum of a spec is closed, as AWS
//! refuses what the model does not know; what the operator itself writes into `status` is open, so that a newer operator can
//! report to an older definition. `crds/*.yaml` are these values; a test at the end holds them current and rewrites
//! them when `UPDATE_CRDS` is set. Against a real API server they are proved in `tests/kube/`.

mod rules;
mod structural;

pub use rules::{RULES, Rule};

use super::describe::description;
use super::status::{ObjectStatus, Status};
use super::write;
use crate::model::names::{GROUP, Kind, VERSION};
use serde_json::{Value, json};

/// What people call a kind, and which columns are its own.
struct Names {
    plural: &'static str,
    short: &'static str,
    /// Before and after those that every kind has.
    first: &'static [Column],
    then: &'static [Column],
}

/// Name, type, path, and whether only `-o wide` prints it.
type Column = (&'static str, &'static str, &'static str, bool);

const READY: Column = ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", false);
const SYNCED: Column = ("Synced", "string", ".status.conditions[?(@.type==\"Synced\")].status", false);
const AGE: Column = ("Age", "date", ".metadata.creationTimestamp", false);
/// What `-o wide` says of every kind.
const WIDE: [Column; 4] = [
    ("Reason", "string", ".status.conditions[?(@.type==\"Ready\")].reason", true),
    ("Message", "string", ".status.conditions[?(@.type==\"Ready\")].message", true),
    ("Drift", "integer", ".status.drift.count", true),
    ("ARN", "string", ".status.arn", true),
];

const fn names(kind: Kind) -> Names {
    match kind {
        Kind::EcsCapacityProvider => {
            Names { plural: "ecscapacityproviders", short: "ecscp", first: &[], then: &[] }
        }
        Kind::EcsCluster => Names { plural: "ecsclusters", short: "ecscl", first: &[], then: &[] },
        Kind::EcrRepository => Names {
            plural: "ecrrepositories",
            short: "ecrrepo",
            first: &[("Repository", "string", ".spec.repositoryName", false)],
            then: &[],
        },
        Kind::EcsService => Names {
            plural: "ecsservices",
            short: "ecssvc",
            first: &[("Cluster", "string", ".spec.service.cluster", false)],
            then: &[
                ("Desired", "integer", ".status.desired", false),
                ("Running", "integer", ".status.running", false),
                ("Revision", "string", ".status.revision", false),
                ("Pending", "integer", ".status.pending", true),
                ("Rollout", "string", ".status.rollout.stage", true),
            ],
        },
    }
}

/// The file of a kind's definition below `crds/`.
pub fn file_name(kind: Kind) -> String {
    format!("{}.yaml", names(kind).plural)
}

/// The definition as a YAML document.
pub fn yaml(kind: Kind) -> String {
    crd(kind).as_object().map(write::document).unwrap_or_default()
}

/// The definition of a kind.
pub fn crd(kind: Kind) -> Value {
    let Names { plural, short, first, then } = names(kind);
    let columns = [first, &[READY, SYNCED], then, &[AGE], &WIDE].concat();
    let columns: Vec<Value> = columns.iter().map(column).collect();
    let version = json!({
        "name": VERSION,
        "served": true,
        "storage": true,
        "additionalPrinterColumns": columns,
        "subresources": subresources(kind),
        "schema": {"openAPIV3Schema": object(kind)},
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name(),
                "listKind": format!("{kind}List"),
                "plural": plural,
                "singular": kind.name().to_lowercase(),
                "shortNames": [short],
                "categories": ["ecs"],
            },
            "versions": [version],
        },
    })
}

fn column((name, of, path, wide): &Column) -> Value {
    let mut column = json!({"name": name, "type": of, "jsonPath": path});
    if *wide {
        column["priority"] = json!(1);
    }
    column
}

/// `kubectl scale` sets `desiredCount`, and the manifest owns it from then on. Where it could not, beside `autoscaling`
/// and under `DAEMON`, [rules] refuse the change.
fn subresources(kind: Kind) -> Value {
    let mut subresources = json!({"status": {}});
    if kind == Kind::EcsService {
        subresources["scale"] = json!({
            "specReplicasPath": ".spec.service.desiredCount",
            "statusReplicasPath": ".status.running",
        });
    }
    subresources
}

/// The schema of a whole object.
fn object(kind: Kind) -> Value {
    let status = match kind {
        Kind::EcsService => structural::of_type::<Status>(),
        _ => structural::of_type::<ObjectStatus>(),
    };
    let mut schema = json!({
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural::of_shape(kind.spec()),
            "status": status,
        },
    });
    if let Some(text) = description(kind.name(), "") {
        schema["description"] = json!(text);
    }
    rules::apply(&mut schema, &rules::object_scope(kind));
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_files_are_current() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
        let mut expected: Vec<String> = Kind::ALL.into_iter().map(file_name).collect();
        for kind in Kind::ALL {
            let path = folder.join(file_name(kind));
            if std::env::var_os("UPDATE_CRDS").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, yaml(kind)).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == yaml(kind), "run `UPDATE_CRDS=1 cargo test --lib manifest::crd`");
        }
        let mut found: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "kubectl apply -f crds/ takes every file");
    }

    #[test]
    fn a_definition_fits_into_the_annotation_of_a_client_side_apply() {
        for kind in Kind::ALL {
            let bytes = crd(kind).to_string().len();
            assert!(bytes < 262_144, "{kind}: {bytes}");
        }
    }

    #[test]
    fn what_is_written_reads_back_equal() {
        for kind in Kind::ALL {
            let read: Value = serde_saphyr::from_str(&yaml(kind)).unwrap();
            assert_eq!(read, crd(kind));
        }
    }
}
