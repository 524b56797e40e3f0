//! Outermost layer: every request gets a correlation id, every reply carries it.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use busbar_model::correlation::CorrelationId;
use uuid::Uuid;

use crate::{app::App, problem::Problem};

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

pub(crate) async fn layer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = given(request.headers())
        .filter(|_| app.development)
        .unwrap_or_else(|| CorrelationId::from_unique(Uuid::now_v7().as_u128()));
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = problem.render(id.as_str());
        // The one of the empty body.
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(HEADER, value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn given(headers: &HeaderMap) -> Option<CorrelationId> {
    CorrelationId::parse(headers.get(HEADER)?.to_str().ok()?)
}
