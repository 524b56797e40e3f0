//! Fifth stage: a response or a fault becomes a reply, is counted and noted in the access log.

use busbar_model::{Fault, fault::FaultKind};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE, WWW_AUTHENTICATE,
    },
};

use crate::{
    accept::{CORRELATION_HEADER, Context},
    body::Body,
    request::{Reply, Response},
};

/// The bus's own: a service has no say in how bytes are framed (RFC 9110, section 7.6.1).
const DROPPED: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    CORRELATION_HEADER,
];

pub(crate) fn respond(context: &Context, outcome: Result<Response, Fault>) -> (Reply, Option<Fault>) {
    let (mut reply, fault) = match outcome {
        Ok(response) => (of_response(context, response), None),
        Err(fault) => (of_fault(context, &fault), Some(fault)),
    };
    if let Ok(value) = HeaderValue::from_str(context.correlation.as_str()) {
        reply.headers.insert(CORRELATION_HEADER, value);
    }
    (reply, fault)
}

/// A status outside 200 to 599 is no reply.
pub(crate) fn check(response: Response) -> Result<Response, Fault> {
    match response.status {
        Some(status) if !(200..=599).contains(&status.as_u16()) => Err(Fault::internal(FaultKind::Failed)),
        _ => Ok(response),
    }
}

fn of_response(context: &Context, mut response: Response) -> Reply {
    // Mostly there is nothing to drop, and a look is cheaper than eight removals.
    if response.headers.keys().any(|name| DROPPED.contains(name)) {
        for name in DROPPED {
            response.headers.remove(name);
        }
    }
    let empty = matches!(response.body, Body::Empty);
    let default = if empty { StatusCode::NO_CONTENT } else { StatusCode::OK };
    let status = response.status.unwrap_or(default);
    // These have no body whatever the service says (RFC 9110, sections 15.3.5 and 15.4.5).
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let body = if bodiless { Body::Empty } else { response.body };
    Reply { status, headers: response.headers, body, correlation: context.correlation.clone() }
}

/// What a fault's head says beside its status.
pub(crate) fn fault_headers(fault: &Fault) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name, text: Option<String>| {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(name, value);
        }
    };
    set(ALLOW, (!fault.allow.is_empty()).then(|| fault.allow.join(", ")));
    set(WWW_AUTHENTICATE, fault.challenge.clone());
    set(RETRY_AFTER, fault.retry_after_s.map(|seconds| seconds.to_string()));
    headers
}

fn of_fault(context: &Context, fault: &Fault) -> Reply {
    let mut headers = fault_headers(fault);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = fault.problem(context.correlation.as_str()).to_string();
    Reply {
        status,
        headers,
        body: Body::from(bytes::Bytes::from(problem)),
        correlation: context.correlation.clone(),
    }
}
