//! Which of the messages under way was returned.
//!
//! The broker returns a message that reaches no queue, and confirms it later; between the two it may confirm others
//! that were sent before. lapin gives each confirm the oldest return that nobody has taken, whosever it is. So the
//! book compares: a return belongs to a message under way that is the same in every byte, and if several are, it
//! makes no difference which is taken.
//!
//! A confirm that brings somebody else's return leaves open whether its own is still to come. As each return comes
//! before its owner's confirm, and each confirm takes one, there are never more returns in lapin than owners without
//! a confirm. So of those that are left in doubt no more can have been returned than there are messages whose return
//! is known and whose confirm is not; when there are none of these, nobody is in doubt. (Outcomes are entered in the
//! order in which they became known.)

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Kept,
    Returned {
        code: u16,
        text: String,
    },
    /// It was confirmed, but the channel was lost before it was known whether it had been returned.
    Unknown,
}

struct Entry<T> {
    /// The lapin channel that it was sent on.
    channel: u64,
    message: Arc<Message>,
    /// Known before its confirm.
    returned: Option<Verdict>,
    owner: T,
}

/// Of a channel on which there are messages whose return is known and whose confirm is not.
struct Suspense<T> {
    unconfirmed: usize,
    /// Confirmed and in doubt, each with what the broker said.
    doubtful: Vec<(Arc<Message>, T, bool)>,
}

/// Who it was, whether the broker accepted it, and what else is known.
pub(crate) type Concluded<T> = (T, bool, Verdict);

/// The messages under way, by the order in which they were sent.
pub(crate) struct Book<T> {
    entries: BTreeMap<u64, Entry<T>>,
    suspense: HashMap<u64, Suspense<T>>,
    next: u64,
}

impl<T> Default for Book<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), suspense: HashMap::new(), next: 0 }
    }
}

impl<T> Book<T> {
    pub(crate) fn enter(&mut self, channel: u64, message: Arc<Message>, owner: T) -> u64 {
        self.next += 1;
        self.entries.insert(self.next, Entry { channel, message, returned: None, owner });
        self.next
    }

    /// A message was confirmed: accepted or not, perhaps with somebody's return. All whose fate is known by that.
    pub(crate) fn confirm(
        &mut self,
        number: u64,
        accepted: bool,
        returned: Option<Returned>,
    ) -> Vec<Concluded<T>> {
        let Some(Entry { channel, message, returned: mut own, owner }) = self.entries.remove(&number) else {
            return Vec::new();
        };
        let mut concluded = Vec::new();
        if own.is_some() {
            self.suspense.entry(channel).and_modify(|suspense| {
                suspense.unconfirmed = suspense.unconfirmed.saturating_sub(1);
            });
        }
        let brought = returned.is_some();
        if let Some(returned) = returned {
            let verdict = Verdict::Returned { code: returned.code, text: returned.text.clone() };
            match self.owner(channel, own.is_none().then_some(&*message), &returned) {
                Some(Place::Here) => own = Some(verdict),
                Some(Place::Doubtful(at)) => {
                    let doubtful =
                        self.suspense.get_mut(&channel).map(|suspense| suspense.doubtful.remove(at));
                    concluded.extend(doubtful.map(|(_, owner, accepted)| (owner, accepted, verdict)));
                }
                Some(Place::UnderWay(other)) => {
                    if let Some(entry) = self.entries.get_mut(&other) {
                        entry.returned = Some(verdict);
                        let new = || Suspense { unconfirmed: 0, doubtful: Vec::new() };
                        self.suspense.entry(channel).or_insert_with(new).unconfirmed += 1;
                    }
                }
                None => {}
            }
        }
        match (own, self.suspense.get_mut(&channel)) {
            (None, Some(suspense)) if brought && message.outgoing.mandatory => {
                suspense.doubtful.push((message, owner, accepted));
            }
            (own, _) => concluded.push((owner, accepted, own.unwrap_or(Verdict::Kept))),
        }
        // A confirm that brought nothing took the last return before.
        if !brought || self.suspense.get(&channel).is_some_and(|suspense| suspense.unconfirmed == 0) {
            concluded.extend(self.release(channel, &Verdict::Kept));
        }
        concluded
    }

    /// The channel was lost before this message was confirmed. Whether it was returned all the same, and those that
    /// were in doubt on its channel.
    pub(crate) fn lose(&mut self, number: u64) -> (Option<(T, Verdict)>, Vec<Concluded<T>>) {
        let Some(entry) = self.entries.remove(&number) else { return (None, Vec::new()) };
        let doubtful = self.release(entry.channel, &Verdict::Unknown);
        self.suspense.remove(&entry.channel);
        (Some((entry.owner, entry.returned.unwrap_or(Verdict::Unknown))), doubtful)
    }

    /// Those that are in doubt, with what is known of all of them now.
    fn release(&mut self, channel: u64, verdict: &Verdict) -> Vec<Concluded<T>> {
        let Some(suspense) = self.suspense.get_mut(&channel) else { return Vec::new() };
        let doubtful = std::mem::take(&mut suspense.doubtful);
        if suspense.unconfirmed == 0 {
            self.suspense.remove(&channel);
        }
        doubtful.into_iter().map(|(_, owner, accepted)| (owner, accepted, verdict.clone())).collect()
    }

