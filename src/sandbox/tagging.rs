//! The Resource Groups Tagging API: all tagged resources of a Region, whatever their API.
//!
//! Every API tells its resources' ARNs, and their tags as they were a few seconds ago
//! ([`Late`](super::late::Late)): what is new or changed comes late, what is deleted is gone at
//! once. A resource without tags is not listed. The pages of a listing are all of the moment of its
//! first. Tests: in this file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Call, Document, Refusal, Region, autoscaling, ecr, field, page};

/// A resource's ARN and its tags.
type Tagged = (String, BTreeMap<String, String>);
/// All of a Region, by ARN.
type Listing = Arc<Vec<Tagged>>;
type Answer = Result<Value, Refusal>;

/// How many resources a page has unless it is said, and at most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 100;
/// Seconds for which a listing can be paged through.
const PAGED: f64 = 300.0;

/// The last listing that was begun, and when: its further pages are taken from it.
#[derive(Debug, Clone, Default)]
pub struct State {
    begun: Option<(f64, Listing)>,
}

/// Answers one operation.
pub fn answer(region: &mut Region, call: &Call, operation: &str, input: &Document) -> Answer {
    let resources = listing(region, call, token(input).is_some());
    match operation {
        "GetResources" => resources_page(&resources, input),
        "GetTagKeys" => words(resources.iter().flat_map(|(_, tags)| tags.keys()), input, "TagKeys"),
        "GetTagValues" => {
            let key = field::text(input, "Key").unwrap_or_default();
            words(resources.iter().filter_map(|(_, tags)| tags.get(key)), input, "TagValues")
        }
        _ => {
            let message = format!("the sandbox's tagging API has no `{operation}`");
            Err(Refusal::client("UnknownOperationException", message))
        }
    }
}

/// The listing that is being paged through, or a new one.
fn listing(region: &mut Region, call: &Call, goes_on: bool) -> Listing {
    let begun = region.tagging.begun.as_ref().filter(|(at, _)| goes_on && call.now < at + PAGED);
    if let Some((_, listing)) = begun {
        return Arc::clone(listing);
    }
    let listing = Arc::new(tagged(region, call));
    region.tagging.begun = Some((call.now, Arc::clone(&listing)));
    listing
}

fn tagged(region: &Region, call: &Call) -> Vec<Tagged> {
    let ecs = region.ecs.tagged(call.now).into_iter().map(|(arn, tags)| (arn.to_owned(), tags));
    let others = ecr::tagged(&region.ecr, call).chain(autoscaling::tagged(&region.autoscaling, call));
    let all = ecs.chain(others).filter(|(_, tags)| !tags.is_empty());
    let mut all: Vec<Tagged> = all.map(|(arn, tags)| (arn, tags.clone())).collect();
    all.sort();
    all
}

fn resources_page(resources: &[Tagged], input: &Document) -> Answer {
    let arns = field::texts(input, "ResourceARNList");
    let types = field::texts(input, "ResourceTypeFilters");
    let filters = field::list(input, "TagFilters");
    if !arns.is_empty()
        && (!types.is_empty() || !filters.is_empty() || field::present(input, "ResourcesPerPage").is_some())
    {
        return Err(invalid(
            "ResourceARNList cannot be specified together with ResourceTypeFilters, TagFilters or ResourcesPerPage",
        ));
    }
    let size = match field::integer(input, "ResourcesPerPage").map(usize::try_from) {
        None => PAGE,
        Some(Ok(size)) if (1..=LARGEST_PAGE).contains(&size) => size,
        Some(_) => return Err(invalid(format!("ResourcesPerPage must be between 1 and {LARGEST_PAGE}"))),
    };
    let passes = |(arn, tags): &&Tagged| {
        (arns.is_empty() || arns.contains(&arn.as_str()))
            && (types.is_empty() || types.iter().any(|kind| is_of_type(arn, kind)))
            && filters.iter().all(|filter| fits(tags, filter))
    };
    paged(input, "ResourceTagMappingList", size, |last| {
        let begin = last.map_or(0, |last| resources.partition_point(|(arn, _)| arn.as_str() <= last));
        resources[begin..].iter().filter(passes).map(|(arn, tags)| {
            let tags: Vec<Value> =
                tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            (arn.clone(), json!({"ResourceARN": arn, "Tags": tags}))
        })
    })
}

