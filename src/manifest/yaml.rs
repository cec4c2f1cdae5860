//! YAML (and JSON, which is YAML) to trees with places: many documents in one text, all problems of the syntax.
//!
//! It must answer every text quickly and never panic: depth, number of values and what aliases copy are
//! bounded. YAML 1.2's core schema decides what a plain scalar is, so `yes` is a string. A document with a
//! syntax error is left out, and reading goes on at the next `---`. Tests: at the end, and
//! `manifest/fuzz.rs` for everything that is not YAML.

use super::problem::{Problem, Report, Source};
use super::tree::{Entry, Mark, Node, Value, number};
use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Manifests nest about twelve deep; policies within them a few more.
const MOST_DEPTH: usize = 100;
/// Values in one text, with what aliases copy: a fleet of 5,000 services has a third of that.
const MOST_VALUES: usize = 1_000_000;
/// Elements of one list, members of one map, documents of one text.
const MOST_ELEMENTS: usize = 50_000;
/// Bytes of strings that aliases copy.
const MOST_COPIED: usize = 16 << 20;

/// The documents of `text`, and what is wrong with its syntax.
pub fn parse(path: &str, text: &str) -> (Vec<Node>, Vec<Problem>) {
    let source = Source::new(path, text.to_owned(), &[]);
    let source = Arc::new(source);
    let mut report = Report::new(Arc::clone(&source));
    let documents = documents(text, &mut report);
    let problems = report.finish();
    if problems.is_empty() || !text.contains("\n\t") {
        return (documents, problems);
    }
    // JSON pasted below a member, indented with tabs: places stay, as a space is as long as a tab.
    let mut again = Report::new(source);
    let spaced = self::documents(&without_tabs(text), &mut again);
    let still = again.finish();
    if still.is_empty() { (spaced, still) } else { (documents, problems) }
}

/// `text` with the tabs that indent lines within brackets as spaces.
fn without_tabs(text: &str) -> String {
    let mut depth = 0usize;
    let mut spaced = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.trim_start_matches(['\t', ' ']);
        let indent = &line[..line.len() - body.len()];
        if depth > 0 {
            spaced.extend(indent.chars().map(|_| ' '));
        } else {
            spaced.push_str(indent);
        }
        spaced.push_str(body);
        let mut quoted = false;
        let mut escaped = false;
        for letter in body.chars() {
            match letter {
                '"' if !escaped => quoted = !quoted,
                '{' | '[' if !quoted => depth += 1,
                '}' | ']' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            escaped = letter == '\\' && !escaped;
        }
    }
    spaced
}

fn documents(text: &str, report: &mut Report) -> Vec<Node> {
    if let Some((at, letter)) = forbidden(text) {
        report.error(at, format!("the character U+{:04X} cannot stand in YAML", letter as u32));
        return Vec::new();
    }
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = MOST_DEPTH;
    options.block_nesting_limit = MOST_DEPTH;
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str_with_options(body, options);
    let mut builder = Builder { shift: text.len() - body.len(), ..Builder::default() };
    loop {
        let stop = match parser.next_event() {
            None => break,
            Some(Ok((event, span))) => builder.take(event, span, report).err(),
            Some(Err(error)) => {
                syntax_error(&error, &builder, report);
                Some(Stop::Document)
            }
        };
        match stop {
            Some(Stop::Text) => break,
            Some(Stop::Document) if report.is_full() || !builder.recover(&mut parser) => break,
            Some(Stop::Document) | None => {}
        }
    }
    builder.documents
}

