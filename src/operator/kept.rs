//! All that the loop knows, and what follows from it: it is told what happened and when, and answers what to do next
//! and what to tell. Pure: it reads no clock and waits for nothing. Tests: at the end, and `tests/operator`.
//!
//! What is wanted is [`Declared`], when each object's turn is the [`Agenda`], what people were told the [`Standing`]s.
//! What follows from a look at one object is in [`super::seen`].

use super::agenda::{Agenda, Hindrance, Outlook, Pace};
use super::declared::Declared;
use super::standing::Standing;
use super::undeclared::Undeclared;
use crate::execute::Outcome;
use crate::model::desired::Desired;
use crate::model::names::Key;
use crate::model::state::digest;
use crate::plan::{ObjectPlan, Plan};
use crate::reconcile::Planned;
use crate::report::{Event, Happening, Source, View, counted, short};
use crate::resolve::Resolved;
use crate::source::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

pub struct Kept {
    pub declared: Declared,
    pub(super) agenda: Agenda,
    pub(super) standings: BTreeMap<Key, Standing>,
    undeclared: Undeclared,
    /// What is no longer declared is deleted.
    prunes: bool,
    has_loaded: bool,
}

/// What a pass is about.
#[derive(Debug)]
pub struct Turn {
    pub keys: BTreeSet<Key>,
    pub desired: Desired,
    pub began: Instant,
}

impl Kept {
    pub fn new(pace: Pace, prunes: bool) -> Self {
        Self {
            declared: Declared::default(),
            agenda: Agenda::new(pace),
            standings: BTreeMap::new(),
            undeclared: Undeclared::new(pace.grace()),
            prunes,
            has_loaded: false,
        }
    }

    /// The source was read.
    pub fn loaded(&mut self, snapshot: &Snapshot, resolved: Resolved, now: Instant) -> Vec<Event> {
        let is_first = !std::mem::replace(&mut self.has_loaded, true);
        let before = self.declared.revision.clone();
        let reload = self.declared.load(snapshot, resolved);
        let mut events = reload.events;
        for gone in &reload.gone {
            self.forget(&gone.key);
            let what = if self.prunes {
                "it is pruned, unless its policy keeps it"
            } else {
                "what runs of it stays"
            };
            events.push(Event::of(&gone.origin, Happening::Undeclared, what));
        }
        for key in &reload.changed {
            self.undeclared.declared(key);
            // What a source holds when it is first read is for the first sweep.
            if !is_first {
                self.agenda.changed(key, now);
            }
        }
        if !is_first && (!reload.changed.is_empty() || before != self.declared.revision) {
            let changed = counted(reload.changed.len(), "changed object");
            let revision = self.declared.revision.as_ref().map(|revision| format!(" @ {}", short(revision)));
            events.insert(0, Event::of_all(Happening::Loaded, changed + &revision.unwrap_or_default()));
        }
        events
    }

    /// A sweep that began then has looked at all that was `desired`.
    pub fn swept(
        &mut self,
        desired: &Desired,
        planned: &Planned,
        began: Instant,
        now: Instant,
    ) -> Vec<Event> {
        let view = view(planned, None);
        let objects = || planned.plan.objects.iter();
        let is_gone = |object: &&ObjectPlan| !desired.objects.contains_key(&object.key);
        let going = objects().filter(is_gone).filter(|object| !object.actions.is_empty());
        let going: Vec<Key> = going.map(|object| object.key.clone()).collect();
        let mut events = self.undeclared.swept(&planned.plan, &going, began);
        let is_refused = planned.plan.prune.as_ref().is_some_and(|prune| prune.hold.is_some());
        for (object, view) in objects().zip(&view.objects) {
            let (key, is_gone) = (&object.key, is_gone(&object));
            // Declared since, or no longer: the next sweep will see.
            let is_old = is_gone == self.is_declared(key) || !self.agenda.is_news(key, began);
            if is_old || (is_gone && is_refused) {
                continue;
            }
            if object.actions.is_empty() {
                events.extend(self.seen(planned, object, view, now));
                continue;
            }
            // What there is to tell is told by the pass.
            let found = || Standing::found(object.verdict);
            self.standings.entry(key.clone()).or_insert_with(found).verdict = object.verdict;
            if !is_gone || self.undeclared.is_ripe(key) {
                self.agenda.found(key, began, now);
            }
        }
        let there: BTreeSet<&Key> = objects().map(|object| &object.key).collect();
        let declared = &self.declared.desired.objects;
        self.standings.retain(|key, _| declared.contains_key(key) || there.contains(key));
        events
    }

