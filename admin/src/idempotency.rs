//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is repeated with its key
//! happens once and gets the same reply. `busbar_store` says what a crash leaves; here is which request a key
//! stands for, and what is kept of its reply.
//!
//! A request is known by a hash over method, path, query and body, keyed with the token: a body may hold a
//! password, which a bare hash would let anyone who reads the ODB guess at. Replies of 2xx and 4xx are kept; a
//! 5xx is not, so that its repeat is tried. A reply that shows a secret is kept without it.

mod key;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use busbar_model::{
    bounds::{CONFIGURATION_BYTES_MAX, PLUGIN_BYTES_MAX},
    correlation::CorrelationId,
    unit::StoredReply,
};
use busbar_store::{Begun, Claim, Error, Odb};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::sleep;
use utoipa::{
    PartialSchema as _,
    openapi::path::{Parameter, ParameterBuilder, ParameterIn},
};

use crate::{
    app::App,
    body, bounds, caller, clock, configuration, connections, deployments, dictionaries, members,
    problem::{Kind, Problem},
};

/// Says that nothing was done: the reply is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

tokio::task_local! {
    /// The claim of the request that this task answers. Handlers need not know of it: what they change by
    /// `App::write` or `App::answer` is changed under the claim.
    static HELD: Arc<Held>;
}

/// A claim to answer a request, and whether its reply was kept together with its change.
pub(crate) struct Held {
    claim: Claim,
    request_hash: String,
    answered: AtomicBool,
}

pub(crate) fn held() -> Option<Arc<Held>> {
    HELD.try_with(Arc::clone).ok()
}

impl Held {
    pub(crate) fn apply<T>(
        &self,
        odb: &Odb,
        work: impl FnOnce(&Odb) -> Result<T, Problem>,
        reply: impl FnOnce(&Self, &mut T) -> Option<StoredReply>,
    ) -> Result<T, Problem> {
        let mut kept = false;
        let done = odb.apply_request(&self.claim, work, |done| {
            let reply = reply(self, done);
            kept = reply.is_some();
            reply
        })?;
        self.answered.fetch_or(kept, Ordering::SeqCst);
        Ok(done)
    }

    /// What is kept of a reply. `None`: it is of a kind that is not.
    pub(crate) fn reply(&self, response: &mut Response) -> Option<StoredReply> {
        let status = response.status();
        if !(status.is_success() || status.is_client_error()) {
            return None;
        }
        let body = whole(response)?;
        let body = response.extensions().get::<KeptInstead>().map_or(body, |kept| kept.0.clone());
        let headers = response.headers().iter().filter(|(name, _)| **name != header::CONTENT_LENGTH);
        Some(StoredReply {
            request_hash: self.request_hash.clone(),
            status: status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: body.to_vec(),
        })
    }
}

/// A copy of a reply's body, which is in memory already.
fn whole(response: &mut Response) -> Option<Bytes> {
    let body = std::mem::take(response.body_mut());
    match pin!(body.collect()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(body)) => {
            let bytes = body.to_bytes();
            *response.body_mut() = Body::from(bytes.clone());
            Some(bytes)
        }
        Poll::Ready(Err(_)) | Poll::Pending => None,
    }
}

/// The body that is kept of a reply which shows a secret.
#[derive(Clone)]
struct KeptInstead(Bytes);

/// Marks a reply as one that shows a secret: a repeat gets `body` instead.
pub(crate) fn keep_instead(mut response: Response, body: Vec<u8>) -> Response {
    response.extensions_mut().insert(KeptInstead(body.into()));
    response
}

/// The header's description.
pub(crate) fn parameter() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "1 to 255 printable ASCII characters, bare or quoted. The same request again with the same key \
             within 24 hours does nothing and gets the first one's reply, without secrets and with \
             `Idempotency-Replayed: true`; another request with the key gets 422.",
        ))
        .schema(Some(String::schema()))
        .build()
}

/// Another request with the same key and content is at work.
pub(crate) fn under_way() -> Problem {
    Problem::new(
        Kind::Conflict,
        "the request with this idempotency key is under way; repeat it for its reply",
    )
    .with_code("idempotency-under-way")
    .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    // Whoever joins may ask again anyhow, and what it is given is kept nowhere.
    if request.uri().path() == members::joining::JOIN {
        return next.run(request).await;
    }
    let key = match key::of(request.method(), request.headers()) {
        Ok(None) => return next.run(request).await,
        Ok(Some(key)) => key,
        Err(problem) => {
            let (parts, rest) = request.into_parts();
            body::discard(&parts.headers, rest).await;
            return problem.into_response();
        }
    };
    keyed(app, key, request, next).await.unwrap_or_else(Problem::into_response)
}

