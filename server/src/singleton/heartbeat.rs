//! Tells the ODB, and so everyone, that this server lives and what its workers run.

use std::{sync::Arc, time::Duration};

use busbar_model::{
    bounds::{HEARTBEAT_DEAD_MS, HEARTBEAT_MS},
    server::{Condition, Server, Wanted},
};
use busbar_store::{Error, Odb};
use tokio::time::{sleep, timeout};

use crate::{causes::chain, clock, singleton::Core};

/// Changes that come together are written together.
const GATHER: Duration = Duration::from_millis(10);

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let started_at = clock::now();
    let (mut changes, mut standings) = (core.workers.changes(), core.standing.subscribe());
    loop {
        let change = *changes.borrow_and_update();
        let server = Server {
            id: core.boot.server_id.clone(),
            name: core.boot.server_name.parse()?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at,
            heartbeat_at: clock::now(),
            engine: core.artifacts.fingerprint().to_owned(),
            standing: standings.borrow_and_update().clone(),
            workers: core.workers.list(),
        };
        match core.odb(move |odb| tell(odb, &server)).await {
            Ok((wanted, others_ready)) => {
                core.set_written(change);
                core.circumstances(|now| {
                    (now.wanted, now.others_ready, now.namesake) = (wanted, others_ready, false);
                });
                core.stand.notify_one();
            }
            Err(error @ Error::LiveNamesake { .. }) => {
                tracing::error!(error = %chain(&error), "this server takes no calls: set server.name");
                core.circumstances(|now| now.namesake = true);
                core.stand.notify_one();
            }
            Err(error) => tracing::warn!(error = %chain(&error), "heartbeat could not be written"),
        }
        let changed = async {
            tokio::select! {
                _ = changes.changed() => {}
                _ = standings.changed() => {}
                () = core.beat.notified() => {}
            }
        };
        if timeout(Duration::from_millis(HEARTBEAT_MS), changed).await.is_ok() {
            sleep(GATHER).await;
        }
    }
}

/// What is wanted of the server, and whether another one takes calls.
fn tell(odb: &Odb, server: &Server) -> Result<(Wanted, bool), Error> {
    let wanted = odb.heartbeat(server, HEARTBEAT_DEAD_MS)?;
    // Only for who is behind does it matter.
    let others_ready = server.standing.condition == Condition::Behind
        && odb.servers()?.iter().any(|other| {
            other.id != server.id
                && other.is_live(server.heartbeat_at, HEARTBEAT_DEAD_MS)
                && other.standing.condition == Condition::Ready
        });
    Ok((wanted, others_ready))
}
