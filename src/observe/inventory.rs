//! Everything of one cluster, for an import: the cluster, its capacity providers and services, and the
//! repositories of this account and Region that their task definitions name.
//!
//! It is [`observe`] with a list of what is there in place of what is wanted. Tests: `tests/import.rs`.

use super::read::{Reader, text};
use super::{Depth, Look, ReadCache, observe};
use crate::aws::{Aws, CallError, Operation};
use crate::model::desired::{Desired, Document, Object, Origin, Policy};
use crate::model::names::{Key, Kind, last_segment, registered};
use crate::model::observed::{Observed, Sighting};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Reads the cluster, named or by ARN, and all that belongs to it. What could not be read stands in the answer as
/// Unreadable; only without the list of services nothing can be said at all.
pub async fn inventory(
    aws: &Aws,
    cache: &ReadCache,
    region: &str,
    cluster: &str,
) -> Result<Observed, CallError> {
    let cluster = last_segment(cluster);
    let services =
        aws.collect(region, Operation::ListServices, json!({"cluster": cluster}), "serviceArns").await?;
    let services = services.iter().filter_map(Value::as_str).map(last_segment);
    let key = |kind: Kind, cluster: Option<&str>, name: &str| Key {
        kind,
        region: region.to_owned(),
        cluster: cluster.map(str::to_owned),
        name: name.to_owned(),
    };
    let services = services.map(|name| placeholder(key(Kind::EcsService, Some(cluster), name)));
    let objects = services.chain([placeholder(key(Kind::EcsCluster, None, cluster))]);
    let look = Look { depth: Depth::Pass, owner: "" };
    let mut observed = observe(aws, cache, &desired(objects), look).await?;

    // Nobody declares the providers, so they were seen beside the cluster; its own are no others' to see.
    let own = own_providers(aws, region, cluster).await?;
    let beside = std::mem::take(&mut observed.external).into_iter();
    let shared = beside.filter(|(key, _)| key.kind == Kind::EcsCapacityProvider && !own.contains(&key.name));
    observed.resources.extend(shared);
    let own = own.iter().map(|name| key(Kind::EcsCapacityProvider, Some(cluster), name));
    let repositories = repositories(&observed, region).into_iter();
    let repositories = repositories.map(|name| key(Kind::EcrRepository, None, &name));
    let more = observe(aws, cache, &desired(own.chain(repositories).map(placeholder)), look).await?;
    observed.resources.extend(more.resources);
    Ok(observed)
}

/// The providers of Managed Instances, which belong to one cluster.
async fn own_providers(aws: &Aws, region: &str, cluster: &str) -> Result<BTreeSet<String>, CallError> {
    let reader = Reader { aws, region };
    let input = json!({"cluster": cluster});
    let all = reader.all(Operation::DescribeCapacityProviders, input, "capacityProviders").await?;
    let own = all.iter().filter(|provider| {
        let of = text(provider, "cluster");
        provider.contains_key("managedInstancesProvider") && (of.is_empty() || last_segment(of) == cluster)
    });
    Ok(own.map(|provider| text(provider, "name").to_owned()).collect())
}

/// The repositories of this account and Region that the images of the running task definitions name.
fn repositories(observed: &Observed, region: &str) -> BTreeSet<String> {
    let revisions = observed.revisions.values().filter_map(Sighting::present);
    let containers =
        revisions.filter_map(|revision| revision.body.get("containerDefinitions")?.as_array()).flatten();
    let images = containers.filter_map(|container| container["image"].as_str());
    images.filter_map(|image| repository(image, &observed.account, region)).map(str::to_owned).collect()
}

/// The repository that an image names, if it is one of this account and Region.
fn repository<'a>(image: &'a str, account: &str, region: &str) -> Option<&'a str> {
    let found = registered(image).filter(|found| found.account == account && found.region == region)?;
    Some(found.repository)
}

fn desired(objects: impl Iterator<Item = Object>) -> Desired {
    Desired { objects: objects.map(|object| (object.key.clone(), object)).collect(), ..Desired::default() }
}

/// An object that wants nothing but to be read whole: a service with its scaling and what only its revision holds.
fn placeholder(key: Key) -> Object {
    let origin =
        Origin { kind: key.kind, namespace: None, name: key.name.clone(), place: "what runs".to_owned() };
    let spec = match key.kind {
        Kind::EcsService => {
            let service = json!({"cluster": key.cluster, "serviceName": key.name, "monitoring": {}});
            [("service", service), ("autoscaling", json!({"minCapacity": 0}))]
                .into_iter()
                .map(|(part, value)| (part.to_owned(), value))
                .collect()
        }
        _ => Document::new(),
    };
    Object { origin, policy: Policy::of(key.kind), spec, key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_a_repository_of_this_account_and_region_or_none() {
        let of = |image| repository(image, "123456789012", "eu-central-1");
        assert_eq!(of("123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1"), Some("shop/web"));
        assert_eq!(of("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web@sha256:ab"), Some("web"));
        assert_eq!(of("123456789012.dkr-ecr.eu-central-1.on.aws/web"), Some("web"));
        for other in [
            "999999999999.dkr.ecr.eu-central-1.amazonaws.com/web:1",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1",
            "public.ecr.aws/nginx/nginx:1.27",
            "nginx",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
