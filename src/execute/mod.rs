//! A plan's actions as calls, in dependency order, side by side where independent.
//!
//! A failed action skips only what comes after it. Nothing is decided here: inputs are sent as planned, and what
//! only an earlier answer can give is put where the plan says. Tests: `tests/`, against the sandbox.

use crate::aws::{Api, Aws, CallError, Operation};
use crate::model::desired::Document;
use crate::model::document::to_wire;
use crate::model::facts;
use crate::model::names::tag;
use crate::plan::{Action, Plan};
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

/// What became of a plan's actions, by index.
#[derive(Debug, Default)]
pub struct Outcome {
    pub results: Vec<ActionResult>,
}

/// What became of one action.
#[derive(Debug)]
pub enum ActionResult {
    Done,
    Failed(CallError),
    /// The create answered with something that exists and is not ours.
    NotOwned,
    /// An action that it comes after did not succeed.
    Skipped,
}

impl Outcome {
    pub fn is_done(&self) -> bool {
        self.results.iter().all(|result| matches!(result, ActionResult::Done))
    }

    /// How many calls changed something.
    pub fn changed(&self) -> usize {
        self.results.iter().filter(|result| matches!(result, ActionResult::Done)).count()
    }
}

/// Where an action stands.
enum Step {
    Open,
    Under,
    Over(ActionResult, Document),
}

/// Carries out every action of `plan`.
pub async fn execute(aws: &Aws, plan: &Plan) -> Outcome {
    let mut steps: Vec<Step> = plan.actions.iter().map(|_| Step::Open).collect();
    let mut under = FuturesUnordered::new();
    loop {
        for index in 0..plan.actions.len() {
            let action = &plan.actions[index];
            if !matches!(steps[index], Step::Open) {
                continue;
            }
            match readiness(action, &steps) {
                Readiness::Skipped => steps[index] = Step::Over(ActionResult::Skipped, Document::new()),
                // All that can go: the call budget bounds them, class by class.
                Readiness::Ready => {
                    let input = bound(action, &steps);
                    steps[index] = Step::Under;
                    under.push(async move { (index, carry_out(aws, plan, action, input).await) });
                }
                Readiness::NotYet => {}
            }
        }
        match under.next().await {
            Some((index, (result, answer))) => steps[index] = Step::Over(result, answer),
            None => break,
        }
    }
    let results = steps.into_iter().map(|step| match step {
        Step::Over(result, _) => result,
        Step::Open | Step::Under => ActionResult::Skipped,
    });
    Outcome { results: results.collect() }
}

enum Readiness {
    Ready,
    NotYet,
    Skipped,
}

fn readiness(action: &Action, steps: &[Step]) -> Readiness {
    let mut readiness = Readiness::Ready;
    for before in action.after.iter().chain(action.bindings.iter().map(|binding| &binding.action)) {
        match &steps[*before] {
            Step::Over(ActionResult::Done, _) => {}
            Step::Over(..) => return Readiness::Skipped,
            Step::Open | Step::Under => readiness = Readiness::NotYet,
        }
    }
    readiness
}

/// The action's input with what earlier answers give.
fn bound(action: &Action, steps: &[Step]) -> Value {
    let mut input = action.input.clone();
    for binding in &action.bindings {
        if let Step::Over(_, answer) = &steps[binding.action] {
            let value = Value::Object(answer.clone()).pointer(binding.from).cloned();
            input.extend(value.map(|value| (binding.to.to_owned(), value)));
        }
    }
    Value::Object(input)
}

async fn carry_out(aws: &Aws, plan: &Plan, action: &Action, input: Value) -> (ActionResult, Document) {
    let Some(operation) = operation(action) else { return (ActionResult::Skipped, Document::new()) };
    let shape = facts::operation(action.api, action.operation).and_then(|facts| facts.input);
    let wire = shape.map_or_else(|| input.clone(), |shape| to_wire(shape.shape(), &input));
    match aws.call(&action.object.region, operation, &wire).await {
        Ok(answer) if action.must_own && !is_owned(&answer.document, &plan.owner) => {
            (ActionResult::NotOwned, Document::new())
        }
        Ok(answer) => (ActionResult::Done, answer.document),
        Err(error) => (ActionResult::Failed(error), Document::new()),
    }
}

fn operation(action: &Action) -> Option<Operation> {
    let api = match action.api {
        "ecs" => Api::Ecs,
        "ecr" => Api::Ecr,
        "application-autoscaling" => Api::Autoscaling,
        _ => return None,
    };
    Operation::find(api, action.operation)
}

/// Whether what a create answered with carries our tag.
fn is_owned(answer: &Document, owner: &str) -> bool {
    let created = answer.values().find_map(|value| value.get("tags")?.as_array());
    created.into_iter().flatten().any(|one| one["key"] == tag::OWNER && one["value"] == owner)
}
