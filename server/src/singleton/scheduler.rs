//! Fires jobs, on the server that leads: each second what is due becomes runs, which any worker attempts. Times are reckoned and kept in the
//! ODB; what ticks is only told apart from what does not.

mod clockwork;
mod lateness;

use std::{sync::Arc, time::Duration};

use busbar_model::bounds::{JOB_TICK_MS, JOB_TICK_SILENT_MS};
use busbar_store::Error;
use tokio::time::{sleep, timeout};

use self::clockwork::{Cron, Ticks};
pub(crate) use self::lateness::{BUCKETS_MS, Counts as LatenessCounts, Lateness};
use crate::{causes::chain, clock, singleton::Core};

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let silent = Duration::from_millis(JOB_TICK_SILENT_MS);
    tick::<Cron, _>(silent, || look(&core)).await;
    Ok(())
}

/// Has `look` done at each tick. A clockwork that is silent is built anew.
async fn tick<T: Ticks, F: Future<Output = ()>>(silent: Duration, mut look: impl FnMut() -> F) {
    loop {
        match timeout(silent, T::start()).await.map_err(anyhow::Error::from).flatten() {
            Ok(mut ticks) => {
                while timeout(silent, ticks.tick()).await.is_ok() {
                    look().await;
                }
                tracing::warn!("the clockwork of jobs was silent; it is built anew");
                ticks.stop().await;
            }
            Err(error) => {
                tracing::error!(%error, "the clockwork of jobs can't be started");
                sleep(Duration::from_millis(JOB_TICK_MS)).await;
            }
        }
        // What was due in the silence.
        look().await;
    }
}

/// Fires all that is due, a part of it after the other.
async fn look(core: &Core) {
    loop {
        let Some(fence) = *core.fence.borrow() else { return };
        let now = clock::now();
        match core.odb(move |odb| odb.fire_jobs(fence, now)).await {
            Ok(fired) => {
                if !fired.late_ms.is_empty() {
                    core.lateness.record(&fired.late_ms);
                    core.workers.wake_senders();
                }
                if !fired.more {
                    return;
                }
            }
            // Another server does it.
            Err(Error::Fenced) => return,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "jobs can't be fired at present");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use tokio::time::timeout;

    use super::{clockwork::Ticks, tick};

    static STARTED: AtomicUsize = AtomicUsize::new(0);

    /// Ticks three times and then no more.
    struct Dying(usize);

    impl Ticks for Dying {
        async fn start() -> anyhow::Result<Self> {
            match STARTED.fetch_add(1, Ordering::SeqCst) {
                1 => anyhow::bail!("not this time"),
                _ => Ok(Self(3)),
            }
        }

        async fn tick(&mut self) {
            match self.0.checked_sub(1) {
                Some(left) => self.0 = left,
                None => std::future::pending().await,
            }
        }

        async fn stop(self) {}
    }

    #[tokio::test]
    async fn a_clockwork_that_falls_silent_is_built_anew() {
        let looks = AtomicUsize::new(0);
        let enough = tokio::sync::Notify::new();
        let look = || async {
            if looks.fetch_add(1, Ordering::SeqCst) == 20 {
                enough.notify_one();
            }
        };
        let ticking = tick::<Dying, _>(Duration::from_millis(10), look);
        tokio::select! {
            () = ticking => panic!("it ends never"),
            ended = timeout(Duration::from_secs(30), enough.notified()) => ended.unwrap(),
        }
        assert!(STARTED.load(Ordering::SeqCst) > 4, "{STARTED:?}");
    }
}
