//! All that the loop knows, and what follows from it: it is told what happened and when, and answers what to do next
//! and what to tell. Pure: it reads no clock and waits for nothing. Tests: at the end.
//!
//! What is wanted is [`Declared`], when each object's turn is the [`Agenda`], what people were told the [`Standing`]s.

use super::agenda::{Agenda, Hindrance, Outlook, Pace};
use super::declared::Declared;
use super::standing::{Rollout, Standing, Trouble};
use super::undeclared::Undeclared;
use crate::aws::CallError;
use crate::execute::{ActionResult, Outcome};
use crate::model::desired::Desired;
use crate::model::names::{Key, Kind};
use crate::model::observed::Sighting;
use crate::model::state::digest;
use crate::plan::{Hold, ObjectPlan, Plan, Verdict};
use crate::reconcile::Planned;
use crate::report::{Event, Happening, ObjectView, Result as Became, Source, View, counted, short};
use crate::resolve::Resolved;
use crate::source::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

/// Objects in one pass: so many that a changed manifest never waits long for a pass that is under way.
const AT_ONCE: usize = 100;

pub struct Kept {
    pub declared: Declared,
    agenda: Agenda,
    standings: BTreeMap<Key, Standing>,
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
        let view = self.view(planned, None);
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
            } else if !is_gone || self.undeclared.is_ripe(key) {
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
        let keys = self.agenda.take(now, AT_ONCE);
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
        let view = self.view(planned, Some((plan, outcome)));
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
        over.into_iter().for_each(|key| self.forget(key));
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

    fn view(&self, planned: &Planned, done: Option<(&Plan, &Outcome)>) -> View {
        let view = View::of(&planned.plan, &Source::default(), false);
        let view = view.with_rollouts(&planned.plan, &planned.observed);
        match done {
            Some((plan, outcome)) => view.with_outcome(plan, outcome),
            None => view,
        }
    }

    /// Nothing was to be written.
    fn seen(
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
    fn written(
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
    fn not_kept(&mut self, object: &ObjectPlan, view: &ObjectView, times: u32, now: Instant) -> Vec<Event> {
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

    fn forget(&mut self, key: &Key) {
        self.agenda.gone(key);
        self.standings.remove(key);
    }
}

/// The calls of an object, each by its hash: what was written is remembered, not its secrets.
fn calls(plan: &Plan, object: &ObjectPlan) -> BTreeSet<String> {
    let actions = object.actions.iter().filter_map(|index| plan.actions.get(*index));
    let text = |action: &crate::plan::Action| {
        format!("{} {}", action.operation, serde_json::Value::Object(action.input.clone()))
    };
    actions.map(|action| digest(&text(action))).collect()
}
