//! Reads of AWS, in batches, into [`Observed`]: what is there, what is not, and what could not be read.
//!
//! Everything is grouped by Region and read in as few calls as the APIs allow. A failed read is Unreadable with
//! its cause, never an absence; only the account's id, without which nothing can be named, fails the whole. It
//! changes nothing. Tests: `tests/`, against the sandbox.

mod capacity_provider;
mod cluster;
mod inventory;
mod owned;
mod read;
mod repository;
mod revision;
mod scaling;
mod service;

pub use inventory::inventory;
pub use owned::add_owned;
pub use revision::RevisionCache;

use crate::aws::{Aws, CallError};
use crate::model::desired::{Desired, Object};
use crate::model::names::{Key, Kind};
use crate::model::observed::{Observed, Resource, Sighting};
use futures::future::join_all;
use read::Reader;
use std::collections::{BTreeMap, BTreeSet};

/// What is seen of some keys.
type Seen = BTreeMap<Key, Sighting<Resource>>;

/// Looks for everything that `desired` names.
pub async fn observe(aws: &Aws, cache: &RevisionCache, desired: &Desired) -> Result<Observed, CallError> {
    let regions: BTreeSet<&str> = desired.objects.keys().map(|key| key.region.as_str()).collect();
    let Some(first) = regions.first() else { return Ok(Observed::default()) };
    let account = aws.account_id(first).await?.to_owned();
    let seen =
        join_all(regions.iter().map(|region| observe_region(aws, cache, &account, region, desired))).await;
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
    aws: &Aws,
    cache: &RevisionCache,
    account: &str,
    region: &str,
    desired: &Desired,
) -> Observed {
    let reader = Reader { aws, region };
    let objects: Vec<&Object> =
        desired.objects.values().filter(|object| object.key.region == region).collect();
    let of_kind = |kind: Kind| objects.iter().copied().filter(move |object| object.key.kind == kind);
    let services: Vec<&Object> = of_kind(Kind::EcsService).collect();

    let wanted_clusters = cluster::wanted(&objects);
    let (clusters, mut repositories) = futures::join!(
        cluster::read(&reader, &wanted_clusters),
        repository::read(&reader, of_kind(Kind::EcrRepository).collect()),
    );
    let (providers, (mut live, revisions)) =
        futures::join!(capacity_provider::read(&reader, &objects, &clusters), async {
            let live = service::read(&reader, &services, &clusters).await;
            let (revisions, scaling) = futures::join!(
                revision::read(&reader, cache, account, &services, &live),
                scaling::read(&reader, &services, &live),
            );
            (scaling::joined(live, scaling), revisions)
        },);
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
