//! Dictionaries of a configuration.

use busbar_model::{Name, dictionary::Draft};

use super::Apply;
use crate::{dictionary, error::Error};

impl Apply<'_> {
    pub(super) fn put_dictionaries(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        let present = dictionary::all(self.connection)?;
        for draft in wanted {
            let (connection, recorder, by) = (&mut *self.connection, &mut *self.recorder, self.by);
            let put = match present.iter().find(|dictionary| dictionary.draft.name == draft.name) {
                Some(before) => dictionary::update(connection, recorder, by, before, draft.clone()),
                None => dictionary::insert(connection, recorder, by, draft.clone()),
            };
            self.note(|| path(&draft.name), put)?;
        }
        Ok(())
    }

    /// After plugins: it is their grants that keep a dictionary.
    pub(super) fn prune_dictionaries(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        for present in dictionary::all(self.connection)? {
            if !wanted.iter().any(|draft| draft.name == present.draft.name) {
                let removed = dictionary::remove(self.connection, self.recorder, &present);
                self.note(|| path(&present.draft.name), removed)?;
            }
        }
        Ok(())
    }
}

fn path(name: &Name) -> String {
    format!("/dictionaries/{name}")
}
