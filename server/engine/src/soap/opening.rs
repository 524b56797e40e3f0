//! From a message's bytes to the call that it asks for. Synchronous: a large one is opened beside the
//! worker's own thread.

use busbar_model::{Fault, Timestamp, fault::FaultKind};
use busbar_soap::{
    Payload, Refusal, SecurityFault, Version, charset,
    media::{ContentType, Kind},
    message::{self, Addressing, Headers, Message},
    mtom::Package,
    read::{self, NoParts, Parts, Unreadable},
};
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};

use super::{Trouble, address::Chosen};
use crate::{
    accept::Context,
    authenticate::Verified,
    catalog::{Admission, Route},
    route::live,
};

/// What the head of a request says of its message.
pub(super) struct Asked {
    pub(super) content_type: ContentType,
    /// The operation, by SOAPAction or its successor.
    pub(super) action: Option<String>,
    pub(super) accepts_mtom: bool,
}

/// What is known of a message, for its reply: the more, the further it was opened.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) version: Version,
    pub(super) addressing: Option<Addressing>,
    /// What no other message has.
    pub(super) unique: u128,
    pub(super) wants_mtom: bool,
    /// Of the channel, in the catalog.
    pub(super) route: Option<usize>,
    /// Of the operation, in its address.
    pub(super) operation: Option<usize>,
}

/// A message's call.
pub(super) struct Opened {
    pub(super) input: Bytes,
    pub(super) content_type: &'static str,
    pub(super) is_raw: bool,
    /// The caller, where the message itself tells it.
    pub(super) verified: Option<Verified>,
}

impl Known {
    /// What the head of a request tells: its content type is of one version.
    pub(super) fn of(headers: &HeaderMap, unique: u128) -> Self {
        let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let version = ContentType::parse(text).ok().and_then(|content_type| content_type.version());
        let version = version.unwrap_or(Version::V11);
        Self { version, addressing: None, unique, wants_mtom: false, route: None, operation: None }
    }
}

impl Asked {
    pub(super) fn wants_mtom(&self) -> bool {
        self.accepts_mtom || matches!(self.content_type.kind, Kind::Mtom(_))
    }
}

/// `at` is the address in the catalog.
pub(super) fn open(
    context: &Context,
    at: usize,
    asked: &Asked,
    bytes: &[u8],
    now: Timestamp,
    known: &mut Known,
) -> Result<Opened, Trouble> {
    let opening = Opening { context, at, asked, now };
    match &asked.content_type.kind {
        Kind::Mtom(related) => {
            let mut package = Package::parse(bytes, related)?;
            let text = charset::decode(package.root, package.root_charset.as_deref())?;
            let opened = opening.text(&text, &mut Attached(&mut package), known)?;
            if opened.is_raw && package.untaken().next().is_some() {
                let text = "a service that takes raw XML takes no parts beside it";
                return Err(Refusal::message("parts-not-taken", text).into());
            }
            package.finish()?;
            Ok(opened)
        }
        Kind::Xml11 | Kind::Xml12 => {
            let text = charset::decode(bytes, asked.content_type.charset.as_deref())?;
            opening.text(&text, &mut NoParts, known)
        }
    }
}

/// The parts of a package, as a payload refers to them.
struct Attached<'p, 'b>(&'p mut Package<'b>);

impl Parts for Attached<'_, '_> {
    fn take(&mut self, content_id: &str) -> Option<&[u8]> {
        self.0.take(content_id)
    }
}

struct Opening<'o> {
    context: &'o Context,
    at: usize,
    asked: &'o Asked,
    now: Timestamp,
}

impl Opening<'_> {
    fn text(&self, text: &str, parts: &mut dyn Parts, known: &mut Known) -> Result<Opened, Trouble> {
        let mut message = message::open(text).inspect_err(|refusal| {
            known.version = refusal.version.unwrap_or(known.version);
            known.addressing = refusal.addressing.as_deref().cloned();
        })?;
        known.version = message.version;
        known.addressing.clone_from(&message.headers.addressing);
        let Some(address) = self.context.catalog.soap(self.at) else { return Err(Fault::not_found().into()) };
        if let (Some(addressing), Some(action)) = (&message.headers.addressing, &self.asked.action)
            && addressing.action.as_deref().is_some_and(|stated| stated.trim() != action)
        {
            return Err(addressing.action_mismatch().in_version(message.version).into());
        }
        let stated = message.headers.addressing.as_ref().and_then(|addressing| addressing.action.as_deref());
        let reader = &message.reader;
        let chosen = address.choose(self.asked.action.as_deref(), stated, reader.namespace(), reader.local());
        let by_message = match &chosen {
            Ok(Chosen { route, .. }) => self.context.catalog.route(*route).is_some_and(Route::is_by_message),
            Err(_) => address.is_by_message(),
        };
        message.headers.check_understood(by_message)?;
        if let Some(addressing) = &message.headers.addressing {
            addressing.check()?;
        }
        let Chosen { route, operation } = chosen?;
        (known.route, known.operation) = (Some(route), operation);
        let Some(route) = self.context.catalog.route(route) else { return Err(Fault::not_found().into()) };
        let verified = self.verify(route, &message.headers)?;
        // A service that is away has no schema to read by.
        live(&route.service)?;
        let operation = operation.and_then(|at| address.address.operations().get(at));
        let Some(operation) = operation else { return Err(unusable().into()) };
        let (input, content_type) = payload(&operation.input, &operation.namespace, &mut message, parts)?;
        message.finish()?;
        let is_raw = operation.input == Payload::Raw;
        Ok(Opened { input: input.into(), content_type, is_raw, verified })
    }

    fn verify(&self, route: &Route, headers: &Headers) -> Result<Option<Verified>, Trouble> {
        let Admission::Guarded(guard) = &route.guard else { return Ok(None) };
        if !guard.is_by_message() {
            return Ok(None);
        }
        let Some(security) = &headers.security else {
            let text = "the message has no security token for this address";
            return Err(Refusal::security(SecurityFault::InvalidSecurity, text).into());
        };
        security.check_supported()?;
        Ok(Some(guard.verify(security, self.context.catalog.opener(), self.now)?))
    }
}

/// The channel exists, but its service has no SOAP: its schema was deployed before the channel was made.
fn unusable() -> Fault {
    Fault::new(FaultKind::NotDeployed, "the service can't be called over SOAP at present")
}

fn payload(
    payload: &Payload,
    namespace: &str,
    message: &mut Message<'_>,
    parts: &mut dyn Parts,
) -> Result<(String, &'static str), Trouble> {
    let reader = &mut message.reader;
    let json = match payload {
        Payload::Typed(shape) => read::payload(shape, namespace, reader, parts),
        Payload::Nothing => read::nothing(reader).map(|()| "null".to_owned()),
        Payload::Raw => {
            return Ok((read::raw(reader).map_err(Refusal::from)?, "application/xml; charset=utf-8"));
        }
    };
    match json {
        Ok(json) => Ok((json, "application/json")),
        Err(Unreadable::Malformed(malformed)) => Err(Refusal::from(malformed).into()),
        Err(Unreadable::Invalid(errors)) => {
            let mut fault = Fault::new(FaultKind::InvalidInput, "the input is not valid");
            fault.errors = errors;
            Err(fault.into())
        }
    }
}
