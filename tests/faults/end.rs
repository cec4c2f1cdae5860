//! What there is in a world, without ids and times: equal in two worlds that came to the same end on different ways.
//!
//! Whatever is not known to be an id, a time, or told of the way is compared.

use crate::world::REGION;
use serde_json::{Map, Value, json};

/// How much of the way is compared, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Every revision and every deployment that there ever was: nothing was made twice.
    Same,
    /// Only where it ends.
    Any,
}

/// All that there is in the Region.
pub fn end(world: &Value, way: Way) -> Value {
    let region = &world["regions"][REGION];
    let families = &region["ecs"]["task_definitions"];
    let clusters = region["ecs"]["clusters"].as_object().into_iter().flatten();
    let clusters: Map<String, Value> = clusters
        .filter(|(_, cluster)| cluster["deleted_at"].is_null())
        .map(|(name, found)| (name.clone(), cluster(found, families, way)))
        .collect();
    let revisions = if way == Way::Same { bare(families) } else { Value::Null };
    json!({
        "clusters": clusters,
        "capacityProviders": bare(&region["ecs"]["capacity_providers"]),
        "revisions": revisions,
        "repositories": bare(&region["ecr"]["repositories"]),
        "targets": bare(&region["autoscaling"]["targets"]),
    })
}

fn cluster(cluster: &Value, families: &Value, way: Way) -> Value {
    let services = cluster["services"].as_object().into_iter().flatten();
    let services: Map<String, Value> = services
        // One that was deleted is there for a while.
        .filter(|(_, found)| found["status"] != "INACTIVE")
        .map(|(name, found)| (name.clone(), service(found, &cluster["tasks"], families, way)))
        .collect();
    let mut rest = bare(cluster);
    for told in ["tasks", "services", "instances", "unplaced", "run_tokens"] {
        rest.as_object_mut().unwrap().remove(told);
    }
    json!({"cluster": rest, "services": services})
}

fn service(service: &Value, tasks: &Value, families: &Value, way: Way) -> Value {
    let body = |arn: &Value| match way {
        Way::Same => arn.clone(),
        Way::Any => revision(families, arn)["body"].clone(),
    };
    let spec = |spec: &Value| {
        let mut spec = spec.clone();
        spec["taskDefinition"] = body(&spec["taskDefinition"]);
        spec
    };
    let deployments = service["deployments"].as_array().into_iter().flatten();
    let deployments: Vec<Value> = deployments
        .map(|one| json!({"spec": spec(&one["spec"]), "desired": one["desired"], "rollout": one["rollout"]}))
        .collect();
    let running = tasks.as_object().into_iter().flatten().map(|(_, task)| task);
    let mut running: Vec<Value> = running
        .filter(|task| task["service"] == service["name"] && task["status"] == "RUNNING")
        .map(|task| body(&task["revision"]))
        .collect();
    running.sort_by_key(ToString::to_string);
    let history = service["history"].as_array().into_iter().flatten();
    let history: Vec<Value> = history
        .map(|one| {
            let id = one["revision"].as_str().unwrap_or_default();
            json!([one["status"], spec(&service["revisions"][id]["spec"])])
        })
        .collect();
    json!({
        "status": service["status"], "tags": tags(&service["tags"], way), "spec": spec(&service["spec"]),
        "deployments": deployments, "running": running,
        "history": if way == Way::Same { json!(history) } else { Value::Null },
    })
}

/// The revision of this ARN.
pub fn revision<'a>(families: &'a Value, arn: &Value) -> &'a Value {
    let name = arn.as_str().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
    let (family, number) = name.rsplit_once(':').unwrap_or_default();
    &families[family]["revisions"][number]
}

/// The state tag names deployments by their ids, and says what was tried and ran well before, which depends on the way.
fn tags(tags: &Value, way: Way) -> Value {
    let mut tags = tags.clone();
    if let Some(Value::String(state)) = tags.get_mut("ecs-operator.dev/state") {
        let kept = state.split(' ').filter(|word| {
            let of_the_way = ["attempted=", "good=", "rejected="].iter().any(|name| word.starts_with(name));
            !word.starts_with("before=") && (way == Way::Same || !of_the_way)
        });
        *state = kept.collect::<Vec<_>>().join(" ");
    }
    tags
}

/// Without ids and times, at any depth.
fn bare(value: &Value) -> Value {
    // The names of alarms end in ids.
    const OF_ONE_WORLD: [&str; 6] = ["id", "uuid", "until", "token", "due", "alarms"];
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| {
                !name.ends_with("_at") && !name.ends_with("_until") && !OF_ONE_WORLD.contains(&&***name)
            })
            // Which manifest was attempted last is of the way, where another one is what was applied.
            .map(|(name, value)| match value {
                Value::String(state) if name == "ecs-operator.dev/state" => {
                    let kept = state.split(' ').filter(|word| !word.starts_with("attempted="));
                    (name.clone(), kept.collect::<Vec<_>>().join(" ").into())
                }
                value => (name.clone(), bare(value)),
            })
            .collect(),
        Value::Array(values) => values.iter().map(bare).collect(),
        other => other.clone(),
    }
}

/// Where two ends differ: `path: one | other`.
pub fn differences(one: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", one, other, &mut found);
    found
}

fn compare(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(members), Value::Object(others)) => {
            let more = others.keys().filter(|name| !members.contains_key(*name));
            for name in members.keys().chain(more) {
                compare(&format!("{path}/{name}"), &one[name], &other[name], found);
            }
        }
        (Value::Array(values), Value::Array(others)) if values.len() == others.len() => {
            for (at, (one, other)) in values.iter().zip(others).enumerate() {
                compare(&format!("{path}/{at}"), one, other, found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{path}: {one} | {other}")),
    }
}
