//! Forgets, on the server that leads, what has had its time: expired values, kept replies, runs of jobs, deliveries that ended long ago.

use std::{sync::Arc, time::Duration};

use busbar_model::bounds::RUNS_KEPT_MS;
use busbar_store::{Fence, Sweeping};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{causes::chain, clock, singleton::Core};

const EVERY: Duration = Duration::from_secs(30);
/// Between the parts of a large sweep, so that others get their turn to write.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let Some(fence) = *core.fence.borrow() else { continue };
        if let Err(error) = sweep(&core, fence).await {
            tracing::warn!(error = %chain(&error), "what has had its time can't be deleted at present");
        }
    }
}

async fn sweep(core: &Core, fence: Fence) -> Result<(), busbar_store::Error> {
    let kept = &core.boot.settings.deliveries;
    loop {
        let now = clock::now();
        let before =
            |seconds: u64| now.plus_ms(-i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX));
        let sweeping = Sweeping {
            now,
            confirmed_before: before(kept.confirmed_kept_s),
            given_up_before: before(kept.given_up_kept_s),
            runs_before: now.plus_ms(-i64::try_from(RUNS_KEPT_MS).unwrap_or(i64::MAX)),
        };
        if !core.odb(move |odb| odb.sweep(fence, sweeping)).await? {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}
