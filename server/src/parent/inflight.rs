//! What a worker that died took with it: which plugins had calls under way, for the singleton to judge.
//!
//! The report is a file in `run/deaths/`, taken up by the singleton whenever there is one. Reports are read again
//! after a crash of anyone, and count once.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::{fs::FileExt as _, net::UnixDatagram},
    },
};

use busbar_model::{
    inflight::{self, InFlight},
    quarantine::Death,
};
use nix::sys::signal::Signal;

use crate::{
    clock,
    layout::{self, Layout},
    parent::{child::Role, memory, oom::OutOfMemory},
};

/// The memory in which a worker tells what it has under way; it outlives the worker.
#[derive(Debug)]
pub(crate) struct InFlightFile(File);

impl InFlightFile {
    /// For a worker. Others run no plugin's code, and without the file a worker serves as well.
    pub(crate) fn of(role: Role) -> Option<Self> {
        let Role::Worker { .. } = role else { return None };
        memory::shared(c"busbar-in-flight", inflight::BYTES)
            .map(Self)
            .inspect_err(|error| tracing::warn!(%error, "what a worker has under way can't be followed"))
            .ok()
    }

    /// One that was kept over an `exec`.
    pub(crate) fn kept(descriptor: OwnedFd) -> Self {
        Self(File::from(descriptor))
    }

    /// For the worker.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn read(&self) -> io::Result<InFlight> {
        let mut bytes = vec![0; inflight::BYTES];
        self.0.read_exact_at(&mut bytes, 0)?;
        Ok(InFlight::read(&bytes))
    }
}

/// A worker that died.
pub(crate) struct Worker<'w> {
    pub(crate) pid: u32,
    /// The name of the server it belonged to.
    pub(crate) server: &'w str,
    pub(crate) layout: &'w Layout,
}

/// Reports the death of a worker where a plugin may be the cause of it.
pub(crate) fn took_with_it(
    worker: &Worker<'_>,
    signal: Signal,
    file: &InFlightFile,
    out_of_memory: &OutOfMemory,
) {
    let Some(cause) = cause(signal, out_of_memory) else { return };
    if let Err(error) = report(worker, &cause, file) {
        tracing::error!(pid = worker.pid, %error, "what a worker had under way when it died can't be reported");
    }
}

/// What a worker died of, if its plugins may have done it. Who kills by SIGKILL or stops it knows why.
fn cause(signal: Signal, out_of_memory: &OutOfMemory) -> Option<Cause> {
    match signal {
        Signal::SIGSEGV | Signal::SIGBUS | Signal::SIGILL | Signal::SIGABRT => Some(Cause::Signal(signal)),
        Signal::SIGKILL if out_of_memory.killed() => Some(Cause::OutOfMemory),
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Cause {
    Signal(Signal),
    OutOfMemory,
}

fn report(worker: &Worker<'_>, cause: &Cause, file: &InFlightFile) -> io::Result<()> {
    let InFlight { present, running } = file.read()?;
    if present.is_empty() {
        return Ok(());
    }
    let now = clock::now();
    let death = Death {
        id: busbar_store::new_id(now),
        at: now,
        server: worker.server.to_owned(),
        cause: match cause {
            Cause::Signal(signal) => signal.to_string(),
            Cause::OutOfMemory => "out of memory".to_owned(),
        },
        // Memory was taken by whoever took most of it, which is not told by who ran last.
        running: if *cause == Cause::OutOfMemory { None } else { running },
        present,
    };
    let (running, present) = (death.running.map(|digest| digest.to_string()), death.present.len());
    tracing::error!(
        pid = worker.pid,
        cause = death.cause,
        running,
        present,
        "worker died with calls of plugins under way"
    );
    let text = serde_json::to_string(&death).map_err(io::Error::other)?;
    layout::write_atomically(&worker.layout.deaths().join(format!("{}.json", death.id)), &text)?;
    // Should nobody listen, it is found by looking.
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    let _ = socket.send_to(b"death", worker.layout.hint_socket());
    Ok(())
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::Signal;

    use super::{Cause, InFlightFile, cause};
    use crate::parent::{child::Role, oom::OutOfMemory};

    #[test]
    fn only_deaths_that_a_plugin_may_cause_count() {
        let memory = OutOfMemory::default();
        let by = |signal: Signal| cause(signal, &memory);
        for signal in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL, Signal::SIGABRT] {
            assert_eq!(by(signal), Some(Cause::Signal(signal)));
        }
        for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT, Signal::SIGXCPU] {
            assert_eq!(by(signal), None, "{signal}");
        }
    }

    #[test]
    fn a_new_file_tells_of_nothing() {
        let file = InFlightFile::of(Role::Worker { slot: 0 }).unwrap();
        assert!(file.read().unwrap().present.is_empty());
        assert!(InFlightFile::of(Role::Singleton).is_none());
    }
}
