//! Random numbers that are the same in every run.

/// What was given, then a sequence that only looks random.
#[derive(Default)]
pub(super) struct Chance {
    given: std::collections::VecDeque<u8>,
    state: u64,
}

impl Chance {
    pub(super) fn give(&mut self, bytes: Vec<u8>) {
        self.given.extend(bytes);
    }

    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.given.pop_front().unwrap_or_else(|| self.next())).collect()
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    fn next(&mut self) -> u8 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 56).to_le_bytes()[0]
    }
}
