//! Every bound that is not a setting, with its unit.

use std::time::Duration;

/// What a connection reads ahead of who takes it.
pub(crate) const READ_AHEAD_BYTES: usize = 64 * 1024;
/// A part of a body that was gzip, as it is handed on.
pub(crate) const DECODED_PART_BYTES: usize = 32 * 1024;
/// Of a reply that nobody gets (before another attempt, or a redirect): what is read for the sake of its connection.
pub(crate) const DRAINED_BYTES_MAX: u64 = 16 * 1024;
pub(crate) const DRAIN_BOUND: Duration = Duration::from_millis(100);
/// Of what a name resolves to, this many addresses are tried.
pub(crate) const ADDRESSES_MAX: usize = 8;
/// A token endpoint's reply.
pub(crate) const TOKEN_REPLY_BYTES_MAX: u64 = 64 * 1024;
/// Of a token whose endpoint does not say it.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(300);
pub(crate) const TOKEN_LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);
/// So much of its life before its end a token is not used any more; at most.
pub(crate) const TOKEN_MARGIN_MAX: Duration = Duration::from_secs(30);
/// After a token endpoint failed it is left alone, so that a call that needs it fails at once.
pub(crate) const TOKEN_PAUSE_MIN: Duration = Duration::from_millis(250);
pub(crate) const TOKEN_PAUSE_MAX: Duration = Duration::from_secs(15);
/// When to come again while a half-open breaker's probe is under way.
pub(crate) const PROBE_PAUSE: Duration = Duration::from_secs(1);
