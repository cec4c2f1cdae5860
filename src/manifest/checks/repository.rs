//! Repositories: tag mutability, encryption, and lifecycle rules that conflict. The policy is in `policy.rs`.
//!
//! Tests: at the end of this file.

use super::node::{Node, repeated};
use super::{Check, Finding};

pub(super) const CHECKS: &[Check] = &[mutability, encryption, priorities, catch_all, rules, length];

/// The most letters of a lifecycle policy's text.
const MOST_LETTERS: usize = 30_720;
/// The most wildcards of a tag pattern.
const MOST_WILDCARDS: usize = 4;

fn mutability(spec: &Node, out: &mut Vec<Finding>) {
    let (at, filters) = (spec.at("imageTagMutability"), spec.at("imageTagMutabilityExclusionFilters"));
    let name = at.text().unwrap_or("MUTABLE");
    let with_exclusion = name.ends_with("_WITH_EXCLUSION");
    if with_exclusion && !spec.has("imageTagMutabilityExclusionFilters") {
        out.push(
            Finding::error(&at, format!("`{name}` needs `imageTagMutabilityExclusionFilters`"))
                .hint("such as `[{filterType: WILDCARD, filter: latest*}]`"),
        );
    }
    if !with_exclusion && !filters.elements().is_empty() && matches!(name, "MUTABLE" | "IMMUTABLE") {
        out.push(
            Finding::error(&filters, format!("`{name}` has no exclusion filters"))
                .hint(format!("write `imageTagMutability: {name}_WITH_EXCLUSION`, or remove them")),
        );
    }
}

fn encryption(spec: &Node, out: &mut Vec<Finding>) {
    let encryption = spec.at("encryptionConfiguration");
    if encryption.str("encryptionType") == Some("AES256") && encryption.has("kmsKey") {
        out.push(
            Finding::error(&encryption.at("kmsKey"), "`AES256` has no KMS key")
                .hint("write `encryptionType: KMS`, or remove `kmsKey`"),
        );
    }
}

fn lifecycle_rules<'a>(spec: &Node<'a>) -> Vec<Node<'a>> {
    spec.list("lifecyclePolicy.rules")
}

fn priorities(spec: &Node, out: &mut Vec<Finding>) {
    for (again, first) in repeated(&lifecycle_rules(spec), |rule| rule.integer("rulePriority")) {
        let priority = again.integer("rulePriority").unwrap_or_default();
        out.push(
            Finding::error(&again.at("rulePriority"), format!("two rules have the priority {priority}"))
                .hint("each rule needs a `rulePriority` of its own")
                .related(&first.at("rulePriority")),
        );
    }
}

/// Rules of each storage class: one for untagged images at most, one for any, and that one last.
fn catch_all(spec: &Node, out: &mut Vec<Finding>) {
    let all = lifecycle_rules(spec);
    let class = |rule: &Node| rule.str("selection.storageClass").unwrap_or("standard").to_owned();
    let status = |rule: &Node| rule.str("selection.tagStatus").map(str::to_owned);
    for (again, first) in repeated(&all, |rule| {
        let status = status(rule).filter(|status| matches!(status.as_str(), "any" | "untagged"))?;
        Some((class(rule), status))
    }) {
        let status = status(&again).unwrap_or_default();
        let at = again.at("selection.tagStatus");
        out.push(
            Finding::error(&at, format!("two rules are for `tagStatus: {status}`, and one is allowed"))
                .hint("join them into one rule")
                .related(&first.at("selection.tagStatus")),
        );
    }
    for any in all.iter().filter(|rule| status(rule).as_deref() == Some("any")) {
        let later = all.iter().find(|rule| {
            class(rule) == class(any)
                && status(rule).as_deref() != Some("any")
                && rule.integer("rulePriority") > any.integer("rulePriority")
        });
        if let Some(later) = later {
            let at = any.at("rulePriority");
            out.push(
                Finding::error(&at, "the rule with `tagStatus: any` must have the highest `rulePriority`")
                    .hint("it takes all images, so that no rule after it would see any")
                    .related(&later.at("rulePriority")),
            );
        }
    }
}

