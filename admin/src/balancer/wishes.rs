//! How balancers may be set: what is the same for all of them, each with what is allowed. Null, and what is not named, is
//! the default.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::member::{Object, Whole};

#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = BalancerSettings)]
pub(crate) struct Wishes {
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<Algorithm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Timeouts>)]
    timeouts: Option<Object<Timeouts>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Health>)]
    health: Option<Object<Health>>,
    /// How often a request is sent to another server after its first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 10)]
    retries: Option<Whole>,
    /// Of clients, all at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_000_000)]
    connections_max: Option<Whole>,
    /// A request that is sent again must fit one buffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 16_384, maximum = 1_048_576)]
    buffer_bytes: Option<Whole>,
    /// A server that comes back takes its full share after this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 3_600_000)]
    slow_start_ms: Option<Whole>,
    /// What a reload replaced ends after this at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1_000, maximum = 86_400_000)]
    stop_after_ms: Option<Whole>,
}

/// How a server is chosen.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BalancerAlgorithm)]
pub(crate) enum Algorithm {
    Roundrobin,
    Leastconn,
    First,
    Random,
    Source,
}

/// In milliseconds.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = BalancerTimeouts)]
pub(crate) struct Timeouts {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 3_600_000)]
    request_ms: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 3_600_000)]
    keep_alive_ms: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 3_600_000)]
    connect_ms: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 3_600_000)]
    client_ms: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 3_600_000)]
    server_ms: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 3_600_000)]
    queue_ms: Option<Whole>,
}

/// Of the checks whether servers are ready.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = BalancerHealth)]
pub(crate) struct Health {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 100, maximum = 60_000)]
    interval_ms: Option<Whole>,
    /// While a server is about to change its state; no longer than the interval (409).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 100, maximum = 60_000)]
    fast_interval_ms: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 100, maximum = 60_000)]
    timeout_ms: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 100)]
    fall: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 100)]
    rise: Option<Whole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_000)]
    error_limit: Option<Whole>,
}
