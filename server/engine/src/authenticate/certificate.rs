//! Callers that a certificate names, as the balancer tells it by headers of its own.

use busbar_model::{
    Fault,
    fault::FaultKind,
    security::{Certificates, certificate},
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::request::Hop;

/// The subject of the certificate that the client has shown and that was found good.
pub(crate) const SUBJECT_HEADER: HeaderName = HeaderName::from_static("x-busbar-tls-subject");
/// Its SHA-256 in hexadecimal digits.
pub(crate) const SHA256_HEADER: HeaderName = HeaderName::from_static("x-busbar-tls-sha256");
/// How headers begin that only the balancer sets.
const OWN: &[u8] = b"x-busbar-";
/// HTTP knows no challenge for a certificate (RFC 9110, section 11.1), so the code tells what is missing.
pub(crate) const REQUIRED: &str = "certificate-required";
const REFUSED: &str = "certificate-refused";

/// The certificate of a client. What is told of it and can't be read is `None`, and fits nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Certificate {
    subject: Option<String>,
    sha256: Option<String>,
}

impl Certificate {
    /// Takes all out of the headers of a request that only the balancer may say, so that nothing behind this can
    /// take a client's word for it.
    pub(crate) fn take(headers: &mut HeaderMap, hop: Hop) -> Option<Box<Self>> {
        let own: Vec<HeaderName> = headers.keys().filter(|name| is_own(name)).cloned().collect();
        let told = match hop {
            Hop::Client => None,
            Hop::Balancer => Self::told(headers),
        };
        for name in own {
            headers.remove(name);
        }
        told
    }

    fn told(headers: &HeaderMap) -> Option<Box<Self>> {
        let all = [SUBJECT_HEADER, SHA256_HEADER].map(|name| Vec::from_iter(headers.get_all(name)));
        match all.each_ref().map(Vec::as_slice) {
            [[], []] => None,
            [subject @ ([] | [_]), sha256 @ ([] | [_])] => Some(Box::new(Self {
                subject: read(subject, certificate::subject),
                sha256: read(sha256, certificate::sha256),
            })),
            // The balancer says each once. Someone else has had a say.
            _ => Some(Box::new(Self { subject: None, sha256: None })),
        }
    }

    pub(super) fn is_of(&self, certificates: &Certificates) -> bool {
        certificates.fits(self.subject.as_deref(), self.sha256.as_deref())
    }
}

fn read(values: &[&HeaderValue], parse: impl FnOnce(&str) -> Option<String>) -> Option<String> {
    parse(str::from_utf8(values.first()?.as_bytes()).ok()?)
}

/// Also where another character stands for a dash, which some who read headers take for the same.
pub(crate) fn is_own(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let is = |(given, own): (&u8, &u8)| given == own || (*own == b'-' && !given.is_ascii_alphanumeric());
    name.len() >= OWN.len() && name.iter().zip(OWN).all(is)
}

/// Why nobody is let in who has shown this.
pub(super) fn refusal(shown: Option<&Certificate>) -> Fault {
    match shown {
        None => Fault::new(FaultKind::Unauthenticated, "a certificate of the client is required")
            .with_code(REQUIRED),
        Some(_) => {
            Fault::new(FaultKind::NotAllowed, "the client's certificate is not one that is let in here")
                .with_code(REFUSED)
        }
    }
}

#[cfg(test)]
mod tests;
