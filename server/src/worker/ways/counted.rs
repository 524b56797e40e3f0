//! What calls by a connection came to.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use busbar_engine::{
    metrics::{Counts, Outcome},
    ways::{Passage, soap::Failure},
};
use busbar_model::{
    Fault, Name,
    fault::FaultKind,
    server::{Breaker, Latency, Outgoing},
};
use tokio::time::Instant;

use super::{Held, Inner};

/// Of one client, since it was made.
#[derive(Default)]
pub(super) struct Counted(Mutex<Counts<Outcome>>);

/// What a client has open.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) in_use: u64,
    pub(super) idle: u64,
    pub(super) waiting: u64,
    pub(super) breaker: Option<Breaker>,
}

const OK: &str = "ok";

impl Counted {
    fn record(&self, outcome: Outcome, took: Option<Duration>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match took {
            Some(took) => counts.record(outcome, took),
            None => counts.note(outcome),
        }
    }

    pub(super) fn report(&self, connection: &Name, pool: Pool) -> Outgoing {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = counts.statuses.iter().filter(|(outcome, _)| outcome != OK);
        let calls = counts.count();
        Outgoing {
            connection: connection.clone(),
            calls,
            errors: failed.map(|(code, count)| (code.clone().into_owned(), *count)).collect(),
            latency: Latency {
                mean_us: counts.sum_us.checked_div(calls).unwrap_or_default(),
                half_us: counts.within_us(50),
                of_95_percent_us: counts.within_us(95),
                of_99_percent_us: counts.within_us(99),
            },
            in_use: pool.in_use,
            idle: pool.idle,
            waiting: pool.waiting,
            breaker: pool.breaker,
        }
    }
}

/// How a failure is counted, and what is told of it.
pub(super) trait Code {
    fn code(&self) -> Outcome;
    fn told(self, held: &Held, passage: &Passage) -> Self;
}

impl Code for Fault {
    fn code(&self) -> Outcome {
        self.code.clone().into()
    }

    /// What a service hands on to its caller names no address of ours. The cause is in the log.
    fn told(self, held: &Held, passage: &Passage) -> Self {
        let name = &held.name;
        let message = match self.code.as_str() {
            "unreachable" => format!("the system of connection {name} can't be reached at present"),
            "circuit-open" => format!("connection {name} has failed too often and is left alone for a while"),
            "connection-busy" => format!("connection {name} has no room at present"),
            "bad-reply" if self.kind == FaultKind::RetryLater => {
                format!("the system of connection {name} is not available at present")
            }
            "conflict" => format!("another transaction of connection {name} was in the way"),
            _ => return self,
        };
        if !matches!(self.code.as_str(), "circuit-open" | "connection-busy") {
            let (correlation, cause) = (passage.correlation(), &self.message);
            tracing::warn!(connection = %name, correlation_id = %correlation, code = self.code, cause, "a call came to nothing");
        }
        Self { message, ..self }
    }
}

impl Code for Failure {
    fn code(&self) -> Outcome {
        match self {
            Self::Partner(_) => "partner-fault".into(),
            Self::Bus(fault) => fault.code(),
        }
    }

    fn told(self, held: &Held, passage: &Passage) -> Self {
        match self {
            Self::Bus(fault) => Self::Bus(fault.told(held, passage)),
            partner => partner,
        }
    }
}

impl Inner {
    /// Counts a call, and notes what its breaker did.
    pub(super) async fn counted<T, E: Code>(
        &self,
        held: &Held,
        passage: &Passage,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let started = Instant::now();
        let outcome = call.await.map_err(|error| error.told(held, passage));
        let took = started.elapsed();
        let code = outcome.as_ref().err().map_or(OK.into(), Code::code);
        self.count(held, code, Some(took));
        outcome
    }

    /// A reply that was counted as good came to nothing.
    pub(super) fn broke(&self, held: &Held, fault: &Fault) {
        self.count(held, fault.code(), None);
    }

    fn count(&self, held: &Held, code: Outcome, took: Option<Duration>) {
        held.counted.record(code.clone(), took);
        self.metrics.outgoing(held.name.as_str(), code, took);
        if let Some(client) = held.breaking() {
            self.breakers.note(&held.name, held.revision, client);
        }
    }
}

/// What counts the steps of a cursor or a transaction, each as a call.
pub(super) struct Steps {
    inner: Arc<Inner>,
    held: Arc<Held>,
    passage: Passage,
}

impl Steps {
    pub(super) fn new(inner: &Arc<Inner>, held: &Arc<Held>, passage: &Passage) -> Self {
        Self { inner: Arc::clone(inner), held: Arc::clone(held), passage: passage.clone() }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.passage.deadline
    }

    pub(super) async fn counted<T>(&self, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.inner.counted(&self.held, &self.passage, step).await
    }
}
