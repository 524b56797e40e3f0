//! Jobs: what 100,000 of them cost while none is due, and how a thousand a second are fired and run.

use std::time::{Duration, Instant};

use busbar_tests::{Quickstart, Request, metrics::Samples, poll};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::cpu;

/// Jobs of one document: it has its limits.
const AT_ONCE: usize = 20_000;
const LATENESS: &str = "busbar_job_lateness_seconds";

pub(crate) async fn report(quick: bool) {
    let (defined, firing, time) = match quick {
        true => (2_000, 200, Duration::from_secs(6)),
        false => (100_000, 1_000, Duration::from_secs(60)),
    };
    let bus = Quickstart::start(&["echo"]).await;
    define(&bus, "idle", defined, json!({"kind": "interval", "every": "52w"})).await;
    let idle = idle_cpu(&bus, time.min(Duration::from_secs(20))).await;
    define(&bus, "busy", firing, json!({"kind": "interval", "every": "1s"})).await;
    let fired = fired(&bus, time).await;
    println!("{defined} jobs that are not due, and {firing} that run each second for {time:?}.\n");
    println!("| figure | measured | target |");
    println!("| --- | --: | --: |");
    println!(
        "| processor of all processes while nothing is due | {:.2} % of a core | under 2 % |",
        idle * 100.0
    );
    println!("| runs fired a second | {:.0} | {firing} |", fired.fired);
    println!("| runs ended well a second | {:.0} | {firing} |", fired.ended);
    println!("| 99 % of runs are late by at most | {} | 1.2 s |", fired.late_99);
    println!();
}

async fn define(bus: &Quickstart, name: &str, count: usize, schedule: Value) {
    for first in (0..count).step_by(AT_ONCE) {
        let job = json!({"service": "echo", "schedule": schedule, "overlap": true});
        let jobs: Map<String, Value> = (first..count.min(first + AT_ONCE))
            .map(|number| (format!("{name}-{number}"), job.clone()))
            .collect();
        let request =
            Request::post("/api/v1/apply").bearer(bus.token()).json(&json!({"busbar": 1, "jobs": jobs}));
        bus.admin_client().send(&request).await.expect_status(200);
    }
}

/// Of all processes, as a part of one core.
async fn idle_cpu(bus: &Quickstart, time: Duration) -> f64 {
    // The definitions have come to the workers by then.
    sleep(Duration::from_secs(3)).await;
    let (before, started) = (cpu::used_ns(bus.folder().root()), Instant::now());
    sleep(time).await;
    let used = Duration::from_nanos(cpu::used_ns(bus.folder().root()).saturating_sub(before));
    used.as_secs_f64() / started.elapsed().as_secs_f64()
}

struct Fired {
    fired: f64,
    ended: f64,
    late_99: String,
}

async fn fired(bus: &Quickstart, time: Duration) -> Fired {
    poll::until_true("the first runs", Duration::from_secs(60), async || ended(&samples(bus).await) > 0.0)
        .await;
    let (before, started) = (samples(bus).await, Instant::now());
    sleep(time).await;
    let (after, took) = (samples(bus).await, started.elapsed().as_secs_f64());
    let more = |name: &str, labels: &[(&str, &str)]| after.sum(name, labels) - before.sum(name, labels);
    let all = more(&format!("{LATENESS}_count"), &[]);
    let below = |bound: &&str| more(&format!("{LATENESS}_bucket"), &[("le", bound)]);
    let bounds = ["0.1", "0.25", "0.5", "0.75", "1", "1.25", "2.5", "10", "60"];
    let late_99 = bounds.iter().find(|bound| below(bound) >= all * 0.99);
    Fired {
        fired: all / took,
        ended: (ended(&after) - ended(&before)) / took,
        late_99: late_99.map_or_else(|| "more than 60 s".to_owned(), |bound| format!("{bound} s")),
    }
}

async fn samples(bus: &Quickstart) -> Samples {
    Samples::parse(bus.admin_client().get("/metrics").await.expect_status(200).text())
}

/// Attempts that went well: the counters of workers, which are not as old as those of the ODB.
fn ended(samples: &Samples) -> f64 {
    samples.sum("busbar_requests_total", &[("channel", "_delivery"), ("status", "200")])
}
