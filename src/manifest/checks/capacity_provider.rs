//! Rules of capacity providers. Tests: at the end.

use super::{Rule, Subject, names};
use crate::manifest::problem::Report;

pub const RULES: &[Rule] = &[name, one_provider, managed_scaling];

/// Names that begin like AWS's own are refused.
fn name(subject: &Subject, report: &mut Report) {
    names::named(Some(subject.spec), "name", subject, report);
    let Some(node) = subject.spec.get("name").or(subject.name) else { return };
    let name = node.as_str().unwrap_or_default().to_ascii_lowercase();
    if let Some(prefix) = ["aws", "ecs", "fargate"].iter().find(|prefix| name.starts_with(**prefix)) {
        report.error(node, format!("the name of a capacity provider cannot begin with `{prefix}`"));
    }
}

fn one_provider(subject: &Subject, report: &mut Report) {
    let spec = subject.spec;
    let group = spec.get("autoScalingGroupProvider");
    let managed = spec.get("managedInstancesProvider");
    match (group, managed) {
        (None, None) => {
            let problem = report
                .error(spec, "`spec` has neither `autoScalingGroupProvider` nor `managedInstancesProvider`");
            problem.hint("FARGATE and FARGATE_SPOT need no manifest: name them in the cluster");
        }
        (Some(_), Some(managed)) => {
            report.error(
                managed,
                "`autoScalingGroupProvider` and `managedInstancesProvider` exclude each other",
            );
        }
        (None, Some(managed)) if spec.get("cluster").is_none() => {
            report.error(managed, "a capacity provider of managed instances needs its `cluster`");
        }
        (Some(_), None) if spec.get("cluster").is_some() => {
            let at = spec.get("cluster").unwrap_or(spec);
            let problem = report.error(at, "a capacity provider of an Auto Scaling group has no `cluster`");
            problem.hint("name it in the cluster's `capacityProviders`");
        }
        _ => {}
    }
}

fn managed_scaling(subject: &Subject, report: &mut Report) {
    let Some(provider) = subject.spec.get("autoScalingGroupProvider") else { return };
    let scaling = provider.get("managedScaling");
    let is_on = scaling.and_then(|scaling| scaling.str("status")) == Some("ENABLED");
    if let Some(protection) = provider.get("managedTerminationProtection").filter(|_| !is_on)
        && protection.as_str() == Some("ENABLED")
    {
        report.error(
            protection,
            "`managedTerminationProtection` needs `managedScaling` with `status: ENABLED`",
        );
    }
    let Some(scaling) = scaling else { return };
    let step = |name| scaling.int(name);
    if let (Some(least), Some(most)) = (step("minimumScalingStepSize"), step("maximumScalingStepSize"))
        && least > most
    {
        report.error(
            scaling,
            format!("`minimumScalingStepSize` {least} is over `maximumScalingStepSize` {most}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    const GROUP: &str = "autoScalingGroupProvider:\n  autoScalingGroupArn: arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c:autoScalingGroupName/shop\n";

    #[test]
    fn a_capacity_provider_is_of_a_group_or_of_managed_instances() {
        says_nothing("EcsCapacityProvider", GROUP);
        says("EcsCapacityProvider", "name: a", "has neither");
        says("EcsCapacityProvider", &format!("name: fargate-2\n{GROUP}"), "cannot begin with `fargate`");
        says("EcsCapacityProvider", &format!("cluster: shop\n{GROUP}"), "has no `cluster`");
        says(
            "EcsCapacityProvider",
            &format!("{GROUP}  managedTerminationProtection: ENABLED"),
            "needs `managedScaling`",
        );
        says(
            "EcsCapacityProvider",
            &format!("{GROUP}  managedScaling: {{minimumScalingStepSize: 5, maximumScalingStepSize: 2}}"),
            "is over",
        );
    }
}
