//! Sealing: AES-256-GCM (NIST SP 800-38D) under the master key, with a random nonce for each value and
//! the row that it belongs to as additional data. A value that was moved to another row does not open.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use busbar_model::{
    Digest,
    secret::{NONCE_BYTES, Sealed},
};
use zeroize::Zeroizing;

/// Bytes of a master key.
pub const KEY_BYTES: usize = 32;

/// Tells these uses of the key, and of its digest, from any other.
const SEAL_CONTEXT: &[u8] = b"busbar seal 1";
const ID_CONTEXT: &[u8] = b"busbar master key id 1";
/// Digits of a key's id.
const ID_DIGITS: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("secrets are sealed with master key {sealed_with}, but the master key here is {own}")]
    AnotherKey { sealed_with: String, own: String },
    #[error("sealed value was changed or belongs to another row")]
    Damaged,
    #[error("there is no sealed value")]
    Nothing,
    #[error("value can't be sealed")]
    Unsealable,
    #[error("system gave no random bytes")]
    Random(#[source] getrandom::Error),
}

/// A value in the clear: wiped from memory when dropped, and not shown by accident.
#[derive(Clone)]
pub struct Plaintext(Zeroizing<String>);

impl Plaintext {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Plaintext {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext(..)")
    }
}

/// The key under which a cluster's secrets are sealed; wiped from memory when dropped.
pub struct MasterKey {
    cipher: Aes256Gcm,
    id: String,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The row that a value is sealed for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'a str,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
}

impl MasterKey {
    /// The bytes of a new key.
    pub fn generate() -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(Error::Random)?;
        Ok(bytes)
    }

    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut hashed = Zeroizing::new(Vec::with_capacity(ID_CONTEXT.len() + KEY_BYTES));
        hashed.extend_from_slice(ID_CONTEXT);
        hashed.extend_from_slice(bytes);
        let mut id = Digest::of(&hashed).hex();
        id.truncate(ID_DIGITS);
        Self { cipher: Aes256Gcm::new(bytes.into()), id }
    }

    /// Tells keys apart and says nothing of the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Refuses what was sealed with another key.
    pub fn require(&self, sealed_with: &str) -> Result<(), Error> {
        if sealed_with == self.id {
            return Ok(());
        }
        Err(Error::AnotherKey { sealed_with: sealed_with.to_owned(), own: self.id.clone() })
    }

    pub(crate) fn seal(&self, place: Place<'_>, value: &Plaintext) -> Result<Sealed, Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(Error::Random)?;
        let aad = self.additional(place);
        let payload = Payload { msg: value.reveal().as_bytes(), aad: &aad };
        let ciphertext = self.cipher.encrypt(&nonce.into(), payload).map_err(|_| Error::Unsealable)?;
        Ok(Sealed { key_id: self.id.clone(), nonce, ciphertext: ciphertext.into() })
    }

    pub(crate) fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Plaintext, Error> {
        self.require(&sealed.key_id)?;
        let aad = self.additional(place);
        let payload = Payload { msg: &sealed.ciphertext, aad: &aad };
        let opened = self.cipher.decrypt(&sealed.nonce.into(), payload).map_err(|_| Error::Damaged)?;
        // What the tag vouches for was text when it was sealed.
        String::from_utf8(opened).map(Plaintext::from).map_err(|_| Error::Damaged)
    }

    /// What a ciphertext is bound to, each part behind its length so that none runs into the next.
    fn additional(&self, place: Place<'_>) -> Vec<u8> {
        let Place { table, id, name } = place;
        let mut bytes = Vec::new();
        for part in [SEAL_CONTEXT, table.as_bytes(), id.as_bytes(), name.as_bytes(), self.id.as_bytes()] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, KEY_BYTES, MasterKey, Place, Plaintext};

    const PLACE: Place<'_> = Place { table: "secret", id: "1", name: "pay-key" };

    fn value() -> Plaintext {
        "open sesame".to_owned().into()
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let key = MasterKey::new(&[7; KEY_BYTES]);
        let sealed = key.seal(PLACE, &value()).unwrap();
        assert_eq!(key.open(PLACE, &sealed).unwrap().reveal(), "open sesame");
        let elsewhere = [
            Place { table: "connection", ..PLACE },
            Place { id: "2", ..PLACE },
            Place { name: "other", ..PLACE },
            // The same letters, cut elsewhere.
            Place { id: "1p", name: "ay-key", ..PLACE },
        ];
        for place in elsewhere {
            assert!(matches!(key.open(place, &sealed), Err(Error::Damaged)), "{place:?}");
        }
    }

    #[test]
    fn a_changed_bit_is_noticed() {
        let key = MasterKey::new(&[7; KEY_BYTES]);
        let sealed = key.seal(PLACE, &value()).unwrap();
        for at in 0..sealed.ciphertext.len() {
            let mut bytes = sealed.ciphertext.to_vec();
            bytes[at] ^= 1;
            let changed = super::Sealed { ciphertext: bytes.into(), ..sealed.clone() };
            assert!(matches!(key.open(PLACE, &changed), Err(Error::Damaged)), "byte {at}");
        }
        let mut changed = sealed.clone();
        changed.nonce[0] ^= 1;
        assert!(matches!(key.open(PLACE, &changed), Err(Error::Damaged)));
        let short = super::Sealed { ciphertext: sealed.ciphertext[..8].into(), ..sealed };
        assert!(matches!(key.open(PLACE, &short), Err(Error::Damaged)));
    }

    #[test]
    fn another_key_is_told_from_damage() {
        let (one, two) = (MasterKey::new(&[1; KEY_BYTES]), MasterKey::new(&[2; KEY_BYTES]));
        let sealed = one.seal(PLACE, &value()).unwrap();
        let error = two.open(PLACE, &sealed).unwrap_err();
        assert!(matches!(&error, Error::AnotherKey { own, .. } if own == two.id()), "{error}");
        let claimed = super::Sealed { key_id: two.id().to_owned(), ..sealed };
        assert!(matches!(two.open(PLACE, &claimed), Err(Error::Damaged)));
    }

    #[test]
    fn the_same_value_is_never_sealed_the_same() {
        let key = MasterKey::new(&MasterKey::generate().unwrap());
        let (one, two) = (key.seal(PLACE, &value()).unwrap(), key.seal(PLACE, &value()).unwrap());
        assert_ne!(one.nonce, two.nonce);
        assert_ne!(one.ciphertext, two.ciphertext);
        assert_ne!(*MasterKey::generate().unwrap(), *MasterKey::generate().unwrap());
    }

    #[test]
    fn nothing_is_shown_by_accident() {
        let key = MasterKey::new(&[0xab; KEY_BYTES]);
        let sealed = key.seal(PLACE, &value()).unwrap();
        let shown = format!("{key:?} {:?} {sealed:?}", value());
        assert!(
            !shown.contains("sesame") && !shown.contains("171") && !shown.contains("ciphertext"),
            "{shown}"
        );
        assert_eq!(key.id().len(), super::ID_DIGITS);
    }
}
