//! One certificate, read once.

use std::{fmt, time::SystemTime};

use tokio_rustls::rustls::{pki_types::CertificateDer, server::ParsedCertificate};
use x509_parser::{certificate::X509Certificate, parse_x509_certificate};

use crate::{
    Error, Fingerprint,
    moment::system,
    pem::{Label, decode_all, decode_one, encode},
};

/// A certificate that can be read. Whether it is to be believed is another question: see
/// [`Trust`](crate::Trust) and [`Identity`](crate::Identity).
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    not_before: SystemTime,
    not_after: SystemTime,
    sha256: Fingerprint,
}

impl Certificate {
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let der = der.into();
        let parsed = parse(&der)?;
        let validity = parsed.validity();
        let (not_before, not_after) = (system(validity.not_before)?, system(validity.not_after)?);
        let sha256 = Fingerprint::of(&der);
        Ok(Self { der: der.into(), not_before, not_after, sha256 })
    }

    /// Exactly one.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_der(decode_one(Label::Certificate, text)?.to_vec())
    }

    /// One or more, in their order.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, Error> {
        decode_all(Label::Certificate, text)?.iter().map(|der| Self::from_der(der.to_vec())).collect()
    }

    pub fn to_pem(&self) -> String {
        encode(Label::Certificate, &self.der).to_string()
    }

    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// The last second in which it is good.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// SHA-256 of its DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.sha256
    }

    /// Names and signature, not times and purposes.
    pub(crate) fn is_signed_by(&self, issuer: &Self) -> bool {
        let (Ok(own), Ok(issuer)) = (parse(&self.der), parse(&issuer.der)) else {
            return false;
        };
        own.issuer().as_raw() == issuer.subject().as_raw()
            && own.verify_signature(Some(issuer.public_key())).is_ok()
    }
}

/// The DER of a public key, as it stands in a certificate (RFC 5280 section 4.1).
pub(crate) fn public_key(der: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(parse(der)?.public_key().raw.to_vec())
}

pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Error> {
    let refuse = |why| Error::Certificate { why };
    let (rest, parsed) = parse_x509_certificate(der).map_err(|_| refuse("it is no X.509 in DER"))?;
    if !rest.is_empty() {
        return Err(refuse("something follows it"));
    }
    // rustls is stricter: what the signature does not cover may not differ either (RFC 5280 section 4.1.1).
    ParsedCertificate::try_from(&CertificateDer::from(der))
        .map_err(|_| refuse("rustls does not read it, though it looks like X.509"))?;
    Ok(parsed)
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.sha256).finish()
    }
}
