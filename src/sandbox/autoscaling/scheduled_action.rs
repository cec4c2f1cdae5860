//! Scheduled actions: at a time, a target gets other bounds.
//!
//! One that fires rewrites the target's bounds and moves live capacity into them, as registering
//! does. A one-time action stays when it has fired. Tests: in this file; expressions in `schedule`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, Region, field};
use super::activity::Activity;
use super::schedule::Schedule;
use super::{Answer, Name, State, capacity, invalid, missing, named, paged, split_key, target};

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
    /// When it fires next, as the agenda has it.
    #[serde(default)]
    next: Option<u64>,
}

/// Which action fires when: milliseconds since the epoch, the target's resource, the action's name.
/// An entry that its action does not know (any more) means nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Agenda(BTreeSet<(u64, String, String)>);

impl Agenda {
    #[allow(clippy::cast_precision_loss)] // milliseconds since the epoch are far below 2^52
    pub fn due(&self) -> Option<f64> {
        self.0.first().map(|(at, ..)| *at as f64 / 1000.0)
    }

    /// Resource and name of the next action that is due at `now`.
    pub fn next(&mut self, now: f64) -> Option<(String, String)> {
        self.due().filter(|due| *due <= now)?;
        self.0.pop_first().map(|(_, resource, name)| (resource, name))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // times are after 1970
fn milliseconds(at: f64) -> u64 {
    (at * 1000.0).round() as u64
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
    let mut action = ScheduledAction {
        schedule: schedule.ok_or_else(|| needed("Schedule"))?.to_owned(),
        timezone: timezone.unwrap_or("UTC").to_owned(),
        // Unlike everything else these do not stay: an update without them deletes them.
        start: instant("StartTime"),
        end: instant("EndTime"),
        bounds: bounds.ok_or_else(|| needed("ScalableTargetAction"))?.clone(),
        created_at: known.map_or(call.now, |known| known.created_at),
        next: None,
    };
    action.check()?;
    action.next = action.next_after(call.now);
    let next = action.next.map(|at| (at, Name::of(input).resource.to_owned(), name.to_owned()));
    target.scheduled_actions.insert(name.to_owned(), action);
    state.agenda.0.extend(next);
    Ok(json!({}))
}

impl ScheduledAction {
    fn check(&self) -> Result<(), Refusal> {
        Schedule::parse(&self.schedule).map_err(invalid)?;
        if jiff::tz::TimeZone::get(&self.timezone).is_err() {
            return Err(invalid(format!("Invalid timezone: {}", self.timezone)));
        }
        if matches!((self.start, self.end), (Some(start), Some(end)) if start >= end) {
            return Err(invalid("Start time must be before end time"));
        }
        let (min, max) = self.bounds();
        if min.or(max).is_none() {
            return Err(invalid("At least one of minimum capacity and maximum capacity should be provided"));
        }
        target::check_bounds(min, max)
    }

    fn described(&self, name: &str, arn: &str) -> Value {
        let mut members = json!({
            "ScheduledActionName": name,
            "ScheduledActionARN": arn,
            "Schedule": self.schedule,
            "Timezone": self.timezone,
            "ScalableTargetAction": self.bounds,
            "CreationTime": self.created_at,
        });
        for (member, instant) in [("StartTime", self.start), ("EndTime", self.end)] {
            if let Some(instant) = instant {
                members[member] = json!(instant);
            }
        }
        members
    }

    fn bounds(&self) -> (Option<i64>, Option<i64>) {
        let bound = |member: &str| self.bounds.as_object().and_then(|bounds| field::integer(bounds, member));
        (bound("MinCapacity"), bound("MaxCapacity"))
    }

    /// When it fires after a time, between its start and its end.
    fn next_after(&self, now: f64) -> Option<u64> {
        let zone = jiff::tz::TimeZone::get(&self.timezone).ok()?;
        let schedule = Schedule::parse(&self.schedule).ok()?;
        // What is at the start itself is not before it.
        let after = self.start.map_or(now, |start| now.max(start - 0.001));
        let begin = self.start.unwrap_or(self.created_at);
        let next = schedule.next(&zone, begin, after)?;
        (self.end.is_none_or(|end| next <= end)).then(|| milliseconds(next))
    }
}

/// Fires an action whose time has come, unless it is another by now.
pub(super) fn fire(region: &mut Region, call: &Call, resource: &str, name: &str) {
    let state = &mut region.autoscaling;
    let Some(target) = state.targets.get_mut(resource) else { return };
    let is_due = |action: &&mut ScheduledAction| action.next == Some(milliseconds(call.now));
    let Some(action) = target.scheduled_actions.get_mut(name).filter(is_due) else { return };
    action.next = action.next_after(call.now);
    state.agenda.0.extend(action.next.map(|at| (at, resource.to_owned(), name.to_owned())));
    if target.suspended.schedules {
        return;
    }
    let (min, max) = action.bounds();
    let bounds = (min.unwrap_or(target.min), max.unwrap_or(target.max));
    let refused = target::check_bounds(Some(bounds.0), Some(bounds.1)).err();
    let failed = refused.as_ref().map(|refusal| refusal.message.as_str());
    state.activities.add(Activity::bounds_set(call, resource, bounds, name, failed));
    if failed.is_none() {
        (target.min, target.max) = bounds;
        capacity::clamp(region, call, resource);
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

/// By name within a target.
pub(super) fn describe(state: &State, call: &Call, input: &Document) -> Answer {
    let names = field::texts(input, "ScheduledActionNames");
    paged(input, "ScheduledActions", 50, |after| {
        let (from, last) = split_key(after);
        let (from, last) = (from.to_owned(), last.to_owned());
        let all = state.chosen(input, &from).flat_map(|(resource, target)| {
            target.scheduled_actions.iter().map(move |(name, action)| (resource, target, name, action))
        });
        let rest = all.skip_while(move |(resource, _, name, _)| *resource == from && **name <= last);
        let chosen = rest.filter(|(_, _, name, _)| names.is_empty() || names.contains(&name.as_str()));
        chosen.map(|(resource, target, name, action)| {
            let arn =
                target.inner_arn(call, resource, "scheduledAction", &format!("scheduledActionName/{name}"));
            (format!("{resource}\n{name}"), named(resource, action.described(name, &arn)))
        })
    })
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

    /// Brings the Region to a time, as the world does: due by due.
    fn bring(region: &mut Region, now: f64) {
        while let Some(due) = super::super::due(region).filter(|due| *due <= now) {
            super::super::advance(region, &call().at(due));
        }
    }

    fn bounds(region: &mut Region) -> (i64, i64) {
        let target = &region.autoscaling.targets[WEB];
        (target.min, target.max)
    }

    /// 2023-11-14T22:13:20Z: the present of these tests but for a quarter of a second.
    const NOW: f64 = 1_700_000_000.0;
    /// The first 20:00 UTC after it.
    const EVENING: f64 = 1_700_078_400.0;
    const DAY: f64 = 86_400.0;

    #[test]
    fn an_action_rewrites_the_bounds_and_moves_live_capacity_each_time_it_fires() {
        let mut region = scaled();
        put(&mut region, night()).unwrap();
        bring(&mut region, EVENING - 0.001);
        assert_eq!((bounds(&mut region), live(&region)), ((1, 10), 4));
        bring(&mut region, EVENING);
        assert_eq!((bounds(&mut region), live(&region)), ((1, 2), 2));
        ask(&mut region, "RegisterScalableTarget", json!({"MinCapacity": 3, "MaxCapacity": 10})).unwrap();
        bring(&mut region, EVENING + DAY);
        assert_eq!((bounds(&mut region), live(&region)), ((1, 2), 2));
        let answer = ask(&mut region, "DescribeScalingActivities", json!({})).unwrap();
        let told = answer["ScalingActivities"].as_array().unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|one| [&one["Cause"], &one["Description"]].map(|text| text.as_str().unwrap()))
            .collect();
        let fired =
            ["scheduled action name night was triggered", "Setting min capacity to 1 and max capacity to 2"];
        let clamped = ["maximum capacity was set to 2", "Setting desired count to 2."];
        let raised = ["minimum capacity was set to 3", "Setting desired count to 3."];
        assert_eq!(told, [clamped, fired, raised, clamped, fired]);
    }

    #[test]
    fn an_action_fires_between_its_start_and_its_end() {
        for (schedule, start, end, expected) in [
            ("rate(1 day)", None, None, [1.0, 2.0, 3.0].map(|n| NOW + 0.25 + n * DAY).to_vec()),
            ("rate(1 day)", Some(NOW + 60.0), None, [0.0, 1.0, 2.0].map(|n| NOW + 60.0 + n * DAY).to_vec()),
            ("rate(1 day)", Some(NOW + 60.0), Some(NOW + DAY), vec![NOW + 60.0]),
            ("cron(0 20 * * ? *)", Some(EVENING), Some(EVENING + DAY), vec![EVENING, EVENING + DAY]),
            (
                "cron(0 20 * * ? *)",
                Some(EVENING + 1.0),
                None,
                [1.0, 2.0, 3.0].map(|n| EVENING + n * DAY).to_vec(),
            ),
            ("at(2023-11-15T20:00:00)", None, None, vec![EVENING]),
            ("at(2023-11-14T20:00:00)", None, None, vec![]),
        ] {
            let mut region = scaled();
            let mut input = night();
            input["Schedule"] = json!(schedule);
            input["StartTime"] = json!(start);
            input["EndTime"] = json!(end);
            put(&mut region, input).unwrap();
            let mut times = Vec::new();
            while let Some(due) = super::super::due(&region).filter(|_| times.len() < 3) {
                times.push(due);
                super::super::advance(&mut region, &call().at(due));
            }
            assert_eq!(times, expected, "{schedule}");
        }
    }

    #[test]
    fn what_is_suspended_deleted_or_changed_does_not_fire() {
        let evening = |change: &dyn Fn(&mut Region)| {
            let mut region = scaled();
            put(&mut region, night()).unwrap();
            change(&mut region);
            bring(&mut region, EVENING);
            bounds(&mut region)
        };
        let suspended = json!({"SuspendedState": {"ScheduledScalingSuspended": true}});
        let later = json!({"ScheduledActionName": "night", "Schedule": "cron(0 21 * * ? *)"});
        let name = json!({"ScheduledActionName": "night"});
        for (operation, input) in [
            ("RegisterScalableTarget", suspended),
            ("PutScheduledAction", later),
            ("DeleteScheduledAction", name),
        ] {
            let still = evening(&|region| drop(ask(region, operation, input.clone()).unwrap()));
            assert_eq!(still, (1, 10), "{operation}");
        }
        assert_eq!(evening(&|_| ()), (1, 2));
    }

    #[test]
    fn bounds_that_contradict_the_targets_fail_and_that_is_told() {
        let mut region = scaled();
        let mut input = night();
        input["ScalableTargetAction"] = json!({"MinCapacity": 11});
        put(&mut region, input).unwrap();
        bring(&mut region, EVENING);
        assert_eq!((bounds(&mut region), live(&region)), ((1, 10), 4));
        let answer = ask(&mut region, "DescribeScalingActivities", json!({})).unwrap();
        assert_eq!(answer["ScalingActivities"][0]["StatusCode"], "Failed");
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
