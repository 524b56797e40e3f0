//! Taking turns at what has the same key, where a database takes many writers at once.
//!
//! What is to be decided is often whether something is there: a key's value, an earlier delivery with the same
//! order key, a reply. What is not there can't be locked. So there are rows that stand for all keys, and who
//! decides about a key locks its row first; from then on it reads and writes as if it were alone.

use std::collections::BTreeSet;

use crate::{connection::AnyConnection, dialect, error::Error};

/// Rows of `key_lock`, which the migration makes. Two keys of one row only wait for each other.
const LOCKS: u64 = 4096;

/// What is decided about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key<'k> {
    Value { plugin: &'k str, key: &'k str },
    Nonce { security: &'k str, nonce: &'k str },
    Reply { scope: &'k str, key: &'k str },
    Order { target: &'k str, order_key: &'k str },
    Job { id: &'k str },
}

impl Key<'_> {
    /// The same in every process and version: FNV-1a of 64 bits.
    fn number(self) -> u32 {
        let (kind, of, key) = match self {
            Self::Value { plugin, key } => (0, plugin, key),
            Self::Nonce { security, nonce } => (1, security, nonce),
            Self::Reply { scope, key } => (2, scope, key),
            Self::Order { target, order_key } => (3, target, order_key),
            Self::Job { id } => (4, id, ""),
        };
        // No text has such a byte.
        let bytes = [kind].into_iter().chain(of.bytes()).chain([0xff]).chain(key.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        u32::try_from((hash ^ (hash >> 32)) % LOCKS).unwrap_or_default()
    }
}

/// Waits until these keys are the transaction's alone. All that it will need at once, or in the order of the
/// rows: else two may wait for each other, which the database ends.
pub(crate) fn lock<'k>(
    connection: &mut AnyConnection,
    keys: impl IntoIterator<Item = Key<'k>>,
) -> Result<(), Error> {
    if dialect::has_one_writer(connection) {
        return Ok(());
    }
    let numbers: BTreeSet<u32> = keys.into_iter().map(Key::number).collect();
    if numbers.is_empty() {
        return Ok(());
    }
    dialect::lock_keys(connection, &Vec::from_iter(numbers))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Key, LOCKS};

    #[test]
    fn a_key_has_the_same_row_in_all_versions() {
        let numbers = [
            Key::Value { plugin: "p", key: "k" },
            Key::Nonce { security: "p", nonce: "k" },
            Key::Reply { scope: "p", key: "k" },
            Key::Order { target: "p", order_key: "k" },
            Key::Job { id: "p" },
        ]
        .map(Key::number);
        assert_eq!(numbers, [2057, 438, 2638, 4057, 618]);
    }

    #[test]
    fn keys_spread_over_all_rows() {
        let keys: Vec<String> = (0..100_000).map(|number| format!("key-{number}")).collect();
        let numbers: BTreeSet<u32> =
            keys.iter().map(|key| Key::Value { plugin: "p", key }.number()).collect();
        assert!(numbers.len() as u64 == LOCKS, "{}", numbers.len());
    }
}
