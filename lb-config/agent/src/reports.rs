//! News from the source, and reports to it, each by a task of its own: the agent waits for neither.

use std::{error::Error, sync::Arc, time::Duration};

use busbar_lb_config::{Report, Standing, State};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    agent::Agent,
    clock::now,
    history::files_digest,
    socket::{show_info, show_stat},
    source::Source,
};

/// For one answer, and for one report.
const PATIENCE: Duration = Duration::from_secs(60);

/// An error and what it came of, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What is wanted, as far as is known.
pub(crate) fn poll(
    source: Arc<impl Source>,
    every: Duration,
) -> (watch::Receiver<Option<State>>, JoinHandle<()>) {
    let (sender, receiver) = watch::channel(None);
    let task = tokio::spawn(async move {
        let mut silent = false;
        loop {
            let failure = match timeout(PATIENCE, source.desired()).await {
                Ok(Ok(state)) => {
                    sender.send_if_modified(|known| {
                        let news = known.as_ref() != Some(&state);
                        *known = Some(state);
                        news
                    });
                    None
                }
                Ok(Err(error)) => Some(chain(&error)),
                Err(_) => Some("no answer within 60 s".to_owned()),
            };
            // Told once: the source may be away for long.
            if let Some(reason) = failure.as_ref().filter(|_| !silent) {
                tracing::warn!(reason, "what is wanted is not known; the balancer stays as it is");
            }
            silent = failure.is_some();
            sleep(every).await;
        }
    });
    (receiver, task)
}

/// Only the newest report counts.
pub(crate) fn deliver(source: Arc<impl Source>) -> (watch::Sender<Option<Report>>, JoinHandle<()>) {
    let (sender, mut receiver) = watch::channel(None);
    let task = tokio::spawn(async move {
        while receiver.changed().await.is_ok() {
            let report: Option<Report> = receiver.borrow_and_update().clone();
            if let Some(report) = report
                && timeout(PATIENCE, source.report(report)).await.is_err()
            {
                tracing::warn!("a report was not taken within 60 s");
            }
        }
    });
    (sender, task)
}

impl Agent {
    pub(crate) async fn report(&mut self) -> Report {
        let (haproxy, servers) = match &self.in_force {
            Some(in_force) if self.process.is_some() => (
                show_info(&in_force.socket).await.ok(),
                show_stat(&in_force.socket).await.unwrap_or_default(),
            ),
            _ => (None, Vec::new()),
        };
        Report {
            agent: self.options.name.clone(),
            at: now(),
            applied: self.applied().cloned(),
            wanted_version: self.wanted.as_ref().map(State::version),
            standing: self.standing(),
            haproxy,
            servers,
            findings: self.in_force.as_ref().map(|in_force| in_force.findings.clone()).unwrap_or_default(),
            files_read: self.files_are_read(),
            restarts: self.restarts,
        }
    }

    fn files_are_read(&self) -> bool {
        self.in_force
            .as_ref()
            .is_none_or(|in_force| in_force.files_digest == files_digest(&in_force.texts.applied))
    }

    fn standing(&self) -> Standing {
        let failures = [&self.start_failure, &self.edit_failure, &self.failure];
        if let Some(reason) = failures.into_iter().flatten().next() {
            Standing::Failed { reason: reason.clone() }
        } else if let Some(to) = self.held {
            Standing::RolledBack { to }
        } else if let Some(diff) = &self.drift {
            Standing::Drift { diff: diff.clone() }
        } else if self.in_force.is_none() {
            Standing::Waiting
        } else {
            Standing::Ok
        }
    }
}
