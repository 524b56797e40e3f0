//! The worker as a sender of deliveries: claims what is due, attempts it through the pipeline, and records
//! how that went.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use busbar_engine::{Pipeline, catalog::Slot};
use busbar_model::{
    Timestamp,
    bounds::{DELIVERIES_AT_ONCE, DELIVERIES_AT_ONCE_PER_TARGET, DELIVERY_POLL_MS, OUTLET_TIMEOUT_MS},
    delivery::{Claimed, Target},
};
use busbar_store::{Claiming, Claims, Error};
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use tokio::{sync::watch, task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::{boot::Boot, causes::chain, clock, feed::Duty, worker::ledger::OdbLedger};

pub(crate) struct Sender {
    ledger: Arc<OdbLedger>,
    pipeline: Arc<Pipeline>,
    server: String,
    /// What this worker's claims are known by: `SERVER/SLOT/PROCESS`.
    owner: String,
    drain: watch::Receiver<bool>,
    duty: watch::Receiver<Duty>,
    attempts: Arc<AtomicUsize>,
}

/// Attempts under way.
#[derive(Default)]
struct UnderWay {
    attempts: JoinSet<Target>,
    by_target: HashMap<Target, usize>,
}

impl Sender {
    pub(crate) fn new(
        boot: &Boot,
        ledger: Arc<OdbLedger>,
        pipeline: Arc<Pipeline>,
        drain: watch::Receiver<bool>,
        duty: watch::Receiver<Duty>,
    ) -> Self {
        let server = boot.server_id.clone();
        let owner = format!("{server}/{}/{}", boot.slot, std::process::id());
        Self { ledger, pipeline, server, owner, drain, duty, attempts: Arc::default() }
    }

    /// How many attempts are under way.
    pub(crate) fn attempts(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.attempts)
    }

    /// Ends, once the worker drains, with the attempts under way.
    pub(crate) async fn run(self) {
        let mut under_way = UnderWay::default();
        let (mut drain, mut duty) = (self.drain.clone(), self.duty.clone());
        self.take_over().await;
        while !*drain.borrow() {
            let works = duty.borrow_and_update().works;
            // Others claim what is due while this server has no such duty.
            let pause = match if works { self.round(&mut under_way).await } else { Ok(Duration::MAX) } {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "deliveries can't be looked after at present");
                    Duration::from_millis(DELIVERY_POLL_MS)
                }
            };
            self.attempts.store(under_way.attempts.len(), Ordering::Relaxed);
            tokio::select! {
                () = sleep(pause) => {}
                Ok(()) = duty.changed() => {}
                () = self.ledger.deliver.notified() => {}
                Some(ended) = under_way.attempts.join_next() => under_way.end(ended),
                _ = drain.changed() => {}
            }
        }
        while let Some(ended) = under_way.attempts.join_next().await {
            under_way.end(ended);
        }
    }

    /// What workers of this server had claimed when they died.
    async fn take_over(&self) {
        let server = self.server.clone();
        match self.ledger.odb(move |odb| odb.abandon(&server, &is_gone, clock::now())).await {
            Ok(0) => {}
            Ok(deliveries) => tracing::info!(deliveries, "deliveries of a worker that died are in doubt"),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "claims of a worker that died stay until they expire");
            }
        }
    }

    /// Starts what is due and there is room for. Tells when to look again.
    async fn round(&self, under_way: &mut UnderWay) -> Result<Duration, Error> {
        let poll = Duration::from_millis(DELIVERY_POLL_MS);
        while let Some(ended) = under_way.attempts.try_join_next() {
            under_way.end(ended);
        }
        let room = DELIVERIES_AT_ONCE.saturating_sub(under_way.attempts.len());
        if room == 0 {
            return Ok(poll);
        }
        let busy = under_way.busy();
        let (asked, now) = (busy.clone(), clock::now());
        match self.ledger.odb(move |odb| odb.next_delivery(&asked)).await? {
            None => return Ok(poll),
            Some(next) if next > now => return Ok(poll.min(until(now, next))),
            Some(_) => {}
        }
        let claims = self.claim(room, busy).await?;
        for claimed in claims.claimed {
            under_way.begin(&self.pipeline, claimed);
        }
        Ok(if claims.more { Duration::ZERO } else { poll })
    }

    async fn claim(&self, limit: usize, busy: Vec<Target>) -> Result<Claims, Error> {
        let (owner, catalog) = (self.owner.clone(), self.pipeline.catalog());
        let has_outlet = self.pipeline.has_outlet();
        self.ledger
            .odb(move |odb| {
                let lease_ms = |target: &Target| match target {
                    Target::Service(name) => match catalog.service(name.as_str()) {
                        Slot::Live(service) => Some(service.limits.timeout_ms),
                        Slot::NotLive | Slot::Quarantined | Slot::Unknown => None,
                    },
                    Target::Amqp { connection, .. } => {
                        let connection = catalog.definitions().connection(connection.as_str());
                        let there = has_outlet && connection.is_some_and(|connection| connection.active);
                        there.then_some(OUTLET_TIMEOUT_MS)
                    }
                };
                let claiming = Claiming {
                    owner: &owner,
                    now: clock::now(),
                    limit: limit.min(DELIVERIES_AT_ONCE_PER_TARGET),
                    busy: &busy,
                    lease_ms: &lease_ms,
                    random: random(Uuid::now_v7().as_u128()),
                };
                odb.claim(&claiming)
            })
            .await
    }
}

impl UnderWay {
    fn begin(&mut self, pipeline: &Arc<Pipeline>, claimed: Claimed) {
        let (pipeline, target) = (Arc::clone(pipeline), claimed.target.clone());
        *self.by_target.entry(target.clone()).or_default() += 1;
        self.attempts.spawn(async move {
            let unique = Uuid::now_v7().as_u128();
            pipeline.deliver(claimed, unique, random(unique)).await;
            target
        });
    }

    fn end(&mut self, ended: Result<Target, tokio::task::JoinError>) {
        match ended {
            Ok(target) => {
                if let Some(count) = self.by_target.get_mut(&target) {
                    *count -= 1;
                }
                self.by_target.retain(|_, count| *count > 0);
            }
            Err(error) => tracing::error!(%error, "an attempt at a delivery ended badly"),
        }
    }

    /// Targets that have enough to do: others need not wait for them.
    fn busy(&self) -> Vec<Target> {
        let busy = self.by_target.iter().filter(|(_, count)| **count >= DELIVERIES_AT_ONCE_PER_TARGET);
        busy.map(|(target, _)| target.clone()).collect()
    }
}

/// Whether the worker behind a claim of this server is no more. An id that is another process's by now keeps
/// a claim until it expires, and no longer.
fn is_gone(owner: &str) -> bool {
    let pid =
        owner.rsplit('/').next().and_then(|pid| pid.parse().ok()).filter(|_| owner.matches('/').count() == 2);
    pid.is_none_or(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}

fn until(now: Timestamp, next: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(next.0.saturating_sub(now.0)).unwrap_or_default())
}

/// In 0.0..1.0, from the random half of a UUIDv7.
pub(crate) fn random(unique: u128) -> f64 {
    f64::from((unique & u128::from(u32::MAX)) as u32) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::is_gone;

    #[test]
    fn a_claim_is_its_workers_while_that_lives() {
        let own = std::process::id();
        assert!(!is_gone(&format!("server/0/{own}")));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(is_gone(&format!("server/0/{pid}")));
        assert!(is_gone(&format!("server/{own}")), "of a version that named no process");
    }
}
