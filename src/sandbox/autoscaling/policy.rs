//! Scaling policies: which metric moves the capacity of a target.
//!
//! A target tracking policy has two alarms, which exist here only by name: nothing measures, so
//! that capacity moves only by [`scale`](super::scale). Tests: in this file; what a configuration
//! must be is in `policy_configuration`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, field};
use super::policy_configuration::{self as configuration, same_metric};
use super::target::Target;
use super::{Answer, Name, State, invalid, missing, named, paged, split_key};

/// AWS's limit for one target.
const MOST: usize = 50;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Policy {
    /// `TargetTrackingScaling`, `StepScaling` or `PredictiveScaling`.
    kind: String,
    configuration: Document,
    /// The names of its alarms.
    alarms: Vec<String>,
    created_at: f64,
}

impl Policy {
    fn new(call: &Call, resource: &str, kind: &str) -> Self {
        let alarm = |side: &str| format!("TargetTracking-{resource}-{side}-{}", call.ids.uuid());
        let sides: &[&str] = if kind == "TargetTrackingScaling" { &["AlarmHigh", "AlarmLow"] } else { &[] };
        Self {
            kind: kind.to_owned(),
            configuration: Document::new(),
            alarms: sides.iter().map(|side| alarm(side)).collect(),
            created_at: call.now,
        }
    }

    fn described(&self, call: &Call, target: &Target, resource: &str, name: &str) -> Value {
        let members = json!({
            "PolicyARN": target.inner_arn(call, resource, "scalingPolicy", &format!("policyName/{name}")),
            "PolicyName": name,
            "PolicyType": self.kind,
            configuration::member(&self.kind): self.configuration,
            "Alarms": self.alarms(call),
            "CreationTime": self.created_at,
        });
        named(resource, members)
    }

    /// What an alarm of it says when it moves capacity. An alarm of a step policy is somebody
    /// else's: it is called as the policy.
    pub fn cause(&self, name: &str, moves_out: bool) -> String {
        let alarm = if moves_out { self.alarms.first() } else { self.alarms.last() };
        format!("monitor alarm {} in state ALARM triggered policy {name}", alarm.map_or(name, String::as_str))
    }

    fn alarms(&self, call: &Call) -> Vec<Value> {
        let alarm = |name: &String| json!({"AlarmName": name, "AlarmARN": call.arn("cloudwatch", &format!("alarm:{name}"))});
        self.alarms.iter().map(alarm).collect()
    }
}

pub(super) fn put(state: &mut State, call: &Call, input: &Document) -> Answer {
    let (name, resource) = (field::text(input, "PolicyName").unwrap_or_default(), Name::of(input).resource);
    let target = state.registered(input)?;
    let known = target.policies.get(name);
    let kind = match (field::text(input, "PolicyType"), known) {
        (Some(kind), Some(known)) if kind != known.kind => {
            let message = format!(
                "The policy type cannot be changed from {} to {kind}: delete the policy first",
                known.kind
            );
            return Err(invalid(message));
        }
        (Some(kind), _) => kind,
        (None, Some(known)) => &known.kind,
        (None, None) => return Err(invalid("PolicyType is required to create a scaling policy")),
    };
    if known.is_none() && target.policies.len() >= MOST {
        let message = format!("A scalable target can have at most {MOST} scaling policies");
        return Err(Refusal::client("LimitExceededException", message));
    }
    let mut policy = known.cloned().unwrap_or_else(|| Policy::new(call, resource, kind));
    match configuration::normal(kind, input)? {
        Some(sent) => policy.configuration = sent,
        None if known.is_some() => {}
        None => {
            return Err(invalid(format!(
                "{} is required for policy type {kind}",
                configuration::member(kind)
            )));
        }
    }
    let mut others = target.policies.iter().filter(|(other, _)| *other != name);
    if others.any(|(_, other)| same_metric(&other.configuration, &policy.configuration)) {
        return Err(invalid(
            "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
        ));
    }
    let answer = json!({
        "PolicyARN": target.inner_arn(call, resource, "scalingPolicy", &format!("policyName/{name}")),
        "Alarms": policy.alarms(call),
    });
    target.policies.insert(name.to_owned(), policy);
    Ok(answer)
}

pub(super) fn delete(state: &mut State, input: &Document) -> Answer {
    let (name, place) = (field::text(input, "PolicyName").unwrap_or_default(), Name::of(input));
    let target = state.targets.get_mut(place.resource).filter(|_| place.is_ecs());
    let removed = target.and_then(|target| target.policies.remove(name));
    removed.ok_or_else(|| {
        missing(format!("No scaling policy found for {}, policy name: {name}", place.words()))
    })?;
    Ok(json!({}))
}

