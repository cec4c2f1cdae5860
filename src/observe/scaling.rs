//! Scalable targets, policies and scheduled actions of the live services.

use super::Seen;
use super::read::{Reader, text};
use crate::aws::{CallError, Operation};
use crate::model::desired::{Document, Object};
use crate::model::names::Key;
use crate::model::observed::Sighting;
use futures::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Resource ids a call: the API's limit, and a page's size.
const BATCH: usize = 50;
/// Up to here policies and actions are asked for service by service; above, pages of the whole account are fewer.
const ONE_BY_ONE: usize = 4;
const AT_ONCE: usize = 4;

/// What was seen of scaling, by service.
#[derive(Default)]
pub(super) struct Scaling {
    targets: BTreeMap<Key, Sighting<Document>>,
    policies: BTreeMap<Key, Sighting<Vec<Document>>>,
    actions: BTreeMap<Key, Sighting<Vec<Document>>>,
}

pub(super) async fn read(reader: &Reader<'_>, services: &[&Object], live: &Seen) -> Scaling {
    let there: Vec<&Object> = services
        .iter()
        .copied()
        .filter(|service| live.get(&service.key).is_some_and(|seen| seen.present().is_some()))
        .collect();
    let scaled: Vec<&Object> =
        there.iter().copied().filter(|service| service.spec.contains_key("autoscaling")).collect();
    let targets = iter(there.chunks(BATCH)).map(|batch| read_targets(reader, batch));
    let targets = async { targets.buffer_unordered(AT_ONCE).concat().await };
    let (targets, policies, actions) = futures::join!(
        targets,
        read_lists(reader, Operation::DescribeScalingPolicies, "scalingPolicies", &scaled),
        read_lists(reader, Operation::DescribeScheduledActions, "scheduledActions", &scaled),
    );
    Scaling { targets: targets.into_iter().collect(), policies, actions }
}

/// The services with what was seen of their scaling.
pub(super) fn joined(mut live: Seen, mut scaling: Scaling) -> Seen {
    for (key, sighting) in &mut live {
        if let Sighting::Present(service) = sighting {
            service.parts.target = scaling.targets.remove(key);
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

fn namespace() -> Value {
    json!({"serviceNamespace": "ecs", "scalableDimension": "ecs:service:DesiredCount"})
}

async fn read_targets(reader: &Reader<'_>, batch: &[&Object]) -> Vec<(Key, Sighting<Document>)> {
    let mut input = namespace();
    input["resourceIds"] = batch.iter().map(|service| resource_id(service)).collect();
    let targets = reader.all(Operation::DescribeScalableTargets, input, "scalableTargets").await;
    let seen = |service: &&Object| match &targets {
        Ok(targets) => {
            let id = resource_id(service);
            let target = targets.iter().find(|target| text(target, "resourceId") == id);
            target.cloned().map_or(Sighting::Absent, Sighting::Present)
        }
        Err(error) => Sighting::Unreadable(error.to_string()),
    };
    batch.iter().map(|service| (service.key.clone(), seen(service))).collect()
}

/// Policies or actions: by service for a few services, else all of the account's.
async fn read_lists(
    reader: &Reader<'_>,
    operation: Operation,
    member: &str,
    services: &[&Object],
) -> BTreeMap<Key, Sighting<Vec<Document>>> {
    let of = |all: &Result<Vec<Document>, CallError>, service: &Object| match all {
        Ok(all) => {
            let id = resource_id(service);
            Sighting::Present(all.iter().filter(|one| text(one, "resourceId") == id).cloned().collect())
        }
        Err(error) => Sighting::Unreadable(error.to_string()),
    };
    if services.len() <= ONE_BY_ONE {
        let reads = iter(services).map(|service| async move {
            let mut input = namespace();
            input["resourceId"] = json!(resource_id(service));
            let all = reader.all(operation, input, member).await;
            (service.key.clone(), of(&all, service))
        });
        return reads.buffer_unordered(AT_ONCE).collect().await;
    }
    // The API refuses a dimension without a resource's id; ECS has only the one.
    let all = reader.all(operation, json!({"serviceNamespace": "ecs"}), member).await;
    services.iter().map(|service| (service.key.clone(), of(&all, service))).collect()
}
