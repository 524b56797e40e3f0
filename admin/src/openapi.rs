//! The API's description, `/api/v1/openapi.json`: from the handlers, plus what is the same for all.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response as HttpResponse},
};
use bytes::Bytes;
use utoipa::{
    IntoParams as _, IntoResponses, OpenApi, PartialSchema, ToSchema,
    openapi::{
        self, Components, ContentBuilder, InfoBuilder, Ref, RefOr, Response, ResponseBuilder,
        SecurityRequirement,
        header::Header,
        path::{Operation, ParameterIn, PathItem},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{
    app::App,
    body::JSON,
    describe::TimeZone,
    etag::IfMatch,
    idempotency,
    problem::{FieldProblem, Kind, View as ProblemView},
};

pub(crate) const PATH: &str = "/api/v1/openapi.json";
const TITLE: &str = "Busbar admin API";
const SCHEME: &str = "token";

/// The response 409, for operations that can meet one.
pub(crate) struct Conflict;

impl IntoResponses for Conflict {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([(Kind::Conflict.status().as_str().to_owned(), reference(Kind::Conflict))])
    }
}

#[derive(OpenApi)]
#[openapi(tags(
    (name = "channels", description = "Ways in."),
    (name = "connections", description = "Ways out, and what channels of some protocols come in by."),
    (name = "security", description = "Credentials that channels ask for."),
    (name = "secrets", description = "Values that plugins read by name."),
    (name = "plugins", description = "Components, their grants and config, and going back."),
    (name = "services", description = "Named operations and their limits."),
    (name = "deployments", description = "Plugin versions on their way to being live."),
    (name = "deliveries", description = "Messages that the bus has promised to get to their targets."),
    (name = "jobs", description = "Services that run on a schedule, and their runs."),
    (name = "calendars", description = "Days on which jobs do not run."),
    (name = "dictionaries", description = "What systems call the same things: translations of their codes."),
    (name = "servers", description = "Servers and workers as they report themselves."),
    (name = "cluster", description = "The servers together: who leads, and how they are right now."),
    (name = "members", description = "Who has a certificate of the cluster, and how others join."),
    (name = "authority", description = "Who signs these certificates, and the change to another one."),
    (name = "balancer", description = "The load balancers before the servers, and their agents."),
    (name = "configuration", description = "All definitions as one document."),
    (name = "audit", description = "Who changed what."),
    (name = "description", description = "This document."),
))]
struct Base;

/// What the routes are added to.
pub(crate) fn base() -> openapi::OpenApi {
    let mut document = Base::openapi();
    let mut components = Components::new();
    components.schemas.insert("Problem".to_owned(), ProblemView::schema());
    components.schemas.insert(FieldProblem::name().into_owned(), FieldProblem::schema());
    components.schemas.insert(TimeZone::name().into_owned(), TimeZone::schema());
    for kind in Kind::ALL {
        components.responses.insert(response_name(kind), RefOr::T(response(kind)));
    }
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert(SCHEME.to_owned(), bearer.into());
    let headers = IfMatch::into_params(|| None).into_iter().chain([idempotency::parameter()]);
    for header in headers {
        components.parameters.insert(header.name.clone(), RefOr::T(header));
    }
    document.components = Some(components);
    document.security = Some(vec![SecurityRequirement::new(SCHEME, Vec::<String>::new())]);
    document
}

/// The finished text.
pub(crate) fn document(mut described: openapi::OpenApi, version: &str) -> Bytes {
    described.info = InfoBuilder::new()
        .title(TITLE)
        .version(version)
        .description(Some(
            "Every reply has X-Correlation-ID; one that is no success is a problem (RFC 9457). Lists are newest \
             first, in pages. Objects with an ETag take If-Match against lost updates; what changes something \
             takes Idempotency-Key against doing it twice. Both headers are described under \
             components/parameters.",
        ))
        .build();
    for item in described.paths.paths.values_mut() {
        let patch = item.patch.as_mut().and_then(|operation| operation.request_body.as_mut());
        if let Some(RefOr::T(body)) = patch
            && let Some(content) = body.content.get(JSON[0]).cloned()
        {
            body.content.insert(JSON[1].to_owned(), content);
        }
        for (changes, operation) in operations(item) {
            complete(operation, changes);
        }
    }
    // The document consists of texts and maps of texts, which always can be written.
    described.to_json().unwrap_or_default().into()
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "description", security(()),
    responses((status = 200, description = "The description in OpenAPI 3.1.", body = Object)))]
