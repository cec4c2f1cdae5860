//! When each object is looked at again, and what may be written of it then. Pure: it is told the time.
//!
//! A changed manifest comes first, then what a sweep has found, then what is under way, which is looked at every few
//! seconds, less and less often. What fails is tried again ever later, up to five minutes, and holds up nothing else.
//! What was written and does not stay is not written for ever: after a few times it rests, up to an hour.
//! Tests: at the end.

use crate::model::names::Key;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// All times are multiples of the shortest, which is 5 seconds, and shorter where AWS is a sandbox in a hurry.
#[derive(Debug, Clone, Copy)]
pub struct Pace(pub Duration);

impl Pace {
    /// Between two looks at something under way: 5 to 15 seconds.
    fn gap(self, looks: u32) -> Duration {
        (self.0.mul_f64(1.25_f64.powi(looks.min(5).cast_signed()))).min(self.0 * 3)
    }

    /// Before what failed is tried again: 5 seconds to 5 minutes.
    pub fn backoff(self, failures: u32) -> Duration {
        (self.0 * (1 << failures.saturating_sub(1).min(6))).min(self.0 * 60)
    }

    /// Before what does not stay is written again: half a minute, for which reads may be behind writes, to an hour.
    fn pause(self, times: u32) -> Duration {
        (self.0 * 6 * (1 << times.saturating_sub(1).min(7))).min(self.0 * 720)
    }

    /// What is gone for so long is not about to come back, and what waits for so long waits no longer: a minute.
    pub fn grace(self) -> Duration {
        self.0 * 12
    }

    /// What is under way for longer than an hour is left to the sweeps.
    fn patience(self) -> Duration {
        self.0 * 720
    }

    /// What was written this long ago says nothing any more: 2 hours.
    fn memory(self) -> Duration {
        self.0 * 1440
    }
}

/// So many times in a row the same drift is healed at once.
const HEALS: u32 = 3;
/// Objects of a pass that is likely to write. AWS takes one task definition a second: a pass under way is soon over, and
/// a change made meanwhile comes next.
const WRITTEN: usize = 10;
/// Objects of a pass that is likely to read only.
const FOLLOWED: usize = 100;

/// Why an object is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Its manifest is another.
    Changed,
    /// A sweep has seen that there is something to do.
    Found,
    /// It is under way, or was not done.
    Followed,
}

/// What a look at an object comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It is as declared, or a person must act: the sweeps will see when that changes.
    Settled,
    /// It is on its way.
    UnderWay,
    /// A call failed.
    Failed,
    /// It is still not what was written.
    NotKept,
}

/// All objects that are not left to the sweeps.
#[derive(Debug)]
pub struct Agenda {
    pace: Pace,
    items: BTreeMap<Key, Item>,
}

#[derive(Debug)]
struct Item {
    due: Option<(Why, Instant)>,
    /// When its manifest changed or a pass looked at it last: what a sweep saw before is old.
    touched: Instant,
    /// Looks since it was written, and when that was.
    looks: u32,
    since: Option<Instant>,
    failures: u32,
    written: Written,
}

/// What was written lately.
#[derive(Debug, Default)]
struct Written {
    /// The calls, by their hash.
    calls: BTreeSet<String>,
    last: Option<Instant>,
    times: u32,
    /// It was seen as written in between: what differs now has come back.
    settled: bool,
    /// That it does not stay has been told.
    told: bool,
}

impl Agenda {
    pub fn new(pace: Pace) -> Self {
        Self { pace, items: BTreeMap::new() }
    }

    fn item(&mut self, key: &Key, now: Instant) -> &mut Item {
        self.items.entry(key.clone()).or_insert_with(|| Item::new(now))
    }

    /// Its manifest is another: whatever was is over.
    pub fn changed(&mut self, key: &Key, now: Instant) {
        let item = Item { due: Some((Why::Changed, now)), ..Item::new(now) };
        self.items.insert(key.clone(), item);
    }

    pub fn gone(&mut self, key: &Key) {
        self.items.remove(key);
    }

    /// A sweep that began then saw that there is something to do, unless it is known and waits for its time.
    pub fn found(&mut self, key: &Key, began: Instant, now: Instant) {
        if self.is_news(key, began) {
            let item = self.item(key, now);
            item.due = item.due.or(Some((Why::Found, now)));
        }
    }

