//! Checks that need more than one object and their manifests: a service and the cluster that it names.
//!
//! Only what is declared here counts; everything else is external and looked at when it is observed.
//! Tests: at the end.

use super::{Candidate, checks};
use crate::manifest::checks::is_fargate;
use crate::manifest::problem::{Problem, Severity};
use crate::manifest::tree::Node;
use crate::model::names::Kind;
use crate::model::semantics::is_nothing;
use serde_json::{Value, json};

/// Checks every object against those that it names.
pub fn check(candidates: &[Candidate], problems: &mut Vec<Problem>) {
    for candidate in candidates {
        match candidate.object.key.kind {
            Kind::EcsService => {
                regions(candidate, candidates, problems);
                if let Some(cluster) = cluster_of(candidate, candidates) {
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

/// A namesake of the service's cluster that is declared elsewhere is suspicious.
fn regions(service: &Candidate, candidates: &[Candidate], problems: &mut Vec<Problem>) {
    let key = &service.object.key;
    let Some(node) = service.manifest.tree.at_path(&["service", "cluster"]) else { return };
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

/// A service without a launch type and without a strategy runs where the cluster's default says: it is checked as
/// if it said so itself, and what only then is wrong is told with both places.
fn default_strategy(service: &Candidate, cluster: &Candidate, problems: &mut Vec<Problem>) {
    const STRATEGY: &str = "capacityProviderStrategy";
    let default = Node::list(&cluster.manifest.tree, "defaultCapacityProviderStrategy");
    let on_fargate = |item: &Node| item.str("capacityProvider").is_some_and(is_fargate);
    let spec = checks::as_written(service);
    let Some(body) = spec.get("service").and_then(Value::as_object) else { return };
    if default.is_empty() || !default.iter().all(on_fargate) || body.contains_key("launchType") {
        return;
    }
    if body.get(STRATEGY).is_some_and(|strategy| !is_nothing(strategy)) {
        return;
    }
    let mut assumed = spec.clone();
    if let Some(body) = assumed.get_mut("service").and_then(Value::as_object_mut) {
        body.insert(STRATEGY.to_owned(), json!([{"capacityProvider": "FARGATE", "weight": 1}]));
    }
    let without = checks::findings(service.manifest, &spec);
    let only_then = checks::findings(service.manifest, &assumed).into_iter();
    for finding in only_then.filter(|finding| !without.contains(finding)) {
        let Some(mut problem) = checks::problem(service.manifest, &finding) else { continue };
        problem.related(
            cluster.manifest.place("defaultCapacityProviderStrategy"),
            "the cluster's default strategy, by which the service runs on Fargate",
        );
        problems.push(problem);
    }
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
            said.len() == 1 && said[0].contains("does not list the capacity provider `shop-ec2`"),
            "{said:?}"
        );
    }

    #[test]
    fn the_clusters_default_strategy_puts_a_service_on_fargate() {
        let daemon = service(
            "web",
            "cluster: shop, taskDefinition: web, schedulingStrategy: DAEMON, networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-1a]}}",
        );
        let (_, said) = resolved(&[CLUSTER, &daemon]);
        assert!(said.len() == 1 && said[0].contains("Fargate refuses `DAEMON`"), "{said:?}");
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
