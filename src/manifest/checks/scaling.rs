//! Service Auto Scaling: bounds, policies, scheduled actions. Steps are in `steps.rs`.
//!
//! Tests: at the end of this file.

use super::node::{Node, repeated};
use super::{Check, Finding, steps};
use crate::manifest::schedule;
use serde_json::Value;

pub(super) const CHECKS: &[Check] = &[bounds, names, policies, predictive, actions];

/// The most policies of a scalable target.
const MOST_POLICIES: usize = 50;

/// `policyType`, and the member that configures it.
const TYPES: [(&str, &str); 3] = [
    ("TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration"),
    ("StepScaling", "stepScalingPolicyConfiguration"),
    ("PredictiveScaling", "predictiveScalingPolicyConfiguration"),
];

/// What `minCapacity` and `maxCapacity` of a target or of a scheduled action must hold.
fn least_and_greatest(node: &Node, out: &mut Vec<Finding>) {
    let (least, most) = (node.integer("minCapacity"), node.integer("maxCapacity"));
    for (member, count) in [("minCapacity", least), ("maxCapacity", most)] {
        if count.is_some_and(|count| count < 0) {
            out.push(Finding::error(&node.at(member), format!("`{member}` cannot be negative")));
        }
    }
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        let message = format!("`minCapacity` is {least}, and `maxCapacity` only {most}");
        out.push(Finding::error(&node.at("minCapacity"), message).related(&node.at("maxCapacity")));
    }
}

fn bounds(spec: &Node, out: &mut Vec<Finding>) {
    let scaling = spec.at("autoscaling");
    if !spec.has("autoscaling") {
        return;
    }
    least_and_greatest(&scaling, out);
    for member in ["minCapacity", "maxCapacity"] {
        if !scaling.given(member) {
            out.push(
                Finding::warning(
                    &scaling,
                    format!("without `{member}` AWS cannot create the scalable target"),
                )
                .hint(format!("add `{member}`")),
            );
        }
    }
    let (Some(least), Some(most)) = (scaling.integer("minCapacity"), scaling.integer("maxCapacity")) else {
        return;
    };
    let count = spec.integer("service.desiredCount").filter(|_| least <= most);
    if let Some(count) = count.filter(|count| !(least..=most).contains(count)) {
        out.push(
            Finding::warning(
                &spec.at("service.desiredCount"),
                format!(
                    "`desiredCount` {count} is outside of {least} to {most}, where scaling keeps the service"
                ),
            )
            .hint("remove `desiredCount`: Application Auto Scaling owns it")
            .related(&scaling),
        );
    }
}

fn names(spec: &Node, out: &mut Vec<Finding>) {
    for (list, member, what) in [
        ("autoscaling.policies", "policyName", "policies"),
        ("autoscaling.scheduledActions", "scheduledActionName", "scheduled actions"),
    ] {
        for (again, first) in repeated(&spec.list(list), |one| one.str(member).map(str::to_owned)) {
            let name = again.str(member).unwrap_or_default();
            let message = format!("two {what} are named `{name}`");
            out.push(Finding::error(&again.at(member), message).related(&first.at(member)));
        }
    }
    let count = spec.list("autoscaling.policies").len();
    if count > MOST_POLICIES {
        let message = format!("{count} policies, and a service has at most {MOST_POLICIES}");
        out.push(Finding::error(&spec.at("autoscaling.policies"), message));
    }
}

fn policies(spec: &Node, out: &mut Vec<Finding>) {
    for policy in spec.list("autoscaling.policies") {
        kind(&policy, out);
        let tracking = policy.at("targetTrackingScalingPolicyConfiguration");
        if tracking.value().is_some() {
            tracking_metric(&tracking, out);
            cooldowns(&tracking, &["scaleOutCooldown", "scaleInCooldown"], out);
            let predefined = tracking.given("predefinedMetricSpecification");
            if predefined && tracking.number("targetValue").is_some_and(|value| value <= 0.0) {
                out.push(Finding::error(&tracking.at("targetValue"), "`targetValue` must be over 0"));
            }
        }
        let stepping = policy.at("stepScalingPolicyConfiguration");
        if stepping.value().is_some() {
            steps::check(&stepping, out);
            cooldowns(&stepping, &["cooldown"], out);
        }
    }
}

