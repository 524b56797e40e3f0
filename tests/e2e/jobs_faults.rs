//! Jobs while processes die: no time is run for twice, and none is lost. (48, on one server)

use std::{collections::HashSet, time::Duration};

use busbar_tests::{Quickstart, poll, process};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::jobs::{BOUND, counting, create, microseconds, received, runs, wait_ended};

#[tokio::test]
async fn a_singleton_that_dies_loses_no_time_and_runs_none_twice() {
    let bus = Quickstart::start(&["keeper"]).await;
    let often = json!({"kind": "interval", "every": "1s"});
    let job = create(&bus, counting("beat", often, json!({"overlap": true, "misfire": "all(100)"}))).await;
    for round in 1..=3 {
        let so_far = runs(&bus, &job).await.len();
        wait_ended(&bus, &job, so_far + 2).await;
        let singleton = bus.singleton().await;
        process::signal(singleton, Signal::SIGKILL);
        poll::until("another singleton", BOUND, async || match bus.singleton().await {
            same if same == singleton => Err(format!("{same} in round {round}")),
            _ => Ok(()),
        })
        .await;
    }
    let so_far = runs(&bus, &job).await.len();
    wait_ended(&bus, &job, so_far + 3).await;
    let path = format!("/jobs/{}/pause", job["id"].as_str().unwrap());
    bus.admin("POST", &path, None).await.expect(200);
    let ended = poll::until("the end of what is under way", BOUND, async || {
        let runs = runs(&bus, &job).await;
        if runs.iter().all(|run| !run["outcome"].is_null()) { Ok(runs) } else { Err(format!("{runs:?}")) }
    })
    .await;
    let mut times: Vec<i64> = ended.iter().map(|run| microseconds(run, "scheduled_for")).collect();
    times.sort_unstable();
    for pair in times.windows(2) {
        assert_eq!(pair[1] - pair[0], 1_000_000, "each second has its run: {times:?}");
    }
    for run in &ended {
        let late = microseconds(run, "started_at") - microseconds(run, "scheduled_for");
        assert!(late < 10_000_000, "{late} µs: {run}");
    }
    assert_eq!(received(&bus, "beat").await, i64::try_from(ended.len()).unwrap());
}

#[tokio::test]
async fn a_run_outlives_its_worker() {
    let bus = Quickstart::start(&["keeper"]).await;
    let once = json!({"kind": "interval", "every": "1s", "repeats": 1});
    let more = json!({"input": {"name": "long", "sleep_ms": 1500}});
    let job = create(&bus, counting("long", once, more)).await;
    poll::until_true("the run's beginning", BOUND, async || {
        runs(&bus, &job).await.first().is_some_and(|run| run["started_at"].is_string())
    })
    .await;
    for worker in bus.workers().await {
        process::signal(worker, Signal::SIGKILL);
    }
    let run = wait_ended(&bus, &job, 1).await.remove(0);
    assert_eq!(run["outcome"], "success", "{run}");
    let delivery = bus.read(&format!("/deliveries/{}", run["delivery"].as_str().unwrap())).await;
    assert_eq!(delivery["attempts"], 2, "{delivery}");
    assert_eq!((runs(&bus, &job).await.len(), received(&bus, "long").await), (1, 1));
}

#[tokio::test]
async fn what_was_missed_while_nothing_ran_follows_the_policy() {
    let bus = Quickstart::start(&["keeper"]).await;
    let often = || json!({"kind": "interval", "every": "1s"});
    let all = create(&bus, counting("all", often(), json!({"overlap": true, "misfire": "all(100)"}))).await;
    wait_ended(&bus, &all, 1).await;
    let folder = bus.stop().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let bus = Quickstart::start_in(folder, busbar_tests::Options::default()).await;
    let before: HashSet<String> =
        runs(&bus, &all).await.iter().map(|run| run["scheduled_for"].to_string()).collect();
    wait_ended(&bus, &all, before.len() + 4).await;
    let runs = runs(&bus, &all).await;
    let mut times: Vec<i64> = runs.iter().map(|run| microseconds(run, "scheduled_for")).collect();
    times.sort_unstable();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 1_000_000), "{times:?}");
}
