//! Rules of repositories and of their policies. Tests: at the end.

use super::{Rule, Subject, names, says};
use crate::manifest::nearest;
use crate::manifest::problem::Report;
use crate::manifest::tree::{Node, Value};

pub const RULES: &[Rule] = &[name, exclusions, encryption, policy];

fn name(subject: &Subject, report: &mut Report) {
    let Some(node) = subject.spec.get("repositoryName").or(subject.name) else { return };
    if let Some(name) = node.as_str().filter(|name| !names::is_repository(name)) {
        let problem = report.error(node, format!("`repositoryName` cannot be `{name}`"));
        problem
            .hint("2 to 256 small letters and digits, with `.`, `_`, `-` between them and `/` between parts");
    }
}

fn exclusions(subject: &Subject, report: &mut Report) {
    let filters = says(subject.spec.get("imageTagMutabilityExclusionFilters"));
    let mutability = subject.spec.get("imageTagMutability");
    let excludes = mutability.and_then(Node::as_str).is_some_and(|text| text.ends_with("_WITH_EXCLUSION"));
    match (filters, mutability) {
        (Some(filters), _) if !excludes => {
            let problem = report
                .error(filters, "`imageTagMutabilityExclusionFilters` need a mutability with exclusions");
            problem.hint("write `imageTagMutability: IMMUTABLE_WITH_EXCLUSION`");
        }
        (None, Some(mutability)) if excludes => {
            report.error(mutability, "this `imageTagMutability` needs `imageTagMutabilityExclusionFilters`");
        }
        _ => {}
    }
}

fn encryption(subject: &Subject, report: &mut Report) {
    let Some(encryption) = subject.spec.get("encryptionConfiguration") else { return };
    if let Some(key) = encryption.get("kmsKey").filter(|_| encryption.str("encryptionType") == Some("AES256"))
    {
        report.error(key, "`kmsKey` needs `encryptionType: KMS`");
    }
}

/// Actions of a repository's policy, for "did you mean".
const ACTIONS: [&str; 24] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchDeleteImage",
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CompleteLayerUpload",
    "ecr:CreateRepository",
    "ecr:DeleteLifecyclePolicy",
    "ecr:DeleteRepository",
    "ecr:DeleteRepositoryPolicy",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetLifecyclePolicy",
    "ecr:GetLifecyclePolicyPreview",
    "ecr:GetRepositoryPolicy",
    "ecr:InitiateLayerUpload",
    "ecr:ListImages",
    "ecr:PutImage",
    "ecr:PutLifecyclePolicy",
    "ecr:ReplicateImage",
    "ecr:SetRepositoryPolicy",
    "ecr:StartLifecyclePolicyPreview",
    "ecr:UploadLayerPart",
];

/// IAM's JSON: statements with an effect, a principal and actions.
fn policy(subject: &Subject, report: &mut Report) {
    let Some(policy) = subject.spec.get("repositoryPolicy") else { return };
    if policy.value == Value::Invalid {
        return;
    }
    let known = ["Version", "Id", "Statement"];
    unknown(policy, &known, "the policy", report);
    if let Some(version) = policy.get("Version")
        && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
    {
        report.error(version, "`Version` of a policy is `\"2012-10-17\"`");
    }
    let Some(statements) = policy.get("Statement") else {
        report.error(policy, "the policy has no `Statement`");
        return;
    };
    match &statements.value {
        Value::List(items) => items.iter().for_each(|item| statement(item, report)),
        _ => statement(statements, report),
    }
}

fn unknown(node: &Node, known: &[&str], what: &str, report: &mut Report) {
    for entry in node.entries().iter().filter(|entry| !known.contains(&entry.name.as_str())) {
        let problem = report.error(entry.node.name_at, format!("{what} has no member `{}`", entry.name));
        problem.hint =
            nearest(&entry.name, known.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
    }
}

fn statement(node: &Node, report: &mut Report) {
    if !matches!(node.value, Value::Map(_)) {
        report.error(node, "a statement is a map with `Effect`, `Principal` and `Action`");
        return;
    }
    let known = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    unknown(node, &known, "a statement", report);
    if !matches!(node.str("Effect"), Some("Allow" | "Deny")) {
        report.error(node.get("Effect").unwrap_or(node), "`Effect` of a statement is `Allow` or `Deny`");
    }
    for (one, other) in [("Principal", "NotPrincipal"), ("Action", "NotAction")] {
        if node.get(one).or(node.get(other)).is_none() {
            report.error(node, format!("a statement has no `{one}`"));
        }
    }
    let listed = |name| {
        node.get(name).map_or(Vec::new(), |node| match &node.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![node],
        })
    };
    for action in listed("Action").into_iter().chain(listed("NotAction")) {
        let Some(text) = action.as_str() else { continue };
        let is_known = |known: &str| known.eq_ignore_ascii_case(text);
        if text.contains('*') || text.contains('?') || ACTIONS.into_iter().any(is_known) {
            continue;
        }
        let problem = report.warning(action, format!("`{text}` is no known action of a repository"));
        problem.hint = nearest(text, ACTIONS).map(|meant| format!("did you mean `{meant}`?"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    #[test]
    fn a_policy_may_be_yaml_or_json_in_a_string() {
        says_nothing("EcrRepository", r#"repositoryPolicy: '{"Version": "2012-10-17", "Statement": []}'"#);
        says_nothing(
            "EcrRepository",
            "repositoryPolicy: {Version: '2012-10-17', Statement: {Effect: Allow, Principal: '*', Action: ecr:BatchGetImage}}",
        );
        says("EcrRepository", "repositoryPolicy: 'no policy'", "is not a policy");
        says("EcrRepository", "repositoryPolicy: '{'", "line 1 of the text");
    }

    #[test]
    fn a_statement_has_an_effect_a_principal_and_known_actions() {
        let statement =
            |text: &str| format!("repositoryPolicy: {{Version: '2012-10-17', Statement: [{text}]}}");
        says(
            "EcrRepository",
            &statement("{Effect: allow, Principal: '*', Action: 'ecr:*'}"),
            "`Allow` or `Deny`",
        );
        says("EcrRepository", &statement("{Effect: Allow, Action: 'ecr:*'}"), "has no `Principal`");
        says(
            "EcrRepository",
            &statement("{Effect: Allow, Principal: '*', Action: ecr:BatchCheckLaterAvailability}"),
            "no known action",
        );
    }

    #[test]
    fn names_and_exclusions_are_checked() {
        says("EcrRepository", "repositoryName: Shop", "cannot be `Shop`");
        says("EcrRepository", "imageTagMutability: IMMUTABLE_WITH_EXCLUSION", "needs");
        says("EcrRepository", "encryptionConfiguration: {encryptionType: AES256, kmsKey: alias/a}", "KMS");
    }
}
