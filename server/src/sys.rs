//! What the operating system offers and no safe library wraps; the only unsafe code of this crate.

use std::{
    fs::File,
    net::TcpListener,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
};

use nix::sys::signal::Signal;
use tokio::io::{Interest, unix::AsyncFd};

/// The listening socket that the parent handed down as `fd`. To be called once per descriptor, first
/// thing in a child.
pub(crate) fn inherited_listener(fd: RawFd) -> std::io::Result<TcpListener> {
    #[expect(unsafe_code, reason = "a descriptor comes as a bare number")]
    // SAFETY: the parent maps its listener to this number in each child that it starts with one, and
    // nothing else in this process owns it.
    let listener = unsafe { TcpListener::from_raw_fd(fd) };
    // Tells a number that is no socket from one that is.
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A descriptor that came as a bare number: kept open for this process by the one that it was before it
/// executed itself anew, or received in a message. To be called once per number.
pub(crate) fn owned(fd: RawFd) -> std::io::Result<OwnedFd> {
    // Tells a number that is no open descriptor from one that is.
    #[expect(unsafe_code, reason = "fcntl(2) tells whether a number is open")]
    // SAFETY: F_GETFD takes no argument and touches no memory.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    #[expect(unsafe_code, reason = "a descriptor comes as a bare number")]
    // SAFETY: it is open, and who told the number gave the descriptor away with it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A process, for certain: its id may be another's one day, this descriptor (pidfd_open(2)) never.
/// Readable when the process has ended.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// Fails where no process has the id.
    pub(crate) fn open(pid: u32) -> std::io::Result<Self> {
        let pid = libc::pid_t::try_from(pid).map_err(std::io::Error::other)?;
        #[expect(unsafe_code, reason = "pidfd_open has no safe wrapper here")]
        // SAFETY: the call takes two numbers and gives a new descriptor or an error.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = RawFd::try_from(result).map_err(std::io::Error::other)?;
        if fd < 0 { Err(std::io::Error::last_os_error()) } else { owned(fd).map(Self) }
    }

    /// One that was kept open.
    pub(crate) fn of(fd: OwnedFd) -> Self {
        Self(fd)
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.0
    }

    /// Returns when the process has ended; a child is not reaped by it.
    pub(crate) async fn ended(&self) -> std::io::Result<()> {
        // The same descriptor can't be registered twice, and two may wait.
        let own = self.0.try_clone()?;
        #[expect(unsafe_code, reason = "the safe constructors can't rely on what a descriptor's type does")]
        // SAFETY: an `OwnedFd` always names the same descriptor, and keeps it open until it is dropped.
        let registered = unsafe { AsyncFd::register_with_interest(own, Interest::READABLE) };
        drop(registered?.readable().await?);
        Ok(())
    }

    pub(crate) fn signal(&self, signal: Signal) -> std::io::Result<()> {
        #[expect(unsafe_code, reason = "pidfd_send_signal has no safe wrapper here")]
        // SAFETY: the descriptor is open for as long as `self` lives, and there is no siginfo to be read.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                signal as libc::c_int,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    }
}

/// A read lease on a file (fcntl(2), `F_SETLEASE`): granted only while nobody has it open for
/// writing. Given back when dropped.
pub(crate) struct ReadLease<'f>(&'f File);

impl<'f> ReadLease<'f> {
    /// `WouldBlock`: someone writes. `PermissionDenied`: the file is another user's.
    pub(crate) fn take(file: &'f File) -> std::io::Result<Self> {
        set_lease(file, libc::F_RDLCK).map(|()| Self(file))
    }
}

impl Drop for ReadLease<'_> {
    fn drop(&mut self) {
        let _ = set_lease(self.0, libc::F_UNLCK);
    }
}

fn set_lease(file: &File, kind: libc::c_int) -> std::io::Result<()> {
    #[expect(unsafe_code, reason = "fcntl has no safe wrapper for leases")]
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and F_SETLEASE takes an int.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// A file that may not grow (RLIMIT_FSIZE) fails its writes, like a full disk, and doesn't end the process. Holds for
/// processes that are started, too.
pub(crate) fn ignore_file_size_signal() {
    #[expect(unsafe_code, reason = "signal(2) has no safe wrapper")]
    // SAFETY: no handler is installed that could run at a bad moment: the signal is ignored.
    let _ = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};

    use nix::sys::signal::Signal;

    use super::{PidFd, ReadLease, owned};

    #[test]
    fn a_process_is_signalled_and_its_end_is_seen() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let process = PidFd::open(child.id()).unwrap();
        process.signal(Signal::SIGKILL).unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(process.signal(Signal::SIGKILL).is_err(), "it is gone");
        assert!(PidFd::open(child.id()).is_err(), "and nobody has its number so soon");
    }

    #[test]
    fn a_number_that_is_not_open_is_told() {
        assert!(owned(1_000_000).is_err());
        assert!(owned(-1).is_err());
    }

    #[test]
    fn a_file_that_is_being_written_grants_no_lease() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let writer = File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        let refused = ReadLease::take(&reader).err().unwrap();
        assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
        drop(writer);
        drop(ReadLease::take(&reader).unwrap());
        OpenOptions::new().append(true).open(&path).unwrap();
    }
}
