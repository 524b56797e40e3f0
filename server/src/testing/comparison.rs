//! Where what is differs from what is expected.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::client::excerpt;

/// Of a value, to a person.
const SHOWN_CHARS: usize = 300;
/// Stands for any value that is there.
const ANY: &str = "$any";
/// Ends a text of which the beginning is expected.
const REST: char = '*';

/// One difference; what is absent was not expected, or not found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Failure {
    /// `output/lines/0/sku`
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Value>,
}

impl Failure {
    pub(super) fn new(place: impl Into<String>, expected: Option<Value>, found: Option<Value>) -> Self {
        Self { place: place.into(), expected, found }
    }
}

/// For people, who look at the beginning of what is long; `--json` has it whole.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |value: &Option<Value>| value.as_ref().map(|value| excerpt(&value.to_string(), SHOWN_CHARS));
        match (shown(&self.expected), shown(&self.found)) {
            (Some(expected), Some(found)) => write!(f, "{}: expected {expected}, found {found}", self.place),
            (Some(expected), None) => write!(f, "{}: expected {expected}, found nothing", self.place),
            (None, Some(found)) => write!(f, "{}: expected nothing, found {found}", self.place),
            (None, None) => f.write_str(&self.place),
        }
    }
}

/// How objects are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Members {
    Exactly,
    AtLeast,
}

/// Adds to `failures` what differs below `place`.
pub(super) fn compare(
    place: &str,
    expected: &Value,
    found: &Value,
    members: Members,
    failures: &mut Vec<Failure>,
) {
    match (expected, found) {
        (Value::String(text), _) if text == ANY => {}
        (Value::Object(expected), Value::Object(found)) => {
            for (name, value) in expected {
                let place = format!("{place}/{name}");
                match found.get(name) {
                    Some(found) => compare(&place, value, found, members, failures),
                    None => failures.push(Failure::new(place, Some(value.clone()), None)),
                }
            }
            let more = found.iter().filter(|(name, _)| !expected.contains_key(*name));
            if members == Members::Exactly {
                let unexpected = |(name, value): (&String, &Value)| {
                    Failure::new(format!("{place}/{name}"), None, Some(value.clone()))
                };
                failures.extend(more.map(unexpected));
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            for at in 0..expected.len().max(found.len()) {
                let place = format!("{place}/{at}");
                match (expected.get(at), found.get(at)) {
                    (Some(expected), Some(found)) => compare(&place, expected, found, members, failures),
                    (expected, found) => {
                        failures.push(Failure::new(place, expected.cloned(), found.cloned()));
                    }
                }
            }
        }
        _ if same(expected, found) => {}
        _ => failures.push(Failure::new(place, Some(expected.clone()), Some(found.clone()))),
    }
}

/// 1 and 1.0 are one number.
fn same(expected: &Value, found: &Value) -> bool {
    expected == found
        || matches!((expected, found), (Value::Number(a), Value::Number(b))
            if (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64())
}

/// Whether a text is the one expected, or begins as one that ends in `*`.
pub(super) fn fits(expected: &str, found: &str) -> bool {
    match expected.strip_suffix(REST) {
        Some(beginning) => found.starts_with(beginning),
        None => expected == found,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Members, compare, fits};

    fn differences(expected: &Value, found: &Value, members: Members) -> Vec<String> {
        let mut failures = Vec::new();
        compare("output", expected, found, members, &mut failures);
        failures.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_difference_is_told_with_its_place() {
        let expected = json!({"id": "$any", "sum": 3, "lines": [{"sku": "a"}, {"sku": "b"}], "gone": null});
        let found = json!({"id": 7, "sum": 4, "lines": [{"sku": "a", "n": 1}], "new": true});
        assert_eq!(
            differences(&expected, &found, Members::Exactly),
            [
                "output/sum: expected 3, found 4",
                "output/lines/0/n: expected nothing, found 1",
                "output/lines/1: expected {\"sku\":\"b\"}, found nothing",
                "output/gone: expected null, found nothing",
                "output/new: expected nothing, found true",
            ]
        );
        let some = json!({"lines": [{"sku": "a"}], "new": true});
        assert!(differences(&some, &found, Members::AtLeast).is_empty());
        assert_eq!(differences(&json!({"id": "$any"}), &json!({}), Members::AtLeast).len(), 1);
    }

    #[test]
    fn a_number_is_what_it_is_worth() {
        assert!(differences(&json!(1), &json!(1.0), Members::Exactly).is_empty());
        assert_eq!(differences(&json!(1), &json!("1"), Members::Exactly).len(), 1);
        let large = json!([9_007_199_254_740_993_u64, 9_007_199_254_740_992_u64]);
        assert_eq!(differences(&large[0], &large[1], Members::Exactly).len(), 1);
    }

    #[test]
    fn a_text_may_go_on() {
        assert!(fits("/orders/*", "/orders/7") && fits("a", "a") && fits("*", ""));
        assert!(!fits("/orders/*", "/order") && !fits("a", "ab"));
    }
}
