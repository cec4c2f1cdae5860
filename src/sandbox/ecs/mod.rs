//! Amazon ECS: clusters, capacity providers, task definitions, services, tasks.
//!
//! Documents keep the API's shapes; typed fields beside them are what the simulation reads.
//! An operation first looks, then changes: a refusal has changed nothing.
//!
//! Tests: `tests/`.

// The table of operations wants one signature of all.
#![allow(clippy::unnecessary_wraps)]

mod account_setting;
mod agenda;
mod breaker;
mod capacity_provider;
mod cluster;
mod container;
mod deployment;
mod events;
mod image_script;
mod instance;
mod listing;
mod restart;
mod rollback;
mod scheduler;
mod service;
mod service_checks;
mod service_deployment;
mod service_fill;
mod service_read;
mod service_revision;
mod tags;
mod task;
mod task_api;
mod task_definition;
mod task_definition_checks;
mod task_definition_fill;
mod task_life;
mod task_placement;
mod task_read;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use agenda::{Agenda, Wake};
use capacity_provider::CapacityProvider;
use cluster::Cluster;
use task_definition::Family;

use super::{Call, Document, Refusal, Region, autoscaling};

/// ECS in one Region.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    clusters: BTreeMap<String, Cluster>,
    /// Those that were made; Fargate's two are always there.
    capacity_providers: BTreeMap<String, CapacityProvider>,
    task_definitions: BTreeMap<String, Family>,
    account_settings: BTreeMap<String, String>,
    agenda: Agenda,
}

type Operation = fn(&mut State, &Call, &Document) -> Result<Value, Refusal>;

/// The operations that are here, by name.
const OPERATIONS: &[(&str, Operation)] = &[
    ("ContinueServiceDeployment", service_deployment::proceed),
    ("CreateCapacityProvider", capacity_provider::create),
    ("CreateCluster", cluster::create),
    ("CreateService", service::create),
    ("DeleteAccountSetting", account_setting::delete),
    ("DeleteCapacityProvider", capacity_provider::delete),
    ("DeleteCluster", cluster::delete),
    ("DeleteService", service::delete),
    ("DeleteTaskDefinitions", task_definition::delete),
    ("DeregisterTaskDefinition", task_definition::deregister),
    ("DescribeCapacityProviders", capacity_provider::describe),
    ("DescribeClusters", cluster::describe),
    ("DescribeContainerInstances", instance::describe),
    ("DescribeServiceDeployments", service_deployment::describe),
    ("DescribeServiceRevisions", service_revision::describe),
    ("DescribeServices", service_read::describe),
    ("DescribeTaskDefinition", task_definition::describe),
    ("DescribeTasks", task_api::describe),
    ("ExecuteCommand", task_api::execute_command),
    ("ListAccountSettings", account_setting::list),
    ("ListClusters", cluster::list),
    ("ListContainerInstances", instance::list),
    ("ListServiceDeployments", service_deployment::list),
    ("ListServices", service_read::list),
    ("ListServicesByNamespace", service_read::list_by_namespace),
    ("ListTagsForResource", tags::list_tags_for_resource),
    ("ListTaskDefinitionFamilies", task_definition::list_families),
    ("ListTaskDefinitions", task_definition::list),
    ("ListTasks", task_api::list),
    ("PutAccountSetting", account_setting::put),
    ("PutAccountSettingDefault", account_setting::put),
    ("PutClusterCapacityProviders", cluster::put_capacity_providers),
    ("RegisterTaskDefinition", task_definition::register),
    ("RunTask", task_api::run),
    ("StopServiceDeployment", service_deployment::stop),
    ("StopTask", task_api::stop),
    ("TagResource", tags::tag_resource),
    ("UntagResource", tags::untag_resource),
    ("UpdateCapacityProvider", capacity_provider::update),
    ("UpdateCluster", cluster::update),
    ("UpdateClusterSettings", cluster::update),
    ("UpdateService", service::update),
];

pub fn answer(region: &mut Region, call: &Call, operation: &str, input: &Document) -> Result<Value, Refusal> {
    let known = OPERATIONS.iter().find(|(name, _)| *name == operation);
    let (_, perform) = known.ok_or_else(|| {
        let message = format!("ECS has `{operation}`, but this sandbox does not");
        Refusal::client("UnknownOperationException", message)
    })?;
    let answer = perform(&mut region.ecs, call, input)?;
    if operation == "DeleteService" {
        autoscaling::forget(region, answer["service"]["serviceArn"].as_str().unwrap_or_default());
    }
    Ok(answer)
}

/// Does what is due at `call.now`.
pub fn advance(region: &mut Region, call: &Call) {
    let Region { ecs: state, ecr: registry, .. } = region;
    while let Some(wake) = state.agenda.next(call.now) {
        match wake {
            Wake::Cluster { cluster } => cluster::wake(state, call, &cluster),
            Wake::CapacityProvider { name } => capacity_provider::wake(state, call, &name),
            Wake::Instances { cluster, provider } => instance::wake(state, call, &cluster, &provider),
            Wake::Service { cluster, service } => scheduler::wake(state, call, &cluster, &service),
            Wake::Task { cluster, task } => task_life::wake(state, registry, call, &cluster, &task),
        }
    }
}

impl State {
    /// When something is next due, in seconds since the epoch.
    pub fn due(&self) -> Option<f64> {
        self.agenda.due()
    }

    /// The desired count of a service that is ACTIVE.
    pub fn desired_count(&self, cluster: &str, service: &str) -> Option<i64> {
        let service = self.clusters.get(cluster)?.services.get(service)?;
        service.is_active().then(|| service.desired_count())
    }

    /// Sets it, as Application Auto Scaling does. Without such a service nothing happens.
    pub fn set_desired_count(&mut self, call: &Call, cluster: &str, service: &str, count: i64) {
        service::scale(self, call, cluster, service, count);
    }
}
