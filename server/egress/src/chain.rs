//! One attempt: a request, and what redirects and a refused token make of it.

use std::sync::Arc;

use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::{
    CallError, ErrorKind,
    bounds::TOKEN_REPLY_BYTES_MAX,
    call::discard,
    credentials::Credentials,
    exchange::{Failed, Replied, exchange},
    outgoing::Outgoing,
    pool::Lane,
    redirect::Hop,
    reply::Time,
    request::{Outbound, Progress},
    retry::is_idempotent,
    shared::Shared,
    statistics::count,
    token::{
        Granted, Token,
        grant::{self, Endpoint},
    },
};

/// A reply's head, with what its body comes by.
pub(crate) struct Found {
    pub(crate) response: Response<Incoming>,
    pub(crate) lane: Lane,
    pub(crate) progress: Option<Arc<Progress>>,
}

pub(crate) async fn follow(shared: &Arc<Shared>, outgoing: &mut Outgoing) -> Result<Found, CallError> {
    let mut hop = Hop {
        origin: Arc::clone(&shared.base.origin),
        target: outgoing.target.clone(),
        method: outgoing.method.clone(),
        keeps_body: true,
    };
    let (mut followed, mut is_trusted, mut renewed) = (0, true, false);
    loop {
        let token =
            if is_trusted { token(shared, &outgoing.time).await.map_err(ErrorKind::unsent)? } else { None };
        let found = send(shared, outgoing, &hop, is_trusted, token.as_deref()).await?;
        if let Some(token) = &token {
            if found.response.status() != StatusCode::UNAUTHORIZED {
                token.was_let_in();
            } else if !renewed && refuse(shared, token) && outgoing.is_repeatable() {
                renewed = true;
                discard(shared, found, &outgoing.time).await;
                continue;
            }
        }
        let from = (&hop.origin, &hop.target, &hop.method);
        let reply = (found.response.status(), found.response.headers());
        let next = shared.redirects.next(from, reply, &shared.base.origin, followed);
        let Some(next) = next.map_err(|text| ErrorKind::Redirect { text }.sent())? else { return Ok(found) };
        let next = Hop { keeps_body: next.keeps_body && hop.keeps_body, ..next };
        if next.keeps_body && !outgoing.is_repeatable() {
            let text = "the request's body was a stream, which goes out once".to_owned();
            return Err(ErrorKind::Redirect { text }.sent());
        }
        discard(shared, found, &outgoing.time).await;
        count(&shared.counters.redirects);
        followed += 1;
        // Who was sent elsewhere and back is not trusted with credentials again.
        is_trusted &= *next.origin == *shared.base.origin;
        hop = next;
    }
}

/// A request that met a connection that was closed meanwhile goes out again if it may.
async fn send(
    shared: &Shared,
    outgoing: &mut Outgoing,
    hop: &Hop,
    is_trusted: bool,
    token: Option<&Token>,
) -> Result<Found, CallError> {
    let header = token.map(|token| &token.header);
    let (request, progress) = outgoing.request(shared, hop, is_trusted, header);
    let replied = exchange(shared, &hop.origin, request, progress.as_deref(), &outgoing.time, false).await;
    let replied: Result<Replied, Failed> = match replied {
        Err(Failed { is_stale: true, .. }) if is_idempotent(&hop.method) && outgoing.is_repeatable() => {
            let (request, progress) = outgoing.request(shared, hop, is_trusted, header);
            exchange(shared, &hop.origin, request, progress.as_deref(), &outgoing.time, true).await
        }
        other => other,
    };
    let (response, lane) = replied.map_err(|failed| failed.error)?;
    Ok(Found { response, lane, progress })
}

fn refuse(shared: &Shared, token: &Arc<Token>) -> bool {
    match &shared.credentials {
        Credentials::Token { cache, .. } => cache.refuse(token, Instant::now()),
        _ => false,
    }
}

async fn token(shared: &Shared, time: &Time) -> Result<Option<Arc<Token>>, ErrorKind> {
    let Credentials::Token { cache, endpoint } = &shared.credentials else { return Ok(None) };
    let got = timeout_at(time.deadline, cache.get(async || fetch(shared, endpoint, time).await));
    got.await.unwrap_or_else(|_| Err(time.late())).map(Some)
}

/// Asks for a token, of the same allow-list and time limits as calls.
async fn fetch(shared: &Shared, endpoint: &Endpoint, time: &Time) -> Result<Granted, ErrorKind> {
    count(&shared.counters.tokens);
    let origin = &endpoint.base.origin;
    let mut request = http::Request::new(Outbound::Whole(endpoint.form()));
    let path = if endpoint.base.path.is_empty() { "/" } else { endpoint.base.path.as_str() };
    let wrong = |text: String| ErrorKind::Auth { text };
    *request.uri_mut() = path.parse().map_err(|_| wrong("the token endpoint's path is none".to_owned()))?;
    *request.method_mut() = http::Method::POST;
    *request.headers_mut() = endpoint.headers();
    request.headers_mut().insert(http::header::HOST, origin.authority.clone());
    let replied = exchange(shared, origin, request, None, time, false).await;
    let (response, lane) = replied.map_err(|failed| match failed.error.kind {
        refused @ ErrorKind::RefusedAddress { .. } => refused,
        other => wrong(format!("the token endpoint: {other}")),
    })?;
    let (head, body) = response.into_parts();
    let bytes_max = usize::try_from(TOKEN_REPLY_BYTES_MAX).unwrap_or(usize::MAX);
    let until = time.deadline.min(Instant::now() + shared.first_byte);
    let collected = timeout_at(until, Limited::new(body, bytes_max).collect()).await;
    let Ok(Ok(collected)) = collected else {
        return Err(wrong(
            "the token endpoint's reply breaks off, is too large or takes too long".to_owned(),
        ));
    };
    shared.pool.put(lane);
    grant::read(head.status, &collected.to_bytes()).map_err(wrong)
}
