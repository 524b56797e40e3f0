//! Linear memory of all instances of a process, and what there may be of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Shared by all who count on it.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    bytes: AtomicU64,
    bytes_max: u64,
    refused: AtomicU64,
}

impl Memory {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self(Arc::new(Counts { bytes: AtomicU64::new(0), bytes_max, refused: AtomicU64::new(0) }))
    }

    pub(crate) fn take(&self, bytes: u64) -> bool {
        let taken = self.0.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if taken > self.0.bytes_max {
            self.give_back(bytes);
            self.refuse();
        }
        taken <= self.0.bytes_max
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self) {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes that are taken.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// How often there was none left, since the process started.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn there_is_no_more_than_there_may_be() {
        let memory = Memory::new(10);
        assert!(memory.take(10) && !memory.take(1));
        assert_eq!((memory.bytes(), memory.refused()), (10, 1));
        memory.give_back(4);
        assert!(memory.take(4));
    }
}
