//! Passes: a few objects are read, what may be written of what was planned is decided, and that is written.
//!
//! Between reading and writing time has passed: a manifest may have changed, and a request to stop come in.
//! Tests: `tests/operator`.

use super::Operator;
use super::kept::Turn;
use super::publish::Publish;
use super::wake::Panicked;
use crate::aws::CallError;
use crate::execute::Outcome;
use crate::plan::{Plan, Verdict};
use crate::reconcile::Planned;
use crate::report::{Event, Happening};
use crate::source::Source;
use std::sync::Arc;
use tokio::time::Instant;

/// How far a pass has come.
pub(super) enum Step {
    Read(Box<Read>),
    Wrote(Box<Wrote>),
}

/// A pass that has read, and written nothing yet.
pub(super) struct Read {
    turn: Turn,
    planned: Result<Planned, CallError>,
}

/// A pass that has written.
pub(super) struct Wrote {
    turn: Turn,
    planned: Planned,
    /// What of it was carried out.
    plan: Plan,
    outcome: Result<Outcome, Vec<String>>,
}

impl<S: Source, P: Publish> Operator<S, P> {
    pub(super) fn read(&mut self, turn: Turn) {
        let session = Arc::clone(&self.session);
        self.pass.begin(async move {
            let planned = session.plan(&turn.desired).await;
            Step::Read(Box::new(Read { turn, planned }))
        });
    }

    /// A pass has come a step further.
    pub(super) async fn stepped(&mut self, step: Result<Step, Panicked>) {
        let now = Instant::now();
        let events = match step {
            Ok(Step::Read(read)) => match (*read, self.sweeps.may_pass) {
                (Read { turn, .. }, false) => self.failed(&turn, now, Vec::new()),
                (Read { turn, planned: Ok(planned) }, true) => {
                    let plan = self.kept.allowed(&planned.plan, &turn, now);
                    if !plan.actions.is_empty() {
                        return self.write(turn, planned, plan);
                    }
                    self.passed(&turn, &planned, &plan, &Outcome::default(), now)
                }
                (Read { turn, planned: Err(error) }, true) => {
                    let told = self.sweeps.not_reached(error.to_string());
                    self.failed(&turn, now, told)
                }
            },
            Ok(Step::Wrote(wrote)) => match &wrote.outcome {
                Ok(outcome) => self.passed(&wrote.turn, &wrote.planned, &wrote.plan, outcome, now),
                Err(broken) => {
                    let message =
                        format!("the plan breaks a rule that every plan keeps: {}", broken.join("; "));
                    self.failed(&wrote.turn, now, vec![Event::of_all(Happening::Failed, message)])
                }
            },
            // Its objects are left to the next sweep.
            Err(panicked) => vec![Event::of_all(Happening::Failed, panicked.to_string())],
        };
        self.tell(events).await;
    }

    fn write(&mut self, turn: Turn, planned: Planned, plan: Plan) {
        let session = Arc::clone(&self.session);
        self.pass.begin(async move {
            let outcome = session.execute(&plan).await;
            Step::Wrote(Box::new(Wrote { turn, planned, plan, outcome }))
        });
    }

    fn passed(
        &mut self,
        turn: &Turn,
        planned: &Planned,
        plan: &Plan,
        outcome: &Outcome,
        now: Instant,
    ) -> Vec<Event> {
        self.vitals.metrics.ran("pass", now - turn.began, outcome.is_done());
        self.vitals.metrics.wrote(plan, outcome);
        let mut events = self.kept.passed(turn, planned, plan, outcome, now);
        // What could not be read at all is no answer.
        if planned.plan.objects.iter().any(|object| object.verdict != Verdict::Unreadable) {
            events.splice(0..0, self.sweeps.reached());
        }
        events
    }

    fn failed(&mut self, turn: &Turn, now: Instant, events: Vec<Event>) -> Vec<Event> {
        self.vitals.metrics.ran("pass", now - turn.began, false);
        self.kept.failed(turn, now);
        events
    }
}
