//! Calendars: days on which jobs do not run.

use std::{fmt, str::FromStr};

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::bounds::EXCLUDED_DAYS_MAX;

/// The days that a calendar excludes: those of any of its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    pub dates: Vec<Date>,
    pub ranges: Vec<Range>,
    /// Each year again.
    pub yearly: Vec<Yearly>,
    pub weekdays: Vec<Weekday>,
}

/// `2026-12-25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(NaiveDate);

/// The first and the last of several days, in whichever order they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Ends<Date>", into = "Ends<Date>")]
pub struct Range {
    from: Date,
    to: Date,
}

/// `12-25`. The 29th of February is in leap years only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MonthDay {
    month: u32,
    day: u32,
}

/// A day of each year, or the days from one to another, also over the turn of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "must be a day as \"12-25\", or from one to another as {\"from\": \"12-24\", \"to\": \"01-02\"}"
)]
pub enum Yearly {
    Day(MonthDay),
    Days(Ends<MonthDay>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ends<T> {
    from: T,
    to: T,
}

/// As cron names them: `MON` to `SUN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Weekday(chrono::Weekday);

impl Rules {
    pub fn excludes(&self, day: NaiveDate) -> bool {
        self.weekdays.iter().any(|weekday| weekday.0 == day.weekday())
            || self.yearly.iter().any(|yearly| yearly.has(day))
            || self.dates.iter().any(|date| date.0 == day)
            || self.ranges.iter().any(|range| (range.from.0..=range.to.0).contains(&day))
    }

    /// The first day from `day` on that is not excluded, if there is one within reach.
    pub(crate) fn open_from(&self, day: NaiveDate) -> Option<NaiveDate> {
        day.iter_days().take(EXCLUDED_DAYS_MAX).find(|day| !self.excludes(*day))
    }

    /// The last day up to `day` that is not excluded, if there is one within reach.
    pub(crate) fn open_until(&self, day: NaiveDate) -> Option<NaiveDate> {
        let days = std::iter::successors(Some(day), NaiveDate::pred_opt);
        days.take(EXCLUDED_DAYS_MAX).find(|day| !self.excludes(*day))
    }
}

impl Yearly {
    fn has(self, day: NaiveDate) -> bool {
        let this = MonthDay { month: day.month(), day: day.day() };
        match self {
            Self::Day(day) => day == this,
            Self::Days(Ends { from, to }) if from <= to => (from..=to).contains(&this),
            Self::Days(Ends { from, to }) => this >= from || this <= to,
        }
    }
}

/// Whichever is first.
impl From<Ends<Date>> for Range {
    fn from(ends: Ends<Date>) -> Self {
        let Ends { from, to } = ends;
        Self { from: from.min(to), to: from.max(to) }
    }
}

impl From<Range> for Ends<Date> {
    fn from(range: Range) -> Self {
        Self { from: range.from, to: range.to }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(32).collect()
}

impl From<NaiveDate> for Date {
    fn from(day: NaiveDate) -> Self {
        Self(day)
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // chrono takes more than the one form that is written.
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Self);
        date.filter(|date| date.to_string() == text)
            .ok_or_else(|| format!("date {:?} is not valid; allowed are days as \"2026-12-25\"", shown(text)))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl FromStr for MonthDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed =
            text.split_once('-').and_then(|(month, day)| Some((month.parse().ok()?, day.parse().ok()?)));
        // A year with all days.
        let parsed = parsed.filter(|(month, day)| NaiveDate::from_ymd_opt(2000, *month, *day).is_some());
        let parsed = parsed.map(|(month, day)| Self { month, day });
        parsed.filter(|day| day.to_string() == text).ok_or_else(|| {
            format!("day {:?} of each year is not valid; allowed are days as \"12-25\"", shown(text))
        })
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl FromStr for Weekday {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = std::iter::successors(Some(chrono::Weekday::Mon), |day| Some(day.succ())).take(7);
        let found = names.map(Self).find(|day| day.to_string() == text);
        found.ok_or_else(|| {
            format!("weekday {:?} is unknown; allowed is MON, TUE, WED, THU, FRI, SAT, SUN", shown(text))
        })
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().to_ascii_uppercase())
    }
}

macro_rules! texts {
    ($($name:ident)*) => {$(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )*};
}

texts! { Date MonthDay Weekday }

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Rules;

    fn rules(value: Value) -> Rules {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn each_rule_excludes_its_days() {
        let rules =
            rules(json!({"dates": ["2026-05-14"], "ranges": [{"from": "2026-08-01", "to": "2026-08-14"}],
            "yearly": ["10-03", {"from": "12-24", "to": "01-01"}, "02-29"], "weekdays": ["SUN"]}));
        let excludes = |day: &str| rules.excludes(day.parse().unwrap());
        for day in [
            "2026-05-14",
            "2026-08-01",
            "2026-08-14",
            "2031-10-03",
            "2026-12-31",
            "2027-01-01",
            "2028-02-29",
            "2026-11-29",
        ] {
            assert!(excludes(day), "{day}");
        }
        for day in ["2027-05-14", "2026-08-15", "2026-12-23", "2027-01-02", "2027-03-01", "2026-11-28"] {
            assert!(!excludes(day), "{day}");
        }
    }

    #[test]
    fn is_written_as_it_is_read() {
        let value = json!({"dates": ["2026-05-14"], "ranges": [{"from": "2026-08-01", "to": "2026-08-14"}],
            "yearly": ["10-03", {"from": "12-24", "to": "01-01"}], "weekdays": ["SAT", "SUN"]});
        assert_eq!(serde_json::to_value(rules(value.clone())).unwrap(), value);
    }

    #[test]
    fn the_ends_of_a_range_may_be_given_in_any_order() {
        let swapped = rules(json!({"ranges": [{"from": "2026-02-02", "to": "2026-02-01"}]}));
        assert!(swapped.excludes("2026-02-01".parse().unwrap()));
        assert_eq!(json!(swapped)["ranges"][0], json!({"from": "2026-02-01", "to": "2026-02-02"}));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for (odd, told) in [
            (json!({"dates": ["2026-02-30"]}), "date \"2026-02-30\" is not valid"),
            (json!({"dates": ["2026-2-3"]}), "date \"2026-2-3\" is not valid"),
            (json!({"yearly": ["02-30"]}), "must be a day as"),
            (json!({"yearly": [{"from": "02-01"}]}), "must be a day as"),
            (json!({"weekdays": ["Sunday"]}), "allowed is MON"),
            (json!({"days": []}), "unknown field"),
        ] {
            let refused = serde_json::from_value::<Rules>(odd).unwrap_err().to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }
}
