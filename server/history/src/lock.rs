//! One writer at a time, whatever processes there are. The kernel gives the lock back when its holder dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{error::Error, repository::adopt};

/// A record takes milliseconds; a start must not hang on it.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held until it is dropped")] File);

impl Lock {
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        Self::take_within(path, PATIENCE)
    }

    fn take_within(path: &Path, patience: Duration) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(Error::io(path))?;
        adopt(path);
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(Error::io(path)(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => {
                    return Err(Error::Busy { path: path.to_owned(), seconds: patience.as_secs() });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::Lock;
    use crate::error::Error;

    #[test]
    fn waits_for_its_holder_but_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::take(&path).unwrap();
        let busy = Lock::take_within(&path, Duration::from_millis(30)).unwrap_err();
        assert!(matches!(busy, Error::Busy { .. }), "{busy}");
        let waiting = thread::spawn({
            let path = path.clone();
            move || Lock::take(&path).map(drop)
        });
        drop(held);
        waiting.join().unwrap().unwrap();
    }
}
