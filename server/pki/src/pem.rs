//! PEM (RFC 7468): what stands in files, and what HAProxy reads.

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio_rustls::rustls::pki_types::pem::{Error as Syntax, SectionKind, SliceIter};
use zeroize::Zeroizing;

use crate::{Certificate, Error, KeyPair};

/// Of one text. A bundle of two authorities has some 1,300 bytes.
const PEM_BYTES_MAX: usize = 64 * 1024;
const LINE_CHARACTERS: usize = 64;

/// What HAProxy's `crt` takes as one file: certificate, then those that vouch for it, then the key. To be readable by
/// its owner only.
pub fn haproxy_pem(chain: &[Certificate], key: &KeyPair) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for certificate in chain {
        text.push_str(&certificate.to_pem());
    }
    text.push_str(&key.to_pem());
    text
}

/// The name of a section, as it stands between `BEGIN` and the dashes.
#[derive(Clone, Copy)]
pub(crate) enum Label {
    Certificate,
    Key,
    Request,
}

impl Label {
    fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "CERTIFICATE",
            Self::Key => "PRIVATE KEY",
            Self::Request => "CERTIFICATE REQUEST",
        }
    }

    fn kind(self) -> SectionKind {
        match self {
            Self::Certificate => SectionKind::Certificate,
            Self::Key => SectionKind::PrivateKey,
            Self::Request => SectionKind::Csr,
        }
    }
}

pub(crate) fn encode(label: Label, der: &[u8]) -> Zeroizing<String> {
    let digits = Zeroizing::new(STANDARD.encode(der));
    let label = label.as_str();
    // Room for all of it, so that no copy of a key is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(digits.len() + digits.len() / LINE_CHARACTERS + 80));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE_CHARACTERS));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// All sections, which have to be of the one kind; one at least.
pub(crate) fn decode_all(label: Label, text: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    if text.len() > PEM_BYTES_MAX {
        return Err(Error::Pem { why: format!("{} bytes are more than {PEM_BYTES_MAX}", text.len()) });
    }
    let mut found = Vec::new();
    for section in SliceIter::<(SectionKind, Vec<u8>)>::new(text.as_bytes()) {
        let (kind, der) = section.map_err(|error| Error::Pem { why: said(&error, label) })?;
        let der = Zeroizing::new(der);
        if kind != label.kind() {
            let why = format!("a {kind:?} stands where only a {} is expected", label.as_str());
            return Err(Error::Pem { why });
        }
        found.push(der);
    }
    if found.is_empty() {
        return Err(Error::Pem { why: format!("no line says BEGIN {}", label.as_str()) });
    }
    Ok(found)
}

pub(crate) fn decode_one(label: Label, text: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut found = decode_all(label, text)?;
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (_, others) => Err(Error::Pem {
            why: format!("one {} is expected, and there are {}", label.as_str(), others + 1),
        }),
    }
}

/// Without what the text holds, which may be a key.
fn said(error: &Syntax, label: Label) -> String {
    match error {
        Syntax::MissingSectionEnd { .. } => format!("no line says END {}: is it cut off?", label.as_str()),
        Syntax::IllegalSectionStart { .. } => "a line that begins with -----BEGIN is damaged".to_owned(),
        Syntax::Base64Decode(_) => {
            "what stands between BEGIN and END is no base64: is it damaged?".to_owned()
        }
        _ => "it is damaged".to_owned(),
    }
}
