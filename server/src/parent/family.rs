//! The processes of one parent, and the tasks that keep them alive.

use std::{
    collections::HashMap,
    net::TcpListener,
    process::ExitStatus,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{sync::Notify, task::JoinHandle, time::sleep};

use crate::{
    boot::Boot,
    parent::{
        STOP_SLACK,
        child::{Role, spawn},
        inflight::{self, InFlightFile},
        oom::OutOfMemory,
    },
};

/// Pause before a process that died is started again: doubles up to the longest while it keeps dying.
const PAUSE_SHORTEST: Duration = Duration::from_millis(50);
const PAUSE_LONGEST: Duration = Duration::from_secs(10);
/// One that lived so long has not kept dying.
const LIVED: Duration = Duration::from_secs(10);

/// The sockets that the parent holds for its processes.
pub(crate) struct Listeners {
    pub(crate) http: TcpListener,
    pub(crate) ops: Option<TcpListener>,
    pub(crate) admin: Option<TcpListener>,
}

pub(crate) struct Family {
    boot: Boot,
    listeners: Listeners,
    pids: Mutex<HashMap<Role, u32>>,
    out_of_memory: Arc<OutOfMemory>,
    stopping: AtomicBool,
    stop: Notify,
}

impl Family {
    pub(crate) fn new(boot: Boot, listeners: Listeners) -> Self {
        Self {
            boot,
            listeners,
            pids: Mutex::default(),
            out_of_memory: Arc::default(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
        }
    }

    /// Starts a supervisor for each process; they end after `stop`.
    pub(crate) fn start(family: &Arc<Self>) -> Vec<JoinHandle<()>> {
        tokio::spawn(Arc::clone(&family.out_of_memory).watch());
        family.roles().into_iter().map(|role| tokio::spawn(supervise(Arc::clone(family), role))).collect()
    }

    /// The processes that there are to be.
    pub(crate) fn roles(&self) -> Vec<Role> {
        let workers = u32::try_from(self.boot.settings.workers.effective()).unwrap_or(u32::MAX);
        let mut roles = vec![Role::Singleton];
        roles.extend((0..workers).map(|slot| Role::Worker { slot }));
        roles.extend(self.listeners.admin.as_ref().map(|_| Role::Admin));
        roles
    }

    pub(crate) fn pid(&self, role: Role) -> Option<u32> {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner).get(&role).copied()
    }

    /// Asks all processes to finish; none is started again.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stop.notify_waiters();
        self.signal_all(Signal::SIGTERM);
    }

    pub(crate) fn kill(&self) {
        self.signal_all(Signal::SIGKILL);
    }

    /// How long stopping may take.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.boot.settings.http.drain_ms) + STOP_SLACK
    }

    fn signal_all(&self, signal: Signal) {
        for pid in self.pids.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn listener(&self, role: Role) -> Option<&TcpListener> {
        match role {
            Role::Worker { .. } => Some(&self.listeners.http),
            Role::Admin => self.listeners.admin.as_ref(),
            Role::Singleton => self.listeners.ops.as_ref(),
        }
    }
}

/// Keeps one process alive.
async fn supervise(family: Arc<Family>, role: Role) {
    let mut pause = PAUSE_SHORTEST;
    while !family.is_stopping() {
        let started = Instant::now();
        let in_flight = InFlightFile::of(role);
        match spawn(role, &family.boot, family.listener(role), in_flight.as_ref()) {
            Ok(mut child) => {
                let pid = child.id().unwrap_or_default();
                family.pids.lock().unwrap_or_else(PoisonError::into_inner).insert(role, pid);
                if family.is_stopping() {
                    let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
                }
                let status = child.wait().await;
                family.pids.lock().unwrap_or_else(PoisonError::into_inner).remove(&role);
                clean_up(&family, role, pid);
                if family.is_stopping() {
                    return;
                }
                if let (Some(file), Ok(status)) = (&in_flight, &status) {
                    inflight::took_with_it(&family.boot, pid, *status, file, &family.out_of_memory);
                }
                report(role, pid, status);
            }
            Err(error) => tracing::error!(?role, %error, "process could not be started"),
        }
        pause = if started.elapsed() > LIVED { PAUSE_SHORTEST } else { (pause * 2).min(PAUSE_LONGEST) };
        let stopped = family.stop.notified();
        if family.is_stopping() {
            return;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = stopped => {}
        }
    }
}

fn report(role: Role, pid: u32, status: std::io::Result<ExitStatus>) {
    match status {
        Ok(status) => tracing::warn!(?role, pid, %status, "process ended; it is started again"),
        Err(error) => tracing::warn!(?role, pid, %error, "process was lost; it is started again"),
    }
}

/// One that was killed leaves its control socket.
fn clean_up(family: &Family, role: Role, pid: u32) {
    let _ = std::fs::remove_file(family.boot.layout.control_socket(role.name(), pid));
}
