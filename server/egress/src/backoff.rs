//! Pauses between attempts: full jitter, so that a system that comes back is not met by everyone at once.

use std::time::Duration;

/// The longest pause after `failed` attempts in a row, at least one.
pub(crate) fn longest(failed: u32, min: Duration, max: Duration) -> Duration {
    let doublings = failed.saturating_sub(1).min(16);
    min.saturating_mul(1 << doublings).min(max)
}

/// Anything up to the longest. `random` is uniform over all its values.
pub(crate) fn pause(failed: u32, min: Duration, max: Duration, random: u32) -> Duration {
    longest(failed, min, max).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_secs(2);

    #[test]
    fn the_longest_pause_doubles_up_to_its_bound() {
        let longest = |failed| longest(failed, MIN, MAX).as_millis();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, u32::MAX].map(longest), [100, 100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn a_pause_is_anything_up_to_the_longest() {
        assert_eq!(pause(3, MIN, MAX, 0), Duration::ZERO);
        assert_eq!(pause(3, MIN, MAX, u32::MAX / 4).as_millis(), 100);
        assert_eq!(pause(3, MIN, MAX, u32::MAX).as_millis(), 400);
    }
}
