//! Requests for certificates (PKCS #10, RFC 2986): a public key, and proof that who asks has the private one.

use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DistinguishedName, PublicKey, PublicKeyData,
};
use tokio_rustls::rustls::pki_types::CertificateSigningRequestDer;

use crate::{
    Error, Fingerprint, KeyPair,
    pem::{Label, decode_one, encode},
};

/// An uncompressed point of P-256: 4, then two coordinates of 32 bytes (SEC 1 section 2.3.3).
const POINT_BYTES: usize = 65;

/// Made on the machine that wants a certificate; its key stays there. Who it is for is not in it: the authority says
/// so ([`Subject`](crate::Subject)), not the one who asks.
#[derive(Clone, Debug)]
pub struct Csr {
    der: Vec<u8>,
    public_key: PublicKey,
}

impl Csr {
    pub fn new(key: &KeyPair) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(key).map_err(Error::Sign)?;
        Self::read(request.der())
    }

    /// Checks its signature; refuses keys that are not ECDSA P-256.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::read(&decode_one(Label::Request, text)?)
    }

    pub fn to_pem(&self) -> String {
        encode(Label::Request, &self.der).to_string()
    }

    /// Tells the keys that certificates are asked for apart: the SHA-256 of the public one.
    pub fn key_fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.public_key.der_bytes())
    }

    pub(crate) fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn read(der: &[u8]) -> Result<Self, Error> {
        let refuse = |why| Error::Request { why };
        let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(der));
        let public_key = match request {
            Ok(request) => request.public_key,
            Err(rcgen::Error::InvalidCertificationRequestSignature) => {
                return Err(refuse("it is not signed with the key that it holds"));
            }
            Err(_) => return Err(refuse("it is no PKCS #10 with an ECDSA P-256 key")),
        };
        let point = public_key.der_bytes();
        if point.len() != POINT_BYTES || point.first() != Some(&4) {
            return Err(refuse("its key is not ECDSA P-256"));
        }
        Ok(Self { der: der.to_vec(), public_key })
    }
}
