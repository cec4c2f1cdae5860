//! Rules of rollouts: percents, strategies, zone rebalancing. Tests: at the end.

use super::{Rule, Subject, says};
use crate::manifest::problem::Report;
use crate::manifest::tree::Node;

pub const RULES: &[Rule] = &[percents, strategy, bake_time, advanced, early_success, rebalancing];

fn parts<'a>(subject: &Subject<'a>) -> Option<(&'a Node, &'a Node)> {
    let service = subject.spec.get("service")?;
    Some((service, service.get("deploymentConfiguration")?))
}

/// Something must be able to move.
fn percents(subject: &Subject, report: &mut Report) {
    let Some((service, configuration)) = parts(subject) else { return };
    let is_daemon = service.str("schedulingStrategy") == Some("DAEMON");
    let percent = |member, default| match configuration.get(member) {
        None => Some(default),
        Some(node) => node.as_int(),
    };
    let (default_most, default_least) = if is_daemon { (100, 0) } else { (200, 100) };
    let most = percent("maximumPercent", default_most);
    let least = percent("minimumHealthyPercent", default_least);
    let (Some(most), Some(least)) = (most, least) else { return };
    let at = configuration
        .get("maximumPercent")
        .or(configuration.get("minimumHealthyPercent"))
        .unwrap_or(configuration);
    if most < least {
        report.error(at, format!("`maximumPercent` {most} is under `minimumHealthyPercent` {least}"));
    } else if most == 100 && least == 100 {
        let problem = report.error(at, "with 100 for both percents no task could be replaced");
        problem.hint(
            "`maximumPercent: 200` starts new tasks first, `minimumHealthyPercent: 50` stops old ones first",
        );
    }
    if least > 100 {
        let at = configuration.get("minimumHealthyPercent").unwrap_or(configuration);
        report.error(at, format!("`minimumHealthyPercent` is {least}; at most 100 is allowed"));
    }
}

/// What belongs to one strategy only.
fn strategy(subject: &Subject, report: &mut Report) {
    let Some((service, configuration)) = parts(subject) else { return };
    let node = configuration.get("strategy");
    let strategy = node.map_or(Some("ROLLING"), Node::as_str);
    let Some(strategy) = strategy else { return };
    for (member, owner) in [("linearConfiguration", "LINEAR"), ("canaryConfiguration", "CANARY")] {
        if let Some(node) = says(configuration.get(member)).filter(|_| strategy != owner) {
            report.error(node, format!("`{member}` is for `strategy: {owner}`, not for `{strategy}`"));
        }
    }
    let controller = service.at_path(&["deploymentController", "type"]);
    if let (Some(node), Some(controller)) =
        (node.filter(|_| strategy != "ROLLING"), controller.and_then(Node::as_str))
        && controller != "ECS"
    {
        report.error(
            node,
            format!("`strategy: {strategy}` is ECS's own: `deploymentController` is {controller}"),
        );
    }
    let breaker =
        configuration.get("deploymentCircuitBreaker").filter(|breaker| breaker.bool("enable") == Some(true));
    if let Some(breaker) = breaker.filter(|_| strategy != "ROLLING") {
        report.warning(
            breaker,
            format!("the circuit breaker acts on rolling deployments, not on `{strategy}`"),
        );
    }
    if let Some(hooks) = says(configuration.get("lifecycleHooks")).filter(|_| strategy == "ROLLING") {
        report.warning(hooks, "`lifecycleHooks` run in blue/green, linear and canary deployments only");
    }
}

fn is_shifting(configuration: &Node) -> bool {
    matches!(configuration.str("strategy"), Some("BLUE_GREEN" | "LINEAR" | "CANARY"))
}

fn bake_time(subject: &Subject, report: &mut Report) {
    let Some((_, configuration)) = parts(subject) else { return };
    if is_shifting(configuration) && configuration.get("bakeTimeInMinutes").is_none() {
        let strategy = configuration.get("strategy").unwrap_or(configuration);
        let problem = report.warning(strategy, "this strategy should say its `bakeTimeInMinutes`");
        problem.hint(
            "for instance `bakeTimeInMinutes: 10`: so long the old tasks stay after the traffic has moved",
        );
    }
}

