//! Deliveries and the error queue: `/api/v1/deliveries`.

mod retry;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    Name, Timestamp,
    delivery::{self as model, Delivery, DeliveryState, Properties, Target},
};
use busbar_store::DeliveryFilter;
use serde::Serialize;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    app::App,
    caller::{Caller, Key},
    check::shown,
    describe,
    etag::{self, IfMatch},
    openapi::Conflict,
    page::{self, Filters, List, Listed},
    problem::Problem,
};

const PATH: &str = "/api/v1/deliveries";
const OCTETS: &str = "application/octet-stream";
const NOSNIFF: (HeaderName, HeaderValue) =
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// A message that the bus has promised to get to a target, and its attempts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct View {
    id: String,
    /// A service, or `amqp:CONNECTION/EXCHANGE/ROUTING-KEY` with both percent-encoded.
    target: String,
    /// The plugin, the security definition or the channel that sent it.
    #[schema(required)]
    source: Option<String>,
    /// waiting, in-progress, confirmed, in-doubt, failed, expired or discarded.
    state: &'static str,
    attempts: u32,
    attempts_max: u32,
    /// Pause after the first failed attempt; doubled with each further one.
    backoff_ms: u64,
    backoff_max_ms: u64,
    /// Those of a target with one order key are attempted one at a time, in their order.
    #[schema(required)]
    order_key: Option<String>,
    #[schema(required)]
    content_type: Option<String>,
    /// Headers and other properties of a message.
    #[schema(value_type = Object)]
    properties: Properties,
    payload_bytes: u64,
    /// When it is attempted or looked after next; null at its end, and while it waits behind another one
    /// with its order key.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    correlation_id: String,
    /// The last ones, oldest first.
    failures: Vec<FailureView>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

/// An attempt that failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryFailure)]
pub(crate) struct FailureView {
    attempt: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    code: String,
    message: String,
}

/// How many deliveries there are in each state.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = DeliveryCounts)]
pub(crate) struct Counts {
    waiting: u64,
    in_progress: u64,
    confirmed: u64,
    in_doubt: u64,
    failed: u64,
    expired: u64,
    discarded: u64,
}

impl From<model::Failure> for FailureView {
    fn from(failure: model::Failure) -> Self {
        let model::Failure { attempt, at, code, message } = failure;
        Self { attempt, at, code, message }
    }
}

impl From<Delivery> for View {
    fn from(delivery: Delivery) -> Self {
        Self {
            href: format!("{PATH}/{}", delivery.id),
            id: delivery.id,
            target: delivery.target.to_string(),
            source: delivery.source.map(Name::into),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            attempts_max: delivery.policy.attempts_max,
            backoff_ms: delivery.policy.backoff_ms,
            backoff_max_ms: delivery.policy.backoff_max_ms,
            order_key: delivery.order_key,
            content_type: delivery.content_type,
            properties: delivery.properties,
            payload_bytes: delivery.payload_bytes,
            due_at: delivery.due_at,
            expires_at: delivery.expires_at,
            correlation_id: delivery.correlation_id,
            failures: delivery.failures.into_iter().map(FailureView::from).collect(),
            created_at: delivery.created_at,
            updated_at: delivery.updated_at,
        }
    }
}

impl FromIterator<(DeliveryState, u64)> for Counts {
    fn from_iter<I: IntoIterator<Item = (DeliveryState, u64)>>(counted: I) -> Self {
        let mut counts = Self::default();
        for (state, count) in counted {
            let of = match state {
                DeliveryState::Waiting => &mut counts.waiting,
                DeliveryState::InProgress => &mut counts.in_progress,
                DeliveryState::Confirmed => &mut counts.confirmed,
                DeliveryState::InDoubt => &mut counts.in_doubt,
                DeliveryState::Failed => &mut counts.failed,
                DeliveryState::Expired => &mut counts.expired,
                DeliveryState::Discarded => &mut counts.discarded,
            };
            *of = count;
        }
        counts
    }
}

pub(crate) struct Fields;

