//! The singleton's side of the feed: one connection per worker.

use std::{sync::Arc, time::Duration};

use busbar_model::bounds::FEED_PING_MS;
use tokio::{net::UnixStream, sync::mpsc, time::timeout};

use crate::{
    clock,
    control::{accepted, is_same_user, listen},
    feed::{self, Duty, Link, ToSingleton, ToWorker},
    singleton::Core,
};

/// How long a new connection may take to say who it is.
const HELLO_TIMEOUT: Duration = Duration::from_secs(2);
/// Commands that wait for one worker.
const COMMANDS_MAX: usize = 16;

pub(crate) async fn serve(core: Arc<Core>) -> anyhow::Result<()> {
    let listener = listen(&core.boot.layout.feed_socket(&core.boot.generation))?;
    tokio::spawn(count_regularly(Arc::clone(&core)));
    tokio::spawn(watch_workers(Arc::clone(&core)));
    loop {
        let Some((stream, _)) = accepted(listener.accept().await).await else { continue };
        if is_same_user(&stream) {
            let core = Arc::clone(&core);
            tokio::spawn(async move {
                if let Err(error) = feed_worker(&core, stream).await {
                    tracing::debug!(%error, "connection of a worker broke");
                }
            });
        }
    }
}

/// Keeps the sums near the truth, so that a worker that dies takes little with it, and shows workers
/// that the singleton lives.
async fn count_regularly(core: Arc<Core>) {
    let mut every = tokio::time::interval(Duration::from_millis(FEED_PING_MS));
    loop {
        every.tick().await;
        core.workers.ask_counts();
    }
}

/// What workers run decides whether deployments go on and whether all is settled.
async fn watch_workers(core: Arc<Core>) {
    let mut changes = core.workers.changes();
    while changes.changed().await.is_ok() {
        core.deploy.notify_one();
        core.show();
    }
}

async fn feed_worker(core: &Core, stream: UnixStream) -> std::io::Result<()> {
    let mut link = feed::link(stream);
    let hello = timeout(HELLO_TIMEOUT, feed::receive::<ToSingleton>(&mut link)).await;
    let Ok(Ok(Some(ToSingleton::Hello { slot, pid }))) = hello else { return Ok(()) };
    let (commands, receive_commands) = mpsc::channel(COMMANDS_MAX);
    let joined = core.workers.join(slot, pid, clock::now(), commands);
    let outcome = converse(core, (slot, pid), link, receive_commands).await;
    core.workers.leave(pid, joined);
    outcome
}

async fn converse(
    core: &Core,
    (slot, pid): (u32, u32),
    mut link: Link,
    mut commands: mpsc::Receiver<ToWorker>,
) -> std::io::Result<()> {
    let mut feed = core.feed.subscribe();
    let mut sent = Sent::default();
    let left = core.breakers.of(slot);
    if !left.is_empty() {
        feed::send(&mut link, &ToWorker::Breakers { left }).await?;
    }
    let now = feed.borrow_and_update().clone();
    sent.update(&mut link, &now).await?;
    loop {
        tokio::select! {
            changed = feed.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let now = feed.borrow_and_update().clone();
                sent.update(&mut link, &now).await?;
            }
            Some(command) = commands.recv() => feed::send(&mut link, &command).await?,
            message = feed::receive::<ToSingleton>(&mut link) => match message? {
                None => return Ok(()),
                Some(ToSingleton::Breakers { present }) => core.breakers.keep(slot, present),
                Some(message) => heard(core, pid, message),
            }
        }
    }
}

fn heard(core: &Core, pid: u32, message: ToSingleton) {
    match message {
        ToSingleton::Hello { .. } | ToSingleton::Breakers { .. } => {}
        ToSingleton::Applied { version, plugins } => core.workers.applied(pid, version, plugins),
        ToSingleton::Prepared { list, digest, problem } => core.workers.prepared(pid, list, digest, problem),
        ToSingleton::Counted { id, difference, load } => core.workers.counted(pid, id, difference, load),
        ToSingleton::Draining => core.workers.draining(pid),
    }
}

/// What one worker was told last.
#[derive(Default)]
struct Sent {
    catalog: Option<(String, i64)>,
    /// The list's number.
    prepare: u64,
    duty: Option<Duty>,
    /// How often the same catalog was to be loaded again.
    round: u64,
}

impl Sent {
    /// Tells what is new. What becomes active was prepared, so the catalog comes first: it is then
    /// held by it when it is prepared no more.
    async fn update(&mut self, link: &mut Link, now: &super::core::Feed) -> std::io::Result<()> {
        // Before the catalog: with the first one calls are taken.
        if let Some(duty) = now.duty.as_ref().filter(|duty| self.duty.as_ref() != Some(duty)) {
            feed::send(link, &ToWorker::Duty(duty.clone())).await?;
            self.duty = Some(duty.clone());
        }
        if let Some(definitions) = &now.catalog {
            let version = (definitions.incarnation.clone(), definitions.version);
            if self.catalog.as_ref() != Some(&version) || self.round != now.round {
                feed::send(link, &ToWorker::Catalog { definitions: Box::new((**definitions).clone()) })
                    .await?;
                (self.catalog, self.round) = (Some(version), now.round);
            }
        }
        if self.prepare != now.prepare.0 {
            feed::send(link, &ToWorker::Prepare { list: now.prepare.0, digests: now.prepare.1.clone() })
                .await?;
            self.prepare = now.prepare.0;
        }
        Ok(())
    }
}
