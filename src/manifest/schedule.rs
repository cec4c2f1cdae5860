//! Schedules as Application Auto Scaling reads them: `at(…)`, `rate(…)`, `cron(…)`, and their time zones.
//!
//! It answers whether AWS would take the text, not when it fires. Tests: at the end.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What is wrong with a schedule, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub message: String,
    pub hint: Option<String>,
}

fn wrong<T>(message: impl Into<String>, hint: impl Into<Option<&'static str>>) -> Result<T, Wrong> {
    Err(Wrong { message: message.into(), hint: hint.into().map(str::to_owned) })
}

const FORMS: &str = "write `cron(0 20 * * ? *)`, `rate(1 hour)` or `at(2026-05-01T06:00:00)`";

/// Checks a schedule expression.
pub fn check(text: &str) -> Result<(), Wrong> {
    let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(fields) = inner("cron") {
        cron(fields)
    } else if let Some(time) = inner("at") {
        at(time)
    } else if let Some(value) = inner("rate") {
        rate(value)
    } else if (5..=6).contains(&text.split_whitespace().count()) {
        wrong(format!("`{text}` is not a schedule"), "write it as `cron(…)`, with a year as the sixth field")
    } else {
        wrong(format!("`{text}` is not a schedule"), FORMS)
    }
}

/// Checks the name of a time zone.
pub fn check_zone(name: &str) -> Result<(), Wrong> {
    if TimeZone::get(name).is_err() {
        return wrong(
            format!("there is no time zone `{name}`"),
            "write its name, such as `Europe/Berlin` or `UTC`",
        );
    }
    Ok(())
}

fn at(time: &str) -> Result<(), Wrong> {
    let hint = "write `at(2026-05-01T06:00:00)`; the zone stands in `timezone`";
    // No zone, no fraction: exactly the form of the documentation.
    if time.len() != 19 || time.parse::<DateTime>().is_err() {
        return wrong(format!("`{time}` is not a time"), hint);
    }
    Ok(())
}

fn rate(text: &str) -> Result<(), Wrong> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [value, unit] = words.as_slice() else {
        return wrong(format!("`{text}` is not a rate"), "write `rate(5 minutes)`");
    };
    let Ok(value @ 1..) = value.parse::<u32>() else {
        return wrong(format!("`{value}` is not a number above 0"), "write `rate(5 minutes)`");
    };
    match (value, *unit) {
        (1, "minute" | "hour" | "day") | (2.., "minutes" | "hours" | "days") => Ok(()),
        (1, "minutes" | "hours" | "days") => wrong(format!("`1 {unit}` is spelled without the `s`"), None),
        (_, "minute" | "hour" | "day") => wrong(format!("`{value} {unit}` is spelled with an `s`"), None),
        _ => wrong(format!("there is no unit `{unit}`"), "one of `minutes`, `hours`, `days`"),
    }
}

/// A field of a cron expression.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names that stand for numbers, the first for `least`.
    words: &'static [&'static str],
    /// Letters beyond `,` `-` `*` `/`.
    more: &'static str,
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 6] = [
    Field { name: "minutes", least: 0, most: 59, words: &[], more: "" },
    Field { name: "hours", least: 0, most: 23, words: &[], more: "" },
    Field { name: "day of the month", least: 1, most: 31, words: &[], more: "?LW" },
    Field { name: "month", least: 1, most: 12, words: &MONTHS, more: "" },
    Field { name: "day of the week", least: 1, most: 7, words: &DAYS, more: "?L#" },
    Field { name: "year", least: 1970, most: 2199, words: &[], more: "" },
];

fn cron(text: &str) -> Result<(), Wrong> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let message = format!("`cron({text})` has {} fields, not six", fields.len());
        return wrong(message, "minutes, hours, day of the month, month, day of the week, year");
    }
    for (field, text) in FIELDS.iter().zip(&fields) {
        text.split(',').try_for_each(|part| field.check(part))?;
    }
    match (fields[2], fields[4]) {
        ("?", "?") => {
            wrong("the day of the month and the day of the week cannot both be `?`", "write `*` for one")
        }
        ("?", _) | (_, "?") => Ok(()),
        _ => wrong(
            "either the day of the month or the day of the week must be `?`",
            "`*` for one and `?` for the other is every day",
        ),
    }
}

