//! Headers as JSON and back.
//!
//! JSON has neither bytes nor times: bytes become text in base64, a time the number of its seconds. What was text or
//! a number in JSON stays that.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;

use crate::value::Value;

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Integer(value) => Self::from(value),
            // JSON has no number that is none.
            Value::Number(value) => Self::from(value),
            Value::Text(value) => Self::String(value),
            Value::Bytes(value) => Self::String(STANDARD.encode(value)),
            Value::Timestamp(seconds) => Self::from(seconds),
            Value::List(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Table(table) => {
                Self::Object(table.into_iter().map(|(name, value)| (name, Self::from(value))).collect())
            }
        }
    }
}

impl From<Json> for Value {
    /// An integer of more than 63 bits becomes the nearest floating point number.
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => Self::Integer(integer),
                None => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Json::Object(members) => {
                Self::Table(members.into_iter().map(|(name, value)| (name, Self::from(value))).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_survives() {
        let json = json!({"a": [1, -2.5, "x", null, true], "b": {"c": {}}});
        assert_eq!(Json::from(Value::from(json.clone())), json);
    }

    #[test]
    fn what_json_lacks_is_said_otherwise() {
        let list = [Value::Bytes(Bytes::from_static(&[0xff])), Value::Timestamp(7), Value::Number(f64::NAN)];
        assert_eq!(Json::from(Value::List(list.to_vec())), json!(["/w==", 7, null]));
        assert_eq!(Value::from(json!(u64::MAX)), Value::Number(18_446_744_073_709_551_615.0));
    }
}
