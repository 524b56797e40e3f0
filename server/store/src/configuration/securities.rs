//! Security definitions of a configuration.

use busbar_model::{
    Name, Security,
    configuration::Key,
    security::{Certificates, Credential, INVOKER, PasswordType},
};

use super::Apply;
use crate::{
    error::Error,
    secret::seal::{self, MasterKey, Plaintext},
    security::{self, Draft},
};

/// A security definition that there is to be.
#[derive(Clone)]
pub struct SecurityWish {
    pub name: Name,
    pub credential: Wish,
}

/// Its credential; `None` keeps the present one.
#[derive(Clone)]
pub enum Wish {
    Basic {
        username: String,
        /// argon2id in PHC string form.
        password_hash: Option<String>,
    },
    ApiKey {
        key: Option<Key>,
    },
    WsSecurity {
        username: String,
        password: Option<Plaintext>,
        accepts: PasswordType,
    },
    ClientCertificate(Certificates),
}

impl SecurityWish {
    /// For the row `id`, which is that of the present one, if there is one.
    fn fulfilled(&self, id: &str, present: Option<&Security>, key: &MasterKey) -> Result<Draft, Error> {
        let of_present = present.map(|present| &present.credential);
        let missing = |what| Error::NoCredential { of: security::WHAT, name: self.name.clone(), what };
        let credential = match self.credential.clone() {
            Wish::Basic { username, password_hash } => {
                let kept = match of_present {
                    Some(Credential::Basic { password_hash, .. }) => Some(password_hash.clone()),
                    _ => None,
                };
                let password_hash = password_hash.or(kept).ok_or_else(|| missing("password"))?;
                Credential::Basic { username, password_hash }
            }
            Wish::ApiKey { key: Some(Key { key_id, key_sha256 }) } => {
                Credential::ApiKey { key_id, key_sha256 }
            }
            Wish::ApiKey { key: None } => match of_present {
                Some(kept @ Credential::ApiKey { .. }) => kept.clone(),
                _ => return Err(missing("key_id and key_sha256")),
            },
            Wish::WsSecurity { username, password, accepts } => {
                let kept = match of_present {
                    Some(Credential::WsSecurity { password: sealed, .. }) => Some(sealed.clone()),
                    _ => None,
                };
                let password = match password {
                    Some(given) if !is_password_of(present, &given, key)? => key.seal_password(id, &given)?,
                    _ => kept.ok_or_else(|| missing("password"))?,
                };
                Credential::WsSecurity { username, password, accepts }
            }
            Wish::ClientCertificate(certificates) => Credential::ClientCertificate(certificates),
        };
        Ok(Draft { name: self.name.clone(), credential })
    }
}

/// Whether nothing changes by a password, as with secrets: else no document could be applied a second time to no
/// effect.
fn is_password_of(present: Option<&Security>, given: &Plaintext, key: &MasterKey) -> Result<bool, Error> {
    let Some(present) = present else { return Ok(false) };
    match key.open_password(present) {
        Ok(password) => Ok(password.reveal() == given.reveal()),
        // What is given takes its place.
        Err(seal::Error::Damaged | seal::Error::Nothing) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

impl Apply<'_> {
    pub(super) fn put_securities(&mut self, wanted: &[SecurityWish]) -> Result<(), Error> {
        let all = security::all(self.connection)?;
        for wish in wanted {
            let present = all.iter().find(|definition| definition.name == wish.name);
            let (connection, recorder, by, key) =
                (&mut *self.connection, &mut *self.recorder, self.by, self.key);
            let put = match present {
                Some(before) => wish
                    .fulfilled(&before.id, present, key)
                    .and_then(|draft| security::update(connection, recorder, by, before, draft)),
                None => security::insert(connection, recorder, by, |id| wish.fulfilled(id, None, key)),
            };
            self.note(|| format!("/security/{}", wish.name), put)?;
        }
        Ok(())
    }

    /// The definition that guards calls by name stays: its key stands in a file of the server.
    pub(super) fn prune_securities(&mut self, wanted: &[SecurityWish]) -> Result<(), Error> {
        for present in security::all(self.connection)? {
            let stays = present.name.as_str() == INVOKER || wanted.iter().any(|w| w.name == present.name);
            if !stays {
                let removed = security::remove(self.connection, self.recorder, &present);
                self.note(|| format!("/security/{}", present.name), removed)?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for SecurityWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecurityWish").field("name", &self.name).finish_non_exhaustive()
    }
}
