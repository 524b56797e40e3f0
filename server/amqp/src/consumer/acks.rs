//! How settlements are told to the broker in as few words as possible.
//!
//! An acknowledgement of all messages up to one is right only if all of them are to be acknowledged. So it is given
//! for those at the head of what was handed out; the others are settled one by one.

use std::collections::BTreeMap;

use crate::incoming::Settlement;

/// What was handed out on one channel and is not settled, by its number.
#[derive(Default)]
pub(crate) struct Outstanding(BTreeMap<u64, Option<Settlement>>);

/// What the broker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// All up to this one.
    AckUpTo(u64),
    One(u64, Settlement),
}

impl Outstanding {
    pub(crate) fn hand_out(&mut self, tag: u64) {
        self.0.insert(tag, None);
    }

    /// The words for these settlements. What is not outstanding is left out: it was settled before.
    pub(crate) fn settle(&mut self, settlements: impl IntoIterator<Item = (u64, Settlement)>) -> Vec<Word> {
        let mut settled = Vec::new();
        for (tag, how) in settlements {
            if let Some(outstanding @ None) = self.0.get_mut(&tag) {
                *outstanding = Some(how);
                settled.push(tag);
            }
        }
        let head = self.0.iter().take_while(|(_, how)| **how == Some(Settlement::Ack));
        let (last, count) = head.fold((None, 0), |(_, count), (tag, _)| (Some(*tag), count + 1));
        let mut words = Vec::new();
        if let Some(last) = last.filter(|_| count > 1) {
            words.push(Word::AckUpTo(last));
            self.0 = self.0.split_off(&(last + 1));
        }
        for tag in settled {
            if let Some(Some(how)) = self.0.remove(&tag) {
                words.push(Word::One(tag, how));
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Settlement::{Ack, Reject, Requeue};

    fn outstanding(tags: std::ops::RangeInclusive<u64>) -> Outstanding {
        let mut outstanding = Outstanding::default();
        tags.for_each(|tag| outstanding.hand_out(tag));
        outstanding
    }

    #[test]
    fn the_head_is_acknowledged_at_once() {
        let mut five = outstanding(1..=5);
        assert_eq!(five.settle([(3, Ack), (1, Ack), (2, Ack)]), [Word::AckUpTo(3)]);
        assert_eq!(five.settle([(5, Ack)]), [Word::One(5, Ack)]);
        assert_eq!(five.settle([(4, Ack)]), [Word::One(4, Ack)]);
        assert!(five.0.is_empty());
    }

    #[test]
    fn what_is_in_hand_is_not_acknowledged() {
        let mut four = outstanding(1..=4);
        assert_eq!(four.settle([(2, Ack), (3, Reject)]), [Word::One(2, Ack), Word::One(3, Reject)]);
        assert_eq!(four.settle([(4, Ack), (1, Requeue)]), [Word::One(4, Ack), Word::One(1, Requeue)]);
        assert_eq!(four.settle([(4, Ack), (9, Ack)]), [], "settled before, and never handed out");
    }

    proptest! {
        /// Told a broker that takes words as AMQP defines them, each message ends as it was settled, and no other
        /// does.
        #[test]
        fn the_broker_hears_what_was_meant(
            batches in prop::collection::vec(
                prop::collection::vec((1_u64..40, prop_oneof![3 => Just(Ack), 1 => Just(Requeue), 1 => Just(Reject)]), 0..12),
                0..12,
            ),
        ) {
            let mut outstanding = outstanding(1..=40);
            let mut broker: BTreeMap<u64, Option<Settlement>> = (1..=40).map(|tag| (tag, None)).collect();
            let mut meant = broker.clone();
            for batch in batches {
                for (tag, how) in &batch {
                    let slot = meant.get_mut(tag).unwrap();
                    if slot.is_none() {
                        *slot = Some(*how);
                    }
                }
                for word in outstanding.settle(batch) {
                    match word {
                        Word::AckUpTo(last) => {
                            prop_assert!(broker[&last].is_none(), "an unknown tag closes the channel");
                            broker.range_mut(..=last).filter(|(_, how)| how.is_none()).for_each(|(_, how)| *how = Some(Ack));
                        }
                        Word::One(tag, how) => {
                            prop_assert!(broker.insert(tag, Some(how)).flatten().is_none());
                        }
                    }
                }
                prop_assert_eq!(&broker, &meant);
            }
        }
    }
}
