//! Capacity providers: Fargate's two, those of Auto Scaling groups, and Managed Instances, which
//! belong to one cluster. What instances they bring is in `instance`.
//!
//! Tests: `tests/cluster.rs`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listing::{self, includes};
use super::tags::Tags;
use super::words::{arn_of, at, client, cluster_name, failure, fill, invalid, is_name, short};
use super::{State, Wake};
use crate::sandbox::{Call, Document, Refusal, field};

/// Seconds until a provider is ACTIVE, or gone.
const PROVISIONING: f64 = 2.0;
/// Seconds for which a deleted provider is still described as INACTIVE.
const REMEMBERED: f64 = 3600.0;
const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CapacityProvider {
    name: String,
    pub arn: String,
    pub tags: Tags,
    kind: Kind,
    /// What AWS answers of its kind.
    configuration: Document,
    status: Cow<'static, str>,
    update_status: Cow<'static, str>,
    changed_at: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    AutoScalingGroup,
    ManagedInstances { cluster: String },
}

pub fn is_fargate(name: &str) -> bool {
    FARGATE.contains(&name)
}

impl CapacityProvider {
    pub fn belongs_to(&self, cluster: &str) -> bool {
        self.status != "INACTIVE"
            && matches!(&self.kind, Kind::ManagedInstances { cluster: own } if own == cluster)
    }

    /// Whether it brings instances by itself when tasks need them.
    pub fn scales(&self) -> bool {
        let of_group = || field::object(&self.configuration, "managedScaling");
        self.kind != Kind::AutoScalingGroup
            || of_group().is_some_and(|scaling| field::text(scaling, "status") == Some("ENABLED"))
    }

    pub fn is_auto_scaling_group(&self) -> bool {
        self.kind == Kind::AutoScalingGroup
    }

    fn answer(&self, with_tags: bool) -> Value {
        let mut answer = json!({
            "capacityProviderArn": self.arn,
            "name": self.name,
            "status": self.status,
            "updateStatus": self.update_status,
            "tags": if with_tags { self.tags.answer() } else { json!([]) },
        });
        match &self.kind {
            Kind::AutoScalingGroup => {
                answer["autoScalingGroupProvider"] = json!(self.configuration);
                answer["type"] = json!("EC2_AUTOSCALING");
            }
            Kind::ManagedInstances { cluster } => {
                answer["managedInstancesProvider"] = json!(self.configuration);
                answer["cluster"] = json!(cluster);
                answer["type"] = json!("MANAGED_INSTANCES");
            }
        }
        answer
    }
}

fn fargate_answer(call: &Call, name: &str) -> Value {
    json!({"capacityProviderArn": arn_of(call, "capacity-provider", name), "name": name, "status": "ACTIVE", "tags": [], "type": name})
}

/// Fails unless a cluster may have the provider in its set.
pub fn attachable(state: &State, name: &str) -> Result<(), Refusal> {
    if is_fargate(name) {
        return Ok(());
    }
    let provider = state.capacity_providers.get(name).ok_or_else(|| {
        invalid(format!("The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."))
    })?;
    match (&provider.kind, &*provider.status) {
        (Kind::ManagedInstances { .. }, _) => Err(invalid(format!(
            "The specified capacity provider '{name}' is a Managed Instances capacity provider, which belongs to its cluster already."
        ))),
        (_, "ACTIVE") => Ok(()),
        _ => Err(invalid(format!(
            "The specified capacity provider '{name}' is not in an ACTIVE state. Specify a valid name or ARN and try again."
        ))),
    }
}

pub fn not_attached() -> Refusal {
    invalid(
        "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
    )
}

/// Checks a strategy by itself and fills it.
pub fn strategy(items: &[Value]) -> Result<Vec<Value>, Refusal> {
    let filled: Vec<Value> = items.iter().filter_map(Value::as_object).map(strategy_item).collect();
    let number = |item: &Value, member: &str| item[member].as_u64().unwrap_or(0);
    if filled.len() > 20 {
        return Err(invalid("A capacity provider strategy can contain a maximum of 20 capacity providers."));
    }
    if filled.iter().filter(|item| number(item, "base") > 0).count() > 1 {
        return Err(invalid(
            "Only one capacity provider in a capacity provider strategy can have a base defined.",
        ));
    }
    if !filled.is_empty() && filled.iter().all(|item| number(item, "weight") == 0) {
        return Err(invalid(
            "At least one capacity provider in a capacity provider strategy must have a weight greater than 0.",
        ));
    }
    let name = |item: &Value| item["capacityProvider"].as_str().unwrap_or_default().to_owned();
    let on_fargate = filled.iter().filter(|item| is_fargate(&name(item))).count();
    if on_fargate != 0 && on_fargate != filled.len() {
        return Err(invalid(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate providers. Specify one or the other and try again.",
        ));
    }
    let mut names: Vec<String> = filled.iter().map(name).collect();
    names.sort();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(invalid("A capacity provider strategy cannot contain duplicate capacity providers."));
    }
    Ok(filled)
}

