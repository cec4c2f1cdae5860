//! Documents on their way to and from an API: its own spelling of members, and back.

use super::desired::Document;
use super::facts::{Member, Shape, Type};
use serde_json::Value;

/// `value` in the API's spelling. Members that the shape does not know stay as they are.
pub fn to_wire(shape: &Shape, value: &Value) -> Value {
    respelled(shape, value, Shape::member, |member| &member.wire)
}

/// An answer in the crate's spelling.
pub fn from_wire(shape: &Shape, value: &Value) -> Value {
    let find = |shape: &'_ Shape, name: &str| shape.members().iter().position(|member| member.wire == name);
    respelled(
        shape,
        value,
        |shape, name| find(shape, name).and_then(|at| shape.members().get(at)),
        |member| &member.name,
    )
}

fn respelled(
    shape: &Shape,
    value: &Value,
    find: impl for<'a> Fn(&'a Shape, &str) -> Option<&'a Member> + Copy,
    spell: impl Fn(&Member) -> &String + Copy,
) -> Value {
    match (&shape.kind, value) {
        (Type::Structure(_), Value::Object(members)) => members
            .iter()
            .map(|(name, value)| match find(shape, name) {
                Some(member) => (spell(member).clone(), respelled(member.shape(), value, find, spell)),
                None => (name.clone(), value.clone()),
            })
            .collect::<Document>()
            .into(),
        (Type::List(element), Value::Array(values)) => {
            values.iter().map(|value| respelled(element.shape(), value, find, spell)).collect()
        }
        (Type::Map(element), Value::Object(entries)) => entries
            .iter()
            .map(|(name, value)| (name.clone(), respelled(element.shape(), value, find, spell)))
            .collect::<Document>()
            .into(),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::operation;
    use serde_json::json;

    #[test]
    fn a_document_goes_out_in_the_apis_spelling_and_comes_back() {
        let input =
            operation("application-autoscaling", "RegisterScalableTarget").unwrap().input.unwrap().shape();
        let ours = json!({"minCapacity": 1, "suspendedState": {"scheduledScalingSuspended": true}, "new": 1});
        let theirs =
            json!({"MinCapacity": 1, "SuspendedState": {"ScheduledScalingSuspended": true}, "new": 1});
        assert_eq!(to_wire(input, &ours), theirs);
        assert_eq!(from_wire(input, &theirs), ours);
    }
}
