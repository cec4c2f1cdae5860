//! One binary for all integration tests: linking the AWS SDK once is enough.
//!
//! - [`architecture`]: who imports whom, sizes, and what only some folders may touch.
//! - [`model`]: every member of every API is handled or left out with a reason.
//! - [`readme`]: the README is true.
//! - [`scenarios`]: the product against the sandbox, in a [`world`] of its own.
//! - [`cli`]: whole commands, in transcripts.
//! - [`kube`]: the definitions against a real Kubernetes API.
//! - [`moto`]: the product against somebody else's AWS.
//! - [`operations`]: every operation, by the real SDK against the sandbox.
//! - [`pasted`]: what people keep in their repositories, applied.
//! - [`properties`]: what holds for whatever is declared.
//! - [`corpus`]: real documents, when a folder of them is given.
//! - [`import`]: what runs, written down, plans to adoptions only.
//! - [`iam`]: the policies of `deploy/iam` allow what is used.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, clippy::panic)]

mod architecture;
mod cli;
mod corpus;
mod iam;
mod import;
mod kube;
mod model;
mod moto;
mod operations;
mod pasted;
mod properties;
mod readme;
mod scenarios;
mod world;
