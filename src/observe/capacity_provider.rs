//! Capacity providers: those declared, those that declared clusters name, and those that live clusters have (to
//! tell the ones of Managed Instances apart).

use super::Seen;
use super::read::{Reader, sighting, text};
use crate::aws::Operation;
use crate::model::desired::Object;
use crate::model::names::{Key, Kind, last_segment};
use crate::model::observed::Sighting;
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Names a call; a page has 10.
const BATCH: usize = 100;

pub(super) async fn read(reader: &Reader<'_>, objects: &[&Object], clusters: &Seen) -> Seen {
    let mut wanted: BTreeSet<Key> = BTreeSet::new();
    let named = |list: Option<&Value>| -> Vec<String> {
        let names = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        names.map(|name| last_segment(name).to_owned()).collect()
    };
    for object in objects {
        match object.key.kind {
            Kind::EcsCapacityProvider => drop(wanted.insert(object.key.clone())),
            Kind::EcsCluster => wanted.extend(keys(reader, named(object.spec.get("capacityProviders")))),
            Kind::EcrRepository | Kind::EcsService => {}
        }
    }
    for cluster in objects.iter().filter_map(|object| clusters.get(&object.key)?.present()) {
        wanted.extend(keys(reader, named(cluster.body.get("capacityProviders"))));
    }
    let mut by_cluster: BTreeMap<Option<String>, Vec<Key>> = BTreeMap::new();
    for key in wanted.into_iter().filter(|key| !matches!(key.name.as_str(), "FARGATE" | "FARGATE_SPOT")) {
        by_cluster.entry(key.cluster.clone()).or_default().push(key);
    }
    let batches =
        by_cluster.iter().flat_map(|(cluster, keys)| keys.chunks(BATCH).map(move |batch| (cluster, batch)));
    let seen = batches.map(|(cluster, batch)| read_batch(reader, cluster.as_deref(), batch));
    join_all(seen).await.into_iter().flatten().collect()
}

fn keys(reader: &Reader<'_>, names: Vec<String>) -> impl Iterator<Item = Key> {
    let region = reader.region.to_owned();
    names.into_iter().map(move |name| Key {
        kind: Kind::EcsCapacityProvider,
        region: region.clone(),
        cluster: None,
        name,
    })
}

async fn read_batch(reader: &Reader<'_>, cluster: Option<&str>, batch: &[Key]) -> Seen {
    let names: Vec<&str> = batch.iter().map(|key| key.name.as_str()).collect();
    let mut input = json!({"capacityProviders": names, "include": ["TAGS"]});
    if let Some(cluster) = cluster {
        input["cluster"] = json!(cluster);
    }
    let answer = pages(reader, input).await;
    let seen = |key: &Key| match &answer {
        Ok(answer) => {
            let is_it = |body: &_| text(body, "name") == key.name;
            match sighting(answer, ("capacityProviders", "capacityProviderArn"), is_it, &key.name) {
                // Names that are not there are left out of some answers without a word.
                Sighting::Unreadable(_) if is_silent(answer, &key.name) => Sighting::Absent,
                sighting => sighting,
            }
        }
        Err(error) => Sighting::Unreadable(error.to_string()),
    };
    batch.iter().map(|key| (key.clone(), seen(key))).collect()
}

/// The pages of a Describe call as one answer: its failures stand beside its elements.
async fn pages(
    reader: &Reader<'_>,
    mut input: Value,
) -> Result<crate::model::desired::Document, crate::aws::CallError> {
    let mut whole = json!({"capacityProviders": [], "failures": []});
    loop {
        let answer = reader.one(Operation::DescribeCapacityProviders, input.clone()).await?;
        for member in ["capacityProviders", "failures"] {
            let more = answer.get(member).and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(all) = whole[member].as_array_mut() {
                all.extend(more);
            }
        }
        match answer.get("nextToken").and_then(Value::as_str) {
            Some(token) if !token.is_empty() && input["nextToken"] != token => {
                input["nextToken"] = json!(token);
            }
            _ => return Ok(super::read::as_document(whole)),
        }
    }
}

fn is_silent(answer: &crate::model::desired::Document, name: &str) -> bool {
    super::read::list(answer, "failures").iter().all(|failure| !text(failure, "arn").ends_with(name))
}
