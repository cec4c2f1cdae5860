//! Members of an input, read by name. The frame has checked their types, so that a member of
//! another type counts as absent, as `null` does. Never changes a document.
//!
//! Tests: in this file.

use serde_json::Value;

use super::Document;

/// The member's value, unless it is absent or `null`.
pub fn present<'a>(input: &'a Document, member: &str) -> Option<&'a Value> {
    input.get(member).filter(|value| !value.is_null())
}

pub fn text<'a>(input: &'a Document, member: &str) -> Option<&'a str> {
    present(input, member)?.as_str()
}

/// A number without a fraction, also where it is written with one: `3.0` is 3.
pub fn integer(input: &Document, member: &str) -> Option<i64> {
    let value = present(input, member)?;
    #[allow(clippy::cast_possible_truncation)] // the model's bounds are far below
    value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64))
}

pub fn flag(input: &Document, member: &str) -> Option<bool> {
    present(input, member)?.as_bool()
}

pub fn object<'a>(input: &'a Document, member: &str) -> Option<&'a Document> {
    present(input, member)?.as_object()
}

/// The elements of a list; none when it is absent.
pub fn list<'a>(input: &'a Document, member: &str) -> &'a [Value] {
    present(input, member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub fn texts<'a>(input: &'a Document, member: &str) -> Vec<&'a str> {
    list(input, member).iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_is_absent_and_whole_floats_are_integers() {
        let value = json!({"a": null, "b": 3.0, "c": ["x", 1], "d": 2.5});
        let input = value.as_object().unwrap();
        assert_eq!(present(input, "a"), None);
        assert_eq!(integer(input, "b"), Some(3));
        assert_eq!(texts(input, "c"), ["x"]);
        assert_eq!(integer(input, "d"), None);
        assert!(list(input, "e").is_empty());
    }
}
