//! What a service tells of itself, in AWS's words.
//!
//! Tests: `tests/deployment.rs`, `tests/rollback.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::service::Service;
use crate::sandbox::Call;

/// AWS keeps the last 100 events.
const MOST: usize = 100;

/// One of a service's `events`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    id: String,
    created_at: f64,
    /// After the service's name.
    message: String,
}

impl Service {
    /// `message` goes on after `(service web`.
    pub fn say(&mut self, call: &Call, message: &str) {
        let event = Event { id: call.ids.uuid(), created_at: call.now, message: message.to_owned() };
        self.events.push_front(event);
        self.events.truncate(MOST);
    }

    /// Says it unless it was the last thing said.
    pub fn say_once(&mut self, call: &Call, message: &str) {
        if self.events.front().is_none_or(|last| last.message != message) {
            self.say(call, message);
        }
    }

    /// AWS tells of ten tasks at a time: `has started 2 tasks: (task …) (task …).`, and of how many
    /// of them stand in for unhealthy ones.
    pub fn say_of_tasks(&mut self, call: &Call, what: &str, ids: &[String], replaced: usize) {
        for (n, some) in ids.chunks(10).enumerate() {
            let list: Vec<String> = some.iter().map(|id| format!("(task {id})")).collect();
            let what = what.replace("{}", &some.len().to_string());
            let replaced = replaced.saturating_sub(n * 10).min(some.len());
            let why = if replaced == 0 {
                String::new()
            } else {
                format!(" Amazon ECS replaced {replaced} tasks due to an unhealthy status.")
            };
            self.say(call, &format!(") {what}: {}.{why}", list.join(" ")));
        }
    }

    /// As many of the targets of each target group, if there is one: `registered 1 targets in (…)`.
    pub fn say_of_targets(&mut self, call: &Call, what: &str, counts: &[(String, usize)]) {
        for (group, count) in counts {
            let kind = if group.starts_with("arn:") { "target-group" } else { "elb" };
            self.say(call, &format!(") {what} {count} targets in ({kind} {group})"));
        }
    }

    pub fn events_answer(&self) -> Value {
        let one = |event: &Event| {
            let message = format!("(service {}{}", self.name, event.message);
            json!({"id": event.id, "createdAt": event.created_at, "message": message})
        };
        self.events.iter().map(one).collect()
    }
}