/// Keys or values, each once.
fn words<'a>(words: impl Iterator<Item = &'a String>, input: &Document, member: &str) -> Answer {
    let words: BTreeSet<&String> = words.collect();
    // The empty value is one, the empty key of a page is not.
    paged(input, member, LARGEST_PAGE, |last| {
        let last = last.and_then(|last| last.strip_prefix('='));
        let rest = words.into_iter().filter(move |word| last.is_none_or(|last| word.as_str() > last));
        rest.map(|word| (format!("={word}"), word.as_str().into())).collect::<Vec<_>>()
    })
}

/// An empty token is none.
fn token(input: &Document) -> Option<&str> {
    field::text(input, "PaginationToken").filter(|token| !token.is_empty())
}

/// Whether the ARN is of a type such as `ecs:service`, or of a service such as `ecs`.
fn is_of_type(arn: &str, wanted: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let (Some(service), Some(resource)) = (parts.get(2), parts.get(5)) else { return false };
    let kind = resource.split(['/', ':']).next().unwrap_or_default();
    match wanted.split_once(':') {
        Some((wanted_service, wanted_kind)) => *service == wanted_service && kind == wanted_kind,
        None => *service == wanted,
    }
}

/// Whether the tags have the filter's key, with one of its values if it names any.
fn fits(tags: &BTreeMap<String, String>, filter: &Value) -> bool {
    let Some(filter) = filter.as_object() else { return false };
    let values = field::texts(filter, "Values");
    let value = field::text(filter, "Key").and_then(|key| tags.get(key));
    value.is_some_and(|value| values.is_empty() || values.contains(&value.as_str()))
}

