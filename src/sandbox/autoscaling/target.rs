//! Scalable targets: a service and the bounds of its desired count.
//!
//! Registering reads live capacity and moves it into the bounds, also when neither is sent.
//! Deregistering deletes the target's policies and scheduled actions. Tests: in this file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::late::Late;
use super::super::{Call, Document, Refusal, Region, field};
use super::policy::Policy;
use super::scheduled_action::ScheduledAction;
use super::{Answer, Name, State, capacity, invalid, missing, named, paged, tags};

/// The role that AWS uses whatever was asked for.
const ROLE: &str = "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Target {
    /// In its ARN.
    pub id: String,
    /// In the ARNs of its policies and scheduled actions.
    uuid: String,
    created_at: f64,
    pub min: i64,
    pub max: i64,
    pub suspended: Suspended,
    pub tags: Late<BTreeMap<String, String>>,
    pub policies: BTreeMap<String, Policy>,
    pub scheduled_actions: BTreeMap<String, ScheduledAction>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Suspended {
    #[serde(rename = "DynamicScalingInSuspended")]
    pub scaling_in: bool,
    #[serde(rename = "DynamicScalingOutSuspended")]
    pub scaling_out: bool,
    #[serde(rename = "ScheduledScalingSuspended")]
    pub schedules: bool,
}

impl Suspended {
    /// What is sent changes, the rest stays.
    fn change(&mut self, sent: &Document) {
        for (member, flag) in [
            ("DynamicScalingInSuspended", &mut self.scaling_in),
            ("DynamicScalingOutSuspended", &mut self.scaling_out),
            ("ScheduledScalingSuspended", &mut self.schedules),
        ] {
            *flag = field::flag(sent, member).unwrap_or(*flag);
        }
    }
}

impl Target {
    fn new(call: &Call, input: &Document) -> Result<Self, Refusal> {
        let mut tags = BTreeMap::new();
        tags::add(&mut tags, field::object(input, "Tags"))?;
        Ok(Self {
            id: call.ids.hex(36),
            uuid: call.ids.uuid(),
            created_at: call.now,
            min: 0,
            max: 0,
            suspended: Suspended::default(),
            tags: Late::begin(call.now, tags),
            policies: BTreeMap::new(),
            scheduled_actions: BTreeMap::new(),
        })
    }

    pub fn arn(&self, call: &Call) -> String {
        call.arn("application-autoscaling", &format!("scalable-target/{}", self.id))
    }

    /// The ARN of something in this target, such as a `scalingPolicy` with its `policyName`.
    pub fn inner_arn(&self, call: &Call, resource: &str, kind: &str, name: &str) -> String {
        call.arn("autoscaling", &format!("{kind}:{}:resource/ecs/{resource}:{name}", self.uuid))
    }

    fn described(&self, call: &Call, resource: &str) -> Value {
        let members = json!({
            "MinCapacity": self.min,
            "MaxCapacity": self.max,
            "RoleARN": call.iam_arn(ROLE),
            "CreationTime": self.created_at,
            "SuspendedState": self.suspended,
            "ScalableTargetARN": self.arn(call),
        });
        named(resource, members)
    }
}

pub(super) fn register(region: &mut Region, call: &Call, input: &Document) -> Answer {
    let name = Name::of(input);
    if !name.is_ecs() || capacity::split(name.resource).is_none() {
        return Err(invalid("Unsupported service namespace, resource type or scalable dimension"));
    }
    if capacity::read(&region.ecs, name.resource).is_none() {
        return Err(invalid(format!("ECS service doesn't exist: {}", name.resource)));
    }
    let state = &mut region.autoscaling;
    let known = state.targets.get(name.resource);
    let bound = |member: &str, kept: fn(&Target) -> i64| {
        let absent = || invalid(format!("{member} is required to register a new scalable target"));
        field::integer(input, member).or(known.map(kept)).ok_or_else(absent)
    };
    let (min, max) = (bound("MinCapacity", |target| target.min)?, bound("MaxCapacity", |target| target.max)?);
    check_bounds(Some(min), Some(max))?;
    if known.is_some() && field::object(input, "Tags").is_some_and(|tags| !tags.is_empty()) {
        return Err(invalid(
            "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.",
        ));
    }
    let mut target = known.cloned().map_or_else(|| Target::new(call, input), Ok)?;
    (target.min, target.max) = (min, max);
    if let Some(sent) = field::object(input, "SuspendedState") {
        target.suspended.change(sent);
    }
    let answer = json!({"ScalableTargetARN": target.arn(call)});
    state.targets.insert(name.resource.to_owned(), target);
    capacity::clamp(region, call, name.resource);
    Ok(answer)
}

