//! The one task that looks after a connection: connects, tells what becomes of it, and on any error drops all of it
//! and begins anew.

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use futures_util::StreamExt as _;
use lapin::Event;
use tokio::time::{interval, sleep};

use crate::{
    backoff,
    bounds::{LASTING, LOOK_INTERVAL, PROBE_LOOKS},
    connect::connect,
    link::Shared,
    reason::{Reason, refusal},
    session::Session,
    state::State,
};

pub(crate) async fn run(shared: Arc<Shared>) {
    tokio::select! {
        () = shared.stopped() => {}
        never = supervise(&shared) => match never {},
    }
    let session = shared.session.send_replace(None);
    if let Some(session) = session {
        session.close().await;
    }
    shared.state.send_replace(State::Stopped);
}

enum Never {}

async fn supervise(shared: &Shared) -> Never {
    let (mut generation, mut failed) = (0, 0_u32);
    let mut since = Instant::now();
    loop {
        generation += 1;
        let reason = match connect(&shared.endpoint, generation).await {
            Ok(session) => {
                let (session, started) = (Arc::new(session), Instant::now());
                tracing::info!(connection = shared.endpoint.name, generation, "connected to the broker");
                let reason = watch_over(shared, &session).await;
                since = Instant::now();
                if started.elapsed() >= LASTING {
                    failed = 0;
                }
                reason
            }
            Err(reason) => reason,
        };
        failed = failed.saturating_add(1);
        if failed == 1 {
            tracing::warn!(connection = shared.endpoint.name, %reason, "no connection to the broker");
        }
        shared.state.send_replace(State::Reconnecting { since, reason, attempts: failed });
        sleep(backoff::pause(failed, backoff::random())).await;
    }
}

/// Offers the session to all until it ends, and says why it did.
async fn watch_over(shared: &Shared, session: &Arc<Session>) -> Reason {
    let mut events = session.events();
    // Before the state: who is woken by that looks for the session once.
    shared.session.send_replace(Some(Arc::clone(session)));
    shared.state.send_replace(State::Connected);
    let mut looks = interval(LOOK_INTERVAL);
    let mut looked = 0_u32;
    let reason = loop {
        tokio::select! {
            event = events.next() => match event.map(|event| heed(shared, event)) {
                Some(ControlFlow::Continue(())) => {}
                Some(ControlFlow::Break(reason)) => break reason,
                None => break Reason::Lost { text: "the client ended it".to_owned() },
            },
            reason = session.ended() => break reason,
            _ = looks.tick() => {
                looked = looked.wrapping_add(1);
                if !session.is_connected() {
                    break Reason::Lost { text: "the connection is closed".to_owned() };
                }
                if looked.is_multiple_of(PROBE_LOOKS) && let Err(reason) = session.check().await {
                    break reason;
                }
            }
        }
    };
    session.end(reason.clone());
    shared.session.send_replace(None);
    reason
}

fn heed(shared: &Shared, event: Event) -> ControlFlow<Reason> {
    match event {
        Event::ConnectionBlocked(reason) => {
            tracing::warn!(connection = shared.endpoint.name, reason, "the broker takes no messages");
            shared.state.send_replace(State::Blocked { since: Instant::now(), reason });
        }
        Event::ConnectionUnblocked => {
            shared.state.send_replace(State::Connected);
        }
        // Of a channel's end its own users hear.
        Event::Error(error) if refusal(&error).is_none() => return ControlFlow::Break(Reason::of(&error)),
        _ => {}
    }
    ControlFlow::Continue(())
}
