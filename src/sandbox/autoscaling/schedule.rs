//! Schedule expressions: `at(…)`, `rate(…)`, `cron(…)`, read and computed.
//!
//! AWS's cron has six fields and wants `?` for exactly one of day-of-month and day-of-week. Times
//! that a zone skips are as much later as it skips; of times that it has twice the first counts.
//! Tests: in this file.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

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
    Field { name: "year", least: 1970, most: LAST_YEAR, words: &[], special: "" },
];

/// The last year that a cron expression can name.
const LAST_YEAR: u32 = 2199;

/// When something is to happen.
#[derive(Debug)]
pub(super) enum Schedule {
    At(DateTime),
    /// Every so many seconds.
    Rate(f64),
    Cron(Cron),
}

/// The elements of each field, any of which may match.
#[derive(Debug)]
pub(super) struct Cron([Vec<Element>; 6]);

#[derive(Debug, Clone, Copy)]
enum Element {
    /// Every `step`-th value of a range.
    Range { first: u32, last: u32, step: u32 },
    /// `L`: the month's last day.
    LastDay,
    /// `LW`: the month's last weekday.
    LastWeekday,
    /// `15W`: the weekday nearest to a day, in its month.
    NearestWeekday(u32),
    /// `2#1`: the month's first Monday.
    Nth { weekday: u32, nth: u32 },
    /// `6L`: the month's last Friday.
    LastOf(u32),
}

impl Schedule {
    /// The schedule of an expression that AWS would accept; if it would not, why.
    pub fn parse(expression: &str) -> Result<Self, String> {
        let (kind, rest) = expression.split_once('(').unwrap_or((expression, ""));
        let Some(inner) = rest.strip_suffix(')') else {
            return Err(wrong(expression, "it must be at(…), rate(…) or cron(…)"));
        };
        match kind {
            "at" => match inner.parse() {
                Ok(at) if inner.len() == "yyyy-mm-ddThh:mm:ss".len() && inner.contains('T') => {
                    Ok(Self::At(at))
                }
                _ => Err(wrong(expression, "at(…) takes yyyy-mm-ddThh:mm:ss")),
            },
            "rate" => rate(inner).map(Self::Rate).ok_or_else(|| {
                wrong(expression, "rate(…) takes a positive number and minutes, hours or days")
            }),
            "cron" => Cron::parse(inner).map(Self::Cron).map_err(|why| wrong(expression, &why)),
            _ => Err(wrong(expression, "it must be at(…), rate(…) or cron(…)")),
        }
    }

    /// The first time after `after`; a rate counts from `begin`. Seconds since the epoch.
    pub fn next(&self, zone: &TimeZone, begin: f64, after: f64) -> Option<f64> {
        match self {
            Self::At(at) => seconds(*at, zone).filter(|at| *at > after),
            Self::Rate(every) if after < begin => Some(begin).filter(|_| *every > 0.0),
            Self::Rate(every) => Some(begin + every * (((after - begin) / every).floor() + 1.0)),
            Self::Cron(cron) => cron.next(zone, after),
        }
    }
}

fn wrong(expression: &str, why: &str) -> String {
    format!("Invalid schedule expression: {expression}: {why}")
}

/// `1 hour`, `2 hours`: the unit agrees with the number.
fn rate(inner: &str) -> Option<f64> {
    let (number, unit) = inner.split_once(' ')?;
    let number: u32 = number.parse().ok().filter(|number| *number > 0)?;
    let singular = if number == 1 { unit } else { unit.strip_suffix('s')? };
    let units = [("minute", 60.0), ("hour", 3600.0), ("day", 86_400.0)];
    let (_, seconds) = units.iter().find(|(name, _)| *name == singular)?;
    Some(f64::from(number) * seconds)
}

/// A zone's time, in whole seconds since the epoch.
#[allow(clippy::cast_precision_loss)] // far below 2^52
fn seconds(time: DateTime, zone: &TimeZone) -> Option<f64> {
    Some(zone.to_timestamp(time).ok()?.as_second() as f64)
}

impl Cron {
    fn parse(inner: &str) -> Result<Self, String> {
        let texts: Vec<&str> = inner.split_whitespace().collect();
        let Ok(texts) = <[&str; 6]>::try_from(texts.as_slice()) else {
            return Err(format!("cron(…) takes 6 fields, found: {}", texts.len()));
        };
        if (texts[2] == "?") == (texts[4] == "?") {
            return Err("exactly one of day-of-month and day-of-week must be ?".into());
        }
        let mut parsed = Self(Default::default());
        for ((field, text), elements) in FIELDS.iter().zip(texts).zip(&mut parsed.0) {
            let may_be_any = field.name == "day-of-month" || field.name == "day-of-week";
            let text = if text == "?" && may_be_any { "*" } else { text };
            let all = text.split(',').map(|part| field.parse(part)).collect::<Option<_>>();
            *elements = all.ok_or_else(|| format!("{} cannot be {text}", field.name))?;
        }
        Ok(parsed)
    }

