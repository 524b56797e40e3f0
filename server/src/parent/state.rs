//! What a parent keeps when it executes itself anew: its processes stay its children, its descriptors stay
//! open, and a file in memory says which is which.

use std::{
    ffi::{CString, OsString},
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    net::TcpListener,
    os::{
        fd::{AsFd, AsRawFd as _, OwnedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    path::PathBuf,
    sync::Arc,
};

use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use crate::{
    parent::{
        child::Role, inflight::InFlightFile, listeners::Listeners, lock::Lock, origin::Origin, plan::Plan,
        process::Process, retiring::Retired, socket::Socket,
    },
    settings,
    sys::owned,
};

/// Shapes of it that this version reads: one that a version before wrote, too.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    /// The process that keeps it.
    parent: u32,
    program: PathBuf,
    plan: Plan,
    lock: RawFd,
    http: RawFd,
    ops: Option<RawFd>,
    admin: Option<RawFd>,
    #[serde(default)]
    socket: Option<Local>,
    #[serde(default)]
    share: Option<RawFd>,
    members: Vec<Member>,
    retired: Vec<Replaced>,
    /// Who asked for the reload and waits.
    asked: Option<RawFd>,
}

/// A Unix socket, where it was made and where it is to be.
#[derive(Debug, Serialize, Deserialize)]
struct Local {
    descriptor: RawFd,
    path: PathBuf,
    made: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Member {
    role: Role,
    pid: u32,
    pidfd: RawFd,
    /// Of a worker: what it tells of its calls in.
    #[serde(default)]
    in_flight: Option<RawFd>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Replaced {
    pid: u32,
    pidfd: RawFd,
    role: String,
}

/// What is kept.
pub(crate) struct State {
    pub(crate) origin: Origin,
    pub(crate) plan: Plan,
    pub(crate) lock: Lock,
    pub(crate) listeners: Listeners,
    /// The new generation.
    pub(crate) members: Vec<(Role, Arc<Process>)>,
    pub(crate) retired: Vec<Retired>,
    pub(crate) asked: Option<OwnedFd>,
}

/// Duplicates that are not closed by an `exec`; dropped if there is none.
#[derive(Default)]
struct Kept(Vec<OwnedFd>);

impl Kept {
    fn keep(&mut self, descriptor: impl AsFd) -> io::Result<RawFd> {
        let kept = nix::unistd::dup(descriptor)?;
        let number = kept.as_raw_fd();
        self.0.push(kept);
        Ok(number)
    }
}

impl State {
    /// Becomes what stands at the program's path. Returns only if that fails.
    pub(crate) fn execute(&self) -> io::Error {
        match self.try_execute() {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    fn try_execute(&self) -> io::Result<std::convert::Infallible> {
        let mut kept = Kept::default();
        let written = self.written(&mut kept)?;
        let mut file = File::from(memfd_create(c"busbar-parent", MFdFlags::empty())?);
        file.write_all(&serde_json::to_vec(&written).map_err(io::Error::other)?)?;
        let text = |text: &std::ffi::OsStr| CString::new(text.as_bytes()).map_err(io::Error::other);
        let program = text(self.origin.program.as_os_str())?;
        let arguments =
            self.origin.arguments.iter().map(|argument| text(argument)).collect::<Result<Vec<_>, _>>()?;
        let step = (OsString::from(settings::STEP), OsString::from(format!("resume:{}", file.as_raw_fd())));
        let environment = settings::whole_environment()
            .into_iter()
            .filter(|(name, _)| name != settings::STEP)
            .chain([step])
            .map(|(mut name, value)| {
                name.push("=");
                name.push(value);
                text(&name)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(nix::unistd::execve(&program, &arguments, &environment)?)
    }

    fn written(&self, kept: &mut Kept) -> io::Result<Written> {
        let mut members = Vec::new();
        for (role, process) in &self.members {
            let in_flight = process.in_flight().map(|file| kept.keep(file.descriptor())).transpose()?;
            let pidfd = kept.keep(process.pidfd())?;
            members.push(Member { role: *role, pid: process.pid, pidfd, in_flight });
        }
        let mut retired = Vec::new();
        for Retired { process, role } in &self.retired {
            let pidfd = kept.keep(process.pidfd())?;
            retired.push(Replaced { pid: process.pid, pidfd, role: role.clone() });
        }
        let mut keep =
            |listener: &Option<Arc<TcpListener>>| listener.as_ref().map(|l| kept.keep(l)).transpose();
        let (ops, admin) = (keep(&self.listeners.ops)?, keep(&self.listeners.admin)?);
        let socket = match &self.listeners.socket {
            Some(socket) => Some(Local {
                descriptor: kept.keep(socket.as_ref())?,
                path: socket.path.clone(),
                made: socket.made.clone(),
            }),
            None => None,
        };
        let share = self.listeners.share.as_ref().map(|file| kept.keep(file)).transpose()?;
        Ok(Written {
            parent: std::process::id(),
            program: self.origin.program.clone(),
            plan: self.plan.clone(),
            lock: kept.keep(&self.lock)?,
            http: kept.keep(&self.listeners.http)?,
            ops,
            admin,
            socket,
            share,
            members,
            retired,
            asked: self.asked.as_ref().map(|asked| kept.keep(asked)).transpose()?,
        })
    }

    /// What this process kept as the file behind `descriptor`.
    pub(crate) fn resume(descriptor: RawFd) -> io::Result<Self> {
        let mut file = File::from(owned(descriptor)?);
        let mut text = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut text)?;
        let written: Written = serde_json::from_slice(&text).map_err(io::Error::other)?;
        if written.parent != std::process::id() {
            return Err(io::Error::other("it is another process's"));
        }
        let listener = |number: RawFd| inherited(number).map(|fd| Arc::new(TcpListener::from(fd)));
        let local = |Local { descriptor, path, made }| {
            inherited(descriptor).map(|fd| Arc::new(Socket::kept(fd, path, made)))
        };
        let process = |pid, pidfd| inherited(pidfd).map(|fd| Process::kept(pid, fd));
        let members = written.members.iter().map(|member| {
            let in_flight = member.in_flight.map(inherited).transpose()?.map(InFlightFile::kept);
            io::Result::Ok((member.role, Arc::new(process(member.pid, member.pidfd)?.with(in_flight))))
        });
        let retired = written.retired.into_iter().map(|replaced| -> io::Result<_> {
            let Replaced { pid, pidfd, role } = replaced;
            Ok(Retired { process: Arc::new(process(pid, pidfd)?), role })
        });
        Ok(Self {
            members: members.collect::<io::Result<_>>()?,
            retired: retired.collect::<io::Result<_>>()?,
            origin: Origin { program: written.program, arguments: std::env::args_os().collect() },
            lock: Lock::kept(inherited(written.lock)?),
            listeners: Listeners {
                http: listener(written.http)?,
                ops: written.ops.map(listener).transpose()?,
                admin: written.admin.map(listener).transpose()?,
                socket: written.socket.map(local).transpose()?,
                share: written.share.map(inherited).transpose()?.map(|fd| Arc::new(File::from(fd))),
            },
            asked: written.asked.map(inherited).transpose()?,
            plan: written.plan,
        })
    }
}

/// A descriptor that was kept, for this process alone from now on.
fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    let descriptor = owned(number)?;
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(descriptor)
}
