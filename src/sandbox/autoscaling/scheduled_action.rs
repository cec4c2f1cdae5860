//! Scheduled actions: at a time, a target gets other bounds.
//!
//! They are kept and checked; firing them comes later: it sets the target's bounds and calls
//! `capacity::clamp`, as registering does. Tests: in this file; expressions in `schedule`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, field};
use super::{Answer, Name, State, invalid, missing, named, paged, schedule, target};

/// AWS's limit for one target.
const MOST: usize = 200;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ScheduledAction {
    schedule: String,
    timezone: String,
    /// Seconds since the epoch.
    start: Option<f64>,
    end: Option<f64>,
    /// `MinCapacity`, `MaxCapacity`, as sent.
    bounds: Value,
    created_at: f64,
}

pub(super) fn put(state: &mut State, call: &Call, input: &Document) -> Answer {
    let name = field::text(input, "ScheduledActionName").unwrap_or_default();
    let target = state.registered(input)?;
    let known = target.scheduled_actions.get(name);
    if known.is_none() && target.scheduled_actions.len() >= MOST {
        let message = format!("A scalable target can have at most {MOST} scheduled actions");
        return Err(Refusal::client("LimitExceededException", message));
    }
    let needed = |member: &str| invalid(format!("{member} is required to create a scheduled action"));
    let schedule = field::text(input, "Schedule").or(known.map(|known| known.schedule.as_str()));
    let timezone = field::text(input, "Timezone").or(known.map(|known| known.timezone.as_str()));
    let bounds = field::present(input, "ScalableTargetAction").or(known.map(|known| &known.bounds));
    let instant = |member: &str| field::present(input, member).and_then(Value::as_f64);
    let action = ScheduledAction {
        schedule: schedule.ok_or_else(|| needed("Schedule"))?.to_owned(),
        timezone: timezone.unwrap_or("UTC").to_owned(),
        // Unlike everything else these do not stay: an update without them deletes them.
        start: instant("StartTime"),
        end: instant("EndTime"),
        bounds: bounds.ok_or_else(|| needed("ScalableTargetAction"))?.clone(),
        created_at: known.map_or(call.now, |known| known.created_at),
    };
    action.check()?;
    target.scheduled_actions.insert(name.to_owned(), action);
    Ok(json!({}))
}

impl ScheduledAction {
    fn check(&self) -> Result<(), Refusal> {
        schedule::check(&self.schedule).map_err(invalid)?;
        if jiff::tz::TimeZone::get(&self.timezone).is_err() {
            return Err(invalid(format!("Invalid timezone: {}", self.timezone)));
        }
        if matches!((self.start, self.end), (Some(start), Some(end)) if start >= end) {
            return Err(invalid("Start time must be before end time"));
        }
        let bound = |member: &str| self.bounds.as_object().and_then(|bounds| field::integer(bounds, member));
        let (min, max) = (bound("MinCapacity"), bound("MaxCapacity"));
        if min.or(max).is_none() {
            return Err(invalid("At least one of minimum capacity and maximum capacity should be provided"));
        }
        target::check_bounds(min, max)
    }
}

pub(super) fn delete(state: &mut State, input: &Document) -> Answer {
    let (name, place) = (field::text(input, "ScheduledActionName").unwrap_or_default(), Name::of(input));
    let target = state.targets.get_mut(place.resource).filter(|_| place.is_ecs());
    let removed = target.and_then(|target| target.scheduled_actions.remove(name));
    let words = || format!("No scheduled action found for {}, scheduled action name: {name}", place.words());
    removed.ok_or_else(|| missing(words()))?;
    Ok(json!({}))
}