fn rules(spec: &Node, out: &mut Vec<Finding>) {
    for rule in lifecycle_rules(spec) {
        let selection = rule.at("selection");
        if selection.value().is_some() {
            tag_lists(&selection, out);
            counting(&selection, out);
        }
        let (action, target) = (rule.str("action.type"), rule.at("action.targetStorageClass"));
        if action == Some("transition") && target.value().is_none() {
            out.push(
                Finding::error(&rule.at("action"), "`transition` needs a `targetStorageClass`")
                    .hint("add `targetStorageClass: archive`"),
            );
        }
        if action == Some("expire") && target.value().is_some() {
            out.push(Finding::error(&target, "`expire` has no `targetStorageClass`").hint("remove it"));
        }
    }
}

fn tag_lists(selection: &Node, out: &mut Vec<Finding>) {
    let (patterns, prefixes) = (selection.at("tagPatternList"), selection.at("tagPrefixList"));
    let given = ["tagPatternList", "tagPrefixList"].map(|list| selection.has(list));
    let status = selection.at("tagStatus");
    match (status.text(), given) {
        (Some("tagged"), [false, false]) => out.push(
            Finding::error(&status, "`tagStatus: tagged` needs `tagPatternList` or `tagPrefixList`")
                .hint("for all tags write `tagPatternList: [\"*\"]`"),
        ),
        (Some("tagged"), [true, true]) => out.push(
            Finding::error(&prefixes, "`tagPatternList` and `tagPrefixList` cannot stand together")
                .hint("write a prefix as the pattern `prefix*`")
                .related(&patterns),
        ),
        (Some(other @ ("untagged" | "any")), [true, _] | [_, true]) => {
            let list = if given[0] { &patterns } else { &prefixes };
            out.push(
                Finding::error(list, format!("`tagStatus: {other}` has no list of tags"))
                    .hint("write `tagStatus: tagged`, or remove the list")
                    .related(&status),
            );
        }
        _ => {}
    }
    for pattern in patterns.elements() {
        let wildcards = pattern.text().unwrap_or_default().matches('*').count();
        if wildcards > MOST_WILDCARDS {
            let message =
                format!("the pattern has {wildcards} wildcards, and at most {MOST_WILDCARDS} are allowed");
            out.push(Finding::error(&pattern, message));
        }
    }
}

fn counting(selection: &Node, out: &mut Vec<Finding>) {
    let (unit, archived) = (selection.at("countUnit"), selection.str("storageClass") == Some("archive"));
    match selection.str("countType") {
        Some(by @ ("sinceImagePushed" | "sinceImagePulled" | "sinceImageTransitioned")) => {
            if unit.value().is_none() {
                out.push(
                    Finding::error(&selection.at("countType"), format!("`{by}` needs a `countUnit`"))
                        .hint("add `countUnit: days`"),
                );
            }
            if by == "sinceImageTransitioned" && !archived {
                out.push(
                    Finding::error(&selection.at("countType"), format!("`{by}` is for archived images"))
                        .hint("add `storageClass: archive`"),
                );
            }
        }
        Some(by @ "imageCountMoreThan") if unit.value().is_some() => {
            out.push(Finding::error(&unit, format!("`{by}` has no `countUnit`")).hint("remove it"));
        }
        _ => {}
    }
}

