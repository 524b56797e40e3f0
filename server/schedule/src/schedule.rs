//! Schedules as they are written.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

use crate::{bounds::REPEATS_MAX, cron::Expression, every::Every, zone::Zone};

const KIND: &str = "kind";
const KINDS: [&str; 3] = ["once", "interval", "cron"];

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Schedule {
    Once(Once),
    Interval(Interval),
    Cron(Cron),
}

/// At one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub at: DateTime<Utc>,
    /// For the days of a calendar alone.
    #[serde(default, skip_serializing_if = "Zone::is_utc")]
    pub time_zone: Zone,
}

/// Again and again, after the same elapsed time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    pub every: Every,
    /// The first time. `None`: one interval after the job was saved.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_optional_time",
        deserialize_with = "read_optional_time"
    )]
    pub start: Option<DateTime<Utc>>,
    /// Runs in all. `None`: without end.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read_repeats")]
    pub repeats: Option<u64>,
    /// For the days of a calendar alone.
    #[serde(default, skip_serializing_if = "Zone::is_utc")]
    pub time_zone: Zone,
}

/// At the times that fit an expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cron {
    pub expression: Expression,
    #[serde(default)]
    pub time_zone: Zone,
}

/// What is wrong with a schedule, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(.path))]
pub struct Mistake {
    /// JSON Pointer (RFC 6901); empty for the whole.
    pub path: String,
    pub message: String,
}

fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{}: ", path.trim_start_matches('/')) }
}

impl Schedule {
    pub fn read(value: &Value) -> Result<Self, Mistake> {
        let mistake = |path: &str, message: String| Mistake { path: path.to_owned(), message };
        let Value::Object(members) = value else {
            return Err(mistake("", "is not an object with a kind".to_owned()));
        };
        let mut members = members.clone();
        let kind = members.shift_remove(KIND);
        let allowed = KINDS.join(", ");
        match kind.as_ref().map(|kind| kind.as_str()) {
            None => Err(mistake("/kind", format!("is required; allowed is {allowed}"))),
            Some(Some("once")) => typed(members).map(Self::Once),
            Some(Some("interval")) => typed(members).map(Self::Interval),
            Some(Some("cron")) => typed(members).map(Self::Cron),
            Some(_) => {
                let shown: String = kind.unwrap_or_default().to_string().chars().take(64).collect();
                Err(mistake("/kind", format!("is {shown}; allowed is {allowed}")))
            }
        }
    }

    pub fn zone(&self) -> Zone {
        match self {
            Self::Once(once) => once.time_zone,
            Self::Interval(interval) => interval.time_zone,
            Self::Cron(cron) => cron.time_zone,
        }
    }

    /// How many runs there are to be in all; `None`: no end is set.
    pub fn runs_max(&self) -> Option<u64> {
        match self {
            Self::Once(_) => Some(1),
            Self::Interval(interval) => interval.repeats,
            Self::Cron(_) => None,
        }
    }
}

/// What a person reads of it in one line.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once(once) => write!(f, "once at {}", shown_time(&once.at)),
            Self::Interval(interval) => {
                write!(f, "every {}", interval.every)?;
                if let Some(start) = &interval.start {
                    write!(f, " from {}", shown_time(start))?;
                }
                interval.repeats.map_or(Ok(()), |repeats| write!(f, ", {repeats} times"))
            }
            Self::Cron(cron) => write!(f, "{} {}", cron.expression, cron.time_zone),
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn typed<T: serde::de::DeserializeOwned>(members: Map<String, Value>) -> Result<T, Mistake> {
    serde_path_to_error::deserialize(Value::Object(members)).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            "." => String::new(),
            path => format!("/{path}"),
        };
        Mistake { path, message: error.into_inner().to_string() }
    })
}

fn shown_time(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn write_time<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown_time(at))
}

fn write_optional_time<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    at.as_ref().map(shown_time).serialize(serializer)
}

/// In microseconds, which is what is kept.
fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = DateTime::parse_from_rfc3339(&text).ok();
    let time = time.and_then(|time| DateTime::from_timestamp_micros(time.timestamp_micros()));
    time.ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        D::Error::custom(format!(
            "is {shown:?}; allowed is a time in ISO 8601 with its zone, as \"2026-12-01T02:00:00Z\""
        ))
    })
}

