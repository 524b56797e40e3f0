//! The whole configuration: `/api/v1/export` and `/api/v1/apply`.

mod description;
mod difference;
mod wishes;

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    bounds::CONFIGURATION_BYTES_MAX,
    configuration::{Document, Mistake, Node, yaml},
    fault::FieldError,
};
use busbar_store::{Odb, Refusal};
use bytes::Bytes;
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use self::difference::ChangeView;
use crate::{
    app::App, body, bounds, caller::Caller, deployments::Turn, openapi::Conflict, page, problem::Problem,
};

pub(crate) const APPLY: &str = "/api/v1/apply";
const YAML: &str = "application/yaml";
/// The first is what is told; the others were in use before RFC 9512.
const TYPES: [&str; 4] = [YAML, body::JSON[0], "application/x-yaml", "text/yaml"];

/// All definitions as one document.
pub(crate) struct Configuration;

impl PartialSchema for Configuration {
    fn schema() -> RefOr<Schema> {
        description::document()
    }
}

impl ToSchema for Configuration {
    fn name() -> Cow<'static, str> {
        "Configuration".into()
    }
}

/// What putting a configuration in place did, or would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigurationApplied)]
pub(crate) struct View {
    /// Whether it was only asked what would be done.
    dry_run: bool,
    /// None: there was nothing to do.
    changes: Vec<ChangeView>,
}

/// All definitions as one document. Passwords and secrets are named, not shown; plugins' files are no part of it.
#[utoipa::path(get, path = "/api/v1/export", tag = "configuration",
    responses((status = 200, description = "The document.", body = Configuration, content_type = "application/yaml")))]
pub(crate) async fn export(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let (definitions, timetable) = app.read(|odb| Ok(odb.configuration()?)).await?;
    let written = tokio::task::spawn_blocking(move || Document::of(&definitions, &timetable).to_yaml());
    let text = written.await.map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, YAML)], text).into_response())
}

/// Put a configuration in place: all of it in one transaction, or nothing.
#[utoipa::path(post, path = "/api/v1/apply", tag = "configuration",
    params(
        ("dry_run" = Option<bool>, Query, description = "Only tell what would be done."),
        ("prune" = Option<bool>, Query, description = "Also remove what the document does not have."),
    ),
    request_body(content((Configuration = "application/json"), (Configuration = "application/yaml"))),
    responses((status = 200, description = "What was done.", body = View), Conflict))]
pub(crate) async fn apply(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let _turn = Turn::for_request(&app, &parts).await?;
    let bytes = body::read(&parts.headers, body, CONFIGURATION_BYTES_MAX, bounds::UPLOAD_TIME_MAX).await?;
    body::require_type(&parts.headers, &TYPES)?;
    let given = page::parameters(&parts.uri, &["dry_run", "prune"])?;
    let flag = |name: &str| match given.get(name).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::invalid_at(format!("/{name}"), "allowed is true or false")),
    };
    let (dry_run, prune) = (flag("dry_run")?, flag("prune")?);
    let json = is_json(&parts.headers);
    // Reading takes its time where the document is large.
    let read = tokio::task::spawn_blocking(move || document(&bytes, json));
    let document = read.await.map_err(Problem::internal)??;
    let wanted = wishes::wanted(&app, &document).await?;
    let key = Arc::clone(&app.master_key);
    let work = move |odb: &Odb| {
        let applied = odb.apply(&by, &key, &wanted, prune, dry_run)?;
        if !applied.refusals.is_empty() {
            return Err(refused(&document, &applied.refusals));
        }
        let changes = applied.edits.iter().map(ChangeView::from).collect();
        Ok(Json(View { dry_run, changes }).into_response())
    };
    if dry_run { app.read(work).await } else { app.answer(work).await }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(body::JSON[0])
}

fn document(bytes: &Bytes, json: bool) -> Result<Document, Problem> {
    if bytes.is_empty() {
        return Err(Problem::invalid_at("", "the body is empty"));
    }
    let node: Node = if json {
        serde_json::from_slice(bytes)
            .map_err(|error| Problem::invalid_at("", format!("the body is not JSON: {error}")))?
    } else {
        let text =
            std::str::from_utf8(bytes).map_err(|_| Problem::invalid_at("", "the body is not UTF-8"))?;
        yaml::read(text).map_err(|error| Problem::invalid_at("", error.to_string()))?
    };
    Document::read(&node).map_err(|mistakes| {
        let shown = mistakes.iter().take(bounds::MISTAKES_SHOWN_MAX);
        Problem::invalid(shown.map(error).collect())
    })
}

fn error(mistake: &Mistake) -> FieldError {
    let line = mistake.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    FieldError { path: mistake.path.clone(), message: format!("{line}{}", mistake.message) }
}

/// All that does not go with what is there already.
fn refused(document: &Document, refusals: &[Refusal]) -> Problem {
    let errors = refusals.iter().take(bounds::MISTAKES_SHOWN_MAX).map(|refusal| {
        let hint = wishes::variable_of(document, &refusal.error);
        let hint = hint.map(|variable| format!(": variable {variable} is not given")).unwrap_or_default();
        FieldError { path: refusal.path.clone(), message: format!("{}{hint}", refusal.error) }
    });
    Problem::conflict("conflict", errors.collect())
}
