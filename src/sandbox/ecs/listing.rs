//! Answers in pages, answers of what was named and is there or MISSING, and the reading of `include`.

use serde_json::{Value, json};

use super::words::{failure, invalid};
use crate::sandbox::{Document, Refusal, field, page};

/// The page of `items` (by key) that the input asks for, as `{list: […], "nextToken": …}`.
pub fn paged(
    input: &Document,
    list: &str,
    items: impl IntoIterator<Item = (String, Value)>,
    (default, most): (i64, i64),
) -> Result<Value, Refusal> {
    let size = field::integer(input, "maxResults").unwrap_or(default);
    if !(1..=most).contains(&size) {
        return Err(invalid(format!("maxResults must be between 1 and {most}.")));
    }
    let token = field::text(input, "nextToken").filter(|token| !token.is_empty());
    let page = page::page(items, token, usize::try_from(size).unwrap_or(usize::MAX))
        .ok_or_else(|| invalid("Invalid token."))?;
    let mut answer = json!({list: page.items});
    if let Some(next) = page.next {
        answer["nextToken"] = Value::String(next);
    }
    Ok(answer)
}

/// Items whose key is what is answered: ARNs.
pub fn arns<'a>(arns: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = (String, Value)> {
    arns.into_iter().map(|arn| (arn.to_owned(), Value::String(arn.to_owned())))
}

/// Whether the input asks for a part that is only answered on request.
pub fn includes(input: &Document, part: &str) -> bool {
    field::texts(input, "include").contains(&part)
}

/// What is found of the names, as `{list: […], "failures": […]}`: a name that is not there is no
/// error, but a failure with its ARN.
pub fn described(
    list: &str,
    names: &[&str],
    find: impl Fn(&str) -> Option<Value>,
    arn: impl Fn(&str) -> String,
) -> Value {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        if let Some(answer) = find(name) {
            found.push(answer);
        } else {
            failures.push(failure(&arn(name), "MISSING"));
        }
    }
    json!({list: found, "failures": failures})
}

/// The same for what is named by 1 to 20 ARNs.
pub fn of_arns(
    input: &Document,
    arns: &str,
    list: &str,
    find: impl Fn(&str) -> Option<Value>,
) -> Result<Value, Refusal> {
    let arns = field::texts(input, arns);
    if arns.is_empty() || arns.len() > 20 {
        return Err(invalid("Between 1 and 20 ARNs must be specified."));
    }
    Ok(described(list, &arns, find, str::to_owned))
}
