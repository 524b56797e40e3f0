//! Requests beside the floor: the ping, a service in a pooled and in a fresh instance; and what each stage costs.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use busbar_tests::{
    Folder, Quickstart,
    process::{self, MARKER},
};
use serde_json::json;

use crate::subject::{CONNECTIONS, Rounds, Subject, alternate, get, post};

const BODY: &str = r#"{"order":"4711","quantity":12,"note":"64 bytes of JSON in all."}"#;

/// The bare server's processes end with the folder.
pub(crate) struct Floor {
    pub(crate) folder: Folder,
    pub(crate) authority: String,
    _child: Child,
}

impl Floor {
    pub(crate) fn start() -> Self {
        let folder = Folder::default();
        let mut command = Command::new(env::current_exe().expect("this program has a file"));
        command.arg("floor").env(MARKER, folder.root()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program starts again");
        let mut authority = String::new();
        let stdout = child.stdout.take().expect("its output is a pipe");
        BufReader::new(stdout).read_line(&mut authority).expect("it prints its address");
        Self { folder, authority: authority.trim().to_owned(), _child: child }
    }
}

/// A row: the subject, what its cost in floors should not pass, and `calls_per_instance` of its service.
struct Row {
    target: Option<f64>,
    calls_per_instance: Option<(&'static str, u32)>,
}

/// Calls that a pooled instance serves.
pub(crate) const POOLED: u32 = 128;

pub(crate) async fn report(quick: bool) {
    let rounds = Rounds::new(quick);
    assert_eq!(BODY.len(), 64, "the body has 64 bytes");
    let floor = Floor::start();
    let bus = Quickstart::start(&["echo", "greeter"]).await;
    let (_, key) = bus.create_key("bench").await;
    bus.create_channel("bench", "/bench", "echo", json!({"security": "bench"})).await;
    bus.settle().await;
    let (rows, mut subjects) = subjects(&floor, &bus, &key);
    alternate(&mut subjects, rounds, async |at: usize| {
        if let Some((service, calls)) = rows[at].calls_per_instance {
            bus.limit(service, &json!({"calls_per_instance": calls})).await;
        }
    })
    .await;
    print(&rows, &subjects, rounds);
    stages(&subjects);
    let workers = bus.workers().await;
    let pss: Vec<String> =
        workers.iter().map(|worker| format!("{:.1} MB", megabytes(process::pss_bytes(*worker)))).collect();
    println!("\nMemory per worker after this load (PSS): {}\n", pss.join(", "));
}

pub(crate) fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}

fn subjects(floor: &Floor, bus: &Quickstart, key: &str) -> (Vec<Row>, Vec<Subject>) {
    let authority = bus.http().authority();
    let json = "Content-Type: application/json\r\n";
    let keyed = post(authority, "/bench", &format!("X-API-Key: {key}\r\n{json}"), BODY.as_bytes());
    let open = post(authority, "/echo", json, BODY.as_bytes());
    let greet = post(authority, "/greet", json, br#"{"name":"Ada","language":"fr"}"#);
    let rows = [
        (None, None, "bare hyper, 2 processes", None),
        (Some(1.25), None, "ping", Some(get(authority, "/_busbar/ping").into_bytes())),
        (None, Some(("echo", POOLED)), "echo, pooled (128)", Some(open)),
        (Some(1.8), Some(("echo", POOLED)), "echo, pooled (128), API key", Some(keyed.clone())),
        (Some(2.8), Some(("echo", 1)), "echo, fresh instance, API key", Some(keyed)),
        (None, Some(("greeter.greet", POOLED)), "typed (schemas both ways), pooled (128)", Some(greet)),
    ];
    rows.into_iter()
        .map(|(target, calls_per_instance, name, request)| {
            let subject = match request {
                Some(request) => Subject::of(name, bus, request),
                None => Subject::new(name, &floor.authority, floor.folder.root(), get(&floor.authority, "/")),
            };
            (Row { target, calls_per_instance }, subject)
        })
        .unzip()
}

fn print(rows: &[Row], subjects: &[Subject], rounds: Rounds) {
    println!(
        "Requests: {CONNECTIONS} keep-alive connections, medians of {} alternating rounds of {} s.\n",
        rounds.rounds, rounds.seconds
    );
    println!("| subject | req/s | p50 | p99 | CPU µs/request | × floor | target | errors |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    let floor = subjects[0].cpu_us();
    for (row, subject) in rows.iter().zip(subjects) {
        println!(
            "| {} | {:.0} | {:.2} ms | {:.2} ms | {:.2} | {:.2} | {} | {:.0} |",
            subject.name,
            subject.median(|measured| measured.outcome.per_second),
            subject.median(|measured| measured.outcome.p50_ms),
            subject.median(|measured| measured.outcome.p99_ms),
            subject.cpu_us(),
            subject.cpu_us() / floor,
            row.target.map_or_else(|| "–".to_owned(), |target| format!("{target}")),
            subject.errors(),
        );
    }
}

/// Each stage is the difference between a subject that has it and one that has not.
fn stages(subjects: &[Subject]) {
    let [floor, ping, open, keyed, fresh, typed] = subjects else { return };
    println!("\n| stage | CPU µs | how it is told |");
    println!("| --- | --: | --- |");
    let row = |stage: &str, us: f64, how: &str| println!("| {stage} | {us:.2} | {how} |");
    row("HTTP alone", floor.cpu_us(), "bare hyper");
    row("accept, respond: ids, metrics, access log", ping.cpu_us() - floor.cpu_us(), "ping − bare hyper");
    row("route, invoke in a pooled instance", open.cpu_us() - ping.cpu_us(), "echo pooled − ping");
    row("authenticate (API key)", keyed.cpu_us() - open.cpu_us(), "with a key − without");
    row("a fresh instance", fresh.cpu_us() - keyed.cpu_us(), "fresh − pooled");
    row(
        "schemas and JSON, both ways",
        typed.cpu_us() - open.cpu_us(),
        "greeter.greet − echo, both pooled: also what the services themselves do",
    );
}
