//! What people write: YAML read with places, checked against the shapes of the APIs and against what AWS
//! refuses only later, and written back.
//!
//! [`yaml`] makes trees of text, [`read`] makes manifests of trees, [`convert`] is driven by the shapes,
//! [`checks`] hold what no shape says. Nothing here reads a file, and nothing panics on what people write.

pub mod checks;
pub mod convert;
pub mod crd;
pub mod describe;
#[cfg(test)]
mod fuzz;
mod limits;
mod pasted;
mod placeholder;
pub mod problem;
pub mod read;
mod scalar;
mod schedule;
pub mod schema;
pub mod status;
mod suggest;
mod tolerance;
pub mod tree;
pub mod write;
pub mod yaml;

use crate::model::desired::Document;
use crate::model::names::Kind;
use problem::{ObjectName, Place, Problem, Severity, Source};
use std::collections::BTreeMap;
use std::sync::Arc;
use tree::{Mark, Node};

pub use pasted::{Draft, Pasted, from_pasted, object_name};
pub use suggest::nearest;

/// One object as declared.
#[derive(Debug, Clone)]
pub struct Manifest {
    pub kind: Kind,
    pub name: String,
    pub namespace: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// In canonical spelling, every value of its shape's type; what was wrong is left out.
    pub spec: Document,
    /// `spec` with places.
    pub tree: Node,
    /// `metadata` as written.
    pub metadata: Node,
    /// Where the document starts.
    pub at: Mark,
    pub source: Arc<Source>,
}

impl Manifest {
    pub fn object(&self) -> ObjectName {
        ObjectName { kind: self.kind, namespace: self.namespace.clone(), name: self.name.clone() }
    }

    /// Where a member stands, such as `service.loadBalancers[0].containerName`, or the deepest on the way to it.
    pub fn place(&self, path: &str) -> Place {
        self.source.place(self.tree.nearest(path).mark())
    }

    /// A problem of this object at a place of its text.
    pub fn problem(&self, severity: Severity, at: impl Into<Mark>, message: impl Into<String>) -> Problem {
        Problem { object: Some(self.object()), ..Problem::at(severity, &self.source, at.into(), message) }
    }

    /// Where the object's name stands.
    pub fn name_mark(&self) -> Mark {
        self.metadata.get("name").map_or(self.at, Node::mark)
    }

    pub fn name_place(&self) -> Place {
        self.source.place(self.name_mark())
    }
}
