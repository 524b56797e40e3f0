//! When a certificate is due to be renewed.

use std::time::{Duration, SystemTime};

use crate::Certificate;

/// Two thirds of the way from the certificate's beginning to its end, and up to a twelfth of the way later by
/// `jitter`: 0 is at once, 255 the latest. A member keeps its own, so that those that were made together do not all
/// come together.
pub fn renewal_time(certificate: &Certificate, jitter: u8) -> SystemTime {
    let (from, until) = (certificate.not_before(), certificate.not_after());
    let whole = until.duration_since(from).unwrap_or(Duration::ZERO);
    let after = whole * 2 / 3 + whole / 12 * u32::from(jitter) / u32::from(u8::MAX);
    // Inside of the validity, which can be said, so it can be said too.
    from.checked_add(after).unwrap_or(until)
}

/// Also of one that has expired.
pub fn due(certificate: &Certificate, now: SystemTime, jitter: u8) -> bool {
    now >= renewal_time(certificate, jitter)
}
