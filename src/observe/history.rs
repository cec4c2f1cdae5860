//! The history of deployments of those services of which a plan asks for it: a page of it for each time it asks.
//!
//! A service revision never changes, and neither does why the tasks of a deployment that is over stopped: both are
//! read once. Optional where AWS does not know the operations (an emulator, a Region without them): then there is no
//! history, which is not the same as a denied read.

use super::ReadCache;
use super::read::{AT_ONCE, Reader, list, text};
use super::revision::describe_all;
use crate::aws::{Aws, CallError, Operation};
use crate::model::desired::Document;
use crate::model::names::{Key, family_and_revision};
use crate::model::observed::{History, Observed, Resource, Sighting};
use crate::model::state::State;
use futures::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Service deployments or service revisions a call: the API's limit.
const BATCH: usize = 20;
/// Service deployments, tasks a page: the API's limit.
const PAGE: usize = 100;
/// Reads the history of `asks`, or the next page of it, into `observed`; with it the task definitions of which a judge
/// must know whether they are the wanted one.
pub async fn add_histories(aws: &Aws, cache: &ReadCache, asks: &BTreeSet<Key>, observed: &mut Observed) {
    let services = asks.iter().filter_map(|key| Some((key, observed.resources.get(key)?.present()?)));
    let reads = iter(services).map(|(key, service)| async move {
        let reader = Reader { aws, region: &key.region };
        let before = match &service.parts.history {
            Some(Sighting::Present(history)) => history.clone(),
            _ => History::default(),
        };
        let history = match read(&reader, cache, key, service, before).await {
            Ok(history) => Sighting::Present(history),
            Err(error) if is_not_there(&error) => Sighting::Absent,
            Err(error) => Sighting::Unreadable(error.to_string()),
        };
        let names = tried(history.present().unwrap_or(&History::default()), service);
        (key.clone(), history, describe_all(&reader, cache, names).await)
    });
    let read: Vec<_> = reads.buffer_unordered(AT_ONCE).collect().await;
    for (key, history, revisions) in read {
        observed.revisions.extend(revisions);
        if let Some(Sighting::Present(service)) = observed.resources.get_mut(&key) {
            service.parts.history = Some(history);
        }
    }
}

fn is_not_there(error: &CallError) -> bool {
    error.is_unknown_operation() || error.code == "UnsupportedFeatureException"
}

/// `history` with the next page of deployments; with all of them where AWS does not begin with the newest, of which
/// nothing is documented.
async fn read(
    reader: &Reader<'_>,
    cache: &ReadCache,
    key: &Key,
    service: &Resource,
    mut history: History,
) -> Result<History, CallError> {
    loop {
        let mut input = json!({"cluster": cluster(key), "service": service.arn, "maxResults": PAGE});
        if let Some(next) = history.next.take() {
            input["nextToken"] = json!(next);
        }
        let page = reader.one(Operation::ListServiceDeployments, input).await?;
        let mut deployments = list(&page, "serviceDeployments");
        history.next = page.get("nextToken").and_then(Value::as_str).map(str::to_owned);
        describe_deployments(reader, &mut deployments).await?;
        add_revisions(reader, cache, &deployments, &mut history).await?;
        let ascends = deployments.first().map(began) < deployments.last().map(began);
        history.deployments.append(&mut deployments);
        if history.next.is_none() || !ascends {
            break;
        }
    }
    history.deployments.sort_by(|one, other| began(other).total_cmp(&began(one)));
    if history.stopped.is_none() {
        history.stopped = stopped(reader, cache, key, &history.deployments).await;
    }
    Ok(history)
}

fn cluster(key: &Key) -> &str {
    key.cluster.as_deref().unwrap_or("default")
}

fn began(deployment: &Document) -> f64 {
    deployment.get("createdAt").and_then(Value::as_f64).unwrap_or_default()
}

fn has_succeeded(deployment: &Document) -> bool {
    text(deployment, "status") == "SUCCESSFUL"
}

fn is_over(deployment: &Document) -> bool {
    ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"].contains(&text(deployment, "status"))
}

