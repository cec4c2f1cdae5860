//! A task's life: PROVISIONING, PENDING, ACTIVATING, RUNNING, and back down to STOPPED, told by the
//! time that passes and by what its images do (`image_script`).
//!
//! Tests: `tests/task.rs`, `tests/image_script.rs`.

use super::cluster::Cluster;
use super::container::Ended;
use super::image_script::{self, Fate, Of};
use super::task::{Balanced, Health, News, Status, Stop, Task};
use super::{Agenda, State, Wake, instance};
use crate::sandbox::{Call, ecr};

/// Seconds after its start from which a task is taken to run well.
const SETTLING: f64 = 5.0;
/// Seconds for which a stopped task is still described, as in AWS.
const REMEMBERED: f64 = 3600.0;
/// Less than the smallest step of the clock.
const MOMENT: f64 = 0.0005;

/// Puts a task that has found its place on its way.
pub fn begin(agenda: &mut Agenda, cluster: &mut Cluster, call: &Call, id: &str, on: Option<String>) {
    let Some(task) = cluster.tasks.get_mut(id) else { return };
    if let Some(instance) = on.as_ref().and_then(|instance| cluster.instances.get(instance)) {
        task.zone = Some(instance.zone.clone());
    }
    task.instance = on;
    task.due = Some(call.now + 2.0);
    wake_when_due(agenda, &cluster.name, task);
}

/// Tells a task to stop.
pub fn stop_task(
    agenda: &mut Agenda,
    cluster: &mut Cluster,
    call: &Call,
    id: &str,
    code: &str,
    reason: &str,
) {
    let Some(task) = cluster.tasks.get_mut(id).filter(|task| task.is_alive()) else { return };
    let was_running = task.status == Status::Running;
    task.end(call, if was_running { Status::Deactivating } else { Status::Stopping }, code, reason);
    wake_when_due(agenda, &cluster.name, task);
}

fn wake_when_due(agenda: &mut Agenda, cluster: &str, task: &Task) {
    if let Some(due) = task.due {
        agenda.wake(due, Wake::Task { cluster: cluster.to_owned(), task: task.id.clone() });
    }
}

/// The next step of a task's life, if its time has come.
pub fn wake(state: &mut State, registry: &ecr::State, call: &Call, cluster: &str, id: &str) {
    let State { clusters, agenda, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster) else { return };
    let Some(task) = cluster.tasks.get_mut(id) else { return };
    if task.due.is_none_or(|due| call.now < due) {
        return;
    }
    if task.is_stopped() {
        cluster.tasks.remove(id);
        return;
    }
    task.step(registry, call);
    wake_when_due(agenda, &cluster.name, task);
    let is_news = task.news.is_some()
        || task.is_stopped()
        || (task.status == Status::Running && task.balanced.is_some());
    if let Some(service) = task.service.clone().filter(|_| is_news) {
        agenda.wake(call.now, Wake::Service { cluster: cluster.name.clone(), service });
    }
    if let Some(instance) = task.instance.clone().filter(|_| task.is_stopped()) {
        instance::left(agenda, cluster, call, &instance);
    }
}

impl Task {
    fn step(&mut self, registry: &ecr::State, call: &Call) {
        match self.status {
            Status::Provisioning => self.pend(registry, call),
            Status::Pending => self.activate(registry, call),
            Status::Activating => self.start(registry, call),
            Status::Running => self.live(registry, call),
            Status::Deactivating => {
                let slowest = self.fates(registry, call).into_iter().map(|course| course.stop);
                self.stay(call, Status::Stopping, slowest.fold(1.0, f64::max));
            }
            Status::Stopping => {
                self.kill_late(registry, call);
                self.times.execution_stopped = self.times.started.map(|_| call.now);
                self.stay(call, Status::Deprovisioning, 2.0);
            }
            Status::Deprovisioning | Status::Stopped => {
                self.times.stopped = Some(call.now);
                self.stay(call, Status::Stopped, REMEMBERED);
            }
        }
    }

    fn stay(&mut self, call: &Call, status: Status, seconds: f64) {
        self.change(status);
        self.due = Some(call.now + seconds);
    }

    /// What each of its containers does.
    fn fates(&self, registry: &ecr::State, call: &Call) -> Vec<image_script::Course> {
        let of = Of {
            call,
            registry,
            task: &self.id,
            subnet: self.subnet.as_deref().unwrap_or_default(),
            architecture: self.architecture,
        };
        self.containers.iter().map(|container| image_script::course(&container.image, &of)).collect()
    }

    fn pend(&mut self, registry: &ecr::State, call: &Call) {
        self.times.connected = Some(call.now);
        self.times.pull_started = Some(call.now + 1.0);
        let pulls = self.fates(registry, call).into_iter().map(|course| course.pull);
        self.stay(call, Status::Pending, pulls.fold(1.0, f64::max));
    }

