//! The service scheduler: each time a service is looked at, it starts and stops tasks as its
//! percentages allow, until the PRIMARY deployment has what is wanted and no other has a task.
//! ROLLING goes by the percentages; the strategies that shift traffic bring the new revision up
//! beside the old one, wait out the shift and the bake time, and then stop the old.
//!
//! A service for which there is no room is looked at again when there may be: an instance came, or
//! a task left one.
//!
//! Tests: `tests/deployment.rs`, `tests/capacity.rs`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::capacity_provider::CapacityProvider;
use super::cluster::Cluster;
use super::deployment::{self, Rollout};
use super::service::{Service, Status};
use super::tags::Tags;
use super::task::{self, Launch, Place, Task};
use super::task_definition::{self, Family, Revision};
use super::task_placement;
use super::words::objects;
use super::{Agenda, State, Wake};
use crate::sandbox::{Call, field};

/// Seconds for which an INACTIVE service is still described.
const REMEMBERED: f64 = 3600.0;
/// AWS's quota of tasks per service.
const MOST_TASKS: usize = 5000;

/// One look at one service, which is taken out of its cluster meanwhile.
struct Look<'a> {
    call: &'a Call,
    agenda: &'a mut Agenda,
    cluster: &'a mut Cluster,
    families: &'a BTreeMap<String, Family>,
    providers: &'a BTreeMap<String, CapacityProvider>,
    service: Service,
}

