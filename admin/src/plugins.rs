//! Plugins: `/api/v1/plugins`.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Definitions, Digest, Name, Plugin, Timestamp,
    bounds::{CONFIG_BYTES_MAX, NAME_CHARS_MAX},
    plugin::{Description, Grants, Kind},
    quarantine::Quarantine,
};
use busbar_store::{Odb, plugin::Filter};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    app::App,
    body::{self, Input},
    caller::{Caller, Key},
    check::{Check, shown},
    deployments, describe,
    etag::{self, IfMatch},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::{Kind as ProblemKind, Problem},
};

/// A component that carries services.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugin)]
pub(crate) struct View {
    id: String,
    name: String,
    /// `bus` or `wasi-http`. What a version says of itself is that of the active one, or of the last one
    /// while the plugin is recalled; null if that is forgotten.
    #[schema(required)]
    kind: Option<&'static str>,
    #[schema(required)]
    version: Option<String>,
    /// Of the active version; null while recalled.
    #[schema(required)]
    digest: Option<String>,
    /// `active`, `recalled`, or `quarantined`: out of service because processes died while it was called.
    state: &'static str,
    /// Of a quarantined plugin.
    #[schema(required)]
    quarantine: Option<QuarantineView>,
    services: Vec<String>,
    /// Interfaces that it imports.
    imports: Vec<String>,
    /// Services that it says it invokes.
    invokes: Vec<String>,
    /// Secrets that it says it reads.
    secrets: Vec<String>,
    /// Null until someone sets them.
    #[schema(required)]
    grants: Option<GrantsView>,
    #[schema(value_type = Object)]
    config: Value,
    /// Where the active version's deployment is.
    #[schema(required)]
    deployment_href: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

/// Why a plugin is out of service until another version is deployed or it is released.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quarantine)]
pub(crate) struct QuarantineView {
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    reason: String,
}

impl From<Quarantine> for QuarantineView {
    fn from(Quarantine { since, reason }: Quarantine) -> Self {
        Self { since, reason }
    }
}

/// What a plugin may reach.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Grants)]
pub(crate) struct GrantsView {
    /// Services, each by name or by a prefix that ends in `*`.
    #[serde(default)]
    #[schema(schema_with = describe::grants)]
    invoke: Vec<String>,
    /// Secrets, likewise.
    #[serde(default)]
    #[schema(schema_with = describe::grants)]
    secrets: Vec<String>,
    /// Connections, likewise.
    #[serde(default)]
    #[schema(schema_with = describe::grants)]
    connections: Vec<String>,
    /// Dictionaries, likewise.
    #[serde(default)]
    #[schema(schema_with = describe::grants)]
    dictionaries: Vec<String>,
}

/// Grants, or null for those that nobody has set.
pub(crate) struct GrantsOrNull;

impl PartialSchema for GrantsOrNull {
    fn schema() -> RefOr<Schema> {
        Option::<GrantsView>::schema()
    }
}

impl ToSchema for GrantsOrNull {
    fn name() -> Cow<'static, str> {
        "GrantsOrNull".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Option::<GrantsView>::schemas(schemas);
    }
}

impl From<Grants> for GrantsView {
    fn from(grants: Grants) -> Self {
        let Grants { invoke, secrets, connections, dictionaries } = grants;
        Self { invoke, secrets, connections, dictionaries }
    }
}

impl View {
    fn of(plugin: Plugin, known: &Known) -> Self {
        let definitions = &known.definitions;
        let services = definitions.services.iter().filter(|service| service.plugin == plugin.name);
        let services = services.map(|service| service.name.to_string()).collect();
        let quarantine = plugin.active.as_ref().and_then(|active| active.quarantine.clone());
        let state = match (&plugin.active, &quarantine) {
            (None, _) => "recalled",
            (Some(_), None) => "active",
            (Some(_), Some(_)) => "quarantined",
        };
        let deployment_href = plugin.active.as_ref().map(|active| deployments::href(&active.deployment));
        let digest = plugin.active.as_ref().map(|active| active.digest.to_string());
        let (kind, version, imports, invokes, secrets) = match known.description(&plugin).cloned() {
            None => (None, None, Vec::new(), Vec::new(), Vec::new()),
            Some(said) => {
                (Some(kind(said.kind)), Some(said.version), said.imports, said.invokes, said.secrets)
            }
        };
        Self {
            id: plugin.id,
            kind,
            version,
            digest,
            state,
            quarantine: quarantine.map(QuarantineView::from),
            services,
            imports,
            invokes,
            secrets,
            grants: plugin.grants.map(GrantsView::from),
            config: plugin.config,
            deployment_href,
            created_at: plugin.created_at,
            updated_at: plugin.updated_at,
            href: format!("/api/v1/plugins/{}", plugin.name),
            name: plugin.name.into(),
        }
    }
}

