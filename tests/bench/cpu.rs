//! Processor time and memory of process trees, from `/proc`.

use std::{fs, path::Path};

use busbar_tests::process;

/// Nanoseconds that all processes of a folder have used so far, user and system.
pub(crate) fn used_ns(folder: &Path) -> u64 {
    process::of_folder(folder).iter().map(|process| of_process_ns(process.pid)).sum()
}

/// The same for this process.
pub(crate) fn own_ns() -> u64 {
    of_process_ns(std::process::id())
}

/// The scheduler's own count, exact, over the threads that live; where the kernel keeps none, the clock ticks.
fn of_process_ns(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
    let exact: u64 = tasks
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    if exact > 0 { exact } else { ticks(pid) * NS_PER_TICK }
}

/// `USER_HZ` is 100 on every Linux there is.
const NS_PER_TICK: u64 = 10_000_000;

/// Fields 14 and 15 of `/proc/PID/stat`.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}
