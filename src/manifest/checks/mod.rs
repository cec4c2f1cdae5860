//! What AWS would refuse only later: rules between members, on canonical specs, beyond types, enums and bounds.
//!
//! Each rule is a small function; a table per kind lists them, a file per area holds them. A rule is an error
//! when AWS refuses the value, or could never run it, for certain; a warning when it is only likely to be a mistake.
//! A rule must never panic: members may be missing, because the reader reports those. A member that still holds
//! a placeholder is left to the reader as well. Tests: at the end of each file, in `tests.rs` for all rules at once.

mod arns;
mod capacity_provider;
mod cluster;
mod containers;
mod deployment;
mod fargate;
mod fleet;
mod names;
mod node;
mod policy;
mod ports;
mod repository;
mod scaling;
mod service;
mod steps;
mod strategy;
mod tags;
mod targets;
mod task_definition;
#[cfg(test)]
mod tests;

use super::problem::Severity;
use crate::model::desired::Document;
use crate::model::names::Kind;
pub use fargate::SIZES as FARGATE_SIZES;
pub use fleet::check_fleet;
use node::Node;
pub use strategy::is_fargate;

/// What a rule has to say about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// The place in the spec, with list indices: `taskDefinition.containerDefinitions[0].image`.
    pub path: String,
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Other places that the message is about: paths of the same spec, or, from [`check_fleet`], where the other
    /// object is written.
    pub related: Vec<String>,
}

/// What stands in for a value that the reader has refused; as any placeholder, it is left to the reader.
pub const UNREADABLE: &str = "${}";

/// A rule over a whole spec.
type Check = fn(&Node, &mut Vec<Finding>);

/// Checks a spec by every rule of its kind. Where [`UNREADABLE`] stands, nothing is known and nothing is missing.
pub fn check(kind: Kind, spec: &Document, report: &mut dyn FnMut(Finding)) {
    let tables: &[&[Check]] = match kind {
        Kind::EcsService => &[
            service::CHECKS,
            targets::CHECKS,
            deployment::CHECKS,
            task_definition::CHECKS,
            fargate::CHECKS,
            containers::CHECKS,
            ports::CHECKS,
            scaling::CHECKS,
        ],
        Kind::EcsCluster => &[cluster::CHECKS],
        Kind::EcsCapacityProvider => &[capacity_provider::CHECKS],
        Kind::EcrRepository => &[repository::CHECKS, policy::CHECKS],
    };
    let root = Node::root(spec);
    let mut findings = Vec::new();
    for check in tables.iter().copied().flatten() {
        check(&root, &mut findings);
    }
    names::check(kind, &root, &mut findings);
    tags::check(kind, &root, &mut findings);
    arns::check(&root, &mut findings);
    findings.into_iter().for_each(report);
}

impl Finding {
    fn error(at: &Node, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            path: at.path.clone(),
            message: message.into(),
            hint: None,
            related: Vec::new(),
        }
    }

    fn warning(at: &Node, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(at, message) }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    fn related(mut self, to: &Node) -> Self {
        self.related.push(to.path.clone());
        self
    }
}
