//! Shapes and types as structural schemas: everything in its place, no references, no types within `anyOf`.
//!
//! Members, enums and bounds are those of the editors' schema. What only a CRD says: how lists merge under server-side
//! apply, where a document is free, and texts' patterns in RE2's syntax. Tests: at the end.

use super::super::limits;
use super::super::schema::{complete, describe, list, narrow, scalar};
use super::rules;
use crate::model::facts::{Member, Shape, Type};
use crate::model::semantics::{Compare, Meaning};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Lists of scalars in which AWS refuses what stands twice.
const SETS: [(&str, &str); 1] = [("EcsCluster", "capacityProviders")];

/// The schema of a value.
pub fn of_shape(shape: &'static Shape) -> Value {
    let mut schema = match shape.kind {
        Type::Structure(_) => structure(shape),
        Type::List(element) => list(shape, of_shape(element.shape())),
        Type::Map(entry) => json!({"type": "object", "additionalProperties": of_shape(entry.shape())}),
        Type::Timestamp => json!({"type": "string", "format": "date-time"}),
        Type::Document => json!({"x-kubernetes-preserve-unknown-fields": true}),
        _ => text(shape),
    };
    rules::apply(&mut schema, &shape.name);
    schema
}

fn structure(shape: &'static Shape) -> Value {
    let properties: Map<String, Value> =
        shape.members().iter().map(|member| (member.name.clone(), property(shape, member))).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    complete(&mut schema, shape);
    schema
}

fn property(shape: &'static Shape, member: &Member) -> Value {
    let mut schema = of_shape(member.shape());
    narrow(&mut schema, shape, member);
    rules::bound(&mut schema, &shape.name, &member.name);
    if let Some((most, pattern)) = limits::text(&shape.name, &member.name) {
        schema["maxLength"] = json!(most);
        schema["pattern"] = json!(format!("^({pattern})$"));
    }
    if member.shape().name == "LifecyclePolicy" {
        either_text(&mut schema);
    }
    merge(&mut schema, shape, member);
    describe(&mut schema, &shape.name, &member.name);
    schema
}

/// A policy may also be JSON text. A schema without a type takes both, and holds a map to what it says of members; more
/// it cannot say: what is neither is left to the operator, and CEL does not see below it.
fn either_text(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("type");
        schema.insert("x-kubernetes-preserve-unknown-fields".to_owned(), json!(true));
    }
}

/// How server-side apply merges a list: by keys that every element has, as a set, or as a whole (the default). By keys no
/// element stands twice: also a variable of a container, of which AWS takes the last.
fn merge(schema: &mut Value, shape: &Shape, member: &Member) {
    if SETS.contains(&(shape.name.as_str(), member.name.as_str())) {
        schema["x-kubernetes-list-type"] = json!("set");
    }
    let (Compare::By(keys) | Compare::ByLast(keys) | Compare::Declared(keys)) =
        Meaning::of(shape, member).compare
    else {
        return;
    };
    let Some(element) = member.shape().element() else { return };
    let keys: Vec<&Member> = keys.iter().filter_map(|key| element.member(key)).collect();
    if keys.iter().all(|key| limits::is_required(element, key)) {
        let keys: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        schema["x-kubernetes-list-type"] = json!("map");
        schema["x-kubernetes-list-map-keys"] = json!(keys);
    }
}

fn text(shape: &Shape) -> Value {
    let mut schema = scalar(shape);
    if let Some(pattern) = shape.pattern.as_deref().and_then(re2) {
        schema["pattern"] = json!(pattern);
    }
    schema
}

/// The model's pattern, which is Java's, where RE2 reads it too; what it leaves out stands in [`limits`] or allows
/// everything that can be printed.
fn re2(pattern: &str) -> Option<String> {
    let foreign = ["(?", "\\u", "\\p{Print}"].iter().any(|one| pattern.contains(one));
    let inner = pattern.trim_start_matches('^').trim_end_matches('$');
    (!foreign).then(|| format!("^({inner})$"))
}

/// The schema of a type of ours.
pub fn of_type<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    plain(&mut schema);
    schema
}

