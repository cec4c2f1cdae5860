//! Amazon ECR's private registries: repositories, their policies, their images.
//!
//! `answer` is the table of operations; one file per resource has their behaviour and its tests.
//! The words of the refusals are AWS's where they are known. Layers are not kept: whoever puts an
//! image is believed that its layers are there.

mod image;
mod lifecycle_policy;
mod lifecycle_preview;
mod mutability;
mod registry;
mod repository;
mod repository_policy;
mod tags;
mod wildcard;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::Page;
use super::{Call, Document, Refusal, Region, field};
use repository::Repository;
pub use tags::tagged;

/// The registry of one account in one Region.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    repositories: BTreeMap<String, Repository>,
}

type Answer = Result<Value, Refusal>;

/// Answers one operation.
pub fn answer(region: &mut Region, call: &Call, operation: &str, input: &Document) -> Answer {
    respond(&mut region.ecr, call, operation, input)
}

fn respond(state: &mut State, call: &Call, operation: &str, input: &Document) -> Answer {
    match operation {
        "CreateRepository" => repository::create(state, call, input),
        "DescribeRepositories" => repository::describe(state, call, input),
        "DeleteRepository" => repository::delete(state, call, input),
        "PutImageTagMutability" => mutability::put(state, call, input),
        "PutImageScanningConfiguration" => registry::put_scanning(state, call, input),
        "BatchGetRepositoryScanningConfiguration" => Ok(registry::scanning(state, call, input)),
        "GetRegistryScanningConfiguration" => Ok(registry::registry_scanning(call)),
        "DescribeRegistry" => Ok(registry::describe(call)),
        "GetAuthorizationToken" => Ok(registry::authorization_token(call)),
        "PutLifecyclePolicy" => lifecycle_policy::put(state, call, input),
        "GetLifecyclePolicy" => lifecycle_policy::read(state, call, input),
        "DeleteLifecyclePolicy" => lifecycle_policy::delete(state, call, input),
        "StartLifecyclePolicyPreview" => lifecycle_preview::start(state, call, input),
        "GetLifecyclePolicyPreview" => lifecycle_preview::read(state, call, input),
        "SetRepositoryPolicy" => repository_policy::set(state, call, input),
        "GetRepositoryPolicy" => repository_policy::read(state, call, input),
        "DeleteRepositoryPolicy" => repository_policy::delete(state, call, input),
        "TagResource" => tags::tag(state, call, input),
        "UntagResource" => tags::untag(state, call, input),
        "ListTagsForResource" => tags::list(state, call, input),
        "PutImage" => image::put(state, call, input),
        "BatchGetImage" => image::batch_read(state, call, input),
        "BatchDeleteImage" => image::batch_delete(state, call, input),
        "ListImages" => image::list(state, call, input),
        "DescribeImages" => image::describe(state, call, input),
        "BatchCheckLayerAvailability" => image::check_layers(state, call, input),
        _ => Err(Refusal::client(
            "UnknownOperationException",
            format!("the sandbox's ECR has no `{operation}`"),
        )),
    }
}

/// Whether the registry has the image: `repository` by name, and its tag or digest.
pub fn image_exists(state: &State, repository: &str, tag_or_digest: &str) -> bool {
    state.repositories.get(repository).is_some_and(|repository| {
        repository
            .images
            .iter()
            .any(|image| image.digest == tag_or_digest || image.tags.contains(tag_or_digest))
    })
}

impl State {
    /// The repository that the input names.
    fn named(&mut self, call: &Call, input: &Document) -> Result<&mut Repository, Refusal> {
        let name = field::text(input, "repositoryName").unwrap_or_default();
        let registry = field::text(input, "registryId").unwrap_or(&call.account);
        let found = self.repositories.get_mut(name).filter(|_| registry == call.account);
        found.ok_or_else(|| repository::not_found(name, registry))
    }
}

/// "Invalid parameter at …", as ECR words it.
fn invalid(member: &str, constraint: &str) -> Refusal {
    let message = format!("Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'");
    Refusal::client("InvalidParameterException", message)
}

/// The page of a listing that the input asks for, as the members of its answer.
fn paged<T: Into<Value>>(
    items: impl IntoIterator<Item = (String, T)>,
    input: &Document,
    member: &str,
    default_size: usize,
) -> Result<Document, Refusal> {
    let (token, size) = (field::text(input, "nextToken"), page_size(input, default_size));
    page_answer(super::page::page(items, token, size), member)
}

fn page_size(input: &Document, default: usize) -> usize {
    field::integer(input, "maxResults").and_then(|size| usize::try_from(size).ok()).unwrap_or(default)
}

fn page_answer<T: Into<Value>>(page: Option<Page<T>>, member: &str) -> Result<Document, Refusal> {
    let page = page.ok_or_else(|| invalid("nextToken", "Invalid token"))?;
    let mut answer = Document::new();
    answer.insert(member.into(), Value::Array(page.items.into_iter().map(Into::into).collect()));
    if let Some(next) = page.next {
        answer.insert("nextToken".into(), next.into());
    }
    Ok(answer)
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // literals read better
mod fixture {
    //! What the tests of this folder share: a registry and a way to call it.
    use super::*;

    pub fn call() -> Call {
        Call::new("123456789012", "eu-central-1", 1_700_000_000.25)
    }

    pub fn ask(state: &mut State, operation: &str, input: Value) -> Answer {
        ask_at(state, 1_700_000_000.25, operation, input)
    }

    pub fn ask_at(state: &mut State, now: f64, operation: &str, input: Value) -> Answer {
        respond(state, &call().at(now), operation, input.as_object().unwrap())
    }

    /// A registry with the repository `shop/web`.
    pub fn registry() -> State {
        let mut state = State::default();
        ask(&mut state, "CreateRepository", serde_json::json!({"repositoryName": "shop/web"})).unwrap();
        state
    }

    pub fn refused(answer: Answer) -> (String, String) {
        let refusal = answer.unwrap_err();
        assert_eq!(refusal.status, 400);
        (refusal.code, refusal.message)
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::*;
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_operation_gets_an_honest_error() {
        let (code, message) = refused(ask(&mut registry(), "StartImageScan", json!({})));
        assert_eq!(code, "UnknownOperationException");
        assert!(message.contains("`StartImageScan`"));
    }

    #[test]
    fn another_accounts_registry_has_no_repositories_here() {
        let input = json!({"repositoryName": "shop/web", "registryId": "210987654321"});
        let (code, message) = refused(ask(&mut registry(), "GetRepositoryPolicy", input));
        assert_eq!(code, "RepositoryNotFoundException");
        assert!(message.ends_with("registry with id '210987654321'"), "{message}");
    }

    #[test]
    fn the_state_survives_being_written_and_read() {
        let mut state = registry();
        let manifest = json!({"repositoryName": "shop/web", "imageTag": "v1", "imageManifest": "{}"});
        ask(&mut state, "PutImage", manifest).unwrap();
        let text = serde_json::to_string(&state).unwrap();
        let again: State = serde_json::from_str(&text).unwrap();
        assert!(image_exists(&again, "shop/web", "v1"));
    }
}