/// The type must be said, unless it is step scaling, and have its own configuration and no other.
fn kind(policy: &Node, out: &mut Vec<Finding>) {
    let at = policy.at("policyType");
    let configured: Vec<(&str, &str)> =
        TYPES.into_iter().filter(|(_, member)| policy.given(member)).collect();
    match at.text() {
        // The operator fills it in.
        None if matches!(configured[..], [("StepScaling", _)]) => {}
        None => {
            let hint = match configured[..] {
                [(name, _)] => format!("add `policyType: {name}`"),
                _ => "one of `TargetTrackingScaling`, `StepScaling`, `PredictiveScaling`".to_owned(),
            };
            out.push(Finding::error(policy, "the policy has no `policyType`").hint(hint));
        }
        Some(name) => {
            let Some((_, needed)) = TYPES.into_iter().find(|(one, _)| *one == name) else { return };
            if !policy.given(needed) {
                out.push(
                    Finding::error(policy, format!("`{name}` needs `{needed}`")).hint("add it").related(&at),
                );
            }
            for (_, member) in configured.into_iter().filter(|(_, member)| *member != needed) {
                let message = format!("`{member}` does not belong to a policy of the type `{name}`");
                out.push(Finding::error(&policy.at(member), message).related(&at));
            }
        }
    }
}

fn cooldowns(configuration: &Node, members: &[&str], out: &mut Vec<Finding>) {
    for member in members {
        if configuration.integer(member).is_some_and(|seconds| seconds < 0) {
            out.push(Finding::error(&configuration.at(member), format!("`{member}` cannot be negative")));
        }
    }
}

fn tracking_metric(tracking: &Node, out: &mut Vec<Finding>) {
    let (predefined, customized) =
        (tracking.at("predefinedMetricSpecification"), tracking.at("customizedMetricSpecification"));
    match (predefined.value().is_some(), customized.value().is_some()) {
        (true, true) => out.push(
            Finding::error(&customized, "a policy follows one metric: predefined or customized")
                .hint("remove one")
                .related(&predefined),
        ),
        (false, false) => out.push(Finding::error(tracking, "the policy follows no metric").hint(
            "add `predefinedMetricSpecification: {predefinedMetricType: ECSServiceAverageCPUUtilization}`",
        )),
        _ => {}
    }
    predefined_metric(&predefined, out);
    if customized.value().is_some() && !customized.has("metrics") {
        let missing: Vec<String> = ["metricName", "namespace", "statistic"]
            .into_iter()
            .filter(|member| !customized.has(member))
            .map(|member| format!("`{member}`"))
            .collect();
        if !missing.is_empty() {
            out.push(
                Finding::error(&customized, format!("the customized metric has no {}", missing.join(", ")))
                    .hint("add it, or `metrics` with a math expression"),
            );
        }
    }
}

fn predefined_metric(metric: &Node, out: &mut Vec<Finding>) {
    let (at, label) = (metric.at("predefinedMetricType"), metric.at("resourceLabel"));
    let Some(name) = at.text().filter(|name| !super::names::is_template(name)) else { return };
    if name.starts_with("ASG") {
        out.push(
            Finding::error(&at, format!("the metric `{name}` belongs to EC2 Auto Scaling, not to services"))
                .hint("`ECSServiceAverageCPUUtilization`, `ECSServiceAverageMemoryUtilization` or `ALBRequestCountPerTarget`"),
        );
    } else if name == "ALBRequestCountPerTarget" {
        let hint =
            "`app/NAME/ID/targetgroup/NAME/ID`: the ends of the load balancer's and the target group's ARN";
        match label.text() {
            None => out.push(
                Finding::error(metric, "`ALBRequestCountPerTarget` needs a `resourceLabel`").hint(hint),
            ),
            Some(text) if !is_label(text) && !super::names::is_template(text) => {
                out.push(
                    Finding::error(&label, format!("`{text}` names no load balancer and target group"))
                        .hint(hint),
                );
            }
            Some(_) => {}
        }
    } else if name.starts_with("ECSService") {
        if label.text().is_some() {
            out.push(Finding::error(&label, format!("`{name}` has no `resourceLabel`")).hint("remove it"));
        }
    } else if is_of_another_service(name) {
        out.push(
            Finding::error(&at, format!("the metric `{name}` is not one of ECS services"))
                .hint("`ECSServiceAverageCPUUtilization`, `ECSServiceAverageMemoryUtilization` or `ALBRequestCountPerTarget`"),
        );
    }
}

