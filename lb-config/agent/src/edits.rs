//! Edits by hand of the file in force: taken over if they work, put aside with the reason if they do not.

use busbar_lb_config::{Origin, drift, own_lines};

use crate::{
    agent::{Agent, InForce},
    apply::Candidate,
    folder::write,
    history::Texts,
    reports::chain,
};

impl Agent {
    pub(crate) async fn look_for_edits(&mut self) {
        let Some(in_force) = self.in_force.clone() else { return };
        let found = self.found(in_force.number);
        if found == in_force.texts.applied {
            self.seen = None;
            return;
        }
        // An editor may not be done yet.
        if self.seen.as_ref() != Some(&found) {
            self.seen = Some(found);
            return;
        }
        self.seen = None;
        tracing::info!(number = in_force.number, "the configuration in force was edited");
        match self.take_over(&in_force, &found).await {
            Ok(()) => {
                self.edit_failure = None;
                self.restore(in_force.number, &in_force.texts.applied);
            }
            Err(reason) => self.put_aside(&in_force, &found, &reason),
        }
        self.report_soon();
    }

    async fn take_over(&mut self, in_force: &InForce, found: &str) -> Result<(), String> {
        own_lines(found).map_err(|error| chain(&error))?;
        let difference = drift(&in_force.texts.base, found).map_err(|error| chain(&error))?;
        let base = if difference.is_some() { in_force.texts.base.clone() } else { found.to_owned() };
        self.apply(Candidate { texts: Texts { applied: found.to_owned(), base }, origin: Origin::Edited })
            .await?;
        self.drift = difference;
        // What was bad with other own lines may be good with these.
        self.bad = None;
        Ok(())
    }

    fn put_aside(&mut self, in_force: &InForce, found: &str, reason: &str) {
        let rejected = self.folder.config(in_force.number).join("rejected.cfg");
        let kept = match write(&rejected, found) {
            Ok(()) => format!("it is kept in {}", rejected.display()),
            Err(error) => format!("it could not be kept: {error}"),
        };
        self.restore(in_force.number, &in_force.texts.applied);
        let reason = format!("the edited configuration is not in force, and {kept}: {reason}");
        tracing::warn!(number = in_force.number, %reason, "an edit was rejected");
        self.edit_failure = Some(reason);
    }
}