/// All definitions, and what recalled plugins said of themselves.
pub(crate) struct Known {
    pub(crate) definitions: Definitions,
    retired: HashMap<Name, Description>,
}

impl Known {
    pub(crate) fn of(odb: &Odb) -> Result<Self, Problem> {
        Ok(Self { definitions: odb.definitions()?, retired: odb.retired_versions()? })
    }

    /// What a plugin's active version says of itself, or its last one.
    pub(crate) fn description<'k>(&'k self, plugin: &'k Plugin) -> Option<&'k Description> {
        match &plugin.active {
            Some(active) => Some(&active.description),
            None => self.retired.get(&plugin.name),
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Bus => "bus",
        Kind::WasiHttp => "wasi-http",
    }
}

/// What can't be a name is the name of nothing.
fn name(key: &str) -> Result<Name, Problem> {
    key.parse()
        .map_err(|_| Problem::new(ProblemKind::NotFound, format!("plugin {:?} does not exist", shown(key))))
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("name", "Only the plugin of this name."),
        ("active", "Only plugins with an active version (true), or recalled ones (false)."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        if field == "active" { describe::switch() } else { String::schema() }
    }
}

type Listing = List<Fields>;

/// Plugins.
#[utoipa::path(get, path = "/api/v1/plugins", tag = "plugins", params(Listing),
    responses((status = 200, description = "A page of plugins.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let filter = Filter { name: list.filter("name"), active: list.switch("active")? };
    let page = list.page.clone();
    let paged = app
        .read(move |odb| {
            let (paged, known) = (odb.plugins(&page, &filter)?, Known::of(odb)?);
            Ok(page::map(paged, |plugin| View::of(plugin, &known)))
        })
        .await?;
    Ok(list.reply(paged))
}

/// A plugin.
#[utoipa::path(get, path = "/api/v1/plugins/{name}", tag = "plugins", params(("name" = String, Path)),
    responses((status = 200, description = "The plugin.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(name): Key) -> Result<Response, Problem> {
    app.read(move |odb| {
        let plugin = odb.plugin(&name)?;
        Ok(etag::tagged(plugin.revision, View::of(plugin, &Known::of(odb)?)))
    })
    .await
}

/// Remove a plugin with its services. Refused while a version is active, a channel leads to one of its
/// services or another plugin's grants name one; they are told.
#[utoipa::path(delete, path = "/api/v1/plugins/{name}", tag = "plugins",
    params(("name" = String, Path), IfMatch),
    responses((status = 204, description = "The plugin is gone."), Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(name): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_plugin(&by, &name, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// What a plugin may reach; null until someone sets it.
#[utoipa::path(get, path = "/api/v1/plugins/{name}/grants", tag = "plugins",
    params(("name" = String, Path)),
    responses((status = 200, description = "The grants.", body = Option<GrantsView>,
        headers(("ETag" = String)))))]
pub(crate) async fn grants(State(app): State<Arc<App>>, Key(name): Key) -> Result<Response, Problem> {
    let plugin = app.read(move |odb| Ok(odb.plugin(&name)?)).await?;
    Ok(etag::tagged(plugin.revision, plugin.grants.map(GrantsView::from)))
}

/// Set what a plugin may reach; null puts it back to where nobody has.
#[utoipa::path(put, path = "/api/v1/plugins/{name}/grants", tag = "plugins",
    params(("name" = String, Path), IfMatch), request_body = GrantsOrNull,
    responses((status = 200, description = "The grants as they are now.", body = Option<GrantsView>,
        headers(("ETag" = String)))))]
pub(crate) async fn set_grants(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(name): Key,
    IfMatch(seen): IfMatch,
    request: Request,
) -> Result<Response, Problem> {
    let grants = match body::json(request).await? {
        None => return Err(Problem::invalid_at("", "the body is empty")),
        Some(Value::Null) => None,
        Some(value @ Value::Object(_)) => Some(checked_grants(body::typed(value)?)?),
        Some(_) => return Err(Problem::invalid_at("", "the body is neither a JSON object nor null")),
    };
    app.answer(move |odb| {
        let plugin = odb.set_grants(&by, &name, seen, grants)?;
        Ok(etag::tagged(plugin.revision, plugin.grants.map(GrantsView::from)))
    })
    .await
}

fn checked_grants(given: GrantsView) -> Result<Grants, Problem> {
    let mut check = Check::default();
    let GrantsView { invoke, secrets, connections, dictionaries } = given;
    let grants = Grants { invoke, secrets, connections, dictionaries };
    for (member, patterns) in grants.kinds() {
        for (at, pattern) in patterns.iter().enumerate() {
            let one = Grants { invoke: vec![shown(pattern)], ..Grants::default() };
            let path = format!("/{member}/{at}");
            check.ok(&path, one.check());
            if pattern.chars().count() > NAME_CHARS_MAX {
                check.refuse(path, format!("is longer than {NAME_CHARS_MAX} characters"));
            }
        }
    }
    check.finish()?;
    grants.check().map_err(|error| Problem::invalid_at("", error.to_string()))?;
    Ok(grants)
}

/// A plugin's config.
#[utoipa::path(get, path = "/api/v1/plugins/{name}/config", tag = "plugins",
    params(("name" = String, Path)),
    responses((status = 200, description = "The config.", body = Object, headers(("ETag" = String)))))]
