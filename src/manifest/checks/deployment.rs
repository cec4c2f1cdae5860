//! How a service is deployed: percentages, controllers, strategies, alarms, hooks, rebalancing.
//!
//! Tests: at the end of this file.

use super::node::Node;
use super::{Check, Finding};

pub(super) const CHECKS: &[Check] =
    &[percentages, controller, strategy, shifting, alternates, alarms, hooks, early_success, rebalancing];

fn configuration<'a>(spec: &Node<'a>) -> Node<'a> {
    spec.at("service.deploymentConfiguration")
}

fn is_daemon(spec: &Node) -> bool {
    spec.str("service.schedulingStrategy") == Some("DAEMON")
}

fn percentages(spec: &Node, out: &mut Vec<Finding>) {
    let deployment = configuration(spec);
    let (least_at, most_at) = (deployment.at("minimumHealthyPercent"), deployment.at("maximumPercent"));
    let daemon = is_daemon(spec);
    let least = deployment.integer("minimumHealthyPercent").unwrap_or(if daemon { 0 } else { 100 });
    let most = deployment.integer("maximumPercent").unwrap_or(if daemon { 100 } else { 200 });
    let given = if most_at.value().is_some() { &most_at } else { &least_at };
    if given.value().is_none() || least_at.is_unread() || most_at.is_unread() {
        return;
    }
    if least < 0 {
        out.push(Finding::error(&least_at, "`minimumHealthyPercent` cannot be negative"));
    } else if daemon && most > 100 {
        out.push(Finding::error(&most_at, "`DAEMON` takes at most 100 as `maximumPercent`"));
    } else if least > most {
        out.push(
            Finding::error(
                given,
                format!("`minimumHealthyPercent` is {least}, and `maximumPercent` only {most}"),
            )
            .hint("such as 100 and 200"),
        );
    } else if most <= 100 && least >= 100 {
        out.push(
            Finding::error(
                given,
                "nothing can be deployed: `maximumPercent` 100 lets no task start, `minimumHealthyPercent` 100 none stop",
            )
            .hint("raise `maximumPercent`, or lower `minimumHealthyPercent`"),
        );
    }
}

fn controller(spec: &Node, out: &mut Vec<Finding>) {
    let controller = spec.at("service.deploymentController.type");
    let Some(kind) = controller.text().filter(|kind| matches!(*kind, "CODE_DEPLOY" | "EXTERNAL")) else {
        return;
    };
    let deployment = configuration(spec);
    let breaker = deployment.at("deploymentCircuitBreaker");
    let mut refuse = |node: &Node, what: &str| {
        out.push(
            Finding::error(
                node,
                format!("{what} needs the deployment controller `ECS`, and this is `{kind}`"),
            )
            .hint("remove it, or the `deploymentController`")
            .related(&controller),
        );
    };
    if breaker.is_true("enable") {
        refuse(&breaker, "the circuit breaker");
    }
    if deployment.str("strategy").is_some_and(|strategy| strategy != "ROLLING") {
        refuse(&deployment.at("strategy"), "this strategy");
    }
    if kind == "CODE_DEPLOY" && !spec.has("service.loadBalancers") {
        out.push(
            Finding::error(&controller, "`CODE_DEPLOY` needs a load balancer to move the traffic")
                .hint("add `loadBalancers` with a target group"),
        );
    }
}

fn strategy(spec: &Node, out: &mut Vec<Finding>) {
    let deployment = configuration(spec);
    let at = deployment.at("strategy");
    let strategy = at.text().unwrap_or("ROLLING");
    if at.is_unread() {
        return;
    }
    for (member, of) in [("linearConfiguration", "LINEAR"), ("canaryConfiguration", "CANARY")] {
        if deployment.given(member) && strategy != of {
            out.push(
                Finding::error(
                    &deployment.at(member),
                    format!("`{member}` is for the strategy `{of}`, and this is `{strategy}`"),
                )
                .hint(format!("write `strategy: {of}`, or remove it")),
            );
        }
    }
    if is_shifting(strategy) {
        if !deployment.given("bakeTimeInMinutes") {
            out.push(
                Finding::warning(&at, format!("`{strategy}` may need `bakeTimeInMinutes`"))
                    .hint("such as `bakeTimeInMinutes: 5`: the time in which the old tasks still run"),
            );
        }
        if is_daemon(spec) {
            out.push(Finding::error(&at, format!("`DAEMON` cannot be deployed by `{strategy}`")));
        }
    }
    idle(&deployment, &at, strategy, out);
}

