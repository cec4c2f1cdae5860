//! What must hold for every finished plan, whatever it was made from. A plan that breaks a rule is not executed.

use super::{Action, Plan, Verdict};
use crate::model::facts::kind_shape;
use crate::model::names::Key;
use crate::model::semantics::{Change, Meaning};
use std::collections::BTreeMap;

/// What deletes a resource with all that it is.
const DELETES: [&str; 4] = ["DeleteCapacityProvider", "DeleteCluster", "DeleteRepository", "DeleteService"];

/// The rules that `plan` breaks, in words; none for a sound plan.
pub fn lint(plan: &Plan) -> Vec<String> {
    let mut broken = Vec::new();
    let mut updates: BTreeMap<&Key, usize> = BTreeMap::new();
    for (index, action) in plan.actions.iter().enumerate() {
        let name = format!("action {index} ({} of {})", action.operation, action.object);
        let earlier =
            action.bindings.iter().map(|binding| binding.action).chain(action.after.iter().copied());
        if earlier.into_iter().any(|other| other >= index) {
            broken.push(format!("{name} comes after something that is not before it"));
        }
        let object = plan.objects.iter().find(|object| object.key == action.object);
        match object.map(|object| object.verdict) {
            None => broken.push(format!("{name} touches something that nobody declares")),
            Some(Verdict::NotOwned | Verdict::Unreadable | Verdict::Suspended | Verdict::Retained) => {
                broken.push(format!("{name} touches something that must be left alone"));
            }
            // That another manifest is what runs, or that it was rejected, is noted down.
            Some(Verdict::Unchanged) if action.operation != "TagResource" => {
                broken.push(format!("{name} changes something that is as declared"));
            }
            Some(_) => {}
        }
        let is_replaced = object.is_some_and(|object| object.change() == Some(Change::Replacement));
        let goes = object.is_some_and(|object| object.verdict == Verdict::Delete);
        if DELETES.contains(&action.operation) && !goes && !is_replaced {
            broken.push(format!("{name} deletes something that is to stay"));
        }
        if goes && plan.prune.as_ref().is_none_or(|prune| prune.hold.is_some()) {
            broken.push(format!("{name} prunes while nothing may be pruned"));
        }
        if action.operation == "UpdateService" {
            *updates.entry(&action.object).or_default() += 1;
        }
        if plan.asks.contains(&action.object) && starts_deployment(action) {
            broken.push(format!("{name} starts a deployment before it is known whether it failed before"));
        }
        if action.operation.starts_with("Update") && is_no_op(action) {
            broken.push(format!("{name} changes nothing"));
        }
    }
    let doubled = updates.into_iter().filter(|(_, count)| *count > 1);
    broken.extend(doubled.map(|(key, _)| format!("{key} is updated twice")));
    broken
}

/// Whether AWS answers the action with a new deployment.
fn starts_deployment(action: &Action) -> bool {
    let shape = kind_shape("Service");
    let starts = |name: &String| {
        let change = shape.member(name).map(|member| Meaning::of(shape, member).change);
        name == "forceNewDeployment" || change.is_some_and(|change| change == Change::NewDeployment)
    };
    action.operation == "UpdateService" && (!action.bindings.is_empty() || action.input.keys().any(starts))
}

/// An update that names its resource and nothing to change.
fn is_no_op(action: &Action) -> bool {
    let identity = ["cluster", "service", "name"];
    action.bindings.is_empty() && action.input.keys().all(|member| identity.contains(&member.as_str()))
}
