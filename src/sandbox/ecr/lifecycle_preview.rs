//! What a lifecycle policy would do to the images that are there.
//!
//! A preview is complete at once. The policies themselves are never carried out here. Images have
//! no storage class, and are seen as pulled when they were last pulled, or else pushed.
//!
//! Tests: in this file.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, field};
use super::image::Image;
use super::lifecycle_policy::{ActionType, CountType, Policy, Rule, missing};
use super::{Answer, State, paged};

const DAY: f64 = 86_400.0;

/// The policy that was asked about, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Preview {
    text: String,
    at: f64,
}

pub(super) fn start(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let text = match field::text(input, "lifecyclePolicyText") {
        Some(text) => Policy::parse(text)?.text(),
        None => repository.lifecycle_policy.clone().ok_or_else(|| missing(repository, call))?,
    };
    let members = json!({"lifecyclePolicyText": text, "status": "IN_PROGRESS"});
    repository.preview = Some(Preview { text, at: call.now });
    Ok(repository.answer(call, members))
}

pub(super) fn read(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let Some(preview) = &repository.preview else {
        let message = format!(
            "Lifecycle policy preview does not exist for the repository with name '{}' in the registry with id '{}'",
            repository.name, call.account
        );
        return Err(Refusal::client("LifecyclePolicyPreviewNotFoundException", message));
    };
    let policy = Policy::parse(&preview.text)?;
    let chosen = judge(&policy, &repository.images, preview.at);
    let count = |kind| chosen.iter().filter(|(_, rule)| rule.action.kind == kind).count();
    let mut summary = json!({"expiringImageTotalCount": count(ActionType::Expire)});
    if count(ActionType::Transition) > 0 {
        summary["transitioningImageTotalCounts"] =
            json!([{"targetStorageClass": "ARCHIVE", "imageTotalCount": count(ActionType::Transition)}]);
    }
    let items = chosen.iter().map(|(image, rule)| (image.digest.clone(), result(image, rule)));
    let mut members = paged(items, input, "previewResults", 100)?;
    members.insert("lifecyclePolicyText".into(), json!(preview.text));
    members.insert("status".into(), json!("COMPLETE"));
    members.insert("summary".into(), summary);
    Ok(repository.answer(call, members.into()))
}

fn result(image: &Image, rule: &Rule) -> Value {
    let action = match rule.action.kind {
        ActionType::Expire => json!({"type": "EXPIRE"}),
        ActionType::Transition => json!({"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}),
    };
    json!({
        "imageTags": image.tags,
        "imageDigest": image.digest,
        "imagePushedAt": image.pushed_at,
        "action": action,
        "appliedRulePriority": rule.priority,
    })
}

/// The images that the policy would act on, each with its rule. A rule counts all images that it
/// sees, but what an earlier rule sees is never a later rule's.
fn judge<'a>(policy: &'a Policy, images: &'a [Image], now: f64) -> Vec<(&'a Image, &'a Rule)> {
    let mut newest_first: Vec<&Image> = images.iter().collect();
    newest_first.sort_by(|left, right| right.pushed_at.total_cmp(&left.pushed_at));
    let (mut chosen, mut spoken_for) = (Vec::new(), Vec::<&str>::new());
    for rule in &policy.rules {
        let seen: Vec<&Image> =
            newest_first.iter().copied().filter(|image| rule.selection.sees(&image.tags)).collect();
        let limit = rule.selection.count_number;
        let (keep, age) = match rule.selection.count_type {
            CountType::ImageCountMoreThan => (limit as usize, None),
            _ => (0, Some(f64::from(limit) * DAY)),
        };
        let due = |image: &Image| match (rule.selection.count_type, age) {
            (_, None) => true,
            (CountType::SinceImagePushed, Some(age)) => now - image.pushed_at > age,
            (CountType::SinceImagePulled, Some(age)) => {
                now - image.last_pulled.unwrap_or(image.pushed_at) > age
            }
            (_, Some(_)) => false,
        };
        let acted =
            seen.iter().skip(keep).filter(|image| due(image) && !spoken_for.contains(&image.digest.as_str()));
        chosen.extend(acted.map(|image| (*image, rule)));
        spoken_for.extend(seen.iter().map(|image| image.digest.as_str()));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;

    fn push(state: &mut State, now: f64, tag: &str) {
        let input = json!({"repositoryName": "shop/web", "imageTag": tag, "imageManifest": format!(r#"{{"of":"{tag}"}}"#)});
        ask_at(state, now, "PutImage", input).unwrap();
    }

    fn preview(state: &mut State, rules: &Value) -> Value {
        let text = json!({"rules": rules}).to_string();
        let input = json!({"repositoryName": "shop/web", "lifecyclePolicyText": text});
        assert_eq!(ask(state, "StartLifecyclePolicyPreview", input).unwrap()["status"], "IN_PROGRESS");
        ask(state, "GetLifecyclePolicyPreview", json!({"repositoryName": "shop/web"})).unwrap()
    }

    #[test]
    fn the_oldest_beyond_the_count_expire() {
        let mut state = registry();
        for (at, tag) in [(100.0, "v1"), (300.0, "v3"), (200.0, "v2"), (50.0, "main")] {
            push(&mut state, at, tag);
        }
        let rules = json!([{"rulePriority": 1, "action": {"type": "expire"}, "selection":
            {"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 2}}]);
        let answer = preview(&mut state, &rules);
        assert_eq!(answer["status"], "COMPLETE");
        assert_eq!(answer["summary"]["expiringImageTotalCount"], 1);
        assert_eq!(answer["previewResults"][0]["imageTags"], json!(["v1"]));
        assert_eq!(answer["previewResults"][0]["appliedRulePriority"], 1);
    }

    #[test]
    fn what_an_earlier_rule_sees_a_later_one_leaves_alone() {
        let mut state = registry();
        for (at, tag) in [(100.0, "prod"), (200.0, "dev")] {
            push(&mut state, at, tag);
        }
        let rules = json!([
            {"rulePriority": 1, "action": {"type": "expire"}, "selection":
                {"tagStatus": "tagged", "tagPatternList": ["p*d"], "countType": "imageCountMoreThan", "countNumber": 1}},
            {"rulePriority": 2, "action": {"type": "expire"}, "selection":
                {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}},
        ]);
        let results = preview(&mut state, &rules)["previewResults"].clone();
        assert_eq!(results.as_array().unwrap().len(), 1);
        assert_eq!(results[0]["imageTags"], json!(["dev"]));
    }

    #[test]
    fn a_preview_must_be_started_and_needs_a_policy() {
        let mut state = registry();
        let input = json!({"repositoryName": "shop/web"});
        let code = |answer| refused(answer).0;
        assert_eq!(
            code(ask(&mut state, "GetLifecyclePolicyPreview", input.clone())),
            "LifecyclePolicyPreviewNotFoundException"
        );
        assert_eq!(
            code(ask(&mut state, "StartLifecyclePolicyPreview", input)),
            "LifecyclePolicyNotFoundException"
        );
    }
}
