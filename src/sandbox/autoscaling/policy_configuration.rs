//! What a scaling policy is configured with: checked, filled and ordered as AWS does it.
//!
//! Tests: in this file.

use serde_json::{Value, json};

use super::super::{Document, Refusal, field};
use super::invalid;

/// The member with the configuration of each type of policy.
const MEMBERS: [(&str, &str); 3] = [
    ("TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration"),
    ("StepScaling", "StepScalingPolicyConfiguration"),
    ("PredictiveScaling", "PredictiveScalingPolicyConfiguration"),
];

/// What an ECS service has of its own; every other predefined metric belongs to something else.
const METRICS: [&str; 5] = [
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilizationHighResolution",
    "ALBRequestCountPerTarget",
];

/// AWS's limit for one policy.
const MOST_STEPS: usize = 20;

pub(super) fn member(kind: &str) -> &'static str {
    MEMBERS.iter().find(|(known, _)| *known == kind).map_or(MEMBERS[1].1, |(_, member)| *member)
}

/// The configuration that the input holds for this type of policy, as it will read back; `None`
/// when it holds none. One for another type is refused.
pub(super) fn normal(kind: &str, input: &Document) -> Result<Option<Document>, Refusal> {
    if let Some((_, other)) =
        MEMBERS.iter().find(|(other, member)| *other != kind && field::present(input, member).is_some())
    {
        return Err(invalid(format!("{other} cannot be specified for policy type {kind}")));
    }
    let Some(sent) = field::object(input, member(kind)) else { return Ok(None) };
    let mut normal = sent.clone();
    normal.retain(|_, value| !value.is_null());
    match kind {
        "TargetTrackingScaling" => tracking(&mut normal)?,
        "StepScaling" => step(&mut normal)?,
        _ => predictive(&mut normal),
    }
    Ok(Some(normal))
}

/// Whether both follow the same metric, which AWS lets only one policy of a target do.
pub(super) fn same_metric(left: &Document, right: &Document) -> bool {
    let same = |member: &str| left.get(member).is_some_and(|metric| right.get(member) == Some(metric));
    same("PredefinedMetricSpecification") || same("CustomizedMetricSpecification")
}

fn tracking(configuration: &mut Document) -> Result<(), Refusal> {
    let predefined = field::object(configuration, "PredefinedMetricSpecification");
    let customized = field::object(configuration, "CustomizedMetricSpecification");
    if predefined.is_some() == customized.is_some() {
        return Err(invalid(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified",
        ));
    }
    if let Some(metric) = predefined {
        let kind = field::text(metric, "PredefinedMetricType").unwrap_or_default();
        if !METRICS.contains(&kind) {
            return Err(invalid(format!(
                "Unsupported predefined metric type {kind} for service namespace ecs"
            )));
        }
        if (kind == "ALBRequestCountPerTarget") != field::text(metric, "ResourceLabel").is_some_and(is_label)
        {
            let message = "A ResourceLabel of the form app/NAME/ID/targetgroup/NAME/ID must be specified for ALBRequestCountPerTarget, and for it only";
            return Err(invalid(message));
        }
    }
    for cooldown in ["ScaleOutCooldown", "ScaleInCooldown"] {
        if field::integer(configuration, cooldown).is_some_and(|seconds| seconds < 0) {
            return Err(invalid(format!("{cooldown} cannot be less than 0")));
        }
    }
    fill(configuration, "DisableScaleIn", json!(false));
    Ok(())
}

fn is_label(label: &str) -> bool {
    let parts: Vec<&str> = label.split('/').collect();
    matches!(parts[..], ["app", _, _, "targetgroup", _, _]) && parts.iter().all(|part| !part.is_empty())
}

fn step(configuration: &mut Document) -> Result<(), Refusal> {
    let kind =
        field::text(configuration, "AdjustmentType").ok_or_else(|| invalid("AdjustmentType is required"))?;
    if field::present(configuration, "MinAdjustmentMagnitude").is_some() && kind != "PercentChangeInCapacity"
    {
        return Err(invalid("MinAdjustmentMagnitude can only be specified with PercentChangeInCapacity"));
    }
    let mut steps = field::list(configuration, "StepAdjustments").to_vec();
    if !(1..=MOST_STEPS).contains(&steps.len()) {
        return Err(invalid(format!("A step scaling policy must have 1 to {MOST_STEPS} step adjustments")));
    }
    steps.sort_by(|left, right| lower(left).total_cmp(&lower(right)));
    for step in &mut steps {
        step.as_object_mut().into_iter().for_each(|step| step.retain(|_, value| !value.is_null()));
        if lower(step) >= upper(step) {
            return Err(invalid("The upper bound of a step adjustment must be greater than its lower bound"));
        }
        if lower(step).is_infinite() && upper(step).is_infinite() {
            return Err(invalid("At least one bound of a step adjustment must be specified"));
        }
    }
    for pair in steps.windows(2) {
        if upper(&pair[0]) > lower(&pair[1]) {
            return Err(invalid("Step adjustment intervals cannot overlap"));
        }
        if upper(&pair[0]) < lower(&pair[1]) {
            return Err(invalid("Step adjustment intervals cannot have gaps between them"));
        }
    }
    configuration.insert("StepAdjustments".into(), steps.into());
    fill(configuration, "Cooldown", json!(300));
    fill(configuration, "MetricAggregationType", json!("Average"));
    Ok(())
}

