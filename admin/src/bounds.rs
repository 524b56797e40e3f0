//! Limits of the admin API, with their units; those it shares with the bus are in the model.

use std::time::Duration;

/// A request's body, except that of a deployment.
pub(crate) const BODY_BYTES_MAX: u64 = 1024 * 1024;
/// A connection with its WSDL, of which JSON writes half of the characters as two.
pub(crate) const CONNECTION_BYTES_MAX: u64 =
    busbar_model::bounds::CONNECTION_WSDL_BYTES_MAX as u64 * 2 + BODY_BYTES_MAX;
/// Time to receive a body of that size.
pub(crate) const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// Time to receive a plugin.
pub(crate) const UPLOAD_TIME_MAX: Duration = Duration::from_secs(300);
/// Plugins and payloads received at once; each is in memory until it is stored.
pub(crate) const UPLOADS_AT_ONCE: usize = 4;
/// A retry's body: the largest payload in base64, and what goes with it.
pub(crate) const RETRY_BYTES_MAX: u64 = busbar_model::bounds::DELIVERY_BYTES_MAX / 3 * 4 + BODY_BYTES_MAX;
/// A dictionary as JSON, each code beside its system's name, and its entries as CSV, where each code may be quoted.
pub(crate) const DICTIONARY_BYTES_MAX: u64 = 16 * 1024 * 1024;
pub(crate) const DICTIONARY_CSV_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A content type, in bytes.
pub(crate) const CONTENT_TYPE_BYTES_MAX: usize = 255;
/// Passwords hashed at once.
pub(crate) const HASHES_AT_ONCE: usize = 2;
/// Connections that are tried at once.
pub(crate) const PINGS_AT_ONCE: usize = 8;
/// How much of a refused body is read and thrown away, so that its sender gets to the reply.
pub(crate) const DISCARD_BYTES_MAX: u64 = 2 * busbar_model::bounds::PLUGIN_BYTES_MAX;
pub(crate) const DISCARD_TIME_MAX: Duration = Duration::from_secs(5);
/// Connections served at once; more wait in the listener's queue.
pub(crate) const CONNECTIONS_MAX: usize = 512;
/// Time to receive the head of a request; an idle connection is closed after it.
pub(crate) const HEAD_TIME_MAX: Duration = Duration::from_secs(15);
/// What an idle connection gets at the stop: a request may be on its way.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(200);
/// Pause after a failure to accept, which is mostly a want of descriptors.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The server's metrics as text, and the time to get them.
pub(crate) const METRICS_BYTES_MAX: usize = 32 * 1024 * 1024;
pub(crate) const METRICS_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the repeat of a request that is under way waits for its reply, before it is told to come
/// again; and the longest pause between two looks.
pub(crate) const REPEAT_TIME_MAX: Duration = Duration::from_secs(5);
pub(crate) const REPEAT_PAUSE_MAX: Duration = Duration::from_millis(200);
/// Names tried for a channel that was given none: `service`, `service-2` and so on.
pub(crate) const DEFAULT_NAMES_TRIED: u32 = 1_000;
/// Of a value that an error message repeats.
pub(crate) const SHOWN_CHARS_MAX: usize = 128;
/// Mistakes in a configuration that a reply tells of.
pub(crate) const MISTAKES_SHOWN_MAX: usize = 100;
