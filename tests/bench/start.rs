//! From the command to the first answer of a service, the memory of what then idles, and after many calls.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use busbar_tests::{
    Client, Folder, Options, Quickstart, Request, artifact, deployment::digest, process, wasm,
};
use serde_json::json;

use crate::{
    load,
    rounds::{POOLED, megabytes},
    statistics::{duration, median, seconds},
    subject::{CONNECTIONS, get},
};

/// Seconds from the command to the first good answer, with the artifacts of an earlier start.
const WARM_TARGET_S: f64 = 0.4;
/// The same with many services, each in a plugin of its own.
const MANY_TARGET_S: f64 = 1.0;
const MANY: u32 = 500;
/// Megabytes of an idle worker.
const IDLE_TARGET_MB: f64 = 25.0;

pub(crate) async fn report(quick: bool) {
    few(if quick { 1 } else { 5 }).await;
    many(if quick { 50 } else { MANY }).await;
    lasting(if quick { 100_000.0 } else { 10_000_000.0 }).await;
}

async fn few(times: usize) {
    let (mut cold, mut warm, mut pss, mut whole) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        let options = || Options { services: vec!["echo", "greeter", "wasi-http"], ..Options::default() };
        let (took, bus) = first_answer(Folder::default(), options(), "/echo").await;
        cold.push(took);
        let folder = bus.stop().await;
        let (took, bus) = first_answer(folder, options(), "/echo").await;
        warm.push(took);
        pss.extend(bus.workers().await.iter().map(|worker| megabytes(process::pss_bytes(*worker))));
        whole.push(bus.processes().iter().map(|process| megabytes(process::pss_bytes(process.pid))).sum());
    }
    println!("| start, three services | figure | target |");
    println!("| --- | --: | --: |");
    println!("| to the first answer, cold (compiles) | {} | – |", duration(seconds(&cold)));
    println!("| to the first answer, warm | {} | {} |", duration(seconds(&warm)), duration(WARM_TARGET_S));
    println!("| idle memory per worker (PSS) | {:.1} MB | {IDLE_TARGET_MB} MB |", median(&pss));
    println!("| idle memory of all processes (PSS) | {:.1} MB | – |\n", median(&whole));
}

async fn many(services: u32) {
    let bus = Quickstart::start(&[]).await;
    for number in 0..services {
        let (name, bytes) = numbered(number);
        bus.pickup(&format!("{name}.wasm"), &bytes);
    }
    for number in 0..services {
        let (name, bytes) = numbered(number);
        bus.wait_deployment(&name, &digest(&bytes), "active").await;
    }
    let folder = bus.stop().await;
    let path = format!("/{}", numbered(services - 1).0);
    let (took, bus) = first_answer(folder, Options::default(), &path).await;
    let workers = bus.workers().await;
    let pss: Vec<f64> = workers.iter().map(|worker| megabytes(process::pss_bytes(*worker))).collect();
    println!("| start, {services} plugins | figure | target |");
    println!("| --- | --: | --: |");
    println!(
        "| to the first answer, warm | {} | {} |",
        duration(took.as_secs_f64()),
        duration(MANY_TARGET_S)
    );
    println!("| idle memory per worker (PSS) | {:.1} MB | – |\n", median(&pss));
}

/// The `wasi:http` example, which is named by its file, as a file of its own.
pub(crate) fn numbered(number: u32) -> (String, Vec<u8>) {
    let mut bytes = artifact::service("wasi-http");
    bytes.extend(wasm::custom_section(&number.to_le_bytes()));
    (format!("many-{number:04}"), bytes)
}

/// On a port known beforehand.
async fn first_answer(folder: Folder, options: Options, path: &str) -> (Duration, Quickstart) {
    let free =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free");
    let options = Options { http: free.to_string(), ..options };
    let client = Client::new(&format!("http://{free}"));
    let started = Instant::now();
    let answered = async {
        let get = Request::get(path);
        while !client.try_send(&get).await.is_ok_and(|reply| reply.status == 200) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        started.elapsed()
    };
    tokio::join!(answered, Quickstart::start_in(folder, options))
}

/// Memory stays as it is however many calls come, in fresh and in pooled instances.
async fn lasting(calls: f64) {
    let bus = Quickstart::start(&["echo"]).await;
    let authority = bus.http().authority();
    let request = get(authority, "/echo");
    println!("| calls | memory of the workers (PSS) |");
    println!("| --: | --: |");
    let (mut made, mut next) = (0.0, calls / 10.0);
    while made < calls {
        for per_instance in [1, POOLED] {
            bus.limit("echo", &json!({"calls_per_instance": per_instance})).await;
            let outcome = load::run_apart(authority, request.as_bytes(), CONNECTIONS, 2.0).await;
            assert!(outcome.errors < 1.0, "{outcome:?}");
            made += outcome.requests;
        }
        if made >= next {
            next += calls / 5.0;
            let workers = bus.workers().await;
            let pss: f64 = workers.iter().map(|worker| megabytes(process::pss_bytes(*worker))).sum();
            println!("| {made:.0} | {pss:.1} MB |");
        }
    }
    println!();
}
