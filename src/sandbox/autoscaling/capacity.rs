//! The live capacity of a resource: how many tasks an ECS service is wanted to run.
//!
//! The one place where Application Auto Scaling reads and sets it; whatever comes to move
//! capacity (alarms, schedules) goes through here. Tests: in this file and in `target`.

use super::super::{Call, Region, ecs};
use super::activity::Activity;
use super::target::Target;

/// The live capacity; `None` when there is no such service.
pub(super) fn read(ecs: &ecs::State, resource: &str) -> Option<i64> {
    let (cluster, service) = split(resource)?;
    ecs.desired_count(cluster, service)
}

/// Moves live capacity into the target's bounds, and records that it did.
pub(super) fn clamp(region: &mut Region, call: &Call, resource: &str) {
    let Some((cluster, service)) = split(resource) else { return };
    let Region { ecs, autoscaling, .. } = region;
    let (live, target) = (read(ecs, resource), autoscaling.targets.get(resource));
    let (Some(live), Some(Target { min, max, .. })) = (live, target) else { return };
    let wanted = live.clamp(*min, *max);
    if live == wanted {
        return;
    }
    ecs.set_desired_count(call, cluster, service, wanted);
    let cause = format!("{} capacity was set to {wanted}", if live < wanted { "minimum" } else { "maximum" });
    autoscaling.activities.push(Activity::capacity_set(call, resource, wanted, cause));
}

/// With a service its target goes, and all that is in it.
pub(super) fn forget_gone(region: &mut Region) {
    let Region { ecs, autoscaling, .. } = region;
    autoscaling.targets.retain(|resource, _| read(ecs, resource).is_some());
}

/// Cluster and service of a resource id such as `service/shop/web`.
pub(super) fn split(resource: &str) -> Option<(&str, &str)> {
    let (cluster, service) = resource.strip_prefix("service/")?.split_once('/')?;
    (!cluster.is_empty() && !service.is_empty() && !service.contains('/')).then_some((cluster, service))
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
