//! From JSON to what is sent.

use std::fmt::Write as _;

use busbar_model::fault::FieldError;
use serde_json::Value;

use super::{Client, Operation, Refused, UsernameToken, rules};
use crate::{
    envelope,
    escape::{Place, escape_lossy},
    media, message, mtom, namespace, read,
    version::Version,
    write,
};

/// What goes with a request beside its payload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    pub username_token: Option<UsernameToken<'a>>,
    /// Binaries go beside the envelope (MTOM), if there are any. A boundary, random, of at least 128 bits and of letters
    /// and digits.
    pub mtom: Option<&'a str>,
    pub addressing: Option<Addressing<'a>>,
    /// Header blocks, each an element as XML.
    pub headers: &'a [&'a str],
}

/// WS-Addressing 1.0.
#[derive(Clone, Copy, Debug)]
pub struct Addressing<'a> {
    /// The service's address.
    pub to: &'a str,
    /// A URI that no other message has.
    pub message_id: &'a str,
}

/// A request of HTTP, but for its address and who calls: a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub content_type: String,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// Why nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    #[error("the service has no operation {0:?}")]
    UnknownOperation(String),
    #[error("the operation {operation:?} can't be called")]
    Unsupported {
        operation: String,
        #[source]
        problem: Refused,
    },
    /// Each with its place in the input.
    #[error("the input is not what the operation takes")]
    Invalid(Vec<FieldError>),
    #[error("a header block that can't be one: {0}")]
    Header(String),
}

impl Client {
    /// The request of an operation with this input, JSON text. What the description does not allow is not sent.
    pub fn request(
        &self,
        operation: &str,
        json: &[u8],
        options: &Options<'_>,
    ) -> Result<Outgoing, Unsendable> {
        let found = self.operation(operation);
        let found = found.ok_or_else(|| Unsendable::UnknownOperation(operation.to_owned()))?;
        if let Some(problem) = &found.problem {
            let operation = operation.to_owned();
            return Err(Unsendable::Unsupported { operation, problem: problem.clone() });
        }
        let mut blocks = String::new();
        self.push_blocks(found, options, &mut blocks)?;
        let mut text = envelope::open_with(self.version, &blocks);
        let mut parts = Vec::new();
        self.push_payload(found, json, &mut text, options.mtom.map(|_| &mut parts))?;
        envelope::close(&mut text);
        let outgoing = match options.mtom.filter(|_| !parts.is_empty()) {
            None => self.raw_request(&found.action, text.into_bytes()),
            Some(boundary) => {
                let action = Some(found.action.as_str()).filter(|action| !action.is_empty());
                let (content_type, body) = mtom::package(&text, self.version, action, boundary, parts);
                Outgoing { content_type, headers: self.headers(&found.action), body }
            }
        };
        Ok(outgoing)
    }

    /// A request whose envelope is made already, in UTF-8. An action that is empty is none.
    pub fn raw_request(&self, action: &str, envelope: Vec<u8>) -> Outgoing {
        let mut content_type = self.version.content_type().to_owned();
        if self.version == Version::V12 && !action.is_empty() {
            let _ = write!(content_type, "; action={}", media::quoted(action));
        }
        Outgoing { content_type, headers: self.headers(action), body: envelope }
    }

    /// SOAP 1.1 tells the action in a header (section 6.1.1), also if there is none; 1.2 in the content type.
    fn headers(&self, action: &str) -> Vec<(&'static str, String)> {
        let accept = format!("{}, multipart/related;q=0.9, */*;q=0.1", self.version.media_type());
        let mut headers = vec![("accept", accept)];
        if self.version == Version::V11 {
            headers.push(("soapaction", media::quoted(action)));
        }
        headers
    }

    fn push_payload(
        &self,
        operation: &Operation,
        json: &[u8],
        text: &mut String,
        parts: Option<&mut Vec<mtom::Part>>,
    ) -> Result<(), Unsendable> {
        let invalid = |path: String, message: String| Unsendable::Invalid(vec![FieldError { path, message }]);
        let Some(content) = &operation.input.content else {
            return match json.trim_ascii() {
                b"" | b"null" => Ok(()),
                given if is_empty_object(given) => Ok(()),
                _ => Err(invalid(
                    String::new(),
                    "has to be an empty object: the operation takes nothing".to_owned(),
                )),
            };
        };
        let document = write::Document {
            name: &content.name,
            declarations: &content.declarations,
            root: content.root,
            nullable: false,
        };
        let written = document.write(&self.shape, json, text, parts);
        written.map_err(|unwritable| invalid(unwritable.path, unwritable.reason))?;
        if operation.input.has_rules {
            let value: Value = serde_json::from_slice(json)
                .map_err(|error| invalid(String::new(), format!("is no JSON: {error}")))?;
            let errors = rules::check(&self.shape, &self.extras, content.root, &value);
            if !errors.is_empty() {
                return Err(Unsendable::Invalid(errors));
            }
        }
        Ok(())
    }

    fn push_blocks(
        &self,
        operation: &Operation,
        options: &Options<'_>,
        blocks: &mut String,
    ) -> Result<(), Unsendable> {
        if let Some(addressing) = &options.addressing {
            let action = operation.addressing_action.as_deref().unwrap_or(&operation.action);
            addressing.push(blocks, action);
        }
        if let Some(token) = &options.username_token {
            let forbidden = |_| {
                Unsendable::Header("the username or the password has a character that XML forbids".to_owned())
            };
            token.push(blocks).map_err(forbidden)?;
        }
        for header in options.headers {
            let element = read::element_of(header).map_err(|error| Unsendable::Header(error.to_string()))?;
            blocks.push_str(element);
        }
        Ok(())
    }
}

fn is_empty_object(json: &[u8]) -> bool {
    matches!(serde_json::from_slice(json), Ok(Value::Object(members)) if members.is_empty())
}

impl Addressing<'_> {
    fn push(&self, blocks: &mut String, action: &str) {
        let namespace = namespace::ADDRESSING;
        let mut block = |local: &str, value: &str| {
            let _ = write!(blocks, "<wsa:{local} xmlns:wsa=\"{namespace}\">");
            escape_lossy(blocks, value, Place::Content);
            let _ = write!(blocks, "</wsa:{local}>");
        };
        block("Action", action);
        block("To", self.to);
        block("MessageID", self.message_id);
        let anonymous = message::anonymous(namespace);
        let _ = write!(
            blocks,
            "<wsa:ReplyTo xmlns:wsa=\"{namespace}\"><wsa:Address>{anonymous}</wsa:Address></wsa:ReplyTo>"
        );
    }
}