    /// Something that it waits for has changed.
    pub fn nudged(&mut self, key: &Key, now: Instant) {
        let item = self.item(key, now);
        item.due = Some(item.due.map_or((Why::Found, now), |(why, at)| (why, at.min(now))));
    }

    /// Whether it waits for its time.
    pub fn waits(&self, key: &Key) -> bool {
        self.items.get(key).is_some_and(|item| item.due.is_some())
    }

    /// Whether what a sweep saw that began then is newer than all that is known.
    pub fn is_news(&self, key: &Key, began: Instant) -> bool {
        self.items.get(key).is_none_or(|item| item.touched <= began)
    }

    /// Somebody asks: what waits for its time does not wait any longer.
    pub fn asked(&mut self, now: Instant) {
        for item in self.items.values_mut() {
            item.due = item.due.map(|(why, at)| (why, at.min(now)));
            item.written = Written::default();
        }
    }

    /// The most urgent objects to look at now: changes, then findings, then what is followed, unless that has waited for
    /// long.
    pub fn take(&mut self, now: Instant) -> BTreeSet<Key> {
        let overdue = self.pace.grace();
        let rank = |why, at| match why {
            Why::Followed if now.duration_since(at) > overdue => 0,
            Why::Changed => 1,
            Why::Found => 2,
            Why::Followed => 3,
        };
        let due =
            self.items.iter().filter_map(|(key, item)| Some((key, item.due.filter(|(_, at)| *at <= now)?)));
        let mut due: Vec<(u8, Instant, &Key)> =
            due.map(|(key, (why, at))| (rank(why, at), at, key)).collect();
        due.sort();
        let Some(first) = due.first().map(|(rank, ..)| *rank) else { return BTreeSet::new() };
        let most = if matches!(first, 1 | 2) { WRITTEN } else { FOLLOWED };
        let first = due.into_iter().take_while(|(rank, ..)| *rank == first).take(most);
        let keys: BTreeSet<Key> = first.map(|(_, _, key)| key.clone()).collect();
        for key in &keys {
            let item = self.item(key, now);
            (item.due, item.touched) = (None, now);
        }
        keys
    }

    /// When something is to be looked at next.
    pub fn next(&self) -> Option<Instant> {
        self.items.values().filter_map(|item| Some(item.due?.1)).min()
    }

    /// What keeps these calls from being made now, in a pass that began then.
    pub fn hinders(
        &self,
        key: &Key,
        calls: &BTreeSet<String>,
        began: Instant,
        now: Instant,
    ) -> Option<Hindrance> {
        let item = self.items.get(key)?;
        match item.due {
            Some((Why::Changed, _)) if item.touched > began => return Some(Hindrance::Outdated),
            Some(_) if item.failures > 0 => return Some(Hindrance::Failing),
            _ => {}
        }
        let times = item.written.times;
        (now < item.written.again(calls, self.pace)?).then_some(Hindrance::NotKept { times })
    }

    /// These calls were made.
    pub fn wrote(&mut self, key: &Key, calls: BTreeSet<String>, now: Instant) {
        let memory = self.pace.memory();
        let item = self.item(key, now);
        let old = item.written.last.is_some_and(|last| now.duration_since(last) > memory);
        let known = calls.is_subset(&item.written.calls) && !old;
        if old {
            item.written = Written::default();
        }
        item.written.times = if known { item.written.times + 1 } else { 1 };
        item.written.calls.extend(calls);
        (item.written.last, item.written.settled) = (Some(now), false);
        (item.looks, item.since) = (0, Some(now));
    }

    /// Whether it is still to be told that what was written does not stay; from now on it is told.
    pub fn tell_once(&mut self, key: &Key) -> bool {
        self.items.get_mut(key).is_some_and(|item| !std::mem::replace(&mut item.written.told, true))
    }