/// A NUL, or another control character that YAML forbids, and where it is.
fn forbidden(text: &str) -> Option<(Mark, char)> {
    let bad = |byte: &u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127);
    let offset = text.as_bytes().iter().position(bad)?;
    let before = &text[..offset];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
    let letter = text[offset..].chars().next()?;
    Some((Mark { line: small(line), column: small(column), offset: small(offset) }, letter))
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn syntax_error(error: &ScanError, builder: &Builder, report: &mut Report) {
    let at = builder.mark(*error.marker());
    let message = error.info();
    let source = Arc::clone(&report.source);
    let rest = source.text.get(at.offset as usize..).unwrap_or_default();
    let line = source.text.get(source.around(at.offset as usize)).unwrap_or_default();
    let hint = if rest.starts_with('\t') || line.starts_with('\t') || message.contains("tab") {
        Some("YAML is indented with spaces, not with tabs")
    } else if line.contains("{{") || line.contains("{%") {
        Some("this looks like a template: give the rendered text, for instance `… | ecs-operator plan -`")
    } else {
        None
    };
    let problem = report.error(at, format!("not YAML: {}", message.trim_end_matches('.')));
    problem.hint = hint.map(str::to_owned);
    // The tree that says which values are secret is not there yet.
    if line.to_ascii_lowercase().contains("value") {
        problem.source_line = None;
    }
}

/// Why building stops.
enum Stop {
    /// This document is lost; the next may be read.
    Document,
    Text,
}

/// A collection that is not finished.
enum Frame {
    List { items: Vec<Node>, open: Open },
    Map { entries: Vec<Entry>, merges: Vec<Node>, open: Open, name: Option<(String, Mark, bool)> },
}

#[derive(Clone, Copy)]
struct Open {
    at: Mark,
    anchor: usize,
    /// Values and copied bytes when it was opened.
    values: usize,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchor>,
    values: usize,
    copied: usize,
    /// Bytes of a byte order mark before the text.
    shift: usize,
}

struct Anchor {
    node: Node,
    values: usize,
    depth: usize,
}

impl Builder {
    fn mark(&self, marker: Marker) -> Mark {
        Mark {
            line: small(marker.line()),
            column: small(marker.col() + 1),
            offset: small(marker.byte_offset().unwrap_or_default() + self.shift),
        }
    }

