//! Workers that accept on the same socket share what comes to it.

use std::time::{Duration, Instant};

use busbar_tests::{Quickstart, Request, http::Connection, poll, process};
use nix::sys::signal::Signal;

/// Between two reports of a worker there is a second.
const TOLD: Duration = Duration::from_secs(20);

/// So many, each answered. Between two of them there is `pause`.
async fn crowd(bus: &Quickstart, count: u32, pause: Duration) -> Vec<Connection> {
    let opening = (0..count).map(|number| async move {
        tokio::time::sleep(pause * number).await;
        let mut connection = bus.http().connect().await;
        connection.send(&Request::get("/_busbar/ping")).await.expect_status(200);
        connection
    });
    futures_util::future::join_all(opening).await
}

/// How many connections each worker has, once they are so many in all.
async fn shares(bus: &Quickstart, in_all: u64) -> Vec<(u64, u64)> {
    let mut shares = Vec::new();
    poll::until("all connections", TOLD, async || {
        shares = bus
            .worker_states()
            .await
            .iter()
            .filter_map(|worker| Some((worker["pid"].as_u64()?, worker["load"]["connections"].as_u64()?)))
            .collect();
        let sum: u64 = shares.iter().map(|(_, connections)| connections).sum();
        if shares.len() == 2 && sum == in_all { Ok(()) } else { Err(format!("{shares:?}")) }
    })
    .await;
    shares
}

fn least(shares: &[(u64, u64)]) -> u64 {
    shares.iter().map(|(_, connections)| *connections).min().unwrap()
}

#[tokio::test]
async fn a_crowd_is_shared_by_all_workers() {
    let bus = Quickstart::start(&[]).await;
    // Not all at once: a worker that gets no processor for some milliseconds here is not what is looked at.
    let pause = Duration::from_millis(2);
    let first = crowd(&bus, 64, pause).await;
    let both = shares(&bus, 64).await;
    assert!(least(&both) >= 24, "pid and connections: {both:?}");
    // Who comes new has none, and gets what comes next.
    let victim = bus.workers().await[0];
    process::signal(victim, Signal::SIGKILL);
    poll::until("a successor", TOLD, async || {
        let workers = bus.workers().await;
        if workers.len() == 2 && !workers.contains(&victim) { Ok(()) } else { Err(format!("{workers:?}")) }
    })
    .await;
    let (_, left) = *both.iter().find(|(pid, _)| *pid != u64::from(victim)).unwrap();
    let second = crowd(&bus, u32::try_from(left).unwrap(), pause).await;
    let both = shares(&bus, 2 * left).await;
    assert!(least(&both) * 4 >= left * 3, "pid and connections: {both:?}");
    drop((first, second));
}

#[tokio::test]
async fn one_that_stands_still_is_not_waited_for() {
    let bus = Quickstart::start(&[]).await;
    let halted = bus.workers().await[0];
    process::signal(halted, Signal::SIGSTOP);
    let begun = Instant::now();
    let connections = crowd(&bus, 400, Duration::ZERO).await;
    let took = begun.elapsed();
    process::signal(halted, Signal::SIGCONT);
    assert_eq!(connections.len(), 400);
    assert!(took < Duration::from_secs(3), "{took:?}");
    drop(connections);
}
