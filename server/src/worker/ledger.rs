//! The worker's way to the ODB: reads for services, commits of their units of work.

use std::sync::{Arc, Mutex, PoisonError};

use busbar_engine::ports::{KeyRange, Ledger, LedgerFuture, Unreadable};
use busbar_model::{
    Timestamp,
    unit::{CommitError, Entry, Key, ReplyKey, StoredReply, Unit},
};
use busbar_store::{Committer, Error, Odb, Range, new_id};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout_at},
};

use crate::{causes::chain, clock};

/// ODB connections of a worker: one commits, the others read.
const CONNECTIONS_MAX: u32 = 5;

/// Opened when it is first needed: a worker serves what needs no ODB without one.
pub(crate) struct OdbLedger {
    url: String,
    opened: Mutex<Option<Arc<Opened>>>,
    /// There may be something to deliver.
    pub(crate) deliver: Notify,
}

struct Opened {
    odb: Odb,
    committer: Committer,
}

impl OdbLedger {
    pub(crate) fn new(url: String) -> Arc<Self> {
        Arc::new(Self { url, opened: Mutex::default(), deliver: Notify::new() })
    }

    fn known(&self) -> Option<Arc<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Blocks.
    fn open(&self) -> Result<Arc<Opened>, Error> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(Arc::clone(opened));
        }
        let odb = Odb::open(&self.url, CONNECTIONS_MAX)?;
        let committer = Committer::start(&odb, clock::now)
            .map_err(|source| Error::File { path: self.url.clone().into(), source })?;
        let new = Arc::new(Opened { odb, committer });
        *opened = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Runs a piece of ODB work where it may block.
    pub(crate) async fn odb<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Odb) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(&this.open()?.odb)).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn read<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Odb) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Unreadable> {
        self.odb(work).await.map_err(|error| {
            tracing::error!(error = %chain(&error), "what services keep can't be read");
            Unreadable
        })
    }

    async fn opened(self: &Arc<Self>) -> Result<Arc<Opened>, CommitError> {
        if let Some(opened) = self.known() {
            return Ok(opened);
        }
        let this = Arc::clone(self);
        let opened = tokio::task::spawn_blocking(move || this.open()).await;
        let opened = opened.map_err(|error| CommitError::Unavailable(error.to_string()))?;
        opened.map_err(|error| CommitError::Unavailable(chain(&error)))
    }

    async fn commit(self: Arc<Self>, unit: Unit, deadline: Instant) -> Result<(), CommitError> {
        let delivers = !unit.effects.deliveries.is_empty();
        let opened = self.opened().await?;
        let (done, mut outcome) = oneshot::channel();
        let ticket = opened.committer.submit(unit, move |result| {
            // Nobody waits where the caller has gone; it is committed all the same.
            let _ = done.send(result);
        });
        let ended = || Err(CommitError::Unavailable("the committer ended".to_owned()));
        let result = match timeout_at(deadline, &mut outcome).await {
            Ok(result) => result.unwrap_or_else(|_| ended()),
            Err(_) if ticket.withdraw() => Err(CommitError::Busy),
            // It is being committed: the outcome is near, and nobody is told another one.
            Err(_) => outcome.await.unwrap_or_else(|_| ended()),
        };
        if delivers && result.is_ok() {
            self.deliver.notify_one();
        }
        result
    }
}

/// The pipeline's hold on it.
pub(crate) struct Port(pub(crate) Arc<OdbLedger>);

impl Ledger for Port {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn new_id(&self) -> String {
        new_id(clock::now())
    }

    fn get(&self, key: Key) -> LedgerFuture<Result<Option<Entry>, Unreadable>> {
        Box::pin(Arc::clone(&self.0).read(move |odb| odb.kv(&key, clock::now())))
    }

    fn list(&self, range: KeyRange) -> LedgerFuture<Result<Vec<(String, Entry)>, Unreadable>> {
        let KeyRange { plugin, prefix, after, limit } = range;
        let range = Range { plugin, prefix, after, limit };
        Box::pin(Arc::clone(&self.0).read(move |odb| odb.kv_range(&range, clock::now())))
    }

    fn reply(&self, key: ReplyKey) -> LedgerFuture<Result<Option<StoredReply>, Unreadable>> {
        Box::pin(Arc::clone(&self.0).read(move |odb| odb.reply(&key, clock::now())))
    }

    fn commit(&self, unit: Unit, deadline: Instant) -> LedgerFuture<Result<(), CommitError>> {
        Box::pin(Arc::clone(&self.0).commit(unit, deadline))
    }
}
