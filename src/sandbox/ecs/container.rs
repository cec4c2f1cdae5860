//! The containers of a task, and how each ended.
//!
//! Tests: `tests/task.rs`, `tests/image_script.rs`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::words::objects;
use crate::sandbox::{Document, field};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub cpu: i64,
    /// MiB.
    pub memory: Option<i64>,
    pub reservation: Option<i64>,
    pub essential: bool,
    /// The seconds after which failing health checks of its own are noticed, if it has them.
    pub check: Option<f64>,
    pub ended: Option<Ended>,
}

/// How a container ended, or why it never started.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ended {
    pub code: Option<i64>,
    pub reason: Option<String>,
}

/// The containers of a new task of this task definition.
pub fn all(body: &Document) -> Vec<Container> {
    let text =
        |definition: &Document, member: &str| field::text(definition, member).unwrap_or_default().to_owned();
    let one = |definition: &Document| Container {
        name: text(definition, "name"),
        image: text(definition, "image"),
        cpu: field::integer(definition, "cpu").unwrap_or(0),
        memory: field::integer(definition, "memory"),
        reservation: field::integer(definition, "memoryReservation"),
        essential: field::flag(definition, "essential").unwrap_or(true),
        check: field::object(definition, "healthCheck").map(noticed_after),
        ended: None,
    };
    objects(body, "containerDefinitions").map(one).collect()
}

/// Seconds until a failing health check has used up its retries.
fn noticed_after(check: &Document) -> f64 {
    let number =
        |member: &str, default: f64| field::present(check, member).and_then(Value::as_f64).unwrap_or(default);
    number("startPeriod", 0.0) + number("interval", 30.0) * number("retries", 3.0)
}
