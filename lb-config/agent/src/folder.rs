//! What stands in an agent's folder.
//!
//! ```text
//! lock                     held while an agent runs
//! hold                     the number of the configuration that was rolled back to; there until someone resumes
//! current -> configs/N     what is in force
//! configs/N/haproxy.cfg    what HAProxy reads, and people edit
//! configs/N/applied.cfg    the same, as it was applied
//! configs/N/base.cfg       what was rendered, before people edited it
//! configs/N/rejected.cfg   an edit that was not fit
//! configs/N/meta.json      when, from what, and what became of it
//! run/                     sockets, HAProxy's process id and what it says
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

use crate::options::Error;

#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// Held as long as the agent runs.
pub(crate) struct Lock(#[expect(dead_code, reason = "it is held, not read")] Flock<File>);

impl Folder {
    /// Its own parts are made where they are missing.
    pub(crate) fn open(path: &Path) -> Result<(Self, Lock), Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Folder { path, source }
        };
        let folder = Self(path.to_owned());
        for part in [folder.0.clone(), folder.0.join("run"), folder.0.join("configs")] {
            DirBuilder::new().recursive(true).mode(0o700).create(&part).map_err(failed(&part))?;
        }
        // Who may enter may read keys' places and speak to HAProxy.
        fs::set_permissions(folder.run(), Permissions::from_mode(0o700)).map_err(failed(path))?;
        let lock = folder.0.join("lock");
        let file =
            OpenOptions::new().create(true).append(true).mode(0o600).open(&lock).map_err(failed(&lock))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Ok((folder, Lock(held))),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(Error::Locked(path.to_owned())),
            Err((_, errno)) => Err(failed(&lock)(errno.into())),
        }
    }

    /// One that an agent may have: nothing is made, and nothing locked.
    pub(crate) fn of_another(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    pub(crate) fn control_socket(folder: &Path) -> PathBuf {
        folder.join("run/agent.sock")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn stats_socket(&self) -> PathBuf {
        self.run().join("stats.sock")
    }

    pub(crate) fn master_socket(&self) -> PathBuf {
        self.run().join("master.sock")
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.run().join("haproxy.pid")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.run().join("haproxy.log")
    }

    /// The path that HAProxy is started with: a reload finds what is in force then.
    pub(crate) fn in_force(&self) -> PathBuf {
        self.0.join("current/haproxy.cfg")
    }

    /// The same as HAProxy was given it, whatever people write there now.
    pub(crate) fn applied(&self) -> PathBuf {
        self.0.join("current/applied.cfg")
    }

    pub(crate) fn configs(&self) -> PathBuf {
        self.0.join("configs")
    }

    pub(crate) fn config(&self, number: u64) -> PathBuf {
        self.configs().join(number.to_string())
    }

    /// The number of what is in force.
    pub(crate) fn current(&self) -> Option<u64> {
        let target = fs::read_link(self.0.join("current")).ok()?;
        target.file_name()?.to_str()?.parse().ok()
    }

    /// At once: whoever reads finds the one or the other.
    pub(crate) fn switch(&self, number: u64) -> io::Result<()> {
        let next = self.0.join("current.next");
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(Path::new("configs").join(number.to_string()), &next)?;
        fs::rename(&next, self.0.join("current"))?;
        File::open(&self.0)?.sync_all()
    }

    /// Nothing is in force.
    pub(crate) fn clear(&self) -> io::Result<()> {
        fs::remove_file(self.0.join("current"))
    }

    pub(crate) fn held(&self) -> Option<u64> {
        fs::read_to_string(self.0.join("hold")).ok()?.trim().parse().ok()
    }

    pub(crate) fn hold(&self, number: Option<u64>) -> io::Result<()> {
        let path = self.0.join("hold");
        match number {
            Some(number) => write(&path, &format!("{number}\n")),
            None => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }
}

/// Whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&next)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(next, path)
}
