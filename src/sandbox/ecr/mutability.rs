//! Whether an image's tag may move to another image, for all tags or all but some.
//!
//! Tests: in this file; that `PutImage` obeys is tested in `image`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Call, Document, Refusal, field};
use super::{Answer, State, invalid, wildcard};

/// `imageTagMutability` and its exclusion filters, as they were put.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mutability {
    setting: String,
    filters: Vec<Value>,
}

impl Mutability {
    /// From the members of `CreateRepository` or `PutImageTagMutability`; default MUTABLE.
    pub fn from_input(input: &Document) -> Result<Self, Refusal> {
        let setting = field::text(input, "imageTagMutability").unwrap_or("MUTABLE");
        let filters = field::list(input, "imageTagMutabilityExclusionFilters").to_vec();
        if setting.ends_with("_WITH_EXCLUSION") == filters.is_empty() {
            let words = if filters.is_empty() { "must be specified" } else { "cannot be specified" };
            let constraint = format!("exclusion filters {words} when imageTagMutability is {setting}");
            return Err(invalid("imageTagMutabilityExclusionFilters", &constraint));
        }
        let mutability = Self { setting: setting.to_owned(), filters };
        if let Some(filter) = mutability.patterns().find(|pattern| pattern.matches('*').count() > 2) {
            let constraint = format!("a filter has at most 2 wildcards, found: {filter}");
            return Err(invalid("imageTagMutabilityExclusionFilters", &constraint));
        }
        Ok(mutability)
    }

    /// The members of an answer.
    pub fn members(&self) -> Document {
        let mut members = Document::new();
        members.insert("imageTagMutability".into(), json!(self.setting));
        if !self.filters.is_empty() {
            members.insert("imageTagMutabilityExclusionFilters".into(), json!(self.filters));
        }
        members
    }

    /// Whether `tag` may be moved from one image to another.
    pub fn may_move(&self, tag: &str) -> bool {
        let excluded = self.patterns().any(|pattern| wildcard::matches(pattern, tag));
        self.setting.starts_with("MUTABLE") != excluded
    }

    fn patterns(&self) -> impl Iterator<Item = &str> {
        self.filters.iter().filter_map(|filter| filter.get("filter")?.as_str())
    }
}

pub(super) fn put(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    repository.mutability = Mutability::from_input(input)?;
    Ok(repository.answer(call, repository.mutability.members().into()))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;

    fn put_setting(setting: &str, filters: &Value) -> Answer {
        let mut input = json!({"repositoryName": "shop/web", "imageTagMutability": setting});
        input["imageTagMutabilityExclusionFilters"] = filters.clone();
        ask(&mut registry(), "PutImageTagMutability", input)
    }

    #[test]
    fn the_answer_repeats_what_was_put() {
        assert_eq!(
            put_setting("IMMUTABLE", &Value::Null).unwrap(),
            json!({"registryId": "123456789012", "repositoryName": "shop/web", "imageTagMutability": "IMMUTABLE"})
        );
        let filters = json!([{"filterType": "WILDCARD", "filter": "dev-*"}]);
        let answer = put_setting("IMMUTABLE_WITH_EXCLUSION", &filters).unwrap();
        assert_eq!(answer["imageTagMutabilityExclusionFilters"], filters);
    }

    #[test]
    fn filters_go_with_the_settings_that_exclude_and_only_with_them() {
        let filters = json!([{"filterType": "WILDCARD", "filter": "dev-*"}]);
        for (setting, filters) in [("IMMUTABLE", &filters), ("MUTABLE_WITH_EXCLUSION", &Value::Null)] {
            assert_eq!(refused(put_setting(setting, filters)).0, "InvalidParameterException", "{setting}");
        }
        let filters = json!([{"filterType": "WILDCARD", "filter": "a*b*c*"}]);
        assert_eq!(refused(put_setting("MUTABLE_WITH_EXCLUSION", &filters)).0, "InvalidParameterException");
    }
}
