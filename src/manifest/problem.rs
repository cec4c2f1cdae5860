//! What is wrong with a manifest, in words for people: where, the line shown, what, and what to do.
//!
//! All problems are collected, up to a number that nobody reads to its end. The line shown never shows the
//! value of an environment variable. Tests: at the end.

use super::tree::{Mark, Node, Value};
use crate::model::names::Kind;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// So many problems of one file are reported; the rest is counted.
const MOST_PROBLEMS: usize = 500;
/// So much of a line is shown.
const WIDTH: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Said, and nothing more.
    Note,
    /// Read as it was probably meant.
    Warning,
    /// The object cannot be used.
    Error,
}

/// A place in a file; line 0 is the file as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub path: String,
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.line == 0 {
            return f.write_str(&self.path);
        }
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// The object that a manifest declares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    pub kind: Kind,
    pub namespace: Option<String>,
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Something to say about a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub place: Place,
    /// The line at `place`, shortened, and the column of the place in it.
    pub source_line: Option<(String, usize)>,
    pub message: String,
    pub hint: Option<String>,
    /// Other places that matter, and why.
    pub related: Vec<(Place, String)>,
    /// The object at fault; `None` when the file is.
    pub object: Option<ObjectName>,
}

impl Problem {
    /// About a file, or whatever has no lines.
    pub fn about(severity: Severity, path: &str, message: impl Into<String>) -> Self {
        Self {
            severity,
            place: Place { path: path.to_owned(), ..Place::default() },
            source_line: None,
            message: message.into(),
            hint: None,
            related: Vec::new(),
            object: None,
        }
    }

    /// About a place in `source`.
    pub fn at(severity: Severity, source: &Source, at: Mark, message: impl Into<String>) -> Self {
        Self {
            place: source.place(at),
            source_line: source.line(at),
            ..Self::about(severity, &source.path, message)
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn related(&mut self, place: Place, why: impl Into<String>) -> &mut Self {
        self.related.push((place, why.into()));
        self
    }
}

impl fmt::Display for Problem {
    /// `path:line:column: message`, the line with a caret, then hints.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
            Severity::Note => "note: ",
        };
        write!(f, "{}: {severity}{}", self.place, self.message)?;
        if let Some((line, column)) = &self.source_line {
            let number = self.place.line.to_string();
            let token: Vec<char> = line.chars().skip(column - 1).collect();
            write!(f, "\n  {number} | {line}")?;
            write!(f, "\n  {:width$} | {:indent$}", "", "", width = number.len(), indent = column - 1)?;
            write!(f, "{}", "^".repeat(length(&token)))?;
        }
        for (place, why) in &self.related {
            write!(f, "\n  {place}: {why}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// How much of what starts here is underlined: a quoted text, or a word.
fn length(token: &[char]) -> usize {
    let quoted = token.first().filter(|first| matches!(first, '"' | '\''));
    if let Some(quote) = quoted {
        return token.iter().skip(1).position(|letter| letter == quote).map_or(1, |end| end + 2);
    }
    let word = |letter: &&char| letter.is_alphanumeric() || "_-./".contains(**letter);
    token.iter().take_while(word).count().max(1)
}

/// A text that was read: its name for people, and which parts of it nobody may see.
#[derive(Debug, Default, PartialEq)]
pub struct Source {
    pub path: String,
    pub text: String,
    /// Byte ranges of the values of environment variables, in order.
    secrets: Vec<Range<usize>>,
}

impl Source {
    pub fn new(path: &str, text: String, documents: &[Node]) -> Self {
        let mut secrets = Vec::new();
        for document in documents {
            collect_secrets(document, false, &mut secrets);
        }
        secrets.sort_by_key(|range| range.start);
        Self { path: path.to_owned(), text, secrets }
    }

    pub fn place(&self, at: Mark) -> Place {
        Place { path: self.path.clone(), line: at.line, column: at.column }
    }

    /// The text of a scalar as it was written.
    pub fn written(&self, node: &Node) -> Option<&str> {
        self.text.get(node.at.offset as usize..node.end as usize)
    }

    /// The line around `at`, at most [`WIDTH`] characters of it, and the column of `at` in what is shown.
    fn line(&self, at: Mark) -> Option<(String, usize)> {
        if at.line == 0 {
            return None;
        }
        let offset = (at.offset as usize).min(self.text.len());
        let around = self.around(offset);
        let mut column = self.text.get(around.start..offset)?.chars().count();
        let mut shown: Vec<char> = self.masked(around).chars().collect();
        shown.iter_mut().filter(|letter| letter.is_control()).for_each(|letter| *letter = ' ');
        // A long line starts a little before the place.
        if column > WIDTH * 2 / 3 && shown.len() > WIDTH {
            let skipped = column - WIDTH / 3;
            shown.drain(..skipped);
            shown.insert(0, '…');
            column = column - skipped + 1;
        }
        if shown.len() > WIDTH {
            shown.truncate(WIDTH);
            shown.push('…');
        }
        let text: String = shown.into_iter().collect();
        Some((text.trim_end().to_owned(), column + 1))
    }

    /// The line at a byte, or of a very long line the part around it.
    pub fn around(&self, offset: usize) -> Range<usize> {
        let bytes = self.text.as_bytes();
        let offset = offset.min(bytes.len());
        let before = bytes[..offset].iter().rev().take(4 * WIDTH);
        let after = bytes[offset..].iter().take(4 * WIDTH);
        let start = offset - before.take_while(|byte| **byte != b'\n').count();
        let end = offset + after.take_while(|byte| **byte != b'\n').count();
        boundary(&self.text, start)..boundary(&self.text, end)
    }

    /// The text of `range`, letters that nobody may see replaced one by one.
    fn masked(&self, range: Range<usize>) -> String {
        let mut text = String::new();
        let mut from = range.start;
        let first = self.secrets.partition_point(|secret| secret.end <= range.start);
        for secret in self.secrets[first..].iter().take_while(|secret| secret.start < range.end) {
            let (start, end) = (secret.start.max(from), secret.end.min(range.end));
            text.push_str(self.text.get(from..start).unwrap_or_default());
            let hidden = self.text.get(start..end).unwrap_or_default().chars();
            text.extend(hidden.map(|letter| if letter.is_whitespace() { letter } else { '*' }));
            from = end.max(from);
        }
        text.push_str(self.text.get(from..range.end).unwrap_or_default());
        text
    }
}

/// The nearest start of a character at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

/// The values of `environment` entries: of `{name, value}` in a list, or of a map.
fn collect_secrets(node: &Node, in_environment: bool, secrets: &mut Vec<Range<usize>>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| collect_secrets(item, in_environment, secrets)),
        Value::Map(entries) => {
            for entry in entries {
                let secret = in_environment && !entry.name.eq_ignore_ascii_case("name");
                match &entry.node.value {
                    Value::List(_) | Value::Map(_) => {
                        let environment = entry.name.eq_ignore_ascii_case("environment");
                        collect_secrets(&entry.node, environment || secret, secrets);
                    }
                    _ if secret => secrets.push(entry.node.at.offset as usize..entry.node.end as usize),
                    _ => {}
                }
            }
        }
        _ if in_environment => secrets.push(node.at.offset as usize..node.end as usize),
        _ => {}
    }
}

/// The problems of one source while they are found.
#[derive(Debug)]
pub struct Report {
    pub source: Arc<Source>,
    /// The object that is being read.
    pub object: Option<ObjectName>,
    problems: Vec<Problem>,
    dropped: usize,
    spare: Option<Problem>,
}

impl Report {
    pub fn new(source: Arc<Source>) -> Self {
        Self { source, object: None, problems: Vec::new(), dropped: 0, spare: None }
    }

    pub fn error(&mut self, at: impl Into<Mark>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Error, at.into(), message.into())
    }

    pub fn warning(&mut self, at: impl Into<Mark>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, at.into(), message.into())
    }

