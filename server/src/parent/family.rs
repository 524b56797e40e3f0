//! The processes of one generation, and the tasks that keep them alive.

use std::{
    collections::HashMap,
    io,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::sleep,
};

use crate::{
    boot::this_binary,
    control::{Ask, Status, ask},
    layout::Layout,
    parent::{
        STOP_SLACK,
        backoff::Backoff,
        child::{Role, spawn},
        inflight::{self, Worker},
        listeners::Listeners,
        oom::OutOfMemory,
        plan::Plan,
        process::{End, Process},
    },
};

/// Between two questions whether a process is ready.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What processes are started by.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// The binary that this process is, whatever stands at its path by now.
    Own,
    /// What stands at a path: a newer one, perhaps.
    At(PathBuf),
}

/// What becomes of a process that ends without having been asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is started again.
    Mended,
    /// The whole generation is given up.
    Final,
}

pub(crate) struct Family {
    plan: Plan,
    layout: Layout,
    program: Program,
    loss: Loss,
    pub(crate) listeners: Listeners,
    members: Mutex<HashMap<Role, Arc<Process>>>,
    out_of_memory: Arc<OutOfMemory>,
    stopping: AtomicBool,
    stop: Notify,
    /// Why the generation is given up.
    lost: watch::Sender<Option<String>>,
}

pub(crate) type Supervisors = Vec<JoinHandle<()>>;

impl Family {
    pub(crate) fn new(
        plan: Plan,
        layout: Layout,
        program: Program,
        loss: Loss,
        listeners: Listeners,
    ) -> Arc<Self> {
        Arc::new(Self {
            plan,
            layout,
            program,
            loss,
            listeners,
            members: Mutex::default(),
            out_of_memory: Arc::default(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
            lost: watch::Sender::new(None),
        })
    }

    /// Starts a supervisor for each process; they end after `stop`. Those of `living` are there already.
    pub(crate) fn start(self: &Arc<Self>, mut living: HashMap<Role, Arc<Process>>) -> Supervisors {
        tokio::spawn(OutOfMemory::watch(Arc::downgrade(&self.out_of_memory)));
        let begin = |role| {
            let first = living.remove(&role).inspect(|process| self.enter(role, process));
            tokio::spawn(supervise(Arc::clone(self), role, first))
        };
        self.roles().into_iter().map(begin).collect()
    }

    /// The processes that there are to be.
    pub(crate) fn roles(&self) -> Vec<Role> {
        let mut roles = vec![Role::Singleton];
        roles.extend((0..self.plan.workers).map(|slot| Role::Worker { slot }));
        roles.extend(self.listeners.admin.as_ref().map(|_| Role::Admin));
        roles
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn members(&self) -> Vec<(Role, Arc<Process>)> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.iter().map(|(role, process)| (*role, Arc::clone(process))).collect()
    }

    /// What the process of a role says of itself; `None` where it says nothing.
    pub(crate) async fn status(&self, role: Role) -> Option<Status> {
        let pid = self.members.lock().unwrap_or_else(PoisonError::into_inner).get(&role)?.pid;
        ask(&self.layout.control_socket(role.name(), pid), Ask::Status).await.ok()
    }

    /// Returns, with the reason, when the generation is given up.
    pub(crate) async fn lost(&self) -> String {
        let mut lost = self.lost.subscribe();
        let reason = match lost.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        reason.unwrap_or_default()
    }

    /// Asks all processes to finish; none is started again.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stop.notify_waiters();
        self.signal_all(Signal::SIGTERM);
    }

    pub(crate) fn kill(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stop.notify_waiters();
        self.signal_all(Signal::SIGKILL);
    }

    /// How long stopping may take.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.plan.drain_ms) + STOP_SLACK
    }

    fn signal_all(&self, signal: Signal) {
        self.members().iter().for_each(|(_, process)| process.signal(signal));
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn enter(&self, role: Role, process: &Arc<Process>) {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).insert(role, Arc::clone(process));
    }

    fn begin(&self, role: Role) -> io::Result<Arc<Process>> {
        let command = match &self.program {
            Program::Own => this_binary(),
            Program::At(path) => {
                let mut command = Command::new(path);
                command.arg0(std::env::args_os().next().unwrap_or_default());
                command
            }
        };
        let process = Arc::new(spawn(command, role, &self.plan.boot, &self.listeners)?);
        self.enter(role, &process);
        Ok(process)
    }

    /// One that was killed leaves its control socket.
    fn leave(&self, role: Role, process: &Process) {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).remove(&role);
        self.listeners.forget(role);
        let _ = std::fs::remove_file(self.layout.control_socket(role.name(), process.pid));
    }

    /// Returns when the process of a role says that it does its work.
    async fn ready(&self, role: Role) {
        while !self.status(role).await.is_some_and(|status| status.ready) {
            sleep(ASK_EVERY).await;
        }
    }
}

/// Keeps one process alive.
async fn supervise(family: Arc<Family>, role: Role, mut first: Option<Arc<Process>>) {
    let mut backoff = Backoff::default();
    while !family.is_stopping() {
        let begun = first.take().map_or_else(|| family.begin(role), Ok);
        let pause = match begun {
            Ok(process) => {
                backoff.begin();
                if family.is_stopping() {
                    process.signal(Signal::SIGTERM);
                }
                let end = attend(&family, role, &process, &mut backoff).await;
                family.leave(role, &process);
                if family.is_stopping() {
                    return;
                }
                if let (Some(file), End::Signalled(signal)) = (process.in_flight(), end) {
                    let worker =
                        Worker { pid: process.pid, server: &family.plan.server, layout: &family.layout };
                    inflight::took_with_it(&worker, signal, file, &family.out_of_memory);
                }
                if family.loss == Loss::Final {
                    return give_up(
                        &family,
                        format!("{} (process {}) ended with {end}", described(role), process.pid),
                    );
                }
                tracing::warn!(?role, pid = process.pid, %end, "process ended; it is started again");
                backoff.pause(end)
            }
            Err(error) => {
                tracing::error!(?role, %error, "process could not be started");
                if family.loss == Loss::Final {
                    return give_up(&family, format!("{} could not be started: {error}", described(role)));
                }
                backoff.pause(End::Unknown)
            }
        };
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

/// Waits for the end of a process, and notes when it becomes ready.
async fn attend(family: &Family, role: Role, process: &Process, backoff: &mut Backoff) -> End {
    let end = process.ended();
    tokio::pin!(end);
    let ended = tokio::select! {
        ended = &mut end => ended,
        () = family.ready(role) => {
            backoff.ready();
            end.await
        }
    };
    ended.unwrap_or_else(|error| {
        tracing::error!(?role, pid = process.pid, %error, "process was lost; it is killed");
        process.signal(Signal::SIGKILL);
        End::Unknown
    })
}

fn give_up(family: &Family, reason: String) {
    family.lost.send_if_modified(|lost| {
        let first = lost.is_none();
        lost.get_or_insert(reason);
        first
    });
}

fn described(role: Role) -> String {
    match role {
        Role::Worker { slot } => format!("worker {slot}"),
        Role::Singleton => "the singleton".to_owned(),
        Role::Admin => "the admin process".to_owned(),
    }
}
