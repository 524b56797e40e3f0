//! Outgoing requests of `wasi:http`: they leave by a connection of the bus that leads to where they go.

use std::sync::Arc;

use busbar_engine::{
    Body, BodyError,
    body::Stream,
    ports::{Invoker, Origin},
    ways::http::{Outgoing, forward},
};
use busbar_model::Fault;
use http::{Request, Response, uri::PathAndQuery};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error as HttpError, RequestOptions, Result as HttpResult, WasiBody, WasiHttpHooks};

use crate::state::Current;

type Sent = (Response<WasiBody>, Box<dyn Future<Output = HttpResult<()>> + Send>);

impl WasiHttpHooks for Current {
    /// Time limits are those of the connection and of the call.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = HttpResult<()>> + Send>,
    ) -> Box<dyn Future<Output = HttpResult<Sent>> + Send> {
        self.has_asked = true;
        let Some(call) = &mut self.call else { return Box::new(async { Err(HttpError::HttpRequestDenied) }) };
        if call.count().is_err() {
            return Box::new(async { Err(HttpError::ConnectionLimitReached) });
        }
        Box::new(send(call.origin.clone(), Arc::clone(&call.invoker), request))
    }
}

async fn send(origin: Origin, invoker: Arc<dyn Invoker>, request: Request<WasiBody>) -> HttpResult<Sent> {
    let (parts, body) = request.into_parts();
    let body = match body.is_end_stream() {
        true => Body::Empty,
        false => {
            let body = body.map_err(|error| BodyError::Broken(error.to_string()));
            Body::Stream(Stream::new(body, u64::MAX))
        }
    };
    let request =
        Outgoing { method: parts.method, path: PathAndQuery::from_static("/"), headers: parts.headers, body };
    let answered =
        forward(&origin, invoker.ways(), &parts.uri, request).await.map_err(|fault| code(&fault))?;
    let mut reply = Response::new(answered.body.map_err(broken).boxed_unsync());
    *reply.status_mut() = answered.status.unwrap_or_default();
    *reply.headers_mut() = answered.headers;
    Ok((reply, Box::new(async { Ok(()) })))
}

/// The nearest that `wasi:http` has to say.
fn code(fault: &Fault) -> HttpError {
    match fault.code.as_str() {
        "unreachable" => HttpError::DestinationUnavailable,
        "address-refused" => HttpError::DestinationIpProhibited,
        "circuit-open" | "connection-busy" => HttpError::ConnectionLimitReached,
        "no-reply" => HttpError::HttpResponseTimeout,
        "bad-reply" => HttpError::HttpProtocolError,
        "too-large" => HttpError::HttpRequestBodySize(None),
        "invalid-input" => HttpError::HttpRequestUriInvalid,
        "no-credentials" | "connection-unusable" => HttpError::ConfigurationError,
        "not-granted" => HttpError::HttpRequestDenied,
        _ => HttpError::InternalError(Some(fault.code.clone())),
    }
}

fn broken(error: BodyError) -> HttpError {
    match error {
        BodyError::TooLarge { limit } => HttpError::HttpResponseBodySize(Some(limit)),
        BodyError::Late => HttpError::ConnectionReadTimeout,
        BodyError::Broken(_) => HttpError::HttpResponseIncomplete,
    }
}
