//! The worker's side of the feed: takes catalogs, tells what it runs and counted. When the singleton
//! is silent it asks the ODB itself.

use std::{sync::Arc, time::Duration};

use busbar_model::{
    bounds::{FEED_SILENT_MS, ODB_POLL_MS},
    server::Load,
};
use busbar_store::Odb;
use tokio::{
    net::UnixStream,
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    boot::Boot,
    control::Control,
    feed::{self, Duty, Link, ToSingleton, ToWorker},
    worker::{
        catalog::{Applied, Keeper},
        ledger::OdbLedger,
        ways::Ways,
    },
};

const RECONNECT_AFTER: Duration = Duration::from_millis(50);

/// Lets others wait for the first catalog, and for an end that is not to come.
pub(crate) struct Reporting {
    /// Catalogs that were applied: how many.
    pub(crate) applied: watch::Receiver<u64>,
    pub(crate) task: JoinHandle<()>,
}

/// Returns once there is a catalog.
pub(crate) async fn first_catalog(mut applied: watch::Receiver<u64>) {
    if applied.wait_for(|applied| *applied > 0).await.is_err() {
        // The task is gone, which its handle tells.
        std::future::pending().await
    }
}

pub(crate) fn start(
    boot: &Boot,
    keeper: Keeper,
    control: Control,
    drain: watch::Receiver<bool>,
    load: Box<dyn Fn() -> Load + Send>,
    (ledger, duty): (Arc<OdbLedger>, watch::Sender<Duty>),
    ways: Ways,
) -> Reporting {
    let (first, applied) = watch::channel(0);
    let (boot, last, odb) = (boot.clone(), None, None);
    let task = Task { boot, keeper, control, drain, load, ledger, duty, ways, first, last, odb };
    Reporting { applied, task: tokio::spawn(task.run()) }
}

struct Task {
    boot: Boot,
    keeper: Keeper,
    control: Control,
    drain: watch::Receiver<bool>,
    load: Box<dyn Fn() -> Load + Send>,
    ledger: Arc<OdbLedger>,
    duty: watch::Sender<Duty>,
    ways: Ways,
    first: watch::Sender<u64>,
    last: Option<Applied>,
    /// Opened only when the singleton is silent.
    odb: Option<Odb>,
}

impl Task {
    async fn run(mut self) {
        let silent_after = Duration::from_millis(FEED_SILENT_MS);
        let mut heard = tokio::time::Instant::now();
        loop {
            match UnixStream::connect(self.boot.layout.feed_socket(&self.boot.generation)).await {
                Ok(stream) => {
                    if let Err(error) = self.follow(feed::link(stream), &mut heard).await {
                        tracing::debug!(%error, "singleton is gone");
                    }
                }
                Err(_) => sleep(RECONNECT_AFTER).await,
            }
            if heard.elapsed() > silent_after {
                self.ask_odb().await;
                heard = tokio::time::Instant::now() - silent_after + Duration::from_millis(ODB_POLL_MS);
            }
        }
    }

    /// Follows one connection until it breaks or falls silent.
    async fn follow(&mut self, mut link: Link, heard: &mut tokio::time::Instant) -> std::io::Result<()> {
        let hello = ToSingleton::Hello { slot: self.boot.slot, pid: std::process::id() };
        feed::send(&mut link, &hello).await?;
        if let Some(applied) = self.last.clone() {
            feed::send(&mut link, &said(applied)).await?;
        }
        let (mut drain, mut breakers) = (self.drain.clone(), self.ways.breakers().changes());
        if self.last.is_some() {
            // What changed while nobody listened.
            let present = breakers.borrow_and_update().clone();
            feed::send(&mut link, &ToSingleton::Breakers { present }).await?;
        }
        let mut told_drain = false;
        loop {
            let message = tokio::select! {
                message = timeout(Duration::from_millis(FEED_SILENT_MS), feed::receive::<ToWorker>(&mut link)) => message,
                () = drained(&mut drain), if !told_drain => {
                    told_drain = true;
                    feed::send(&mut link, &ToSingleton::Draining).await?;
                    continue;
                }
                // At once: who dies in the next moment leaves it to its successor.
                Ok(()) = breakers.changed() => {
                    let present = breakers.borrow_and_update().clone();
                    feed::send(&mut link, &ToSingleton::Breakers { present }).await?;
                    continue;
                }
            };
            let Some(message) = message.map_err(|_| std::io::Error::other("silent"))?? else { return Ok(()) };
            *heard = tokio::time::Instant::now();
            self.odb = None;
            self.obey(&mut link, message).await?;
        }
    }

