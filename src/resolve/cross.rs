//! Checks that need more than one object: a service and the cluster that it names.
//!
//! Only what is declared here counts; everything else is external and looked at when it is observed.
//! Tests: at the end.

use super::Candidate;
use crate::manifest::checks::{fargate, says, strategy};
use crate::manifest::nearest;
use crate::manifest::problem::{Problem, Report, Severity};
use crate::manifest::tree::Node;
use crate::model::names::{Kind, last_segment};
use std::sync::Arc;

/// Checks every object against those that it names.
pub fn check(candidates: &[Candidate], problems: &mut Vec<Problem>) {
    for candidate in candidates {
        match candidate.object.key.kind {
            Kind::EcsService => {
                regions(candidate, candidates, problems);
                if let Some(cluster) = cluster_of(candidate, candidates) {
                    providers(candidate, cluster, candidates, problems);
                    default_strategy(candidate, cluster, problems);
                }
            }
            Kind::EcsCluster => managed_instances(candidate, candidates, problems),
            _ => {}
        }
    }
}

/// The declared cluster that a service runs in.
fn cluster_of<'a, 'b>(service: &Candidate, candidates: &'b [Candidate<'a>]) -> Option<&'b Candidate<'a>> {
    let key = &service.object.key;
    candidates.iter().find(|other| {
        let cluster = &other.object.key;
        cluster.kind == Kind::EcsCluster
            && Some(&cluster.name) == key.cluster.as_ref()
            && cluster.region == key.region
    })
}

/// The Region that a service says and that of its cluster's ARN are one; a namesake elsewhere is suspicious.
fn regions(service: &Candidate, candidates: &[Candidate], problems: &mut Vec<Problem>) {
    let key = &service.object.key;
    let tree = &service.manifest.tree;
    let Some(node) = tree.at_path(&["service", "cluster"]) else { return };
    let in_arn = node.as_str().and_then(|arn| arn.strip_prefix("arn:")?.split(':').nth(2));
    if let Some(region) = in_arn.filter(|region| *region != key.region) {
        problems
            .push(service.error(node, format!("the cluster is in {region}, the service in {}", key.region)));
        return;
    }
    let namesake = |other: &&Candidate| {
        other.object.key.kind == Kind::EcsCluster && Some(&other.object.key.name) == key.cluster.as_ref()
    };
    let mut namesakes = candidates.iter().filter(namesake).map(|other| &other.object.key.region).peekable();
    if namesakes.peek().is_some() && namesakes.clone().all(|region| *region != key.region) {
        let elsewhere: Vec<&str> = namesakes.map(String::as_str).collect();
        let message =
            format!("the cluster is declared in {}, the service is in {}", elsewhere.join(", "), key.region);
        problems.push(service.manifest.problem(Severity::Warning, node, message));
    }
}

