//! Which plugins have calls under way in a process, in memory that outlives it.
//!
//! The memory is `WORDS` words of 32 bits in the machine's order. The first is the number of the slot whose
//! guest runs at this moment, plus one, or 0. Then `SLOTS` slots of nine words: how many calls are under way,
//! and the digest of the plugin. Calls write words of their own process only, without locks; whoever holds the
//! memory reads it after the process has died.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use crate::digest::Digest;

/// Versions of plugins that are followed at once. What is loaded beyond them is not.
pub const SLOTS: usize = 4_096;
const SLOT_WORDS: usize = 9;
/// Words of the memory.
pub const WORDS: usize = 1 + SLOTS * SLOT_WORDS;
/// Bytes of the memory.
pub const BYTES: usize = WORDS * size_of::<u32>();

/// The memory, as the process writes it whose calls it tells of.
pub struct Table {
    words: &'static [AtomicU32],
    boarded: Mutex<Boarded>,
}

#[derive(Default)]
struct Boarded {
    /// Slots of versions, and how many flights each has.
    slots: HashMap<Digest, (usize, usize)>,
    free: Vec<usize>,
    next: usize,
}

impl Table {
    /// `None`: the memory is too small.
    pub fn new(words: &'static [AtomicU32]) -> Option<Arc<Self>> {
        (words.len() >= WORDS).then(|| Arc::new(Self { words, boarded: Mutex::default() }))
    }

    /// Follows the calls of a version. `None`: there are too many.
    pub fn board(self: &Arc<Self>, digest: Digest) -> Option<Flight> {
        let mut boarded = self.boarded.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match boarded.slots.get_mut(&digest) {
            Some((slot, flights)) => {
                *flights += 1;
                *slot
            }
            None => {
                let slot = boarded.vacant()?;
                let words = self.words.get(1 + slot * SLOT_WORDS..)?.get(..SLOT_WORDS)?;
                words.first()?.store(0, Relaxed);
                for (word, bytes) in words.iter().skip(1).zip(digest.as_bytes().as_chunks::<4>().0) {
                    word.store(u32::from_ne_bytes(*bytes), Relaxed);
                }
                boarded.slots.insert(digest, (slot, 1));
                slot
            }
        };
        let (count, running) = (self.words.get(1 + slot * SLOT_WORDS)?, self.words.first()?);
        let number = u32::try_from(slot).ok()? + 1;
        Some(Flight { table: Arc::clone(self), digest, count, running, number })
    }

    fn leave(&self, digest: &Digest) {
        let mut boarded = self.boarded.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((slot, flights)) = boarded.slots.get_mut(digest) else { return };
        *flights -= 1;
        if *flights == 0 {
            let slot = *slot;
            boarded.slots.remove(digest);
            boarded.free.push(slot);
        }
    }
}

impl Boarded {
    fn vacant(&mut self) -> Option<usize> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let slot = self.next;
        (slot < SLOTS).then(|| {
            self.next += 1;
            slot
        })
    }
}

/// One loaded version's place in the table.
pub struct Flight {
    table: Arc<Table>,
    digest: Digest,
    count: &'static AtomicU32,
    running: &'static AtomicU32,
    number: u32,
}

impl Flight {
    /// A call is under way until this is dropped.
    pub fn call(&self) -> UnderWay {
        self.count.fetch_add(1, Relaxed);
        UnderWay(self.count)
    }

    /// Does a piece of a call's work, maybe within a piece of another call's.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let outer = self.running.swap(self.number, Relaxed);
        let done = work();
        self.running.store(outer, Relaxed);
        done
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.table.leave(&self.digest);
    }
}

/// A call under way.
pub struct UnderWay(&'static AtomicU32);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// What was under way in a process that died.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InFlight {
    /// Versions with at least one call.
    pub present: Vec<Digest>,
    /// The one whose guest, or whose host function, ran at that moment.
    pub running: Option<Digest>,
}

impl InFlight {
    /// From the memory's bytes. The process may have died in the middle of anything, so what makes no sense is
    /// taken for nothing.
    pub fn read(bytes: &[u8]) -> Self {
        let words = bytes.as_chunks::<4>().0;
        let Some((first, slots)) = words.split_first() else { return Self::default() };
        let running = u32::from_ne_bytes(*first) as usize;
        let mut found = Self::default();
        for (slot, words) in slots.as_chunks::<SLOT_WORDS>().0.iter().take(SLOTS).enumerate() {
            let [count, digest @ ..] = words;
            // Below zero where the last words of a call were written and the first were not.
            if u32::from_ne_bytes(*count).cast_signed() <= 0 {
                continue;
            }
            let mut bytes = [0; 32];
            bytes.as_chunks_mut::<4>().0.copy_from_slice(digest);
            let digest = Digest::from_bytes(bytes);
            found.present.push(digest);
            if running == slot + 1 {
                found.running = Some(digest);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicU32, atomic::Ordering};

    use super::{InFlight, SLOTS, Table, WORDS};
    use crate::digest::Digest;

    fn table() -> (Arc<Table>, &'static [AtomicU32]) {
        let words: Vec<AtomicU32> = (0..WORDS).map(|_| AtomicU32::new(0)).collect();
        let words: &'static [AtomicU32] = Vec::leak(words);
        (Table::new(words).unwrap(), words)
    }

    fn seen(words: &[AtomicU32]) -> InFlight {
        let bytes: Vec<u8> =
            words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
        InFlight::read(&bytes)
    }

    #[test]
    fn tells_what_is_under_way_and_what_runs() {
        let (table, words) = table();
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let (outer, inner) = (table.board(a).unwrap(), table.board(b).unwrap());
        assert_eq!(seen(words), InFlight::default());
        let call = outer.call();
        let (within, after) = outer.run(|| {
            let nested = inner.call();
            let within = inner.run(|| seen(words));
            drop(nested);
            (within, seen(words))
        });
        assert_eq!(within, InFlight { present: vec![a, b], running: Some(b) });
        assert_eq!(after, InFlight { present: vec![a], running: Some(a) });
        assert_eq!(seen(words), InFlight { present: vec![a], running: None });
        drop(call);
        assert_eq!(seen(words), InFlight::default());
    }

    #[test]
    fn slots_are_shared_and_used_again() {
        let (table, words) = table();
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let (first, second) = (table.board(a).unwrap(), table.board(a).unwrap());
        let calls = (first.call(), second.call());
        assert_eq!(seen(words).present, [a]);
        drop(calls);
        drop((first, second));
        let other = table.board(b).unwrap();
        let _call = other.call();
        assert_eq!(seen(words).present, [b]);
        let mut flights: Vec<_> =
            (0..SLOTS - 1).map(|n| table.board(Digest::of(&n.to_be_bytes())).unwrap()).collect();
        assert!(table.board(Digest::of(b"one too many")).is_none());
        flights.pop();
        assert!(table.board(Digest::of(b"one too many")).is_some());
    }

    #[test]
    fn rubbish_is_nothing() {
        for bytes in [&[][..], &[1, 2, 3], &[0xff; 40], &[0xff; 7]] {
            assert_eq!(InFlight::read(bytes), InFlight::default());
        }
    }
}
