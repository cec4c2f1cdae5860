//! The tree that a manifest's text becomes: values, each with its place. The reader turns the tree as
//! written into one in canonical spelling, and the checks walk that one.
//!
//! It must never lose a place: whatever is said about a value can point at it. Numbers are kept as they
//! were written (`1.10`, `0123`): only the shape wanted says what they mean. Tests: with the reader.

use crate::model::desired::Document;
use serde_json::Number;

/// A place in a text: 1-based line and column (in characters), and the byte it starts at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    pub line: u32,
    pub column: u32,
    pub offset: u32,
}

/// A value with its place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    pub value: Value,
    /// Where the value starts.
    pub at: Mark,
    /// The byte after its last; only scalars know it.
    pub end: u32,
    /// Where the member's name stands; for other values, where they start.
    pub name_at: Mark,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    String(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something stands here that was already reported: it is present, and nothing more is known.
    Invalid,
}

/// A member of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub name: String,
    pub node: Node,
}

impl Value {
    /// In words, for "expected …, found …".
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Invalid => "something unreadable",
        }
    }
}

impl Node {
    /// A value at this node's place.
    #[must_use]
    pub fn with(&self, value: Value) -> Self {
        Self { value, ..Self { value: Value::Null, ..*self } }
    }

    /// What a message about this node points at: the value of a scalar, the name of anything larger.
    pub fn mark(&self) -> Mark {
        match self.value {
            Value::List(_) | Value::Map(_) => self.name_at,
            _ => self.at,
        }
    }

    /// The member `name` of a map.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.name == name).map(|entry| &entry.node)
    }

    /// The node at a path of member names.
    pub fn at_path(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The members of a map; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The elements of the list `name`; none when it is absent.
    pub fn list(&self, name: &str) -> &[Self] {
        self.get(name).map_or(&[], Self::items)
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match &self.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub fn as_float(&self) -> Option<f64> {
        match &self.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The string member `name`.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_int()
    }

    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// The node at a path such as `service.loadBalancers[0].containerName`, or the deepest on the way to it.
    pub fn nearest(&self, path: &str) -> &Self {
        let mut node = self;
        for step in path.split(['.', '[']) {
            let step = step.trim_end_matches(']');
            let next = match &node.value {
                Value::List(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
                _ => node.get(step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// As JSON; what is invalid is left out.
    pub fn to_json(&self) -> serde_json::Value {
        self.json(None).unwrap_or_default()
    }

    /// A map as a JSON object, without what is invalid; empty for anything else.
    pub fn to_document(&self) -> Document {
        self.document(None)
    }

    /// A map as a JSON object in which `stand_in` is where something invalid stands: nothing of it is missing,
    /// and every element of a list keeps its index.
    pub fn to_document_with(&self, stand_in: &str) -> Document {
        self.document(Some(stand_in))
    }

    /// Whether all of it could be read.
    pub fn is_valid(&self) -> bool {
        match &self.value {
            Value::Invalid => false,
            Value::List(items) => items.iter().all(Self::is_valid),
            Value::Map(entries) => entries.iter().all(|entry| entry.node.is_valid()),
            _ => true,
        }
    }

    fn json(&self, stand_in: Option<&str>) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        Some(match &self.value {
            Value::Null => Json::Null,
            Value::Invalid => return stand_in.map(Json::from),
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(text) => number(text).map_or_else(|| Json::String(text.clone()), Json::Number),
            Value::String(text) => Json::String(text.clone()),
            Value::List(items) => items.iter().filter_map(|item| item.json(stand_in)).collect(),
            Value::Map(_) => Json::Object(self.document(stand_in)),
        })
    }

    fn document(&self, stand_in: Option<&str>) -> Document {
        let member = |entry: &Entry| Some((entry.name.clone(), entry.node.json(stand_in)?));
        self.entries().iter().filter_map(member).collect()
    }

    /// A tree for a JSON value, all of it at `self`'s place.
    #[must_use]
    pub fn holding(&self, json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(number.to_string()),
            Json::String(text) => Value::String(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(|item| self.holding(item)).collect()),
            Json::Object(members) => {
                let entry =
                    |(name, json): (&String, _)| Entry { name: name.clone(), node: self.holding(json) };
                Value::Map(members.iter().map(entry).collect())
            }
        };
        self.with(value)
    }
}

/// The JSON number for a YAML 1.2 number as written; `None` for infinities and the like.
pub fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    text.parse::<i64>()
        .ok()
        .map(Number::from)
        .or_else(|| text.parse::<u64>().ok().map(Number::from))
        .or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}
