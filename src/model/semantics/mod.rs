//! What a member means, beyond its type: how two values compare, what its absence says, and what
//! changing it does.
//!
//! The knowledge stands in one place, [`table`]. What the table does not name compares exactly and,
//! when absent, has an unknown default: it is shown as undeclared, is never drift and never written. So a
//! member that AWS starts to fill tomorrow changes nothing. [`reduce`](super::reduce), [`diff`](super::diff) and
//! [`merge`](super::merge) are the three readers.

pub mod policy;
pub mod spelling;
mod table;

use super::desired::Document;
use super::facts::{Member, Shape};
use serde_json::Value;
use spelling::Spelling;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Everything known of a member.
#[derive(Debug, Clone, Copy)]
pub struct Meaning {
    pub compare: Compare,
    pub absent: Absent,
    pub change: Change,
    /// The value is never shown.
    pub secret: bool,
}

/// When two values are one.
#[derive(Debug, Clone, Copy)]
pub enum Compare {
    /// Letter for letter; a list in its order.
    Exact,
    /// A list whose order says nothing.
    Set,
    /// A list of structures, each found by these members of its own; order says nothing.
    By(&'static [&'static str]),
    /// The same, and of elements with one key the last counts.
    ByLast(&'static [&'static str]),
    /// The same, and elements that only AWS has are not ours.
    Declared(&'static [&'static str]),
    /// A string with more than one spelling.
    Spelled(Spelling),
    /// A value with a canonical form of its own.
    Canonical(fn(&Value, &Scope) -> Value),
}

/// What an absent member means: the four cases.
#[derive(Debug, Clone, Copy)]
pub enum Absent {
    /// This JSON text is the default: compared with it, written back to it.
    Default(&'static str),
    /// The default follows from the rest of the document; null is nothing, and none leaves it to AWS.
    DefaultOf(fn(&Scope) -> Option<Value>),
    /// The default is nothing: `[]`, `{}` and absence are one.
    Nothing,
    /// Never compared, never written.
    NotOurs,
    /// Unknown: shown as undeclared when it has a value, never drift, never written.
    Unknown,
}

/// What changing a member of a live resource does, from the mildest to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    InPlace,
    /// In place, and reaches only tasks that start later.
    LaterTasks,
    NewDeployment,
    /// A new deployment that the API accepts only with `forceNewDeployment`.
    ForcedDeployment,
    /// The API cannot change it: a new resource would be needed.
    Replacement,
}

/// Where a value stands, for what depends on its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The whole document.
    pub root: &'a Document,
    /// The structure that holds the member.
    pub parent: &'a Document,
    /// The account that the names belong to; empty when unknown.
    pub account: &'a str,
}

impl<'a> Scope<'a> {
    pub fn of(root: &'a Document, account: &'a str) -> Self {
        Self { root, parent: root, account }
    }

    #[must_use]
    pub fn within(self, parent: &'a Document) -> Self {
        Self { parent, ..self }
    }

    /// A string member of the whole document.
    pub fn root_str(&self, member: &str) -> Option<&'a str> {
        self.root.get(member)?.as_str()
    }
}

impl Meaning {
    /// What the table says of `member` of `shape`.
    pub fn of(shape: &Shape, member: &Member) -> Self {
        BY_NAME
            .get(&(shape.name.as_str(), member.name.as_str()))
            .copied()
            .unwrap_or(Self { secret: member.shape().sensitive && !member.shape().is_structure(), ..UNNAMED })
    }

    /// The value that an absent member stands for, where that is known and not nothing.
    pub fn default(&self, scope: &Scope) -> Option<Value> {
        match self.absent {
            Absent::Default(text) => serde_json::from_str(text).ok(),
            Absent::DefaultOf(default) => default(scope).filter(|default| !default.is_null()),
            Absent::Nothing | Absent::NotOurs | Absent::Unknown => None,
        }
    }

    /// Whether absence is a statement about the value (and not "leave it alone").
    pub fn absence_counts(&self, scope: &Scope) -> bool {
        match self.absent {
            Absent::Default(_) | Absent::Nothing => true,
            Absent::DefaultOf(default) => default(scope).is_some(),
            Absent::NotOurs | Absent::Unknown => false,
        }
    }
}

/// What holds for every member that the table does not name.
const UNNAMED: Meaning =
    Meaning { compare: Compare::Exact, absent: Absent::Unknown, change: Change::InPlace, secret: false };

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), Meaning>> = LazyLock::new(|| {
    table::ROWS
        .iter()
        .flat_map(|row| row.members.split_whitespace().map(|member| ((row.shape, member), row.meaning)))
        .collect()
});

/// Every `(shape, member)` that the table names, for the tests that walk it against the model.
pub fn named() -> impl Iterator<Item = (&'static str, &'static str)> {
    BY_NAME.keys().copied()
}

/// Nothing, however it is written: null, `[]`, `{}`, and objects that hold only nothing.
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
        _ => false,
    }
}
