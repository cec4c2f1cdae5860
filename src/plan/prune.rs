//! Which of what is owned and not declared goes, and whether anything does.
//!
//! Nothing goes of which its own API has not said that it is ours. Nothing at all goes when the source may declare more
//! than is known, when what is owned could not be listed, or when too much would go without a word. What a deletion
//! policy keeps, and what a manifest still names, is listed as retained. How a thing goes is [`super::delete`]'s.
//!
//! Tests: `prune_tests.rs`, and `tests/scenarios/prune.rs`.

use super::delete::{self, Deletion, Inside, User};
use super::object::Unreadable;
use super::{Action, Blocked, Draft, Hold, ObjectPlan, Options, Verdict};
use crate::model::desired::{Declared, DeletionPolicy, Desired, Origin};
use crate::model::names::{Key, Kind, last_segment, tag};
use crate::model::observed::{Resource, Sighting};
use crate::model::state::{State, digest};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// That what is owned and not declared is to be deleted, and how far that may go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prune {
    /// Looked in beside the Regions of the source.
    pub regions: BTreeSet<String>,
    pub limit: Limit,
    /// What was confirmed as a part of more: it goes on going when the rest is gone.
    pub accepted: BTreeSet<Key>,
}

/// How much may go at once without being confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Of what is owned; a few may always go, or a small fleet could never lose anything.
    Percent(u8),
    Count(usize),
}

/// What became of pruning as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pruning {
    /// Looked in.
    pub regions: BTreeSet<String>,
    /// What is there and carries our owner's tag, declared or not.
    pub owned: usize,
    /// What would go.
    pub going: BTreeSet<Key>,
    /// How many may go without being confirmed.
    pub allowed: usize,
    /// `prune/HASH`: confirms just these, less those that are confirmed by their names.
    pub confirmation: String,
    pub confirmed: bool,
    /// Why nothing goes.
    pub hold: Option<Hold>,
}

impl Limit {
    const LEAST: usize = 3;

    pub(super) fn allowed(self, owned: usize) -> usize {
        match self {
            Self::Percent(percent) => (owned * usize::from(percent) / 100).max(Self::LEAST),
            Self::Count(count) => count,
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::Percent(20)
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let limit = match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|percent| *percent <= 100).map(Self::Percent),
            None => text.parse().ok().map(Self::Count),
        };
        limit.ok_or_else(|| "write a number, or a share such as 20%".to_owned())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Count(count) => count.fmt(f),
        }
    }
}

