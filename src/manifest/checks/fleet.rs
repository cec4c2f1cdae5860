//! What only several objects together show: a service and its cluster, providers and their groups.
//!
//! Says only what is certain from the objects at hand: what they leave out may exist in AWS.
//! Tests: at the end of this file.

use super::node::Node;
use super::{Finding, arns, strategy};
use crate::manifest::nearest;
use crate::model::desired::Object;
use crate::model::names::{Kind, last_segment};
use crate::model::semantics::Scope;
use crate::model::semantics::spelling::Spelling;

/// Checks objects against each other. `related` of a finding says where the other object is written.
pub fn check_fleet(objects: &[&Object], report: &mut dyn FnMut(&Object, Finding)) {
    let of = |kind: Kind| objects.iter().copied().filter(move |object| object.key.kind == kind);
    let providers: Vec<&Object> = of(Kind::EcsCapacityProvider).collect();
    for service in of(Kind::EcsService) {
        let cluster = of(Kind::EcsCluster).find(|cluster| is_cluster_of(cluster, service));
        let Some(cluster) = cluster else { continue };
        let mut findings = unlisted_providers(service, cluster, &providers);
        findings.extend(namespace(service, cluster));
        for finding in findings {
            report(service, finding);
        }
    }
    for object in objects {
        if let Some(finding) = arns::elsewhere(&Node::root(&object.spec), &object.key.region) {
            report(object, finding);
        }
    }
    for (at, provider) in providers.iter().enumerate() {
        let earlier = providers[..at].iter().find(|earlier| same_group(earlier, provider));
        if let Some(earlier) = earlier {
            report(provider, shared_group(provider, earlier));
        }
    }
}

fn is_cluster_of(cluster: &Object, service: &Object) -> bool {
    cluster.key.region == service.key.region && service.key.cluster.as_deref() == Some(&cluster.key.name)
}

/// A service may use only providers that its cluster lists, and those made for this cluster.
fn unlisted_providers(service: &Object, cluster: &Object, providers: &[&Object]) -> Vec<Finding> {
    let cluster_spec = Node::root(&cluster.spec);
    if !cluster_spec.given("capacityProviders") || !cluster_spec.knows("capacityProviders[]") {
        return Vec::new();
    }
    let listed: Vec<&str> = cluster_spec
        .list("capacityProviders")
        .iter()
        .filter_map(|one| one.text().map(last_segment))
        .collect();
    let made_for_it = |name: &str| {
        providers.iter().any(|provider| {
            provider.key.name == name && Node::root(&provider.spec).given("managedInstancesProvider")
        })
    };
    Node::root(&service.spec)
        .list("service.capacityProviderStrategy")
        .into_iter()
        .filter_map(|item| {
            let name =
                strategy::provider(&item).filter(|name| !listed.contains(name) && !made_for_it(name))?;
            let message =
                format!("the cluster `{}` does not list the capacity provider `{name}`", cluster.key.name);
            let mut finding = Finding::error(&item.at("capacityProvider"), message).hint(
                match nearest(name, listed.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("add `{name}` to `capacityProviders` of {}", cluster.origin),
                },
            );
            finding.related.push(cluster.origin.place.clone());
            Some(finding)
        })
        .collect()
}

/// Service Connect needs a namespace: the service's own or the cluster's default, which AWS may have already.
fn namespace(service: &Object, cluster: &Object) -> Option<Finding> {
    let spec = Node::root(&service.spec);
    let connect = spec.at("service.serviceConnectConfiguration");
    let named = connect.has("namespace") || Node::root(&cluster.spec).has("serviceConnectDefaults.namespace");
    if !connect.is_true("enabled") || named {
        return None;
    }
    let message = format!(
        "Service Connect has no `namespace`, and the cluster `{}` declares no default",
        cluster.key.name
    );
    let mut finding = Finding::warning(&connect, message)
        .hint(format!("add `namespace`, or `serviceConnectDefaults` to {}", cluster.origin));
    finding.related.push(cluster.origin.place.clone());
    Some(finding)
}

/// An Auto Scaling group gives its instances to one provider.
fn same_group(one: &Object, other: &Object) -> bool {
    let group = |object: &Object| {
        let arn = Node::root(&object.spec).str("autoScalingGroupProvider.autoScalingGroupArn")?.to_owned();
        Some(Spelling::AutoScalingGroup.canonical(&arn, &Scope::of(&object.spec, "")))
    };
    one.key.region == other.key.region && group(one).is_some() && group(one) == group(other)
}

