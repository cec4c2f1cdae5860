//! A small AWS for demos and tests: ECS, ECR, Application Auto Scaling and what else is read,
//! kept in memory, honest as AWS is.
//!
//! It imports nothing of the rest of the crate; the API model's facts it reads as data. Every
//! input is checked against them before an operation sees it. One file or folder per API.

mod call;

pub use call::{Call, Document, Refusal};
