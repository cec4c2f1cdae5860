//! Calls by documents in the crate's spelling, and what their answers say of the things asked for.

use super::ReadCache;
use crate::aws::{Api, Aws, CallError, Operation};
use crate::model::described::tag_map;
use crate::model::desired::Document;
use crate::model::document::{from_wire, to_wire};
use crate::model::facts::{self, OperationFacts};
use crate::model::observed::{Resource, Sighting};
use futures::stream::TryStreamExt;
use serde_json::{Map, Value};
use std::pin::pin;

/// Calls of one kind that are under way or wait for the call budget, in one Region. It is the budget that bounds
/// the rate: this is more than its fastest bucket lets go while a slow call is answered.
pub(super) const AT_ONCE: usize = 100;

/// Up to this many calls nobody looks for a way of fewer.
const FEW: usize = 4;

/// Reads of one Region.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub aws: &'a Aws,
    pub region: &'a str,
}

impl Reader<'_> {
    /// One call.
    pub async fn one(&self, operation: Operation, input: Value) -> Result<Document, CallError> {
        let facts = facts_of(operation);
        let input = spelled(facts.and_then(|facts| facts.input), &input, to_wire);
        let answer = self.aws.call(self.region, operation, &input).await?;
        let answer =
            spelled(facts.and_then(|facts| facts.output), &Value::Object(answer.document), from_wire);
        Ok(as_document(answer))
    }

    /// All pages of a list: the elements of `member`.
    pub async fn all(
        &self,
        operation: Operation,
        input: Value,
        member: &str,
    ) -> Result<Vec<Document>, CallError> {
        let whole = self.within(usize::MAX, operation, input, member).await?;
        Ok(whole.map(|(elements, _)| elements).unwrap_or_default())
    }

    /// The same with the number of its pages; nothing when there are more than `most`.
    pub async fn within(
        &self,
        most: usize,
        operation: Operation,
        input: Value,
        member: &str,
    ) -> Result<Option<(Vec<Document>, usize)>, CallError> {
        let facts = facts_of(operation);
        let input = spelled(facts.and_then(|facts| facts.input), &input, to_wire);
        let list = facts.and_then(|facts| facts.output).and_then(|output| output.shape().member(member));
        let wire = list.map_or(member, |list| list.wire.as_str());
        let element = list.and_then(|list| list.shape().element());
        let respelled =
            |value: &Value| element.map_or_else(|| value.clone(), |shape| from_wire(shape, value));
        let (token, _) = operation.api().paging_members();
        let (mut elements, mut count) = (Vec::new(), 0);
        let mut pages = pin!(self.aws.pages(self.region, operation, input));
        while let Some(page) = pages.try_next().await? {
            count += 1;
            let found = page.get(wire).and_then(Value::as_array).into_iter().flatten();
            elements.extend(found.map(respelled).map(as_document));
            let more = page.get(token).and_then(Value::as_str).is_some_and(|next| !next.is_empty());
            if more && count == most {
                return Ok(None);
            }
        }
        Ok(Some((elements, count)))
    }

    /// All that the account has of a list, where that needs fewer than the `calls` of asking for each thing by
    /// name; otherwise nothing. How long the list is nobody tells: its pages are tried for as many calls, and what
    /// came of it is remembered.
    pub async fn if_fewer(
        &self,
        calls: usize,
        cache: &ReadCache,
        operation: Operation,
        input: Value,
        member: &str,
    ) -> Option<Result<Vec<Document>, CallError>> {
        let known = cache.pages(self.region, operation);
        if calls <= FEW || known.is_some_and(|pages| pages >= calls) {
            return None;
        }
        match self.within(calls, operation, input, member).await {
            Ok(Some((all, pages))) => {
                cache.keep_pages(self.region, operation, pages);
                Some(Ok(all))
            }
            Ok(None) => {
                cache.keep_pages(self.region, operation, calls + 1);
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
}

fn facts_of(operation: Operation) -> Option<&'static OperationFacts> {
    let api = match operation.api() {
        Api::Ecs => "ecs",
        Api::Ecr => "ecr",
        Api::Autoscaling => "application-autoscaling",
        Api::Tagging => "resourcegroupstaggingapi",
        Api::Sts => return None,
    };
    facts::operation(api, operation.name())
}

fn spelled(
    shape: Option<facts::ShapeId>,
    value: &Value,
    respell: fn(&facts::Shape, &Value) -> Value,
) -> Value {
    shape.map_or_else(|| value.clone(), |shape| respell(shape.shape(), value))
}

pub(super) fn as_document(value: Value) -> Document {
    match value {
        Value::Object(document) => document,
        _ => Map::new(),
    }
}

/// A string member of a document.
pub(super) fn text<'a>(document: &'a Document, member: &str) -> &'a str {
    document.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The objects in a list member.
pub(super) fn each<'a>(document: &'a Document, member: &str) -> impl Iterator<Item = &'a Document> {
    let elements = document.get(member).and_then(Value::as_array);
    elements.into_iter().flatten().filter_map(Value::as_object)
}

/// The same, to keep.
pub(super) fn list(document: &Document, member: &str) -> Vec<Document> {
    each(document, member).cloned().collect()
}

/// A described resource: its ARN, its body without `events`, its tags.
pub(super) fn resource(mut body: Document, arn: &str) -> Resource {
    body.remove("events");
    let tags = tag_map(body.get("tags"));
    Resource { arn: text(&body, arn).to_owned(), body, tags, ..Resource::default() }
}

/// What an answer of a Describe call with `failures` says of `name`: found among `described`, MISSING, or nothing.
pub(super) fn sighting(
    answer: &Document,
    (described, arn): (&str, &str),
    is_it: impl Fn(&Document) -> bool,
    name: &str,
) -> Sighting<Resource> {
    if let Some(body) = each(answer, described).find(|body| is_it(body)) {
        return Sighting::Present(resource(body.clone(), arn));
    }
    let failure = each(answer, "failures").find(|failure| {
        let of = text(failure, "arn");
        of == name || of.rsplit('/').next() == Some(name)
    });
    match failure {
        Some(failure) if text(failure, "reason") == "MISSING" => Sighting::Absent,
        Some(failure) => Sighting::Unreadable(format!(
            "AWS answered {} for it: {}",
            text(failure, "reason"),
            text(failure, "detail")
        )),
        None => Sighting::Unreadable("AWS's answer does not mention it".to_owned()),
    }
}
