//! Clusters, and which capacity providers are attached to them.
//!
//! Tests: `tests/cluster.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::instance::{self, Instance};
use super::listing::{self, includes};
use super::service::Service;
use super::tags::Tags;
use super::task::Task;
use super::words::{self, arn_of, cluster_name, cluster_not_found, invalid, is_name, short};
use super::{State, Wake, capacity_provider};
use crate::sandbox::{Call, Document, Refusal, field};

/// Seconds until an Auto Scaling group's provider is attached.
const ATTACHING: f64 = 5.0;
/// Seconds for which a deleted cluster is still described.
const REMEMBERED: f64 = 3600.0;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    pub name: String,
    pub arn: String,
    pub tags: Tags,
    /// Since when it is INACTIVE.
    deleted_at: Option<f64>,
    container_insights: String,
    configuration: Option<Value>,
    /// A Cloud Map namespace's ARN.
    pub service_connect_namespace: Option<String>,
    /// Sorted.
    pub capacity_providers: Vec<String>,
    pub default_strategy: Vec<Value>,
    /// Until when the attachments are UPDATE_IN_PROGRESS; never had any: absent.
    attaching_until: Option<f64>,
    pub services: BTreeMap<String, Service>,
    pub tasks: BTreeMap<String, Task>,
    pub instances: BTreeMap<String, Instance>,
    /// Providers whose instances had no room for a task of launch type EC2.
    pub unplaced: BTreeSet<String>,
    /// The tasks that a RunTask's client token has started.
    pub run_tokens: BTreeMap<String, Vec<String>>,
}

impl Cluster {
    pub fn is_active(&self) -> bool {
        self.deleted_at.is_none()
    }

    fn answer(&self, call: &Call, include: impl Fn(&str) -> bool) -> Value {
        let count = |status: &str| self.tasks.values().filter(|task| task.status.name() == status).count();
        let pending = ["PROVISIONING", "PENDING", "ACTIVATING"].map(count).iter().sum::<usize>();
        let mut answer = json!({
            "clusterArn": self.arn,
            "clusterName": self.name,
            "status": if self.is_active() { "ACTIVE" } else { "INACTIVE" },
            "registeredContainerInstancesCount": self.instances.len(),
            "runningTasksCount": count("RUNNING"),
            "pendingTasksCount": pending,
            "activeServicesCount": self.services.values().filter(|service| service.is_active()).count(),
            "statistics": [],
            "tags": [],
            "settings": [],
            "capacityProviders": self.capacity_providers,
            "defaultCapacityProviderStrategy": self.default_strategy,
        });
        if include("TAGS") {
            answer["tags"] = self.tags.answer();
        }
        if include("SETTINGS") {
            answer["settings"] = json!([{"name": "containerInsights", "value": self.container_insights}]);
        }
        if include("STATISTICS") {
            answer["statistics"] = self.statistics();
        }
        if let Some(configuration) = self.configuration.as_ref().filter(|_| include("CONFIGURATIONS")) {
            answer["configuration"] = configuration.clone();
        }
        if let Some(namespace) = &self.service_connect_namespace {
            answer["serviceConnectDefaults"] = json!({"namespace": namespace});
        }
        if let Some(until) = self.attaching_until.filter(|_| include("ATTACHMENTS")) {
            let busy = call.now < until;
            answer["attachments"] = self.attachments(busy);
            answer["attachmentsStatus"] = json!(if busy { "UPDATE_IN_PROGRESS" } else { "UPDATE_COMPLETE" });
        }
        answer
    }

    fn attachments(&self, busy: bool) -> Value {
        let status = if busy { "PRECREATED" } else { "CREATED" };
        let providers = self.capacity_providers.iter().filter(|name| !capacity_provider::is_fargate(name));
        providers
            .map(|name| {
                json!({
                    "id": format!("{:016x}", words::scattered(&format!("{}/{name}", self.arn))),
                    "type": "as_policy",
                    "status": status,
                    "details": [
                        {"name": "capacityProviderName", "value": name},
                        {"name": "scalingPolicyName", "value": format!("ECSManagedAutoScalingPolicy-{name}")},
                    ],
                })
            })
            .collect()
    }

