//! A value of a spec together with its place: what every check reads and points at.
//!
//! What is not there is a node too, empty, so that a check asks for a deep member without asking for each
//! member on the way. What could not be read is there, with all that a check may ask of it. It must never panic, whatever the document lacks. Tests: at the end of this file.

use super::names::is_template;
use crate::model::desired::Document;
use crate::model::semantics::is_nothing;
use serde_json::Value;

#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    members: Option<&'a Document>,
    value: Option<&'a Value>,
    /// With list indices: `taskDefinition.containerDefinitions[0].image`.
    pub path: String,
}

impl<'a> Node<'a> {
    pub fn root(spec: &'a Document) -> Self {
        Self { members: Some(spec), value: None, path: String::new() }
    }

    fn new(value: Option<&'a Value>, path: String) -> Self {
        let value = value.filter(|value| !value.is_null());
        Self { members: value.and_then(Value::as_object), value, path }
    }

    /// The node that `path` leads to: a member, or members joined by dots.
    pub fn at(&self, path: &str) -> Self {
        path.split('.').fold(self.clone(), |node, member| {
            let dot = if node.path.is_empty() { "" } else { "." };
            let value = match node.members {
                None if node.is_unread() => node.value,
                members => members.and_then(|members| members.get(member)),
            };
            Self::new(value, format!("{}{dot}{member}", node.path))
        })
    }

    /// Whether a placeholder stands here: what is meant, and what is below, is not known.
    pub fn is_unread(&self) -> bool {
        self.value.and_then(Value::as_str).is_some_and(is_template)
    }

    /// Whether no placeholder stands anywhere on the way of `pattern`, so that what it does not find is not there.
    pub fn knows(&self, pattern: &str) -> bool {
        match pattern.split_once("[]") {
            None => !self.at(pattern).is_unread(),
            Some((list, rest)) => {
                let (list, rest) = (self.at(list), rest.trim_start_matches('.'));
                let knows = |one: &Self| if rest.is_empty() { !one.is_unread() } else { one.knows(rest) };
                !list.is_unread() && list.elements().iter().all(knows)
            }
        }
    }

    /// The elements of the list at `path`.
    pub fn list(&self, path: &str) -> Vec<Self> {
        self.at(path).elements()
    }

    /// The elements of the list that this is.
    pub fn elements(&self) -> Vec<Self> {
        let elements = self.value.and_then(Value::as_array).into_iter().flatten().enumerate();
        elements.map(|(index, element)| Self::new(Some(element), format!("{}[{index}]", self.path))).collect()
    }

    /// Every node that `pattern` leads to, where `[]` stands for each element:
    /// `loadBalancers[].targetGroupArn`.
    pub fn find(&self, pattern: &str) -> Vec<Self> {
        match pattern.split_once("[]") {
            None => vec![self.at(pattern)],
            Some((list, rest)) => {
                let rest = rest.trim_start_matches('.');
                let elements = self.list(list).into_iter();
                elements.flat_map(|node| if rest.is_empty() { vec![node] } else { node.find(rest) }).collect()
            }
        }
        .into_iter()
        .filter(|node| node.value.is_some())
        .collect()
    }

    pub fn value(&self) -> Option<&'a Value> {
        self.value
    }

    pub fn members(&self) -> Option<&'a Document> {
        self.members
    }

    /// The node's own text; none when it is empty.
    pub fn text(&self) -> Option<&'a str> {
        self.value?.as_str().filter(|text| !text.is_empty())
    }

    pub fn str(&self, path: &str) -> Option<&'a str> {
        self.at(path).text()
    }

    pub fn number(&self, path: &str) -> Option<f64> {
        self.at(path).value?.as_f64()
    }

    pub fn integer(&self, path: &str) -> Option<i64> {
        self.at(path).value?.as_i64()
    }

    pub fn is_true(&self, path: &str) -> bool {
        self.at(path).value == Some(&Value::Bool(true))
    }

    pub fn is_false(&self, path: &str) -> bool {
        self.at(path).value == Some(&Value::Bool(false))
    }

    /// Whether the member is written, be it empty.
    pub fn given(&self, path: &str) -> bool {
        self.at(path).value.is_some()
    }

    /// Whether the member says something: `[]`, `{}` and an empty string do not.
    pub fn has(&self, path: &str) -> bool {
        let node = self.at(path);
        node.value.is_some_and(|value| !is_nothing(value) && value != "")
    }
}

/// The elements whose key an earlier one has already, each with that earlier one.
pub(super) fn repeated<'a, K: PartialEq>(
    nodes: &[Node<'a>],
    key: impl Fn(&Node<'a>) -> Option<K>,
) -> Vec<(Node<'a>, Node<'a>)> {
    let mut seen: Vec<(K, &Node)> = Vec::new();
    let mut repeated = Vec::new();
    for node in nodes {
        let Some(key) = key(node) else { continue };
        match seen.iter().find(|(other, _)| *other == key) {
            Some((_, first)) => repeated.push((node.clone(), (*first).clone())),
            None => seen.push((key, node)),
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_knows_its_place_and_what_is_not_there_is_empty() {
        let spec = json!({"a": {"list": [{"b": 1}, null, {"b": 2}]}, "none": null});
        let root = Node::root(spec.as_object().unwrap());
        assert_eq!(root.list("a.list")[2].at("b").path, "a.list[2].b");
        assert_eq!(root.at("x.y.z").path, "x.y.z");
        assert!(!root.given("x.y") && !root.given("none") && root.list("none").is_empty());
        let found: Vec<_> = root.find("a.list[].b").into_iter().map(|node| node.path).collect();
        assert_eq!(found, ["a.list[0].b", "a.list[2].b"]);
    }

    #[test]
    fn what_stands_in_a_placeholder_is_not_missing() {
        let spec = json!({"a": {"list": [{"b": 1}, "${X}"]}, "c": "${Y}"});
        let root = Node::root(spec.as_object().unwrap());
        assert!(root.has("c.d.e") && !root.knows("c.d") && !root.knows("a.list[].b"));
        assert!(root.knows("a.list") && root.knows("a.none[].b") && !root.has("a.none"));
    }

    #[test]
    fn a_repeated_key_is_found_with_its_first_place() {
        let spec = json!({"l": [{"n": "a"}, {"n": "b"}, {"n": "a"}, {}]});
        let nodes = Node::root(spec.as_object().unwrap()).list("l");
        let pairs = repeated(&nodes, |node| node.str("n"));
        assert_eq!((pairs.len(), &*pairs[0].0.path, &*pairs[0].1.path), (1, "l[2]", "l[0]"));
    }
}
