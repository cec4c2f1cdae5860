//! The JSON output, field by field. Doc comments are its schema's descriptions.

#![allow(clippy::trivially_copy_pass_by_ref, clippy::ref_option)] // serde hands over references.

use super::words::{self, CHANGES, VERDICTS};
use crate::model::names::Kind;
use crate::model::semantics::Change;
use crate::plan::Verdict;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// Raised when a field goes or changes its meaning; new fields may come at any time.
pub const VERSION: u32 = 1;

/// What would change (`plan`) or what runs against what is declared (`status`).
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub version: u32,
    /// The AWS account: twelve digits.
    pub account: String,
    pub regions: Vec<String>,
    /// The operator instance whose objects these are.
    pub owner: String,
    /// Where the manifests are.
    pub source: String,
    /// The revision of the source, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    pub objects: Vec<ObjectView>,
    /// What became of pruning, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prune: Option<PruneView>,
    pub summary: Summary,
}

/// What `apply` did: the passes that had something to do, and what runs afterwards.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    pub version: u32,
    pub passes: Vec<View>,
    /// Not there when it was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<View>,
}

/// How many objects there are of each verdict.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub verdicts: BTreeMap<&'static str, usize>,
    pub waiting: usize,
    pub blocked: usize,
}

/// Pruning as a whole; what it would delete stands among the objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PruneView {
    /// Where what is owned was looked for.
    pub regions: Vec<String>,
    /// How much is owned there, declared or not.
    pub owned: usize,
    /// How much would go.
    pub going: usize,
    /// How much may go without being confirmed.
    pub allowed: usize,
    /// What `--confirm` takes to confirm just this.
    pub confirmation: String,
    /// Why nothing is pruned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldView>,
}

/// One object.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectView {
    /// `KIND/NAME`, as the manifest has it, and with the cluster of a service where there is no manifest any more.
    pub object: String,
    #[serde(serialize_with = "kind")]
    #[schemars(with = "String", extend("enum" = Kind::ALL.map(Kind::name)))]
    pub kind: Kind,
    /// The AWS name.
    pub name: String,
    /// Of a service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    pub region: String,
    /// The place of its manifest; of the last one where there is none any more.
    pub place: String,
    #[serde(serialize_with = "verdict")]
    #[schemars(with = "String", extend("enum" = VERDICTS.map(|verdict| words::words(verdict).name)))]
    pub verdict: Verdict,
    /// In one line, for people.
    pub why: String,
    /// The worst that the differences do.
    #[serde(serialize_with = "change", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = CHANGES.map(words::change)))]
    pub change: Option<Change>,
    pub differences: Vec<DifferenceView>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Paths where AWS has a value and the manifest leaves it alone.
    pub undeclared: Vec<String>,
    /// Why something, or all of it, is not done now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldView>,
    /// The calls that would change something, in their order.
    pub calls: Vec<CallView>,
    /// Of a service: where its deployment stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutView>,
    /// After an apply: what became of the calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Result>,
}

/// A value that differs. Secret values are `***`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools)] // Each is a field of its own for who reads the JSON.
pub struct DifferenceView {
    pub path: String,
    /// What AWS has; of a set only what the manifest does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// What is wanted; of a set only what AWS does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<Value>,
    /// The manifest is silent, and this is what silence means.
    pub by_default: bool,
    pub secret: bool,
    /// AWS moved, not the manifest.
    pub drift: bool,
    /// Not healed: the manifest asks for that, or it was tried and went back.
    pub held_back: bool,
    #[serde(serialize_with = "some_change")]
    #[schemars(with = "String", extend("enum" = CHANGES.map(words::change)))]
    pub change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldView {
    /// Whether a person must act; otherwise time will fix it.
    pub blocked: bool,
    /// `CamelCase`, from a closed list.
    pub reason: &'static str,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A call that changes something.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// `ecs:UpdateService`: what an IAM policy must allow.
    pub operation: String,
    /// Without its secrets.
    pub input: Value,
}

/// A service's tasks and its newest deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutView {
    pub state: RolloutState,
    /// Why it failed, in AWS's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `family:revision` that the service names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// `family:revision` that was tried, where that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<String>,
    /// `family:revision` that it went back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_to: Option<String>,
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    /// Tasks of the newest deployment that failed to start, or of the one that failed.
    pub failed: i64,
    /// How many failed tasks the circuit breaker takes for a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<i64>,
    /// Why tasks stopped, the most frequent reason first. AWS knows that for an hour.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<CauseView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RolloutState {
    Done,
    Rolling,
    /// It failed and is on its way back.
    RollingBack,
    /// It failed and went back, or somebody sent it back.
    RolledBack,
    Failed,
}

/// Why tasks of a deployment stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CauseView {
    /// How many tasks.
    pub tasks: usize,
    /// The task's `stoppedReason`.
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// What AWS says of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// All of it in one line.
    pub message: String,
}

/// What became of an object's calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Result {
    Done,
    /// Some calls may have been done before the one that failed.
    Failed {
        operation: String,
        error: ErrorView,
    },
    /// The create was answered with something that exists and is not ours.
    NotOwned,
    /// Something that it comes after did not succeed.
    Skipped,
}

/// An error and what caused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorView {
    pub message: String,
    pub caused_by: Vec<String>,
    pub hints: Vec<String>,
}

fn kind<S: Serializer>(kind: &Kind, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(kind.name())
}

fn verdict<S: Serializer>(verdict: &Verdict, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(words::words(*verdict).name)
}

fn some_change<S: Serializer>(change: &Change, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(words::change(*change))
}

fn change<S: Serializer>(change: &Option<Change>, to: S) -> std::result::Result<S::Ok, S::Error> {
    match change {
        Some(change) => some_change(change, to),
        None => to.serialize_none(),
    }
}
