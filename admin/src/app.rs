//! Composition: state, routes and the layers around them.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    http::{Method, StatusCode},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use busbar_store::{MasterKey, Odb};
use bytes::Bytes;
use tokio::sync::Semaphore;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    audit,
    auth::{self, Token},
    balancer, bounds, calendars, channels, cluster, configuration, connections, correlation, deliveries,
    deployments, dictionaries,
    error::Error,
    health, host, idempotency, jobs, members, metrics, openapi, ping, plugins,
    problem::{Kind, Problem},
    secrets, security, servers, services,
    settings::{AskServers, Handed, HashPassword, PasswordFits, Ping, Settings, Wsdl},
    standing,
};

pub(crate) struct App {
    pub(crate) odb: Odb,
    pub(crate) master_key: Arc<MasterKey>,
    pub(crate) token: Token,
    /// The same for all admin processes of a cluster: a request may be repeated at another one.
    pub(crate) hashing_key: Token,
    pub(crate) development: bool,
    pub(crate) hint: Arc<dyn Fn() + Send + Sync>,
    pub(crate) metrics: Option<PathBuf>,
    pub(crate) hash_password: HashPassword,
    pub(crate) password_fits: PasswordFits,
    pub(crate) hashing: Semaphore,
    pub(crate) ping: Ping,
    pub(crate) wsdl: Wsdl,
    pub(crate) pings: Semaphore,
    pub(crate) ask: Option<AskServers>,
    /// Where admin processes are, for those who join.
    pub(crate) urls: Vec<String>,
    pub(crate) handed: Handed,
    /// Whether the token alone opens nothing: callers show certificates.
    pub(crate) certificates_required: bool,
    pub(crate) uploads: Arc<Semaphore>,
    /// The API's description, as text.
    pub(crate) document: Bytes,
}

/// Everything that is served, for a listener or for tests.
pub fn router(settings: Settings) -> Result<Router, Error> {
    if settings.token.is_empty() {
        return Err(Error::EmptyToken);
    }
    let (routes, described) = routes().split_for_parts();
    let app = Arc::new(App {
        token: Token::new(&settings.token),
        hashing_key: Token::of(&settings.handed.master_key),
        odb: settings.odb,
        master_key: settings.master_key,
        development: settings.development,
        hint: settings.hint,
        metrics: settings.metrics,
        hash_password: settings.hash_password,
        password_fits: settings.password_fits,
        hashing: Semaphore::new(bounds::HASHES_AT_ONCE),
        ping: settings.ping,
        wsdl: settings.wsdl,
        ask: settings.ask,
        urls: settings.urls,
        handed: settings.handed,
        certificates_required: settings.tls.is_some_and(|tls| tls.required),
        pings: Semaphore::new(bounds::PINGS_AT_ONCE),
        uploads: Arc::new(Semaphore::new(bounds::UPLOADS_AT_ONCE)),
        document: openapi::document(described, settings.version),
    });
    let router = routes
        .route(metrics::PATH, get(metrics::get))
        .route(health::LIVE, get(health::live))
        .route(health::PING, get(health::live))
        .route(health::READY, get(health::ready))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), idempotency::layer))
        .layer(middleware::from_fn_with_state(app.clone(), auth::layer))
        .layer(middleware::from_fn_with_state(app.clone(), host::layer))
        .layer(middleware::from_fn_with_state(app.clone(), correlation::layer))
        .with_state(app);
    Ok(router)
}

/// What the API's description describes.
fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(channels::list, channels::create))
        .routes(routes!(channels::get, channels::update, channels::delete))
        .routes(routes!(channels::switch::pause))
        .routes(routes!(channels::switch::resume))
        .routes(routes!(connections::list, connections::create))
        .routes(routes!(connections::get, connections::update, connections::delete))
        .routes(routes!(connections::operations::list))
        .routes(routes!(connections::statistics::get))
        .routes(routes!(standing::links))
        .routes(routes!(ping::ping))
        .routes(routes!(standing::consumers))
        .routes(routes!(security::list, security::create))
        .routes(routes!(security::get, security::update, security::delete))
        .routes(routes!(secrets::list, secrets::create))
        .routes(routes!(secrets::get, secrets::update, secrets::delete))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::get, plugins::delete))
        .routes(routes!(plugins::grants, plugins::set_grants))
        .routes(routes!(plugins::config, plugins::set_config))
        .routes(routes!(plugins::rollback))
        .routes(routes!(plugins::recall))
        .routes(routes!(plugins::release))
        .routes(routes!(services::list))
        .routes(routes!(services::get, services::update, services::delete))
        .routes(routes!(deployments::list, deployments::create))
        .routes(routes!(deployments::get))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::counts))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::payload))
        .routes(routes!(deliveries::retry))
        .routes(routes!(deliveries::discard))
        .routes(routes!(jobs::list, jobs::create))
        .routes(routes!(jobs::get, jobs::update, jobs::delete))
        .routes(routes!(jobs::pause))
        .routes(routes!(jobs::resume))
        .routes(routes!(jobs::run))
        .routes(routes!(jobs::next))
        .routes(routes!(jobs::runs))
        .routes(routes!(calendars::list, calendars::create))
        .routes(routes!(calendars::get, calendars::update, calendars::delete))
        .routes(routes!(dictionaries::list, dictionaries::create))
        .routes(routes!(dictionaries::get, dictionaries::update, dictionaries::delete))
        .routes(routes!(dictionaries::entries))
        .routes(routes!(dictionaries::export, dictionaries::import))
        .routes(routes!(dictionaries::trial::translate))
        .routes(routes!(servers::list))
        .routes(routes!(servers::get, servers::delete, balancer::weigh))
        .routes(routes!(servers::drain))
        .routes(routes!(servers::resume))
        .routes(routes!(balancer::get, balancer::set))
        .routes(routes!(balancer::state))
        .routes(routes!(balancer::report))
        .routes(routes!(cluster::get))
        .routes(routes!(cluster::status))
        .routes(routes!(members::list))
        .routes(routes!(members::forget))
        .routes(routes!(members::offer))
        .routes(routes!(members::joining::join))
        .routes(routes!(members::joining::visit))
        .routes(routes!(members::authority::get))
        .routes(routes!(members::authority::roll))
        .routes(routes!(members::authority::turn_back))
        .routes(routes!(configuration::export))
        .routes(routes!(configuration::apply))
        .routes(routes!(audit::list))
        .routes(routes!(openapi::get))
}

async fn unknown() -> Problem {
    Problem::new(Kind::NotFound, "nothing is found at this address")
}

/// The router adds `Allow`, which is all that OPTIONS asks for (RFC 9110, section 9.3.7).
async fn wrong_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = "this address does not have this method; Allow lists those it has";
    Problem::new(Kind::MethodNotAllowed, detail).into_response()
}
