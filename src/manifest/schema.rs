//! The JSON Schema of manifests, for editors: one document is one of the four kinds.
//!
//! It follows from the facts of the API models, so a member that the model gains is known to editors as well. It is
//! exact where `validate` is tolerant, because an editor should lead to the canonical form; what depends on more
//! than one member (Fargate sizes, ports of load balancers …) is left to `validate`. What both schemas say in the same
//! words (scalars, bounds, what is required) the CRDs take from here. The file `schema/manifest.schema.json` is this
//! value; a test at the end holds it current and rewrites it when `UPDATE_SCHEMA` is set.

use super::describe::{annotation_description, description};
use super::limits;
use crate::model::facts::{Member, Shape, Type};
use crate::model::names::{GROUP, Kind, VERSION, annotation};
use serde_json::{Map, Value, json};

/// The schema of one YAML document.
pub fn schema() -> Value {
    let mut defs = Map::new();
    for kind in Kind::ALL {
        defs.insert(format!("{kind}.manifest"), manifest(kind));
        define(kind.spec(), &mut defs);
    }
    defs.insert("metadata".to_owned(), metadata());
    defs.sort_keys();
    let kinds: Value = Kind::ALL.iter().map(|kind| reference(&format!("{kind}.manifest"))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("{GROUP}/{VERSION} manifest"),
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "oneOf": kinds,
        "$defs": defs,
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A whole document of one kind.
fn manifest(kind: Kind) -> Value {
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": format!("{GROUP}/{VERSION}")},
            "kind": {"const": kind.name()},
            "metadata": reference("metadata"),
            "spec": reference(&name(kind.spec())),
        },
    });
    describe(&mut schema, kind.name(), "");
    schema
}

fn metadata() -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let ours: Map<String, Value> =
        annotation::ALL.iter().map(|name| ((*name).to_owned(), ours(name))).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": {
                "type": "string",
                "maxLength": 253,
                "pattern": "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
                "description": "The object's name. The AWS resource has this name unless the body gives another.",
            },
            "namespace": {"type": "string", "maxLength": 63, "description": "The Kubernetes namespace; optional in files."},
            "labels": texts,
            "annotations": {
                "type": "object",
                // Others' annotations are free; in our own group a name that is none of ours is a typo.
                "propertyNames": {"anyOf": [
                    {"enum": annotation::ALL},
                    {"not": {"pattern": format!("^{}/", GROUP.replace('.', "\\."))}},
                ]},
                "properties": ours,
                "additionalProperties": {"type": "string"},
            },
        },
    })
}

/// What one of our annotations may be.
fn ours(name: &str) -> Value {
    let mut schema = json!({"type": "string"});
    let values: &[&str] = match name {
        annotation::ADOPT | annotation::SUSPEND => &["true", "false"],
        annotation::DELETION_POLICY => &["delete", "retain"],
        annotation::DRIFT => &["heal", "report", "ignore"],
        _ => &[],
    };
    if !values.is_empty() {
        schema["enum"] = json!(values);
    }
    if let Some(text) = annotation_description(name) {
        schema["description"] = json!(text);
    }
    schema
}

/// The shape's name among the definitions; two APIs may have one name for two shapes.
fn name(shape: &Shape) -> String {
    if shape.api == "kinds" { shape.name.clone() } else { format!("{}.{}", shape.api, shape.name) }
}

/// Adds the definition of a structure and of all that it needs.
fn define(shape: &'static Shape, defs: &mut Map<String, Value>) {
    if defs.contains_key(&name(shape)) {
        return;
    }
    defs.insert(name(shape), Value::Null); // Structures that contain themselves end here.
    let properties: Map<String, Value> =
        shape.members().iter().map(|member| (member.name.clone(), property(shape, member, defs))).collect();
    let mut schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
    complete(&mut schema, shape);
    defs.insert(name(shape), schema);
}

