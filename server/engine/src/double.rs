//! The outside, as tests of the request path have it: all in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use busbar_model::{
    Secret, Security, Timestamp,
    security::Credential,
    unit::{CommitError, Entry, Key, ReplyKey, StoredReply, Unit},
};
use tokio::time::Instant;

use crate::ports::{KeyRange, Ledger, LedgerFuture, Opener, Unopened, Unreadable};

/// What is committed. Nothing more can be.
#[derive(Default)]
pub(crate) struct Committed(Mutex<BTreeMap<String, Entry>>);

impl Committed {
    pub(crate) fn with(keys: impl IntoIterator<Item = (String, &'static str)>) -> Arc<dyn Ledger> {
        let entry = |value: &str| Entry { value: value.as_bytes().to_vec(), version: 7 };
        let entries = keys.into_iter().map(|(key, value)| (key, entry(value)));
        Arc::new(Self(Mutex::new(entries.collect())))
    }
}

impl Ledger for Committed {
    fn now(&self) -> Timestamp {
        Timestamp(1_000)
    }

    fn new_id(&self) -> String {
        "id".to_owned()
    }

    fn get(&self, key: Key) -> LedgerFuture<Result<Option<Entry>, Unreadable>> {
        let found = self.0.lock().unwrap().get(&key.key).cloned();
        Box::pin(async { Ok(found) })
    }

    fn list(&self, range: KeyRange) -> LedgerFuture<Result<Vec<(String, Entry)>, Unreadable>> {
        let all = self.0.lock().unwrap().clone().into_iter();
        let after = range.after.unwrap_or_default();
        let found = all.filter(move |(key, _)| key.starts_with(&range.prefix) && *key > after);
        let found: Vec<_> = found.take(range.limit as usize).collect();
        Box::pin(async { Ok(found) })
    }

    fn reply(&self, _: ReplyKey) -> LedgerFuture<Result<Option<StoredReply>, Unreadable>> {
        Box::pin(async { Err(Unreadable) })
    }

    fn commit(&self, _: Unit, _: Instant) -> LedgerFuture<Result<(), CommitError>> {
        Box::pin(async { Err(CommitError::Busy) })
    }
}

/// Ciphertexts are the values.
pub(crate) struct Plain;

impl Opener for Plain {
    fn open(&self, secret: &Secret) -> Result<String, Unopened> {
        match &*secret.sealed.ciphertext {
            [] => Err(Unopened("it is empty".to_owned())),
            bytes => Ok(String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    fn open_password(&self, security: &Security) -> Result<String, Unopened> {
        match &security.credential {
            Credential::WsSecurity { password, .. } => {
                Ok(String::from_utf8_lossy(&password.ciphertext).into_owned())
            }
            _ => Err(Unopened("it has no password".to_owned())),
        }
    }
}
