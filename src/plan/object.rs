//! What planning has in common for all kinds: whose a resource is, which differences count, tags of ours, and
//! the order of an object's actions.
//!
//! The order is: tags first (a denied tag blocks before anything is changed), then the changes, then the tag
//! that says the manifest is applied.

use super::delete::Call;
use super::{Action, Binding, Blocked, Draft, Hold, ObjectPlan, PlannedDifference, Verdict};
use crate::model::described::{tag_list, tag_map};
use crate::model::desired::{DeletionPolicy, Document, DriftPolicy, Object};
use crate::model::diff::{Diff, Difference, diff, masked};
use crate::model::facts::Shape;
use crate::model::names::{Kind, tag};
use crate::model::observed::{Resource, Sighting, Tags};
use crate::model::path::copy;
use crate::model::reduce::reduce;
use crate::model::semantics::Change;
use crate::model::state::{State, digest, manifest};
use serde_json::{Map, Value, json};

/// The path of a deletion policy that changed, as its annotation is named.
const DELETION: &str = "deletion-policy";

/// The cause of a read that failed: the object is left as it is.
pub(super) type Unreadable = String;

/// What planning means for a kind.
pub(super) struct Steps {
    pub create: for<'a> fn(&mut Draft<'a>, &mut Work<'a>) -> Result<(), Unreadable>,
    pub update: for<'a> fn(&mut Draft<'a>, &mut Work<'a>, &'a Resource) -> Result<(), Unreadable>,
}

/// Plans one object: whether it may be touched, what must be done, what to call it.
pub(super) fn plan<'a>(draft: &mut Draft<'a>, object: &'a Object, steps: &Steps) {
    let planned = match Work::begin(draft, object) {
        Err(settled) => settled,
        Ok(mut work) => {
            let planned = match work.live {
                None => (steps.create)(draft, &mut work),
                Some(live) => {
                    work.compare_deletion(live);
                    (steps.update)(draft, &mut work, live)
                }
            };
            match planned {
                Ok(()) => work.finish(draft),
                Err(cause) => unreadable(work.plan, cause),
            }
        }
    };
    draft.plan.objects.push(planned);
}

fn unreadable(mut plan: ObjectPlan, cause: Unreadable) -> ObjectPlan {
    plan.verdict = Verdict::Unreadable;
    plan.notes.push(cause);
    plan
}

/// An object being planned.
pub(super) struct Work<'a> {
    pub object: &'a Object,
    pub account: &'a str,
    /// Of the manifest, without secrets.
    pub hash: String,
    /// What is there and is ours, or would be adopted.
    pub live: Option<&'a Resource>,
    adopt: bool,
    /// What the tag says.
    pub state: State,
    /// What it is to say, but for the manifest attempted and applied.
    pub next: State,
    /// Whether anything differs that a deployment would bring, also what the manifest says to leave alone.
    pub needs_deployment: bool,
    pub plan: ObjectPlan,
    /// The action that everything after must come after.
    last: Option<usize>,
}

