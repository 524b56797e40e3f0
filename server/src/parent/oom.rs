//! Whether a process that was killed ran out of memory.
//!
//! The kernel says so by SIGKILL, as a person may, and counts it: in `memory.events` of the control group
//! (cgroup v2), else for the whole machine in `/proc/vmstat`. A kill counts as one for want of memory if the
//! counter has grown within the last moments.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};

/// How often the counter is looked at. A growth older than that is another process's.
const EVERY: Duration = Duration::from_secs(2);

const OF_MACHINE: &str = "/proc/vmstat";

pub(crate) struct OutOfMemory {
    /// `None`: this machine does not tell.
    file: Option<PathBuf>,
    /// As it was seen last, and one more for each kill that was recognised since.
    seen: Mutex<u64>,
}

impl Default for OutOfMemory {
    fn default() -> Self {
        Self::of(source())
    }
}

impl OutOfMemory {
    fn of(file: Option<PathBuf>) -> Self {
        let memory = Self { file, seen: Mutex::new(0) };
        memory.look();
        memory
    }

    /// Looks at the counter for as long as anyone else may ask.
    pub(crate) async fn watch(watched: Weak<Self>) {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let Some(memory) = watched.upgrade() else { return };
            memory.look();
        }
    }

    /// Whether a process that has just been killed was so for want of memory. Each kill is told once.
    pub(crate) fn killed(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = self.counter().is_some_and(|now| now > *seen);
        if grown {
            *seen += 1;
        }
        grown
    }

    fn look(&self) {
        if let Some(now) = self.counter() {
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }

    fn counter(&self) -> Option<u64> {
        count(&fs::read_to_string(self.file.as_ref()?).ok()?)
    }
}

fn source() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let own = own.map(|path| PathBuf::from(format!("/sys/fs/cgroup{path}/memory.events")));
    let files = own.into_iter().chain([PathBuf::from(OF_MACHINE)]);
    files.into_iter().find(|file| fs::read_to_string(file).is_ok_and(|text| count(&text).is_some()))
}

/// The kills of the whole machine since it was started (proc_vmstat(5)).
pub(crate) fn of_machine() -> Option<u64> {
    count(&fs::read_to_string(OF_MACHINE).ok()?)
}

/// Both files have a line `oom_kill NUMBER`.
fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{OutOfMemory, count};

    #[test]
    fn reads_the_kernels_counters() {
        assert_eq!(count("low 0\nhigh 0\nmax 5\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(count("nr_free_pages 1\noom_kill 0\n"), Some(0));
        assert_eq!(count("low 0\n"), None);
    }

    #[test]
    fn a_kill_is_told_once_and_soon() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("memory.events");
        let kills = |number: u32| std::fs::write(&file, format!("oom 9\noom_kill {number}\n")).unwrap();
        kills(7);
        let memory = OutOfMemory::of(Some(file.clone()));
        assert!(!memory.killed(), "those before are nobody's");
        kills(9);
        assert!(memory.killed() && memory.killed() && !memory.killed());
        kills(10);
        memory.look();
        assert!(!memory.killed(), "that was long ago");
        assert!(!OutOfMemory::of(None).killed());
    }
}