/// An absent lower bound is the negative infinity, an absent upper one the positive.
fn lower(step: &Value) -> f64 {
    step["MetricIntervalLowerBound"].as_f64().unwrap_or(f64::NEG_INFINITY)
}

fn upper(step: &Value) -> f64 {
    step["MetricIntervalUpperBound"].as_f64().unwrap_or(f64::INFINITY)
}

fn predictive(configuration: &mut Document) {
    fill(configuration, "Mode", json!("ForecastOnly"));
    fill(configuration, "MaxCapacityBreachBehavior", json!("HonorMaxCapacity"));
}

fn fill(configuration: &mut Document, member: &str, default: Value) {
    configuration.entry(member).or_insert(default);
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // literals read better
mod tests {
    use super::*;

    fn normal_of(kind: &str, configuration: Value) -> Result<Value, String> {
        let input = json!({member(kind): configuration});
        let normal = normal(kind, input.as_object().unwrap());
        normal.map(|normal| normal.unwrap().into()).map_err(|refusal| refusal.message)
    }

    fn steps(steps: Value) -> Result<Value, String> {
        normal_of("StepScaling", json!({"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}))
    }

    #[test]
    fn step_scaling_is_filled_and_its_steps_are_sorted() {
        let sent = json!([
            {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 3, "MetricIntervalUpperBound": null},
            {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 20.0, "ScalingAdjustment": 1},
            {"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1},
        ]);
        assert_eq!(
            steps(sent).unwrap(),
            json!({
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": [
                    {"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1},
                    {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 20.0, "ScalingAdjustment": 1},
                    {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 3},
                ],
                "Cooldown": 300,
                "MetricAggregationType": "Average",
            })
        );
    }

    #[test]
    fn steps_meet_end_to_end() {
        for (sent, words) in [
            (json!([]), "must have 1 to 20"),
            (json!([{"ScalingAdjustment": 1}]), "At least one bound"),
            (
                json!([{"MetricIntervalLowerBound": 2, "MetricIntervalUpperBound": 1, "ScalingAdjustment": 1}]),
                "greater than its lower",
            ),
            (
                json!([{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}, {"MetricIntervalLowerBound": 5, "ScalingAdjustment": 2}]),
                "overlap",
            ),
            (
                json!([{"MetricIntervalUpperBound": 0, "ScalingAdjustment": 1}, {"MetricIntervalLowerBound": 5, "ScalingAdjustment": 2}]),
                "gaps",
            ),
        ] {
            let message = steps(sent).unwrap_err();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn target_tracking_keeps_cooldowns_as_sent_and_fills_disable_scale_in() {
        let sent = json!({"TargetValue": 50, "ScaleOutCooldown": 60, "CustomizedMetricSpecification": {"MetricName": "m"}});
        let mut expected = sent.clone();
        expected["DisableScaleIn"] = json!(false);
        assert_eq!(normal_of("TargetTrackingScaling", sent).unwrap(), expected);
    }

    #[test]
    fn target_tracking_follows_one_metric_of_ecs() {
        let predefined = |metric: Value| json!({"TargetValue": 1, "PredefinedMetricSpecification": metric});
        let label = "app/shop/50dc6c495c0c9188/targetgroup/web/6d0ecf831eec9f09";
        normal_of(
            "TargetTrackingScaling",
            predefined(json!({"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label})),
        )
        .unwrap();
        for (sent, words) in [
            (json!({"TargetValue": 1}), "Exactly one"),
            (
                predefined(json!({"PredefinedMetricType": "RDSReaderAverageCPUUtilization"})),
                "Unsupported predefined metric",
            ),
            (predefined(json!({"PredefinedMetricType": "ALBRequestCountPerTarget"})), "ResourceLabel"),
            (
                predefined(json!({"PredefinedMetricType": METRICS[0], "ResourceLabel": label})),
                "ResourceLabel",
            ),
        ] {
            let message = normal_of("TargetTrackingScaling", sent).unwrap_err();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn predictive_scaling_is_stored_as_it_comes() {
        let sent = json!({"MetricSpecifications": [{"TargetValue": 40}], "Mode": "ForecastAndScale", "MaxCapacityBreachBehavior": "HonorMaxCapacity"});
        assert_eq!(normal_of("PredictiveScaling", sent.clone()).unwrap(), sent);
    }

    #[test]
    fn the_configuration_of_another_type_is_refused() {
        let input = json!({"StepScalingPolicyConfiguration": {}});
        let message = normal("TargetTrackingScaling", input.as_object().unwrap()).unwrap_err().message;
        assert_eq!(
            message,
            "StepScalingPolicyConfiguration cannot be specified for policy type TargetTrackingScaling"
        );
    }
}
