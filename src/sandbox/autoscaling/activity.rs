//! Scaling activities: what was done to live capacity, and why.
//!
//! Tests: in this file.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, field};
use super::{Answer, NAMESPACE, State, named, paged};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Activity {
    id: String,
    resource: String,
    description: String,
    cause: String,
    message: String,
    at: f64,
}

impl Activity {
    /// The service's desired count was set.
    pub fn capacity_set(call: &Call, resource: &str, count: i64, cause: String) -> Self {
        Self {
            id: call.ids.uuid(),
            resource: resource.to_owned(),
            description: format!("Setting desired count to {count}."),
            cause,
            message: format!(
                "Successfully set desired count to {count}. Change successfully fulfilled by ecs."
            ),
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
            "StatusCode": "Successful",
            "StatusMessage": self.message,
        });
        named(&self.resource, members)
    }
}

/// Newest first.
pub(super) fn describe(state: &State, input: &Document) -> Answer {
    let resource = field::text(input, "ResourceId");
    let here = field::text(input, "ServiceNamespace") == Some(NAMESPACE);
    let passes = |activity: &Activity| here && resource.is_none_or(|resource| resource == activity.resource);
    let count = state.activities.len();
    let items = state.activities.iter().enumerate().filter(|(_, activity)| passes(activity));
    let items = items.map(|(at, activity)| (format!("{:08}", count - at), activity.described()));
    paged(items, input, "ScalingActivities", 50)
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
