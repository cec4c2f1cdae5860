//! What AWS would refuse only later, found here: rules over several members, names, references between
//! members.
//!
//! Each rule is a small function in its file's table, one file per kind. What AWS is known to refuse is an
//! error; what it is only documented or likely to refuse is a warning. A member that is [`Value::Invalid`]
//! is there: nothing follows from it. Tests: in each file, and the corpus.

mod capacity_provider;
mod cluster;
mod containers;
mod deployment;
pub mod fargate;
mod lifecycle;
pub mod names;
mod network;
mod repository;
mod scaling;
mod service;
pub mod strategy;
mod task_definition;

use super::problem::Report;
use super::tree::{Node, Value};
use crate::model::names::Kind;

/// A spec in canonical spelling, with the name of its manifest.
pub struct Subject<'a> {
    pub spec: &'a Node,
    /// `metadata.name`, which stands in for absent names.
    pub name: Option<&'a Node>,
}

type Rule = fn(&Subject, &mut Report);

/// Holds a spec against all rules of its kind.
pub fn run(kind: Kind, subject: &Subject, report: &mut Report) {
    let rules = match kind {
        Kind::EcsService => [service::RULES, deployment::RULES, network::RULES, scaling::RULES].concat(),
        Kind::EcsCluster => cluster::RULES.to_vec(),
        Kind::EcsCapacityProvider => capacity_provider::RULES.to_vec(),
        Kind::EcrRepository => [repository::RULES, lifecycle::RULES].concat(),
    };
    for rule in rules {
        rule(subject, report);
    }
    if let (Kind::EcsService, Some(definition)) = (kind, subject.spec.get("taskDefinition")) {
        let task = Subject { spec: definition, name: None };
        for rule in [task_definition::RULES, containers::RULES].concat() {
            rule(&task, report);
        }
    }
    names::references(subject.spec, report);
}

/// Reports elements of a list whose key another one has; both places are shown.
fn unique<'a, K: PartialEq + std::fmt::Display>(
    items: &'a [Node],
    key: impl Fn(&'a Node) -> Option<(K, &'a Node)>,
    what: &str,
    report: &mut Report,
) {
    let mut seen: Vec<(K, &Node)> = Vec::new();
    for (key, node) in items.iter().filter_map(key) {
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == key) {
            let place = report.place(*first);
            report.error(node, format!("{what} `{key}` stands here twice")).related(place, "the first one");
        } else {
            seen.push((key, node));
        }
    }
}

/// An element's string member as its key.
fn by<'a>(member: &str) -> impl Fn(&'a Node) -> Option<(&'a str, &'a Node)> {
    move |item| item.get(member).and_then(|node| Some((node.as_str()?, node)))
}

/// Whether a member is there and says something: an empty list or map says nothing.
pub fn says(node: Option<&Node>) -> Option<&Node> {
    node.filter(|node| match &node.value {
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        value => *value != Value::Null,
    })
}

#[cfg(test)]
pub(super) mod testing {
    use crate::manifest::read::{Asked, read};

    /// What is said about a manifest, each problem's first line without its place.
    pub fn said(kind: &str, spec: &str) -> Vec<String> {
        let head =
            format!("apiVersion: ecs-operator.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n");
        let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
        let problems = read("a.yaml", head + &spec, Asked::ByName).problems;
        let text = |problem: &super::super::problem::Problem| {
            let warning = if problem.is_error() { "" } else { "warning: " };
            format!("{warning}{}", problem.message)
        };
        problems.iter().map(text).collect()
    }

    /// Asserts that exactly one thing is said, and that it holds `words`.
    #[track_caller]
    pub fn says(kind: &str, spec: &str, words: &str) {
        let said = said(kind, spec);
        assert!(said.len() == 1 && said[0].contains(words), "{said:#?}");
    }

    #[track_caller]
    pub fn says_nothing(kind: &str, spec: &str) {
        assert_eq!(said(kind, spec), Vec::<String>::new());
    }
}
