//! What people write: the kinds, their JSON Schema for editors, and manifests written back as YAML.

pub mod describe;
pub mod schema;
pub mod write;
