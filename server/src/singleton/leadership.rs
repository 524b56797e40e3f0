//! One server of the cluster leads: it fires jobs and sweeps. The lease stands in the ODB; this keeps it, or waits
//! for it.
//!
//! No clock is compared with another machine's. Who leads renews the lease, and stops when it could not for
//! `LEASE_HELD_MS` of its own clock; who waits takes it when it saw no change for `LEASE_SILENT_MS` of its own, which
//! is longer. Both clocks go on while a machine sleeps. Should an owner be away and not know it, its fence tells.

use std::{sync::Arc, time::Duration};

use busbar_model::bounds::{HEARTBEAT_DEAD_MS, LEASE_HELD_MS, LEASE_LOOK_MS, LEASE_SILENT_MS};
use busbar_store::{Error, Fence, Lease};
use tokio::time::{sleep, timeout};

use crate::{causes::chain, clock, singleton::Core};

/// A database that is away does not keep a server from ending.
const DEPART_PATIENCE: Duration = Duration::from_secs(2);

/// Never returns; what it holds is in `Core::fence`.
pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let mut waiting = Waiting::default();
    loop {
        let fence = match look(&core, &mut waiting).await {
            Ok(Some(fence)) => fence,
            Ok(None) => {
                sleep(Duration::from_millis(LEASE_LOOK_MS)).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the lease can't be looked at at present");
                sleep(Duration::from_millis(LEASE_LOOK_MS)).await;
                continue;
            }
        };
        core.fence.send_replace(Some(fence));
        tracing::info!(server = core.boot.server_name, fence = fence.number(), "this server leads");
        let reason = hold(&core, fence).await;
        core.fence.send_replace(None);
        tracing::warn!(
            server = core.boot.server_name,
            fence = fence.number(),
            reason,
            "this server leads no more"
        );
        waiting = Waiting::default();
    }
}

/// The server ends: another one leads at once, and nobody waits for this one.
pub(crate) async fn depart(core: &Core) {
    let (fence, id) = (core.fence.send_replace(None), core.boot.server_id.clone());
    let departing = core.odb(move |odb| {
        if let Some(fence) = fence {
            odb.give_up_lease(fence)?;
        }
        odb.depart(&id, clock::now(), HEARTBEAT_DEAD_MS)
    });
    match timeout(DEPART_PATIENCE, departing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = %chain(&error), "the cluster could not be told that this server ends")
        }
        Err(_) => tracing::warn!("the cluster could not be told in time that this server ends"),
    }
}

/// What a candidate saw last, and since when.
#[derive(Default)]
struct Waiting {
    seen: Option<(Lease, Duration)>,
}

impl Waiting {
    /// Whether the lease may be taken, `now` of a clock that never stops.
    fn may_take(&mut self, lease: &Lease, owner: &str, now: Duration) -> bool {
        // Given up; or of an earlier process of this server, of which one at a time leads it.
        if lease.owner.is_empty() || lease.owner == owner {
            return true;
        }
        match &self.seen {
            Some((seen, since)) if seen == lease => {
                now.saturating_sub(*since) >= Duration::from_millis(LEASE_SILENT_MS)
            }
            _ => {
                self.seen = Some((lease.clone(), now));
                false
            }
        }
    }
}

async fn look(core: &Core, waiting: &mut Waiting) -> Result<Option<Fence>, Error> {
    let lease = core.odb(|odb| odb.lease()).await?;
    let owner = core.boot.server_id.clone();
    let may_take = lease.as_ref().is_none_or(|lease| waiting.may_take(lease, &owner, clock::boot_time()));
    if !may_take {
        return Ok(None);
    }
    core.odb(move |odb| odb.take_lease(&owner, lease.as_ref(), clock::now())).await
}

/// Renews until that fails for too long; says why it ended.
async fn hold(core: &Core, fence: Fence) -> &'static str {
    let mut renewed = clock::boot_time();
    loop {
        sleep(Duration::from_millis(LEASE_LOOK_MS)).await;
        // Before the database is asked: it may have taken long to be woken.
        let begun = clock::boot_time();
        if begun.saturating_sub(renewed) >= Duration::from_millis(LEASE_HELD_MS) {
            return "it was not renewed in time";
        }
        let left = Duration::from_millis(LEASE_HELD_MS).saturating_sub(begun.saturating_sub(renewed));
        let renewing = core.odb(move |odb| odb.renew_lease(fence, clock::now()));
        match timeout(left, renewing).await {
            Err(_) => return "it was not renewed in time",
            Ok(Ok(())) => renewed = begun,
            Ok(Err(Error::Fenced)) => return "another server took it",
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "the lease can't be renewed at present");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use busbar_model::bounds::{LEASE_HELD_MS, LEASE_SILENT_MS};
    use busbar_store::Lease;

    use super::Waiting;

    fn lease(owner: &str, fence: i64, renewal: i64) -> Lease {
        Lease { owner: owner.to_owned(), fence, renewal }
    }

    #[test]
    fn a_lease_is_taken_after_a_silence_that_outlasts_its_owner() {
        const { assert!(LEASE_SILENT_MS > LEASE_HELD_MS) };
        let (mut waiting, ms) = (Waiting::default(), Duration::from_millis);
        assert!(!waiting.may_take(&lease("b", 1, 0), "a", ms(1_000)));
        assert!(!waiting.may_take(&lease("b", 1, 0), "a", ms(1_000 + LEASE_SILENT_MS - 1)));
        assert!(!waiting.may_take(&lease("b", 1, 1), "a", ms(1_000 + LEASE_SILENT_MS)), "it was renewed");
        assert!(!waiting.may_take(&lease("b", 2, 1), "a", ms(1_000 + 2 * LEASE_SILENT_MS)), "it passed on");
        assert!(waiting.may_take(&lease("b", 2, 1), "a", ms(1_000 + 3 * LEASE_SILENT_MS)));
    }

    #[test]
    fn what_nobody_has_or_had_here_is_taken_at_once() {
        let now = Duration::from_secs(1);
        assert!(Waiting::default().may_take(&lease("", 4, 9), "a", now));
        assert!(Waiting::default().may_take(&lease("a", 4, 9), "a", now));
    }
}