pub(super) fn describe(state: &State, call: &Call, input: &Document) -> Answer {
    let names = field::texts(input, "PolicyNames");
    paged(input, "ScalingPolicies", 10, |after| {
        let (from, last) = split_key(after);
        let (from, last) = (from.to_owned(), last.to_owned());
        let all = state.chosen(input, &from).flat_map(|(resource, target)| {
            target.policies.iter().map(move |(name, policy)| (resource, target, name, policy))
        });
        let rest = all.skip_while(move |(resource, _, name, _)| *resource == from && **name <= last);
        let chosen = rest.filter(|(_, _, name, _)| names.is_empty() || names.contains(&name.as_str()));
        chosen.map(|(resource, target, name, policy)| {
            (format!("{resource}\n{name}"), policy.described(call, target, resource, name))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;
    use crate::sandbox::Region;

    fn tracking(name: &str, metric: &str) -> Value {
        json!({
            "PolicyName": name,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration":
                {"TargetValue": 60.0, "PredefinedMetricSpecification": {"PredefinedMetricType": metric}},
        })
    }

    fn step(name: &str) -> Value {
        json!({
            "PolicyName": name,
            "PolicyType": "StepScaling",
            "StepScalingPolicyConfiguration":
                {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]},
        })
    }

    fn put(region: &mut Region, input: Value) -> Answer {
        ask(region, "PutScalingPolicy", input)
    }

    const CPU: &str = "ECSServiceAverageCPUUtilization";

    #[test]
    fn target_tracking_answers_with_its_two_alarms_and_reads_back_with_them() {
        let mut region = scaled();
        let answer = put(&mut region, tracking("cpu", CPU)).unwrap();
        let alarms = answer["Alarms"].as_array().unwrap();
        for (alarm, side) in alarms.iter().zip(["AlarmHigh", "AlarmLow"]) {
            let name = alarm["AlarmName"].as_str().unwrap();
            assert!(name.starts_with(&format!("TargetTracking-service/shop/web-{side}-")), "{name}");
            assert_eq!(
                alarm["AlarmARN"],
                format!("arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}")
            );
        }
        let arn = answer["PolicyARN"].as_str().unwrap();
        assert!(arn.starts_with("arn:aws:autoscaling:eu-central-1:123456789012:scalingPolicy:"), "{arn}");
        assert!(arn.ends_with(":resource/ecs/service/shop/web:policyName/cpu"), "{arn}");
        let read =
            ask(&mut region, "DescribeScalingPolicies", json!({})).unwrap()["ScalingPolicies"][0].clone();
        assert_eq!((&read["PolicyARN"], &read["Alarms"]), (&answer["PolicyARN"], &answer["Alarms"]));
        assert_eq!(
            read["TargetTrackingScalingPolicyConfiguration"],
            json!({"TargetValue": 60.0, "PredefinedMetricSpecification": {"PredefinedMetricType": CPU}, "DisableScaleIn": false})
        );
    }

    #[test]
    fn a_policy_needs_a_target() {
        let (code, message) = refused(put(&mut region(), tracking("cpu", CPU)));
        assert_eq!(code, "ObjectNotFoundException");
        assert_eq!(
            message,
            "No scalable target registered for service namespace: ecs, resource ID: service/shop/web, scalable dimension: ecs:service:DesiredCount"
        );
    }

    #[test]
    fn putting_again_changes_the_configuration_and_keeps_arn_and_alarms() {
        let mut region = scaled();
        let first = put(&mut region, tracking("cpu", CPU)).unwrap();
        let mut changed = tracking("cpu", CPU);
        changed["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] = json!(70);
        assert_eq!(put(&mut region, changed).unwrap(), first);
        assert_eq!(put(&mut region, json!({"PolicyName": "cpu"})).unwrap(), first);
        let read = ask(&mut region, "DescribeScalingPolicies", json!({})).unwrap();
        assert_eq!(read["ScalingPolicies"][0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"], 70);
    }

    #[test]
    fn a_policys_type_cannot_change_and_a_new_one_needs_one() {
        let mut region = scaled();
        put(&mut region, tracking("cpu", CPU)).unwrap();
        for input in [
            step("cpu"),
            json!({"PolicyName": "new"}),
            json!({"PolicyName": "new", "PolicyType": "StepScaling"}),
        ] {
            assert_eq!(refused(put(&mut region, input)).0, "ValidationException");
        }
    }

    #[test]
    fn two_tracking_policies_cannot_follow_one_metric() {
        let mut region = scaled();
        put(&mut region, tracking("cpu", CPU)).unwrap();
        let (code, message) = refused(put(&mut region, tracking("cpu-2", CPU)));
        assert_eq!(code, "ValidationException");
        assert_eq!(
            message,
            "Only one TargetTrackingScaling policy for a given metric specification is allowed."
        );
        put(&mut region, tracking("memory", "ECSServiceAverageMemoryUtilization")).unwrap();
    }

    #[test]
    fn a_step_policy_has_no_alarms_of_its_own() {
        let mut region = scaled();
        assert_eq!(put(&mut region, step("out")).unwrap()["Alarms"], json!([]));
    }

    #[test]
    fn a_target_has_at_most_fifty_policies_and_they_come_in_pages_of_ten() {
        let mut region = scaled();
        for n in 0..50 {
            put(&mut region, step(&format!("p{n:02}"))).unwrap();
        }
        assert_eq!(refused(put(&mut region, step("one-more"))).0, "LimitExceededException");
        let (mut names, mut token) = (Vec::new(), Value::Null);
        loop {
            let page = ask(&mut region, "DescribeScalingPolicies", json!({"NextToken": token})).unwrap();
            let items = page["ScalingPolicies"].as_array().unwrap();
            assert_eq!(items.len(), 10);
            names.extend(items.iter().map(|item| item["PolicyName"].as_str().unwrap().to_owned()));
            let Some(next) = page.get("NextToken") else { break };
            token = next.clone();
        }
        assert_eq!(names.len(), 50);
        let input = json!({"PolicyNames": ["p07", "none"]});
        let chosen = ask(&mut region, "DescribeScalingPolicies", input).unwrap();
        assert_eq!(chosen["ScalingPolicies"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn deleting_a_policy_that_is_not_there_is_refused_in_awss_words() {
        let mut region = scaled();
        put(&mut region, step("out")).unwrap();
        ask(&mut region, "DeleteScalingPolicy", json!({"PolicyName": "out"})).unwrap();
        let (code, message) = refused(ask(&mut region, "DeleteScalingPolicy", json!({"PolicyName": "out"})));
        assert_eq!(code, "ObjectNotFoundException");
        assert!(message.starts_with(
            "No scaling policy found for service namespace: ecs, resource ID: service/shop/web"
        ));
        assert!(message.ends_with(", policy name: out"));
    }
}
