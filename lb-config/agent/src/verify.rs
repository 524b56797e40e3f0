//! HAProxy kept alive, made to reload, and asked whether it does with a configuration what it should.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use busbar_lb_config::{Document, stats::ServerStats};
use tokio::time::{Instant, sleep};

use crate::{
    agent::Agent,
    canary::{doors, knock},
    check::alerts,
    process::Process,
    socket::{show_info, show_stat},
};

/// Why a configuration is put back.
pub(crate) enum Unfit {
    /// HAProxy or its front end does not do.
    Broken(String),
    /// It does, but finds no server, which may be nobody's fault but the servers'.
    NoServer(String),
}

/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);
/// A configuration with which all servers were down for so long is put back without waiting for the rest of its time.
const LOST: Duration = Duration::from_millis(1_500);
/// The longest pause between starts that fail.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Where this configuration has HAProxy answer.
pub(crate) fn stats_socket(document: &Document) -> Option<PathBuf> {
    let statements = document.of_kind("global").flat_map(|section| section.statements());
    statements.filter(|directive| directive.begins(&["stats", "socket"])).find_map(|directive| {
        let words = directive.texts();
        let admin = words.windows(2).any(|pair| pair == ["level", "admin"]);
        let path = words.get(2)?;
        let path = path.strip_prefix("unix@").unwrap_or(path);
        (admin && path.starts_with('/')).then(|| PathBuf::from(path))
    })
}

/// Whether a check has found it fit, or nobody checks it.
fn is_up(server: &ServerStats) -> bool {
    let checked = !["", "INI", "UNK"].contains(&server.check.as_str());
    (server.status == "UP" && checked) || server.status == "no check"
}

fn is_wanted(server: &ServerStats) -> bool {
    server.weight > 0 && server.status != "MAINT"
}

