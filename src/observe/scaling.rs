//! Scalable targets, policies and scheduled actions of the services wanted.
//!
//! Each list can be had by resource or as pages of the whole account: [`Reader::if_fewer`] finds out which needs fewer
//! calls. Nothing here waits for the services: both are read side by side.

use super::read::{AT_ONCE, Reader, text};
use super::{ReadCache, Seen};
use crate::aws::{CallError, Operation};
use crate::model::desired::{Document, Object};
use crate::model::names::Key;
use crate::model::observed::Sighting;
use futures::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// A list of Application Auto Scaling.
#[derive(Clone, Copy)]
struct List {
    operation: Operation,
    member: &'static str,
    /// Resources a call.
    batch: usize,
}

const TARGETS: List =
    List { operation: Operation::DescribeScalableTargets, member: "scalableTargets", batch: 50 };
const POLICIES: List =
    List { operation: Operation::DescribeScalingPolicies, member: "scalingPolicies", batch: 1 };
const ACTIONS: List =
    List { operation: Operation::DescribeScheduledActions, member: "scheduledActions", batch: 1 };

/// What was seen of one list, by service.
type Lists = BTreeMap<Key, Sighting<Vec<Document>>>;

/// What was seen of scaling.
#[derive(Default)]
pub(super) struct Scaling {
    targets: Lists,
    policies: Lists,
    actions: Lists,
}

pub(super) async fn read(
    reader: &Reader<'_>,
    cache: &ReadCache,
    services: &[&Object],
    clusters: &Seen,
) -> Scaling {
    let gone = |service: &Object| matches!(clusters.get(&service.key.its_cluster()), Some(Sighting::Absent));
    let all: Vec<&Object> = services.iter().copied().filter(|service| !gone(service)).collect();
    let scaled: Vec<&Object> =
        all.iter().copied().filter(|service| service.spec.contains_key("autoscaling")).collect();
    let (targets, policies, actions) = futures::join!(
        read_list(reader, cache, TARGETS, &all),
        read_list(reader, cache, POLICIES, &scaled),
        read_list(reader, cache, ACTIONS, &scaled),
    );
    Scaling { targets, policies, actions }
}

/// The services with what was seen of their scaling.
pub(super) fn joined(mut live: Seen, mut scaling: Scaling) -> Seen {
    let only = |targets: Sighting<Vec<Document>>| match targets {
        Sighting::Present(targets) => targets.into_iter().next().map_or(Sighting::Absent, Sighting::Present),
        Sighting::Absent => Sighting::Absent,
        Sighting::Unreadable(cause) => Sighting::Unreadable(cause),
    };
    for (key, sighting) in &mut live {
        if let Sighting::Present(service) = sighting {
            service.parts.target = scaling.targets.remove(key).map(only);
            service.parts.policies = scaling.policies.remove(key);
            service.parts.scheduled_actions = scaling.actions.remove(key);
        }
    }
    live
}

fn resource_id(service: &Object) -> String {
    let cluster = service.key.cluster.as_deref().unwrap_or("default");
    format!("service/{cluster}/{}", service.key.name)
}

async fn read_list(reader: &Reader<'_>, cache: &ReadCache, list: List, services: &[&Object]) -> Lists {
    let calls = services.len().div_ceil(list.batch);
    // The API refuses a dimension without a resource's id; ECS has only the one.
    let of_account = json!({"serviceNamespace": "ecs"});
    if let Some(all) = reader.if_fewer(calls, cache, list.operation, of_account, list.member).await {
        return by_service(services, all);
    }
    let reads = iter(services.chunks(list.batch)).map(|batch| async move {
        let mut input = json!({"serviceNamespace": "ecs", "scalableDimension": "ecs:service:DesiredCount"});
        let ids: Vec<Value> = batch.iter().map(|service| resource_id(service).into()).collect();
        match (list.batch, ids.first()) {
            (1, Some(id)) => input["resourceId"] = id.clone(),
            _ => input["resourceIds"] = ids.into(),
        }
        by_service(batch, reader.all(list.operation, input, list.member).await)
    });
    let lists: Vec<Lists> = reads.buffer_unordered(AT_ONCE).collect().await;
    lists.into_iter().flatten().collect()
}

fn by_service(services: &[&Object], all: Result<Vec<Document>, CallError>) -> Lists {
    let all = match all {
        Ok(all) => all,
        Err(error) => {
            let unread = |service: &&Object| (service.key.clone(), Sighting::Unreadable(error.to_string()));
            return services.iter().map(unread).collect();
        }
    };
    let mut by_id: HashMap<String, Vec<Document>> = HashMap::new();
    for one in all {
        by_id.entry(text(&one, "resourceId").to_owned()).or_default().push(one);
    }
    let mut own = |service: &Object| by_id.remove(&resource_id(service)).unwrap_or_default();
    services.iter().map(|service| (service.key.clone(), Sighting::Present(own(service)))).collect()
}
