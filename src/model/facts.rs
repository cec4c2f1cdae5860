//! The facts of the AWS API models: shapes with their members, types, enums and bounds.
//!
//! `model/{ecs,ecr,application-autoscaling,…}.json` are generated from botocore, `model/kinds.json` is written
//! by hand: it says what the four kinds add to the API's bodies (`extends`) and leave out of them
//! (`without`, with the reason). All are embedded and read once. Tests: at the end of this file and
//! in `tests/`, where the whole model is walked.
//!
//! Documents inside the crate spell members in camelCase ([`Member::name`]); where an API has
//! PascalCase, [`Member::wire`] is its own spelling, and [`super::document`] converts.

use serde::Deserialize;
use serde_json::Map;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a shape is.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    Structure(Vec<Member>),
    List(ShapeId),
    /// Keys are strings; the value's shape.
    Map(ShapeId),
    String,
    Integer,
    Long,
    Double,
    Boolean,
    Timestamp,
    Blob,
    /// Any JSON value.
    Document,
}

/// A shape of an API model or of `model/kinds.json`.
#[derive(Debug)]
pub struct Shape {
    /// `ecs`, `ecr`, `application-autoscaling`, `resourcegroupstaggingapi` or `kinds`.
    pub api: &'static str,
    /// As the model names it, such as `ContainerDefinition`.
    pub name: String,
    pub kind: Type,
    /// The values allowed; empty when any is.
    pub enum_values: Vec<String>,
    /// Least value, length or number of elements.
    pub min: Option<f64>,
    /// Greatest value, length or number of elements.
    pub max: Option<f64>,
    /// A regular expression as the model states it.
    pub pattern: Option<String>,
    pub sensitive: bool,
    /// Exactly one member may be given.
    pub union: bool,
    /// Members of the API's body that a kind leaves out, each with the reason.
    pub without: Vec<(String, String)>,
}

/// One member of a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// camelCase: the spelling of manifests and of every document inside the crate.
    pub name: String,
    /// The API's own spelling.
    pub wire: String,
    pub required: bool,
    pub deprecated: bool,
    target: ShapeId,
}

/// The place of a shape among all shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShapeId(usize);

impl ShapeId {
    pub fn shape(self) -> &'static Shape {
        &FACTS.shapes[self.0]
    }
}

impl Member {
    pub fn shape(&self) -> &'static Shape {
        self.target.shape()
    }
}

/// Every shape stands once, so its name tells it.
impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        self.api == other.api && self.name == other.name
    }
}

impl Shape {
    /// The members of a structure; none for other shapes.
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Type::Structure(members) => members,
            _ => &[],
        }
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.name == name)
    }

    /// The shape of a list's elements or a map's values.
    pub fn element(&self) -> Option<&'static Shape> {
        match self.kind {
            Type::List(element) | Type::Map(element) => Some(element.shape()),
            _ => None,
        }
    }

    pub fn is_structure(&self) -> bool {
        matches!(self.kind, Type::Structure(_))
    }
}

/// An operation of an API.
#[derive(Debug)]
pub struct OperationFacts {
    pub input: Option<ShapeId>,
    pub output: Option<ShapeId>,
    pub errors: Vec<String>,
}

/// The shape `name` of `api`, such as `shape("ecs", "ContainerDefinition")`.
pub fn shape(api: &str, name: &str) -> Option<&'static Shape> {
    FACTS.by_name.get(&format!("{api}#{name}")).map(|id| id.shape())
}

/// A shape of `model/kinds.json`: `EcsService`, `TaskDefinition`, `Autoscaling` …
///
/// # Panics
/// When the file has no such shape: the names are the crate's own, and a test asks for each.
#[allow(clippy::panic)]
pub fn kind_shape(name: &str) -> &'static Shape {
    shape("kinds", name).unwrap_or_else(|| panic!("model/kinds.json has no shape `{name}`"))
}

