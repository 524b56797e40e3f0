//! What ticks.

use std::{sync::Arc, time::Duration};

use busbar_model::bounds::JOB_TICK_MS;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler};

/// A beat, about once a second.
pub(super) trait Ticks: Sized {
    fn start() -> impl Future<Output = anyhow::Result<Self>>;

    /// Returns at the next beat; several that nobody waited for are one.
    fn tick(&mut self) -> impl Future<Output = ()>;

    fn stop(self) -> impl Future<Output = ()>;
}

/// One repeated job of tokio-cron-scheduler. It goes by the system's clock: where that is set back, it is silent.
pub(super) struct Cron {
    scheduler: JobScheduler,
    beat: Arc<Notify>,
}

impl Ticks for Cron {
    async fn start() -> anyhow::Result<Self> {
        let beat = Arc::new(Notify::new());
        let told = Arc::clone(&beat);
        let scheduler = JobScheduler::new().await?;
        let every = Duration::from_millis(JOB_TICK_MS);
        scheduler.add(Job::new_repeated(every, move |_, _| told.notify_one())?).await?;
        scheduler.start().await?;
        Ok(Self { scheduler, beat })
    }

    async fn tick(&mut self) {
        self.beat.notified().await;
    }

    async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!(%error, "a clockwork could not be stopped");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::{Cron, Ticks as _};

    #[tokio::test]
    async fn beats_until_it_is_stopped() {
        let mut cron = Cron::start().await.unwrap();
        let beat = cron.beat.clone();
        for _ in 0..2 {
            timeout(Duration::from_secs(10), cron.tick()).await.unwrap();
        }
        cron.stop().await;
        // One may have been under way.
        let _ = timeout(Duration::from_millis(1_500), beat.notified()).await;
        assert!(timeout(Duration::from_millis(2_500), beat.notified()).await.is_err());
    }
}
