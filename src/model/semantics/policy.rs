//! IAM policy documents: when two are one. Actions, resources and principals are sets, a string is a
//! list of one, `*` as a principal is every AWS principal, an account's id is its root.

use super::Scope;
use serde_json::{Map, Value, json};

/// The canonical form of a policy document.
pub fn canonical(policy: &Value, _: &Scope) -> Value {
    let Some(policy) = policy.as_object() else { return policy.clone() };
    let mut policy = policy.clone();
    if let Some(statements) = policy.get_mut("Statement") {
        let mut list: Vec<Value> = listed(statements).iter().map(statement).collect();
        list.sort_by_key(Value::to_string);
        *statements = Value::Array(list);
    }
    Value::Object(sorted(policy))
}

fn statement(statement: &Value) -> Value {
    let Some(statement) = statement.as_object() else { return statement.clone() };
    let members = statement.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
        let value = match name.as_str() {
            "Action" | "NotAction" => set(value, str::to_ascii_lowercase),
            "Resource" | "NotResource" => set(value, str::to_owned),
            "Principal" | "NotPrincipal" => principal(value),
            "Condition" => condition(value),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(sorted(members.collect()))
}

fn principal(value: &Value) -> Value {
    match value {
        Value::String(any) if any == "*" => json!({"AWS": ["*"]}),
        Value::Object(kinds) => {
            let kinds = kinds.iter().map(|(kind, names)| (kind.clone(), set(names, account_root)));
            Value::Object(sorted(kinds.collect()))
        }
        other => other.clone(),
    }
}

/// `123456789012` is `arn:aws:iam::123456789012:root`.
fn account_root(name: &str) -> String {
    let is_account = name.len() == 12 && name.bytes().all(|digit| digit.is_ascii_digit());
    if is_account { format!("arn:aws:iam::{name}:root") } else { name.to_owned() }
}

/// Operator → key → values, each a set of strings (`true` is `"true"`).
fn condition(value: &Value) -> Value {
    let Some(operators) = value.as_object() else { return value.clone() };
    let operators = operators.iter().map(|(operator, keys)| {
        let keys = match keys.as_object() {
            Some(keys) => {
                let keys = keys.iter().map(|(key, values)| (key.clone(), set(values, str::to_owned)));
                Value::Object(sorted(keys.collect()))
            }
            None => keys.clone(),
        };
        (operator.clone(), keys)
    });
    Value::Object(sorted(operators.collect()))
}

fn set(value: &Value, spelling: impl Fn(&str) -> String) -> Value {
    let mut list: Vec<String> =
        listed(value).iter().map(|one| spelling(one.as_str().unwrap_or(&one.to_string()))).collect();
    list.sort();
    list.dedup();
    json!(list)
}

/// A list, or the one that stands for it.
fn listed(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn sorted(members: Map<String, Value>) -> Map<String, Value> {
    let mut members: Vec<_> = members.into_iter().collect();
    members.sort_by(|one, other| one.0.cmp(&other.0));
    members.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: Value, other: Value) -> bool {
        let root = Map::new();
        let scope = Scope::of(&root, "");
        canonical(&one, &scope) == canonical(&other, &scope)
    }

    #[test]
    fn lists_are_sets_and_a_string_is_a_list_of_one() {
        assert!(same(
            json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": ["ecr:B", "ecr:A"]}}),
            json!({"Statement": [{"Action": ["ecr:a", "ecr:b"], "Principal": {"AWS": "*"}, "Effect": "Allow"}]}),
        ));
        assert!(same(
            json!({"Statement": [{"Principal": {"AWS": "123456789012"}}]}),
            json!({"Statement": [{"Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}}]}),
        ));
        assert!(!same(
            json!({"Statement": [{"Effect": "Allow", "Action": "ecr:A"}]}),
            json!({"Statement": [{"Effect": "Deny", "Action": "ecr:A"}]}),
        ));
    }
}
