//! Application Auto Scaling: targets, policies, scheduled actions, and who owns desiredCount.

use crate::world::{REGION, World, cluster, count, of, operations, paths, service, told, with};
use ecs_operator::aws::Operation;
use ecs_operator::plan::Verdict;
use serde_json::{Value, json};
use std::time::Duration;

fn scaled(autoscaling: Value) -> [Value; 2] {
    let mut web = service("web", json!({}), json!({}));
    web["spec"]["autoscaling"] = autoscaling;
    [cluster("shop"), web]
}

fn full() -> Value {
    json!({
        "minCapacity": 2, "maxCapacity": 10,
        "policies": [
            {"policyName": "cpu", "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration": {
                "targetValue": 60, "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}}},
            {"policyName": "step", "policyType": "StepScaling", "stepScalingPolicyConfiguration": {
                "adjustmentType": "ChangeInCapacity", "stepAdjustments": [
                    {"metricIntervalLowerBound": 10, "scalingAdjustment": 2}, {"metricIntervalLowerBound": 0, "metricIntervalUpperBound": 10, "scalingAdjustment": 1}]}}],
        "scheduledActions": [
            {"scheduledActionName": "night", "schedule": "cron(0 20 * * ? *)", "timezone": "Europe/Berlin", "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 2}},
            {"scheduledActionName": "day", "schedule": "cron(0 6 * * ? *)", "timezone": "Europe/Berlin", "scalableTargetAction": {"minCapacity": 2, "maxCapacity": 10}}]
    })
}

/// What identifies the target in calls behind our back.
fn target(mut more: Value) -> Value {
    let id = json!({"ServiceNamespace": "ecs", "ResourceId": "service/shop/web", "ScalableDimension": "ecs:service:DesiredCount"});
    more.as_object_mut().unwrap().extend(id.as_object().unwrap().clone());
    more
}

#[tokio::test(start_paused = true)]
async fn a_scaled_service_starts_at_its_least_and_has_all_its_policies() {
    let world = World::new().await;
    let applied = world.applies(&scaled(full())).await;
    for (operation, times) in [
        ("CreateService", 1),
        ("RegisterScalableTarget", 1),
        ("PutScalingPolicy", 2),
        ("PutScheduledAction", 2),
    ] {
        assert_eq!(count(&applied.changes, operation), times, "{:?}", applied.changes);
    }
    assert_eq!(world.service("shop", "web").await["desiredCount"], 2);
}

#[tokio::test(start_paused = true)]
async fn desired_count_belongs_to_who_scales_and_else_to_who_declares_it() {
    let world = World::new().await;
    world.applies(&scaled(full())).await;
    let move_to = |count: i64| json!({"cluster": "shop", "service": "web", "desiredCount": count});
    world.behind(Operation::UpdateService, move_to(7)).await;
    world.has_nothing_to_do(&scaled(full())).await;
    let mut declared = scaled(full());
    declared[1] = with(declared[1].clone(), "/spec/service/desiredCount", json!(3));
    let plan = world.plan(&declared).await;
    assert_eq!(paths(&plan), [""; 0], "scaling owns the count");
    assert!(
        of(&plan, "web").notes.iter().any(|note| note.contains("desiredCount is owned by")),
        "{}",
        told(&plan)
    );

    let silent = [cluster("shop"), service("web", json!({}), json!({}))];
    let plan = world.plan(&silent).await;
    assert!(of(&plan, "web").notes.iter().any(|note| note.contains("2–10")), "{}", told(&plan));

    let unscaled = scaled(json!({}));
    world.applies(&unscaled).await;
    assert_eq!(world.service("shop", "web").await["desiredCount"], 7);
    let counted = with(unscaled[1].clone(), "/spec/service/desiredCount", json!(3));
    world.applies(&[cluster("shop"), counted.clone()]).await;
    assert_eq!(world.service("shop", "web").await["desiredCount"], 3);
    world.behind(Operation::UpdateService, move_to(5)).await;
    assert_eq!(paths(&world.plan(&[cluster("shop"), counted]).await), ["service.desiredCount"]);
}

#[tokio::test(start_paused = true)]
async fn absent_scaling_is_not_touched_and_an_empty_one_is_removed() {
    let world = World::new().await;
    world.applies(&scaled(full())).await;
    let silent = [cluster("shop"), service("web", json!({}), json!({}))];
    assert_eq!(world.applies(&silent).await.changes.iter().filter(|name| name.contains("Scal")).count(), 0);
    let plan = world.plan(&scaled(json!({}))).await;
    assert!(
        paths(&plan).contains(&"autoscaling.policies[cpu]"),
        "what goes with the target is shown: {}",
        told(&plan)
    );
    assert!(paths(&plan).contains(&"autoscaling.scheduledActions[night]"), "{}", told(&plan));
    let applied = world.applies(&scaled(json!({}))).await;
    assert_eq!(count(&applied.changes, "DeregisterScalableTarget"), 1);
    let left = world.behind(Operation::DescribeScalingPolicies, json!({"ServiceNamespace": "ecs"})).await;
    assert_eq!(left["ScalingPolicies"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn bounds_that_a_declared_action_has_set_are_no_drift() {
    let world = World::new().await;
    world.applies(&scaled(full())).await;
    world
        .behind(Operation::RegisterScalableTarget, target(json!({"MinCapacity": 1, "MaxCapacity": 2})))
        .await;
    let plan = world.plan(&scaled(full())).await;
    assert_eq!((paths(&plan), operations(&plan)), (vec![], vec![]), "{}", told(&plan));
    assert!(of(&plan, "web").notes.iter().any(|note| note.contains("`night`")));
    world
        .behind(Operation::RegisterScalableTarget, target(json!({"MinCapacity": 3, "MaxCapacity": 4})))
        .await;
    let plan = world.plan(&scaled(full())).await;
    assert_eq!(paths(&plan), ["autoscaling.minCapacity", "autoscaling.maxCapacity"]);
    assert_eq!(of(&plan, "web").verdict, Verdict::Drift);
    world.applies(&scaled(full())).await;
}

#[tokio::test(start_paused = true)]
async fn bounds_that_will_move_what_runs_say_so() {
    let world = World::new().await;
    world.applies(&scaled(full())).await;
    let mut higher = full();
    higher["minCapacity"] = json!(4);
    higher["scheduledActions"] = json!([]);
    let plan = world.plan(&scaled(higher.clone())).await;
    assert!(
        of(&plan, "web")
            .notes
            .iter()
            .any(|note| note == "the bounds 4–10 will move desiredCount from 2 to 4"),
        "{}",
        told(&plan)
    );
    let applied = world.applies(&scaled(higher)).await;
    assert_eq!(count(&applied.changes, "RegisterScalableTarget"), 1);
    assert_eq!(count(&applied.changes, "DeleteScheduledAction"), 2);
    assert_eq!(world.service("shop", "web").await["desiredCount"], 4);
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_another_type_is_deleted_and_put() {
    let world = World::new().await;
    world.applies(&scaled(full())).await;
    let mut other = full();
    other["policies"][0] = other["policies"][1].clone();
    other["policies"][0]["policyName"] = json!("cpu");
    let applied = world.applies(&scaled(other)).await;
    assert_eq!(count(&applied.changes, "DeleteScalingPolicy"), 1);
    assert_eq!(count(&applied.changes, "PutScalingPolicy"), 1);
    assert_eq!(
        count(&applied.changes, "RegisterScalableTarget"),
        0,
        "it clamps what runs: {:?}",
        applied.changes
    );
}

#[tokio::test(start_paused = true)]
async fn a_declared_list_of_policies_is_the_whole_list() {
    let world = World::new().await;
    world.applies(&scaled(full())).await;
    let extra = json!({"PolicyName": "extra", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 50, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"}}});
    world.behind(Operation::PutScalingPolicy, target(extra)).await;
    let plan = world.plan(&scaled(full())).await;
    assert_eq!(paths(&plan), ["autoscaling.policies[extra]"]);
    let applied = world.applies(&scaled(full())).await;
    assert_eq!(applied.changes, ["TagResource", "DeleteScalingPolicy", "TagResource"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_schedule_is_put_whole() {
    let world = World::new().await;
    let mut dated = full();
    dated["scheduledActions"][0]["startTime"] = json!("2026-06-01T00:00:00Z");
    world.applies(&scaled(dated.clone())).await;
    dated["scheduledActions"][0]["schedule"] = json!("cron(0 21 * * ? *)");
    let plan = world.plan(&scaled(dated.clone())).await;
    let put = plan.actions.iter().find(|action| action.operation == "PutScheduledAction").unwrap();
    assert!(put.input.contains_key("startTime"), "what is left out is deleted: {}", told(&plan));
    world.applies(&scaled(dated)).await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_fires_and_an_alarm_that_scales_are_no_drift() {
    let world = World::new().await;
    world.applies(&scaled(full())).await;
    assert_eq!(world.sandbox.scale(REGION, "shop", "web", 7), Some(7));
    world.has_nothing_to_do(&scaled(full())).await;
    let bounds = async || {
        let input = json!({"ServiceNamespace": "ecs", "ResourceIds": ["service/shop/web"]});
        let answer = world.behind(Operation::DescribeScalableTargets, input).await;
        let target = &answer["ScalableTargets"][0];
        (target["MinCapacity"].clone(), target["MaxCapacity"].clone())
    };
    // The worlds begin at midnight in UTC: the night at 19:00 there, the day at 05:00.
    for (hours, expected, count) in [(20, (json!(1), json!(2)), 2), (12, (json!(2), json!(10)), 2)] {
        tokio::time::sleep(Duration::from_hours(hours)).await;
        assert_eq!(bounds().await, expected);
        assert_eq!(world.service("shop", "web").await["desiredCount"], count);
        world.has_nothing_to_do(&scaled(full())).await;
        assert_eq!(bounds().await, expected);
    }
}

/// A day of scaling: what schedules and policies do is theirs, before, during and after a deployment that is rolled back.
#[tokio::test(start_paused = true)]
async fn through_a_day_of_scaling_nothing_is_drift_whatever_is_deployed_meanwhile() {
    let midnight = tokio::time::Instant::now();
    let world = World::new().await;
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let [shop, web] = scaled(full());
    let web = with(web, "/spec/service/deploymentConfiguration", breaker);
    let good = [shop.clone(), web.clone()];
    let bad = [shop, with(web, "/spec/taskDefinition/containerDefinitions/0/image", json!("sandbox/crash"))];
    world.applies(&good).await;
    let hour = async |manifests: &[Value]| {
        let hour = i64::try_from(midnight.elapsed().as_secs() / 3600 % 24).unwrap();
        // A little before the schedules themselves say so, which are the sandbox's: 05:00 and 19:00 in UTC.
        let night = !(4..18).contains(&hour);
        let bounds = if night {
            json!({"MinCapacity": 1, "MaxCapacity": 2})
        } else {
            json!({"MinCapacity": 2, "MaxCapacity": 10})
        };
        world.behind(Operation::RegisterScalableTarget, target(bounds)).await;
        let count = if night { 1 } else { 2 + hour % 5 };
        let input = json!({"cluster": "shop", "service": "web", "desiredCount": count});
        world.behind(Operation::UpdateService, input).await;
        for _ in 0..3 {
            let applied = world.pass(manifests).await;
            assert_eq!(applied.changes, [""; 0], "at {hour}: {}", told(&applied.last));
            tokio::time::sleep(std::time::Duration::from_mins(20)).await;
        }
        assert_eq!(world.service("shop", "web").await["desiredCount"], count);
    };
    for _ in 0..12 {
        hour(&good).await;
    }
    world.pass(&bad).await;
    world.settle().await;
    assert_eq!(world.apply(&bad).await.changes, ["TagResource"]);
    for _ in 12..24 {
        hour(&bad).await;
    }
}