/// The service's tasks that were not told to stop, by deployment: `(running, not yet)`.
#[derive(Default)]
struct Alive {
    primary: (Vec<String>, Vec<String>),
    old: (Vec<String>, Vec<String>),
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
        self.stop(&alive, "ServiceSchedulerInitiated");
        if self.service.tasks.is_empty() {
            self.service.deactivate(self.call);
            self.wake_at(self.call.now + REMEMBERED);
        }
    }

    fn roll(&mut self) {
        let wanted = self.wanted();
        let shifts = self.shift_seconds();
        let begun =
            self.service.deployments.len() > 1 || self.service.deployments[0].rollout == Rollout::InProgress;
        self.service.deployments[0].desired = wanted;
        if let Some(current) = self.service.history.first_mut().filter(|current| current.is_unfinished()) {
            current.proceed(self.call, shifts.map(|_| "SCALE_UP"));
        }
        let alive = self.alive();
        let stopped = self.stop_spare(&alive, wanted) + self.stop_old(&alive, wanted, shifts);
        let alive = self.alive();
        let allowed = self.start_missing(&alive, wanted, shifts.is_some());
        for deployment in &mut self.service.deployments[1..] {
            deployment.desired = u64::try_from(alive.old.0.len() + alive.old.1.len()).unwrap_or(0);
        }
        let is_complete = number(alive.primary.0.len()) == wanted && alive.primary.1.is_empty();
        let left = self.tasks().filter(|task| !self.is_of_primary(task)).count();
        if is_complete && left == 0 {
            self.complete();
        } else if begun && stopped + allowed == 0 && self.tasks().all(Task::is_running) && !is_complete {
            self.say_once(") was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.");
        }
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
        let configuration = field::object(&self.service.spec, "deploymentConfiguration")?;
        let of = |member: &str, value: &str| {
            field::object(configuration, member)
                .and_then(|c| field::present(c, value))
                .and_then(Value::as_f64)
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
        let bake = field::present(configuration, "bakeTimeInMinutes").and_then(Value::as_f64).unwrap_or(0.0);
        Some((shift + bake) * 60.0)
    }

    fn percent(&self, member: &str) -> u64 {
        let configuration = field::object(&self.service.spec, "deploymentConfiguration");
        let percent = configuration.and_then(|configuration| field::integer(configuration, member));
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
            let of = if self.is_of_primary(task) { &mut alive.primary } else { &mut alive.old };
            let list = if task.is_running() { &mut of.0 } else { &mut of.1 };
            list.push(task.id.clone());
        }
        alive
    }

    /// Of the PRIMARY's tasks those above what is wanted, the unfinished ones first.
    fn stop_spare(&mut self, alive: &Alive, wanted: u64) -> usize {
        let (running, pending) = &alive.primary;
        let spare = (running.len() + pending.len()).saturating_sub(usize::try_from(wanted).unwrap_or(0));
        let chosen: Vec<String> = pending.iter().chain(running).take(spare).cloned().collect();
        self.stop(&chosen, "ServiceSchedulerInitiated")
    }

    /// Of the old revisions' tasks as many as may go now.
    fn stop_old(&mut self, alive: &Alive, wanted: u64, shifts: Option<f64>) -> usize {
        let (running, pending) = &alive.old;
        let may_stop = match shifts {
            Some(seconds) if !running.is_empty() => {
                if self.has_baked(alive, wanted, seconds) {
                    running.len()
                } else {
                    0
                }
            }
            _ => {
                let least = (wanted * self.percent("minimumHealthyPercent")).div_ceil(100);
                let healthy = running.len() + alive.primary.0.len();
                healthy.saturating_sub(usize::try_from(least).unwrap_or(0))
            }
        };
        let chosen: Vec<String> = pending.iter().chain(running.iter().take(may_stop)).cloned().collect();
        self.stop(&chosen, "ServiceSchedulerInitiated")
    }

    /// Begins to bake once the new revision is up, and says whether that is over.
    fn has_baked(&mut self, alive: &Alive, wanted: u64, seconds: f64) -> bool {
        if number(alive.primary.0.len()) < wanted {
            return false;
        }
        let until = *self.service.deployments[0].bake_until.get_or_insert(self.call.now + seconds);
        let is_over = self.call.now >= until;
        if let Some(current) = self.service.history.first_mut() {
            current.proceed(self.call, Some(if is_over { "CLEAN_UP" } else { "BAKE_TIME" }));
        }
        if !is_over {
            self.wake_at(until);
        }
        is_over
    }

    fn stop(&mut self, ids: &[String], code: &str) -> usize {
        if ids.is_empty() {
            return 0;
        }
        for id in ids {
            let deployment =
                self.cluster.tasks.get(id).and_then(|task| task.deployment.clone()).unwrap_or_default();
            let reason = format!("Scaling activity initiated by (deployment ecs-svc/{deployment})");
            task::stop_task(self.agenda, self.cluster, self.call, id, code, &reason);
        }
        let balanced = !field::list(&self.service.spec, "loadBalancers").is_empty();
        if balanced {
            self.say(&format!(") has begun draining connections on {} tasks.", ids.len()));
        }
        self.say_of_tasks("has stopped {} running tasks", ids);
        ids.len()
    }

    /// Starts as many of the PRIMARY's tasks as are missing and allowed, and says how many that
    /// are: not all may find a place.
    fn start_missing(&mut self, alive: &Alive, wanted: u64, shifts: bool) -> usize {
        let primary = number(alive.primary.0.len() + alive.primary.1.len());
        let old = number(alive.old.0.len() + alive.old.1.len());
        let most = if shifts { u64::MAX } else { (wanted * self.percent("maximumPercent")) / 100 };
        let missing = wanted.saturating_sub(primary).min(most.saturating_sub(primary + old));
        let room = MOST_TASKS.saturating_sub(self.service.tasks.len());
        let missing = usize::try_from(missing).unwrap_or(room).min(room);
        let started = self.start(missing);
        if !started.is_empty() {
            self.service.steady = false;
            self.say_of_tasks("has started {} tasks", &started);
        }
        for group in self.target_groups().filter(|_| !started.is_empty()) {
            self.say(&format!(") registered {} targets in (target-group {group})", started.len()));
        }
        missing
    }

    /// Starts so many tasks of the PRIMARY, or as many as find a place.
    fn start(&mut self, missing: usize) -> Vec<String> {
        let definition = field::text(&self.service.deployments[0].spec, "taskDefinition");
        let revision = definition.and_then(|name| task_definition::find(self.families, name));
        let (Some(revision), 1..) = (revision, missing) else { return Vec::new() };
        let mut by_provider = BTreeMap::new();
        for task in self.tasks().filter(|task| task.is_alive() && self.is_of_primary(task)) {
            *by_provider.entry(task.provider().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
        let mut started = Vec::new();
        self.service.unplaced = false;
        for _ in 0..missing {
            match self.start_one(revision, &mut by_provider) {
                Ok(id) => started.push(id),
                Err(reason) => {
                    self.say_once(&format!(") was unable to place a task because no container instance met all of its requirements. Reason: {reason} For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."));
                    self.service.unplaced = true;
                    break;
                }
            }
        }
        started
    }

    fn start_one(
        &mut self,
        revision: &Revision,
        by_provider: &mut BTreeMap<String, u64>,
    ) -> Result<String, String> {
        let primary = &self.service.deployments[0];
        let strategy = field::list(&primary.spec, "capacityProviderStrategy");
        let place = match task_placement::next_provider(strategy, by_provider) {
            Some(provider) => {
                *by_provider.entry(provider.clone()).or_insert(0) += 1;
                Place::CapacityProvider(provider)
            }
            None => Place::LaunchType(field::text(&primary.spec, "launchType").unwrap_or("EC2").to_owned()),
        };
        let launch = Launch {
            place,
            revision,
            group: format!("service:{}", self.service.name),
            started_by: Some(primary.arn_name()),
            service: Some((self.service.name.clone(), primary.id.clone())),
            spec: &self.service.spec,
            tags: self.tags_of_tasks(revision),
        };
        let id = task_placement::start(self.agenda, self.cluster, self.providers, self.call, launch)?;
        self.service.tasks.insert(id.clone());
        Ok(id)
    }

    fn target_groups(&self) -> std::vec::IntoIter<String> {
        let groups =
            objects(&self.service.spec, "loadBalancers").filter_map(|b| field::text(b, "targetGroupArn"));
        groups.map(str::to_owned).collect::<Vec<_>>().into_iter()
    }

    fn tags_of_tasks(&self, revision: &Revision) -> Tags {
        let spec = &self.service.spec;
        let mut tags = match field::text(spec, "propagateTags") {
            Some("SERVICE") => self.service.tags.clone(),
            Some("TASK_DEFINITION") => revision.tags.clone(),
            _ => Tags::default(),
        };
        if field::flag(spec, "enableECSManagedTags") == Some(true) {
            tags.set("aws:ecs:clusterName", &self.cluster.name);
            tags.set("aws:ecs:serviceName", &self.service.name);
        }
        tags
    }

    /// The PRIMARY is all there is.
    fn complete(&mut self) {
        self.service.deployments.truncate(1);
        let primary = &mut self.service.deployments[0];
        if primary.rollout == Rollout::InProgress {
            primary.rollout = Rollout::Completed;
            primary.touch(self.call);
            let name = primary.arn_name();
            // Only a shift from an old revision has changed which target group is live.
            if primary.bake_until.is_some()
                && let Some(Value::Array(balancers)) = self.service.spec.get_mut("loadBalancers")
            {
                balancers.iter_mut().for_each(deployment::swap);
            }
            if let Some(current) = self.service.history.first_mut().filter(|current| current.is_unfinished())
            {
                current.finish(self.call, "SUCCESSFUL", None);
            }
            self.say(&format!(") (deployment {name}) deployment completed."));
        }
        if !self.service.steady {
            self.service.steady = true;
            self.say(") has reached a steady state.");
        }
    }

    fn say(&mut self, message: &str) {
        self.service.say(self.call, message);
    }

    /// AWS tells of ten tasks at a time.
    fn say_of_tasks(&mut self, what: &str, ids: &[String]) {
        for some in ids.chunks(10) {
            let list: Vec<String> = some.iter().map(|id| format!("(task {id})")).collect();
            self.say(&format!(") {}: {}.", what.replace("{}", &some.len().to_string()), list.join(" ")));
        }
    }

    /// Says it unless it was the last thing said.
    fn say_once(&mut self, message: &str) {
        let said = |event: &Value| event["message"].as_str().is_some_and(|last| last.ends_with(message));
        if !self.service.events.front().is_some_and(said) {
            self.say(message);
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