    fn statistics(&self) -> Value {
        let count = |launch_type: &str, status: &str| {
            let matching = |task: &&Task| task.launch_type() == launch_type && task.status.name() == status;
            self.tasks.values().filter(matching).count()
        };
        let one = |name: &str, value: usize| json!({"name": name, "value": value.to_string()});
        json!([
            one("runningEC2TasksCount", count("EC2", "RUNNING")),
            one("runningFargateTasksCount", count("FARGATE", "RUNNING")),
            one("pendingEC2TasksCount", count("EC2", "PENDING")),
            one("pendingFargateTasksCount", count("FARGATE", "PENDING")),
        ])
    }

    /// What the operations answer that change it: no statistics.
    fn answer_whole(&self, call: &Call) -> Value {
        self.answer(call, |part| part != "STATISTICS")
    }

    /// Takes over `settings`, `configuration` and `serviceConnectDefaults`, those that are there.
    fn take(&mut self, call: &Call, input: &Document) {
        for setting in words::objects(input, "settings") {
            if let Some(value) = field::text(setting, "value") {
                value.clone_into(&mut self.container_insights);
            }
        }
        if let Some(configuration) = field::present(input, "configuration") {
            self.configuration = Some(configuration.clone());
        }
        if let Some(defaults) = field::object(input, "serviceConnectDefaults") {
            let namespace = field::text(defaults, "namespace").unwrap_or_default();
            self.service_connect_namespace = (!namespace.is_empty()).then(|| namespace_arn(call, namespace));
        }
    }
}

/// The ARN of a Cloud Map namespace that is named in short; the same name is the same namespace.
pub fn namespace_arn(call: &Call, namespace: &str) -> String {
    if namespace.starts_with("arn:") {
        return namespace.to_owned();
    }
    call.arn("servicediscovery", &format!("namespace/ns-{:016x}", words::scattered(namespace)))
}

impl State {
    /// The ACTIVE cluster that an input names: by name, or by its ARN of this account and Region.
    pub fn cluster(&self, input: &Document) -> Result<&Cluster, Refusal> {
        let cluster = self.clusters.get(cluster_name(input)).ok_or_else(cluster_not_found)?;
        let given = field::text(input, "cluster").unwrap_or_default();
        if given.starts_with("arn:") && given != cluster.arn {
            return Err(cluster_not_found());
        }
        cluster.is_active().then_some(cluster).ok_or_else(inactive)
    }

    pub fn cluster_mut(&mut self, input: &Document) -> Result<&mut Cluster, Refusal> {
        self.cluster(input)?;
        self.clusters.get_mut(cluster_name(input)).ok_or_else(cluster_not_found)
    }
}

fn inactive() -> Refusal {
    Refusal::client("ClusterNotFoundException", "The referenced cluster was inactive.")
}

/// A name that exists is no error: the cluster is answered as it is.
pub fn create(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let name = field::text(input, "clusterName").filter(|name| !name.is_empty()).unwrap_or("default");
    if let Some(existing) = state.clusters.get(name).filter(|cluster| cluster.is_active()) {
        return Ok(json!({"cluster": existing.answer_whole(call)}));
    }
    if !is_name(name) {
        return Err(invalid(
            "Cluster names can only contain letters, numbers, hyphens, and underscores, and at most 255 of them.",
        ));
    }
    let mut cluster = Cluster {
        name: name.to_owned(),
        arn: arn_of(call, "cluster", name),
        tags: Tags::read(call, input)?,
        deleted_at: None,
        container_insights: state.account_setting("containerInsights").to_owned(),
        configuration: None,
        service_connect_namespace: None,
        capacity_providers: Vec::new(),
        default_strategy: Vec::new(),
        attaching_until: None,
        services: BTreeMap::new(),
        tasks: BTreeMap::new(),
        instances: BTreeMap::new(),
        unplaced: BTreeSet::new(),
        run_tokens: BTreeMap::new(),
    };
    cluster.take(call, input);
    let (providers, strategy) = wanted_providers(state, input)?;
    state.clusters.insert(name.to_owned(), cluster);
    attach(state, call, name, providers, strategy);
    Ok(json!({"cluster": state.clusters[name].answer_whole(call)}))
}

pub fn update(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster_mut(input)?;
    cluster.take(call, input);
    Ok(json!({"cluster": cluster.answer_whole(call)}))
}

