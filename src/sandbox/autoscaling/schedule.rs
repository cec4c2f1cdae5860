//! Schedule expressions: `at(…)`, `rate(…)`, `cron(…)`, checked and not yet computed.
//!
//! AWS's cron has six fields and wants `?` for exactly one of day-of-month and day-of-week.
//! Tests: in this file.

/// What each field of a cron expression may hold.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
    /// Letters that mean a day: `L` the last, `W` the nearest weekday, `#` the n-th.
    special: &'static str,
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 6] = [
    Field { name: "minutes", least: 0, most: 59, words: &[], special: "" },
    Field { name: "hours", least: 0, most: 23, words: &[], special: "" },
    Field { name: "day-of-month", least: 1, most: 31, words: &[], special: "LW" },
    Field { name: "month", least: 1, most: 12, words: &MONTHS, special: "" },
    Field { name: "day-of-week", least: 1, most: 7, words: &DAYS, special: "L#" },
    Field { name: "year", least: 1970, most: 2199, words: &[], special: "" },
];

/// Whether AWS would accept the expression; if not, why.
pub(super) fn check(expression: &str) -> Result<(), String> {
    let (kind, rest) = expression.split_once('(').unwrap_or((expression, ""));
    let Some(inner) = rest.strip_suffix(')') else {
        return Err(wrong(expression, "it must be at(…), rate(…) or cron(…)"));
    };
    match kind {
        "at" => match inner.parse::<jiff::civil::DateTime>() {
            Ok(_) if inner.len() == "yyyy-mm-ddThh:mm:ss".len() && inner.contains('T') => Ok(()),
            _ => Err(wrong(expression, "at(…) takes yyyy-mm-ddThh:mm:ss")),
        },
        "rate" => rate(inner)
            .ok_or_else(|| wrong(expression, "rate(…) takes a positive number and minutes, hours or days")),
        "cron" => cron(inner).map_err(|why| wrong(expression, &why)),
        _ => Err(wrong(expression, "it must be at(…), rate(…) or cron(…)")),
    }
}

fn wrong(expression: &str, why: &str) -> String {
    format!("Invalid schedule expression: {expression}: {why}")
}

/// `1 hour`, `2 hours`: the unit agrees with the number.
fn rate(inner: &str) -> Option<()> {
    let (number, unit) = inner.split_once(' ')?;
    let number: u32 = number.parse().ok().filter(|number| *number > 0)?;
    let singular = if number == 1 { unit } else { unit.strip_suffix('s')? };
    ["minute", "hour", "day"].contains(&singular).then_some(())
}

fn cron(inner: &str) -> Result<(), String> {
    let fields: Vec<&str> = inner.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("cron(…) takes 6 fields, found: {}", fields.len()));
    }
    if (fields[2] == "?") == (fields[4] == "?") {
        return Err("exactly one of day-of-month and day-of-week must be ?".into());
    }
    for (field, text) in FIELDS.iter().zip(fields) {
        let free = text == "?" && (field.name == "day-of-month" || field.name == "day-of-week");
        if !free && !text.split(',').all(|part| field.accepts(part)) {
            return Err(format!("{} cannot be {text}", field.name));
        }
    }
    Ok(())
}

impl Field {
    /// One element of the list: a value, a range, all; each also with a step.
    fn accepts(&self, part: &str) -> bool {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| step.parse::<u32>().map_or(true, |step| step == 0 || step > self.most)) {
            return false;
        }
        match range.split_once('-') {
            _ if range == "*" => true,
            Some((first, last)) => {
                matches!((self.value(first), self.value(last)), (Some(first), Some(last)) if first <= last)
            }
            None => self.value(range).is_some() || (step.is_none() && self.is_special(range)),
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let value = match word {
            Some(at) => u32::try_from(at).ok()? + self.least,
            None => text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?,
        };
        (self.least..=self.most).contains(&value).then_some(value)
    }

    fn is_special(&self, text: &str) -> bool {
        let has = |letter: char| self.special.contains(letter);
        match text.split_once('#') {
            Some((day, nth)) => {
                has('#') && self.value(day).is_some() && matches!(nth, "1" | "2" | "3" | "4" | "5")
            }
            None if text == "L" || text == "LW" => text.chars().all(has),
            None => text.strip_suffix(['L', 'W']).is_some_and(|day| {
                let letter = text.chars().last().is_some_and(has);
                let whole_month = self.name == "day-of-month" && text.ends_with('L');
                letter && !whole_month && self.value(day).is_some()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_aws_documents_is_accepted() {
        for good in [
            "at(2026-05-20T18:35:00)",
            "rate(1 minute)",
            "rate(12 hours)",
            "rate(7 days)",
            "cron(0 20 * * ? *)",
            "cron(0/15 8-17 ? * MON-FRI 2026)",
            "cron(0 9 L * ? *)",
            "cron(0 9 15W * ? *)",
            "cron(0 9 LW * ? *)",
            "cron(0 9 ? * 2#1 *)",
            "cron(0 9 ? * 6L *)",
            "cron(5,35 14 1,15 jan,JUL ? 2026-2030)",
        ] {
            check(good).expect(good);
        }
    }

    #[test]
    fn everything_else_is_refused_with_the_reason() {
        for (bad, why) in [
            ("", "at(…), rate(…) or cron(…)"),
            ("every(1 day)", "at(…), rate(…) or cron(…)"),
            ("rate(1 day", "at(…), rate(…) or cron(…)"),
            ("at(2026-13-20T18:35:00)", "yyyy-mm-ddThh:mm:ss"),
            ("at(2026-05-20)", "yyyy-mm-ddThh:mm:ss"),
            ("at(2026-05-20T18:35:00Z)", "yyyy-mm-ddThh:mm:ss"),
            ("rate(0 minutes)", "positive"),
            ("rate(1 days)", "positive"),
            ("rate(2 day)", "positive"),
            ("rate(5 weeks)", "positive"),
            ("cron(0 20 * * ?)", "6 fields, found: 5"),
            ("cron(0 20 * * * *)", "exactly one"),
            ("cron(0 20 ? * ? *)", "exactly one"),
            ("cron(60 20 * * ? *)", "minutes cannot be 60"),
            ("cron(0 24 * * ? *)", "hours cannot be 24"),
            ("cron(0 20 32 * ? *)", "day-of-month cannot be 32"),
            ("cron(0 20 * FOO ? *)", "month cannot be FOO"),
            ("cron(0 20 ? * 0 *)", "day-of-week cannot be 0"),
            ("cron(0 20 ? * FRI-MON *)", "day-of-week cannot be FRI-MON"),
            ("cron(0 20 ? * 2#6 *)", "day-of-week cannot be 2#6"),
            ("cron(0 20 * * ? 1969)", "year cannot be 1969"),
            ("cron(0/0 20 * * ? *)", "minutes cannot be 0/0"),
            ("cron(+5 20 * * ? *)", "minutes cannot be +5"),
        ] {
            let message = check(bad).expect_err(bad);
            assert!(message.contains(why), "{message}");
        }
    }
}
