//! What callers of one service notice of another plugin that misbehaves: their p99 at about half load, without and
//! with it, on one worker.

use std::time::{Duration, Instant};

use busbar_tests::{Attack, Client, Options, Quickstart};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::statistics::median;

/// Callers, each of which waits between its requests: on the machines at hand that is half of what one worker can do.
const CALLERS: usize = 32;
const PAUSE: Duration = Duration::from_millis(2);
const TARGET_MS: f64 = 15.0;

pub(crate) async fn report(quick: bool) {
    let (rounds, time) = if quick { (1, Duration::from_secs(1)) } else { (5, Duration::from_secs(3)) };
    let services = vec!["echo", "faulty"];
    let bus = Quickstart::start_with(Options { services, workers: 1, ..Options::default() }).await;
    bus.limit("faulty.spin", &json!({"cpu_ms": 500})).await;
    println!(
        "Neighbours: {CALLERS} callers of `echo` with pauses of {PAUSE:?}, one worker, medians of {rounds} rounds.\n"
    );
    println!("| beside it | calls/s | p99 alone | p99 beside it | growth | target |");
    println!("| --- | --: | --: | --: | --: | --: |");
    for (name, service, input, at_once) in attacks() {
        let (mut alone, mut beside, mut rate) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            alone.push(neighbours(bus.http(), time).await.0);
            let attack = Attack::start(&bus, &bus.invocation(service, &input), at_once);
            let (p99, per_second) = neighbours(bus.http(), time).await;
            attack.stop().await;
            beside.push(p99);
            rate.push(per_second);
        }
        let (alone, beside) = (median(&alone), median(&beside));
        let growth = beside - alone;
        let rate = median(&rate);
        println!("| {name} | {rate:.0} | {alone:.2} ms | {beside:.2} ms | {growth:.2} ms | {TARGET_MS} ms |");
    }
    println!();
}

fn attacks() -> Vec<(&'static str, &'static str, Value, usize)> {
    vec![
        ("nothing", "faulty.count", json!({}), 0),
        ("one that spins", "faulty.spin", json!({}), 1),
        ("sixteen that spin", "faulty.spin", json!({}), 16),
        ("two that allocate", "faulty.allocate", json!({}), 2),
        ("two that return 1 GB", "faulty.output", json!({"bytes": 1_000_000_000}), 2),
        ("two that flood the log", "faulty.log", json!({"lines": 100_000, "text": "y".repeat(500)}), 2),
    ]
}

/// The p99 in milliseconds, and calls per second.
async fn neighbours(client: &Client, time: Duration) -> (f64, f64) {
    let started = Instant::now();
    let caller = || {
        let client = client.clone();
        tokio::spawn(async move {
            let (mut connection, mut took) = (client.connect().await, Vec::new());
            while started.elapsed() < time {
                let asked = Instant::now();
                connection.get("/echo").await.expect_status(200);
                took.push(asked.elapsed().as_secs_f64() * 1_000.0);
                sleep(PAUSE).await;
            }
            took
        })
    };
    let callers: Vec<_> = (0..CALLERS).map(|_| caller()).collect();
    let mut took = Vec::new();
    for caller in callers {
        took.extend(caller.await.expect("a neighbour is answered"));
    }
    took.sort_unstable_by(f64::total_cmp);
    let per_second = f64::from(u32::try_from(took.len()).expect("a run is shorter")) / time.as_secs_f64();
    (took[took.len() * 99 / 100], per_second)
}