impl<'a> Work<'a> {
    /// Looks whether the object may be touched at all. The error is its finished plan: unreadable, not ours, suspended.
    #[allow(clippy::result_large_err)] // Not an error: the shorter of two ways.
    pub fn begin(draft: &Draft<'a>, object: &'a Object) -> Result<Self, ObjectPlan> {
        let mut plan = ObjectPlan {
            key: object.key.clone(),
            origin: object.origin.clone(),
            verdict: Verdict::Unchanged,
            differences: Vec::new(),
            notes: Vec::new(),
            undeclared: Vec::new(),
            hold: None,
            actions: Vec::new(),
        };
        if object.policy.suspend {
            plan.verdict = Verdict::Suspended;
            return Err(plan);
        }
        let sighting = draft.observed.resources.get(&object.key);
        let live = match sighting {
            Some(Sighting::Present(resource)) if !resource.is_inactive() => Some(resource),
            Some(Sighting::Present(_) | Sighting::Absent) => None,
            Some(Sighting::Unreadable(cause)) => return Err(unreadable(plan, cause.clone())),
            None => return Err(unreadable(plan, "it was not looked for".to_owned())),
        };
        let owner = live.and_then(|resource| resource.tags.get(tag::OWNER));
        let ours = owner == Some(&draft.options.owner);
        let adopt = live.is_some() && owner.is_none() && (object.policy.adopt || draft.options.adopt);
        if live.is_some() && !ours && !adopt {
            plan.verdict = Verdict::NotOwned;
            plan.hold = Some(Hold::Blocked(Blocked::NotOwned { owner: owner.cloned() }));
            return Err(plan);
        }
        let account = draft.observed.account.as_str();
        let state = live.map(|resource| State::of(&resource.tags)).unwrap_or_default();
        Ok(Self {
            object,
            account,
            hash: manifest(object, account),
            live,
            adopt,
            next: State { rejected: None, ..state.clone() },
            state,
            needs_deployment: false,
            plan,
            last: None,
        })
    }

    /// Whether the manifest is the one that was applied last: only then a difference is drift.
    pub fn is_applied(&self) -> bool {
        self.state.applied.as_ref() == Some(&self.hash)
    }

    /// Whether this manifest is another than the one that was attempted last.
    pub fn is_newer(&self) -> bool {
        self.state.attempted.as_ref().is_some_and(|attempted| *attempted != self.hash)
    }

    /// Whether what is to be written of the resource itself starts a deployment.
    pub fn starts_deployment(&self) -> bool {
        self.to_write().any(|found| found.change >= Change::NewDeployment)
    }

    /// Compares a part and keeps what counts. What a difference is labelled by default follows from the state tag.
    pub fn compare(&mut self, shape: &'static Shape, path: &str, desired: &Document, live: &Document) {
        let (desired, live) = (reduce(shape, desired, self.account), reduce(shape, live, self.account));
        let Diff { differences, undeclared } = diff(shape, path, &desired, &live, self.account);
        for difference in differences {
            self.differ(difference);
        }
        self.plan.undeclared.extend(undeclared);
    }

    /// What is to happen when the manifest goes must be known when it is gone: it is kept in the state tag.
    fn compare_deletion(&mut self, live: &Resource) {
        let kind = self.object.key.kind;
        let (kept, wanted) = (self.state.deletion(kind), self.object.policy.deletion);
        if kept == wanted || self.adopt || live.status() == Some("DRAINING") {
            return;
        }
        let (live, desired) = (Some(json!(kept.name())), Some(json!(wanted.name())));
        let (path, shape, change) = (DELETION.to_owned(), kind.spec(), Change::InPlace);
        let difference = Difference { path, live, desired, by_default: false, shape, secret: false, change };
        self.differ_as(difference, false);
    }

    /// `declared` with AWS's own values at the paths that the manifest says to leave alone; `part` is what those
    /// paths begin with, such as `service`.
    pub fn leaving_alone(&self, shape: &Shape, part: &str, declared: &Document, live: &Document) -> Document {
        let mut desired = declared.clone();
        for ignored in &self.object.policy.ignore {
            let below = if part.is_empty() { Some(ignored.as_str()) } else { ignored.strip_prefix(part) };
            match below.map(|path| path.trim_start_matches('.')) {
                Some("") => desired.clone_from(live),
                Some(path) => copy(shape, path, live, &mut desired),
                None => {}
            }
        }
        desired
    }

    /// Adds a difference.
    pub fn differ(&mut self, difference: Difference) {
        let drift = self.is_applied();
        self.differ_as(difference, drift);
    }

    pub fn differ_as(&mut self, difference: Difference, drift: bool) {
        self.needs_deployment |= difference.change >= Change::NewDeployment;
        let held_back = drift && self.object.policy.drift != DriftPolicy::Heal;
        if held_back && self.object.policy.drift == DriftPolicy::Ignore {
            self.plan.undeclared.push(difference.path);
            return;
        }
        self.plan.differences.push(PlannedDifference { difference, drift, held_back });
    }

