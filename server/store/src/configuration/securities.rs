//! Security definitions of a configuration.

use busbar_model::{
    Name,
    configuration::Key,
    security::{Credential, INVOKER},
};

use super::Apply;
use crate::{
    error::Error,
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
}

impl SecurityWish {
    fn fulfilled(&self, present: Option<&Credential>) -> Result<Draft, Error> {
        let missing = |what| Error::NoCredential { name: self.name.clone(), what };
        let credential = match self.credential.clone() {
            Wish::Basic { username, password_hash } => {
                let kept = match present {
                    Some(Credential::Basic { password_hash, .. }) => Some(password_hash.clone()),
                    _ => None,
                };
                let password_hash = password_hash.or(kept).ok_or_else(|| missing("password"))?;
                Credential::Basic { username, password_hash }
            }
            Wish::ApiKey { key: Some(Key { key_id, key_sha256 }) } => {
                Credential::ApiKey { key_id, key_sha256 }
            }
            Wish::ApiKey { key: None } => match present {
                Some(kept @ Credential::ApiKey { .. }) => kept.clone(),
                _ => return Err(missing("key_id and key_sha256")),
            },
        };
        Ok(Draft { name: self.name.clone(), credential })
    }
}

impl Apply<'_> {
    pub(super) fn put_securities(&mut self, wanted: &[SecurityWish]) -> Result<(), Error> {
        let all = security::all(self.connection)?;
        for wish in wanted {
            let present = all.iter().find(|definition| definition.name == wish.name);
            let draft = wish.fulfilled(present.map(|definition| &definition.credential));
            let path = || format!("/security/{}", wish.name);
            let Some(draft) = self.note(path, draft)? else { continue };
            match present {
                Some(before) => security::update(self.connection, self.recorder, self.by, before, draft)?,
                None => security::insert(self.connection, self.recorder, self.by, draft)?,
            };
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
