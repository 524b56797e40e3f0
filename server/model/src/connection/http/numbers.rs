//! The numbers among the settings, with what is allowed of each; and settings as they come from outside.

use std::ops::RangeInclusive;

use serde_json::{Number, Value};
use serde_path_to_error::{Path, Segment};

use super::Settings;
use crate::{
    bounds::{
        HTTP_BODY_BYTES_CEILING, HTTP_BREAKER_FAILURES_CEILING, HTTP_BREAKER_WINDOW_MS_FLOOR,
        HTTP_CONCURRENT_CEILING, HTTP_HOPS_CEILING, HTTP_IDLE_CEILING, HTTP_MS_CEILING,
        HTTP_PER_SECOND_CEILING, HTTP_REPLY_HEAD_BYTES_CEILING, HTTP_REPLY_HEAD_BYTES_FLOOR,
        HTTP_RETRIES_CEILING,
    },
    connection::{Invalid, Refused},
};

/// JSON Pointer, least and most. A time that is waited for is at least 1.
pub const NUMBERS: [(&str, u64, u64); 22] = [
    ("/timeouts/connect_ms", 1, HTTP_MS_CEILING),
    ("/timeouts/first_byte_ms", 1, HTTP_MS_CEILING),
    ("/timeouts/total_ms", 1, HTTP_MS_CEILING),
    ("/pool/idle_max", 0, HTTP_IDLE_CEILING as u64),
    ("/pool/idle_ms", 1, HTTP_MS_CEILING),
    ("/retries/max", 0, HTTP_RETRIES_CEILING as u64),
    ("/retries/pause_ms", 1, HTTP_MS_CEILING),
    ("/retries/pause_max_ms", 1, HTTP_MS_CEILING),
    ("/breaker/failures", 1, HTTP_BREAKER_FAILURES_CEILING as u64),
    ("/breaker/percent", 1, 100),
    ("/breaker/window_ms", HTTP_BREAKER_WINDOW_MS_FLOOR, HTTP_MS_CEILING),
    ("/breaker/open_ms", 1, HTTP_MS_CEILING),
    ("/breaker/open_max_ms", 1, HTTP_MS_CEILING),
    ("/limits/concurrent", 1, HTTP_CONCURRENT_CEILING as u64),
    ("/limits/per_second", 1, HTTP_PER_SECOND_CEILING as u64),
    ("/limits/burst", 1, HTTP_PER_SECOND_CEILING as u64),
    ("/limits/wait_ms", 0, HTTP_MS_CEILING),
    ("/limits/waiting", 0, HTTP_CONCURRENT_CEILING as u64),
    ("/redirects/max", 1, HTTP_HOPS_CEILING as u64),
    ("/bodies/request_bytes_max", 0, HTTP_BODY_BYTES_CEILING),
    ("/bodies/reply_bytes_max", 0, HTTP_BODY_BYTES_CEILING),
    (
        "/bodies/reply_head_bytes_max",
        HTTP_REPLY_HEAD_BYTES_FLOOR as u64,
        HTTP_REPLY_HEAD_BYTES_CEILING as u64,
    ),
];
/// Of replies that are tried again.
pub const STATUSES: RangeInclusive<u64> = 400..=599;
const STATUSES_AT: &str = "/retries/statuses";
/// The members that are objects themselves.
pub const OBJECTS: [&str; 10] =
    ["tls", "auth", "timeouts", "pool", "retries", "breaker", "limits", "redirects", "bodies", "ping"];

impl Settings {
    /// From JSON, which has one kind of number: 1.0 is 1. All that is wrong is said.
    pub fn read(mut value: Value) -> Result<Self, Refused> {
        let mut found = Vec::new();
        for (pointer, least, most) in NUMBERS {
            if let Some(Value::Number(number)) = value.pointer_mut(pointer) {
                found.extend(whole(number, &(least..=most), || member(pointer)).err());
            }
        }
        if let Some(Value::Array(statuses)) = value.pointer_mut(STATUSES_AT) {
            for (place, status) in statuses.iter_mut().enumerate() {
                if let Value::Number(number) = status {
                    let member = || format!("{}[{place}]", member(STATUSES_AT));
                    found.extend(whole(number, &STATUSES, member).err());
                }
            }
        }
        for name in OBJECTS {
            // serde would take the values of its members alone.
            if value.get(name).is_some_and(Value::is_array) {
                found.push(Invalid::new(name, "a list", "an object is needed"));
            }
        }
        if !found.is_empty() {
            return Err(Refused(found));
        }
        let settings: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let member = dotted(error.path());
            Invalid::new(member, "unusable", &error.into_inner().to_string())
        })?;
        settings.check()?;
        Ok(settings)
    }
}

