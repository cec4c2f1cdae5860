//! Operations that answer in pages.
//!
//! The token's and the size's names are the API's ([`Api::paging_members`]); the largest page is
//! always asked for, because calls are what is scarce. A service that gives the same token twice
//! is an error, not an endless loop. Tests: here.
//!
//! [`Api::paging_members`]: super::operation::Api::paging_members

use futures::stream::{Stream, TryStreamExt, try_unfold};
use serde_json::{Map, Value};

use super::Aws;
use super::answer::Attempt;
use super::error::{CallError, ErrorKind};
use super::operation::Operation;

/// With these the caller names what it wants, and AWS refuses a page size beside them.
const NAMING: [&str; 3] = ["repositoryNames", "imageIds", "ResourceARNList"];

impl Aws {
    /// The pages of a list, each fetched when it is asked for.
    pub fn pages<'a>(
        &'a self,
        region: &'a str,
        operation: Operation,
        input: Value,
    ) -> impl Stream<Item = Result<Map<String, Value>, CallError>> + 'a {
        let (token, _) = operation.api().paging_members();
        let first = sized(operation, input);
        try_unfold(Some(first), move |input: Option<Value>| async move {
            let Some(mut input) = input else { return Ok(None) };
            let page = self.call(region, operation, &input).await?.document;
            let next =
                page.get(token).filter(|next| next.as_str().is_some_and(|next| !next.is_empty())).cloned();
            let Some(next) = next else { return Ok(Some((page, None))) };
            if input[token] == next {
                let attempt = Attempt { operation, region, input: &input };
                let message = format!("the same `{token}` came twice");
                return Err(attempt.error(ErrorKind::Garbage, "EndlessPages", &message));
            }
            input[token] = next;
            Ok(Some((page, Some(input))))
        })
    }

    /// The items of `member` over all pages.
    pub async fn collect(
        &self,
        region: &str,
        operation: Operation,
        input: Value,
        member: &str,
    ) -> Result<Vec<Value>, CallError> {
        self.pages(region, operation, input)
            .try_fold(Vec::new(), async |mut items, mut page| {
                if let Some(Value::Array(more)) = page.get_mut(member) {
                    items.append(more);
                }
                Ok(items)
            })
            .await
    }
}

/// The input with the largest page size, unless the caller has chosen one or AWS allows none.
fn sized(operation: Operation, input: Value) -> Value {
    let mut input = match input {
        Value::Object(input) => input,
        _ => Map::new(),
    };
    let (_, size) = operation.api().paging_members();
    if let Some(page) = operation.page_size()
        && !NAMING.iter().any(|naming| input.contains_key(*naming))
    {
        input.entry(size).or_insert(page.into());
    }
    Value::Object(input)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::wire_tests::{Scripted, ok};

    const REGION: &str = "eu-central-1";

    #[tokio::test(start_paused = true)]
    async fn the_items_of_all_pages_come_in_order_and_the_largest_page_is_asked_for() {
        let pages = [
            json!({"serviceArns": ["a", "b"], "nextToken": "t1"}),
            json!({"serviceArns": [], "nextToken": "t2"}),
            json!({"serviceArns": ["c"], "nextToken": ""}),
        ];
        let (other, aws) = Scripted::new(pages.iter().map(ok)).await;
        let input = json!({"cluster": "shop"});
        let items = aws.collect(REGION, Operation::ListServices, input, "serviceArns").await.unwrap();
        assert_eq!(items, ["a", "b", "c"]);
        assert_eq!(
            other.bodies(),
            [
                json!({"cluster": "shop", "maxResults": 100}),
                json!({"cluster": "shop", "maxResults": 100, "nextToken": "t1"}),
                json!({"cluster": "shop", "maxResults": 100, "nextToken": "t2"}),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_api_pages_with_its_own_members() {
        let (other, aws) = Scripted::new([
            ok(&json!({"ScalingPolicies": [1], "NextToken": "n"})),
            ok(&json!({"ScalingPolicies": [2]})),
            ok(&json!({"ResourceTagMappingList": [3], "PaginationToken": ""})),
            ok(&json!({"repositories": [4]})),
        ])
        .await;
        let policies = aws.collect(REGION, Operation::DescribeScalingPolicies, json!({}), "ScalingPolicies");
        assert_eq!(policies.await.unwrap(), [1, 2]);
        let tagged = aws.collect(REGION, Operation::GetResources, json!({}), "ResourceTagMappingList");
        assert_eq!(tagged.await.unwrap(), [3]);
        let named = json!({"repositoryNames": ["a"]});
        let repositories =
            aws.collect(REGION, Operation::DescribeRepositories, named.clone(), "repositories");
        assert_eq!(repositories.await.unwrap(), [4]);
        assert_eq!(
            other.bodies(),
            [
                json!({"MaxResults": 10}),
                json!({"MaxResults": 10, "NextToken": "n"}),
                json!({"ResourcesPerPage": 100}),
                named,
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_page_is_one_page_and_a_chosen_size_stays() {
        let (other, aws) = Scripted::new([ok(&json!({"services": [1]}))]).await;
        let services = aws.collect(REGION, Operation::DescribeServices, json!({}), "services").await;
        assert_eq!(services.unwrap(), [1]);
        aws.collect(REGION, Operation::ListTasks, json!({"maxResults": 5}), "taskArns").await.unwrap();
        assert_eq!(other.bodies(), [json!({}), json!({"maxResults": 5})]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_comes_twice_is_an_error_and_not_a_loop() {
        let (other, aws) = Scripted::new([ok(&json!({"taskArns": ["a"], "nextToken": "t"}))]).await;
        let error = aws.collect(REGION, Operation::ListTasks, json!({}), "taskArns").await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str(), other.count()), (ErrorKind::Garbage, "EndlessPages", 2));
    }
}
