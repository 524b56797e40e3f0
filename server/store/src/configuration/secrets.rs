//! Secrets of a configuration.

use busbar_model::{Name, Secret};

use super::Apply;
use crate::{
    error::Error,
    secret::{
        self, Draft, New,
        seal::{self, Plaintext},
    },
};

/// A secret that there is to be.
#[derive(Clone, Debug)]
pub struct SecretWish {
    pub name: Name,
    pub description: Option<String>,
    /// `None` keeps the present one.
    pub value: Option<Plaintext>,
}

impl Apply<'_> {
    pub(super) fn put_secrets(&mut self, wanted: &[SecretWish]) -> Result<(), Error> {
        let all = secret::all(self.connection)?;
        for wish in wanted {
            match all.iter().find(|secret| secret.name == wish.name) {
                Some(before) => self.change_secret(before, wish)?,
                None => self.make_secret(wish)?,
            }
        }
        Ok(())
    }

    fn make_secret(&mut self, wish: &SecretWish) -> Result<(), Error> {
        let SecretWish { name, description, value } = wish.clone();
        let made = match value {
            Some(value) => {
                let new = New { name, description, value };
                secret::insert(self.connection, self.recorder, (self.by, self.key), new).map(|_| ())
            }
            None => Err(Error::NoValue { name }),
        };
        self.note(|| path(&wish.name), made)?;
        Ok(())
    }

    fn change_secret(&mut self, before: &Secret, wish: &SecretWish) -> Result<(), Error> {
        let SecretWish { name, description, value } = wish.clone();
        let value = match value {
            Some(value) if !self.is_value_of(before, &value)? => Some(value),
            _ => None,
        };
        let draft = Draft { name, description, value };
        secret::update(self.connection, self.recorder, (self.by, self.key), before, draft)?;
        Ok(())
    }

    /// Unlike in a single edit, the same value again is no change: else no document could be applied a
    /// second time to no effect. Whoever may apply one could deploy a plugin that reads the secret, so
    /// that guesses tell nothing that is out of reach.
    fn is_value_of(&self, secret: &Secret, value: &Plaintext) -> Result<bool, Error> {
        match self.key.open_secret(secret) {
            Ok(present) => Ok(present.reveal() == value.reveal()),
            // What is given takes its place.
            Err(seal::Error::Damaged) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// After plugins: it is their grants that keep a secret.
    pub(super) fn prune_secrets(&mut self, wanted: &[SecretWish]) -> Result<(), Error> {
        for present in secret::all(self.connection)? {
            if !wanted.iter().any(|wish| wish.name == present.name) {
                let removed = secret::remove(self.connection, self.recorder, &present);
                self.note(|| path(&present.name), removed)?;
            }
        }
        Ok(())
    }
}

fn path(name: &Name) -> String {
    format!("/secrets/{name}")
}
