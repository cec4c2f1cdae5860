//! How the tour is set: lines that fit, edits, commands. Pure. Tests: at the end.

use serde_json::Value;

/// Columns: any terminal has them.
const WIDTH: usize = 79;

/// `text` as lines that fit, broken between words: `first` is before the first, as many spaces as `indent` before the
/// others. Styles take no room.
pub fn wrapped(text: &str, first: &str, indent: usize) -> String {
    let (mut lines, mut line) = (String::new(), first.to_owned());
    let mut column = width(first);
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && column + 1 + width(word) > WIDTH {
            lines += &line;
            lines.push('\n');
            line = " ".repeat(indent);
            (column, is_empty) = (indent, true);
        }
        if !is_empty {
            line.push(' ');
            column += 1;
        }
        line += word;
        column += width(word);
        is_empty = false;
    }
    lines + &line + "\n"
}

fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).map(|part| part.chars().count()).sum()
}

/// The lines that one edit took from a text, and those that it put there.
pub fn edited<'a>(before: &'a str, after: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut old, mut new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    while old.last().is_some() && old.last() == new.last() {
        old.pop();
        new.pop();
    }
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    (old.split_off(same), new.split_off(same))
}

/// A call as AWS's own command line writes it; members are numbers and words.
pub fn command(service: &str, operation: &str, input: &Value) -> String {
    let members = input.as_object().into_iter().flatten();
    let options = members.map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" --{} {value}", kebab(name))
    });
    format!("aws {service} {}{}", kebab(operation), options.collect::<String>())
}

/// `desiredCount` as `desired-count`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_styles_take_no_room() {
        let word = "\u{1b}[1m12345\u{1b}[0m";
        let lines = wrapped(&[word; 14].join(" "), "  ", 4);
        let lines: Vec<usize> = lines.lines().map(width).collect();
        assert_eq!(lines, [2 + 12 * 6 + 5, 4 + 5]);
        assert_eq!(wrapped("", "- ", 2), "- \n");
        let long = "x".repeat(200);
        assert_eq!(
            wrapped(&format!("a {long} b"), "", 2),
            format!("a\n  {long}\n  b\n"),
            "a word is never broken"
        );
    }

    #[test]
    fn an_edit_is_what_differs() {
        assert_eq!(edited("a\nb\nc\n", "a\nx\nc\n"), (vec!["b"], vec!["x"]));
        assert_eq!(edited("a\na\n", "a\na\na\n"), (vec![], vec!["a"]));
        assert_eq!(edited("a\n", "a\n"), (vec![], vec![]));
    }

    #[test]
    fn a_call_is_a_command() {
        let input = serde_json::json!({"cluster": "shop", "desiredCount": 0});
        assert_eq!(
            command("ecs", "UpdateService", &input),
            "aws ecs update-service --cluster shop --desired-count 0"
        );
    }
}