    pub fn note(&mut self, at: impl Into<Mark>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Note, at.into(), message.into())
    }

    /// Whether no more is kept: reading on makes no sense.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MOST_PROBLEMS
    }

    pub fn place(&self, at: impl Into<Mark>) -> Place {
        self.source.place(at.into())
    }

    fn add(&mut self, severity: Severity, at: Mark, message: String) -> &mut Problem {
        let mut problem = Problem::at(severity, &self.source, at, message);
        problem.object.clone_from(&self.object);
        if self.is_full() {
            self.dropped += 1;
            return self.spare.insert(problem);
        }
        self.problems.push(problem);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// All of them, in the order of their places.
    pub fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by(|one, other| one.place.cmp(&other.place));
        if self.dropped > 0 {
            let message = format!("and at least {} more problems in this file", self.dropped);
            self.problems.push(Problem::about(Severity::Error, &self.source.path, message));
        }
        self.problems
    }
}

impl From<&Node> for Mark {
    fn from(node: &Node) -> Self {
        node.mark()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml;

    fn shown(text: &str, line: u32, column: u32, offset: u32) -> String {
        let (documents, _) = yaml::parse("shop.yaml", text);
        let source = Source::new("shop.yaml", text.to_owned(), &documents);
        let mut problem = Problem::at(Severity::Error, &source, Mark { line, column, offset }, "is wrong");
        problem.hint("write it right");
        problem.to_string()
    }

    #[test]
    fn a_problem_shows_its_line_with_a_caret_and_a_hint() {
        assert_eq!(
            shown("a: 1\nname: web\n", 2, 1, 5),
            "shop.yaml:2:1: is wrong\n  2 | name: web\n    | ^^^^\n  hint: write it right"
        );
    }

    #[test]
    fn a_long_line_is_shortened_around_the_place() {
        let text = format!("a: [{}b]\n", "1234567890, ".repeat(1000));
        let problem = shown(&text, 1, 12005, 12004);
        assert!(problem.lines().all(|line| line.chars().count() < WIDTH + 20), "{problem}");
        let lines: Vec<&str> = problem.lines().collect();
        let caret = lines[2].chars().position(|letter| letter == '^').unwrap();
        assert_eq!(lines[1].chars().nth(caret), Some('b'), "{problem}");
    }

    #[test]
    fn the_value_of_an_environment_variable_is_not_shown() {
        let text = "environment: [{name: A, value: hunter2}, {name: B, value: hunter3}]\n";
        let problem = shown(text, 1, 16, 15);
        assert!(!problem.contains("hunter"), "{problem}");
        assert!(problem.contains("name: A, value: *******}"), "{problem}");
    }
}