/// Where to look for what is owned: nowhere when nothing may be pruned anyway.
pub fn regions(desired: &Desired, options: &Options) -> BTreeSet<String> {
    match (&options.prune, &desired.source) {
        (Some(prune), Some(source)) if unsound(source).is_none() => {
            let declared = source.keys.iter().map(|key| key.region.clone());
            declared.chain(prune.regions.iter().cloned()).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// Why a source cannot be taken at its word about what it does not declare.
fn unsound(source: &Declared) -> Option<Blocked> {
    let why = if source.errors > 0 {
        "the source has errors, which may hide what it declares"
    } else if source.keys.is_empty() {
        "the source declares nothing"
    } else {
        return None;
    };
    Some(Blocked::PruneSource { why })
}

/// Plans what goes, beside what is declared.
pub(super) fn plan<'a>(draft: &mut Draft<'a>) {
    let (Some(prune), Some(source)) = (&draft.options.prune, &draft.desired.source) else { return };
    let mut pruning = Pruning { regions: regions(draft.desired, draft.options), ..Pruning::default() };
    pruning.hold = unsound(source).or_else(|| unlisted(draft, &pruning.regions)).map(Hold::Blocked);
    if pruning.hold.is_some() {
        draft.plan.prune = Some(pruning);
        return;
    }
    let lists = || draft.observed.owned.values().filter_map(Sighting::present);
    let others = lists().flat_map(|owned| &owned.others);
    let mut found: Vec<Found<'a>> =
        others.filter_map(|(key, seen)| judge(draft, source, key, seen)).collect();
    pruning.owned = lists().map(|owned| owned.declared).sum::<usize>() + found.len();
    pruning.allowed = prune.limit.allowed(pruning.owned);
    let going = || found.iter().filter(|found| found.goes());
    pruning.going = going().map(|found| found.key.clone()).collect();
    let is_open = |found: &&Found| !found.is_named(draft) && !prune.accepted.contains(found.key);
    let open: Vec<&Key> = going().filter(is_open).map(|found| found.key).collect();
    pruning.confirmation = confirmation(draft, &open);
    pruning.confirmed = draft.options.confirmed.contains(&pruning.confirmation);
    if open.len() > pruning.allowed && !pruning.confirmed {
        pruning.hold = Some(Hold::Blocked(Blocked::PruneLimit {
            going: open.len(),
            owned: pruning.owned,
            allowed: pruning.allowed,
            confirmation: pruning.confirmation.clone(),
        }));
        for found in found.iter_mut().filter(|found| found.goes()) {
            found.plan.hold = Some(Hold::Blocked(Blocked::PruneRefused));
        }
    }
    delete_all(draft, source, &mut found);
    draft.plan.objects.extend(found.into_iter().map(|found| found.plan));
    draft.plan.prune = Some(pruning);
}

/// A Region of which it is not known what is owned there.
fn unlisted(draft: &Draft, regions: &BTreeSet<String>) -> Option<Blocked> {
    regions.iter().find_map(|region| {
        let cause = match draft.observed.owned.get(region) {
            Some(Sighting::Present(_)) => return None,
            Some(Sighting::Unreadable(cause)) => cause.clone(),
            Some(Sighting::Absent) | None => format!("{region} was not looked at"),
        };
        Some(Blocked::PruneSearch { cause })
    })
}

/// The hash of all that would go confirms just that.
fn confirmation(draft: &Draft, going: &[&Key]) -> String {
    let going: Vec<String> = going.iter().map(|key| format!("{} {key}", key.region)).collect();
    format!("prune/{}", &digest(&format!("{} {}", draft.plan.account, going.join(" ")))[..12])
}

/// Something of ours that nobody declares.
struct Found<'a> {
    key: &'a Key,
    live: Option<&'a Resource>,
    plan: ObjectPlan,
}

impl Found<'_> {
    /// Whether it would be deleted.
    fn goes(&self) -> bool {
        self.plan.verdict == Verdict::Delete
    }

    /// Whether it is on its way, or will be without anybody's doing.
    fn leaves(&self) -> bool {
        self.goes() && !matches!(self.plan.hold, Some(Hold::Blocked(_)))
    }

    /// Whether the command line confirms it by its name.
    fn is_named(&self, draft: &Draft) -> bool {
        draft.options.confirmed.contains(&self.plan.origin.to_string())
    }
}

/// What is to become of something listed as owned; nothing where its own API does not say that it is there and ours.
fn judge<'a>(
    draft: &Draft<'a>,
    source: &Declared,
    key: &'a Key,
    seen: &'a Sighting<Resource>,
) -> Option<Found<'a>> {
    if source.has(key) || draft.desired.objects.contains_key(key) {
        return None;
    }
    let live = match seen {
        Sighting::Absent => return None,
        Sighting::Present(live) => Some(live),
        Sighting::Unreadable(_) => None,
    };
    let is_ours = |live: &Resource| live.tags.get(tag::OWNER) == Some(&draft.options.owner);
    if live.is_some_and(|live| live.is_inactive() || !is_ours(live)) {
        return None;
    }
    let mut plan = undeclared(key, live);
    match (live, seen.cause()) {
        (None, cause) => {
            plan.verdict = Verdict::Unreadable;
            plan.notes.extend(cause.map(str::to_owned));
        }
        (Some(_), _) if source.named.contains(key) => {
            plan.verdict = Verdict::Retained;
            plan.notes.push("a manifest still names it".to_owned());
        }
        (Some(live), _) if State::of(&live.tags).deletion(key.kind) == DeletionPolicy::Retain => {
            plan.verdict = Verdict::Retained;
        }
        (Some(_), _) => {}
    }
    Some(Found { key, live, plan })
}

