//! Manifests written as people would write them: block style, short lists on one line, quotes only where a YAML 1.1
//! or YAML 1.2 reader would otherwise see something else than the string.
//!
//! What is written reads back equal: a property test at the end holds that against the reader.

use crate::model::desired::Document;
use crate::model::names::{GROUP, Kind, VERSION};
use serde_json::{Number, Value, json};

/// Lists of scalars that end before this column stand on one line.
const WIDTH: usize = 80;
/// YAML reads no longer key before a plain `:`.
const LONGEST_KEY: usize = 1000;

/// One manifest, without a `---` before it.
pub fn yaml(
    kind: Kind,
    name: &str,
    namespace: Option<&str>,
    annotations: &[(String, String)],
    spec: &Document,
) -> String {
    let mut metadata = Document::new();
    metadata.insert("name".to_owned(), json!(name));
    metadata.extend(namespace.map(|namespace| ("namespace".to_owned(), json!(namespace))));
    if !annotations.is_empty() {
        let annotations: Document =
            annotations.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
    }
    let mut manifest = Document::new();
    manifest.insert("apiVersion".to_owned(), json!(format!("{GROUP}/{VERSION}")));
    manifest.insert("kind".to_owned(), json!(kind.name()));
    manifest.insert("metadata".to_owned(), Value::Object(metadata));
    manifest.insert("spec".to_owned(), Value::Object(spec.clone()));
    document(&manifest)
}

/// A YAML document of any content.
pub fn document(document: &Document) -> String {
    if document.is_empty() {
        return "{}\n".to_owned();
    }
    let mut text = String::new();
    members(document, 0, &mut text);
    text
}

/// The members of a mapping, one a line, each after `indent` spaces. The first line's indent is the caller's where
/// it has begun a line (`- `).
fn members(document: &Document, indent: usize, out: &mut String) {
    for (name, value) in document {
        begin_line(indent, out);
        let name = scalar(name, false);
        if name.chars().count() > LONGEST_KEY {
            out.push_str("? ");
            out.push_str(&name);
            out.push('\n');
            begin_line(indent, out);
        } else {
            out.push_str(&name);
        }
        out.push(':');
        below(value, indent, out);
    }
}

/// A value after `name:`.
fn below(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            out.push('\n');
            members(inner, indent + 2, out);
        }
        Value::Array(list) if !list.is_empty() && one_line(list, column(out) + 1).is_none() => {
            out.push('\n');
            elements(list, indent + 2, out);
        }
        value => {
            out.push(' ');
            leaf(value, indent, out);
        }
    }
}

fn elements(list: &[Value], indent: usize, out: &mut String) {
    for element in list {
        begin_line(indent, out);
        out.push_str("- ");
        match element {
            Value::Object(inner) if !inner.is_empty() => members(inner, indent + 2, out),
            Value::Array(inner) if !inner.is_empty() && one_line(inner, column(out)).is_none() => {
                elements(inner, indent + 2, out);
            }
            value => leaf(value, indent, out),
        }
    }
}

/// What stands on the line of its name: a scalar, an empty or a short list. `indent` is the line's own.
fn leaf(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(_) => out.push_str("{}"),
        Value::Array(list) => out.push_str(&one_line(list, column(out)).unwrap_or_else(|| "[]".to_owned())),
        Value::String(text) if is_block(text) => return block(text, indent + 2, out),
        other => out.push_str(&plain(other, false)),
    }
    out.push('\n');
}

