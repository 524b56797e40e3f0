//! Channels: `/api/v1/channels`.

mod description;
pub(crate) mod switch;

use std::{fmt, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Name, Timestamp, bounds as model_bounds,
    channel::{self as model, Address, Draft, Protocol, Written},
    fault::FieldError,
    path::PathPattern,
};
use busbar_store::{By, Error, Odb, channel::Filter};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{RefOr, Schema},
};

pub(crate) use self::description::New;
use crate::{
    amqp,
    app::App,
    body::Input,
    bounds,
    caller::{Caller, Key},
    check::{self, Check, REQUIRED, shown},
    cors, describe,
    etag::{self, IfMatch},
    member::{Member, Object, Whole},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
    soap,
};

pub(crate) const PATH: &str = "/api/v1/channels";

/// A way in: a protocol, an address and a security definition bound to a service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub(crate) struct View {
    id: String,
    name: String,
    protocol: &'static str,
    /// `/a/{p}`, or `/a/{p...}` with a tail of any length. SOAP channels may share one that has no parameter. Null for
    /// AMQP channels.
    #[schema(required)]
    path: Option<String>,
    /// Upper case; empty for any, and for SOAP channels. Null for AMQP channels.
    #[schema(required)]
    methods: Option<Vec<String>>,
    service: String,
    /// Name of a security definition; null is open to everyone, and of AMQP channels.
    #[schema(required)]
    security: Option<String>,
    active: bool,
    body_bytes_max: u64,
    timeout_ms: u64,
    /// What pages of other origins may do; null: the bus tells browsers nothing.
    #[schema(required)]
    cors: Option<cors::View>,
    /// Null where the protocol is another one.
    #[schema(required)]
    soap: Option<soap::View>,
    /// Null where the protocol is another one.
    #[schema(required)]
    amqp: Option<amqp::View>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

impl From<model::Channel> for View {
    fn from(channel: model::Channel) -> Self {
        let Written { protocol, path, methods, security, cors, soap, amqp } = channel.address.into();
        Self {
            href: href(&channel.id),
            id: channel.id,
            name: channel.name.into(),
            protocol: protocol.as_str(),
            path: path.map(PathPattern::into),
            methods: (protocol != Protocol::Amqp).then_some(methods),
            service: channel.service.into(),
            security: security.map(Name::into),
            active: channel.active,
            body_bytes_max: channel.body_bytes_max,
            timeout_ms: channel.timeout_ms,
            cors: cors.map(cors::View::from),
            soap: (protocol == Protocol::Soap).then(|| soap.unwrap_or_default().into()),
            amqp: amqp.map(amqp::View::from),
            created_at: channel.created_at,
            updated_at: channel.updated_at,
        }
    }
}

pub(crate) fn href(id: &str) -> String {
    format!("{PATH}/{id}")
}

/// What is to be changed. Null puts a member that has a default back to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChannelPatch)]
pub(crate) struct Patch {
    #[serde(default)]
    #[schema(schema_with = describe::name)]
    name: Member<String>,
    /// Default: rest.
    #[serde(default)]
    #[schema(schema_with = protocol_or_null)]
    protocol: Member<String>,
    #[serde(default)]
    #[schema(schema_with = path_or_null)]
    path: Member<String>,
    /// Default: none, which is any.
    #[serde(default)]
    #[schema(schema_with = describe::methods_or_null)]
    methods: Member<Vec<String>>,
    /// Need not be deployed yet.
    #[serde(default)]
    #[schema(schema_with = describe::name)]
    service: Member<String>,
    /// Name of a security definition. Default: none, which is open to everyone.
    #[serde(default)]
    #[schema(schema_with = describe::name_or_null)]
    security: Member<String>,
    /// Default: true.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    active: Member<bool>,
    #[serde(default)]
    #[schema(schema_with = body_bytes_or_null)]
    body_bytes_max: Member<Whole>,
    #[serde(default)]
    #[schema(schema_with = timeout_or_null)]
    timeout_ms: Member<Whole>,
    /// Null, the default: the bus tells browsers nothing about pages of other origins.
    #[serde(default)]
    #[schema(value_type = Option<cors::Patch>)]
    cors: Member<Object<cors::Patch>>,
    /// Of SOAP channels only. Null, the default: all of it has its default.
    #[serde(default)]
    #[schema(value_type = Option<soap::Patch>)]
    soap: Member<Object<soap::Patch>>,
    /// Of AMQP channels only, which need it.
    #[serde(default)]
    #[schema(value_type = Option<amqp::Patch>)]
    amqp: Member<Object<amqp::Patch>>,
}

