//! What secrets are told apart by without being told: a digest under a key that is not in the repository.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{error::Error, repository::replace};

const BYTES: usize = 32;

#[derive(Clone)]
pub(crate) struct Key([u8; BYTES]);

fn path(folder: &Path) -> PathBuf {
    folder.join("config-history.key")
}

impl Key {
    /// The one of a folder. One that is missing or cut short is as good as none: with another one, secrets
    /// look changed once.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = path(folder);
        match fs::read(&path) {
            Ok(bytes) => Ok(bytes.try_into().ok().map(Self)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&path)(error)),
        }
    }

    /// The same, made where there is none. The lock is held.
    pub(crate) fn ensure(folder: &Path) -> Result<Self, Error> {
        if let Some(key) = Self::read(folder)? {
            return Ok(key);
        }
        let key = Self::random(folder)?;
        replace(&path(folder), &folder.join("config-history.key.new"), 0o600, &key.0)?;
        Ok(key)
    }

    /// One that is forgotten afterwards.
    pub(crate) fn random(folder: &Path) -> Result<Self, Error> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| Error::io(&path(folder))(io::Error::other(error)))?;
        Ok(Self(bytes))
    }

    /// 16 hexadecimal digits. The key goes in twice, so that nothing can be appended (as HMAC, RFC 2104, has
    /// it); the place too, so that nobody sees that two secrets are the same.
    pub(crate) fn digest(&self, place: &str, value: &str) -> String {
        let inner = Sha256::new().chain_update(self.0).chain_update(place).chain_update([0]);
        let inner = inner.chain_update(value).finalize();
        let outer = Sha256::new().chain_update(self.0).chain_update([1]).chain_update(inner).finalize();
        outer.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
