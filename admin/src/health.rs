//! Probes of this process.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    app::App,
    problem::{Kind, Problem},
};

pub(crate) const LIVE: &str = "/_busbar/live";
pub(crate) const READY: &str = "/_busbar/ready";
pub(crate) const PING: &str = "/_busbar/ping";

/// That the process answers.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// That it has its ODB.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let head = app.read(|odb| Ok(odb.head()?)).await;
    head.map_err(|problem| {
        Problem::new(Kind::Unavailable, "the operational database does not answer").with_cause_of(problem)
    })?;
    Ok(Json(json!({"status": "ok"})))
}
