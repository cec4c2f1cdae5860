//! manifest
pub mod checks;
pub mod schedule;
