//! Connections: `/api/v1/connections`. Passwords and keys go in and never out.

mod description;
mod given;
pub(crate) mod statistics;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Connection, Timestamp,
    connection::{Client, KINDS, amqp},
};
use busbar_store::connections::Filter;
use serde::Serialize;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{RefOr, Schema},
};

pub(crate) use self::description::{New, Patch, described};
use self::given::Body;
use crate::{
    app::App,
    body::Input,
    caller::{Caller, Key},
    describe,
    etag::{self, IfMatch},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

const PATH: &str = "/api/v1/connections";

/// A way out to a system of others, and what channels of some protocols come in by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(crate) struct View {
    id: String,
    name: String,
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// What is not active is not connected.
    active: bool,
    /// A name of the DNS, or an IP address.
    host: String,
    port: u16,
    vhost: String,
    username: String,
    /// Null: in the clear.
    #[schema(required)]
    tls: Option<TlsView>,
    /// How often the broker and the bus tell each other that they live.
    heartbeat_s: u16,
    /// AMQP channels that each worker publishes by.
    publishers: u16,
    /// Messages that each worker publishes at once: sent, and not yet confirmed.
    in_flight_max: u16,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

/// How a connection is secured; keys are not shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tls)]
pub(crate) struct TlsView {
    /// Who may vouch for the other side, in PEM; null: whom the system trusts.
    #[schema(required)]
    ca: Option<String>,
    /// Whom the other side's certificate must name; null: the host.
    #[schema(required)]
    server_name: Option<String>,
    /// What this side shows, in PEM; null: nothing.
    #[schema(required)]
    client_certificate: Option<String>,
}

impl<S> From<amqp::Tls<S>> for TlsView {
    fn from(tls: amqp::Tls<S>) -> Self {
        let client_certificate = tls.certificate().map(str::to_owned);
        Self { ca: tls.ca, server_name: tls.server_name, client_certificate }
    }
}

impl From<Connection> for View {
    fn from(connection: Connection) -> Self {
        let kind = connection.client.kind();
        let amqp = match connection.client.map(|_, _| ()) {
            Client::Amqp(amqp) => amqp,
            Client::Http(_) | Client::Soap(_) | Client::Sql(_) => {
                amqp::Amqp::new(String::new(), String::new(), (), false)
            }
        };
        Self {
            href: href(&connection.id),
            id: connection.id,
            name: connection.name.into(),
            kind,
            active: connection.active,
            host: amqp.host,
            port: amqp.port,
            vhost: amqp.vhost,
            username: amqp.username,
            tls: amqp.tls.map(TlsView::from),
            heartbeat_s: amqp.heartbeat_s,
            publishers: amqp.publishers,
            in_flight_max: amqp.in_flight_max,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
        }
    }
}

fn href(id: &str) -> String {
    format!("{PATH}/{id}")
}

fn kinds() -> RefOr<Schema> {
    describe::one_of(KINDS)
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("name", "Only the connection of this name."),
        ("kind", "Only connections of this kind."),
        ("active", "Only active (true) or inactive (false) connections."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        if field == "active" { describe::switch() } else { String::schema() }
    }
}

type Listing = List<Fields>;

/// Connections, without their secrets.
#[utoipa::path(get, path = "/api/v1/connections", tag = "connections", params(Listing),
    responses((status = 200, description = "A page of connections.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let (name, kind, active) = (list.filter("name"), list.filter("kind"), list.switch("active")?);
    let (page, filter) = (list.page.clone(), Filter { name, kind, active });
    let paged = app.read(move |odb| Ok(odb.connections(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}

/// Make a connection. Its secrets are in no reply.
#[utoipa::path(post, path = "/api/v1/connections", tag = "connections", request_body = New,
    responses((status = 201, description = "The new connection.", body = View,
        headers(("Location" = String), ("ETag" = String))), Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Input(new): Input<Body>,
) -> Result<Response, Problem> {
    let (draft, key) = (new.into_draft()?, Arc::clone(&app.master_key));
    app.answer(move |odb| {
        let connection = odb.create_connection(&by, &key, &draft)?;
        Ok(etag::created(connection.revision, &href(&connection.id), View::from(connection)))
    })
    .await
}

/// A connection, without its secrets.
#[utoipa::path(get, path = "/api/v1/connections/{id}", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, description = "The connection.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let connection = app.read(move |odb| Ok(odb.find_connection(&id)?)).await?;
    Ok(etag::tagged(connection.revision, View::from(connection)))
}

/// Change a connection.
#[utoipa::path(patch, path = "/api/v1/connections/{id}", tag = "connections",
    params(("id" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The connection as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    Input(patch): Input<Body>,
) -> Result<Response, Problem> {
    let (edit, key) = (patch.into_edit()?, Arc::clone(&app.master_key));
    app.answer(move |odb| {
        let connection = odb.update_connection(&by, &key, &id, seen, |draft| edit.apply(draft))?;
        Ok(etag::tagged(connection.revision, View::from(connection)))
    })
    .await
}

/// Remove a connection that no channel comes in by and no grant names.
#[utoipa::path(delete, path = "/api/v1/connections/{id}", tag = "connections",
    params(("id" = String, Path), IfMatch),
    responses((status = 204, description = "The connection is gone."), Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_connection(&by, &id, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
