//! SOAP messages as text: what a client without a toolkit would send, and a look at what comes back.

use crate::http::{Reply, Request};

pub const SOAP_11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub const SOAP_12: &str = "http://www.w3.org/2003/05/soap-envelope";
const SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const TOKEN_PROFILE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";

/// An envelope of this version (its namespace).
pub fn envelope(version: &str, header: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><e:Envelope xmlns:e=\"{version}\"><e:Header>{header}</e:Header>\
         <e:Body>{body}</e:Body></e:Envelope>"
    )
}

/// A request of SOAP 1.1 with this body.
pub fn call_11(path: &str, body: &str) -> Request {
    of_text_11(path, envelope(SOAP_11, "", body))
}

/// A request of SOAP 1.2 with this body.
pub fn call_12(path: &str, body: &str) -> Request {
    let envelope = envelope(SOAP_12, "", body);
    Request::post(path).header("content-type", "application/soap+xml; charset=utf-8").body(envelope)
}

/// A request of SOAP 1.1 that is this text.
pub fn of_text_11(path: &str, text: impl Into<bytes::Bytes>) -> Request {
    Request::post(path).header("content-type", "text/xml; charset=utf-8").body(text)
}

/// A `wsse:Security` header with a UsernameToken; `kind` is `Text` or `Digest`.
pub fn username_token(username: &str, kind: &str, password: &str, nonce: &str, created: &str) -> String {
    format!(
        "<w:Security xmlns:w=\"{SECURITY}\" xmlns:u=\"{UTILITY}\" xmlns:e=\"{SOAP_11}\" e:mustUnderstand=\"1\">\
         <w:UsernameToken><w:Username>{username}</w:Username>\
         <w:Password Type=\"{TOKEN_PROFILE}#Password{kind}\">{password}</w:Password>\
         <w:Nonce>{nonce}</w:Nonce><u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
    )
}

/// The text of the first element of this local name.
pub fn text_of(xml: &str, local: &str) -> Option<String> {
    let starts = xml.match_indices('<').find(|(at, _)| {
        let name = xml[at + 1..].split([' ', '>', '/']).next().unwrap_or_default();
        name.rsplit(':').next() == Some(local)
    });
    let rest = &xml[starts?.0..];
    let content = rest.split_once('>')?.1;
    Some(content.split('<').next().unwrap_or_default().to_owned())
}

impl Reply {
    /// The code of a fault of SOAP 1.1 without its prefix, and its text.
    pub fn fault_11(&self) -> (String, String) {
        assert_eq!(self.header("content-type"), Some("text/xml; charset=utf-8"), "{self}");
        assert!(self.text().contains(SOAP_11), "{self}");
        let code = text_of(self.text(), "faultcode").unwrap_or_else(|| panic!("no fault: {self}"));
        let local = code.rsplit(':').next().unwrap_or_default().to_owned();
        (local, text_of(self.text(), "faultstring").unwrap_or_default())
    }

    /// The code of a fault of SOAP 1.2 without its prefix, and its text.
    pub fn fault_12(&self) -> (String, String) {
        assert_eq!(self.header("content-type"), Some("application/soap+xml; charset=utf-8"), "{self}");
        assert!(self.text().contains(SOAP_12), "{self}");
        let code = text_of(self.text(), "Value").unwrap_or_else(|| panic!("no fault: {self}"));
        let local = code.rsplit(':').next().unwrap_or_default().to_owned();
        (local, text_of(self.text(), "Text").unwrap_or_default())
    }
}
