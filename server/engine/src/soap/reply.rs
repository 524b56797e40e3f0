//! From what came of a call to an envelope.

use std::sync::Arc;

use busbar_model::{Fault, bounds, fault::FaultKind};
use busbar_soap::{
    Operation, Payload, Refusal, SecurityFault,
    address::Address,
    envelope::{self, ReplyHeaders},
    fault::{self, Detail},
    message::{Addressing, Endpoint},
    mtom,
    read::element_of,
    refusal::Cause,
    write,
};
use bytes::Bytes;
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName},
};

use super::{Trouble, opening::Known};
use crate::{
    accept::Context,
    authenticate::CERTIFICATE_REQUIRED,
    body::Body,
    catalog::BoundService,
    contract::apart,
    invoke::{Encode, Encoding},
    request::{Reply, Response},
    respond::{fault_headers, respond},
};

/// Of the service's own headers these told something of its JSON.
const OF_CONTENT: [HeaderName; 5] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    http::header::ETAG,
    http::header::CONTENT_DISPOSITION,
    http::header::CONTENT_LANGUAGE,
];

/// The reply, and the fault that it tells.
pub(super) fn render(
    context: &Context,
    known: &Known,
    outcome: Result<Response, Trouble>,
) -> (Reply, Option<Fault>) {
    let (response, fault) = match outcome {
        Ok(response) => (response, None),
        Err(trouble) => told(context, known, &trouble),
    };
    (respond(context, Ok(response)).0, fault)
}

fn told(context: &Context, known: &Known, trouble: &Trouble) -> (Response, Option<Fault>) {
    let correlation_id = context.correlation.as_str();
    let reply = reply_headers(known, String::new());
    let (version, fault, envelope, status) = match trouble {
        Trouble::Refused(refusal) => {
            let version = refusal.version.unwrap_or(known.version);
            let told = fault::Fault::of(refusal, correlation_id);
            let status = fault::status(version, &refusal.cause, refusal.http_status());
            (version, of_refusal(refusal), fault::write(version, &told, reply.as_ref()), status)
        }
        Trouble::Fault(fault) => {
            let cause = cause(fault);
            let detail = Detail {
                code: &fault.code,
                message: &fault.message,
                correlation_id,
                retry_after_s: fault.retry_after_s,
                errors: &fault.errors,
            };
            let told = fault::Fault { cause: &cause, reason: &fault.message, detail: Some(detail) };
            let http = match cause {
                Cause::Security(_) => 400,
                _ => fault.status(),
            };
            let status = fault::status(known.version, &cause, http);
            (known.version, (**fault).clone(), fault::write(known.version, &told, reply.as_ref()), status)
        }
    };
    if known.addressing.as_ref().is_some_and(Addressing::faults_unwanted) {
        return (Response { status: Some(StatusCode::ACCEPTED), ..Response::default() }, Some(fault));
    }
    let mut response = Response {
        status: StatusCode::from_u16(status).ok(),
        headers: fault_headers(&fault),
        body: Body::from(Bytes::from(envelope)),
    };
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(version.content_type()));
    (response, Some(fault))
}

/// Whose fault it is, and where.
fn cause(fault: &Fault) -> Cause {
    match fault.kind {
        // Told by the message, for which HTTP knows no challenge.
        FaultKind::Unauthenticated if fault.challenge.is_none() && fault.code != CERTIFICATE_REQUIRED => {
            Cause::Security(SecurityFault::FailedAuthentication)
        }
        _ if (400..500).contains(&fault.status()) => Cause::Message,
        _ => Cause::Server,
    }
}

/// As metrics and logs have it.
fn of_refusal(refusal: &Refusal) -> Fault {
    let kind = match refusal.cause {
        Cause::MediaType => FaultKind::UnsupportedMediaType,
        Cause::Security(_) => FaultKind::Unauthenticated,
        _ => FaultKind::InvalidInput,
    };
    Fault::new(kind, refusal.message.as_str()).with_code(refusal.code.as_ref())
}

fn reply_headers(known: &Known, action: String) -> Option<ReplyHeaders> {
    let id = format!("{:032x}", known.unique);
    // As UUIDs are written (RFC 9562, section 4).
    let id = format!("urn:uuid:{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]);
    known.addressing.as_ref().map(|addressing| addressing.reply(action, Some(id)))
}

/// Puts a service's response into an envelope.
pub(super) struct Envelope<'c> {
    pub(super) context: &'c Context,
    pub(super) service: &'c BoundService,
    pub(super) known: &'c Known,
    pub(super) address: &'c Arc<Address>,
}

