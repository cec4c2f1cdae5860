//! Account settings: kept and answered; `containerInsights` is the default of new clusters.
//!
//! Tests: `tests/cluster.rs`.

use serde_json::{Value, json};

use super::{State, listing};
use crate::sandbox::{Call, Document, Refusal, field};

/// What an account has that has set nothing.
const DEFAULTS: &[(&str, &str)] = &[
    ("awsvpcTrunking", "disabled"),
    ("containerInsights", "disabled"),
    ("containerInstanceLongArnFormat", "enabled"),
    ("defaultLogDriverMode", "non-blocking"),
    ("fargateFIPSMode", "disabled"),
    ("fargateTaskRetirementWaitPeriod", "7"),
    ("guardDutyActivate", "off"),
    ("serviceLongArnFormat", "enabled"),
    ("tagResourceAuthorization", "on"),
    ("taskLongArnFormat", "enabled"),
];

impl State {
    pub fn account_setting(&self, name: &str) -> &str {
        let default = DEFAULTS.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        self.account_settings.get(name).map_or(default, String::as_str)
    }
}

fn setting(call: &Call, name: &str, value: &str) -> Value {
    let kind = if name == "guardDutyActivate" { "aws_managed" } else { "user" };
    json!({"name": name, "value": value, "principalArn": call.iam_arn("root"), "type": kind})
}

pub fn put(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = field::text(input, "name").unwrap_or_default();
    let value = field::text(input, "value").unwrap_or_default();
    state.account_settings.insert(name.to_owned(), value.to_owned());
    Ok(json!({"setting": setting(call, name, value)}))
}

pub fn delete(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = field::text(input, "name").unwrap_or_default();
    state.account_settings.remove(name);
    Ok(json!({"setting": setting(call, name, state.account_setting(name))}))
}

/// Without `effectiveSettings` only what was set.
pub fn list(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let effective = field::flag(input, "effectiveSettings").unwrap_or(false);
    let (name, value) = (field::text(input, "name"), field::text(input, "value"));
    let items = DEFAULTS
        .iter()
        .map(|(known, _)| *known)
        .filter(|known| effective || state.account_settings.contains_key(*known))
        .map(|known| (known, state.account_setting(known)))
        .filter(|(known, set)| {
            name.is_none_or(|name| name == *known) && value.is_none_or(|value| value == *set)
        })
        .map(|(known, set)| (known.to_owned(), setting(call, known, set)));
    listing::paged(input, "settings", items, (10, 10))
}
