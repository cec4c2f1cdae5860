//! Tags of repositories.
//!
//! Tests: in this file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, field};
use super::repository::{Repository, not_found};
use super::{Answer, State, invalid};

/// AWS's limit for one resource.
const MOST: usize = 50;

/// Every repository's ARN, and its tags as the tagging API sees them.
pub fn tagged<'a>(
    state: &'a State,
    call: &'a Call,
) -> impl Iterator<Item = (String, &'a BTreeMap<String, String>)> {
    let all = state.repositories.values();
    all.map(|repository| (repository.arn(call), repository.tags.seen(call.now)))
}

pub(super) fn tag(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = at(state, call, input)?;
    let mut tags = (*repository.tags).clone();
    add(&mut tags, field::list(input, "tags"))?;
    repository.tags.set(call.now, tags);
    Ok(json!({}))
}

pub(super) fn untag(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = at(state, call, input)?;
    let removed = field::texts(input, "tagKeys");
    let mut rest = (*repository.tags).clone();
    rest.retain(|key, _| !removed.contains(&key.as_str()));
    repository.tags.set(call.now, rest);
    Ok(json!({}))
}

pub(super) fn list(state: &mut State, call: &Call, input: &Document) -> Answer {
    let tags = &at(state, call, input)?.tags;
    Ok(
        json!({"tags": tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect::<Vec<_>>()}),
    )
}

/// Adds `tags` (`Key` and `Value` each), all or none of them.
pub(super) fn add(tags: &mut BTreeMap<String, String>, wanted: &[Value]) -> Result<(), Refusal> {
    let mut added = BTreeMap::new();
    for tag in wanted {
        let member = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (key, value) = (member("Key"), member("Value"));
        let (keys, values) = (key.chars().count(), value.chars().count());
        if !(1..=128).contains(&keys) || values > 256 || key.to_ascii_lowercase().starts_with("aws:") {
            let message = format!(
                "The tag '{key}' is invalid: keys have 1 to 128 characters and do not begin with 'aws:', values have at most 256"
            );
            return Err(Refusal::client("InvalidTagParameterException", message));
        }
        if added.insert(key, value).is_some() {
            return Err(Refusal::client(
                "InvalidTagParameterException",
                "Duplicate tag keys are not allowed",
            ));
        }
    }
    let new = added.keys().filter(|key| !tags.contains_key(*key)).count();
    if tags.len() + new > MOST {
        return Err(Refusal::client(
            "TooManyTagsException",
            format!("A repository can have at most {MOST} tags"),
        ));
    }
    tags.extend(added);
    Ok(())
}

/// The repository whose ARN is the input's `resourceArn`.
fn at<'a>(state: &'a mut State, call: &Call, input: &Document) -> Result<&'a mut Repository, Refusal> {
    let arn = field::text(input, "resourceArn").unwrap_or_default();
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "ecr", region, account, resource] = parts[..] else {
        return Err(invalid("resourceArn", "Invalid ARN"));
    };
    let name = resource.strip_prefix("repository/").ok_or_else(|| invalid("resourceArn", "Invalid ARN"))?;
    let here = region == call.region && account == call.account;
    state.repositories.get_mut(name).filter(|_| here).ok_or_else(|| not_found(name, account))
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // literals read better
mod tests {
    use super::super::fixture::*;
    use super::*;

    const ARN: &str = "arn:aws:ecr:eu-central-1:123456789012:repository/shop/web";

    fn put(state: &mut State, tags: Value) -> Answer {
        ask(state, "TagResource", json!({"resourceArn": ARN, "tags": tags}))
    }

    #[test]
    fn tags_are_added_replaced_listed_and_removed() {
        let mut state = registry();
        put(&mut state, json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])).unwrap();
        put(&mut state, json!([{"Key": "a", "Value": "2"}])).unwrap();
        ask(&mut state, "UntagResource", json!({"resourceArn": ARN, "tagKeys": ["b", "none"]})).unwrap();
        let answer = ask(&mut state, "ListTagsForResource", json!({"resourceArn": ARN})).unwrap();
        assert_eq!(answer, json!({"tags": [{"Key": "a", "Value": "2"}]}));
        assert_eq!(tagged(&state, &call()).next().unwrap().0, ARN);
    }

    #[test]
    fn tags_come_with_the_repository() {
        let mut state = State::default();
        let input = json!({"repositoryName": "shop/web", "tags": [{"Key": "a", "Value": "1"}]});
        let answer = ask(&mut state, "CreateRepository", input).unwrap();
        assert_eq!(answer["repository"].get("tags"), None);
        let answer = ask(&mut state, "ListTagsForResource", json!({"resourceArn": ARN})).unwrap();
        assert_eq!(answer["tags"], json!([{"Key": "a", "Value": "1"}]));
    }

    #[test]
    fn wrong_tags_are_refused_and_change_nothing() {
        let mut state = registry();
        let many: Vec<_> = (0..51).map(|n| json!({"Key": format!("k{n}"), "Value": ""})).collect();
        assert_eq!(refused(put(&mut state, json!(many))).0, "TooManyTagsException");
        for tags in [
            json!([{"Key": "ok", "Value": ""}, {"Key": "aws:x", "Value": ""}]),
            json!([{"Key": "a", "Value": ""}, {"Key": "a", "Value": "2"}]),
            json!([{"Key": "", "Value": ""}]),
            json!([{"Key": "a", "Value": "x".repeat(257)}]),
        ] {
            assert_eq!(refused(put(&mut state, tags)).0, "InvalidTagParameterException");
        }
        assert!(tagged(&state, &call()).all(|(_, tags)| tags.is_empty()));
    }

    #[test]
    fn an_arn_must_be_a_repositorys_that_exists() {
        for (arn, expected) in [
            ("shop/web", "InvalidParameterException"),
            ("arn:aws:ecr:eu-central-1:123456789012:shop/web", "InvalidParameterException"),
            ("arn:aws:ecr:eu-west-1:123456789012:repository/shop/web", "RepositoryNotFoundException"),
            ("arn:aws:ecr:eu-central-1:123456789012:repository/none", "RepositoryNotFoundException"),
        ] {
            let answer = ask(&mut registry(), "ListTagsForResource", json!({"resourceArn": arn}));
            assert_eq!(refused(answer).0, expected, "{arn}");
        }
    }
}
