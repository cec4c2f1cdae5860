//! The live capacity of a resource: how many tasks an ECS service is wanted to run.
//!
//! The one place where Application Auto Scaling reads and sets it, through ECS's own operations
//! as AWS does; whatever comes to move capacity (alarms, schedules) goes through here. Tests: in
//! this file and in `target`.

use serde_json::{Value, json};

use super::super::{Call, Document, Region, ecs};
use super::activity::Activity;
use super::target::Target;

/// The live capacity; `None` when there is no such service.
pub(super) fn read(region: &mut Region, call: &Call, resource: &str) -> Option<i64> {
    let (cluster, service) = split(resource)?;
    let input = document(json!({"cluster": cluster, "services": [service]}));
    let answer = ecs::answer(region, call, "DescribeServices", &input).ok()?;
    let service = answer["services"].get(0).filter(|service| service["status"] == "ACTIVE")?;
    service["desiredCount"].as_i64()
}

/// Moves live capacity into the target's bounds, and records that it did.
pub(super) fn clamp(region: &mut Region, call: &Call, resource: &str) {
    let Some((cluster, service)) = split(resource) else { return };
    let (live, target) = (read(region, call, resource), region.autoscaling.targets.get(resource));
    let (Some(live), Some(Target { min, max, .. })) = (live, target) else { return };
    let wanted = live.clamp(*min, *max);
    if live == wanted {
        return;
    }
    let cause = format!("{} capacity was set to {wanted}", if live < wanted { "minimum" } else { "maximum" });
    let input = document(json!({"cluster": cluster, "service": service, "desiredCount": wanted}));
    if ecs::answer(region, call, "UpdateService", &input).is_ok() {
        region.autoscaling.activities.push(Activity::capacity_set(call, resource, wanted, cause));
    }
}

/// Cluster and service of a resource id such as `service/shop/web`.
pub(super) fn split(resource: &str) -> Option<(&str, &str)> {
    let (cluster, service) = resource.strip_prefix("service/")?.split_once('/')?;
    (!cluster.is_empty() && !service.is_empty() && !service.contains('/')).then_some((cluster, service))
}

fn document(value: Value) -> Document {
    match value {
        Value::Object(document) => document,
        _ => Document::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_id_names_a_cluster_and_a_service() {
        assert_eq!(split("service/shop/web"), Some(("shop", "web")));
        for wrong in ["service/web", "table/a/b", "service//web", "service/a/", "service/a/b/c", ""] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
