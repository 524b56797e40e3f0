//! Tells the ODB, and so everyone, that this server lives and what its workers run.

use std::{sync::Arc, time::Duration};

use busbar_model::{bounds::HEARTBEAT_MS, server::Server};
use tokio::time::{sleep, timeout};

use crate::{causes::chain, clock, singleton::Core};

/// Changes that come together are written together.
const GATHER: Duration = Duration::from_millis(10);

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let started_at = clock::now();
    let mut changes = core.workers.changes();
    loop {
        let change = *changes.borrow_and_update();
        let server = Server {
            id: core.boot.server_id.clone(),
            name: core.boot.server_name.parse()?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at,
            heartbeat_at: clock::now(),
            engine: core.artifacts.fingerprint().to_owned(),
            workers: core.workers.list(),
        };
        match core.odb(move |odb| odb.heartbeat(&server)).await {
            Ok(()) => core.set_written(change),
            Err(error) => tracing::warn!(error = %chain(&error), "heartbeat could not be written"),
        }
        if timeout(Duration::from_millis(HEARTBEAT_MS), changes.changed()).await.is_ok() {
            sleep(GATHER).await;
        }
    }
}
