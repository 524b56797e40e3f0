//! SOAP channels: an envelope becomes a call of its operation's service, and what comes of that an envelope.
//!
//! The five stages are those of every request. They take turns in another order here, since the operation,
//! which tells the channel, and maybe the caller, stand in the message.

pub(crate) mod address;
mod location;
mod opening;
mod operations;
mod reply;

use std::{sync::Arc, time::Duration};

use busbar_model::{Fault, Name, bounds, fault::FaultKind};
use busbar_soap::{Refusal, media::ContentType, wsdl};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::{address::SoapAddress, operations::Operations};
use self::{
    opening::{Asked, Known, Opened},
    reply::Envelope,
};
use crate::{
    accept::Context,
    authenticate::{Permit, authenticate},
    body::Body,
    catalog::Route,
    contract::apart,
    idempotency,
    invoke::{self, Inbound, late, too_large},
    pipeline::{Line, Noted, Pipeline},
    request::{Head, Reply, Request, Response},
    route::{Routed, live, to_channel},
};

const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Why there is no response of the service.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The message is not taken.
    Refused(Box<Refusal>),
    Fault(Box<Fault>),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

/// Takes a request to a SOAP address through the stages. `at` is the address in the catalog, `unique` 128 bits
/// that no other request has.
pub(crate) async fn exchange(
    pipeline: &Arc<Pipeline>,
    context: &Arc<Context>,
    at: usize,
    request: Request,
    unique: u128,
) -> Reply {
    let line = Line::of(&request.head);
    let unrouted = Noted { meter: pipeline.unrouted(), channel: "", service: "", caller: None, line };
    let Some(address) = context.catalog.soap(at) else {
        return pipeline.finish(context, unrouted, Err(Fault::not_found()));
    };
    if request.head.method != Method::POST {
        return pipeline.finish(context, unrouted, described(address, &request));
    }
    let known = Known::of(&request.head.headers, unique);
    let mut exchange = Exchange { pipeline, context, at, address, known, caller: None };
    let outcome = exchange.call(request).await;
    let Exchange { known, caller, .. } = exchange;
    let (reply, fault) = reply::render(context, &known, outcome);
    let caller = caller.as_ref().map(|name| name.as_str());
    let noted = match known.route.and_then(|route| context.catalog.route(route)) {
        Some(route) => Noted {
            meter: &route.meter,
            channel: route.channel.name.as_str(),
            service: route.channel.service.as_str(),
            caller,
            line: unrouted.line,
        },
        None => Noted { caller, ..unrouted },
    };
    pipeline.note(context, noted, &reply, fault.as_ref());
    reply
}

/// `GET …?wsdl`.
fn described(address: &SoapAddress, request: &Request) -> Result<Response, Fault> {
    let asks = |query: &str| query.split('&').any(|part| part.eq_ignore_ascii_case("wsdl"));
    if !request.head.uri.query().is_some_and(asks) {
        let text = "a SOAP message is sent by POST; what it may be is told by GET with ?wsdl";
        let mut fault = Fault::new(FaultKind::MethodNotAllowed, text);
        fault.allow = vec!["POST".to_owned()];
        return Err(fault);
    }
    if address.address.operations().is_empty() {
        let text = "no operation of this address is deployed at present";
        return Err(Fault::new(FaultKind::NotDeployed, text).with_retry_after_s(5));
    }
    let document = wsdl::document(&address.address, &location::location(&request.head));
    let mut response = Response { body: Body::from(Bytes::from(document)), ..Response::default() };
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    // It depends on the address by which it was asked for.
    response.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// A message on its way.
struct Exchange<'c> {
    pipeline: &'c Arc<Pipeline>,
    context: &'c Arc<Context>,
    at: usize,
    address: &'c SoapAddress,
    known: Known,
    caller: Option<Name>,
}

