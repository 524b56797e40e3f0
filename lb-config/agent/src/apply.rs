//! One configuration on its way into force: recorded, checked, switched to, verified; or put back.

use std::time::Duration;

use busbar_lb_config::{Command, Entry, Origin, Outcome, diff, digest};
use tokio::time::Instant;

use crate::{
    agent::{Agent, Bad, InForce},
    check::check,
    clock::now,
    history::{Texts, files_digest},
    reports::chain,
    socket,
    verify::{Unfit, stats_socket},
};

pub(crate) struct Candidate {
    pub(crate) texts: Texts,
    pub(crate) origin: Origin,
}

impl Agent {
    /// `Err`: it is not in force, and why; what was before is.
    pub(crate) async fn apply(&mut self, candidate: Candidate) -> Result<(), String> {
        let Candidate { texts, origin } = candidate;
        let files_digest = files_digest(&texts.applied);
        let number =
            self.history.next_number().map_err(|error| format!("the history can't be read: {error}"))?;
        let entry = Entry {
            number,
            at: now(),
            version: self.wanted.as_ref().map(busbar_lb_config::State::version),
            digest: digest(&texts.applied),
            files_digest: files_digest.clone(),
            origin,
            outcome: Outcome::Pending,
            reason: None,
        };
        let bad = |reason: &str| Bad {
            digest: entry.digest.clone(),
            files_digest: files_digest.clone(),
            reason: reason.to_owned(),
            at: Instant::now(),
        };
        self.history
            .add(entry.clone(), &texts)
            .map_err(|error| format!("the configuration can't be written: {error}"))?;
        let file = self.folder.config(number).join("haproxy.cfg");
        let (document, findings) = match check(&self.options.haproxy, &file, &texts.applied).await {
            Ok(checked) => checked,
            Err(reason) => {
                self.bad = Some(bad(&reason));
                self.settle(number, Outcome::Refused, Some(&reason));
                return Err(reason);
            }
        };
        let socket = stats_socket(&document).unwrap_or_else(|| self.folder.stats_socket());
        let next = InForce { number, texts, document, findings, files_digest: files_digest.clone(), socket };
        let before = self.in_force.clone();
        match self.try_or_put_back(next, before).await {
            Ok((outcome, note)) => {
                self.bad = None;
                self.start_failure = None;
                self.settle(number, outcome, note.as_deref());
                if let Err(error) = self.history.prune() {
                    tracing::warn!(%error, "old configurations can't be deleted");
                }
                Ok(())
            }
            Err(reason) => {
                self.bad = Some(bad(&reason));
                self.settle(number, Outcome::PutBack, Some(&reason));
                Err(reason)
            }
        }
    }

    fn settle(&mut self, number: u64, outcome: Outcome, reason: Option<&str>) {
        match outcome {
            Outcome::Refused | Outcome::PutBack => {
                tracing::warn!(number, ?outcome, reason, "a configuration is not in force")
            }
            _ => tracing::info!(number, ?outcome, reason, "a configuration is in force"),
        }
        if let Err(error) = self.history.settle(number, outcome, reason.map(str::to_owned)) {
            tracing::error!(number, %error, "what became of a configuration can't be recorded");
        }
        self.report_soon();
    }

    async fn try_or_put_back(
        &mut self,
        next: InForce,
        before: Option<InForce>,
    ) -> Result<(Outcome, Option<String>), String> {
        let served = match &before {
            Some(before) => self.any_up(&before.socket).await,
            None => false,
        };
        match self.try_out(&next, before.as_ref(), served).await {
            Ok(done) => Ok(done),
            Err(Unfit::Broken(reason)) => {
                self.put_back(before).await;
                Err(reason)
            }
            Err(Unfit::NoServer(reason)) => {
                self.put_back(before).await;
                // If the old one finds no server either, it is not the new one's fault.
                if self.up_within(self.options.verify).await {
                    return Err(reason);
                }
                let before = self.in_force.clone();
                match self.try_out(&next, before.as_ref(), false).await {
                    Ok(done) => Ok(done),
                    Err(Unfit::Broken(reason) | Unfit::NoServer(reason)) => {
                        self.put_back(before).await;
                        Err(reason)
                    }
                }
            }
        }
    }

