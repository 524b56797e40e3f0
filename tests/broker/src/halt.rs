//! Halting a process, so that it has halted.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const BOUND: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// Stops all threads of a process by `SIGSTOP`, and returns when they have stopped, or when it is gone.
///
/// The signal alone is not enough: one thread takes it, when it gets a processor, and tells the others, which work on
/// until then.
///
/// # Panics
/// If one of them has not stopped within ten seconds.
pub fn halt(pid: u32) {
    if kill(Pid::from_raw(pid.cast_signed()), Signal::SIGSTOP).is_err() {
        return;
    }
    let deadline = Instant::now() + BOUND;
    while !has_halted(pid) {
        assert!(Instant::now() < deadline, "process {pid} was told to stop, and goes on");
        sleep(PAUSE);
    }
}

/// Whether no thread of it runs or will, before it is told to continue.
fn has_halted(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    let mut stats = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    stats.all(|stat| matches!(state_and_parent(&stat), Some(('T' | 't' | 'Z' | 'X', _))))
}

/// Third and fourth field of `/proc/PID/stat`; the second is a name in parentheses that may hold anything.
pub fn state_and_parent(stat: &str) -> Option<(char, u32)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Signal, halt, has_halted, kill};
    use nix::unistd::Pid;

    #[test]
    fn a_process_is_halted_until_it_is_told_to_continue() {
        let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        assert!(!has_halted(child.id()));
        halt(child.id());
        assert!(has_halted(child.id()));
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGCONT).unwrap();
        assert!(!has_halted(child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        halt(child.id());
    }
}
