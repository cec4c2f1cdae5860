//! Rules of scaling: bounds, policies, scheduled actions. Tests: at the end.

use super::{Rule, Subject, by, says, unique};
use crate::manifest::problem::Report;
use crate::manifest::schedule;
use crate::manifest::tree::Node;

pub const RULES: &[Rule] = &[bounds, policies, actions];

/// So many policies a target may have.
const MOST_POLICIES: usize = 50;

fn target<'a>(subject: &Subject<'a>) -> Option<&'a Node> {
    says(subject.spec.get("autoscaling"))
}

fn bounds(subject: &Subject, report: &mut Report) {
    let Some(target) = target(subject) else { return };
    for member in ["minCapacity", "maxCapacity"] {
        if target.get(member).is_none() {
            report.error(target, format!("`autoscaling` has no `{member}`"));
        }
    }
    ordered(target, report);
    let count = subject.spec.at_path(&["service", "desiredCount"]);
    let (Some(count), Some(least), Some(most)) =
        (count, target.int("minCapacity"), target.int("maxCapacity"))
    else {
        return;
    };
    if let Some(number) = count.as_int().filter(|number| least <= most && !(least..=most).contains(number)) {
        let problem = report
            .warning(count, format!("`desiredCount` {number} is outside of scaling's {least} to {most}"));
        problem.hint("leave `desiredCount` out: scaling owns the number of tasks");
    }
}

/// `minCapacity` is not over `maxCapacity`.
fn ordered(node: &Node, report: &mut Report) {
    if let (Some(least), Some(most)) = (node.int("minCapacity"), node.int("maxCapacity"))
        && least > most
    {
        let at = node.get("minCapacity").unwrap_or(node);
        report.error(at, format!("`minCapacity` {least} is over `maxCapacity` {most}"));
    }
}

fn policies(subject: &Subject, report: &mut Report) {
    let Some(target) = target(subject) else { return };
    let policies = target.list("policies");
    unique(policies, by("policyName"), "the policy", report);
    if let Some(list) = target.get("policies").filter(|_| policies.len() > MOST_POLICIES) {
        report.error(list, format!("{} policies; at most {MOST_POLICIES} are allowed", policies.len()));
    }
    for policy in policies {
        configuration(policy, report);
        if let Some(tracking) = policy.get("targetTrackingScalingPolicyConfiguration") {
            target_tracking(tracking, report);
        }
        if let Some(step) = policy.get("stepScalingPolicyConfiguration") {
            step_scaling(step, report);
        }
    }
    let tracked: Vec<Node> = policies.iter().filter_map(predefined).cloned().collect();
    let metric = |node: &'_ Node| {
        let text = node.str("predefinedMetricType")?;
        Some(node.str("resourceLabel").map_or_else(|| text.to_owned(), |label| format!("{text} of {label}")))
    };
    unique(
        &tracked,
        |node| Some((metric(node)?, node.get("predefinedMetricType")?)),
        "a policy for the metric",
        report,
    );
}

fn predefined(policy: &Node) -> Option<&Node> {
    policy.at_path(&["targetTrackingScalingPolicyConfiguration", "predefinedMetricSpecification"])
}

const TYPES: [(&str, &str); 3] = [
    ("TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration"),
    ("StepScaling", "stepScalingPolicyConfiguration"),
    ("PredictiveScaling", "predictiveScalingPolicyConfiguration"),
];

/// The policy's type and its one configuration belong together.
fn configuration(policy: &Node, report: &mut Report) {
    let given: Vec<&(&str, &str)> = TYPES.iter().filter(|(_, member)| policy.get(member).is_some()).collect();
    let kind = policy.get("policyType");
    // Without a type the API takes the policy for step scaling.
    let wanted = kind.map_or(Some("StepScaling"), Node::as_str);
    let Some((wanted, member)) = TYPES.iter().find(|(name, _)| Some(*name) == wanted) else { return };
    match given.as_slice() {
        [] => {
            report.error(policy, format!("a policy of type `{wanted}` needs a `{member}`"));
        }
        [(found, _)] if found != wanted => {
            let at = kind.unwrap_or(policy);
            report
                .error(at, format!("the policy has the configuration of `{found}`"))
                .hint(format!("write `policyType: {found}`"));
        }
        [_] => {}
        [_, (_, second), ..] => {
            let at = policy.get(second).unwrap_or(policy);
            report.error(at, "a policy has one configuration only");
        }
    }
}

fn target_tracking(tracking: &Node, report: &mut Report) {
    let predefined = tracking.get("predefinedMetricSpecification");
    let customized = tracking.get("customizedMetricSpecification");
    match (predefined, customized) {
        (None, None) => {
            report.error(tracking, "target tracking has no metric").hint(
                "write `predefinedMetricSpecification: {predefinedMetricType: ECSServiceAverageCPUUtilization}`",
            );
        }
        (Some(_), Some(node)) => {
            report.error(
                node,
                "`predefinedMetricSpecification` and `customizedMetricSpecification` exclude each other",
            );
        }
        _ => {}
    }
    if let Some(metric) = customized {
        let has = |member: &str| metric.get(member).is_some();
        if !has("metrics") && !(has("metricName") && has("namespace") && has("statistic")) {
            report.error(
                metric,
                "a customized metric needs `metricName`, `namespace` and `statistic`, or `metrics`",
            );
        }
    }
    if let Some(node) = predefined.and_then(|metric| metric.get("predefinedMetricType")) {
        predefined_metric(node, predefined.and_then(|metric| metric.get("resourceLabel")), report);
    }
}

