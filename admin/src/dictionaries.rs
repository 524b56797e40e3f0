//! Dictionaries: `/api/v1/dictionaries`.

mod description;
mod given;
mod sheet;
pub(crate) mod trial;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Dictionary, Timestamp,
    dictionary::{self, Draft, Table},
};
use busbar_store::dictionary::{Filter, Overview};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::description::described;
use self::{
    description::{Csv, New},
    given::Patch,
    sheet::Sheet,
};
use crate::{
    app::App,
    body, bounds,
    caller::{Caller, Key},
    describe,
    etag::{self, IfMatch},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

pub(crate) const PATH: &str = "/api/v1/dictionaries";
const CSV: &str = "text/csv";
/// The others are what browsers and spreadsheets call it.
const TYPES: [&str; 3] = [CSV, "text/plain", "application/vnd.ms-excel"];

/// What systems call the same things.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Dictionary)]
pub(crate) struct View {
    id: String,
    #[schema(schema_with = describe::name)]
    name: String,
    /// What it is for.
    #[schema(required)]
    summary: Option<String>,
    #[schema(schema_with = description::systems)]
    systems: Vec<String>,
    /// What a translation into each system gives where nothing matches.
    #[schema(schema_with = description::defaults)]
    defaults: BTreeMap<String, String>,
    entries_count: usize,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

/// The entries of a dictionary, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DictionaryEntries)]
pub(crate) struct EntriesView {
    entries: Vec<EntryView>,
}

/// Codes of at least two systems that mean the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DictionaryEntry)]
pub(crate) struct EntryView {
    #[schema(schema_with = description::codes)]
    codes: BTreeMap<String, String>,
    /// The first day on which it holds, in UTC; null: it always did.
    #[schema(required, value_type = Option<String>, format = Date)]
    valid_from: Option<dictionary::Date>,
    /// The last day on which it holds; null: it always will.
    #[schema(required, value_type = Option<String>, format = Date)]
    valid_until: Option<dictionary::Date>,
}

impl From<Overview> for View {
    fn from(overview: Overview) -> Self {
        let Overview { id, name, summary, table, entries_count, created_at, updated_at, .. } = overview;
        let by_system =
            |(system, code): (&dictionary::System, &dictionary::Code)| (system.to_string(), code.to_string());
        Self {
            href: format!("{PATH}/{id}"),
            id,
            name: name.into(),
            summary,
            systems: table.systems().iter().map(ToString::to_string).collect(),
            defaults: table.defaults().map(by_system).collect(),
            entries_count,
            created_at,
            updated_at,
        }
    }
}

impl From<Dictionary> for View {
    fn from(dictionary: Dictionary) -> Self {
        let Dictionary { id, draft, revision, created_at, updated_at } = dictionary;
        let Draft { name, summary, table } = draft;
        let entries_count = table.entries().len();
        Overview { id, name, summary, table, entries_count, revision, created_at, updated_at }.into()
    }
}

impl EntriesView {
    fn of(table: &Table) -> Self {
        let entry = |entry: &dictionary::Entry| EntryView {
            codes: table.codes(entry).map(|(system, code)| (system.to_string(), code.to_string())).collect(),
            valid_from: entry.valid_from,
            valid_until: entry.valid_until,
        };
        Self { entries: table.entries().iter().map(entry).collect() }
    }
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[("name", "Only the dictionary of this name.")];
}

type Listing = List<Fields>;

/// Dictionaries, without their entries.
#[utoipa::path(get, path = "/api/v1/dictionaries", tag = "dictionaries", params(Listing),
    responses((status = 200, description = "A page of dictionaries.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let filter = Filter { name: list.filter("name") };
    let page = list.page.clone();
    let paged = app.read(move |odb| Ok(odb.dictionaries(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}

/// Make a dictionary. `name` and `systems` are required.
#[utoipa::path(post, path = "/api/v1/dictionaries", tag = "dictionaries", request_body = New,
    responses((status = 201, description = "The new dictionary.", body = View,
        headers(("Location" = String), ("ETag" = String))), Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let draft = Patch::read(&app, request).await?.into_draft()?;
    app.answer(move |odb| {
        let view = View::from(odb.create_dictionary(&by, draft)?);
        let href = view.href.clone();
        Ok(etag::created(1, &href, view))
    })
    .await
}

/// A dictionary, without its entries.
#[utoipa::path(get, path = "/api/v1/dictionaries/{id}", tag = "dictionaries", params(("id" = String, Path)),
    responses((status = 200, description = "The dictionary.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let dictionary = app.read(move |odb| Ok(odb.dictionary(&id)?)).await?;
    Ok(etag::tagged(dictionary.revision, View::from(dictionary)))
}

/// Change a dictionary. A system that entries have codes of goes only with other entries.
#[utoipa::path(patch, path = "/api/v1/dictionaries/{id}", tag = "dictionaries",
    params(("id" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The dictionary as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    request: Request,
) -> Result<Response, Problem> {
    let edit = Patch::read(&app, request).await?.checked()?;
    app.answer(move |odb| {
        let dictionary = odb.update_dictionary(&by, &id, seen, |draft| edit.apply(draft))?;
        Ok(etag::tagged(dictionary.revision, View::from(dictionary)))
    })
    .await
}

/// Remove a dictionary that no grant names.
#[utoipa::path(delete, path = "/api/v1/dictionaries/{id}", tag = "dictionaries",
    params(("id" = String, Path), IfMatch),
    responses((status = 204, description = "The dictionary is gone."), Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_dictionary(&by, &id, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// All entries of a dictionary.
#[utoipa::path(get, path = "/api/v1/dictionaries/{id}/entries", tag = "dictionaries",
    params(("id" = String, Path)),
    responses((status = 200, description = "The entries.", body = EntriesView,
        headers(("ETag" = String)))))]
pub(crate) async fn entries(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let dictionary = app.read(move |odb| Ok(odb.dictionary(&id)?)).await?;
    Ok(etag::tagged(dictionary.revision, EntriesView::of(&dictionary.draft.table)))
}

/// The entries of a dictionary as CSV: a column for each system, and `valid_from` and `valid_until`.
#[utoipa::path(get, path = "/api/v1/dictionaries/{id}/csv", tag = "dictionaries",
    params(("id" = String, Path)),
    responses((status = 200, description = "The entries.", body = Csv, content_type = "text/csv",
        headers(("ETag" = String)))))]
pub(crate) async fn export(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let work = move |odb: &busbar_store::Odb| {
        let dictionary = odb.dictionary(&id)?;
        Ok((dictionary.revision, sheet::written(&dictionary.draft.table)?))
    };
    let (revision, text) = app.read(work).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::ETAG, etag::of(revision)),
    ];
    Ok((headers, text).into_response())
}

/// Replace all entries of a dictionary by those of a CSV, in one transaction. Separated by commas, or by semicolons if
/// the first line has one; columns may stand in any order.
#[utoipa::path(put, path = "/api/v1/dictionaries/{id}/csv", tag = "dictionaries",
    params(("id" = String, Path), IfMatch),
    request_body(content((Csv = "text/csv"), (Csv = "text/plain"))),
    responses((status = 200, description = "The dictionary as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    request: Request,
) -> Result<Response, Problem> {
    let (headers, bytes) = given::read(&app, request, bounds::DICTIONARY_CSV_BYTES_MAX).await?;
    require_csv(&headers)?;
    let read = tokio::task::spawn_blocking(move || Sheet::read(&bytes));
    let sheet = read.await.map_err(Problem::internal)??;
    app.answer(move |odb| {
        let edit = |draft: Draft| Ok::<_, Problem>(Draft { table: sheet.table(&draft.table)?, ..draft });
        let dictionary = odb.update_dictionary(&by, &id, seen, edit)?;
        Ok(etag::tagged(dictionary.revision, View::from(dictionary)))
    })
    .await
}

fn require_csv(headers: &HeaderMap) -> Result<(), Problem> {
    body::require_type(headers, &TYPES)
}
