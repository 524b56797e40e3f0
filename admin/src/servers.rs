//! Servers and their workers: `/api/v1/servers`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Timestamp,
    bounds::HEARTBEAT_DEAD_MS,
    server::{Load, Server, Wanted, Worker},
};
use busbar_pki::Role;
use busbar_store::{By, Error, Odb};
use serde::Serialize;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    app::App,
    caller::{Caller, Key},
    check::shown,
    clock, describe,
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::{Kind, Problem},
};

pub(crate) const PATH: &str = "/api/v1/servers";

/// One machine's server as it last reported itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Server)]
pub(crate) struct View {
    id: String,
    name: String,
    /// Of the binary.
    version: String,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    heartbeat_at: Timestamp,
    /// Whether a deployment waits for it.
    live: bool,
    /// The engine and processor that its artifacts are for.
    engine: String,
    /// Whether it has the lease: it fires jobs and sweeps.
    leads: bool,
    /// What people want of it: serve or drain.
    #[schema(required)]
    wanted: &'static str,
    /// What it is fit for, as it says itself: starting, ready, behind (something active can't be loaded), draining or
    /// drained.
    condition: &'static str,
    /// Why it is not ready.
    #[schema(required)]
    reason: Option<String>,
    /// Where balancers reach it.
    #[schema(required)]
    address: Option<String>,
    /// Its share of the calls that balancers send.
    weight: u16,
    workers: Vec<WorkerView>,
    href: String,
}

/// A process that runs services.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Worker)]
pub(crate) struct WorkerView {
    /// Stays when the process is replaced.
    slot: u32,
    pid: u32,
    /// starting, ready or draining.
    state: &'static str,
    /// The ODB version of the catalog that it serves.
    catalog_version: i64,
    /// Digest of each plugin that new calls meet.
    plugins: BTreeMap<String, String>,
    load: LoadView,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
}

/// How busy a worker was a moment ago.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkerLoad)]
pub(crate) struct LoadView {
    connections: u64,
    /// Those of them that wait for a request.
    connections_idle: u64,
    /// Request bodies that are held in memory.
    body_bytes: u64,
    /// Calls, attempts at deliveries and messages that have not ended.
    under_way: u64,
    /// Linear memory of all instances.
    memory_bytes: u64,
    /// What it lacked: connections, descriptors, bodies, replies, memory, logs.
    troubles: Vec<String>,
}

impl From<Load> for LoadView {
    fn from(load: Load) -> Self {
        Self {
            connections: load.connections,
            connections_idle: load.connections_idle,
            body_bytes: load.body_bytes,
            under_way: load.under_way,
            memory_bytes: load.memory_bytes,
            troubles: load.troubles,
        }
    }
}

pub(crate) fn is_live(server: &Server, now: Timestamp) -> bool {
    server.is_live(now, HEARTBEAT_DEAD_MS)
}

impl View {
    fn of(server: Server, leader: Option<&str>, now: Timestamp) -> Self {
        let live = is_live(&server, now);
        Self {
            live,
            leads: live && leader == Some(server.id.as_str()),
            wanted: server.standing.wanted.as_str(),
            condition: server.standing.condition.as_str(),
            reason: server.standing.reason,
            address: server.standing.address,
            weight: server.standing.weight,
            href: format!("/api/v1/servers/{}", server.id),
            id: server.id,
            name: server.name.into(),
            version: server.version,
            started_at: server.started_at,
            heartbeat_at: server.heartbeat_at,
            engine: server.engine,
            workers: server.workers.into_iter().map(WorkerView::from).collect(),
        }
    }
}

impl From<Worker> for WorkerView {
    fn from(worker: Worker) -> Self {
        let plugins = worker.plugins.into_iter();
        Self {
            slot: worker.slot,
            pid: worker.pid,
            state: worker.state.as_str(),
            catalog_version: worker.catalog_version,
            plugins: plugins.map(|(name, digest)| (name.into(), digest.to_string())).collect(),
            load: worker.load.into(),
            started_at: worker.started_at,
        }
    }
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("name", "Only the server of this name."),
        ("live", "Only servers that a deployment waits for (true), or those it does not (false)."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        if field == "live" { describe::switch() } else { String::schema() }
    }
}