fn strategy_item(item: &Document) -> Value {
    let number = |member: &str| field::integer(item, member).unwrap_or(0);
    let name = field::text(item, "capacityProvider").unwrap_or_default();
    json!({"capacityProvider": short(name), "weight": number("weight"), "base": number("base")})
}

pub fn create(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = field::text(input, "name").unwrap_or_default();
    let reserved =
        ["aws", "ecs", "fargate"].iter().any(|prefix| name.to_ascii_lowercase().starts_with(prefix));
    if !is_name(name) || reserved {
        return Err(invalid(
            "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters (upper and lowercase), numbers, underscores (_), and hyphens (-). The name can't be prefixed with \"aws\", \"ecs\", or \"fargate\".",
        ));
    }
    if state.capacity_providers.get(name).is_some_and(|existing| existing.status != "INACTIVE") {
        return Err(client(
            "The specified capacity provider already exists. To change the configuration of an existing capacity provider, update the capacity provider.",
        ));
    }
    let (kind, configuration) = match (
        field::object(input, "autoScalingGroupProvider"),
        field::object(input, "managedInstancesProvider"),
    ) {
        (Some(group), None) => (Kind::AutoScalingGroup, auto_scaling_group(call, group.clone())?),
        (None, Some(managed)) => {
            if field::text(input, "cluster").is_none() {
                return Err(invalid(
                    "A cluster must be specified for a Managed Instances capacity provider.",
                ));
            }
            state.cluster(input)?;
            (Kind::ManagedInstances { cluster: cluster_name(input).to_owned() }, managed.clone())
        }
        _ => {
            return Err(invalid(
                "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified.",
            ));
        }
    };
    let provider = CapacityProvider {
        name: name.to_owned(),
        arn: arn_of(call, "capacity-provider", name),
        tags: Tags::read(call, input)?,
        kind,
        configuration,
        status: "PROVISIONING".into(),
        update_status: "CREATE_IN_PROGRESS".into(),
        changed_at: call.now,
    };
    let answer = json!({"capacityProvider": provider.answer(true)});
    state.capacity_providers.insert(name.to_owned(), provider);
    state.agenda.wake(call.now + PROVISIONING, Wake::CapacityProvider { name: name.to_owned() });
    Ok(answer)
}

/// The group by its ARN, whichever way it was named, and what AWS fills.
fn auto_scaling_group(call: &Call, mut group: Document) -> Result<Document, Refusal> {
    let named = field::text(&group, "autoScalingGroupArn").unwrap_or_default();
    if !named.starts_with("arn:") {
        let arn = call.arn(
            "autoscaling",
            &format!("autoScalingGroup:{}:autoScalingGroupName/{named}", call.ids.uuid()),
        );
        group.insert("autoScalingGroupArn".to_owned(), json!(arn));
    }
    fill_group(&mut group)?;
    Ok(group)
}

fn fill_group(group: &mut Document) -> Result<(), Refusal> {
    fill(
        group,
        [
            ("managedScaling", json!({})),
            ("managedTerminationProtection", json!("DISABLED")),
            ("managedDraining", json!("ENABLED")),
        ],
    );
    if let Some(scaling) = group.get_mut("managedScaling").and_then(Value::as_object_mut) {
        fill(
            scaling,
            [
                ("status", json!("DISABLED")),
                ("targetCapacity", json!(100)),
                ("minimumScalingStepSize", json!(1)),
                ("maximumScalingStepSize", json!(10000)),
                ("instanceWarmupPeriod", json!(300)),
            ],
        );
        if at(scaling, "status") == "DISABLED" && at(group, "managedTerminationProtection") == "ENABLED" {
            return Err(invalid(
                "The managed termination protection setting for the capacity provider is invalid. To enable managed termination protection for a capacity provider, enable managed scaling for the capacity provider.",
            ));
        }
    }
    Ok(())
}