/// The plan of something without a manifest: its name is that of AWS, with its cluster, and its place the one that its
/// tag remembers.
fn undeclared(key: &Key, live: Option<&Resource>) -> ObjectPlan {
    let name =
        key.cluster.as_ref().map_or_else(|| key.name.clone(), |cluster| format!("{cluster}/{}", key.name));
    let place = live.and_then(|live| live.tags.get(tag::SOURCE)).cloned().unwrap_or_default();
    let notes = if place.is_empty() { Vec::new() } else { vec![format!("it was declared in {place}")] };
    ObjectPlan {
        key: key.clone(),
        origin: Origin { kind: key.kind, namespace: None, name, place },
        verdict: Verdict::Delete,
        differences: Vec::new(),
        notes,
        undeclared: Vec::new(),
        hold: None,
        actions: Vec::new(),
    }
}

/// Adds what can be done now about all that goes; nothing where it is held up. What a thing needs gone is judged before
/// it: what waits for something that a person must act on is blocked, too.
fn delete_all<'a>(draft: &mut Draft<'a>, source: &'a Declared, found: &mut [Found<'a>]) {
    let is_held = found.iter().any(|found| found.plan.hold.is_some());
    let rank = |key: &Key| match (key.kind, &key.cluster) {
        (Kind::EcsService, _) => 0,
        (Kind::EcsCapacityProvider, Some(_)) => 1,
        (Kind::EcsCluster, _) => 2,
        (Kind::EcsCapacityProvider, None) | (Kind::EcrRepository, _) => 3,
    };
    let mut order: Vec<usize> = (0..found.len()).filter(|at| found[*at].goes()).collect();
    order.sort_by_key(|at| rank(found[*at].key));
    let mut detached = BTreeSet::new();
    for at in order {
        let Some(live) = found[at].live else { continue };
        let deletion = Scene { draft, source, found }.deletion(&found[at], live);
        let one = &mut found[at].plan;
        let deletion = match deletion {
            Ok(deletion) => deletion,
            Err(cause) => {
                (one.verdict, one.hold) = (Verdict::Unreadable, None);
                one.notes.push(cause);
                continue;
            }
        };
        one.notes.extend(deletion.notes);
        if is_held {
            continue;
        }
        one.hold = deletion.hold;
        for call in deletion.calls {
            // Two providers that leave one cluster leave it by one call.
            if call.operation == PUT_PROVIDERS && !detached.insert(call.input["cluster"].to_string()) {
                continue;
            }
            let index = draft.plan.actions.len();
            draft.plan.actions.push(Action {
                object: one.key.clone(),
                api: call.api,
                operation: call.operation,
                input: call.input,
                after: one.actions.last().copied().into_iter().collect(),
                bindings: Vec::new(),
                must_own: false,
            });
            one.actions.push(index);
        }
    }
}

const PUT_PROVIDERS: &str = "PutClusterCapacityProviders";

/// What is there beside a thing that goes.
struct Scene<'s, 'a> {
    draft: &'s Draft<'a>,
    source: &'a Declared,
    found: &'s [Found<'a>],
}

impl<'s, 'a> Scene<'s, 'a> {
    fn of_kind(&self, kind: Kind, region: &'s str) -> impl Iterator<Item = &'s Found<'a>> {
        self.found.iter().filter(move |found| found.key.kind == kind && found.key.region == region)
    }

    fn deletion(&self, found: &Found, live: &Resource) -> Result<Deletion, Unreadable> {
        let (key, object) = (found.key, found.plan.origin.to_string());
        let confirmed = found.is_named(self.draft);
        match key.kind {
            Kind::EcsService if !live.tags.contains_key(tag::STATE) && !confirmed => {
                let what = "its state tag is lost, and with it whether it is to be retained".to_owned();
                let hold = Some(Hold::Blocked(Blocked::Unconfirmed { object, what }));
                Ok(Deletion { hold, ..Deletion::default() })
            }
            Kind::EcsService => delete::service(key, live),
            Kind::EcsCluster => Ok(delete::cluster(key, live, &self.inside(key))),
            Kind::EcrRepository => delete::repository(key, live, confirmed, &object),
            Kind::EcsCapacityProvider => {
                Ok(delete::provider(key, live, &self.users(key)?, &self.leaving(&key.region)))
            }
        }
    }