    /// The one that is the same, or, since a broker takes headers away that only it reads, one that went the same
    /// way.
    fn owner(&self, channel: u64, here: Option<&Message>, returned: &Returned) -> Option<Place> {
        let doubtful = self.suspense.get(&channel).into_iter().flat_map(|suspense| {
            let messages = suspense.doubtful.iter().enumerate();
            messages.map(|(at, (message, ..))| (Place::Doubtful(at), &**message))
        });
        let under_way =
            self.entries.iter().filter(|(_, entry)| entry.channel == channel && entry.returned.is_none());
        let under_way = under_way.map(|(number, entry)| (Place::UnderWay(*number), &*entry.message));
        let here = here.map(|message| (Place::Here, message));
        let mut same_way = None;
        for (place, message) in here.into_iter().chain(doubtful).chain(under_way) {
            let outgoing = &message.outgoing;
            if !outgoing.mandatory
                || outgoing.exchange != returned.exchange
                || outgoing.routing_key != returned.routing_key
            {
                continue;
            }
            if outgoing.body == returned.body && message.properties == returned.properties {
                return Some(place);
            }
            same_way.get_or_insert(place);
        }
        same_way
    }
}

/// Where a return's owner is.
enum Place {
    /// It is being confirmed.
    Here,
    Doubtful(usize),
    UnderWay(u64),
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use bytes::Bytes;
    use proptest::prelude::*;

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
        let first = book.enter(1, kept, "kept");
        let second = book.enter(1, Arc::clone(&nowhere), "nowhere");
        assert_eq!(book.confirm(first, true, returned(&nowhere)), [], "its own may be to come");
        let both = [("nowhere", true, lost()), ("kept", true, Verdict::Kept)];
        assert_eq!(book.confirm(second, true, None), both);
        assert_eq!(book.confirm(second, true, None), []);
    }

    #[test]
    fn of_two_on_the_same_way_the_body_tells() {
        let mut book = Book::default();
        let (one, two) = (message("gone", "1"), message("gone", "2"));
        let first = book.enter(1, Arc::clone(&one), 1);
        let second = book.enter(1, Arc::clone(&two), 2);
        assert_eq!(book.confirm(first, true, returned(&two)), []);
        assert_eq!(book.confirm(second, true, returned(&one)), [(1, true, lost()), (2, true, lost())]);
    }

    #[test]
    fn a_lost_channel_leaves_doubt_and_others_do_not_care() {
        let mut book = Book::default();
        let (kept, nowhere) = (message("queue", "a"), message("nowhere", "b"));
        let elsewhere = book.enter(2, Arc::clone(&nowhere), "elsewhere");
        let first = book.enter(1, kept, "kept");
        let second = book.enter(1, Arc::clone(&nowhere), "nowhere");
        let third = book.enter(1, Arc::clone(&nowhere), "never confirmed");
        assert_eq!(book.confirm(first, true, returned(&nowhere)), []);
        assert_eq!(book.confirm(elsewhere, false, None), [("elsewhere", false, Verdict::Kept)]);
        assert_eq!(book.lose(second), (Some(("nowhere", lost())), vec![("kept", true, Verdict::Unknown)]));
        assert_eq!(book.lose(third), (Some(("never confirmed", Verdict::Unknown)), Vec::new()));
    }

    #[test]
    fn headers_that_were_taken_away_do_not_matter() {
        let mut book = Book::default();
        let sent = message("gone", "1");
        let number = book.enter(1, Arc::clone(&sent), ());
        let mut changed = returned(&sent);
        if let Some(changed) = &mut changed {
            changed.properties = BasicProperties::default();
        }
        assert_eq!(book.confirm(number, true, changed), [((), true, lost())]);
    }

    proptest! {
        /// A broker that returns and confirms in any order that is possible, and a lapin that gives each confirm the
        /// oldest return: each message learns its own fate, and when all are confirmed, all have.
        #[test]
        fn each_learns_its_own_fate(
            routable in prop::collection::vec(any::<bool>(), 1..24),
            order in prop::collection::vec((any::<u8>(), any::<bool>()), 0..80),
        ) {
            let mut book = Book::default();
            let sent: Vec<_> = routable.iter().map(|routable| {
                message(if *routable { "queue" } else { "nowhere" }, "same")
            }).collect();
            let numbers: Vec<_> =
                sent.iter().enumerate().map(|(at, sent)| book.enter(1, Arc::clone(sent), at)).collect();
            let mut to_return: VecDeque<_> = (0..sent.len()).filter(|at| !routable[*at]).collect();
            let mut to_confirm: Vec<_> = (0..sent.len()).collect();
            let (mut in_lapin, mut fates) = (VecDeque::new(), BTreeMap::new());
            let later = std::iter::repeat((0, true));
            for (pick, returns) in order.into_iter().chain(later) {
                if to_confirm.is_empty() {
                    break;
                }
                if returns && let Some(at) = to_return.pop_front() {
                    in_lapin.push_back(at);
                    continue;
                }
                let at = to_confirm[usize::from(pick) % to_confirm.len()];
                if to_return.contains(&at) {
                    continue;
                }
                to_confirm.retain(|other| *other != at);
                let brought = in_lapin.pop_front().and_then(|at: usize| returned(&sent[at]));
                for (at, accepted, verdict) in book.confirm(numbers[at], true, brought) {
                    prop_assert!(accepted && fates.insert(at, verdict).is_none());
                }
            }
            for (at, routable) in routable.iter().enumerate() {
                let expected = if *routable { Verdict::Kept } else { lost() };
                prop_assert_eq!(fates.get(&at), Some(&expected), "message {}", at);
            }
            prop_assert!(book.suspense.is_empty() && book.entries.is_empty());
        }
    }
}