fn protocol_or_null() -> RefOr<Schema> {
    describe::one_of_or_null(Protocol::ALL.map(Protocol::as_str))
}

fn path_or_null() -> RefOr<Schema> {
    describe::nullable(describe::channel_path())
}

fn body_bytes_or_null() -> RefOr<Schema> {
    describe::whole_or_null(0, model_bounds::BODY_BYTES_CEILING)
}

fn timeout_or_null() -> RefOr<Schema> {
    describe::whole_or_null(1, model_bounds::CALL_TIMEOUT_MS_CEILING)
}

/// A checked patch: `None` leaves a field as it is.
#[derive(Debug)]
struct Edit {
    name: Option<Name>,
    protocol: Option<Protocol>,
    path: Option<Option<PathPattern>>,
    methods: Option<Vec<String>>,
    service: Option<Name>,
    security: Option<Option<Name>>,
    active: Option<bool>,
    body_bytes_max: Option<u64>,
    timeout_ms: Option<u64>,
    cors: cors::Edit,
    soap: soap::Edit,
    amqp: amqp::Edit,
}

impl Patch {
    fn checked(self, check: &mut Check) -> Edit {
        let body_bytes = |given: Whole| given.within(0, model_bounds::BODY_BYTES_CEILING);
        let timeout = |given: Whole| given.within(1, model_bounds::CALL_TIMEOUT_MS_CEILING);
        let protocol = |text: String| shown(&text).parse::<Protocol>();
        let security = |text| check::name(text).map(Some);
        Edit {
            name: self.name.checked(check, "/name", None, check::name),
            protocol: self.protocol.checked(check, "/protocol", Some(Protocol::Rest), protocol),
            path: self.path.checked(check, "/path", Some(None), |text| path(text).map(Some)),
            methods: self
                .methods
                .checked(check, "/methods", Some(Vec::new()), |given| model::methods(&given)),
            service: self.service.checked(check, "/service", None, check::name),
            security: self.security.checked(check, "/security", Some(None), security),
            active: self.active.checked(check, "/active", Some(true), Ok::<_, fmt::Error>),
            body_bytes_max: self.body_bytes_max.checked(
                check,
                "/body_bytes_max",
                Some(model_bounds::BODY_BYTES_DEFAULT),
                body_bytes,
            ),
            timeout_ms: self.timeout_ms.checked(
                check,
                "/timeout_ms",
                Some(model_bounds::CALL_TIMEOUT_MS_DEFAULT),
                timeout,
            ),
            cors: cors::checked(self.cors, check),
            soap: soap::checked(self.soap, check),
            amqp: amqp::checked(self.amqp, check),
        }
    }

    /// The draft of a new channel, and whether its author named it.
    fn into_draft(self) -> Result<(Draft, bool), Problem> {
        let mut check = Check::default();
        let (no_service, no_path) = (self.service == Member::Absent, self.path == Member::Absent);
        let no_amqp = self.amqp == Member::Absent;
        let edit = self.checked(&mut check);
        edit.cors.check_new(&mut check);
        edit.amqp.check_new(&mut check);
        let protocol = edit.protocol.unwrap_or(Protocol::Rest);
        let required = match protocol {
            Protocol::Rest | Protocol::Soap => ("/path", no_path),
            Protocol::Amqp => ("/amqp", no_amqp),
        };
        for (path, _) in [required, ("/service", no_service)].into_iter().filter(|(_, absent)| *absent) {
            check.refuse(path, REQUIRED);
        }
        let service = check.finish_with(edit.service.clone())?;
        let address = edit.written(Written::new(protocol))?.fitted(&service);
        let address = address.map_err(|misfits| Problem::invalid(errors(misfits)))?;
        let named = edit.name.is_some();
        Ok((edit.apply(Draft::new(service.clone(), service, address.clone()), address), named))
    }
}

fn errors(misfits: Vec<model::Misfit>) -> Vec<FieldError> {
    let error =
        |misfit: model::Misfit| FieldError { path: format!("/{}", misfit.member), message: misfit.message };
    misfits.into_iter().map(error).collect()
}

impl Edit {
    /// Refuses what does not go with the protocol, which may be that of the channel as it is.
    fn change(&self, draft: Draft) -> Result<Draft, Problem> {
        let written = self.written(draft.address.clone().into())?;
        let fitted = written.fitted(self.service.as_ref().unwrap_or(&draft.service));
        let address = fitted.map_err(|misfits| Problem::conflict("protocol-conflict", errors(misfits)))?;
        Ok(self.apply(draft, address))
    }