/// What the strategy never makes use of.
fn idle(deployment: &Node, at: &Node, strategy: &str, out: &mut Vec<Finding>) {
    let (breaker, hooks) = (deployment.at("deploymentCircuitBreaker"), deployment.at("lifecycleHooks"));
    if is_shifting(strategy) && breaker.is_true("enable") {
        let message = format!("the circuit breaker acts on rolling deployments, not on `{strategy}`");
        out.push(
            Finding::warning(&breaker, message)
                .hint("`alarms` and `lifecycleHooks` end such a deployment")
                .related(at),
        );
    }
    if strategy == "ROLLING" && deployment.has("lifecycleHooks") {
        out.push(
            Finding::warning(&hooks, "`lifecycleHooks` are not run by the strategy `ROLLING`")
                .hint("write `strategy: BLUE_GREEN`, `LINEAR` or `CANARY`, or remove them"),
        );
    }
}

/// A strategy that moves traffic from the old tasks to the new ones.
fn is_shifting(strategy: &str) -> bool {
    matches!(strategy, "BLUE_GREEN" | "LINEAR" | "CANARY")
}

fn shifting(spec: &Node, out: &mut Vec<Finding>) {
    let deployment = configuration(spec);
    for (member, least, most) in [
        ("linearConfiguration.stepPercent", 3.0, 100.0),
        ("linearConfiguration.stepBakeTimeInMinutes", 0.0, 1440.0),
        ("canaryConfiguration.canaryPercent", 0.1, 100.0),
        ("canaryConfiguration.canaryBakeTimeInMinutes", 0.0, 1440.0),
        ("bakeTimeInMinutes", 0.0, 1440.0),
    ] {
        if let Some(given) = deployment.number(member).filter(|given| !(least..=most).contains(given)) {
            let message = format!("{given} is out of bounds: {least} to {most}");
            out.push(Finding::error(&deployment.at(member), message));
        }
    }
}

/// Traffic moves between two target groups, by rules that a role may change.
fn alternates(spec: &Node, out: &mut Vec<Finding>) {
    let strategy = configuration(spec).at("strategy");
    let Some(name) = strategy.text().filter(|name| is_shifting(name)) else { return };
    for (list, needed) in [
        ("loadBalancers", &["alternateTargetGroupArn", "productionListenerRule", "roleArn"][..]),
        ("vpcLatticeConfigurations", &[][..]),
    ] {
        for balancer in spec.list(&format!("service.{list}")) {
            let advanced = balancer.at("advancedConfiguration");
            let missing: Vec<String> = needed
                .iter()
                .filter(|member| !advanced.has(member))
                .map(|member| format!("`{member}`"))
                .collect();
            if !missing.is_empty() {
                let at = if advanced.value().is_some() { &advanced } else { &balancer };
                out.push(
                    Finding::error(
                        at,
                        format!("`{name}` needs {} in `advancedConfiguration`", missing.join(", ")),
                    )
                    .hint("the traffic moves between the target group and its alternate")
                    .related(&strategy),
                );
            }
            let alternate = advanced.at("alternateTargetGroupArn");
            if alternate.text().is_some() && alternate.text() == balancer.str("targetGroupArn") {
                out.push(
                    Finding::error(&alternate, "the alternate target group is the target group itself")
                        .related(&balancer.at("targetGroupArn")),
                );
            }
        }
    }
}

fn alarms(spec: &Node, out: &mut Vec<Finding>) {
    let alarms = configuration(spec).at("alarms");
    if alarms.is_true("enable") && !alarms.has("alarmNames") {
        let at = if alarms.given("alarmNames") { alarms.at("alarmNames") } else { alarms };
        out.push(
            Finding::error(&at, "the deployment alarms are enabled, and none is named")
                .hint("name CloudWatch alarms in `alarmNames`, or write `enable: false`"),
        );
    }
}

fn hooks(spec: &Node, out: &mut Vec<Finding>) {
    for hook in configuration(spec).list("lifecycleHooks") {
        let pause = hook.str("targetType") == Some("PAUSE");
        let needed: &[&str] =
            if pause { &["lifecycleStages"] } else { &["hookTargetArn", "roleArn", "lifecycleStages"] };
        let missing: Vec<String> =
            needed.iter().filter(|member| !hook.has(member)).map(|member| format!("`{member}`")).collect();
        if !missing.is_empty() {
            out.push(Finding::error(&hook, format!("the hook needs {}", missing.join(", "))).hint("add it"));
        }
        if pause && hook.has("hookTargetArn") {
            out.push(Finding::error(&hook.at("hookTargetArn"), "a `PAUSE` hook has no target"));
        }
    }
}