/// Makes a number that is whole an integer.
fn whole(
    number: &mut Number,
    allowed: &RangeInclusive<u64>,
    member: impl FnOnce() -> String,
) -> Result<(), Invalid> {
    // All whole numbers below this are exact as floats.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let text = number.to_string();
    let float = number.as_f64().filter(|_| number.is_f64());
    let integral = float.filter(|float| float.fract() == 0.0 && (0.0..=EXACT_MAX).contains(float));
    let value = number.as_u64().or_else(|| format!("{:.0}", integral?).parse().ok());
    match value.filter(|value| allowed.contains(value)) {
        Some(value) => {
            *number = value.into();
            Ok(())
        }
        None => {
            let allowed = format!("{} to {} are allowed", allowed.start(), allowed.end());
            Err(Invalid::new(member(), text, &allowed))
        }
    }
}

/// A member as messages name it.
pub(super) fn member(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

fn dotted(path: &Path) -> String {
    let mut member = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } if member.is_empty() => member.push_str(key),
            Segment::Map { key } => member = format!("{member}.{key}"),
            Segment::Seq { index } => member = format!("{member}[{index}]"),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    member
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{NUMBERS, Settings};

    fn read(members: Value) -> Result<Settings, String> {
        let mut value = json!({"base_url": "https://a.example"});
        value.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        Settings::read(value).map_err(|refused| refused.to_string())
    }

    #[test]
    fn every_number_has_its_bounds() {
        let mut shown = json!(Settings::new("http://a"));
        shown["redirects"] = json!({"kind": "same-origin", "max": 1});
        (shown["limits"]["per_second"], shown["limits"]["burst"]) = (json!(1), json!(1));
        let numbers = shown.as_object().unwrap().iter().flat_map(|(name, value)| {
            let members = value.as_object().into_iter().flatten();
            members.filter(|(_, value)| value.is_number()).map(move |(inner, _)| format!("/{name}/{inner}"))
        });
        let mut found: Vec<String> = numbers.collect();
        found.sort();
        let mut known: Vec<String> = NUMBERS.iter().map(|(pointer, ..)| (*pointer).to_owned()).collect();
        known.sort();
        assert_eq!(found, known);
    }

    #[test]
    fn one_kind_of_number_is_read() {
        let settings =
            read(json!({"timeouts": {"total_ms": 7.0}, "retries": {"statuses": [503.0]}})).unwrap();
        assert_eq!((settings.timeouts.total_ms, &settings.retries.statuses[..]), (7, &[503][..]));
        assert_eq!(read(json!({"breaker": null})).unwrap().breaker, None);
    }

    #[test]
    fn what_can_not_be_is_named_by_its_place() {
        for (members, words) in [
            (json!({"timeouts": {"total_ms": -1}}), "timeouts.total_ms is -1: 1 to 3600000 are allowed"),
            (json!({"limits": {"burst": 1.5}}), "limits.burst is 1.5: 1 to 1000000 are allowed"),
            (json!({"retries": {"statuses": [503, 1e300]}}), "retries.statuses[1] is 1e+300: 400 to 599"),
            (json!({"timeouts": {"total": 1}}), "timeouts.total is unusable: unknown field `total`"),
            (json!({"pool": []}), "pool is a list: an object is needed"),
            (json!({"auth": {"kind": "digest"}}), "auth.kind is unusable: unknown variant `digest`"),
            (json!({"allow": ["10.0.0.0/99"]}), "allow[0] is \"10.0.0.0/99\""),
        ] {
            let refused = read(members).unwrap_err();
            assert!(refused.starts_with(words), "{refused}");
        }
    }
}
