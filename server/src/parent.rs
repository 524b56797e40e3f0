//! The parent: binds the sockets, starts the processes and restarts what dies. It runs no service's
//! code and serves no call.
//!
//! Processes that it starts together are a generation. Whatever replaces one, a parent after a parent that
//! was killed or a reload, goes the same way: the next generation is started beside it, and when all of it
//! could take over the one before drains.

mod backoff;
mod child;
mod endpoints;
mod family;
mod inflight;
mod listeners;
mod lock;
mod manager;
mod memory;
mod oom;
mod origin;
mod orphans;
mod plan;
mod process;
mod ready;
mod reload;
mod retiring;
mod signals;
mod socket;
mod state;
mod step;

use std::{
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{io::AsyncWriteExt as _, net::UnixStream, sync::mpsc, task::JoinHandle};

use crate::{
    boot::Boot,
    control::{Control, Outcome, Reload, line_of},
    layout::Layout,
    master_key,
};

use self::{
    child::Role,
    family::{Family, Loss, Program, Supervisors},
    listeners::Listeners,
    lock::Lock,
    manager::Manager,
    retiring::{Retired, retire},
    signals::{Asked, Signals},
    state::State,
};
pub(crate) use self::{
    endpoints::Endpoints,
    listeners::bind,
    lock::{running, take as take_lock},
    origin::Origin,
    plan::Plan,
    process::Process,
    signals::block as keep_signals_out,
    step::{Step, understood as understood_step},
};

/// What ends a parent; each has its exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("address {address} ({key}) is in use; stop what listens there, or choose another")]
    AddressInUse { key: &'static str, address: SocketAddr },
    #[error("address {address} ({key}) can't be listened on")]
    Bind {
        key: &'static str,
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("another busbar runs in {folder}: {who}; stop it with `busbar stop --dir {folder}`")]
    Running { folder: String, who: String },
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    MasterKey(#[from] master_key::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Ended {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::AddressInUse { .. } => ExitCode::from(3),
            Self::Other(_) | Self::MasterKey(master_key::Error::Odb(_)) => ExitCode::from(1),
            Self::Usage(_) | Self::Bind { .. } | Self::Running { .. } | Self::MasterKey(_) => {
                ExitCode::from(2)
            }
        }
    }
}

/// How long a reload waits until all new processes could take over, unless it is told otherwise, and how
/// long the new binary may take to read its settings and bring the ODB up to date.
pub(crate) const RELOAD_READY_MS_DEFAULT: u64 = 120_000;
pub(crate) const RELOAD_PLAN_MS: u64 = 60_000;
/// How long a stopped process may take beyond its drain.
const STOP_SLACK: Duration = Duration::from_secs(5);
/// How long the parent looks for a signal that came while it was about to execute itself anew.
const LAST_LOOK: Duration = Duration::from_millis(2);

/// What a parent begins with.
pub(crate) struct Start {
    layout: Layout,
    plan: Plan,
    origin: Origin,
    lock: Lock,
    listeners: Listeners,
    /// Processes of the plan that are there already.
    members: Vec<(Role, Arc<Process>)>,
    /// What they replace.
    retired: Vec<Retired>,
    /// Who waits to hear that the reload is done.
    asked: Option<OwnedFd>,
}

impl Start {
    /// In a folder whose lock was taken: what a parent that was killed left behind is replaced.
    pub(crate) async fn new(layout: Layout, plan: Plan, lock: Lock) -> Result<Self, Ended> {
        let origin = Origin::of_this_process().map_err(anyhow::Error::from)?;
        let _ = std::fs::remove_file(layout.endpoints());
        let orphans = orphans::find(&layout).await?;
        let hand = [manager::handed(), orphans.listeners].concat();
        let listeners = Listeners::of(&plan, &hand)?;
        if !orphans.processes.is_empty() {
            let pids: Vec<u32> = orphans.processes.iter().map(|orphan| orphan.process.pid).collect();
            tracing::info!(?pids, "taking over from a parent that was killed");
        }
        let (members, retired) = (Vec::new(), orphans.processes);
        Ok(Self { layout, plan, origin, lock, listeners, members, retired, asked: None })
    }

    /// As the parent that this process was before it executed itself anew.
    pub(crate) fn resumed(state: State, layout: Layout) -> Self {
        let State { origin, plan, lock, listeners, members, retired, asked } = state;
        Self { layout, plan, origin, lock, listeners, members, retired, asked }
    }
}

