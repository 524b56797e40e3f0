//! Services: `/api/v1/services`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Name, Service,
    plugin::Description,
    service::{LimitOutOfRange, ServiceDescription},
};
use busbar_store::service::Filter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::App,
    body::Input,
    caller::{Caller, Key},
    channels,
    check::Check,
    describe,
    etag::{self, IfMatch},
    limits,
    member::{Member, Object},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    plugins::Known,
    problem::Problem,
};

/// A named operation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
pub(crate) struct View {
    id: String,
    name: String,
    plugin: String,
    /// `live`, or `recalled` while its plugin is out of service.
    state: &'static str,
    #[schema(required)]
    summary: Option<String>,
    /// JSON Schema 2020-12; null: the service takes the body as it came. While recalled it is that of the
    /// version that was active last.
    #[schema(required, schema_with = describe::json_schema)]
    input_schema: Option<Value>,
    #[schema(required, schema_with = describe::json_schema)]
    output_schema: Option<Value>,
    limits: limits::Effective,
    limits_set: limits::Set,
    channels: Vec<ChannelLink>,
    href: String,
}

/// A channel that leads to a service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelLink {
    name: String,
    href: String,
}

impl View {
    fn of(service: &Service, known: &Known) -> Self {
        let definitions = &known.definitions;
        let owner = definitions.plugin(service.plugin.as_str());
        let described = owner.and_then(|plugin| described(service, known.description(plugin)?));
        let wished = described.and_then(|description| description.calls_per_instance);
        let channels = definitions.channels.iter().filter(|channel| channel.service == service.name);
        Self {
            id: service.id.clone(),
            name: service.name.to_string(),
            plugin: service.plugin.to_string(),
            state: if owner.is_some_and(|plugin| plugin.active.is_some()) { "live" } else { "recalled" },
            summary: described.and_then(|description| description.summary.clone()),
            input_schema: described.and_then(|description| description.input_schema.clone()),
            output_schema: described.and_then(|description| description.output_schema.clone()),
            limits: service.limits.over(wished).into(),
            limits_set: service.limits.clone().into(),
            channels: channels
                .map(|channel| ChannelLink {
                    name: channel.name.to_string(),
                    href: channels::href(&channel.id),
                })
                .collect(),
            href: href(&service.name),
        }
    }
}

fn described<'d>(service: &Service, said: &'d Description) -> Option<&'d ServiceDescription> {
    said.services.iter().find(|described| described.name == service.name)
}

fn href(name: &Name) -> String {
    format!("/api/v1/services/{name}")
}

/// What is to be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServicePatch)]
pub(crate) struct Patch {
    /// Null puts all limits back to where nobody has set them.
    #[serde(default)]
    #[schema(value_type = Option<limits::Patch>)]
    limits: Member<Object<limits::Patch>>,
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] =
        &[("name", "Only the service of this name."), ("plugin", "Only services of this plugin.")];
}

type Listing = List<Fields>;

/// Services.
#[utoipa::path(get, path = "/api/v1/services", tag = "services", params(Listing),
    responses((status = 200, description = "A page of services.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let (page, filter) =
        (list.page.clone(), Filter { name: list.filter("name"), plugin: list.filter("plugin") });
    let paged = app
        .read(move |odb| {
            let paged = odb.services(&page, &filter)?;
            let known = Known::of(odb)?;
            Ok(page::map(paged, |service| View::of(&service, &known)))
        })
        .await?;
    Ok(list.reply(paged))
}

/// A service.
#[utoipa::path(get, path = "/api/v1/services/{name}", tag = "services", params(("name" = String, Path)),
    responses((status = 200, description = "The service.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(name): Key) -> Result<Response, Problem> {
    app.read(move |odb| {
        let service = odb.service(&name)?;
        Ok(etag::tagged(service.revision, View::of(&service, &Known::of(odb)?)))
    })
    .await
}

/// Remove a service that a recalled plugin left behind and that nobody uses. One of an active plugin goes
/// with its plugin.
#[utoipa::path(delete, path = "/api/v1/services/{name}", tag = "services",
    params(("name" = String, Path), IfMatch),
    responses((status = 204, description = "The service is gone."), Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(name): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_service(&by, &name, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// Set limits of a service.
#[utoipa::path(patch, path = "/api/v1/services/{name}", tag = "services",
    params(("name" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The service as it is now.", body = View,
        headers(("ETag" = String)))))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(name): Key,
    IfMatch(seen): IfMatch,
    Input(patch): Input<Patch>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let edit = match patch.limits {
        Member::Absent => limits::Patch::default().checked(&mut check),
        Member::Null => limits::Edit::clear(),
        Member::Given(Object(limits)) => limits.checked(&mut check),
    };
    check.finish()?;
    app.answer(move |odb| {
        let service = odb.update_service_limits(&by, &name, seen, |limits| {
            let limits = edit.apply(&limits);
            let refused = |error: LimitOutOfRange| {
                Problem::invalid_at(format!("/limits/{}", error.field), error.to_string())
            };
            limits.check().map(|()| limits).map_err(refused)
        })?;
        Ok(etag::tagged(service.revision, View::of(&service, &Known::of(odb)?)))
    })
    .await
}
