//! The rules of the definitions, one by one, as `rules.yaml` has them: what each refuses, its neighbour that is taken, and
//! that `validate` agrees.

use super::server::{Namespace, list};
use crate::world::{problems, with};
use ecs_operator::manifest::crd::RULES;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One object of an example, and what is expected of it.
struct Case {
    rule: String,
    object: Value,
    /// What the API server says; nothing when it takes the object.
    says: Option<String>,
    /// The words of `validate`.
    validate: Option<String>,
}

/// The examples of a part of the file, each with what it starts from.
fn examples(part: &str) -> Vec<(Value, Value)> {
    let all: Value = serde_saphyr::from_str(include_str!("rules.yaml")).unwrap();
    let examples = all[part].as_array().unwrap().iter().enumerate();
    let base = |at: usize, example: &Value| {
        let mut object = all["bases"][example["base"].as_str().unwrap()].clone();
        object["apiVersion"] = json!("ecs-operator.dev/v1alpha1");
        object["metadata"] = json!({"name": format!("{}-{at}", example["rule"].as_str().unwrap())});
        changed(object, &example["both"])
    };
    examples.map(|(at, example)| (example.clone(), base(at, example))).collect()
}

/// The object with changes by JSON pointer; `NAME` is its name.
fn changed(object: Value, changes: &Value) -> Value {
    let none = Map::new();
    changes.as_object().unwrap_or(&none).iter().fold(object, |mut object, (pointer, value)| {
        let name = object["metadata"]["name"].clone();
        // A second element is put behind the first.
        if let Some(list) = pointer.strip_suffix("/1") {
            object.pointer_mut(list).unwrap().as_array_mut().unwrap().push(value.clone());
            return object;
        }
        with(object, pointer, if value == "NAME" { name } else { value.clone() })
    })
}

/// The two objects of each example.
fn cases(examples: &[(Value, Value)]) -> Vec<Case> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let refused = examples.iter().map(|(example, base)| Case {
        rule: text(&example["rule"]).unwrap(),
        object: changed(base.clone(), &example["refused"]),
        says: text(&example["says"]),
        validate: text(&example["validate"]).or(text(&example["says"])),
    });
    let taken = examples.iter().map(|(example, base)| Case {
        rule: text(&example["rule"]).unwrap(),
        object: changed(base.clone(), &example["taken"]),
        says: None,
        validate: None,
    });
    refused.chain(taken).collect()
}

/// Has the API server judge every object and compares.
fn judge(kube: &Namespace, verb: &str, cases: &[Case]) {
    // Neighbours may have one name.
    for half in cases.chunks(cases.len() / 2) {
        let objects: Vec<Value> = half.iter().map(|case| case.object.clone()).collect();
        let told = kube.kubectl_with(&[verb, "--dry-run=server", "-f", "-"], &list(&objects));
        for Case { rule, object, says, .. } in half {
            let name = format!("\"{}\" is invalid", object["metadata"]["name"].as_str().unwrap());
            let refusal: String = told.stderr.lines().filter(|line| line.contains(&name)).collect();
            match says {
                None => assert!(refusal.is_empty(), "{rule}: {refusal}"),
                Some(says) => {
                    let once = refusal.matches("Invalid value").count() == 1;
                    assert!(once && refusal.contains(says), "{rule}: {refusal}");
                }
            }
        }
        let refused = half.iter().filter(|case| case.says.is_some()).count();
        assert_eq!(told.stdout.lines().count(), half.len() - refused, "{}", told.stderr);
    }
}

#[test]
fn every_rule_refuses_one_object_and_takes_its_neighbour() {
    let Some(kube) = Namespace::of("rules") else { return };
    judge(&kube, "create", &cases(&examples("examples")));
}

#[test]
fn what_a_resource_is_cannot_be_changed_and_the_rest_can() {
    let Some(kube) = Namespace::of("transitions") else { return };
    let examples = examples("transitions");
    let stored: Vec<Value> = examples.iter().map(|(_, base)| base.clone()).collect();
    kube.succeeds_with(&["create", "-f", "-"], &list(&stored));
    judge(&kube, "replace", &cases(&examples));
}

#[test]
fn validate_agrees_with_every_rule() {
    for Case { rule, object, validate, .. } in cases(&examples("examples")) {
        let said: Vec<String> = problems(&[object]).into_iter().map(|problem| problem.message).collect();
        match validate {
            None => assert!(said.is_empty(), "{rule}: {said:?}"),
            Some(words) => assert!(said.contains(&words), "{rule}: {said:?}"),
        }
    }
}

#[test]
fn every_rule_has_an_example() {
    let examples = [examples("examples"), examples("transitions")].concat();
    let shown: BTreeSet<&str> =
        examples.iter().map(|(example, _)| example["rule"].as_str().unwrap()).collect();
    let rules: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(shown, rules);
}
