//! The repository policy: an IAM document of the shape that a resource policy has.
//!
//! Whether its actions and principals exist is AWS's to say. Tests: at the end of this file.

use super::node::Node;
use super::{Check, Finding};
use crate::manifest::nearest;
use serde_json::Value;

pub(super) const CHECKS: &[Check] = &[document, length];

/// The most letters of a repository policy's text.
const MOST_LETTERS: usize = 10_240;
/// The members of a policy, and those of a statement.
const POLICY: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT: [&str; 9] = [
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
/// What repository policies usually allow.
const ACTIONS: [&str; 20] = [
    "BatchCheckLayerAvailability",
    "BatchDeleteImage",
    "BatchGetImage",
    "BatchImportUpstreamImage",
    "CompleteLayerUpload",
    "DeleteRepository",
    "DeleteRepositoryPolicy",
    "DescribeImageScanFindings",
    "DescribeImages",
    "DescribeRepositories",
    "GetDownloadUrlForLayer",
    "GetLifecyclePolicy",
    "GetRepositoryPolicy",
    "InitiateLayerUpload",
    "ListImages",
    "ListTagsForResource",
    "PutImage",
    "ReplicateImage",
    "SetRepositoryPolicy",
    "UploadLayerPart",
];

fn document(spec: &Node, out: &mut Vec<Finding>) {
    let policy = spec.at("repositoryPolicy");
    match policy.value() {
        Some(Value::String(text)) if !super::names::is_template(text) => {
            if let Err(problem) = serde_json::from_str::<serde_json::Map<String, Value>>(text) {
                out.push(
                    Finding::error(&policy, format!("the policy is not a JSON object: {problem}")).hint(
                        "write it as YAML: `repositoryPolicy: {Version: \"2012-10-17\", Statement: […]}`",
                    ),
                );
            }
        }
        Some(Value::Object(_)) => statements(&policy, out),
        Some(Value::Array(_) | Value::Number(_) | Value::Bool(_)) => {
            out.push(
                Finding::error(&policy, "the policy is not an object")
                    .hint("it holds `Version` and `Statement`"),
            );
        }
        Some(Value::String(_) | Value::Null) | None => {}
    }
}

/// IAM refuses members that it does not know.
fn unknown(node: &Node, known: &[&str], what: &str, out: &mut Vec<Finding>) {
    for name in node.members().into_iter().flat_map(|members| members.keys()) {
        if known.contains(&name.as_str()) || super::names::is_template(name) {
            continue;
        }
        let finding = Finding::error(&node.at(name), format!("{what} has no member `{name}`"));
        out.push(match nearest(name, known.iter().copied()) {
            Some(meant) => finding.hint(format!("did you mean `{meant}`?")),
            None => finding,
        });
    }
}

fn statements(policy: &Node, out: &mut Vec<Finding>) {
    unknown(policy, &POLICY, "the policy", out);
    let list = policy.at("Statement");
    let Some(value) = list.value() else {
        out.push(
            Finding::error(policy, "the policy has no `Statement`")
                .hint("names are written as IAM does: `Statement`"),
        );
        return;
    };
    let version = policy.at("Version");
    if let Some(text) = version.text().filter(|text| !matches!(*text, "2012-10-17" | "2008-10-17")) {
        let message = format!("`{text}` is not a version of the policy language");
        out.push(Finding::error(&version, message).hint("\"2012-10-17\""));
    }
    match value {
        Value::Array(_) => list.elements().iter().for_each(|one| statement(one, out)),
        Value::Object(_) => statement(&list, out),
        _ => out.push(Finding::error(&list, "`Statement` is a list of objects")),
    }
}

fn statement(statement: &Node, out: &mut Vec<Finding>) {
    if statement.members().is_none() {
        out.push(Finding::error(statement, "a statement is an object"));
        return;
    }
    unknown(statement, &STATEMENT, "a statement", out);
    let effect = statement.at("Effect");
    if !matches!(effect.text(), Some("Allow" | "Deny")) {
        let at = if effect.value().is_some() { &effect } else { statement };
        out.push(Finding::error(at, "the statement needs `Effect: Allow` or `Effect: Deny`"));
    }
    for (member, opposite) in [("Principal", "NotPrincipal"), ("Action", "NotAction")] {
        match (statement.given(member), statement.given(opposite)) {
            (false, false) => {
                out.push(
                    Finding::error(statement, format!("the statement has no `{member}`")).hint("add it"),
                );
            }
            (true, true) => out.push(
                Finding::error(
                    &statement.at(opposite),
                    format!("`{member}` and `{opposite}` cannot stand together"),
                )
                .related(&statement.at(member)),
            ),
            _ => {}
        }
    }
    let action = statement.at("Action");
    let one = action.text().is_some().then(|| action.clone());
    for action in one.into_iter().chain(action.elements()) {
        let Some(name) = action.text().filter(|name| !super::names::is_template(name)) else { continue };
        let Some((service, what)) = name.split_once(':') else { continue };
        if !service.eq_ignore_ascii_case("ecr") {
            out.push(
                Finding::warning(&action, format!("`{name}` is not an action of Amazon ECR"))
                    .hint("actions start with `ecr:`"),
            );
        } else if let Some(meant) = meant(what) {
            out.push(
                Finding::warning(&action, format!("`{name}` is no action that Amazon ECR is known to have"))
                    .hint(format!("did you mean `ecr:{meant}`?")),
            );
        }
    }
}

/// The known action that a name is a misspelling of; others may be new ones.
fn meant(action: &str) -> Option<&'static str> {
    let is_known = ACTIONS.iter().any(|name| name.eq_ignore_ascii_case(action));
    if action.contains(['*', '?']) || is_known {
        return None;
    }
    ACTIONS.into_iter().find(|name| strsim::damerau_levenshtein(name, action) <= 2)
}

