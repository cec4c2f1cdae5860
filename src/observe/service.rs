//! Services: ten of one cluster a call, tags included. Of a cluster that is not there no service is.

use super::Seen;
use super::read::{AT_ONCE, Reader, each, sighting, text};
use crate::aws::{CallError, ErrorKind, Operation};
use crate::model::desired::{Document, Object};
use crate::model::names::Key;
use crate::model::observed::{Resource, Sighting};
use futures::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Services a call: the API's limit.
const BATCH: usize = 10;
/// Service revisions a call: the API's limit.
const REVISIONS: usize = 20;

pub(super) async fn read(reader: &Reader<'_>, services: &[&Object], clusters: &Seen) -> Seen {
    let mut seen = Seen::new();
    let mut by_cluster: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for service in services {
        let cluster = service.key.cluster.as_deref().unwrap_or("default");
        match clusters.get(&service.key.its_cluster()) {
            Some(Sighting::Absent) => drop(seen.insert(service.key.clone(), Sighting::Absent)),
            Some(Sighting::Unreadable(cause)) => {
                seen.insert(service.key.clone(), Sighting::Unreadable(cause.clone()));
            }
            Some(Sighting::Present(_)) | None => by_cluster.entry(cluster).or_default().push(service),
        }
    }
    let batches: Vec<(&str, &[&Object])> = by_cluster
        .iter()
        .flat_map(|(cluster, services)| services.chunks(BATCH).map(|batch| (*cluster, batch)))
        .collect();
    let batches = iter(batches).map(|(cluster, batch)| read_batch(reader, cluster, batch));
    let answers: Vec<Seen> = batches.buffer_unordered(AT_ONCE).collect().await;
    seen.extend(answers.into_iter().flatten());
    add_service_revisions(reader, services, &mut seen).await;
    seen
}

async fn read_batch(reader: &Reader<'_>, cluster: &str, batch: &[&Object]) -> Seen {
    let names: Vec<&str> = batch.iter().map(|service| service.key.name.as_str()).collect();
    let input = json!({"cluster": cluster, "services": names, "include": ["TAGS"]});
    let answer = reader.one(Operation::DescribeServices, input).await;
    let seen = |service: &&Object| match &answer {
        Ok(answer) => {
            let is_it = |body: &_| text(body, "serviceName") == service.key.name;
            sighting(answer, ("services", "serviceArn"), is_it, &service.key.name)
        }
        Err(CallError { kind: ErrorKind::NotFound, .. }) => Sighting::Absent,
        Err(error) => Sighting::Unreadable(error.to_string()),
    };
    batch.iter().map(|service| (service.key.clone(), seen(service))).collect()
}

/// What only the service revision holds, where a manifest declares it.
async fn add_service_revisions(reader: &Reader<'_>, services: &[&Object], seen: &mut Seen) {
    let declares = |service: &&&Object| {
        let part = service.part("service");
        part.is_some_and(|part| part.contains_key("monitoring") || part.contains_key("gatewayConnectors"))
    };
    let declaring: Vec<&Key> = services.iter().filter(declares).map(|service| &service.key).collect();
    let current = |key: &&Key| current_revision(seen.get(*key)?.present()?);
    let arns: Vec<String> = declaring.iter().filter_map(current).collect();
    let batches = iter(arns.chunks(REVISIONS)).map(|batch| async move {
        let answer =
            reader.one(Operation::DescribeServiceRevisions, json!({"serviceRevisionArns": batch})).await;
        batch.iter().map(|arn| (arn.clone(), described(&answer, arn))).collect::<Vec<_>>()
    });
    let revisions: BTreeMap<_, _> = batches.buffer_unordered(AT_ONCE).concat().await.into_iter().collect();
    for key in declaring {
        let Some(Sighting::Present(live)) = seen.get_mut(key) else { continue };
        let revision = current_revision(live).and_then(|arn| revisions.get(&arn).cloned());
        let unnamed = || Sighting::Unreadable("AWS names no service revision".to_owned());
        live.parts.service_revision = Some(revision.unwrap_or_else(unnamed));
    }
}

fn described(answer: &Result<Document, CallError>, arn: &str) -> Sighting<Document> {
    match answer {
        Ok(answer) => {
            match each(answer, "serviceRevisions").find(|one| text(one, "serviceRevisionArn") == arn) {
                Some(revision) => Sighting::Present(revision.clone()),
                None => Sighting::Unreadable("AWS does not describe the service revision".to_owned()),
            }
        }
        Err(error) => Sighting::Unreadable(error.to_string()),
    }
}

/// The newest revision that the service is made of comes first.
fn current_revision(live: &Resource) -> Option<String> {
    let revisions = live.body.get("currentServiceRevisions")?.as_array()?;
    revisions.first()?.get("arn").and_then(Value::as_str).map(str::to_owned)
}