/// The operation `name` of `api`.
pub fn operation(api: &str, name: &str) -> Option<&'static OperationFacts> {
    FACTS.operations.get(&format!("{api}#{name}"))
}

/// All operations of `api`, by name.
pub fn operations(api: &str) -> impl Iterator<Item = (&'static str, &'static OperationFacts)> {
    let prefix = format!("{api}#");
    FACTS.operations.iter().filter_map(move |(name, facts)| Some((name.strip_prefix(&prefix)?, facts)))
}

struct Facts {
    shapes: Vec<Shape>,
    by_name: HashMap<String, ShapeId>,
    operations: HashMap<String, OperationFacts>,
}

const FILES: [(&str, &str); 5] = [
    ("ecs", include_str!("../../model/ecs.json")),
    ("ecr", include_str!("../../model/ecr.json")),
    ("application-autoscaling", include_str!("../../model/application-autoscaling.json")),
    ("resourcegroupstaggingapi", include_str!("../../model/resourcegroupstaggingapi.json")),
    ("kinds", include_str!("../../model/kinds.json")),
];

#[allow(clippy::panic)] // The files are embedded; a test reads them.
static FACTS: LazyLock<Facts> =
    LazyLock::new(|| Facts::read().unwrap_or_else(|problem| panic!("model/*.json: {problem}")));

#[derive(Deserialize)]
struct RawFile {
    #[serde(default)]
    operations: HashMap<String, RawOperation>,
    shapes: HashMap<String, RawShape>,
}

#[derive(Deserialize)]
struct RawOperation {
    input: Option<String>,
    output: Option<String>,
    errors: Vec<String>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default, rename_all = "camelCase")]
struct RawShape {
    r#type: String,
    extends: Option<String>,
    without: Map<String, serde_json::Value>,
    optional: Vec<String>,
    members: Map<String, serde_json::Value>,
    required: Vec<String>,
    deprecated: Vec<String>,
    member: Option<String>,
    value: Option<String>,
    r#enum: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    sensitive: bool,
    union: bool,
    document: bool,
}

/// A raw shape with the API it stands in, and all of them by qualified name.
type RawShapes = HashMap<String, (&'static str, RawShape)>;

impl Facts {
    fn read() -> Result<Self, String> {
        let mut raw = RawShapes::new();
        let mut raw_operations = Vec::new();
        for (api, text) in FILES {
            let file: RawFile = serde_json::from_str(text).map_err(|error| format!("{api}: {error}"))?;
            raw.extend(file.shapes.into_iter().map(|(name, shape)| (format!("{api}#{name}"), (api, shape))));
            raw_operations
                .extend(file.operations.into_iter().map(|(name, operation)| (api, name, operation)));
        }
        let mut names: Vec<&String> = raw.keys().collect();
        names.sort();
        let by_name: HashMap<String, ShapeId> =
            names.iter().enumerate().map(|(at, name)| ((*name).clone(), ShapeId(at))).collect();
        let shapes = names.iter().map(|name| built(name, &raw, &by_name)).collect::<Result<_, _>>()?;
        let operations = raw_operations
            .into_iter()
            .map(|(api, name, operation)| {
                let id = |shape: Option<String>| {
                    shape.and_then(|shape| by_name.get(&format!("{api}#{shape}")).copied())
                };
                let facts = OperationFacts {
                    input: id(operation.input),
                    output: id(operation.output),
                    errors: operation.errors,
                };
                (format!("{api}#{name}"), facts)
            })
            .collect();
        Ok(Self { shapes, by_name, operations })
    }
}

fn built(qualified: &str, raw: &RawShapes, by_name: &HashMap<String, ShapeId>) -> Result<Shape, String> {
    let (api, shape) = &raw[qualified];
    let id = |api: &str, name: &str| {
        by_name
            .get(&format!("{api}#{name}"))
            .copied()
            .ok_or_else(|| format!("`{qualified}` names `{name}`, which `{api}` does not have"))
    };
    let target = |name: &Option<String>| id(api, name.as_deref().unwrap_or_default());
    let kind = match shape.r#type.as_str() {
        "structure" if shape.document => Type::Document,
        "structure" => Type::Structure(members(qualified, raw, &id)?),
        "list" => Type::List(target(&shape.member)?),
        "map" => Type::Map(target(&shape.value)?),
        "string" => Type::String,
        "integer" => Type::Integer,
        "long" => Type::Long,
        "double" | "float" => Type::Double,
        "boolean" => Type::Boolean,
        "timestamp" => Type::Timestamp,
        "blob" => Type::Blob,
        "document" => Type::Document,
        other => return Err(format!("`{qualified}` is of the unknown type `{other}`")),
    };
    Ok(Shape {
        api,
        name: qualified.rsplit('#').next().unwrap_or_default().to_owned(),
        kind,
        enum_values: shape.r#enum.clone(),
        min: shape.min,
        max: shape.max,
        pattern: shape.pattern.clone(),
        sensitive: shape.sensitive,
        union: shape.union,
        without: shape
            .without
            .iter()
            .map(|(name, why)| (name.clone(), why.as_str().unwrap_or_default().to_owned()))
            .collect(),
    })
}

