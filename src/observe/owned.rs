//! What an owner has in AWS and nobody declares, for pruning: found through the tagging API, then described one by one.
//!
//! The tagging API is a little late, lists what is deleted, and may miss something: it only names candidates. Whether one
//! is there, and whose it is, its own API says. Of what may be deleted everything is read that people should know
//! before; of what is retained no more than that. It changes nothing. Tests: `tests/scenarios/prune.rs`.

use super::read::{AT_ONCE, Reader, list, text};
use super::{ReadCache, Seen, capacity_provider, cluster, scaling, service};
use crate::aws::{Aws, CallError, ErrorKind, Operation};
use crate::model::described::tag_map;
use crate::model::desired::{Declared, DeletionPolicy, Desired, Document, Object, Origin, Policy};
use crate::model::names::{Key, Kind, last_segment, tag};
use crate::model::observed::{Observed, Owned, Resource, Sighting};
use crate::model::state::State;
use futures::future::join_all;
use futures::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The kinds as the tagging API names them.
const TYPES: [(&str, Kind); 4] = [
    ("ecs:capacity-provider", Kind::EcsCapacityProvider),
    ("ecs:cluster", Kind::EcsCluster),
    ("ecr:repository", Kind::EcrRepository),
    ("ecs:service", Kind::EcsService),
];

/// Adds what `owner` has in `regions` to what was seen.
pub async fn add_owned(
    aws: &Aws,
    cache: &ReadCache,
    desired: &Desired,
    owner: &str,
    regions: &BTreeSet<String>,
    observed: &mut Observed,
) -> Result<(), CallError> {
    let (Some(declared), Some(first)) = (&desired.source, regions.first()) else { return Ok(()) };
    if observed.account.is_empty() {
        aws.account_id(first).await?.clone_into(&mut observed.account);
    }
    let seen = regions.iter().map(async |region| {
        let (owned, clusters) = read_region(&Reader { aws, region }, cache, declared, owner).await;
        (region.clone(), owned, clusters)
    });
    for (region, owned, clusters) in join_all(seen).await {
        observed.owned.insert(region, owned);
        for (key, cluster) in clusters {
            if !observed.resources.contains_key(&key) {
                observed.external.insert(key, cluster);
            }
        }
    }
    Ok(())
}

/// What is owned, and the clusters to which a provider that may be deleted can be attached.
async fn read_region(
    reader: &Reader<'_>,
    cache: &ReadCache,
    declared: &Declared,
    owner: &str,
) -> (Sighting<Owned>, Seen) {
    let input = json!({
        "tagFilters": [{"key": tag::OWNER, "values": [owner]}],
        "resourceTypeFilters": TYPES.map(|(name, _)| name),
    });
    let listed = match reader.all(Operation::GetResources, input, "resourceTagMappingList").await {
        Ok(listed) => listed,
        Err(error) => {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            return (Sighting::Unreadable(format!("{error}{hint}")), Seen::new());
        }
    };
    let arns = listed.iter().map(|one| text(one, "resourceARN"));
    let listed: BTreeMap<Key, String> =
        arns.filter_map(|arn| Some((named(arn, reader.region)?, arn.to_owned()))).collect();
    let others: Vec<Object> = listed.keys().filter(|key| !declared.has(key)).map(candidate).collect();
    let there = listed.len() - others.len();
    let of_kind = |kind: Kind| others.iter().filter(move |object| object.key.kind == kind).collect();
    let (clusters, mut providers, services, repositories) = futures::join!(
        read_clusters(reader, of_kind(Kind::EcsCluster)),
        read_providers(reader, of_kind(Kind::EcsCapacityProvider)),
        read_services(reader, cache, owner, of_kind(Kind::EcsService)),
        read_repositories(reader, owner, &listed, of_kind(Kind::EcrRepository)),
    );
    let mut going =
        providers.values_mut().filter(|seen| may_go(seen, owner, Kind::EcsCapacityProvider)).peekable();
    let all_clusters = match going.peek() {
        None => Seen::new(),
        Some(_) => all_clusters(reader).await.unwrap_or_else(|error| {
            going.for_each(|seen| *seen = Sighting::Unreadable(error.to_string()));
            Seen::new()
        }),
    };
    let others = [clusters, providers, services, repositories].into_iter().flatten().collect();
    (Sighting::Present(Owned { declared: there, others }), all_clusters)
}

/// The resource of an ARN, if it is of one of the kinds: `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`.
fn named(arn: &str, region: &str) -> Option<Key> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let (service, path) = (parts.get(2)?, parts.get(5)?);
    let (resource, name) = path.split_once('/')?;
    let kind = TYPES.iter().find(|(name, _)| name.split_once(':') == Some((service, resource)))?.1;
    let (cluster, name) = match kind {
        // Without its cluster, as in the ARNs of long ago, it could not have been tagged.
        Kind::EcsService => name.split_once('/').map(|(cluster, name)| (Some(cluster.to_owned()), name))?,
        Kind::EcrRepository => (None, name),
        Kind::EcsCapacityProvider | Kind::EcsCluster => (None, last_segment(arn)),
    };
    Some(Key { kind, region: region.to_owned(), cluster, name: name.to_owned() })
}

