//! Opens secrets with the master key. The worker reads it itself: it is in nothing that processes say to
//! each other.

use std::path::Path;

use busbar_engine::ports::{self, Unopened};
use busbar_model::{Connection, Secret, Security, connection::Client};
use busbar_store::{MasterKey, Plaintext, secret::seal::Error as SealError};

use crate::{causes::chain, master_key};

pub(crate) struct Opener {
    /// `None`: it can't be used. What needs no secret is served nevertheless.
    key: Option<MasterKey>,
}

impl Opener {
    pub(crate) fn new(path: &Path) -> Self {
        let key = master_key::read(path);
        if let Err(error) = &key {
            tracing::error!(error = chain(error), "secrets can't be opened");
        }
        Self { key: key.ok() }
    }
}

impl Opener {
    fn key(&self) -> Result<&MasterKey, Unopened> {
        self.key.as_ref().ok_or_else(|| Unopened("this server has no master key".to_owned()))
    }

    fn opened(
        &self,
        open: impl FnOnce(&MasterKey) -> Result<Plaintext, SealError>,
    ) -> Result<String, Unopened> {
        let opened = open(self.key()?).map_err(|error| Unopened(error.to_string()))?;
        Ok(opened.reveal().to_owned())
    }
}

impl Opener {
    /// The client of a connection, with its secrets in the clear.
    pub(crate) fn open_connection(&self, connection: &Connection) -> Result<Client<String>, Unopened> {
        let key = self.key()?;
        let opened = key.open_connection(connection).map_err(|error| Unopened(error.to_string()))?;
        Ok(opened.map(|_, secret| secret.reveal().to_owned()))
    }
}

impl ports::Opener for Opener {
    fn open(&self, secret: &Secret) -> Result<String, Unopened> {
        self.opened(|key| key.open_secret(secret))
    }

    fn open_password(&self, security: &Security) -> Result<String, Unopened> {
        self.opened(|key| key.open_password(security))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use busbar_engine::ports::Opener as _;
    use busbar_model::{
        Secret, Timestamp,
        secret::{NONCE_BYTES, Sealed},
    };

    use super::Opener;

    #[test]
    fn a_worker_without_a_key_opens_nothing() {
        let secret = Secret {
            id: "1".to_owned(),
            name: "pay-key".parse().unwrap(),
            description: None,
            sealed: Sealed { key_id: "k".to_owned(), nonce: [0; NONCE_BYTES], ciphertext: [].into() },
            revision: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let error = Opener::new(Path::new("/no/such/key")).open(&secret).unwrap_err();
        assert_eq!(error.to_string(), "this server has no master key");
    }
}
