//! Deployments: `/api/v1/deployments`.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Deployment, DeploymentState, Digest, Name, Timestamp,
    bounds::{NAME_CHARS_MAX, PLUGIN_BYTES_MAX},
    deployment::{ServerState, Source},
    server::{Server, Worker},
};
use busbar_store::{DeploymentFilter, NewDeployment, Odb, Received};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, Required, Schema, SchemaFormat, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use crate::{
    app::App,
    body, bounds,
    caller::{Caller, Key},
    clock, describe,
    page::{self, Filters, List, Listed},
    problem::Problem,
    servers,
};

pub(crate) const PATH: &str = "/api/v1/deployments";
/// What a plugin's file is sent as; the second is for clients that know no better.
const WASM: [&str; 2] = ["application/wasm", "application/octet-stream"];

/// A turn to receive a file, or a document that may be as large; each is in memory until it is stored.
#[derive(Clone)]
pub(crate) struct Turn {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Turn {
    pub(crate) async fn of(app: &App) -> Result<Self, Problem> {
        let permit = Arc::clone(&app.uploads).acquire_owned().await.map_err(Problem::internal)?;
        Ok(Self { _permit: Arc::new(permit) })
    }

    /// The one that the request has already, where all of it was read before, or another one.
    pub(crate) async fn for_request(app: &App, parts: &Parts) -> Result<Self, Problem> {
        match parts.extensions.get::<Self>() {
            Some(turn) => Ok(turn.clone()),
            None => Self::of(app).await,
        }
    }
}

/// One plugin version's way to being live.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deployment)]
pub(crate) struct View {
    id: String,
    /// The file's stem until the component has described itself.
    plugin: String,
    #[schema(example = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    digest: String,
    /// received, validated, compiled, prepared, active, failed, superseded or recalled.
    state: &'static str,
    /// Why it failed.
    #[schema(required)]
    reason: Option<String>,
    /// pickup, api or rollback.
    source: &'static str,
    /// Whether it goes live even if it breaks what callers count on.
    forced: bool,
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    activated_at: Option<Timestamp>,
    servers: Vec<ServerView>,
    href: String,
}

/// A deployment as one server sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeploymentServer)]
pub(crate) struct ServerView {
    server: String,
    state: &'static str,
    #[schema(required)]
    reason: Option<String>,
    /// Empty where the server does not report itself any more.
    workers: Vec<WorkerView>,
}

/// What a worker runs of a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeploymentWorker)]
pub(crate) struct WorkerView {
    pid: u32,
    /// Of the version that new calls meet; null: none.
    #[schema(required)]
    digest: Option<String>,
}

impl View {
    pub(crate) fn of(odb: &Odb, deployment: Deployment, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self::among(&live_servers(odb, now)?, deployment))
    }

    fn among(live: &[Server], deployment: Deployment) -> Self {
        let subject =
            Subject { state: deployment.state, digest: deployment.digest, plugin: deployment.plugin };
        let servers = deployment.servers.into_iter();
        Self {
            href: href(&deployment.id),
            id: deployment.id,
            digest: deployment.digest.to_string(),
            state: deployment.state.as_str(),
            reason: deployment.reason,
            source: deployment.source.as_str(),
            forced: deployment.forced,
            actor: deployment.actor,
            created_at: deployment.created_at,
            activated_at: deployment.activated_at,
            servers: servers.map(|state| ServerView::of(live, state, &subject)).collect(),
            plugin: subject.plugin.into(),
        }
    }
}

/// The deployment that a server's state is part of.
struct Subject {
    state: DeploymentState,
    digest: Digest,
    plugin: Name,
}

impl Subject {
    /// The ODB holds how far a server came with preparing. From the switch on its workers tell the
    /// rest: it is active where they all run the version, and what has ended has ended everywhere.
    fn state_on(&self, prepared: DeploymentState, workers: &[Worker]) -> DeploymentState {
        let runs = |worker: &Worker| worker.plugins.get(&self.plugin) == Some(&self.digest);
        match self.state {
            DeploymentState::Active if !workers.is_empty() && workers.iter().all(runs) => {
                DeploymentState::Active
            }
            ended @ (DeploymentState::Superseded | DeploymentState::Recalled) => ended,
            _ => prepared,
        }
    }
}

impl ServerView {
    fn of(live: &[Server], state: ServerState, subject: &Subject) -> Self {
        let server = live.iter().find(|server| server.name.as_str() == state.server);
        let workers = server.map_or(&[][..], |server| &server.workers);
        let views = workers.iter().map(|worker| WorkerView {
            pid: worker.pid,
            digest: worker.plugins.get(&subject.plugin).map(ToString::to_string),
        });
        Self {
            workers: views.collect(),
            server: state.server,
            state: subject.state_on(state.state, workers).as_str(),
            reason: state.reason,
        }
    }
}

fn live_servers(odb: &Odb, now: Timestamp) -> Result<Vec<Server>, Problem> {
    let mut servers = odb.servers()?;
    servers.retain(|server| servers::is_live(server, now));
    Ok(servers)
}

pub(crate) fn href(id: &str) -> String {
    format!("{PATH}/{id}")
}

