//! Starting one process, with the descriptors and the environment it is to have.

use std::{io, net::TcpListener, os::fd::AsFd as _, os::unix::process::CommandExt as _, process::Stdio};

use command_fds::{CommandFdExt as _, FdMapping};
use tokio::process::Child;

use crate::{
    boot::{Boot, IN_FLIGHT_FD, LISTENER_FD, this_binary},
    parent::inflight::InFlightFile,
};

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// Starts a process. It has a process group of its own, so that the terminal's signals reach the
/// parent only.
pub(crate) fn spawn(
    role: Role,
    boot: &Boot,
    listener: Option<&TcpListener>,
    in_flight: Option<&InFlightFile>,
) -> io::Result<Child> {
    let mut command = this_binary();
    command.arg(role.name()).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
    let mut mappings = Vec::new();
    if let Some(listener) = listener {
        mappings.push(FdMapping { parent_fd: listener.as_fd().try_clone_to_owned()?, child_fd: LISTENER_FD });
    }
    if let Some(file) = in_flight {
        mappings.push(FdMapping { parent_fd: file.descriptor()?, child_fd: IN_FLIGHT_FD });
    }
    command.fd_mappings(mappings).map_err(io::Error::other)?;
    let mut boot = boot.clone();
    if let Role::Worker { slot } = role {
        boot.slot = slot;
    }
    let text = serde_json::to_vec(&boot).map_err(io::Error::other)?;
    let mut child = tokio::process::Command::from(command).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Far below what a pipe holds, so a child that does not read keeps nobody waiting.
        tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut stdin, &text).await });
    }
    Ok(child)
}
