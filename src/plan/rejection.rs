//! What was tried and went back is not tried again: the judgement before a service's deployment, and what holds instead.
//!
//! A manifest that is not the one attempted last is a newer one and goes on at once, whatever AWS is in the middle of.
//! The one attempted last, and any when the state tag is lost, is looked up in the history of deployments first; until
//! that is read nothing starts a deployment ([`Plan::asks`]). Rejected is what failed there, by its
//! whole bundle, and what the tag says somebody sent back. Then the last good service revision takes the place of the
//! manifest's bundle: drift from it is healed, by revisions that are there, while what needs no deployment follows the
//! manifest. What AWS leaves as it failed (a circuit breaker without rollback, a first deployment) is left so.
//!
//! Declaring something else in between forgets a rejection, for the tag moves on: then the same again is a new attempt.

use super::object::{Unreadable, Work};
use super::revision::Choice;
use super::service::back_to_launch_type;
use super::{Action, Blocked, Draft, Hold, ObjectPlan, Plan, Waiting};
use crate::model::described;
use crate::model::desired::Document;
use crate::model::diff::Difference;
use crate::model::facts::kind_shape;
use crate::model::names::family_and_revision;
use crate::model::observed::{History, Resource, Sighting};
use crate::model::revision::is_equal;
use crate::model::semantics::Change;
use crate::model::state::Rejected;
use crate::rollout::history::{self, Deployment, Ending, Judgement};
use crate::rollout::{
    Failure, Progress, bundle, failed_visibly, has_failed_in_place, is_deploying, progress, shows_failure,
};
use serde_json::{Value, json};

/// The choice as it may be carried out; none: nothing is done about the service now. Takes the last good bundle into
/// `desired` where the manifest's is rejected.
pub(super) fn settled<'a>(
    draft: &mut Draft<'a>,
    work: &mut Work<'a>,
    live: &'a Resource,
    desired: &mut Document,
    choice: Choice,
) -> Result<Option<Choice>, Unreadable> {
    let stands = progress(&live.body);
    let starts = choice.deploys() || work.starts_deployment();
    let differs = starts || work.needs_deployment;
    let tagged = work.state.rejected.as_ref().is_some_and(|rejected| rejected.is_about(&work.hash));
    let rejected = work.state.rejected.as_ref().map(|rejected| &rejected.manifest);
    if work.is_newer() && stands == Progress::Done && rejected != work.state.applied.as_ref() {
        work.next.good.clone_from(&work.state.applied);
    }
    draft.plan.rollouts.insert(work.object.key.clone(), stands.clone());
    let suspect = shows_failure(&live.body) || tagged;
    if work.is_newer() || !is_by_ecs(live) || !(differs || suspect) {
        if starts {
            begin_attempt(work, live);
        }
        return Ok(Some(choice));
    }
    let history = match &live.parts.history {
        None => {
            draft.plan.asks.insert(work.object.key.clone());
            return Ok(None);
        }
        Some(Sighting::Unreadable(cause)) if starts => return Err(cause.clone()),
        Some(Sighting::Present(history)) => Some(history),
        Some(unread) => {
            let why = unread.cause().unwrap_or("AWS keeps no history of deployments here");
            work.plan.notes.push(format!("what was deployed before is not checked: {why}"));
            None
        }
    };
    let case = Case { draft, work, live, choice: &choice, differs };
    let judgement = history.map(|history| history::judge(history, |revision| case.wants(revision)));
    let found = match case.judge(judgement.as_ref(), tagged)? {
        Found::Rejected(found) => found,
        Found::Unknown if starts && history.is_some_and(|history| history.next.is_some()) => {
            draft.plan.asks.insert(work.object.key.clone());
            return Ok(None);
        }
        Found::Begun => {
            work.plan.hold = Some(Hold::Waiting(Waiting::Deployment));
            return Ok(None);
        }
        Found::New | Found::Unknown => {
            if starts {
                begin_attempt(work, live);
            }
            return Ok(Some(choice));
        }
        Found::Free => {
            note_causes(draft, work, judgement.and_then(|judgement| judgement.attempt));
            return Ok(Some(choice));
        }
    };
    let wants_older = found.heals && found.good.is_none();
    if wants_older && history.is_some_and(|history| history.next.is_some()) {
        draft.plan.asks.insert(work.object.key.clone());
        return Ok(None);
    }
    Ok(Some(reject(draft, work, live, desired, (found, history))))
}

