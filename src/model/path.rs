//! Paths as the diff prints them and people write them: `networkConfiguration.awsvpcConfiguration.subnets`,
//! `containerDefinitions[web].environment[MODE].value`.

use super::desired::Document;
use super::facts::{Shape, Type};
use super::reduce::key_as_written;
use super::semantics::{Compare, Meaning};
use serde_json::Value;

/// Makes `document` hold at `path` what `other` holds there, be it nothing. A path that leads nowhere does nothing.
pub fn copy(shape: &Shape, path: &str, other: &Document, document: &mut Document) {
    let steps = steps(path);
    if let Some((first, rest)) = steps.split_first() {
        copy_member(shape, first, rest, other, document);
    }
}

fn copy_member(shape: &Shape, name: &str, rest: &[&str], other: &Document, document: &mut Document) {
    let Some(member) = shape.member(name) else { return };
    let there = other.get(name);
    let Some((next, below)) = rest.split_first() else {
        match there {
            Some(value) => drop(document.insert(name.to_owned(), value.clone())),
            None => drop(document.remove(name)),
        }
        return;
    };
    let keys = match Meaning::of(shape, member).compare {
        Compare::By(keys) | Compare::ByLast(keys) | Compare::Declared(keys) => keys,
        _ => &[],
    };
    match &member.shape().kind {
        Type::Structure(_) => {
            let there = there.and_then(Value::as_object).cloned().unwrap_or_default();
            if let Some(Value::Object(inner)) = document.get_mut(name) {
                copy_member(member.shape(), next, below, &there, inner);
            }
        }
        Type::List(element) => {
            let there = there.and_then(Value::as_array).cloned().unwrap_or_default();
            let empty = || Value::Array(Vec::new());
            if let Value::Array(list) = document.entry(name.to_owned()).or_insert_with(empty) {
                copy_element(element.shape(), keys, next, below, &there, list);
            }
        }
        Type::Map(_) => {
            let there = there.and_then(|map| map.get(*next)).cloned();
            if let Some(Value::Object(map)) = document.get_mut(name) {
                match there {
                    Some(value) => drop(map.insert((*next).to_owned(), value)),
                    None => drop(map.remove(*next)),
                }
            }
        }
        _ => {}
    }
}

fn copy_element(
    shape: &Shape,
    keys: &[&str],
    name: &str,
    below: &[&str],
    other: &[Value],
    list: &mut Vec<Value>,
) {
    let named = |element: &Value| element.is_object() && key_as_written(shape, element, keys) == name;
    let at = |list: &[Value]| match name.parse::<usize>() {
        Ok(index) if keys.is_empty() => (index < list.len()).then_some(index),
        _ => list.iter().position(named),
    };
    match (below.split_first(), at(other), at(list)) {
        (Some((next, below)), there, Some(index)) => {
            let empty = Document::new();
            let there = there.and_then(|there| other[there].as_object()).unwrap_or(&empty);
            if let Value::Object(inner) = &mut list[index] {
                copy_member(shape, next, below, there, inner);
            }
        }
        (None, Some(there), Some(index)) => list[index] = other[there].clone(),
        (None, Some(there), None) => list.push(other[there].clone()),
        (None, None, Some(index)) => drop(list.remove(index)),
        (_, _, None) => {}
    }
}

/// `a.b[x.y].c` → `a`, `b`, `x.y`, `c`.
fn steps(path: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('[') {
            Some(inside) => inside.split_once(']').unwrap_or((inside, "")),
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        steps.push(step);
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::kind_shape;
    use serde_json::json;

    fn copied(path: &str, other: Value, document: Value) -> Value {
        let mut document = document.as_object().unwrap().clone();
        copy(kind_shape("TaskDefinition"), path, other.as_object().unwrap(), &mut document);
        Value::Object(document)
    }

    #[test]
    fn a_value_is_copied_to_where_the_path_leads() {
        let task = |image: &str, mode: &str| json!({"containerDefinitions": [{"name": "web", "image": image, "environment": [{"name": "MODE", "value": mode}]}]});
        assert_eq!(copied("containerDefinitions[web].image", task("b", "2"), task("a", "1")), task("b", "1"));
        let path = "containerDefinitions[web].environment[MODE].value";
        assert_eq!(copied(path, task("b", "2"), task("a", "1")), task("a", "2"));
    }

    #[test]
    fn what_is_not_there_is_taken_away_and_what_is_only_there_is_added() {
        let none = json!({"containerDefinitions": [{"name": "web"}]});
        let side = json!({"containerDefinitions": [{"name": "web"}, {"name": "side", "image": "x"}]});
        assert_eq!(copied("containerDefinitions[side]", side.clone(), none.clone()), side);
        assert_eq!(copied("containerDefinitions[side]", none.clone(), side), none);
        assert_eq!(copied("cpu", json!({}), json!({"cpu": "256"})), json!({}));
        assert_eq!(copied("nothing[here].at.all", json!({}), none.clone()), none);
    }
}
