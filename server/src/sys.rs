//! What the operating system offers and no safe library wraps; the only unsafe code of this crate.

use std::{
    fs::File,
    io,
    net::TcpListener,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
    sync::atomic::AtomicU32,
};

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

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};

    use nix::sys::memfd::{MFdFlags, memfd_create};

    use super::{ReadLease, inherited_words};

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
