//! What a source as a whole declares and names: whatever is not in here may be taken for removed.
//!
//! It errs on the side of keeping: what an object names in any way stays, and an error anywhere means that more may
//! be declared than is known. Tests: at the end.

use crate::manifest::problem::Problem;
use crate::model::desired::{Declared, Document, Object};
use crate::model::names::{Key, Kind, last_segment, registered};
use serde_json::Value;
use std::collections::BTreeSet;

/// Of all objects of a source, those that cannot be used included.
pub fn declared<'a>(objects: impl Iterator<Item = &'a Object>, problems: &[Problem]) -> Declared {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let mut declared = Declared { errors, ..Declared::default() };
    for object in objects {
        declared.keys.insert(object.key.clone());
        declared.named.extend(named(object));
    }
    declared
}

/// The resources that an object names: its cluster, its capacity providers, the repositories of its images.
fn named(object: &Object) -> BTreeSet<Key> {
    let key = &object.key;
    let mut named: BTreeSet<Key> = key.cluster.iter().map(|cluster| key.of_cluster(cluster)).collect();
    let cluster = match key.kind {
        Kind::EcsCluster => Some(&key.name),
        _ => key.cluster.as_ref(),
    };
    let service = object.part("service").unwrap_or(&object.spec);
    for name in providers(service) {
        let provider = key.of_provider(name);
        // Whether it belongs to the cluster only its own manifest would say.
        named.extend(cluster.map(|cluster| Key { cluster: Some(cluster.clone()), ..provider.clone() }));
        named.insert(provider);
    }
    let containers =
        object.part("taskDefinition").and_then(|definition| definition.get("containerDefinitions"));
    let images = containers.and_then(Value::as_array).into_iter().flatten();
    let images = images.filter_map(|container| registered(container["image"].as_str()?));
    named.extend(images.map(|image| Key {
        kind: Kind::EcrRepository,
        region: image.region.to_owned(),
        cluster: None,
        name: image.repository.to_owned(),
    }));
    named
}

/// The capacity providers that a service or a cluster names.
fn providers(body: &Document) -> impl Iterator<Item = &str> {
    let list = |member: &str| body.get(member).and_then(Value::as_array).into_iter().flatten();
    let strategies = list("capacityProviderStrategy").chain(list("defaultCapacityProviderStrategy"));
    let of_strategies = strategies.filter_map(|item| item["capacityProvider"].as_str());
    list("capacityProviders").filter_map(Value::as_str).chain(of_strategies).map(last_segment)
}

#[cfg(test)]
mod tests {
    use crate::resolve::testing::{CLUSTER, resolved, service};

    #[test]
    fn what_objects_name_stays_and_what_cannot_be_used_is_declared() {
        let image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1";
        let good = service("web", "cluster: shop, capacityProviderStrategy: [{capacityProvider: own, weight: 1}]")
            .replace(
                "spec: {",
                &format!("spec: {{taskDefinition: {{containerDefinitions: [{{name: a, image: '{image}', memory: 64}}]}}, "),
            );
        let cluster = CLUSTER.replace("[FARGATE]", "[FARGATE, own]");
        let (found, said) = resolved(&[&cluster, &good]);
        let source = found.desired.source.unwrap();
        let of =
            |keys: &std::collections::BTreeSet<_>| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of(&source.keys), ["EcsCluster/shop", "EcsService/shop/web"], "{said:?}");
        let named = of(&source.named);
        for name in [
            "EcsCluster/shop",
            "EcsCapacityProvider/own",
            "EcsCapacityProvider/shop/own",
            "EcrRepository/shop/web",
        ] {
            assert!(named.contains(&name.to_owned()), "{name}: {named:?}");
        }
        assert_eq!(source.errors, 0, "{said:?}");

        let (found, _) = resolved(&[CLUSTER, &service("web", "desiredcount: 2, taskDefinition: web")]);
        let source = found.desired.source.unwrap();
        assert_eq!((source.errors, source.keys.len(), found.desired.objects.len()), (1, 2, 1));
    }
}
