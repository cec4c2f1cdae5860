//! Starting a service's tasks, as many as are missing and allowed.
//!
//! Tests: `tests/deployment.rs`, `tests/capacity.rs`.

use std::collections::BTreeMap;

use super::{Alive, Look, number};
use crate::sandbox::ecs::tags::Tags;
use crate::sandbox::ecs::task::{Launch, Place};
use crate::sandbox::ecs::task_definition::{self, Revision};
use crate::sandbox::ecs::task_placement::{self, Unplaced};
use crate::sandbox::field;

/// AWS's quota of tasks per service.
const MOST_TASKS: usize = 5000;

impl Look<'_> {
    /// Starts as many of the PRIMARY's tasks as are missing and allowed, and says how many that
    /// are: not all may find a place, and after failures all wait. `replaced` were unhealthy.
    pub(super) fn start_missing(
        &mut self,
        alive: &Alive,
        wanted: u64,
        shifts: bool,
        replaced: usize,
    ) -> usize {
        let primary = alive.primary.count();
        // An instance has room for the next task of a DAEMON once the last has left it.
        let leaving = if self.service.is_daemon() {
            number(self.tasks().filter(|task| !task.is_alive()).count())
        } else {
            0
        };
        let others = alive.old.count() + leaving;
        let most = if shifts { u64::MAX } else { (wanted * self.percent("maximumPercent")) / 100 };
        let missing = wanted.saturating_sub(primary).min(most.saturating_sub(primary + others));
        let room = MOST_TASKS.saturating_sub(self.service.tasks.len());
        let missing = usize::try_from(missing).unwrap_or(room).min(room);
        if missing == 0 || self.service.deployments[0].restart.is_waiting(self.call.now) {
            return missing;
        }
        let started = self.start(missing);
        if !started.is_empty() {
            self.service.steady = false;
            self.service.say_of_tasks(self.call, "has started {} tasks", &started, replaced);
        }
        missing
    }

    /// Starts so many tasks of the PRIMARY, or as many as find a place.
    fn start(&mut self, missing: usize) -> Vec<String> {
        let definition = field::text(&self.service.deployments[0].spec, "taskDefinition");
        let revision = definition.and_then(|name| task_definition::find(self.families, name));
        let Some(revision) = revision else { return Vec::new() };
        let mut by_provider = BTreeMap::new();
        for task in self.tasks().filter(|task| task.is_alive() && self.is_of_primary(task)) {
            *by_provider.entry(task.provider().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
        let mut started = Vec::new();
        self.service.unplaced = false;
        for _ in 0..missing {
            match self.start_one(revision, &mut by_provider) {
                Ok(id) => started.push(id),
                Err(unplaced) => {
                    let message = format!(
                        ") was unable to place a task because no container instance met all of its requirements. {} For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
                        unplaced.event()
                    );
                    self.service.say_once(self.call, &message);
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
    ) -> Result<String, Unplaced> {
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
}