fn length(spec: &Node, out: &mut Vec<Finding>) {
    let policy = spec.at("lifecyclePolicy");
    let letters = policy.value().map_or(0, |value| value.to_string().chars().count());
    if letters > MOST_LETTERS {
        let message =
            format!("the lifecycle policy has {letters} characters, and at most {MOST_LETTERS} are allowed");
        out.push(Finding::error(&policy, message));
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{assert_one, lines};
    use crate::model::names::Kind;
    use serde_json::{Value, json};

    fn rule(priority: i64, selection: Value) -> Value {
        let mut whole = json!({"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 3});
        whole.as_object_mut().unwrap().extend(selection.as_object().unwrap().clone());
        json!({"rulePriority": priority, "selection": whole, "action": {"type": "expire"}})
    }

    fn tagged(priority: i64, tag: &str) -> Value {
        rule(priority, json!({"tagStatus": "tagged", "tagPrefixList": [tag]}))
    }

    #[test]
    fn lifecycle_rules() {
        let any = |priority: i64| rule(priority, json!({"tagStatus": "any"}));
        let one = |selection: Value| json!([rule(1, selection)]);
        let days = json!({"countType": "sinceImagePushed", "countUnit": "days"});
        let acting = |action: Value| {
            let mut rule = rule(1, json!({}));
            rule["action"] = action;
            json!([rule])
        };
        for (what, rules, words) in [
            ("usual", json!([any(9), tagged(1, "v"), rule(2, days.clone())]), ""),
            ("days", one(days), ""),
            ("classes", json!([any(1), rule(2, json!({"tagStatus": "any", "storageClass": "archive"}))]), ""),
            (
                "priorities",
                json!([tagged(1, "a"), tagged(1, "b")]),
                "[1].rulePriority: two rules have the priority 1",
            ),
            (
                "any first",
                json!([any(1), tagged(2, "v")]),
                "[0].rulePriority: the rule with `tagStatus: any`",
            ),
            ("two of any", json!([any(1), any(2)]), "two rules are for `tagStatus: any`"),
            (
                "two of untagged",
                json!([rule(1, json!({})), rule(2, json!({}))]),
                "two rules are for `tagStatus: untagged`",
            ),
            ("no tags", one(json!({"tagStatus": "tagged"})), "needs `tagPatternList`"),
            (
                "both lists",
                one(json!({"tagStatus": "tagged", "tagPrefixList": ["a"], "tagPatternList": ["b*"]})),
                "cannot stand together",
            ),
            ("list of untagged", one(json!({"tagPrefixList": ["a"]})), "`tagStatus: untagged` has no list"),
            ("empty list of any", one(json!({"tagStatus": "any", "tagPrefixList": []})), ""),
            (
                "wildcards",
                one(json!({"tagStatus": "tagged", "tagPatternList": ["*a*b*c*d*"]})),
                "5 wildcards",
            ),
            ("no unit", one(json!({"countType": "sinceImagePushed"})), "needs a `countUnit`"),
            ("unit", one(json!({"countUnit": "days"})), "has no `countUnit`"),
            ("archive", acting(json!({"type": "transition", "targetStorageClass": "archive"})), ""),
            ("where to", acting(json!({"type": "transition"})), "needs a `targetStorageClass`"),
            ("long", json!([{"rulePriority": 1, "description": "x".repeat(31_000)}]), "at most 30720"),
        ] {
            let spec = json!({"repositoryName": "shop/web", "lifecyclePolicy": {"rules": rules}});
            assert_one(what, &lines(Kind::EcrRepository, &spec), words);
        }
    }

    #[test]
    fn repositories() {
        for (what, spec, words) in [
            ("plain", json!({"repositoryName": "shop/web", "imageTagMutability": "IMMUTABLE"}), ""),
            (
                "filters",
                json!({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest*"}]}),
                "",
            ),
            (
                "no filters",
                json!({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}),
                "needs `imageTagMutabilityExclusionFilters`",
            ),
            (
                "filters of mutable",
                json!({"imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "x"}]}),
                "`MUTABLE` has no",
            ),
            (
                "key",
                json!({"encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": "k"}}),
                "no KMS key",
            ),
            ("name", json!({"repositoryName": "Shop"}), "`Shop` is not a repository name"),
        ] {
            assert_one(what, &lines(Kind::EcrRepository, &spec), words);
        }
    }
}