type Listing = List<Fields>;

/// Servers.
#[utoipa::path(get, path = "/api/v1/servers", tag = "servers", params(Listing),
    responses((status = 200, description = "A page of servers.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let (mut servers, leader) = app.read(|odb| Ok((odb.servers()?, leader(odb)?))).await?;
    if let Some(name) = list.filter("name") {
        servers.retain(|server| server.name.as_str() == name);
    }
    let now = clock::now();
    if let Some(live) = list.switch("live")? {
        servers.retain(|server| is_live(server, now) == live);
    }
    let paged = page::cut(&list.page, servers, |server| server.id.clone());
    Ok(list.reply(page::map(paged, |server| View::of(server, leader.as_deref(), now))))
}

/// A server.
#[utoipa::path(get, path = "/api/v1/servers/{id}", tag = "servers", params(("id" = String, Path)),
    responses((status = 200, description = "The server.", body = View)))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Json<View>, Problem> {
    app.read(move |odb| view(odb, &id)).await.map(Json)
}

/// Has a server take no new work: it is not ready for balancers, claims no deliveries and consumes no queues. What it
/// has under way it ends; calls that come in all the same it answers. `condition` tells when it is drained.
#[utoipa::path(post, path = "/api/v1/servers/{id}/drain", tag = "servers", params(("id" = String, Path)),
    responses((status = 200, description = "The server as it is now.", body = View)))]
pub(crate) async fn drain(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
) -> Result<Response, Problem> {
    want(&app, by, id, Wanted::Drain).await
}

/// Has a server that was drained take work again.
#[utoipa::path(post, path = "/api/v1/servers/{id}/resume", tag = "servers", params(("id" = String, Path)),
    responses((status = 200, description = "The server as it is now.", body = View)))]
pub(crate) async fn resume(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
) -> Result<Response, Problem> {
    want(&app, by, id, Wanted::Serve).await
}

/// Forget a server that has left. One that lives is refused: `still-live`.
#[utoipa::path(delete, path = "/api/v1/servers/{id}", tag = "servers", params(("id" = String, Path)),
    responses((status = 204, description = "The cluster does not know it any more."), Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        let server = find(odb, &id)?;
        odb.remove_server(&by, &server.id, HEARTBEAT_DEAD_MS)?;
        match odb.forget_member(&by, Role::Server.as_str(), server.name.as_str()) {
            // One of a cluster without an authority.
            Err(Error::NotFound { .. }) => {}
            forgotten => forgotten?,
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

async fn want(app: &App, by: By, id: String, wanted: Wanted) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.want_server(&by, &find(odb, &id)?.id, wanted)?;
        Ok(Json(view(odb, &id)?).into_response())
    })
    .await
}

/// Whose id, or else whose name, that is.
pub(crate) fn find(odb: &Odb, key: &str) -> Result<Server, Problem> {
    let servers = odb.servers()?;
    let of = |is: &dyn Fn(&Server) -> bool| servers.iter().find(|server| is(server)).cloned();
    of(&|server| server.id == key)
        .or_else(|| of(&|server| server.name.as_str() == key))
        .ok_or_else(|| Problem::new(Kind::NotFound, format!("server {:?} does not exist", shown(key))))
}

pub(crate) fn view(odb: &Odb, key: &str) -> Result<View, Problem> {
    Ok(View::of(find(odb, key)?, leader(odb)?.as_deref(), clock::now()))
}

/// The id of the server that has the lease.
pub(crate) fn leader(odb: &Odb) -> Result<Option<String>, Problem> {
    Ok(odb.lease()?.map(|lease| lease.owner).filter(|owner| !owner.is_empty()))
}
