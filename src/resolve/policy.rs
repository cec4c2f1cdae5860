//! Annotations: what they ask for.
//!
//! A mistake here would have the operator do what nobody asked for, so whatever is not known is an error.
//! Tests: at the end.

use crate::manifest::problem::{Problem, Severity};
use crate::manifest::tree::Node;
use crate::manifest::{Manifest, nearest};
use crate::model::desired::{DeletionPolicy, DriftPolicy, Policy};
use crate::model::facts::{Shape, Type};
use crate::model::names::annotation;

/// The policy of an object.
pub fn read(manifest: &Manifest, problems: &mut Vec<Problem>) -> Policy {
    let mut policy = Policy::of(manifest.kind);
    for (name, value) in &manifest.annotations {
        let value = value.trim();
        let wrong = match name.as_str() {
            annotation::ADOPT => set(&mut policy.adopt, value, &BOOLEANS),
            annotation::SUSPEND => set(&mut policy.suspend, value, &BOOLEANS),
            annotation::DRIFT => set(&mut policy.drift, value, &DRIFT),
            annotation::DELETION_POLICY => set(&mut policy.deletion, value, &DELETION),
            annotation::CONFIRM => {
                policy.confirm = Some(value.to_owned()).filter(|hash| !hash.is_empty());
                None
            }
            annotation::RETRY => {
                policy.retry = Some(value.to_owned()).filter(|word| !word.is_empty());
                None
            }
            annotation::IGNORE => {
                policy.ignore = paths(value);
                let spec = manifest.kind.spec();
                policy.ignore.iter().find_map(|path| unknown_path(spec, path))
            }
            _ => None,
        };
        if let Some((message, hint)) = wrong {
            let at = manifest.metadata.at_path(&["annotations", name]).map_or(manifest.at, Node::mark);
            let mut problem = manifest.problem(Severity::Error, at, format!("`{name}`: {message}"));
            problem.hint = hint;
            problems.push(problem);
        }
    }
    policy
}

const BOOLEANS: [(&str, bool); 2] = [("true", true), ("false", false)];
const DRIFT: [(&str, DriftPolicy); 3] =
    [("heal", DriftPolicy::Heal), ("report", DriftPolicy::Report), ("ignore", DriftPolicy::Ignore)];
const DELETION: [(&str, DeletionPolicy); 2] = [
    (DeletionPolicy::Delete.name(), DeletionPolicy::Delete),
    (DeletionPolicy::Retain.name(), DeletionPolicy::Retain),
];

/// A message and a hint.
type Wrong = Option<(String, Option<String>)>;

/// Sets the field that a word stands for, or says what the words are.
fn set<T: Copy>(field: &mut T, word: &str, words: &[(&str, T)]) -> Wrong {
    if let Some((_, value)) = words.iter().find(|(known, _)| *known == word) {
        *field = *value;
        return None;
    }
    let known: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    let meant = nearest(word, words.iter().map(|(word, _)| *word));
    let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
    Some((format!("`{word}` is none of {}", known.join(", ")), hint))
}

/// The paths of a list: one a line, or with commas between. A key in brackets may hold a comma.
fn paths(text: &str) -> Vec<String> {
    let mut depth = 0;
    let split = text.split(|letter: char| {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        letter == '\n' || (letter == ',' && depth <= 0)
    });
    let path = |path: &str| path.trim().trim_start_matches("spec.").to_owned();
    split.map(path).filter(|path| !path.is_empty()).collect()
}

/// What is wrong with a path such as `taskDefinition.containerDefinitions[web].image`.
fn unknown_path(spec: &'static Shape, path: &str) -> Wrong {
    let mut shape = spec;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(keyed) = rest.strip_prefix('[') {
            let Some((_, after)) = keyed.split_once(']') else {
                return Some((format!("`{path}` has a `[` without its `]`"), None));
            };
            shape = shape.element().unwrap_or(shape);
            rest = after.trim_start_matches('.');
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = (&rest[..end], rest[end..].trim_start_matches('.'));
        // A path may pass over the elements of a list, and ends its check in a map or a document.
        while let Type::List(element) = shape.kind {
            shape = element.shape();
        }
        if !shape.is_structure() {
            return None;
        }
        let Some(member) = shape.member(name) else {
            let meant = nearest(name, shape.members().iter().map(|member| member.name.as_str()));
            let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
            return Some((format!("there is no `{name}` in `{path}`"), hint));
        };
        shape = member.shape();
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::read::{Asked, read as read_text};
    use crate::model::names::Kind;

    fn policy(annotations: &str) -> (Policy, Vec<String>) {
        let text = format!(
            "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata:\n  name: web\n  annotations:\n    \
             {annotations}\nspec: {{service: {{taskDefinition: web}}}}\n"
        );
        let reading = read_text("a.yaml", text, Asked::ByName);
        let mut problems = Vec::new();
        let policy = read(&reading.manifests[0], &mut problems);
        (policy, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn annotations_become_a_policy() {
        let (found, problems) = policy(
            "{ecs-operator.dev/adopt: 'true', ecs-operator.dev/drift: report, ecs-operator.dev/deletion-policy: \
             retain, ecs-operator.dev/ignore: 'service.desiredCount, taskDefinition.containerDefinitions[web].image'}",
        );
        assert_eq!(problems, Vec::<String>::new());
        assert!(found.adopt && !found.suspend);
        assert_eq!((found.drift, found.deletion), (DriftPolicy::Report, DeletionPolicy::Retain));
        assert_eq!(found.ignore, ["service.desiredCount", "taskDefinition.containerDefinitions[web].image"]);
    }

    #[test]
    fn without_annotations_services_are_deleted_and_the_rest_is_retained() {
        assert_eq!(policy("{}").0, Policy::of(Kind::EcsService));
        assert_eq!(Policy::of(Kind::EcsCluster).deletion, DeletionPolicy::Retain);
    }

    #[test]
    fn a_wrong_value_and_a_wrong_path_are_errors_with_a_suggestion() {
        let (_, problems) = policy("ecs-operator.dev/drift: reprot");
        assert!(problems[0].starts_with("a.yaml:6:29: "), "{}", problems[0]);
        assert!(problems[0].contains("did you mean `report`?"), "{}", problems[0]);
        let (_, problems) = policy("ecs-operator.dev/ignore: service.desiredcount");
        assert!(problems[0].contains("did you mean `desiredCount`?"), "{}", problems[0]);
    }
}
