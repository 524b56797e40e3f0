//! What workers' calls by a connection came to: each says so for itself, every second or so.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use busbar_model::{
    Timestamp,
    server::{Breaker, Latency, Outgoing},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, caller::Key, clock, problem::Problem, servers::is_live};

/// Of one worker, since it first used the connection as it is defined now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkerStatistics)]
pub(crate) struct Statistics {
    server: String,
    pid: u32,
    calls: u64,
    /// Calls that failed, by their fault's code.
    errors: BTreeMap<String, u64>,
    latency: LatencyView,
    /// Network connections that are in use.
    in_use: u64,
    /// Network connections that are open and not in use.
    idle: u64,
    /// Calls that wait for one.
    waiting: u64,
    /// Null: the connection has none, or none that this worker has used yet.
    #[schema(required)]
    breaker: Option<BreakerView>,
}

/// So many microseconds or less a share of the calls took, as near as the buckets of the metrics tell; the mean is
/// exact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallLatency)]
pub(crate) struct LatencyView {
    mean_us: u64,
    p50_us: u64,
    p95_us: u64,
    p99_us: u64,
}

/// A circuit breaker: closed, open (calls fail at once), half-open (one call tries the other side).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BreakerState)]
pub(crate) struct BreakerView {
    phase: String,
    /// When the other side is tried again.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Within the breaker's window.
    calls: u32,
    failures: u32,
}

/// Of all workers of living servers that used the connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionStatistics)]
pub(crate) struct All {
    items: Vec<Statistics>,
}

/// What calls by a connection came to. Of a broker's, which is used by links, there are none.
#[utoipa::path(get, path = "/api/v1/connections/{id}/statistics", tag = "connections", operation_id = "statistics",
    params(("id" = String, Path)),
    responses((status = 200, description = "What each worker counted.", body = All)))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Json<All>, Problem> {
    app.read(move |odb| {
        let (name, now) = (odb.find_connection(&id)?.name, clock::now());
        let servers = odb.servers()?;
        let living = servers.iter().filter(|server| is_live(server, now));
        let workers = living.flat_map(|server| server.workers.iter().map(move |worker| (server, worker)));
        let items = workers.flat_map(|(server, worker)| {
            let own = worker.load.outgoing.iter().filter(|one| one.connection == name);
            own.cloned().map(|one| view(server.name.to_string(), worker.pid, one))
        });
        Ok(Json(All { items: items.collect() }))
    })
    .await
}

fn view(server: String, pid: u32, one: Outgoing) -> Statistics {
    let Outgoing { calls, errors, latency, in_use, idle, waiting, breaker, .. } = one;
    let Latency { mean_us, half_us, of_95_percent_us, of_99_percent_us } = latency;
    let latency =
        LatencyView { mean_us, p50_us: half_us, p95_us: of_95_percent_us, p99_us: of_99_percent_us };
    let breaker = breaker.map(|Breaker { phase, until, calls, failures }| BreakerView {
        phase,
        until,
        calls,
        failures,
    });
    let errors = errors.into_iter().collect();
    Statistics { server, pid, calls, errors, latency, in_use, idle, waiting, breaker }
}
