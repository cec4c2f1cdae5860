//! What DescribeTasks answers of a task. Ids of what only the answer has (a container, a network
//! interface) follow from the task's own.
//!
//! Tests: `tests/task.rs`.

use serde_json::{Value, json};

use super::container::Container;
use super::task::{Architecture, Fargate, Health, Status, Task};
use super::words::{self, objects, scattered};
use crate::sandbox::{Document, derived};

impl Task {
    pub fn answer(&self, with_tags: bool) -> Value {
        let architecture = match self.architecture {
            Architecture::X86 => "x86_64",
            Architecture::Arm => "arm64",
        };
        let mut answer = json!({
            "attachments": self.subnet.iter().map(|subnet| self.network_interface(subnet)).collect::<Vec<_>>(),
            "attributes": [
                {"name": "ecs.cpu-architecture", "value": architecture},
            ],
            "clusterArn": self.relative("cluster", None),
            "containers": self.containers(),
            "cpu": self.needs.0.to_string(),
            "createdAt": self.times.created,
            "desiredStatus": if self.is_alive() { "RUNNING" } else { "STOPPED" },
            "enableExecuteCommand": self.may_exec,
            "group": self.group,
            "healthStatus": self.health(),
            "lastStatus": self.status.name(),
            "launchType": self.launch_type(),
            "memory": self.needs.1.to_string(),
            "overrides": self.overrides(),
            "tags": if with_tags { self.tags.answer() } else { json!([]) },
            "taskArn": self.arn,
            "taskDefinitionArn": self.revision,
            "version": self.version,
        });
        let texts = [
            ("availabilityZone", self.zone.as_deref()),
            ("capacityProviderName", self.provider()),
            ("connectivity", self.times.connected.map(|_| "CONNECTED")),
            ("startedBy", self.started_by.as_deref()),
            ("stopCode", self.stop.as_ref().map(|stop| stop.code.as_str())),
            ("stoppedReason", self.stop.as_ref().map(|stop| stop.reason.as_str())),
        ];
        for (member, text) in texts.into_iter().filter_map(|(member, text)| Some((member, text?))) {
            answer[member] = json!(text);
        }
        let times = [
            ("connectivityAt", self.times.connected),
            ("pullStartedAt", self.times.pull_started),
            ("pullStoppedAt", self.times.pull_stopped),
            ("startedAt", self.times.started),
            ("stoppingAt", self.times.stopping),
            ("executionStoppedAt", self.times.execution_stopped),
            ("stoppedAt", self.times.stopped),
        ];
        for (member, at) in times.into_iter().filter_map(|(member, at)| Some((member, at?))) {
            answer[member] = json!(at);
        }
        if let Some(instance) = &self.instance {
            answer["containerInstanceArn"] = json!(self.relative("container-instance", Some(instance)));
        }
        if let Some(Fargate { platform_family, storage_gib }) = &self.fargate {
            answer["platformVersion"] = json!("1.4.0");
            answer["platformFamily"] = json!(platform_family);
            answer["ephemeralStorage"] = json!({"sizeInGiB": storage_gib});
        }
        answer
    }

    /// The ARN of its cluster, or of something in it: `arn:…:task/shop/id` tells both.
    fn relative(&self, kind: &str, id: Option<&str>) -> String {
        let (service, path) = self.arn.split_once(":task/").unwrap_or((&self.arn, ""));
        let cluster = path.split('/').next().unwrap_or_default();
        match id {
            None => format!("{service}:{kind}/{cluster}"),
            Some(id) => format!("{service}:{kind}/{cluster}/{id}"),
        }
    }

    fn health(&self) -> &'static str {
        let is_checked = self.containers.iter().any(|container| container.check.is_some());
        match self.health {
            Health::Unhealthy if is_checked => "UNHEALTHY",
            Health::Healthy if is_checked && self.status == Status::Running => "HEALTHY",
            _ => "UNKNOWN",
        }
    }

    /// Every container stands in the answer's overrides, if only by its name.
    fn overrides(&self) -> Value {
        let mut overrides = self.overrides.clone();
        let given: Vec<Document> = objects(&overrides, "containerOverrides").cloned().collect();
        let one = |container: &Container| {
            let same = |given: &&Document| words::at(given, "name") == container.name.as_str();
            given.iter().find(same).map_or_else(|| json!({"name": container.name}), |given| json!(given))
        };
        let all: Vec<Value> = self.containers.iter().map(one).collect();
        overrides.insert("containerOverrides".to_owned(), json!(all));
        words::fill(&mut overrides, [("inferenceAcceleratorOverrides", json!([]))]);
        Value::Object(overrides)
    }

    fn network_interface(&self, subnet: &str) -> Value {
        let host = scattered(&self.id);
        json!({
            "id": derived::uuid(&[&self.id, "attachment"]),
            "type": "ElasticNetworkInterface",
            "status": if self.is_stopped() { "DELETED" } else { "ATTACHED" },
            "details": [
                {"name": "subnetId", "value": subnet},
                {"name": "networkInterfaceId", "value": format!("eni-{}", &derived::hex(&[&self.id, "eni"])[..17])},
                {"name": "privateIPv4Address", "value": format!("10.0.{}.{}", host % 256, 4 + (host >> 8) % 250)},
            ],
        })
    }

    fn containers(&self) -> Value {
        self.containers.iter().map(|container| self.container(container)).collect()
    }

    fn container(&self, container: &Container) -> Value {
        let status = match self.status {
            _ if container.ended.is_some() => "STOPPED",
            Status::Provisioning | Status::Pending | Status::Activating => "PENDING",
            Status::Running | Status::Deactivating | Status::Stopping => "RUNNING",
            Status::Deprovisioning | Status::Stopped => "STOPPED",
        };
        let id = derived::uuid(&[&self.id, &container.name]);
        let mut answer = json!({
            "containerArn": self.relative("container", Some(&format!("{}/{id}", self.id))),
            "taskArn": self.arn,
            "name": container.name,
            "image": container.image,
            "networkInterfaces": [],
            "cpu": container.cpu.to_string(),
            "lastStatus": status,
            "healthStatus": if container.check.is_some() { self.health() } else { "UNKNOWN" },
        });
        let sizes = [("memory", container.memory), ("memoryReservation", container.reservation)];
        for (member, mib) in sizes.into_iter().filter_map(|(member, mib)| Some((member, mib?))) {
            answer[member] = json!(mib.to_string());
        }
        // Whoever is told to stop here does so well.
        let told = || (status == "STOPPED" && self.times.started.is_some()).then_some(0);
        let ended = container.ended.as_ref();
        if let Some(code) = ended.map_or_else(told, |ended| ended.code) {
            answer["exitCode"] = json!(code);
        }
        if let Some(reason) = ended.and_then(|ended| ended.reason.as_ref()) {
            answer["reason"] = json!(reason);
        }
        answer
    }
}
