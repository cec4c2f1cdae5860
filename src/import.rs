//! What runs, as the smallest manifests that mean it. Pure: [`crate::observe::inventory`] has looked.
//!
//! Left out is what AWS fills by itself, what the name says already, tags that are not the user's, and what only
//! AWS writes. Kept is what describes the resource although its absence would mean "not ours" (security groups, a
//! pinned platform version): so a manifest can make the resource again. Planning an import shows adoptions and no
//! field differences; `tests/import.rs` holds that.

use crate::model::described;
use crate::model::desired::Document;
use crate::model::facts::{Shape, Type, kind_shape};
use crate::model::names::{GROUP, Key, Kind, annotation, family_and_revision, last_segment, tag};
use crate::model::observed::{Observed, Resource, Sighting};
use crate::model::reduce::minimal;
use crate::model::semantics::is_nothing;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The longest DNS label.
const LONGEST_NAME: usize = 63;

/// The manifests, in the order of their keys, and what people should know about them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    pub manifests: Vec<Imported>,
    /// What is not written, or only half, and why.
    pub notes: Vec<String>,
}

/// One manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    pub key: Key,
    /// `metadata.name`, made from the AWS name; unique in its kind.
    pub name: String,
    pub annotations: Vec<(String, String)>,
    pub spec: Document,
}

/// A read that failed, or a cluster that is not there: an import with holes would be taken for the whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("{what} could not be read: {cause}")]
    Unreadable { what: String, cause: String },
    #[error("{key} is not there")]
    Missing { key: Key },
}

/// A manifest for every resource in `observed`; all problems when anything could not be read.
pub fn manifests(observed: &Observed) -> Result<Import, Vec<ImportError>> {
    let names = names(observed.resources.keys());
    let mut draft = Draft { observed, import: Import::default(), problems: Vec::new() };
    for (key, sighting) in &observed.resources {
        match sighting {
            Sighting::Present(live) => draft.add(key, live, &names[key]),
            Sighting::Unreadable(cause) => draft.unreadable(key.to_string(), cause),
            Sighting::Absent if key.kind == Kind::EcsCluster => {
                draft.problems.push(ImportError::Missing { key: key.clone() });
            }
            Sighting::Absent => draft.note(key, "it is not there any more"),
        }
    }
    if draft.problems.is_empty() { Ok(draft.import) } else { Err(draft.problems) }
}

struct Draft<'a> {
    observed: &'a Observed,
    import: Import,
    problems: Vec<ImportError>,
}

