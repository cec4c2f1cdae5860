//! What follows from a look at one object, or from its calls: when it is looked at again, and what is told. Pure.
//!
//! Tests: `tests/operator`.

use super::Kept;
use super::agenda::Outlook;
use super::kept::calls;
use super::standing::{Rollout, Standing, Trouble};
use crate::aws::CallError;
use crate::execute::{ActionResult, Outcome};
use crate::model::names::{Key, Kind};
use crate::model::observed::Sighting;
use crate::plan::{Hold, ObjectPlan, Plan, Verdict};
use crate::reconcile::Planned;
use crate::report::{Event, Happening, ObjectView, Result as Became};
use std::sync::Arc;
use tokio::time::Instant;

impl Kept {
    /// Nothing was to be written.
    pub(super) fn seen(
        &mut self,
        planned: &Planned,
        object: &ObjectPlan,
        view: &ObjectView,
        now: Instant,
    ) -> Vec<Event> {
        let key = &object.key;
        let live = planned.observed.resources.get(key).and_then(Sighting::present);
        let standing = Standing::of(object, view, live, None);
        let rolls = standing.rollout.as_ref().is_some_and(Rollout::is_under_way);
        let outlook = match &object.hold {
            _ if object.verdict == Verdict::Unreadable => Outlook::Failed,
            Some(Hold::Waiting(_)) => Outlook::UnderWay,
            _ if rolls => Outlook::UnderWay,
            _ => Outlook::Settled,
        };
        self.agenda.looked(key, outlook, now);
        self.stands(view, key, standing)
    }

    /// Calls were made.
    pub(super) fn written(
        &mut self,
        object: &ObjectPlan,
        view: &ObjectView,
        result: &Became,
        (plan, outcome): (&Plan, &Outcome),
        now: Instant,
    ) -> Vec<Event> {
        let key = &object.key;
        match result {
            Became::Done => {
                self.agenda.wrote(key, calls(plan, object), now);
                self.agenda.looked(key, Outlook::UnderWay, now);
                let mut events: Vec<Event> = Event::done(view).into_iter().collect();
                let standing = Standing::of(object, view, None, None);
                // Where its rollout stands is for the next look.
                let rollout = self.standings.get(key).and_then(|before| before.rollout.clone());
                events.extend(self.stands(view, key, Standing { rollout, ..standing }));
                self.nudge(key, now);
                events
            }
            Became::Failed { error, .. } => {
                self.agenda.looked(key, Outlook::Failed, now);
                let results = object.actions.iter().filter_map(|index| outcome.results.get(*index));
                let failed = results.filter_map(|result| match result {
                    // It was not even tried.
                    ActionResult::Failed(error) if error.code == CallError::STOPPED => None,
                    ActionResult::Failed(error) => Some(format!("{} {}", error.operation, error.code)),
                    _ => None,
                });
                let gist: String = failed.collect();
                if gist.is_empty() {
                    return Vec::new();
                }
                let trouble = Trouble {
                    what: Happening::Failed,
                    gist,
                    message: error.message.clone(),
                    hint: error.hints.first().cloned(),
                };
                self.troubled(object, view, trouble)
            }
            // The next look says whose it is, and what it comes after says why.
            Became::NotOwned => {
                self.agenda.looked(key, Outlook::UnderWay, now);
                Vec::new()
            }
            Became::Skipped => {
                self.agenda.looked(key, Outlook::Failed, now);
                Vec::new()
            }
        }
    }

    /// What was written is not there.
    pub(super) fn not_kept(
        &mut self,
        object: &ObjectPlan,
        view: &ObjectView,
        times: u32,
        now: Instant,
    ) -> Vec<Event> {
        self.agenda.looked(&object.key, Outlook::NotKept, now);
        if times < 2 {
            return Vec::new();
        }
        let paths: Vec<&str> = view.differences.iter().map(|difference| difference.path.as_str()).collect();
        let trouble = Trouble {
            what: Happening::NotKept,
            gist: paths.join(" "),
            message: format!("written {times} times, and it differs again: {}", paths.join(", ")),
            hint: Some(
                "AWS ignores it, or somebody else writes it too; it is tried again ever later".to_owned(),
            ),
        };
        let told = self.troubled(object, view, trouble);
        if self.agenda.tell_once(&object.key) { told } else { Vec::new() }
    }

    fn troubled(&mut self, object: &ObjectPlan, view: &ObjectView, trouble: Trouble) -> Vec<Event> {
        let standing = Standing::of(object, view, None, Some(trouble));
        let rollout = self.standings.get(&object.key).and_then(|before| before.rollout.clone());
        self.stands(view, &object.key, Standing { rollout, ..standing })
    }

    fn stands(&mut self, view: &ObjectView, key: &Key, standing: Standing) -> Vec<Event> {
        let events = standing.news(&view.object, self.standings.get(key));
        self.standings.insert(key.clone(), standing);
        events
    }

    /// What is held up may have waited for this.
    fn nudge(&mut self, written: &Key, now: Instant) {
        // Nothing depends on a service.
        if written.kind == Kind::EcsService {
            return;
        }
        let desired = Arc::clone(&self.declared.desired);
        for object in desired.objects.values().filter(|object| object.depends_on().contains(written)) {
            let is_held = self.standings.get(&object.key).is_some_and(|standing| standing.hold.is_some());
            if is_held || self.agenda.waits(&object.key) {
                self.agenda.nudged(&object.key, now);
            }
        }
    }
}
