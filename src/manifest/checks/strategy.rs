//! Capacity provider strategies: a service's own, and a cluster's default.
//!
//! Tests: at the end of this file.

use super::Finding;
use super::node::{Node, repeated};
use crate::model::names::last_segment;

/// The most providers that AWS takes in one strategy.
const MOST: usize = 20;

/// Checks the strategy at `list`.
pub(super) fn check(list: &Node, out: &mut Vec<Finding>) {
    let items = list.elements();
    if items.len() > MOST {
        out.push(Finding::error(
            list,
            format!("{} providers, and a strategy has at most {MOST}", items.len()),
        ));
    }
    for (item, first) in repeated(&items, provider) {
        let name = provider(&item).unwrap_or_default();
        out.push(
            Finding::error(&item.at("capacityProvider"), format!("the provider `{name}` is given twice"))
                .related(&first),
        );
    }
    base(&items, out);
    weights(list, &items, out);
    fargate_alone(&items, out);
}

/// The name of an item's provider.
pub(super) fn provider<'a>(item: &Node<'a>) -> Option<&'a str> {
    item.str("capacityProvider").map(last_segment)
}

pub fn is_fargate(provider: &str) -> bool {
    matches!(provider, "FARGATE" | "FARGATE_SPOT")
}

fn base(items: &[Node], out: &mut Vec<Finding>) {
    let mut with_base = items.iter().filter(|item| item.integer("base").unwrap_or(0) > 0);
    if let Some(first) = with_base.next() {
        for item in with_base {
            out.push(
                Finding::error(&item.at("base"), "only one provider of a strategy can have a `base`")
                    .hint("remove the other `base`, or set it to 0")
                    .related(&first.at("base")),
            );
        }
    }
}

fn weights(list: &Node, items: &[Node], out: &mut Vec<Finding>) {
    let weighs = |item: &Node| item.number("weight").unwrap_or(0.0) > 0.0 || !item.knows("weight");
    if items.is_empty() || items.iter().any(weighs) {
        return;
    }
    let hint = "an absent `weight` is 0: give at least one provider `weight: 1`";
    // AWS's documentation speaks of several providers; of one without a weight nothing is certain.
    out.push(match items {
        [only] if !only.given("weight") => {
            Finding::warning(only, "the only provider has no `weight`").hint(hint)
        }
        _ => Finding::error(list, "all weights of the strategy are 0, so that no task can be placed")
            .hint(hint),
    });
}

fn fargate_alone(items: &[Node], out: &mut Vec<Finding>) {
    let of = |fargate: bool| {
        items.iter().find(|item| provider(item).is_some_and(|name| is_fargate(name) == fargate))
    };
    if let (Some(fargate), Some(other)) = (of(true), of(false)) {
        out.push(
            Finding::error(
                &other.at("capacityProvider"),
                "a strategy cannot mix `FARGATE` or `FARGATE_SPOT` with other providers",
            )
            .hint("keep one or the other")
            .related(&fargate.at("capacityProvider")),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::lines;
    use crate::model::names::Kind;
    use serde_json::{Value, json};

    fn found(strategy: Value) -> Vec<String> {
        let vpc = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
        let service = json!({"taskDefinition": "web:1", "networkConfiguration": vpc, "capacityProviderStrategy": strategy});
        lines(Kind::EcsService, &json!({"service": service}))
    }

    #[test]
    fn strategies_that_aws_takes_pass() {
        for strategy in [
            json!([]),
            json!([{"capacityProvider": "FARGATE", "base": 1, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 0}]),
            json!([{"capacityProvider": "a", "weight": 1}, {"capacityProvider": "b"}]),
        ] {
            assert_eq!(found(strategy), [""; 0]);
        }
    }

    #[test]
    fn strategies_that_aws_refuses_are_errors() {
        let many: Vec<_> =
            (0..21).map(|n| json!({"capacityProvider": format!("p{n}"), "weight": 1})).collect();
        for (strategy, words) in [
            (
                json!([{"capacityProvider": "a", "weight": 1, "base": 1}, {"capacityProvider": "b", "base": 1}]),
                "[1].base: only one",
            ),
            (json!([{"capacityProvider": "a"}, {"capacityProvider": "b"}]), "all weights"),
            (json!([{"capacityProvider": "a", "weight": 0}]), "all weights"),
            (json!([{"capacityProvider": "a"}]), "warning"),
            (json!([{"capacityProvider": "a", "weight": 1}, {"capacityProvider": "a"}]), "given twice"),
            (json!([{"capacityProvider": "FARGATE", "weight": 1}, {"capacityProvider": "a"}]), "cannot mix"),
            (json!(many), "at most 20"),
        ] {
            let found = found(strategy);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(words), "{found:?}");
        }
    }
}
