//! Task definition revisions: those that services run or name, and, where one of them is not what is wanted,
//! the newest of its family. A revision never changes, so it is read once.

use super::read::{AT_ONCE, Reader, as_document, text};
use super::{ReadCache, Seen};
use crate::aws::{CallError, ErrorKind, Operation};
use crate::model::described::{running_revision, tag_map};
use crate::model::desired::Object;
use crate::model::names::family_and_revision;
use crate::model::observed::{Resource, Revision, RevisionKey, Sighting};
use crate::model::revision::is_equal;
use futures::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many of a family's newest revisions are looked at before a new one is registered: enough for going back
/// and forth between a few versions, and for what a crash has left behind.
const RECENT: usize = 5;

type Revisions = BTreeMap<RevisionKey, Sighting<Revision>>;
type Families = BTreeMap<RevisionKey, Sighting<Vec<String>>>;

pub(super) async fn read(
    reader: &Reader<'_>,
    cache: &ReadCache,
    account: &str,
    services: &[&Object],
    live: &Seen,
) -> (Revisions, Families) {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for service in services {
        names.extend(running(service, live));
        if service.part("taskDefinition").is_none() {
            let by_name = service.part("service").and_then(|part| part.get("taskDefinition")?.as_str());
            names.extend(by_name.map(|name| family_and_revision(name).to_owned()));
        }
    }
    let mut revisions = describe_all(reader, cache, names).await;
    let searched = services.iter().filter(|service| needs_search(reader, account, service, live, &revisions));
    let searched: BTreeSet<String> = searched.filter_map(|service| family(service)).collect();
    let lists = iter(searched).map(|family| async move {
        let newest = newest(reader, &family).await;
        ((reader.region.to_owned(), family), newest)
    });
    let families: Families = lists.buffer_unordered(AT_ONCE).collect().await;
    let found = families.values().filter_map(Sighting::present).flatten();
    let more: BTreeSet<String> = found
        .filter(|name| !revisions.contains_key(&(reader.region.to_owned(), (*name).clone())))
        .cloned()
        .collect();
    revisions.extend(describe_all(reader, cache, more).await);
    (revisions, families)
}

/// The revision that the live service runs, as `family:revision`.
fn running(service: &Object, live: &Seen) -> Option<String> {
    let arn = running_revision(live.get(&service.key)?.present()?)?;
    Some(family_and_revision(arn).to_owned())
}

fn family(service: &Object) -> Option<String> {
    service.part("taskDefinition")?.get("family")?.as_str().map(str::to_owned)
}

/// Whether the service needs another revision than the one it runs.
fn needs_search(
    reader: &Reader<'_>,
    account: &str,
    service: &Object,
    live: &Seen,
    revisions: &Revisions,
) -> bool {
    let Some(body) = service.part("taskDefinition") else { return false };
    let Some(Sighting::Present(_) | Sighting::Absent) = live.get(&service.key) else { return false };
    // What a deleted service ran is of no use to the one that is made anew.
    let seen = live.get(&service.key).and_then(Sighting::present);
    let is_gone = seen.is_some_and(Resource::is_inactive);
    let Some(name) = running(service, live).filter(|_| !is_gone) else { return true };
    match revisions.get(&(reader.region.to_owned(), name)) {
        Some(Sighting::Present(revision)) => !is_equal(body, revision, account),
        Some(Sighting::Absent) | None => true,
        Some(Sighting::Unreadable(_)) => false,
    }
}

pub(super) async fn describe_all(
    reader: &Reader<'_>,
    cache: &ReadCache,
    names: BTreeSet<String>,
) -> Revisions {
    let reads = iter(names).map(|name| async move {
        let key = (reader.region.to_owned(), name);
        let seen = describe(reader, cache, &key).await;
        (key, seen)
    });
    reads.buffer_unordered(AT_ONCE).collect().await
}

async fn describe(reader: &Reader<'_>, cache: &ReadCache, key: &RevisionKey) -> Sighting<Revision> {
    if let Some(revision) = cache.revision(key) {
        return Sighting::Present(revision);
    }
    let input = json!({"taskDefinition": key.1, "include": ["TAGS"]});
    match reader.one(Operation::DescribeTaskDefinition, input).await {
        Ok(answer) => {
            let body = as_document(answer.get("taskDefinition").cloned().unwrap_or_default());
            let arn = text(&body, "taskDefinitionArn").to_owned();
            let revision = Revision { arn, tags: tag_map(answer.get("tags")), body };
            // A bare family names another revision tomorrow; an INACTIVE one may be deleted.
            if key.1.contains(':') && revision.is_active() {
                cache.keep_revision(key.clone(), revision.clone());
            }
            Sighting::Present(revision)
        }
        Err(CallError { kind: ErrorKind::NotFound, .. }) => Sighting::Absent,
        Err(error) => Sighting::Unreadable(error.to_string()),
    }
}

/// The newest ACTIVE revisions of a family, newest first, from the first page.
async fn newest(reader: &Reader<'_>, family: &str) -> Sighting<Vec<String>> {
    let input = json!({"familyPrefix": family, "status": "ACTIVE", "sort": "DESC", "maxResults": RECENT});
    match reader.one(Operation::ListTaskDefinitions, input).await {
        Ok(answer) => {
            let arns = answer.get("taskDefinitionArns").and_then(Value::as_array);
            let names = arns.into_iter().flatten().filter_map(Value::as_str).map(family_and_revision);
            let of_family = names.filter(|name| name.rsplit_once(':').is_some_and(|(of, _)| of == family));
            Sighting::Present(of_family.take(RECENT).map(str::to_owned).collect())
        }
        Err(CallError { kind: ErrorKind::NotFound, .. }) => Sighting::Absent,
        Err(error) => Sighting::Unreadable(error.to_string()),
    }
}
