//! The audit trail: `/api/v1/audit`.

use std::sync::Arc;

use axum::{Json, extract::State};
use busbar_model::Timestamp;
use busbar_store::{Action, AuditEntry, AuditFilter, ObjectKind};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    app::App,
    describe,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

/// Who did what to which definition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct View {
    /// That of the change; it grows without gaps.
    number: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    actor: String,
    #[schema(schema_with = actions)]
    action: &'static str,
    object: ObjectView,
    /// The definition without secrets; null where it did not exist.
    #[schema(required, value_type = Option<Object>)]
    before: Option<Value>,
    #[schema(required, value_type = Option<Object>)]
    after: Option<Value>,
    #[schema(required)]
    correlation_id: Option<String>,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditObject)]
pub(crate) struct ObjectView {
    #[schema(schema_with = kinds)]
    kind: &'static str,
    id: String,
    name: String,
}

impl From<AuditEntry> for View {
    fn from(entry: AuditEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at,
            actor: entry.actor,
            action: entry.action.as_str(),
            object: ObjectView {
                kind: entry.object_kind.as_str(),
                id: entry.object_id,
                name: entry.object_name,
            },
            before: entry.before,
            after: entry.after,
            correlation_id: entry.correlation_id,
        }
    }
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("actor", "Only what this one did."),
        ("kind", "Only changes of objects of this kind."),
        ("name", "Only changes of objects that had this name then."),
        ("action", "Only this action."),
        ("since", "Only changes at this time or later."),
        ("until", "Only changes before this time."),
        ("correlation_id", "Only what was changed under this correlation id."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        match field {
            "kind" => kinds(),
            "action" => actions(),
            "since" | "until" => describe::time(),
            _ => String::schema(),
        }
    }

    fn cursor() -> RefOr<Schema> {
        describe::change_number()
    }
}

fn kinds() -> RefOr<Schema> {
    describe::one_of(ObjectKind::ALL.iter().map(|kind| kind.as_str()))
}

fn actions() -> RefOr<Schema> {
    describe::one_of(Action::ALL.iter().map(|action| action.as_str()))
}

fn filter(list: &Listing) -> Result<AuditFilter, Problem> {
    let time = |name| {
        let what = "allowed is a time like 2026-01-31T12:00:00Z, with its zone (RFC 3339)";
        list.parsed(name, what, |text| text.parse::<Timestamp>().ok())
    };
    let kinds: Vec<&str> = ObjectKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let actions: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    Ok(AuditFilter {
        actor: list.filter("actor"),
        kind: list.word("kind", &kinds)?,
        name: list.filter("name"),
        action: list.word("action", &actions)?,
        correlation_id: list.filter("correlation_id"),
        since: time("since")?,
        until: time("until")?,
    })
}

type Listing = List<Fields>;

/// The audit trail.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Listing),
    responses((status = 200, description = "A page of the audit trail.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let (page, filter) = (list.page.clone(), filter(&list)?);
    let paged = app.read(move |odb| Ok(odb.audit(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}