    /// The members right under `prefix` that are to be written.
    pub fn members(&self, prefix: &str) -> Vec<String> {
        let differences = self.to_write().cloned().collect();
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        let diff = Diff { differences, undeclared: Vec::new() };
        diff.members(&prefix).into_iter().filter(|member| !is_tag(member)).collect()
    }

    fn to_write(&self) -> impl Iterator<Item = &Difference> {
        self.plan.differences.iter().filter(|planned| !planned.held_back).map(|planned| &planned.difference)
    }

    /// Compares a spec that is one part, and says what to bring about: `None` where a new resource would be needed.
    pub fn compare_whole(&mut self, live: &Document) -> Option<Document> {
        let shape = self.object.key.kind.spec();
        let desired = self.leaving_alone(shape, "", &self.object.spec, live);
        self.compare(shape, "", &desired, live);
        let members = self.replaced();
        if members.is_empty() {
            return Some(desired);
        }
        self.plan.hold = Some(Hold::Blocked(Blocked::ReplacementNeeded { members }));
        None
    }

    /// Members whose change needs a new resource, unless that is confirmed.
    pub fn replaced(&self) -> Vec<String> {
        self.to_write()
            .filter(|found| found.change == Change::Replacement)
            .map(|found| found.path.clone())
            .collect()
    }

    /// Whether the manifest or the command line confirms what this plan would destroy.
    pub fn is_confirmed(&self, draft: &Draft) -> bool {
        let named = draft.options.confirmed.contains(&self.object.origin.to_string());
        named || self.object.policy.confirm.as_ref() == Some(&self.confirmation())
    }

    /// The hash that confirms this plan and no other.
    pub fn confirmation(&self) -> String {
        let differences: Vec<Value> = self
            .to_write()
            .map(|found| json!([found.path, found.desired.as_ref().map(|value| masked(found.shape, value))]))
            .collect();
        digest(&format!("{} {}", self.plan.key, Value::from(differences)))[..12].to_owned()
    }

    /// The tags of a new resource: the declared ones and ours.
    pub fn new_tags(&self, draft: &Draft, declared: Option<&Value>, applied: bool) -> Value {
        let mut tags: Vec<Value> = declared.and_then(Value::as_array).cloned().unwrap_or_default();
        let state = self.written_state(applied);
        tags.extend(
            self.own_tags(draft, &state).into_iter().map(|(key, value)| json!({"key": key, "value": value})),
        );
        Value::Array(tags)
    }

    fn own_tags(&self, draft: &Draft, state: &State) -> Tags {
        Tags::from([
            (tag::OWNER.to_owned(), draft.options.owner.clone()),
            (tag::SOURCE.to_owned(), tag_text(&self.object.origin.place)),
            (tag::STATE.to_owned(), state.to_string()),
        ])
    }

    fn written_state(&self, applied: bool) -> State {
        let applied = if applied { Some(self.hash.clone()) } else { self.state.applied.clone() };
        let policy = self.object.policy.deletion;
        let deletion = Some(policy).filter(|policy| *policy != DeletionPolicy::of(self.object.key.kind));
        State { attempted: Some(self.hash.clone()), applied, deletion, ..self.next.clone() }
    }

    /// Whether the tag must say something else though nothing else is to be done: this manifest was tried and went back,
    /// another one did and this one is what runs, or whoever applied it did not live to say so: what changes from now on
    /// is drift.
    fn notes_down(&self, applied: bool) -> bool {
        let is_unsaid = self.state.attempted.as_ref() == Some(&self.hash) && !self.is_applied();
        (applied && is_unsaid) || self.next.rejected != self.state.rejected
    }

