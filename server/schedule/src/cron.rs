//! Cron expressions of five or six fields (the Open Cron Pattern Specification, without nicknames and years).

use std::{fmt, str::FromStr};

use chrono::{DateTime, SubsecRound as _, Utc};
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use serde::{Deserialize, Serialize};

use crate::{bounds::EXPRESSION_CHARS_MAX, zone::Zone};

/// What is between two fields, in the order of the fields.
const FIELDS: &str = "minute hour day-of-month month day-of-week, and before them second if there are six";

/// An expression as it was written, and as it is searched with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    text: String,
    cron: Box<Cron>,
}

impl Expression {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after an instant. `None`: there is none.
    pub(crate) fn next(&self, zone: Zone, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let found = self.cron.find_next_occurrence(&after.with_timezone(&zone.0), false).ok()?;
        Some(found.to_utc()).filter(|found| *found > after)
    }

    /// The last time before an instant.
    pub(crate) fn previous(&self, zone: Zone, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Times are whole seconds: one that `before` is within is before it.
        let second = before.trunc_subsecs(0);
        let inclusive = second < before;
        let found = self.cron.find_previous_occurrence(&second.with_timezone(&zone.0), inclusive).ok()?;
        Some(found.to_utc()).filter(|found| *found < before)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown: String = text.chars().take(EXPRESSION_CHARS_MAX).collect();
        if text.len() > EXPRESSION_CHARS_MAX {
            return Err(format!(
                "cron expression {shown:?} has {} bytes; allowed is {EXPRESSION_CHARS_MAX}",
                text.len()
            ));
        }
        let fields = text.split_whitespace().count();
        if !(5..=6).contains(&fields) || text.contains('@') {
            return Err(format!("cron expression {shown:?} has {fields} fields; allowed is {FIELDS}"));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| {
            format!("cron expression {shown:?} is not valid ({error}); allowed is {FIELDS}")
        })?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Self { text, cron: Box::new(cron) })
    }
}

impl TryFrom<String> for Expression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        expression.text
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;
    use crate::zone::Zone;

    #[test]
    fn refuses_what_is_no_expression() {
        for odd in [
            "",
            "* * * *",
            "* * * * * * *",
            "@daily",
            "61 * * * *",
            "0 2 30 FEBRUAR *",
            "a b c d e",
            "* * * * 8",
        ] {
            let refused = odd.parse::<Expression>().unwrap_err();
            assert!(refused.starts_with("cron expression") && refused.contains("allowed is"), "{refused}");
        }
        assert!("*".repeat(10_000).parse::<Expression>().unwrap_err().len() < 400);
    }

    #[test]
    fn the_second_that_an_instant_is_within_is_before_it() {
        let every_second: Expression = "* * * * * *".parse().unwrap();
        let at = |text: &str| text.parse().unwrap();
        let previous = |before| every_second.previous(Zone::UTC, at(before)).unwrap();
        assert_eq!(previous("2026-01-01T00:00:10.5Z"), at("2026-01-01T00:00:10Z"));
        assert_eq!(previous("2026-01-01T00:00:10Z"), at("2026-01-01T00:00:09Z"));
        let next = |after| every_second.next(Zone::UTC, at(after)).unwrap();
        assert_eq!(next("2026-01-01T00:00:10.5Z"), at("2026-01-01T00:00:11Z"));
        assert_eq!(next("2026-01-01T00:00:10Z"), at("2026-01-01T00:00:11Z"));
    }
}
