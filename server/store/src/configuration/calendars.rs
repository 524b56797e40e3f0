//! Calendars of a configuration.

use busbar_model::calendar::Draft;

use super::Apply;
use crate::{calendar, error::Error};

impl Apply<'_> {
    pub(super) fn put_calendars(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        let present = calendar::all(self.connection)?;
        for draft in wanted {
            let (connection, recorder, by) = (&mut *self.connection, &mut *self.recorder, self.by);
            match present.iter().find(|calendar| calendar.draft.name == draft.name) {
                Some(before) => calendar::update(connection, recorder, by, before.clone(), draft.clone())?,
                None => calendar::insert(connection, recorder, by, draft.clone())?,
            };
        }
        Ok(())
    }

    /// After jobs, which keep them.
    pub(super) fn prune_calendars(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        for present in calendar::all(self.connection)? {
            if !wanted.iter().any(|draft| draft.name == present.draft.name) {
                let removed = calendar::remove(self.connection, self.recorder, &present);
                self.note(|| format!("/calendars/{}", present.draft.name), removed)?;
            }
        }
        Ok(())
    }
}
