//! Jobs of a configuration. One that stays as it is goes on where it is.

use std::collections::{HashMap, HashSet};

use busbar_model::job::Draft;

use super::Apply;
use crate::{error::Error, job};

impl Apply<'_> {
    pub(super) fn put_jobs(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        if wanted.is_empty() {
            return Ok(());
        }
        let present = job::all(self.connection)?;
        let present: HashMap<_, _> = present.iter().map(|job| (&job.draft.name, job)).collect();
        for draft in wanted {
            let (connection, recorder, by) = (&mut *self.connection, &mut *self.recorder, self.by);
            let put = match present.get(&draft.name) {
                Some(before) => job::update(connection, recorder, by, (*before).clone(), draft.clone()),
                None => job::insert(connection, recorder, by, draft.clone()),
            };
            self.note(|| format!("/jobs/{}/calendar", draft.name), put)?;
        }
        Ok(())
    }

    pub(super) fn prune_jobs(&mut self, wanted: &[Draft]) -> Result<(), Error> {
        let wanted: HashSet<_> = wanted.iter().map(|draft| &draft.name).collect();
        for present in job::all(self.connection)? {
            if !wanted.contains(&present.draft.name) {
                job::remove(self.connection, self.recorder, &present)?;
            }
        }
        Ok(())
    }
}
