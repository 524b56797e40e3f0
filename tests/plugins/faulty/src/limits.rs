//! Services that break the limits of a call.

use std::hint::{black_box, spin_loop};
use std::thread;
use std::time::{Duration, Instant};

use busbar_sdk::prelude::*;

/// Executes an `unreachable` instruction.
#[service]
pub(crate) fn trap() -> Result<Response, Fault> {
    std::process::abort()
}

/// Panics, with a message that goes to the log.
#[service]
pub(crate) fn panic() -> Result<Response, Fault> {
    std::panic!("panicked on request")
}

/// Loops for ever.
#[service]
pub(crate) fn spin() -> Result<Response, Fault> {
    loop {
        spin_loop();
    }
}

/// Allocates and touches memory without end.
#[service]
pub(crate) fn allocate() -> Result<Response, Fault> {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1024 * 1024]));
    }
}

#[input]
pub(crate) struct Output {
    bytes: usize,
}

/// Answers with as many bytes as asked for, all of them `x`.
#[service]
pub(crate) fn output(input: Output) -> Result<Response, Fault> {
    Ok(Response::bytes("text/plain", vec![b'x'; input.bytes]))
}

#[input]
pub(crate) struct Sleep {
    ms: u64,
}

#[output]
pub(crate) struct Slept {
    slept_ms: u64,
}

/// Waits by the clocks of WASI.
#[service]
pub(crate) fn sleep(input: Sleep) -> Result<Slept, Fault> {
    let start = Instant::now();
    thread::sleep(Duration::from_millis(input.ms));
    Ok(Slept { slept_ms: u64::try_from(start.elapsed().as_millis())? })
}

#[input]
pub(crate) struct Handles {
    number: u64,
}

/// Holds so many handles of the host at once, and tells how many.
#[service]
pub(crate) fn handles(input: Handles) -> Result<usize, Fault> {
    let held: Vec<_> = (0..input.number).map(wasip2::clocks::monotonic_clock::subscribe_duration).collect();
    Ok(black_box(held).len())
}

/// Says that it has begun, then waits.
#[service]
pub(crate) fn linger(input: Sleep) -> Result<(), Fault> {
    info!("it begins");
    thread::sleep(Duration::from_millis(input.ms));
    Ok(())
}

/// Says that it has begun, then uses the processor, whatever it is told.
#[service]
pub(crate) fn hog(input: Sleep) -> Result<(), Fault> {
    info!("it begins");
    let until = Instant::now() + Duration::from_millis(input.ms);
    while Instant::now() < until {
        spin_loop();
    }
    Ok(())
}