fn length(spec: &Node, out: &mut Vec<Finding>) {
    let policy = spec.at("repositoryPolicy");
    let letters = match policy.value() {
        Some(Value::String(text)) => text.chars().count(),
        Some(value) => value.to_string().chars().count(),
        None => 0,
    };
    if letters > MOST_LETTERS {
        let message = format!("the policy has {letters} characters, and at most {MOST_LETTERS} are allowed");
        out.push(Finding::error(&policy, message));
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{assert_one, lines};
    use crate::model::names::Kind;
    use serde_json::{Value, json};

    #[test]
    fn policies() {
        let statement = |members: Value| {
            let mut whole = json!({"Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]});
            whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            json!({"Version": "2012-10-17", "Statement": [whole]})
        };
        for (what, policy, words) in [
            ("plain", statement(json!({})), ""),
            ("empty", json!({"Version": "2012-10-17", "Statement": []}), ""),
            ("one action", statement(json!({"Action": "ecr:*"})), ""),
            ("text", json!("{\"Version\": \"2012-10-17\", \"Statement\": []}"), ""),
            ("bad text", json!("{"), "not a JSON object"),
            ("no statement", json!({"Version": "2012-10-17"}), "no `Statement`"),
            ("version", json!({"Version": "2012", "Statement": []}), "`2012`"),
            ("effect", statement(json!({"Effect": "allow"})), "Effect: the statement needs"),
            ("principal", statement(json!({"Principal": null})), "no `Principal`"),
            ("unknown", statement(json!({"Conditions": {}})), "a statement has no member `Conditions`"),
            ("both", statement(json!({"NotAction": "ecr:*"})), "cannot stand together"),
            (
                "misspelled",
                statement(json!({"Action": ["ecr:BatchCheckLaterAvailability", "ecr:Get*"]})),
                "warning: repositoryPolicy.Statement[0].Action[0]",
            ),
            (
                "action",
                statement(json!({"Action": "s3:GetObject"})),
                "warning: repositoryPolicy.Statement[0].Action",
            ),
        ] {
            let spec = json!({"repositoryName": "shop/web", "repositoryPolicy": policy});
            assert_one(what, &lines(Kind::EcrRepository, &spec), words);
        }
    }
}