/// The metrics of services: ECS's own, and the load balancer's, which needs its label.
fn predefined_metric(node: &Node, label: Option<&Node>, report: &mut Report) {
    let Some(metric) = node.as_str() else { return };
    let of_balancer = metric == "ALBRequestCountPerTarget";
    if !of_balancer && !metric.starts_with("ECSService") {
        let problem = report.error(node, format!("`{metric}` is not a metric of ECS services"));
        problem.hint("`ECSServiceAverageCPUUtilization`, `ECSServiceAverageMemoryUtilization` or `ALBRequestCountPerTarget`");
    }
    match label {
        None if of_balancer => {
            let problem = report.error(node, "`ALBRequestCountPerTarget` needs a `resourceLabel`");
            problem.hint("write `app/<load balancer>/<id>/targetgroup/<target group>/<id>`");
        }
        Some(label) if !of_balancer => {
            report.error(
                label,
                format!("`resourceLabel` is for `ALBRequestCountPerTarget`, not for `{metric}`"),
            );
        }
        Some(label) => {
            let parts: Vec<&str> = label.as_str().unwrap_or("app/a/1/targetgroup/a/1").split('/').collect();
            let is_label = matches!(parts.as_slice(), ["app", _, _, "targetgroup", _, _]);
            if !is_label {
                let problem = report.error(label, "this is no label of a load balancer and its target group");
                problem.hint("write `app/<load balancer>/<id>/targetgroup/<target group>/<id>`");
            }
        }
        None => {}
    }
}

/// The intervals of steps follow each other without a gap.
fn step_scaling(step: &Node, report: &mut Report) {
    if step.get("adjustmentType").is_none() {
        report.error(step, "step scaling has no `adjustmentType`").hint("for instance `ChangeInCapacity`");
    }
    if let Some(node) = step.get("minAdjustmentMagnitude")
        && step.str("adjustmentType").is_some_and(|kind| kind != "PercentChangeInCapacity")
    {
        report.error(node, "`minAdjustmentMagnitude` is for `PercentChangeInCapacity`");
    }
    let Some(steps) = says(step.get("stepAdjustments")) else {
        report.error(step, "step scaling has no `stepAdjustments`");
        return;
    };
    // Least and greatest, with infinities for those that are absent.
    let bound = |item: &Node, name, absent| item.get(name).map_or(Some(absent), Node::as_float);
    let mut intervals = Vec::new();
    for item in steps.items() {
        let least = bound(item, "metricIntervalLowerBound", f64::NEG_INFINITY);
        let most = bound(item, "metricIntervalUpperBound", f64::INFINITY);
        let (Some(least), Some(most)) = (least, most) else { return };
        if least >= most {
            report.error(item, format!("a step from {least} to {most} is empty"));
            return;
        }
        if least.is_infinite() && most.is_infinite() {
            report.error(item, "a step needs `metricIntervalLowerBound` or `metricIntervalUpperBound`");
            return;
        }
        intervals.push((least, most, item));
    }
    intervals.sort_by(|one, other| one.0.total_cmp(&other.0));
    for pair in intervals.windows(2) {
        let [(_, end, first), (start, _, second)] = pair else { continue };
        #[allow(clippy::float_cmp)] // They are the very numbers that were written.
        let meets = end == start;
        if !meets {
            let what = if end > start { "overlap" } else { "leave a gap" };
            let place = report.place(*first);
            report
                .error(*second, format!("two steps {what}: one ends at {end}, the next begins at {start}"))
                .related(place, "the one before");
        }
    }
}

fn actions(subject: &Subject, report: &mut Report) {
    let Some(target) = target(subject) else { return };
    unique(target.list("scheduledActions"), by("scheduledActionName"), "the scheduled action", report);
    for action in target.list("scheduledActions") {
        expression(action, report);
        action_name(action, report);
        if let (Some(start), Some(end)) = (action.get("startTime"), action.get("endTime"))
            && start.as_float() >= end.as_float()
            && end.as_float().is_some()
        {
            report.error(end, "`endTime` is not after `startTime`");
        }
        match says(action.get("scalableTargetAction")) {
            Some(bounds) => ordered(bounds, report),
            None => {
                let problem = report.error(action, "a scheduled action has no `scalableTargetAction`");
                problem.hint("write `scalableTargetAction: {minCapacity: 1, maxCapacity: 2}`");
            }
        }
    }
}

fn expression(action: &Node, report: &mut Report) {
    for (member, check) in
        [("schedule", schedule::check as fn(&str) -> _), ("timezone", schedule::check_zone)]
    {
        let Some(node) = action.get(member) else { continue };
        if let Some(Err(wrong)) = node.as_str().map(check) {
            report.error(node, format!("`{member}`: {}", wrong.message)).hint = wrong.hint;
        }
    }
}

