//! Processes die under load.

use std::time::{Duration, Instant};

use busbar_tests::{Load, Plan, Quickstart, Request, deployment::digest, poll, process, wasm};
use nix::sys::signal::Signal;
use serde_json::json;

/// Until a process that died has a ready successor.
const REPLACED: Duration = Duration::from_secs(20);

async fn wait_workers_without(bus: &Quickstart, dead: u32, count: usize) {
    poll::until("the dead worker's successor", REPLACED, async || {
        let workers = bus.workers().await;
        let replaced = workers.len() == count
            && !workers.contains(&dead)
            && workers.iter().all(|w| process::is_alive(*w));
        if replaced { Ok(()) } else { Err(format!("{workers:?}, {dead} is dead")) }
    })
    .await;
}

#[tokio::test]
async fn a_killed_worker_takes_its_own_calls_only() {
    let bus = Quickstart::start(&["echo"]).await;
    let kept = Load::start(Plan::new(bus.http(), 8, vec![Request::get("/echo")]));
    let fresh = Load::start(Plan::new(bus.http(), 4, vec![Request::get("/echo")]).fresh_connections());
    let mut broken = 0;
    for _ in 0..3 {
        kept.wait_good(200).await;
        fresh.wait_good(100).await;
        let victim = bus.workers().await[0];
        process::signal(victim, Signal::SIGKILL);
        wait_workers_without(&bus, victim, 2).await;
        kept.wait_good(200).await;
        fresh.wait_good(100).await;
        let (kept, fresh) = (kept.report(), fresh.report());
        // Each connection has one call under way at most; those of the other worker lost none.
        let now = kept.broken + fresh.broken;
        assert!(now - broken <= 12, "{kept}\n{fresh}");
        broken = now;
    }
    for report in [kept.stop().await, fresh.stop().await] {
        assert_eq!((report.wrong, report.refused), (0, 0), "{report}");
    }
    the_other_workers_calls_go_on(&bus).await;
}

/// Calls are held open on both workers; one dies, and the other's calls end well.
async fn the_other_workers_calls_go_on(bus: &Quickstart) {
    bus.deploy("faulty.wasm", &busbar_tests::artifact::service("faulty")).await;
    bus.wait_invocable("faulty.count", &json!({}), 200).await;
    let workers = bus.workers().await;
    let mut connections = bus.connect_each().await;
    let call = bus.invocation("faulty.sleep", &json!({"ms": 2_000}));
    let kill = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        process::signal(workers[0], Signal::SIGKILL);
    };
    let (left, right) = connections.split_at_mut(1);
    let (dead, alive, ()) = tokio::join!(left[0].try_send(&call), right[0].try_send(&call), kill);
    assert!(dead.is_err(), "{dead:?}");
    assert_eq!(alive.unwrap().status, 200);
    wait_workers_without(bus, workers[0], 2).await;
}

