//! What is measured: a request to a server, and rounds that take turns, so that what disturbs one disturbs all.

use std::path::{Path, PathBuf};

use busbar_tests::Quickstart;

use crate::{
    cpu,
    load::{self, Outcome},
    statistics::median,
};

/// Keep-alive connections of a load unless a subject says otherwise.
pub(crate) const CONNECTIONS: usize = 64;

pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) connections: usize,
    authority: String,
    request: Vec<u8>,
    /// Of the server: whose processor time counts.
    folder: PathBuf,
    measured: Vec<Measured>,
}

pub(crate) struct Measured {
    pub(crate) outcome: Outcome,
    pub(crate) cpu_us: f64,
}

/// How long it is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) rounds: u32,
    pub(crate) seconds: f64,
}

impl Rounds {
    pub(crate) fn new(quick: bool) -> Self {
        if quick { Self { rounds: 1, seconds: 1.0 } } else { Self { rounds: 5, seconds: 4.0 } }
    }
}

impl Subject {
    pub(crate) fn new(name: &str, authority: &str, folder: &Path, request: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            connections: CONNECTIONS,
            authority: authority.to_owned(),
            request: request.into(),
            folder: folder.to_owned(),
            measured: Vec::new(),
        }
    }

    /// Asks a bus.
    pub(crate) fn of(name: &str, bus: &Quickstart, request: impl Into<Vec<u8>>) -> Self {
        Self::new(name, bus.http().authority(), bus.folder().root(), request)
    }

    pub(crate) fn median(&self, value: impl Fn(&Measured) -> f64) -> f64 {
        median(&self.measured.iter().map(value).collect::<Vec<_>>())
    }

    pub(crate) fn cpu_us(&self) -> f64 {
        self.median(|measured| measured.cpu_us)
    }

    pub(crate) fn errors(&self) -> f64 {
        self.measured.iter().map(|measured| measured.outcome.errors).sum()
    }

    /// One run of the load in a process of its own, and what the server used meanwhile.
    async fn measure(&self, seconds: f64) -> Measured {
        let before = cpu::used_ns(&self.folder);
        let outcome = load::run_apart(&self.authority, &self.request, self.connections, seconds).await;
        let used = cpu::used_ns(&self.folder).saturating_sub(before);
        let cpu_us = f64::from(u32::try_from(used / 1_000).unwrap_or(u32::MAX)) / outcome.requests;
        Measured { outcome, cpu_us }
    }
}

/// Measures all of them in turn, in the opposite order each other round; the first round only warms up.
/// `prepare` sets up what a subject, given by its place, needs.
pub(crate) async fn alternate(subjects: &mut [Subject], rounds: Rounds, mut prepare: impl AsyncFnMut(usize)) {
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    for round in 0..=rounds.rounds {
        for at in order.clone() {
            prepare(at).await;
            let seconds = if round == 0 { rounds.seconds / 2.0 } else { rounds.seconds };
            let measured = subjects[at].measure(seconds).await;
            if round > 0 {
                subjects[at].measured.push(measured);
            }
        }
        order.reverse();
    }
}

pub(crate) fn get(authority: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n")
}

/// `headers`: whole lines, each with its end.
pub(crate) fn post(authority: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