impl Draft<'_> {
    fn add(&mut self, key: &Key, live: &Resource, name: &str) {
        match live.body.get("status").and_then(Value::as_str) {
            Some("INACTIVE") if key.kind == Kind::EcsCluster => {
                return self.problems.push(ImportError::Missing { key: key.clone() });
            }
            Some(status @ ("INACTIVE" | "DRAINING" | "DEPROVISIONING")) => {
                return self.note(key, &format!("it is {status}"));
            }
            _ => {}
        }
        if let Some(owner) = live.tags.get(tag::OWNER) {
            self.note(key, &format!("the operator `{owner}` owns it already"));
        }
        let spec = match key.kind {
            Kind::EcsCluster => self.cluster(key, live),
            Kind::EcsCapacityProvider => self.capacity_provider(key, live),
            Kind::EcrRepository => self.repository(key, live),
            Kind::EcsService => self.service(key, live),
        };
        let spec = without_default_name(spec, key, name);
        let annotations = vec![(annotation::ADOPT.to_owned(), "true".to_owned())];
        self.import.manifests.push(Imported { key: key.clone(), name: name.to_owned(), annotations, spec });
    }

    fn note(&mut self, key: &Key, why: &str) {
        self.import.notes.push(format!("{key}: {why}"));
    }

    fn unreadable(&mut self, what: String, cause: &str) {
        self.problems.push(ImportError::Unreadable { what, cause: cause.to_owned() });
    }

    /// A failed read of a part.
    fn check<T>(&mut self, key: &Key, part: &str, sighting: Option<&Sighting<T>>) {
        if let Some(cause) = sighting.and_then(Sighting::cause) {
            self.unreadable(format!("{part} of {key}"), cause);
        }
    }

    fn least(&self, shape: &Shape, described: &Document) -> Document {
        tidy(shape, minimal(shape, &without_foreign_tags(described), &self.observed.account))
    }

    fn cluster(&self, key: &Key, live: &Resource) -> Document {
        let mut spec = self.least(kind_shape("EcsCluster"), &described::plain(live));
        retain(&mut spec, "settings", |setting| {
            setting["name"] != "containerInsights" || setting["value"] != "disabled"
        });
        // Providers of Managed Instances belong to their cluster by themselves.
        retain(&mut spec, "capacityProviders", |name| {
            let name = name.as_str().map(last_segment).unwrap_or_default().to_owned();
            let inside =
                Key { kind: Kind::EcsCapacityProvider, cluster: Some(key.name.clone()), name, ..key.clone() };
            !self.observed.resources.contains_key(&inside)
        });
        in_region(key, spec)
    }

    fn capacity_provider(&self, key: &Key, live: &Resource) -> Document {
        let mut spec = self.least(kind_shape("EcsCapacityProvider"), &described::plain(live));
        if let Some(cluster) = &key.cluster {
            spec.insert("cluster".to_owned(), json!(cluster));
        }
        in_region(key, spec)
    }

    fn repository(&mut self, key: &Key, live: &Resource) -> Document {
        self.check(key, "the lifecycle policy", live.parts.lifecycle_policy.as_ref());
        self.check(key, "the policy", live.parts.repository_policy.as_ref());
        in_region(key, self.least(kind_shape("EcrRepository"), &described::repository(live)))
    }

    fn service(&mut self, key: &Key, live: &Resource) -> Document {
        self.check(key, "the scalable target", live.parts.target.as_ref());
        self.check(key, "the scaling policies", live.parts.policies.as_ref());
        self.check(key, "the scheduled actions", live.parts.scheduled_actions.as_ref());
        self.note_service_revision(key, live);
        let is_scaled = matches!(live.parts.target, Some(Sighting::Present(_)));
        let mut service =
            service_body(self.least(kind_shape("Service"), &described::service(live)), is_scaled);
        service.insert("cluster".to_owned(), json!(key.cluster));
        let mut spec = Document::new();
        if let Some(running) = described::running_revision(live) {
            match self.task_definition(key, running) {
                Some(body) => drop(spec.insert("taskDefinition".to_owned(), Value::Object(body))),
                None => drop(service.insert("taskDefinition".to_owned(), json!(running))),
            }
        }
        spec.insert("service".to_owned(), Value::Object(service));
        if is_scaled {
            let scaling = self.least(kind_shape("Autoscaling"), &described::autoscaling(live));
            spec.insert("autoscaling".to_owned(), Value::Object(scaling));
        }
        spec
    }

    /// The body of the revision that runs, if AWS still describes it.
    fn task_definition(&mut self, key: &Key, running: &str) -> Option<Document> {
        let name = family_and_revision(running);
        match self.observed.revisions.get(&(key.region.clone(), name.to_owned())) {
            Some(Sighting::Present(revision)) => {
                let mut described = revision.body.clone();
                described.insert("tags".to_owned(), described::tag_list(&revision.tags));
                let mut body = self.least(kind_shape("TaskDefinition"), &described);
                // Fargate has no other mode, and yet wants to be told.
                if described.get("networkMode").is_some_and(|mode| mode == "awsvpc") {
                    body.shift_insert(0, "networkMode".to_owned(), json!("awsvpc"));
                }
                if body.get("family").is_some_and(|family| *family == *key.name) {
                    body.shift_remove("family");
                }
                Some(body)
            }
            Some(Sighting::Unreadable(cause)) => {
                self.unreadable(format!("task definition {name}"), cause);
                None
            }
            Some(Sighting::Absent) | None => {
                self.note(
                    key,
                    &format!("its task definition {name} is not described any more, and is only named"),
                );
                None
            }
        }
    }

    /// What only a service revision holds may be unknown there: that is said, and no reason to stop.
    fn note_service_revision(&mut self, key: &Key, live: &Resource) {
        let has_revision =
            live.body.get("currentServiceRevisions").is_some_and(|revisions| !is_nothing(revisions));
        let cause = live.parts.service_revision.as_ref().and_then(Sighting::cause);
        if let (true, Some(cause)) = (has_revision, cause) {
            self.note(key, &format!("monitoring and gatewayConnectors are not known: {cause}"));
        }
    }
}

