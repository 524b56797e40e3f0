//! `Idempotency-Key`: a request that is repeated is answered once
//! (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! The reply is kept in the transaction that commits the call's effects. So whichever of two that run at once
//! commits first is the one that happened; the other's effects are dropped and it gets the first one's reply.
//! Faults are not kept, since they have no effects: repeating such a request is trying again.

use std::sync::Arc;

use busbar_model::{
    Fault, Name, bounds,
    fault::FaultKind,
    unit::{ReplyKey, StoredReply},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use sha2::{Digest as _, Sha256};

use crate::{
    body::Body,
    buffers::Buffers,
    ports::Ledger,
    request::{Head, Response},
    route::Routed,
    unit::unavailable,
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that nothing was done: the reply is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A request with a key.
pub(crate) struct Keyed {
    pub(crate) key: ReplyKey,
    request_hash: String,
}

/// The request's key. Methods that change nothing need none.
pub(crate) fn key(head: &Head) -> Result<Option<String>, Fault> {
    let safe = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
    if safe || !head.headers.contains_key(KEY) {
        return Ok(None);
    }
    let mut values = head.headers.get_all(KEY).iter();
    match (values.next().and_then(parse), values.next()) {
        (Some(key), None) => Ok(Some(key)),
        _ => {
            let text = format!(
                "Idempotency-Key is one text of 1 to {} visible ASCII characters",
                bounds::IDEMPOTENCY_KEY_CHARS_MAX
            );
            Err(Fault::new(FaultKind::InvalidInput, text).with_code("idempotency-key-invalid"))
        }
    }
}

/// A structured field's string (RFC 9651), or the bare text that most clients send.
fn parse(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim();
    let text = match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => text,
    };
    let fits = (1..=bounds::IDEMPOTENCY_KEY_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    fits.then(|| text.to_owned())
}

/// Keys of different channels and callers have nothing to do with each other.
pub(crate) fn scope(channel: &str, service: &str, caller: Option<&Name>) -> String {
    format!("{channel} {service} {}", caller.map_or("", |name| name.as_str()))
}

/// What a key stands for beside its scope.
pub(crate) fn request_hash(head: &Head, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    let content_type = head.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    for part in [head.method.as_str().as_bytes(), target.as_bytes(), content_type, body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

impl Keyed {
    /// Reads the body, which is a part of what the key stands for, and gives it back.
    pub(crate) async fn of(
        key: String,
        routed: &Routed<'_>,
        caller: Option<&Name>,
        head: &Head,
        body: Body,
        buffers: &Buffers,
    ) -> Result<(Self, Body), Fault> {
        let bytes = buffers.collect(body, routed.body_bytes_max.min(bounds::BODY_BYTES_DEFAULT)).await?;
        let request_hash = request_hash(head, &bytes);
        let scope = scope(routed.channel, routed.service_name, caller);
        Ok((Self { key: ReplyKey { scope, key }, request_hash }, bytes.into()))
    }

    /// The reply that the same request had before.
    pub(crate) async fn answered(&self, ledger: &Arc<dyn Ledger>) -> Result<Option<Response>, Fault> {
        let stored = ledger.reply(self.key.clone()).await.map_err(|_| unavailable())?;
        let Some(stored) = stored else { return Ok(None) };
        if stored.request_hash != self.request_hash {
            let text = "this idempotency key stands for another request of the same caller";
            return Err(Fault::new(FaultKind::KeyReused, text));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in stored.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(&value)) {
                headers.append(name, value);
            }
        }
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        let body = Body::from(bytes::Bytes::from(stored.body));
        Ok(Some(Response { status: StatusCode::from_u16(stored.status).ok(), headers, body }))
    }

    /// What is kept of a response, and the response.
    pub(crate) async fn keep(&self, response: Response) -> Result<(Response, StoredReply), Fault> {
        let Response { status, headers, body } = response;
        let most = bounds::IDEMPOTENT_REPLY_BYTES_MAX;
        let bytes = body.collect(most).await.map_err(|_| {
            let text =
                format!("the reply is larger than the {most} bytes that are kept for an idempotency key");
            Fault::new(FaultKind::OutputLimit, text).with_code("reply-too-large")
        })?;
        let status = status.unwrap_or(if bytes.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK });
        let stored = StoredReply {
            request_hash: self.request_hash.clone(),
            status: status.as_u16(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: bytes.to_vec(),
        };
        Ok((Response { status: Some(status), headers, body: bytes.into() }, stored))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::{KEY, key};
    use crate::request::Head;

    fn of(method: Method, values: &[&'static str]) -> Result<Option<String>, String> {
        let headers = values.iter().map(|value| (KEY, HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| {
            map.append(name, value);
        });
        key(&Head { method, headers: map, ..Head::default() }).map_err(|fault| fault.code)
    }

    #[test]
    fn takes_bare_and_quoted_keys() {
        for (value, expected) in [("abc-1", "abc-1"), ("\"abc-1\"", "abc-1"), (" x ", "x")] {
            assert_eq!(of(Method::POST, &[value]).unwrap().as_deref(), Some(expected));
        }
        assert_eq!(of(Method::GET, &["abc"]).unwrap(), None);
        assert_eq!(of(Method::POST, &[]).unwrap(), None);
    }

    #[test]
    fn refuses_what_is_no_key() {
        for bad in [&[""][..], &["\""], &["a b"], &["a", "b"], &["\"a"]] {
            assert_eq!(of(Method::POST, bad).unwrap_err(), "idempotency-key-invalid", "{bad:?}");
        }
    }
}
