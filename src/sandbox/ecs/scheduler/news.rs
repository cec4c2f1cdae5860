//! What became of a service's tasks since the last look: who runs well, who failed, whose targets
//! are to be registered.
//!
//! Tests: `tests/rollback.rs`, `tests/image_script.rs`.

use std::collections::BTreeMap;

use super::Look;
use crate::sandbox::ecs::breaker::Breaker;
use crate::sandbox::ecs::deployment::Rollout;
use crate::sandbox::ecs::task::{News, Status, Task};

impl Look<'_> {
    /// Notices it, and says how many tasks were stopped because they are unhealthy.
    pub(super) fn notice(&mut self) -> usize {
        let (mut registered, mut news) = (BTreeMap::<String, usize>::new(), Vec::new());
        for id in &self.service.tasks {
            let Some(task) = self.cluster.tasks.get_mut(id) else { continue };
            for group in register(task) {
                *registered.entry(group).or_default() += 1;
            }
            if let Some(happened) = task.news.take() {
                news.push((id.clone(), task.deployment.clone().unwrap_or_default(), happened));
            }
        }
        let registered: Vec<_> = registered.into_iter().collect();
        self.service.say_of_targets(self.call, "registered", &registered);
        let (mut unhealthy, mut recovered) = (0, Vec::new());
        for (id, deployment, happened) in news {
            match happened {
                News::RunsWell => recovered.push(deployment),
                News::Interrupted => self.service.steady = false,
                News::FailedToStart(reason) => {
                    let reason = reason.trim_end_matches('.');
                    let message = format!(") was unable to place a task. Reason: {reason}.");
                    self.service.say(self.call, &message);
                    self.failed(&deployment, true);
                }
                News::Exited { was_healthy } => self.failed(&deployment, !was_healthy),
                News::FailsHealthChecks => {
                    self.replace(&id);
                    self.failed(&deployment, false);
                    unhealthy += 1;
                }
            }
        }
        for deployment in recovered {
            self.recovered(&deployment);
        }
        unhealthy
    }

    /// A task of this deployment failed.
    fn failed(&mut self, id: &str, waits: bool) {
        let now = self.call.now;
        let is_primary = self.service.deployments.first().is_some_and(|primary| primary.id == id);
        let Some(deployment) = self.service.deployments.iter_mut().find(|d| d.id == id) else { return };
        if is_primary && deployment.rollout == Rollout::InProgress {
            deployment.failed += 1;
            let failed = deployment.failed;
            if let Some(current) = self.service.history.first_mut().filter(|current| current.revision == id) {
                current.failures = failed;
            }
        }
        self.service.steady = false;
        let Some(deployment) = self.service.deployments.iter_mut().find(|d| d.id == id) else { return };
        if let Some(until) = waits.then(|| deployment.restart.failed(now)).flatten() {
            let is_throttled = deployment.restart.is_throttled();
            self.wake_at(until);
            if is_throttled {
                self.service.say(self.call, ") is unable to consistently start tasks successfully.");
            }
        }
    }

    /// A task of this deployment runs well.
    fn recovered(&mut self, id: &str) {
        let resets = self.configuration().and_then(Breaker::of).is_none_or(|breaker| breaker.resets);
        let Some(deployment) = self.service.deployments.iter_mut().find(|d| d.id == id) else { return };
        deployment.restart.recovered();
        if resets {
            deployment.failed = 0;
            if let Some(current) = self.service.history.first_mut()
                && current.revision == id
                && !current.status.is_finished()
            {
                current.failures = 0;
            }
        }
    }

    /// Stops a task that fails its health checks; another will be started.
    fn replace(&mut self, id: &str) {
        let Some(task) = self.cluster.tasks.get(id).filter(|task| task.is_alive()) else { return };
        let groups = task.balanced.as_ref().map(|balanced| balanced.groups.clone()).unwrap_or_default();
        let mut reason = "Task failed container health checks".to_owned();
        for (group, port) in &groups {
            let kind = if group.starts_with("arn:") { "target-group" } else { "elb" };
            reason = format!("Task failed ELB health checks in ({kind} {group})");
            self.service.say(self.call, &format!(") (task {id}) (port {port}) is unhealthy in ({kind} {group}) due to (reason Health checks failed with these codes: [503])."));
        }
        if groups.is_empty() {
            self.service.say(self.call, &format!(") (task {id}) failed container health checks."));
        }
        self.stop(&[id.to_owned()], Some(&reason));
    }
}

/// A task that has come to run is registered in its target groups.
fn register(task: &mut Task) -> Vec<String> {
    let runs = task.status == Status::Running;
    let Some(balanced) = task.balanced.as_mut().filter(|balanced| runs && !balanced.is_registered) else {
        return Vec::new();
    };
    balanced.is_registered = true;
    balanced.groups.iter().map(|(group, _)| group.clone()).collect()
}
