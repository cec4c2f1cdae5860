//! How values are written in a text: compact flow YAML, shortened where it does not say less.

use serde_json::Value;

/// Longer values are shortened, unless everything is asked for.
pub const LIMIT: usize = 64;

/// A value on one line: strings bare where nothing is lost, lists `[a, b]`, structures `{name: web}`.
pub fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => bare(text),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(flow).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", bare(name), flow(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// The text as it is, or quoted where it would read as something else, or could drive a terminal.
fn bare(text: &str) -> String {
    let reads_as_itself = !text.is_empty()
        && text.trim() == text
        && !text.chars().any(char::is_control)
        && !text.starts_with(['"', '\'', '[', '{', '&', '*', '#', '!', '|', '>', '%', '@', '`'])
        && !text.contains(": ")
        && !text.contains(" #");
    if reads_as_itself {
        return text.to_owned();
    }
    // JSON escapes what is below U+0020 only.
    let quoted = Value::from(text).to_string();
    quoted.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Text that comes from elsewhere, on one line and harmless to a terminal.
pub fn tame(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// At most `limit` characters: beginning and end, which tell registries and tags apart.
pub fn shortened(text: &str, limit: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= limit {
        return text.to_owned();
    }
    let tail = limit / 2;
    let head = limit - tail - 1;
    letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect()
}

/// How much of what two long values begin and end with alike is shown.
const CONTEXT: usize = 24;

/// Two long values, without most of what they begin and end with alike.
pub fn pair(old: &str, new: &str, limit: usize) -> (String, String) {
    let (one, other): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    if one.len() <= limit && other.len() <= limit {
        return (old.to_owned(), new.to_owned());
    }
    let head = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let most = one.len().min(other.len()) - head;
    let tail = one.iter().rev().zip(other.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    // The context begins after a separator where there is one.
    let context = head.saturating_sub(CONTEXT)..head;
    let head = context.clone().find(|at| *at > 0 && "/:, ".contains(one[at - 1])).unwrap_or(context.start);
    let tail = tail.saturating_sub(CONTEXT);
    let cut = |letters: &[char]| {
        let middle: String = letters[head..letters.len() - tail].iter().collect();
        let (before, after) = (if head > 0 { "…" } else { "" }, if tail > 0 { "…" } else { "" });
        format!("{before}{}{after}", shortened(&middle, limit))
    };
    (cut(&one), cut(&other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn structures_are_compact_and_strings_bare_where_nothing_is_lost() {
        let value =
            json!({"name": "web", "command": ["sh", "-c", "echo a: b"], "user": "", "port": 80, "on": true});
        assert_eq!(
            flow(&value),
            r#"{name: web, command: [sh, -c, "echo a: b"], user: "", port: 80, on: true}"#
        );
    }

    #[test]
    fn what_drives_a_terminal_is_escaped() {
        assert_eq!(flow(&json!("\u{1b}[31mred")), "\"\\u001b[31mred\"");
        assert_eq!(flow(&json!("a\u{9b}31m")), "\"a\u{fffd}31m\"");
        assert_eq!(tame("a\nb\u{1b}"), "a b ");
    }

    #[test]
    fn long_values_keep_their_ends() {
        let image =
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/checkout-service:2026.11.21-4f2c1e9";
        assert_eq!(shortened(image, 40), "123456789012.dkr.ec…e:2026.11.21-4f2c1e9");
        assert_eq!(shortened("short", 40), "short");
    }

    #[test]
    fn of_two_long_values_what_differs_is_shown() {
        let image = |tag: &str| {
            format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/checkout-service:{tag}")
        };
        let (old, new) = pair(&image("1.4.0"), &image("1.5.0"), 64);
        assert_eq!(
            (old.as_str(), new.as_str()),
            ("…shop/checkout-service:1.4.0", "…shop/checkout-service:1.5.0")
        );
    }
}
