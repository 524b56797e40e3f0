//! A process that a parent looks after: its own child, or one that another parent left behind.

use std::{fmt, io, os::fd::OwnedFd};

use nix::{
    errno::Errno,
    sys::{
        signal::Signal,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::{parent::inflight::InFlightFile, sys::PidFd};

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pidfd: PidFd,
    /// Of a worker.
    in_flight: Option<InFlightFile>,
}

/// How a process ended, as far as its parent learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exited(i32),
    Signalled(Signal),
    /// It is no child of this process.
    Unknown,
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(formatter, "exit code {code}"),
            Self::Signalled(signal) => write!(formatter, "{signal}"),
            Self::Unknown => formatter.write_str("an unknown status"),
        }
    }
}

impl Process {
    /// A process that has not ended, or has not been waited for: its id is nobody else's.
    pub(crate) fn open(pid: u32) -> io::Result<Self> {
        Ok(Self { pid, pidfd: PidFd::open(pid)?, in_flight: None })
    }

    /// Of a descriptor that was kept over an `exec`.
    pub(crate) fn kept(pid: u32, pidfd: OwnedFd) -> Self {
        Self { pid, pidfd: PidFd::of(pidfd), in_flight: None }
    }

    /// The process with the memory in which it tells what it has under way.
    pub(crate) fn with(self, in_flight: Option<InFlightFile>) -> Self {
        Self { in_flight, ..self }
    }

    pub(crate) fn in_flight(&self) -> Option<&InFlightFile> {
        self.in_flight.as_ref()
    }

    pub(crate) fn pidfd(&self) -> &OwnedFd {
        self.pidfd.fd()
    }

    /// One that is gone already has done what it was to do.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = self.pidfd.signal(signal);
    }

    /// Returns when the process has ended. A child is reaped.
    pub(crate) async fn ended(&self) -> io::Result<End> {
        self.pidfd.ended().await?;
        match waitpid(Pid::from_raw(self.pid.cast_signed()), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => Ok(End::Exited(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ok(End::Signalled(signal)),
            Ok(_) | Err(Errno::ECHILD) => Ok(End::Unknown),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use nix::sys::signal::Signal;

    use super::{End, Process};

    #[expect(clippy::zombie_processes, reason = "that it is reaped is what is tested")]
    fn started(program: &str, arguments: &[&str]) -> Process {
        let child = Command::new(program).args(arguments).spawn().unwrap();
        Process::open(child.id()).unwrap()
    }

    #[tokio::test]
    async fn tells_how_a_child_ended() {
        let exited = started("sh", &["-c", "exit 7"]);
        assert_eq!(exited.ended().await.unwrap(), End::Exited(7));
        assert_eq!(exited.ended().await.unwrap(), End::Unknown, "it was reaped");
        let killed = started("sleep", &["600"]);
        let (first, ()) = tokio::join!(killed.ended(), async { killed.signal(Signal::SIGKILL) });
        assert_eq!(first.unwrap(), End::Signalled(Signal::SIGKILL));
    }
}