/// Spaces, unless the line has begun with `- `.
fn begin_line(indent: usize, out: &mut String) {
    if out.is_empty() || out.ends_with('\n') {
        out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// How many characters the last line has.
fn column(out: &str) -> usize {
    out.rsplit('\n').next().unwrap_or_default().chars().count()
}

/// `[a, b]` for scalars that fit on a line when it begins at `column`.
fn one_line(list: &[Value], column: usize) -> Option<String> {
    let is_scalar = |value: &Value| match value {
        Value::Object(_) | Value::Array(_) => false,
        Value::String(text) => !text.contains('\n'),
        _ => true,
    };
    if !list.iter().all(is_scalar) {
        return None;
    }
    let scalars: Vec<String> = list.iter().map(|value| plain(value, true)).collect();
    let line = format!("[{}]", scalars.join(", "));
    (column + line.chars().count() < WIDTH).then_some(line)
}

fn plain(value: &Value, in_flow: bool) -> String {
    match value {
        Value::String(text) => scalar(text, in_flow),
        Value::Number(found) => number(found),
        other => other.to_string(),
    }
}

/// YAML 1.1 knows an exponent only with a point before it and a sign in it.
fn number(number: &Number) -> String {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// A string: plain where that is unmistakable, else quoted.
fn scalar(text: &str, in_flow: bool) -> String {
    if is_plain(text, in_flow) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str, in_flow: bool) -> bool {
    let flow = |letter: char| in_flow && ",[]{}?".contains(letter);
    let mut letters = text.chars();
    let starts = match (letters.next(), letters.next()) {
        (Some('-'), Some(next)) => next.is_alphanumeric() || next == '-',
        (Some(first), _) => first.is_alphanumeric() || "/._$(+\\^;".contains(first),
        (None, _) => false,
    };
    starts
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(|letter| is_escaped(letter) || flow(letter))
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !means_something(text)
}

/// Whether a reader of YAML 1.1 or 1.2 takes the word for a null, a boolean, a number or a time.
fn means_something(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return true;
    }
    let number = text.trim_start_matches(['+', '-']).to_ascii_lowercase().replace('_', "");
    let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    let starts = number.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let based = ["0x", "0o", "0b"].iter().any(|base| number.starts_with(base));
    // Also 1.27.3, which the floats of YAML 1.1 include, and 1:30, which is 90 there.
    let dotted = number.chars().all(|letter| letter.is_ascii_digit() || ".:".contains(letter));
    let date = number.len() >= 8 && digits(&number[..number.find('-').unwrap_or(0)]) && number.contains('-');
    starts
        && (based
            || dotted
            || date && number.find('-') == Some(4)
            || number.parse::<f64>().is_ok()
            || [".inf", ".nan"].contains(&number.as_str()))
}

/// What must not stand in a file as it is: controls, and what nobody sees or what turns the reading direction.
fn is_escaped(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(letter, '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e000}'..='\u{f8ff}')
        || letter as u32 & 0xfffe == 0xfffe
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            letter if is_escaped(letter) => out.push_str(&escape(letter)),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn escape(letter: char) -> String {
    let code = letter as u32;
    if code > 0xffff { format!("\\U{code:08X}") } else { format!("\\u{code:04X}") }
}

/// Whether a block of lines says the string exactly and survives editors: no line ends or begins in white space.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_sound = |line: &str| {
        !line.chars().any(is_escaped) && !line.ends_with(' ') && (line.is_empty() || !line.trim().is_empty())
    };
    text.contains('\n')
        && !body.is_empty()
        && !body.starts_with([' ', '\n'])
        && !body.ends_with('\n')
        && body.split('\n').all(is_sound)
}

fn block(text: &str, indent: usize, out: &mut String) {
    let (body, head) = text.strip_suffix('\n').map_or((text, "|-\n"), |body| (body, "|\n"));
    out.push_str(head);
    for line in body.split('\n') {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn a_manifest_reads_as_people_write_it() {
        let spec = json!({
            "service": {"cluster": "shop", "tags": [], "enableExecuteCommand": true},
            "taskDefinition": {
                "cpu": "256", "volumes": [{"name": "data", "host": {}}],
                "containerDefinitions": [{
                    "name": "web", "image": "public.ecr.aws/nginx/nginx:1.27", "command": ["sh", "-c", "echo hi"],
                    "environment": [{"name": "DEBUG", "value": "no"}, {"name": "SCRIPT", "value": "set -e\n\nrun it\n"}],
                    "dockerLabels": {"": "a: b", "on": "~"}
                }]
            }
        });
        let annotations = [("ecs-operator.dev/adopt".to_owned(), "true".to_owned())];
        let written = yaml(Kind::EcsService, "web", Some("prod"), &annotations, spec.as_object().unwrap());
        let expected = r#"apiVersion: ecs-operator.dev/v1alpha1
kind: EcsService
metadata:
  name: web
  namespace: prod
  annotations:
    ecs-operator.dev/adopt: "true"
spec:
  service:
    cluster: shop
    tags: []
    enableExecuteCommand: true
  taskDefinition:
    cpu: "256"
    volumes:
      - name: data
        host: {}
    containerDefinitions:
      - name: web
        image: public.ecr.aws/nginx/nginx:1.27
        command: [sh, -c, echo hi]
        environment:
          - name: DEBUG
            value: "no"
          - name: SCRIPT
            value: |
              set -e

              run it
        dockerLabels:
          "": "a: b"
          "on": "~"
"#;
        assert_eq!(written, expected);
        assert_eq!(read(&written)["spec"], spec);
    }

    #[test]
    fn strings_are_quoted_only_where_a_reader_could_take_them_for_something_else() {
        for plain in [
            "web",
            "nginx:1.27",
            "arn:aws:iam::123456789012:role/web",
            "10.0.0.0/16",
            "-c",
            "--port",
            "cron(0 20 * * ? *)",
            "$HOME/x",
            "subnet-0aa",
            "Größe",
            "2 GB",
            "0.5 vCPU",
            "a#b",
            "1.27-alpine",
            "eu-central-1",
            "1d",
            "don't",
        ] {
            assert_eq!(scalar(plain, false), plain);
        }
        for text in [
            "",
            "y",
            "No",
            "ON",
            "~",
            "null",
            "TRUE",
            "1",
            "0777",
            "0x1F",
            "0o7",
            "1e3",
            "1_000",
            "1.27",
            "1.27.3",
            "1:30",
            "-1",
            "+1",
            ".5",
            ".inf",
            "-.NaN",
            "2026-01-01",
            "2026-01-01T00:00:00Z",
            "a: b",
            "a #b",
            "a:",
            " a",
            "a ",
            "- a",
            "-",
            "---",
            "[a",
            "{a",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "'a'",
            "\"a\"",
            "#a",
            "?a",
            "a\tb",
            "a\u{0}b",
            "\u{feff}a",
            "a\u{2028}b",
            "=",
            "<<",
        ] {
            assert!(scalar(text, false).starts_with('"'), "{text:?} is written plain");
        }
        assert_eq!(scalar("a,b", true), "\"a,b\"");
    }

    #[test]
    fn only_exact_blocks_are_written_as_blocks() {
        for text in ["a\nb", "a\nb\n", "a\n  b\n\nc", "a\n# b\n---\nc\n", "x: {\n\"y\": 1\n}\n"] {
            let written = document(json!({"text": text, "list": [text]}).as_object().unwrap());
            assert!(written.contains("text: |") && written.contains("- |"), "{written}");
            assert_eq!(read(&written), json!({"text": text, "list": [text]}), "{written}");
        }
        for text in ["\na", " a\nb", "a \nb", "a\nb\n\n", "a\r\nb", "\n", "a\n\tb\u{7}"] {
            assert!(!is_block(text), "{text:?}");
        }
    }

    #[test]
    fn numbers_read_back_under_both_versions() {
        for (value, text) in
            [(json!(1e21), "1.0e+21"), (json!(1.5e-9), "1.5e-9"), (json!(-3), "-3"), (json!(60.0), "60.0")]
        {
            assert_eq!(plain(&value, false), text);
        }
    }

    /// Strings in which YAML's own signs are common.
    fn text() -> impl Strategy<Value = String> {
        let sign = prop::sample::select(vec![
            "a",
            "Z",
            "0",
            "1",
            "9",
            ".",
            "-",
            "+",
            "_",
            ":",
            " ",
            "  ",
            "#",
            "\n",
            "\t",
            "\r",
            ",",
            "[",
            "]",
            "{",
            "}",
            "&",
            "*",
            "!",
            "|",
            ">",
            "'",
            "\"",
            "%",
            "@",
            "`",
            "?",
            "=",
            "<",
            "~",
            "\\",
            "/",
            "e",
            "x",
            "o",
            "yes",
            "no",
            "null",
            "true",
            "é",
            "\u{1f600}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\u{0}",
            "\u{1b}",
            "\u{7f}",
            "---",
            "...",
            "2026-01-01",
        ]);
        prop_oneof![prop::collection::vec(sign, 0..8).prop_map(|signs| signs.concat()), any::<String>()]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((text(), inner), 0..5)
                    .prop_map(|members| members.into_iter().collect::<Document>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_equal(members in prop::collection::vec((text(), value()), 0..4)) {
            let written: Document = members.into_iter().collect();
            let text = document(&written);
            prop_assert_eq!(read(&text), Value::Object(written), "{}", text);
        }
    }
}
