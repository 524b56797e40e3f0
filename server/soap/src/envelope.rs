//! What stands around a reply's payload.

use crate::{
    escape::{Place, escape_lossy},
    message::anonymous,
    namespace,
    version::Version,
};

/// The WS-Addressing headers of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyHeaders {
    /// Of the request's addressing headers.
    pub namespace: &'static str,
    /// That of a fault is its own, whatever stands here.
    pub action: String,
    /// The reply's own id, a URI.
    pub message_id: Option<String>,
    /// The request's id.
    pub relates_to: Option<String>,
}

/// All that stands before the payload: XML declaration, headers and the body's start. The payload is pushed to it, then
/// [`close`] ends it. The prefixes `soap` and `xsi` are bound in it, and no other, nor a default namespace.
pub fn open(version: Version, reply: Option<&ReplyHeaders>) -> String {
    let mut blocks = String::new();
    if let Some(reply) = reply {
        reply.push(&mut blocks, &reply.action);
    }
    open_with(version, &blocks)
}

/// The same with header blocks that are written already.
pub(crate) fn open_with(version: Version, blocks: &str) -> String {
    let header = match blocks {
        "" => String::new(),
        blocks => format!("<soap:Header>{blocks}</soap:Header>"),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"{}\" xmlns:xsi=\"{}\">{header}<soap:Body>",
        version.namespace(),
        namespace::XSI,
    )
}

pub fn close(text: &mut String) {
    text.push_str("</soap:Body></soap:Envelope>");
}

impl ReplyHeaders {
    pub(crate) fn push(&self, text: &mut String, action: &str) {
        let mut block = |local: &str, value: &str| {
            text.push_str(&format!("<wsa:{local} xmlns:wsa=\"{}\">", self.namespace));
            escape_lossy(text, value, Place::Attribute);
            text.push_str(&format!("</wsa:{local}>"));
        };
        block("Action", action);
        block("To", anonymous(self.namespace));
        if let Some(id) = &self.message_id {
            block("MessageID", id);
        }
        if let Some(id) = &self.relates_to {
            block("RelatesTo", id);
        }
    }

    /// The action of a fault (1.0 SOAP binding, section 6; the submission of 2004, section 4).
    pub(crate) fn fault_action(&self, of_addressing: bool) -> &'static str {
        match self.namespace {
            namespace::ADDRESSING_2004 => "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault",
            _ if of_addressing => "http://www.w3.org/2005/08/addressing/fault",
            _ => "http://www.w3.org/2005/08/addressing/soap/fault",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ReplyHeaders, close, open};
    use crate::{message, message::Endpoint, namespace, version::Version};

    #[test]
    fn a_payload_stands_in_the_body() {
        for version in [Version::V11, Version::V12] {
            let mut text = open(version, None);
            assert!(!text.contains("Header"));
            text.push_str("<a xmlns=\"u\"/>");
            close(&mut text);
            let mut message = message::open(&text).unwrap();
            assert_eq!(
                (message.version, message.reader.local(), message.reader.namespace()),
                (version, "a", "u")
            );
            message.reader.skip().unwrap();
            message.finish().unwrap();
        }
    }

    #[test]
    fn a_reply_relates_to_its_request() {
        for namespace in [namespace::ADDRESSING, namespace::ADDRESSING_2004] {
            let reply = ReplyHeaders {
                namespace,
                action: "greet<Response".to_owned(),
                message_id: Some("urn:uuid:2".to_owned()),
                relates_to: Some("urn:\u{1}1".to_owned()),
            };
            let mut text = open(Version::V11, Some(&reply));
            text.push_str("<a/>");
            close(&mut text);
            let addressing = message::open(&text).unwrap().headers.addressing.unwrap();
            assert_eq!(addressing.namespace, namespace);
            assert_eq!(addressing.action.as_deref(), Some("greet<Response"));
            assert_eq!(addressing.message_id.as_deref(), Some("urn:uuid:2"));
            assert_eq!(addressing.relates_to, ["urn:\u{FFFD}1"]);
            assert_ne!(addressing.reply_to, Some(Endpoint::None));
        }
    }
}
