//! Trying a connection.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, caller::Key, problem::Problem};

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pinged {
    /// Whether the other system let the bus in, with these credentials.
    reached: bool,
    /// How long that took, in milliseconds.
    #[schema(required, minimum = 0)]
    took_ms: Option<u64>,
    /// Why it did not, for a person.
    #[schema(required)]
    problem: Option<String>,
}

/// Tries a connection, active or not: connects from the admin process, says who it is, and leaves again. Workers and
/// what they do are not touched.
#[utoipa::path(post, path = "/api/v1/connections/{id}/ping", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, description = "What came of it, also where the other system is away.", body = Pinged)))]
pub(crate) async fn ping(State(app): State<Arc<App>>, Key(id): Key) -> Result<Json<Pinged>, Problem> {
    let connection = app.read(move |odb| Ok(odb.find_connection(&id)?)).await?;
    // It is never closed.
    let _turn = app.pings.acquire().await;
    Ok(Json(match (app.ping)(connection).await {
        Ok(took) => {
            let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            Pinged { reached: true, took_ms: Some(took_ms), problem: None }
        }
        Err(problem) => Pinged { reached: false, took_ms: None, problem: Some(problem) },
    }))
}
