//! AWS's schedule expressions: `cron(…)` of six fields, `rate(…)`, `at(…)`; and the time zones they are read in.
//!
//! Says whether an expression is one, and what to write if not; when it fires is AWS's business. It must never read
//! the machine's clock or its time zones: those that come with the crate count. Tests: at the end of this file.

use jiff::tz::TimeZoneDatabase;
use std::sync::LazyLock;

/// The three forms of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Cron,
    Rate,
    At,
}

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    pub message: String,
    pub hint: String,
}

impl Problem {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// Reads `text` as an expression.
pub fn parse(text: &str) -> Result<Form, Problem> {
    let forms = "`cron(0 20 * * ? *)`, `rate(5 minutes)` or `at(2026-01-31T20:00:00)`";
    let Some((form, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
        let hint = if text.split_whitespace().count() == 5 {
            format!(
                "AWS's cron has six fields: minutes, hours, day of month, month, day of week, year; such as {forms}"
            )
        } else {
            format!("such as {forms}")
        };
        return Err(Problem::new(format!("`{text}` is not a schedule"), hint));
    };
    match form {
        "cron" => cron(inner).map(|()| Form::Cron),
        "rate" => rate(inner).map(|()| Form::Rate),
        "at" => at(inner).map(|()| Form::At),
        _ => Err(Problem::new(format!("`{form}(…)` is not a schedule"), format!("such as {forms}"))),
    }
}

/// Whether `name` is a time zone, as the IANA database spells it; if not, the one that may be meant.
pub fn time_zone(name: &str) -> Result<(), Option<String>> {
    static ZONES: LazyLock<Vec<String>> =
        LazyLock::new(|| TimeZoneDatabase::bundled().available().map(|zone| zone.to_string()).collect());
    if ZONES.iter().any(|zone| zone == name) {
        return Ok(());
    }
    let likeness = |zone: &String| strsim::jaro_winkler(&zone.to_lowercase(), &name.to_lowercase());
    let nearest = ZONES.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    Err(nearest.filter(|zone| likeness(zone) > 0.85).cloned())
}

/// One field of a cron expression.
struct Field {
    name: &'static str,
    least: u32,
    greatest: u32,
    /// Names of the values, from `least` on.
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 6] = [
    Field { name: "minutes", least: 0, greatest: 59, names: &[] },
    Field { name: "hours", least: 0, greatest: 23, names: &[] },
    Field { name: "day of month", least: 1, greatest: 31, names: &[] },
    Field { name: "month", least: 1, greatest: 12, names: &MONTHS },
    Field { name: "day of week", least: 1, greatest: 7, names: &DAYS },
    Field { name: "year", least: 1970, greatest: 2199, names: &[] },
];
const DAY_OF_MONTH: usize = 2;
const DAY_OF_WEEK: usize = 4;

fn cron(inner: &str) -> Result<(), Problem> {
    let given: Vec<&str> = inner.split_whitespace().collect();
    if given.len() != FIELDS.len() {
        return Err(Problem::new(
            format!("`cron({inner})` has {} fields, not 6", given.len()),
            "minutes, hours, day of month, month, day of week, year: `cron(0 20 * * ? *)`",
        ));
    }
    for (at, (field, text)) in FIELDS.iter().zip(&given).enumerate() {
        if !text.split(',').all(|part| field.takes(at, part, text)) {
            let mut hint = format!("{} to {}", field.least, field.greatest);
            if let [first, .., last] = field.names {
                hint = format!("{hint}, or {first} to {last}");
            }
            return Err(Problem::new(format!("`{text}` is not a value for the {}", field.name), hint));
        }
    }
    match (given[DAY_OF_MONTH] == "?", given[DAY_OF_WEEK] == "?") {
        (true, true) => Err(Problem::new(
            "day of month and day of week cannot both be `?`",
            "write `*` for one of them: `cron(0 20 * * ? *)`",
        )),
        (false, false) => Err(Problem::new(
            "day of month and day of week cannot both be given",
            "write `?` for one of them: `cron(0 20 * * ? *)` or `cron(0 20 ? * MON-FRI *)`",
        )),
        _ => Ok(()),
    }
}

impl Field {
    /// Whether the field, the one at `at`, may hold `part`, an element of the list `whole`.
    fn takes(&self, at: usize, part: &str, whole: &str) -> bool {
        if part == "?" {
            return whole == "?" && (at == DAY_OF_MONTH || at == DAY_OF_WEEK);
        }
        let special = match at {
            DAY_OF_MONTH => self.is_special_day(part),
            DAY_OF_WEEK => self.is_special_weekday(part),
            _ => false,
        };
        special || self.is_range_with_step(part)
    }

    /// `5`, `MON`, `*`, `1-5`, and any of them with a step: `*/15`, `0/15`, `9-17/2`.
    fn is_range_with_step(&self, part: &str) -> bool {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let step_fits =
            step.is_none_or(|step| number(step).is_some_and(|step| 1 <= step && step <= self.greatest));
        let range_fits = range == "*"
            || match range.split_once('-') {
                Some((first, last)) => self.value(first).is_some() && self.value(last).is_some(),
                None => self.value(range).is_some(),
            };
        step_fits && range_fits
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let index = named.and_then(|index| u32::try_from(index).ok()).map(|index| index + self.least);
        index.or_else(|| number(text)).filter(|value| (self.least..=self.greatest).contains(value))
    }

    /// `L` (the last), `LW` (the last working day), `L-3`, `15W` (the working day nearest to the 15th).
    fn is_special_day(&self, part: &str) -> bool {
        let before_last = |days: &str| number(days).is_some_and(|days| (1..=30).contains(&days));
        matches!(part, "L" | "LW")
            || part.strip_prefix("L-").is_some_and(before_last)
            || part.strip_suffix('W').is_some_and(|day| self.value(day).is_some())
    }

    /// `L`, `6L` (the last Friday), `6#3` or `FRI#3` (the third Friday).
    fn is_special_weekday(&self, part: &str) -> bool {
        let nth = |(day, nth): (&str, &str)| {
            self.value(day).is_some() && number(nth).is_some_and(|nth| (1..=5).contains(&nth))
        };
        part == "L"
            || part.strip_suffix('L').is_some_and(|day| self.value(day).is_some())
            || part.split_once('#').is_some_and(nth)
    }
}

/// Digits only: a sign is not part of any field.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
}

fn rate(inner: &str) -> Result<(), Problem> {
    let hint = "such as `rate(1 hour)` or `rate(5 minutes)`";
    let words: Vec<&str> = inner.split_whitespace().collect();
    let [count, unit] = words[..] else {
        return Err(Problem::new(format!("`rate({inner})` is not a number and a unit"), hint));
    };
    let Some(count) = number(count).filter(|count| *count > 0) else {
        return Err(Problem::new(format!("`{count}` is not a positive number"), hint));
    };
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    if !matches!(singular, "minute" | "hour" | "day") {
        return Err(Problem::new(format!("`{unit}` is not a unit"), "minutes, hours or days"));
    }
    let right = if count == 1 { singular.to_owned() } else { format!("{singular}s") };
    if unit == right {
        Ok(())
    } else {
        Err(Problem::new(
            format!("`rate({inner})` mixes singular and plural"),
            format!("write `rate({count} {right})`"),
        ))
    }
}

fn at(inner: &str) -> Result<(), Problem> {
    let letters_fit = inner.len() == "yyyy-mm-ddThh:mm:ss".len() && inner.as_bytes().get(10) == Some(&b'T');
    match inner.parse::<jiff::civil::DateTime>() {
        Ok(_) if letters_fit => Ok(()),
        _ => Err(Problem::new(
            format!("`{inner}` is not a date and time"),
            "yyyy-mm-ddThh:mm:ss, without a zone: `at(2026-01-31T20:00:00)`; the zone stands in `timezone`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_aws_takes() {
        for (text, form) in [
            ("cron(0 20 * * ? *)", Form::Cron),
            ("cron(0 10 * * ? 2026)", Form::Cron),
            ("cron(15 12 * * ? *)", Form::Cron),
            ("cron(0 18 ? * MON-FRI *)", Form::Cron),
            ("cron(0/15 * * * ? *)", Form::Cron),
            ("cron(*/5 8-17/2 ? JAN,mar-5 2-6 2026-2030)", Form::Cron),
            ("cron(0 9 L * ? *)", Form::Cron),
            ("cron(0 9 LW * ? *)", Form::Cron),
            ("cron(0 9 15W * ? *)", Form::Cron),
            ("cron(0 9 ? * 6L *)", Form::Cron),
            ("cron(0 9 ? * 2#1 *)", Form::Cron),
            ("cron(0 9 ? * FRI#3 *)", Form::Cron),
            ("cron(0 22-2 1,15 * ? *)", Form::Cron),
            ("rate(1 minute)", Form::Rate),
            ("rate(5 hours)", Form::Rate),
            ("rate(1 day)", Form::Rate),
            ("at(2019-05-20T18:35:00)", Form::At),
        ] {
            assert_eq!(parse(text).unwrap(), form, "{text}");
        }
    }

    #[test]
    fn expressions_that_aws_refuses_say_why() {
        for (text, words) in [
            ("0 20 * * *", "is not a schedule"),
            ("every(5 minutes)", "`every(…)`"),
            ("cron(0 20 * * *)", "has 5 fields"),
            ("cron(0 20 * * ? * *)", "has 7 fields"),
            ("cron(60 20 * * ? *)", "`60` is not a value for the minutes"),
            ("cron(0 24 * * ? *)", "for the hours"),
            ("cron(0 20 32 * ? *)", "for the day of month"),
            ("cron(0 20 0 * ? *)", "for the day of month"),
            ("cron(0 20 * 13 ? *)", "for the month"),
            ("cron(0 20 * ENE ? *)", "for the month"),
            ("cron(0 20 ? * 0 *)", "for the day of week"),
            ("cron(0 20 ? * MONDAY *)", "for the day of week"),
            ("cron(0 20 ? * 2#6 *)", "for the day of week"),
            ("cron(0 20 * * ? 1969)", "for the year"),
            ("cron(? 20 * * ? *)", "for the minutes"),
            ("cron(0/0 20 * * ? *)", "for the minutes"),
            ("cron(0,, 20 * * ? *)", "for the minutes"),
            ("cron(+5 20 * * ? *)", "for the minutes"),
            ("cron(0 20 ?,1 * ? *)", "for the day of month"),
            ("cron(0 20 * * * *)", "cannot both be given"),
            ("cron(0 20 ? * ? *)", "cannot both be `?`"),
            ("rate(1 minutes)", "singular and plural"),
            ("rate(5 minute)", "singular and plural"),
            ("rate(0 minutes)", "positive"),
            ("rate(5 weeks)", "not a unit"),
            ("rate(5minutes)", "a number and a unit"),
            ("at(2026-02-30T00:00:00)", "not a date"),
            ("at(2026-02-03 00:00:00)", "not a date"),
            ("at(2026-02-03T00:00:00Z)", "not a date"),
            ("", "not a schedule"),
            ("cron()", "0 fields"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.message.contains(words), "{text}: {problem}");
            assert!(!problem.hint.is_empty());
        }
        assert_eq!(parse("rate(1 hours)").unwrap_err().hint, "write `rate(1 hour)`");
    }

    #[test]
    fn time_zones_are_those_of_the_iana_database() {
        for zone in ["UTC", "Europe/Berlin", "US/Pacific", "Etc/GMT+5", "Asia/Kolkata"] {
            assert_eq!(time_zone(zone), Ok(()), "{zone}");
        }
        assert_eq!(time_zone("europe/berlin"), Err(Some("Europe/Berlin".to_owned())));
        assert_eq!(time_zone("Europe/Berlim"), Err(Some("Europe/Berlin".to_owned())));
        assert_eq!(time_zone("+02:00"), Err(None));
    }
}
