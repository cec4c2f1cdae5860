//! Container instances. Nobody registers them by hand here: a cluster's capacity providers bring
//! them when tasks need them, and let them go when they are idle.
//!
//! Tests: `tests/capacity.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::capacity_provider::CapacityProvider;
use super::cluster::Cluster;
use super::listing::{self, includes};
use super::tags::Tags;
use super::task::Task;
use super::task_placement::Lack;
use super::words::{arn_of, invalid, short};
use super::{Agenda, State, Wake, task_life};
use crate::sandbox::{Call, Document, Refusal, field};

/// Seconds from the need for an instance to its registration.
const BOOT: f64 = 20.0;
/// Seconds after which managed scaling lets go of an instance without tasks.
const IDLE: f64 = 900.0;
/// An Auto Scaling group's size: from, to.
const GROUP_SIZE: (usize, usize) = (1, 10);
/// What an m5.xlarge registers: CPU units and MiB.
const ROOM: (u64, u64) = (4096, 15_731);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instance {
    id: String,
    pub arn: String,
    pub tags: Tags,
    ec2_instance_id: String,
    pub provider: String,
    pub zone: String,
    /// CPU units and MiB.
    room: (u64, u64),
    registered_at: f64,
    idle_since: f64,
}

/// What a task needs of an instance.
pub struct Wanted<'a> {
    /// None: of any.
    pub provider: Option<&'a str>,
    pub needs: (u64, u64),
    /// A group of which no task may be there yet.
    pub not_beside: Option<&'a str>,
}

impl Cluster {
    fn tasks_on<'a>(&'a self, instance: &'a str) -> impl Iterator<Item = &'a Task> {
        self.tasks
            .values()
            .filter(move |task| !task.is_stopped() && task.instance.as_deref() == Some(instance))
    }

    fn free(&self, instance: &Instance) -> (u64, u64) {
        self.tasks_on(&instance.id).fold(instance.room, |(cpu, memory), task| {
            (cpu.saturating_sub(task.needs.0), memory.saturating_sub(task.needs.1))
        })
    }

    fn instances_of<'a>(&'a self, provider: &'a str) -> impl Iterator<Item = &'a Instance> {
        self.instances.values().filter(move |instance| instance.provider == provider)
    }
}

/// One of the Region's three zones, which follows from the name.
pub fn zone(call: &Call, name: &str) -> String {
    let letter = ["a", "b", "c"][usize::try_from(super::words::scattered(name) % 3).unwrap_or(0)];
    format!("{}{letter}", call.region)
}

/// The instance with room that has the fewest tasks.
pub fn find(cluster: &Cluster, wanted: &Wanted) -> Option<String> {
    let fits = |instance: &&Instance| {
        let (cpu, memory) = cluster.free(instance);
        let beside = || {
            wanted
                .not_beside
                .is_some_and(|group| cluster.tasks_on(&instance.id).any(|task| task.group == group))
        };
        wanted.provider.is_none_or(|provider| provider == instance.provider)
            && wanted.needs.0 <= cpu
            && wanted.needs.1 <= memory
            && !beside()
    };
    let chosen = cluster
        .instances
        .values()
        .filter(fits)
        .min_by_key(|i| (cluster.tasks_on(&i.id).count(), i.id.clone()));
    chosen.map(|instance| instance.id.clone())
}

/// What the instance with the most free memory lacks, if there is an instance at all.
pub fn lack(cluster: &Cluster, wanted: &Wanted) -> Option<(String, Lack)> {
    let closest = cluster.instances.values().max_by_key(|instance| cluster.free(instance).1)?;
    let (cpu, memory) = cluster.free(closest);
    let lack = match wanted.needs {
        (_, needed) if needed > memory => Lack::Memory,
        (needed, _) if needed > cpu => Lack::Cpu,
        _ => Lack::Distinct,
    };
    Some((closest.id.clone(), lack))
}

