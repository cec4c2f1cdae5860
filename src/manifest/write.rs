//! Manifests as YAML, in block style, as people write it: strings quoted only where they must be.
//!
//! What is written reads back equal, here and in any other YAML 1.1 or 1.2 reader. Tests: at the end, as a
//! property over any value.

use super::yaml::is_number;
use crate::model::desired::Document;
use crate::model::names::{GROUP, Kind, VERSION};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A manifest that was made, not read.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub kind: Kind,
    /// `metadata.name`.
    pub name: String,
    pub annotations: BTreeMap<String, String>,
    pub spec: Document,
}

/// Manifests as one text of several documents.
pub fn manifests(drafts: &[Draft]) -> String {
    drafts.iter().map(manifest).collect::<Vec<_>>().join("---\n")
}

/// One manifest.
pub fn manifest(draft: &Draft) -> String {
    let mut metadata = json!({"name": draft.name});
    if !draft.annotations.is_empty() {
        metadata["annotations"] = json!(draft.annotations);
    }
    yaml(&json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": draft.kind.name(),
        "metadata": metadata,
        "spec": draft.spec,
    }))
}

/// Any JSON value as YAML.
pub fn yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => map(members, 0, &mut text),
        Value::Array(items) if !items.is_empty() => list(items, 0, &mut text),
        _ => {
            scalar(value, 0, &mut text);
            text.push('\n');
        }
    }
    text
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', depth));
}

/// The members of a map; the first stands where the text ends.
fn map(members: &Document, depth: usize, text: &mut String) {
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 || text.ends_with('\n') {
            indent(depth, text);
        }
        string(name, text);
        text.push(':');
        match value {
            Value::Object(members) if !members.is_empty() => {
                text.push('\n');
                map(members, depth + 2, text);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                list(items, depth + 2, text);
            }
            _ => {
                text.push(' ');
                scalar(value, depth + 2, text);
                text.push('\n');
            }
        }
    }
}

fn list(items: &[Value], depth: usize, text: &mut String) {
    for (at, value) in items.iter().enumerate() {
        if at > 0 || text.ends_with('\n') || text.is_empty() {
            indent(depth, text);
        }
        text.push_str("- ");
        match value {
            Value::Object(members) if !members.is_empty() => map(members, depth + 2, text),
            Value::Array(items) if !items.is_empty() => list(items, depth + 2, text),
            _ => {
                scalar(value, depth + 2, text);
                text.push('\n');
            }
        }
    }
}

fn scalar(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::String(content) if is_block(content) => block(content, depth.max(2), text),
        Value::String(content) => string(content, text),
        Value::Number(number) => text.push_str(&plain_number(number)),
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        Value::Null | Value::Bool(_) => text.push_str(&value.to_string()),
    }
}

