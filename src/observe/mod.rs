//! Reads of AWS, in batches, into [`Observed`]: what is there, what is not, and what could not be read.
//!
//! Everything is grouped by Region and read in as few calls as the APIs allow. A failed read is Unreadable with
//! its cause, never an absence; only the account's id, without which nothing can be named, fails the whole. It
//! changes nothing. Tests: `tests/`, against the sandbox; how many calls it makes is held by `tests/calls.rs`.

mod cache;
mod capacity_provider;
mod cluster;
mod history;
mod inventory;
mod owned;
mod read;
mod repository;
mod revision;
mod scaling;
mod service;

pub use cache::ReadCache;
pub use history::add_histories;
pub use inventory::inventory;
pub use owned::add_owned;

use crate::aws::{Aws, CallError};
use crate::model::desired::{Desired, Object};
use crate::model::names::{Key, Kind};
use crate::model::observed::{Observed, Resource, Sighting};
use futures::future::join_all;
use read::Reader;
use std::collections::{BTreeMap, BTreeSet};

/// What is seen of some keys.
type Seen = BTreeMap<Key, Sighting<Resource>>;

/// How closely it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Before something is written: what a few objects are is read now.
    Pass,
    /// Over everything, again and again: what rarely changes counts as it was read last.
    Sweep,
}

/// How to look, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub depth: Depth,
    /// Whose objects are ours: that something is another's is never concluded from a reading that may be late.
    pub owner: &'a str,
}

/// Looks for everything that `desired` names.
pub async fn observe(
    aws: &Aws,
    cache: &ReadCache,
    desired: &Desired,
    look: Look<'_>,
) -> Result<Observed, CallError> {
    let regions: BTreeSet<&str> = desired.objects.keys().map(|key| key.region.as_str()).collect();
    let Some(first) = regions.first() else { return Ok(Observed::default()) };
    let account = match look.depth {
        Depth::Pass => aws.account_id(first).await?.to_owned(),
        Depth::Sweep => aws.account_now(first).await?,
    };
    let all = regions.iter().map(|region| {
        let reader = Reader { aws, region };
        observe_region(reader, cache, &account, desired, look)
    });
    let seen = join_all(all).await;
    let mut observed = Observed { account, ..Observed::default() };
    for region in seen {
        observed.resources.extend(region.resources);
        observed.external.extend(region.external);
        observed.revisions.extend(region.revisions);
        observed.families.extend(region.families);
    }
    Ok(observed)
}

async fn observe_region(
    reader: Reader<'_>,
    cache: &ReadCache,
    account: &str,
    desired: &Desired,
    look: Look<'_>,
) -> Observed {
    let objects: Vec<&Object> =
        desired.objects.values().filter(|object| object.key.region == reader.region).collect();
    let of_kind = |kind: Kind| objects.iter().copied().filter(move |object| object.key.kind == kind);
    let services: Vec<&Object> = of_kind(Kind::EcsService).collect();

    let wanted_clusters = cluster::wanted(&objects);
    let (mut repositories, (clusters, providers, mut live, revisions)) = futures::join!(
        repository::read(&reader, cache, look, of_kind(Kind::EcrRepository).collect()),
        async {
            let clusters = cluster::read(&reader, &wanted_clusters).await;
            let services_and_revisions = async {
                let live = service::read(&reader, &services, &clusters).await;
                let revisions = revision::read(&reader, cache, account, &services, &live).await;
                (live, revisions)
            };
            let (providers, (live, revisions), scaling) = futures::join!(
                capacity_provider::read(&reader, &objects, &clusters),
                services_and_revisions,
                scaling::read(&reader, cache, &services, &clusters),
            );
            (clusters, providers, scaling::joined(live, scaling), revisions)
        }
    );
    let mut observed = Observed { account: account.to_owned(), ..Observed::default() };
    (observed.revisions, observed.families) = revisions;
    live.append(&mut repositories);
    for (key, sighting) in live.into_iter().chain(clusters).chain(providers) {
        let declared = desired.objects.contains_key(&key);
        let side = if declared { &mut observed.resources } else { &mut observed.external };
        side.insert(key, sighting);
    }
    observed
}
