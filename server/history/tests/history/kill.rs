//! Writers that are killed at any moment leave a repository that goes on.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use busbar_history::History;
use tempfile::tempdir;

use crate::{NOON_S, is_sound, note, open, record, settings};

const FOLDER: &str = "HISTORY_TEST_FOLDER";
const ROUNDS: u64 = 25;

/// Records for ever; what the others run as a process of its own.
#[test]
#[ignore = "runs until it is killed"]
fn writes() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let history = open(std::path::Path::new(&folder));
    let first = u64::from(std::process::id()) * 1_000_000;
    for number in first.. {
        history.record(&settings(number), &note("x"), NOON_S).unwrap();
        if number % 4 == 0 {
            // The lock is nobody's in particular: another writer gets it only while this one is away.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Killed with whoever started it.
pub(crate) struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Writer {
    pub(crate) fn start(history: &History) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["kill::writes", "--exact", "--ignored", "--test-threads=1"]);
        command.env(FOLDER, history.path().parent().unwrap());
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

pub(crate) fn count(history: &History) -> usize {
    history.log(usize::MAX).map_or(0, |log| log.entries.len())
}

#[track_caller]
pub(crate) fn wait_more(history: &History, than: usize, writers: &mut [Writer]) -> usize {
    let begun = Instant::now();
    loop {
        let now = count(history);
        if now > than {
            return now;
        }
        assert!(writers.iter_mut().all(Writer::is_running), "a writer ended by itself");
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is recorded");
    }
}

#[test]
fn a_killed_writer_leaves_a_history_that_goes_on() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    let mut before = 0;
    for round in 0..ROUNDS {
        let mut writer = [Writer::start(&history)];
        before = wait_more(&history, before, &mut writer);
        // Anywhere in a record, which takes some milliseconds.
        let moment = Instant::now();
        while moment.elapsed() < Duration::from_micros(700 * round) {
            std::hint::spin_loop();
        }
        drop(writer);
        let log = history.log(usize::MAX).unwrap();
        assert!(log.damage.is_none(), "{:?}", log.damage);
        assert!(log.entries.len() >= before, "nothing that was recorded is gone");
        record(&history, round + 1);
        before = count(&history);
        if round % 5 == 0 {
            is_sound(&history);
        }
    }
    is_sound(&history);
    let objects = std::fs::read_dir(history.path().join("objects")).unwrap();
    let left = objects.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(left.count(), 0, "what was left half-written is swept away");
}

/// Also while the repository is made.
#[test]
fn a_killed_first_writer_leaves_a_folder_that_can_have_a_history() {
    for round in 0..20 {
        let folder = tempdir().unwrap();
        let history = open(folder.path());
        let writer = Writer::start(&history);
        let begun = Instant::now();
        while !folder.path().join("config-history.lock").exists() && begun.elapsed() < Duration::from_secs(60)
        {
            std::hint::spin_loop();
        }
        let moment = Instant::now();
        while moment.elapsed() < Duration::from_micros(150 * round) {
            std::hint::spin_loop();
        }
        drop(writer);
        record(&history, 1);
        is_sound(&history);
        assert!(!folder.path().join("config-history.new").exists());
    }
}
