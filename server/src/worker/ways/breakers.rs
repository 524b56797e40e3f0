//! Breakers that are not closed, told to whoever keeps them while this worker is replaced.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use busbar_egress::Phase;
use busbar_model::{Connection, Name};
use tokio::sync::watch;

use crate::feed::Remembered;

#[derive(Default)]
pub(crate) struct Breakers {
    /// What the worker before this one left.
    left: Mutex<BTreeMap<Name, Remembered>>,
    /// Of this one. A change wakes whoever tells of it.
    present: watch::Sender<BTreeMap<Name, Remembered>>,
}

impl Breakers {
    pub(crate) fn take_over(&self, left: BTreeMap<Name, Remembered>) {
        // Those that nobody calls by stay known.
        self.present.send_if_modified(|present| {
            present.clone_from(&left);
            false
        });
        *self.left() = left;
    }

    pub(crate) fn changes(&self) -> watch::Receiver<BTreeMap<Name, Remembered>> {
        self.present.subscribe()
    }

    /// One that was edited meanwhile begins anew.
    pub(super) fn put_back(&self, connection: &Connection, client: &busbar_egress::Connection) {
        let left = self.left().remove(&connection.name);
        if let Some(left) = left.filter(|left| left.revision == connection.revision) {
            client.put_back_breaker(&left.state);
            self.note(&connection.name, connection.revision, client);
        }
    }

    /// Forgets those of connections that are no more, or are others now.
    pub(super) fn keep(&self, is_present: impl Fn(&Name, i64) -> bool) {
        self.present.send_if_modified(|present| {
            let before = present.len();
            present.retain(|name, known| is_present(name, known.revision));
            present.len() != before
        });
    }

    /// Tells of a breaker that has opened or closed.
    pub(super) fn note(&self, name: &Name, revision: i64, client: &busbar_egress::Connection) {
        let state = client.breaker().filter(|state| state.phase != Phase::Closed);
        self.present.send_if_modified(|present| {
            let known = present.get(name);
            // A late call of a client before.
            if known.is_some_and(|known| known.revision > revision) {
                return false;
            }
            let differs = match (&state, known) {
                (None, None) => false,
                // Open for another pause after a probe has failed.
                (Some(state), Some(known)) => {
                    (state.phase, state.opened) != (known.state.phase, known.state.opened)
                }
                _ => true,
            };
            if differs {
                match state.clone() {
                    Some(state) => drop(present.insert(name.clone(), Remembered { revision, state })),
                    None => drop(present.remove(name)),
                }
            }
            differs
        });
    }

    fn left(&self) -> MutexGuard<'_, BTreeMap<Name, Remembered>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
