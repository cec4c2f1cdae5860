//! Refusals, failures and names as ECS words them.

use serde_json::{Value, json};

use crate::sandbox::{Call, Document, Refusal, field};

pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::client("InvalidParameterException", message)
}

/// ECS says `ClientException` for many things, of which few are the client's.
pub fn client(message: impl Into<String>) -> Refusal {
    Refusal::client("ClientException", message)
}

pub fn cluster_not_found() -> Refusal {
    Refusal::client("ClusterNotFoundException", "Cluster not found.")
}

pub fn service_not_found() -> Refusal {
    Refusal::client("ServiceNotFoundException", "Service not found.")
}

/// An element of `failures`, which come with status 200.
pub fn failure(arn: &str, reason: &str) -> Value {
    json!({"arn": arn, "reason": reason})
}

/// A name as it is, and the last part of an ARN: `arn:…:cluster/shop` is `shop`.
pub fn short(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

/// The cluster that an input names, by default `default`.
pub fn cluster_name(input: &Document) -> &str {
    short(field::text(input, "cluster").filter(|name| !name.is_empty()).unwrap_or("default"))
}

/// An ARN of this Region for what may be named in short.
pub fn arn_of(call: &Call, kind: &str, name_or_arn: &str) -> String {
    if name_or_arn.starts_with("arn:") {
        name_or_arn.to_owned()
    } else {
        call.arn("ecs", &format!("{kind}/{name_or_arn}"))
    }
}

/// Names of clusters, services, capacity providers, families.
pub fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// A member's value, or null: indexing a document would panic.
pub fn at<'a>(document: &'a Document, member: &str) -> &'a Value {
    document.get(member).unwrap_or(&Value::Null)
}

/// Sets the members that are absent.
pub fn fill<const N: usize>(document: &mut Document, defaults: [(&str, Value); N]) {
    for (member, default) in defaults {
        document.entry(member).or_insert(default);
    }
}

/// The members of a list's elements, as objects.
pub fn objects<'a>(document: &'a Document, member: &str) -> impl Iterator<Item = &'a Document> {
    field::list(document, member).iter().filter_map(Value::as_object)
}

/// The same for changing them.
pub fn objects_mut<'a>(document: &'a mut Document, member: &str) -> impl Iterator<Item = &'a mut Document> {
    document
        .get_mut(member)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// An order that follows from the text but not from the alphabet: AWS answers some lists in one
/// that nobody asked for. FNV-1a.
pub fn scattered(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