    /// Somebody asks for everything to be looked at, and tried, now.
    pub fn asked(&mut self, now: Instant) {
        self.agenda.asked(now);
    }

    /// What the next pass is about, if there is anything to do now.
    pub fn turn(&mut self, now: Instant) -> Option<Turn> {
        let keys = self.agenda.take(now);
        let desired = self.declared.desired.around(&keys);
        (!keys.is_empty()).then_some(Turn { keys, desired, began: now })
    }

    /// When something will have to be done.
    pub fn next(&self) -> Option<Instant> {
        self.agenda.next()
    }

    /// Of what a pass would write, what may be written now.
    pub fn allowed(&self, plan: &Plan, turn: &Turn, now: Instant) -> Plan {
        let hindered = |object: &&ObjectPlan| self.hindrance(plan, object, turn, now).is_some();
        let left: BTreeSet<Key> =
            plan.objects.iter().filter(hindered).map(|object| object.key.clone()).collect();
        plan.clone().without(&left)
    }

    fn hindrance(&self, plan: &Plan, object: &ObjectPlan, turn: &Turn, now: Instant) -> Option<Hindrance> {
        if object.actions.is_empty() {
            return None;
        }
        let was_declared = turn.desired.objects.contains_key(&object.key);
        let may_go = || turn.keys.contains(&object.key) && self.undeclared.is_ripe(&object.key);
        if was_declared != self.is_declared(&object.key) || !(was_declared || may_go()) {
            return Some(Hindrance::Outdated);
        }
        self.agenda.hinders(&object.key, &calls(plan, object), turn.began, now)
    }

    /// A pass is over: `plan` is what of it was carried out.
    pub fn passed(
        &mut self,
        turn: &Turn,
        planned: &Planned,
        plan: &Plan,
        outcome: &Outcome,
        now: Instant,
    ) -> Vec<Event> {
        let view = view(planned, Some((plan, outcome)));
        let mut events = Vec::new();
        for ((before, object), view) in planned.plan.objects.iter().zip(&plan.objects).zip(&view.objects) {
            let hindrance = self.hindrance(&planned.plan, before, turn, now);
            events.extend(match (&view.result, hindrance) {
                (Some(result), _) => self.written(object, view, result, (plan, outcome), now),
                (None, Some(Hindrance::NotKept { times })) => self.not_kept(before, view, times, now),
                (None, _) if before.actions.is_empty() => self.seen(planned, before, view, now),
                // Its own time will come, or that of what it comes after.
                (None, Some(Hindrance::Outdated | Hindrance::Failing)) => Vec::new(),
                (None, None) => {
                    self.agenda.looked(&object.key, Outlook::Failed, now);
                    Vec::new()
                }
            });
        }
        let there: BTreeSet<&Key> = planned.plan.objects.iter().map(|object| &object.key).collect();
        let over = |key: &&Key| !there.contains(key) || !self.is_known(key);
        let over: Vec<&Key> = turn.keys.iter().chain(turn.desired.objects.keys()).filter(over).collect();
        for key in over {
            self.forget(key);
        }
        events
    }

    /// Whether it is declared, or found to be ours though it is not.
    fn is_known(&self, key: &Key) -> bool {
        self.is_declared(key) || self.undeclared.is_ripe(key)
    }

    /// A pass has come to nothing: AWS could not be asked at all.
    pub fn failed(&mut self, turn: &Turn, now: Instant) {
        for key in &turn.keys {
            if self.is_known(key) {
                self.agenda.looked(key, Outlook::Failed, now);
            }
        }
    }

    fn is_declared(&self, key: &Key) -> bool {
        self.declared.desired.objects.contains_key(key)
    }

    /// How many objects stand in each place.
    pub fn standings(&self) -> impl Iterator<Item = (&Key, &Standing)> {
        self.standings.iter()
    }

    fn forget(&mut self, key: &Key) {
        self.agenda.gone(key);
        self.standings.remove(key);
    }
}

/// What a plan says, and what became of it where it was carried out.
fn view(planned: &Planned, done: Option<(&Plan, &Outcome)>) -> View {
    let view = View::of(&planned.plan, &Source::default(), false);
    let view = view.with_rollouts(&planned.plan, &planned.observed);
    match done {
        Some((plan, outcome)) => view.with_outcome(plan, outcome),
        None => view,
    }
}

