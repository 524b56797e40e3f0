//! What is counted in the ODB for whoever reads metrics, and no oftener than that is worth: deliveries in each
//! state, and how runs of jobs ended.

use std::time::Duration;

use busbar_model::{bounds::JOB_SERIES_MAX, delivery::DeliveryState};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{causes::chain, singleton::Core};

/// How long a count is good for.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// Metrics without this count are better than none.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Default)]
pub(crate) struct Counts {
    pub(crate) deliveries: Vec<(DeliveryState, u64)>,
    /// By job: success, failure, skipped. The others together are without a name.
    pub(crate) runs: Vec<(String, [u64; 3])>,
}

#[derive(Default)]
pub(crate) struct OdbCounts(Mutex<Option<(Instant, Counts)>>);

impl OdbCounts {
    /// Nothing where the ODB can't be asked at present.
    pub(crate) async fn get(&self, core: &Core) -> Counts {
        let mut known = self.0.lock().await;
        if let Some((at, counts)) = &*known
            && at.elapsed() < GOOD_FOR
        {
            return counts.clone();
        }
        let count = core.odb(|odb| {
            Ok(Counts { deliveries: odb.delivery_counts()?, runs: odb.run_counts(JOB_SERIES_MAX)? })
        });
        let counts = match timeout(PATIENCE, count).await {
            Ok(Ok(counts)) => counts,
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "deliveries and runs can't be counted at present");
                Counts::default()
            }
            Err(_) => {
                tracing::warn!("deliveries and runs could not be counted in time");
                Counts::default()
            }
        };
        *known = Some((Instant::now(), counts.clone()));
        counts
    }
}