/// The members of a structure: those of the body it extends, less `without`, and its own.
fn members(
    qualified: &str,
    raw: &RawShapes,
    id: &impl Fn(&str, &str) -> Result<ShapeId, String>,
) -> Result<Vec<Member>, String> {
    let (api, shape) = &raw[qualified];
    let base = match &shape.extends {
        Some(base) => {
            Some(raw.get(base).ok_or_else(|| format!("`{qualified}` extends the unknown `{base}`"))?)
        }
        None => None,
    };
    let mut members: Vec<Member> = Vec::new();
    for (api, from) in base.into_iter().chain([&(*api, shape.clone())]) {
        for (wire, target) in &from.members {
            let name = lower_first(wire);
            let required = from.required.contains(wire) || shape.required.contains(&name);
            members.push(Member {
                required: required && !shape.optional.contains(&name),
                deprecated: from.deprecated.contains(wire),
                wire: wire.clone(),
                target: id(api, target.as_str().unwrap_or_default())?,
                name,
            });
        }
    }
    members.retain(|member| !shape.without.contains_key(&member.name));
    Ok(members)
}

/// `MinCapacity` → `minCapacity`, `RoleARN` → `roleARN`.
fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_the_members_of_the_body_it_extends_and_its_own() {
        let cluster = kind_shape("EcsCluster");
        assert!(cluster.member("capacityProviders").is_some());
        assert!(cluster.member("region").is_some());
        assert!(kind_shape("Service").member("clientToken").is_none());
        assert!(!kind_shape("TaskDefinition").member("family").unwrap().required);
        assert!(kind_shape("TaskDefinition").member("containerDefinitions").unwrap().required);
    }

    #[test]
    fn pascal_case_is_spelled_in_camel_case_and_keeps_its_wire_form() {
        let member = kind_shape("Autoscaling").member("minCapacity").unwrap();
        assert_eq!(member.wire, "MinCapacity");
        assert_eq!(member.shape().kind, Type::Integer);
    }

    #[test]
    fn operations_know_their_shapes() {
        let register = operation("ecs", "RegisterTaskDefinition").unwrap();
        assert_eq!(register.input.unwrap().shape().name, "RegisterTaskDefinitionRequest");
        assert!(register.errors.contains(&"ClientException".to_owned()));
        assert!(operations("ecr").any(|(name, _)| name == "PutLifecyclePolicy"));
    }

    #[test]
    fn no_structure_has_two_members_of_one_name() {
        for shape in &FACTS.shapes {
            let mut names: Vec<_> = shape.members().iter().map(|member| &member.name).collect();
            names.sort();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{} has a member twice", shape.name);
        }
    }
}
