//! The way of a call: breaker, limits, attempts with their pauses, and what of it is counted.

use std::{sync::Arc, time::Duration};

use http::{Method, Response, header};
use http_body::Body as _;
use tokio::time::{Instant, sleep};

use crate::{
    CallError, ErrorKind, Request, What,
    bounds::{DRAIN_BOUND, DRAINED_BYTES_MAX},
    chain::{self, Found},
    headers,
    outgoing::Outgoing,
    reply::{Held, ReplyBody, Time},
    retry::Outcome,
    shared::Shared,
    statistics::count,
};

/// Head, and a body that is still on its way.
pub type Reply = Response<ReplyBody>;

pub(crate) async fn call(shared: &Arc<Shared>, request: Request) -> Result<Reply, CallError> {
    let started = Instant::now();
    let result = run(shared, request, started).await;
    shared.counters.ended(started.elapsed());
    match &result {
        Ok(reply) => shared.counters.replied(reply.status()),
        Err(error) => shared.counters.failed(&error.kind),
    }
    result
}

async fn run(shared: &Arc<Shared>, request: Request, started: Instant) -> Result<Reply, CallError> {
    let mut admitted = shared.admit(started).map_err(ErrorKind::unsent)?;
    let deadline = request.deadline.map_or(started + shared.total, |own| own.min(started + shared.total));
    let mut outgoing = Outgoing::new(shared, request, deadline, started).map_err(ErrorKind::unsent)?;
    let permit = shared.limits.enter(started, deadline).await.map_err(ErrorKind::unsent)?;
    let (mut retried, mut was_sent) = (0, false);
    loop {
        let found = chain::follow(shared, &mut outgoing).await;
        match judge(&found, &outgoing) {
            Some(is_failure) => admitted.judge(is_failure),
            None => drop(admitted),
        }
        let Some(pause) = pause(shared, &outgoing, &found, retried) else {
            let reply = found
                .and_then(|found| finish(shared, found, &outgoing, Some(permit)).map_err(ErrorKind::sent));
            return reply
                .map_err(|error| CallError { maybe_processed: error.maybe_processed || was_sent, ..error });
        };
        was_sent |= found.as_ref().map_or_else(|error| error.maybe_processed, |_| true);
        if let Ok(found) = found {
            discard(shared, found, &outgoing.time).await;
        }
        sleep(pause).await;
        let again = |kind| CallError { kind, maybe_processed: was_sent };
        admitted = shared.admit(Instant::now()).map_err(again)?;
        shared.limits.begin(Instant::now(), deadline).await.map_err(again)?;
        retried += 1;
        count(&shared.counters.retries);
    }
}

/// Whether the other side failed; `None` if this tells nothing of it.
fn judge(found: &Result<Found, CallError>, outgoing: &Outgoing) -> Option<bool> {
    match found {
        Ok(found) => Some(found.response.status().is_server_error()),
        // The caller had less patience than the connection has.
        Err(error) if outgoing.is_hurried && error.kind == outgoing.time.late() => None,
        Err(error) if error.kind.is_of_the_other_side() => Some(true),
        // It answered, if not as it should.
        Err(error) if error.maybe_processed => Some(false),
        Err(_) => None,
    }
}

fn pause(
    shared: &Shared,
    outgoing: &Outgoing,
    found: &Result<Found, CallError>,
    retried: u32,
) -> Option<Duration> {
    if !outgoing.is_repeatable() {
        return None;
    }
    let outcome = match found {
        Ok(found) => Outcome::Reply(found.response.status(), found.response.headers()),
        Err(error) => Outcome::Error(error),
    };
    let left = outgoing.time.deadline.saturating_duration_since(Instant::now());
    let outside = &shared.dialer.outside;
    let random = (outside.random)();
    let pause = shared.retries.pause(&outgoing.method, outcome, retried, left, (outside.time)(), random)?;
    // Where the breaker will refuse, what is there is what the caller gets.
    let is_open = shared.breaker().is_some_and(|breaker| !breaker.admits(Instant::now() + pause));
    (!is_open).then_some(pause)
}

/// Makes a reply that is the caller's of one that was found.
pub(crate) fn finish(
    shared: &Arc<Shared>,
    found: Found,
    outgoing: &Outgoing,
    permit: Option<tokio::sync::OwnedSemaphorePermit>,
) -> Result<Reply, ErrorKind> {
    let Found { response, lane, progress } = found;
    let (mut head, incoming) = response.into_parts();
    headers::clean_reply(&mut head.headers);
    let bytes_max = shared.settings.bodies.reply_bytes_max;
    if outgoing.method != Method::HEAD && incoming.size_hint().lower() > bytes_max {
        return Err(ErrorKind::TooLarge { what: What::ReplyBody, bytes_max });
    }
    let is_gzip = outgoing.asks_for_gzip
        && !incoming.is_end_stream()
        && head.headers.get(header::CONTENT_ENCODING).is_some_and(|value| {
            value.as_bytes().eq_ignore_ascii_case(b"gzip") || value.as_bytes().eq_ignore_ascii_case(b"x-gzip")
        });
    if is_gzip {
        head.headers.remove(header::CONTENT_ENCODING);
        head.headers.remove(header::CONTENT_LENGTH);
    }
    let time = Time::new(outgoing.time.deadline, outgoing.time.bound);
    let held = Held { lane, progress, shared: Arc::clone(shared), permit };
    Ok(Response::from_parts(head, ReplyBody::new(incoming, is_gzip, bytes_max, time, held)))
}

/// A reply that nobody gets: its connection may be of use again.
pub(crate) async fn discard(shared: &Arc<Shared>, found: Found, time: &Time) {
    let Found { response, lane, progress } = found;
    let held = Held { lane, progress, shared: Arc::clone(shared), permit: None };
    let time = Time::new(time.deadline, time.bound);
    let body = ReplyBody::new(response.into_body(), false, DRAINED_BYTES_MAX, time, held);
    body.drain(DRAINED_BYTES_MAX, DRAIN_BOUND).await;
}
