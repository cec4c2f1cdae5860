//! Clusters: 100 a call, with all that is given only when asked for.

use super::Seen;
use super::read::{Reader, sighting, text};
use crate::aws::Operation;
use crate::model::desired::Object;
use crate::model::names::{Key, Kind};
use crate::model::observed::Sighting;
use futures::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;

/// The clusters to look for: declared ones, and those that services and capacity providers name.
pub(super) fn wanted(objects: &[&Object]) -> BTreeSet<Key> {
    let cluster = |object: &&Object| {
        let key = &object.key;
        let name = if key.kind == Kind::EcsCluster { Some(&key.name) } else { key.cluster.as_ref() };
        name.map(|name| key.of_cluster(name))
    };
    objects.iter().filter_map(cluster).collect()
}

pub(super) async fn read(reader: &Reader<'_>, wanted: &BTreeSet<Key>) -> Seen {
    let wanted: Vec<&Key> = wanted.iter().collect();
    let batches = wanted.chunks(100).map(async |batch| {
        let names: Vec<&str> = batch.iter().map(|key| key.name.as_str()).collect();
        let include = ["SETTINGS", "CONFIGURATIONS", "TAGS", "ATTACHMENTS"];
        let input = json!({"clusters": names, "include": include});
        let answer = reader.one(Operation::DescribeClusters, input).await;
        let seen = |key: &&Key| match &answer {
            Ok(answer) => {
                let is_it = |body: &_| text(body, "clusterName") == key.name;
                sighting(answer, ("clusters", "clusterArn"), is_it, &key.name)
            }
            Err(error) => Sighting::Unreadable(error.to_string()),
        };
        batch.iter().map(|key| ((*key).clone(), seen(key))).collect::<Seen>()
    });
    join_all(batches).await.into_iter().flatten().collect()
}