/// The reply to what takes time: how far it is, and where to see how it goes on.
pub(crate) fn accepted(odb: &Odb, deployment: Deployment) -> Result<Response, Problem> {
    let view = View::of(odb, deployment, clock::now())?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, view.href.clone())], Json(view)).into_response())
}

/// A component's bytes.
pub(crate) struct File;

impl PartialSchema for File {
    fn schema() -> RefOr<Schema> {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).min_length(Some(1)).into()
    }
}

impl ToSchema for File {
    fn name() -> Cow<'static, str> {
        "PluginFile".into()
    }
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("plugin", "Only deployments of this plugin."),
        ("state", "Only deployments in this state."),
        ("digest", "Only deployments of the file with this digest."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        match field {
            "state" => describe::one_of(DeploymentState::ALL.map(DeploymentState::as_str)),
            "digest" => describe::digest(),
            _ => String::schema(),
        }
    }
}

type Listing = List<Fields>;

/// Deployments.
#[utoipa::path(get, path = "/api/v1/deployments", tag = "deployments", params(Listing),
    responses((status = 200, description = "A page of deployments.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let digest = "allowed is sha256: and 64 hexadecimal digits";
    let digest = list.parsed("digest", digest, |text| text.parse::<Digest>().ok())?;
    let filter = DeploymentFilter {
        plugin: list.filter("plugin"),
        state: list.word("state", &DeploymentState::ALL.map(DeploymentState::as_str))?,
        digest: digest.map(|digest| digest.to_string()),
    };
    let page = list.page.clone();
    let paged = app
        .read(move |odb| {
            let paged = odb.deployments(&page, &filter)?;
            let live = live_servers(odb, clock::now())?;
            Ok(page::map(paged, |deployment| View::among(&live, deployment)))
        })
        .await?;
    Ok(list.reply(paged))
}

/// A deployment.
#[utoipa::path(get, path = "/api/v1/deployments/{id}", tag = "deployments",
    params(("id" = String, Path)),
    responses((status = 200, description = "The deployment.", body = View)))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Json<View>, Problem> {
    let view = app.read(move |odb| View::of(odb, odb.deployment(&id)?, clock::now())).await?;
    Ok(Json(view))
}

/// Deploy a plugin. A file that is live already makes no new deployment; the reply has that one.
#[utoipa::path(post, path = "/api/v1/deployments", tag = "deployments",
    params(FileName, ("force" = Option<bool>, Query, description = "Deploy it even if it breaks callers of the version before it.")),
    request_body(content((File = "application/wasm"), (File = "application/octet-stream"))),
    responses((status = 202, description = "The deployment.", body = View,
        headers(("Location" = String)))))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let _turn = Turn::for_request(&app, &parts).await?;
    // Read before anything is refused: a sender in the middle of a large file would not see why.
    let bytes = body::read(&parts.headers, body, PLUGIN_BYTES_MAX, bounds::UPLOAD_TIME_MAX).await?;
    body::require_type(&parts.headers, &WASM)?;
    let mut given = page::parameters(&parts.uri, &["name", "force"])?;
    let file = given
        .remove("name")
        .ok_or_else(|| Problem::invalid_at("/name", "is a required query parameter: the file's name"))?;
    let stem = stem(&file)?;
    let forced = force(given.remove("force").as_deref())?;
    if bytes.is_empty() {
        return Err(Problem::invalid_at("", "the body is empty; it must be the plugin's file"));
    }
    app.answer(move |odb| {
        let new = NewDeployment { id: None, stem, bytes: &bytes, source: Source::Api, forced };
        match odb.receive(&by, new)? {
            Received::New(made) => accepted(odb, made),
            Received::Existing(found) | Received::AlreadyActive(found) => accepted(odb, found),
        }
    })
    .await
}

/// The query parameter `name` of an upload.
pub(crate) struct FileName;

impl IntoParams for FileName {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = ParameterBuilder::new()
            .name("name")
            .parameter_in(ParameterIn::Query)
            .required(Required::True)
            .description(Some("The file's name, with or without .wasm."))
            .schema(Some(describe::file_name()));
        vec![parameter.build()]
    }
}

fn force(given: Option<&str>) -> Result<bool, Problem> {
    match given {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(odd) => Err(Problem::invalid_at(
            "/force",
            format!("is {:?}; allowed is true or false", crate::check::shown(odd)),
        )),
    }
}

fn stem(file: &str) -> Result<Name, Problem> {
    let characters = file.chars().count();
    if characters > NAME_CHARS_MAX {
        let message = format!("has {characters} characters; allowed is 1 to {NAME_CHARS_MAX}");
        return Err(Problem::invalid_at("/name", message));
    }
    let suffix = file.len().checked_sub(5).and_then(|at| file.get(at..));
    let has_suffix = suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(".wasm"));
    let stem = if has_suffix { &file[..file.len() - 5] } else { file };
    Name::from_stem(stem).map_err(|error| Problem::invalid_at("/name", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn a_file_name_gives_the_stem() {
        for (file, name) in [("echo.wasm", "echo"), ("Echo.WASM", "echo"), ("echo", "echo"), ("a.b", "a-b")] {
            assert_eq!(stem(file).unwrap().as_str(), name);
        }
        for bad in ["", ".wasm", "é.wasm", &"x".repeat(129)] {
            assert!(stem(bad).is_err(), "{bad}");
        }
    }
}
