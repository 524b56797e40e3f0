//! The agent: what it knows, and the steps it goes through for as long as it runs.

use std::{fs, future::Future, io, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use busbar_lb_config::{Command, Diff, Document, Entry, Finding, Outcome, State, parse, validate};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use crate::{
    check::limits,
    control::{self, Asked},
    folder::Folder,
    history::{History, Texts, files_digest},
    options::{Error, Options},
    process::Process,
    reports,
    source::Source,
    verify::stats_socket,
};

/// How often the process is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often the file is looked at; an edit is taken when it was the same twice.
const EDITS: Duration = Duration::from_millis(400);
/// HAProxy in a running balancer has this to end what it has at hand.
const STOP: Duration = Duration::from_secs(5);

pub(crate) struct Agent {
    pub(crate) options: Options,
    pub(crate) folder: Folder,
    pub(crate) history: History,
    pub(crate) process: Option<Process>,
    pub(crate) in_force: Option<InForce>,
    pub(crate) wanted: Option<State>,
    /// What is rolled back to, until someone resumes.
    pub(crate) held: Option<u64>,
    pub(crate) drift: Option<Diff>,
    /// Why what is wanted is not in force.
    pub(crate) failure: Option<String>,
    /// Why an edit was rejected.
    pub(crate) edit_failure: Option<String>,
    /// Why HAProxy does not run.
    pub(crate) start_failure: Option<String>,
    /// What was tried last and found bad.
    pub(crate) bad: Option<Bad>,
    /// An edit that was seen once.
    pub(crate) seen: Option<String>,
    /// Servers in maintenance that are to be deleted when their last connection is gone.
    pub(crate) leaving: Vec<Command>,
    pub(crate) restarts: u64,
    pub(crate) starts_failed: u32,
    pub(crate) next_start: Instant,
    news: watch::Receiver<Option<State>>,
    asked: mpsc::Receiver<Asked>,
    reports: watch::Sender<Option<busbar_lb_config::Report>>,
    next_look_for_edits: Instant,
    next_follow: Instant,
    next_report: Instant,
}

/// A configuration that HAProxy runs, or is about to.
#[derive(Clone)]
pub(crate) struct InForce {
    pub(crate) number: u64,
    pub(crate) texts: Texts,
    pub(crate) document: Document,
    pub(crate) findings: Vec<Finding>,
    pub(crate) files_digest: String,
    /// Where HAProxy answers.
    pub(crate) socket: PathBuf,
}

pub(crate) struct Bad {
    pub(crate) digest: String,
    pub(crate) files_digest: String,
    pub(crate) reason: String,
    pub(crate) at: Instant,
}

/// Runs an agent until `stop` is ready. HAProxy is left running then, unless the options say otherwise; an agent that is
/// killed leaves it running too, and the next one finds it.
///
/// # Errors
/// An option is bad, the folder can't be used, or another agent has it. Once it runs, an agent goes on whatever happens,
/// and reports what does.
pub async fn run(options: Options, source: impl Source, stop: impl Future<Output = ()>) -> Result<(), Error> {
    options.check()?;
    let (folder, _lock) = Folder::open(&options.folder)?;
    let failed = |source: io::Error| Error::Folder { path: options.folder.clone(), source };
    let history = History::load(folder.clone()).map_err(failed)?;
    let (asked, listener) = control::listen(&folder).map_err(failed)?;
    let source = Arc::new(source);
    let (news, poller) = reports::poll(Arc::clone(&source), options.poll);
    let (reports, reporter) = reports::deliver(source);
    let now = Instant::now();
    let mut agent = Agent {
        held: folder.held(),
        folder,
        history,
        process: None,
        in_force: None,
        wanted: None,
        drift: None,
        failure: None,
        edit_failure: None,
        start_failure: None,
        bad: None,
        seen: None,
        leaving: Vec::new(),
        restarts: 0,
        starts_failed: 0,
        next_start: now,
        news,
        asked,
        reports,
        next_look_for_edits: now,
        next_follow: now,
        next_report: now,
        options,
    };
    let mut stop = pin!(stop);
    let work = async {
        agent.begin().await;
        loop {
            agent.step().await;
        }
    };
    // A configuration that is being tried when the agent is told to go is tried again by the next one.
    tokio::select! {
        biased;
        () = &mut stop => {}
        () = work => {}
    }
    // Waited for, so that the socket is closed and nobody is let in to be cut off.
    for task in [poller, reporter, listener] {
        task.abort();
        let _ = task.await;
    }
    if agent.options.stop_haproxy
        && let Some(process) = agent.process.take().or_else(|| Process::find(&agent.folder))
    {
        process.stop(STOP).await;
    }
    Ok(())
}

impl Agent {
    /// Takes up what an agent before left: a HAProxy that runs, a configuration in force, one that was being tried.
    async fn begin(&mut self) {
        self.process = Process::find(&self.folder);
        if let Some(process) = &self.process {
            tracing::info!(pid = process.pid(), "HAProxy runs already");
        }
        let Some(number) = self.folder.current() else { return };
        let unsure = self.history.entry(number).is_some_and(|entry| entry.outcome == Outcome::Pending);
        match self.load(number) {
            Ok(in_force) => {
                self.drift = self.drift_of(&in_force.texts);
                self.in_force = Some(in_force);
            }
            Err(error) => {
                self.failure =
                    Some(format!("configuration {number}, which is in force, can't be read: {error}"));
                return;
            }
        }
        if unsure {
            self.settle_unsure(number).await;
        }
        self.supervise().await;
    }

    /// One of the history, as it was applied.
    pub(crate) fn load(&self, number: u64) -> io::Result<InForce> {
        let texts = self.history.texts(number)?;
        let document = parse(&texts.applied).map_err(io::Error::other)?;
        let findings = validate(&document, &limits());
        let recorded = self.history.entry(number).map(|entry| entry.files_digest.clone());
        let files_digest = recorded.unwrap_or_else(|| files_digest(&texts.applied));
        let socket = stats_socket(&document).unwrap_or_else(|| self.folder.stats_socket());
        Ok(InForce { number, texts, document, findings, files_digest, socket })
    }

    async fn step(&mut self) {
        tokio::select! {
            Some(asked) = self.asked.recv() => self.answer(asked).await,
            Ok(()) = self.news.changed() => self.next_follow = Instant::now(),
            () = sleep(LOOK) => {}
        }
        self.wanted = self.news.borrow_and_update().clone();
        self.supervise().await;
        self.delete_left().await;
        let now = Instant::now();
        if now >= self.next_look_for_edits {
            self.look_for_edits().await;
            self.next_look_for_edits = Instant::now() + EDITS;
        }
        if now >= self.next_follow {
            let before = self.applied().map(|entry| entry.number);
            self.follow(false).await;
            self.next_follow = Instant::now() + self.options.poll;
            if before != self.applied().map(|entry| entry.number) {
                self.next_report = now;
            }
        }
        if now >= self.next_report {
            let report = self.report().await;
            self.reports.send_replace(Some(report));
            self.next_report = Instant::now() + self.options.poll;
        }
    }

    /// The record of what is in force.
    pub(crate) fn applied(&self) -> Option<&Entry> {
        self.in_force.as_ref().and_then(|in_force| self.history.entry(in_force.number))
    }

    pub(crate) fn report_soon(&mut self) {
        self.next_report = Instant::now();
    }

    /// Puts back what was applied where an edit was not fit, or went on to be a configuration of its own.
    pub(crate) fn restore(&self, number: u64, applied: &str) {
        let file = self.folder.config(number).join("haproxy.cfg");
        if let Err(error) = crate::folder::write(&file, applied) {
            tracing::error!(path = %file.display(), %error, "a configuration can't be put back");
        }
    }

    pub(crate) fn found(&self, number: u64) -> String {
        fs::read_to_string(self.folder.config(number).join("haproxy.cfg")).unwrap_or_default()
    }
}
