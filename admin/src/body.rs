//! Request bodies: how much is read of them, and JSON.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use busbar_model::near::nearest;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use tokio::time::timeout;

use crate::{
    bounds,
    problem::{Kind, Problem},
};

/// What is taken for JSON; the second is for PATCH (RFC 7396).
pub(crate) const JSON: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// A JSON object as a body.
#[derive(Debug)]
pub(crate) struct Input<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let value = json(request).await?.ok_or_else(|| Problem::invalid_at("", "the body is empty"))?;
        if !value.is_object() {
            return Err(Problem::invalid_at("", "the body is not a JSON object"));
        }
        Ok(Self(typed(value)?))
    }
}

/// A body that is JSON of any kind; `None` where it is empty.
pub(crate) async fn json(request: Request) -> Result<Option<Value>, Problem> {
    json_within(request, bounds::BODY_BYTES_MAX).await
}

/// The same with another bound.
pub(crate) async fn json_within(request: Request, bytes_max: u64) -> Result<Option<Value>, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read(&parts.headers, body, bytes_max, bounds::BODY_TIME_MAX).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    require_type(&parts.headers, &JSON)?;
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|error| Problem::invalid_at("", format!("the body is not JSON: {error}")))
}

/// Refuses unknown members and wrong types by the place where they are.
pub(crate) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = pointer(error.path());
        Problem::invalid_at(path, with_hint(error.into_inner().to_string()))
    })
}

/// A member that is not known, as [`typed`] refuses it.
pub(crate) fn unknown<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Problem {
    let known = known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    Problem::invalid_at(path, with_hint(format!("unknown field `{name}`, expected one of {known}")))
}

/// The same for a text of JSON, of which `RawValue`s keep what was written.
pub(crate) fn exact_object<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let broken = |error: serde_json::Error| Problem::invalid_at("", format!("the body is not JSON: {error}"));
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::invalid_at("", "the body is not a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = pointer(error.path());
        let cause = error.into_inner();
        if cause.is_data() { Problem::invalid_at(path, with_hint(cause.to_string())) } else { broken(cause) }
    })?;
    deserializer.end().map_err(broken)?;
    Ok(value)
}

/// A media type that is not given is taken to be right.
pub(crate) fn require_type(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    let Some(given) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let given = given.to_str().unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if allowed.iter().any(|allowed| essence.eq_ignore_ascii_case(allowed)) {
        return Ok(());
    }
    let detail =
        format!("content type {given:?} is not supported here; supported is {}", allowed.join(" or "));
    Err(Problem::new(Kind::UnsupportedMediaType, detail))
}

/// Reads a body of `bytes_max` at most. Of a larger one the rest is read too, within bounds: a
/// sender that meets a closed connection never sees the reply.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    bytes_max: u64,
    time_max: Duration,
) -> Result<Bytes, Problem> {
    let announced = body.size_hint().lower();
    let mut bytes = BytesMut::with_capacity(usize::try_from(announced.min(bytes_max)).unwrap_or(0));
    let fits = |bytes: usize| u64::try_from(bytes).is_ok_and(|bytes| bytes <= bytes_max);
    let receive = async {
        while announced <= bytes_max && fits(bytes.len()) {
            match body.frame().await {
                None => return Ok(true),
                Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
                Some(Err(_)) => return Err(Problem::invalid_at("", "the body ended early")),
            }
        }
        Ok(false)
    };
    let late = |_| Problem::new(Kind::RequestTimeout, format!("the body took over {} s", time_max.as_secs()));
    if timeout(time_max, receive).await.map_err(late)?? {
        return Ok(bytes.freeze());
    }
    drop(bytes);
    discard(headers, body).await;
    Err(Problem::new(Kind::TooLarge, format!("the body is larger than {bytes_max} bytes")))
}

/// Reads the rest of a refused body, unless its sender waits to be asked for it.
pub(crate) async fn discard(headers: &HeaderMap, mut body: Body) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let mut left = bounds::DISCARD_BYTES_MAX;
    let drain = async {
        while let Some(Ok(frame)) = body.frame().await {
            let got = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(u64::try_from(got).unwrap_or(u64::MAX)) {
                Some(less) => left = less,
                None => break,
            }
        }
    };
    // Too slow is like too large: the sender may miss the reply.
    let _ = timeout(bounds::DISCARD_TIME_MAX, drain).await;
}

/// What serde says of a name that it does not know, with the one that was probably meant.
fn with_hint(message: String) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = ["unknown field", "unknown variant"].iter().any(|begin| message.starts_with(begin));
    match names.next().filter(|_| unknown).and_then(|name| nearest(name, names)) {
        Some(meant) => format!("{message}; did you mean `{meant}`?"),
        None => message,
    }
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Map { key } => pointer + "/" + &key.replace('~', "~0").replace('/', "~1"),
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

#[cfg(test)]
mod tests {
    use super::with_hint;

    #[test]
    fn a_misspelt_name_is_told_with_the_one_that_was_meant() {
        let hint = |text: &str| with_hint(text.to_owned());
        let fields = "unknown field `timeout`, expected one of `name`, `timeout_ms`";
        assert!(hint(fields).ends_with("; did you mean `timeout_ms`?"), "{}", hint(fields));
        for text in
            ["unknown field `zzzz`, expected `name`", "invalid type: string `name`, expected `nam`", "x"]
        {
            assert_eq!(hint(text), text);
        }
    }
}