/// Connections wait in the one queue of the shared socket: a worker that dies loses none that it has not accepted.
#[tokio::test]
async fn connections_that_wait_survive_a_worker() {
    let bus = Quickstart::start(&["echo"]).await;
    let workers = bus.workers().await;
    // Nobody accepts: the kernel completes the handshakes and keeps the connections.
    workers.iter().for_each(|worker| process::signal(*worker, Signal::SIGSTOP));
    let requests: Vec<_> = (0..40)
        .map(|number| {
            let client = bus.http().clone();
            tokio::spawn(async move { client.try_send(&Request::get(&format!("/echo?n={number}"))).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    process::signal(workers[0], Signal::SIGKILL);
    process::signal(workers[1], Signal::SIGCONT);
    for (number, request) in requests.into_iter().enumerate() {
        let reply = request.await.unwrap().unwrap_or_else(|failure| panic!("request {number}: {failure}"));
        assert_eq!(reply.expect(200)["query"]["n"], json!([number.to_string()]));
    }
    wait_workers_without(&bus, workers[0], 2).await;

    // The same when all of them die: their successors take the queue over.
    let workers = bus.workers().await;
    workers.iter().for_each(|worker| process::signal(*worker, Signal::SIGSTOP));
    let client = bus.http().clone();
    let waiting = tokio::spawn(async move { client.try_send(&Request::get("/echo")).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    workers.iter().for_each(|worker| process::signal(*worker, Signal::SIGKILL));
    waiting.await.unwrap().unwrap_or_else(|failure| panic!("{failure}")).expect_status(200);
}

#[tokio::test]
async fn a_killed_singleton_is_not_missed() {
    let bus = Quickstart::start(&["echo"]).await;
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(1)))).await;
    let load =
        Load::start(Plan::new(bus.http(), 8, vec![Request::get("/echo"), Request::get("/version/tree")]));
    load.wait_good(200).await;
    let workers = bus.workers().await;
    for number in 2..=3 {
        let victim = bus.singleton().await;
        process::signal(victim, Signal::SIGKILL);
        load.wait_good(100).await;
        // A file dropped while there is no singleton is found by the next one.
        bus.pickup("versioned.wasm", &wasm::version(number));
        poll::until("the next singleton", REPLACED, async || {
            let now = bus.processes_of("singleton");
            if now.len() == 1 && now[0] != victim {
                Ok(())
            } else {
                Err(format!("{now:?}, {victim} is dead"))
            }
        })
        .await;
        bus.wait_deployment("versioned", &digest(&wasm::version(number)), "active").await;
        bus.wait_workers("versioned", Some(&digest(&wasm::version(number)))).await;
    }
    // Killed in the middle of its work: the claim is recovered.
    bus.pickup("versioned.wasm", &wasm::version(4));
    process::signal(bus.singleton().await, Signal::SIGKILL);
    bus.wait_deployment("versioned", &digest(&wasm::version(4)), "active").await;
    bus.wait_moved("versioned.wasm").await;
    bus.settle().await;
    load.stop().await.expect_clean();
    assert_eq!(bus.workers().await, workers, "the workers lived on");
}

#[tokio::test]
async fn a_killed_admin_process_is_replaced() {
    let bus = Quickstart::start(&["echo"]).await;
    let admins = bus.processes_of("admin-process");
    let [victim] = admins[..] else { panic!("{:?}", bus.processes()) };
    let load = Load::start(Plan::new(bus.http(), 4, vec![Request::get("/echo")]));
    load.wait_good(50).await;
    process::signal(victim, Signal::SIGKILL);
    poll::until("the next admin process", REPLACED, async || {
        let request = Request::get("/api/v1/servers").bearer(bus.token());
        match bus.admin_client().try_send(&request).await {
            Ok(reply) if reply.status == 200 => Ok(()),
            Ok(reply) => Err(reply.to_string()),
            Err(failure) => Err(failure.to_string()),
        }
    })
    .await;
    load.stop().await.expect_clean();
}

async fn kill_every_two_seconds(bus: &Quickstart, mut victim: impl AsyncFnMut() -> u32) -> u64 {
    let started = Instant::now();
    let mut kills = 0;
    while started.elapsed() < Duration::from_secs(120) {
        let pid = victim().await;
        process::signal(pid, Signal::SIGKILL);
        kills += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    poll::until("all workers", REPLACED, async || {
        let workers = bus.workers().await;
        if workers.len() == 2 { Ok(()) } else { Err(format!("{workers:?}")) }
    })
    .await;
    kills
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_workers_die_every_two_seconds() {
    let bus = Quickstart::start(&["echo"]).await;
    let load = Load::start(Plan::new(bus.http(), 8, vec![Request::get("/echo")]));
    let kills = kill_every_two_seconds(&bus, async || {
        poll::until("a worker", REPLACED, async || {
            let alive = bus.processes_of("worker");
            alive.first().copied().ok_or_else(|| "none".to_owned())
        })
        .await
    })
    .await;
    let report = load.stop().await;
    assert_eq!((report.wrong, report.refused), (0, 0), "{report}");
    assert!(report.broken <= kills * 8, "{kills} kills: {report}");
    bus.http().get("/echo").await.expect_status(200);
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_the_singleton_dies_every_two_seconds() {
    let bus = Quickstart::start(&["echo"]).await;
    let load = Load::start(Plan::new(bus.http(), 8, vec![Request::get("/echo")]));
    kill_every_two_seconds(&bus, async || {
        poll::until("the singleton", REPLACED, async || {
            bus.processes_of("singleton").first().copied().ok_or_else(|| "none".to_owned())
        })
        .await
    })
    .await;
    bus.pickup("versioned.wasm", &wasm::version(1));
    bus.wait_deployment("versioned", &digest(&wasm::version(1)), "active").await;
    load.stop().await.expect_clean();
}