/// What is only in the description (rollback, circuit breaker) of those that did not simply succeed.
async fn describe_deployments(reader: &Reader<'_>, deployments: &mut [Document]) -> Result<(), CallError> {
    let interesting = deployments.iter().filter(|deployment| !has_succeeded(deployment));
    let arns: Vec<&str> = interesting.map(|one| text(one, "serviceDeploymentArn")).take(BATCH).collect();
    if arns.is_empty() {
        return Ok(());
    }
    let input = json!({"serviceDeploymentArns": arns});
    let answer = reader.one(Operation::DescribeServiceDeployments, input).await?;
    for described in list(&answer, "serviceDeployments") {
        let arn = text(&described, "serviceDeploymentArn");
        let brief = deployments.iter_mut().find(|one| text(one, "serviceDeploymentArn") == arn);
        if let Some(brief) = brief {
            brief.extend(described);
        }
    }
    Ok(())
}

/// The service revisions that the deployments bring, or go back to.
async fn add_revisions(
    reader: &Reader<'_>,
    cache: &ReadCache,
    deployments: &[Document],
    history: &mut History,
) -> Result<(), CallError> {
    let named = deployments.iter().flat_map(|deployment| {
        let back = deployment.get("rollback").and_then(|rollback| rollback["serviceRevisionArn"].as_str());
        [Some(text(deployment, "targetServiceRevisionArn")), back]
    });
    let named: BTreeSet<&str> = named.flatten().filter(|arn| !arn.is_empty()).collect();
    let mut unknown = Vec::new();
    for arn in named {
        match cache.service_revision(reader.region, arn) {
            Some(revision) => drop(history.revisions.insert(arn.to_owned(), revision)),
            None => unknown.push(arn),
        }
    }
    for batch in unknown.chunks(BATCH) {
        let input = json!({"serviceRevisionArns": batch});
        let answer = reader.one(Operation::DescribeServiceRevisions, input).await?;
        for revision in list(&answer, "serviceRevisions") {
            let arn = text(&revision, "serviceRevisionArn").to_owned();
            cache.keep_service_revision(reader.region, &arn, revision.clone());
            history.revisions.insert(arn, revision);
        }
    }
    Ok(())
}

/// The tasks that stopped lately, where the newest deployment did not simply succeed.
async fn stopped(
    reader: &Reader<'_>,
    cache: &ReadCache,
    key: &Key,
    deployments: &[Document],
) -> Option<Sighting<Vec<Document>>> {
    let failed = deployments.iter().find(|deployment| !has_succeeded(deployment))?;
    let arn = text(failed, "serviceDeploymentArn");
    if let Some(tasks) = cache.stopped_tasks(reader.region, arn) {
        return Some(Sighting::Present(tasks));
    }
    let tasks = match stopped_tasks(reader, key).await {
        Ok(tasks) => tasks,
        Err(error) => return Some(Sighting::Unreadable(error.to_string())),
    };
    if is_over(failed) && !tasks.is_empty() {
        cache.keep_stopped_tasks(reader.region, arn, tasks.clone());
    }
    Some(Sighting::Present(tasks))
}

async fn stopped_tasks(reader: &Reader<'_>, key: &Key) -> Result<Vec<Document>, CallError> {
    let input = json!({"cluster": cluster(key), "serviceName": key.name, "desiredStatus": "STOPPED", "maxResults": PAGE});
    let answer = reader.one(Operation::ListTasks, input).await?;
    let arns = answer.get("taskArns").and_then(Value::as_array).cloned().unwrap_or_default();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let input = json!({"cluster": cluster(key), "tasks": arns});
    Ok(list(&reader.one(Operation::DescribeTasks, input).await?, "tasks"))
}

/// The task definitions that may be what is wanted under another name: of failed deployments, and of the state tag.
fn tried(history: &History, service: &Resource) -> BTreeSet<String> {
    let failed = history.deployments.iter().filter(|one| is_over(one) && !has_succeeded(one));
    let targets = failed.filter_map(|one| history.revisions.get(text(one, "targetServiceRevisionArn")));
    let named = targets.map(|revision| family_and_revision(text(revision, "taskDefinition")).to_owned());
    let rejected = State::of(&service.tags).rejected;
    let rejected = rejected.and_then(|rejected| rejected.revision().map(str::to_owned));
    rejected.into_iter().chain(named).filter(|name| !name.is_empty()).take(BATCH).collect()
}
