//! What Fargate refuses: sizes that it does not have, and what only an instance of one's own can do.
//! Tests: at the end.

use super::task_definition::{cpu_units, list, mebibytes, network_mode};
use super::{says, strategy};
use crate::manifest::problem::Report;
use crate::manifest::tree::{Node, Value};

/// CPU units, then the least and the greatest MiB and the step between.
const SIZES: [(i64, i64, i64, i64); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

const LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

/// Where a service's tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compute {
    Fargate,
    Other,
}

/// What the service says; `None` leaves it to the cluster.
pub fn compute(spec: &Node) -> Option<Compute> {
    let service = spec.get("service")?;
    let of = |is_fargate: bool| Some(if is_fargate { Compute::Fargate } else { Compute::Other });
    if let Some(launch_type) = service.get("launchType") {
        return of(launch_type.as_str() == Some("FARGATE"));
    }
    let strategy = says(service.get("capacityProviderStrategy"))?;
    let mut providers = strategy.items().iter().filter_map(|item| item.str("capacityProvider"));
    of(providers.all(strategy::is_fargate))
}

/// Whether the task definition says that it is for Fargate: then AWS checks it when it is registered.
pub fn is_required(spec: &Node) -> bool {
    let required = spec.at_path(&["taskDefinition", "requiresCompatibilities"]);
    required.is_some_and(|list| list.items().iter().any(|item| item.as_str() == Some("FARGATE")))
}

/// Checks a service that runs on Fargate.
pub fn check_service(spec: &Node, report: &mut Report) {
    let Some(service) = spec.get("service") else { return };
    if let Some(strategy) = service.get("schedulingStrategy").filter(|node| node.as_str() == Some("DAEMON")) {
        report.error(strategy, "Fargate has no `DAEMON` services");
    }
    for member in ["placementStrategy", "placementConstraints"] {
        if let Some(node) = says(service.get(member)) {
            report.error(node, format!("Fargate refuses `{member}`"));
        }
    }
    let required = spec.at_path(&["taskDefinition", "requiresCompatibilities"]);
    if let Some(list) = says(required).filter(|_| !is_required(spec)) {
        report.error(list, "the service runs on Fargate: `requiresCompatibilities` must name `FARGATE`");
    }
}

/// Checks a task definition for Fargate.
pub fn check_task(definition: &Node, report: &mut Report) {
    let at = definition.get("networkMode").unwrap_or(definition);
    if network_mode(definition).is_some_and(|mode| mode != "awsvpc") {
        report.error(at, "Fargate needs `networkMode: awsvpc`");
    }
    size(definition, report);
    for (member, refused) in [("pidMode", "host"), ("ipcMode", "")] {
        if let Some(mode) =
            definition.get(member).filter(|node| refused.is_empty() || node.as_str() == Some(refused))
        {
            let text = mode.as_str().unwrap_or_default().to_owned();
            report.error(mode, format!("Fargate refuses `{member}: {text}`"));
        }
    }
    if let Some(node) = says(definition.get("placementConstraints")) {
        report.error(node, "Fargate refuses `placementConstraints`");
    }
    for volume in definition.list("volumes") {
        let path = volume.at_path(&["host", "sourcePath"]);
        if let Some(node) = path.or_else(|| volume.get("dockerVolumeConfiguration")) {
            let problem = report.error(node, "Fargate has no volumes of a host or of Docker");
            problem.hint("use EFS, or a volume with nothing but a name, which lives as long as the task");
        }
    }
    if let Some(size) = definition.at_path(&["ephemeralStorage", "sizeInGiB"])
        && let Some(number) = size.as_int().filter(|number| !(21..=200).contains(number))
    {
        report.error(size, format!("`ephemeralStorage` is {number} GiB; Fargate has 21 to 200"));
    }
    for found in list(definition) {
        container(found, report);
        log_driver(found, definition, report);
    }
}

fn size(definition: &Node, report: &mut Report) {
    let (cpu, memory) = (definition.get("cpu"), definition.get("memory"));
    for (member, node) in [("cpu", cpu), ("memory", memory)] {
        if node.is_none() {
            let problem = report.error(definition, format!("Fargate needs the task's `{member}`"));
            problem.hint("for instance `cpu: \"256\"` with `memory: \"512\"`");
        }
    }
    let units = cpu.and_then(Node::as_str).and_then(cpu_units);
    let size = memory.and_then(Node::as_str).and_then(mebibytes);
    let (Some(cpu), Some(units)) = (cpu, units) else { return };
    let Some((_, least, most, step)) = SIZES.iter().find(|row| row.0 == units) else {
        let known: Vec<String> = SIZES.iter().map(|row| row.0.to_string()).collect();
        report
            .error(cpu, format!("Fargate has no task with `cpu` {units}"))
            .hint(format!("one of {}", known.join(", ")));
        return;
    };
    let (Some(memory), Some(size)) = (memory, size) else { return };
    // 256 has 512, 1024 and 2048, without 1536.
    let fits = (*least..=*most).contains(&size) && size % step == 0 && !(units == 256 && size == 1536);
    if !fits {
        let sizes = if units == 256 {
            "512, 1024 or 2048".to_owned()
        } else {
            format!("{least} to {most} by {step}")
        };
        report
            .error(memory, format!("Fargate has no task with `cpu` {units} and `memory` {size}"))
            .hint(format!("with `cpu` {units} the memory is {sizes}"));
    }
}

