//! Where calls are taken, and how long callers may take.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    pub(crate) listen: SocketAddr,
    /// Where calls are taken beside it, from a balancer on the same host: a Unix socket.
    pub(crate) socket: Option<PathBuf>,
    /// Who may connect there, beside root and the server's own user.
    pub(crate) socket_user: Option<String>,
    /// How long a draining worker waits for calls under way.
    pub(crate) drain_ms: u64,
    /// How long a draining worker keeps idle connections for a request that may be on its way.
    pub(crate) drain_idle_ms: u64,
    /// How long a request's head may take to arrive.
    pub(crate) header_timeout_ms: u64,
    /// How long a connection may wait for its next request.
    pub(crate) idle_timeout_ms: u64,
    /// How long a sender may pause within a body.
    pub(crate) body_idle_timeout_ms: u64,
    /// How long a caller may not read its reply.
    pub(crate) write_idle_timeout_ms: u64,
    /// What a transfer must come to beyond these pauses; 0 is nothing.
    pub(crate) transfer_bytes_per_s_min: u64,
    /// Of one worker; fewer where descriptors are few.
    pub(crate) connections_max: u32,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: ([0, 0, 0, 0], 17010).into(),
            socket: None,
            socket_user: None,
            drain_ms: 30_000,
            drain_idle_ms: 5_000,
            header_timeout_ms: 10_000,
            idle_timeout_ms: 75_000,
            body_idle_timeout_ms: 10_000,
            write_idle_timeout_ms: 20_000,
            transfer_bytes_per_s_min: 500,
            connections_max: 16_384,
        }
    }
}
