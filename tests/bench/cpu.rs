//! Processor time of process trees, by the kernel's clocks of processes.

use std::{path::Path, time::Duration};

use busbar_tests::process;
use nix::{
    time::{clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

/// Nanoseconds that all processes of a folder have used so far, user and system.
pub(crate) fn used_ns(folder: &Path) -> u64 {
    process::of_folder(folder).iter().map(|process| of_process_ns(process.pid)).sum()
}

/// The same for this process.
pub(crate) fn own_ns() -> u64 {
    of_process_ns(std::process::id())
}

/// The clock of its processor time, exact, over the threads that live and those that have ended.
fn of_process_ns(pid: u32) -> u64 {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed()));
    // One that is gone meanwhile counts no more.
    let used = clock.and_then(clock_gettime).map_or(Duration::ZERO, Duration::from);
    u64::try_from(used.as_nanos()).unwrap_or(u64::MAX)
}
