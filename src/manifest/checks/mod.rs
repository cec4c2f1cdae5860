//! What AWS would refuse only later.
use super::problem::Report;
use super::tree::Node;
use crate::model::names::Kind;
pub fn run(_kind: Kind, _spec: &Node, _report: &mut Report) {}