/// Metrics that the API knows for other scalable targets.
fn is_of_another_service(metric: &str) -> bool {
    [
        "DynamoDB",
        "RDS",
        "EC2",
        "SageMaker",
        "AppStream",
        "Comprehend",
        "Lambda",
        "Cassandra",
        "Kafka",
        "ElastiCache",
        "Neptune",
        "WorkSpaces",
    ]
    .iter()
    .any(|service| metric.starts_with(service))
}

/// `app/NAME/ID/targetgroup/NAME/ID`.
fn is_label(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    matches!(parts[..], ["app", _, _, "targetgroup", _, _]) && parts.iter().all(|part| !part.is_empty())
}

fn predictive(spec: &Node, out: &mut Vec<Finding>) {
    let metrics = "autoscaling.policies[].predictiveScalingPolicyConfiguration.metricSpecifications[]";
    for metric in spec.find(metrics) {
        for member in [
            "predefinedMetricPairSpecification",
            "predefinedScalingMetricSpecification",
            "predefinedLoadMetricSpecification",
        ] {
            let at = metric.at(member).at("predefinedMetricType");
            if let Some(name) = at.text().filter(|name| name.starts_with("ASG")) {
                out.push(
                    Finding::error(
                        &at,
                        format!("the metric `{name}` belongs to EC2 Auto Scaling, not to services"),
                    )
                    .hint("such as `ECSServiceCPUUtilization`"),
                );
            }
        }
    }
}

fn actions(spec: &Node, out: &mut Vec<Finding>) {
    for action in spec.list("autoscaling.scheduledActions") {
        let target = action.at("scalableTargetAction");
        least_and_greatest(&target, out);
        if !target.given("minCapacity") && !target.given("maxCapacity") {
            let at = if target.value().is_some() { &target } else { &action };
            out.push(
                Finding::error(at, "the scheduled action changes nothing")
                    .hint("add `scalableTargetAction` with `minCapacity`, `maxCapacity` or both"),
            );
        }
        let expression = action.at("schedule");
        let text = expression.value().and_then(Value::as_str).filter(|text| !super::names::is_template(text));
        if let Some(Err(problem)) = text.map(schedule::parse) {
            out.push(Finding::error(&expression, problem.message).hint(problem.hint));
        }
        let zone = action.at("timezone");
        if let Some(name) = zone.text().filter(|name| !super::names::is_template(name))
            && let Err(nearest) = schedule::time_zone(name)
        {
            let hint = match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "a name of the IANA database, such as `Europe/Berlin`".to_owned(),
            };
            out.push(Finding::error(&zone, format!("`{name}` is not a time zone")).hint(hint));
        }
        let (start, end) = (action.at("startTime"), action.at("endTime"));
        if let (Some(starts), Some(ends)) = (seconds(&start), seconds(&end))
            && starts >= ends
        {
            out.push(Finding::error(&end, "the scheduled action ends before it starts").related(&start));
        }
    }
}

