//! Repository policies: IAM JSON, written back by ECR.
//!
//! ECR prints them with its own order of members and principals and ` : `, a list of one as its
//! element, and an account's id as the ARN of its root. Whether a principal exists is not checked: there is no IAM
//! here. Tests: in this file.

use serde_json::{Map, Value, json};

use super::super::{Call, Document, Refusal, field};
use super::repository::Repository;
use super::{Answer, State, invalid};

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

pub(super) fn set(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let policy = serde_json::from_str(field::text(input, "policyText").unwrap_or_default()).ok();
    let policy =
        policy.and_then(normal).ok_or_else(|| invalid("PolicyText", "Invalid repository policy provided"))?;
    repository.policy = Some(printed(&policy, 0));
    Ok(repository.answer(call, json!({"policyText": repository.policy})))
}

pub(super) fn read(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let text = repository.policy.as_ref().ok_or_else(|| missing(repository, call))?;
    Ok(repository.answer(call, json!({"policyText": text})))
}

pub(super) fn delete(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let text = repository.policy.take().ok_or_else(|| missing(repository, call))?;
    Ok(repository.answer(call, json!({"policyText": text})))
}

fn missing(repository: &Repository, call: &Call) -> Refusal {
    let message = format!(
        "Repository policy does not exist for the repository with name '{}' in the registry with id '{}'",
        repository.name, call.account
    );
    Refusal::client("RepositoryPolicyNotFoundException", message)
}

/// The policy as ECR keeps it; `None` if it is not one.
fn normal(policy: Value) -> Option<Value> {
    let Value::Object(mut policy) = policy else { return None };
    let version =
        policy.get("Version").is_none_or(|version| version == "2012-10-17" || version == "2008-10-17");
    let statements = match policy.remove("Statement")? {
        Value::Array(statements) => statements,
        statement => vec![statement],
    };
    let statements = statements.into_iter().map(normal_statement).collect::<Option<Vec<_>>>()?;
    policy.insert("Statement".into(), statements.into());
    version.then(|| ordered(policy, &POLICY)).flatten()
}

fn normal_statement(statement: Value) -> Option<Value> {
    let Value::Object(mut statement) = statement else { return None };
    let effect = statement.get("Effect").is_some_and(|effect| effect == "Allow" || effect == "Deny");
    let one_of = |left: &str, right: &str| statement.contains_key(left) != statement.contains_key(right);
    if !effect || !one_of("Principal", "NotPrincipal") || !one_of("Action", "NotAction") {
        return None;
    }
    for member in ["Action", "NotAction", "Resource", "NotResource"] {
        if let Some(value) = statement.get_mut(member) {
            *value = normal_texts(value.take(), str::to_owned)?;
        }
    }
    for member in ["Principal", "NotPrincipal"] {
        if let Some(value) = statement.get_mut(member) {
            *value = normal_principal(value.take())?;
        }
    }
    ordered(statement, &STATEMENT)
}

fn normal_principal(principal: Value) -> Option<Value> {
    match principal {
        Value::String(all) if all == "*" => Some(all.into()),
        Value::Object(kinds) if !kinds.is_empty() => {
            let normal = kinds.into_iter().map(|(kind, names)| match kind.as_str() {
                "AWS" => Some((kind, normal_principals(names)?)),
                "Service" | "Federated" | "CanonicalUser" => {
                    Some((kind, normal_texts(names, str::to_owned)?))
                }
                _ => None,
            });
            Some(Value::Object(normal.collect::<Option<Map<_, _>>>()?))
        }
        _ => None,
    }
}

/// In an order of ECR's own.
fn normal_principals(names: Value) -> Option<Value> {
    let mut names = normal_texts(names, root)?;
    if let Value::Array(names) = &mut names {
        names.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
    }
    Some(names)
}

/// An account's id becomes the ARN of its root.
fn root(principal: &str) -> String {
    let is_account = principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { format!("arn:aws:iam::{principal}:root") } else { principal.to_owned() }
}

/// A text or a list of them; a list of one becomes its element.
fn normal_texts(value: Value, change: impl Fn(&str) -> String) -> Option<Value> {
    let texts = match value {
        Value::Array(texts) => texts,
        text => vec![text],
    };
    let mut texts: Vec<Value> =
        texts.iter().map(|text| Some(change(text.as_str()?).into())).collect::<Option<_>>()?;
    match texts.len() {
        0 => None,
        1 => texts.pop(),
        _ => Some(texts.into()),
    }
}