fn action_name(action: &Node, report: &mut Report) {
    let Some(node) = action.get("scheduledActionName") else { return };
    let name = node.as_str().unwrap_or_default();
    let odd = |letter: char| letter.is_control() || ":/|".contains(letter);
    if name.starts_with(' ') || name.ends_with(' ') || name.contains(odd) {
        let problem = report.error(node, format!("`scheduledActionName` cannot be `{name}`"));
        problem.hint("without `:`, `/`, `|` and without blanks at its ends");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    fn scaling(text: &str) -> String {
        format!("service: {{taskDefinition: web}}\nautoscaling: {{minCapacity: 1, maxCapacity: 4, {text}}}")
    }

    fn policy(text: &str) -> String {
        scaling(&format!("policies: [{{policyName: p, {text}}}]"))
    }

    fn steps(text: &str) -> String {
        policy(&format!(
            "policyType: StepScaling, stepScalingPolicyConfiguration: {{adjustmentType: ChangeInCapacity, stepAdjustments: [{text}]}}"
        ))
    }

    #[test]
    fn bounds_are_in_order() {
        says(
            "EcsService",
            "service: {taskDefinition: web}\nautoscaling: {minCapacity: 5, maxCapacity: 2}",
            "is over `maxCapacity` 2",
        );
        says(
            "EcsService",
            "service: {taskDefinition: web, desiredCount: 9}\nautoscaling: {minCapacity: 1, maxCapacity: 2}",
            "warning: `desiredCount` 9",
        );
        says_nothing("EcsService", "service: {taskDefinition: web}\nautoscaling: {}");
    }

    #[test]
    fn type_and_configuration_of_a_policy_belong_together() {
        let cpu = "targetTrackingScalingPolicyConfiguration: {targetValue: 60, predefinedMetricSpecification: {predefinedMetricType: ECSServiceAverageCPUUtilization}}";
        says_nothing("EcsService", &policy(&format!("policyType: TargetTrackingScaling, {cpu}")));
        says(
            "EcsService",
            &policy(&format!("policyType: StepScaling, {cpu}")),
            "has the configuration of `TargetTrackingScaling`",
        );
        says("EcsService", &policy("policyType: StepScaling"), "needs a `stepScalingPolicyConfiguration`");
        let twice = format!(
            "policies: [{{policyName: p, policyType: TargetTrackingScaling, {cpu}}}, {{policyName: p, policyType: StepScaling, stepScalingPolicyConfiguration: {{adjustmentType: ExactCapacity, stepAdjustments: [{{metricIntervalLowerBound: 0, scalingAdjustment: 2}}]}}}}]"
        );
        says("EcsService", &scaling(&twice), "the policy `p` stands here twice");
    }

    #[test]
    fn metrics_of_others_are_refused_with_a_hint() {
        let metric = |name: &str| {
            policy(&format!(
                "policyType: TargetTrackingScaling, targetTrackingScalingPolicyConfiguration: {{targetValue: 60, predefinedMetricSpecification: {{predefinedMetricType: {name}}}}}"
            ))
        };
        says("EcsService", &metric("ASGAverageCPUUtilization"), "cannot be `ASGAverageCPUUtilization`");
        says("EcsService", &metric("RDSReaderAverageCPUUtilization"), "is not a metric of ECS services");
        says("EcsService", &metric("ALBRequestCountPerTarget"), "needs a `resourceLabel`");
    }

    #[test]
    fn steps_follow_each_other() {
        says_nothing(
            "EcsService",
            &steps(
                "{metricIntervalLowerBound: 0, metricIntervalUpperBound: 20, scalingAdjustment: 1}, {metricIntervalLowerBound: 20, scalingAdjustment: 2}",
            ),
        );
        says(
            "EcsService",
            &steps(
                "{metricIntervalLowerBound: 0, metricIntervalUpperBound: 20, scalingAdjustment: 1}, {metricIntervalLowerBound: 10, scalingAdjustment: 2}",
            ),
            "two steps overlap",
        );
        says(
            "EcsService",
            &steps(
                "{metricIntervalUpperBound: 0, scalingAdjustment: 1}, {metricIntervalLowerBound: 10, scalingAdjustment: 2}",
            ),
            "leave a gap",
        );
        says(
            "EcsService",
            &steps("{metricIntervalLowerBound: 5, metricIntervalUpperBound: 1, scalingAdjustment: 1}"),
            "is empty",
        );
    }

    #[test]
    fn schedules_are_aws_s() {
        let action = |schedule: &str| {
            scaling(&format!(
                "scheduledActions: [{{scheduledActionName: night, schedule: {schedule}, timezone: Europe/Berlin, scalableTargetAction: {{minCapacity: 1}}}}]"
            ))
        };
        says_nothing("EcsService", &action("cron(0 20 * * ? *)"));
        says("EcsService", &action("cron(0 20 * * * *)"), "must be `?`");
        says(
            "EcsService",
            &action("cron(0 20 * * ? *)").replace("Berlin", "Berln"),
            "no time zone `Europe/Berln`",
        );
    }
}