/// What is not sent stays; a structure that is sent is taken whole.
pub fn update(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = short(field::text(input, "name").unwrap_or_default());
    let provider = state
        .capacity_providers
        .get_mut(name)
        .filter(|provider| provider.status == "ACTIVE")
        .ok_or_else(|| {
            client(
                "The specified capacity provider does not exist. Specify a valid name or ARN and try again.",
            )
        })?;
    let member = match provider.kind {
        Kind::AutoScalingGroup => "autoScalingGroupProvider",
        Kind::ManagedInstances { .. } => "managedInstancesProvider",
    };
    let changes = field::object(input, member)
        .ok_or_else(|| invalid(format!("{member} must be specified for this capacity provider.")))?;
    let mut configuration = provider.configuration.clone();
    for (member, value) in changes {
        match (configuration.get_mut(member), value) {
            // Members that an update cannot carry (capacityOptionType, fipsEnabled) stay.
            (Some(Value::Object(old)), Value::Object(new)) if member == "instanceLaunchTemplate" => {
                old.extend(new.clone());
            }
            _ => {
                configuration.insert(member.clone(), value.clone());
            }
        }
    }
    if provider.kind == Kind::AutoScalingGroup {
        fill_group(&mut configuration)?;
    }
    provider.configuration = configuration;
    provider.update_status = "UPDATE_IN_PROGRESS".into();
    provider.changed_at = call.now;
    let answer = json!({"capacityProvider": provider.answer(true)});
    state.agenda.wake(call.now + PROVISIONING, Wake::CapacityProvider { name: name.to_owned() });
    Ok(answer)
}

pub fn delete(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = short(field::text(input, "capacityProvider").unwrap_or_default());
    if is_fargate(name) {
        return Err(invalid(
            "The FARGATE and FARGATE_SPOT capacity providers are reserved and cannot be deleted.",
        ));
    }
    if state.clusters.values().any(|cluster| {
        cluster.is_active() && cluster.capacity_providers.iter().any(|attached| attached == name)
    }) {
        return Err(client("The specified capacity provider is in use and cannot be removed."));
    }
    let provider = state
        .capacity_providers
        .get_mut(name)
        .filter(|provider| provider.status != "INACTIVE")
        .ok_or_else(|| {
            client(
                "The specified capacity provider does not exist. Specify a valid name or ARN and try again.",
            )
        })?;
    provider.update_status = "DELETE_IN_PROGRESS".into();
    provider.changed_at = call.now;
    let answer = json!({"capacityProvider": provider.answer(true)});
    state.agenda.wake(call.now + PROVISIONING, Wake::CapacityProvider { name: name.to_owned() });
    Ok(answer)
}

/// Finishes what is in progress, and forgets a provider that was deleted long ago.
pub fn wake(state: &mut State, call: &Call, name: &str) {
    let Some(provider) = state.capacity_providers.get_mut(name) else { return };
    let since = call.now - provider.changed_at;
    match &*provider.update_status {
        "DELETE_COMPLETE" if since >= REMEMBERED => {
            state.capacity_providers.remove(name);
        }
        "DELETE_IN_PROGRESS" => {
            provider.status = "INACTIVE".into();
            provider.update_status = "DELETE_COMPLETE".into();
            state
                .agenda
                .wake(provider.changed_at + REMEMBERED, Wake::CapacityProvider { name: name.to_owned() });
        }
        "CREATE_IN_PROGRESS" => {
            provider.status = "ACTIVE".into();
            provider.update_status = "CREATE_COMPLETE".into();
        }
        "UPDATE_IN_PROGRESS" => provider.update_status = "UPDATE_COMPLETE".into(),
        _ => {}
    }
}

pub fn describe(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let with_tags = includes(input, "TAGS");
    let named = field::texts(input, "capacityProviders");
    if named.len() > 100 {
        return Err(invalid("The number of capacity providers cannot exceed 100."));
    }
    let chosen: Vec<&str> = if named.is_empty() {
        FARGATE.into_iter().chain(state.capacity_providers.keys().map(String::as_str)).collect()
    } else {
        named.into_iter().map(short).collect()
    };
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in chosen {
        match state.capacity_providers.get(name) {
            Some(provider) => found.push((name.to_owned(), provider.answer(with_tags))),
            None if is_fargate(name) => found.push((name.to_owned(), fargate_answer(call, name))),
            None => failures.push(failure(&arn_of(call, "capacity-provider", name), "MISSING")),
        }
    }
    if let Some(cluster) = field::text(input, "cluster").map(short) {
        found.retain(|(name, answer)| answer["cluster"] == cluster || in_cluster(state, cluster, name));
    }
    let mut answer = listing::paged(input, "capacityProviders", found, (10, 10))?;
    answer["failures"] = json!(failures);
    Ok(answer)
}

fn in_cluster(state: &State, cluster: &str, provider: &str) -> bool {
    state
        .clusters
        .get(cluster)
        .is_some_and(|cluster| cluster.capacity_providers.iter().any(|name| name == provider))
}
