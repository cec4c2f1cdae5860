//! The service scheduler: each time a service is looked at, it notices what became of its tasks
//! (`news`), then starts and stops tasks as its percentages allow (`start`), until the PRIMARY
//! deployment has what is wanted and no other has a task. ROLLING goes by the percentages; the
//! strategies that shift traffic bring the new revision up beside the old one, wait out the shift
//! and the bake time, and then stop the old.
//!
//! A service for which there is no room is looked at again when there may be: an instance came, or
//! a task left one.
//!
//! Tests: `tests/deployment.rs`, `tests/rollback.rs`, `tests/capacity.rs`.

mod news;
mod start;

use std::collections::BTreeMap;

use super::breaker::Breaker;
use super::capacity_provider::CapacityProvider;
use super::cluster::Cluster;
use super::deployment::Rollout;
use super::rollback::{self, Cause};
use super::service::{Service, Status};
use super::service_deployment::Status as History;
use super::service_revision;
use super::task::Task;
use super::task_definition::Family;
use super::{Agenda, State, Wake, task_life};
use crate::sandbox::{Call, Document, field};

/// Seconds for which an INACTIVE service is still described.
const REMEMBERED: f64 = 3600.0;

/// One look at one service, which is taken out of its cluster meanwhile.
struct Look<'a> {
    call: &'a Call,
    agenda: &'a mut Agenda,
    cluster: &'a mut Cluster,
    families: &'a BTreeMap<String, Family>,
    providers: &'a BTreeMap<String, CapacityProvider>,
    service: Service,
}

/// The service's tasks that were not told to stop.
#[derive(Default)]
struct Alive {
    primary: Part,
    old: Part,
}

/// Those of the PRIMARY, or of all others.
#[derive(Default)]
struct Part {
    healthy: Vec<String>,
    others: Vec<String>,
}

impl Part {
    fn count(&self) -> u64 {
        number(self.healthy.len() + self.others.len())
    }
}

pub fn wake(state: &mut State, call: &Call, cluster: &str, name: &str) {
    let State { clusters, task_definitions, capacity_providers, agenda, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster) else { return };
    let Some(service) = cluster.services.remove(name) else { return };
    let mut look =
        Look { call, agenda, cluster, families: task_definitions, providers: capacity_providers, service };
    if look.look() {
        let Look { cluster, service, .. } = look;
        cluster.services.insert(name.to_owned(), service);
    }
}

