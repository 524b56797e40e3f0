//! SOAP outwards: an endpoint, and what its WSDL says of it.

mod described;
mod message;

use std::{fmt::Write as _, sync::Arc};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONTENT_TYPE, uri::PathAndQuery};
use busbar_egress::{Connection, ReplyBody, RequestBody};
use busbar_engine::{
    contract::apart,
    request::Response,
    ways::{
        Passage,
        http::Outgoing,
        soap::{Failure, Operation, PartnerFault},
    },
};
use busbar_model::{Fault, bounds, connection::Soap as Definition, fault::FaultKind};
use busbar_soap::client::{Reply, Unreadable};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use self::{
    described::{Described, Reading},
    message::Manner,
};
use super::http;
use crate::outgoing;

/// When a partner that has no time is asked again.
const AWAY_S: u32 = 1;
/// Of what is taken apart here, whatever the connection allows: all of it is in memory, more than once.
const REPLY_BYTES_MAX: u64 = bounds::DELIVERY_BYTES_MAX;

pub(super) struct Soap {
    pub(super) client: Connection,
    /// Of the endpoint: exactly there messages go.
    path: PathAndQuery,
    definition: Definition<String>,
    described: Described,
    manner: Arc<Manner>,
}

impl Soap {
    pub(super) fn new(
        definition: Definition<String>,
        outside: busbar_egress::Outside,
    ) -> Result<Self, String> {
        let (client, path) = outgoing::endpoint(definition.http.clone(), outside)?;
        let manner = Arc::new(Manner::of(&definition));
        Ok(Self { client, path, definition, described: Described::default(), manner })
    }

    async fn described(&self, passage: &Passage) -> Result<Arc<Reading>, Fault> {
        self.described.read(&self.definition, passage.deadline).await
    }

    pub(super) async fn operations(&self, passage: &Passage) -> Result<Vec<Operation>, Fault> {
        Ok(self.described(passage).await?.operations().await?.to_vec())
    }

    pub(super) async fn call(
        &self,
        passage: &Passage,
        operation: &str,
        input: Bytes,
    ) -> Result<Bytes, Failure> {
        let bytes_max = self.definition.http.settings.bodies.request_bytes_max;
        if input.len() as u64 > bytes_max {
            let text = format!("the input is larger than {bytes_max} bytes");
            return Err(Fault::new(FaultKind::TooLarge, text).into());
        }
        let reading = self.described(passage).await?;
        let message = {
            let (manner, reading, operation) =
                (Arc::clone(&self.manner), Arc::clone(&reading), operation.to_owned());
            let length = input.len();
            heavy(length, move || manner.message(&reading.client, &operation, &input)).await??
        };
        let mut headers = HeaderMap::new();
        for (name, value) in message.headers {
            headers.insert(HeaderName::from_static(name), value_of(value)?);
        }
        headers.insert(CONTENT_TYPE, value_of(message.content_type)?);
        let reply = self.send(passage, headers, message.body.into()).await?;
        let (head, body) = reply.into_parts();
        let body = collected(body).await?;
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let (status, content_type) = (head.status.as_u16(), content_type.map(str::to_owned));
        let (length, operation) = (body.len(), operation.to_owned());
        let read = move || reading.client.reply(&operation, status, content_type.as_deref(), &body);
        match heavy(length, read).await? {
            Ok(Reply::Output(output)) => Ok(output.into()),
            Ok(Reply::OneWay) => Ok(Bytes::from_static(b"null")),
            Ok(Reply::Fault(fault)) => Err(Failure::Partner(Box::new(told(*fault)))),
            Err(unreadable) => Err(bad(&unreadable).into()),
        }
    }

    /// An envelope as it is, and the reply as it came.
    pub(super) async fn exchange(
        &self,
        passage: &Passage,
        action: &str,
        envelope: Outgoing,
        broke: http::Broke,
    ) -> Result<Response, Fault> {
        let Outgoing { mut headers, body, .. } = envelope;
        let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !given.starts_with("application/soap+xml") {
            let action = value_of(busbar_soap::media::quoted(action))?;
            headers.insert(HeaderName::from_static("soapaction"), action);
        } else if !action.is_empty() && !given.contains("action=") {
            let with = value_of(format!("{given}; action={}", busbar_soap::media::quoted(action)))?;
            headers.insert(CONTENT_TYPE, with);
        }
        let body = body.collect(bounds::DELIVERY_BYTES_MAX).await;
        let body = body.map_err(|error| Fault::new(FaultKind::InvalidInput, error.to_string()))?;
        http::response(self.send(passage, headers, body).await?, broke).await
    }

    async fn send(
        &self,
        passage: &Passage,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<busbar_egress::Reply, Fault> {
        let body = RequestBody::Bytes(body);
        let request = http::request(passage, Method::POST, self.path.clone(), headers, body);
        self.client.call(request).await.map_err(|error| http::fault(&error))
    }
}

/// Work on so many bytes; much of it is done apart, since it would hold up the neighbours of a call.
async fn heavy<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    if bytes <= bounds::CHECK_INLINE_BYTES_MAX {
        return Ok(work());
    }
    apart(work).await
}

async fn collected(mut body: ReplyBody) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| http::fault(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        if (whole.len() + data.len()) as u64 > REPLY_BYTES_MAX {
            let text = format!("the reply is larger than {REPLY_BYTES_MAX} bytes");
            return Err(Fault::new(FaultKind::Failed, text).with_code("bad-reply"));
        }
        whole.extend_from_slice(data);
    }
    Ok(whole.freeze())
}

fn value_of(text: String) -> Result<HeaderValue, Fault> {
    HeaderValue::try_from(text)
        .map_err(|_| Fault::new(FaultKind::InvalidInput, "the action can't be sent in a header"))
}

/// What is no SOAP mostly comes of what stands before the partner, which tells that it is away.
fn bad(unreadable: &Unreadable) -> Fault {
    let mut text = unreadable.to_string();
    if let Unreadable::Invalid(errors) = unreadable {
        for error in errors.iter().take(5) {
            let _ = write!(text, "; {}: {}", error.path, error.message);
        }
    }
    match unreadable {
        // Others may have come of a partner that acted, and whose word was lost.
        Unreadable::NoSoap { status: 429 | 503, .. } => {
            Fault::new(FaultKind::RetryLater, text).with_retry_after_s(AWAY_S).with_code("bad-reply")
        }
        _ => Fault::new(FaultKind::Failed, text).with_code("bad-reply"),
    }
}

fn told(fault: busbar_soap::client::PartnerFault) -> PartnerFault {
    PartnerFault {
        code: fault.code.local,
        subcodes: fault.subcodes.into_iter().map(|code| code.local).collect(),
        message: fault.message,
        role: fault.role,
        detail: fault.detail,
        described: fault.declared,
    }
}
