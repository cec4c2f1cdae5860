//! Task definitions: families of revisions. A revision's body never changes; its number is never
//! given again.
//!
//! Tests: `tests/task_definition.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listing::{self, includes};
use super::tags::Tags;
use super::words::{arn_of, client, failure, invalid, short};
use super::{State, task_definition_checks, task_definition_fill};
use crate::sandbox::{Call, Document, Refusal, field};

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Family {
    pub revisions: BTreeMap<u64, Revision>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Revision {
    pub arn: String,
    family: String,
    number: u64,
    /// As registered, with what AWS fills.
    pub body: Document,
    pub tags: Tags,
    status: Status,
    registered_at: f64,
    deregistered_at: Option<f64>,
    delete_requested_at: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Active,
    Inactive,
    DeleteInProgress,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
        }
    }
}

impl Revision {
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    pub fn network_mode(&self) -> &str {
        field::text(&self.body, "networkMode").unwrap_or("bridge")
    }

    pub fn supports(&self, launch_type: &str) -> bool {
        field::texts(&self.body, "compatibilities").contains(&launch_type)
    }

    /// A task's share of an instance: CPU units and MiB, from the task or its containers.
    pub fn needs(&self) -> (u64, u64) {
        let of_task = |member: &str| field::text(&self.body, member).and_then(|text| text.parse().ok());
        let of_containers = |members: &[&str]| {
            let one = |container: &Value| members.iter().find_map(|member| container[*member].as_u64());
            field::list(&self.body, "containerDefinitions").iter().filter_map(one).sum()
        };
        let cpu = of_task("cpu").unwrap_or_else(|| of_containers(&["cpu"]));
        let memory = of_task("memory").unwrap_or_else(|| of_containers(&["memoryReservation", "memory"]));
        (cpu, memory)
    }

    /// `Linux`, or the name of a Windows.
    pub fn platform_family(&self) -> String {
        let family = field::object(&self.body, "runtimePlatform")
            .and_then(|platform| field::text(platform, "operatingSystemFamily"))
            .unwrap_or("LINUX");
        match family {
            "LINUX" => "Linux".to_owned(),
            windows => windows.to_owned(),
        }
    }

    fn answer(&self, call: &Call, body: Document) -> Value {
        let mut answer = Value::Object(body);
        answer["taskDefinitionArn"] = json!(self.arn);
        answer["family"] = json!(self.family);
        answer["revision"] = json!(self.number);
        answer["status"] = json!(self.status.name());
        answer["registeredAt"] = json!(self.registered_at);
        answer["registeredBy"] = json!(call.caller());
        if let Some(at) = self.deregistered_at {
            answer["deregisteredAt"] = json!(at);
        }
        if let Some(at) = self.delete_requested_at {
            answer["deleteRequestedAt"] = json!(at);
        }
        answer
    }
}

/// `family:revision` and its ARN name one revision, a family alone its latest that is ACTIVE.
pub fn find<'a>(families: &'a BTreeMap<String, Family>, name_or_arn: &str) -> Option<&'a Revision> {
    let (family, number) = split(name_or_arn);
    let revisions = &families.get(family)?.revisions;
    let found = match number {
        Some(number) => revisions.get(&number.parse().ok()?),
        None => revisions.values().rev().find(|revision| revision.is_active()),
    };
    // An ARN of another account or Region names nothing here.
    found.filter(|revision| !name_or_arn.starts_with("arn:") || revision.arn.starts_with(name_or_arn))
}

pub fn find_mut<'a>(families: &'a mut BTreeMap<String, Family>, name: &str) -> Option<&'a mut Revision> {
    let (family, number) = split(name);
    families.get_mut(family)?.revisions.get_mut(&number?.parse().ok()?)
}

fn split(name_or_arn: &str) -> (&str, Option<&str>) {
    let name = short(name_or_arn);
    name.split_once(':').map_or((name, None), |(family, number)| (family, Some(number)))
}

impl State {
    /// The revision that a service or a task is to run: it must be ACTIVE.
    pub fn runnable(&self, name_or_arn: &str) -> Result<&Revision, Refusal> {
        let revision =
            find(&self.task_definitions, name_or_arn).ok_or_else(|| client("TaskDefinition not found."))?;
        revision.is_active().then_some(revision).ok_or_else(|| client("TaskDefinition is inactive"))
    }
}

