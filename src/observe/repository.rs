//! Repositories: listed in pages of 1,000 and filtered, because naming one that is missing fails the whole call;
//! then the tags and policies of each.
//!
//! Of a few, all is read repository by repository. Of many, the tags come through the tagging API, and the policies as
//! the [`ReadCache`] says. The tagging API is a little late, and may be denied: a repository that it does not show as
//! ours is asked for its tags itself, so that nothing is ever taken for another's, or for ours no more, by a late
//! answer.

use super::cache::{Policies, hash};
use super::read::{AT_ONCE, Reader, list, resource, text};
use super::{Depth, Look, ReadCache, Seen};
use crate::aws::{CallError, ErrorKind, Operation};
use crate::model::described::tag_map;
use crate::model::desired::{Document, Object};
use crate::model::names::tag;
use crate::model::observed::{Resource, Sighting, Tags};
use futures::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Up to here a pass asks each repository itself.
const FEW: usize = 10;
/// ARNs a call. The API takes 100, but no page size beside them, and the usual page is 50.
const ARNS: usize = 50;

pub(super) async fn read(
    reader: &Reader<'_>,
    cache: &ReadCache,
    look: Look<'_>,
    repositories: Vec<&Object>,
) -> Seen {
    if repositories.is_empty() {
        return Seen::new();
    }
    let all = match reader.all(Operation::DescribeRepositories, json!({}), "repositories").await {
        Ok(all) => all,
        Err(error) => {
            let cause = error.to_string();
            let unread = |object: &Object| (object.key.clone(), Sighting::Unreadable(cause.clone()));
            return repositories.into_iter().map(unread).collect();
        }
    };
    let mut all: HashMap<String, Document> =
        all.into_iter().map(|body| (text(&body, "repositoryName").to_owned(), body)).collect();
    let is_exact = look.depth == Depth::Pass && repositories.len() <= FEW;
    let mut found =
        |object: &Object| all.remove(&object.key.name).map(|body| resource(body, "repositoryArn"));
    let there: Vec<_> = repositories.into_iter().map(|object| (object, found(object))).collect();
    let arns = there.iter().filter(|(object, _)| !cache.is_just_written(&object.key));
    let arns = arns.filter_map(|(_, repository)| Some(repository.as_ref()?.arn.as_str())).collect();
    let tags = if is_exact { HashMap::new() } else { tags(reader, cache, look.owner, arns).await };
    let tags = &tags;
    let reads = iter(there).map(|(object, repository)| async move {
        let Some(repository) = repository else { return (object.key.clone(), Sighting::Absent) };
        let is_known = |tags: &&Tags| {
            tags.get(tag::OWNER).is_some_and(|owner| owner == look.owner)
                && !cache.is_just_written(&object.key)
        };
        let tags = tags.get(&repository.arn).filter(is_known);
        let known = cache.policies(&object.key, manifest(object), look.depth).filter(|_| !is_exact);
        let (tags, policies) =
            futures::join!(own_tags(reader, &repository, tags), policies(reader, cache, object, known));
        (object.key.clone(), with_parts(repository, tags, policies))
    });
    reads.buffer_unordered(AT_ONCE).collect().await
}

/// The tags of many by ARN: from all that is ours or for these ARNs, whichever needs fewer calls. What could not be
/// asked is missing, as what has no tags.
async fn tags(reader: &Reader<'_>, cache: &ReadCache, owner: &str, arns: Vec<&str>) -> HashMap<String, Tags> {
    const LIST: (Operation, &str) = (Operation::GetResources, "resourceTagMappingList");
    let ours = json!({
        "resourceTypeFilters": ["ecr:repository"],
        "tagFilters": [{"key": tag::OWNER, "values": [owner]}],
    });
    let calls = arns.len().div_ceil(ARNS);
    let tagged = if let Some(ours) = reader.if_fewer(calls, cache, LIST.0, ours, LIST.1).await {
        ours.unwrap_or_default()
    } else {
        let reads = iter(arns.chunks(ARNS)).map(|arns| async move {
            let answer = reader.one(LIST.0, json!({"resourceARNList": arns})).await;
            answer.map_or_else(|_| Vec::new(), |answer| list(&answer, LIST.1))
        });
        reads.buffer_unordered(AT_ONCE).concat().await
    };
    tagged.iter().map(|one| (text(one, "resourceARN").to_owned(), tag_map(one.get("tags")))).collect()
}

/// The tags that are known, or those that the repository itself answers.
async fn own_tags(
    reader: &Reader<'_>,
    repository: &Resource,
    known: Option<&Tags>,
) -> Result<Tags, CallError> {
    if let Some(known) = known {
        return Ok(known.clone());
    }
    let input = json!({"resourceArn": repository.arn});
    let answer = reader.one(Operation::EcrListTagsForResource, input).await?;
    Ok(tag_map(answer.get("tags")))
}

async fn policies(
    reader: &Reader<'_>,
    cache: &ReadCache,
    object: &Object,
    known: Option<Policies>,
) -> Policies {
    if let Some(known) = known {
        return known;
    }
    let name = json!({"repositoryName": object.key.name});
    let (lifecycle, repository) = futures::join!(
        reader.one(Operation::GetLifecyclePolicy, name.clone()),
        reader.one(Operation::GetRepositoryPolicy, name),
    );
    let policies = Policies {
        lifecycle: parsed(lifecycle, "lifecyclePolicyText"),
        repository: parsed(repository, "policyText"),
        manifest: manifest(object),
    };
    cache.keep_policies(&object.key, policies.clone());
    policies
}

fn manifest(object: &Object) -> u64 {
    hash(&object.spec)
}

fn with_parts(
    mut repository: Resource,
    tags: Result<Tags, CallError>,
    policies: Policies,
) -> Sighting<Resource> {
    repository.parts.lifecycle_policy = Some(policies.lifecycle);
    repository.parts.repository_policy = Some(policies.repository);
    match tags {
        Ok(tags) => Sighting::Present(Resource { tags, ..repository }),
        // Without its tags nobody can tell whose it is.
        Err(error) => Sighting::Unreadable(error.to_string()),
    }
}

/// A policy's text, parsed. That there is none is an error of AWS's and an absence here.
fn parsed(answer: Result<Document, CallError>, member: &str) -> Sighting<Document> {
    match answer {
        Ok(answer) => match serde_json::from_str(text(&answer, member)) {
            Ok(Value::Object(policy)) => Sighting::Present(policy),
            _ => Sighting::Unreadable(format!("`{member}` is not a JSON object")),
        },
        // Another thing not found, the repository above all, is no answer to the question.
        Err(error) if error.kind == ErrorKind::NotFound && error.code.contains("Policy") => Sighting::Absent,
        Err(error) => Sighting::Unreadable(error.to_string()),
    }
}
