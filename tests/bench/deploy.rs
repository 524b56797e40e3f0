//! From a file in the pickup folder to every worker answering with it; back again; and many times under load.

use std::time::{Duration, Instant};

use busbar_tests::{Connection, Load, Plan, Quickstart, Request, wasm};

use crate::statistics::{duration, median, seconds};

/// Seconds that all but compiling may take.
const BESIDE_COMPILING_TARGET_S: f64 = 0.05;
const ROLLBACK_TARGET_S: f64 = 0.05;
const CALLERS: usize = 16;
/// Pause of a caller: swapping is what is measured, not load.
const CALLER_PAUSE: Duration = Duration::from_millis(2);

pub(crate) async fn report(quick: bool) {
    let (times, swaps) = if quick { (2, 10) } else { (9, 100) };
    let bus = Quickstart::start(&[]).await;
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    bus.settle().await;
    let mut connections = bus.connect_each().await;
    let (mut drops, mut beside, mut back) = (Vec::new(), Vec::new(), Vec::new());
    for number in 2..2 + times {
        let compiled = compile_times(&bus).len();
        let bytes = wasm::version(number);
        let dropped = Instant::now();
        bus.pickup("versioned.wasm", &bytes);
        everywhere(&mut connections, number).await;
        let took = dropped.elapsed();
        drops.push(took);
        let compiling: Duration = compile_times(&bus).iter().skip(compiled).sum();
        beside.push(took.saturating_sub(compiling));
    }
    for number in (2..1 + times).rev() {
        let asked = Instant::now();
        bus.admin("POST", "/plugins/versioned/rollback", None).await.expect(202);
        everywhere(&mut connections, number).await;
        back.push(asked.elapsed());
    }
    println!("| on every worker ({times} times) | median | fastest | slowest | target |");
    println!("| --- | --: | --: | --: | --: |");
    row("drop to live", &drops, None);
    row("… without what the compiler took", &beside, Some(BESIDE_COMPILING_TARGET_S));
    row("rollback, from the request on", &back, Some(ROLLBACK_TARGET_S));
    println!();
    under_load(&bus, &mut connections, 100, swaps).await;
}

fn row(what: &str, took: &[Duration], target: Option<f64>) {
    let fastest = took.iter().min().copied().unwrap_or_default().as_secs_f64();
    let slowest = took.iter().max().copied().unwrap_or_default().as_secs_f64();
    let target = target.map_or_else(|| "–".to_owned(), duration);
    let middle = duration(seconds(took));
    println!("| {what} | {middle} | {} | {} | {target} |", duration(fastest), duration(slowest));
}

/// Until each worker answers with the version.
async fn everywhere(connections: &mut [Connection], number: u32) {
    for connection in connections {
        while connection.get("/version").await.expect(200)["version"] != number {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn under_load(bus: &Quickstart, connections: &mut [Connection], first: u32, swaps: u32) {
    let plan = Plan::new(bus.http(), CALLERS, vec![Request::get("/version")]).pause(CALLER_PAUSE);
    let load = Load::start(plan);
    load.wait_good(100).await;
    let mut took = Vec::new();
    for number in first..first + swaps {
        let dropped = Instant::now();
        bus.pickup("versioned.wasm", &wasm::version(number));
        everywhere(connections, number).await;
        took.push(dropped.elapsed());
    }
    let report = load.stop().await;
    report.expect_clean();
    let times: Vec<f64> = took.iter().map(Duration::as_secs_f64).collect();
    println!("{swaps} swaps under load, each {} (median): {report}\n", duration(median(&times)));
}

/// As the log tells.
fn compile_times(bus: &Quickstart) -> Vec<Duration> {
    let lines = bus.log_lines();
    let compiled = lines.iter().filter(|line| line["message"] == "compiled");
    compiled.filter_map(|line| line["took_ms"].as_u64()).map(Duration::from_millis).collect()
}
