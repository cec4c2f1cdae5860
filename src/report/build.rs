//! Views from plans, outcomes and what was seen. Here, and only here, secrets are masked.

use super::view::{
    CallView, CauseView, DifferenceView, ErrorView, HoldView, ObjectView, PruneView, Result, RolloutState,
    RolloutView, Summary, VERSION, View,
};
use super::words;
use crate::execute::{ActionResult, Outcome};
use crate::model::desired::Document;
use crate::model::diff::masked;
use crate::model::facts;
use crate::model::names::{Kind, family_and_revision};
use crate::model::observed::{Observed, Sighting};
use crate::plan::{Action, Hold, ObjectPlan, Plan, PlannedDifference, Pruning};
use crate::rollout::{Cause, Progress, progress};
use serde_json::Value;
use std::collections::BTreeSet;
use std::error::Error;

/// Where the manifests of a view come from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// As the command line names it.
    pub place: String,
    pub revision: Option<String>,
}

impl View {
    /// The view of a plan. `reveal` shows secrets: for a local terminal only.
    pub fn of(plan: &Plan, source: &Source, reveal: bool) -> Self {
        let objects: Vec<ObjectView> =
            plan.objects.iter().map(|object| ObjectView::of(object, &plan.actions, reveal)).collect();
        let regions: BTreeSet<String> = objects.iter().map(|object| object.region.clone()).collect();
        Self {
            version: VERSION,
            account: plan.account.clone(),
            regions: regions.into_iter().collect(),
            owner: plan.owner.clone(),
            source: source.place.clone(),
            revision: source.revision.clone(),
            prune: plan.prune.as_ref().map(PruneView::of),
            summary: Summary::of(&objects),
            objects,
        }
    }

    /// With the deployments of the services that were seen.
    #[must_use]
    pub fn with_rollouts(mut self, plan: &Plan, observed: &Observed) -> Self {
        for (view, object) in self.objects.iter_mut().zip(&plan.objects) {
            let seen = observed.resources.get(&object.key).and_then(Sighting::present);
            view.rollout = seen.filter(|_| object.key.kind == Kind::EcsService).map(|service| {
                match plan.rollouts.get(&object.key) {
                    Some(judged) => RolloutView::of(&service.body, judged),
                    None => RolloutView::of(&service.body, &progress(&service.body)),
                }
            });
        }
        self
    }

    /// With what became of the plan's actions.
    #[must_use]
    pub fn with_outcome(mut self, plan: &Plan, outcome: &Outcome) -> Self {
        for (view, object) in self.objects.iter_mut().zip(&plan.objects) {
            view.result = result(object, plan, outcome);
        }
        self
    }

    /// Only the objects for which `keep` holds; the summary still counts all.
    #[must_use]
    pub fn only(mut self, keep: impl FnMut(&ObjectView) -> bool) -> Self {
        self.objects.retain(keep);
        self
    }
}

impl Summary {
    fn of(objects: &[ObjectView]) -> Self {
        let count =
            |wanted: &dyn Fn(&ObjectView) -> bool| objects.iter().filter(|object| wanted(object)).count();
        let held = |blocked| {
            count(&|object| object.hold.as_ref().is_some_and(|hold: &HoldView| hold.blocked == blocked))
        };
        let verdicts = words::VERDICTS
            .map(|verdict| (words::words(verdict).name, count(&|object| object.verdict == verdict)));
        Self {
            verdicts: verdicts.into_iter().filter(|(_, count)| *count > 0).collect(),
            waiting: held(false),
            blocked: held(true),
        }
    }
}

impl PruneView {
    fn of(pruning: &Pruning) -> Self {
        Self {
            regions: pruning.regions.iter().cloned().collect(),
            owned: pruning.owned,
            going: pruning.going.len(),
            allowed: pruning.allowed,
            confirmation: pruning.confirmation.clone(),
            hold: pruning.hold.as_ref().map(HoldView::of),
        }
    }
}

impl ObjectView {
    fn of(object: &ObjectPlan, actions: &[Action], reveal: bool) -> Self {
        Self {
            object: object.origin.to_string(),
            kind: object.key.kind,
            name: object.key.name.clone(),
            cluster: object.key.cluster.clone(),
            region: object.key.region.clone(),
            place: object.origin.place.clone(),
            verdict: object.verdict,
            why: words::words(object.verdict).why.to_owned(),
            change: object.change(),
            differences: object.differences.iter().map(|one| DifferenceView::of(one, reveal)).collect(),
            notes: object.notes.clone(),
            undeclared: object.undeclared.clone(),
            hold: object.hold.as_ref().map(HoldView::of),
            calls: object.actions.iter().filter_map(|index| actions.get(*index)).map(CallView::of).collect(),
            rollout: None,
            result: None,
        }
    }
}