/// Only ECS's own controller keeps service deployments, and it is silence's meaning.
pub(super) fn is_by_ecs(live: &Resource) -> bool {
    let controller = live.body.get("deploymentController").and_then(|controller| controller["type"].as_str());
    controller.is_none_or(|controller| controller == "ECS")
}

/// What failed up to now says nothing about the attempt that begins.
fn begin_attempt(work: &mut Work, live: &Resource) {
    let newest = live.body.get("currentServiceDeployment").and_then(Value::as_str);
    work.next.before = newest.map(|arn| history::mark(arn).to_owned());
}

fn note_causes(draft: &mut Draft, work: &Work, attempt: Option<Deployment>) {
    if let Some(Progress::Rolling { causes, .. }) = draft.plan.rollouts.get_mut(&work.object.key) {
        *causes = attempt.map(|attempt| attempt.causes()).unwrap_or_default();
    }
}

/// What is judged.
struct Case<'c, 'a> {
    draft: &'c Draft<'a>,
    work: &'c Work<'a>,
    live: &'c Resource,
    choice: &'c Choice,
    /// Whether what runs is not what is wanted, whether that is brought about or not.
    differs: bool,
}

/// The judgement.
enum Found<'a> {
    /// It did not fail.
    Free,
    /// It was tried before the attempt that now begins, and not since.
    New,
    /// Nothing that was read says anything of it.
    Unknown,
    /// It is under way, and AWS still describes what was before.
    Begun,
    Rejected(Rejection<'a>),
}

/// A manifest that was tried.
struct Rejection<'a> {
    failure: Failure,
    /// The last good service revision.
    good: Option<&'a Document>,
    /// AWS itself is at it.
    is_going_back: bool,
    /// It is what runs.
    stays: bool,
    /// Whether what is not the last good bundle is brought back to it.
    heals: bool,
}

impl Case<'_, '_> {
    /// Whether the service revision is what the manifest wants: the whole bundle.
    fn wants(&self, revision: &Document) -> bool {
        let declared = self.work.object.part("service").cloned().unwrap_or_default();
        let wanted = self.work.leaving_alone(kind_shape("Service"), "service", &declared, revision);
        let differences = bundle::difference(&wanted, revision, self.work.account);
        // Of these two AWS may say nothing.
        let silent = |found: &Difference| {
            found.live.is_none()
                && ["service.launchType", "service.platformVersion"].contains(&found.path.as_str())
        };
        differences.iter().all(silent) && self.runs(bundle::task_definition(revision))
    }

    /// Whether this task definition, as `family:revision`, is what the manifest wants.
    fn runs(&self, name: &str) -> bool {
        // A manifest that names a bare family is content with any revision of it.
        let of_family = |chosen| name.rsplit_once(':').is_some_and(|(family, _)| family == chosen);
        let is_it = self.chosen().is_some_and(|chosen| chosen == name || of_family(chosen));
        is_it || self.has_body(name).is_some_and(|equal| equal)
    }

    /// The revision that the manifest wants, where that exists.
    fn chosen(&self) -> Option<&str> {
        match self.choice {
            // Left alone, and not what is wanted.
            Choice::Keep if self.is_left_alone() => None,
            Choice::Keep => described::running_revision(self.live).map(family_and_revision),
            Choice::Use(name) => Some(family_and_revision(name)),
            Choice::Register(_) | Choice::Held(_) | Choice::Unreadable(_) => None,
        }
    }

    /// Whether the manifest wants another task definition than the one that runs, and says not to bring it.
    fn is_left_alone(&self) -> bool {
        let running = described::running_revision(self.live).map(family_and_revision);
        self.differs && running.and_then(|running| self.has_body(running)).is_some_and(|equal| !equal)
    }

