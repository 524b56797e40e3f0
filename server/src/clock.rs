//! The one place that asks what time it is.

use std::time::{Duration, SystemTime};

use busbar_model::Timestamp;
use nix::time::{ClockId, clock_gettime};

pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    SystemTime::now().into()
}

/// Since the machine was started, its sleep included: for what must not be thought shorter than it was.
pub(crate) fn boot_time() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// What time it was then.
pub(crate) fn at(then: std::time::Instant) -> Timestamp {
    let ago = i64::try_from(then.elapsed().as_micros()).unwrap_or(i64::MAX);
    Timestamp(now().0.saturating_sub(ago))
}
