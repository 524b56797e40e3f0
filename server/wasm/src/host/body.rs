//! Bodies by handle, and the crossing of payloads between host and guest.

use busbar_engine::{
    Body, BodyError,
    body::Stream,
    request::{Input, Response},
};
use busbar_model::{Fault, fault::FaultKind, service::Limits};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use wasmtime::component::Resource;

use crate::{bindings::busbar::bus::types as wit, state::CallState};

/// Bytes that one `read` gives at most.
const READ_BYTES_MAX: usize = 1024 * 1024;

/// A stream, with what was taken from it and did not fit into a `read`.
pub struct BodyHandle {
    stream: Stream,
    rest: Bytes,
}

impl BodyHandle {
    fn into_body(self) -> Body {
        if self.rest.is_empty() {
            Body::Stream(self.stream)
        } else {
            Body::Stream(self.stream.preceded(self.rest))
        }
    }
}

impl wit::HostBody for CallState {
    async fn read(
        &mut self,
        handle: Resource<BodyHandle>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, wit::BodyError>> {
        let body = self.table.get_mut(&handle)?;
        if body.rest.is_empty() {
            match body.stream.chunk().await {
                None => return Ok(Ok(Vec::new())),
                Some(Ok(chunk)) => body.rest = chunk,
                Some(Err(BodyError::TooLarge { .. })) => return Ok(Err(wit::BodyError::TooLarge)),
                Some(Err(error)) => return Ok(Err(wit::BodyError::Broken(error.to_string()))),
            }
        }
        // None would look like the end.
        let most = (max as usize).clamp(1, READ_BYTES_MAX).min(body.rest.len());
        Ok(Ok(body.rest.split_to(most).to_vec()))
    }

    fn drop(&mut self, handle: Resource<BodyHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.held = self.held.saturating_sub(1);
        Ok(())
    }
}

impl CallState {
    fn payload_in(&mut self, body: Body) -> wasmtime::Result<wit::Payload> {
        Ok(match body {
            Body::Empty => wit::Payload::Empty,
            Body::Bytes(bytes) => wit::Payload::Bytes(bytes.into()),
            Body::Stream(stream) => {
                self.held += 1;
                wit::Payload::Stream(self.table.push(BodyHandle { stream, rest: Bytes::new() })?)
            }
        })
    }

    pub(super) fn payload_out(&mut self, payload: wit::Payload) -> wasmtime::Result<Body> {
        Ok(match payload {
            wit::Payload::Empty => Body::Empty,
            wit::Payload::Bytes(bytes) => Bytes::from(bytes).into(),
            wit::Payload::Stream(handle) => {
                self.held = self.held.saturating_sub(1);
                self.table.delete(handle)?.into_body()
            }
        })
    }

    /// What a service is called with.
    pub(crate) fn request_in(&mut self, input: Input) -> wasmtime::Result<wit::Request> {
        Ok(wit::Request { content_type: input.content_type, payload: self.payload_in(input.body)? })
    }

    /// What a service calls another with.
    pub(crate) fn request_out(&mut self, request: wit::Request) -> wasmtime::Result<Input> {
        Ok(Input { content_type: request.content_type, body: self.payload_out(request.payload)? })
    }

    /// What an invoked service answered.
    pub(crate) fn response_in(&mut self, response: Response) -> wasmtime::Result<wit::Response> {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let content_type = response.headers.get(CONTENT_TYPE).and_then(text);
        let headers = response.headers.iter().filter(|(name, _)| *name != CONTENT_TYPE);
        Ok(wit::Response {
            status: response.status.map(|status| status.as_u16()),
            content_type,
            headers: headers
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
                .collect(),
            payload: self.payload_in(response.body)?,
        })
    }

    /// What a service answers, checked.
    pub(crate) fn response_out(
        &mut self,
        response: wit::Response,
        limits: &Limits,
    ) -> wasmtime::Result<Result<Response, Fault>> {
        let body = self.payload_out(response.payload)?;
        Ok(checked(response.status, response.content_type, response.headers, body, limits))
    }
}

fn checked(
    status: Option<u16>,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
    body: Body,
    limits: &Limits,
) -> Result<Response, Fault> {
    let body = match body {
        Body::Stream(stream) => Body::Stream(stream.limited(limits.output_bytes)),
        whole if whole.length().is_some_and(|length| length > limits.output_bytes) => {
            let text = format!("the service's reply is larger than {} bytes", limits.output_bytes);
            return Err(Fault::new(FaultKind::OutputLimit, text));
        }
        whole => whole,
    };
    let mut response = Response { body, ..Response::default() };
    let bad = |what: &str| {
        tracing::error!(what, "service answered with what HTTP does not allow");
        Fault::internal(FaultKind::Failed)
    };
    if let Some(status) = status {
        response.status = Some(StatusCode::from_u16(status).map_err(|_| bad("status"))?);
    }
    let content_type = content_type.map(|value| (CONTENT_TYPE.as_str().to_owned(), value));
    for (name, value) in content_type.into_iter().chain(headers) {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("header name"))?;
        let value = HeaderValue::try_from(value).map_err(|_| bad("header value"))?;
        response.headers.append(name, value);
    }
    Ok(response)
}
