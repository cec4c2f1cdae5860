//! What is sent when a member changes: the member whole, because an API resets what is left out inside it.
//!
//! Declared values are sent as declared. What the manifest is silent about is sent as its default where that is
//! known and AWS has another value, and as AWS has it where it is not ours.

use super::desired::Document;
use super::facts::{Member, Shape, Type};
use super::reduce::{key_as_written, reduce};
use super::semantics::{Compare, Meaning, Scope};
use serde_json::{Map, Value, json};

/// The members of `shape` named by `members`, complete, as they must be sent to make `live` what `desired` says.
/// Both documents are as declared and as described, not reduced.
pub fn merged(
    shape: &Shape,
    members: impl IntoIterator<Item = impl AsRef<str>>,
    desired: &Document,
    live: &Document,
    account: &str,
) -> Document {
    let least = reduce(shape, live, account);
    let scope = Scope::of(desired, account);
    let mut sent = Map::new();
    for member in members.into_iter().filter_map(|name| shape.member(name.as_ref())) {
        let meaning = Meaning::of(shape, member);
        let value = match desired.get(&member.name).filter(|value| !value.is_null()) {
            Some(declared) => {
                Some(complete(member.shape(), &meaning, declared, live.get(&member.name), &scope))
            }
            None => reset(shape, member, least.get(&member.name), &scope),
        };
        sent.extend(value.map(|value| (member.name.clone(), value)));
    }
    sent
}

/// A declared value with what it leaves to AWS.
fn complete(
    shape: &Shape,
    meaning: &Meaning,
    declared: &Value,
    live: Option<&Value>,
    scope: &Scope,
) -> Value {
    match (&shape.kind, declared, live) {
        (Type::Structure(_), Value::Object(declared), live) => {
            let empty = Map::new();
            let live = live.and_then(Value::as_object).unwrap_or(&empty);
            Value::Object(structure(shape, declared, live, &scope.within(declared)))
        }
        (Type::List(element), Value::Array(elements), Some(Value::Array(live))) => match meaning.compare {
            Compare::By(keys) | Compare::ByLast(keys) | Compare::Declared(keys) => elements
                .iter()
                .map(|one| {
                    let named = |one: &Value| key_as_written(element.shape(), one, keys);
                    let same = live.iter().find(|other| named(other) == named(one));
                    complete(element.shape(), meaning, one, same, scope)
                })
                .collect(),
            _ => declared.clone(),
        },
        _ => declared.clone(),
    }
}

fn structure(shape: &Shape, declared: &Document, live: &Document, scope: &Scope) -> Document {
    let least = reduce(shape, live, scope.account);
    let mut sent = Map::new();
    for member in shape.members() {
        let meaning = Meaning::of(shape, member);
        let there = live.get(&member.name).filter(|value| !value.is_null());
        let value = match declared.get(&member.name).filter(|value| !value.is_null()) {
            Some(declared) => Some(complete(member.shape(), &meaning, declared, there, scope)),
            None if meaning.absence_counts(scope) => {
                let differs = least.get(&member.name);
                if differs.is_some() || member.required { reset(shape, member, differs, scope) } else { None }
            }
            None => there.cloned(),
        };
        sent.extend(value.map(|value| (member.name.clone(), value)));
    }
    sent
}

/// What silence means, spelled out so that the API takes it as a statement; nothing where it has no such form.
fn reset(shape: &Shape, member: &Member, live: Option<&Value>, scope: &Scope) -> Option<Value> {
    match (shape.name.as_str(), member.name.as_str()) {
        ("Service", "serviceConnectConfiguration") => return Some(json!({"enabled": false})),
        ("EcsCluster", "serviceConnectDefaults") => return Some(json!({"namespace": ""})),
        _ => {}
    }
    let meaning = Meaning::of(shape, member);
    match (meaning.default(scope), &member.shape().kind) {
        (Some(Value::Object(default)), Type::Structure(_)) if default.is_empty() => {
            let live = live.and_then(Value::as_object).cloned().unwrap_or_default();
            Some(Value::Object(structure(member.shape(), &default, &live, &scope.within(&default))))
        }
        (Some(default), _) => Some(default),
        (None, Type::List(_)) => Some(json!([])),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::kind_shape;

    fn sent(members: &[&str], desired: Value, live: Value) -> Value {
        let (desired, live) = (desired.as_object().unwrap().clone(), live.as_object().unwrap().clone());
        Value::Object(merged(kind_shape("Service"), members, &desired, &live, "123456789012"))
    }

    #[test]
    fn a_dropped_part_is_written_back_to_its_defaults() {
        let live = json!({"deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": {"enable": true, "rollback": true}},
            "loadBalancers": [{"containerName": "web"}], "serviceConnectConfiguration": {"enabled": true}, "enableExecuteCommand": true});
        assert_eq!(
            sent(
                &[
                    "deploymentConfiguration",
                    "loadBalancers",
                    "serviceConnectConfiguration",
                    "enableExecuteCommand"
                ],
                json!({}),
                live
            ),
            json!({"deploymentConfiguration": {"maximumPercent": 200, "deploymentCircuitBreaker": {"enable": false, "rollback": false}},
                "loadBalancers": [], "serviceConnectConfiguration": {"enabled": false}, "enableExecuteCommand": false})
        );
    }

    #[test]
    fn what_is_not_ours_is_sent_as_it_is() {
        let desired = json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["b"]}}});
        let live = json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["a"], "securityGroups": ["sg"], "assignPublicIp": "DISABLED"}}});
        assert_eq!(
            sent(&["networkConfiguration"], desired, live),
            json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["b"], "securityGroups": ["sg"]}}})
        );
    }

    #[test]
    fn a_member_dropped_inside_a_part_goes_back_and_the_rest_of_the_part_stays() {
        let desired = json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}});
        let live = json!({"deploymentConfiguration": {"maximumPercent": 150, "deploymentCircuitBreaker": {"enable": true, "rollback": true}}});
        assert_eq!(
            sent(&["deploymentConfiguration"], desired, live),
            json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}, "maximumPercent": 200}})
        );
    }
}