    /// Forgets the document that was being read; whether there is another.
    fn recover<'a>(&mut self, parser: &mut Parser<'a, StrInput<'a>>) -> bool {
        self.stack.clear();
        self.anchors.clear();
        parser.proceed_next_document().unwrap_or(false)
    }

    fn take(&mut self, event: Event, span: Span, report: &mut Report) -> Result<(), Stop> {
        let at = self.mark(span.start);
        match event {
            Event::DocumentStart(..) => {
                self.stack.clear();
                self.anchors.clear();
            }
            Event::Scalar(text, style, anchor, tag) => {
                let end = self.mark(span.end).offset;
                return self.scalar(text, style, anchor, tag.as_deref(), (at, end), report);
            }
            Event::SequenceStart(_, anchor, tag) => {
                collection_tag(tag.as_deref(), at, report)?;
                let open = self.open(at, anchor, report)?;
                self.stack.push(Frame::List { items: Vec::new(), open });
            }
            Event::MappingStart(_, anchor, tag) => {
                collection_tag(tag.as_deref(), at, report)?;
                let open = self.open(at, anchor, report)?;
                self.stack.push(Frame::Map { entries: Vec::new(), merges: Vec::new(), open, name: None });
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(report),
            Event::Alias(anchor) => return self.alias(anchor, at, report),
            _ => {}
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        (at, end): (Mark, u32),
        report: &mut Report,
    ) -> Result<(), Stop> {
        let is_plain = style == ScalarStyle::Plain;
        if let Some(Frame::Map { name: name @ None, .. }) = self.stack.last_mut() {
            if is_plain && matches!(&*text, "" | "~" | "null") {
                report.error(at, "a member without a name");
                return Err(Stop::Document);
            }
            *name = Some((text.into_owned(), at, is_plain));
            return Ok(());
        }
        self.charge(1, 0, at, report)?;
        let value = match tag.map(|tag| (tag.core_suffix(), tag)) {
            None if is_plain => plain(text),
            Some((Some("int" | "float" | "bool" | "null"), _)) => plain(text),
            None | Some((Some("str"), _)) => Value::String(text.into_owned()),
            Some((_, tag)) if tag.original() == "!" => Value::String(text.into_owned()),
            Some((_, tag)) => return Err(unknown_tag(tag, at, report)),
        };
        let node = Node { value, at, end, name_at: at };
        self.remember(anchor, &node, 1, 0, report)?;
        self.push(node, report)
    }

    fn open(&mut self, at: Mark, anchor: usize, report: &mut Report) -> Result<Open, Stop> {
        self.charge(1, 0, at, report)?;
        if let Some(Frame::Map { name: None, .. }) = self.stack.last() {
            let is_template =
                report.source.text.get(at.offset as usize..).is_some_and(|rest| rest.starts_with('{'));
            let problem = report.error(at, "the name of a member must be a string, not a list or a map");
            if is_template {
                problem.hint("if this is a placeholder such as `{{ image }}`: give the rendered text");
            }
            return Err(Stop::Document);
        }
        if self.stack.len() >= MOST_DEPTH {
            return Err(too_deep(at, report));
        }
        Ok(Open { at, anchor, values: self.values })
    }

    fn close(&mut self, report: &mut Report) -> Result<(), Stop> {
        let (value, open) = match self.stack.pop() {
            Some(Frame::List { items, open }) => (Value::List(items), open),
            Some(Frame::Map { entries, merges, open, .. }) => {
                (Value::Map(merged(entries, merges, report)?), open)
            }
            None => return Ok(()),
        };
        let node = Node { value, at: open.at, end: open.at.offset, name_at: open.at };
        if open.anchor != 0 {
            let depth = depth(&node);
            self.remember(open.anchor, &node, self.values - open.values + 1, depth, report)?;
        }
        self.push(node, report)
    }

    fn alias(&mut self, anchor: usize, at: Mark, report: &mut Report) -> Result<(), Stop> {
        let Some(Anchor { node, values, depth }) = self.anchors.get(&anchor) else {
            report.error(at, "an alias within what it stands for");
            return Err(Stop::Document);
        };
        let (node, values, depth) = (node.clone(), *values, *depth);
        if self.stack.len() + depth >= MOST_DEPTH {
            return Err(too_deep(at, report));
        }
        if let (Some(Frame::Map { name: name @ None, .. }), Value::String(text)) =
            (self.stack.last_mut(), &node.value)
        {
            *name = Some((text.clone(), at, false));
            return Ok(());
        }
        self.charge(values, text_bytes(&node), at, report)?;
        self.push(node, report)
    }

    /// Keeps what an anchor names. The copy counts: nested anchors would copy a text as often as it is deep.
    fn remember(
        &mut self,
        anchor: usize,
        node: &Node,
        values: usize,
        depth: usize,
        report: &mut Report,
    ) -> Result<(), Stop> {
        if anchor != 0 {
            self.charge(values, text_bytes(node), node.at, report)?;
            self.anchors.insert(anchor, Anchor { node: node.clone(), values, depth });
        }
        Ok(())
    }

    fn charge(&mut self, values: usize, copied: usize, at: Mark, report: &mut Report) -> Result<(), Stop> {
        self.values += values;
        self.copied += copied;
        if self.values > MOST_VALUES || self.copied > MOST_COPIED {
            let what = format!("{MOST_VALUES} values, aliases written out");
            return Err(too_large(&what, at, report));
        }
        Ok(())
    }

    fn push(&mut self, mut node: Node, report: &mut Report) -> Result<(), Stop> {
        let count = match self.stack.last() {
            None => self.documents.len(),
            Some(Frame::List { items, .. }) => items.len(),
            Some(Frame::Map { entries, merges, .. }) => entries.len() + merges.len(),
        };
        if count >= MOST_ELEMENTS {
            return Err(too_large(&format!("{MOST_ELEMENTS} elements"), node.at, report));
        }
        match self.stack.last_mut() {
            None => self.documents.push(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, merges, name, .. }) => {
                let Some((name, at, is_plain)) = name.take() else {
                    report.error(node.at, "the name of a member must be a string");
                    return Err(Stop::Document);
                };
                node.name_at = at;
                if is_plain && name == "<<" {
                    merges.push(node);
                } else {
                    entries.push(Entry { name, node });
                }
            }
        }
        Ok(())
    }
}

