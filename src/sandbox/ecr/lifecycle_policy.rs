//! Lifecycle policies: what ECR accepts, and how it writes them back.
//!
//! ECR maps the text into its own types and answers with those, written again: compact, members
//! in its own order, rules by priority, lists of tags sorted. Here the types below do the same.
//! Words of refusals that AWS has not been seen to use begin like AWS's and end in serde's.
//!
//! Tests: in this file.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, field};
use super::repository::Repository;
use super::{Answer, State, invalid, wildcard};

/// AWS's limit for one policy.
const MOST_RULES: usize = 50;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub rules: Vec<Rule>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(rename = "rulePriority")]
    pub priority: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    pub selection: Selection,
    pub action: Action,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selection {
    pub tag_status: TagStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tag_pattern_list: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tag_prefix_list: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<StorageClass>,
    pub count_type: CountType,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_unit: Option<CountUnit>,
    pub count_number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TagStatus {
    Tagged,
    Untagged,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StorageClass {
    Standard,
    Archive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum CountType {
    ImageCountMoreThan,
    SinceImagePushed,
    SinceImagePulled,
    SinceImageTransitioned,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CountUnit {
    Days,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Action {
    #[serde(rename = "type")]
    pub kind: ActionType,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_storage_class: Option<StorageClass>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ActionType {
    Expire,
    Transition,
}

impl Policy {
    /// Reads the text as ECR does, and refuses what ECR refuses.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let unmapped = |_| refusal("Could not map policyString into LifecyclePolicy.");
        let value: Value = serde_json::from_str(text).map_err(unmapped)?;
        if has_null(&value) {
            return Err(refusal("instance failed to match exactly one schema (matched 0 out of 2)"));
        }
        let mut policy: Self = serde_json::from_value(value).map_err(|error| refusal(&error.to_string()))?;
        policy.check().map_err(|words| refusal(&words))?;
        policy.rules.sort_by_key(|rule| rule.priority);
        for rule in &mut policy.rules {
            rule.selection.tag_pattern_list.sort();
            rule.selection.tag_prefix_list.sort();
        }
        Ok(policy)
    }

    fn check(&self) -> Result<(), String> {
        if !(1..=MOST_RULES).contains(&self.rules.len()) {
            return Err(format!("a policy has 1 to {MOST_RULES} rules, found: {}", self.rules.len()));
        }
        for rule in &self.rules {
            rule.check()?;
            let twins = self.rules.iter().filter(|other| other.priority == rule.priority).count();
            if twins > 1 {
                return Err(format!("Rule priorities must be unique, found twice: {}", rule.priority));
            }
            let class = |rule: &Rule| rule.selection.storage_class.unwrap_or(StorageClass::Standard);
            let peers = || self.rules.iter().filter(|other| class(other) == class(rule));
            match rule.selection.tag_status {
                TagStatus::Any if peers().any(|other| other.priority > rule.priority) => {
                    return Err(
                        "Rule for tagStatus=ANY must have the lowest priority per storage class".into()
                    );
                }
                TagStatus::Untagged
                    if peers().filter(|other| other.selection.tag_status == TagStatus::Untagged).count()
                        > 1 =>
                {
                    return Err("Only one rule can select Untagged images per storage class".into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        let Self { priority, selection, action, .. } = self;
        for (number, name) in [(*priority, "rulePriority"), (selection.count_number, "countNumber")] {
            if number < 1 {
                return Err(format!(
                    "{name}: numeric instance is lower than the required minimum (minimum: 1, found: {number})"
                ));
            }
        }
        let lists = (selection.tag_pattern_list.is_empty(), selection.tag_prefix_list.is_empty());
        match (selection.tag_status, lists) {
            (TagStatus::Tagged, (true, true)) => {
                return Err("Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED".into());
            }
            (TagStatus::Tagged, (false, false)) => {
                return Err("Only one of tagPrefixList and tagPatternList can be specified".into());
            }
            (TagStatus::Tagged, _) | (_, (true, true)) => {}
            _ => {
                return Err(
                    "tagPrefixList and tagPatternList can only be specified when tagStatus=TAGGED".into()
                );
            }
        }
        if let Some(pattern) =
            selection.tag_pattern_list.iter().find(|pattern| pattern.matches('*').count() > 4)
        {
            return Err(format!("tagPatternList: a pattern has at most 4 wildcards, found: {pattern}"));
        }
        if (selection.count_type == CountType::ImageCountMoreThan) == selection.count_unit.is_some() {
            return Err("instance failed to match exactly one schema (matched 0 out of 2)".into());
        }
        match (action.kind, action.target_storage_class) {
            (ActionType::Expire, None) | (ActionType::Transition, Some(StorageClass::Archive)) => Ok(()),
            (ActionType::Expire, Some(_)) => {
                Err("targetStorageClass can only be specified with type=TRANSITION".into())
            }
            (ActionType::Transition, _) => {
                Err("targetStorageClass must be archive when type=TRANSITION".into())
            }
        }
    }
}

impl Selection {
    /// Whether the rule looks at an image with these tags.
    pub fn sees<'a>(&self, tags: impl IntoIterator<Item = &'a String>) -> bool {
        let tags: Vec<&String> = tags.into_iter().collect();
        let all = |patterns: &[String], fits: &dyn Fn(&str, &str) -> bool| {
            patterns.iter().all(|pattern| tags.iter().any(|tag| fits(pattern, tag)))
        };
        match self.tag_status {
            TagStatus::Any => true,
            TagStatus::Untagged => tags.is_empty(),
            TagStatus::Tagged if tags.is_empty() => false,
            TagStatus::Tagged => {
                all(&self.tag_pattern_list, &wildcard::matches)
                    && all(&self.tag_prefix_list, &|prefix, tag| tag.starts_with(prefix))
            }
        }
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}

fn refusal(words: &str) -> Refusal {
    invalid("LifecyclePolicyText", &format!("Lifecycle policy validation failure: {words}"))
}

pub(super) fn put(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let policy = Policy::parse(field::text(input, "lifecyclePolicyText").unwrap_or_default())?;
    repository.lifecycle_policy = Some(policy.text());
    Ok(repository.answer(call, json!({"lifecyclePolicyText": repository.lifecycle_policy})))
}

pub(super) fn read(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let text = repository.lifecycle_policy.as_ref().ok_or_else(|| missing(repository, call))?;
    Ok(repository.answer(call, with_evaluation(text)))
}

pub(super) fn delete(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let text = repository.lifecycle_policy.take().ok_or_else(|| missing(repository, call))?;
    Ok(repository.answer(call, with_evaluation(&text)))
}

/// Nothing is ever evaluated here: AWS answers with the epoch until it has done so once.
fn with_evaluation(text: &str) -> Value {
    json!({"lifecyclePolicyText": text, "lastEvaluatedAt": 0.0})
}

pub(super) fn missing(repository: &Repository, call: &Call) -> Refusal {
    let message = format!(
        "Lifecycle policy does not exist for the repository with name '{}' in the registry with id '{}'",
        repository.name, call.account
    );
    Refusal::client("LifecyclePolicyNotFoundException", message)
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // literals read better
mod tests {
    use super::super::fixture::*;
    use super::*;

    fn put(state: &mut State, policy: &Value) -> Answer {
        let input = json!({"repositoryName": "shop/web", "lifecyclePolicyText": policy.to_string()});
        ask(state, "PutLifecyclePolicy", input)
    }

    fn rule(priority: i64, selection: Value) -> Value {
        json!({"rulePriority": priority, "selection": selection, "action": {"type": "expire"}})
    }

    fn counted(tag_status: &str) -> Value {
        json!({"tagStatus": tag_status, "countType": "imageCountMoreThan", "countNumber": 3})
    }

    #[test]
    fn the_text_comes_back_written_by_ecr() {
        let mut state = registry();
        let sent = json!({"rules": [
            rule(20, counted("any")),
            {
                "action": {"type": "expire"},
                "selection": {"countNumber": 14, "countUnit": "days", "countType": "sinceImagePushed",
                    "tagPrefixList": ["v", "main"], "tagPatternList": [], "tagStatus": "tagged"},
                "description": "old ones", "rulePriority": 10,
            },
        ]});
        let expected = concat!(
            r#"{"rules":[{"rulePriority":10,"description":"old ones","selection":{"tagStatus":"tagged","#,
            r#""tagPrefixList":["main","v"],"countType":"sinceImagePushed","countUnit":"days","countNumber":14},"#,
            r#""action":{"type":"expire"}},{"rulePriority":20,"selection":{"tagStatus":"any","#,
            r#""countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}}]}"#,
        );
        assert_eq!(put(&mut state, &sent).unwrap()["lifecyclePolicyText"], expected);
        let read = ask(&mut state, "GetLifecyclePolicy", json!({"repositoryName": "shop/web"})).unwrap();
        assert_eq!(read["lifecyclePolicyText"], expected);
        assert_eq!(read["lastEvaluatedAt"], 0.0);
    }

    #[test]
    fn a_missing_policy_is_a_400_in_ecrs_words() {
        let mut state = registry();
        for operation in ["GetLifecyclePolicy", "DeleteLifecyclePolicy"] {
            let (code, message) = refused(ask(&mut state, operation, json!({"repositoryName": "shop/web"})));
            assert_eq!(code, "LifecyclePolicyNotFoundException");
            assert_eq!(
                message,
                "Lifecycle policy does not exist for the repository with name 'shop/web' in the registry with id '123456789012'"
            );
        }
    }

    #[test]
    fn a_deleted_policy_is_answered_one_last_time() {
        let mut state = registry();
        put(&mut state, &json!({"rules": [rule(1, counted("any"))]})).unwrap();
        let input = json!({"repositoryName": "shop/web"});
        let last = ask(&mut state, "DeleteLifecyclePolicy", input.clone()).unwrap();
        assert!(last["lifecyclePolicyText"].as_str().unwrap().starts_with(r#"{"rules":[{"rulePriority":1"#));
        assert_eq!(
            refused(ask(&mut state, "GetLifecyclePolicy", input)).0,
            "LifecyclePolicyNotFoundException"
        );
    }

    #[test]
    fn what_ecr_refuses_is_refused_in_its_words() {
        let since = |unit: Value| json!({"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": unit, "countNumber": 1});
        let mut unitless = since(json!("days"));
        unitless.as_object_mut().unwrap().remove("countUnit");
        let mut both = counted("tagged");
        both["tagPrefixList"] = json!(["v"]);
        both["tagPatternList"] = json!(["v*"]);
        let mut transition = rule(1, counted("any"));
        transition["action"] = json!({"type": "transition"});
        for (rules, words) in [
            (json!([]), "a policy has 1 to 50 rules"),
            (
                json!([rule(1, counted("tagged"))]),
                "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED",
            ),
            (json!([rule(1, both)]), "Only one of tagPrefixList"),
            (json!([rule(1, unitless)]), "matched 0 out of 2"),
            (json!([rule(1, since(Value::Null))]), "matched 0 out of 2"),
            (json!([rule(1, since(json!("weeks")))]), "unknown variant `weeks`"),
            (json!([rule(0, counted("any"))]), "lower than the required minimum"),
            (
                json!([rule(1, counted("any")), rule(2, counted("untagged"))]),
                "must have the lowest priority per storage class",
            ),
            (
                json!([rule(1, counted("untagged")), rule(2, counted("untagged"))]),
                "Only one rule can select Untagged",
            ),
            (
                json!([rule(1, counted("untagged")), rule(1, counted("any"))]),
                "Rule priorities must be unique",
            ),
            (json!([transition]), "targetStorageClass must be archive"),
            (json!([{"rulePriority": 1, "selection": counted("any")}]), "missing field `action`"),
            (
                json!([{"rulePriority": 1, "selection": counted("any"), "action": {"type": "expire"}, "x": 1}]),
                "unknown field `x`",
            ),
        ] {
            let (code, message) = refused(put(&mut registry(), &json!({"rules": rules})));
            assert_eq!(code, "InvalidParameterException");
            let start = "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: ";
            assert!(message.starts_with(start), "{message}");
            assert!(message.contains(words), "{message} should contain {words}");
        }
        let input = json!({"repositoryName": "shop/web", "lifecyclePolicyText": "{rules"});
        let (_, message) = refused(ask(&mut registry(), "PutLifecyclePolicy", input));
        assert!(message.contains("Could not map policyString into LifecyclePolicy."), "{message}");
    }

    #[test]
    fn transitions_to_the_archive_are_accepted() {
        let policy = json!({"rules": [{
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90},
            "action": {"type": "transition", "targetStorageClass": "archive"},
        }]});
        put(&mut registry(), &policy).unwrap();
    }
}