impl Encode for Envelope<'_> {
    fn encode<'e>(&'e self, response: Response) -> Encoding<'e> {
        Box::pin(self.enveloped(response))
    }
}

impl Envelope<'_> {
    async fn enveloped(&self, response: Response) -> Result<Response, Fault> {
        let Response { status, mut headers, body } = response;
        if let Some(status) = status.filter(|status| !status.is_success()) {
            return Err(not_a_success(status));
        }
        for name in OF_CONTENT {
            headers.remove(name);
        }
        let at = self.known.operation.unwrap_or(usize::MAX);
        let operation = self.address.operations().get(at);
        let one_way = operation.is_some_and(Operation::is_one_way);
        let unwanted = self.known.addressing.as_ref().is_some_and(|a| a.reply_to == Some(Endpoint::None));
        if one_way || unwanted {
            return Ok(Response { status: Some(StatusCode::ACCEPTED), headers, body: Body::Empty });
        }
        let body = body.collect(self.service.limits.output_bytes).await;
        let body = body.map_err(|error| self.unusable(&error.to_string()))?;
        let rendering = Rendering { address: Arc::clone(self.address), at, known: self.known.clone() };
        let rendered = if body.len() <= bounds::CHECK_INLINE_BYTES_MAX {
            rendering.render(&body)
        } else {
            apart(move || rendering.render(&body)).await?
        };
        let (content_type, bytes) = rendered.map_err(|reason| self.unusable(&reason))?;
        let value = HeaderValue::try_from(content_type).map_err(|error| self.unusable(&error.to_string()))?;
        headers.insert(CONTENT_TYPE, value);
        Ok(Response { status: Some(StatusCode::OK), headers, body: Body::Bytes(bytes) })
    }

    fn unusable(&self, reason: &str) -> Fault {
        tracing::error!(
            service = %self.service.name,
            plugin = %self.service.plugin_name,
            correlation_id = %self.context.correlation,
            reason,
            "output has no image in XML"
        );
        Fault::internal(FaultKind::InvalidOutput)
    }
}

/// A status that a service chose is no reply of SOAP's: it is a fault.
fn not_a_success(status: StatusCode) -> Fault {
    if status.is_client_error() {
        let mut fault = Fault::new(FaultKind::Rejected, format!("the service answered with status {status}"));
        fault.status = Some(status.as_u16());
        return fault;
    }
    tracing::error!(%status, "a service answered a SOAP call with a status that is no success");
    Fault::internal(FaultKind::Failed)
}

/// A payload on its way into an envelope.
struct Rendering {
    address: Arc<Address>,
    at: usize,
    known: Known,
}

impl Rendering {
    /// Content type and body; or why it can't be, for the log.
    fn render(&self, output: &[u8]) -> Result<(String, Bytes), String> {
        let operation = self.address.operations().get(self.at).ok_or("the operation is gone")?;
        let reply = reply_headers(&self.known, operation.response_name());
        let version = self.known.version;
        let mut text = envelope::open(version, reply.as_ref());
        text.reserve(output.len() + output.len() / 2);
        let mut parts = Vec::new();
        match &operation.output {
            Payload::Typed(shape) => {
                let parts = self.known.wants_mtom.then_some(&mut parts);
                let (name, namespace) = (operation.response_name(), operation.namespace.as_str());
                write::payload(shape, &name, namespace, output, &mut text, parts)
                    .map_err(|unwritable| format!("{:?} {}", unwritable.path, unwritable.reason))?;
            }
            Payload::Raw => {
                let given = std::str::from_utf8(output).map_err(|error| error.to_string())?;
                if !given.trim_ascii().is_empty() {
                    text.push_str(element_of(given).map_err(|malformed| malformed.to_string())?);
                }
            }
            Payload::Nothing => {}
        }
        envelope::close(&mut text);
        if parts.is_empty() {
            return Ok((version.content_type().to_owned(), text.into()));
        }
        let boundary = format!("busbar-{:032x}", self.known.unique);
        let (content_type, bytes) = mtom::package(&text, version, None, &boundary, parts);
        Ok((content_type, bytes.into()))
    }
}
