//! Starting one process, with the descriptors and the environment it is to have.

use std::{
    io,
    io::Write as _,
    os::{fd::AsFd, unix::process::CommandExt as _},
    process::{Command, Stdio},
};

use command_fds::{CommandFdExt as _, FdMapping};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    boot::{IN_FLIGHT_FD, LISTENER_FD, SHARE_FD, SOCKET_FD},
    parent::{inflight::InFlightFile, listeners::Listeners, process::Process},
};

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    Worker { slot: u32 },
    Singleton,
    Admin,
}

impl Role {
    /// As in the name of its control socket and on its command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Worker { .. } => "worker",
            Self::Singleton => "singleton",
            Self::Admin => "admin-process",
        }
    }
}

/// Starts a process by `command`, which runs some `busbar`. It has a process group of its own, so that the
/// terminal's signals reach the parent only.
pub(crate) fn spawn(
    mut command: Command,
    role: Role,
    boot: &Value,
    listeners: &Listeners,
) -> io::Result<Process> {
    command.arg(role.name()).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
    let in_flight = InFlightFile::of(role);
    let workers_own = match role {
        Role::Worker { .. } => (listeners.socket.as_deref(), listeners.share.as_deref()),
        Role::Singleton | Role::Admin => (None, None),
    };
    let handed = [
        (LISTENER_FD, listeners.of_role(role).map(AsFd::as_fd)),
        (SOCKET_FD, workers_own.0.map(AsFd::as_fd)),
        (IN_FLIGHT_FD, in_flight.as_ref().map(InFlightFile::descriptor)),
        (SHARE_FD, workers_own.1.map(AsFd::as_fd)),
    ];
    let mappings = handed
        .into_iter()
        .filter_map(|(child_fd, handed)| Some((child_fd, handed?)))
        .map(|(child_fd, handed)| Ok(FdMapping { parent_fd: handed.try_clone_to_owned()?, child_fd }))
        .collect::<io::Result<Vec<_>>>()?;
    command.fd_mappings(mappings).map_err(io::Error::other)?;
    let mut boot = boot.clone();
    if let Some(boot) = boot.as_object_mut() {
        boot.insert("parent".to_owned(), std::process::id().into());
        if let Role::Worker { slot } = role {
            boot.insert("slot".to_owned(), slot.into());
            boot.insert("shares".to_owned(), listeners.share.is_some().into());
        }
    }
    let text = serde_json::to_vec(&boot).map_err(io::Error::other)?;
    let mut child = command.spawn()?;
    let process = Process::open(child.id()).inspect_err(|_| {
        // Nobody could look after it.
        let _ = child.kill().and_then(|()| child.wait());
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // Far below what a pipe holds, so a child that does not read keeps nobody waiting; and one that
        // died already is told by its status.
        let _ = stdin.write_all(&text);
    }
    Ok(process.with(in_flight))
}