/// The members in this order; `None` if there are others.
fn ordered(mut members: Map<String, Value>, order: &[&str]) -> Option<Value> {
    let sorted =
        order.iter().filter_map(|name| members.remove(*name).map(|value| ((*name).to_owned(), value)));
    let sorted: Map<_, _> = sorted.collect();
    members.is_empty().then_some(Value::Object(sorted))
}

/// As Jackson's default pretty printer does it: members on lines of their own, lists inline.
fn printed(value: &Value, depth: usize) -> String {
    let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
    match value {
        Value::Object(members) if !members.is_empty() => {
            let member = |(name, member): (&String, &Value)| {
                format!("{}{} : {}", line(depth + 1), json!(name), printed(member, depth + 1))
            };
            format!("{{{}{}}}", members.iter().map(member).collect::<Vec<_>>().join(","), line(depth))
        }
        Value::Array(items) if !items.is_empty() => {
            format!("[ {} ]", items.iter().map(|item| printed(item, depth)).collect::<Vec<_>>().join(", "))
        }
        Value::Object(_) => "{ }".into(),
        Value::Array(_) => "[ ]".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;

    fn set(state: &mut State, text: &str) -> Answer {
        ask(state, "SetRepositoryPolicy", json!({"repositoryName": "shop/web", "policyText": text}))
    }

    #[test]
    fn a_policy_comes_back_printed_by_ecr() {
        let mut state = registry();
        let sent = json!({
            "Statement": [
                {"Action": ["ecr:BatchGetImage"], "Principal": "*", "Effect": "Allow", "Sid": "All"},
                {"Effect": "Allow", "Principal": {"AWS": ["123456789012"]},
                    "Action": ["ecr:ListImages", "ecr:BatchGetImage"]},
            ],
            "Version": "2012-10-17",
        });
        set(&mut state, &sent.to_string()).unwrap();
        let read = ask(&mut state, "GetRepositoryPolicy", json!({"repositoryName": "shop/web"})).unwrap();
        let expected = r#"{
  "Version" : "2012-10-17",
  "Statement" : [ {
    "Sid" : "All",
    "Effect" : "Allow",
    "Principal" : "*",
    "Action" : "ecr:BatchGetImage"
  }, {
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::123456789012:root"
    },
    "Action" : [ "ecr:ListImages", "ecr:BatchGetImage" ]
  } ]
}"#;
        assert_eq!(read["policyText"], expected);
    }

    #[test]
    fn principals_come_back_in_an_order_of_ecrs_own() {
        let text = r#"{"Statement":{"Effect":"Deny","Principal":{"AWS":["210987654321","123456789012"]},"Action":"ecr:*"}}"#;
        let answer = set(&mut registry(), text).unwrap();
        let list = r#"[ "arn:aws:iam::123456789012:root", "arn:aws:iam::210987654321:root" ]"#;
        assert!(answer["policyText"].as_str().unwrap().contains(list), "{answer:#}");
    }

    #[test]
    fn setting_what_was_read_changes_nothing() {
        let mut state = registry();
        let first =
            set(&mut state, r#"{"Version":"2008-10-17","Statement":[]}"#).unwrap()["policyText"].clone();
        assert_eq!(first, "{\n  \"Version\" : \"2008-10-17\",\n  \"Statement\" : [ ]\n}");
        assert_eq!(set(&mut state, first.as_str().unwrap()).unwrap()["policyText"], first);
    }

    #[test]
    fn a_missing_policy_is_a_400() {
        let mut state = registry();
        for operation in ["GetRepositoryPolicy", "DeleteRepositoryPolicy"] {
            let (code, message) = refused(ask(&mut state, operation, json!({"repositoryName": "shop/web"})));
            assert_eq!(code, "RepositoryPolicyNotFoundException");
            assert!(
                message
                    .starts_with("Repository policy does not exist for the repository with name 'shop/web'")
            );
        }
        set(&mut state, r#"{"Statement":[]}"#).unwrap();
        ask(&mut state, "DeleteRepositoryPolicy", json!({"repositoryName": "shop/web"})).unwrap();
        let again = ask(&mut state, "DeleteRepositoryPolicy", json!({"repositoryName": "shop/web"}));
        assert_eq!(refused(again).0, "RepositoryPolicyNotFoundException");
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"Version":"2020-01-01","Statement":[]}"#,
            r#"{"Statement":[],"Extra":1}"#,
            r#"{"Statement":[{"Effect":"Maybe","Principal":"*","Action":"ecr:*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Action":"ecr:*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":[]}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":{"Person":"me"},"Action":"ecr:*"}]}"#,
        ] {
            let (code, message) = refused(set(&mut registry(), text));
            assert_eq!(code, "InvalidParameterException");
            assert_eq!(
                message,
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
                "{text}"
            );
        }
    }
}
