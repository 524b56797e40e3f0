//! HTTP outwards: between what services hand over and the client.

use ::http::{HeaderMap, Method, uri::PathAndQuery};
use busbar_egress::{
    CallError, Connection, ErrorKind, Phase, Reply, ReplyBody, Request, RequestBody, Trace, What,
};
use busbar_engine::{
    Body, BodyError,
    body::Stream,
    request::Response,
    ways::{Passage, http::Outgoing},
};
use busbar_model::{Fault, fault::FaultKind, server::Breaker};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::counted::Pool;
use crate::clock;

/// Replies whose length is known and no more are read here, so that a service gets bytes.
const SMALL_BYTES: u64 = 16 * 1024;
/// When a system that nobody reached is tried again.
const AWAY_S: u32 = 1;

/// Tells of replies that break off.
pub(super) type Broke = Box<dyn Fn(&Fault) + Send + Sync>;

pub(super) async fn send(
    client: &Connection,
    passage: &Passage,
    request: Outgoing,
    broke: Broke,
) -> Result<Response, Fault> {
    let Outgoing { method, path, headers, body } = request;
    let body = match body {
        Body::Empty => RequestBody::Bytes(bytes::Bytes::new()),
        Body::Bytes(bytes) => RequestBody::Bytes(bytes),
        stream @ Body::Stream(_) => RequestBody::stream(stream),
    };
    let request = self::request(passage, method, path, headers, body);
    let reply = client.call(request).await.map_err(|error| fault(&error))?;
    response(reply, broke).await
}

/// With what of its call goes with all that leaves the bus for it.
pub(super) fn request(
    passage: &Passage,
    method: Method,
    path: PathAndQuery,
    headers: HeaderMap,
    body: RequestBody,
) -> Request {
    let trace = passage.trace().and_then(|trace| Trace::new(&trace.to_string(), None));
    Request { headers, body, trace, deadline: Some(passage.deadline), ..Request::new(method, path) }
}

pub(super) async fn response(reply: Reply, broke: Broke) -> Result<Response, Fault> {
    let (parts, body) = reply.into_parts();
    let body = match body.size_hint().exact() {
        Some(0) => Body::Empty,
        Some(length) if length <= SMALL_BYTES => {
            body.collect().await.map_err(|error| fault(&error))?.to_bytes().into()
        }
        _ => streamed(body, broke),
    };
    Ok(Response { status: Some(parts.status), headers: parts.headers, body })
}

/// Its client bounds it.
fn streamed(body: ReplyBody, broke: Broke) -> Body {
    let body = body.map_err(move |error| {
        broke(&fault(&error));
        match error.kind {
            ErrorKind::TooLarge { bytes_max, .. } => BodyError::TooLarge { limit: bytes_max },
            ErrorKind::Timeout { .. } => BodyError::Late,
            _ => BodyError::Broken(error.to_string()),
        }
    });
    Body::Stream(Stream::new(body, u64::MAX))
}

/// As `busbar:bus/http` has it. What may be tried again says when.
pub(super) fn fault(error: &CallError) -> Fault {
    let seconds =
        |pause: std::time::Duration| u32::try_from(pause.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let text = error.to_string();
    let of = |kind, code| Fault::new(kind, text.clone()).with_code(code);
    match &error.kind {
        // What came before, or a part of it, went out.
        ErrorKind::BreakerOpen { .. } | ErrorKind::OverLimit { .. } | ErrorKind::Request { .. }
            if error.maybe_processed =>
        {
            of(FaultKind::Failed, "no-reply")
        }
        ErrorKind::Request { .. } => Fault::new(FaultKind::InvalidInput, text),
        ErrorKind::RefusedAddress { .. } => of(FaultKind::Failed, "address-refused"),
        ErrorKind::Redirect { .. } => of(FaultKind::Failed, "redirect-refused"),
        ErrorKind::Auth { .. } => of(FaultKind::Failed, "no-credentials"),
        ErrorKind::TooLarge { what: What::RequestBody, .. } => Fault::new(FaultKind::TooLarge, text),
        ErrorKind::TooLarge { .. } | ErrorKind::Protocol { .. } => of(FaultKind::Failed, "bad-reply"),
        ErrorKind::BreakerOpen { retry_after } => {
            of(FaultKind::RetryLater, "circuit-open").with_retry_after_s(seconds(*retry_after))
        }
        ErrorKind::OverLimit { retry_after, .. } => {
            of(FaultKind::RetryLater, "connection-busy").with_retry_after_s(seconds(*retry_after))
        }
        ErrorKind::Connect { .. }
        | ErrorKind::Tls { .. }
        | ErrorKind::Timeout { .. }
        | ErrorKind::Body { .. } => {
            if error.maybe_processed {
                of(FaultKind::Failed, "no-reply")
            } else {
                of(FaultKind::RetryLater, "unreachable").with_retry_after_s(AWAY_S)
            }
        }
    }
}

pub(super) fn pool(client: &Connection) -> Pool {
    let statistics = client.statistics();
    let breaker = statistics.breaker.map(|state| {
        let phase = match state.phase {
            Phase::Closed => "closed",
            Phase::Open => "open",
            Phase::HalfOpen => "half-open",
        };
        let pause = i64::try_from(state.open_ms).unwrap_or(i64::MAX);
        let until = (state.phase == Phase::Open).then(|| clock::now().plus_ms(pause));
        Breaker { phase: phase.to_owned(), until, calls: state.calls, failures: state.failures }
    });
    Pool { in_use: statistics.in_use, idle: statistics.idle, waiting: statistics.waiting, breaker }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use busbar_egress::Which;

    use super::*;

    #[test]
    fn a_code_tells_whether_anything_was_sent() {
        let late = ErrorKind::Timeout { which: Which::Connect, bound: Duration::from_secs(1) };
        let unsent = CallError { kind: late.clone(), maybe_processed: false };
        let sent = CallError { kind: late, maybe_processed: true };
        assert_eq!((fault(&unsent).code.as_str(), fault(&unsent).retry_after_s), ("unreachable", Some(1)));
        assert_eq!((fault(&sent).code.as_str(), fault(&sent).retry_after_s), ("no-reply", None));
        let open = ErrorKind::BreakerOpen { retry_after: Duration::from_millis(2_500) };
        let open = fault(&CallError { kind: open, maybe_processed: false });
        assert_eq!((open.code.as_str(), open.retry_after_s), ("circuit-open", Some(3)));
    }
}
