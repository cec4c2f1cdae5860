//! ecs-operator makes Amazon ECS, ECR and Application Auto Scaling match what is declared.
//!
//! One pipeline stands behind every command:
//!
//! ```text
//! source ─► resolve ─► observe ─► plan ─► execute ─► report
//!  I/O       pure       I/O       pure     I/O        pure
//! ```
//!
//! Start reading at [`reconcile`]: the pass on one page. Then follow a stage into its folder:
//! every stage folder has the same file names, one per kind. What the stages talk about (the
//! facts of the AWS APIs, what a member means, names, what is wanted and what was seen) is in
//! [`model`]. The SDK is known to [`aws`] alone.
//!
//! Who may import whom is held by `tests/architecture.rs`.

pub mod aws;
pub mod cli;
pub mod execute;
pub mod import;
pub mod manifest;
pub mod model;
pub mod observe;
pub mod operator;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod resolve;
pub mod rollout;
pub mod sandbox;
pub mod source;