/// What was kept as the file behind `descriptor`, with what its processes were told.
pub(crate) fn resume(descriptor: i32) -> anyhow::Result<(State, Boot)> {
    use anyhow::Context as _;
    let state = State::resume(descriptor).context("failed to go on where the parent was")?;
    let boot = serde_json::from_value(state.plan.boot.clone())?;
    Ok((state, boot))
}

/// Runs until a signal says stop. `on_ready` is called once when everything is up.
pub(crate) async fn run(start: Start, on_ready: fn(&Endpoints)) -> Result<(), Ended> {
    // Before anything is started, so that no signal is missed.
    let mut signals = Signals::install().map_err(anyhow::Error::from)?;
    let socket = start.layout.control_socket("parent", std::process::id());
    let (control, mut reloads) = Control::start_parent(&socket).map_err(anyhow::Error::from)?;
    let mut parent = Parent::begin(start, on_ready)?;
    let (mut started, mut reload_waits) = (false, false);
    loop {
        tokio::select! {
            asked = signals.either() => match asked {
                Asked::Stop => break,
                Asked::Reload => reload_waits = true,
            },
            Some(reload) = reloads.recv() => match started {
                true => if parent.reload(Some(reload), &mut signals, &mut reloads).await == Asked::Stop { break },
                false => refuse(reload.stream, "the server is still starting".to_owned()).await,
            },
            _ = &mut parent.replacing, if !started => {
                started = true;
                control.update(|status| status.ready = true);
            }
        }
        if started
            && std::mem::take(&mut reload_waits)
            && parent.reload(None, &mut signals, &mut reloads).await == Asked::Stop
        {
            break;
        }
    }
    Manager::of_environment().stopping();
    parent.stop(&mut signals).await;
    let _ = std::fs::remove_file(socket);
    Ok(())
}

struct Parent {
    layout: Layout,
    origin: Origin,
    lock: Lock,
    family: Arc<Family>,
    supervisors: Supervisors,
    /// What the family replaces, until it has ended.
    replaced: Replaced,
    /// Ends when the family has taken over.
    replacing: JoinHandle<()>,
    announcing: JoinHandle<()>,
}

type Replaced = Arc<Mutex<Vec<Retired>>>;

impl Parent {
    fn begin(start: Start, on_ready: fn(&Endpoints)) -> Result<Self, Ended> {
        let Start { layout, plan, origin, lock, listeners, members, retired, asked } = start;
        let endpoints = Endpoints::of(&layout, &listeners)?;
        let stale = layout.feed_sockets(plan.boot["generation"].as_str().unwrap_or_default());
        let family = Family::new(plan, layout.clone(), Program::Own, Loss::Mended, listeners);
        let supervisors = family.start(members.into_iter().collect());
        let replaced = Arc::new(Mutex::new(retired));
        let before = Before { replaced: Arc::clone(&replaced), stale, asked };
        let replacing = tokio::spawn(replace(Arc::clone(&family), layout.clone(), before));
        let announcing = tokio::spawn(announce(Arc::clone(&family), layout.clone(), endpoints, on_ready));
        Ok(Self { layout, origin, lock, family, supervisors, replaced, replacing, announcing })
    }

    /// Returns only if this process is the parent still: the reload failed, or it is to stop.
    async fn reload(
        &mut self,
        asked: Option<Reload>,
        signals: &mut Signals,
        reloads: &mut mpsc::Receiver<Reload>,
    ) -> Asked {
        let default = Duration::from_millis(RELOAD_READY_MS_DEFAULT);
        let patience = asked.as_ref().map_or(default, |asked| asked.ready);
        let others = async {
            while let Some(other) = reloads.recv().await {
                refuse(other.stream, "a reload is under way".to_owned()).await;
            }
            std::future::pending::<()>().await;
        };
        let candidate = tokio::select! {
            candidate = reload::attempt(&self.origin, &self.layout, &self.family.listeners, patience) => candidate,
            () = signals.stop() => return Asked::Stop,
            () = others => return Asked::Reload,
        };
        let mut stream = asked.map(|asked| asked.stream);
        let reason = match candidate {
            Ok(candidate) => {
                signals::block();
                // What came before is not known to the process that this one becomes.
                if tokio::time::timeout(LAST_LOOK, signals.stop()).await.is_ok() {
                    signals::unblock();
                    return Asked::Stop;
                }
                let asked =
                    stream.as_ref().map(|stream| std::os::fd::AsFd::as_fd(stream).try_clone_to_owned());
                let error = self.become_new(&candidate, asked.and_then(Result::ok));
                signals::unblock();
                candidate.give_up().await;
                format!("failed to run {} as the parent: {error}", self.origin.program.display())
            }
            Err(error) => format!("{error:#}"),
        };
        tracing::error!(reason, "reload failed; the processes that ran before run on");
        if let Some(stream) = stream.take() {
            refuse(stream, reason).await;
        }
        Asked::Reload
    }