/// Has the instances of a provider looked at later.
pub fn look_at(state: &mut State, at: f64, cluster: &str, provider: &str) {
    state.agenda.wake(at, Wake::Instances { cluster: cluster.to_owned(), provider: provider.to_owned() });
}

/// A task found no place: its provider, or for launch type EC2 the cluster's first that scales,
/// will look.
pub fn ask_for_more(
    agenda: &mut Agenda,
    cluster: &mut Cluster,
    providers: &BTreeMap<String, CapacityProvider>,
    call: &Call,
    provider: Option<&str>,
) {
    let scales = |name: &&str| providers.get(*name).is_some_and(CapacityProvider::scales);
    let of_cluster = || cluster.capacity_providers.iter().map(String::as_str).find(scales);
    let Some(name) = provider.or_else(of_cluster).map(str::to_owned) else { return };
    if provider.is_none() {
        cluster.unplaced.insert(name.clone());
    }
    agenda.wake(call.now + BOOT, Wake::Instances { cluster: cluster.name.clone(), provider: name });
}

/// A task has left an instance: another may take its room, and if it stays idle, it may go.
pub fn left(agenda: &mut Agenda, cluster: &mut Cluster, call: &Call, id: &str) {
    for service in cluster.services.values().filter(|service| service.unplaced) {
        let wake = Wake::Service { cluster: cluster.name.clone(), service: service.name.clone() };
        agenda.wake(call.now, wake);
    }
    let is_idle = cluster.tasks_on(id).all(|task| task.daemon);
    let Some(instance) = cluster.instances.get_mut(id).filter(|_| is_idle) else { return };
    instance.idle_since = call.now;
    let wake = Wake::Instances { cluster: cluster.name.clone(), provider: instance.provider.clone() };
    agenda.wake(call.now + IDLE, wake);
}

/// Brings the instances of one provider to what is needed.
pub fn wake(state: &mut State, call: &Call, cluster: &str, provider: &str) {
    let State { clusters, capacity_providers, agenda, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster) else { return };
    let known = capacity_providers.get(provider);
    let is_group = known.is_some_and(CapacityProvider::is_auto_scaling_group);
    let is_attached = cluster.capacity_providers.iter().any(|name| name == provider)
        || known.is_some_and(|known| known.belongs_to(&cluster.name));
    let least = if is_attached && is_group { GROUP_SIZE.0 } else { 0 };
    let before = cluster.instances.len();
    if is_attached {
        grow(agenda, cluster, call, provider, least, known.is_some_and(CapacityProvider::scales));
    }
    let idle_for = if is_attached { IDLE } else { 0.0 };
    shrink(agenda, cluster, call, provider, least, idle_for);
    if cluster.instances.len() != before {
        for service in
            cluster.services.values().filter(|service| service.is_active() && !service.is_on_fargate())
        {
            let wake = Wake::Service { cluster: cluster.name.clone(), service: service.name.clone() };
            agenda.wake(call.now, wake);
        }
    }
}

fn grow(agenda: &mut Agenda, cluster: &mut Cluster, call: &Call, provider: &str, least: usize, scales: bool) {
    while cluster.instances_of(provider).count() < least {
        register(cluster, call, provider, ROOM);
    }
    let unplaced = cluster.unplaced.remove(provider);
    if unplaced && scales && cluster.instances_of(provider).count() < GROUP_SIZE.1 {
        register(cluster, call, provider, ROOM);
    }
    let waiting: Vec<String> = cluster
        .tasks
        .values()
        .filter(|task| task.waits_for_instance(provider))
        .map(|task| task.id.clone())
        .collect();
    for id in waiting {
        let Some(task) = cluster.tasks.get(&id) else { continue };
        let needs = task.needs;
        let wanted = Wanted { provider: Some(provider), needs, not_beside: task.not_beside() };
        let mut found = find(cluster, &wanted);
        let may_grow = scales && cluster.instances_of(provider).count() < GROUP_SIZE.1;
        if found.is_none() && may_grow && needs.0 <= ROOM.0 && needs.1 <= ROOM.1 {
            found = Some(register(cluster, call, provider, ROOM));
        }
        if found.is_some() {
            task_life::begin(agenda, cluster, call, &id, found);
        }
    }
}

