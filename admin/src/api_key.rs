//! API keys: a public id and a secret, shown once and stored as their hash.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use busbar_model::{digest::hex, security::Credential};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// A key, `{key_id}.{base64url of 32 random bytes}`, and what is stored of it.
pub fn new_api_key() -> Result<(String, Credential), Error> {
    let (mut id, mut secret) = ([0_u8; 8], [0_u8; 32]);
    getrandom::fill(&mut id).map_err(Error::Random)?;
    getrandom::fill(&mut secret).map_err(Error::Random)?;
    let key_id = hex(&id);
    let key = format!("{key_id}.{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
    let key_sha256 = hex(&Sha256::digest(key.as_bytes()));
    Ok((key, Credential::ApiKey { key_id, key_sha256 }))
}

#[cfg(test)]
mod tests {
    use busbar_model::{Digest, security::Credential};

    use super::new_api_key;

    #[test]
    fn a_key_is_an_id_and_a_secret_and_stored_as_its_hash() {
        let (key, credential) = new_api_key().unwrap();
        let (id, secret) = key.split_once('.').unwrap();
        assert_eq!(secret.len(), 43);
        let Credential::ApiKey { key_id, key_sha256 } = credential else { panic!("{credential:?}") };
        assert_eq!((key_id.as_str(), key_sha256), (id, Digest::of(key.as_bytes()).hex()));
        assert_ne!(new_api_key().unwrap().0, key);
    }
}
