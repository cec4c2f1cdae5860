//! Why tasks stopped, in AWS's own words: the reason that most of them share comes first.

use crate::model::desired::Document;
use crate::model::names::family_and_revision;
use serde_json::Value;
use std::fmt;

/// The most causes that are told: what only one odd task of many has would hide the rest.
const TOLD: usize = 3;

/// A reason, and how many tasks stopped by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub tasks: usize,
    /// The task's `stoppedReason`.
    pub reason: String,
    /// The container that made it stop, where one did.
    pub container: Option<String>,
    pub exit_code: Option<i64>,
    /// What AWS says of that container, such as `OutOfMemoryError: …`.
    pub detail: Option<String>,
}

/// Why tasks of this revision (`None`: of any) stopped, but for those that ECS stopped because it needed them no more.
pub fn causes(stopped: &[Document], revision: Option<&str>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for task in stopped {
        let of = family_and_revision(text(task.get("taskDefinitionArn")).unwrap_or_default());
        if revision.is_some_and(|revision| revision != of) {
            continue;
        }
        let Some(cause) = cause(task) else { continue };
        match causes.iter_mut().find(|other| Cause { tasks: cause.tasks, ..(*other).clone() } == cause) {
            Some(other) => other.tasks += 1,
            None => causes.push(cause),
        }
    }
    // Stable: of equally many the one that AWS names first.
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.tasks));
    causes.truncate(TOLD);
    causes
}

fn cause(task: &Document) -> Option<Cause> {
    let reason = text(task.get("stoppedReason"))?;
    if reason.starts_with("Scaling activity initiated by") {
        return None;
    }
    let containers = || task.get("containers").and_then(Value::as_array).into_iter().flatten();
    let exited = |container: &&Value| container["exitCode"].as_i64().is_some_and(|code| code != 0);
    let explained = |container: &&Value| text(container.get("reason")).is_some();
    // The others stop because this one did.
    let culprit = containers().find(explained).or_else(|| containers().find(exited));
    let detail = culprit.and_then(|container| text(container.get("reason")));
    Some(Cause {
        tasks: 1,
        reason: reason.to_owned(),
        container: culprit.and_then(|container| text(container.get("name"))).map(str::to_owned),
        exit_code: culprit.and_then(|container| container["exitCode"].as_i64()),
        // Pull errors stand in both places.
        detail: detail.filter(|detail| !reason.contains(detail)).map(str::to_owned),
    })
}

fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

impl fmt::Display for Cause {
    /// `2 tasks: container web exited with 137: Essential container in task exited (OutOfMemoryError: …)`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}: ", self.tasks, if self.tasks == 1 { "task" } else { "tasks" })?;
        match (&self.container, self.exit_code) {
            (Some(container), Some(code)) => write!(f, "container `{container}` exited with {code}: ")?,
            (Some(container), None) => write!(f, "container `{container}`: ")?,
            (None, _) => {}
        }
        write!(f, "{}", self.reason)?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task(revision: &str, reason: &str, containers: Value) -> Document {
        let task = json!({"taskDefinitionArn": format!("arn:aws:ecs:r:1:task-definition/{revision}"),
            "stoppedReason": reason, "containers": containers});
        task.as_object().unwrap().clone()
    }

    fn told(stopped: &[Document]) -> Vec<String> {
        causes(stopped, Some("web:2")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_reason_that_most_tasks_share_comes_first_and_names_the_container_and_its_exit_code() {
        let exited = json!([{"name": "log", "exitCode": 0}, {"name": "web", "exitCode": 1}]);
        let pull = "CannotPullContainerError: ref not found";
        let crash = || task("web:2", "Essential container in task exited", exited.clone());
        let stopped = [
            task("web:2", pull, json!([{"name": "web", "reason": pull}])),
            crash(),
            task("web:1", "Essential container in task exited", exited.clone()),
            task("web:2", "Scaling activity initiated by (deployment ecs-svc/1)", json!([])),
            crash(),
        ];
        assert_eq!(
            told(&stopped),
            [
                "2 tasks: container `web` exited with 1: Essential container in task exited",
                "1 task: container `web`: CannotPullContainerError: ref not found"
            ]
        );
    }

    #[test]
    fn what_aws_says_of_the_container_is_told_beside_the_tasks_reason() {
        let oom = "OutOfMemoryError: Container killed due to memory usage";
        let containers = json!([{"name": "web", "exitCode": 137, "reason": oom}]);
        assert_eq!(
            told(&[task("web:2", "OutOfMemory", containers)]),
            [format!("1 task: container `web` exited with 137: OutOfMemory ({oom})")]
        );
        assert_eq!(
            told(&[task("web:2", "Task failed ELB health checks", json!([]))]),
            ["1 task: Task failed ELB health checks"]
        );
        assert_eq!(told(&[]), [""; 0]);
    }
}
