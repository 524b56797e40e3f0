//! What the operating system offers and no safe library wraps; the only unsafe code of this crate.

use std::{
    fs::File,
    io,
    net::TcpListener,
    os::{
        fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
        unix::net::UnixListener,
    },
    sync::atomic::AtomicU32,
};

use nix::sys::signal::Signal;
use tokio::io::{Interest, unix::AsyncFd};

/// The listening socket that the parent handed down as `fd`. To be called once per descriptor, first
/// thing in a child.
pub(crate) fn inherited_listener(fd: RawFd) -> io::Result<TcpListener> {
    #[expect(unsafe_code, reason = "a descriptor comes as a bare number")]
    // SAFETY: the parent maps its listener to this number in each child that it starts with one, and
    // nothing else in this process owns it.
    let listener = unsafe { TcpListener::from_raw_fd(fd) };
    // Tells a number that is no socket from one that is.
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The Unix socket that the parent handed down as `fd`. To be called once per descriptor, first thing in a child.
pub(crate) fn inherited_socket(fd: RawFd) -> io::Result<UnixListener> {
    let listener = UnixListener::from(owned(fd)?);
    // Tells a number that is something else from one that is a socket of this kind.
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
        drop(readable(self.0.try_clone()?)?.readable().await?);
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

/// A descriptor that says when something can be read from it.
pub(crate) fn readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(unsafe_code, reason = "the safe constructors can't rely on what a descriptor's type does")]
    // SAFETY: an `OwnedFd` always names the same descriptor, and keeps it open until it is dropped.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// A memory file that the parent handed down as `fd`, as words that both see, for as long as this process
/// lives. To be called once per descriptor, first thing in a child.
pub(crate) fn inherited_words(fd: RawFd, words: usize) -> io::Result<&'static [AtomicU32]> {
    #[expect(unsafe_code, reason = "a descriptor comes as a bare number")]
    // SAFETY: the parent maps its memory file to this number in each child that it starts with one, and nothing
    // else in this process owns it. That it is open at all is checked below.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    let bytes = words * size_of::<u32>();
    // What lies behind the end of a file can't be touched (SIGBUS).
    if file.metadata()?.len() < bytes as u64 {
        return Err(io::Error::other("the memory file is too short"));
    }
    #[expect(unsafe_code, reason = "mmap has no safe wrapper in the standard library")]
    // SAFETY: a new mapping at a place that the kernel chooses touches no memory that is in use.
    let mapped = unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        libc::mmap(std::ptr::null_mut(), bytes, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    if mapped == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    #[expect(unsafe_code, reason = "the mapping is a bare address")]
    // SAFETY: the mapping is `bytes` long, readable and writable, aligned to a page, never undone, and the file
    // is sealed against shrinking by its maker. Other processes may read and write it, which atomics allow.
    Ok(unsafe { std::slice::from_raw_parts(mapped.cast::<AtomicU32>(), words) })
}

/// Lets others go first where there is too little processor time for all: for this thread and those it starts.
pub(crate) fn give_way() {
    const NICENESS: libc::c_int = 5;
    #[expect(unsafe_code, reason = "setpriority has no safe wrapper in the standard library")]
    // SAFETY: it takes no pointers; who 0 is the calling thread. Where it fails, nothing has changed.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
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

/// What connections of this listener keep in the system without having sent it (`TCP_NOTSENT_LOWAT`, tcp(7)). By itself the
/// system would keep megabytes for each client that does not read.
pub(crate) fn limit_unsent(listener: &TcpListener, bytes: u32) -> std::io::Result<()> {
    let size = libc::socklen_t::try_from(size_of::<u32>()).map_err(std::io::Error::other)?;
    let value: *const u32 = &raw const bytes;
    #[expect(unsafe_code, reason = "setsockopt has no safe wrapper for this option")]
    // SAFETY: the descriptor is open for as long as `listener` is borrowed, and the option takes an int of this size.
    let result = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            value.cast::<libc::c_void>(),
            size,
        )
    };
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

    use nix::sys::{
        memfd::{MFdFlags, memfd_create},
        signal::Signal,
    };

    use super::{PidFd, ReadLease, inherited_words, owned};

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
    fn words_are_shared_with_who_has_the_file() {
        use std::{
            os::{fd::IntoRawFd as _, unix::fs::FileExt as _},
            sync::atomic::Ordering,
        };
        let file = File::from(memfd_create("words", MFdFlags::MFD_CLOEXEC).unwrap());
        let handed = |file: &File| file.try_clone().unwrap().into_raw_fd();
        assert!(inherited_words(handed(&file), 4).is_err(), "it is empty");
        file.set_len(16).unwrap();
        let words = inherited_words(handed(&file), 4).unwrap();
        words[2].store(7, Ordering::Relaxed);
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, 8).unwrap();
        assert_eq!(u32::from_ne_bytes(bytes), 7);
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
