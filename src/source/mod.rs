//! Where manifests come from. Every source gives the same [`Snapshot`].
//!
//! A source reads and never judges: what it cannot read is a problem of the snapshot, and the objects that
//! it could read are there all the same. Tests: in each source.

mod directory;

pub use directory::{load, text};

use crate::manifest::Manifest;
use crate::manifest::problem::Problem;

/// All that a source holds at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The commit or the like; a plain directory has none.
    pub revision: Option<String>,
    /// The files read, as people know them.
    pub files: Vec<String>,
    pub objects: Vec<Manifest>,
    pub problems: Vec<Problem>,
}

impl Snapshot {
    /// Whether anything could not be read: then nothing may be concluded from what is not here.
    pub fn is_partial(&self) -> bool {
        self.problems.iter().any(|problem| problem.is_error() && problem.object.is_none())
    }
}
