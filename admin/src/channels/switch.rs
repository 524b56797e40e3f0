//! Stopping channels and letting them go on.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use busbar_model::channel::Draft;

use super::View;
use crate::{
    app::App,
    caller::{Caller, Key},
    etag::{self, IfMatch},
    openapi::Conflict,
    problem::Problem,
};

/// Stop a channel: it takes nothing more, and what is under way ends as it would.
#[utoipa::path(post, path = "/api/v1/channels/{id}/pause", tag = "channels",
    params(("id" = String, Path), IfMatch),
    responses((status = 200, description = "The channel as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn pause(
    state: State<Arc<App>>,
    caller: Caller,
    id: Key,
    seen: IfMatch,
) -> Result<Response, Problem> {
    set_active(state, caller, id, seen, false).await
}

/// Let a channel go on.
#[utoipa::path(post, path = "/api/v1/channels/{id}/resume", tag = "channels",
    params(("id" = String, Path), IfMatch),
    responses((status = 200, description = "The channel as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn resume(
    state: State<Arc<App>>,
    caller: Caller,
    id: Key,
    seen: IfMatch,
) -> Result<Response, Problem> {
    set_active(state, caller, id, seen, true).await
}

async fn set_active(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    active: bool,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        let edit = |draft: Draft| Ok::<_, Problem>(Draft { active, ..draft });
        let channel = odb.update_channel(&by, &id, seen, edit)?;
        Ok(etag::tagged(channel.revision, View::from(channel)))
    })
    .await
}
