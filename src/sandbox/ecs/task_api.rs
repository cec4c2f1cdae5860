//! RunTask, StopTask, and what is answered about tasks.
//!
//! Tests: `tests/task.rs`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::listing::{self, includes};
use super::tags::Tags;
use super::task::{Launch, Place};
use super::task_life::stop_task;
use super::task_placement::{self, next_provider};
use super::words::{self, arn_of, cluster_name, cluster_not_found, invalid, short};
use super::{State, Wake, capacity_provider, service_checks};
use crate::sandbox::{Call, Document, Refusal, field};

pub fn run(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let token = field::text(input, "clientToken").map(str::to_owned);
    if let Some(ids) = token.as_ref().and_then(|token| cluster.run_tokens.get(token)) {
        let tasks: Vec<Value> =
            ids.iter().filter_map(|id| cluster.tasks.get(id)).map(|task| task.answer(true)).collect();
        return Ok(json!({"tasks": tasks, "failures": []}));
    }
    let count = field::integer(input, "count").unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(invalid("Tasks can be run in a count of 1 to 10."));
    }
    let revision = state.runnable(field::text(input, "taskDefinition").unwrap_or_default())?.clone();
    service_checks::check_network(&revision, input)?;
    let strategy = run_strategy(state, cluster, input)?;
    let launch_type = field::text(input, "launchType").unwrap_or("EC2");
    if strategy.is_empty() && !revision.supports(launch_type) {
        return Err(invalid(format!("Task definition does not support launch_type {launch_type}.")));
    }
    let tags = Tags::read(call, input)?;
    let family = short(&revision.arn).split(':').next().unwrap_or_default().to_owned();
    let (mut started, mut failures, mut counts) = (Vec::new(), Vec::new(), BTreeMap::new());
    for _ in 0..count {
        let place = match next_provider(&strategy, &counts) {
            Some(provider) => {
                *counts.entry(provider.clone()).or_insert(0) += 1;
                Place::CapacityProvider(provider)
            }
            None => Place::LaunchType(launch_type.to_owned()),
        };
        let launch = Launch {
            place,
            revision: &revision,
            group: field::text(input, "group").map_or_else(|| format!("family:{family}"), str::to_owned),
            started_by: field::text(input, "startedBy").map(str::to_owned),
            service: None,
            spec: input,
            tags: tags.clone(),
        };
        let State { clusters, capacity_providers, agenda, .. } = state;
        let cluster = clusters.get_mut(cluster_name(input)).ok_or_else(cluster_not_found)?;
        match task_placement::start(agenda, cluster, capacity_providers, call, launch) {
            Ok(id) => started.push(id),
            Err(unplaced) => failures.push(json!({"reason": unplaced.reason()})),
        }
    }
    let cluster = state.cluster_mut(input)?;
    let tasks: Vec<Value> =
        started.iter().filter_map(|id| cluster.tasks.get(id)).map(|task| task.answer(true)).collect();
    if let Some(token) = token {
        cluster.run_tokens.insert(token, started);
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

/// The strategy that RunTask says or the cluster's default, if it says no launch type.
fn run_strategy(state: &State, cluster: &Cluster, input: &Document) -> Result<Vec<Value>, Refusal> {
    let given = capacity_provider::strategy(field::list(input, "capacityProviderStrategy"))?;
    let launch_type = field::text(input, "launchType");
    if launch_type.is_some() && !given.is_empty() {
        return Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    service_checks::check_attached(state, cluster, &given)?;
    Ok(match launch_type {
        None if given.is_empty() => cluster.default_strategy.clone(),
        _ => given,
    })
}

pub fn stop(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let id = short(field::text(input, "task").unwrap_or_default()).to_owned();
    let reason = field::text(input, "reason").unwrap_or("Task stopped by user");
    state.cluster(input)?.tasks.get(&id).ok_or_else(|| invalid("The referenced task was not found."))?;
    let State { clusters, agenda, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster_name(input)) else { return Err(cluster_not_found()) };
    stop_task(agenda, cluster, call, &id, "UserInitiated", reason);
    if let Some(service) = cluster.tasks[&id].service.clone() {
        agenda.wake(call.now + 1.0, Wake::Service { cluster: cluster.name.clone(), service });
    }
    Ok(json!({"task": cluster.tasks[&id].answer(true)}))
}

pub fn describe(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let ids = field::texts(input, "tasks");
    if ids.is_empty() {
        return Err(invalid("Tasks cannot be empty."));
    }
    if ids.len() > 100 {
        return Err(invalid("Tasks can have at most 100 items."));
    }
    let find = |id: &str| Some(cluster.tasks.get(short(id))?.answer(includes(input, "TAGS")));
    let arn = |id: &str| arn_of(call, "task", &format!("{}/{}", cluster.name, short(id)));
    Ok(listing::described("tasks", &ids, find, arn))
}

/// Without `desiredStatus` those that are to run.
pub fn list(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let service = field::text(input, "serviceName").map(short);
    if let Some(name) = service
        && !cluster.services.contains_key(name)
    {
        return Err(words::service_not_found());
    }
    let stopped = field::text(input, "desiredStatus") == Some("STOPPED");
    let is = |member: &str, value: &str| field::text(input, member).is_none_or(|wanted| wanted == value);
    let on = field::text(input, "containerInstance").map(short);
    let chosen = cluster.tasks.values().filter(|task| {
        task.is_alive() != stopped
            && service.is_none_or(|service| task.service.as_deref() == Some(service))
            && is("launchType", task.launch_type())
            && is("startedBy", task.started_by.as_deref().unwrap_or_default())
            && is("family", task.family())
            && on.is_none_or(|on| task.instance.as_deref() == Some(on))
    });
    listing::paged(input, "taskArns", listing::arns(chosen.map(|task| task.arn.as_str())), (100, 100))
}

pub fn execute_command(_: &mut State, _: &Call, _: &Document) -> Result<Value, Refusal> {
    Err(invalid(
        "The execute command failed because the sandbox's tasks have no shell: nothing runs in them.",
    ))
}
