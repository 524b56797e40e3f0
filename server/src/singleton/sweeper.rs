//! Forgets, on the server that leads, what has had its time: expired values, kept replies, runs of jobs, deliveries that ended long ago.

use std::{sync::Arc, time::Duration};

use busbar_model::bounds::RUNS_KEPT_MS;
use busbar_store::{Fence, Sweeping};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{causes::chain, clock, singleton::Core};

/// This server's artifacts are looked at each so many times.
const TICKS_OF_CACHE: u32 = 10;
const EVERY: Duration = Duration::from_secs(30);
/// Between the parts of a large sweep, so that others get their turn to write.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ticks = 0_u32;
    loop {
        every.tick().await;
        if ticks.is_multiple_of(TICKS_OF_CACHE)
            && let Err(error) = tidy_cache(&core).await
        {
            tracing::warn!(error = format!("{error:#}"), "old artifacts can't be deleted at present");
        }
        ticks = ticks.wrapping_add(1);
        let Some(fence) = *core.fence.borrow() else { continue };
        if let Err(error) = sweep(&core, fence).await {
            tracing::warn!(error = %chain(&error), "what has had its time can't be deleted at present");
        }
    }
}

/// Versions that another server of the cluster forgot leave nothing behind here.
async fn tidy_cache(core: &Core) -> anyhow::Result<()> {
    // In this order: what is received in between is not among them.
    let here = core.artifacts.list()?;
    let kept = core.odb(|odb| odb.artifact_digests()).await?;
    for digest in here.iter().filter(|digest| !kept.contains(digest)) {
        std::fs::remove_file(core.artifacts.path(digest))?;
    }
    Ok(())
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