/// Bounds as AWS accepts them, of a target or in a scheduled action.
pub(super) fn check_bounds(min: Option<i64>, max: Option<i64>) -> Result<(), Refusal> {
    for (bound, name) in [(min, "Minimum"), (max, "Maximum")] {
        if bound.is_some_and(|bound| bound < 0) {
            return Err(invalid(format!("{name} capacity cannot be less than 0")));
        }
    }
    match (min, max) {
        (Some(min), Some(max)) if max < min => {
            Err(invalid("Maximum capacity cannot be less than minimum capacity"))
        }
        _ => Ok(()),
    }
}

pub(super) fn deregister(state: &mut State, input: &Document) -> Answer {
    let name = Name::of(input);
    let removed = if name.is_ecs() { state.targets.remove(name.resource) } else { None };
    removed.ok_or_else(|| missing(format!("No scalable target found for {}", name.words())))?;
    Ok(json!({}))
}

pub(super) fn describe(state: &State, call: &Call, input: &Document) -> Answer {
    paged(input, "ScalableTargets", 50, |after| {
        let last = after.unwrap_or_default().to_owned();
        let rest = state.chosen(input, &last).skip_while(move |(id, _)| *id == last);
        rest.map(|(id, target)| (id.to_owned(), target.described(call, id)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;

    fn register(region: &mut Region, input: Value) -> Answer {
        ask(region, "RegisterScalableTarget", input)
    }

    fn described(region: &mut Region) -> Value {
        ask(region, "DescribeScalableTargets", json!({"ResourceIds": [WEB]})).unwrap()["ScalableTargets"][0]
            .clone()
    }

    #[test]
    fn a_target_reads_back_with_awss_role_and_nothing_suspended() {
        let mut region = region();
        let input =
            json!({"MinCapacity": 1, "MaxCapacity": 10, "RoleARN": "arn:aws:iam::123456789012:role/own"});
        let arn = register(&mut region, input).unwrap()["ScalableTargetARN"].clone();
        let start = "arn:aws:application-autoscaling:eu-central-1:123456789012:scalable-target/";
        assert!(arn.as_str().unwrap().starts_with(start));
        assert_eq!(
            described(&mut region),
            json!({
                "ServiceNamespace": "ecs",
                "ResourceId": "service/shop/web",
                "ScalableDimension": "ecs:service:DesiredCount",
                "MinCapacity": 1,
                "MaxCapacity": 10,
                "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
                "CreationTime": 1_700_000_000.25,
                "SuspendedState": {
                    "DynamicScalingInSuspended": false,
                    "DynamicScalingOutSuspended": false,
                    "ScheduledScalingSuspended": false,
                },
                "ScalableTargetARN": arn,
            })
        );
    }

    #[test]
    fn registering_again_keeps_what_is_not_sent_and_the_arn() {
        let mut region = scaled();
        let before = described(&mut region);
        register(
            &mut region,
            json!({"MaxCapacity": 20, "SuspendedState": {"ScheduledScalingSuspended": true}}),
        )
        .unwrap();
        let after = described(&mut region);
        assert_eq!((&after["MinCapacity"], &after["MaxCapacity"]), (&json!(1), &json!(20)));
        assert_eq!(after["SuspendedState"]["ScheduledScalingSuspended"], true);
        assert_eq!(after["SuspendedState"]["DynamicScalingInSuspended"], false);
        assert_eq!(after["ScalableTargetARN"], before["ScalableTargetARN"]);
    }

    #[test]
    fn registering_moves_live_capacity_into_the_bounds() {
        let mut region = region();
        register(&mut region, json!({"MinCapacity": 6, "MaxCapacity": 9})).unwrap();
        assert_eq!(live(&region), 6);
        register(&mut region, json!({"MinCapacity": 1, "MaxCapacity": 3})).unwrap();
        assert_eq!(live(&region), 3);
        register(&mut region, json!({"MinCapacity": 0})).unwrap();
        assert_eq!(live(&region), 3);
    }

    #[test]
    fn registering_clamps_even_when_no_bound_is_sent() {
        let mut region = scaled();
        region.ecs.set_desired_count(&call(), "shop", "web", 50);
        register(&mut region, json!({})).unwrap();
        assert_eq!(live(&region), 10);
    }

    #[test]
    fn bounds_are_checked_and_a_new_target_needs_both() {
        for (input, words) in [
            (json!({"MinCapacity": 1}), "MaxCapacity is required"),
            (json!({"MaxCapacity": 1}), "MinCapacity is required"),
            (
                json!({"MinCapacity": 3, "MaxCapacity": 2}),
                "Maximum capacity cannot be less than minimum capacity",
            ),
            (json!({"MinCapacity": -1, "MaxCapacity": 2}), "Minimum capacity cannot be less than 0"),
        ] {
            let (code, message) = refused(register(&mut region(), input));
            assert_eq!(code, "ValidationException");
            assert!(message.starts_with(words), "{message}");
        }
        let mut region = scaled();
        assert_eq!(refused(register(&mut region, json!({"MinCapacity": 11}))).0, "ValidationException");
        assert_eq!(described(&mut region)["MinCapacity"], 1);
    }

    #[test]
    fn the_service_must_exist() {
        let input = json!({"ResourceId": "service/shop/none", "MinCapacity": 1, "MaxCapacity": 2});
        let (code, message) = refused(register(&mut region(), input));
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("ValidationException", "ECS service doesn't exist: service/shop/none")
        );
        for input in [json!({"ResourceId": "service/web"}), json!({"ServiceNamespace": "dynamodb"})] {
            assert!(refused(register(&mut region(), input)).1.starts_with("Unsupported service namespace"));
        }
    }

    #[test]
    fn deregistering_takes_policies_and_scheduled_actions_along() {
        let mut region = scaled();
        let policy = json!({"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration":
            {"TargetValue": 60.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}});
        ask(&mut region, "PutScalingPolicy", policy).unwrap();
        let action = json!({"ScheduledActionName": "night", "Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 1}});
        ask(&mut region, "PutScheduledAction", action).unwrap();
        ask(&mut region, "DeregisterScalableTarget", json!({})).unwrap();
        register(&mut region, json!({"MinCapacity": 1, "MaxCapacity": 10})).unwrap();
        let policies = ask(&mut region, "DescribeScalingPolicies", json!({})).unwrap();
        assert_eq!(policies, json!({"ScalingPolicies": []}));
        let actions = ask(&mut region, "DescribeScheduledActions", json!({})).unwrap();
        assert_eq!(actions, json!({"ScheduledActions": []}));
    }

    #[test]
    fn deregistering_what_is_not_there_is_refused_in_awss_words() {
        let (code, message) = refused(ask(&mut region(), "DeregisterScalableTarget", json!({})));
        assert_eq!(code, "ObjectNotFoundException");
        assert_eq!(
            message,
            "No scalable target found for service namespace: ecs, resource ID: service/shop/web, scalable dimension: ecs:service:DesiredCount"
        );
    }

    #[test]
    fn a_target_goes_with_its_service() {
        let mut region = scaled();
        let input = json!({"cluster": "shop", "service": "web", "force": true});
        crate::sandbox::ecs::answer(&mut region, &call(), "DeleteService", input.as_object().unwrap())
            .unwrap();
        let answer =
            send(&mut region, "DescribeScalableTargets", json!({"ServiceNamespace": "ecs"})).unwrap();
        assert_eq!(answer, json!({"ScalableTargets": []}));
    }

    #[test]
    fn a_target_is_tagged_only_when_it_is_new() {
        let (code, message) = refused(register(&mut scaled(), json!({"Tags": {"a": "1"}})));
        assert_eq!(code, "ValidationException");
        assert!(message.starts_with("The scalable target that you tried to tag already exists."));
    }

    #[test]
    fn targets_come_in_pages_of_fifty() {
        let mut region = region();
        for n in 0..60 {
            let service = format!("s{n:02}");
            stage(&mut region, "shop", &service, 1);
            let input =
                json!({"ResourceId": format!("service/shop/{service}"), "MinCapacity": 1, "MaxCapacity": 2});
            register(&mut region, input).unwrap();
        }
        let first = send(&mut region, "DescribeScalableTargets", json!({"ServiceNamespace": "ecs"})).unwrap();
        assert_eq!(first["ScalableTargets"].as_array().unwrap().len(), 50);
        let input = json!({"ServiceNamespace": "ecs", "NextToken": first["NextToken"]});
        let second = send(&mut region, "DescribeScalableTargets", input).unwrap();
        assert_eq!(second["ScalableTargets"].as_array().unwrap().len(), 10);
        assert_eq!(second.get("NextToken"), None);
    }
}
