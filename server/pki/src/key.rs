//! Private keys: made where they are used, and wiped when dropped.

use std::{fmt, sync::Arc};

use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey};
use tokio_rustls::rustls::{
    crypto::ring::sign::any_ecdsa_type,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign,
};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Error,
    pem::{Label, decode_one, encode},
};

/// ECDSA P-256. `Debug` shows nothing of it.
pub struct KeyPair(rcgen::KeyPair);

impl KeyPair {
    pub fn generate() -> Result<Self, Error> {
        rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map(Self).map_err(Error::Generate)
    }

    /// PKCS #8, `BEGIN PRIVATE KEY`.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let der = decode_one(Label::Key, text)?;
        let der = PrivatePkcs8KeyDer::from(der.as_slice());
        let read = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256);
        read.map(Self).map_err(|error| Error::Key(Some(error)))
    }

    /// To be written to a file that its owner alone can read.
    pub fn to_pem(&self) -> Zeroizing<String> {
        encode(Label::Key, self.0.serialized_der())
    }

    pub(crate) fn for_tls(&self) -> Result<Arc<dyn sign::SigningKey>, Error> {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.0.serialized_der()));
        Ok(any_ecdsa_type(&der)?)
    }
}

impl PublicKeyData for KeyPair {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for KeyPair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message)
    }
}

impl Drop for KeyPair {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair")
    }
}
