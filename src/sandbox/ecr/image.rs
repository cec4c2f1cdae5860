//! Images: put, read, listed, deleted, by tag and by digest.
//!
//! An image is its manifest; its digest is the hash of that. Tests: in this file.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, derived, field};
use super::repository::Repository;
use super::{Answer, State, invalid, paged};

/// What a manifest is that does not say so itself.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Image {
    pub digest: String,
    pub tags: BTreeSet<String>,
    manifest: String,
    media_type: String,
    pub pushed_at: f64,
    pub last_pulled: Option<f64>,
}

impl Image {
    fn from_input(call: &Call, input: &Document) -> Result<Self, Refusal> {
        let manifest = field::text(input, "imageManifest").unwrap_or_default();
        let parsed: Document =
            serde_json::from_str(manifest).map_err(|_| invalid("ImageManifest", "Invalid JSON syntax"))?;
        let digest = derived::digest(manifest);
        if field::text(input, "imageDigest").is_some_and(|wanted| wanted != digest) {
            let message = format!("The digest of the image manifest is '{digest}', another one was given");
            return Err(Refusal::client("ImageDigestDoesNotMatchException", message));
        }
        let media_type =
            field::text(input, "imageManifestMediaType").or_else(|| field::text(&parsed, "mediaType"));
        Ok(Self {
            digest,
            tags: BTreeSet::new(),
            manifest: manifest.to_owned(),
            media_type: media_type.unwrap_or(DOCKER_MANIFEST).to_owned(),
            pushed_at: call.now,
            last_pulled: None,
        })
    }

    /// The sizes that the manifest names, added up.
    fn size(&self) -> i64 {
        let manifest: Value = serde_json::from_str(&self.manifest).unwrap_or_default();
        let layers = manifest["layers"].as_array().into_iter().flatten();
        layers
            .chain([&manifest["config"]])
            .filter_map(|part| part["size"].as_i64())
            .fold(0, i64::saturating_add)
    }

    fn detail(&self, repository: &Repository, call: &Call) -> Value {
        let mut detail = json!({
            "imageDigest": self.digest,
            "imageSizeInBytes": self.size(),
            "imagePushedAt": self.pushed_at,
            "imageManifestMediaType": self.media_type,
            "imageStatus": "ACTIVE",
        });
        if !self.tags.is_empty() {
            detail["imageTags"] = json!(self.tags);
        }
        if let Some(pulled) = self.last_pulled {
            detail["lastRecordedPullTime"] = json!(pulled);
        }
        repository.answer(call, detail)
    }

    /// One id per tag, or that of the untagged image.
    fn ids(&self) -> Vec<Value> {
        match self.tags.len() {
            0 => vec![json!({"imageDigest": self.digest})],
            _ => self.tags.iter().map(|tag| id(&self.digest, Some(tag))).collect(),
        }
    }

    /// Whether the answer's filter lets the image pass. Nothing is ever archived here.
    fn passes(&self, input: &Document) -> bool {
        let filter =
            |member: &str| field::object(input, "filter").and_then(|filter| field::text(filter, member));
        let tagged = match filter("tagStatus") {
            Some("TAGGED") => !self.tags.is_empty(),
            Some("UNTAGGED") => self.tags.is_empty(),
            _ => true,
        };
        tagged && !matches!(filter("imageStatus"), Some("ARCHIVED" | "ACTIVATING"))
    }
}

fn id(digest: &str, tag: Option<&str>) -> Value {
    tag.map_or_else(|| json!({"imageDigest": digest}), |tag| json!({"imageDigest": digest, "imageTag": tag}))
}

/// Why an id of a batch is answered with a failure: code and reason.
type Failure = (&'static str, &'static str);