    /// A pass has looked: when is the next time?
    pub fn looked(&mut self, key: &Key, outlook: Outlook, now: Instant) {
        let pace = self.pace;
        let item = self.item(key, now);
        if item.due.is_some_and(|(why, _)| why == Why::Changed) {
            return;
        }
        item.touched = now;
        item.failures = if outlook == Outlook::Failed { item.failures + 1 } else { 0 };
        let since = *item.since.get_or_insert(now);
        item.due = match outlook {
            Outlook::Settled => None,
            Outlook::UnderWay if now.duration_since(since) > pace.patience() => None,
            Outlook::UnderWay => Some(pace.gap(item.looks)),
            Outlook::Failed => Some(jittered(pace.backoff(item.failures), 0.25)),
            // The first time it may be a read that is behind.
            Outlook::NotKept if item.written.times <= 1 => Some(pace.gap(item.looks)),
            Outlook::NotKept => {
                let again = item.written.again(&BTreeSet::new(), pace);
                Some(again.map_or(Duration::ZERO, |again| again.saturating_duration_since(now)))
            }
        }
        .map(|wait| (Why::Followed, now + wait));
        item.looks += 1;
        if outlook == Outlook::Settled {
            (item.looks, item.since, item.written.settled) = (0, None, true);
            let forgotten = item.written.last.is_none_or(|last| now.duration_since(last) > pace.memory());
            if forgotten {
                self.items.remove(key);
            }
        }
    }
}

/// Why calls are not made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// They were planned for a manifest that has changed since.
    Outdated,
    /// They failed, and their time has not come.
    Failing,
    /// They were made so often, and did not last.
    NotKept { times: u32 },
}

impl Item {
    fn new(now: Instant) -> Self {
        Self { due: None, touched: now, looks: 0, since: None, failures: 0, written: Written::default() }
    }
}

impl Written {
    /// From when on calls that were made before may be made again; others may at once.
    fn again(&self, calls: &BTreeSet<String>, pace: Pace) -> Option<Instant> {
        let last = self.last.filter(|_| calls.is_subset(&self.calls))?;
        match self.settled {
            true if self.times < HEALS => None,
            true => Some(last + pace.pause(self.times - HEALS + 1)),
            false => Some(last + pace.pause(self.times)),
        }
    }
}

