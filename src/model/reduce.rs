//! The least form of a document: canonical spellings, sets sorted, and everything left out that its absence
//! would say as well.
//!
//! Both sides of a comparison are reduced, so a spelled-out default, an empty list and a member that AWS
//! fills are all the same as nothing. Reducing twice is reducing once.

use super::desired::Document;
use super::facts::{Shape, Type};
use super::semantics::{Compare, Meaning, Scope, is_nothing};
use serde_json::{Map, Number, Value};

/// The least form of `document`, which has the shape `shape`. Members that the shape does not know are left out.
pub fn reduce(shape: &Shape, document: &Document, account: &str) -> Document {
    structure(shape, document, &Scope::of(document, account))
}

/// The smallest manifest that means `document`: what the least form leaves out is left out, the rest stays in the
/// order and the spelling that it came in.
pub fn minimal(shape: &Shape, document: &Document, account: &str) -> Document {
    pruned(shape, document, &Scope::of(document, account))
}

fn pruned(shape: &Shape, document: &Document, scope: &Scope) -> Document {
    let scope = scope.within(document);
    let least = structure(shape, document, &scope);
    // What a structure must have stays in it, whatever it says.
    let kept = shape.members().iter().filter(|member| member.required || least.contains_key(&member.name));
    kept.filter_map(|member| {
        let value = document.get(&member.name)?;
        let value = match (&member.shape().kind, value) {
            (Type::Structure(_), Value::Object(inner)) => {
                Value::Object(pruned(member.shape(), inner, &scope))
            }
            (Type::List(element), Value::Array(elements)) => elements
                .iter()
                .map(|one| match one {
                    Value::Object(inner) => Value::Object(pruned(element.shape(), inner, &scope)),
                    other => other.clone(),
                })
                .collect(),
            _ => value.clone(),
        };
        Some((member.name.clone(), value))
    })
    .collect()
}

fn structure(shape: &Shape, document: &Document, scope: &Scope) -> Document {
    let scope = scope.within(document);
    let mut reduced = Map::new();
    for member in shape.members() {
        let Some(given) = document.get(&member.name).filter(|given| !given.is_null()) else { continue };
        let meaning = Meaning::of(shape, member);
        let least = member_value(member.shape(), &meaning, given, &scope);
        let default = meaning
            .default(&scope)
            .map(|default| member_value(member.shape(), &meaning, &default, &scope))
            .filter(|default| !is_nothing(default));
        let as_absent = match default {
            Some(default) => least == default,
            // `[]` against an unknown default is a statement; against a known nothing it is none.
            None if meaning.absence_counts(&scope) => is_nothing(&least),
            None => least.is_null(),
        };
        if !as_absent {
            reduced.insert(member.name.clone(), least);
        }
    }
    reduced
}

fn member_value(shape: &Shape, meaning: &Meaning, given: &Value, scope: &Scope) -> Value {
    let reduced = value(shape, given, scope);
    match (meaning.compare, reduced) {
        (Compare::Spelled(spelling), Value::String(text)) => Value::String(spelling.canonical(&text, scope)),
        (Compare::Canonical(canonical), reduced) => canonical(&reduced, scope),
        (Compare::Set, Value::Array(mut elements)) => {
            elements.sort_by_cached_key(Value::to_string);
            elements.dedup();
            Value::Array(elements)
        }
        (Compare::By(keys) | Compare::Declared(keys), Value::Array(mut elements)) => {
            elements.sort_by_cached_key(|element| (key(element, keys), element.to_string()));
            Value::Array(elements)
        }
        (Compare::ByLast(keys), Value::Array(mut elements)) => {
            // Stable: among equals the last given comes last, and is kept.
            elements.sort_by_cached_key(|element| key(element, keys));
            elements.reverse();
            elements.dedup_by_key(|element| key(element, keys));
            elements.reverse();
            Value::Array(elements)
        }
        (_, reduced) => reduced,
    }
}

fn value(shape: &Shape, given: &Value, scope: &Scope) -> Value {
    match (&shape.kind, given) {
        (Type::Structure(_), Value::Object(document)) => Value::Object(structure(shape, document, scope)),
        (Type::List(element), Value::Array(elements)) => elements
            .iter()
            .filter(|element| !element.is_null())
            .map(|one| value(element.shape(), one, scope))
            .collect(),
        (Type::Map(element), Value::Object(entries)) => {
            let mut entries: Vec<(String, Value)> = entries
                .iter()
                .filter(|(_, entry)| !entry.is_null())
                .map(|(name, entry)| (name.clone(), value(element.shape(), entry, scope)))
                .collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(entries.into_iter().collect())
        }
        (Type::Integer | Type::Long | Type::Double | Type::Timestamp, given) => number(shape, given),
        (Type::String, Value::Number(number)) => Value::String(number.to_string()),
        _ => given.clone(),
    }
}

