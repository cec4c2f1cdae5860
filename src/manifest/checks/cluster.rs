//! Rules of clusters. Tests: at the end.

use super::{Rule, Subject, names, says, strategy, unique};
use crate::manifest::problem::Report;
use crate::manifest::tree::Node;

pub const RULES: &[Rule] = &[name, default_strategy, settings, exec_logging];

fn name(subject: &Subject, report: &mut Report) {
    names::named(Some(subject.spec), "clusterName", subject, report);
}

/// The default strategy names providers of the cluster.
fn default_strategy(subject: &Subject, report: &mut Report) {
    let spec = subject.spec;
    unique(
        spec.list("capacityProviders"),
        |node| Some((node.as_str()?, node)),
        "the capacity provider",
        report,
    );
    let default = spec.get("defaultCapacityProviderStrategy");
    strategy::check(default, report);
    let known: Vec<&str> = spec.list("capacityProviders").iter().filter_map(Node::as_str).collect();
    for item in default.map_or(&[][..], Node::items) {
        let Some((provider, node)) =
            item.get("capacityProvider").and_then(|node| Some((node.as_str()?, node)))
        else {
            continue;
        };
        if !known.contains(&provider) {
            let problem =
                report.error(node, format!("`{provider}` is not one of the cluster's `capacityProviders`"));
            problem.hint(format!("add `{provider}` to `capacityProviders`"));
        }
    }
}

fn settings(subject: &Subject, report: &mut Report) {
    for setting in subject.spec.list("settings") {
        let Some(value) = setting.get("value") else { continue };
        let known = ["enhanced", "enabled", "disabled"];
        if let Some(text) = value.as_str().filter(|text| !known.contains(text)) {
            let problem = report.error(value, format!("`containerInsights` cannot be `{text}`"));
            problem.hint("one of `enhanced`, `enabled`, `disabled`");
        }
    }
}

fn exec_logging(subject: &Subject, report: &mut Report) {
    let Some(exec) = subject.spec.at_path(&["configuration", "executeCommandConfiguration"]) else { return };
    let is_override = exec.str("logging") == Some("OVERRIDE");
    if is_override && says(exec.get("logConfiguration")).is_none() {
        report.error(exec, "`logging: OVERRIDE` needs a `logConfiguration`");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    #[test]
    fn the_default_strategy_names_providers_of_the_cluster() {
        let spec = "capacityProviders: [FARGATE]\ndefaultCapacityProviderStrategy: [{capacityProvider: PROVIDER, weight: 1}]";
        says_nothing("EcsCluster", &spec.replace("PROVIDER", "FARGATE"));
        says(
            "EcsCluster",
            &spec.replace("PROVIDER", "FARGATE_SPOT"),
            "`FARGATE_SPOT` is not one of the cluster's",
        );
    }

    #[test]
    fn names_settings_and_exec_logging_are_checked() {
        says("EcsCluster", "clusterName: my shop", "cannot be `my shop`");
        says("EcsCluster", "settings: [{name: containerInsights, value: on}]", "cannot be `on`");
        says(
            "EcsCluster",
            "configuration: {executeCommandConfiguration: {logging: OVERRIDE}}",
            "needs a `logConfiguration`",
        );
    }
}