/// The calls of an object, each by its hash: what was written is remembered, not its secrets.
pub(super) fn calls(plan: &Plan, object: &ObjectPlan) -> BTreeSet<String> {
    let actions = object.actions.iter().filter_map(|index| plan.actions.get(*index));
    let text = |action: &crate::plan::Action| {
        format!("{} {}", action.operation, serde_json::Value::Object(action.input.clone()))
    };
    actions.map(|action| digest(&text(action))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::read::{Asked, read};
    use crate::model::desired::Document;
    use crate::model::observed::Observed;
    use crate::plan::{Action, Verdict};
    use crate::resolve::{self, resolve};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    /// Services, each with this many tasks.
    fn load(kept: &mut Kept, services: &[(&str, u32)], now: Instant) {
        let mut snapshot = Snapshot { files: vec!["m/a.yaml".to_owned()], ..Snapshot::default() };
        for (name, count) in services {
            let text = format!(
                "{{apiVersion: ecs-operator.dev/v1alpha1, kind: EcsService, metadata: {{name: {name}}}, spec: {{service: {{cluster: shop, launchType: EC2, taskDefinition: web, desiredCount: {count}}}}}}}"
            );
            snapshot.objects.extend(read("m/a.yaml", text, Asked::ByName).manifests);
        }
        let options = resolve::Options { default_region: Some("eu-central-1".to_owned()) };
        kept.loaded(&snapshot, resolve(&snapshot, &options), now);
    }

    /// A plan of all that is declared; `open` has something to do.
    fn planned(desired: &Desired, open: &[&str]) -> Planned {
        let mut plan = Plan::default();
        for object in desired.objects.values() {
            let is_open = open.contains(&object.key.name.as_str());
            let actions = if is_open { vec![plan.actions.len()] } else { Vec::new() };
            if is_open {
                plan.actions.push(Action {
                    object: object.key.clone(),
                    api: "ecs",
                    operation: "UpdateService",
                    input: Document::new(),
                    after: Vec::new(),
                    bindings: Vec::new(),
                    must_own: false,
                });
            }
            plan.objects.push(ObjectPlan {
                key: object.key.clone(),
                origin: object.origin.clone(),
                verdict: if is_open { Verdict::Drift } else { Verdict::Unchanged },
                differences: Vec::new(),
                notes: Vec::new(),
                undeclared: Vec::new(),
                hold: None,
                actions,
            });
        }
        Planned { observed: Observed::default(), plan }
    }

    fn kept(services: &[(&str, u32)]) -> (Kept, Instant) {
        let mut kept = Kept::new(Pace(SECOND * 5), false);
        let now = Instant::now();
        load(&mut kept, services, now);
        (kept, now)
    }

    fn names(turn: &Turn) -> Vec<&str> {
        turn.keys.iter().map(|key| key.name.as_str()).collect()
    }

    #[test]
    fn what_is_there_at_first_is_for_a_sweep_and_what_changes_for_a_pass() {
        let (mut kept, now) = kept(&[("a", 1), ("b", 1)]);
        assert!(kept.turn(now).is_none());
        let desired = (*kept.declared.desired).clone();
        kept.swept(&desired, &planned(&desired, &["b"]), now, now);
        assert_eq!(names(&kept.turn(now).unwrap()), ["b"]);
        load(&mut kept, &[("a", 2), ("b", 1), ("c", 1)], now);
        assert_eq!(names(&kept.turn(now).unwrap()), ["a", "c"]);
        assert_eq!(kept.next(), None);
    }

    #[test]
    fn what_a_sweep_found_of_an_object_that_changed_meanwhile_is_old() {
        let (mut kept, began) = kept(&[("a", 1), ("b", 1)]);
        let before = (*kept.declared.desired).clone();
        let now = began + SECOND;
        load(&mut kept, &[("a", 2)], now);
        assert_eq!(names(&kept.turn(now).unwrap()), ["a"]);
        kept.swept(&before, &planned(&before, &["a", "b"]), began, now);
        assert!(kept.turn(now).is_none(), "`a` was looked at since, `b` is not declared any more");
    }

    #[test]
    fn what_changed_since_a_pass_has_read_is_not_written_and_comes_next() {
        let (mut kept, now) = kept(&[("a", 1), ("b", 1)]);
        load(&mut kept, &[("a", 2), ("b", 2)], now);
        let turn = kept.turn(now).unwrap();
        let read = planned(&turn.desired, &["a", "b"]);
        load(&mut kept, &[("a", 3), ("b", 2)], now + SECOND);
        let allowed = kept.allowed(&read.plan, &turn, now + SECOND);
        let objects: Vec<&str> = allowed.actions.iter().map(|action| action.object.name.as_str()).collect();
        assert_eq!(objects, ["b"]);
        load(&mut kept, &[("a", 3)], now + SECOND);
        assert!(kept.allowed(&read.plan, &turn, now + SECOND).actions.is_empty(), "`b` is gone");
        assert_eq!(names(&kept.turn(now + SECOND).unwrap()), ["a"]);
    }
}
