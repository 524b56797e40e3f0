//! What calls cost in processor time, of one client beside another. For release builds, on a machine that does nothing
//! else.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on panics and says why")]

use std::time::Duration;

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::ClockId,
    unistd::Pid,
};

const TURN: i32 = 20;
const TURNS: i32 = 150;
const WARMING: i32 = 15;

/// From now on this thread, and what it starts, has one processor, which clients share with their servers. To wake a
/// process on another one takes as long as a call, and costs the one of two clients whose server happens to be there.
pub fn share_a_processor() {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).unwrap();
    let first = (0..CpuSet::count()).find(|number| allowed.is_set(*number).unwrap_or_default()).unwrap();
    let mut one = CpuSet::new();
    one.set(first).unwrap();
    sched_setaffinity(this, &one).unwrap();
}

/// Processor time of this thread so far: what servers of their own spend is not in it.
pub fn spent() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap().into()
}

/// Processor time of all threads of this process.
pub fn spent_by_all() -> Duration {
    ClockId::CLOCK_PROCESS_CPUTIME_ID.now().unwrap().into()
}

/// What a call of each costs this thread, in short turns; calls are numbered from 0.
pub async fn paired(mut ours: impl AsyncFnMut(i32), mut bare: impl AsyncFnMut(i32)) -> [Duration; 2] {
    let mut spent_by = [Duration::ZERO; 2];
    for turn in 0..WARMING + TURNS {
        let numbers = turn * TURN..(turn + 1) * TURN;
        let began = spent();
        for number in numbers.clone() {
            ours(number).await;
        }
        let between = spent();
        for number in numbers {
            bare(number).await;
        }
        if turn >= WARMING {
            spent_by[0] += between - began;
            spent_by[1] += spent() - between;
        }
    }
    spent_by.map(|spent| spent / (TURNS * TURN).cast_unsigned())
}

pub fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

/// The middle of them; of an even number the mean of the two.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
        odd => sorted[odd / 2],
    }
}