/// Without what an API server does not know or what says nothing: titles, nulls, Rust's own number formats.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(words) => {
            // A property may have the name of a word.
            let is_schema = words.get("type").is_some_and(Value::is_string);
            if is_schema {
                words.retain(|word, value| match word.as_str() {
                    "title" | "nullable" | "default" => false,
                    "format" => value == "date-time",
                    _ => true,
                });
            }
            words.values_mut().for_each(plain);
        }
        Value::Array(list) => list.iter_mut().for_each(plain),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::kind_shape;
    use crate::model::names::Kind;

    fn spec(kind: Kind) -> Value {
        of_shape(kind.spec())
    }

    /// Every schema within a schema, with its path.
    fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
        visit(path, schema);
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            walk(inner, &format!("{path}.{name}"), visit);
        }
        for (word, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
            if let Some(inner) = schema.get(word) {
                walk(inner, &format!("{path}{mark}"), visit);
            }
        }
    }

    #[test]
    fn every_member_of_every_shape_is_there() {
        fn check(shape: &'static Shape, schema: &Value, path: &str) {
            match shape.kind {
                Type::Structure(_) => {
                    let names: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
                    let members: Vec<_> = shape.members().iter().map(|member| &member.name).collect();
                    assert_eq!(names, members, "{path}");
                    for member in shape.members() {
                        let path = format!("{path}.{}", member.name);
                        check(member.shape(), &schema["properties"][&member.name], &path);
                    }
                }
                Type::List(element) => check(element.shape(), &schema["items"], &format!("{path}[]")),
                _ => assert_eq!(
                    schema["enum"].as_array().map_or(0, Vec::len),
                    shape.enum_values.len(),
                    "{path}"
                ),
            }
        }
        for kind in Kind::ALL {
            check(kind.spec(), &spec(kind), kind.name());
        }
    }

    #[test]
    fn a_document_is_free_only_where_a_policy_may_stand() {
        let mut free = Vec::new();
        for kind in Kind::ALL {
            walk(&spec(kind), kind.name(), &mut |path, schema| {
                if schema.get("x-kubernetes-preserve-unknown-fields").is_some() {
                    free.push(path.to_owned());
                }
                assert!(schema.get("default").is_none(), "{path}");
            });
        }
        free.sort();
        assert_eq!(
            free,
            [
                "EcrRepository.lifecyclePolicy",
                "EcrRepository.repositoryPolicy",
                "EcsService.service.deploymentConfiguration.lifecycleHooks[].hookDetails",
            ]
        );
    }

    #[test]
    fn lists_merge_by_keys_that_every_element_has() {
        let mut lists = Vec::new();
        for kind in Kind::ALL {
            walk(&spec(kind), kind.name(), &mut |path, schema| {
                let Some(keys) = schema.get("x-kubernetes-list-map-keys") else { return };
                for key in keys.as_array().unwrap() {
                    assert!(schema["items"]["required"].as_array().unwrap().contains(key), "{path}");
                    lists.push(format!("{path}: {}", key.as_str().unwrap()));
                }
            });
        }
        let containers = "EcsService.taskDefinition.containerDefinitions";
        for list in [
            &format!("{containers}: name"),
            &format!("{containers}[].environment: name"),
            &format!("{containers}[].secrets: name"),
            "EcsService.autoscaling.policies: policyName",
            "EcrRepository.lifecyclePolicy.rules: rulePriority",
            "EcsCluster.tags: key",
        ] {
            assert!(lists.iter().any(|one| one == list), "{list}: {lists:#?}");
        }
        // A port mapping has no member that all of them have.
        assert!(!lists.iter().any(|list| list.contains("portMappings")), "{lists:#?}");
    }

    #[test]
    fn patterns_of_another_dialect_are_left_out() {
        assert_eq!(re2("^[a-z]+$").as_deref(), Some("^([a-z]+)$"));
        assert_eq!(re2("(?!x).+"), None);
        assert_eq!(
            re2(kind_shape("Policy").member("policyName").unwrap().shape().pattern.as_deref().unwrap()),
            None
        );
    }
}
