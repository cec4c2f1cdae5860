//! The facts of the API models as data, and the check of every input against them: unknown and
//! missing members, types, enums, lengths, bounds, patterns. Refusals carry the codes and words of
//! the service that speaks. Knows nothing of what operations do.
//!
//! Stricter than AWS in one point: a member that the model does not know is refused, where AWS
//! ignores some.
//!
//! Tests: in this file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Document, Refusal};

/// One API: how it is addressed, its operations and shapes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Api {
    pub target_prefix: String,
    pub signing_name: String,
    operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    input: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Shape {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    members: BTreeMap<String, String>,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    document: bool,
    member: Option<String>,
    key: Option<String>,
    value: Option<String>,
    #[serde(default, rename = "enum")]
    values: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default, deserialize_with = "pattern")]
    pattern: Option<Pattern>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Double,
    Float,
    Boolean,
    Timestamp,
    Blob,
}

#[derive(Debug)]
struct Pattern {
    text: String,
    regex: Regex,
}

/// Patterns that are written in a dialect of Java's own (`\p{L}`, surrogates) are left out: the
/// operations check those names themselves.
fn pattern<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Pattern>, D::Error> {
    let text = String::deserialize(from)?;
    Ok(Regex::new(&format!("^(?:{text})$")).ok().map(|regex| Pattern { text, regex }))
}

static APIS: LazyLock<Vec<Api>> = LazyLock::new(|| {
    [
        include_str!("../../model/ecs.json"),
        include_str!("../../model/ecr.json"),
        include_str!("../../model/application-autoscaling.json"),
        include_str!("../../model/resourcegroupstaggingapi.json"),
    ]
    .into_iter()
    .filter_map(|facts| serde_json::from_str(facts).ok())
    .collect()
});

impl Api {
    pub fn by_target_prefix(prefix: &str) -> Option<&'static Self> {
        APIS.iter().find(|api| api.target_prefix == prefix)
    }

    pub fn by_signing_name(name: &str) -> Option<&'static Self> {
        APIS.iter().find(|api| api.signing_name == name)
    }

    /// The input without its `null`s, if the model allows it.
    pub fn check(&self, operation: &str, input: Document) -> Result<Document, Refusal> {
        let facts = self.operations.get(operation).ok_or_else(|| {
            let message = format!("the API `{}` has no operation `{operation}`", self.signing_name);
            Refusal::client("UnknownOperationException", message)
        })?;
        let Some(shape) = facts.input.as_ref().and_then(|name| self.shapes.get(name)) else {
            return Ok(input);
        };
        let mut check = Check { api: self, violations: Vec::new() };
        let input = check.structure(shape, input, &Path::root())?;
        match check.violations.as_slice() {
            [] => Ok(input),
            violations => Err(self.violated(violations)),
        }
    }

    fn violated(&self, violations: &[Violation]) -> Refusal {
        if let ("ecr", [Violation { path, constraint, .. }, ..]) = (self.signing_name.as_str(), violations) {
            let words = match constraint.strip_prefix("Member must satisfy regular expression pattern: ") {
                Some(pattern) => format!("must satisfy regular expression '{pattern}'"),
                None => constraint.trim_start_matches("Member ").to_owned(),
            };
            let message = format!("Invalid parameter at '{path}' failed to satisfy constraint: '{words}'");
            return Refusal::client("InvalidParameterException", message);
        }
        let code = match self.signing_name.as_str() {
            "application-autoscaling" => "ValidationException",
            _ => "InvalidParameterException",
        };
        let plural = if violations.len() == 1 { "" } else { "s" };
        let list: Vec<String> = violations
            .iter()
            .map(|Violation { value, path, constraint }| {
                format!("Value {value} at '{path}' failed to satisfy constraint: {constraint}")
            })
            .collect();
        let message = format!("{} validation error{plural} detected: {}", list.len(), list.join("; "));
        Refusal::client(code, message)
    }
}

/// A value of the right type that breaks a constraint.
#[derive(Debug)]
struct Violation {
    /// Quoted, or `null`.
    value: String,
    path: String,
    constraint: String,
}

/// Where a value is, in AWS's words: `containerDefinitions.1.member.name`.
struct Path(String);

impl Path {
    fn root() -> Self {
        Self(String::new())
    }

    fn member(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    fn element(&self, index: usize) -> Self {
        Self(format!("{}.{}.member", self.0, index + 1))
    }
}

struct Check<'a> {
    api: &'a Api,
    violations: Vec<Violation>,
}