    fn next(&self, zone: &TimeZone, after: f64) -> Option<f64> {
        #[allow(clippy::cast_possible_truncation)] // the present, in seconds
        let day = zone.to_datetime(Timestamp::from_second(after as i64).ok()?).date();
        let mut days = std::iter::successors(Some(day), |day| day.tomorrow().ok());
        let in_time = |day: &Date| number(day.year()) <= LAST_YEAR;
        days.by_ref()
            .take_while(in_time)
            .filter(|day| self.has_day(*day))
            .find_map(|day| self.times(day).filter_map(|at| seconds(at, zone)).find(|at| *at > after))
    }

    fn has_day(&self, date: Date) -> bool {
        let [_, _, days, months, weekdays, years] = &self.0;
        has(months, number(date.month()))
            && has(years, number(date.year()))
            && days.iter().any(|day| day.has_day(date, number(date.day())))
            && weekdays.iter().any(|day| day.has_day(date, weekday(date)))
    }

    /// The times of a day, in their order.
    fn times(&self, day: Date) -> impl Iterator<Item = DateTime> {
        let [minutes, hours, ..] = &self.0;
        let all = (0..24_i8).flat_map(|hour| (0..60_i8).map(move |minute| (hour, minute)));
        let chosen = all.filter(|(hour, minute)| has(hours, number(*hour)) && has(minutes, number(*minute)));
        chosen.map(move |(hour, minute)| day.at(hour, minute, 0, 0))
    }
}

/// Of parts of dates, none of which is negative after 1970.
fn number(part: impl Into<i64>) -> u32 {
    u32::try_from(part.into()).unwrap_or(0)
}

/// 1 is Sunday.
fn weekday(date: Date) -> u32 {
    number(date.weekday().to_sunday_one_offset())
}

fn has(elements: &[Element], value: u32) -> bool {
    elements.iter().any(|element| element.has(value))
}

impl Element {
    fn has(self, value: u32) -> bool {
        match self {
            Self::Range { first, last, step } => {
                (first..=last).contains(&value) && (value - first).is_multiple_of(step)
            }
            _ => false,
        }
    }

    /// Whether a date is meant, of which `value` is the day or the weekday.
    fn has_day(self, date: Date, value: u32) -> bool {
        let (day, last) = (number(date.day()), number(date.days_in_month()));
        match self {
            Self::Range { .. } => self.has(value),
            Self::LastDay => day == last,
            Self::LastWeekday => nearest_weekday(date, last) == day,
            Self::NearestWeekday(wanted) => wanted <= last && nearest_weekday(date, wanted) == day,
            Self::Nth { weekday, nth } => value == weekday && (day - 1) / 7 + 1 == nth,
            Self::LastOf(weekday) => value == weekday && day + 7 > last,
        }
    }
}

/// The weekday nearest to a day of the date's month, within it.
fn nearest_weekday(date: Date, wanted: u32) -> u32 {
    let last = number(date.days_in_month());
    let on = i8::try_from(wanted).ok().and_then(|day| date.with().day(day).build().ok());
    match on.map(Date::weekday) {
        Some(Weekday::Saturday) if wanted == 1 => 3,
        Some(Weekday::Saturday) => wanted - 1,
        Some(Weekday::Sunday) if wanted == last => wanted - 2,
        Some(Weekday::Sunday) => wanted + 1,
        _ => wanted,
    }
}