    /// The first action on something that exists: ours and changed tags, and what is about to be attempted.
    /// `rest` says whether other actions follow, after which [`Self::settle`] says that the manifest is applied.
    pub fn tag_ahead(&mut self, draft: &mut Draft<'a>, declared: Option<&Value>, rest: bool) {
        let Some(live) = self.live else { return };
        let changed = self.to_write().any(|found| is_tag(&found.path));
        let applied = !rest && self.plan.hold.is_none();
        if !self.adopt && !changed && !rest && !self.notes_down(applied) {
            return;
        }
        let mut tags = self.own_tags(draft, &self.written_state(applied));
        tags.extend(tag_map(declared).into_iter().filter(|(key, value)| live.tags.get(key) != Some(value)));
        let input = document([("resourceArn", json!(live.arn)), ("tags", tag_list(&tags))]);
        self.act(draft, tagging_api(self.object.key.kind), "TagResource", input);
    }

    /// The last action of a change: the manifest is applied. `arn` is where a new resource's ARN comes from.
    pub fn settle(&mut self, draft: &mut Draft<'a>, arn: Option<Binding>) {
        let tags = Tags::from([(tag::STATE.to_owned(), self.written_state(true).to_string())]);
        let mut input = document([("tags", tag_list(&tags))]);
        if let Some(live) = self.live {
            input.insert("resourceArn".to_owned(), json!(live.arn));
        }
        let action = self.act(draft, tagging_api(self.object.key.kind), "TagResource", input);
        draft.plan.actions[action].bindings.extend(arn);
    }

    /// Adds a call after all of this object's so far.
    pub fn call(&mut self, draft: &mut Draft<'a>, call: Call) -> usize {
        self.act(draft, call.api, call.operation, call.input)
    }

    /// Adds an action after all of this object's so far.
    pub fn act(
        &mut self,
        draft: &mut Draft<'a>,
        api: &'static str,
        operation: &'static str,
        input: Document,
    ) -> usize {
        let index = draft.plan.actions.len();
        draft.plan.actions.push(Action {
            object: self.object.key.clone(),
            api,
            operation,
            input,
            after: self.last.into_iter().collect(),
            bindings: Vec::new(),
            must_own: false,
        });
        self.last = Some(index);
        self.plan.actions.push(index);
        index
    }

    /// The finished plan of the object: its verdict follows from what was found.
    fn finish(mut self, draft: &mut Draft<'a>) -> ObjectPlan {
        self.plan.verdict = match self.live {
            None => Verdict::Create,
            Some(_) if self.adopt => Verdict::Adopt,
            Some(_) if self.plan.differences.is_empty() => Verdict::Unchanged,
            Some(_) if self.plan.differences.iter().all(|planned| planned.drift) => Verdict::Drift,
            Some(_) => Verdict::Change,
        };
        if let Some(last) = self.last {
            draft.last.insert(self.object.key.clone(), last);
        }
        self.plan
    }
}

/// Only what `shape` knows, at any depth: for inputs that take less than what can be declared.
pub(super) fn projected(shape: &Shape, document: &Document) -> Document {
    document
        .iter()
        .filter_map(|(name, value)| {
            let shape = shape.member(name)?.shape();
            let value = match value {
                Value::Object(inner) if shape.is_structure() => Value::Object(projected(shape, inner)),
                other => other.clone(),
            };
            Some((name.clone(), value))
        })
        .collect()
}

pub(super) fn document<const N: usize>(members: [(&str, Value); N]) -> Document {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
}

fn tagging_api(kind: Kind) -> &'static str {
    if kind == Kind::EcrRepository { "ecr" } else { "ecs" }
}

/// Kept in a tag, as the paths of tags are.
fn is_tag(path: &str) -> bool {
    path == DELETION
        || path == "tags"
        || path.starts_with("tags[")
        || path == "service.tags"
        || path.starts_with("service.tags[")
}

/// At most 256 characters of those that every tagging API takes.
fn tag_text(text: &str) -> String {
    let allowed = |letter: char| letter.is_alphanumeric() || " +-=._:/@".contains(letter);
    let tail: Vec<char> = text.chars().map(|letter| if allowed(letter) { letter } else { '_' }).collect();
    tail[tail.len().saturating_sub(256)..].iter().collect()
}