/// 70.0 is written as 70: the shape knows that it is a double.
fn plain_number(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Several lines without anything that a literal block cannot hold.
fn is_block(content: &str) -> bool {
    let lines = content.trim_end_matches('\n');
    lines.contains('\n')
        && !content.starts_with([' ', '\n'])
        && content.len() - lines.len() <= 1
        && content.chars().all(|letter| letter == '\n' || is_printable(letter))
        && lines.lines().all(|line| !line.ends_with(' '))
}

fn block(content: &str, depth: usize, text: &mut String) {
    text.push_str(if content.ends_with('\n') { "|" } else { "|-" });
    for line in content.trim_end_matches('\n').split('\n') {
        text.push('\n');
        if !line.is_empty() {
            indent(depth, text);
            text.push_str(line);
        }
    }
}

/// What can stand in YAML as it is. The line ends of other standards cannot: readers differ about them.
fn is_printable(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a1}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

fn string(content: &str, text: &mut String) {
    if is_plain(content) {
        text.push_str(content);
    } else if content.chars().all(is_printable) && (content.contains('"') || content.contains('\\')) {
        let _ = write!(text, "'{}'", content.replace('\'', "''"));
    } else {
        text.push('"');
        for letter in content.chars() {
            match letter {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                letter if is_printable(letter) => text.push(letter),
                letter if u32::from(letter) < 0x1_0000 => {
                    let _ = write!(text, "\\u{:04X}", u32::from(letter));
                }
                letter => {
                    let _ = write!(text, "\\U{:08X}", u32::from(letter));
                }
            }
        }
        text.push('"');
    }
}

/// Words that some reader takes for something else than a string.
const WORDS: [&str; 11] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", "<<"];

/// Whether a string stands for itself without quotes, in every version of YAML.
fn is_plain(content: &str) -> bool {
    let Some(first) = content.chars().next() else { return false };
    let starts_well = first.is_ascii_alphabetic() || first == '/' || first == '_' || first == '.' || first.is_ascii_digit();
    let letters = |letter: char| letter.is_ascii_alphanumeric() || " -_./:@()+=,$".contains(letter);
    let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(content));
    // Numbers of YAML 1.1 have `_` and `:` too, and dates begin with digits.
    let numeric = |letter: char| letter.is_ascii_hexdigit() || "_:.+-xoXOTZ ".contains(letter);
    let looks_numeric = (first.is_ascii_digit() || first == '.') && content.chars().all(numeric);
    starts_well
        && content.chars().all(letters)
        && !content.ends_with([' ', ':'])
        && !content.contains(": ")
        && !is_word
        && !is_number(content)
        && !looks_numeric
        && !content.to_ascii_lowercase().starts_with(".inf")
        && !content.to_ascii_lowercase().starts_with(".nan")
        && !content.starts_with("...")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml::parse;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[a-z0-9 :#.,_'\"\\\\{}\\[\\]&*!|>%@`-]{0,12}",
            "[0-9xoe+._:-]{1,8}",
            "([a-z ]{0,4}\n){0,4}[a-z ]{0,4}",
            proptest::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e6..1e6f64).prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((text.clone(), inner), 0..5).prop_map(|members| members.into_iter().collect::<Document>().into()),
            ]
        })
    }

    /// A name that is a comment to us may stand twice, and `<<` written out is a string: both read back.
    fn same(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            (Value::Array(one), Value::Array(other)) => one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other)),
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len() && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
            }
            _ => one == other,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_equal(value in any_value()) {
            let text = yaml(&value);
            let (documents, problems) = parse("a.yaml", &text);
            prop_assert!(problems.is_empty(), "{}\n{text}", problems[0]);
            prop_assert_eq!(documents.len(), 1);
            prop_assert!(same(&value, &documents[0].to_json()), "{}\n{}", value, text);
        }

        #[test]
        fn another_reader_reads_the_same(value in any_value()) {
            let text = yaml(&value);
            let read: Value = serde_saphyr::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert!(same(&value, &read), "{}\n{}", value, text);
        }
    }

    #[test]
    fn a_manifest_looks_as_people_write_it() {
        let spec = json!({
            "service": {"cluster": "shop", "desiredCount": 2},
            "taskDefinition": {
                "cpu": "256",
                "containerDefinitions": [{"name": "web", "image": "nginx:1.27", "command": ["sh", "-c", "a\nb\n"], "environment": []}],
            },
            "autoscaling": {"targetValue": 70.0},
        });
        let annotations = [("ecs-operator.dev/adopt".to_owned(), "true".to_owned())].into();
        let draft = Draft { kind: Kind::EcsService, name: "web".to_owned(), annotations, spec: spec.as_object().unwrap().clone() };
        assert_eq!(
            manifest(&draft),
            "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata:\n  name: web\n  annotations:\n    \
             ecs-operator.dev/adopt: \"true\"\nspec:\n  service:\n    cluster: shop\n    desiredCount: 2\n  taskDefinition:\n    \
             cpu: \"256\"\n    containerDefinitions:\n      - name: web\n        image: nginx:1.27\n        command:\n          \
             - sh\n          - \"-c\"\n          - |\n            a\n            b\n        environment: []\n  autoscaling:\n    \
             targetValue: 70\n"
        );
    }
}