/// A strategy names capacity providers of the cluster.
fn providers(
    service: &Candidate,
    cluster: &Candidate,
    candidates: &[Candidate],
    problems: &mut Vec<Problem>,
) {
    let Some(declared) = cluster.manifest.tree.get("capacityProviders") else { return };
    let of_cluster = |other: &&Candidate| {
        let key = &other.object.key;
        key.kind == Kind::EcsCapacityProvider && key.cluster.as_ref() == Some(&cluster.object.key.name)
    };
    let own = candidates.iter().filter(of_cluster).map(|other| other.object.key.name.as_str());
    let known: Vec<&str> =
        declared.items().iter().filter_map(Node::as_str).map(last_segment).chain(own).collect();
    let strategy = service.manifest.tree.at_path(&["service", "capacityProviderStrategy"]);
    for node in strategy.map_or(&[][..], Node::items).iter().filter_map(|item| item.get("capacityProvider")) {
        let Some(name) = node.as_str().map(last_segment).filter(|name| !known.contains(name)) else {
            continue;
        };
        let message =
            format!("`{name}` is no capacity provider of the cluster `{}`", cluster.object.key.name);
        let mut problem = service.error(node, message);
        problem.related(cluster.manifest.source.place(declared.mark()), "the cluster's `capacityProviders`");
        let meant = nearest(name, known.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
        problem.hint = meant.or_else(|| Some(format!("add `{name}` to the cluster's `capacityProviders`")));
        problems.push(problem);
    }
}

/// A service without a launch type and without a strategy runs where the cluster's default says.
fn default_strategy(service: &Candidate, cluster: &Candidate, problems: &mut Vec<Problem>) {
    let tree = &service.manifest.tree;
    if fargate::compute(tree).is_some() {
        return;
    }
    let Some(default) = says(cluster.manifest.tree.get("defaultCapacityProviderStrategy")) else { return };
    let mut names = default.items().iter().filter_map(|item| item.str("capacityProvider"));
    if !names.all(strategy::is_fargate) {
        return;
    }
    let mut report = Report::new(Arc::clone(&service.manifest.source));
    report.object = Some(service.manifest.object());
    fargate::check_service(tree, &mut report);
    if let Some(definition) = tree.get("taskDefinition").filter(|_| !fargate::is_required(tree)) {
        fargate::check_task(definition, &mut report);
    }
    let place = cluster.manifest.source.place(default.mark());
    problems.extend(report.finish().into_iter().map(|mut problem| {
        problem
            .related(place.clone(), "the cluster's default strategy, by which the service runs on Fargate");
        problem
    }));
}

/// Providers of managed instances belong to their cluster without being in its list.
fn managed_instances(cluster: &Candidate, candidates: &[Candidate], problems: &mut Vec<Problem>) {
    for node in cluster.manifest.tree.list("capacityProviders") {
        let provider = candidates.iter().find(|other| {
            let key = &other.object.key;
            key.kind == Kind::EcsCapacityProvider
                && key.cluster.is_some()
                && Some(key.name.as_str()) == node.as_str()
        });
        if let Some(provider) = provider {
            let message = format!(
                "`{}` has managed instances: it is not in a cluster's list",
                provider.object.key.name
            );
            let mut problem = cluster.error(node, message);
            problem.related(
                provider.manifest.source.place(provider.manifest.name_mark()),
                "the capacity provider",
            );
            problem.hint("leave it out: it names its cluster itself");
            problems.push(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CLUSTER, resolved, service};

    #[test]
    fn a_service_names_capacity_providers_of_its_cluster() {
        let strategy = |name: &str| {
            service(
                "web",
                &format!(
                    "cluster: shop, taskDefinition: web, capacityProviderStrategy: [{{capacityProvider: {name}, weight: 1}}], networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-1a]}}}}"
                ),
            )
        };
        assert_eq!(resolved(&[CLUSTER, &strategy("FARGATE")]).1, Vec::<String>::new());
        let (_, said) = resolved(&[CLUSTER, &strategy("shop-ec2")]);
        assert!(
            said.len() == 1 && said[0].contains("no capacity provider of the cluster `shop`"),
            "{said:?}"
        );
    }

    #[test]
    fn the_clusters_default_strategy_puts_a_service_on_fargate() {
        let daemon = service("web", "cluster: shop, taskDefinition: web, schedulingStrategy: DAEMON");
        let (_, said) = resolved(&[CLUSTER, &daemon]);
        assert!(said.len() == 1 && said[0].contains("no `DAEMON` services"), "{said:?}");
    }

    #[test]
    fn a_cluster_of_that_name_elsewhere_is_said() {
        let there = service("web", "cluster: shop, taskDefinition: web")
            .replace("spec: {", "spec: {region: us-east-1, ");
        let (found, said) = resolved(&[CLUSTER, &there]);
        assert!(
            said.len() == 1 && said[0].contains("warning: the cluster is declared in eu-central-1"),
            "{said:?}"
        );
        assert_eq!(found.desired.objects.len(), 2);
    }
}