impl Field {
    /// One element of the list: a value, a range, all; each also with a step.
    fn parse(&self, part: &str) -> Option<Element> {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step = step.map_or(Some(None), |step| step.parse().ok().map(Some))?;
        if step.is_some_and(|step| step == 0 || step > self.most) {
            return None;
        }
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None => match (self.value(range), step) {
                (Some(value), None) => (value, value),
                (Some(value), Some(_)) => (value, self.most),
                (None, None) => return self.special(range),
                (None, Some(_)) => return None,
            },
        };
        (first <= last).then_some(Element::Range { first, last, step: step.unwrap_or(1) })
    }

    fn value(&self, text: &str) -> Option<u32> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let value = match word {
            Some(at) => u32::try_from(at).ok()? + self.least,
            None => text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?,
        };
        (self.least..=self.most).contains(&value).then_some(value)
    }

    fn special(&self, text: &str) -> Option<Element> {
        if let Some((day, nth)) = text.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth) && self.special.contains('#'))?;
            return Some(Element::Nth { weekday: self.value(day)?, nth });
        }
        let of_month = self.special.contains('W');
        match text {
            "LW" if of_month => Some(Element::LastWeekday),
            "L" if of_month => Some(Element::LastDay),
            // The last day of a week is its Saturday.
            "L" if self.special.contains('L') => Some(Element::Range { first: 7, last: 7, step: 1 }),
            _ if of_month => {
                text.strip_suffix('W').and_then(|day| self.value(day)).map(Element::NearestWeekday)
            }
            _ if self.special.contains('L') => {
                text.strip_suffix('L').and_then(|day| self.value(day)).map(Element::LastOf)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> Result<(), String> {
        Schedule::parse(expression).map(drop)
    }

    /// The first times from the beginning of 2026 on, in UTC.
    fn times(expression: &str, zone: &str, count: usize) -> Vec<String> {
        let (schedule, zone) = (Schedule::parse(expression).unwrap(), TimeZone::get(zone).unwrap());
        let begin = 1_767_225_600.0;
        let mut at = begin - 1.0;
        let next = || {
            at = schedule.next(&zone, begin, at)?;
            #[allow(clippy::cast_possible_truncation)] // whole seconds
            Some(Timestamp::from_second(at as i64).unwrap().to_string())
        };
        std::iter::from_fn(next).take(count).collect()
    }

    #[test]
    fn an_expression_has_its_times() {
        for (expression, zone, expected) in [
            ("at(2026-05-20T18:35:00)", "UTC", vec!["2026-05-20T18:35:00Z"]),
            ("at(2026-05-20T18:35:00)", "Europe/Berlin", vec!["2026-05-20T16:35:00Z"]),
            ("at(2025-05-20T18:35:00)", "UTC", vec![]),
            (
                "rate(12 hours)",
                "UTC",
                vec!["2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z"],
            ),
            (
                "cron(0 20 * * ? *)",
                "UTC",
                vec!["2026-01-01T20:00:00Z", "2026-01-02T20:00:00Z", "2026-01-03T20:00:00Z"],
            ),
            (
                "cron(0 20 * * ? *)",
                "America/New_York",
                vec!["2026-01-01T01:00:00Z", "2026-01-02T01:00:00Z", "2026-01-03T01:00:00Z"],
            ),
            (
                "cron(0/25 8-9 ? * MON-FRI 2026)",
                "UTC",
                vec!["2026-01-01T08:00:00Z", "2026-01-01T08:25:00Z", "2026-01-01T08:50:00Z"],
            ),
            (
                "cron(0 9 ? * SUN,SAT *)",
                "UTC",
                vec!["2026-01-03T09:00:00Z", "2026-01-04T09:00:00Z", "2026-01-10T09:00:00Z"],
            ),
            (
                "cron(0 9 L * ? *)",
                "UTC",
                vec!["2026-01-31T09:00:00Z", "2026-02-28T09:00:00Z", "2026-03-31T09:00:00Z"],
            ),
            // 15 February and 15 March are Sundays, 1 March is one, 31 January a Saturday.
            (
                "cron(0 9 15W * ? *)",
                "UTC",
                vec!["2026-01-15T09:00:00Z", "2026-02-16T09:00:00Z", "2026-03-16T09:00:00Z"],
            ),
            (
                "cron(0 9 LW * ? *)",
                "UTC",
                vec!["2026-01-30T09:00:00Z", "2026-02-27T09:00:00Z", "2026-03-31T09:00:00Z"],
            ),
            (
                "cron(0 9 1W 2,8 ? *)",
                "UTC",
                vec!["2026-02-02T09:00:00Z", "2026-08-03T09:00:00Z", "2027-02-01T09:00:00Z"],
            ),
            (
                "cron(0 9 ? * 2#1 *)",
                "UTC",
                vec!["2026-01-05T09:00:00Z", "2026-02-02T09:00:00Z", "2026-03-02T09:00:00Z"],
            ),
            (
                "cron(0 9 ? * 6L *)",
                "UTC",
                vec!["2026-01-30T09:00:00Z", "2026-02-27T09:00:00Z", "2026-03-27T09:00:00Z"],
            ),
            (
                "cron(0 9 ? * L *)",
                "UTC",
                vec!["2026-01-03T09:00:00Z", "2026-01-10T09:00:00Z", "2026-01-17T09:00:00Z"],
            ),
            (
                "cron(0 0 29 2 ? *)",
                "UTC",
                vec!["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z", "2036-02-29T00:00:00Z"],
            ),
            ("cron(0 0 1 1 ? 2020-2026)", "UTC", vec!["2026-01-01T00:00:00Z"]),
        ] {
            assert_eq!(times(expression, zone, 3), expected, "{expression} in {zone}");
        }
    }

    #[test]
    fn a_zones_summer_time_is_kept() {
        // 29 March 2026 has no 02:30 in Berlin, 25 October has two.
        let march = times("cron(30 2 28-30 3 ? 2026)", "Europe/Berlin", 9);
        assert_eq!(march, ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]);
        let october = times("cron(30 2 24-26 10 ? 2026)", "Europe/Berlin", 9);
        assert_eq!(october, ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

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