    async fn obey(&mut self, link: &mut Link, message: ToWorker) -> std::io::Result<()> {
        match message {
            ToWorker::Catalog { definitions } => {
                let newer = self.last.clone().filter(|last| {
                    last.incarnation == definitions.incarnation && last.version > definitions.version
                });
                // The ODB, asked while the singleton was silent, may have told more than it knows yet.
                let applied = newer.unwrap_or_else(|| self.apply(*definitions));
                feed::send(link, &said(applied)).await
            }
            ToWorker::Prepare { list, digests } => {
                for (digest, problem) in self.keeper.prepare(&digests) {
                    feed::send(link, &ToSingleton::Prepared { list, digest, problem }).await?;
                }
                Ok(())
            }
            ToWorker::Count { id } => {
                let difference = self.keeper.pipeline().metrics().take();
                let load = (self.load)();
                feed::send(link, &ToSingleton::Counted { id, difference, load }).await
            }
            ToWorker::Deliver => {
                self.ledger.deliver.notify_one();
                Ok(())
            }
            ToWorker::Breakers { left } => {
                // Once only: afterwards it knows better itself.
                if self.last.is_none() {
                    self.ways.breakers().take_over(left);
                }
                Ok(())
            }
            ToWorker::Duty(duty) => {
                self.duty.send_replace(duty);
                Ok(())
            }
        }
    }

    fn apply(&mut self, definitions: busbar_model::Definitions) -> Applied {
        let applied = self.keeper.apply(definitions);
        self.control.update(|status| status.catalog_version = applied.version);
        self.last = Some(applied.clone());
        self.first.send_modify(|applied| *applied += 1);
        applied
    }

    /// What can't be loaded for want of a singleton that compiles it does not take the place of what can.
    fn take_alone(&mut self, definitions: busbar_model::Definitions) {
        if self.last.is_some() && !self.keeper.can_load(&definitions) {
            let version = definitions.version;
            tracing::warn!(
                version,
                "singleton is silent and has not compiled what is active; what is loaded is served on"
            );
            return;
        }
        self.apply(definitions);
        self.duty.send_if_modified(|duty| {
            let untold = *duty == Duty::at_first();
            if untold {
                *duty = Duty::alone();
            }
            untold
        });
    }

    /// The ODB is the truth, with or without a singleton.
    async fn ask_odb(&mut self) {
        let (url, odb, last) = (self.boot.odb_url.clone(), self.odb.take(), self.last.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let odb = match odb {
                Some(odb) => odb,
                None => Odb::open(&url, 1)?,
            };
            let head = odb.head()?;
            let known =
                last.is_some_and(|last| last.incarnation == head.incarnation && last.version == head.version);
            let definitions = if known { None } else { Some(odb.definitions()?) };
            Ok::<_, busbar_store::Error>((odb, definitions))
        });
        match asked.await {
            Ok(Ok((odb, definitions))) => {
                self.odb = Some(odb);
                if let Some(definitions) = definitions {
                    self.take_alone(definitions);
                }
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "singleton is silent and the ODB can't be read; what is loaded is served on")
            }
            Err(error) => tracing::error!(%error, "reading the ODB ended badly"),
        }
    }
}

/// Returns when the worker drains.
async fn drained(drain: &mut watch::Receiver<bool>) {
    if drain.wait_for(|draining| *draining).await.is_err() {
        std::future::pending().await
    }
}

fn said(applied: Applied) -> ToSingleton {
    ToSingleton::Applied { version: applied.version, plugins: applied.plugins }
}