    fn activate(&mut self, registry: &ecr::State, call: &Call) {
        let failed =
            self.fates(registry, call).into_iter().enumerate().find_map(|(n, course)| match course.fate {
                Fate::FailsToStart(words) => Some((n, words)),
                _ => None,
            });
        if let Some((n, words)) = failed {
            return self.fail_to_start(call, n, words);
        }
        self.times.pull_stopped = Some(call.now);
        self.stay(call, Status::Activating, 1.0);
    }

    /// On an instance the container has the words; on Fargate the task has, and the container too
    /// where they are about its image.
    fn fail_to_start(&mut self, call: &Call, container: usize, words: String) {
        let on_fargate = self.launch_type() == "FARGATE";
        let reason = if on_fargate { words.as_str() } else { "Task failed to start" };
        self.end(call, Status::Deprovisioning, "TaskFailedToStart", reason);
        if let Some(container) = self.containers.get_mut(container)
            && (!on_fargate || words.starts_with("Cannot"))
        {
            container.ended = Some(Ended { code: None, reason: Some(words.clone()) });
        }
        self.news = Some(News::FailedToStart(words));
    }

    fn start(&mut self, registry: &ecr::State, call: &Call) {
        self.times.started = Some(call.now);
        self.change(Status::Running);
        self.live(registry, call);
    }

    /// What has become due of what its containers do by themselves, and when there is more.
    fn live(&mut self, registry: &ecr::State, call: &Call) {
        let started_at = self.times.started.unwrap_or(call.now);
        let mut next: Option<f64> = None;
        let mut is_due = |after: f64| {
            let at = started_at + after;
            let is_due = call.now + MOMENT >= at;
            if !is_due {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
            is_due
        };
        let fates = self.fates(registry, call);
        let interrupted = fates.iter().any(|course| match course.fate {
            Fate::Interrupted { after } => is_due(after),
            _ => false,
        });
        if interrupted {
            self.end(call, Status::Deactivating, "SpotInterruption", "Your Spot Task was interrupted.");
            self.news = Some(News::Interrupted);
            return;
        }
        let is_ailing = fates.iter().any(|course| course.fate == Fate::Unhealthy);
        for (container, course) in self.containers.iter_mut().zip(fates) {
            if let Fate::Exits { after, code, reason } = course.fate
                && container.ended.is_none()
                && is_due(after)
            {
                let reason = reason.map(str::to_owned);
                container.ended = Some(Ended { code: Some(code), reason });
            }
        }
        if self.containers.iter().any(|container| container.essential && container.ended.is_some()) {
            let was_healthy = self.health == Health::Healthy;
            let reason = "Essential container in task exited";
            self.end(call, Status::Stopping, "EssentialContainerExited", reason);
            self.news = Some(News::Exited { was_healthy });
            return;
        }
        match self.checks().filter(|_| is_ailing) {
            Some(noticed_after) if self.health != Health::Unhealthy && is_due(noticed_after) => {
                self.health = Health::Unhealthy;
                self.news = Some(News::FailsHealthChecks);
            }
            None if self.health == Health::Unknown && is_due(SETTLING) => {
                self.health = Health::Healthy;
                self.news = Some(News::RunsWell);
            }
            _ => {}
        }
        self.due = next;
    }

    /// Seconds after which failing health checks are noticed: the load balancer's where there is
    /// one, else the containers'. None: nobody checks.
    fn checks(&self) -> Option<f64> {
        let by_balancer = self.balanced.as_ref().map(Balanced::noticed_after);
        by_balancer.or_else(|| {
            let essential = self.containers.iter().filter(|container| container.essential);
            essential.filter_map(|container| container.check).min_by(f64::total_cmp)
        })
    }

    /// Containers that did not end when they were told to were killed.
    fn kill_late(&mut self, registry: &ecr::State, call: &Call) {
        let fates = self.fates(registry, call);
        let late = self.containers.iter_mut().zip(fates).filter(|(_, course)| course.stop > 1.0);
        for (container, _) in late.filter(|(container, _)| container.ended.is_none()) {
            container.ended = Some(Ended { code: Some(137), reason: None });
        }
    }

    /// From now on it stops.
    fn end(&mut self, call: &Call, status: Status, code: &str, reason: &str) {
        self.times.stopping = Some(call.now);
        self.stop = Some(Stop { code: code.to_owned(), reason: reason.to_owned() });
        self.change(status);
        let seconds = if status == Status::Deprovisioning { 2.0 } else { 1.0 };
        self.due = Some(call.now + seconds);
    }
}
