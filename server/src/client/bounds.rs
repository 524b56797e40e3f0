//! Limits of the commands, with their units; those they share with the bus are in the model.

use std::time::Duration;

/// Time to be connected.
pub(crate) const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Time for an answer of the admin API.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Time for a plugin to be received; what the admin API allows and some more.
pub(crate) const UPLOAD_TIME_MAX: Duration = Duration::from_secs(330);
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
/// Time for a configuration to be put in place; each new password takes some 20 ms.
pub(crate) const APPLY_TIME_MAX: Duration = Duration::from_secs(300);