pub(crate) async fn get(State(app): State<Arc<App>>) -> HttpResponse {
    ([(header::CONTENT_TYPE, "application/json")], app.document.clone()).into_response()
}

/// Each with whether it changes something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let changing = [&mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
    let changing = changing.into_iter().map(|operation| (true, operation));
    let all = changing.chain([(false, &mut item.get)]);
    all.filter_map(|(changes, operation)| Some((changes, operation.as_mut()?)))
}

/// Names an operation so that no other has its name, and adds the failures that it can meet because
/// of what it takes.
fn complete(operation: &mut Operation, changes: bool) {
    if let (Some(id), Some(tag)) = (&operation.operation_id, operation.tags.iter().flatten().next()) {
        operation.operation_id = Some(format!("{tag}.{id}"));
    }
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let takes = |place: ParameterIn| {
        parameters.iter().any(|parameter| matches!(parameter, RefOr::T(it) if it.parameter_in == place))
    };
    let (path, query, tag) =
        (takes(ParameterIn::Path), takes(ParameterIn::Query), takes(ParameterIn::Header));
    let body = operation.request_body.is_some();
    let mut kinds = vec![Kind::Misdirected, Kind::Forbidden, Kind::Internal, Kind::Unavailable];
    if operation.security.is_none() {
        kinds.push(Kind::Unauthenticated);
    }
    if path {
        kinds.push(Kind::NotFound);
    }
    if tag {
        kinds.push(Kind::PreconditionFailed);
    }
    if changes {
        kinds.extend([Kind::Conflict, Kind::KeyReused, Kind::RequestTimeout, Kind::TooLarge]);
    }
    if body || query || changes {
        kinds.push(Kind::InvalidInput);
    }
    if body {
        kinds.push(Kind::UnsupportedMediaType);
    }
    for kind in kinds {
        operation.responses.responses.insert(kind.status().as_str().to_owned(), reference(kind));
    }
    mention_headers(operation, tag, changes);
}

/// Says which headers an operation takes. They are components and no parameters of operations, because
/// what makes a value of theirs right is the object that it meets: whoever draws one that fits the
/// description, as tools do that test an API by it, is refused rightly.
fn mention_headers(operation: &mut Operation, tag: bool, changes: bool) {
    if let Some(parameters) = &mut operation.parameters {
        parameters
            .retain(|parameter| !matches!(parameter, RefOr::T(it) if it.parameter_in == ParameterIn::Header));
    }
    let taken = match (tag, changes) {
        (true, _) => "Takes the headers `If-Match` and `Idempotency-Key`.",
        (false, true) => "Takes the header `Idempotency-Key`.",
        (false, false) => return,
    };
    let said = operation.description.take().map(|said| said + " ").unwrap_or_default();
    operation.description = Some(said + taken);
}

fn response_name(kind: Kind) -> String {
    kind.label().to_owned()
}

fn reference(kind: Kind) -> RefOr<Response> {
    RefOr::Ref(Ref::from_response_name(response_name(kind)))
}

fn response(kind: Kind) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let mut response =
        ResponseBuilder::new().description(kind.title()).content("application/problem+json", content);
    let header = match kind {
        Kind::Unauthenticated => Some("WWW-Authenticate"),
        Kind::PreconditionFailed => Some("ETag"),
        Kind::Conflict | Kind::Unavailable => Some("Retry-After"),
        _ => None,
    };
    if let Some(name) = header {
        response = response.header(name, Header::new(String::schema()));
    }
    response.build()
}