impl Filters for Fields {
    const ALLOWED: &'static [(&'static str, &'static str)] = &[
        ("state", "Only deliveries in this state."),
        ("target", "Only deliveries to this service, or to this exchange of a broker."),
        ("source", "Only deliveries of this plugin, security definition or channel."),
        ("correlation_id", "Only deliveries of the call tree with this correlation id."),
    ];

    fn value(field: &str) -> RefOr<Schema> {
        match field {
            "state" => describe::one_of(DeliveryState::ALL.map(DeliveryState::as_str)),
            _ => String::schema(),
        }
    }
}

type Listing = List<Fields>;

/// A target in the one form that it has in the ODB.
fn one_text(text: String) -> String {
    text.parse::<Target>().map_or(text, |target| target.to_string())
}

fn state(text: &str) -> Result<DeliveryState, Problem> {
    text.parse().map_err(|_| {
        let allowed = DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
        Problem::invalid_at("/state", format!("is {:?}; allowed is {allowed}", shown(text)))
    })
}

/// Deliveries.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", params(Listing),
    responses((status = 200, description = "A page of deliveries.", body = Listed<View>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, list: Listing) -> Result<Json<Listed<View>>, Problem> {
    let filter = DeliveryFilter {
        state: list.filter("state").map(|text| state(&text)).transpose()?,
        target: list.filter("target").map(one_text),
        source: list.filter("source"),
        correlation_id: list.filter("correlation_id"),
    };
    let page = list.page.clone();
    let paged = app.read(move |odb| Ok(odb.deliveries(&page, &filter)?)).await?;
    Ok(list.reply(page::map(paged, View::from)))
}

/// How many deliveries there are in each state.
#[utoipa::path(get, path = "/api/v1/deliveries/counts", tag = "deliveries",
    responses((status = 200, description = "A number by state.", body = Counts)))]
pub(crate) async fn counts(State(app): State<Arc<App>>) -> Result<Json<Counts>, Problem> {
    let counted = app.read(|odb| Ok(odb.delivery_counts()?)).await?;
    Ok(Json(counted.into_iter().collect()))
}

/// A delivery.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, description = "The delivery.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    let delivery = app.read(move |odb| Ok(odb.delivery(&id)?)).await?;
    Ok(etag::tagged(delivery.revision, View::from(delivery)))
}

/// What a delivery carries, byte for byte, with its content type.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}/payload", tag = "deliveries",
    params(("id" = String, Path)),
    responses((status = 200, description = "The payload, of whatever content type it has.", body = serde_json::Value,
        content_type = "*/*", headers(("ETag" = String)))))]
pub(crate) async fn payload(State(app): State<Arc<App>>, Key(id): Key) -> Result<Response, Problem> {
    // First the tag and then the bytes: a tag that is too old is refused, one too new would lie.
    let (delivery, bytes) = app.read(move |odb| Ok((odb.delivery(&id)?, odb.delivery_payload(&id)?))).await?;
    let kind = delivery.content_type.and_then(|kind| HeaderValue::try_from(kind).ok());
    let headers = [
        (header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static(OCTETS))),
        (header::ETAG, etag::of(delivery.revision)),
        // Whatever it says it is: no browser shows or runs it.
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
        NOSNIFF,
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, bytes).into_response())
}

/// Attempt a delivery again, at once and with all its attempts, maybe with another payload: if it is refused,
/// nothing of it happened.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", tag = "deliveries",
    params(("id" = String, Path), IfMatch), request_body = Option<retry::Body>,
    responses((status = 200, description = "The delivery as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn retry(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
    request: Request,
) -> Result<Response, Problem> {
    let _turn = match retry::is_large(&request) {
        true => Some(app.uploads.acquire().await.map_err(Problem::internal)?),
        false => None,
    };
    let retry = retry::read(request).await?;
    let delivery = app.write(move |odb| Ok(odb.retry_delivery(&by, &id, seen, &retry)?)).await?;
    Ok(etag::tagged(delivery.revision, View::from(delivery)))
}

/// Give a delivery up.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/discard", tag = "deliveries",
    params(("id" = String, Path), IfMatch),
    responses((status = 200, description = "The delivery as it is now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn discard(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    IfMatch(seen): IfMatch,
) -> Result<Response, Problem> {
    let delivery = app.write(move |odb| Ok(odb.discard_delivery(&by, &id, seen)?)).await?;
    Ok(etag::tagged(delivery.revision, View::from(delivery)))
}
