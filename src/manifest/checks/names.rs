//! Names: the letters and lengths that AWS takes.
//!
//! Tests: at the end of this file.

use super::Finding;
use super::node::Node;
use crate::model::names::Kind;

/// A place of a name and the rule for it.
struct Row(&'static str, &'static str, Rule);
type Rule = fn(&str) -> Option<&'static str>;

/// Per kind: places of names (`[]` is each element), what they are, what they may be.
fn rows(kind: Kind) -> &'static [Row] {
    match kind {
        Kind::EcsService => &[
            Row("service.serviceName", "service name", plain),
            Row("service.cluster", "cluster name", name_or_arn),
            Row("taskDefinition.family", "family", plain),
            Row("taskDefinition.containerDefinitions[].name", "container name", plain),
            Row("taskDefinition.containerDefinitions[].portMappings[].name", "port name", port_name),
            Row("autoscaling.policies[].policyName", "policy name", policy),
            Row("autoscaling.scheduledActions[].scheduledActionName", "scheduled action name", action),
        ],
        Kind::EcsCluster => &[Row("clusterName", "cluster name", plain)],
        Kind::EcsCapacityProvider => {
            &[Row("name", "capacity provider name", provider), Row("cluster", "cluster name", name_or_arn)]
        }
        Kind::EcrRepository => &[Row("repositoryName", "repository name", repository)],
    }
}

pub(super) fn check(kind: Kind, spec: &Node, out: &mut Vec<Finding>) {
    for Row(pattern, what, rule) in rows(kind) {
        for node in spec.find(pattern) {
            if node.value().is_some_and(|value| value == "") {
                out.push(Finding::error(&node, format!("the {what} is empty")));
            }
            let Some(name) = node.text().filter(|name| !is_template(name)) else { continue };
            if let Some(allowed) = rule(name) {
                out.push(Finding::error(&node, format!("`{name}` is not a {what}")).hint(allowed));
            }
        }
    }
}

/// Whether a template has not been filled in: the reader says so, nothing else can be said of the value.
pub(super) fn is_template(text: &str) -> bool {
    ["${", "{{", "$(", "<%"].iter().any(|open| text.contains(open))
        || (text.contains('<') && text.contains('>'))
}

fn plain(name: &str) -> Option<&'static str> {
    let letters = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'-';
    (name.len() > 255 || !name.bytes().all(letters))
        .then_some("at most 255 letters, digits, hyphens and underscores")
}

fn name_or_arn(name: &str) -> Option<&'static str> {
    if name.starts_with("arn:") { None } else { plain(name) }
}

fn provider(name: &str) -> Option<&'static str> {
    let reserved = ["aws", "ecs", "fargate", "FARGATE"];
    if reserved.iter().any(|prefix| name.starts_with(prefix)) {
        return Some("the prefixes `aws`, `ecs` and `fargate` are reserved");
    }
    plain(name)
}

fn port_name(name: &str) -> Option<&'static str> {
    let letters = |letter: u8| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_' || letter == b'-'
    };
    (name.len() > 64 || name.starts_with('-') || !name.bytes().all(letters))
        .then_some("at most 64 lower-case letters, digits, underscores and hyphens, and no hyphen first")
}

fn policy(name: &str) -> Option<&'static str> {
    (name.chars().count() > 256 || name.chars().any(char::is_control))
        .then_some("at most 256 printable characters")
}

fn action(name: &str) -> Option<&'static str> {
    let foreign = |letter: char| letter.is_control() || matches!(letter, ':' | '/' | '|');
    (name.chars().count() > 256 || name.chars().any(foreign) || name.trim_matches(' ') != name)
        .then_some("at most 256 characters, without `:`, `/`, `|`, and no space at either end")
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`, 2 to 256 letters.
fn repository(name: &str) -> Option<&'static str> {
    let joint = |joint: &str| matches!(joint, "." | "_" | "__") || joint.bytes().all(|letter| letter == b'-');
    let part = |part: &str| {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        part.starts_with(plain)
            && part.ends_with(plain)
            && part.split(plain).filter(|between| !between.is_empty()).all(joint)
    };
    (!(2..=256).contains(&name.len()) || !name.split('/').all(part)).then_some(
        "2 to 256 lower-case letters and digits, joined by `.`, `_`, `__` or hyphens, in parts separated by `/`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_held_to_their_letters_and_lengths() {
        let long = "a".repeat(256);
        let cases: [(Rule, &[&str], &[&str]); 6] = [
            (plain, &["shop", "Shop_1-x", "1"], &["a.b", "a b", "ü", &long]),
            (name_or_arn, &["shop", "arn:aws:ecs:eu-central-1:123456789012:cluster/shop"], &["a/b"]),
            (provider, &["shop-ec2", "my-ecs"], &["aws-x", "ecsx", "fargate1", "FARGATE", "a b"]),
            (port_name, &["web-80-tcp", "_x"], &["Web", "-x", "a.b"]),
            (action, &["night", "at 8 pm"], &["a/b", "a:b", " a", "a ", "a\n"]),
            (
                repository,
                &["shop/checkout", "a-b_c__d.e/f--g", "ab"],
                &["a", "Shop", "a//b", "/ab", "ab/", "a..b", "a___b", "-ab", "ab-", "a-.b"],
            ),
        ];
        for (rule, good, bad) in cases {
            for name in good {
                assert_eq!(rule(name), None, "{name}");
            }
            for name in bad {
                assert!(rule(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn templates_are_known() {
        assert!(["${TAG}", "{{ image }}", "<NAME>"].into_iter().all(is_template));
        assert!(!["shop", "a>b", "$HOME"].into_iter().any(is_template));
    }
}
