//! Limits of the commands, with their units; those they share with the bus are in the model.

use std::time::Duration;

/// Time to be connected.
pub(crate) const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Time for an answer of the admin API.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Time for a plugin to be received; what the admin API allows and some more.
pub(crate) const UPLOAD_TIME_MAX: Duration = Duration::from_secs(330);
/// A table of a dictionary, as CSV; what the admin API allows.
pub(crate) const TABLE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// An answer of the admin API.
pub(crate) const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How often a deployment is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Workers that progress on a terminal shows one by one.
pub(crate) const WORKERS_SHOWN_MAX: usize = 16;
/// Of an answer that is not understood.
pub(crate) const EXCERPT_CHARS_MAX: usize = 200;
/// A password, in bytes, with what ends its line.
pub(crate) const PASSWORD_BYTES_MAX: u64 = 64 * 1024;
/// Lines that `logs` shows of the past.
pub(crate) const LOG_LINES_MAX: usize = 1_000_000;
/// A line of a log; a longer one is none of ours.
pub(crate) const LOG_LINE_BYTES_MAX: usize = 1024 * 1024;
/// What is read of one log at once while it is followed.
pub(crate) const LOG_BYTES_AT_ONCE: usize = 8 * 1024 * 1024;
/// How often followed logs are looked at.
pub(crate) const LOG_LOOK_EVERY: Duration = Duration::from_millis(200);
/// Time for a configuration to be put in place; each new password takes some 20 ms.
pub(crate) const APPLY_TIME_MAX: Duration = Duration::from_secs(300);