fn early_success(spec: &Node, out: &mut Vec<Finding>) {
    let early = configuration(spec).at("earlySuccessCriteria");
    let strategy = configuration(spec).at("strategy");
    if early.is_true("enable") && strategy.text().is_some_and(is_shifting) {
        out.push(
            Finding::error(&early, "`earlySuccessCriteria` are for the strategy `ROLLING`")
                .hint("remove them")
                .related(&strategy),
        );
    }
    for member in ["healthyPercent", "sourceServiceRevisionCleanup"] {
        if early.is_true("enable") && !early.given(member) {
            out.push(
                Finding::error(&early, format!("`earlySuccessCriteria` needs `{member}`")).hint("add it"),
            );
        }
    }
}

fn rebalancing(spec: &Node, out: &mut Vec<Finding>) {
    let service = spec.at("service");
    let at = service.at("availabilityZoneRebalancing");
    if at.text() != Some("ENABLED") {
        return;
    }
    let most = service.integer("deploymentConfiguration.maximumPercent");
    let zone =
        |node: &&Node| node.str("expression").is_some_and(|text| text.contains("ecs.availability-zone"));
    let constraints = service.list("placementConstraints");
    let balancers = service.list("loadBalancers");
    let classic = |node: &&Node| node.has("loadBalancerName") && !node.has("targetGroupArn");
    let obstacle = if is_daemon(spec) {
        Some((service.at("schedulingStrategy"), "`DAEMON`"))
    } else if service.str("launchType") == Some("EXTERNAL") {
        Some((service.at("launchType"), "`launchType: EXTERNAL`"))
    } else if service.str("deploymentController.type") == Some("EXTERNAL") {
        Some((service.at("deploymentController"), "the deployment controller `EXTERNAL`"))
    } else if most.is_some_and(|most| most <= 100) {
        Some((service.at("deploymentConfiguration.maximumPercent"), "a `maximumPercent` of 100"))
    } else if let Some(constraint) = constraints.iter().find(zone) {
        Some((constraint.clone(), "a placement constraint on the zone"))
    } else {
        balancers.iter().find(classic).map(|node| (node.clone(), "a Classic Load Balancer"))
    };
    if let Some((node, what)) = obstacle {
        out.push(
            Finding::error(&at, format!("zone rebalancing does not go with {what}"))
                .hint("write `availabilityZoneRebalancing: DISABLED`")
                .related(&node),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::table;
    use serde_json::{Value, json};

    const ELB: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:";

    fn service(members: Value) -> Value {
        let mut service = json!({"taskDefinition": "web:1"});
        service.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"service": service})
    }

    #[test]
    fn deployments() {
        let deployment = |members: Value| service(json!({"deploymentConfiguration": members}));
        let percent = |least: i64, most: i64| json!({"minimumHealthyPercent": least, "maximumPercent": most});
        let by = |kind: &str, members: Value| {
            let balancer = json!({"targetGroupArn": format!("{ELB}targetgroup/a/1"), "containerName": "web", "containerPort": 80});
            service(
                json!({"deploymentController": {"type": kind}, "deploymentConfiguration": members, "loadBalancers": [balancer]}),
            )
        };
        let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
        let daemon = |members: Value| {
            service(json!({"schedulingStrategy": "DAEMON", "deploymentConfiguration": members}))
        };
        table([
            ("defaults", deployment(json!({})), ""),
            ("usual", deployment(percent(50, 150)), ""),
            ("one at a time", deployment(percent(0, 100)), ""),
            ("stuck", deployment(percent(100, 100)), "nothing can be deployed"),
            ("stuck by default", deployment(json!({"maximumPercent": 100})), "nothing can be deployed"),
            ("crossed", deployment(percent(150, 120)), "only 120"),
            ("daemon", daemon(percent(0, 100)), ""),
            ("daemon over", daemon(json!({"maximumPercent": 200})), "at most 100"),
            ("breaker", by("ECS", breaker.clone()), ""),
            ("breaker of CodeDeploy", by("CODE_DEPLOY", breaker), "the circuit breaker needs"),
            (
                "CodeDeploy alone",
                service(json!({"deploymentController": {"type": "CODE_DEPLOY"}})),
                "needs a load balancer",
            ),
            (
                "strategy of task sets",
                service(
                    json!({"deploymentController": {"type": "EXTERNAL"}, "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}}),
                ),
                "this strategy needs",
            ),
        ]);
    }

    #[test]
    fn strategies_alarms_and_hooks() {
        let deployment = |members: Value| service(json!({"deploymentConfiguration": members}));
        let hook = |members: Value| {
            deployment(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, "lifecycleHooks": [members]}))
        };
        let pause = || json!({"targetType": "PAUSE", "lifecycleStages": ["BAKE_TIME"]});
        table([
            (
                "canary",
                deployment(
                    json!({"strategy": "CANARY", "bakeTimeInMinutes": 1, "canaryConfiguration": {"canaryPercent": 5}}),
                ),
                "",
            ),
            (
                "canary's bounds",
                deployment(
                    json!({"strategy": "CANARY", "bakeTimeInMinutes": 1, "canaryConfiguration": {"canaryPercent": 0}}),
                ),
                "0.1 to 100",
            ),
            (
                "canary of linear",
                deployment(json!({"strategy": "LINEAR", "bakeTimeInMinutes": 1, "canaryConfiguration": {}})),
                "for the strategy `CANARY`",
            ),
            (
                "no bake time",
                deployment(json!({"strategy": "BLUE_GREEN"})),
                "warning: service.deploymentConfiguration.strategy",
            ),
            (
                "alarms",
                deployment(json!({"alarms": {"enable": true, "rollback": true, "alarmNames": []}})),
                "none is named",
            ),
            (
                "no alarms",
                deployment(json!({"alarms": {"enable": false, "rollback": false, "alarmNames": []}})),
                "",
            ),
            (
                "hook",
                hook(
                    json!({"hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:f", "roleArn": "r", "lifecycleStages": ["BAKE_TIME"]}),
                ),
                "",
            ),
            ("pause", hook(pause()), ""),
            (
                "no hook runs",
                deployment(json!({"lifecycleHooks": [pause()]})),
                "warning: service.deploymentConfiguration.lifecycleHooks: ",
            ),
            (
                "no breaker",
                deployment(
                    json!({"strategy": "LINEAR", "bakeTimeInMinutes": 1, "deploymentCircuitBreaker": {"enable": true, "rollback": true}}),
                ),
                "warning: service.deploymentConfiguration.deploymentCircuitBreaker: ",
            ),
            ("half a hook", hook(json!({"lifecycleStages": ["BAKE_TIME"]})), "`hookTargetArn`, `roleArn`"),
            (
                "early",
                deployment(json!({"earlySuccessCriteria": {"enable": true, "healthyPercent": 90}})),
                "`sourceServiceRevisionCleanup`",
            ),
        ]);
    }

    #[test]
    fn rebalancing_has_its_obstacles() {
        let rebalanced = |members: Value| {
            let mut spec = service(members);
            spec["service"]["availabilityZoneRebalancing"] = json!("ENABLED");
            spec
        };
        table([
            ("rebalancing", rebalanced(json!({})), ""),
            (
                "rebalancing at 100",
                rebalanced(
                    json!({"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 0}}),
                ),
                "`maximumPercent` of 100",
            ),
            ("rebalancing daemons", rebalanced(json!({"schedulingStrategy": "DAEMON"})), "`DAEMON`"),
        ]);
    }

    #[test]
    fn blue_green_needs_both_target_groups_and_the_rule_between_them() {
        let with = |advanced: Value| {
            service(json!({
                "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5},
                "loadBalancers": [{"targetGroupArn": format!("{ELB}targetgroup/blue/1"), "containerName": "web",
                    "containerPort": 80, "advancedConfiguration": advanced}]}))
        };
        let advanced = |group: &str| {
            json!({"alternateTargetGroupArn": format!("{ELB}targetgroup/{group}/1"),
            "productionListenerRule": format!("{ELB}listener-rule/app/x/1/2/3"), "roleArn": "elb"})
        };
        table([
            ("complete", with(advanced("green")), ""),
            ("one group", with(advanced("blue")), "is the target group itself"),
            (
                "nothing",
                with(json!(null)),
                "loadBalancers[0]: `BLUE_GREEN` needs `alternateTargetGroupArn`, `productionListenerRule`, `roleArn`",
            ),
        ]);
    }
}
