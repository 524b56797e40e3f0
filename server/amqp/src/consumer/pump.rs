//! The task of a consumer: a channel after the other, for as long as anybody wants its messages.

use std::{sync::Arc, time::Instant};

use tokio::{sync::mpsc, time::sleep};

use crate::{
    backoff,
    bounds::{LASTING, RESEND_PAUSE},
    consumer::{ConsumerState, Desk, Mode, channel::serve},
    incoming::Told,
    link::Shared,
    reason::Reason,
    session::Session,
};

/// Why a channel can't be used any more.
pub(crate) enum End {
    /// With its connection.
    Lost(Reason),
    /// The broker does not want it.
    Refused(String),
}

pub(crate) async fn run(link: Arc<Shared>, desk: Arc<Desk>, mut hears: mpsc::UnboundedReceiver<Told>) {
    tokio::select! {
        () = link.stopped() => {}
        () = stopped(&desk) => {}
        () = pump(&link, &desk, &mut hears) => {}
    }
    desk.close();
}

async fn stopped(desk: &Desk) {
    let mut mode = desk.mode.subscribe();
    let _ = mode.wait_for(|mode| *mode == Mode::Stopped).await;
}

/// Ends when the link does.
async fn pump(link: &Shared, desk: &Desk, hears: &mut mpsc::UnboundedReceiver<Told>) {
    let (mut epoch, mut failed) = (0, 0_u32);
    while let Some(session) = session(link, desk, hears).await {
        epoch += 1;
        let started = Instant::now();
        let end = tokio::select! {
            end = serve(&session, desk, epoch, hears) => end,
            reason = session.ended() => End::Lost(reason),
        };
        desk.forget_waiting();
        if started.elapsed() >= LASTING {
            failed = 0;
        }
        match end {
            End::Lost(reason) => {
                desk.reconnecting(reason);
                // The supervisor may not have noticed.
                sleep(RESEND_PAUSE).await;
            }
            End::Refused(reason) => {
                failed = failed.saturating_add(1);
                if failed == 1 {
                    tracing::warn!(queue = desk.subscription.queue, reason, "the broker refuses a consumer");
                }
                desk.refused(reason);
                tokio::select! {
                    () = sleep(backoff::pause(failed, backoff::random())) => {}
                    _ = session.ended() => {}
                }
            }
        }
    }
}

/// The next session. While there is none, nothing can be told.
async fn session(
    link: &Shared,
    desk: &Desk,
    hears: &mut mpsc::UnboundedReceiver<Told>,
) -> Option<Arc<Session>> {
    let mut sessions = link.session.subscribe();
    loop {
        tokio::select! {
            found = sessions.wait_for(|found| found.as_ref().is_some_and(|session| !session.is_over())) => {
                return found.ok().and_then(|found| found.clone());
            }
            Some(told) = hears.recv() => match told {
                Told::Settled { .. } => desk.count_stale(1),
                Told::Flush(done) => {
                    let _ = done.send(());
                }
            },
        }
    }
}

impl Desk {
    fn reconnecting(&self, reason: Reason) {
        self.state.send_modify(|state| {
            let since = match state {
                ConsumerState::Reconnecting { since, .. } => *since,
                _ => Instant::now(),
            };
            *state = ConsumerState::Reconnecting { since, reason };
        });
    }

    fn refused(&self, reason: String) {
        self.state.send_modify(|state| {
            let since = match state {
                ConsumerState::Refused { since, .. } => *since,
                _ => Instant::now(),
            };
            *state = ConsumerState::Refused { since, reason };
        });
    }
}
