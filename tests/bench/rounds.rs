//! Requests: the floor, the ping, a fresh and a pooled service, in alternating rounds.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use busbar_tests::{
    Folder, Quickstart,
    process::{self, MARKER},
};
use serde_json::json;

use crate::{
    cpu,
    load::{self, Outcome},
    statistics::median,
};

const CONNECTIONS: usize = 64;
const BODY: &str = r#"{"order":"4711","quantity":12,"note":"64 bytes of JSON in all."}"#;

struct Subject {
    name: &'static str,
    /// What its cost in floors should not pass.
    target: Option<f64>,
    /// `calls_per_instance` of the service `echo`.
    calls_per_instance: Option<u32>,
    authority: String,
    request: String,
    measured: Vec<Measured>,
}

pub(crate) struct Measured {
    pub(crate) outcome: Outcome,
    pub(crate) cpu_us: f64,
}

impl Subject {
    fn median(&self, value: impl Fn(&Measured) -> f64) -> f64 {
        median(&self.measured.iter().map(value).collect::<Vec<_>>())
    }
}

/// The floor's processes end with the folder.
struct Floor {
    folder: Folder,
    authority: String,
    _child: Child,
}

fn start_floor() -> Floor {
    let folder = Folder::default();
    let mut command = Command::new(env::current_exe().expect("this program has a file"));
    command.arg("floor").env(MARKER, folder.root()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("this program starts again");
    let mut authority = String::new();
    let stdout = child.stdout.take().expect("its output is a pipe");
    BufReader::new(stdout).read_line(&mut authority).expect("it prints its address");
    Floor { folder, authority: authority.trim().to_owned(), _child: child }
}

pub(crate) async fn report(quick: bool) {
    let (rounds, seconds) = if quick { (1, 1.0) } else { (5, 4.0) };
    assert_eq!(BODY.len(), 64, "the body has 64 bytes");
    let floor = start_floor();
    let bus = Quickstart::start(&["echo"]).await;
    let (_, key) = bus.create_key("bench").await;
    bus.create_channel("bench", "/bench", "echo", json!({"security": "bench"})).await;
    bus.settle().await;
    let mut subjects = subjects(&floor.authority, bus.http().authority(), &key);
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    for round in 0..=rounds {
        for at in order.clone() {
            let subject = &mut subjects[at];
            if let Some(calls) = subject.calls_per_instance {
                bus.limit("echo", &json!({"calls_per_instance": calls})).await;
            }
            let folder = if subject.target.is_some() { bus.folder().root() } else { floor.folder.root() };
            let seconds = if round == 0 { seconds / 2.0 } else { seconds };
            let measured = measure(&subject.authority, &subject.request, folder, seconds).await;
            // The first round warms up.
            if round > 0 {
                subject.measured.push(measured);
            }
        }
        order.reverse();
    }
    print(&subjects, rounds, seconds);
    let workers = bus.workers().await;
    let pss: Vec<String> =
        workers.iter().map(|worker| format!("{:.1} MB", megabytes(process::pss_bytes(*worker)))).collect();
    println!("\nMemory per worker after this load (PSS): {}\n", pss.join(", "));
}

pub(crate) fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}

fn subjects(floor: &str, bus: &str, key: &str) -> Vec<Subject> {
    let get = |authority: &str, path: &str| format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let post = format!(
        "POST /bench HTTP/1.1\r\nHost: {bus}\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n\
         Content-Length: 64\r\n\r\n{BODY}"
    );
    let subject = |name, target, calls_per_instance, authority: &str, request| Subject {
        name,
        target,
        calls_per_instance,
        authority: authority.to_owned(),
        request,
        measured: Vec::new(),
    };
    vec![
        subject("bare hyper, 2 processes", None, None, floor, get(floor, "/")),
        subject("ping", Some(1.25), None, bus, get(bus, "/_busbar/ping")),
        subject("echo, fresh instance, API key", Some(2.8), Some(1), bus, post.clone()),
        subject("echo, pooled (128), API key", Some(1.8), Some(128), bus, post),
    ]
}

/// One run of the load in a process of its own, and what the servers used meanwhile.
pub(crate) async fn measure(authority: &str, request: &str, folder: &Path, seconds: f64) -> Measured {
    let before = cpu::used_ns(folder);
    let outcome = load::run_apart(authority, request, CONNECTIONS, seconds).await;
    let used = cpu::used_ns(folder).saturating_sub(before);
    let cpu_us = f64::from(u32::try_from(used / 1_000).unwrap_or(u32::MAX)) / outcome.requests;
    Measured { outcome, cpu_us }
}

fn print(subjects: &[Subject], rounds: usize, seconds: f64) {
    println!(
        "Requests: {CONNECTIONS} keep-alive connections, medians of {rounds} alternating rounds of {seconds} s.\n"
    );
    println!("| subject | req/s | p50 | p99 | CPU µs/request | × floor | target | errors |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    let floor = subjects[0].median(|measured| measured.cpu_us);
    for subject in subjects {
        println!(
            "| {} | {:.0} | {:.2} ms | {:.2} ms | {:.2} | {:.2} | {} | {:.0} |",
            subject.name,
            subject.median(|measured| measured.outcome.per_second),
            subject.median(|measured| measured.outcome.p50_ms),
            subject.median(|measured| measured.outcome.p99_ms),
            subject.median(|measured| measured.cpu_us),
            subject.median(|measured| measured.cpu_us) / floor,
            subject.target.map_or_else(|| "–".to_owned(), |target| format!("{target}")),
            subject.measured.iter().map(|measured| measured.outcome.errors).sum::<f64>(),
        );
    }
}