fn too_large(what: &str, at: Mark, report: &mut Report) -> Stop {
    report.error(at, format!("too large: more than {what}")).hint("split it into several files");
    Stop::Text
}

fn too_deep(at: Mark, report: &mut Report) -> Stop {
    report.error(at, format!("nested more than {MOST_DEPTH} deep"));
    Stop::Document
}

fn collection_tag(tag: Option<&Tag>, at: Mark, report: &mut Report) -> Result<(), Stop> {
    match tag {
        Some(tag) if !matches!(tag.core_suffix(), Some("map" | "seq")) => Err(unknown_tag(tag, at, report)),
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, at: Mark, report: &mut Report) -> Stop {
    let problem = report.error(at, format!("the tag `{}` has no meaning here", tag.original()));
    problem.hint("CloudFormation's functions are not resolved: write the value itself");
    Stop::Document
}

/// The members of a map: each once, with what `<<` merges in behind those written out.
fn merged(mut written: Vec<Entry>, merges: Vec<Node>, report: &mut Report) -> Result<Vec<Entry>, Stop> {
    let mut seen: HashMap<&str, Mark> = HashMap::with_capacity(written.len());
    for Entry { name, node } in &written {
        // Who writes `_comment` often means every one of them.
        if name.starts_with('_') || name.starts_with("//") {
            continue;
        }
        if let Some(first) = seen.insert(name, node.name_at) {
            let place = report.place(first);
            report.error(node.name_at, format!("`{name}` stands here twice")).related(place, "the first one");
            return Err(Stop::Document);
        }
    }
    for node in merges {
        let at = node.name_at;
        let maps = match node.value {
            Value::List(items) => items,
            _ => vec![node],
        };
        for map in maps {
            let Value::Map(entries) = map.value else {
                report.error(at, "`<<` merges maps only");
                return Err(Stop::Document);
            };
            for entry in entries {
                if !written.iter().any(|known| known.name == entry.name) {
                    written.push(entry);
                }
            }
        }
    }
    Ok(written)
}

fn depth(node: &Node) -> usize {
    let below = |nodes: &mut dyn Iterator<Item = &Node>| nodes.map(depth).max().unwrap_or(0) + 1;
    match &node.value {
        Value::List(items) => below(&mut items.iter()),
        Value::Map(entries) => below(&mut entries.iter().map(|entry| &entry.node)),
        _ => 0,
    }
}

fn text_bytes(node: &Node) -> usize {
    match &node.value {
        Value::String(text) | Value::Number(text) => text.len(),
        Value::List(items) => items.iter().map(text_bytes).sum(),
        Value::Map(entries) => entries.iter().map(|entry| entry.name.len() + text_bytes(&entry.node)).sum(),
        _ => 0,
    }
}

/// What a plain scalar is, by YAML 1.2's core schema.
fn plain(text: Cow<str>) -> Value {
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(&text) => Value::Number(text.into_owned()),
        _ => Value::String(text.into_owned()),
    }
}

