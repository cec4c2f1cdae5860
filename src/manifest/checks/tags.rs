//! Tags: their number, letters and lengths, and the prefixes that are not for people.
//!
//! Tests: at the end of this file.

use super::Finding;
use super::node::{Node, repeated};
use crate::model::names::{GROUP, Kind};

/// AWS takes 50; three are the operator's own.
const MOST: usize = 50 - 3;

/// Where a kind has tags, and how many there may be.
fn places(kind: Kind) -> &'static [(&'static str, usize)] {
    const VOLUME: &str = "service.volumeConfigurations[].managedEBSVolume.tagSpecifications[].tags";
    match kind {
        Kind::EcsService => &[("service.tags", MOST), ("taskDefinition.tags", MOST), (VOLUME, 50)],
        _ => &[("tags", MOST)],
    }
}

pub(super) fn check(kind: Kind, spec: &Node, out: &mut Vec<Finding>) {
    for (pattern, most) in places(kind) {
        for list in spec.find(pattern) {
            let tags = list.elements();
            if tags.len() > *most {
                let message = format!("{} tags, and {most} are allowed", tags.len());
                out.push(Finding::error(&list, message).hint(if *most == MOST {
                    "AWS takes 50; 3 are the operator's own"
                } else {
                    "AWS takes 50"
                }));
            }
            for (tag, first) in repeated(&tags, |tag| tag.str("key")) {
                let key = tag.str("key").unwrap_or_default();
                out.push(
                    Finding::error(&tag.at("key"), format!("the tag `{key}` is given twice")).related(&first),
                );
            }
            for tag in &tags {
                limits(tag, out);
            }
        }
    }
}

fn limits(tag: &Node, out: &mut Vec<Finding>) {
    let (key, value) = (tag.at("key"), tag.at("value"));
    let Some(name) = key.value().and_then(|key| key.as_str()) else {
        out.push(Finding::error(tag, "the tag has no `key`"));
        return;
    };
    let reserved = ["aws:", &format!("{GROUP}/")]
        .into_iter()
        .find(|prefix| name.to_lowercase().starts_with(*prefix))
        .map(str::to_owned);
    if let Some(prefix) = reserved {
        let message = format!("the prefix `{prefix}` of the tag `{name}` is reserved");
        out.push(Finding::error(&key, message).hint("choose a key without this prefix"));
    }
    if name.is_empty() || name.chars().count() > 128 {
        let message =
            format!("a tag's key has 1 to 128 characters, and this one has {}", name.chars().count());
        out.push(Finding::error(&key, message));
    }
    let text = value.text().unwrap_or_default();
    if text.chars().count() > 256 {
        let message =
            format!("a tag's value has at most 256 characters, and this one has {}", text.chars().count());
        out.push(Finding::error(&value, message));
    }
    for (node, text) in [(&key, name), (&value, text)] {
        let foreign = text.chars().find(|letter| !is_tag_letter(*letter));
        if let Some(letter) = foreign.filter(|_| !super::names::is_template(text)) {
            out.push(
                Finding::error(node, format!("a tag cannot contain `{}`", letter.escape_debug()))
                    .hint("letters, digits, spaces and `_ . : / = + - @` are allowed"),
            );
        }
    }
}

fn is_tag_letter(letter: char) -> bool {
    letter.is_alphanumeric()
        || "_.:/=+-@".contains(letter)
        || (letter.is_whitespace() && !letter.is_control())
        // Marks that belong to letters, as in scripts of South Asia, are left to AWS.
        || (!letter.is_ascii() && !letter.is_control())
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::lines;
    use crate::model::names::Kind;
    use serde_json::{Value, json};

    fn errors(tags: Value) -> Vec<String> {
        lines(Kind::EcsCluster, &json!({"clusterName": "shop", "tags": tags}))
    }

    #[test]
    fn ordinary_tags_pass() {
        let tags = json!([{"key": "Env", "value": "prod"}, {"key": "team/owner:x", "value": "a+b=c @ Köln"}, {"key": "empty", "value": ""}]);
        assert_eq!(errors(tags), [""; 0]);
        let many: Vec<_> = (0..47).map(|n| json!({"key": n.to_string(), "value": ""})).collect();
        assert_eq!(errors(json!(many)), [""; 0]);
    }

    #[test]
    fn tags_over_their_limits_are_errors() {
        let many: Vec<_> = (0..48).map(|n| json!({"key": n.to_string(), "value": ""})).collect();
        for (tags, place, words) in [
            (json!(many), "tags:", "48 tags"),
            (json!([{"key": "a", "value": ""}, {"key": "a", "value": "x"}]), "tags[1].key:", "given twice"),
            (json!([{"key": "AWS:x", "value": ""}]), "tags[0].key:", "prefix `aws:`"),
            (json!([{"key": "ecs-operator.dev/owner", "value": ""}]), "tags[0].key:", "is reserved"),
            (json!([{"key": "", "value": ""}]), "tags[0].key:", "1 to 128"),
            (json!([{"key": "k".repeat(129), "value": ""}]), "tags[0].key:", "1 to 128"),
            (json!([{"key": "k", "value": "v".repeat(257)}]), "tags[0].value:", "256"),
            (json!([{"key": "k", "value": "a;b"}]), "tags[0].value:", "`;`"),
        ] {
            let found = errors(tags);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(place) && found[0].contains(words), "{found:?}");
        }
    }
}
