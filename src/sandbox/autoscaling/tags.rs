//! Tags of scalable targets.
//!
//! Tests: in this file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, field};
use super::target::Target;
use super::{Answer, State, invalid};

/// AWS's limit for one resource.
const MOST: usize = 50;

/// Every target's ARN, and its tags as the tagging API sees them.
pub fn tagged<'a>(
    state: &'a State,
    call: &'a Call,
) -> impl Iterator<Item = (String, &'a BTreeMap<String, String>)> {
    state.targets.values().map(|target| (target.arn(call), target.tags.seen(call.now)))
}

pub(super) fn tag(state: &mut State, call: &Call, input: &Document) -> Answer {
    let target = at(state, call, input)?;
    let mut tags = (*target.tags).clone();
    add(&mut tags, field::object(input, "Tags"))?;
    target.tags.set(call.now, tags);
    Ok(json!({}))
}

pub(super) fn untag(state: &mut State, call: &Call, input: &Document) -> Answer {
    let target = at(state, call, input)?;
    let removed = field::texts(input, "TagKeys");
    let mut rest = (*target.tags).clone();
    rest.retain(|key, _| !removed.contains(&key.as_str()));
    target.tags.set(call.now, rest);
    Ok(json!({}))
}

pub(super) fn list(state: &mut State, call: &Call, input: &Document) -> Answer {
    Ok(json!({"Tags": *at(state, call, input)?.tags}))
}

/// Adds `wanted`, all or none of them.
pub(super) fn add(tags: &mut BTreeMap<String, String>, wanted: Option<&Document>) -> Result<(), Refusal> {
    let added: Vec<_> = wanted.into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect();
    if added.iter().any(|(key, _)| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(invalid("Tag keys cannot begin with aws:"));
    }
    let new = added.iter().filter(|(key, _)| !tags.contains_key(key)).count();
    if tags.len() + new > MOST {
        return Err(Refusal::client(
            "TooManyTagsException",
            format!("A scalable target can have at most {MOST} tags"),
        ));
    }
    tags.extend(added);
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn at<'a>(state: &'a mut State, call: &Call, input: &Document) -> Result<&'a mut Target, Refusal> {
    let arn = field::text(input, "ResourceARN").unwrap_or_default();
    let id = arn.rsplit('/').next().unwrap_or_default();
    let found = state.targets.values_mut().find(|target| target.id == id && target.arn(call) == arn);
    found.ok_or_else(|| {
        Refusal::client("ResourceNotFoundException", format!("The resource doesn't exist: {arn}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;

    #[test]
    fn tags_are_added_listed_and_removed() {
        let mut region = region();
        let input = json!({"MinCapacity": 1, "MaxCapacity": 2, "Tags": {"a": "1"}});
        let arn = ask(&mut region, "RegisterScalableTarget", input).unwrap()["ScalableTargetARN"].clone();
        send(&mut region, "TagResource", json!({"ResourceARN": arn, "Tags": {"b": "2"}})).unwrap();
        send(&mut region, "UntagResource", json!({"ResourceARN": arn, "TagKeys": ["a", "none"]})).unwrap();
        let answer = send(&mut region, "ListTagsForResource", json!({"ResourceARN": arn})).unwrap();
        assert_eq!(answer, json!({"Tags": {"b": "2"}}));
        let later = call().at(call().now + crate::sandbox::late::LATE);
        let all: Vec<_> = tagged(&region.autoscaling, &later).collect();
        assert_eq!(all[0].1["b"], "2");
    }

    #[test]
    fn wrong_tags_and_unknown_targets_are_refused() {
        let mut region = scaled();
        let (arn, _) = tagged(&region.autoscaling, &call()).next().unwrap();
        let many: Document = (0..51).map(|n| (format!("k{n}"), json!(""))).collect();
        for (arn, tags, expected) in [
            (arn.as_str(), json!(many), "TooManyTagsException"),
            (arn.as_str(), json!({"aws:x": ""}), "ValidationException"),
            ("arn:aws:none", json!({}), "ResourceNotFoundException"),
        ] {
            let answer = send(&mut region, "TagResource", json!({"ResourceARN": arn, "Tags": tags}));
            assert_eq!(refused(answer).0, expected);
        }
    }
}
