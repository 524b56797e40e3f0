//! What it does before it answers, if it ever does.

use std::hint::{black_box, spin_loop};
use std::thread;
use std::time::Duration;

use busbar_sdk::info;
use wasip2::clocks::monotonic_clock::subscribe_duration;

pub(crate) fn perform(mode: &str) {
    match mode {
        "spin" => loop {
            spin_loop();
        },
        "allocate" => allocate(),
        "trap" => std::process::abort(),
        "panic" => std::panic!("panicked while it described itself"),
        "sleep" => thread::sleep(Duration::from_secs(3_600)),
        "recurse" => drop(black_box(deeper(0))),
        "log" => (0..100_000).for_each(|line| info!(line = line; "{}", "z".repeat(1_000))),
        "handles" => drop(black_box((0..10_000).map(subscribe_duration).collect::<Vec<_>>())),
        "invoke" => drop(busbar_sdk::invoke::<u32>("echo", &()).map_err(|fault| fault.message)),
        _ => {}
    }
}

fn allocate() {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1024 * 1024]));
    }
}

/// Until the stack ends.
fn deeper(level: u64) -> u64 {
    let kept = black_box([level; 16]);
    if black_box(level) == u64::MAX { 0 } else { deeper(level + 1) + kept[3] }
}
