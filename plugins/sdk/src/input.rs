//! From a payload to a service's input.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::{Fault, Payload, Request, schema};

/// What a service function can take: a type with `#[input]` (anything `DeserializeOwned + JsonSchema`), or
/// the [`Request`] itself for a raw service.
pub trait Input: Sized {
    fn schema() -> Option<String>;

    /// # Errors
    /// `invalid-input`, with the place and the reason.
    fn from_request(request: Request) -> Result<Self, Fault>;
}

impl<T: DeserializeOwned + JsonSchema> Input for T {
    fn schema() -> Option<String> {
        Some(schema::of_input::<T>())
    }

    fn from_request(request: Request) -> Result<Self, Fault> {
        match request.payload {
            Payload::Bytes(bytes) => parse(&bytes),
            Payload::Empty => parse(b"{}"),
            Payload::Stream(body) => parse(&body.read_to_end()?),
        }
    }
}

impl Input for Request {
    fn schema() -> Option<String> {
        None
    }

    fn from_request(request: Request) -> Result<Self, Fault> {
        Ok(request)
    }
}

/// The input of a function without parameters: whatever comes is ignored.
#[derive(Debug)]
pub struct NoInput;

impl Input for NoInput {
    fn schema() -> Option<String> {
        Some(schema::of_nothing())
    }

    fn from_request(_: Request) -> Result<Self, Fault> {
        Ok(Self)
    }
}

/// # Errors
/// `invalid-input`, with the place and the reason.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value =
        serde_path_to_error::deserialize(&mut json).map_err(|error| invalid(error.path(), error.inner()))?;
    json.end().map_err(|error| syntax(&error))?;
    Ok(value)
}

#[cold]
fn invalid(path: &Path, error: &serde_json::Error) -> Fault {
    if error.is_data() { Fault::invalid_input(pointer(path), reason(error)) } else { syntax(error) }
}

/// The place in a text that is no JSON is a line and a column, not a path.
#[cold]
fn syntax(error: &serde_json::Error) -> Fault {
    Fault::invalid_input("", format!("not JSON: {error}"))
}

/// The message without serde_json's line and column: the input was merged by the bus, they would mean nothing
/// to the caller.
fn reason(error: &serde_json::Error) -> String {
    let mut message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    if message.ends_with(&position) {
        message.truncate(message.len() - position.len());
    }
    message
}

/// A JSON Pointer, RFC 6901.
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FieldError;

    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Order {
        id: u32,
        #[serde(default)]
        lines: Vec<Line>,
        #[serde(rename = "a/b~c")]
        odd: Option<bool>,
    }

    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    struct Line {
        quantity: i32,
    }

    fn refusal(text: &str) -> FieldError {
        let fault = parse::<Order>(text.as_bytes()).unwrap_err();
        assert_eq!(fault.code, "invalid-input");
        assert_eq!(fault.disposition, crate::Disposition::Reject);
        assert_eq!(fault.errors.len(), 1);
        fault.errors[0].clone()
    }

    #[test]
    fn good_input_is_taken() {
        let order: Order = parse(br#" {"id": 7, "lines": [{"quantity": -2}]} "#).unwrap();
        assert_eq!((order.id, order.lines[0].quantity, order.odd), (7, -2, None));
    }

    #[test]
    fn a_wrong_value_is_named_by_its_pointer() {
        let error = refusal(r#"{"id": 1, "lines": [{"quantity": 1}, {"quantity": "two"}]}"#);
        assert_eq!(error.path, "/lines/1/quantity");
        assert_eq!(error.message, r#"invalid type: string "two", expected i32"#);
        assert_eq!(refusal(r#"{"id": 1, "a/b~c": 3}"#).path, "/a~1b~0c");
    }

    #[test]
    fn a_missing_field_is_missed_by_its_parent() {
        let error = refusal(r#"{"lines": []}"#);
        assert_eq!((error.path.as_str(), error.message.as_str()), ("", "missing field `id`"));
        let error = refusal(r#"{"id": 1, "lines": [{}]}"#);
        assert_eq!((error.path.as_str(), error.message.as_str()), ("/lines/0", "missing field `quantity`"));
    }

    #[test]
    fn unknown_fields_are_refused_where_the_type_says_so() {
        let error = refusal(r#"{"id": 1, "colour": "red"}"#);
        assert_eq!(error.path, "/colour");
        assert!(error.message.starts_with("unknown field `colour`, expected one of"), "{}", error.message);
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        let error = refusal(r#"{"id": 1,}"#);
        assert_eq!(
            (error.path.as_str(), error.message.as_str()),
            ("", "not JSON: trailing comma at line 1 column 10")
        );
        assert_eq!(refusal("").message, "not JSON: EOF while parsing a value at line 1 column 0");
        assert_eq!(refusal(r#"{"id": 1} x"#).message, "not JSON: trailing characters at line 1 column 11");
    }
}
