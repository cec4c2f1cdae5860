//! Capacity providers: one source of capacity, and managed scaling within itself.
//!
//! Tests: at the end of this file.

use super::node::Node;
use super::{Check, Finding};

pub(super) const CHECKS: &[Check] = &[one_source, managed_scaling, termination_protection, cluster];

fn one_source(spec: &Node, out: &mut Vec<Finding>) {
    let (group, managed) = ("autoScalingGroupProvider", "managedInstancesProvider");
    match (spec.given(group), spec.given(managed)) {
        (true, true) => out.push(
            Finding::error(&spec.at(managed), format!("`{group}` and `{managed}` cannot stand together"))
                .related(&spec.at(group)),
        ),
        (false, false) => out.push(
            Finding::error(spec, "the capacity provider has no capacity")
                .hint(format!("add `{group}`, or `{managed}`")),
        ),
        _ => {}
    }
}

fn managed_scaling(spec: &Node, out: &mut Vec<Finding>) {
    let scaling = spec.at("autoScalingGroupProvider.managedScaling");
    let least = scaling.integer("minimumScalingStepSize").unwrap_or(1);
    let most = scaling.integer("maximumScalingStepSize").unwrap_or(10_000);
    if least > most {
        let message =
            format!("`minimumScalingStepSize` is {least}, and `maximumScalingStepSize` only {most}");
        out.push(
            Finding::error(&scaling.at("minimumScalingStepSize"), message)
                .related(&scaling.at("maximumScalingStepSize")),
        );
    }
}

fn termination_protection(spec: &Node, out: &mut Vec<Finding>) {
    let group = spec.at("autoScalingGroupProvider");
    let (protection, status) = (group.at("managedTerminationProtection"), group.at("managedScaling.status"));
    if protection.text() == Some("ENABLED") && status.text() == Some("DISABLED") {
        out.push(
            Finding::error(&protection, "managed termination protection needs managed scaling")
                .hint("write `managedScaling: {status: ENABLED}`")
                .related(&status),
        );
    }
}

fn cluster(spec: &Node, out: &mut Vec<Finding>) {
    let managed = spec.at("managedInstancesProvider");
    if managed.value().is_some() && !spec.has("cluster") {
        out.push(
            Finding::warning(&managed, "a provider of managed instances belongs to one cluster")
                .hint("add `cluster`"),
        );
    }
    let group = spec.at("autoScalingGroupProvider");
    if group.value().is_some() && spec.has("cluster") {
        out.push(
            Finding::error(&spec.at("cluster"), "a provider of an Auto Scaling group belongs to no cluster")
                .hint("remove it, and name the provider in the cluster's `capacityProviders`")
                .related(&group),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{assert_one, lines};
    use crate::model::names::Kind;
    use serde_json::{Value, json};

    #[test]
    fn capacity_providers() {
        let arn =
            "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c:autoScalingGroupName/shop";
        let of = |members: Value| {
            let mut group = json!({"autoScalingGroupArn": arn});
            group.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            json!({"name": "shop-ec2", "autoScalingGroupProvider": group})
        };
        for (what, spec, words) in [
            (
                "plain",
                of(
                    json!({"managedScaling": {"status": "ENABLED", "targetCapacity": 90}, "managedTerminationProtection": "ENABLED"}),
                ),
                "",
            ),
            ("by name", of(json!({"autoScalingGroupArn": "shop"})), ""),
            ("nothing", json!({"name": "a"}), ": the capacity provider has no capacity"),
            (
                "steps",
                of(json!({"managedScaling": {"minimumScalingStepSize": 5, "maximumScalingStepSize": 2}})),
                "only 2",
            ),
            (
                "protection",
                of(
                    json!({"managedScaling": {"status": "DISABLED"}, "managedTerminationProtection": "ENABLED"}),
                ),
                "needs managed scaling",
            ),
            (
                "name",
                json!({"name": "ecs-x", "autoScalingGroupProvider": {"autoScalingGroupArn": "a"}}),
                "`ecs-x` is not",
            ),
            (
                "cluster",
                json!({"name": "m", "managedInstancesProvider": {"infrastructureRoleArn": "r"}}),
                "warning: managedInstancesProvider",
            ),
            (
                "group's cluster",
                {
                    let mut spec = of(json!({}));
                    spec["cluster"] = json!("shop");
                    spec
                },
                "cluster: a provider of an Auto Scaling group belongs to no cluster",
            ),
            (
                "elsewhere",
                {
                    let mut spec = of(json!({}));
                    spec["region"] = json!("us-east-1");
                    spec
                },
                "in the Region `eu-central-1`",
            ),
        ] {
            assert_one(what, &lines(Kind::EcsCapacityProvider, &spec), words);
        }
    }
}