/// Traffic is moved between two target groups, which the load balancer must name.
fn advanced(subject: &Subject, report: &mut Report) {
    let Some((service, configuration)) = parts(subject) else { return };
    for balancer in service.list("loadBalancers") {
        let advanced = says(balancer.get("advancedConfiguration"));
        if !is_shifting(configuration) {
            continue;
        }
        let Some(advanced) = advanced else {
            let problem =
                report.warning(balancer, "this strategy needs the load balancer's `advancedConfiguration`");
            problem.hint("with `alternateTargetGroupArn`, `productionListenerRule` and `roleArn`");
            continue;
        };
        for member in ["alternateTargetGroupArn", "productionListenerRule", "roleArn"] {
            if advanced.get(member).is_none() {
                report.warning(advanced, format!("`advancedConfiguration` has no `{member}`"));
            }
        }
    }
}

fn early_success(subject: &Subject, report: &mut Report) {
    let Some((_, configuration)) = parts(subject) else { return };
    let criteria =
        configuration.get("earlySuccessCriteria").filter(|criteria| criteria.bool("enable") == Some(true));
    let Some(criteria) = criteria else { return };
    for member in ["healthyPercent", "sourceServiceRevisionCleanup"] {
        if criteria.get(member).is_none() {
            report.error(criteria, format!("`earlySuccessCriteria` that are enabled need `{member}`"));
        }
    }
}

/// A task moves to another zone by being started there first.
fn rebalancing(subject: &Subject, report: &mut Report) {
    let Some(service) = subject.spec.get("service") else { return };
    let Some(node) =
        service.get("availabilityZoneRebalancing").filter(|node| node.as_str() == Some("ENABLED"))
    else {
        return;
    };
    if service.str("schedulingStrategy") == Some("DAEMON") {
        report.error(node, "a `DAEMON` service has no zone rebalancing");
        return;
    }
    let most = service.at_path(&["deploymentConfiguration", "maximumPercent"]);
    if let Some(most) = most.filter(|most| most.as_int().is_some_and(|percent| percent <= 100)) {
        let place = report.place(most);
        report
            .error(
                node,
                "zone rebalancing needs a `maximumPercent` over 100: it starts a task before it stops one",
            )
            .related(place, "the percent");
    }
    if let Some(balancer) = service.list("loadBalancers").iter().find_map(|one| one.get("loadBalancerName")) {
        report.error(balancer, "zone rebalancing does not work with a Classic Load Balancer");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};

    fn service(more: &str, configuration: &str) -> String {
        format!("service: {{taskDefinition: web, {more} deploymentConfiguration: {{{configuration}}}}}")
    }

    #[test]
    fn percents_leave_room_to_replace_a_task() {
        says_nothing("EcsService", &service("", "maximumPercent: 100, minimumHealthyPercent: 0"));
        says("EcsService", &service("", "maximumPercent: 100"), "no task could be replaced");
        says("EcsService", &service("", "maximumPercent: 50, minimumHealthyPercent: 90"), "is under");
        says_nothing("EcsService", &service("schedulingStrategy: DAEMON,", "maximumPercent: 100"));
    }

    #[test]
    fn zone_rebalancing_starts_a_task_before_it_stops_one() {
        let on = "availabilityZoneRebalancing: ENABLED,";
        says_nothing("EcsService", &service(on, "maximumPercent: 200"));
        says("EcsService", &service(on, "maximumPercent: 100, minimumHealthyPercent: 50"), "over 100");
        says(
            "EcsService",
            &service("availabilityZoneRebalancing: ENABLED, schedulingStrategy: DAEMON,", ""),
            "no zone rebalancing",
        );
    }

    #[test]
    fn members_of_one_strategy_belong_to_it() {
        says_nothing(
            "EcsService",
            &service("", "strategy: CANARY, bakeTimeInMinutes: 5, canaryConfiguration: {canaryPercent: 10}"),
        );
        says(
            "EcsService",
            &service("", "canaryConfiguration: {canaryPercent: 10}"),
            "for `strategy: CANARY`",
        );
        says(
            "EcsService",
            &service("deploymentController: {type: CODE_DEPLOY},", "strategy: LINEAR, bakeTimeInMinutes: 1"),
            "is ECS's own",
        );
        says(
            "EcsService",
            &service("", "strategy: BLUE_GREEN"),
            "warning: this strategy should say its `bakeTimeInMinutes`",
        );
        says(
            "EcsService",
            &service("", "earlySuccessCriteria: {enable: true, healthyPercent: 50}"),
            "need `sourceServiceRevisionCleanup`",
        );
    }
}
