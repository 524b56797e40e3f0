//! What the operating system offers and no safe library wraps; the only unsafe code of this crate.

use std::{
    fs::File,
    net::TcpListener,
    os::fd::{AsRawFd as _, FromRawFd as _, RawFd},
};

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

    use super::ReadLease;

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