    /// Executes the new binary with all that this parent has. Returns only if that fails.
    fn become_new(&self, candidate: &reload::Candidate, asked: Option<OwnedFd>) -> io::Error {
        let own = self.family.members().into_iter();
        let own = own.map(|(role, process)| Retired { process, role: role.name().to_owned() });
        let before = self.replaced.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let descriptor = std::os::fd::AsFd::as_fd(&self.lock).try_clone_to_owned();
        let state = match descriptor {
            Ok(descriptor) => State {
                origin: self.origin.clone(),
                plan: candidate.family.plan().clone(),
                lock: Lock::kept(descriptor),
                listeners: candidate.family.listeners.clone(),
                members: candidate.family.members(),
                retired: own.chain(before).collect(),
                asked,
            },
            Err(error) => return error,
        };
        state.execute()
    }

    async fn stop(self, signals: &mut Signals) {
        let Self { layout, family, supervisors, replaced, replacing, announcing, .. } = self;
        replacing.abort();
        announcing.abort();
        tracing::info!("stopping");
        let _ = std::fs::remove_file(layout.endpoints());
        if let Some(socket) = &family.listeners.socket {
            let _ = std::fs::remove_file(&socket.path);
        }
        family.stop();
        let replaced = std::mem::take(&mut *replaced.lock().unwrap_or_else(PoisonError::into_inner));
        let patience = family.patience();
        let ends = tokio::spawn(retire(layout.clone(), replaced.clone(), patience));
        let gone = async {
            for supervisor in supervisors {
                let _ = supervisor.await;
            }
            let _ = ends.await;
        };
        tokio::pin!(gone);
        tokio::select! {
            () = &mut gone => return,
            // Whoever asks twice means it.
            () = signals.stop() => {}
            () = tokio::time::sleep(patience) => tracing::warn!("processes did not stop in time"),
        }
        family.kill();
        replaced.iter().for_each(|retired| retired.process.signal(nix::sys::signal::Signal::SIGKILL));
        gone.await;
    }
}

/// What a generation replaces.
struct Before {
    replaced: Replaced,
    /// Sockets that it leaves behind.
    stale: Vec<PathBuf>,
    /// Who waits for the generation to take over.
    asked: Option<OwnedFd>,
}

/// Lets the generation before drain as soon as this one could take over.
async fn replace(family: Arc<Family>, layout: Layout, before: Before) {
    let Before { replaced, stale, asked } = before;
    ready::able(&family).await;
    family.listeners.appear();
    let leaving = replaced.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let patience = family.patience();
    tokio::spawn(async move {
        retire(layout, leaving, patience).await;
        replaced.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for socket in stale {
            let _ = std::fs::remove_file(socket);
        }
    });
    ready::leading(&family).await;
    if let Some(asked) = asked {
        let (version, workers) = (env!("CARGO_PKG_VERSION").to_owned(), family.plan().workers);
        tell(asked, &Outcome::Reloaded { version, workers }).await;
    }
}

/// Tells where the server is once all of it is up.
async fn announce(family: Arc<Family>, layout: Layout, endpoints: Endpoints, on_ready: fn(&Endpoints)) {
    ready::settled(&family).await;
    endpoints.write(&layout);
    Manager::of_environment().ready(&family.listeners);
    on_ready(&endpoints);
}

async fn tell(asked: OwnedFd, outcome: &Outcome) {
    let stream = std::os::unix::net::UnixStream::from(asked);
    if stream.set_nonblocking(true).is_ok()
        && let Ok(stream) = UnixStream::from_std(stream)
    {
        answer(stream, outcome).await;
    }
}

async fn refuse(stream: UnixStream, reason: String) {
    answer(stream, &Outcome::Refused { reason }).await;
}

/// Who asked may be gone.
async fn answer(mut stream: UnixStream, outcome: &Outcome) {
    if let Ok(line) = line_of(outcome) {
        let _ = stream.write_all(&line).await;
    }
}
