//! The containers of a task, and how each ended.
//!
//! Tests: `tests/task.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::task::Status;
use super::words::{self, arn_of, objects};
use crate::sandbox::{Call, Document, field};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Container {
    /// What DescribeTasks answers, but for what follows from the other fields and the task.
    document: Document,
    pub image: String,
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

/// The containers of a new task.
pub fn all(call: &Call, task_arn: &str, body: &Document) -> Vec<Container> {
    let task = task_arn.split_once("task/").map_or("", |(_, id)| id);
    let one = |definition: &Document| {
        let mut document = Document::new();
        let members = [
            ("containerArn", json!(arn_of(call, "container", &format!("{task}/{}", call.ids.uuid())))),
            ("taskArn", json!(task_arn)),
            ("name", words::at(definition, "name").clone()),
            ("image", words::at(definition, "image").clone()),
            ("networkInterfaces", json!([])),
            ("cpu", json!(field::integer(definition, "cpu").unwrap_or(0).to_string())),
        ];
        document.extend(members.map(|(member, value)| (member.to_owned(), value)));
        for member in ["memory", "memoryReservation"] {
            if let Some(mib) = field::integer(definition, member) {
                document.insert(member.to_owned(), json!(mib.to_string()));
            }
        }
        Container {
            document,
            image: field::text(definition, "image").unwrap_or_default().to_owned(),
            essential: field::flag(definition, "essential").unwrap_or(true),
            check: field::object(definition, "healthCheck").map(noticed_after),
            ended: None,
        }
    };
    objects(body, "containerDefinitions").map(one).collect()
}

/// Seconds until a failing health check has used up its retries.
fn noticed_after(check: &Document) -> f64 {
    let number =
        |member: &str, default: f64| field::present(check, member).and_then(Value::as_f64).unwrap_or(default);
    number("startPeriod", 0.0) + number("interval", 30.0) * number("retries", 3.0)
}

impl Container {
    /// Its state in a task with this one; `health` is what its own checks say.
    pub fn answer(&self, task: Status, ran: bool, health: &str) -> Value {
        let status = match task {
            _ if self.ended.is_some() => "STOPPED",
            Status::Provisioning | Status::Pending | Status::Activating => "PENDING",
            Status::Running | Status::Deactivating | Status::Stopping => "RUNNING",
            Status::Deprovisioning | Status::Stopped => "STOPPED",
        };
        let mut answer = self.document.clone();
        let mut set = |member: &str, value: Value| answer.insert(member.to_owned(), value);
        set("lastStatus", json!(status));
        set("healthStatus", json!(if self.check.is_some() { health } else { "UNKNOWN" }));
        // Whoever is told to stop here does so well.
        let told = Ended { code: ran.then_some(0), reason: None };
        let ended = self.ended.as_ref().or_else(|| (status == "STOPPED").then_some(&told));
        if let Some(code) = ended.and_then(|ended| ended.code) {
            set("exitCode", json!(code));
        }
        if let Some(reason) = ended.and_then(|ended| ended.reason.as_ref()) {
            set("reason", json!(reason));
        }
        Value::Object(answer)
    }
}
