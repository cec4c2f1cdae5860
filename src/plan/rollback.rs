//! Back to what ran well before, because somebody asks for it.
//!
//! The present manifest is marked as rejected first, so that nothing deploys it again. Then a deployment that is under
//! way is stopped by AWS's own rollback; else one UpdateService brings the bundle of the newest deployment before it that
//! succeeded. Nothing is registered. Asking twice goes back once: how far further is for a manifest to say.

use super::object::{Unreadable, Work, document};
use super::rejection::{hold_at, is_by_ecs};
use super::service::send;
use super::{Blocked, Draft, Hold, ObjectPlan, Options, Plan, Verdict, Waiting};
use crate::model::described::{self, tag_list};
use crate::model::desired::{Desired, Document, Object};
use crate::model::names::{family_and_revision, tag};
use crate::model::observed::{History, Observed, Resource, Sighting, Tags};
use crate::model::state::{Rejected, State};
use crate::rollout::history::{self, Deployment, Ending};
use crate::rollout::{Failure, Progress, bundle, is_deploying, progress};
use serde_json::json;

/// Plans to take every service of `desired` back.
pub fn rollback(desired: &Desired, observed: &Observed, options: &Options) -> Plan {
    let mut draft = Draft::new(desired, observed, options);
    for object in desired.objects.values() {
        let planned = back(&mut draft, object);
        draft.plan.objects.push(planned);
    }
    draft.plan
}

fn back<'a>(draft: &mut Draft<'a>, object: &'a Object) -> ObjectPlan {
    let mut work = match Work::begin(draft, object) {
        Ok(work) => work,
        Err(settled) => return settled,
    };
    let held = match work.live {
        None => Ok(Some(Hold::Blocked(Blocked::Missing { what: format!("service `{}`", object.key.name) }))),
        Some(live) if live.status() == Some("DRAINING") => Ok(Some(Hold::Waiting(Waiting::Draining))),
        Some(live) => take_back(draft, &mut work, live),
    };
    let mut verdict = Verdict::Rollback;
    match held {
        Ok(hold) => work.plan.hold = hold,
        Err(cause) => {
            verdict = Verdict::Unreadable;
            work.plan.notes.push(cause);
        }
    }
    ObjectPlan { verdict, ..work.plan }
}

/// What runs, and what to go back to.
struct Way<'a> {
    newest: Deployment<'a>,
    /// The bundle that the service is made of, or is being made of.
    present: &'a Document,
    good: Option<&'a Document>,
}

fn take_back<'a>(
    draft: &mut Draft<'a>,
    work: &mut Work<'a>,
    live: &'a Resource,
) -> Result<Option<Hold>, Unreadable> {
    let nothing = |why: &str| Ok(Some(Hold::Blocked(Blocked::NothingGood { why: why.to_owned() })));
    if !is_by_ecs(live) {
        return nothing("another deployment controller than ECS's deploys it");
    }
    draft.plan.rollouts.insert(work.object.key.clone(), progress(&live.body));
    let history = match &live.parts.history {
        None => {
            draft.plan.asks.insert(work.object.key.clone());
            return Ok(None);
        }
        Some(Sighting::Unreadable(cause)) => return Err(cause.clone()),
        Some(Sighting::Absent) => return nothing("AWS keeps no history of deployments here"),
        Some(Sighting::Present(history)) => history,
    };
    let rejected = rejected(&work.state);
    let way = way(history, rejected, work.account);
    if way.as_ref().is_none_or(|way| way.good.is_none()) && history.next.is_some() {
        draft.plan.asks.insert(work.object.key.clone());
        return Ok(None);
    }
    let Some(Way { newest, present, good: Some(good) }) = way else {
        return nothing("no other deployment of the last 90 days succeeded");
    };
    let from = newest.target().map(bundle::task_definition).unwrap_or_default();
    if let Some(progress) = already((live, work.account), rejected, &newest, (present, good)) {
        let to = bundle::task_definition(newest.brings().unwrap_or(present));
        let place = if progress.is_under_way() { "on its way back to" } else { "back at" };
        work.plan.notes.push(format!("it is {place} `{to}`"));
        draft.plan.rollouts.insert(work.object.key.clone(), progress);
        return Ok(None);
    }
    let to = bundle::task_definition(good);
    work.plan.notes.push("what is declared now is not deployed again until it changes".to_owned());
    if rejected.is_none() {
        reject(draft, work, live, from);
    }
    if newest.ending() == Ending::UnderWay {
        work.plan.notes.insert(0, format!("stops the deployment of `{from}`: AWS goes back to `{to}`"));
        let input =
            document([("serviceDeploymentArn", json!(newest.arn())), ("stopType", json!("ROLLBACK"))]);
        work.act(draft, "ecs", "StopServiceDeployment", input);
    } else {
        work.plan.notes.insert(0, format!("deploys `{to}` as it ran before"));
        let described = described::service(live);
        let mut desired = described.clone();
        let choice = hold_at(work, live, &mut desired, good, Some(history));
        work.plan.differences.iter_mut().for_each(|planned| planned.drift = false);
        send(draft, work, choice, (&desired, &described));
    }
    Ok(None)
}

