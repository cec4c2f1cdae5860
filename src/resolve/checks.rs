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

#[cfg(test)]
mod tests {
    use super::super::testing::{CLUSTER, resolved, service};

    fn head(kind: &str, spec: &str) -> String {
        format!(
            "apiVersion: ecs-operator.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n  {spec}\n"
        )
    }

    #[test]
    fn a_finding_is_told_at_its_place_with_the_other_place_and_leaves_the_object_out() {
        let (found, said) = resolved(&[&head(
            "EcsService",
            "service: {taskDefinition: web, launchType: EC2, capacityProviderStrategy: [{capacityProvider: a, weight: 1}]}",
        )]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("0.yaml:5:46: `launchType` and `capacityProviderStrategy`"), "{said:?}");
        assert!(
            said[0].contains("\n  0.yaml:5:51: `service.capacityProviderStrategy`\n  hint: "),
            "{said:?}"
        );
        assert!(found.desired.objects.is_empty() && found.invalid.len() == 1);
    }

    #[test]
    fn a_warning_leaves_the_object_in() {
        let (found, said) = resolved(&[&head(
            "EcsService",
            "service: {taskDefinition: web, schedulingStrategy: DAEMON, desiredCount: 2}",
        )]);
        assert!(said.len() == 1 && said[0].contains("warning: `DAEMON` decides"), "{said:?}");
        assert_eq!(found.desired.objects.len(), 1);
    }

    #[test]
    fn a_name_that_is_not_written_is_told_at_the_manifests_name_once() {
        let text = head(
            "EcsService",
            "{taskDefinition: {containerDefinitions: [{name: a, image: b, memory: 64}]}, service: {}}",
        );
        let (_, said) = resolved(&[&text.replace("name: web", "name: my.web")]);
        assert!(said.len() == 1 && said[0].starts_with("0.yaml:3:18: `my.web` is not a"), "{said:?}");
    }

    #[test]
    fn what_the_reader_refused_is_not_told_again_and_the_rest_is_checked() {
        for (spec, words) in [
            (
                "autoscaling: {minCapacity: 1, maxCapacity: 2, policies: [{policyName: p, policyType: TargetTrackingScaling, targetTrackingScalingPolicyConfiguration: {targetValue: 1, predefinedMetricSpecification: {predefinedMetricType: ASGAverageCPUUtilization}}}]}\n  service: {taskDefinition: web}",
                "ASGAverageCPUUtilization",
            ),
            (
                "taskDefinition: {containerDefinition: [{name: a}]}\n  service: {}",
                "no member `containerDefinition`",
            ),
            (
                "taskDefinition: {containerDefinitions: [{name: a, imag: b, memory: 64}]}\n  service: {}",
                "no member `imag`",
            ),
        ] {
            let (found, said) = resolved(&[&head("EcsService", spec)]);
            assert!(said.len() == 1 && said[0].contains(words), "{said:?}");
            assert!(found.desired.objects.is_empty());
        }
        let (_, said) = resolved(&[&head(
            "EcsService",
            "taskDefinition: {containerDefinitions: [{name: a, imag: b, memory: 64, memoryReservation: 65}]}\n  service: {}",
        )]);
        assert!(said.len() == 2 && said[1].contains("over the limit"), "{said:?}");
    }

    #[test]
    fn objects_are_checked_against_each_other_with_both_places() {
        let uses = service(
            "web",
            "cluster: shop, taskDefinition: web, networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-1a]}}, capacityProviderStrategy: [{capacityProvider: FARGATE_SPOT, weight: 1}]",
        );
        let (found, said) = resolved(&[CLUSTER, &uses]);
        assert!(said.len() == 1 && said[0].starts_with("1.yaml:4:"), "{said:?}");
        assert!(said[0].contains("\n  0.yaml:3:18: EcsCluster/shop\n"), "{said:?}");
        assert_eq!(found.desired.objects.len(), 1);
    }

    #[test]
    fn problems_of_a_file_are_told_from_its_first_line_to_its_last() {
        let text = head(
            "EcsService",
            "service: {taskDefinition: web, launchType: EC2, platformVersion: LATEST,\n    desiredcount: 1}",
        );
        let (_, said) = resolved(&[&text]);
        assert!(said.len() == 2 && said[1].contains("desiredcount"), "{said:?}");
    }
}
