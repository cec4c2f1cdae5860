//! The live capacity of a resource: how many tasks an ECS service is wanted to run.
//!
//! The one place where Application Auto Scaling reads and sets it. Tests: in this file and in
//! `target`.

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
    autoscaling.activities.add(Activity::capacity_set(call, resource, wanted, cause));
}

/// An alarm of a service's first policy asks for so many tasks: it gets as many as the bounds and
/// what is suspended allow. Answers the desired count; `None` where there is no policy.
pub fn scale(region: &mut Region, call: &Call, cluster: &str, service: &str, count: i64) -> Option<i64> {
    let resource = format!("service/{cluster}/{service}");
    let Region { ecs, autoscaling, .. } = region;
    let live = read(ecs, &resource)?;
    let target = autoscaling.targets.get(&resource)?;
    let (name, policy) = target.policies.first_key_value()?;
    let wanted = count.clamp(target.min, target.max);
    let is_suspended = if wanted > live { target.suspended.scaling_out } else { target.suspended.scaling_in };
    if wanted == live || is_suspended {
        return Some(live);
    }
    ecs.set_desired_count(call, cluster, service, wanted);
    let cause = policy.cause(name, wanted > live);
    autoscaling.activities.add(Activity::capacity_set(call, &resource, wanted, cause));
    Some(wanted)
}

/// With a service its target goes, and all that is in it.
pub fn forget(region: &mut Region, service_arn: &str) {
    let resource = service_arn.rsplit(':').next().unwrap_or_default();
    region.autoscaling.targets.remove(resource);
}

/// Cluster and service of a resource id such as `service/shop/web`.
pub(super) fn split(resource: &str) -> Option<(&str, &str)> {
    let (cluster, service) = resource.strip_prefix("service/")?.split_once('/')?;
    (!cluster.is_empty() && !service.is_empty() && !service.contains('/')).then_some((cluster, service))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::*;
    use super::*;

    fn policy(region: &mut Region, name: &str) {
        let configuration = json!({"TargetValue": 60.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}});
        let input = json!({"PolicyName": name, "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": configuration});
        ask(region, "PutScalingPolicy", input).unwrap();
    }

    #[test]
    fn an_alarm_moves_capacity_within_the_bounds_and_says_so() {
        let mut region = scaled();
        assert_eq!(scale(&mut region, &call(), "shop", "web", 7), None, "there is no policy");
        policy(&mut region, "cpu");
        assert_eq!(scale(&mut region, &call(), "shop", "web", 7), Some(7));
        assert_eq!(scale(&mut region, &call(), "shop", "web", 70), Some(10));
        assert_eq!(scale(&mut region, &call(), "shop", "web", 0), Some(1));
        assert_eq!(live(&region), 1);
        let answer = ask(&mut region, "DescribeScalingActivities", json!({})).unwrap();
        let newest = &answer["ScalingActivities"][0];
        assert_eq!(newest["Description"], "Setting desired count to 1.");
        let cause = newest["Cause"].as_str().unwrap();
        assert!(cause.starts_with("monitor alarm TargetTracking-service/shop/web-AlarmLow-"), "{cause}");
        assert!(cause.ends_with(" in state ALARM triggered policy cpu"), "{cause}");
    }

    #[test]
    fn what_is_suspended_does_not_move() {
        let mut region = scaled();
        policy(&mut region, "cpu");
        let suspended = json!({"SuspendedState": {"DynamicScalingOutSuspended": true}});
        ask(&mut region, "RegisterScalableTarget", suspended).unwrap();
        assert_eq!(scale(&mut region, &call(), "shop", "web", 9), Some(4));
        assert_eq!(scale(&mut region, &call(), "shop", "web", 2), Some(2));
    }

    #[test]
    fn a_resource_id_names_a_cluster_and_a_service() {
        assert_eq!(split("service/shop/web"), Some(("shop", "web")));
        for wrong in ["service/web", "table/a/b", "service//web", "service/a/", "service/a/b/c", ""] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