impl Field {
    fn wrong<T>(&self, part: &str) -> Result<T, Wrong> {
        let hint = format!(
            "from {} to {}{}",
            self.least,
            self.most,
            self.words.first().map_or("", |_| ", or a name")
        );
        Err(Wrong { message: format!("`{part}` is no {} of a cron expression", self.name), hint: Some(hint) })
    }

    fn check(&self, part: &str) -> Result<(), Wrong> {
        if part == "*" || (part == "?" && self.more.contains('?')) || (part == "L" && self.more.contains('L'))
        {
            return Ok(());
        }
        if self.more.contains('W')
            && (part == "LW" || part.strip_suffix('W').is_some_and(|day| self.is_value(day)))
        {
            return Ok(());
        }
        if let Some((day, nth)) = part.split_once('#').filter(|_| self.more.contains('#')) {
            let is_nth = matches!(nth.parse(), Ok(1..=5u32));
            return if is_nth && self.is_value(day) { Ok(()) } else { self.wrong(part) };
        }
        // `6L` is the last Friday of the month.
        let last = part.strip_suffix('L').filter(|_| self.more.contains("L#"));
        if last.is_some_and(|day| self.is_value(day)) {
            return Ok(());
        }
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| !matches!(step.parse::<u32>(), Ok(1..))) {
            return self.wrong(part);
        }
        let is_range = match range.split_once('-') {
            Some((from, to)) => self.is_value(from) && self.is_value(to),
            None => self.is_value(range) || (range == "*" && step.is_some()),
        };
        if is_range { Ok(()) } else { self.wrong(part) }
    }

    fn is_value(&self, text: &str) -> bool {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.is_some_and(|number: u32| (self.least..=self.most).contains(&number))
            || self.words.iter().any(|word| word.eq_ignore_ascii_case(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_of_the_documentation_pass() {
        for text in [
            "cron(0 20 * * ? *)",
            "cron(0/15 8-17 ? * MON-FRI *)",
            "cron(0 0 1,15 JAN-MAR ? 2026-2030)",
            "cron(0 18 LW * ? *)",
            "cron(0 18 3W * ? *)",
            "cron(0 18 L * ? *)",
            "cron(0 9 ? * 2#1 *)",
            "cron(0 9 ? * 6L *)",
            "cron(*/5 * * * ? *)",
            "rate(1 hour)",
            "rate(5 minutes)",
            "at(2026-05-01T06:00:00)",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_aws_refuses_is_refused_with_a_reason() {
        for (text, words) in [
            ("0 20 * * *", "not a schedule"),
            ("cron(0 20 * * *)", "has 5 fields"),
            ("cron(0 20 * * * *)", "must be `?`"),
            ("cron(0 20 ? * ? *)", "cannot both be `?`"),
            ("cron(60 20 * * ? *)", "`60` is no minutes"),
            ("cron(0 24 * * ? *)", "`24` is no hours"),
            ("cron(0 20 0 * ? *)", "day of the month"),
            ("cron(0 20 ? * 0 *)", "day of the week"),
            ("cron(0 20 ? * MON#6 *)", "day of the week"),
            ("cron(0 20 * FOO ? *)", "month"),
            ("cron(0 20 * * ? 1969)", "year"),
            ("cron(0/0 20 * * ? *)", "minutes"),
            ("cron(0 20 L-3 * ? *)", "day of the month"),
            ("rate(1 hours)", "without the `s`"),
            ("rate(5 minute)", "with an `s`"),
            ("rate(0 minutes)", "above 0"),
            ("rate(5 weeks)", "no unit"),
            ("rate(5)", "not a rate"),
            ("at(2026-05-01)", "not a time"),
            ("at(2026-05-01T06:00:00Z)", "not a time"),
            ("at(2026-02-30T06:00:00)", "not a time"),
            ("every day", "not a schedule"),
        ] {
            let wrong = check(text).expect_err(text);
            assert!(wrong.message.contains(words), "{text}: {wrong:?}");
        }
    }

    #[test]
    fn time_zones_are_those_of_the_tz_database() {
        assert_eq!(check_zone("Europe/Berlin"), Ok(()));
        assert_eq!(check_zone("UTC"), Ok(()));
        assert!(check_zone("Europe/Berln").is_err());
    }
}