    /// Whether the revision has the body that the manifest declares; none where it is not described.
    fn has_body(&self, name: &str) -> Option<bool> {
        let body = self.work.object.part("taskDefinition")?;
        let key = (self.work.object.key.region.clone(), name.to_owned());
        let revision = self.draft.observed.revisions.get(&key)?.present()?;
        let body =
            self.work.leaving_alone(kind_shape("TaskDefinition"), "taskDefinition", body, &revision.body);
        Some(is_equal(&body, revision, self.work.account))
    }

    fn judge<'a>(&self, judgement: Option<&Judgement<'a>>, tagged: bool) -> Result<Found<'a>, Unreadable> {
        let attempt = judgement.and_then(|judgement| judgement.attempt);
        let good = judgement.and_then(|judgement| judgement.good);
        let counts = |attempt: &Deployment| attempt.is_after(self.work.state.before.as_deref());
        let ending = attempt.filter(counts).map(|attempt| attempt.ending());
        let to = good.map(|good| bundle::task_definition(good).to_owned());
        if let (Some(attempt), Some(ending)) = (attempt, ending.filter(|ending| ending.is_failure())) {
            let failure = Failure {
                from: attempt.target().map(bundle::task_definition).unwrap_or_default().to_owned(),
                to: to.filter(|_| self.differs || attempt.rolls_back_to().is_some()),
                reason: attempt.reason().unwrap_or("the deployment failed").to_owned(),
                breaker: attempt.failures(),
                causes: attempt.causes(),
            };
            let is_going_back = ending == Ending::Failing;
            let heals = self.differs && !is_going_back;
            let stays = !self.differs;
            return Ok(Found::Rejected(Rejection { failure, good, is_going_back, stays, heals }));
        }
        let found =
            |failure, heals| Rejection { failure, good, is_going_back: false, stays: !self.differs, heals };
        if let Some(failure) = self.visible(judgement.is_some()) {
            let causes = attempt.map(|attempt| attempt.causes()).unwrap_or_default();
            return Ok(Found::Rejected(found(Failure { causes, ..failure }, self.differs)));
        }
        if tagged && let Some(from) = self.sent_back()? {
            let reason = "somebody asked for it".to_owned();
            return Ok(Found::Rejected(found(Failure { from, to, reason, ..Failure::default() }, true)));
        }
        Ok(match (attempt, ending) {
            _ if !self.differs => Found::Free,
            (Some(attempt), Some(Ending::UnderWay)) if attempt.is_newest() => Found::Begun,
            // What was overtaken may have failed before.
            (None, _) | (Some(_), Some(Ending::Overtaken)) => Found::Unknown,
            (Some(_), None) => Found::New,
            (Some(_), Some(_)) => Found::Free,
        })
    }

    /// What the service itself shows as failed, where the history is silent or behind. Only of PRIMARY it is sure that
    /// its whole bundle is what is wanted: with a history, nothing else counts.
    fn visible(&self, has_history: bool) -> Option<Failure> {
        let counts = if self.differs { !has_history } else { has_failed_in_place(&self.live.body) };
        failed_visibly(&self.live.body, self.chosen()?).filter(|_| counts)
    }

    /// What the tag says was tried, if that is what the manifest wants: the hash does not cover secrets.
    fn sent_back(&self) -> Result<Option<String>, Unreadable> {
        let Some(rejected) = &self.work.state.rejected else { return Ok(None) };
        if let Some(chosen) = self.chosen().filter(|chosen| rejected.tried(chosen)) {
            return Ok(Some(chosen.to_owned()));
        }
        let Some(name) = rejected.revision() else { return Ok(None) };
        let key = (self.work.object.key.region.clone(), name.to_owned());
        match self.draft.observed.revisions.get(&key) {
            Some(Sighting::Unreadable(cause)) => Err(cause.clone()),
            // Deleted, or named by the manifest: nothing says that the manifest has another secret.
            _ => Ok(Some(name.to_owned()).filter(|_| self.has_body(name).is_none_or(|equal| equal))),
        }
    }
}

