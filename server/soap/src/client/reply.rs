//! From what comes back to JSON.

mod envelope;
mod fault;

pub use self::fault::{Code, PartnerFault};

use busbar_model::fault::FieldError;

use self::envelope::Opened;
use super::{Client, Operation};
use crate::{
    charset,
    media::{ContentType, Kind},
    mtom::Package,
    read::{self, NoParts, Parts},
    refusal::Refusal,
    xml::{Malformed, Reader},
};

/// What a partner answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// JSON text.
    Output(Vec<u8>),
    /// The message was taken; nothing comes of it.
    OneWay,
    Fault(Box<PartnerFault>),
}

/// An answer that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the reply has status {status} and is no SOAP: {reason}")]
    NoSoap { status: u16, reason: String },
    #[error("the reply is not well-formed: {0}")]
    Malformed(#[from] Malformed),
    #[error("the reply's envelope is none: {0}")]
    Envelope(String),
    /// Each with its place in the output as JSON.
    #[error("the reply is not what the operation gives")]
    Invalid(Vec<FieldError>),
}

impl From<read::Unreadable> for Unreadable {
    fn from(unreadable: read::Unreadable) -> Self {
        match unreadable {
            read::Unreadable::Malformed(malformed) => Self::Malformed(malformed),
            read::Unreadable::Invalid(errors) => Self::Invalid(errors),
        }
    }
}

impl Client {
    /// The answer to a request of this operation: the status of HTTP, the value of `Content-Type`, the body.
    ///
    /// Envelopes of both versions of SOAP are read, whichever was sent. What is not declared is passed over, as
    /// header blocks are, also those that are to be understood: there is nothing here that could act on them.
    pub fn reply(
        &self,
        operation: &str,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Reply, Unreadable> {
        let no_soap = |reason: String| Unreadable::NoSoap { status, reason };
        let Some(operation) = self.operation(operation) else {
            return Err(no_soap(format!("the service has no operation {operation:?}")));
        };
        let is_success = (200..300).contains(&status);
        if body.trim_ascii().is_empty() {
            return match is_success && operation.is_one_way() {
                true => Ok(Reply::OneWay),
                false => Err(no_soap("it is empty".to_owned())),
            };
        }
        let refused = |refusal: Refusal| Unreadable::NoSoap { status, reason: refusal.message };
        let media = ContentType::parse(content_type).map_err(refused)?;
        let mut package = None;
        let (root, charset) = match &media.kind {
            Kind::Mtom(related) => {
                let parsed = package.insert(Package::parse(body, related).map_err(refused)?);
                (parsed.root, parsed.root_charset.clone())
            }
            Kind::Xml11 | Kind::Xml12 => (body, media.charset.clone()),
        };
        let text = charset::decode(root, charset.as_deref()).map_err(refused)?;
        let mut none = NoParts;
        let parts: &mut dyn Parts = match &mut package {
            Some(package) => package,
            None => &mut none,
        };
        match self.answer(operation, &text, parts)? {
            // The one that says so by the status alone.
            Reply::Output(_) | Reply::OneWay if !is_success => {
                Err(no_soap("it has an output where only a fault can be".to_owned()))
            }
            reply => Ok(reply),
        }
    }

    fn answer(&self, operation: &Operation, text: &str, parts: &mut dyn Parts) -> Result<Reply, Unreadable> {
        let mut xml = Reader::new(text)?;
        match envelope::open(&mut xml)? {
            Opened::Empty => return empty(operation),
            Opened::Fault(version) => {
                let fault = self.fault(operation, version, &mut xml, parts)?;
                return Ok(Reply::Fault(Box::new(fault)));
            }
            Opened::Payload => {}
        }
        let Some(output) = &operation.output else { return Ok(Reply::OneWay) };
        let Some(content) = &output.content else { return empty(operation) };
        let (namespace, local) = (xml.namespace(), xml.local());
        let is_expected = local == &*content.element.local && namespace == &*content.element.namespace;
        // In rpc, services do not agree on what the element around the parts is called.
        if !is_expected && !content.is_rpc {
            let found = match namespace {
                "" => local.to_owned(),
                namespace => format!("{{{namespace}}}{local}"),
            };
            let message = format!("the Body has the element {found} instead of {}", content.element);
            return Err(Unreadable::Invalid(vec![FieldError { path: String::new(), message }]));
        }
        let json = read::foreign(&self.shape, content.root, content.nillable, &mut xml, parts)?;
        envelope::finish(&mut xml)?;
        Ok(Reply::Output(json.into_bytes()))
    }
}

/// A Body without anything in it.
fn empty(operation: &Operation) -> Result<Reply, Unreadable> {
    match &operation.output {
        None => Ok(Reply::OneWay),
        Some(output) if output.content.is_none() => Ok(Reply::Output(b"{}".to_vec())),
        Some(_) => Err(Unreadable::Envelope("the Body is empty".to_owned())),
    }
}

impl Parts for Package<'_> {
    fn take(&mut self, content_id: &str) -> Option<&[u8]> {
        Package::take(self, content_id)
    }
}
