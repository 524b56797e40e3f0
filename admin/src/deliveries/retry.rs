//! What a retry sends instead of what was there.

use std::borrow::Cow;

use axum::{extract::Request, http::HeaderValue};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use busbar_model::bounds::DELIVERY_BYTES_MAX;
use busbar_store::Retry;
use hyper::body::Body as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::OneOfBuilder},
};

use crate::{
    body, bounds,
    check::shown,
    describe,
    problem::{Kind, Problem},
};

const JSON: &str = "application/json";

/// Another payload: JSON, or bytes of any kind. Without either the same is sent again.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// Sent as it is written here, as application/json.
    #[serde(default, deserialize_with = "given")]
    payload: Option<Box<RawValue>>,
    #[serde(default)]
    payload_base64: Option<String>,
    /// Of the payload in base64; that of the one before if not given.
    #[serde(default)]
    content_type: Option<String>,
}

impl PartialSchema for Body {
    fn schema() -> RefOr<Schema> {
        let json = describe::members([("payload", RefOr::T(Schema::default()))]);
        let bytes =
            [("payload_base64", describe::base64()), ("content_type", describe::media_type_or_null())];
        OneOfBuilder::new().item(json).item(describe::members(bytes).required("payload_base64")).into()
    }
}

impl ToSchema for Body {
    fn name() -> Cow<'static, str> {
        "DeliveryRetry".into()
    }
}

/// Null is a payload, too.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

/// Whether it may take as much memory as a plugin.
pub(crate) fn is_large(request: &Request) -> bool {
    request.body().size_hint().upper().is_none_or(|bytes| bytes > bounds::BODY_BYTES_MAX)
}

/// A body that is empty asks for the same once more.
pub(crate) async fn read(request: Request) -> Result<Retry, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = body::read(&parts.headers, body, bounds::RETRY_BYTES_MAX, bounds::UPLOAD_TIME_MAX).await?;
    if bytes.is_empty() {
        return Ok(Retry::default());
    }
    body::require_type(&parts.headers, &[JSON])?;
    if bytes.trim_ascii() == b"null" {
        return Ok(Retry::default());
    }
    // Not by way of a `Value`, which would not keep every number as it was written.
    body::exact_object::<Body>(&bytes)?.into_retry()
}

impl Body {
    fn into_retry(self) -> Result<Retry, Problem> {
        let retry = match (self.payload, self.payload_base64, self.content_type) {
            (Some(_), Some(_), _) => {
                return Err(Problem::invalid_at("/payload_base64", "does not go with payload"));
            }
            (Some(_), _, Some(_)) => {
                let message = "goes with payload_base64 only; payload is application/json";
                return Err(Problem::invalid_at("/content_type", message));
            }
            (None, None, Some(_)) => {
                return Err(Problem::invalid_at("/content_type", "goes with payload_base64 only"));
            }
            (Some(json), None, None) => {
                Retry { payload: Some(json.get().as_bytes().to_vec()), content_type: Some(JSON.to_owned()) }
            }
            (None, Some(text), kind) => {
                let bytes = BASE64_STANDARD.decode(text).map_err(|error| {
                    Problem::invalid_at("/payload_base64", format!("is not base64: {error}"))
                })?;
                Retry { payload: Some(bytes), content_type: kind.map(content_type).transpose()? }
            }
            (None, None, None) => Retry::default(),
        };
        let bytes = retry.payload.as_ref().map_or(0, Vec::len);
        if u64::try_from(bytes).is_ok_and(|bytes| bytes > DELIVERY_BYTES_MAX) {
            let detail = format!("the payload has {bytes} bytes; allowed are {DELIVERY_BYTES_MAX}");
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        Ok(retry)
    }
}

/// Type and subtype, and whatever parameters (RFC 9110, section 8.3.1).
fn content_type(text: String) -> Result<String, Problem> {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(allowed)
    };
    let parts = essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    if parts && text.len() <= bounds::CONTENT_TYPE_BYTES_MAX && HeaderValue::from_str(&text).is_ok() {
        return Ok(text);
    }
    Err(Problem::invalid_at("/content_type", format!("is {:?}, which is no media type", shown(&text))))
}

#[cfg(test)]
mod tests {
    use busbar_store::Retry;

    use super::Body;
    use crate::body;

    fn parse(text: &str) -> Result<Retry, String> {
        let body = body::exact_object::<Body>(text.as_bytes());
        body.and_then(Body::into_retry).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn json_is_sent_as_it_was_written() {
        for json in ["{\"a\": 1.10, \"a\": 12345678901234567890123}", "null", "\"x\"", "[ ]"] {
            let retry = parse(&format!("{{\"payload\": {json} }}")).unwrap();
            assert_eq!(retry.payload.as_deref(), Some(json.as_bytes()));
            assert_eq!(retry.content_type.as_deref(), Some("application/json"));
        }
    }

    #[test]
    fn bytes_are_sent_as_base64_says() {
        let retry = parse(r#"{"payload_base64": "/wA=", "content_type": "image/png; a=\"b\""}"#).unwrap();
        assert_eq!(retry.payload.as_deref(), Some(&[0xff, 0][..]));
        assert_eq!(retry.content_type.as_deref(), Some("image/png; a=\"b\""));
        let retry = parse(r#"{"payload_base64": ""}"#).unwrap();
        assert_eq!((retry.payload.as_deref(), retry.content_type), (Some(&b""[..]), None));
        assert_eq!(parse("{}").unwrap().payload, None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (bad, place) in [
            ("[]", ""),
            ("{", ""),
            (r#"{"payload": 1} x"#, ""),
            (r#"{"pay": 1}"#, "/pay"),
            (r#"{"payload": 1, "payload_base64": ""}"#, "/payload_base64"),
            (r#"{"payload": 1, "content_type": "a/b"}"#, "/content_type"),
            (r#"{"content_type": "a/b"}"#, "/content_type"),
            (r#"{"payload_base64": "?"}"#, "/payload_base64"),
            (r#"{"payload_base64": 7}"#, "/payload_base64"),
            (r#"{"payload_base64": "", "content_type": "text"}"#, "/content_type"),
            (r#"{"payload_base64": "", "content_type": "a/b\r\nx: y"}"#, "/content_type"),
        ] {
            let problem = parse(bad).unwrap_err();
            assert!(problem.contains(&format!("path: \"{place}\"")), "{bad}: {problem}");
        }
    }
}