    fn written(&self, written: Written) -> Result<Written, Problem> {
        Ok(Written {
            protocol: self.protocol.unwrap_or(written.protocol),
            path: self.path.clone().unwrap_or(written.path),
            methods: self.methods.clone().unwrap_or(written.methods),
            security: self.security.clone().unwrap_or(written.security),
            cors: self.cors.apply(written.cors)?,
            soap: self.soap.apply(written.soap),
            amqp: self.amqp.apply(written.amqp)?,
        })
    }

    fn apply(&self, draft: Draft, address: Address) -> Draft {
        Draft {
            name: self.name.clone().unwrap_or(draft.name),
            service: self.service.clone().unwrap_or(draft.service),
            active: self.active.unwrap_or(draft.active),
            body_bytes_max: self.body_bytes_max.unwrap_or(draft.body_bytes_max),
            timeout_ms: self.timeout_ms.unwrap_or(draft.timeout_ms),
            address,
        }
    }
}

fn path(text: String) -> Result<PathPattern, String> {
    PathPattern::parse(&text).map_err(|error| format!("{:?} is not a channel's path: {error}", shown(&text)))
}

/// Under its service's name, or the first free one after it, where its author gave it none.
fn create_named(odb: &Odb, by: &By, draft: Draft, named: bool) -> Result<model::Channel, Problem> {
    let taken = match odb.create_channel(by, draft.clone()) {
        Err(taken @ Error::NameTaken { .. }) if !named => taken,
        done => return Ok(done?),
    };
    for number in 2..=bounds::DEFAULT_NAMES_TRIED {
        let Ok(name) = format!("{}-{number}", draft.service).parse() else { break };
        match odb.create_channel(by, Draft { name, ..draft.clone() }) {
            Err(Error::NameTaken { .. }) => {}
            done => return Ok(done?),
        }
    }
    Err(taken.into())
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("name", "Only the channel of this name."),
        ("service", "Only channels of this service."),
        ("security", "Only channels that ask for this security definition."),
        ("path", "Only channels of exactly this path."),
        ("protocol", "Only channels of this protocol."),
        ("connection", "Only channels that come in by this connection."),
        ("active", "Only active (true) or inactive (false) channels."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        if field == "active" { describe::switch() } else { String::schema() }
    }
}

type Listing = List<Fields>;

/// Channels.
#[utoipa::path(get, path = "/api/v1/channels", tag = "channels", params(Listing),
    responses((status = 200, description = "A page of channels.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let filter = Filter {
        name: list.filter("name"),
        protocol: list.filter("protocol"),
        path: list.filter("path"),
        service: list.filter("service"),
        security: list.filter("security"),
        connection: list.filter("connection"),
        active: list.switch("active")?,
    };
    let page = list.page.clone();
    let paged = app.read(move |odb| Ok(odb.channels(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}

/// Make a channel.
#[utoipa::path(post, path = "/api/v1/channels", tag = "channels", request_body = New,
    responses((status = 201, description = "The new channel.", body = View,
        headers(("Location" = String), ("ETag" = String))), Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Input(new): Input<Patch>,
) -> Result<Response, Problem> {
    let (draft, named) = new.into_draft()?;
    app.answer(move |odb| {
        let channel = create_named(odb, &by, draft, named)?;
        Ok(etag::created(channel.revision, &href(&channel.id), View::from(channel)))
    })
    .await
}

/// A channel.
#[utoipa::path(get, path = "/api/v1/channels/{id}", tag = "channels", params(("id" = String, Path)),
    responses((status = 200, description = "The channel.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let channel = app.read(move |odb| Ok(odb.channel(&id)?)).await?;
    Ok(etag::tagged(channel.revision, View::from(channel)))
}

/// Change a channel.
#[utoipa::path(patch, path = "/api/v1/channels/{id}", tag = "channels",
    params(("id" = String, Path), IfMatch), request_body = Patch,
    responses((status = 200, description = "The channel as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    Input(patch): Input<Patch>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let edit = patch.checked(&mut check);
    check.finish()?;
    app.answer(move |odb| {
        let channel = odb.update_channel(&by, &id, seen, |draft| edit.change(draft))?;
        Ok(etag::tagged(channel.revision, View::from(channel)))
    })
    .await
}

/// Remove a channel.
#[utoipa::path(delete, path = "/api/v1/channels/{id}", tag = "channels",
    params(("id" = String, Path), IfMatch),
    responses((status = 204, description = "The channel is gone.")))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    app.answer(move |odb| {
        odb.delete_channel(&by, &id, seen)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
