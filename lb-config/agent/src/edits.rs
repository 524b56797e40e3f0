//! Edits by hand of the file in force: taken over if they work, put aside with the reason if they do not.

use std::{fs, path::PathBuf};

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
        // A reload, or a start after a death, must find the old one until the new one is tried.
        let kept = self.put_aside(&in_force, &found);
        match self.take_over(&in_force, &found).await {
            Ok(()) => {
                self.edit_failure = None;
                let _ = fs::remove_file(self.rejected(&in_force));
            }
            Err(reason) => self.reject(&kept, &reason),
        }
        self.report_soon();
    }

    /// HAProxy reads nothing that was not checked: an edit that nobody has looked at yet is put aside.
    pub(crate) fn guard(&mut self) {
        let Some(in_force) = self.in_force.clone() else { return };
        let found = self.found(in_force.number);
        if found != in_force.texts.applied {
            let kept = self.put_aside(&in_force, &found);
            self.reject(&kept, "HAProxy had to be started or reloaded meanwhile; make it once more");
        }
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

    fn rejected(&self, in_force: &InForce) -> PathBuf {
        self.folder.config(in_force.number).join("rejected.cfg")
    }

    /// Where the edit is kept, in words.
    fn put_aside(&self, in_force: &InForce, found: &str) -> String {
        let rejected = self.rejected(in_force);
        let kept = match write(&rejected, found) {
            Ok(()) => format!("it is kept in {}", rejected.display()),
            Err(error) => format!("it could not be kept: {error}"),
        };
        self.restore(in_force.number, &in_force.texts.applied);
        kept
    }

    fn reject(&mut self, kept: &str, reason: &str) {
        let reason = format!("the edited configuration is not in force, and {kept}: {reason}");
        tracing::warn!(reason, "an edit was rejected");
        self.edit_failure = Some(reason);
    }
}
