//! The difference between what is wanted and what is there, as values at paths.
//!
//! Two reduced documents go in; what comes out is what must change, and what AWS has that the manifest leaves
//! alone. A text diff is never the decision.

use super::desired::Document;
use super::facts::{Shape, Type};
use super::reduce::key;
use super::semantics::{Change, Compare, Meaning, Scope, is_nothing};
use serde_json::Value;
use std::collections::BTreeSet;

/// One value that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// As people read and write it: `service.networkConfiguration.awsvpcConfiguration.subnets`,
    /// `taskDefinition.containerDefinitions[web].environment[MODE].value`.
    pub path: String,
    /// What AWS has.
    pub live: Option<Value>,
    /// What is wanted; the default where the manifest is silent.
    pub desired: Option<Value>,
    /// The manifest is silent: `desired` is what silence means.
    pub by_default: bool,
    /// The shape of the values, for showing them without their secrets.
    pub shape: &'static Shape,
    /// Never show the values.
    pub secret: bool,
    /// What changing it does, by the table.
    pub change: Change,
}

/// All that differs between two documents of one shape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    pub differences: Vec<Difference>,
    /// Paths where AWS has a value and the manifest leaves it alone.
    pub undeclared: Vec<String>,
}

impl Diff {
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// The members right under `prefix` that have a difference below them, each once.
    pub fn members(&self, prefix: &str) -> BTreeSet<String> {
        let below = |path: &str| {
            let rest = path.strip_prefix(prefix)?.trim_start_matches('.');
            rest.split(['.', '[']).next().map(str::to_owned)
        };
        self.differences.iter().filter_map(|difference| below(&difference.path)).collect()
    }
}

/// Compares two reduced documents of `shape`; `path` is where they stand, such as `service`.
pub fn diff(shape: &'static Shape, path: &str, desired: &Document, live: &Document, account: &str) -> Diff {
    let mut walk = Walk { account, root: desired, found: Diff::default() };
    walk.structure(shape, path, desired, live, Change::InPlace);
    walk.found
}

struct Walk<'a> {
    account: &'a str,
    root: &'a Document,
    found: Diff,
}

/// Where the walk stands.
struct At {
    path: String,
    shape: &'static Shape,
    meaning: Meaning,
    change: Change,
}

impl At {
    /// A place below: an element of a list or an entry of a map.
    fn below(&self, name: impl std::fmt::Display, shape: &'static Shape) -> Self {
        Self { path: format!("{}[{name}]", self.path), shape, ..*self }
    }
}

