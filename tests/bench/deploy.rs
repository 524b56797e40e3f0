//! From a file in the pickup folder to every worker answering with it.

use std::time::{Duration, Instant};

use busbar_tests::{Quickstart, wasm};

use crate::statistics::{duration, seconds};

pub(crate) async fn report(quick: bool) {
    let times = if quick { 2 } else { 5 };
    let bus = Quickstart::start(&[]).await;
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    bus.settle().await;
    let mut connections = bus.connect_each().await;
    let mut took = Vec::new();
    for number in 2..2 + times {
        let bytes = wasm::version(number);
        let dropped = Instant::now();
        bus.pickup("versioned.wasm", &bytes);
        for connection in &mut connections {
            while connection.get("/version").await.expect(200)["version"] != number {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        took.push(dropped.elapsed());
    }
    let fastest = took.iter().min().copied().unwrap_or_default().as_secs_f64();
    let slowest = took.iter().max().copied().unwrap_or_default().as_secs_f64();
    println!(
        "| drop to live on every worker (median of {times}) | fastest | slowest | the compiler's part (median) |"
    );
    println!("| --: | --: | --: | --: |");
    println!(
        "| {} | {} | {} | {} |\n",
        duration(seconds(&took)),
        duration(fastest),
        duration(slowest),
        compile_time(&bus).map_or_else(|| "not logged".to_owned(), duration),
    );
}

/// As the log tells.
fn compile_time(bus: &Quickstart) -> Option<f64> {
    let lines = bus.log_lines();
    let times: Vec<Duration> = lines
        .iter()
        .filter(|line| line["message"] == "compiled")
        .filter_map(|line| line["took_ms"].as_u64())
        .map(Duration::from_millis)
        .collect();
    (!times.is_empty()).then(|| seconds(&times))
}