/// What the tag says of the manifest attempted last.
fn rejected(state: &State) -> Option<&Rejected> {
    let attempted = state.attempted.as_deref();
    state.rejected.as_ref().filter(|rejected| attempted.is_none_or(|attempted| rejected.is_about(attempted)))
}

/// Where the service stands in its history.
fn way<'a>(history: &'a History, rejected: Option<&Rejected>, account: &str) -> Option<Way<'a>> {
    let newest = history::all(history).next()?;
    // A rollback that ended leaves the old bundle; one that could not leaves the new one.
    let present = newest.brings()?;
    let before = || newest.good_before(|other| bundle::is_same(other, present, account));
    let tried = |revision: &Document| {
        rejected.is_some_and(|rejected| rejected.tried(bundle::task_definition(revision)))
    };
    let good = match newest.rolls_back_to() {
        None if rejected.is_some() && !tried(present) => history::judge(history, tried).good,
        back => back.or_else(before),
    };
    Some(Way { newest, present, good })
}

/// Where a rollback stands that has begun, or has been, before.
fn already(
    (live, account): (&Resource, &str),
    rejected: Option<&Rejected>,
    newest: &Deployment,
    (present, good): (&Document, &Document),
) -> Option<Progress> {
    let (runs, wanted) = (bundle::task_definition(present), bundle::task_definition(good));
    let tried = newest.target().map(bundle::task_definition).unwrap_or_default();
    let failure = |from: &str, to: &str| Failure {
        from: from.to_owned(),
        to: Some(to.to_owned()),
        reason: newest.reason().unwrap_or("somebody asked for it").to_owned(),
        breaker: newest.failures(),
        causes: newest.causes(),
    };
    if newest.ending() == Ending::Failing {
        return Some(Progress::RollingBack(failure(tried, wanted)));
    }
    let is_back = described::running_revision(live).map(family_and_revision) == Some(runs);
    if newest.ending() == Ending::Failed && newest.rolls_back_to().is_some() && is_back {
        return Some(Progress::RolledBack(failure(tried, runs)));
    }
    let rejected = rejected?;
    // What differs beside the task definition cannot be told by the tag: then it counts as gone back.
    let same_name = rejected.tried(runs) && rejected.tried(wanted);
    if !same_name && !bundle::is_same(present, good, account) {
        return None;
    }
    let failure = failure(rejected.revision().unwrap_or_default(), runs);
    Some(if newest.ending() == Ending::UnderWay || is_deploying(&live.body) {
        Progress::RollingBack(failure)
    } else {
        Progress::RolledBack(failure)
    })
}

/// Notes down that the manifest attempted last is rejected.
fn reject<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>, live: &Resource, revision: &str) {
    let manifest = work.state.attempted.as_deref().unwrap_or(Rejected::WHATEVER);
    let state = State { rejected: Some(Rejected::new(manifest, revision)), ..work.state.clone() };
    let tags = Tags::from([(tag::STATE.to_owned(), state.to_string())]);
    let input = document([("resourceArn", json!(live.arn)), ("tags", tag_list(&tags))]);
    work.act(draft, "ecs", "TagResource", input);
}
