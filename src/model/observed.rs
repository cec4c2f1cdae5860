//! What was seen: one [`Sighting`] per thing looked for. A failed read is never an absence.

use super::desired::Document;
use super::names::Key;
use serde::Serialize;
use std::collections::BTreeMap;

/// The answer to "is it there?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "sighting", content = "value")]
pub enum Sighting<T> {
    Absent,
    Present(T),
    /// The read failed, for this cause in words for people. Nothing may be concluded from it.
    Unreadable(String),
}

impl<T> Sighting<T> {
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            _ => None,
        }
    }

    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unreadable(cause) => Some(cause),
            _ => None,
        }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Sighting<U> {
        match self {
            Self::Absent => Sighting::Absent,
            Self::Present(value) => Sighting::Present(change(value)),
            Self::Unreadable(cause) => Sighting::Unreadable(cause),
        }
    }
}

/// The tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// All that was seen in one account for the objects wanted. Documents are in canonical spelling.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Twelve digits.
    pub account: String,
    pub resources: BTreeMap<Key, Sighting<Resource>>,
    /// Clusters and capacity providers that services name and nobody declares: they must exist.
    pub external: BTreeMap<Key, Sighting<Resource>>,
    /// By Region, what carries our owner's tag; looked for only to prune. Unreadable: the list of it.
    pub owned: BTreeMap<String, Sighting<Owned>>,
    /// Task definitions: those that services run, and recent ones of the wanted families, by Region.
    pub revisions: BTreeMap<RevisionKey, Sighting<Revision>>,
    /// The newest ACTIVE revisions of a family, newest first, each in `revisions`.
    pub families: BTreeMap<RevisionKey, Sighting<Vec<String>>>,
}

/// `(Region, family:revision)`, or `(Region, family)`.
pub type RevisionKey = (String, String);

/// What the tagging API lists as an owner's in one Region: a little late, and what is deleted for a while longer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Owned {
    /// How many of it the source declares.
    pub declared: usize,
    /// The rest, as each one's own API describes it: whether it is there, and whose it is.
    pub others: BTreeMap<Key, Sighting<Resource>>,
}

/// A resource as AWS described it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resource {
    pub arn: String,
    /// The description, whole (events left out).
    pub body: Document,
    pub tags: Tags,
    /// What belongs to it and is read by calls of its own.
    pub parts: Parts,
}

impl Observed {
    /// A resource, whether it is declared or only named.
    pub fn find(&self, key: &Key) -> Option<&Sighting<Resource>> {
        self.resources.get(key).or_else(|| self.external.get(key))
    }
}

impl Resource {
    /// `ACTIVE`, `DRAINING` …; repositories have none.
    pub fn status(&self) -> Option<&str> {
        self.body.get("status")?.as_str()
    }

    /// Deleted: AWS describes such resources for a while, and they count as absent.
    pub fn is_inactive(&self) -> bool {
        self.status() == Some("INACTIVE")
    }
}

/// What belongs to a resource and is read by calls of its own; `None` where the kind has no such part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts {
    /// Of a service: its scalable target.
    pub target: Option<Sighting<Document>>,
    /// Of a service: the target's policies.
    pub policies: Option<Sighting<Vec<Document>>>,
    /// Of a service: the target's scheduled actions.
    pub scheduled_actions: Option<Sighting<Vec<Document>>>,
    /// Of a service: what only its revision holds (`monitoring`, `gatewayConnectors`), where it was asked for.
    pub service_revision: Option<Sighting<Document>>,
    /// Of a service: its deployments, where they were asked for; absent where AWS (or what stands for it) keeps none.
    pub history: Option<Sighting<History>>,
    /// Of a repository: the lifecycle policy, parsed.
    pub lifecycle_policy: Option<Sighting<Document>>,
    /// Of a repository: the repository policy, parsed.
    pub repository_policy: Option<Sighting<Document>>,
    /// Of a repository: how many images it holds, counted up to a page of 1,000; asked only when it may be deleted.
    pub images: Option<Sighting<usize>>,
}

/// A service's deployments, as far as they were read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// As AWS lists them, newest first; those that did not simply succeed as it describes them, which is more.
    pub deployments: Vec<Document>,
    /// The service revisions that they name, by ARN.
    pub revisions: BTreeMap<String, Document>,
    /// Tasks that stopped lately, where a deployment failed. AWS forgets them after an hour.
    pub stopped: Option<Sighting<Vec<Document>>>,
    /// Where older deployments follow; none when these are all of 90 days.
    pub next: Option<String>,
}

/// A task definition revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Revision {
    pub arn: String,
    pub body: Document,
    pub tags: Tags,
}

impl Revision {
    pub fn is_active(&self) -> bool {
        self.body.get("status").and_then(|status| status.as_str()) != Some("INACTIVE")
    }
}
