//! Checks that need more than one object.
use super::Candidate;
use crate::manifest::problem::Problem;
pub fn check(_candidates: &[Candidate], _problems: &mut Vec<Problem>) {}