impl Look<'_> {
    /// Whether the service is still to be remembered.
    fn look(&mut self) -> bool {
        let tasks = &self.cluster.tasks;
        self.service.tasks.retain(|id| tasks.get(id).is_some_and(|task| !task.is_stopped()));
        let unfinished = self.service.history.iter_mut().take_while(|d| !d.status.is_finished());
        for overtaken in unfinished.filter(|d| d.status == History::StopRequested) {
            overtaken.turn(self.call, History::Stopped);
        }
        match self.service.status {
            Status::Active if self.service.deployments.is_empty() => {}
            Status::Active => self.roll(),
            Status::Draining => self.drain(),
            Status::Inactive => return self.call.now < self.service.since + REMEMBERED,
        }
        true
    }

    fn drain(&mut self) {
        for deployment in &mut self.service.deployments {
            deployment.desired = 0;
        }
        let alive: Vec<String> =
            self.tasks().filter(|task| task.is_alive()).map(|task| task.id.clone()).collect();
        self.stop(&alive, None);
        if self.service.tasks.is_empty() {
            self.service.deactivate(self.call);
            self.wake_at(self.call.now + REMEMBERED);
        }
    }

    fn roll(&mut self) {
        if self.history_is(History::RollbackRequested) {
            rollback::begin(&mut self.service, self.call, Cause::Request, true);
        }
        let wanted = self.wanted();
        let replaced = self.notice();
        self.break_circuit(wanted);
        let shifts = self.shift_seconds().filter(|_| !self.history_is(History::RollbackInProgress));
        let primary = &mut self.service.deployments[0];
        primary.desired = wanted;
        let has_failed = primary.rollout == Rollout::Failed;
        let is_rolling = primary.rollout == Rollout::InProgress || self.service.deployments.len() > 1;
        if let Some(current) = self.service.history.first_mut().filter(|d| !d.status.is_finished()) {
            current.proceed(self.call, shifts.map(|_| "SCALE_UP"));
        }
        let alive = self.alive();
        let mut stopped = self.stop_spare(&alive, wanted);
        if has_failed {
            // It starts nothing any more, and its tasks and the old ones run on.
            if wanted == 0 {
                self.stop_old(&alive, 0, None);
            }
            return;
        }
        stopped += self.stop_old(&alive, wanted, shifts);
        let alive = self.alive();
        let allowed = self.start_missing(&alive, wanted, shifts.is_some(), replaced);
        self.count_old();
        let is_complete = number(alive.primary.healthy.len()) == wanted && alive.primary.others.is_empty();
        let left = self.tasks().filter(|task| !self.is_of_primary(task)).count();
        if is_complete && left == 0 {
            self.complete();
        } else if is_rolling && stopped + allowed == 0 && self.tasks().all(Task::is_healthy) && !is_complete {
            self.service.say_once(self.call, ") was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.");
        }
    }

    /// Whether the newest service deployment has this status.
    fn history_is(&self, status: History) -> bool {
        self.service.history.first().is_some_and(|current| current.status == status)
    }

    /// Ends a deployment of which too many tasks have failed.
    fn break_circuit(&mut self, wanted: u64) {
        let primary = &self.service.deployments[0];
        let breaker = self.configuration().and_then(Breaker::of);
        if let Some(breaker) = breaker.filter(|_| primary.rollout == Rollout::InProgress)
            && primary.failed >= breaker.threshold(wanted)
        {
            if let Some(current) = self.service.history.first_mut() {
                current.threshold = Some(breaker.threshold(wanted));
            }
            rollback::begin(&mut self.service, self.call, Cause::CircuitBreaker, breaker.rollback);
        }
    }

    fn configuration(&self) -> Option<&Document> {
        field::object(&self.service.spec, "deploymentConfiguration")
    }

    /// How many tasks there should be: for DAEMON as many as instances.
    fn wanted(&self) -> u64 {
        if !self.service.is_daemon() {
            return u64::try_from(self.service.desired_count()).unwrap_or(0);
        }
        let strategy = field::list(&self.service.spec, "capacityProviderStrategy");
        let is_chosen = |provider: &str| strategy.is_empty() || self.service.uses_provider(provider);
        number(self.cluster.instances.values().filter(|instance| is_chosen(&instance.provider)).count())
    }

    /// How long the strategy shifts traffic and bakes; ROLLING does not.
    fn shift_seconds(&self) -> Option<f64> {
        let configuration = self.configuration()?;
        let of = |member: &str, value: &str| {
            field::object(configuration, member)
                .and_then(|c| field::present(c, value))
                .and_then(serde_json::Value::as_f64)
                .unwrap_or(0.0)
        };
        let shift = match field::text(configuration, "strategy")? {
            "BLUE_GREEN" => 0.0,
            "LINEAR" => {
                let steps = (100.0 / of("linearConfiguration", "stepPercent").max(1.0)).ceil();
                steps * of("linearConfiguration", "stepBakeTimeInMinutes")
            }
            "CANARY" => of("canaryConfiguration", "canaryBakeTimeInMinutes"),
            _ => return None,
        };
        let bake = field::integer(configuration, "bakeTimeInMinutes").unwrap_or(0);
        #[allow(clippy::cast_precision_loss)] // minutes
        Some((shift + bake as f64) * 60.0)
    }

    fn percent(&self, member: &str) -> u64 {
        let percent = self.configuration().and_then(|configuration| field::integer(configuration, member));
        percent.and_then(|percent| u64::try_from(percent).ok()).unwrap_or(100)
    }

    fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.service.tasks.iter().filter_map(|id| self.cluster.tasks.get(id))
    }

    fn is_of_primary(&self, task: &Task) -> bool {
        task.deployment.as_ref() == self.service.deployments.first().map(|primary| &primary.id)
    }

    fn alive(&self) -> Alive {
        let mut alive = Alive::default();
        for task in self.tasks().filter(|task| task.is_alive()) {
            let part = if self.is_of_primary(task) { &mut alive.primary } else { &mut alive.old };
            let list = if task.is_healthy() { &mut part.healthy } else { &mut part.others };
            list.push(task.id.clone());
        }
        alive
    }

    /// What the others still have; one that has nothing is forgotten, but for the last to which the
    /// service could be rolled back.
    fn count_old(&mut self) {
        let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for task in self.service.tasks.iter().filter_map(|id| self.cluster.tasks.get(id)) {
            let (alive, all) = counts.entry(task.deployment.as_deref().unwrap_or_default()).or_default();
            *alive += u64::from(task.is_alive());
            *all += 1;
        }
        let (mut n, mut is_kept) = (0, false);
        self.service.deployments.retain_mut(|deployment| {
            n += 1;
            if n == 1 {
                return true;
            }
            let (alive, all) = counts.get(deployment.id.as_str()).copied().unwrap_or_default();
            deployment.desired = alive;
            let is_candidate = deployment.rollout == Rollout::Completed && !is_kept;
            is_kept |= is_candidate;
            all > 0 || is_candidate
        });
    }

    /// Of the PRIMARY's tasks those above what is wanted, the unfinished ones first.
    fn stop_spare(&mut self, alive: &Alive, wanted: u64) -> usize {
        let spare = usize::try_from(alive.primary.count().saturating_sub(wanted)).unwrap_or(0);
        let Part { healthy, others } = &alive.primary;
        let chosen: Vec<String> = others.iter().chain(healthy).take(spare).cloned().collect();
        self.stop(&chosen, None)
    }

    /// Of the old revisions' tasks as many as may go now.
    fn stop_old(&mut self, alive: &Alive, wanted: u64, shifts: Option<f64>) -> usize {
        let Part { healthy, others } = &alive.old;
        let may_stop = match shifts {
            Some(seconds) if !healthy.is_empty() => {
                if self.has_baked(alive, wanted, seconds) {
                    healthy.len()
                } else {
                    0
                }
            }
            _ => {
                let least = (wanted * self.percent("minimumHealthyPercent")).div_ceil(100);
                let all = healthy.len() + alive.primary.healthy.len();
                all.saturating_sub(usize::try_from(least).unwrap_or(0))
            }
        };
        let chosen: Vec<String> = others.iter().chain(healthy.iter().take(may_stop)).cloned().collect();
        self.stop(&chosen, None)
    }

    /// Begins to bake once the new revision is up, and says whether that is over.
    fn has_baked(&mut self, alive: &Alive, wanted: u64, seconds: f64) -> bool {
        if number(alive.primary.healthy.len()) < wanted {
            return false;
        }
        let until = *self.service.deployments[0].bake_until.get_or_insert(self.call.now + seconds);
        let is_over = self.call.now >= until;
        if let Some(current) = self.service.history.first_mut().filter(|d| !d.status.is_finished()) {
            current.proceed(self.call, Some(if is_over { "CLEAN_UP" } else { "BAKE_TIME" }));
        }
        if !is_over {
            self.wake_at(until);
        }
        is_over
    }

    /// Stops tasks, by default because there are too many, and says so.
    fn stop(&mut self, ids: &[String], reason: Option<&str>) -> usize {
        let (mut drained, mut running) = (BTreeMap::<String, usize>::new(), Vec::new());
        for id in ids {
            let Some(task) = self.cluster.tasks.get(id) else { continue };
            if task.times.started.is_some() {
                running.push(id.clone());
            }
            for (group, _) in task.balanced.iter().filter(|b| b.is_registered).flat_map(|b| &b.groups) {
                *drained.entry(group.clone()).or_default() += 1;
            }
            let deployment = task.deployment.as_deref().unwrap_or_default();
            let scaling = format!("Scaling activity initiated by (deployment ecs-svc/{deployment})");
            let Self { agenda, cluster, call, .. } = self;
            let reason = reason.unwrap_or(&scaling);
            task_life::stop_task(agenda, cluster, call, id, "ServiceSchedulerInitiated", reason);
        }
        let (service, call) = (&mut self.service, self.call);
        if let Some(count) = drained.values().next() {
            service.say(call, &format!(") has begun draining connections on {count} tasks."));
            let drained: Vec<_> = drained.into_iter().collect();
            service.say_of_targets(call, "deregistered", &drained);
        }
        service.say_of_tasks(call, "has stopped {} running tasks", &running, 0);
        if running.len() < ids.len() {
            service.say(call, &format!(") stopped {} pending tasks.", ids.len() - running.len()));
        }
        ids.len()
    }

    /// The PRIMARY is all there is.
    fn complete(&mut self) {
        let Self { service, call, .. } = self;
        service.deployments.truncate(1);
        let primary = &mut service.deployments[0];
        if primary.rollout == Rollout::InProgress {
            let name = primary.arn_name();
            primary.become_rollout(call, Rollout::Completed, format!("ECS deployment {name} completed."));
            // Only a shift from an old revision has changed which target group is live.
            if primary.bake_until.is_some() {
                for spec in [&mut primary.spec, &mut service.spec] {
                    service_revision::swap_all(spec);
                }
            }
            if let Some(current) = service.history.first_mut().filter(|d| !d.status.is_finished()) {
                let is_back = current.status == History::RollbackInProgress;
                current.turn(call, if is_back { History::RollbackSuccessful } else { History::Successful });
            }
            service.say(call, &format!(") (deployment {name}) deployment completed."));
        }
        if !service.steady {
            service.steady = true;
            service.say(call, ") has reached a steady state.");
        }
    }

    fn wake_at(&mut self, at: f64) {
        let wake = Wake::Service { cluster: self.cluster.name.clone(), service: self.service.name.clone() };
        self.agenda.wake(at, wake);
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
