//! Clusters: providers and their default strategy, settings, ECS Exec.
//!
//! Tests: at the end of this file.

use super::node::{Node, repeated};
use super::{Check, Finding, strategy};
use crate::model::names::last_segment;

pub(super) const CHECKS: &[Check] = &[providers, default_strategy, settings, exec];

/// The most providers of a cluster.
const MOST_PROVIDERS: usize = 20;

fn providers(spec: &Node, out: &mut Vec<Finding>) {
    let list = spec.at("capacityProviders");
    let providers = list.elements();
    if providers.len() > MOST_PROVIDERS {
        let message = format!("{} providers, and a cluster has at most {MOST_PROVIDERS}", providers.len());
        out.push(Finding::error(&list, message));
    }
    for (again, first) in repeated(&providers, |one| one.text().map(last_segment)) {
        let name = again.text().unwrap_or_default();
        out.push(Finding::error(&again, format!("the provider `{name}` is listed twice")).related(&first));
    }
}

fn default_strategy(spec: &Node, out: &mut Vec<Finding>) {
    let list = spec.at("capacityProviders");
    let listed: Vec<&str> = list.elements().iter().filter_map(|one| one.text().map(last_segment)).collect();
    let strategy = spec.at("defaultCapacityProviderStrategy");
    strategy::check(&strategy, out);
    for item in strategy.elements() {
        let Some(name) = strategy::provider(&item).filter(|name| !listed.contains(name)) else { continue };
        if !spec.knows("capacityProviders[]") {
            continue;
        }
        let finding = Finding::error(
            &item.at("capacityProvider"),
            format!("the default strategy names `{name}`, which the cluster does not list"),
        );
        out.push(finding.hint(format!("add `{name}` to `capacityProviders`")).related(&list));
    }
}

fn settings(spec: &Node, out: &mut Vec<Finding>) {
    let settings = spec.list("settings");
    for (again, first) in repeated(&settings, |one| one.str("name").map(str::to_owned)) {
        let name = again.str("name").unwrap_or_default();
        out.push(Finding::error(&again, format!("the setting `{name}` is given twice")).related(&first));
    }
    for setting in settings.iter().filter(|one| one.str("name") == Some("containerInsights")) {
        let value = setting.at("value");
        let Some(text) = value.text().filter(|text| !super::names::is_template(text)) else { continue };
        if !matches!(text, "enabled" | "disabled" | "enhanced") {
            out.push(
                Finding::error(&value, format!("`{text}` is not a value of `containerInsights`"))
                    .hint("`enabled`, `disabled` or `enhanced`"),
            );
        }
    }
}

fn exec(spec: &Node, out: &mut Vec<Finding>) {
    let exec = spec.at("configuration.executeCommandConfiguration");
    if exec.str("logging") == Some("OVERRIDE") && !exec.has("logConfiguration") {
        out.push(
            Finding::error(&exec.at("logging"), "`logging: OVERRIDE` needs a `logConfiguration`")
                .hint("add `logConfiguration` with a `cloudWatchLogGroupName` or an `s3BucketName`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::{assert_one, lines};
    use crate::model::names::Kind;
    use serde_json::json;

    #[test]
    fn clusters() {
        let fargate = || json!({"capacityProvider": "FARGATE", "weight": 1});
        for (what, spec, words) in [
            ("plain", json!({"clusterName": "shop"}), ""),
            (
                "listed",
                json!({"capacityProviders": ["FARGATE", "a"], "defaultCapacityProviderStrategy": [fargate()]}),
                "",
            ),
            (
                "not listed",
                json!({"capacityProviders": ["a"], "defaultCapacityProviderStrategy": [fargate()]}),
                "names `FARGATE`",
            ),
            ("twice", json!({"capacityProviders": ["a", "a"]}), "listed twice"),
            ("insights", json!({"settings": [{"name": "containerInsights", "value": "enhanced"}]}), ""),
            ("on", json!({"settings": [{"name": "containerInsights", "value": "on"}]}), "`on` is not"),
            (
                "exec",
                json!({"configuration": {"executeCommandConfiguration": {"logging": "OVERRIDE"}}}),
                "needs a `logConfiguration`",
            ),
            ("name", json!({"clusterName": "my.shop"}), "`my.shop` is not a cluster name"),
        ] {
            assert_one(what, &lines(Kind::EcsCluster, &spec), words);
        }
    }
}
