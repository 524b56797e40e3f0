//! What is wanted, brought into force: rendered with the administrator's own lines, and applied where it differs.

use std::time::Duration;

use busbar_lb_config::{
    Diff, Entry, Origin, Settings, SocketPath, State, diff, digest, drift, own_lines, parse, render_with,
};

use crate::{
    agent::{Agent, Bad},
    apply::Candidate,
    history::{Texts, files_digest},
    reports::chain,
};

/// While nothing is in force at all, what was found bad is tried again after this.
const AGAIN: Duration = Duration::from_secs(30);

impl Agent {
    /// `forced`: over edits by hand, and even if it was found bad before.
    pub(crate) async fn follow(&mut self, forced: bool) {
        if !forced && (self.held.is_some() || self.drift.is_some()) {
            return self.read_files_again().await;
        }
        let Some(state) = self.wanted.clone() else { return };
        let text = match self.rendered(&state) {
            Ok(text) => text,
            Err(reason) => {
                self.failure = Some(reason);
                return;
            }
        };
        let files = files_digest(&text);
        if self.is_in_force(&text, &files) {
            self.failure = None;
            self.drift = None;
            return;
        }
        if let Some(bad) = &self.bad
            && !forced
            && bad.digest == digest(&text)
            && bad.files_digest == files
            && (self.in_force.is_some() || bad.at.elapsed() < AGAIN)
        {
            self.failure = Some(bad.reason.clone());
            return;
        }
        let texts = Texts { applied: text.clone(), base: text };
        self.failure = self.apply(Candidate { texts, origin: Origin::Rendered }).await.err();
        if self.failure.is_none() {
            self.drift = None;
            self.edit_failure = None;
        }
    }

    /// What is in force stays, and is loaded again if a file that it names is another one by now: certificates end.
    async fn read_files_again(&mut self) {
        let Some(in_force) = &self.in_force else { return };
        let (texts, files) = (in_force.texts.clone(), files_digest(&in_force.texts.applied));
        let is_bad = |bad: &Bad| bad.digest == digest(&texts.applied) && bad.files_digest == files;
        if files == in_force.files_digest || self.bad.as_ref().is_some_and(is_bad) {
            return;
        }
        let origin = self.applied().map_or(Origin::Rendered, |entry| entry.origin);
        self.failure = self.apply(Candidate { texts, origin }).await.err();
    }

    /// Versions that change nothing of the balancer change nothing here.
    fn is_in_force(&self, text: &str, files: &str) -> bool {
        let Some(in_force) = &self.in_force else { return false };
        in_force.files_digest == files
            && parse(text).is_ok_and(|document| diff(&in_force.document, &document).is_empty())
    }

    /// What would be in force if nothing were held or edited.
    pub(crate) fn rendered(&self, state: &State) -> Result<String, String> {
        let mut settings: Settings = state.settings().clone();
        if settings.stats_socket.is_none() {
            let socket = self.folder.stats_socket().display().to_string();
            settings.stats_socket = Some(SocketPath::new(&socket).map_err(|error| chain(&error))?);
        }
        let state = state.clone().with_settings(settings).map_err(|error| chain(&error))?;
        let own = own_lines(&self.newest_edited()).map_err(|error| chain(&error))?;
        Ok(render_with(&state, &own))
    }

    /// Where the own lines are that count: a rollback is for a while, and takes none away for good.
    fn newest_edited(&self) -> String {
        let rolled_back = self.applied().is_some_and(|entry| matches!(entry.origin, Origin::Rollback { .. }));
        let of_then =
            |entry: &&Entry| entry.outcome.is_good() && !matches!(entry.origin, Origin::Rollback { .. });
        let newest = self.history.entries().iter().rev().filter(|_| rolled_back).find(of_then);
        let text = newest.and_then(|entry| self.history.texts(entry.number).ok()).map(|texts| texts.applied);
        text.or_else(|| self.in_force.as_ref().map(|in_force| in_force.texts.applied.clone()))
            .unwrap_or_default()
    }

    pub(crate) fn drift_of(&self, texts: &Texts) -> Option<Diff> {
        drift(&texts.base, &texts.applied).ok().flatten()
    }

    /// What following would change.
    pub(crate) fn outstanding(&self) -> Result<Diff, String> {
        let state = self.wanted.as_ref().ok_or("nothing is known yet of what is wanted")?;
        let document = parse(&self.rendered(state)?).map_err(|error| chain(&error))?;
        let before = self.in_force.as_ref().map(|in_force| in_force.document.clone()).unwrap_or_default();
        Ok(diff(&before, &document))
    }

    /// Takes an earlier configuration and keeps it until someone resumes. Without a number: the good one before that in
    /// force.
    pub(crate) async fn roll_back(&mut self, to: Option<u64>) -> Result<Entry, String> {
        let current = self.in_force.as_ref().map(|in_force| in_force.number);
        let number = match to {
            Some(number) => number,
            None => current
                .and_then(|current| self.history.good_before(current))
                .map(|entry| entry.number)
                .ok_or("there is no good configuration before the one in force")?,
        };
        let entry = self.history.entry(number).ok_or_else(|| {
            let known: Vec<String> =
                self.history.entries().iter().map(|entry| entry.number.to_string()).collect();
            format!("there is no configuration {number}: {} are kept", known.join(", "))
        })?;
        if !entry.outcome.is_good() {
            let reason = entry.reason.clone().unwrap_or_default();
            return Err(format!("configuration {number} was never in force: {reason}"));
        }
        let texts = self.history.texts(number).map_err(|error| format!("configuration {number}: {error}"))?;
        // On disk first: an agent that is killed now must not follow the state over it.
        self.folder.hold(Some(number)).map_err(|error| format!("the hold can't be written: {error}"))?;
        let held_before = self.held.replace(number);
        if let Err(reason) = self.apply(Candidate { texts, origin: Origin::Rollback { to: number } }).await {
            self.held = held_before;
            let _ = self.folder.hold(held_before);
            return Err(reason);
        }
        self.failure = None;
        self.edit_failure = None;
        self.drift = None;
        self.applied().cloned().ok_or_else(|| "nothing is in force".to_owned())
    }

    pub(crate) async fn resume(&mut self) -> Result<(), String> {
        self.folder.hold(None).map_err(|error| format!("the hold can't be removed: {error}"))?;
        self.held = None;
        self.follow(true).await;
        self.failure.clone().map_or(Ok(()), Err)
    }
}
