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
use std::collections::{BTreeMap, BTreeSet};
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
    /// What would go and is neither confirmed by its name nor on its way already confirmed.
    pub going: BTreeSet<Key>,
    /// How many of these may go without being confirmed.
    pub allowed: usize,
    /// `prune/HASH`: confirms just these.
    pub confirmation: String,
    pub confirmed: bool,
    /// Why nothing goes.
    pub hold: Option<Hold>,
}

impl Limit {
    const LEAST: usize = 3;

    fn allowed(self, owned: usize) -> usize {
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
        (Some(prune), Some(source)) if unsound(Some(source)).is_none() => {
            let declared = source.keys.iter().map(|key| key.region.clone());
            declared.chain(prune.regions.iter().cloned()).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// Why a source cannot be taken at its word about what it does not declare.
fn unsound(source: Option<&Declared>) -> Option<Blocked> {
    let why = match source {
        None => "what the source declares is not known".to_owned(),
        Some(source) if source.errors > 0 => {
            "the source has errors, which may hide what it declares".to_owned()
        }
        Some(source) if source.keys.is_empty() => "the source declares nothing".to_owned(),
        Some(_) => return None,
    };
    Some(Blocked::PruneSource { why })
}

/// Plans what goes, beside what is declared.
pub(super) fn plan(draft: &mut Draft) {
    let Some(prune) = &draft.options.prune else { return };
    let mut pruning = Pruning { regions: regions(draft.desired, draft.options), ..Pruning::default() };
    let source = draft.desired.source.clone();
    pruning.hold =
        unsound(source.as_deref()).or_else(|| unlisted(draft, &pruning.regions)).map(Hold::Blocked);
    let (Some(source), None) = (source, &pruning.hold) else {
        draft.plan.prune = Some(pruning);
        return;
    };
    let lists = || draft.observed.owned.values().filter_map(Sighting::present);
    let others = lists().flat_map(|owned| &owned.others);
    let mut found: Vec<Found> = others.filter_map(|(key, seen)| judge(draft, &source, key, seen)).collect();
    pruning.owned = lists().map(|owned| owned.declared).sum::<usize>() + found.len();
    pruning.allowed = prune.limit.allowed(pruning.owned);
    let open = |found: &&Found| found.goes() && !found.is_named(draft) && !prune.accepted.contains(found.key);
    pruning.going = found.iter().filter(open).map(|found| found.key.clone()).collect();
    pruning.confirmation = confirmation(draft, &pruning.going);
    pruning.confirmed = draft.options.confirmed.contains(&pruning.confirmation);
    if pruning.going.len() > pruning.allowed && !pruning.confirmed {
        pruning.hold = Some(Hold::Blocked(Blocked::PruneLimit {
            going: pruning.going.len(),
            owned: pruning.owned,
            allowed: pruning.allowed,
            confirmation: pruning.confirmation.clone(),
        }));
        for found in found.iter_mut().filter(|found| found.goes()) {
            found.plan.hold = Some(Hold::Blocked(Blocked::PruneRefused));
        }
    }
    delete_all(draft, &source, &mut found);
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
fn confirmation(draft: &Draft, going: &BTreeSet<Key>) -> String {
    let mut text = draft.plan.account.clone();
    for key in going {
        text.push_str(&format!(" {} {key}", key.region));
    }
    format!("prune/{}", &digest(&text)[..12])
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

/// Adds what can be done now about all that goes; nothing where it is held up.
fn delete_all(draft: &mut Draft, source: &Declared, found: &mut [Found]) {
    let is_held = found.iter().any(|found| found.plan.hold.is_some());
    let scene = Scene::of(draft, source, found);
    let deletions: Vec<Option<Result<Deletion, Unreadable>>> =
        found.iter().map(|one| Some(scene.deletion(draft, one, one.live.filter(|_| one.goes())?))).collect();
    let mut made = BTreeSet::new();
    for (found, deletion) in found.iter_mut().zip(deletions) {
        let deletion = match deletion {
            None => continue,
            Some(Ok(deletion)) => deletion,
            Some(Err(cause)) => {
                found.plan.verdict = Verdict::Unreadable;
                found.plan.hold = None;
                found.plan.notes.push(cause);
                continue;
            }
        };
        found.plan.notes.extend(deletion.notes);
        if is_held {
            continue;
        }
        found.plan.hold = deletion.hold;
        for call in deletion.calls {
            // Two providers that leave one cluster leave it by one call.
            if !made.insert(format!("{} {}", call.operation, Value::Object(call.input.clone()))) {
                continue;
            }
            let index = draft.plan.actions.len();
            draft.plan.actions.push(Action {
                object: found.key.clone(),
                api: call.api,
                operation: call.operation,
                input: call.input,
                after: found.plan.actions.last().copied().into_iter().collect(),
                bindings: Vec::new(),
                must_own: false,
            });
            found.plan.actions.push(index);
        }
    }
}

/// What of ours is there beside a thing that goes.
struct Scene<'a> {
    /// Services that nobody declares, and whether they go.
    services: Vec<(&'a Key, &'a Resource, bool)>,
    /// Capacity providers that nobody declares, and whether they go.
    providers: Vec<(&'a Key, bool)>,
    /// Every cluster that was seen.
    clusters: BTreeMap<&'a Key, &'a Resource>,
    /// Those of ours that nobody declares, and whether they go.
    ours: BTreeMap<&'a Key, bool>,
}

impl<'a> Scene<'a> {
    fn of(draft: &Draft<'a>, source: &Declared, found: &[Found<'a>]) -> Self {
        let of_kind = |kind: Kind| found.iter().filter(move |found| found.key.kind == kind);
        let observed = draft.observed;
        let others = observed.owned.values().filter_map(Sighting::present).flat_map(|owned| &owned.others);
        let all = observed.resources.iter().chain(&observed.external).chain(others);
        let cluster = |(key, seen): (&'a Key, &'a Sighting<Resource>)| {
            let live = seen.present().filter(|live| !live.is_inactive())?;
            (key.kind == Kind::EcsCluster).then_some((key, live))
        };
        let undeclared = |found: &&Found| !source.has(found.key);
        Self {
            services: of_kind(Kind::EcsService)
                .filter_map(|found| Some((found.key, found.live?, found.goes())))
                .collect(),
            providers: of_kind(Kind::EcsCapacityProvider).map(|found| (found.key, found.goes())).collect(),
            clusters: all.filter_map(cluster).collect(),
            ours: of_kind(Kind::EcsCluster)
                .filter(undeclared)
                .map(|found| (found.key, found.goes()))
                .collect(),
        }
    }

    fn deletion(&self, draft: &Draft, found: &Found, live: &Resource) -> Result<Deletion, Unreadable> {
        let (key, object) = (found.key, found.plan.origin.to_string());
        let confirmed = found.is_named(draft);
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
                let users = self.users(draft, key)?;
                Ok(delete::provider(key, live, &users, &self.leaving(key)))
            }
        }
    }

    /// What of ours is in a cluster.
    fn inside(&self, cluster: &Key) -> Inside {
        let is_in = |key: &Key| key.region == cluster.region && key.cluster.as_ref() == Some(&cluster.name);
        let count = |keys: &mut dyn Iterator<Item = &&Key>| {
            i64::try_from(keys.filter(|key| is_in(key)).count()).unwrap_or(i64::MAX)
        };
        let providers = |goes: bool| self.providers.iter().filter(move |one| one.1 == goes).map(|one| &one.0);
        Inside {
            services: count(&mut self.services.iter().filter(|service| service.2).map(|service| &service.0)),
            providers: count(&mut providers(true)),
            kept_providers: count(&mut providers(false)),
        }
    }

    /// Capacity providers that a cluster's set will not hold when it is put anew: those that go, and those that belong
    /// to their cluster anyway.
    fn leaving(&self, beside: &Key) -> Vec<&'a str> {
        let leaves =
            |(key, goes): &&(&Key, bool)| key.region == beside.region && (*goes || key.cluster.is_some());
        self.providers.iter().filter(leaves).map(|(key, _)| key.name.as_str()).collect()
    }

    /// Who has a capacity provider: services first, they keep clusters from letting go of it.
    fn users(&self, draft: &Draft, provider: &'a Key) -> Result<Vec<User<'a>>, Unreadable> {
        let mut users = Vec::new();
        let is_beside = |key: &Key| {
            key.region == provider.region && (provider.cluster.is_none() || provider.cluster == key.cluster)
        };
        let uses = |live: &Resource| named(live, "capacityProviderStrategy", &provider.name);
        for (key, _, goes) in self.services.iter().filter(|(key, live, _)| is_beside(key) && uses(live)) {
            users.push(if *goes { User::Going(key) } else { User::Staying(key.to_string()) });
        }
        if provider.cluster.is_some() {
            return Ok(users);
        }
        for (key, seen) in draft.observed.external.iter().chain(&draft.observed.resources) {
            if let (Kind::EcsCluster, true, Some(cause)) =
                (key.kind, key.region == provider.region, seen.cause())
            {
                return Err(format!("whether {key} has it attached could not be read: {cause}"));
            }
        }
        let attached = self.clusters.iter().filter(|(key, live)| {
            key.region == provider.region && named(live, "capacityProviders", &provider.name)
        });
        users.extend(attached.map(|(key, live)| match self.ours.get(*key) {
            Some(true) => User::Going(key),
            Some(false) if super::cluster::is_attaching(live) => User::Detaching(key),
            Some(false) => User::Cluster(key, live),
            None if is_put(draft, key) => User::Detaching(key),
            None => User::Staying(key.to_string()),
        }));
        Ok(users)
    }
}

/// Whether a list of names or of strategy items names a capacity provider.
fn named(live: &Resource, member: &str, provider: &str) -> bool {
    let list = live.body.get(member).and_then(Value::as_array).into_iter().flatten();
    let names = list.filter_map(|one| one.as_str().or_else(|| one["capacityProvider"].as_str()));
    names.map(last_segment).any(|name| name == provider)
}

/// Whether this plan gives a declared cluster another set of providers.
fn is_put(draft: &Draft, cluster: &Key) -> bool {
    let mut actions = draft.plan.actions.iter();
    actions.any(|action| action.object == *cluster && action.operation == "PutClusterCapacityProviders")
}
