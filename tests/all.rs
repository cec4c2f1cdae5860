//! One binary for all integration tests: linking the AWS SDK once is enough.
//!
//! - [`architecture`]: who imports whom, sizes, and what only some folders may touch.
//! - [`model`]: every member of every API is handled or left out with a reason.
//! - [`readme`]: the README is true.
//! - [`scenarios`]: the product against the sandbox, in a [`world`] of its own.
//! - [`calls`]: how many calls AWS gets, from a [`fleet`], and how long they take.
//! - [`cli`]: whole commands, in transcripts.
//! - [`demo`]: the tour, as a newcomer takes it.
//! - [`markdown`]: what a parser makes of the Markdown output.
//! - [`kube`]: the definitions against a real Kubernetes API.
//! - [`moto`]: the product against somebody else's AWS.
//! - [`operations`]: every operation, by the real SDK against the sandbox.
//! - [`faults`]: whatever goes wrong, it ends as without.
//! - [`operator`]: the loop, for simulated days.
//! - [`pasted`]: what people keep in their repositories, applied.
//! - [`properties`]: what holds for whatever is declared.
//! - [`corpus`]: real documents, when a folder of them is given.
//! - [`import`]: what runs, written down, plans to adoptions only.
//! - [`iam`]: the policies of `deploy/iam` allow what is used.
//! - `workflow`: the steps of `deploy/github`, against a sandbox and a stand-in for GitHub's API.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, clippy::panic)]

mod architecture;
mod calls;
mod cli;
mod corpus;
mod demo;
mod faults;
mod fleet;
mod iam;
mod import;
mod kube;
mod markdown;
mod model;
mod moto;
mod operations;
mod operator;
mod pasted;
mod properties;
mod readme;
mod scenarios;
#[cfg(unix)]
mod workflow;
mod world;