impl Check<'_> {
    /// Checks a value of a named shape; an unknown shape allows everything.
    fn value(&mut self, shape: &str, value: Value, path: &Path) -> Result<Value, Refusal> {
        let Some(shape) = self.api.shapes.get(shape) else { return Ok(value) };
        if shape.document {
            return Ok(value);
        }
        match (shape.kind, value) {
            (Kind::Structure, Value::Object(members)) => {
                self.structure(shape, members, path).map(Value::Object)
            }
            (Kind::List, Value::Array(elements)) => self.list(shape, elements, path),
            (Kind::Map, Value::Object(entries)) => self.map(shape, entries, path),
            (kind, value) if kind.allows(&value) => {
                self.constraints(shape, &value, path);
                Ok(value)
            }
            (kind, value) => Err(kind.mismatch(&value)),
        }
    }

    fn structure(&mut self, shape: &Shape, members: Document, path: &Path) -> Result<Document, Refusal> {
        let mut checked = Map::new();
        for (name, value) in members {
            let at = path.member(&name);
            let Some(member) = shape.members.get(&name) else {
                let message = format!("Unknown member '{}': the API model does not have it", at.0);
                return Err(Refusal::client("SerializationException", message));
            };
            if !value.is_null() {
                let value = self.value(member, value, &at)?;
                checked.insert(name, value);
            }
        }
        for missing in shape.required.iter().filter(|name| !checked.contains_key(*name)) {
            self.violate("null".to_owned(), &path.member(missing), "Member must not be null".to_owned());
        }
        if shape.union && checked.len() != 1 {
            return Err(Refusal::client(
                "SerializationException",
                "Exactly one member of a union must be set",
            ));
        }
        Ok(checked)
    }

    fn list(&mut self, shape: &Shape, elements: Vec<Value>, path: &Path) -> Result<Value, Refusal> {
        self.length(shape, elements.len(), || quoted(&Value::Array(elements.clone())), path);
        let mut checked = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            let at = path.element(index);
            if element.is_null() {
                self.violate("null".to_owned(), &at, "Member must not be null".to_owned());
            } else if let Some(member) = &shape.member {
                checked.push(self.value(member, element, &at)?);
            }
        }
        Ok(Value::Array(checked))
    }

    fn map(&mut self, shape: &Shape, entries: Document, path: &Path) -> Result<Value, Refusal> {
        let mut checked = Map::new();
        for (key, value) in entries {
            let at = path.member(&key);
            if let Some(key_shape) = &shape.key {
                self.value(key_shape, Value::String(key.clone()), &at)?;
            }
            if let (Some(value_shape), false) = (&shape.value, value.is_null()) {
                checked.insert(key, self.value(value_shape, value, &at)?);
            }
        }
        self.length(shape, checked.len(), || quoted(&Value::Object(checked.clone())), path);
        Ok(Value::Object(checked))
    }

    fn constraints(&mut self, shape: &Shape, value: &Value, path: &Path) {
        if let Some(text) = value.as_str() {
            if !shape.values.is_empty() && !shape.values.iter().any(|known| known == text) {
                // Java's services list an enum's values in no order; sorted is at least stable.
                let known: Vec<&str> =
                    shape.values.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
                let constraint = format!("Member must satisfy enum value set: [{}]", known.join(", "));
                self.violate(quoted(value), path, constraint);
            }
            self.length(shape, text.chars().count(), || quoted(value), path);
            if let Some(pattern) = shape.pattern.as_ref().filter(|pattern| !pattern.regex.is_match(text)) {
                let constraint = format!("Member must satisfy regular expression pattern: {}", pattern.text);
                self.violate(quoted(value), path, constraint);
            }
        } else if let Some(number) = value.as_f64() {
            let low =
                shape.min.filter(|min| number < *min).map(|min| format!("greater than or equal to {min}"));
            let high =
                shape.max.filter(|max| number > *max).map(|max| format!("less than or equal to {max}"));
            for bound in [low, high].into_iter().flatten() {
                self.violate(quoted(value), path, format!("Member must have value {bound}"));
            }
        }
    }

    #[allow(clippy::cast_precision_loss)] // lengths are far below 2^52
    fn length(&mut self, shape: &Shape, length: usize, shown: impl Fn() -> String, path: &Path) {
        let length = length as f64;
        let low = shape.min.filter(|min| length < *min).map(|min| format!("greater than or equal to {min}"));
        let high = shape.max.filter(|max| length > *max).map(|max| format!("less than or equal to {max}"));
        for bound in [low, high].into_iter().flatten() {
            self.violate(shown(), path, format!("Member must have length {bound}"));
        }
    }

    fn violate(&mut self, value: String, path: &Path, constraint: String) {
        self.violations.push(Violation { value, path: path.0.clone(), constraint });
    }
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        other => format!("'{other}'"),
    }
}

