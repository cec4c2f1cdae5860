//! Repositories: create, describe, delete.
//!
//! Answers carry no tags, as AWS's do not. A listing comes backwards, so that nobody learns to
//! count on an order. Tests: in this file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::late::Late;
use super::super::{Call, Document, Refusal, derived, field, page};
use super::image::Image;
use super::lifecycle_preview::Preview;
use super::mutability::Mutability;
use super::{Answer, State, invalid, page_answer, page_size, registry, tags};

/// One repository and everything in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Repository {
    pub name: String,
    pub created_at: f64,
    pub mutability: Mutability,
    pub scan_on_push: bool,
    encryption: Value,
    pub tags: Late<BTreeMap<String, String>>,
    pub lifecycle_policy: Option<String>,
    pub preview: Option<Preview>,
    pub policy: Option<String>,
    pub images: Vec<Image>,
}

impl Repository {
    pub fn arn(&self, call: &Call) -> String {
        call.arn("ecr", &format!("repository/{}", self.name))
    }

    /// An answer about this repository: `registryId`, `repositoryName` and `members`.
    pub fn answer(&self, call: &Call, members: Value) -> Value {
        let mut answer = json!({"registryId": call.account, "repositoryName": self.name});
        if let (Some(answer), Value::Object(members)) = (answer.as_object_mut(), members) {
            answer.extend(members);
        }
        answer
    }

    fn described(&self, call: &Call) -> Value {
        let mut described = self.answer(
            call,
            json!({
                "repositoryArn": self.arn(call),
                "repositoryUri": format!("{}/{}", registry::host(call), self.name),
                "createdAt": self.created_at,
                "imageScanningConfiguration": {"scanOnPush": self.scan_on_push},
                "encryptionConfiguration": self.encryption,
            }),
        );
        if let Some(described) = described.as_object_mut() {
            described.extend(self.mutability.members());
        }
        described
    }
}

pub(super) fn create(state: &mut State, call: &Call, input: &Document) -> Answer {
    let name = field::text(input, "repositoryName").unwrap_or_default();
    if state.repositories.contains_key(name) {
        let message = format!(
            "The repository with name '{name}' already exists in the registry with id '{}'",
            call.account
        );
        return Err(Refusal::client("RepositoryAlreadyExistsException", message));
    }
    let mut labels = BTreeMap::new();
    tags::add(&mut labels, field::list(input, "tags"))?;
    let scanning = field::object(input, "imageScanningConfiguration");
    let repository = Repository {
        name: name.to_owned(),
        created_at: call.now,
        mutability: Mutability::from_input(input)?,
        scan_on_push: scanning.and_then(|scanning| field::flag(scanning, "scanOnPush")).unwrap_or(false),
        encryption: encryption(call, field::object(input, "encryptionConfiguration"))?,
        tags: Late::begin(call.now, labels),
        lifecycle_policy: None,
        preview: None,
        policy: None,
        images: Vec::new(),
    };
    let answer = json!({"repository": repository.described(call)});
    state.repositories.insert(name.to_owned(), repository);
    Ok(answer)
}

pub(super) fn describe(state: &mut State, call: &Call, input: &Document) -> Answer {
    let registry = field::text(input, "registryId").unwrap_or(&call.account);
    let names: BTreeSet<&str> = field::texts(input, "repositoryNames").into_iter().collect();
    let is_missing = |name: &&&str| registry != call.account || !state.repositories.contains_key(**name);
    if let Some(missing) = names.iter().find(is_missing) {
        return Err(not_found(missing, registry));
    }
    // From where the token stands, so that a page of thousands costs what is on it.
    let (token, size) = (field::text(input, "nextToken"), page_size(input, 100));
    let page = page::after(token, size, |last| {
        let before = (Bound::Unbounded, last.map_or(Bound::Unbounded, Bound::Excluded));
        let found: Box<dyn Iterator<Item = &Repository>> = if names.is_empty() {
            Box::new(state.repositories.range::<str, _>(before).rev().map(|(_, found)| found))
        } else {
            let named = names.range::<str, _>(before).rev();
            Box::new(named.filter_map(|name| state.repositories.get(*name)))
        };
        let found = found.filter(|_| registry == call.account);
        found
            .map(|repository| (repository.name.clone(), repository.described(call)))
            .take(size + 1)
            .collect::<Vec<_>>()
    });
    Ok(page_answer(page, "repositories")?.into())
}

pub(super) fn delete(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    if !repository.images.is_empty() && !field::flag(input, "force").unwrap_or(false) {
        let message = format!(
            "The repository with name '{}' in registry with id '{}' cannot be deleted because it still contains images",
            repository.name, call.account
        );
        return Err(Refusal::client("RepositoryNotEmptyException", message));
    }
    let (name, answer) = (repository.name.clone(), json!({"repository": repository.described(call)}));
    state.repositories.remove(&name);
    Ok(answer)
}

pub(super) fn not_found(name: &str, registry: &str) -> Refusal {
    let message =
        format!("The repository with name '{name}' does not exist in the registry with id '{registry}'");
    Refusal::client("RepositoryNotFoundException", message)
}

