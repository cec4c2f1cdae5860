//! Capacity provider strategies, of services and of clusters. Tests: at the end.

use super::{by, says, unique};
use crate::manifest::problem::Report;
use crate::manifest::tree::Node;
use crate::model::names::last_segment;

/// So many providers a strategy may have.
const MOST_PROVIDERS: usize = 20;

/// The providers that AWS has by itself.
pub fn is_fargate(provider: &str) -> bool {
    matches!(last_segment(provider), "FARGATE" | "FARGATE_SPOT")
}

/// Checks a strategy.
pub fn check(strategy: Option<&Node>, report: &mut Report) {
    let Some(list) = says(strategy) else { return };
    let items = list.items();
    unique(items, by("capacityProvider"), "the capacity provider", report);
    if items.len() > MOST_PROVIDERS {
        report
            .error(list, format!("{} capacity providers; at most {MOST_PROVIDERS} are allowed", items.len()));
    }
    let mut based = items.iter().filter(|item| item.int("base").unwrap_or(0) > 0);
    if let (Some(first), Some(second)) = (based.next(), based.next()) {
        let place = report.place(first.get("base").unwrap_or(first));
        let at = second.get("base").unwrap_or(second);
        report.error(at, "only one capacity provider can have a `base`").related(place, "the first one");
    }
    // A weight that could not be read may be anything.
    let weightless = |item: &Node| item.get("weight").is_none() || item.int("weight") == Some(0);
    if items.iter().all(weightless) {
        let problem = report.error(list, "all weights are 0: no capacity provider would get a task");
        problem.hint("an absent `weight` is 0; give at least one provider `weight: 1`");
    }
    let providers: Vec<&Node> = items.iter().filter_map(|item| item.get("capacityProvider")).collect();
    let fargate = |node: &&&Node| node.as_str().is_some_and(is_fargate);
    let other = |node: &&&Node| node.as_str().is_some_and(|name| !is_fargate(name));
    if let (Some(first), Some(second)) = (providers.iter().find(fargate), providers.iter().find(other)) {
        let place = report.place(*first);
        report
            .error(*second, "a strategy has either Fargate's capacity providers or others, not both")
            .related(place, "Fargate's");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    fn strategy(items: &str) -> String {
        format!(
            "service:\n  taskDefinition: web\n  networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-1a]}}}}\n  capacityProviderStrategy: [{items}]"
        )
    }

    #[test]
    fn a_strategy_has_one_base_and_a_weight() {
        says_nothing(
            "EcsService",
            &strategy(
                "{capacityProvider: FARGATE, base: 1, weight: 1}, {capacityProvider: FARGATE_SPOT, weight: 3}",
            ),
        );
        says(
            "EcsService",
            &strategy("{capacityProvider: a, base: 1, weight: 1}, {capacityProvider: b, base: 2}"),
            "only one",
        );
        says(
            "EcsService",
            &strategy("{capacityProvider: a, base: 1}, {capacityProvider: b, weight: 0}"),
            "all weights are 0",
        );
        says(
            "EcsService",
            &strategy("{capacityProvider: a, weight: 1}, {capacityProvider: a, weight: 2}"),
            "twice",
        );
        says(
            "EcsService",
            &strategy("{capacityProvider: FARGATE, weight: 1}, {capacityProvider: ec2, weight: 2}"),
            "not both",
        );
        let many: Vec<String> = (0..21).map(|at| format!("{{capacityProvider: p{at}, weight: 1}}")).collect();
        says("EcsService", &strategy(&many.join(", ")), "at most 20");
    }
}
