//! Whether a broker lets one in.

use std::time::Duration;

use tokio::time::Instant;

use crate::{connect::connect, endpoint::Endpoint, reason::Reason};

/// Connects as a link does, with TLS, credentials and virtual host, opens a channel, and leaves again. The result is
/// how long that took; it ends after 15 s at the latest.
///
/// # Errors
/// Why it can't be done. An endpoint that no link would start with is not looked at further.
pub async fn ping(endpoint: &Endpoint) -> Result<Duration, Reason> {
    let begun = Instant::now();
    let session = connect(endpoint, 0).await?;
    let answered = session.check().await;
    let took = begun.elapsed();
    session.close().await;
    answered.map(|()| took)
}
