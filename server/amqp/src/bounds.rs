//! Named limits of this crate, with their units.

use std::time::Duration;

/// Of a message that is published; what RabbitMQ takes by default (`max_message_size`).
pub const BODY_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Of a short string: names, routing keys, most properties. AMQP 0-9-1, section 4.2.5.3.
pub(crate) const SHORT_BYTES_MAX: usize = 255;

/// Levels of tables and lists in headers.
pub(crate) const HEADER_DEPTH_MAX: usize = 32;

/// Until the broker has answered all of a handshake: TCP, TLS, credentials, virtual host.
pub(crate) const CONNECT_BOUND: Duration = Duration::from_secs(10);

/// For closing a connection in order; after that it is cut.
pub(crate) const CLOSE_BOUND: Duration = Duration::from_secs(2);

/// For an answer of the broker's on a connection that lives.
pub(crate) const ANSWER_BOUND: Duration = Duration::from_secs(20);

/// A connection that ended sooner has not mended anything: the pauses go on growing.
pub(crate) const LASTING: Duration = Duration::from_secs(1);

/// Between two looks at whether the connection is alive, for the case that nobody told.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Pauses between attempts are random and at most as long as these, which double.
pub(crate) const PAUSE_MIN: Duration = Duration::from_millis(100);
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Messages that wait for one publishing channel.
pub(crate) const WAITING_MAX: usize = 256;

/// Settlements that are told to the broker at once.
pub(crate) const SETTLEMENTS_MAX: usize = 1024;

/// Looks between two questions to the broker, by which a connection is found out that is alive to lapin only.
pub(crate) const PROBE_LOOKS: u32 = 30;

/// Before a message is sent again that was certainly not sent.
pub(crate) const RESEND_PAUSE: Duration = Duration::from_millis(20);

/// Of a frame that is looked at whole. The broker's own are at most 128 KiB.
pub(crate) const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// A broker that was started again needs so long until its quorum queues have given back what their consumers before
/// held. Who consumes earlier may be handed a later message first.
pub(crate) const RECOVERY_PAUSE: Duration = Duration::from_secs(2);