/// 70 ≡ 70.0, and an ISO time is its seconds since the epoch.
fn number(shape: &Shape, given: &Value) -> Value {
    let seconds = match given {
        Value::String(text) if shape.kind == Type::Timestamp => {
            text.parse::<jiff::Timestamp>().ok().map(|at| {
                #[allow(clippy::cast_precision_loss)] // Milliseconds of a time stamp are far below 2^53.
                let seconds = at.as_millisecond() as f64 / 1000.0;
                seconds
            })
        }
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    match seconds {
        #[allow(clippy::cast_possible_truncation)] // Whole, and in the range that doubles hold exactly.
        Some(whole) if whole.fract() == 0.0 && whole.abs() < 9e15 => Value::from(whole as i64),
        Some(fraction) => Number::from_f64(fraction).map_or_else(|| given.clone(), Value::Number),
        None => given.clone(),
    }
}

/// The key of an element as it was written: defaults are not part of a key (a port's protocol, when it is tcp).
pub fn key_as_written(shape: &Shape, element: &Value, keys: &[&str]) -> String {
    match element {
        Value::Object(members) => key(&Value::Object(reduce(shape, members, "")), keys),
        other => key(other, keys),
    }
}

/// What an element of a keyed list is found by: its key members, joined as people read them.
pub fn key(element: &Value, keys: &[&str]) -> String {
    let parts: Vec<String> = keys
        .iter()
        .filter_map(|key| match element.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::kind_shape;
    use serde_json::json;

    fn reduced(kind: &str, document: Value) -> Value {
        let once = reduce(kind_shape(kind), document.as_object().unwrap(), "123456789012");
        assert_eq!(reduce(kind_shape(kind), &once, "123456789012"), once, "reducing twice is reducing once");
        Value::Object(once)
    }

    #[test]
    fn defaults_and_empties_are_left_out_at_any_depth() {
        let task_definition = json!({
            "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "1 vCPU", "volumes": [{"name": "v", "host": {}}],
            "containerDefinitions": [{
                "name": "web", "cpu": 0, "essential": true, "environment": [], "dockerLabels": {},
                "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
                "linuxParameters": {"capabilities": {"add": []}, "devices": []},
                "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3}
            }]
        });
        assert_eq!(
            reduced("TaskDefinition", task_definition),
            json!({
                "requiresCompatibilities": ["FARGATE"], "cpu": "1024", "volumes": [{"name": "v"}],
                "containerDefinitions": [{"name": "web", "portMappings": [{"containerPort": 80}], "healthCheck": {"command": ["CMD", "true"]}}]
            })
        );
    }

    #[test]
    fn a_service_that_spells_out_its_defaults_is_one_that_does_not() {
        let service = json!({
            "deploymentController": {"type": "ECS"}, "platformVersion": "LATEST", "propagateTags": "NONE", "schedulingStrategy": "REPLICA",
            "deploymentConfiguration": {
                "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0,
                "deploymentCircuitBreaker": {"enable": false, "rollback": false, "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}},
                "alarms": {"alarmNames": [], "enable": false, "rollback": false}
            },
            "serviceConnectConfiguration": {"enabled": false}, "enableExecuteCommand": false, "loadBalancers": []
        });
        assert_eq!(reduced("Service", service), json!({}));
    }

    #[test]
    fn the_last_of_two_variables_of_one_name_counts() {
        let task_definition = json!({"containerDefinitions": [{"name": "web", "environment": [
            {"name": "B", "value": "1"}, {"name": "A", "value": "x"}, {"name": "B", "value": "2"}]}]});
        assert_eq!(
            reduced("TaskDefinition", task_definition)["containerDefinitions"][0]["environment"],
            json!([{"name": "A", "value": "x"}, {"name": "B", "value": "2"}])
        );
    }

    #[test]
    fn an_iso_time_is_its_seconds() {
        let action =
            json!({"scheduledActionName": "n", "startTime": "2026-01-01T00:00:00Z", "timezone": "UTC"});
        assert_eq!(
            reduced("ScheduledAction", action),
            json!({"scheduledActionName": "n", "startTime": 1_767_225_600})
        );
    }

    #[test]
    fn which_of_a_swapped_pair_is_live_says_nothing() {
        let service = |live: &str, other: &str| {
            json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}, "loadBalancers": [
                {"targetGroupArn": live, "containerName": "web", "containerPort": 80, "advancedConfiguration": {"alternateTargetGroupArn": other}}]})
        };
        assert_eq!(
            reduced("Service", service("blue", "green")),
            reduced("Service", service("green", "blue"))
        );
    }
}
