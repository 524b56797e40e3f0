//! Whose turn it is to write to a SQLite file.
//!
//! SQLite has one writer at a time. Who finds it taken asks again after a pause that grows to 100 ms, so that a
//! process that writes all the time is never caught in between. Here the processes of a machine take turns: who
//! waits holds the place at the head of the line, which who has just written must take before it writes again.
//! It is courtesy only: SQLite's own lock is what keeps writers apart.

use std::{
    fs::{File, TryLockError},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{dialect, error::Error, url::Url};

/// After so long without a turn a writer goes on without: one that was stopped must not stop the others.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE_SHORTEST: Duration = Duration::from_micros(20);
const PAUSE_LONGEST: Duration = Duration::from_micros(500);

/// The files that are locked.
#[derive(Debug)]
pub(crate) struct Line {
    head: File,
    writing: File,
}

/// Of all clones of one `Odb`: its threads take turns here, and then among processes.
#[derive(Debug)]
pub(crate) struct Turns(Option<Mutex<Line>>);

/// Ends when it is dropped.
pub(crate) struct Turn<'t>(Option<MutexGuard<'t, Line>>);

impl Turns {
    /// A database that takes many writers has no line.
    pub(crate) fn of(url: &Url) -> Result<Self, Error> {
        let files = dialect::writers_line(url)?;
        Ok(Self(files.map(|(head, writing)| Mutex::new(Line { head, writing }))))
    }

    pub(crate) fn wait(&self) -> Turn<'_> {
        let Some(line) = &self.0 else { return Turn(None) };
        let line = line.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + PATIENCE;
        let at_head = lock(&line.head, until);
        lock(&line.writing, until);
        if at_head {
            unlock(&line.head);
        }
        Turn(Some(line))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(line) = &self.0 {
            unlock(&line.writing);
        }
    }
}

fn lock(file: &File, until: Instant) -> bool {
    let mut pause = PAUSE_SHORTEST;
    loop {
        match file.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(pause),
            Err(_) => return false,
        }
        pause = (pause * 2).min(PAUSE_LONGEST);
    }
}

fn unlock(file: &File) {
    // One that was not locked is none the less unlocked afterwards.
    if let Err(error) = file.unlock() {
        tracing::debug!(%error, "failed to end a turn at writing");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::{Duration, Instant},
    };

    use super::Turns;
    use crate::url::Url;

    /// As two processes do: each has its own files.
    #[test]
    fn one_that_writes_all_the_time_lets_others_in_between() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::parse(&format!("sqlite:{}", folder.path().join("odb").display())).unwrap();
        let (greedy, other) = (Turns::of(&url).unwrap(), Turns::of(&url).unwrap());
        let written = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&written);
        let thread = std::thread::spawn(move || {
            let until = Instant::now() + Duration::from_millis(300);
            while Instant::now() < until {
                let _turn = greedy.wait();
                std::thread::sleep(Duration::from_millis(1));
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut turns = 0;
        while !thread.is_finished() {
            let before = written.load(Ordering::Relaxed);
            let _turn = other.wait();
            turns += 1;
            assert!(written.load(Ordering::Relaxed) - before < 20, "another one wrote all the while");
        }
        thread.join().unwrap();
        assert!(turns > 10, "{turns}");
    }
}
