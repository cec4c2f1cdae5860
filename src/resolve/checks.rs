//! The checks of manifests, and what they find turned into problems at the places of the text.
//!
//! What the reader refused already is not said again: findings at such places are dropped. Tests: at the end.

use super::Candidate;
use crate::manifest::Manifest;
use crate::manifest::checks::{self, Finding};
use crate::manifest::problem::{Place, Problem};
use crate::manifest::tree::{Mark, Value};
use crate::model::desired::Document;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Members that are filled in: where they are not written, `metadata.name` speaks for them.
const NAMES: [&str; 5] =
    ["service.serviceName", "taskDefinition.family", "clusterName", "repositoryName", "name"];

/// Checks every object by itself, then all of them together.
pub fn check(candidates: &[Candidate], problems: &mut Vec<Problem>) {
    for candidate in candidates {
        let found = findings(candidate.manifest, &as_written(candidate));
        problems.extend(found.iter().filter_map(|finding| problem(candidate.manifest, finding)));
    }
    let objects: Vec<_> = candidates.iter().map(|candidate| &candidate.object).collect();
    let by_place: BTreeMap<&str, &Candidate> =
        candidates.iter().map(|candidate| (candidate.object.origin.place.as_str(), candidate)).collect();
    checks::check_fleet(&objects, &mut |object, finding| {
        let Some(candidate) = by_place.get(object.origin.place.as_str()) else { return };
        let Some(mut problem) = problem(candidate.manifest, &finding) else { return };
        problem.related.clear();
        for other in finding.related.iter().filter_map(|place| by_place.get(place.as_str())) {
            problem.related(other.manifest.name_place(), other.object.origin.to_string());
        }
        problems.push(problem);
    });
}

/// The findings of a spec of `manifest`, each place of a name once.
pub fn findings(manifest: &Manifest, spec: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut named = BTreeSet::new();
    checks::check(manifest.kind, spec, &mut |finding| {
        let is_first = !is_filled_in(manifest, &finding.path) || named.insert(finding.severity);
        if is_first {
            found.push(finding);
        }
    });
    found
}

/// The problem that a finding is; none where the reader has refused what stands there.
pub fn problem(manifest: &Manifest, finding: &Finding) -> Option<Problem> {
    let node = manifest.tree.nearest(&finding.path);
    if node.value == Value::Invalid {
        return None;
    }
    let at: Mark = if is_filled_in(manifest, &finding.path) { manifest.name_mark() } else { node.mark() };
    let mut problem = manifest.problem(finding.severity, at, finding.message.as_str());
    problem.hint.clone_from(&finding.hint);
    for path in &finding.related {
        problem.related(place(manifest, path), format!("`{path}`"));
    }
    Some(problem)
}

fn place(manifest: &Manifest, path: &str) -> Place {
    if is_filled_in(manifest, path) { manifest.name_place() } else { manifest.place(path) }
}

fn is_filled_in(manifest: &Manifest, path: &str) -> bool {
    let members: Vec<&str> = path.split('.').collect();
    NAMES.contains(&path) && manifest.tree.at_path(&members).is_none()
}

/// The spec with the cluster as people name it: an ARN says an account and a Region.
pub fn as_written(candidate: &Candidate) -> Document {
    let mut spec = candidate.object.spec.clone();
    let written = candidate.manifest.tree.at_path(&["service", "cluster"]).and_then(|node| node.as_str());
    let service = spec.get_mut("service").and_then(Json::as_object_mut);
    if let (Some(service), Some(written)) = (service, written) {
        service.insert("cluster".to_owned(), Json::from(written));
    }
    spec
}