impl Walk<'_> {
    fn structure(
        &mut self,
        shape: &'static Shape,
        path: &str,
        desired: &Document,
        live: &Document,
        change: Change,
    ) {
        let scope = Scope { root: self.root, parent: desired, account: self.account };
        for member in shape.members() {
            let (wanted, there) = (desired.get(&member.name), live.get(&member.name));
            if wanted != there {
                let meaning = Meaning::of(shape, member);
                let change = change.max(meaning.change);
                let at = At { path: join(path, &member.name), shape: member.shape(), meaning, change };
                self.member(at, wanted, there, &scope);
            }
        }
    }

    fn member(&mut self, at: At, wanted: Option<&Value>, there: Option<&Value>, scope: &Scope) {
        let default = at.meaning.default(scope);
        let part = default.as_ref().and_then(Value::as_object).filter(|_| at.shape.is_structure());
        match (wanted, there) {
            (None, Some(_)) if !at.meaning.absence_counts(scope) => self.found.undeclared.push(at.path),
            // A part whose default is a structure is compared member by member: each has a default of its own.
            (None, Some(Value::Object(there))) if let Some(part) = part => {
                self.structure(at.shape, &at.path, part, there, at.change);
            }
            (Some(Value::Object(wanted)), None) if let Some(part) = part => {
                self.structure(at.shape, &at.path, wanted, part, at.change);
            }
            (None, Some(Value::Object(there))) if !says_anything(at.shape, there, scope) => {
                self.found.undeclared.push(at.path);
            }
            // A missing list is an empty one, so that its elements are told one by one.
            (None, Some(there @ Value::Array(_))) if is_keyed(&at.meaning) && default.is_none() => {
                self.value(at, &Value::Array(Vec::new()), there);
            }
            (Some(wanted @ Value::Array(_)), None) if is_keyed(&at.meaning) && default.is_none() => {
                self.value(at, wanted, &Value::Array(Vec::new()));
            }
            (None, there) => self.push(at, there.cloned(), default, true),
            (Some(wanted), None) if is_nothing(wanted) => {}
            (Some(wanted), None) => self.push(at, default, Some(wanted.clone()), false),
            (Some(wanted), Some(there)) => self.value(at, wanted, there),
        }
    }

    fn value(&mut self, at: At, wanted: &Value, there: &Value) {
        match (&at.shape.kind, at.meaning.compare, wanted, there) {
            (_, Compare::Spelled(spelling), Value::String(one), Value::String(other))
                if spelling.same(one, other) => {}
            (Type::Structure(_), _, Value::Object(wanted), Value::Object(there)) => {
                self.structure(at.shape, &at.path, wanted, there, at.change);
            }
            (Type::List(element), compare, Value::Array(wanted), Value::Array(there)) => match compare {
                Compare::By(keys) | Compare::ByLast(keys) | Compare::Declared(keys)
                    if unique(wanted, keys) && unique(there, keys) =>
                {
                    self.keyed(&at, element.shape(), keys, wanted, there);
                }
                Compare::Exact => self.ordered(at, wanted, there),
                _ => self.set(at, wanted, there),
            },
            (Type::Map(entry), _, Value::Object(wanted), Value::Object(there)) => {
                let names: BTreeSet<&String> = wanted.keys().chain(there.keys()).collect();
                for name in names.into_iter().filter(|name| wanted.get(*name) != there.get(*name)) {
                    let entry = at.below(name, entry.shape());
                    self.push(entry, there.get(name).cloned(), wanted.get(name).cloned(), false);
                }
            }
            _ => self.push(at, Some(there.clone()), Some(wanted.clone()), false),
        }
    }

    fn keyed(&mut self, at: &At, element: &'static Shape, keys: &[&str], wanted: &[Value], there: &[Value]) {
        let whole_list = !matches!(at.meaning.compare, Compare::Declared(_));
        let find = |list: &[Value], name: &str| list.iter().find(|one| key(one, keys) == name).cloned();
        let names: BTreeSet<String> = wanted.iter().chain(there).map(|one| key(one, keys)).collect();
        for name in names {
            let place = at.below(&name, element);
            match (find(wanted, &name), find(there, &name)) {
                (Some(wanted), Some(there)) if wanted == there => {}
                (Some(Value::Object(wanted)), Some(Value::Object(there))) => {
                    self.structure(element, &place.path, &wanted, &there, at.change);
                }
                (None, Some(_)) if !whole_list => self.found.undeclared.push(place.path),
                (wanted, there) => self.push(place, there, wanted, false),
            }
        }
    }

    fn ordered(&mut self, at: At, wanted: &[Value], there: &[Value]) {
        match at.shape.element() {
            Some(element) if element.is_structure() && wanted.len() == there.len() => {
                for (index, pair) in wanted.iter().zip(there).enumerate() {
                    if let (Value::Object(wanted), Value::Object(there)) = pair {
                        self.structure(element, &at.below(index, element).path, wanted, there, at.change);
                    }
                }
            }
            _ => self.push(at, Some(Value::from(there)), Some(Value::from(wanted)), false),
        }
    }

    /// A set differs by elements; elements that only AWS has count, too.
    fn set(&mut self, at: At, wanted: &[Value], there: &[Value]) {
        let only = |list: &[Value], other: &[Value]| {
            let only: Vec<Value> = list.iter().filter(|one| !other.contains(one)).cloned().collect();
            (!only.is_empty()).then_some(Value::Array(only))
        };
        let (gone, new) = (only(there, wanted), only(wanted, there));
        if gone.is_some() || new.is_some() {
            self.push(at, gone, new, false);
        }
    }

    fn push(&mut self, at: At, live: Option<Value>, desired: Option<Value>, by_default: bool) {
        let At { path, shape, meaning, change } = at;
        let secret = meaning.secret;
        self.found.differences.push(Difference { path, live, desired, by_default, shape, secret, change });
    }
}

/// Whether a structure that only AWS has holds anything whose absence is a statement: a required member
/// goes with its structure.
fn says_anything(shape: &Shape, there: &Document, scope: &Scope) -> bool {
    shape
        .members()
        .iter()
        .filter(|member| there.contains_key(&member.name))
        .any(|member| member.required || Meaning::of(shape, member).absence_counts(scope))
        || shape.members().is_empty()
}

fn is_keyed(meaning: &Meaning) -> bool {
    matches!(meaning.compare, Compare::By(_) | Compare::ByLast(_) | Compare::Declared(_))
}

fn unique(list: &[Value], keys: &[&str]) -> bool {
    let names: BTreeSet<String> = list.iter().map(|one| key(one, keys)).collect();
    names.len() == list.len()
}

fn join(path: &str, member: &str) -> String {
    if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") }
}