pub fn register(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    if input.get("tags").is_some_and(|tags| tags.as_array().is_some_and(Vec::is_empty)) {
        return Err(client("Tags can not be empty."));
    }
    let tags = Tags::read(call, input)?;
    let mut body = input.clone();
    body.shift_remove("tags");
    task_definition_fill::convert_units(&mut body)?;
    task_definition_checks::check(&body)?;
    task_definition_fill::fill(call, &mut body);
    task_definition_checks::check_compatibilities(&body)?;
    let family = field::text(input, "family").unwrap_or_default().to_owned();
    body.shift_remove("family");
    let revisions = &mut state.task_definitions.entry(family.clone()).or_default().revisions;
    let number = revisions.last_key_value().map_or(1, |(last, _)| last + 1);
    let revision = Revision {
        arn: arn_of(call, "task-definition", &format!("{family}:{number}")),
        family,
        number,
        body,
        tags,
        status: Status::Active,
        registered_at: call.now,
        deregistered_at: None,
        delete_requested_at: None,
    };
    let mut answer = json!({"taskDefinition": revision.answer(call, revision.body.clone())});
    if input.contains_key("tags") {
        answer["tags"] = revision.tags.answer();
    }
    revisions.insert(number, revision);
    Ok(answer)
}

pub fn describe(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = field::text(input, "taskDefinition").unwrap_or_default();
    let revision =
        find(&state.task_definitions, name).ok_or_else(|| client("Unable to describe task definition."))?;
    let body = task_definition_fill::reordered(revision.body.clone());
    let mut answer = json!({"taskDefinition": revision.answer(call, body)});
    if includes(input, "TAGS") {
        answer["tags"] = revision.tags.answer();
    }
    Ok(answer)
}

/// What a listing shows by default are ACTIVE revisions; `familyPrefix` is a whole family's name.
pub fn list(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let status = field::text(input, "status").unwrap_or("ACTIVE");
    let family = field::text(input, "familyPrefix");
    let descending = field::text(input, "sort") == Some("DESC");
    let revisions = state
        .task_definitions
        .iter()
        .filter(|(name, _)| family.is_none_or(|family| family == *name))
        .flat_map(|(_, family)| family.revisions.values())
        .filter(|revision| revision.status.name() == status);
    let items = revisions.map(|revision| {
        let key = format!("{}\0{:020}", revision.family, revision.number);
        // The listing sorts by key: turned-over characters sort the other way round.
        let turned = |c: char| char::from_u32(0x10_FFFF - u32::from(c)).unwrap_or(c);
        let key = if descending { key.chars().map(turned).collect() } else { key };
        (key, json!(revision.arn))
    });
    listing::paged(input, "taskDefinitionArns", items, (100, 100))
}

pub fn list_families(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let prefix = field::text(input, "familyPrefix").unwrap_or_default();
    let status = field::text(input, "status").unwrap_or("ALL");
    let of_status = |family: &Family| {
        let active = family.revisions.values().any(Revision::is_active);
        status == "ALL" || (status == "ACTIVE") == active
    };
    let families =
        state.task_definitions.iter().filter(|(name, family)| name.starts_with(prefix) && of_status(family));
    listing::paged(input, "families", listing::arns(families.map(|(name, _)| name.as_str())), (100, 100))
}

/// The revision stays there as INACTIVE, and what runs it runs on.
pub fn deregister(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = field::text(input, "taskDefinition").unwrap_or_default();
    if split(name).1.is_none() {
        return Err(client("Invalid revision number. Number: null"));
    }
    let revision = find_mut(&mut state.task_definitions, name)
        .ok_or_else(|| client("The specified task definition does not exist. Specify a valid account, family, revision and try again."))?;
    if revision.status == Status::Active {
        revision.status = Status::Inactive;
        revision.deregistered_at = Some(call.now);
    }
    Ok(json!({"taskDefinition": revision.answer(call, revision.body.clone())}))
}

pub fn delete(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let names = field::texts(input, "taskDefinitions");
    if names.is_empty() || names.len() > 10 {
        return Err(invalid("Between 1 and 10 task definitions must be specified."));
    }
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let arn = arn_of(call, "task-definition", name);
        match find_mut(&mut state.task_definitions, name) {
            Some(revision) if revision.is_active() => {
                failures.push(failure(&arn, "The specified task definition is still in ACTIVE status. Please deregister the target and try again."));
            }
            Some(revision) => {
                revision.status = Status::DeleteInProgress;
                revision.delete_requested_at.get_or_insert(call.now);
                deleted.push(revision.answer(call, revision.body.clone()));
            }
            None => failures.push(failure(&arn, "The specified task definition does not exist. Specify a valid account, family, revision and try again.")),
        }
    }
    Ok(json!({"taskDefinitions": deleted, "failures": failures}))
}