fn shrink(
    agenda: &mut Agenda,
    cluster: &mut Cluster,
    call: &Call,
    provider: &str,
    least: usize,
    idle_for: f64,
) {
    let idle: Vec<String> = cluster
        .instances_of(provider)
        .filter(|instance| call.now >= instance.idle_since + idle_for)
        .filter(|instance| cluster.tasks_on(&instance.id).all(|task| task.daemon))
        .map(|instance| instance.id.clone())
        .collect();
    let spare = cluster.instances_of(provider).count().saturating_sub(least);
    for id in idle.into_iter().take(spare) {
        let daemons: Vec<String> = cluster.tasks_on(&id).map(|task| task.id.clone()).collect();
        for task in daemons {
            task_life::stop_task(
                agenda,
                cluster,
                call,
                &task,
                "TerminationNotice",
                "The container instance is being deregistered.",
            );
        }
        cluster.instances.remove(&id);
    }
}

fn register(cluster: &mut Cluster, call: &Call, provider: &str, room: (u64, u64)) -> String {
    let id = call.ids.hex(32);
    let arn = arn_of(call, "container-instance", &format!("{}/{id}", cluster.name));
    let instance = Instance {
        id: id.clone(),
        zone: zone(call, &id),
        arn,
        tags: Tags::default(),
        ec2_instance_id: format!("i-{}", call.ids.hex(17)),
        provider: provider.to_owned(),
        room,
        registered_at: call.now,
        idle_since: call.now,
    };
    cluster.instances.insert(id.clone(), instance);
    id
}

fn answer(cluster: &Cluster, instance: &Instance, with_tags: bool) -> Value {
    let resources = |(cpu, memory): (u64, u64)| {
        let one = |name: &str, value: u64| json!({"name": name, "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": value});
        json!([one("CPU", cpu), one("MEMORY", memory)])
    };
    let count =
        |running: bool| cluster.tasks_on(&instance.id).filter(|task| task.is_running() == running).count();
    json!({
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2_instance_id,
        "capacityProviderName": instance.provider,
        "version": 1,
        "versionInfo": {"agentVersion": "1.100.0", "agentHash": "00000000", "dockerVersion": "DockerVersion: 25.0.8"},
        "remainingResources": resources(cluster.free(instance)),
        "registeredResources": resources(instance.room),
        "status": "ACTIVE",
        "agentConnected": true,
        "runningTasksCount": count(true),
        "pendingTasksCount": count(false),
        "attributes": [
            {"name": "ecs.availability-zone", "value": instance.zone},
            {"name": "ecs.instance-type", "value": "m5.xlarge"},
            {"name": "ecs.os-type", "value": "linux"},
            {"name": "ecs.cpu-architecture", "value": "x86_64"},
        ],
        "registeredAt": instance.registered_at,
        "attachments": [],
        "tags": if with_tags { instance.tags.answer() } else { json!([]) },
    })
}

pub fn list(state: &mut State, _: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let status = field::text(input, "status").unwrap_or("ACTIVE");
    let all = cluster.instances.values().filter(|_| status == "ACTIVE");
    listing::paged(input, "containerInstanceArns", listing::arns(all.map(|i| i.arn.as_str())), (100, 100))
}

pub fn describe(state: &mut State, call: &Call, input: &Document) -> Result<Value, Refusal> {
    let cluster = state.cluster(input)?;
    let ids = field::texts(input, "containerInstances");
    if ids.is_empty() || ids.len() > 100 {
        return Err(invalid("Between 1 and 100 container instances must be specified."));
    }
    let find = |id: &str| Some(answer(cluster, cluster.instances.get(short(id))?, includes(input, "TAGS")));
    let arn = |id: &str| arn_of(call, "container-instance", &format!("{}/{}", cluster.name, short(id)));
    Ok(listing::described("containerInstances", &ids, find, arn))
}
