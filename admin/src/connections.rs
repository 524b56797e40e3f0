//! Connections: `/api/v1/connections`. Passwords and keys go in and never out.

mod description;
mod given;
pub(crate) mod operations;
pub(crate) mod statistics;
mod wsdl;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{Connection, connection::Part};
use busbar_store::connections::Filter;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema as _,
    openapi::{RefOr, Schema},
};

pub(crate) use self::description::{New, Patch, described};
use self::given::Body;
use crate::{
    app::App,
    caller::{Caller, Key},
    describe,
    etag::{self, IfMatch},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

pub(crate) const PATH: &str = "/api/v1/connections";

/// A way out to a system of others, and what channels of some protocols come in by; without its secrets.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct View(Map<String, Value>);

impl From<Connection> for View {
    fn from(connection: Connection) -> Self {
        let own = [
            ("id", json!(connection.id)),
            ("name", json!(connection.name)),
            ("active", json!(connection.active)),
            ("created_at", json!(connection.created_at)),
            ("updated_at", json!(connection.updated_at)),
            ("href", json!(href(&connection.id))),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        Self(own.into_iter().chain(connection.client.shown()).collect())
    }
}

fn href(id: &str) -> String {
    format!("{PATH}/{id}")
}

/// Where a secret stands in a request.
pub(crate) fn path(secret: &str) -> String {
    if secret == Part::ClientKey.as_str() { format!("/tls/{secret}") } else { format!("/{secret}") }
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
    new: Body,
) -> Result<Response, Problem> {
    let (draft, key) = (wsdl::new(&app, new).await?, Arc::clone(&app.master_key));
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

/// Change a connection. One that comes to lead to another system, or without TLS, needs its secrets again: no other is
/// shown those that are kept.
#[utoipa::path(patch, path = "/api/v1/connections/{id}", tag = "connections",
    params(("id" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The connection as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    patch: Body,
) -> Result<Response, Problem> {
    let edit = wsdl::change(&app, &id, patch).await?;
    let key = Arc::clone(&app.master_key);
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
