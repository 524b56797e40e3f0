//! By how much a run is put off, so that many with one time do not all begin at once.

use chrono::{DateTime, Utc};

/// 0 to `most` milliseconds: always the same for one job and one time, so that whoever asks is told the same.
pub fn jitter_ms(job: &str, scheduled: DateTime<Utc>, most: u64) -> u64 {
    if most == 0 {
        return 0;
    }
    // FNV-1a, and the end of SplitMix64: its low bits alone would follow the last bytes closely.
    let bytes = job.bytes().chain(scheduled.timestamp_micros().to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 31)) % most.saturating_add(1).max(1)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::jitter_ms;

    #[test]
    fn is_the_same_each_time_and_spread_over_its_range() {
        let at: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(jitter_ms("a", at, 0), 0);
        let all: Vec<u64> = (0..1_000).map(|job| jitter_ms(&job.to_string(), at, 999)).collect();
        assert_eq!(all, (0..1_000).map(|job| jitter_ms(&job.to_string(), at, 999)).collect::<Vec<_>>());
        for tenth in 0..10 {
            let within = all.iter().filter(|ms| **ms / 100 == tenth).count();
            assert!((50..200).contains(&within), "{tenth}: {within}");
        }
    }
}