impl DifferenceView {
    fn of(planned: &PlannedDifference, reveal: bool) -> Self {
        let difference = &planned.difference;
        let shown = |value: &Option<Value>| {
            value.as_ref().map(|value| match value {
                value if reveal => value.clone(),
                Value::Null => Value::Null,
                _ if difference.secret => Value::from("***"),
                value => masked(difference.shape, value),
            })
        };
        let (live, desired) = (shown(&difference.live), shown(&difference.desired));
        // What is masked inside a structure may be all that differs.
        let secret = !reveal && (difference.secret || live == desired);
        Self {
            path: difference.path.clone(),
            live,
            desired,
            by_default: difference.by_default,
            secret,
            drift: planned.drift,
            held_back: planned.held_back,
            change: difference.change,
        }
    }
}

impl HoldView {
    fn of(hold: &Hold) -> Self {
        Self {
            blocked: matches!(hold, Hold::Blocked(_)),
            reason: hold.reason(),
            message: hold.to_string(),
            hint: hold.hint(),
        }
    }
}

impl CallView {
    fn of(action: &Action) -> Self {
        let input = Value::Object(action.input.clone());
        let shape = facts::operation(action.api, action.operation).and_then(|facts| facts.input);
        Self {
            operation: format!("{}:{}", action.api, action.operation),
            // What no shape describes cannot be told from a secret.
            input: shape.map_or(Value::Null, |shape| masked(shape.shape(), &input)),
        }
    }
}

impl RolloutView {
    /// Where the deployment of a described service stands.
    pub fn of(service: &Document, progress: &Progress) -> Self {
        let number = |name: &str| service.get(name).and_then(Value::as_i64).unwrap_or_default();
        let state = match progress {
            Progress::Done => RolloutState::Done,
            Progress::Rolling { .. } => RolloutState::Rolling,
            Progress::RollingBack(_) => RolloutState::RollingBack,
            Progress::RolledBack(_) => RolloutState::RolledBack,
            Progress::Failed(_) => RolloutState::Failed,
        };
        let failure = progress.failure();
        let (failed, causes) = match progress {
            Progress::Rolling { counts, causes } => (counts.failed, causes.as_slice()),
            _ => (0, failure.map(|failure| failure.causes.as_slice()).unwrap_or_default()),
        };
        let breaker = failure.and_then(|failure| failure.breaker);
        Self {
            state,
            reason: failure.map(|failure| failure.reason.clone()),
            revision: service
                .get("taskDefinition")
                .and_then(Value::as_str)
                .map(|arn| family_and_revision(arn).to_owned()),
            tried: failure.map(|failure| failure.from.clone()),
            back_to: failure.and_then(|failure| failure.to.clone()),
            desired: number("desiredCount"),
            running: number("runningCount"),
            pending: number("pendingCount"),
            failed: breaker.map_or(failed, |(failed, _)| failed),
            threshold: breaker.map(|(_, threshold)| threshold),
            causes: causes.iter().map(CauseView::of).collect(),
        }
    }
}

impl CauseView {
    fn of(cause: &Cause) -> Self {
        Self {
            tasks: cause.tasks,
            reason: cause.reason.clone(),
            container: cause.container.clone(),
            exit_code: cause.exit_code,
            detail: cause.detail.clone(),
            message: cause.to_string(),
        }
    }
}

fn result(object: &ObjectPlan, plan: &Plan, outcome: &Outcome) -> Option<Result> {
    let results = || object.actions.iter().filter_map(|index| Some((index, outcome.results.get(*index)?)));
    let failed = results().find_map(|(index, result)| match result {
        ActionResult::Failed(error) => {
            let operation = plan.actions.get(*index).map(|action| CallView::of(action).operation);
            let error = ErrorView { hints: error.hint().into_iter().collect(), ..ErrorView::of(error) };
            Some(Result::Failed { operation: operation.unwrap_or_default(), error })
        }
        ActionResult::NotOwned => Some(Result::NotOwned),
        _ => None,
    });
    let skipped = || results().any(|(_, result)| matches!(result, ActionResult::Skipped));
    match failed {
        None if object.actions.is_empty() => None,
        None if skipped() => Some(Result::Skipped),
        None => Some(Result::Done),
        failed => failed,
    }
}

impl ErrorView {
    /// The whole chain, one message each.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        Self {
            message: error.to_string(),
            caused_by: causes.map(ToString::to_string).collect(),
            hints: Vec::new(),
        }
    }
}
