//! Time zones of the IANA database, as this binary knows it.

use std::{fmt, str::FromStr};

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};
use serde::{Deserialize, Serialize};

use crate::bounds::ZONE_CHARS_MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(pub(crate) Tz);

impl Zone {
    pub const UTC: Self = Self(Tz::UTC);

    /// All that there are.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TZ_VARIANTS.iter().map(|zone| zone.name())
    }

    pub fn is_utc(&self) -> bool {
        self.0 == Tz::UTC
    }

    /// The day of an instant.
    pub fn day(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// The first instant of a day, which need not be midnight.
    pub(crate) fn begin(self, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.first(day.and_hms_opt(0, 0, 0)?)
    }

    /// The instant of a local time: the earlier of two, and of a time that was skipped the first one after it.
    fn first(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
            LocalResult::None => Some(GapInfo::new(&local, &self.0)?.end?.to_utc()),
        }
    }

    /// The last instant before a day.
    pub(crate) fn end_before(self, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.begin(day)?.checked_sub_signed(TimeDelta::microseconds(1))
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            let shown: String = text.chars().take(ZONE_CHARS_MAX).collect();
            format!("time zone {shown:?} does not exist; allowed are those of the IANA database, as \"Europe/Berlin\" or \"UTC\"")
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Zone;

    #[test]
    fn a_zone_that_does_not_exist_is_refused_by_name() {
        for odd in ["Mars/Phobos", "europe/berlin ", "", "+01:00", &"x".repeat(500)] {
            let refused = odd.parse::<Zone>().unwrap_err();
            assert!(refused.contains("does not exist; allowed are"), "{refused}");
            assert!(refused.len() < 250, "{refused}");
        }
    }

    #[test]
    fn a_day_begins_after_the_gap_where_midnight_was_skipped() {
        let begin = |zone: &str, day: &str| {
            zone.parse::<Zone>().unwrap().begin(day.parse().unwrap()).unwrap().to_rfc3339()
        };
        assert_eq!(begin("America/Sao_Paulo", "2018-11-04"), "2018-11-04T03:00:00+00:00");
        assert_eq!(begin("Europe/Berlin", "2026-03-29"), "2026-03-28T23:00:00+00:00");
        // Samoa left out a whole day when it moved over the date line.
        assert_eq!(begin("Pacific/Apia", "2011-12-30"), begin("Pacific/Apia", "2011-12-31"));
    }
}
