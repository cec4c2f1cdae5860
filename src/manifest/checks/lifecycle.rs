//! Rules of ECR's lifecycle policies. Tests: at the end.

use super::{Rule, Subject, says, unique};
use crate::manifest::problem::Report;
use crate::manifest::tree::Node;

pub const RULES: &[Rule] = &[rules, any_comes_last, size];

/// So long a policy's text may be.
const MOST_CHARACTERS: usize = 30_720;

fn list<'a>(subject: &Subject<'a>) -> &'a [Node] {
    subject.spec.get("lifecyclePolicy").map_or(&[], |policy| policy.list("rules"))
}

fn rules(subject: &Subject, report: &mut Report) {
    let rules = list(subject);
    let priority = |rule: &'_ Node| rule.int("rulePriority");
    unique(rules, |rule| Some((priority(rule)?, rule.get("rulePriority")?)), "`rulePriority`", report);
    for rule in rules {
        if let Some(selection) = rule.get("selection") {
            tags(selection, report);
            count(selection, rule, report);
        }
        if let Some(action) = rule.get("action") {
            let is_transition = action.str("type") == Some("transition");
            if is_transition && action.get("targetStorageClass").is_none() {
                report.error(action, "`transition` needs a `targetStorageClass`");
            } else if let Some(target) = action.get("targetStorageClass").filter(|_| !is_transition) {
                report.error(target, "`targetStorageClass` is for `type: transition`");
            }
        }
    }
}

/// `tagged` says which tags, the others do not.
fn tags(selection: &Node, report: &mut Report) {
    let prefixes = says(selection.get("tagPrefixList"));
    let patterns = says(selection.get("tagPatternList"));
    let status = selection.str("tagStatus");
    match (status, prefixes, patterns) {
        (Some("tagged"), None, None) => {
            let problem =
                report.error(selection, "`tagStatus: tagged` needs a `tagPatternList` or a `tagPrefixList`");
            problem.hint("`tagPatternList: [\"*\"]` selects every tag");
        }
        (_, Some(_), Some(patterns)) => {
            report.error(patterns, "`tagPatternList` and `tagPrefixList` exclude each other");
        }
        (Some("untagged" | "any"), prefixes, patterns) => {
            if let Some(list) = prefixes.or(patterns) {
                report.error(list, "only `tagStatus: tagged` has a list of tags");
            }
        }
        _ => {}
    }
}

fn count(selection: &Node, rule: &Node, report: &mut Report) {
    let unit = selection.get("countUnit");
    match selection.str("countType") {
        Some("imageCountMoreThan") => {
            if let Some(unit) = unit {
                report.error(unit, "`countUnit` is for `countType: sinceImagePushed`");
            }
        }
        Some(since) => {
            if unit.is_none() {
                report.error(selection, format!("`countType: {since}` needs `countUnit: days`"));
            }
            let archived = selection.str("storageClass") == Some("archive");
            if since == "sinceImageTransitioned" && !archived {
                report.error(selection, "`sinceImageTransitioned` needs `storageClass: archive`");
            }
            let expires = rule.get("action").and_then(|action| action.str("type")) == Some("expire");
            if since == "sinceImagePulled" && expires {
                report.warning(selection, "`sinceImagePulled` is for `type: transition`");
            }
        }
        None => {}
    }
}

/// The rule for `any` is the last, and the only one of its kind, in each storage class.
fn any_comes_last(subject: &Subject, report: &mut Report) {
    let class = |rule: &Node| {
        let class = rule.get("selection").and_then(|selection| selection.str("storageClass"));
        class.unwrap_or("standard").to_owned()
    };
    let is_any =
        |rule: &&Node| rule.get("selection").and_then(|selection| selection.str("tagStatus")) == Some("any");
    for rule in list(subject).iter().filter(is_any) {
        let Some(priority) = rule.int("rulePriority") else { continue };
        let later = list(subject).iter().find(|other| {
            class(other) == class(rule) && other.int("rulePriority").is_some_and(|other| other > priority)
        });
        if let Some(later) = later {
            let at = rule.get("rulePriority").unwrap_or(rule);
            let place = report.place(later.get("rulePriority").unwrap_or(later));
            report
                .error(at, "a rule with `tagStatus: any` must have the highest `rulePriority` of all")
                .related(place, "a higher one");
        }
    }
}

fn size(subject: &Subject, report: &mut Report) {
    let Some(policy) = subject.spec.get("lifecyclePolicy") else { return };
    let length = policy.to_json().to_string().chars().count();
    if length > MOST_CHARACTERS {
        report.error(
            policy,
            format!("the policy has {length} characters; at most {MOST_CHARACTERS} are allowed"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    fn policy(rules: &[&str]) -> String {
        let rules: Vec<String> = rules
            .iter()
            .enumerate()
            .map(|(at, rule)| {
                format!("{{rulePriority: {}, selection: {{{rule}}}, action: {{type: expire}}}}", at + 1)
            })
            .collect();
        format!("lifecyclePolicy: {{rules: [{}]}}", rules.join(", "))
    }

    const UNTAGGED: &str =
        "tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 7";
    const ANY: &str = "tagStatus: any, countType: imageCountMoreThan, countNumber: 3";

    #[test]
    fn rules_that_ecr_takes_pass() {
        says_nothing("EcrRepository", &policy(&[UNTAGGED, ANY]));
        says_nothing(
            "EcrRepository",
            "lifecyclePolicy: '{\"rules\":[{\"rulePriority\":1,\"selection\":{\"tagStatus\":\"any\",\"countType\":\"imageCountMoreThan\",\"countNumber\":2},\"action\":{\"type\":\"expire\"}}]}'",
        );
    }

    #[test]
    fn conflicts_are_found() {
        says("EcrRepository", &policy(&[ANY, UNTAGGED]), "highest `rulePriority`");
        says(
            "EcrRepository",
            &policy(&["tagStatus: tagged, countType: imageCountMoreThan, countNumber: 1"]),
            "needs a `tagPatternList`",
        );
        says(
            "EcrRepository",
            &policy(&["tagStatus: untagged, countType: sinceImagePushed, countNumber: 1"]),
            "needs `countUnit: days`",
        );
        says(
            "EcrRepository",
            &policy(&["tagStatus: any, tagPrefixList: [a], countType: imageCountMoreThan, countNumber: 1"]),
            "only `tagStatus: tagged`",
        );
        let twice = policy(&[UNTAGGED, UNTAGGED]).replace("rulePriority: 2", "rulePriority: 1");
        says("EcrRepository", &twice, "`rulePriority` `1` stands here twice");
    }
}