    /// `served`: a server was up with the configuration before, so one has to be with this.
    async fn try_out(
        &mut self,
        next: &InForce,
        before: Option<&InForce>,
        served: bool,
    ) -> Result<(Outcome, Option<String>), Unfit> {
        let broken = |error: std::io::Error| Unfit::Broken(format!("the link to it can't be set: {error}"));
        self.folder.switch(next.number).map_err(broken)?;
        self.in_force = Some(next.clone());
        let lives = self.lives();
        if let Some(before) = before.filter(|before| lives && before.files_digest == next.files_digest)
            && let Some(commands) = diff(&before.document, &next.document).runtime()
        {
            match self.command(&commands).await {
                Ok(()) => return Ok((Outcome::Runtime, self.verify(served).await?)),
                Err(reason) => tracing::info!(reason, "HAProxy has to reload after all"),
            }
        }
        self.reload_or_start().await.map_err(Unfit::Broken)?;
        Ok((Outcome::Reloaded, self.verify(served).await?))
    }

    async fn command(&mut self, commands: &[Command]) -> Result<(), String> {
        let Some(socket) = self.in_force.as_ref().map(|in_force| in_force.socket.clone()) else {
            return Ok(());
        };
        for command in commands {
            match socket::command(&socket, command).await {
                Ok(()) => {}
                // It has connections still, and gets nothing new: it can go later.
                Err(socket::SocketError::Refused { .. }) if matches!(command, Command::DeleteServer(_)) => {
                    self.leaving.push(command.clone());
                }
                Err(error) => return Err(chain(&error)),
            }
        }
        Ok(())
    }

    /// Deletes servers that could not go at once. A reload takes them away too.
    pub(crate) async fn delete_left(&mut self) {
        let Some(socket) = self.in_force.as_ref().map(|in_force| in_force.socket.clone()) else { return };
        for command in std::mem::take(&mut self.leaving) {
            if let Err(socket::SocketError::Refused { .. }) = socket::command(&socket, &command).await {
                self.leaving.push(command);
            }
        }
    }

    /// By a reload always: the running one may have got commands, or be the new one.
    async fn put_back(&mut self, before: Option<InForce>) {
        let Some(before) = before else {
            if let Err(error) = self.folder.clear() {
                tracing::error!(%error, "the link to a bad configuration can't be removed");
            }
            self.in_force = None;
            if let Some(process) = self.process.take() {
                process.stop(Duration::from_secs(1)).await;
            }
            return;
        };
        if let Err(error) = self.folder.switch(before.number) {
            tracing::error!(%error, "the link to the configuration before can't be set");
        }
        self.in_force = Some(before);
        if let Err(reason) = self.reload_or_start().await {
            tracing::error!(reason, "HAProxy did not take the configuration before back");
        }
    }

    /// One that an agent before was trying when it ended.
    pub(crate) async fn settle_unsure(&mut self, number: u64) {
        let mut tried = self.reload_or_start().await.map_err(Unfit::Broken);
        let mut note = None;
        if tried.is_ok() {
            match self.verify(false).await {
                Ok(said) => note = said,
                Err(unfit) => tried = Err(unfit),
            }
        }
        match tried {
            Ok(()) => self.settle(number, Outcome::Reloaded, note.as_deref()),
            Err(Unfit::Broken(reason) | Unfit::NoServer(reason)) => {
                let before = self.history.good_before(number).map(|entry| entry.number);
                let before = before.and_then(|before| self.load(before).ok());
                self.put_back(before).await;
                self.settle(number, Outcome::PutBack, Some(&reason));
                self.failure = Some(reason);
            }
        }
    }
}
