//! The time: of the machine, in a test what [`TestHost::now`](crate::testing::TestHost::now) was given.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::host::wasi;

#[must_use]
pub fn now() -> SystemTime {
    wasi::now()
}

/// Milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn unix_ms() -> u64 {
    let since: Duration = now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