/// A little more or less than `time`, so that many operators, or many objects, do not come all at once.
pub fn jittered(time: Duration, share: f64) -> Duration {
    time.mul_f64(1.0 + share * (2.0 * fastrand::f64() - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::Kind;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(name: &str) -> Key {
        Key { kind: Kind::EcsService, region: "r".into(), cluster: None, name: name.into() }
    }

    fn calls(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn agenda() -> (Agenda, Instant) {
        (Agenda::new(Pace(SECOND * 5)), Instant::now())
    }

    /// How long until something is due, in whole seconds.
    fn wait(agenda: &Agenda, now: Instant) -> Option<u64> {
        Some((agenda.next()? - now).as_secs())
    }

    #[test]
    fn a_change_comes_before_a_finding_and_that_before_what_is_followed() {
        let (mut agenda, now) = agenda();
        agenda.looked(&key("followed"), Outlook::UnderWay, now);
        let later = now + SECOND * 10;
        agenda.found(&key("found"), now, later);
        agenda.changed(&key("changed"), later);
        let mut turns = Vec::new();
        while let Some(first) = agenda.take(later).pop_first() {
            turns.push(first.name);
        }
        assert_eq!(turns, ["changed", "found", "followed"]);
        assert_eq!(agenda.next(), None, "what is being looked at is not due");
    }

    #[test]
    fn what_is_followed_is_not_forgotten_over_many_changes() {
        let (mut agenda, now) = agenda();
        agenda.looked(&key("followed"), Outlook::UnderWay, now);
        let later = now + SECOND * 70;
        (0..25).for_each(|n| agenda.changed(&key(&format!("changed {n}")), later));
        let turns: Vec<usize> = (0..4).map(|_| agenda.take(later).len()).collect();
        assert_eq!(turns, [1, 10, 10, 5]);
    }

    #[test]
    fn what_is_under_way_is_looked_at_less_and_less_often_and_in_the_end_left_to_the_sweeps() {
        let (mut agenda, began) = agenda();
        let (mut now, mut gaps) = (began, Vec::new());
        agenda.looked(&key("a"), Outlook::UnderWay, now);
        while let Some(gap) = wait(&agenda, now) {
            gaps.push(gap);
            now = agenda.next().unwrap();
            assert_eq!(agenda.take(now).len(), 1);
            agenda.looked(&key("a"), Outlook::UnderWay, now);
        }
        assert_eq!(gaps[..7], [5, 6, 7, 9, 12, 15, 15]);
        assert!((3600..3700).contains(&(now - began).as_secs()), "{:?}", now - began);
    }

    #[test]
    fn what_fails_is_tried_ever_later_and_hinders_nothing_but_itself() {
        let (mut agenda, mut now) = agenda();
        let began = now;
        let mut waits = Vec::new();
        for _ in 0..9 {
            agenda.looked(&key("a"), Outlook::Failed, now);
            waits.push(wait(&agenda, now).unwrap());
            // Another pass needs it: its calls are left out until its time has come.
            assert_eq!(agenda.hinders(&key("a"), &calls(&["x"]), now, now), Some(Hindrance::Failing));
            assert_eq!(agenda.hinders(&key("b"), &calls(&["x"]), now, now), None);
            agenda.found(&key("a"), began, now);
            now = agenda.next().unwrap();
            agenda.take(now);
        }
        let bounds = [5, 10, 20, 40, 80, 160, 300, 300, 300];
        for (wait, most) in waits.iter().zip(bounds) {
            assert!(wait * 4 >= most * 3 - 4 && wait * 4 <= most * 5, "{waits:?}");
        }
        agenda.changed(&key("a"), now);
        assert_eq!(wait(&agenda, now), Some(0), "a new manifest is tried at once");
        assert_eq!(agenda.hinders(&key("a"), &calls(&["x"]), now, now), None);
    }

    #[test]
    fn what_a_sweep_saw_before_a_pass_looked_is_old() {
        let (mut agenda, now) = agenda();
        agenda.changed(&key("a"), now + SECOND);
        agenda.take(now + SECOND);
        agenda.looked(&key("a"), Outlook::UnderWay, now + SECOND * 2);
        assert!(!agenda.is_news(&key("a"), now));
        assert!(agenda.is_news(&key("a"), now + SECOND * 3));
    }

    #[test]
    fn calls_that_were_planned_for_an_older_manifest_are_left_out() {
        let (mut agenda, now) = agenda();
        agenda.changed(&key("a"), now);
        agenda.take(now);
        agenda.changed(&key("a"), now + SECOND);
        let later = now + SECOND * 2;
        assert_eq!(agenda.hinders(&key("a"), &calls(&["x"]), now, later), Some(Hindrance::Outdated));
        agenda.looked(&key("a"), Outlook::Settled, later);
        assert_eq!(agenda.take(later).len(), 1, "and it is looked at again");
    }

    #[test]
    fn the_same_calls_wait_ever_longer_while_nothing_comes_of_them_and_others_do_not() {
        let (mut agenda, began) = agenda();
        let (mut now, mut writes) = (began, Vec::new());
        // A look every 15 seconds for a day, after each of which AWS is as it was.
        for _ in 0..24 * 240 {
            match agenda.hinders(&key("a"), &calls(&["x"]), now, now) {
                None => {
                    writes.push((now - began).as_secs() / 60);
                    agenda.wrote(&key("a"), calls(&["x"]), now);
                }
                Some(Hindrance::NotKept { .. }) => agenda.looked(&key("a"), Outlook::NotKept, now),
                other => panic!("{other:?}"),
            }
            now += SECOND * 15;
        }
        assert_eq!(writes[..8], [0, 0, 1, 3, 7, 15, 31, 63]);
        assert_eq!(writes.len(), 30, "once an hour: {writes:?}");
        assert_eq!(agenda.hinders(&key("a"), &calls(&["x", "y"]), now, now), None);
        agenda.asked(now);
        assert_eq!(agenda.hinders(&key("a"), &calls(&["x"]), now, now), None, "somebody asks");
    }

    #[test]
    fn the_same_drift_is_healed_at_once_a_few_times_and_when_it_is_long_ago() {
        let (mut agenda, mut now) = agenda();
        let mut heal = |now: Instant| {
            let hindrance = agenda.hinders(&key("a"), &calls(&["x"]), now, now);
            if hindrance.is_none() {
                agenda.wrote(&key("a"), calls(&["x"]), now);
            }
            agenda.looked(&key("a"), Outlook::Settled, now);
            hindrance
        };
        for _ in 0..3 {
            assert_eq!(heal(now), None);
            now += SECOND;
        }
        assert_eq!(heal(now), Some(Hindrance::NotKept { times: 3 }));
        now += Duration::from_hours(3);
        assert_eq!(heal(now), None);
        now += SECOND;
        assert_eq!(heal(now), None, "it counts anew");
    }
}