    /// What of ours is in a cluster.
    fn inside(&self, cluster: &Key) -> Inside {
        let count = |kind: Kind, leaves: bool| {
            let inside = self.of_kind(kind, &cluster.region);
            let inside = inside.filter(|found| found.key.cluster.as_ref() == Some(&cluster.name));
            i64::try_from(inside.filter(|found| found.leaves() == leaves).count()).unwrap_or(i64::MAX)
        };
        Inside {
            services: count(Kind::EcsService, true),
            providers: count(Kind::EcsCapacityProvider, true),
            kept_providers: count(Kind::EcsCapacityProvider, false),
        }
    }

    /// Capacity providers that a cluster's set will not hold when it is put anew: those that go, and those that belong
    /// to their cluster anyway.
    fn leaving(&self, region: &str) -> Vec<&'s str> {
        let providers = self.of_kind(Kind::EcsCapacityProvider, region);
        let leaving = providers.filter(|found| found.goes() || found.key.cluster.is_some());
        leaving.map(|found| found.key.name.as_str()).collect()
    }

    /// Who has a capacity provider: services first, they keep clusters from letting go of it.
    fn users(&self, provider: &'s Key) -> Result<Vec<User<'s>>, Unreadable> {
        let is_beside = |key: &Key| provider.cluster.is_none() || provider.cluster == key.cluster;
        let services = self.of_kind(Kind::EcsService, &provider.region).filter(|found| {
            let uses = |live: &Resource| named(live, "capacityProviderStrategy", &provider.name);
            is_beside(found.key) && found.live.is_some_and(uses)
        });
        let user = |found: &'s Found| {
            if found.leaves() { User::Going(found.key) } else { User::Staying(found.key.to_string()) }
        };
        let mut users: Vec<User> = services.map(user).collect();
        if provider.cluster.is_some() {
            return Ok(users);
        }
        let observed = self.draft.observed;
        let clusters = observed.resources.iter().chain(&observed.external);
        for (key, seen) in
            clusters.filter(|(key, _)| key.kind == Kind::EcsCluster && key.region == provider.region)
        {
            let live = match seen {
                Sighting::Present(live) => live,
                Sighting::Absent => continue,
                Sighting::Unreadable(cause) => {
                    return Err(format!("whether {key} has it attached could not be read: {cause}"));
                }
            };
            if !live.is_inactive() && named(live, "capacityProviders", &provider.name) {
                let ours = self.found.iter().find(|found| found.key == key);
                users.push(match ours {
                    Some(found) if found.leaves() => User::Going(key),
                    Some(found) if found.goes() => User::Staying(key.to_string()),
                    Some(_) if super::cluster::is_attaching(live) => User::Detaching(key),
                    Some(_) => User::Cluster(key, live),
                    None if self.is_put(key) => User::Detaching(key),
                    None => User::Staying(key.to_string()),
                });
            }
        }
        Ok(users)
    }

    /// Whether this plan gives a declared cluster another set of providers.
    fn is_put(&self, cluster: &Key) -> bool {
        let mut actions = self.draft.plan.actions.iter();
        self.source.has(cluster)
            && actions.any(|action| action.object == *cluster && action.operation == PUT_PROVIDERS)
    }
}

/// Whether a list of names or of strategy items names a capacity provider.
fn named(live: &Resource, member: &str, provider: &str) -> bool {
    let list = live.body.get(member).and_then(Value::as_array).into_iter().flatten();
    let names = list.filter_map(|one| one.as_str().or_else(|| one["capacityProvider"].as_str()));
    names.map(last_segment).any(|name| name == provider)
}
