//! Which of the messages under way was returned.
//!
//! The broker returns a message that reaches no queue, and confirms it later; between the two it may confirm others
//! that were sent before. lapin gives a returned message to whichever confirm comes next. So the book compares: a
//! returned message belongs to one under way that is the same in every byte, and if several are, it makes no
//! difference which is taken.
//!
//! A return reaches the book no later than its owner's confirm, because outcomes are entered in the order in which
//! they became known.

use std::{collections::BTreeMap, sync::Arc};

use lapin::BasicProperties;

use crate::publisher::channel::Message;

/// A message that came back.
pub(crate) struct Returned {
    pub(crate) code: u16,
    pub(crate) text: String,
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Kept,
    Returned { code: u16, text: String },
}

struct Entry<T> {
    /// The lapin channel that it was sent on.
    channel: u64,
    message: Arc<Message>,
    verdict: Verdict,
    owner: T,
}

/// The messages under way, by the order in which they were sent.
pub(crate) struct Book<T> {
    entries: BTreeMap<u64, Entry<T>>,
    next: u64,
}

impl<T> Default for Book<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), next: 0 }
    }
}

impl<T> Book<T> {
    pub(crate) fn enter(&mut self, channel: u64, message: Arc<Message>, owner: T) -> u64 {
        self.next += 1;
        self.entries.insert(self.next, Entry { channel, message, verdict: Verdict::Kept, owner });
        self.next
    }

    /// Takes a message out whose outcome is known, which may have brought a returned message along.
    pub(crate) fn conclude(&mut self, number: u64, returned: Option<Returned>) -> Option<(T, Verdict)> {
        if let Some(returned) = returned {
            let owner = self.owner(number, &returned).unwrap_or(number);
            if let Some(entry) = self.entries.get_mut(&owner) {
                entry.verdict = Verdict::Returned { code: returned.code, text: returned.text };
            }
        }
        let Entry { owner, verdict, .. } = self.entries.remove(&number)?;
        Some((owner, verdict))
    }

    /// The one that is the same, or, since a broker takes headers away that only it reads, one that went the same
    /// way.
    fn owner(&self, number: u64, returned: &Returned) -> Option<u64> {
        let channel = self.entries.get(&number)?.channel;
        let candidates = || {
            self.entries.iter().filter(move |(_, entry)| {
                let outgoing = &entry.message.outgoing;
                entry.channel == channel
                    && entry.verdict == Verdict::Kept
                    && outgoing.mandatory
                    && outgoing.exchange == returned.exchange
                    && outgoing.routing_key == returned.routing_key
            })
        };
        let same = candidates().find(|(_, entry)| {
            entry.message.outgoing.body == returned.body && entry.message.properties == returned.properties
        });
        same.or_else(|| candidates().next()).map(|(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::publish::Outgoing;

    fn message(key: &str, body: &'static str) -> Arc<Message> {
        let outgoing = Outgoing {
            routing_key: key.to_owned(),
            body: Bytes::from_static(body.as_bytes()),
            mandatory: true,
            ..Outgoing::default()
        };
        Arc::new(Message { outgoing, properties: BasicProperties::default().with_priority(1) })
    }

    fn returned(message: &Message) -> Option<Returned> {
        Some(Returned {
            code: 312,
            text: "NO_ROUTE".to_owned(),
            exchange: message.outgoing.exchange.clone(),
            routing_key: message.outgoing.routing_key.clone(),
            properties: message.properties.clone(),
            body: message.outgoing.body.to_vec(),
        })
    }

    fn lost() -> Verdict {
        Verdict::Returned { code: 312, text: "NO_ROUTE".to_owned() }
    }

    #[test]
    fn a_return_that_another_confirm_brings_goes_to_its_owner() {
        let mut book = Book::default();
        let (kept, nowhere) = (message("queue", "a"), message("nowhere", "b"));
        let first = book.enter(1, Arc::clone(&kept), "kept");
        let second = book.enter(1, Arc::clone(&nowhere), "nowhere");
        assert_eq!(book.conclude(first, returned(&nowhere)), Some(("kept", Verdict::Kept)));
        assert_eq!(book.conclude(second, None), Some(("nowhere", lost())));
        assert_eq!(book.conclude(second, None), None);
    }

    #[test]
    fn of_two_on_the_same_way_the_body_tells() {
        let mut book = Book::default();
        let (one, two) = (message("gone", "1"), message("gone", "2"));
        let first = book.enter(1, Arc::clone(&one), 1);
        let second = book.enter(1, Arc::clone(&two), 2);
        assert_eq!(book.conclude(first, returned(&two)), Some((1, Verdict::Kept)));
        assert_eq!(book.conclude(second, None), Some((2, lost())));
    }

    #[test]
    fn equal_messages_share_as_many_returns_as_there_were() {
        let mut book = Book::default();
        let same = message("gone", "1");
        let numbers = [0, 1, 2].map(|owner| book.enter(1, Arc::clone(&same), owner));
        let brought = [returned(&same), None, returned(&same)];
        let verdicts = numbers
            .iter()
            .zip(brought)
            .map(|(number, returned)| book.conclude(*number, returned).map(|(_, verdict)| verdict));
        assert_eq!(verdicts.collect::<Vec<_>>(), [Some(lost()), Some(Verdict::Kept), Some(lost())]);
    }

    #[test]
    fn other_channels_and_headers_that_were_taken_away() {
        let mut book = Book::default();
        let sent = message("gone", "1");
        let elsewhere = book.enter(1, Arc::clone(&sent), "elsewhere");
        let here = book.enter(2, Arc::clone(&sent), "here");
        let mut changed = returned(&sent);
        if let Some(changed) = &mut changed {
            changed.properties = BasicProperties::default();
        }
        assert_eq!(book.conclude(here, changed), Some(("here", lost())));
        assert_eq!(book.conclude(elsewhere, None), Some(("elsewhere", Verdict::Kept)));
    }
}
