//! Tags of everything in ECS that can have them.
//!
//! Tests: `tests/tags.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::words::{self, invalid};
use super::{State, task_definition};
use crate::sandbox::late::Late;
use crate::sandbox::{Call, Document, Refusal, field};

/// AWS's limit on one resource.
const MOST_TAGS: usize = 50;

/// They come back sorted by key, whatever their order was. The tagging API learns of them late.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Late<BTreeMap<String, String>>);

impl Tags {
    /// From an input's `tags`.
    pub fn read(call: &Call, input: &Document) -> Result<Self, Refusal> {
        Ok(Self(Late::begin(call.now, read(input)?)))
    }

    pub fn answer(&self) -> Value {
        self.0.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
    }

    /// Sets one that AWS may set and a caller may not.
    pub fn set(&mut self, key: &str, value: &str) {
        self.0.at_once().insert(key.to_owned(), value.to_owned());
    }

    /// Adds tags, or replaces those with the same keys.
    fn add(&mut self, call: &Call, more: BTreeMap<String, String>) -> Result<(), Refusal> {
        let mut all = (*self.0).clone();
        all.extend(more);
        if all.len() > MOST_TAGS {
            return Err(invalid("The maximum number of tags per resource is 50."));
        }
        self.0.set(call.now, all);
        Ok(())
    }
}

/// The tags of an input, each once.
fn read(input: &Document) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for tag in words::objects(input, "tags") {
        let key = field::text(tag, "key").ok_or_else(|| invalid("Tag key cannot be null."))?;
        let value = field::text(tag, "value").unwrap_or_default();
        allowed(key, value)?;
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag keys found. Tag key: {key}")));
        }
    }
    Ok(tags)
}

/// Letters, numbers, spaces and `_.:/=+-@`, as the API's pattern has it; `aws:` is AWS's own.
fn allowed(key: &str, value: &str) -> Result<(), Refusal> {
    let wrong = |text: &str| {
        !text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
    };
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid("User tag keys can't start with 'aws:'. Remove the prefix and try again."));
    }
    if wrong(key) || wrong(value) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{key}={value}' at 'tags' failed to satisfy constraint: Member must satisfy regular expression pattern: ([\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]*)"
        )));
    }
    Ok(())
}

impl State {
    /// The tags of what an ARN of ECS names.
    fn tags_of(&mut self, arn: &str) -> Result<&mut Tags, Refusal> {
        let resource = arn.splitn(6, ':').nth(5).filter(|_| arn.starts_with("arn:")).ok_or_else(|| {
            invalid(format!("Invalid identifier: {arn} is not an ARN of a resource that can have tags."))
        })?;
        let inactive = |kind: &str| {
            invalid(format!("The specified {kind} is inactive. Specify an active {kind} and try again."))
        };
        let parts: Vec<&str> = resource.split('/').collect();
        match parts.as_slice() {
            ["cluster", name] => self
                .clusters
                .get_mut(*name)
                .filter(|c| c.is_active())
                .map(|c| &mut c.tags)
                .ok_or_else(|| inactive("cluster")),
            ["capacity-provider", name] => self
                .capacity_providers
                .get_mut(*name)
                .map(|p| &mut p.tags)
                .ok_or_else(|| inactive("capacity-provider")),
            ["task-definition", name] => task_definition::find_mut(&mut self.task_definitions, name)
                .filter(|revision| revision.is_active())
                .map(|revision| &mut revision.tags)
                .ok_or_else(|| inactive("task-definition")),
            ["service", cluster, name] => self
                .clusters
                .get_mut(*cluster)
                .and_then(|cluster| cluster.services.get_mut(*name))
                .filter(|service| !service.is_inactive())
                .map(|service| &mut service.tags)
                .ok_or_else(|| inactive("service")),
            ["task", cluster, id] => self
                .clusters
                .get_mut(*cluster)
                .and_then(|cluster| cluster.tasks.get_mut(*id))
                .map(|task| &mut task.tags)
                .ok_or_else(|| inactive("task")),
            ["container-instance", cluster, id] => self
                .clusters
                .get_mut(*cluster)
                .and_then(|cluster| cluster.instances.get_mut(*id))
                .map(|instance| &mut instance.tags)
                .ok_or_else(|| inactive("container-instance")),
            _ => Err(invalid("Long arn format must be used for tagging operations")),
        }
    }

    /// Every resource with its tags as the tagging API sees them, by ARN.
    pub fn tagged(&self, now: f64) -> Vec<(&str, &BTreeMap<String, String>)> {
        let clusters = self.clusters.values().filter(|cluster| cluster.is_active());
        let mut tagged: Vec<(&str, &Tags)> = Vec::new();
        for cluster in clusters {
            tagged.push((&cluster.arn, &cluster.tags));
            let services = cluster.services.values().filter(|service| !service.is_inactive());
            tagged.extend(services.map(|service| (service.arn.as_str(), &service.tags)));
            tagged.extend(cluster.tasks.values().map(|task| (task.arn.as_str(), &task.tags)));
            tagged.extend(cluster.instances.values().map(|instance| (instance.arn.as_str(), &instance.tags)));
        }
        tagged
            .extend(self.capacity_providers.values().map(|provider| (provider.arn.as_str(), &provider.tags)));
        for family in self.task_definitions.values() {
            let revisions = family.revisions.values().filter(|revision| revision.is_active());
            tagged.extend(revisions.map(|revision| (revision.arn.as_str(), &revision.tags)));
        }
        tagged.into_iter().map(|(arn, tags)| (arn, tags.0.seen(now))).collect()
    }
}

pub fn tag_resource(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let more = read(input)?;
    state.tags_of(field::text(input, "resourceArn").unwrap_or_default())?.add(call, more)?;
    Ok(json!({}))
}

pub fn untag_resource(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let tags = state.tags_of(field::text(input, "resourceArn").unwrap_or_default())?;
    let removed = field::texts(input, "tagKeys");
    let mut rest = (*tags.0).clone();
    rest.retain(|key, _| !removed.contains(&key.as_str()));
    tags.0.set(call.now, rest);
    Ok(json!({}))
}

pub fn list_tags_for_resource(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let tags = state.tags_of(field::text(input, "resourceArn").unwrap_or_default())?;
    Ok(json!({"tags": tags.answer()}))
}