/// A time as seconds since the epoch, however written.
fn seconds(node: &Node) -> Option<f64> {
    match node.value()? {
        Value::Number(seconds) => seconds.as_f64(),
        Value::String(text) => {
            let utc = |local: jiff::civil::DateTime| local.to_zoned(jiff::tz::TimeZone::UTC).ok();
            let zoned = text.parse::<jiff::Timestamp>().ok();
            let time = zoned.or_else(|| Some(utc(text.parse().ok()?)?.timestamp()))?;
            Some(time.as_duration().as_secs_f64())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::table;
    use serde_json::{Value, json};

    fn scaled(autoscaling: Value) -> Value {
        let mut whole = json!({"minCapacity": 1, "maxCapacity": 4});
        whole.as_object_mut().unwrap().extend(autoscaling.as_object().unwrap().clone());
        json!({"service": {"taskDefinition": "web:1", "desiredCount": 2}, "autoscaling": whole})
    }

    fn policy(members: Value) -> Value {
        let mut whole = json!({"policyName": "p", "policyType": "TargetTrackingScaling"});
        whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        scaled(json!({"policies": [whole]}))
    }

    #[test]
    fn bounds_and_policies() {
        let tracking = |members: Value| policy(json!({"targetTrackingScalingPolicyConfiguration": members}));
        let predefined =
            |members: Value| tracking(json!({"targetValue": 60, "predefinedMetricSpecification": members}));
        let cpu = || json!({"predefinedMetricType": "ECSServiceAverageCPUUtilization"});
        let custom = || json!({"metricName": "m", "namespace": "n", "statistic": "Sum"});
        let label = |label: Value| {
            predefined(json!({"predefinedMetricType": "ALBRequestCountPerTarget", "resourceLabel": label}))
        };
        let whole = || {
            json!({"policyName": "p", "policyType": "TargetTrackingScaling",
            "targetTrackingScalingPolicyConfiguration": {"targetValue": 1, "predefinedMetricSpecification": cpu()}})
        };
        table([
            ("none", json!({"service": {"taskDefinition": "x"}, "autoscaling": {}}), ""),
            ("bounds", scaled(json!({})), ""),
            ("crossed", scaled(json!({"minCapacity": 5})), "`minCapacity` is 5"),
            ("negative", scaled(json!({"minCapacity": -1})), "negative"),
            ("outside", scaled(json!({"minCapacity": 3})), "warning: service.desiredCount"),
            ("no bound", scaled(json!({"minCapacity": null})), "warning: autoscaling: without `minCapacity`"),
            ("cpu", predefined(cpu()), ""),
            (
                "type",
                policy(
                    json!({"policyType": null, "targetTrackingScalingPolicyConfiguration": {"targetValue": 1, "predefinedMetricSpecification": cpu()}}),
                ),
                "no `policyType`",
            ),
            ("no configuration", policy(json!({})), "needs `targetTrackingScalingPolicyConfiguration`"),
            ("twice", scaled(json!({"policies": [whole(), whole()]})), "two policies are named `p`"),
            ("no metric", tracking(json!({"targetValue": 1})), "follows no metric"),
            (
                "two metrics",
                tracking(
                    json!({"targetValue": 1, "predefinedMetricSpecification": cpu(), "customizedMetricSpecification": custom()}),
                ),
                "one metric",
            ),
            ("custom", tracking(json!({"targetValue": 1, "customizedMetricSpecification": custom()})), ""),
            (
                "half custom",
                tracking(json!({"targetValue": 1, "customizedMetricSpecification": {"metricName": "m"}})),
                "`namespace`, `statistic`",
            ),
            (
                "math",
                tracking(
                    json!({"targetValue": 1, "customizedMetricSpecification": {"metrics": [{"id": "m1"}]}}),
                ),
                "",
            ),
            ("asg", predefined(json!({"predefinedMetricType": "ASGAverageNetworkIn"})), "EC2 Auto Scaling"),
            (
                "another's",
                predefined(json!({"predefinedMetricType": "LambdaProvisionedConcurrencyUtilization"})),
                "not one of ECS services",
            ),
            ("label", label(json!("app/a/1/targetgroup/b/2")), ""),
            ("no label", label(json!(null)), "needs a `resourceLabel`"),
            ("bad label", label(json!("targetgroup/b/2")), "names no load balancer"),
            ("target", tracking(json!({"targetValue": 0, "predefinedMetricSpecification": cpu()})), "over 0"),
        ]);
    }

    #[test]
    fn scheduled_actions() {
        let action = |members: Value| {
            let mut whole = json!({"scheduledActionName": "night", "schedule": "cron(0 20 * * ? *)", "timezone": "Europe/Berlin", "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 2}});
            whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            scaled(json!({"scheduledActions": [whole]}))
        };
        table([
            ("night", action(json!({})), ""),
            (
                "schedule",
                action(json!({"schedule": "cron(0 20 * * *)"})),
                "schedule: `cron(0 20 * * *)` has 5 fields",
            ),
            ("zone", action(json!({"timezone": "Europe/Berln"})), "`Europe/Berln` is not a time zone"),
            ("nothing", action(json!({"scalableTargetAction": {}})), "changes nothing"),
            (
                "crossed",
                action(json!({"scalableTargetAction": {"minCapacity": 3, "maxCapacity": 2}})),
                "only 2",
            ),
            ("in order", action(json!({"startTime": "2026-01-01T00:00:00Z", "endTime": 1_800_000_000})), ""),
            (
                "late",
                action(json!({"startTime": "2027-01-01T00:00:00+01:00", "endTime": "2026-01-01T00:00:00"})),
                "ends before",
            ),
        ]);
    }
}
