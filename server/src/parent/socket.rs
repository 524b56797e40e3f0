//! The Unix socket at which workers take calls beside the TCP one.
//!
//! Each generation makes one of its own, and puts it in the place of the one before when it could take over: whoever
//! connects by the path meets the new one from then on, and what waits at the old one is taken by those who drain.

use std::{
    fs, io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{fs::PermissionsExt as _, net::UnixListener},
    },
    path::{Path, PathBuf},
};

use crate::cli::new_generation;

/// Its user and its group may connect; whether they are believed is looked at with each connection.
const MODE: u32 = 0o660;

#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    pub(crate) path: PathBuf,
    /// Where it stands until then.
    pub(crate) made: PathBuf,
}

impl Socket {
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let mut made = path.as_os_str().to_owned();
        made.push(format!(".{}", new_generation()));
        let made = PathBuf::from(made);
        let listener = UnixListener::bind(&made)?;
        let new = Self { listener, path: path.to_owned(), made };
        fs::set_permissions(&new.made, fs::Permissions::from_mode(MODE))?;
        Ok(new)
    }

    /// One that was kept open.
    pub(crate) fn kept(descriptor: OwnedFd, path: PathBuf, made: PathBuf) -> Self {
        Self { listener: UnixListener::from(descriptor), path, made }
    }

    /// Puts it where clients look for it.
    pub(crate) fn appear(&self) -> io::Result<()> {
        match fs::rename(&self.made, &self.path) {
            // It did before.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.path.exists() => Ok(()),
            renamed => renamed,
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Socket {
    /// One that never appeared leaves nothing.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.made);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        os::unix::{fs::PermissionsExt as _, net::UnixStream},
    };

    use super::Socket;

    #[test]
    fn the_next_one_takes_the_place_when_it_appears() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let one = Socket::bind(&path).unwrap();
        assert!(!path.exists());
        one.appear().unwrap();
        one.appear().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        let mut early = UnixStream::connect(&path).unwrap();
        let next = Socket::bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        next.appear().unwrap();
        UnixStream::connect(&path).unwrap();
        // Who waits at the one before is not lost.
        let (mut taken, _) = one.listener.accept().unwrap();
        taken.write_all(b"x").unwrap();
        early.read_exact(&mut [0]).unwrap();
        drop(one);
        drop(Socket::bind(&path).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "what never appeared is gone");
        UnixStream::connect(&path).unwrap();
        drop(next);
    }
}