impl<'c> Exchange<'c> {
    async fn call(&mut self, request: Request) -> Result<Response, Trouble> {
        let Request { mut head, body, .. } = request;
        let started = Instant::from_std(self.context.accepted_at);
        let deadline = started + Duration::from_millis(self.address.timeout_ms);
        let asked = asked(&head)?;
        self.known.wants_mtom = asked.wants_mtom();
        let (mut permit, shown) = (None, self.context.certificate.as_deref());
        if let Some(admitted) = self.address.admitted(self.context.catalog.routes().1) {
            // Who need not read the message to tell its sender doesn't.
            permit = Some(self.permitted(authenticate(admitted, shown, &mut head.headers).await?));
        }
        // Held until the call has ended: its JSON is no smaller.
        let reading = self.pipeline.buffers().collect(body, self.address.body_bytes_max);
        let message = timeout_at(deadline, reading).await.map_err(|_| late())??;
        let length = message.len() as u64;
        let Opened { input, content_type, verified, .. } = self.open(asked, message.clone()).await?;
        let Some(route) = self.route() else { return Err(Fault::not_found().into()) };
        let routed = to_channel(route, Vec::new());
        if length > routed.body_bytes_max {
            return Err(too_large(routed.body_bytes_max).into());
        }
        let permit = match (permit, verified) {
            (Some(permit), _) => permit,
            (None, Some(verified)) => self.permitted(verified.admit(self.pipeline.ledger(), deadline).await?),
            (None, None) => self.permitted(authenticate(routed.admission, shown, &mut head.headers).await?),
        };
        let service = live(routed.service)?;
        let envelope =
            Envelope { context: self.context, service, known: &self.known, address: &self.address.address };
        let head = as_call(head, content_type);
        let inbound = Inbound {
            context: self.context,
            // What counts was the message; its JSON is what it is.
            routed: Routed { body_bytes_max: u64::MAX, ..routed },
            permit,
            key: idempotency::key(&head)?,
            attempt: 1,
            is_answered: true,
            head,
            body: Body::Bytes(input),
            encode: Some(&envelope),
        };
        let response = invoke::inbound(service, inbound, self.pipeline).await?;
        drop(message);
        Ok(response)
    }

    fn route(&self) -> Option<&'c Route> {
        self.known.route.and_then(|route| self.context.catalog.route(route))
    }

    fn permitted(&mut self, permit: Permit) -> Permit {
        self.caller.clone_from(&permit.caller);
        permit
    }

    async fn open(&mut self, asked: Asked, bytes: Bytes) -> Result<Opened, Trouble> {
        let now = self.pipeline.ledger().now();
        if bytes.len() <= bounds::CHECK_INLINE_BYTES_MAX {
            return opening::open(self.context, self.at, &asked, &bytes, now, &mut self.known);
        }
        let (context, at, mut known) = (Arc::clone(self.context), self.at, self.known.clone());
        let (opened, known) = apart(move || {
            let opened = opening::open(&context, at, &asked, &bytes, now, &mut known);
            (opened, known)
        })
        .await?;
        self.known = known;
        opened
    }
}

fn asked(head: &Head) -> Result<Asked, Refusal> {
    let text = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let encoded = text(&CONTENT_ENCODING).unwrap_or("identity");
    if !encoded.eq_ignore_ascii_case("identity") {
        return Err(Refusal::media_type(format!("content encoding {encoded:?} is not supported")));
    }
    let content_type = ContentType::parse(text(&CONTENT_TYPE))?;
    let header = text(&SOAP_ACTION).map(|action| action.trim().trim_matches('"').to_owned());
    let action = content_type.action.clone().or(header).filter(|action| !action.is_empty());
    // Axis accepts multipart/related whatever it asks for, and reads no XOP.
    let accepts_mtom = text(&ACCEPT).is_some_and(|accept| accept.contains("application/xop+xml"));
    Ok(Asked { content_type, action, accepts_mtom })
}

/// The request's head, as the service is to see it.
fn as_call(mut head: Head, content_type: &'static str) -> Head {
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // They were about the envelope.
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    // An envelope is answered by an envelope.
    head.headers.remove(PREFER);
    if head.uri.query().is_some()
        && let Ok(path) = head.uri.path().parse()
    {
        head.uri = path;
    }
    head
}
