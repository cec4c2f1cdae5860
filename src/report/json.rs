//! The views as JSON, and the schema of it that is committed as `schema/report.schema.json`.

use super::event::Told;
use super::problems::Validated;
use super::view::{Applied, View};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

/// Pretty-printed, with a line feed at the end.
pub fn json(value: &impl Serialize) -> String {
    // Views hold strings, numbers and JSON values: there is nothing in them that could fail.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// What `-o json` prints: a view from `plan` and `status`, what was done from `apply`, problems from
/// `validate`; `run` prints an event a line.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "ecs-operator report")]
#[allow(dead_code)] // It stands for the schema only.
enum Report {
    View(View),
    Applied(Applied),
    Validated(Validated),
    Told(Told),
}

/// The JSON Schema of the JSON output.
pub fn schema() -> String {
    json(&schema_for!(Report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_current() {
        assert!(
            schema() == include_str!("../../schema/report.schema.json"),
            "write it anew: cargo run -- schema --output > schema/report.schema.json"
        );
    }
}
