//! How the balancer balances, listens and waits. The defaults are those that were measured; each value states its unit
//! and what is allowed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    address::{Address, ListenAddress},
    bounded::Bounded,
    state::Conflict,
    text::{FilePath, SocketPath},
};

/// One hour is the longest that anything waits.
pub type Milliseconds = Bounded<1, 3_600_000>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub algorithm: Algorithm,
    pub front_end: Vec<BindSettings>,
    pub hop: Hop,
    pub timeouts: Timeouts,
    pub health: Health,
    /// How often a request is sent to another server after its first attempt.
    pub retries: Bounded<0, 10>,
    /// Of clients, all at once. HAProxy takes two descriptors for each.
    pub connections_max: Bounded<1, 1_000_000>,
    /// A request that is retried must fit one buffer whole.
    pub buffer_bytes: Bounded<16_384, 1_048_576>,
    /// A server that comes back takes its full share after this; 0: at once.
    pub slow_start_ms: Bounded<0, 3_600_000>,
    /// As many as the machine has cores, if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<Bounded<1, 64>>,
    /// What a reload replaced ends after this at the latest.
    pub stop_after_ms: Bounded<1_000, 86_400_000>,
    /// Where HAProxy answers for its state. The agent has a place for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats_socket: Option<SocketPath>,
    /// Where HAProxy writes a line for each request. Nowhere, if nothing is said: the servers have access logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogTarget>,
}

/// How a server is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    #[default]
    Roundrobin,
    /// The one with the fewest connections.
    Leastconn,
    /// The first that has room.
    First,
    /// The less busy of two that were drawn.
    Random,
    /// By the client's address, consistently: a server that goes moves only its own clients.
    Source,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindSettings {
    pub address: ListenAddress,
    /// Plain HTTP without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<BindTls>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindTls {
    /// Certificate, what leads to its authority, and key, in one PEM file.
    pub certificate: FilePath,
    /// Authorities of clients, PEM. With it a client may show a certificate, and need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<FilePath>,
    /// Offered to clients; servers are spoken to by HTTP/1.1 always.
    #[serde(default = "yes")]
    pub http2: bool,
}

/// From the balancer to the servers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hop {
    /// Plain without it. A Unix socket is plain always: it is a trusted hop by its mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<HopTls>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HopTls {
    /// Authorities of servers, PEM.
    pub ca: FilePath,
    /// What the balancer shows: certificate and key in one PEM file.
    pub certificate: FilePath,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// For a client's whole head: slow clients.
    pub request_ms: Milliseconds,
    /// For a client's next request.
    pub keep_alive_ms: Milliseconds,
    pub connect_ms: Milliseconds,
    /// A client that is silent in the middle of an exchange.
    pub client_ms: Milliseconds,
    /// A server that is silent in the middle of an exchange.
    pub server_ms: Milliseconds,
    /// For a server that has room.
    pub queue_ms: Milliseconds,
}

/// Every server is asked for `/_busbar/ready`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    pub interval_ms: Bounded<100, 60_000>,
    /// While a server is about to change its state.
    pub fast_interval_ms: Bounded<100, 60_000>,
    pub timeout_ms: Bounded<100, 60_000>,
    /// Failed checks in a row that take a server out.
    pub fall: Bounded<1, 100>,
    /// Good checks in a row that take it in.
    pub rise: Bounded<1, 100>,
    /// Failed connections in a row that take a server out without a check.
    pub error_limit: Bounded<1, 1_000>,
}

/// `stdout`, `host:port` (UDP), or the absolute path of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LogTarget {
    Stdout,
    Address(Address),
}

const fn yes() -> bool {
    true
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Conflict> {
        if self.front_end.is_empty() {
            return Err(Conflict::NoBind);
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.front_end.iter().find(|bind| !seen.insert(&bind.address)) {
            return Err(Conflict::Bind(twice.address.to_string()));
        }
        let fast = self.health.fast_interval_ms.get();
        if fast > self.health.interval_ms.get() {
            return Err(Conflict::Longer { key: "health.fast_interval_ms", value: fast, limit: "interval" });
        }
        Ok(())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            front_end: ListenAddress::new("*:11223")
                .map(|address| BindSettings { address, tls: None })
                .into_iter()
                .collect(),
            hop: Hop::default(),
            timeouts: Timeouts::default(),
            health: Health::default(),
            retries: Bounded::nearest(3),
            connections_max: Bounded::nearest(4_000),
            buffer_bytes: Bounded::nearest(32_768),
            slow_start_ms: Bounded::nearest(5_000),
            threads: None,
            stop_after_ms: Bounded::nearest(300_000),
            stats_socket: None,
            log: None,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request_ms: Bounded::nearest(10_000),
            keep_alive_ms: Bounded::nearest(60_000),
            connect_ms: Bounded::nearest(3_000),
            client_ms: Bounded::nearest(65_000),
            server_ms: Bounded::nearest(65_000),
            queue_ms: Bounded::nearest(10_000),
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            interval_ms: Bounded::nearest(1_000),
            fast_interval_ms: Bounded::nearest(300),
            timeout_ms: Bounded::nearest(2_000),
            fall: Bounded::nearest(2),
            rise: Bounded::nearest(1),
            error_limit: Bounded::nearest(10),
        }
    }
}

impl TryFrom<String> for LogTarget {
    type Error = crate::text::InvalidText;

    fn try_from(value: String) -> Result<Self, Self::Error> {
        if value == "stdout" { Ok(Self::Stdout) } else { Address::new(&value).map(Self::Address) }
    }
}

impl From<LogTarget> for String {
    fn from(target: LogTarget) -> Self {
        match target {
            LogTarget::Stdout => "stdout".to_owned(),
            LogTarget::Address(address) => address.to_string(),
        }
    }
}