/// Says which members a structure must have.
pub(super) fn complete(schema: &mut Value, shape: &Shape) {
    let required = shape.members().iter().filter(|member| limits::is_required(shape, member));
    let required: Vec<&str> = required.map(|member| member.name.as_str()).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if shape.union {
        schema["minProperties"] = json!(1);
        schema["maxProperties"] = json!(1);
    }
}

fn property(shape: &Shape, member: &Member, defs: &mut Map<String, Value>) -> Value {
    let mut schema = value(member.shape(), defs);
    narrow(&mut schema, shape, member);
    match (shape.name.as_str(), member.name.as_str()) {
        // Units, as the API's strings, are numbers to most people.
        ("TaskDefinition", "cpu" | "memory") => schema["type"] = json!(["string", "integer"]),
        ("EcrRepository", "lifecyclePolicy") => {
            schema = json!({"anyOf": [schema, {"type": "string", "contentMediaType": "application/json"}]});
        }
        ("EcrRepository", "repositoryPolicy") => schema["type"] = json!(["object", "string"]),
        _ => {}
    }
    if member.deprecated {
        schema["deprecated"] = json!(true);
    }
    describe(&mut schema, &shape.name, &member.name);
    schema
}

/// The bounds that a value has as this member of this structure.
pub(super) fn narrow(schema: &mut Value, shape: &Shape, member: &Member) {
    if let Some((least, most)) = limits::of(&shape.name, &member.name) {
        // The greatest of 32 bits is no bound that anybody needs to read.
        let most = Some(most).filter(|most| *most < f64::from(i32::MAX));
        bound(schema, ["minimum", "maximum"], [Some(least), most]);
    }
    if let Some((least, most)) = limits::count(&shape.name, &member.name) {
        bound(schema, ["minItems", "maxItems"], [Some(least.into()), Some(most.into())]);
    }
}

pub(super) fn describe(schema: &mut Value, shape: &str, member: &str) {
    if let Some(text) = description(shape, member) {
        schema["description"] = json!(text);
    }
}

/// The schema of a value; structures are defined apart and referred to.
fn value(shape: &'static Shape, defs: &mut Map<String, Value>) -> Value {
    match shape.kind {
        Type::Structure(_) => {
            define(shape, defs);
            reference(&name(shape))
        }
        Type::List(element) => list(shape, value(element.shape(), defs)),
        Type::Map(entry) => json!({"type": "object", "additionalProperties": value(entry.shape(), defs)}),
        Type::Timestamp => json!({"type": ["string", "number"]}),
        Type::Document => json!({}),
        _ => {
            let mut schema = scalar(shape);
            // The API models' patterns are of another dialect, and most of them allow everything printable.
            if let (Some(pattern), "kinds") = (&shape.pattern, shape.api) {
                schema["pattern"] = json!(format!("^{pattern}$"));
            }
            schema
        }
    }
}

pub(super) fn list(shape: &Shape, element: Value) -> Value {
    let mut schema = json!({"type": "array", "items": element});
    bound(&mut schema, ["minItems", "maxItems"], [shape.min, shape.max]);
    schema
}

/// The schema of a string, a number or a boolean, without its pattern.
pub(super) fn scalar(shape: &Shape) -> Value {
    let (name, words) = match shape.kind {
        Type::Integer | Type::Long => ("integer", ["minimum", "maximum"]),
        Type::Double => ("number", ["minimum", "maximum"]),
        Type::Boolean => ("boolean", ["minimum", "maximum"]),
        _ => ("string", ["minLength", "maxLength"]),
    };
    if !shape.enum_values.is_empty() {
        return json!({"type": name, "enum": shape.enum_values});
    }
    let mut schema = json!({"type": name});
    bound(&mut schema, words, [shape.min, shape.max]);
    schema
}

