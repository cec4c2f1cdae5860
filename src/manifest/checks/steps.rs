//! Step scaling: adjustments that together cover every breach once.
//!
//! Tests: at the end of this file.

use super::Finding;
use super::node::Node;

const LOWER: &str = "metricIntervalLowerBound";
const UPPER: &str = "metricIntervalUpperBound";

/// Checks a `stepScalingPolicyConfiguration`.
pub(super) fn check(policy: &Node, out: &mut Vec<Finding>) {
    let kind = policy.at("adjustmentType");
    if kind.text().is_none() {
        out.push(
            Finding::error(policy, "the step policy has no `adjustmentType`")
                .hint("`ChangeInCapacity`, `PercentChangeInCapacity` or `ExactCapacity`"),
        );
    }
    let magnitude = policy.at("minAdjustmentMagnitude");
    if magnitude.value().is_some() && kind.text().is_some_and(|kind| kind != "PercentChangeInCapacity") {
        out.push(
            Finding::warning(
                &magnitude,
                "`minAdjustmentMagnitude` only counts with `PercentChangeInCapacity`",
            )
            .related(&kind),
        );
    }
    let list = policy.at("stepAdjustments");
    let mut steps = list.elements();
    if steps.is_empty() {
        let at = if list.value().is_some() { &list } else { policy };
        out.push(
            Finding::error(at, "the step policy has no step")
                .hint("such as `stepAdjustments: [{metricIntervalLowerBound: 0, scalingAdjustment: 1}]`"),
        );
    }
    if [LOWER, UPPER].iter().any(|bound| !policy.knows(&format!("stepAdjustments[].{bound}"))) {
        return;
    }
    // Bounds of a single step must hold before steps can be compared.
    let before = out.len();
    for step in &steps {
        order(step, out);
    }
    open_ends(&list, &steps, out);
    if out.len() == before {
        steps.sort_by(|one, other| lower(one).total_cmp(&lower(other)));
        steps.windows(2).for_each(|pair| neighbours(&pair[0], &pair[1], out));
    }
}

fn lower(step: &Node) -> f64 {
    step.number(LOWER).unwrap_or(f64::NEG_INFINITY)
}

fn upper(step: &Node) -> f64 {
    step.number(UPPER).unwrap_or(f64::INFINITY)
}

fn order(step: &Node, out: &mut Vec<Finding>) {
    if !step.given(LOWER) && !step.given(UPPER) {
        out.push(
            Finding::error(step, format!("the step has neither `{LOWER}` nor `{UPPER}`"))
                .hint(format!("write `{LOWER}: 0` to scale out, `{UPPER}: 0` to scale in")),
        );
    } else if lower(step) >= upper(step) {
        let message =
            format!("the step's lower bound {} is not below its upper bound {}", lower(step), upper(step));
        out.push(Finding::error(&step.at(LOWER), message).related(&step.at(UPPER)));
    }
}

/// At most one step is open at each side, and one is where the bounds go beyond the alarm's threshold.
fn open_ends(list: &Node, steps: &[Node], out: &mut Vec<Finding>) {
    for (member, side) in [(LOWER, "below"), (UPPER, "above")] {
        let open: Vec<&Node> = steps.iter().filter(|step| !step.given(member)).collect();
        for again in open.iter().skip(1) {
            let message = format!("two steps are open {side}: only one may lack `{member}`");
            out.push(Finding::error(again, message).related(open[0]));
        }
        let beyond = |step: &&Node| {
            step.number(member).is_some_and(|bound| if member == LOWER { bound < 0.0 } else { bound > 0.0 })
        };
        if let Some(step) = steps.iter().find(beyond).filter(|_| open.is_empty()) {
            out.push(
                Finding::error(list, format!("no step is open {side}"))
                    .hint(format!("take `{member}` away from the outermost step"))
                    .related(step),
            );
        }
    }
}

fn neighbours(one: &Node, next: &Node, out: &mut Vec<Finding>) {
    let (end, start) = (upper(one), lower(next));
    if end > start {
        out.push(
            Finding::error(next, format!("the steps overlap: {start} lies within another step")).related(one),
        );
    } else if end < start {
        out.push(
            Finding::error(next, format!("there is a gap between the steps: {end} to {start}")).related(one),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::table;
    use serde_json::{Value, json};

    #[test]
    fn steps() {
        let policy = |members: Value| {
            let policy = json!({"policyName": "p", "policyType": "StepScaling", "stepScalingPolicyConfiguration": members});
            json!({"service": {"taskDefinition": "x"}, "autoscaling": {"minCapacity": 1, "maxCapacity": 2, "policies": [policy]}})
        };
        let step = |lower: Value, upper: Value| json!({"metricIntervalLowerBound": lower, "metricIntervalUpperBound": upper, "scalingAdjustment": 1});
        let steps =
            |steps: Value| policy(json!({"adjustmentType": "ChangeInCapacity", "stepAdjustments": steps}));
        let null = Value::Null;
        table([
            ("one", steps(json!([step(json!(0), null.clone())])), ""),
            ("out", steps(json!([step(json!(15), null.clone()), step(json!(0), json!(15))])), ""),
            (
                "both ways",
                steps(json!([
                    step(null.clone(), json!(-10)),
                    step(json!(-10), json!(0)),
                    step(json!(0), null.clone())
                ])),
                "",
            ),
            (
                "no type",
                policy(json!({"stepAdjustments": [step(json!(0), null.clone())]})),
                "no `adjustmentType`",
            ),
            ("no step", steps(json!([])), "no step"),
            ("no bound", steps(json!([step(null.clone(), null.clone())])), "neither"),
            ("crossed", steps(json!([step(json!(5), json!(1)), step(json!(5), null.clone())])), "not below"),
            (
                "two open",
                steps(json!([step(json!(0), null.clone()), step(json!(5), null.clone())])),
                "two steps are open above",
            ),
            ("closed above", steps(json!([step(json!(0), json!(5))])), "no step is open above"),
            ("closed below", steps(json!([step(json!(-5), json!(0))])), "no step is open below"),
            ("overlap", steps(json!([step(json!(0), json!(10)), step(json!(5), null.clone())])), "overlap"),
            (
                "gap",
                steps(json!([step(json!(0), json!(10)), step(json!(20), null.clone())])),
                "a gap between the steps: 10 to 20",
            ),
        ]);
    }
}