/// An object that wants nothing but to be read.
fn candidate(key: &Key) -> Object {
    let origin = Origin { kind: key.kind, namespace: None, name: key.name.clone(), place: String::new() };
    // What scales it is read only where something is declared.
    let scaled =
        (key.kind == Kind::EcsService).then(|| ("autoscaling".to_owned(), json!({"minCapacity": 0})));
    Object { origin, policy: Policy::of(key.kind), spec: scaled.into_iter().collect(), key: key.clone() }
}

/// Whether it is the owner's, and no policy keeps it.
fn may_go(seen: &Sighting<Resource>, owner: &str, kind: Kind) -> bool {
    seen.present().is_some_and(|live| {
        live.tags.get(tag::OWNER).is_some_and(|of| of == owner)
            && !live.is_inactive()
            && State::of(&live.tags).deletion(kind) == DeletionPolicy::Delete
    })
}

async fn read_clusters(reader: &Reader<'_>, clusters: Vec<&Object>) -> Seen {
    let wanted = clusters.iter().map(|cluster| cluster.key.clone()).collect();
    cluster::read(reader, &wanted).await
}

/// An ARN does not tell which cluster a provider of Managed Instances belongs to; its description does.
async fn read_providers(reader: &Reader<'_>, providers: Vec<&Object>) -> Seen {
    let seen = capacity_provider::read(reader, &providers, &Seen::new()).await;
    let whole = seen.into_iter().map(|(mut key, seen)| {
        let cluster = seen.present().map(|live| last_segment(text(&live.body, "cluster")));
        key.cluster = cluster.filter(|cluster| !cluster.is_empty()).map(str::to_owned);
        (key, seen)
    });
    whole.collect()
}

async fn read_services(reader: &Reader<'_>, cache: &ReadCache, owner: &str, services: Vec<&Object>) -> Seen {
    let live = service::read(reader, &services, &Seen::new()).await;
    let goes =
        |service: &&&Object| live.get(&service.key).is_some_and(|seen| may_go(seen, owner, Kind::EcsService));
    let going: Vec<&Object> = services.iter().filter(goes).copied().collect();
    let scaling = scaling::read(reader, cache, &going, &Seen::new()).await;
    scaling::joined(live, scaling)
}

async fn read_repositories(
    reader: &Reader<'_>,
    owner: &str,
    listed: &BTreeMap<Key, String>,
    repositories: Vec<&Object>,
) -> Seen {
    let arns = repositories.into_iter().filter_map(|object| listed.get_key_value(&object.key));
    let reads = iter(arns).map(async |(key, arn)| {
        let mut seen = read_repository(reader, key, arn).await;
        let goes = may_go(&seen, owner, key.kind);
        if let Sighting::Present(repository) = &mut seen
            && goes
        {
            repository.parts.images = Some(images(reader, &key.name).await);
        }
        (key.clone(), seen)
    });
    reads.buffer_unordered(AT_ONCE).collect().await
}

/// Its tags, which are an answer only where it is.
async fn read_repository(reader: &Reader<'_>, key: &Key, arn: &str) -> Sighting<Resource> {
    match reader.one(Operation::EcrListTagsForResource, json!({"resourceArn": arn})).await {
        Ok(answer) => Sighting::Present(Resource {
            arn: arn.to_owned(),
            body: Document::from_iter([("repositoryName".to_owned(), json!(key.name))]),
            tags: tag_map(answer.get("tags")),
            ..Resource::default()
        }),
        Err(CallError { kind: ErrorKind::NotFound, .. }) => Sighting::Absent,
        Err(error) => Sighting::Unreadable(error.to_string()),
    }
}

/// How many images a repository holds, up to a page: an image with two tags is listed twice.
async fn images(reader: &Reader<'_>, name: &str) -> Sighting<usize> {
    match reader.one(Operation::ListImages, json!({"repositoryName": name, "maxResults": 1000})).await {
        Ok(answer) => {
            let images = list(&answer, "imageIds");
            let digests: BTreeSet<&str> = images.iter().map(|image| text(image, "imageDigest")).collect();
            Sighting::Present(digests.len())
        }
        Err(error) => Sighting::Unreadable(error.to_string()),
    }
}

/// Every cluster of the Region: whether a provider is attached somewhere only the clusters tell.
async fn all_clusters(reader: &Reader<'_>) -> Result<Seen, CallError> {
    let arns = reader.aws.collect(reader.region, Operation::ListClusters, json!({}), "clusterArns").await?;
    let names = arns.iter().filter_map(Value::as_str).map(last_segment);
    let keys = names.map(|name| Key {
        kind: Kind::EcsCluster,
        region: reader.region.to_owned(),
        cluster: None,
        name: name.to_owned(),
    });
    Ok(cluster::read(reader, &keys.collect()).await)
}