/// Replaces the whole set of providers and the whole default strategy.
pub fn put_capacity_providers(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    if cluster.attaching_until.is_some_and(|until| call.now < until) {
        return Err(Refusal::client(
            "UpdateInProgressException",
            "The specified cluster is in a busy state. Cluster attachments must be in UPDATE_COMPLETE or UPDATE_FAILED state before they can be updated. Wait and try again.",
        ));
    }
    let (providers, strategy) = wanted_providers(state, input)?;
    let removed = |name: &String| !providers.contains(name);
    let is_used = |name: &String| {
        let by_service =
            cluster.services.values().any(|service| service.is_active() && service.uses_provider(name));
        by_service || cluster.tasks.values().any(|task| !task.is_stopped() && task.provider() == Some(name))
    };
    if cluster.capacity_providers.iter().any(|name| removed(name) && is_used(name)) {
        let message = "The specified capacity provider is in use and cannot be removed.";
        return Err(Refusal::client("ResourceInUseException", message));
    }
    let name = cluster.name.clone();
    attach(state, call, &name, providers, strategy);
    Ok(json!({"cluster": state.clusters[&name].answer_whole(call)}))
}

/// The providers and the default strategy of an input, if they may be attached.
fn wanted_providers(state: &State, input: &Document) -> Result<(Vec<String>, Vec<Value>), Refusal> {
    let mut providers: Vec<String> =
        field::texts(input, "capacityProviders").iter().map(|name| short(name).to_owned()).collect();
    providers.sort();
    providers.dedup();
    for name in &providers {
        capacity_provider::attachable(state, name)?;
    }
    let strategy = capacity_provider::strategy(field::list(input, "defaultCapacityProviderStrategy"))?;
    for item in &strategy {
        let name = item["capacityProvider"].as_str().unwrap_or_default();
        if !providers.iter().any(|attached| attached == name) {
            return Err(capacity_provider::not_attached());
        }
    }
    Ok((providers, strategy))
}

fn attach(state: &mut State, call: &Call, name: &str, providers: Vec<String>, strategy: Vec<Value>) {
    let Some(cluster) = state.clusters.get_mut(name) else { return };
    let before = std::mem::replace(&mut cluster.capacity_providers, providers);
    cluster.default_strategy = strategy;
    let of_instances = |name: &&String| !capacity_provider::is_fargate(name);
    let mut touched: Vec<String> =
        before.iter().chain(&cluster.capacity_providers).filter(of_instances).cloned().collect();
    touched.sort();
    touched.dedup();
    if !touched.is_empty() {
        cluster.attaching_until = Some(call.now + ATTACHING);
    }
    for provider in touched {
        instance::look_at(state, call.now + ATTACHING, name, &provider);
    }
}

pub fn describe(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let mut names = field::texts(input, "clusters");
    if names.len() > 100 {
        return Err(invalid("Clusters can have at most 100 items."));
    }
    if names.is_empty() {
        names.push("default");
    }
    let find = |name: &str| {
        let cluster = state.clusters.get(short(name))?;
        Some(cluster.answer(call, |part| includes(input, part)))
    };
    Ok(listing::described("clusters", &names, find, |name| arn_of(call, "cluster", name)))
}

pub fn list(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let active = state.clusters.values().filter(|cluster| cluster.is_active());
    listing::paged(
        input,
        "clusterArns",
        listing::arns(active.map(|cluster| cluster.arn.as_str())),
        (100, 100),
    )
}

pub fn delete(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let refused = |code: &str, message: &str| Err(Refusal::client(code, message));
    if cluster.services.values().any(|service| !service.is_inactive()) {
        return refused(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        );
    }
    if cluster.tasks.values().any(|task| !task.is_stopped()) {
        return refused(
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active.",
        );
    }
    if !cluster.instances.is_empty() {
        let message = "The Cluster cannot be deleted while Container Instances are active or draining.";
        return refused("ClusterContainsContainerInstancesException", message);
    }
    if state.capacity_providers.values().any(|provider| provider.belongs_to(&cluster.name)) {
        let message = "The Cluster cannot be deleted while it contains capacity providers.";
        return refused("ClusterContainsCapacityProviderException", message);
    }
    let cluster = state.cluster_mut(input)?;
    cluster.deleted_at = Some(call.now);
    let answer = json!({"cluster": cluster.answer_whole(call)});
    let wake = Wake::Cluster { cluster: cluster.name.clone() };
    state.agenda.wake(call.now + REMEMBERED, wake);
    Ok(answer)
}

/// Forgets a cluster that was deleted long ago.
pub fn wake(state: &mut State, call: &Call, name: &str) {
    let forgotten = |cluster: &Cluster| cluster.deleted_at.is_some_and(|at| call.now >= at + REMEMBERED);
    if state.clusters.get(name).is_some_and(forgotten) {
        state.clusters.remove(name);
    }
}