impl Kind {
    fn allows(self, value: &Value) -> bool {
        match self {
            Self::String | Self::Blob => value.is_string(),
            Self::Integer => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Self::Long => value.is_i64(),
            Self::Double | Self::Float => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Timestamp => value.is_number() || value.is_string(),
            Self::Structure | Self::List | Self::Map => false,
        }
    }

    fn mismatch(self, value: &Value) -> Refusal {
        let expected = match self {
            Self::String | Self::Blob => "String",
            Self::Integer => "Integer",
            Self::Long => "Long",
            Self::Double | Self::Float => "Double",
            Self::Boolean => "Boolean",
            Self::Timestamp => "Timestamp",
            Self::Structure | Self::List | Self::Map => {
                return Refusal::client("SerializationException", "Unexpected field type");
            }
        };
        let message = match value {
            Value::Array(_) => "Start of list found where not expected".to_owned(),
            Value::Object(_) => "Start of structure or map found where not expected.".to_owned(),
            Value::String(_) => format!("STRING_VALUE can not be converted to {expected}"),
            Value::Bool(true) => format!("TRUE_VALUE can not be converted to {expected}"),
            Value::Bool(false) => format!("FALSE_VALUE can not be converted to {expected}"),
            _ => format!("NUMBER_VALUE can not be converted to {expected}"),
        };
        Refusal::client("SerializationException", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(prefix: &str, operation: &str, input: Value) -> Result<Document, (String, String)> {
        let Value::Object(input) = input else { panic!("an input is an object") };
        let api = Api::by_target_prefix(prefix).unwrap();
        api.check(operation, input).map_err(|refusal| (refusal.code, refusal.message))
    }

    const ECS: &str = "AmazonEC2ContainerServiceV20141113";

    #[test]
    fn every_model_is_read() {
        assert_eq!(APIS.len(), 4);
    }

    #[test]
    fn nulls_are_absent() {
        let input = json!({"serviceName": "web", "taskDefinition": null, "deploymentConfiguration": {"strategy": null}});
        let expected = json!({"serviceName": "web", "deploymentConfiguration": {}});
        assert_eq!(Value::Object(check(ECS, "CreateService", input).unwrap()), expected);
    }

    #[test]
    fn an_unknown_member_is_refused_at_any_depth() {
        let input = json!({"family": "f", "containerDefinitions": [{"name": "web", "_comment": "x"}]});
        let (code, message) = check(ECS, "RegisterTaskDefinition", input).unwrap_err();
        assert_eq!(code, "SerializationException");
        assert!(message.contains("containerDefinitions.1.member._comment"), "{message}");
    }

    #[test]
    fn a_wrong_type_is_refused() {
        let input = json!({"serviceName": "web", "desiredCount": "2"});
        let refused = check(ECS, "CreateService", input).unwrap_err();
        assert_eq!(refused.0, "SerializationException");
        assert_eq!(refused.1, "STRING_VALUE can not be converted to Integer");
        let (code, _) = check(ECS, "CreateService", json!({"serviceName": "web", "tags": {}})).unwrap_err();
        assert_eq!(code, "SerializationException");
    }

    #[test]
    fn all_broken_constraints_are_told_at_once() {
        let input = json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1001}], "launchType": "MOON"});
        let (code, message) = check(ECS, "CreateService", input).unwrap_err();
        assert_eq!(code, "InvalidParameterException");
        assert_eq!(
            message,
            "3 validation errors detected: Value '1001' at 'capacityProviderStrategy.1.member.weight' failed to satisfy constraint: Member must have value less than or equal to 1000; Value 'MOON' at 'launchType' failed to satisfy constraint: Member must satisfy enum value set: [EC2, EXTERNAL, FARGATE, MANAGED_INSTANCES]; Value null at 'serviceName' failed to satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn ecr_words_a_constraint_in_its_own_way() {
        let (code, message) = check(
            "AmazonEC2ContainerRegistry_V20150921",
            "CreateRepository",
            json!({"repositoryName": "A b"}),
        )
        .unwrap_err();
        assert_eq!(code, "InvalidParameterException");
        assert_eq!(
            message,
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*''"
        );
    }

    #[test]
    fn application_auto_scaling_calls_it_a_validation_exception() {
        let (code, _) = check("AnyScaleFrontendService", "DescribeScalableTargets", json!({})).unwrap_err();
        assert_eq!(code, "ValidationException");
    }

    #[test]
    fn an_operation_that_the_api_does_not_have_is_said_so() {
        let (code, message) = check(ECS, "MakeCoffee", json!({})).unwrap_err();
        assert_eq!(code, "UnknownOperationException");
        assert!(message.contains("MakeCoffee"));
    }
}
