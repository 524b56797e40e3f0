//! The audit trail: `/api/v1/audit`.

use std::sync::Arc;

use axum::{Json, extract::State};
use busbar_model::Timestamp;
use busbar_store::AuditEntry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::App,
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
    /// create, update, delete, activate, rollback, recall, retry or discard.
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
    /// plugin, service, channel, security or delivery.
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
    const ALLOWED: &'static [(&'static str, &'static str)] = &[];
}

type Listing = List<Fields>;

/// The audit trail.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Listing),
    responses((status = 200, description = "A page of the audit trail.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let page = list.page.clone();
    let paged = app.read(move |odb| Ok(odb.audit(&page)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}
