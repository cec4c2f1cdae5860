//! Whatever goes wrong on the way, the operator comes to the same end as without, makes nothing twice, touches nothing
//! of others, and tells no fault as drift, deletion or health.
//!
//! - [`crash`]: killed before and after every write of a few stories.
//! - [`end`]: what is compared of two worlds.
//! - [`scene`]: the operator in a world that fails.
//! - [`shop`]: what is declared.
//! - [`storm`]: everything fails, by seed.

mod crash;
mod end;
mod scene;
mod shop;
mod storm;
