//! What the stages talk about: the facts of the AWS APIs, what each member means, names, and
//! the values that pass from stage to stage.
//!
//! - [`facts`]: shapes, members, bounds, as the AWS API models state them (`model/*.json`).
//! - [`semantics`]: what a member means: how it compares, what its absence says, what changing it does.
//! - [`names`]: kinds, keys, tags and annotations.
//! - [`desired`], [`observed`]: what is wanted, what was seen.
//!
//! Uses nothing of the rest of the crate. It must never read a file, a clock or the network.

pub mod described;
pub mod desired;
pub mod diff;
pub mod document;
pub mod facts;
pub mod merge;
pub mod names;
pub mod observed;
pub mod path;
pub mod reduce;
pub mod revision;
pub mod semantics;
pub mod state;
