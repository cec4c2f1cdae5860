//! What a session has read and need not read again yet.
//!
//! - Task definition revisions never change: each is read once. Who changes the tags of one forgets it.
//! - The two policies of a repository are one call each, and a thousand repositories would be most of a sweep: a
//!   sweep reads a tenth of them, another each time, and the rest counts as it was read last. They are read at
//!   once when the manifest has changed or we have written them.
//! - Service revisions never change either, nor does why the tasks of a deployment that is over stopped.
//! - Which repositories we have written: the tagging API does not know their tags yet.
//! - How many pages the account's lists have, so that the way of fewer calls is known.
//!
//! It holds no absence and no failure. What ten sweeps had no use for is forgotten. Tests: here, and `tests/calls.rs`.

use super::Depth;
use crate::aws::Operation;
use crate::model::desired::Document;
use crate::model::names::{Key, Kind, family_and_revision};
use crate::model::observed::{Revision, RevisionKey, Sighting};
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A repository's policies are read on one sweep of this many, and what this many sweeps did not use is forgotten.
const CADENCE: u64 = 10;
/// A pass over many repositories takes policies that this session has read within this time: it looks again every few
/// seconds while something is under way.
const FRESH: Duration = Duration::from_mins(10);
/// The tagging API is "a little" late, says AWS. Seen are seconds to some minutes.
const TAGGING_LAG: Duration = Duration::from_mins(15);

/// Readings that last from pass to pass.
#[derive(Debug, Default)]
pub struct ReadCache(Mutex<Readings>);

#[derive(Debug, Default)]
struct Readings {
    /// Sweeps begun.
    sweep: u64,
    revisions: Shelf<RevisionKey, Revision>,
    service_revisions: Shelf<RegionalArn, Document>,
    /// By the service deployment that failed.
    stopped_tasks: Shelf<RegionalArn, Vec<Document>>,
    policies: Shelf<Key, (Policies, Instant)>,
    written: HashMap<Key, Instant>,
    pages: HashMap<(String, Operation), usize>,
}

/// `(Region, ARN)`.
type RegionalArn = (String, String);

/// The policies of a repository.
#[derive(Debug, Clone)]
pub(super) struct Policies {
    pub lifecycle: Sighting<Document>,
    pub repository: Sighting<Document>,
    /// The hash of the manifest they were read for.
    pub manifest: u64,
}

/// Things with the sweep that used them last.
#[derive(Debug)]
struct Shelf<K, V>(HashMap<K, (u64, V)>);

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Shelf<K, V> {
    fn find(&mut self, key: &K, sweep: u64) -> Option<&V> {
        let (used, value) = self.0.get_mut(key)?;
        *used = sweep;
        Some(value)
    }

    fn clear_out(&mut self, sweep: u64) {
        self.0.retain(|_, (used, _)| *used + CADENCE >= sweep);
    }
}

impl ReadCache {
    /// A sweep begins, which uses whatever is still of use.
    pub fn begin_sweep(&self) {
        let mut readings = self.readings();
        readings.sweep += 1;
        let sweep = readings.sweep;
        readings.revisions.clear_out(sweep);
        readings.service_revisions.clear_out(sweep);
        readings.stopped_tasks.clear_out(sweep);
        readings.policies.clear_out(sweep);
        readings.written.retain(|_, at| at.elapsed() < TAGGING_LAG);
    }

    /// Something of `object` was written, or may have been.
    pub fn wrote(&self, object: &Key, input: &Document) {
        let mut readings = self.readings();
        if object.kind == Kind::EcrRepository {
            readings.policies.0.remove(object);
            readings.written.insert(object.clone(), Instant::now());
        }
        if let Some(arn) = input.get("resourceArn").and_then(Value::as_str) {
            let key = (object.region.clone(), family_and_revision(arn).to_owned());
            readings.revisions.0.remove(&key);
        }
    }

    pub(super) fn revision(&self, key: &RevisionKey) -> Option<Revision> {
        let readings = &mut *self.readings();
        readings.revisions.find(key, readings.sweep).cloned()
    }

    pub(super) fn keep_revision(&self, key: RevisionKey, revision: Revision) {
        let mut readings = self.readings();
        let sweep = readings.sweep;
        readings.revisions.0.insert(key, (sweep, revision));
    }

    pub(super) fn service_revision(&self, region: &str, arn: &str) -> Option<Document> {
        let readings = &mut *self.readings();
        readings.service_revisions.find(&(region.to_owned(), arn.to_owned()), readings.sweep).cloned()
    }

    pub(super) fn keep_service_revision(&self, region: &str, arn: &str, revision: Document) {
        let readings = &mut *self.readings();
        readings.service_revisions.0.insert((region.to_owned(), arn.to_owned()), (readings.sweep, revision));
    }

    /// The tasks that stopped under a service deployment that is over.
    pub(super) fn stopped_tasks(&self, region: &str, deployment: &str) -> Option<Vec<Document>> {
        let readings = &mut *self.readings();
        readings.stopped_tasks.find(&(region.to_owned(), deployment.to_owned()), readings.sweep).cloned()
    }

    pub(super) fn keep_stopped_tasks(&self, region: &str, deployment: &str, tasks: Vec<Document>) {
        let readings = &mut *self.readings();
        readings.stopped_tasks.0.insert((region.to_owned(), deployment.to_owned()), (readings.sweep, tasks));
    }

    /// The policies as they were read last, where that is good enough for one of many repositories.
    pub(super) fn policies(&self, key: &Key, manifest: u64, depth: Depth) -> Option<Policies> {
        let readings = &mut *self.readings();
        let sweep = readings.sweep;
        let (policies, read) = readings.policies.find(key, sweep)?;
        let is_due = match depth {
            Depth::Pass => read.elapsed() > FRESH,
            Depth::Sweep => (sweep.wrapping_add(hash(key))).is_multiple_of(CADENCE),
        };
        (!is_due && policies.manifest == manifest).then(|| policies.clone())
    }

    pub(super) fn keep_policies(&self, key: &Key, policies: Policies) {
        let is_read = |sighting: &Sighting<_>| sighting.cause().is_none();
        if is_read(&policies.lifecycle) && is_read(&policies.repository) {
            let mut readings = self.readings();
            let sweep = readings.sweep;
            readings.policies.0.insert(key.clone(), (sweep, (policies, Instant::now())));
        }
    }

    /// Whether we have written it so lately that the tagging API may not know.
    pub(super) fn is_just_written(&self, key: &Key) -> bool {
        self.readings().written.get(key).is_some_and(|at| at.elapsed() < TAGGING_LAG)
    }

    /// How many pages of a list the account had; at least so many, where nobody has read it to the end.
    pub(super) fn pages(&self, region: &str, operation: Operation) -> Option<usize> {
        self.readings().pages.get(&(region.to_owned(), operation)).copied()
    }

    pub(super) fn keep_pages(&self, region: &str, operation: Operation, pages: usize) {
        self.readings().pages.insert((region.to_owned(), operation), pages);
    }

    fn readings(&self) -> MutexGuard<'_, Readings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same within a process.
pub(super) fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
