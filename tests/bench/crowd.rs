//! What thousands of connections cost: memory of each that idles, and what honest callers feel beside slow ones.

use std::time::Duration;

use busbar_tests::{
    Options, Quickstart,
    crowd::{Crowd, Manner, connections_possible},
    poll,
    process::pss_bytes,
};

use crate::{load, statistics::median};

const IDLE: usize = 10_000;
const SLOW: usize = 5_000;
/// Honest callers.
const CALLERS: usize = 16;

pub(crate) async fn report(quick: bool) {
    let (rounds, seconds) = if quick { (1, 1.0) } else { (5, 2.0) };
    let environment = vec![("BUSBAR_HTTP_IDLE_TIMEOUT_MS", "600000".to_owned())];
    let options = Options { services: vec!["echo"], environment, ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    let (authority, workers) = (bus.http().authority(), bus.workers().await);
    let memory = || workers.iter().map(|worker| pss_bytes(*worker)).sum::<u64>();
    let body = r#"{"order":"4711","quantity":12,"note":"64 bytes of JSON in all."}"#;
    let request =
        format!("POST /echo HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let p99 = async || {
        let mut all = Vec::new();
        for _ in 0..rounds {
            all.push(load::run_apart(authority, request.as_bytes(), CALLERS, seconds).await.p99_ms);
        }
        median(&all)
    };
    let alone = p99().await;
    let before = memory();
    let idle = IDLE.min(connections_possible());
    let ping = "GET /_busbar/ping HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned();
    let crowd = Crowd::gather(authority, idle, Manner { first: ping, then: "", unread: false }).await;
    poll::until("every connection", Duration::from_secs(30), async || {
        let states = bus.worker_states().await;
        let open: u64 = states.iter().filter_map(|worker| worker["load"]["connections_idle"].as_u64()).sum();
        if open >= idle as u64 { Ok(()) } else { Err(open.to_string()) }
    })
    .await;
    let each = memory().saturating_sub(before) / idle as u64;
    let beside_idle = p99().await;
    drop(crowd);
    let slow = SLOW.min(connections_possible());
    let first = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n".to_owned();
    let crowd = Crowd::gather(authority, slow, Manner { first, then: "x", unread: false }).await;
    let beside_slow = load::run_apart(authority, request.as_bytes(), CALLERS, 4.0).await.p99_ms;
    drop(crowd);
    println!("Connections: {CALLERS} callers of a fresh echo, without a pause, beside others.\n");
    println!("| figure | value | target |");
    println!("| --- | --: | --: |");
    println!(
        "| memory of an idle connection (PSS, of {idle}) | {:.1} KiB | – |",
        f64::from(u32::try_from(each).unwrap_or(u32::MAX)) / 1024.0
    );
    println!("| p99 alone | {alone:.2} ms | – |");
    println!(
        "| p99 beside {idle} idle connections | {beside_idle:.2} ms ({:.2} ×) | < 2 × |",
        beside_idle / alone
    );
    println!(
        "| p99 beside {slow} that send a byte a second | {beside_slow:.2} ms ({:.2} ×) | < 2 × |\n",
        beside_slow / alone
    );
}
