//! How many deliveries there are in each state, counted for whoever reads metrics, and no oftener than that is
//! worth.

use std::time::Duration;

use busbar_model::delivery::DeliveryState;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{causes::chain, singleton::Core};

/// How long a count is good for.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// Metrics without this count are better than none.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) type Counts = Vec<(DeliveryState, u64)>;

#[derive(Default)]
pub(crate) struct DeliveryCounts(Mutex<Option<(Instant, Counts)>>);

impl DeliveryCounts {
    /// Nothing where the ODB can't be asked at present.
    pub(crate) async fn get(&self, core: &Core) -> Counts {
        let mut known = self.0.lock().await;
        if let Some((at, counts)) = &*known
            && at.elapsed() < GOOD_FOR
        {
            return counts.clone();
        }
        let counts = match timeout(PATIENCE, core.odb(|odb| odb.delivery_counts())).await {
            Ok(Ok(counts)) => counts,
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "deliveries can't be counted at present");
                Counts::new()
            }
            Err(_) => {
                tracing::warn!("deliveries could not be counted in time");
                Counts::new()
            }
        };
        *known = Some((Instant::now(), counts.clone()));
        counts
    }
}