/// Bounds, unless the schema has narrower ones.
fn bound(schema: &mut Value, [least, most]: [&str; 2], [from, to]: [Option<f64>; 2]) {
    let had = |word: &str| schema.get(word).and_then(Value::as_f64);
    let from = had(least).into_iter().chain(from).reduce(f64::max);
    let to = had(most).into_iter().chain(to).reduce(f64::min);
    // Nothing is shorter than 0.
    let from = from.filter(|from| least == "minimum" || *from > 0.0);
    for (word, bound) in [(least, from), (most, to)] {
        if let Some(bound) = bound {
            #[allow(clippy::cast_possible_truncation)] // Whole bounds are written as such.
            let whole = bound as i64;
            schema[word] = if bound.fract() == 0.0 { json!(whole) } else { json!(bound) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What `value` does not keep of `schema`, as far as the words that this file writes go; an unknown word is a
    /// panic, so the schema cannot come to use one unchecked.
    fn problems(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let check = |schema: &Value| problems(root, schema, value, at);
        let fits = |schema: &Value| check(schema).is_empty();
        let no = |rule: String| vec![format!("{at}: {rule}: {value}")];
        let rules = schema.as_object().unwrap().iter().map(|(word, rule)| {
            let listed = rule.as_array().map(Vec::as_slice).unwrap_or_default();
            match word.as_str() {
                "$ref" => check(root.pointer(&rule.as_str().unwrap()[1..]).unwrap()),
                "oneOf" if listed.iter().filter(|one| fits(one)).count() == 1 => Vec::new(),
                "anyOf" if listed.iter().any(fits) => Vec::new(),
                "oneOf" | "anyOf" => {
                    listed.iter().flat_map(check).chain(no(format!("fits not {word}"))).collect()
                }
                "not" if fits(rule) => no("fits what it must not".to_owned()),
                "type" if !is_a(value, rule) => no(format!("is not of the type {rule}")),
                "const" if value != rule => no(format!("is not {rule}")),
                "enum" if !listed.contains(value) => no(format!("is none of {rule}")),
                "pattern" if !matches(rule, value) => no(format!("does not match {rule}")),
                "not" | "type" | "const" | "enum" | "pattern" => Vec::new(),
                "required" | "properties" | "additionalProperties" | "propertyNames" | "items" => {
                    below(root, schema, word, value, at)
                }
                "$schema" | "$defs" | "title" | "description" | "deprecated" | "contentMediaType" => {
                    Vec::new()
                }
                bound if is_within(bound, rule.as_f64().unwrap(), value) => Vec::new(),
                bound => no(format!("breaks {bound} {rule}")),
            }
        });
        rules.flatten().collect()
    }

    /// The same for the words about what is in a value.
    fn below(root: &Value, schema: &Value, word: &str, value: &Value, at: &str) -> Vec<String> {
        let (rule, empty) = (&schema[word], Map::new());
        let (members, list) = (value.as_object().unwrap_or(&empty), value.as_array());
        let known = |name: &String| schema["properties"].get(name);
        let member =
            |schema: &Value, name: &str| problems(root, schema, &members[name], &format!("{at}.{name}"));
        match (word, rule) {
            ("required", Value::Array(names)) if value.is_object() => {
                let missing = names.iter().filter(|name| !members.contains_key(name.as_str().unwrap()));
                missing.map(|name| format!("{at}: lacks {name}")).collect()
            }
            ("properties", rule) => {
                members.keys().filter_map(|name| Some(member(rule.get(name)?, name))).flatten().collect()
            }
            ("additionalProperties", Value::Bool(false)) => {
                let unknown = members.keys().filter(|name| known(name).is_none());
                unknown.map(|name| format!("{at}: does not know `{name}`")).collect()
            }
            ("additionalProperties", rule) => members
                .keys()
                .filter(|name| known(name).is_none())
                .flat_map(|name| member(rule, name))
                .collect(),
            ("propertyNames", rule) => {
                members.keys().flat_map(|name| problems(root, rule, &json!(name), at)).collect()
            }
            ("items", rule) => {
                let elements = list.into_iter().flatten().enumerate();
                elements
                    .flat_map(|(index, one)| problems(root, rule, one, &format!("{at}[{index}]")))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn matches(pattern: &Value, value: &Value) -> bool {
        let pattern = regex_lite::Regex::new(pattern.as_str().unwrap()).unwrap();
        value.as_str().is_none_or(|text| pattern.is_match(text))
    }

    #[allow(clippy::cast_precision_loss)]
    fn is_within(word: &str, bound: f64, value: &Value) -> bool {
        let size = match &word[3..] {
            "Length" => value.as_str().map(|text| text.chars().count() as f64),
            "Items" => value.as_array().map(|list| list.len() as f64),
            "Properties" => value.as_object().map(|members| members.len() as f64),
            "imum" => value.as_f64(),
            _ => panic!("the schema uses `{word}`, which this test does not know"),
        };
        size.is_none_or(|size| if word.starts_with("min") { size >= bound } else { size <= bound })
    }

    fn is_a(value: &Value, name: &Value) -> bool {
        if let Value::Array(names) = name {
            return names.iter().any(|name| is_a(value, name));
        }
        match name.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            other => panic!("the schema uses the type `{other}`"),
        }
    }

    fn of(manifest: &Value) -> Vec<String> {
        let schema = schema();
        problems(&schema, &schema, manifest, "")
    }

    fn manifest(kind: Kind, spec: Value) -> Value {
        let version = format!("{GROUP}/{VERSION}");
        json!({"apiVersion": version, "kind": kind.name(), "metadata": {"name": "shop"}, "spec": spec})
    }

    #[test]
    fn the_committed_file_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/manifest.schema.json");
        let text = format!("{:#}\n", schema());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "run `UPDATE_SCHEMA=1 cargo test --lib manifest::schema`");
    }

    #[test]
    fn every_example_is_valid() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut documents = 0;
        for folder in std::fs::read_dir(examples).unwrap() {
            for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let text = std::fs::read_to_string(&path).unwrap();
                let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
                for document in all {
                    assert_eq!(of(&document), Vec::<String>::new(), "{}", path.display());
                    documents += 1;
                }
            }
        }
        assert!(documents >= 10, "only {documents} documents");
    }

    #[test]
    fn typos_and_wrong_values_are_flagged() {
        let mut cluster = manifest(
            Kind::EcsCluster,
            json!({"settings": [{"name": "containerInsights", "value": "enhanced"}]}),
        );
        assert_eq!(of(&cluster), Vec::<String>::new());
        cluster["metadata"]["annotations"] =
            json!({"ecs-operator.dev/drift": "heal", "example.com/team": "web"});
        assert_eq!(of(&cluster), Vec::<String>::new());
        for (pointer, value) in [
            ("/metadata/annotations", json!({"ecs-operator.dev/drfit": "heal"})),
            ("/metadata/annotations", json!({"ecs-operator.dev/drift": "never"})),
            ("/metadata/name", json!("Shop")),
            ("/spec", json!({"setings": []})),
            ("/spec/settings", json!([{"name": "containerInsight"}])),
            ("/kind", json!("EcsService")),
        ] {
            let mut wrong = cluster.clone();
            *wrong.pointer_mut(pointer).unwrap() = value;
            assert_ne!(of(&wrong), Vec::<String>::new(), "{wrong}");
        }
    }

    #[test]
    fn policies_are_yaml_or_text_and_sizes_are_text_or_numbers() {
        let rules = json!({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"}}]});
        for lifecycle in [json!(rules.to_string()), rules] {
            let spec = json!({"lifecyclePolicy": lifecycle, "repositoryPolicy": "{}"});
            assert_eq!(of(&manifest(Kind::EcrRepository, spec)), Vec::<String>::new());
        }
        for cpu in [json!("0.5 vCPU"), json!(512)] {
            let task = json!({"cpu": cpu, "containerDefinitions": [{"name": "web", "image": "nginx"}]});
            let spec = json!({"taskDefinition": task, "service": {"cluster": "shop"}, "autoscaling": {}});
            assert_eq!(of(&manifest(Kind::EcsService, spec)), Vec::<String>::new());
        }
    }
}