/// The image that an id (digest, tag or both) means.
fn find(images: &[Image], id: &Value) -> Result<usize, Failure> {
    let member = |name: &str| id.get(name).and_then(Value::as_str);
    let (digest, tag) = (member("imageDigest"), member("imageTag"));
    if digest.is_none() && tag.is_none() {
        return Err((
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        ));
    }
    if digest.is_some_and(|digest| !digest.contains(':')) {
        let reason = "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'";
        return Err(("InvalidImageDigest", reason));
    }
    let is = |image: &Image| digest.is_none_or(|digest| image.digest == digest);
    let has = |image: &Image| tag.is_none_or(|tag| image.tags.contains(tag));
    match images.iter().position(|image| is(image) && has(image)) {
        Some(at) => Ok(at),
        None if tag.is_some()
            && digest.is_some()
            && images.iter().any(|image| tag.is_some() && has(image)) =>
        {
            Err(("ImageTagDoesNotMatchDigest", "Tag does not map to given digest"))
        }
        None => Err(("ImageNotFound", "Requested image not found")),
    }
}

fn failed(id: &Value, (code, reason): Failure) -> Value {
    json!({"imageId": id, "failureCode": code, "failureReason": reason})
}

pub(super) fn put(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let image = Image::from_input(call, input)?;
    let tag = field::text(input, "imageTag");
    let known = repository.images.iter().position(|other| other.digest == image.digest);
    if known.is_some_and(|at| tag.is_none_or(|tag| repository.images[at].tags.contains(tag))) {
        let tag = tag.map(|tag| format!(" and tag '{tag}'")).unwrap_or_default();
        let message = format!(
            "Image with digest '{}'{tag} already exists in the repository with name '{}' in registry with id '{}'",
            image.digest, repository.name, call.account
        );
        return Err(Refusal::client("ImageAlreadyExistsException", message));
    }
    if let Some(tag) = tag {
        let holder = repository.images.iter_mut().find(|other| other.tags.contains(tag));
        if holder.is_some() && !repository.mutability.may_move(tag) {
            let message = format!(
                "The image tag '{tag}' already exists in the '{}' repository and cannot be overwritten because the tag is immutable.",
                repository.name
            );
            return Err(Refusal::client("ImageTagAlreadyExistsException", message));
        }
        if let Some(holder) = holder {
            holder.tags.remove(tag);
        }
    }
    let at = known.unwrap_or(repository.images.len());
    if known.is_none() {
        repository.images.push(image);
    }
    repository.images[at].tags.extend(tag.map(str::to_owned));
    let image = &repository.images[at];
    let members = json!({
        "imageId": id(&image.digest, tag),
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    });
    Ok(json!({"image": repository.answer(call, members)}))
}

pub(super) fn batch_read(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for wanted in field::list(input, "imageIds") {
        match find(&repository.images, wanted) {
            Ok(at) => {
                repository.images[at].last_pulled = Some(call.now);
                let image = &repository.images[at];
                let members = json!({
                    "imageId": id(&image.digest, wanted.get("imageTag").and_then(Value::as_str)),
                    "imageManifest": image.manifest,
                    "imageManifestMediaType": image.media_type,
                });
                images.push(repository.answer(call, members));
            }
            Err(failure) => failures.push(failed(wanted, failure)),
        }
    }
    Ok(json!({"images": images, "failures": failures}))
}

/// By tag only the tag goes, and with its last tag the image; by digest the image goes with all.
pub(super) fn batch_delete(state: &mut State, call: &Call, input: &Document) -> Answer {
    let images = &mut state.named(call, input)?.images;
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for wanted in field::list(input, "imageIds") {
        match (find(images, wanted), wanted.get("imageTag").and_then(Value::as_str)) {
            (Ok(at), Some(tag)) => {
                deleted.push(id(&images[at].digest, Some(tag)));
                images[at].tags.remove(tag);
                if images[at].tags.is_empty() {
                    images.remove(at);
                }
            }
            (Ok(at), None) => deleted.extend(images.remove(at).ids()),
            (Err(failure), _) => failures.push(failed(wanted, failure)),
        }
    }
    Ok(json!({"imageIds": deleted, "failures": failures}))
}

pub(super) fn list(state: &mut State, call: &Call, input: &Document) -> Answer {
    let images = state.named(call, input)?.images.iter().filter(|image| image.passes(input));
    let ids = images.flat_map(Image::ids).map(|id| (id.to_string(), id));
    Ok(paged(ids, input, "imageIds", 100)?.into())
}