fn shared_group(provider: &Object, earlier: &Object) -> Finding {
    let at = Node::root(&provider.spec).at("autoScalingGroupProvider.autoScalingGroupArn");
    let mut finding =
        Finding::error(&at, format!("the Auto Scaling group is already that of {}", earlier.origin))
            .hint("each capacity provider needs a group of its own");
    finding.related.push(earlier.origin.place.clone());
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::checks::tests::assert_one;
    use crate::model::desired::{Origin, Policy};
    use crate::model::names::Key;
    use serde_json::{Value, json};

    fn object(kind: Kind, name: &str, cluster: Option<&str>, spec: Value) -> Object {
        let key = Key {
            kind,
            region: "eu-central-1".to_owned(),
            cluster: cluster.map(str::to_owned),
            name: name.to_owned(),
        };
        let origin = Origin { kind, namespace: None, name: name.to_owned(), place: format!("{name}.yaml:1") };
        Object { key, origin, policy: Policy::of(kind), spec: spec.as_object().unwrap().clone() }
    }

    fn lines(objects: &[Object]) -> Vec<String> {
        let objects: Vec<&Object> = objects.iter().collect();
        let mut lines = Vec::new();
        check_fleet(&objects, &mut |object, finding| {
            lines.push(format!(
                "{} {} {}: {}",
                object.origin,
                finding.related.join(" "),
                finding.path,
                finding.message
            ));
        });
        lines
    }

    #[test]
    fn a_service_uses_only_what_its_cluster_lists() {
        let cluster = |spec: Value| object(Kind::EcsCluster, "shop", None, spec);
        let service = |spec: Value| object(Kind::EcsService, "web", Some("shop"), json!({"service": spec}));
        let uses = |name: &str| {
            service(json!({"capacityProviderStrategy": [{"capacityProvider": name, "weight": 1}]}))
        };
        let connect = |namespace: Value| {
            service(json!({"serviceConnectConfiguration": {"enabled": true, "namespace": namespace}}))
        };
        let lists = || cluster(json!({"capacityProviders": ["FARGATE"]}));
        let managed =
            object(Kind::EcsCapacityProvider, "mi", Some("shop"), json!({"managedInstancesProvider": {}}));
        for (what, objects, words) in [
            ("listed", vec![lists(), uses("FARGATE")], ""),
            ("not said", vec![cluster(json!({})), uses("FARGATE")], ""),
            ("external cluster", vec![uses("FARGATE")], ""),
            ("managed", vec![lists(), managed, uses("mi")], ""),
            (
                "not listed",
                vec![lists(), uses("shop-ec2")],
                "EcsService/web shop.yaml:1 service.capacityProviderStrategy[0].capacityProvider: the cluster `shop` does not list",
            ),
            ("namespace", vec![lists(), connect(json!("local"))], ""),
            (
                "cluster's namespace",
                vec![
                    cluster(json!({"serviceConnectDefaults": {"namespace": "local"}})),
                    connect(json!(null)),
                ],
                "",
            ),
            ("no namespace", vec![lists(), connect(json!(null))], "declares no default"),
        ] {
            assert_one(what, &lines(&objects), words);
        }
    }

    #[test]
    fn an_arn_of_another_region_than_the_objects_is_an_error() {
        let provider = |region: &str, spec_region: Value| {
            let arn = format!(
                "arn:aws:autoscaling:{region}:123456789012:autoScalingGroup:1:autoScalingGroupName/x"
            );
            let spec =
                json!({"region": spec_region, "autoScalingGroupProvider": {"autoScalingGroupArn": arn}});
            [object(Kind::EcsCapacityProvider, "a", None, spec)]
        };
        assert_one("here", &lines(&provider("eu-central-1", Value::Null)), "");
        assert_one(
            "there",
            &lines(&provider("us-east-1", Value::Null)),
            "the object belongs to `eu-central-1`",
        );
        // What the spec says itself is checked with the spec.
        assert_one("said", &lines(&provider("us-east-1", json!("eu-central-1"))), "");
    }

    #[test]
    fn a_group_belongs_to_one_provider() {
        let provider = |name: &str, group: &str| {
            object(
                Kind::EcsCapacityProvider,
                name,
                None,
                json!({"autoScalingGroupProvider": {"autoScalingGroupArn": group}}),
            )
        };
        let arn =
            "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c:autoScalingGroupName/shop";
        assert_one("two", &lines(&[provider("a", arn), provider("b", "other")]), "");
        assert_one(
            "one",
            &lines(&[provider("a", arn), provider("b", "shop")]),
            "EcsCapacityProvider/b a.yaml:1",
        );
    }
}