/// The last page has an empty token.
fn paged<I: IntoIterator<Item = (String, Value)>>(
    input: &Document,
    member: &str,
    size: usize,
    items: impl FnOnce(Option<&str>) -> I,
) -> Answer {
    let page = page::after(token(input), size, items).ok_or_else(|| {
        Refusal::client("PaginationTokenExpiredException", "The pagination token is not valid or has expired")
    })?;
    Ok(json!({member: page.items, "PaginationToken": page.next.unwrap_or_default()}))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::client("InvalidParameterException", message)
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // literals read better
mod tests {
    use super::*;
    use crate::sandbox::late::LATE;

    fn call() -> Call {
        Call::new("123456789012", "eu-central-1", 0.0)
    }

    /// When everybody knows what was made at the beginning.
    fn later() -> Call {
        call().at(LATE)
    }

    fn ask(region: &mut Region, input: Value) -> Answer {
        answer(region, &later(), "GetResources", input.as_object().unwrap())
    }

    /// Repositories `r000`… with the tags `n` and `owner`, and one without tags.
    fn region(count: usize) -> Region {
        let mut region = Region::default();
        let mut create = |input: Value| {
            ecr::answer(&mut region, &call(), "CreateRepository", input.as_object().unwrap()).unwrap()
        };
        for n in 0..count {
            let tags = json!([{"Key": "n", "Value": n.to_string()}, {"Key": "owner", "Value": ""}]);
            create(json!({"repositoryName": format!("r{n:03}"), "tags": tags}));
        }
        create(json!({"repositoryName": "untagged"}));
        region
    }

    fn names(answer: &Value) -> Vec<String> {
        let resources = answer["ResourceTagMappingList"].as_array().unwrap();
        resources
            .iter()
            .map(|item| item["ResourceARN"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn tagged_resources_come_with_their_tags_and_an_empty_token() {
        let answer = ask(&mut region(1), json!({})).unwrap();
        assert_eq!(
            answer,
            json!({
                "ResourceTagMappingList": [{
                    "ResourceARN": "arn:aws:ecr:eu-central-1:123456789012:repository/r000",
                    "Tags": [{"Key": "n", "Value": "0"}, {"Key": "owner", "Value": ""}],
                }],
                "PaginationToken": "",
            })
        );
    }

    #[test]
    fn filters_choose_by_type_tag_and_arn() {
        let mut region = region(3);
        let arn = "arn:aws:ecr:eu-central-1:123456789012:repository/r002";
        for (input, expected) in [
            (json!({"ResourceTypeFilters": ["ecs:service"]}), vec![]),
            (json!({"ResourceTypeFilters": ["ecs:service", "ecr:repository"]}), vec!["r000", "r001", "r002"]),
            (json!({"ResourceTypeFilters": ["ecr"]}), vec!["r000", "r001", "r002"]),
            (
                json!({"TagFilters": [{"Key": "owner"}, {"Key": "n", "Values": ["1", "2"]}]}),
                vec!["r001", "r002"],
            ),
            (json!({"TagFilters": [{"Key": "owner", "Values": ["x"]}]}), vec![]),
            (json!({"ResourceARNList": [arn]}), vec!["r002"]),
        ] {
            assert_eq!(names(&ask(&mut region, input).unwrap()), expected);
        }
    }

    #[test]
    fn a_region_comes_in_pages() {
        let mut region = region(120);
        let (mut sizes, mut token) = (Vec::new(), json!(""));
        loop {
            let page = ask(&mut region, json!({"ResourcesPerPage": 100, "PaginationToken": token})).unwrap();
            sizes.push(names(&page).len());
            token = page["PaginationToken"].clone();
            if token == "" {
                break;
            }
        }
        assert_eq!(sizes, [100, 20]);
    }

    #[test]
    fn what_is_new_or_changed_comes_late_and_what_is_deleted_is_gone() {
        let mut region = region(2);
        let all = |region: &mut Region, now: f64| {
            let input = json!({"ResourceTypeFilters": ["ecr"]});
            answer(region, &call().at(now), "GetResources", input.as_object().unwrap()).unwrap()
        };
        assert_eq!(names(&all(&mut region, 2.9)), [""; 0]);
        assert_eq!(names(&all(&mut region, 3.0)), ["r000", "r001"]);
        let arn = "arn:aws:ecr:eu-central-1:123456789012:repository/r000";
        for (operation, input) in [
            ("TagResource", json!({"resourceArn": arn, "tags": [{"Key": "n", "Value": "new"}]})),
            ("DeleteRepository", json!({"repositoryName": "r001"})),
        ] {
            ecr::answer(&mut region, &call().at(10.0), operation, input.as_object().unwrap()).unwrap();
        }
        for (now, value) in [(12.9, "0"), (13.0, "new")] {
            let answer = all(&mut region, now);
            assert_eq!(names(&answer), ["r000"]);
            assert_eq!(answer["ResourceTagMappingList"][0]["Tags"][0]["Value"], value);
        }
    }

    #[test]
    fn the_pages_of_a_listing_are_of_one_moment() {
        let mut region = region(120);
        let first = ask(&mut region, json!({"ResourcesPerPage": 100})).unwrap();
        let gone = json!({"repositoryName": "r119"});
        ecr::answer(&mut region, &later(), "DeleteRepository", gone.as_object().unwrap()).unwrap();
        let input = json!({"ResourcesPerPage": 100, "PaginationToken": first["PaginationToken"]});
        let ask_at = |region: &mut Region, now: f64| {
            answer(region, &call().at(now), "GetResources", input.as_object().unwrap()).unwrap()
        };
        assert_eq!(names(&ask_at(&mut region, LATE + 1.0)).len(), 20);
        assert_eq!(names(&ask_at(&mut region, LATE + PAGED)).len(), 19);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (input, code) in [
            (json!({"ResourcesPerPage": 101}), "InvalidParameterException"),
            (
                json!({"ResourceARNList": ["a"], "TagFilters": [{"Key": "owner"}]}),
                "InvalidParameterException",
            ),
            (json!({"PaginationToken": "x"}), "PaginationTokenExpiredException"),
        ] {
            assert_eq!(ask(&mut region(1), input).unwrap_err().code, code);
        }
    }

    #[test]
    fn keys_and_values_are_listed_once() {
        let mut region = region(2);
        let keys = answer(&mut region, &later(), "GetTagKeys", &Document::new()).unwrap();
        assert_eq!(keys["TagKeys"], json!(["n", "owner"]));
        let input = json!({"Key": "owner"});
        let values = answer(&mut region, &later(), "GetTagValues", input.as_object().unwrap()).unwrap();
        assert_eq!(values["TagValues"], json!([""]));
    }

    #[test]
    fn an_unknown_operation_gets_an_honest_error() {
        let refusal = answer(&mut region(0), &call(), "TagResources", &Document::new()).unwrap_err();
        assert_eq!(refusal.code, "UnknownOperationException");
    }
}