pub(super) fn describe(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let mut chosen: Vec<usize> = Vec::new();
    for wanted in field::list(input, "imageIds") {
        let at = find(&repository.images, wanted).map_err(|_| not_found(wanted, repository, call))?;
        if !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    let all = repository.images.iter().enumerate();
    let found = all.filter(|(at, image)| (chosen.is_empty() || chosen.contains(at)) && image.passes(input));
    let details = found.map(|(_, image)| (image.digest.clone(), image.detail(repository, call)));
    Ok(paged(details, input, "imageDetails", 100)?.into())
}

fn not_found(id: &Value, repository: &Repository, call: &Call) -> Refusal {
    let member = |name: &str| id.get(name).and_then(Value::as_str).unwrap_or("null");
    let message = format!(
        "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name '{}' in the registry with id '{}'",
        member("imageDigest"),
        member("imageTag"),
        repository.name,
        call.account
    );
    Refusal::client("ImageNotFoundException", message)
}

/// A layer is there if a manifest names it.
pub(super) fn check_layers(state: &mut State, call: &Call, input: &Document) -> Answer {
    let images = &state.named(call, input)?.images;
    let (mut layers, mut failures) = (Vec::new(), Vec::new());
    for digest in field::texts(input, "layerDigests") {
        if !digest.contains(':') {
            let reason = "Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'";
            failures.push(
                json!({"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": reason}),
            );
            continue;
        }
        let known = images.iter().any(|image| image.manifest.contains(&format!("\"{digest}\"")));
        layers.push(json!({"layerDigest": digest, "layerAvailability": if known { "AVAILABLE" } else { "UNAVAILABLE" }}));
    }
    Ok(json!({"layers": layers, "failures": failures}))
}

#[cfg(test)]
mod tests {
    use super::super::{fixture::*, image_exists};
    use super::*;

    fn put(state: &mut State, tag: Option<&str>, content: &str) -> Answer {
        let manifest =
            json!({"config": {"size": 3}, "layers": [{"size": 4, "digest": format!("sha256:{content}")}]});
        let input =
            json!({"repositoryName": "shop/web", "imageTag": tag, "imageManifest": manifest.to_string()});
        ask(state, "PutImage", input)
    }

    fn digest(answer: &Answer) -> String {
        answer.as_ref().unwrap()["image"]["imageId"]["imageDigest"].as_str().unwrap().to_owned()
    }

    fn in_web(mut input: Value) -> Value {
        input["repositoryName"] = "shop/web".into();
        input
    }

    #[test]
    fn an_image_is_found_by_its_tag_and_its_digest() {
        let mut state = registry();
        let digest = digest(&put(&mut state, Some("v1"), "aa"));
        assert!(image_exists(&state, "shop/web", "v1"));
        assert!(image_exists(&state, "shop/web", &digest));
        assert!(!image_exists(&state, "shop/web", "v2"));
        assert!(!image_exists(&state, "shop/none", "v1"));
    }

    #[test]
    fn a_tag_moves_in_a_mutable_repository_and_the_old_image_stays_untagged() {
        let mut state = registry();
        let old = digest(&put(&mut state, Some("v1"), "aa"));
        put(&mut state, Some("v1"), "bb").unwrap();
        let answer =
            ask(&mut state, "ListImages", in_web(json!({"filter": {"tagStatus": "UNTAGGED"}}))).unwrap();
        assert_eq!(answer["imageIds"], json!([{"imageDigest": old}]));
    }

    #[test]
    fn a_taken_tag_of_an_immutable_repository_is_refused() {
        let mut state = registry();
        let setting = in_web(json!({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev*"}]}));
        ask(&mut state, "PutImageTagMutability", setting).unwrap();
        for tag in ["v1", "dev"] {
            put(&mut state, Some(tag), "aa").unwrap();
        }
        let (code, message) = refused(put(&mut state, Some("v1"), "bb"));
        assert_eq!(code, "ImageTagAlreadyExistsException");
        assert_eq!(
            message,
            "The image tag 'v1' already exists in the 'shop/web' repository and cannot be overwritten because the tag is immutable."
        );
        put(&mut state, Some("dev"), "bb").unwrap();
    }

    #[test]
    fn the_same_image_under_the_same_tag_is_refused_and_under_another_is_tagged_again() {
        let mut state = registry();
        put(&mut state, Some("v1"), "aa").unwrap();
        assert_eq!(refused(put(&mut state, Some("v1"), "aa")).0, "ImageAlreadyExistsException");
        assert_eq!(refused(put(&mut state, None, "aa")).0, "ImageAlreadyExistsException");
        put(&mut state, Some("latest"), "aa").unwrap();
        let answer = ask(&mut state, "DescribeImages", in_web(json!({}))).unwrap();
        let details = answer["imageDetails"].as_array().unwrap();
        assert_eq!(details.len(), 1);
        assert_eq!(details[0]["imageTags"], json!(["latest", "v1"]));
        assert_eq!(details[0]["imageSizeInBytes"], 7);
    }

    #[test]
    fn a_manifest_must_be_json_and_fit_its_digest() {
        let text = in_web(json!({"imageManifest": "no"}));
        assert_eq!(refused(ask(&mut registry(), "PutImage", text)).0, "InvalidParameterException");
        let other = in_web(json!({"imageManifest": "{}", "imageDigest": "sha256:00"}));
        assert_eq!(refused(ask(&mut registry(), "PutImage", other)).0, "ImageDigestDoesNotMatchException");
    }

    #[test]
    fn a_batch_answers_what_it_finds_and_why_not_the_rest() {
        let mut state = registry();
        let first = digest(&put(&mut state, Some("v1"), "aa"));
        let second = digest(&put(&mut state, Some("v2"), "bb"));
        let ids = json!([{"imageTag": "v1"}, {"imageTag": "none"}, {"imageDigest": second, "imageTag": "v1"}, {}, {"imageDigest": "x"}]);
        let answer = ask(&mut state, "BatchGetImage", in_web(json!({"imageIds": ids}))).unwrap();
        assert_eq!(answer["images"][0]["imageId"], json!({"imageDigest": first, "imageTag": "v1"}));
        let codes: Vec<_> = answer["failures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["failureCode"].as_str().unwrap())
            .collect();
        assert_eq!(
            codes,
            ["ImageNotFound", "ImageTagDoesNotMatchDigest", "MissingDigestAndTag", "InvalidImageDigest"]
        );
    }

    #[test]
    fn deleting_the_last_tag_deletes_the_image_and_a_digest_deletes_all_tags() {
        let mut state = registry();
        put(&mut state, Some("v1"), "aa").unwrap();
        put(&mut state, Some("latest"), "aa").unwrap();
        let other = digest(&put(&mut state, None, "bb"));
        let delete = |state: &mut State, ids: Value| {
            ask(state, "BatchDeleteImage", in_web(json!({"imageIds": ids}))).unwrap()
        };
        delete(&mut state, json!([{"imageTag": "v1"}]));
        assert!(image_exists(&state, "shop/web", "latest"));
        delete(&mut state, json!([{"imageTag": "latest"}]));
        assert_eq!(
            delete(&mut state, json!([{"imageDigest": other}]))["imageIds"],
            json!([{"imageDigest": other}])
        );
        assert_eq!(
            delete(&mut state, json!([{"imageTag": "v1"}]))["failures"][0]["failureCode"],
            "ImageNotFound"
        );
        assert_eq!(ask(&mut state, "ListImages", in_web(json!({}))).unwrap(), json!({"imageIds": []}));
    }

    #[test]
    fn describing_an_image_that_is_not_there_is_refused() {
        let (code, message) = refused(ask(
            &mut registry(),
            "DescribeImages",
            in_web(json!({"imageIds": [{"imageTag": "v9"}]})),
        ));
        assert_eq!(code, "ImageNotFoundException");
        assert_eq!(
            message,
            "The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the repository with name 'shop/web' in the registry with id '123456789012'"
        );
    }

    #[test]
    fn layers_are_available_when_an_image_names_them() {
        let mut state = registry();
        put(&mut state, Some("v1"), "aa").unwrap();
        let input = in_web(json!({"layerDigests": ["sha256:aa", "sha256:cc", "x"]}));
        let answer = ask(&mut state, "BatchCheckLayerAvailability", input).unwrap();
        assert_eq!(answer["layers"][0]["layerAvailability"], "AVAILABLE");
        assert_eq!(answer["layers"][1]["layerAvailability"], "UNAVAILABLE");
        assert_eq!(answer["failures"][0]["failureCode"], "InvalidLayerDigest");
    }
}