fn container(container: &Node, report: &mut Report) {
    if let Some(node) = container.get("privileged").filter(|node| node.as_bool() == Some(true)) {
        report.error(node, "Fargate refuses `privileged` containers");
    }
    let linux = ["devices", "maxSwap", "sharedMemorySize", "swappiness"]
        .map(|member| (member, container.at_path(&["linuxParameters", member])));
    let refused = [
        ("links", container.get("links")),
        ("dockerSecurityOptions", container.get("dockerSecurityOptions")),
    ];
    for (member, node) in refused.into_iter().chain(linux) {
        if let Some(node) = says(node).filter(|node| node.as_int() != Some(0)) {
            report.error(node, format!("Fargate refuses `{member}`"));
        }
    }
    for resource in container.list("resourceRequirements") {
        let kind = resource.get("type").filter(|kind| kind.value != Value::Invalid);
        if let Some(kind) = kind {
            let what = kind.as_str().unwrap_or_default().to_owned();
            report.error(kind, format!("Fargate has no `{what}`"));
        }
    }
    for capability in
        container.at_path(&["linuxParameters", "capabilities", "add"]).map_or(&[][..], Node::items)
    {
        let name = capability.as_str().unwrap_or("SYS_PTRACE");
        if name != "SYS_PTRACE" {
            report.error(capability, format!("Fargate adds no capability but `SYS_PTRACE`, not `{name}`"));
        }
    }
}

fn log_driver(container: &Node, definition: &Node, report: &mut Report) {
    let Some(driver) = container.at_path(&["logConfiguration", "logDriver"]) else { return };
    let Some(name) = driver.as_str() else { return };
    if !LOG_DRIVERS.contains(&name) {
        let problem = report.error(driver, format!("Fargate has no log driver `{name}`"));
        problem.hint("one of `awslogs`, `splunk`, `awsfirelens`");
    } else if name == "awslogs" && definition.get("executionRoleArn").is_none() {
        report.warning(driver, "on Fargate `awslogs` needs an `executionRoleArn`");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{said, says, says_nothing};

    fn task(cpu: &str, memory: &str, more: &str, container: &str) -> String {
        format!(
            "service: {{networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-1a]}}}}}}\ntaskDefinition:\n  \
             requiresCompatibilities: [FARGATE]\n  networkMode: awsvpc\n  cpu: '{cpu}'\n  memory: '{memory}'\n{more}  \
             containerDefinitions: [{{name: a, image: nginx, {container}}}]"
        )
    }

    #[test]
    fn fargate_has_certain_sizes() {
        for (cpu, memory) in
            [("256", "512"), (".25 vCPU", "2 GB"), ("4096", "30720"), ("16 vCPU", "120GB"), ("1024", "3072")]
        {
            says_nothing("EcsService", &task(cpu, memory, "", ""));
        }
        for (cpu, memory) in [("256", "1536"), ("256", "4096"), ("512", "512"), ("8192", "17408")] {
            says("EcsService", &task(cpu, memory, "", ""), "Fargate has no task with `cpu`");
        }
        says("EcsService", &task("300", "512", "", ""), "no task with `cpu` 300");
    }

    #[test]
    fn fargate_refuses_what_needs_an_instance_of_ones_own() {
        let said = |more: &str, container: &str, words: &str| {
            says("EcsService", &task("256", "512", more, container), words);
        };
        said("", "privileged: true", "`privileged`");
        said("", "resourceRequirements: [{type: GPU, value: '1'}]", "no `GPU`");
        said("", "logConfiguration: {logDriver: gelf}", "no log driver `gelf`");
        said("  volumes: [{name: v, host: {sourcePath: /v}}]\n", "", "no volumes of a host");
        said("  ephemeralStorage: {sizeInGiB: 20}\n", "", "21 to 200");
        said("  placementConstraints: [{type: memberOf, expression: x}]\n", "", "`placementConstraints`");
        said("  ipcMode: task\n", "", "`ipcMode: task`");
    }

    #[test]
    fn fargate_needs_awsvpc_and_has_no_daemons() {
        let bridge = task("256", "512", "", "")
            .replace("  networkMode: awsvpc\n", "")
            .replace("networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-1a]}}", "");
        says("EcsService", &bridge, "needs `networkMode: awsvpc`");
        let daemon = task("256", "512", "", "")
            .replace("service: {", "service: {launchType: FARGATE, schedulingStrategy: DAEMON, ");
        assert_eq!(said("EcsService", &daemon), ["Fargate has no `DAEMON` services"]);
    }
}
