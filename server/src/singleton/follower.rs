//! Follows the ODB: on a hint, and every two seconds without one.

use std::{sync::Arc, time::Duration};

use busbar_model::{Definitions, bounds::ODB_POLL_MS};
use tokio::{
    net::UnixDatagram,
    time::{Instant, timeout},
};

use crate::{
    causes::chain,
    singleton::{Core, compiler},
};

/// What is active and could not be compiled is tried again after this.
const LACKING_AGAIN: Duration = Duration::from_secs(15);

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let (mut known, mut tried) = (None, Instant::now());
    let mut lacking = false;
    loop {
        match news(&core, known.as_ref()).await {
            Ok(Some((head, definitions))) => {
                (lacking, tried) = (!ensure_artifacts(&core, &definitions).await, Instant::now());
                known = Some(head);
                core.feed.send_modify(|feed| feed.catalog = Some(Arc::new(definitions)));
                core.stand.notify_one();
                // Another server may have changed what this one waits for.
                core.deploy.notify_one();
                core.put_away.notify_one();
                core.beat.notify_one();
                core.show();
            }
            Ok(None) if lacking && tried.elapsed() >= LACKING_AGAIN => {
                let catalog = core.feed.borrow().catalog.clone();
                if let Some(definitions) = catalog {
                    (lacking, tried) = (!ensure_artifacts(&core, &definitions).await, Instant::now());
                }
                if !lacking {
                    core.feed.send_modify(|feed| feed.round += 1);
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(error = %chain(&error), "ODB can't be read; what is loaded is served on")
            }
        }
        let _ = timeout(Duration::from_millis(ODB_POLL_MS), core.follow.notified()).await;
    }
}

type Known = (String, i64);

async fn news(
    core: &Core,
    known: Option<&Known>,
) -> Result<Option<(Known, Definitions)>, busbar_store::Error> {
    let known = known.cloned();
    core.odb(move |odb| {
        let head = odb.head()?;
        if known.as_ref() == Some(&(head.incarnation, head.version)) {
            return Ok(None);
        }
        let definitions = odb.definitions()?;
        Ok(Some(((definitions.incarnation.clone(), definitions.version), definitions)))
    })
    .await
}

/// Workers load artifacts and never compile: what is active must have one, also after an update of
/// the engine or where the cache was deleted. Tells whether nothing is missing.
async fn ensure_artifacts(core: &Arc<Core>, definitions: &Definitions) -> bool {
    let mut complete = true;
    for plugin in &definitions.plugins {
        let Some(active) = &plugin.active else { continue };
        if !core.artifacts.has(&active.digest)
            && let Err(error) = compiler::compile(core, active.digest, plugin.name.clone()).await
        {
            tracing::error!(plugin = %plugin.name, digest = %active.digest, %error, "active plugin can't be compiled here");
            complete = false;
        }
    }
    complete
}

/// Processes of this machine that changed the ODB say so with a datagram, whatever it holds.
pub(crate) async fn listen_for_hints(core: Arc<Core>) -> anyhow::Result<()> {
    let path = core.boot.layout.hint_socket();
    let _ = std::fs::remove_file(&path);
    let socket = match UnixDatagram::bind(&path) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::warn!(%error, "hints can't be heard; the ODB is polled");
            return std::future::pending().await;
        }
    };
    let mut hint = [0; 64];
    loop {
        socket.recv(&mut hint).await?;
        core.look();
        core.deaths.notify_one();
        // Someone may have asked for a run, or for another attempt.
        core.workers.wake_senders();
    }
}
