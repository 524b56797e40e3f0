//! The processes of one quickstart: finding them all, and leaving none behind.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use busbar_test_broker::{halt, state_and_parent};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// In the environment of all processes that belong to a folder; its value is the folder.
pub const MARKER: &str = "E2E_FOLDER";

/// A living process.
#[derive(Clone, Debug)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// Its arguments, separated by spaces.
    pub command: String,
}

impl Process {
    /// Reads `/proc`; `None` if there is no such process, or only its remains.
    pub fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, parent) = state_and_parent(&stat)?;
        if matches!(state, 'Z' | 'X') {
            return None;
        }
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<_> = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        Some(Self { pid, parent, command: words.join(" ").trim_end().to_owned() })
    }

    /// Whether `word` is one of its arguments.
    pub fn has_argument(&self, word: &str) -> bool {
        self.command.split(' ').skip(1).any(|argument| argument == word)
    }
}

/// Proportional share of memory, in bytes.
pub fn pss_bytes(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

pub fn is_alive(pid: u32) -> bool {
    Process::read(pid).is_some()
}

/// Sends a signal; a process that is gone already is fine. One that is told to stop has stopped when this returns.
pub fn signal(pid: u32, signal: Signal) {
    if signal == Signal::SIGSTOP {
        return halt(pid);
    }
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}

/// All living processes that were started for `folder`: they have the marker, stand in the folder, name it in
/// their arguments, or descend from one that does.
pub fn of_folder(folder: &Path) -> Vec<Process> {
    let pids = fs::read_dir("/proc")
        .expect("/proc is readable")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let all: BTreeMap<u32, Process> = pids.filter_map(|pid| Some((pid, Process::read(pid)?))).collect();
    let own = std::process::id();
    let mut members: BTreeMap<u32, Process> = all
        .iter()
        .filter(|(pid, _)| **pid != own && is_of(**pid, folder))
        .map(|(pid, p)| (*pid, p.clone()))
        .collect();
    loop {
        let children: Vec<_> = all
            .values()
            .filter(|p| members.contains_key(&p.parent) && !members.contains_key(&p.pid))
            .cloned()
            .collect();
        if children.is_empty() {
            return members.into_values().collect();
        }
        members.extend(children.into_iter().map(|process| (process.pid, process)));
    }
}

fn is_of(pid: u32, folder: &Path) -> bool {
    let folder_bytes = folder.as_os_str().as_bytes();
    let marker = [MARKER.as_bytes(), b"=", folder_bytes].concat();
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    if environment.split(|byte| *byte == 0).any(|variable| variable == marker) {
        return true;
    }
    let current: Option<PathBuf> = fs::read_link(format!("/proc/{pid}/cwd")).ok();
    current.is_some_and(|current| current.starts_with(folder))
}

/// Kills all that belongs to the folder, until nothing does.
pub fn kill_all(folder: &Path) {
    let started = Instant::now();
    loop {
        let living = of_folder(folder);
        if living.is_empty() {
            return;
        }
        if started.elapsed() > Duration::from_secs(20) {
            eprintln!("could not end {living:?}");
            return;
        }
        for process in &living {
            signal(process.pid, Signal::SIGKILL);
        }
        sleep(Duration::from_millis(10));
    }
}

/// Outlives this process to clean up after it, however it ends: when the pipe to it closes it kills what has
/// the marker and removes the folder, if that is still there.
#[derive(Debug)]
pub struct Guardian(Child);

/// Reads nothing until the end of its input. `$1` is the folder and `$2` the marker's name.
const GUARDIAN: &str = r#"
cat >/dev/null
[ -d "$1" ] || exit 0
for round in 1 2 3 4 5; do
    found=
    for process in /proc/[0-9]*; do
        if tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -qxF "$2=$1"; then
            kill -9 "${process#/proc/}" && found=yes
        fi
    done
    [ -z "$found" ] && break
done
rm -rf "$1"
"#;

impl Guardian {
    pub fn of(folder: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", GUARDIAN, "guardian"]).arg(folder).arg(MARKER);
        // In a group of its own: what ends a test's group must not end it.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Self(command.current_dir("/").spawn().expect("sh starts"))
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Its own errors are none of the test's business.
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_confuse() {
        assert_eq!(state_and_parent("12 (a) b) (c) S 7 12 12 0"), Some(('S', 7)));
        assert_eq!(state_and_parent("12"), None);
    }

    #[test]
    fn finds_and_kills_a_tree_whose_head_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = Command::new("sh")
            .args(["-c", "sleep 600 & env -i sleep 601 & wait"])
            .env(MARKER, folder.path())
            .current_dir(folder.path())
            .process_group(0)
            .spawn()
            .unwrap();
        while of_folder(folder.path()).len() < 3 {
            sleep(Duration::from_millis(5));
        }
        head.kill().unwrap();
        head.wait().unwrap();
        assert_eq!(of_folder(folder.path()).len(), 2);
        kill_all(folder.path());
        assert!(of_folder(folder.path()).is_empty());
    }

    #[test]
    fn the_guardian_cleans_up_when_its_master_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let guardian = Guardian::of(folder.path());
        let mut orphan =
            Command::new("sleep").arg("602").env(MARKER, folder.path()).process_group(0).spawn().unwrap();
        while of_folder(folder.path()).is_empty() {
            sleep(Duration::from_millis(5));
        }
        drop(guardian);
        assert!(!orphan.wait().unwrap().success());
        assert!(!folder.path().exists());
    }
}
