//! Strings, numbers, booleans and times, read as their shape wants them. Where there is no doubt `"80"` is a
//! number and `256` a string; everything else is an error that says what to write. Tests: in `convert.rs`.

use super::limits;
use super::placeholder;
use super::problem::Report;
use super::suggest::nearest;
use super::tolerance::{Lenience, Tolerated};
use super::tree::{Node, Value, number};
use super::yaml::is_number;
use crate::model::facts::{Shape, Type};

/// Strings for which people write `""` when they mean nothing.
const EMPTY_IS_ABSENT: [&str; 8] =
    ["cpu", "memory", "platformVersion", "hostname", "user", "workingDirectory", "role", "kmsKeyId"];

/// Reads scalars within one structure.
pub struct Scalars<'a> {
    pub report: &'a mut Report,
    pub tolerated: &'a mut Tolerated,
    /// The structure that the value is a member of.
    pub owner: Option<&'static Shape>,
    /// Text here may hold what looks like a placeholder.
    pub free: bool,
    /// Values here are never quoted.
    pub secret: bool,
}

impl Scalars<'_> {
    /// The value, or `None` when it says that it is absent.
    pub fn read(&mut self, shape: &'static Shape, name: &str, node: &Node) -> Option<Value> {
        if matches!(node.value, Value::List(_) | Value::Map(_)) {
            let what = if node.get("Ref").is_some()
                || node.entries().iter().any(|entry| entry.name.starts_with("Fn::"))
            {
                "a function of CloudFormation, which is not resolved here"
            } else {
                node.value.describe()
            };
            self.report.error(node.at, format!("`{name}` is {}, not {what}", wanted(shape)));
            return Some(Value::Invalid);
        }
        if let (false, Value::String(text)) = (self.free, &node.value)
            && let Some(placeholder) = placeholder::find(text)
        {
            let problem =
                self.report.error(node.at, format!("`{name}` holds the placeholder `{placeholder}`"));
            if !std::mem::replace(&mut self.tolerated.hinted, true) {
                problem.hint("give the rendered text, for instance `envsubst < … | ecs-operator plan -`");
            }
            return Some(Value::Invalid);
        }
        Some(match shape.kind {
            Type::Integer | Type::Long => self.integer(shape, name, node),
            Type::Double => self.double(shape, name, node),
            Type::Boolean => self.boolean(name, node),
            Type::Timestamp => self.time(name, node),
            _ if shape.enum_values.is_empty() => return self.string(shape, name, node),
            _ => return self.one_of(shape, name, node),
        })
    }

    fn wrong(&mut self, name: &str, wanted: &str, node: &Node, hint: Option<String>) -> Value {
        let found =
            self.written(node).map_or_else(|| node.value.describe().to_owned(), |text| format!("`{text}`"));
        let problem = self.report.error(node.at, format!("`{name}` is {wanted}, not {found}"));
        problem.hint = hint;
        Value::Invalid
    }

    /// The scalar as it was written, where it may be shown and is short.
    fn written(&self, node: &Node) -> Option<String> {
        let text = match &node.value {
            Value::String(text) | Value::Number(text) => text.clone(),
            _ => self.report.source.written(node)?.to_owned(),
        };
        (!self.secret && !text.is_empty() && text.chars().count() <= 60 && !text.contains('\n'))
            .then_some(text)
    }

    fn string(&mut self, shape: &Shape, name: &str, node: &Node) -> Option<Value> {
        let text = match &node.value {
            Value::String(text) => text.clone(),
            Value::Number(text) => {
                self.tolerated.add(Lenience::NumberForString, node.at, name);
                text.clone()
            }
            _ => {
                self.tolerated.add(Lenience::NumberForString, node.at, name);
                let written = self.report.source.written(node).filter(|text| !text.is_empty());
                written.map_or_else(|| node.to_json().to_string(), str::to_owned)
            }
        };
        if text.is_empty() && !self.free && (name.ends_with("Arn") || EMPTY_IS_ABSENT.contains(&name)) {
            self.tolerated.add(Lenience::Empty, node.at, name);
            return None;
        }
        self.length(shape, name, node, &text);
        Some(Value::String(text))
    }

    fn length(&mut self, shape: &Shape, name: &str, node: &Node, text: &str) {
        #[allow(clippy::cast_precision_loss)] // Far from 2^52.
        let length = text.chars().count() as f64;
        if shape.min.is_some_and(|least| length < least) {
            let least = shape.min.unwrap_or_default();
            let message = if length == 0.0 {
                format!("`{name}` is empty")
            } else {
                format!("`{name}` has {length} characters; at least {least} are needed")
            };
            self.report.error(node.at, message);
        }
        if shape.max.is_some_and(|most| length > most) {
            let most = shape.max.unwrap_or_default();
            self.report
                .error(node.at, format!("`{name}` has {length} characters; at most {most} are allowed"));
        }
    }

    fn one_of(&mut self, shape: &'static Shape, name: &str, node: &Node) -> Option<Value> {
        let text = match &node.value {
            Value::String(text) => text.trim(),
            _ => "\0",
        };
        let lenience = match text {
            "" => Some(Lenience::Empty),
            "default" if name == "networkMode" => Some(Lenience::NoNetworkMode),
            _ => None,
        };
        if let Some(lenience) = lenience {
            self.tolerated.add(lenience, node.at, name);
            return None;
        }
        if shape.enum_values.iter().any(|known| known == text) {
            return Some(Value::String(text.to_owned()));
        }
        let known = shape.enum_values.iter().map(String::as_str);
        let hint =
            nearest(text, known.clone()).map(|meant| format!("did you mean `{meant}`?")).or_else(|| {
                let few: Vec<String> = known.take(12).map(|value| format!("`{value}`")).collect();
                let more = if shape.enum_values.len() > 12 { " …" } else { "" };
                Some(format!("one of {}{more}", few.join(", ")))
            });
        let hint = if text.starts_with("ASG") {
            Some(
                "this metric belongs to EC2 Auto Scaling, which scales instances: a service has its own"
                    .to_owned(),
            )
        } else {
            hint
        };
        let Some(written) = self.written(node).filter(|_| matches!(node.value, Value::String(_))) else {
            return Some(self.wrong(name, "a word", node, hint));
        };
        self.report.error(node.at, format!("`{name}` cannot be `{written}`")).hint = hint;
        Some(Value::Invalid)
    }

    fn integer(&mut self, shape: &Shape, name: &str, node: &Node) -> Value {
        let text = match &node.value {
            Value::Number(text) => text.as_str(),
            Value::String(text) if is_number(text.trim()) => {
                self.tolerated.add(Lenience::StringForNumber, node.at, name);
                text.trim()
            }
            _ => {
                let hint = digits(node.as_str()).map(|digits| format!("write `{digits}`"));
                return self.wrong(name, "a whole number", node, hint);
            }
        };
        if has_leading_zero(text) {
            let decimal = text.trim_start_matches('0');
            let octal =
                i64::from_str_radix(decimal, 8).map(|number| format!(", or `{number}` if it is octal"));
            let hint = format!("write `{decimal}`{}", octal.unwrap_or_default());
            return self.wrong(name, "a number without leading zeros", node, Some(hint));
        }
        let value = number(text).and_then(|number| {
            #[allow(clippy::cast_possible_truncation)] // Whole and within 2^53.
            let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
            number.as_i64().or_else(|| number.as_f64().and_then(whole))
        });
        let fits = |value: &i64| shape.kind == Type::Long || i32::try_from(*value).is_ok();
        let Some(value) = value.filter(fits) else {
            return self.wrong(name, "a whole number", node, None);
        };
        #[allow(clippy::cast_precision_loss)] // Bounds are small.
        self.bounds(shape, name, node, value as f64);
        Value::Number(value.to_string())
    }

    fn double(&mut self, shape: &Shape, name: &str, node: &Node) -> Value {
        let text = match &node.value {
            Value::Number(text) => text.as_str(),
            Value::String(text) if is_number(text.trim()) => {
                self.tolerated.add(Lenience::StringForNumber, node.at, name);
                text.trim()
            }
            _ => return self.wrong(name, "a number", node, None),
        };
        let value = number(text).and_then(|number| number.as_f64()).unwrap_or_default();
        self.bounds(shape, name, node, value);
        // `{:?}` keeps the point of a whole number: 70.0 is a double for JSON too.
        Value::Number(format!("{value:?}"))
    }

    fn bounds(&mut self, shape: &Shape, name: &str, node: &Node, value: f64) {
        let limits = self.owner.and_then(|owner| limits::of(&owner.name, name));
        let least = shape.min.or(limits.map(|limits| limits.0)).filter(|least| value < *least);
        let most = shape.max.or(limits.map(|limits| limits.1)).filter(|most| value > *most);
        if let Some(least) = least {
            self.report.error(node.at, format!("`{name}` is {value}; at least {least} is needed"));
        }
        if let Some(most) = most {
            self.report.error(node.at, format!("`{name}` is {value}; at most {most} is allowed"));
        }
    }

    fn boolean(&mut self, name: &str, node: &Node) -> Value {
        let text = match &node.value {
            Value::Bool(value) => return Value::Bool(*value),
            Value::String(text) | Value::Number(text) => text.trim().to_ascii_lowercase(),
            _ => String::new(),
        };
        let hint = match text.as_str() {
            "true" | "false" => {
                self.tolerated.add(Lenience::StringForNumber, node.at, name);
                return Value::Bool(text == "true");
            }
            "yes" | "on" | "y" | "1" | "enabled" => Some("write `true`".to_owned()),
            "no" | "off" | "n" | "0" | "disabled" => Some("write `false`".to_owned()),
            _ => None,
        };
        self.wrong(name, "`true` or `false`", node, hint)
    }

    /// Seconds since the epoch, from a number or an ISO time.
    fn time(&mut self, name: &str, node: &Node) -> Value {
        if let Value::Number(text) = &node.value {
            return Value::Number(text.clone());
        }
        let text = node.as_str().unwrap_or_default();
        let Ok(time) = text.parse::<jiff::Timestamp>() else {
            let hint = "write a time with its zone, such as `2026-05-01T06:00:00Z`".to_owned();
            return self.wrong(name, "a time", node, Some(hint));
        };
        Value::Number(if time.subsec_nanosecond() == 0 {
            time.as_second().to_string()
        } else {
            format!("{:?}", time.as_duration().as_secs_f64())
        })
    }
}

fn wanted(shape: &Shape) -> &'static str {
    match shape.kind {
        Type::Integer | Type::Long | Type::Double => "a number",
        Type::Boolean => "`true` or `false`",
        Type::Timestamp => "a time",
        _ => "a string",
    }
}

fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number within `1_000`, `80/tcp` or `512 MiB`.
fn digits(text: Option<&str>) -> Option<String> {
    let text = text?.trim().replace(['_', ','], "");
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty() && digits.len() < 10).then_some(digits)
}
