//! Servers and workers as they report themselves.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{digest::Digest, name::Name, time::Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerState {
    Starting,
    Ready,
    Draining,
}

impl WorkerState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

impl FromStr for WorkerState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Starting, Self::Ready, Self::Draining]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("worker state {text:?} is unknown"))
    }
}

/// What people want of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    #[default]
    Serve,
    /// It takes no new work; what it has under way it ends.
    Drain,
}

impl Wanted {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Drain => "drain",
        }
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Serve, Self::Drain]
            .into_iter()
            .find(|wanted| wanted.as_str() == text)
            .ok_or_else(|| format!("{text:?} is nothing that a server can be wanted for"))
    }
}

/// What a server is fit for, as it says itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Its workers do not all serve what is active yet.
    #[default]
    Starting,
    Ready,
    /// Something active can't be loaded here, while other servers can: callers are sent to those.
    Behind,
    /// As it was told; calls or deliveries are under way.
    Draining,
    /// Nothing is under way any more.
    Drained,
    /// It was told to end.
    Stopped,
}

impl Condition {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Behind => "behind",
            Self::Draining => "draining",
            Self::Drained => "drained",
            Self::Stopped => "stopped",
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Starting, Self::Ready, Self::Behind, Self::Draining, Self::Drained, Self::Stopped]
            .into_iter()
            .find(|condition| condition.as_str() == text)
            .ok_or_else(|| format!("server condition {text:?} is unknown"))
    }
}

/// How a server stands: what is wanted of it, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub wanted: Wanted,
    pub condition: Condition,
    /// Why it is not ready.
    pub reason: Option<String>,
    /// Where balancers reach it, `HOST:PORT`.
    pub address: Option<String>,
    /// Its share of the calls beside the others' weights, 0 to 256; people say so.
    pub weight: u16,
}

/// The weight of a server that nobody gave another one, and the greatest.
pub const WEIGHT_DEFAULT: u16 = 100;
pub const WEIGHT_MAX: u16 = 256;

impl Default for Standing {
    fn default() -> Self {
        Self {
            wanted: Wanted::default(),
            condition: Condition::default(),
            reason: None,
            address: None,
            weight: WEIGHT_DEFAULT,
        }
    }
}

/// How busy a worker was when it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Load {
    /// Open connections, and those of them that wait for a request.
    pub connections: u64,
    pub connections_idle: u64,
    /// Request bodies that are held in memory.
    pub body_bytes: u64,
    /// Calls, attempts at deliveries and messages that have not ended.
    pub under_way: u64,
    /// Linear memory of all instances.
    pub memory_bytes: u64,
    /// What it lacked a moment ago: `connections`, `descriptors`, `bodies`, `replies`, `memory`, `logs`.
    pub troubles: Vec<String>,
    /// Its AMQP channels and connections, by name.
    pub consuming: Vec<Consuming>,
    pub linked: Vec<Linked>,
    /// Connections by which services called systems of others, by name.
    pub outgoing: Vec<Outgoing>,
}

/// What a worker's calls by a connection came to since the connection was made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    pub connection: Name,
    pub calls: u64,
    /// By code, without those that never were.
    pub errors: Vec<(String, u64)>,
    pub latency: Latency,
    /// Network connections, or those to a database: in use, open and not in use, and calls that wait for one.
    pub in_use: u64,
    pub idle: u64,
    pub waiting: u64,
    /// `None`: it has none.
    pub breaker: Option<Breaker>,
}

/// Of calls: so many microseconds, or less, that share of them took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    pub mean_us: u64,
    pub half_us: u64,
    pub of_95_percent_us: u64,
    pub of_99_percent_us: u64,
}

/// A circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// `closed`, `open`, `half-open`.
    pub phase: String,
    /// When the other side is tried again.
    pub until: Option<Timestamp>,
    /// Within its window.
    pub calls: u32,
    pub failures: u32,
}

/// What a worker does about an AMQP channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consuming {
    pub channel: Name,
    /// `consuming`, `reconnecting`, `refused` (by the broker, which is asked again and again), `paused`, `stopped`.
    pub state: String,
    /// When it began to be without messages.
    pub since: Option<Timestamp>,
    pub reason: Option<String>,
}

/// How a worker's connection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    pub connection: Name,
    /// `in` for consumers, `out` for what is published.
    pub way: String,
    /// `connecting`, `connected`, `reconnecting`, `blocked` (the broker takes no messages), `unusable`, `stopped`.
    pub state: String,
    pub since: Option<Timestamp>,
    pub reason: Option<String>,
}

/// A worker process and what it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// 0 to workers - 1; stays when the process is replaced.
    pub slot: u32,
    pub pid: u32,
    pub state: WorkerState,
    /// The ODB version of the catalog it serves.
    pub catalog_version: i64,
    /// The version of each plugin that new calls meet.
    pub plugins: BTreeMap<Name, Digest>,
    #[serde(default)]
    pub load: Load,
    pub started_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    pub id: String,
    pub name: Name,
    /// Of the binary.
    pub version: String,
    pub started_at: Timestamp,
    pub heartbeat_at: Timestamp,
    /// The engine and processor its artifacts are for.
    pub engine: String,
    pub standing: Standing,
    pub workers: Vec<Worker>,
}

impl Server {
    /// Whether a deployment waits for it.
    pub fn is_live(&self, now: Timestamp, dead_after_ms: i64) -> bool {
        self.heartbeat_at.plus_ms(dead_after_ms) > now
    }
}