/// Default AES256. A KMS key comes back as an ARN; without one it is the account's own for ECR.
fn encryption(call: &Call, wanted: Option<&Document>) -> Result<Value, Refusal> {
    let kind = wanted.and_then(|wanted| field::text(wanted, "encryptionType")).unwrap_or("AES256");
    let key = wanted.and_then(|wanted| field::text(wanted, "kmsKey"));
    if kind == "AES256" {
        return match key {
            None => Ok(json!({"encryptionType": kind})),
            Some(_) => {
                Err(invalid("encryptionConfiguration", "kmsKey cannot be specified with AES256 encryption"))
            }
        };
    }
    let arn = |resource: &str| call.arn("kms", resource);
    let key = match key {
        Some(key) if key.starts_with("arn:") => key.to_owned(),
        Some(alias) if alias.starts_with("alias/") => arn(alias),
        Some(id) => arn(&format!("key/{id}")),
        None => arn(&format!("key/{}", derived::uuid(&["alias/aws/ecr", &call.account, &call.region]))),
    };
    Ok(json!({"encryptionType": kind, "kmsKey": key}))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;

    #[test]
    fn a_new_repository_has_the_defaults() {
        let answer =
            ask(&mut State::default(), "CreateRepository", json!({"repositoryName": "shop/web"})).unwrap();
        assert_eq!(
            answer["repository"],
            json!({
                "registryId": "123456789012",
                "repositoryName": "shop/web",
                "repositoryArn": "arn:aws:ecr:eu-central-1:123456789012:repository/shop/web",
                "repositoryUri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web",
                "createdAt": 1_700_000_000.25,
                "imageScanningConfiguration": {"scanOnPush": false},
                "encryptionConfiguration": {"encryptionType": "AES256"},
                "imageTagMutability": "MUTABLE",
            })
        );
    }

    #[test]
    fn a_name_that_is_taken_is_refused_in_ecrs_words() {
        let (code, message) =
            refused(ask(&mut registry(), "CreateRepository", json!({"repositoryName": "shop/web"})));
        assert_eq!(code, "RepositoryAlreadyExistsException");
        assert_eq!(
            message,
            "The repository with name 'shop/web' already exists in the registry with id '123456789012'"
        );
    }

    #[test]
    fn describing_names_fails_as_a_whole_when_one_is_missing() {
        let input = json!({"repositoryNames": ["shop/web", "shop/none"]});
        let (code, message) = refused(ask(&mut registry(), "DescribeRepositories", input));
        assert_eq!(code, "RepositoryNotFoundException");
        assert_eq!(
            message,
            "The repository with name 'shop/none' does not exist in the registry with id '123456789012'"
        );
    }

    #[test]
    fn a_listing_comes_in_pages_each_repository_once() {
        let mut state = State::default();
        for n in 0..25 {
            ask(&mut state, "CreateRepository", json!({"repositoryName": format!("r{n:02}")})).unwrap();
        }
        let (mut names, mut token) = (Vec::new(), Value::Null);
        loop {
            let page = ask(&mut state, "DescribeRepositories", json!({"maxResults": 10, "nextToken": token}))
                .unwrap();
            let items = page["repositories"].as_array().unwrap();
            assert!(items.len() <= 10);
            names.extend(items.iter().map(|item| item["repositoryName"].as_str().unwrap().to_owned()));
            let Some(next) = page.get("nextToken") else { break };
            token = next.clone();
        }
        names.sort();
        assert_eq!(names, (0..25).map(|n| format!("r{n:02}")).collect::<Vec<_>>());
        let (code, _) = refused(ask(&mut state, "DescribeRepositories", json!({"nextToken": "x"})));
        assert_eq!(code, "InvalidParameterException");
    }

    #[test]
    fn a_repository_with_images_is_deleted_only_with_force() {
        let mut state = registry();
        let image = json!({"repositoryName": "shop/web", "imageTag": "v1", "imageManifest": "{}"});
        ask(&mut state, "PutImage", image).unwrap();
        let (code, message) =
            refused(ask(&mut state, "DeleteRepository", json!({"repositoryName": "shop/web"})));
        assert_eq!(code, "RepositoryNotEmptyException");
        assert!(message.ends_with("cannot be deleted because it still contains images"));
        let input = json!({"repositoryName": "shop/web", "force": true});
        let answer = ask(&mut state, "DeleteRepository", input.clone()).unwrap();
        assert_eq!(answer["repository"]["repositoryName"], "shop/web");
        assert_eq!(refused(ask(&mut state, "DeleteRepository", input)).0, "RepositoryNotFoundException");
    }

    #[test]
    fn a_kms_key_comes_back_as_an_arn() {
        let key = |wanted: Value| {
            let input = json!({"repositoryName": "ab", "encryptionConfiguration": wanted});
            let answer = ask(&mut State::default(), "CreateRepository", input).unwrap();
            answer["repository"]["encryptionConfiguration"]["kmsKey"].as_str().unwrap().to_owned()
        };
        let arn = "arn:aws:kms:eu-central-1:123456789012:";
        assert_eq!(key(json!({"encryptionType": "KMS", "kmsKey": "alias/own"})), format!("{arn}alias/own"));
        assert_eq!(key(json!({"encryptionType": "KMS", "kmsKey": "1-2"})), format!("{arn}key/1-2"));
        assert!(key(json!({"encryptionType": "KMS_DSSE"})).starts_with(&format!("{arn}key/")));
        let aes = json!({"repositoryName": "ab", "encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": "k"}});
        assert_eq!(
            refused(ask(&mut State::default(), "CreateRepository", aes)).0,
            "InvalidParameterException"
        );
    }
}