/// Whether a plain scalar is a number. `.inf` and `.nan` are not: JSON has neither.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts = digits.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
    let letters = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    starts && digits.len() <= 400 && digits.chars().all(letters) && number(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fmt::Write;

    fn read(text: &str) -> serde_json::Value {
        let (documents, problems) = parse("a.yaml", text);
        assert!(problems.is_empty(), "{}", problems[0]);
        documents.iter().map(Node::to_json).collect()
    }

    fn problem(text: &str) -> String {
        let (_, problems) = parse("a.yaml", text);
        problems.first().map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn many_documents_stand_in_one_text() {
        assert_eq!(read("a: 1\n---\nb: [x, y]\n---\n"), json!([{"a": 1}, {"b": ["x", "y"]}, null]));
    }

    #[test]
    fn json_is_yaml_with_tabs_and_escaped_slashes_too() {
        assert_eq!(
            read("{\n\t\"a\\/b\": \"x\\/y\",\n\t\"l\": [\n\t\t1\n\t]\n}"),
            json!([{"a/b": "x/y", "l": [1]}])
        );
    }

    #[test]
    fn json_below_a_member_may_be_indented_with_tabs() {
        assert_eq!(
            read("a:\n  b: {\n\t\"c\": [\n\t\t\"x\\ty\"\n\t]\n}\n"),
            json!([{"a": {"b": {"c": ["x\ty"]}}}])
        );
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_are_read() {
        let (documents, problems) = parse("a.yaml", "\u{feff}a: 1\r\nb: x\r\n");
        assert!(problems.is_empty());
        let b = documents[0].get("b").unwrap();
        assert_eq!((b.as_str(), b.at.line, b.at.column, b.at.offset), (Some("x"), 2, 4, 12));
    }

    #[test]
    fn scalars_are_those_of_yaml_1_2() {
        assert_eq!(
            read("[yes, on, True, 0o17, 0x1f, 1e3, 1_000, 1.10, .5, -.5, ~, null, 1.2.3, 0123, '1', .inf]"),
            json!([[
                "yes", "on", true, 15, 31, 1000.0, "1_000", 1.1, 0.5, -0.5, null, null, "1.2.3", 123, "1",
                ".inf"
            ]])
        );
    }

    #[test]
    fn anchors_and_merge_keys_are_written_out() {
        assert_eq!(
            read("base: &b {x: 1, y: 2}\nmine: {<<: *b, y: 3}\nboth: {<<: [*b, {z: 4}]}\n"),
            json!([{"base": {"x": 1, "y": 2}, "mine": {"y": 3, "x": 1}, "both": {"x": 1, "y": 2, "z": 4}}])
        );
    }

    #[test]
    fn a_member_that_stands_twice_is_reported_with_both_places() {
        let problem = problem("a:\n  b: 1\n  c: 2\n  b: 3\n");
        assert!(problem.starts_with("a.yaml:4:3: `b` stands here twice"), "{problem}");
        assert!(problem.contains("a.yaml:2:3: the first one"), "{problem}");
    }

    #[test]
    fn reading_goes_on_at_the_next_document() {
        let (documents, problems) = parse("a.yaml", "a: [1\n---\nb: 2\n---\nc: 'x\n---\nd: 4\n");
        assert!(documents.iter().any(|document| document.get("b").is_some()));
        assert!(!problems.is_empty());
        assert_eq!(problems[0].place.line, 1);
    }

    #[test]
    fn bombs_are_refused_quickly() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            writeln!(laughs, "a{level}: &a{level} [{before}]").unwrap();
        }
        assert!(problem(&laughs).contains("too large"), "{}", problem(&laughs));
        assert!(problem(&"[".repeat(100_000)).contains("a.yaml:1:"));
        assert!(problem(&"{a: ".repeat(100_000)).contains("a.yaml:1:"));
        assert!(problem("a: &a [*a]\n").contains("within what it stands for"));
        let long = format!("a: &a '{}'\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(100));
        assert!(problem(&long).contains("too large"));
    }

    #[test]
    fn what_yaml_forbids_is_named_with_its_place() {
        assert!(problem("a: 1\nb: \"x\0y\"\n").starts_with("a.yaml:2:6: the character U+0000"));
        assert!(problem("a:\n\tb: 1\n").contains("not with tabs"), "{}", problem("a:\n\tb: 1\n"));
        assert!(
            problem("image: {{ image }}\n").contains("placeholder"),
            "{}",
            problem("image: {{ image }}\n")
        );
        assert!(problem("a: !Ref b\n").contains("`!Ref`"));
        assert!(problem("? [a]\n: b\n").contains("must be a string"));
    }
}