async fn keyed(app: Arc<App>, key: String, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let (mut bytes_max, mut time_max) = (bounds::BODY_BYTES_MAX, bounds::BODY_TIME_MAX);
    let path = parts.uri.path();
    let large = if parts.method == Method::POST && path == deployments::PATH {
        Some(PLUGIN_BYTES_MAX)
    } else if path.starts_with(dictionaries::PATH) {
        Some(bounds::DICTIONARY_BYTES_MAX)
    } else if path == configuration::APPLY {
        Some(CONFIGURATION_BYTES_MAX)
    } else {
        None
    };
    if let Some(large) = large {
        (bytes_max, time_max) = (large, bounds::UPLOAD_TIME_MAX);
        parts.extensions.insert(deployments::Turn::of(&app).await?);
    }
    if parts.uri.path().starts_with(connections::PATH) {
        bytes_max = bounds::CONNECTION_BYTES_MAX;
    }
    let bytes = body::read(&parts.headers, body, bytes_max, time_max).await?;
    let (method, path, query) = (parts.method.as_str(), parts.uri.path(), parts.uri.query());
    let query = query.unwrap_or_default();
    let request_hash =
        app.hashing_key.keyed_hash(&[method.as_bytes(), path.as_bytes(), query.as_bytes(), &bytes]);
    let actor = caller::actor(&parts.extensions);
    let claim = match begin(&app, &actor, &key, &request_hash).await? {
        Ok(claim) => claim,
        Err(stored) => return Ok(replayed(stored)),
    };
    let correlation_id = parts.extensions.get::<CorrelationId>().cloned();
    let held = Arc::new(Held { claim, request_hash, answered: AtomicBool::new(false) });
    let request = Request::from_parts(parts, Body::from(bytes));
    let work = async move {
        let mut response = HELD.scope(Arc::clone(&held), next.run(request)).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            *response.body_mut() = problem.render(correlation_id.as_ref().map_or("", CorrelationId::as_str));
            // The one of the empty body.
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        settle(&app, held, &mut response).await;
        response
    };
    // A caller that goes away in the middle leaves a request that is finished all the same.
    tokio::spawn(work).await.map_err(Problem::internal)
}

/// The claim to do it, or the reply that was given.
async fn begin(
    app: &App,
    actor: &str,
    key: &str,
    request_hash: &str,
) -> Result<Result<Claim, StoredReply>, Problem> {
    let started = Instant::now();
    let mut pause = bounds::REPEAT_PAUSE_MAX / 16;
    loop {
        let (actor, key, hash) = (actor.to_owned(), key.to_owned(), request_hash.to_owned());
        match app.read(move |odb| Ok(odb.begin_request(&actor, &key, &hash, clock::now())?)).await? {
            Begun::Mine(claim) => return Ok(Ok(claim)),
            Begun::Answered(reply) => return Ok(Err(reply)),
            Begun::UnderWay if started.elapsed() < bounds::REPEAT_TIME_MAX => sleep(pause).await,
            Begun::UnderWay => return Err(under_way()),
            Begun::Reused => {
                let detail =
                    "this idempotency key was used for another request; a new request needs a new key";
                return Err(Problem::new(Kind::KeyReused, detail));
            }
            Begun::ReplyLost => {
                let detail = "the request with this idempotency key took effect, but its reply was lost; \
                    look at what it was to change";
                return Err(Problem::new(Kind::Conflict, detail).with_code("idempotency-reply-lost"));
            }
        }
        pause = (pause * 2).min(bounds::REPEAT_PAUSE_MAX);
    }
}

/// Keeps the reply where that has not been done, or lets a request that came to nothing be repeated.
async fn settle(app: &App, held: Arc<Held>, response: &mut Response) {
    if held.answered.load(Ordering::SeqCst) {
        return;
    }
    let reply = held.reply(response);
    let work = move |odb: &Odb| match reply {
        Some(reply) => Ok(odb.answer_request(&held.claim, &reply)),
        None => Ok(odb.forget_request(&held.claim)),
    };
    match app.read(work).await {
        // Who took the claim over answers for the request.
        Ok(Ok(()) | Err(Error::ClaimTakenOver)) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the reply to a request with an idempotency key is not kept")
        }
        Err(problem) => {
            tracing::warn!(?problem, "the reply to a request with an idempotency key is not kept")
        }
    }
}

fn replayed(stored: StoredReply) -> Response {
    let mut headers = HeaderMap::new();
    for (name, value) in stored.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(&value)) {
            headers.append(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    let mut response = Response::new(Body::from(stored.body));
    *response.status_mut() = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    *response.headers_mut() = headers;
    response
}