/// Holds the service at its last good bundle, and says why.
fn reject<'a>(
    draft: &mut Draft<'a>,
    work: &mut Work<'a>,
    live: &Resource,
    desired: &mut Document,
    (found, history): (Rejection, Option<&History>),
) -> Choice {
    let Rejection { failure, good, is_going_back, stays, heals } = found;
    work.next.rejected = Some(Rejected::new(&work.hash, &failure.from));
    for planned in &mut work.plan.differences {
        if planned.difference.change >= Change::NewDeployment {
            (planned.held_back, planned.drift) = (true, false);
        }
    }
    let choice = match good.filter(|_| heals) {
        Some(good) => hold_at(work, live, desired, good, history),
        None => Choice::Keep,
    };
    let heals = choice.deploys() || work.starts_deployment();
    let goes_back = is_going_back || heals || (!stays && is_deploying(&live.body));
    let (progress, blocked) = match () {
        () if goes_back => (Progress::RollingBack(failure.clone()), Blocked::RollingBack(failure)),
        () if stays || failure.to.is_none() || has_failed_in_place(&live.body) => {
            (Progress::Failed(failure.clone()), Blocked::RolloutFailed(failure))
        }
        () => (Progress::RolledBack(failure.clone()), Blocked::RolledBack(failure)),
    };
    draft.plan.rollouts.insert(work.object.key.clone(), progress);
    work.plan.hold = Some(Hold::Blocked(blocked));
    choice
}

/// Puts the last good bundle in the place of the manifest's, and notes how what runs differs from it.
pub(super) fn hold_at(
    work: &mut Work,
    live: &Resource,
    desired: &mut Document,
    good: &Document,
    history: Option<&History>,
) -> Choice {
    let described = described::service(live);
    desired.retain(|member, _| !bundle::holds(member));
    desired.extend(bundle::of(good));
    // Whatever AWS runs now is as good as what it ran then.
    let is_latest = described.get("platformVersion").is_none_or(|version| version == "LATEST");
    if is_latest {
        desired.remove("platformVersion");
    }
    back_to_launch_type(desired, &described);
    if good.get("loadBalancers").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        // Refused without a load balancer.
        let grace = |path: &str| path == "service.healthCheckGracePeriodSeconds";
        let found = work.plan.differences.iter_mut();
        found.filter(|planned| grace(&planned.difference.path)).for_each(|planned| planned.held_back = true);
    }
    let (runs, wanted) = (
        described::running_revision(live).map(family_and_revision).unwrap_or_default(),
        bundle::task_definition(good),
    );
    let newest = history.and_then(|history| history::all(history).next()).and_then(|newest| newest.brings());
    if runs == wanted && newest.is_some_and(|newest| bundle::is_same(newest, good, work.account)) {
        return Choice::Keep;
    }
    for difference in bundle::difference(desired, &described, work.account) {
        if difference.change < Change::Replacement {
            work.differ_as(difference, true);
        }
    }
    if runs == wanted {
        return Choice::Keep;
    }
    let shape =
        kind_shape("Service").member("taskDefinition").map_or(kind_shape("Text"), |member| member.shape());
    work.differ_as(
        Difference {
            path: "service.taskDefinition".to_owned(),
            live: Some(json!(runs)),
            desired: Some(json!(wanted)),
            by_default: false,
            shape,
            secret: false,
            change: Change::NewDeployment,
        },
        true,
    );
    let is_left = work.plan.differences.last().is_none_or(|planned| planned.held_back);
    if is_left { Choice::Keep } else { Choice::Use(wanted.to_owned()) }
}

impl Plan {
    /// Only what notes down that manifests were tried and went back.
    #[must_use]
    pub fn notes_of_rejections(&self) -> Self {
        let mut notes = Self { objects: Vec::new(), actions: Vec::new(), ..self.clone() };
        for object in &self.objects {
            let actions: Vec<&Action> =
                object.actions.iter().filter_map(|index| self.actions.get(*index)).collect();
            let rejected = matches!(
                object.hold,
                Some(Hold::Blocked(
                    Blocked::RolledBack(_) | Blocked::RollingBack(_) | Blocked::RolloutFailed(_)
                ))
            );
            if let ([note], true) = (actions.as_slice(), rejected)
                && note.operation == "TagResource"
            {
                notes.objects.push(ObjectPlan { actions: vec![notes.actions.len()], ..object.clone() });
                notes.actions.push(Action { after: Vec::new(), ..(*note).clone() });
            }
        }
        notes
    }
}