fn read_optional_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    #[derive(Deserialize)]
    struct Time(#[serde(deserialize_with = "read_time")] DateTime<Utc>);
    Ok(Option::<Time>::deserialize(deserializer)?.map(|time| time.0))
}

fn read_repeats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    // JSON has one kind of number: 1.0 is 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and an end of the range is refused or far"
    )]
    let whole = |value: f64| (value.fract() == 0.0).then_some(value as u64);
    let repeats = number.as_u64().or_else(|| number.as_f64().and_then(whole));
    let repeats = repeats.filter(|repeats| (1..=REPEATS_MAX).contains(repeats));
    let refused = || D::Error::custom(format!("is {number}; allowed is 1 to {REPEATS_MAX}"));
    repeats.map(Some).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Schedule;

    #[test]
    fn is_written_as_it_is_read() {
        for value in [
            json!({"kind": "once", "at": "2026-12-01T02:00:00Z"}),
            json!({"kind": "interval", "every": "1d12h"}),
            json!({"kind": "interval", "every": "5s", "start": "2026-12-01T02:00:00.250Z", "repeats": 3, "time_zone": "Asia/Tokyo"}),
            json!({"kind": "cron", "expression": "0 2 * * MON-FRI", "time_zone": "Europe/Berlin"}),
        ] {
            assert_eq!(serde_json::to_value(Schedule::read(&value).unwrap()).unwrap(), value);
        }
        let whole = json!({"kind": "interval", "every": "5s", "repeats": 3.0});
        assert_eq!(Schedule::read(&whole).unwrap().to_string(), "every 5s, 3 times");
        for repeats in [0.0, -1.0, 0.5, 1e30] {
            let refused = Schedule::read(&json!({"kind": "interval", "every": "5s", "repeats": repeats}));
            assert!(refused.is_err(), "{repeats}: {refused:?}");
        }
        let offset = Schedule::read(&json!({"kind": "once", "at": "2026-12-01T02:00:00+01:00"})).unwrap();
        assert_eq!(offset.to_string(), "once at 2026-12-01T01:00:00Z");
        let zone = Schedule::read(&json!({"kind": "cron", "expression": "0  2 * * *"})).unwrap();
        assert_eq!(zone.to_string(), "0 2 * * * UTC");
    }

    #[test]
    fn what_is_wrong_is_told_where_it_is() {
        let cases: [(Value, &str, &str); 12] = [
            (json!("daily"), "", "is not an object"),
            (json!({}), "/kind", "is required; allowed is once, interval, cron"),
            (json!({"kind": "weekly"}), "/kind", "is \"weekly\"; allowed is once, interval, cron"),
            (json!({"kind": "once"}), "", "missing field `at`"),
            (
                json!({"kind": "once", "at": "tomorrow"}),
                "/at",
                "is \"tomorrow\"; allowed is a time in ISO 8601",
            ),
            (json!({"kind": "once", "at": "2026-12-01T02:00:00"}), "/at", "with its zone"),
            (json!({"kind": "interval", "every": "1x"}), "/every", "allowed are whole numbers"),
            (json!({"kind": "interval", "every": "1h", "repeats": 0}), "/repeats", "is 0; allowed is 1 to"),
            (json!({"kind": "interval", "every": "1h", "expression": "x"}), "/expression", "unknown field"),
            (json!({"kind": "cron", "expression": "1 2 3"}), "/expression", "has 3 fields"),
            (
                json!({"kind": "cron", "expression": "0 2 * * *", "time_zone": "Mars/Phobos"}),
                "/time_zone",
                "does not exist",
            ),
            (json!({"kind": "cron", "expression": 7}), "/expression", "expected a string"),
        ];
        for (value, path, told) in cases {
            let mistake = Schedule::read(&value).unwrap_err();
            assert_eq!(mistake.path, path, "{value}");
            assert!(mistake.message.contains(told), "{}", mistake.message);
        }
    }
}
