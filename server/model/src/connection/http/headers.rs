//! Headers that HTTP itself has use for (RFC 9110, section 7.6.1).

use http::{HeaderName, header};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Of one connection, whoever makes it.
pub const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What a request has from here: the length is what the body has, and nobody waits for leave to send it.
pub const MADE_HERE: [HeaderName; 3] = [header::HOST, header::CONTENT_LENGTH, header::EXPECT];

/// No caller and no setting decides about it.
pub fn is_ours(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || MADE_HERE.contains(name)
}
