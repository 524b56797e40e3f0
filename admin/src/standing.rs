//! What workers do about AMQP channels and connections: each says so for itself, every second or so.

use std::sync::Arc;

use axum::{Json, extract::State};
use busbar_model::{
    Name, Timestamp,
    server::{Consuming, Linked, Server, Worker},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, caller::Key, clock, problem::Problem, servers::is_live};

/// What one worker does about a channel or a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Standing {
    server: String,
    pid: u32,
    /// Of a connection: `in` for what channels consume, `out` for what is published.
    #[schema(required)]
    way: Option<String>,
    /// Of a channel: consuming, reconnecting, refused (by the broker, which is asked again and again), paused,
    /// stopped. Of a connection: connecting, connected, reconnecting, blocked (the broker takes no messages), unusable,
    /// stopped.
    state: String,
    /// When it began to be so, where it is not as it should be.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// For a person.
    #[schema(required)]
    reason: Option<String>,
}

/// Of all workers of living servers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Standings {
    items: Vec<Standing>,
}

/// What workers do about an AMQP channel; none about others, and about one that is not active.
#[utoipa::path(get, path = "/api/v1/channels/{id}/consumers", tag = "channels", params(("id" = String, Path)),
    responses((status = 200, description = "What each worker does.", body = Standings)))]
pub(crate) async fn consumers(State(app): State<Arc<App>>, Key(id): Key) -> Result<Json<Standings>, Problem> {
    app.read(move |odb| {
        let name = odb.channel(&id)?.name;
        Ok(Json(of(&odb.servers()?, |worker| consuming(worker, &name))))
    })
    .await
}

/// What workers do about a connection: each connects when it first has something to do with it.
#[utoipa::path(get, path = "/api/v1/connections/{id}/links", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, description = "What each worker does.", body = Standings)))]
pub(crate) async fn links(State(app): State<Arc<App>>, Key(id): Key) -> Result<Json<Standings>, Problem> {
    app.read(move |odb| {
        let name = odb.find_connection(&id)?.name;
        Ok(Json(of(&odb.servers()?, |worker| linked(worker, &name))))
    })
    .await
}

fn of(servers: &[Server], said: impl Fn(&Worker) -> Vec<Standing>) -> Standings {
    let now = clock::now();
    let living = servers.iter().filter(|server| is_live(server, now));
    let of_worker = |server: &Server, worker: &Worker| {
        let named = |standing| Standing { server: server.name.to_string(), pid: worker.pid, ..standing };
        said(worker).into_iter().map(named).collect::<Vec<_>>()
    };
    let items = living.flat_map(|server| server.workers.iter().flat_map(|worker| of_worker(server, worker)));
    Standings { items: items.collect() }
}

fn consuming(worker: &Worker, channel: &Name) -> Vec<Standing> {
    let own = worker.load.consuming.iter().filter(|one| one.channel == *channel);
    own.cloned().map(|Consuming { state, since, reason, .. }| standing(None, state, since, reason)).collect()
}

fn linked(worker: &Worker, connection: &Name) -> Vec<Standing> {
    let own = worker.load.linked.iter().filter(|one| one.connection == *connection);
    own.cloned()
        .map(|Linked { way, state, since, reason, .. }| standing(Some(way), state, since, reason))
        .collect()
}

fn standing(
    way: Option<String>,
    state: String,
    since: Option<Timestamp>,
    reason: Option<String>,
) -> Standing {
    Standing { server: String::new(), pid: 0, way, state, since, reason }
}
