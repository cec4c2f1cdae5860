//! Repositories: listed in pages of 1,000 and filtered, because naming one that is missing fails the whole call;
//! then the policies and tags of each.

use super::Seen;
use super::read::{Reader, resource, text};
use crate::aws::{CallError, ErrorKind, Operation};
use crate::model::described::tag_map;
use crate::model::desired::{Document, Object};
use crate::model::observed::{Resource, Sighting};
use futures::stream::{StreamExt, iter};
use serde_json::{Value, json};

/// Repositories looked at side by side, three calls each.
const AT_ONCE: usize = 6;

pub(super) async fn read(reader: &Reader<'_>, repositories: Vec<&Object>) -> Seen {
    if repositories.is_empty() {
        return Seen::new();
    }
    let all = reader.all(Operation::DescribeRepositories, json!({}), "repositories").await;
    let all = match all {
        Ok(all) => all,
        Err(error) => {
            let cause = error.to_string();
            let unread = |object: &Object| (object.key.clone(), Sighting::Unreadable(cause.clone()));
            return repositories.into_iter().map(unread).collect();
        }
    };
    let reads = iter(repositories).map(|object| {
        let body = all.iter().find(|body| text(body, "repositoryName") == object.key.name).cloned();
        async move {
            let seen = match body {
                None => Sighting::Absent,
                Some(body) => read_parts(reader, resource(body, "repositoryArn")).await,
            };
            (object.key.clone(), seen)
        }
    });
    reads.buffer_unordered(AT_ONCE).collect().await
}

async fn read_parts(reader: &Reader<'_>, mut repository: Resource) -> Sighting<Resource> {
    let name = json!({"repositoryName": text(&repository.body, "repositoryName")});
    let (lifecycle, policy, tagged) = futures::join!(
        reader.one(Operation::GetLifecyclePolicy, name.clone()),
        reader.one(Operation::GetRepositoryPolicy, name),
        reader.one(Operation::EcrListTagsForResource, json!({"resourceArn": repository.arn})),
    );
    repository.parts.lifecycle_policy = Some(parsed(lifecycle, "lifecyclePolicyText"));
    repository.parts.repository_policy = Some(parsed(policy, "policyText"));
    match tagged {
        Ok(answer) => repository.tags = tag_map(answer.get("tags")),
        // Without its tags nobody can tell whose it is.
        Err(error) => return Sighting::Unreadable(error.to_string()),
    }
    Sighting::Present(repository)
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