impl Agent {
    pub(crate) fn lives(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::lives)
    }

    /// Starts HAProxy where it is gone: at once, and with pauses that grow while it does not stay.
    pub(crate) async fn supervise(&mut self) {
        if self.in_force.is_none() || self.lives() {
            return;
        }
        if Instant::now() < self.next_start {
            return;
        }
        if let Some(process) = self.process.take() {
            tracing::warn!(pid = process.pid(), "HAProxy has died and is started again");
            self.restarts += 1;
        }
        match self.start().await {
            Ok(()) => {
                self.starts_failed = 0;
                self.start_failure = None;
            }
            Err(reason) => {
                self.starts_failed = self.starts_failed.saturating_add(1);
                let pause = Duration::from_millis(100) * 2_u32.saturating_pow(self.starts_failed.min(6));
                self.next_start = Instant::now() + pause.min(PAUSE_MAX);
                tracing::error!(reason, "HAProxy does not start");
                self.start_failure = Some(format!("HAProxy does not start: {reason}"));
            }
        }
        self.report_soon();
    }

    async fn start(&mut self) -> Result<(), String> {
        self.guard();
        self.leaving.clear();
        let Some(socket) = self.in_force.as_ref().map(|in_force| in_force.socket.clone()) else {
            return Ok(());
        };
        let process = Process::start(&self.options.haproxy, &self.folder)
            .map_err(|error| format!("{} can't be run: {error}", self.options.haproxy.display()))?;
        let said = process.said();
        let process = self.process.insert(process);
        let begun = Instant::now();
        while begun.elapsed() < self.options.patience {
            if !process.lives() {
                return Err(alerts(&process.said_since(said)));
            }
            if show_info(&socket).await.is_ok_and(|info| process.has_worker(info.pid)) {
                tracing::info!(pid = process.pid(), "HAProxy is started");
                return Ok(());
            }
            sleep(LOOK).await;
        }
        Err(format!("it did not answer at {} within {:?}", socket.display(), self.options.patience))
    }

    pub(crate) async fn reload_or_start(&mut self) -> Result<(), String> {
        if !self.lives() {
            self.process = None;
            return self.start().await;
        }
        self.guard();
        let (Some(process), Some(in_force)) = (&mut self.process, &self.in_force) else { return Ok(()) };
        let socket = &in_force.socket;
        let before = show_info(socket).await.ok().map(|info| info.pid);
        let said = process.said();
        process.reload().map_err(|error| format!("HAProxy can't be told to reload: {error}"))?;
        let begun = Instant::now();
        while begun.elapsed() < self.options.patience {
            if !process.lives() {
                let said = alerts(&process.said_since(said));
                tracing::warn!(said, "HAProxy died of a reload");
                self.process = None;
                return self.start().await;
            }
            let since = process.said_since(said);
            if since.contains("Loading failure!") {
                return Err(alerts(&since));
            }
            let info = show_info(socket).await.ok();
            if info.is_some_and(|info| Some(info.pid) != before && process.has_worker(info.pid)) {
                self.leaving.clear();
                return Ok(());
            }
            sleep(LOOK).await;
        }
        Err(format!("HAProxy did not reload within {:?}", self.options.patience))
    }

    /// `Ok` says what is to be known all the same.
    pub(crate) async fn verify(&mut self, served: bool) -> Result<Option<String>, Unfit> {
        let begun = Instant::now();
        let mut lost = None;
        loop {
            self.supervise().await;
            let late = begun.elapsed() >= self.options.verify;
            let unfit = match self.look(served, late).await {
                Ok(Some(note)) => return Ok(Some(note).filter(|note| !note.is_empty())),
                Ok(None) => None,
                Err(unfit) => Some(unfit),
            };
            lost = match unfit {
                Some(unfit) if late => return Err(unfit),
                // Each moment more is one in which callers are refused.
                Some(unfit @ Unfit::NoServer(_)) => {
                    let since = lost.unwrap_or_else(Instant::now);
                    if since.elapsed() >= LOST {
                        return Err(unfit);
                    }
                    Some(since)
                }
                _ => None,
            };
            sleep(LOOK).await;
        }
    }

    /// `Ok(None)`: not yet. `Ok` with an empty note: all is well.
    async fn look(&mut self, served: bool, late: bool) -> Result<Option<String>, Unfit> {
        let Some(in_force) = &self.in_force else { return Ok(Some(String::new())) };
        let servers = match show_stat(&in_force.socket).await {
            Ok(servers) => servers,
            Err(error) => return Err(Unfit::Broken(crate::reports::chain(&error))),
        };
        let wanted: Vec<&ServerStats> = servers.iter().filter(|server| is_wanted(server)).collect();
        let up = wanted.iter().any(|server| is_up(server));
        if !up && !wanted.is_empty() {
            let states: Vec<String> = wanted
                .iter()
                .map(|server| {
                    format!("{} is {} ({} {})", server.name, server.status, server.check, server.check_detail)
                })
                .collect();
            let reason = format!("no server is up: {}", states.join(", "));
            if !late && !wanted.iter().all(|server| server.status == "DOWN") {
                return Ok(None);
            }
            if served {
                return Err(Unfit::NoServer(reason));
            }
            self.knock(false).await?;
            return Ok(Some(reason));
        }
        self.knock(up).await?;
        Ok(Some(if up { String::new() } else { "no server is wanted".to_owned() }))
    }

    async fn knock(&self, servers: bool) -> Result<(), Unfit> {
        let Some(in_force) = &self.in_force else { return Ok(()) };
        for door in doors(&in_force.document) {
            knock(&door, &self.options.canary, servers).await.map_err(Unfit::Broken)?;
        }
        Ok(())
    }

    pub(crate) async fn any_up(&self, socket: &Path) -> bool {
        show_stat(socket)
            .await
            .is_ok_and(|servers| servers.iter().any(|server| is_wanted(server) && is_up(server)))
    }

    pub(crate) async fn up_within(&mut self, time: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.supervise().await;
            if let Some(socket) = self.in_force.as_ref().map(|in_force| in_force.socket.clone())
                && self.any_up(&socket).await
            {
                return true;
            }
            sleep(LOOK).await;
        }
        false
    }
}