/// `metadata.name` for every key, unique in its kind. Who has a DNS label for a name keeps it.
fn names<'a>(keys: impl Iterator<Item = &'a Key>) -> BTreeMap<&'a Key, String> {
    let mut keys: Vec<&Key> = keys.collect();
    keys.sort_by_key(|key| label(key) != key.name);
    let mut given = BTreeSet::new();
    let mut names = BTreeMap::new();
    for key in keys {
        let label = label(key);
        let mut name = label.clone();
        let mut count = 1;
        while !given.insert((key.kind, name.clone())) {
            count += 1;
            let suffix = format!("-{count}");
            name = cut(&label, LONGEST_NAME - suffix.len()) + &suffix;
        }
        names.insert(key, name);
    }
    names
}

/// A DNS label that resembles the AWS name: `shop/Check_out` becomes `shop-check-out`.
fn label(key: &Key) -> String {
    let letters = key.name.to_ascii_lowercase();
    let letters = letters.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    let label = cut(letters.collect::<String>().trim_matches('-'), LONGEST_NAME);
    if label.is_empty() { key.kind.name().to_ascii_lowercase() } else { label }
}

fn cut(label: &str, most: usize) -> String {
    label[..label.len().min(most)].trim_end_matches('-').to_owned()
}

/// The service's own part, less what others own and what AWS chooses by itself.
fn service_body(mut service: Document, is_scaled: bool) -> Document {
    service.shift_remove("taskDefinition");
    let is_daemon = service.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON");
    if is_scaled || is_daemon {
        service.shift_remove("desiredCount");
    }
    // A new service has it.
    if is_daemon || service.get("availabilityZoneRebalancing").is_some_and(|state| state == "ENABLED") {
        service.shift_remove("availabilityZoneRebalancing");
    }
    // The API takes one of the two.
    if service.contains_key("capacityProviderStrategy") {
        service.shift_remove("launchType");
    }
    service
}

/// The Region, which a cluster's services take from their cluster.
fn in_region(key: &Key, spec: Document) -> Document {
    let mut whole = Document::new();
    whole.insert("region".to_owned(), json!(key.region));
    whole.extend(spec);
    whole
}

/// The AWS name is left out where `metadata.name` says it.
fn without_default_name(mut spec: Document, key: &Key, name: &str) -> Document {
    if name != key.name {
        return spec;
    }
    match key.kind {
        Kind::EcsCluster => drop(spec.shift_remove("clusterName")),
        Kind::EcsCapacityProvider => drop(spec.shift_remove("name")),
        Kind::EcrRepository => drop(spec.shift_remove("repositoryName")),
        Kind::EcsService => {
            if let Some(Value::Object(service)) = spec.get_mut("service") {
                service.shift_remove("serviceName");
            }
        }
    }
    spec
}

/// Without our own tags and those of AWS, which nobody may declare.
fn without_foreign_tags(described: &Document) -> Document {
    let mut described = described.clone();
    retain(&mut described, "tags", |tag| {
        let key = tag["key"].as_str().unwrap_or_default();
        !key.starts_with("aws:") && !key.starts_with(&format!("{GROUP}/"))
    });
    described
}

/// Keeps some elements of a list member, and the member while there are any.
fn retain(document: &mut Document, member: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(Value::Array(elements)) = document.get_mut(member) {
        elements.retain(keep);
        if elements.is_empty() {
            document.shift_remove(member);
        }
    }
}

/// Without empty members whose absence says the same, and with times and numbers as people write them.
fn tidy(shape: &Shape, document: Document) -> Document {
    let tidied = document.into_iter().filter_map(|(name, value)| {
        let member = shape.member(&name)?;
        let value = tidied(member.shape(), value);
        (member.required || !is_nothing(&value)).then_some((name, value))
    });
    tidied.collect()
}

fn tidied(shape: &Shape, value: Value) -> Value {
    match (&shape.kind, value) {
        (Type::Structure(_), Value::Object(inner)) => Value::Object(tidy(shape, inner)),
        (Type::List(element), Value::Array(elements)) => {
            elements.into_iter().map(|one| tidied(element.shape(), one)).collect()
        }
        (Type::Double, Value::Number(number)) => match number.as_f64() {
            #[allow(clippy::cast_possible_truncation)] // Whole, and in the range that doubles hold exactly.
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 9e15 => json!(whole as i64),
            _ => Value::Number(number),
        },
        (Type::Timestamp, Value::Number(seconds)) => {
            #[allow(clippy::cast_possible_truncation)] // Times of this age are far below 2^53.
            let milliseconds = seconds.as_f64().map(|seconds| (seconds * 1000.0).round() as i64);
            let time = milliseconds.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
            time.map_or(Value::Number(seconds), |time| json!(time.to_string()))
        }
        (_, value) => value,
    }
}