/// `value` as it may be shown: what the table or the model calls secret is `***`.
pub fn masked(shape: &Shape, value: &Value) -> Value {
    let hide = |secret: bool, shape: &Shape, value: &Value| match value {
        Value::Null => Value::Null,
        _ if secret => Value::String("***".to_owned()),
        value => masked(shape, value),
    };
    match (&shape.kind, value) {
        (Type::Structure(_), Value::Object(members)) => members
            .iter()
            .map(|(name, value)| {
                let shown = match shape.member(name) {
                    Some(member) => hide(Meaning::of(shape, member).secret, member.shape(), value),
                    None => value.clone(),
                };
                (name.clone(), shown)
            })
            .collect::<Document>()
            .into(),
        (Type::List(element) | Type::Map(element), Value::Array(values)) => {
            values.iter().map(|value| masked(element.shape(), value)).collect()
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::kind_shape;
    use crate::model::reduce::reduce;
    use serde_json::json;

    fn found(kind: &str, desired: Value, live: Value) -> Diff {
        let side = |value: Value| reduce(kind_shape(kind), value.as_object().unwrap(), "123456789012");
        diff(kind_shape(kind), "", &side(desired), &side(live), "123456789012")
    }

    fn paths(diff: &Diff) -> Vec<&str> {
        diff.differences.iter().map(|difference| difference.path.as_str()).collect()
    }

    #[test]
    fn elements_are_found_by_their_keys() {
        let task_definition = |mode: &str, names: [&str; 2]| json!({"containerDefinitions": names.map(|name| json!({"name": name, "environment": [{"name": "MODE", "value": mode}]}))});
        let diff = found(
            "TaskDefinition",
            task_definition("a", ["web", "log"]),
            task_definition("b", ["log", "web"]),
        );
        assert_eq!(
            paths(&diff),
            [
                "containerDefinitions[log].environment[MODE].value",
                "containerDefinitions[web].environment[MODE].value"
            ]
        );
        assert!(diff.differences.iter().all(|difference| difference.secret));
    }

    #[test]
    fn a_structure_that_the_manifest_dropped_is_removed_whole() {
        let container = |more: Value| json!({"containerDefinitions": [more]});
        let diff = found(
            "TaskDefinition",
            container(json!({"name": "web"})),
            container(json!({"name": "web", "healthCheck": {"command": ["CMD", "x"]}, "user": "1"})),
        );
        assert_eq!(paths(&diff), ["containerDefinitions[web].user", "containerDefinitions[web].healthCheck"]);
    }

    #[test]
    fn a_dropped_part_with_known_defaults_names_the_members_that_go_back() {
        let live = json!({"deploymentConfiguration": {"maximumPercent": 150, "deploymentCircuitBreaker": {"enable": true, "rollback": true}}});
        let diff = found("Service", json!({}), live);
        assert_eq!(
            paths(&diff),
            [
                "deploymentConfiguration.deploymentCircuitBreaker.enable",
                "deploymentConfiguration.deploymentCircuitBreaker.rollback",
                "deploymentConfiguration.maximumPercent"
            ]
        );
        assert_eq!(diff.differences[2].desired, Some(json!(200)));
        assert!(diff.differences[2].by_default);
    }

    #[test]
    fn what_is_not_ours_or_unknown_is_told_as_undeclared() {
        let diff = found(
            "Service",
            json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["a"]}}}),
            json!({"desiredCount": 3, "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["a"], "securityGroups": ["sg"]}}, "monitoring": {"metricConfigurations": [{}]}}),
        );
        assert!(diff.is_empty());
        assert_eq!(
            diff.undeclared,
            ["desiredCount", "networkConfiguration.awsvpcConfiguration.securityGroups", "monitoring"]
        );
    }

    #[test]
    fn tags_of_others_are_left_alone() {
        let tags = |tags: &[(&str, &str)]| json!({"tags": tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect::<Vec<_>>()});
        let diff = found("EcsCluster", tags(&[("team", "a")]), tags(&[("team", "b"), ("aws:x", "y")]));
        assert_eq!(paths(&diff), ["tags[team].value"]);
    }

    #[test]
    fn a_container_shown_whole_hides_its_variables() {
        let container = json!({"name": "web", "environment": [{"name": "PASSWORD", "value": "hunter2"}]});
        let shape = crate::model::facts::shape("ecs", "ContainerDefinition").unwrap();
        assert_eq!(masked(shape, &container)["environment"][0], json!({"name": "PASSWORD", "value": "***"}));
    }

    #[test]
    fn the_change_of_a_nested_member_is_the_worse_of_both() {
        let provider = |arn: &str| json!({"autoScalingGroupProvider": {"autoScalingGroupArn": arn}});
        let diff = found("EcsCapacityProvider", provider("one"), provider("two"));
        assert_eq!(diff.differences[0].change, Change::Replacement);
        let diff = found("Service", json!({"propagateTags": "SERVICE"}), json!({}));
        assert_eq!(
            (diff.differences[0].change, diff.members("")),
            (Change::LaterTasks, ["propagateTags".to_owned()].into())
        );
    }
}
