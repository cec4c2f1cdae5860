//! A live resource as a manifest would declare it: the document that what is wanted is compared with, and that an
//! import writes down.
//!
//! What stands elsewhere in AWS's answers is brought to its place: parts of a service stand on its PRIMARY
//! deployment or its service revision, policies and tags come from calls of their own.

use super::desired::Document;
use super::names::GROUP;
use super::observed::{Resource, Sighting, Tags};
use serde_json::{Value, json};

/// A cluster or capacity provider: its description with its tags, less those of the operator and of AWS itself.
pub fn plain(live: &Resource) -> Document {
    let mut described = live.body.clone();
    let mut tags = live.tags.clone();
    tags.retain(|key, _| !key.starts_with(GROUP) && !key.starts_with("aws:"));
    if tags.is_empty() {
        described.remove("tags");
    } else {
        described.insert("tags".to_owned(), tag_list(&tags));
    }
    described
}

/// A repository with its two policies.
pub fn repository(live: &Resource) -> Document {
    let mut described = plain(live);
    let policies = [
        ("lifecyclePolicy", &live.parts.lifecycle_policy),
        ("repositoryPolicy", &live.parts.repository_policy),
    ];
    for (name, part) in policies {
        if let Some(Sighting::Present(policy)) = part {
            described.insert(name.to_owned(), Value::Object(policy.clone()));
        }
    }
    described
}

/// The `service` part of a service, without its revision: that has many spellings, and a part of its own.
pub fn service(live: &Resource) -> Document {
    let mut described = plain(live);
    described.remove("taskDefinition");
    let primary = listed(&live.body, "deployments").find(|deployment| deployment["status"] == "PRIMARY");
    for member in ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"] {
        let value = primary.and_then(|primary| primary.get(member));
        described.extend(value.map(|value| (member.to_owned(), value.clone())));
    }
    if let Some(Sighting::Present(revision)) = &live.parts.service_revision {
        for member in ["monitoring", "gatewayConnectors"] {
            described.extend(revision.get(member).map(|value| (member.to_owned(), value.clone())));
        }
    }
    for (ours, theirs) in [("cluster", "clusterArn"), ("role", "roleArn")] {
        described.extend(live.body.get(theirs).map(|value| (ours.to_owned(), value.clone())));
    }
    described
}

/// The revision that a service should run according to AWS: under other deployment controllers task sets hold it.
pub fn running_revision(live: &Resource) -> Option<&str> {
    let set = listed(&live.body, "taskSets").find(|set| set["status"] == "PRIMARY");
    let of_set = set.and_then(|set| set["taskDefinition"].as_str());
    of_set.or_else(|| live.body.get("taskDefinition")?.as_str())
}

/// The `autoscaling` part of a service: its target with policies and scheduled actions. Empty without a target.
pub fn autoscaling(live: &Resource) -> Document {
    let parts = &live.parts;
    let mut described = match &parts.target {
        Some(Sighting::Present(target)) => target.clone(),
        _ => Document::new(),
    };
    for (name, list) in [("policies", &parts.policies), ("scheduledActions", &parts.scheduled_actions)] {
        if let Some(Sighting::Present(list)) = list {
            described.insert(name.to_owned(), list.iter().cloned().map(Value::Object).collect());
        }
    }
    described
}

/// The tags of a list, as manifests declare it and AWS answers it. Without a value it is empty.
pub fn tag_map(list: Option<&Value>) -> Tags {
    let tags = list.and_then(Value::as_array).into_iter().flatten();
    let tag = |one: &Value| {
        let value = one["value"].as_str().unwrap_or_default();
        Some((one["key"].as_str()?.to_owned(), value.to_owned()))
    };
    tags.filter_map(tag).collect()
}

/// Tags as the list that manifests declare.
pub fn tag_list(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// The elements of a list member.
fn listed<'a>(document: &'a Document, member: &str) -> impl Iterator<Item = &'a Value> {
    document.get(member).and_then(Value::as_array).into_iter().flatten()
}