pub(crate) async fn config(State(app): State<Arc<App>>, Key(name): Key) -> Result<Response, Problem> {
    let plugin = app.read(move |odb| Ok(odb.plugin(&name)?)).await?;
    Ok(etag::tagged(plugin.revision, plugin.config))
}

/// Replace a plugin's config.
#[utoipa::path(put, path = "/api/v1/plugins/{name}/config", tag = "plugins",
    params(("name" = String, Path), IfMatch), request_body = Object,
    responses((status = 200, description = "The config as it is now.", body = Object,
        headers(("ETag" = String)))))]
pub(crate) async fn set_config(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(name): Key,
    IfMatch(seen): IfMatch,
    Input(config): Input<Map<String, Value>>,
) -> Result<Response, Problem> {
    let config = Value::Object(config);
    let size = config.to_string().len();
    if size > CONFIG_BYTES_MAX {
        let detail = format!("the config has {size} bytes; allowed is {CONFIG_BYTES_MAX}");
        return Err(Problem::new(ProblemKind::TooLarge, detail));
    }
    app.answer(move |odb| {
        let plugin = odb.set_config(&by, &name, seen, config)?;
        Ok(etag::tagged(plugin.revision, plugin.config))
    })
    .await
}

/// Which version to go back to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollback {
    /// Of a version that was active before; the one before the present one if absent.
    #[schema(schema_with = describe::digest_or_null, required = false)]
    digest: Option<String>,
}

/// Go back to an earlier version.
#[utoipa::path(post, path = "/api/v1/plugins/{name}/rollback", tag = "plugins",
    params(("name" = String, Path)), request_body(content = Option<Rollback>, content_type = "application/json"),
    responses((status = 202, description = "The deployment that goes back.", body = deployments::View,
        headers(("Location" = String))), Conflict))]
pub(crate) async fn rollback(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(key): Key,
    request: Request,
) -> Result<Response, Problem> {
    let wanted: Rollback = match body::json(request).await? {
        None | Some(Value::Null) => Rollback::default(),
        Some(value) if value.is_object() => body::typed(value)?,
        Some(_) => return Err(Problem::invalid_at("", "the body is not a JSON object")),
    };
    let parse = |text: String| {
        let refused = |error| Problem::invalid_at("/digest", format!("{:?}: {error}", shown(&text)));
        text.parse::<Digest>().map_err(refused)
    };
    let to = wanted.digest.map(parse).transpose()?;
    let name = name(&key)?;
    app.answer(move |odb| {
        let deployment = odb.rollback(&by, &name, to)?;
        deployments::accepted(odb, deployment)
    })
    .await
}

/// Take a plugin out of service.
#[utoipa::path(post, path = "/api/v1/plugins/{name}/recall", tag = "plugins",
    params(("name" = String, Path)),
    responses((status = 202, description = "The deployment that was live.", body = deployments::View,
        headers(("Location" = String))), Conflict))]
pub(crate) async fn recall(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(key): Key,
) -> Result<Response, Problem> {
    let name = name(&key)?;
    app.answer(move |odb| {
        let deployment = odb.recall(&by, &name)?;
        deployments::accepted(odb, deployment)
    })
    .await
}

/// Put a quarantined plugin back into service. What was held against it is forgotten.
#[utoipa::path(post, path = "/api/v1/plugins/{name}/release", tag = "plugins",
    params(("name" = String, Path)),
    responses((status = 200, description = "The plugin as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(name): Key,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        let plugin = odb.release(&by, &name)?;
        Ok(etag::tagged(plugin.revision, View::of(plugin, &Known::of(odb)?)))
    })
    .await
}
