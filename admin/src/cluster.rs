//! The cluster as a whole: `/api/v1/cluster`, and how its servers are right now: `/api/v1/cluster/status`.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    app::App,
    clock, describe,
    openapi::Conflict,
    page::{Filters, List},
    problem::{Kind, Problem},
    servers,
    settings::Whom,
};

/// The servers that share an operational database.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cluster)]
pub(crate) struct View {
    /// Stays when the database is restored.
    id: String,
    /// The server that fires jobs and sweeps, by name; null while there is none.
    #[schema(required)]
    leader: Option<String>,
    /// Grows with each leader: what one before has not written yet is refused.
    #[schema(required)]
    fence: Option<i64>,
    /// Servers that live.
    live: usize,
    /// Servers that take calls.
    ready: usize,
}

/// The cluster.
#[utoipa::path(get, path = "/api/v1/cluster", tag = "cluster",
    responses((status = 200, description = "The cluster.", body = View)))]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Json<View>, Problem> {
    let view = app.read(|odb| {
        let (mut servers, lease) = (odb.servers()?, odb.lease()?);
        let now = clock::now();
        servers.retain(|server| servers::is_live(server, now));
        let leader = lease.as_ref().map(|lease| lease.owner.as_str());
        let leader = servers.iter().find(|server| leader == Some(server.id.as_str()));
        let is_ready = |server: &&busbar_model::server::Server| {
            server.standing.condition == busbar_model::server::Condition::Ready
        };
        Ok(View {
            id: odb.cluster_id()?,
            leader: leader.map(|server| server.name.to_string()),
            fence: lease.map(|lease| lease.fence),
            live: servers.len(),
            ready: servers.iter().filter(is_ready).count(),
        })
    });
    view.await.map(Json)
}

/// What servers say when they are asked, past the database.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClusterStatus)]
pub(crate) struct StatusView {
    /// How this process's connection to the broker is: connected, or why it is not.
    broker: String,
    items: Vec<Answer>,
}

/// What one server says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServerStatus)]
pub(crate) struct Answer {
    /// Server and process.
    from: String,
    /// False where it heard the question, and its workers have not answered in time.
    answered: bool,
    /// server, version, leads, condition, reason, `catalog_version`, `odb_silent_ms`, `workers_answered_ms` and
    /// workers, each with slot, pid, state, answered, `catalog_version`, `under_way` and connections.
    #[schema(required, value_type = Option<Object>)]
    status: Option<Value>,
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("server", "Only the server of this name is asked."),
        ("any", "Whether one server is asked (true), whichever is first, or every one."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        if field == "any" { describe::switch() } else { String::schema() }
    }
}

type Asking = List<Fields>;

/// Ask servers how they are, over the broker. Who does not answer within 1.5 s is not in the reply: it is away, or
/// its connection is.
#[utoipa::path(get, path = "/api/v1/cluster/status", tag = "cluster", params(Asking),
    responses((status = 200, description = "Who answered.", body = StatusView), Conflict))]
pub(crate) async fn status(State(app): State<Arc<App>>, asking: Asking) -> Result<Json<StatusView>, Problem> {
    let ask = app.ask.as_ref().ok_or_else(|| {
        let text = "servers are asked by a broker, and this process has none: amqp.url is not set";
        Problem::new(Kind::Conflict, text).with_code("no-broker")
    })?;
    let whom = match (asking.filter("server"), asking.switch("any")?) {
        (Some(server), _) => Whom::One(server.to_owned()),
        (None, Some(true)) => Whom::Any,
        (None, _) => Whom::All,
    };
    let asked = ask(whom).await;
    let items = asked.answers.into_iter().map(|heard| Answer {
        answered: heard.progress.is_none(),
        status: heard.progress.is_none().then_some(heard.body),
        from: heard.from,
    });
    Ok(Json(StatusView { broker: asked.broker, items: items.collect() }))
}
