//! Pauses between attempts: full jitter, so that a broker that comes back is not met by everyone at once.

use std::time::Duration;

use crate::bounds::{PAUSE_MAX, PAUSE_MIN};

/// The pause after `failed` attempts in a row, at least one. `random` is uniform over all its values.
pub(crate) fn pause(failed: u32, random: u32) -> Duration {
    let doublings = failed.saturating_sub(1).min(16);
    let most = PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX);
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// From the system; without it, which is never seen, half the longest pause.
pub(crate) fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_doubles_up_to_half_a_minute() {
        let longest = |failed| pause(failed, u32::MAX).as_millis();
        assert_eq!([1, 2, 3, 4].map(longest), [100, 200, 400, 800]);
        assert_eq!([9, 10, 17, u32::MAX].map(longest), [25_600, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn a_pause_is_anything_up_to_the_longest() {
        assert_eq!(pause(3, 0), Duration::ZERO);
        assert_eq!(pause(3, u32::MAX / 4).as_millis(), 100);
    }
}
