//! Scaling activities: what was done to live capacity and to bounds, and why.
//!
//! Tests: in this file.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, field};
use super::{Answer, NAMESPACE, State, named, paged};

/// Seconds for which AWS tells of them: six weeks.
const TOLD: f64 = 6.0 * 7.0 * 86_400.0;

/// Oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Activities {
    /// How many there were before those that are still told.
    forgotten: usize,
    told: VecDeque<Activity>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Activity {
    id: String,
    resource: String,
    description: String,
    cause: String,
    status: String,
    message: String,
    at: f64,
}

impl Activities {
    pub fn add(&mut self, activity: Activity) {
        let is_forgotten = |old: &Activity| old.at < activity.at - TOLD;
        while self.told.front().is_some_and(is_forgotten) {
            self.told.pop_front();
            self.forgotten += 1;
        }
        self.told.push_back(activity);
    }

    /// Newest first: those before the `until`-th of all there ever were, with which they are.
    fn before(&self, until: usize) -> impl Iterator<Item = (usize, &Activity)> {
        let numbered = self.told.iter().take(until.saturating_sub(self.forgotten)).enumerate();
        numbered.rev().map(|(at, activity)| (at + self.forgotten, activity))
    }
}

impl Activity {
    /// The service's desired count was set.
    pub fn capacity_set(call: &Call, resource: &str, count: i64, cause: String) -> Self {
        let done =
            format!("Successfully set desired count to {count}. Change successfully fulfilled by ecs.");
        Self::new(call, resource, format!("Setting desired count to {count}."), cause, Ok(done))
    }

    /// A scheduled action has set the target's bounds, or failed to.
    pub fn bounds_set(
        call: &Call,
        resource: &str,
        (min, max): (i64, i64),
        action: &str,
        failed: Option<&str>,
    ) -> Self {
        let bounds = format!("min capacity to {min} and max capacity to {max}");
        let cause = format!("scheduled action name {action} was triggered");
        let done = failed.map_or_else(
            || Ok(format!("Successfully set {bounds}")),
            |why| Err(format!("Failed to set {bounds}. Reason: {why}")),
        );
        Self::new(call, resource, format!("Setting {bounds}"), cause, done)
    }

    fn new(
        call: &Call,
        resource: &str,
        description: String,
        cause: String,
        done: Result<String, String>,
    ) -> Self {
        let status = if done.is_ok() { "Successful" } else { "Failed" };
        let (Ok(message) | Err(message)) = done;
        Self {
            id: call.ids.uuid(),
            resource: resource.to_owned(),
            description,
            cause,
            status: status.to_owned(),
            message,
            at: call.now,
        }
    }

    fn described(&self) -> Value {
        let members = json!({
            "ActivityId": self.id,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": self.at,
            "EndTime": self.at,
            "StatusCode": self.status,
            "StatusMessage": self.message,
        });
        named(&self.resource, members)
    }
}

/// Newest first.
pub(super) fn describe(state: &State, input: &Document) -> Answer {
    let resource = field::text(input, "ResourceId");
    let here = field::text(input, "ServiceNamespace") == Some(NAMESPACE);
    paged(input, "ScalingActivities", 50, |after| {
        let until = after.map_or(usize::MAX, |last| last.parse().unwrap_or(0));
        let chosen = state.activities.before(until).filter(move |(_, activity)| {
            here && resource.is_none_or(|resource| resource == activity.resource)
        });
        chosen.map(|(at, activity)| (at.to_string(), activity.described()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;

    #[test]
    fn a_clamp_is_an_activity_and_the_newest_comes_first() {
        let mut region = region();
        for bounds in
            [json!({"MinCapacity": 6, "MaxCapacity": 9}), json!({"MinCapacity": 1, "MaxCapacity": 2})]
        {
            ask(&mut region, "RegisterScalableTarget", bounds).unwrap();
        }
        let answer = ask(&mut region, "DescribeScalingActivities", json!({})).unwrap();
        let activities = answer["ScalingActivities"].as_array().unwrap();
        let causes: Vec<_> = activities.iter().map(|activity| activity["Cause"].as_str().unwrap()).collect();
        assert_eq!(causes, ["maximum capacity was set to 2", "minimum capacity was set to 6"]);
        assert_eq!(activities[0]["Description"], "Setting desired count to 2.");
        assert_eq!(activities[0]["StatusCode"], "Successful");
        let other = ask(&mut region, "DescribeScalingActivities", json!({"ResourceId": "service/shop/none"}))
            .unwrap();
        assert_eq!(other, json!({"ScalingActivities": []}));
    }
}