/// By name, whatever the target.
pub(super) fn describe(state: &State, call: &Call, input: &Document) -> Answer {
    let names = field::texts(input, "ScheduledActionNames");
    let all = state.chosen(input)?;
    let all = all.flat_map(|(resource, target)| {
        target.scheduled_actions.iter().map(move |action| (resource, target, action))
    });
    let chosen = all.filter(|(_, _, (name, _))| names.is_empty() || names.contains(&name.as_str()));
    let items = chosen.map(|(resource, target, (name, action))| {
        let mut members = json!({
            "ScheduledActionName": name,
            "ScheduledActionARN": target.inner_arn(call, resource, "scheduledAction", &format!("scheduledActionName/{name}")),
            "Schedule": action.schedule,
            "Timezone": action.timezone,
            "ScalableTargetAction": action.bounds,
            "CreationTime": action.created_at,
        });
        for (member, instant) in [("StartTime", action.start), ("EndTime", action.end)] {
            if let Some(instant) = instant {
                members[member] = json!(instant);
            }
        }
        (format!("{name}\n{resource}"), named(resource, members))
    });
    paged(items, input, "ScheduledActions", 50)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;
    use crate::sandbox::Region;

    fn put(region: &mut Region, input: Value) -> Answer {
        ask(region, "PutScheduledAction", input)
    }

    fn night() -> Value {
        json!({"ScheduledActionName": "night", "Schedule": "cron(0 20 * * ? *)", "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2}})
    }

    fn described(region: &mut Region) -> Vec<Value> {
        ask(region, "DescribeScheduledActions", json!({})).unwrap()["ScheduledActions"]
            .as_array()
            .unwrap()
            .clone()
    }

    #[test]
    fn an_action_reads_back_in_utc() {
        let mut region = scaled();
        assert_eq!(put(&mut region, night()).unwrap(), json!({}));
        let mut read = described(&mut region).remove(0);
        let arn = read.as_object_mut().unwrap().remove("ScheduledActionARN").unwrap();
        assert!(
            arn.as_str().unwrap().ends_with(":resource/ecs/service/shop/web:scheduledActionName/night"),
            "{arn}"
        );
        assert_eq!(
            read,
            json!({
                "ServiceNamespace": "ecs",
                "ResourceId": "service/shop/web",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ScheduledActionName": "night",
                "Schedule": "cron(0 20 * * ? *)",
                "Timezone": "UTC",
                "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
                "CreationTime": 1_700_000_000.25,
            })
        );
    }

    #[test]
    fn an_update_keeps_what_is_not_sent_but_deletes_start_and_end() {
        let mut region = scaled();
        let mut first = night();
        first["StartTime"] = json!(1_800_000_000.0);
        first["EndTime"] = json!(1_900_000_000.0);
        first["Timezone"] = json!("Europe/Berlin");
        put(&mut region, first).unwrap();
        assert_eq!(described(&mut region)[0]["EndTime"], 1_900_000_000.0);
        put(&mut region, json!({"ScheduledActionName": "night", "ScalableTargetAction": {"MinCapacity": 3}}))
            .unwrap();
        let read = described(&mut region).remove(0);
        assert_eq!((read.get("StartTime"), read.get("EndTime")), (None, None));
        assert_eq!(
            (&read["Timezone"], &read["Schedule"]),
            (&json!("Europe/Berlin"), &json!("cron(0 20 * * ? *)"))
        );
        assert_eq!(read["ScalableTargetAction"], json!({"MinCapacity": 3}));
    }

    #[test]
    fn actions_come_sorted_by_name_in_pages_of_fifty() {
        let mut region = scaled();
        for n in (0..60).rev() {
            let mut input = night();
            input["ScheduledActionName"] = json!(format!("a{n:02}"));
            put(&mut region, input).unwrap();
        }
        let page = ask(&mut region, "DescribeScheduledActions", json!({})).unwrap();
        let names: Vec<_> = page["ScheduledActions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["ScheduledActionName"].as_str().unwrap())
            .collect();
        assert_eq!(names, (0..50).map(|n| format!("a{n:02}")).collect::<Vec<_>>());
        let rest =
            ask(&mut region, "DescribeScheduledActions", json!({"NextToken": page["NextToken"]})).unwrap();
        assert_eq!(rest["ScheduledActions"].as_array().unwrap().len(), 10);
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        let with = |member: &str, value: Value| {
            let mut input = night();
            input[member] = value;
            input
        };
        for (input, words) in [
            (with("Schedule", json!("every day")), "every day"),
            (with("Schedule", Value::Null), "Schedule is required"),
            (with("ScalableTargetAction", Value::Null), "ScalableTargetAction is required"),
            (
                with("ScalableTargetAction", json!({})),
                "At least one of minimum capacity and maximum capacity should be provided",
            ),
            (
                with("ScalableTargetAction", json!({"MinCapacity": 3, "MaxCapacity": 2})),
                "Maximum capacity cannot be less",
            ),
            (with("Timezone", json!("Mars/Olympus")), "Invalid timezone"),
        ] {
            let (code, message) = refused(put(&mut scaled(), input));
            assert_eq!(code, "ValidationException");
            assert!(message.contains(words), "{message}");
        }
        let mut backwards = night();
        backwards["StartTime"] = json!(2.0);
        backwards["EndTime"] = json!(1.0);
        assert_eq!(refused(put(&mut scaled(), backwards)).0, "ValidationException");
        assert_eq!(refused(put(&mut region(), night())).0, "ObjectNotFoundException");
    }

    #[test]
    fn a_deleted_action_is_gone() {
        let mut region = scaled();
        put(&mut region, night()).unwrap();
        let input = json!({"ScheduledActionName": "night"});
        ask(&mut region, "DeleteScheduledAction", input.clone()).unwrap();
        assert!(described(&mut region).is_empty());
        assert_eq!(refused(ask(&mut region, "DeleteScheduledAction", input)).0, "ObjectNotFoundException");
    }
}
