//! A cluster whose parts die under load: callers of what may be sent again notice nothing, and no change is lost.

use std::time::{Duration, Instant};

use busbar_test_databases::Kind;
use busbar_tests::{
    Connection, Load, Plan, Request,
    cluster::{Cluster, START_BOUND, Shape},
    deployment::digest,
    poll, process, wasm,
    way::Way,
};
use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::sleep;

/// The promise "restarted within 2 s", at three times its value.
const RESTART_BOUND: Duration = Duration::from_secs(6);
/// Until a server whose processes died is ready again.
const BACK: Duration = Duration::from_secs(60);

async fn balanced(shape: Shape) -> Cluster {
    let cluster = Cluster::start(Shape { balancer: true, authority: true, ..shape }).await;
    cluster.deploy_service("echo").await;
    cluster.channel("echo", "/echo", "echo").await;
    cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
    cluster.wait_balanced(cluster.servers.len(), BACK).await;
    cluster
}

/// GETs through the balancer on connections that stay.
fn load(cluster: &Cluster) -> Load {
    let plan = Plan::new(cluster.front().http(), 8, vec![Request::get("/echo?n=1")]);
    Load::start(plan.pause(Duration::from_millis(5)))
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_notice_no_death() {
    let mut cluster = balanced(Shape::default()).await;

    let calls = load(&cluster);
    for round in 0..4 {
        let server = &cluster.servers[round % 2];
        let worker = server.processes_of("worker")[0];
        process::signal(worker, Signal::SIGKILL);
        sleep(Duration::from_millis(500)).await;
    }
    cluster.wait_balanced(2, BACK).await;
    calls.unharmed("workers killed", 100).await;

    let calls = load(&cluster);
    for server in &cluster.servers {
        process::signal(server.processes_of("singleton")[0], Signal::SIGKILL);
    }
    cluster.channel("after", "/after", "echo").await;
    for server in &cluster.servers {
        poll::until_true("the change is seen without a singleton's hint", BACK, async || {
            server.http().get("/after").await.status == 200
        })
        .await;
    }
    calls.unharmed("singletons killed", 100).await;

    let calls = load(&cluster);
    cluster.servers[0].kill().await;
    sleep(Duration::from_secs(2)).await;
    // The deployment waits until the server is known to be dead, and no longer.
    cluster.deploy("versioned.wasm", &wasm::version(1)).await;
    cluster.revive(0);
    cluster.servers[0].wait_ready(START_BOUND).await;
    cluster.wait_everywhere("versioned", &digest(&wasm::version(1)), BACK).await;
    cluster.wait_balanced(2, BACK).await;
    calls.unharmed("a server killed and back", 100).await;

    let calls = load(&cluster);
    cluster.admin.kill().await;
    sleep(Duration::from_secs(1)).await;
    cluster = cluster.revive_admin().await;
    cluster.channel("admin-back", "/admin-back", "echo").await;
    calls.unharmed("the admin process killed", 100).await;

    let calls = load(&cluster);
    cluster.kill_agent().await;
    sleep(Duration::from_secs(1)).await;
    cluster.revive_agent();
    cluster.wait_balanced(2, BACK).await;
    calls.unharmed("the agent killed", 100).await;

    let calls = load(&cluster);
    for at in 0..2 {
        assert!(cluster.servers[at].stop().await.success());
        cluster.revive(at);
        cluster.servers[at].wait_ready(START_BOUND).await;
        cluster.wait_balanced(2, BACK).await;
    }
    calls.unharmed("a rolling restart", 100).await;
    the_balancer_comes_back(&cluster).await;
}

/// What is in flight may fail until the agent has started it again.
async fn the_balancer_comes_back(cluster: &Cluster) {
    let haproxy: Vec<u32> = cluster
        .front()
        .processes()
        .iter()
        .filter(|process| process.command.split(' ').next().is_some_and(|name| name.ends_with("haproxy")))
        .map(|process| process.pid)
        .collect();
    assert!(!haproxy.is_empty());
    for pid in haproxy {
        process::signal(pid, Signal::SIGKILL);
    }
    let killed = Instant::now();
    poll::until_true("HAProxy is back", RESTART_BOUND, async || {
        let reply = cluster.front().http().try_send(&Request::get("/echo")).await;
        reply.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    eprintln!("HAProxy answered again {:?} after it was killed", killed.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_and_the_database_may_be_away() {
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let mut cluster = balanced(Shape { database: kind, ..Shape::default() }).await;
        let calls = load(&cluster);
        let broker = cluster.broker.as_mut().unwrap();
        broker.stop();
        // By the poll, without a hint.
        cluster.channel("no-broker", "/no-broker", "echo").await;
        cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
        // As if it were installed anew.
        cluster.broker.as_mut().unwrap().start_again();
        cluster.broker.as_mut().unwrap().wipe();
        poll::until("servers answer by the broker again", BACK, async || {
            let told = cluster.read("/cluster/status").await;
            if told["items"].as_array().unwrap().len() == 2 { Ok(()) } else { Err(told.to_string()) }
        })
        .await;
        calls.unharmed("the broker stopped, wiped and started", 100).await;

        // Longer than the lease is held, and than a heartbeat counts.
        the_database_is_away(&mut cluster, Duration::from_secs(12)).await;
    }
}

async fn the_database_is_away(cluster: &mut Cluster, time: Duration) {
    let calls = load(cluster);
    cluster.database.stop();
    poll::until("the admin API says so", BACK, async || {
        let reply = cluster.api("GET", "/channels", None).await;
        if reply.status == 503 { Ok(()) } else { Err(format!("{reply:?}")) }
    })
    .await;
    sleep(time).await;
    cluster.database.start_again();
    let back = Instant::now();
    poll::until_true("the admin API is back", BACK, async || {
        cluster.api("GET", "/channels", None).await.status == 200
    })
    .await;
    cluster.channel("database-back", "/database-back", "echo").await;
    cluster.wait_everywhere_at_head(BACK).await;
    eprintln!("a change held everywhere {:?} after the database was back", back.elapsed());
    cluster.leader().await;
    calls.unharmed("the database away", 100).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: run by make test-long"]
async fn long_the_database_is_away_for_a_minute() {
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let mut cluster = balanced(Shape { database: kind, ..Shape::default() }).await;
        the_database_is_away(&mut cluster, Duration::from_secs(60)).await;
    }
}

/// One part after the other dies, for three minutes: nobody behind the balancer notices.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: run by make test-long"]
async fn long_parts_of_a_cluster_die_one_after_the_other() {
    let mut cluster = balanced(Shape::default()).await;
    let calls = load(&cluster);
    let begun = Instant::now();
    let (mut round, mut changes) = (0_usize, 0);
    while begun.elapsed() < Duration::from_secs(180) {
        let server = &cluster.servers[round % 2];
        match round % 5 {
            0 | 2 => process::signal(server.processes_of("worker")[0], Signal::SIGKILL),
            1 => process::signal(server.processes_of("singleton")[0], Signal::SIGKILL),
            3 => {
                cluster.kill_agent().await;
                cluster.revive_agent();
            }
            _ => {
                let at = round % 2;
                cluster.servers[at].kill().await;
                cluster.revive(at);
                cluster.servers[at].wait_ready(START_BOUND).await;
            }
        }
        round += 1;
        cluster.channel(&format!("change-{changes}"), &format!("/change/{changes}"), "echo").await;
        changes += 1;
        sleep(Duration::from_secs(2)).await;
        // One at a time: two are there, so that one can be away.
        cluster.wait_balanced(2, BACK).await;
    }
    cluster.wait_everywhere_at_head(BACK).await;
    eprintln!("{round} deaths, {changes} changes");
    calls.unharmed("one death after the other", 100).await;
}

/// The promise "1,000 changes in a burst: every worker at the last one within 2 s", at three times its value.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_changes_is_seen_in_time() {
    let cluster = Cluster::start(Shape::default()).await;
    cluster.deploy_service("echo").await;
    let channel = cluster.channel("burst", "/burst", "echo").await;
    let path = format!("/channels/{}", channel["id"].as_str().unwrap());
    for number in 0..1_000 {
        let timeout_ms = 1_000 + number;
        cluster.api("PATCH", &path, Some(&json!({"timeout_ms": timeout_ms}))).await.expect(200);
    }
    let begun = Instant::now();
    cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
    eprintln!("every worker was at the last of 1,000 changes {:?} after it", begun.elapsed());
    let last: Value = cluster.read(&path).await;
    assert_eq!(last["timeout_ms"], 1_999);
}

/// Of two servers, the second has ways to the database and the broker that can be cut.
#[tokio::test(flavor = "multi_thread")]
async fn callers_notice_no_cut_and_no_change_is_lost() {
    let mut cluster = balanced(Shape { servers: 1, ..Shape::default() }).await;
    let database = Way::to(cluster.odb_url()).await;
    let broker = Way::to(&cluster.broker.as_ref().unwrap().url()).await;
    cluster.add_by("bus-2", database.url(), broker.url()).await.wait_ready(START_BOUND).await;
    cluster.wait_balanced(2, BACK).await;

    let calls = load(&cluster);
    database.cut();
    cluster.channel("database-cut", "/database-cut", "echo").await;
    seen_by(&cluster, "bus-1", "/database-cut").await;
    // Longer than a heartbeat counts, and than the lease is held; the other one is not left in peace either.
    for _ in 0..6 {
        process::signal(cluster.server("bus-1").processes_of("worker")[0], Signal::SIGKILL);
        sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(cluster.seen("bus-2").await["live"], false);
    assert_eq!(cluster.leader().await, "bus-1");
    database.mend();
    let mended = Instant::now();
    seen_by(&cluster, "bus-2", "/database-cut").await;
    eprintln!("a change held everywhere {:?} after the way to the database was mended", mended.elapsed());
    cluster.wait_everywhere_at_head(BACK).await;
    calls.unharmed("one server without the database, a worker of the other killed every 2 s", 100).await;

    let calls = load(&cluster);
    broker.cut();
    // Past the broker, by the look that each server has every two seconds.
    cluster.channel("broker-cut", "/broker-cut", "echo").await;
    cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
    broker.mend();
    poll::until("both answer by the broker", BACK, async || {
        let told = cluster.read("/cluster/status").await;
        if told["items"].as_array().unwrap().len() == 2 { Ok(()) } else { Err(told.to_string()) }
    })
    .await;
    calls.unharmed("one server without the broker", 100).await;
    requests_with_keys_are_done_once(&mut cluster).await;
}

async fn seen_by(cluster: &Cluster, server: &str, path: &str) {
    poll::until_true(&format!("{path} of {server}"), BACK, async || {
        let reply = cluster.server(server).http().try_send(&Request::get(path)).await;
        reply.is_ok_and(|reply| reply.status == 200)
    })
    .await;
}

/// A server dies under POSTs with keys of their own: none of them fails, and each is done once.
async fn requests_with_keys_are_done_once(cluster: &mut Cluster) {
    cluster.deploy_service("keeper").await;
    cluster.channel("keeper", "/keeper", "keeper.run").await;
    cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
    let authority = cluster.front().http().authority().to_owned();
    let until = Instant::now() + Duration::from_secs(3);
    let posts = tokio::spawn(async move {
        let callers = (0..8).map(|caller| post_until(until, &authority, caller));
        join_all(callers).await.into_iter().sum::<u64>()
    });
    sleep(Duration::from_secs(1)).await;
    cluster.servers[0].kill().await;
    let posted = posts.await.unwrap();
    cluster.revive(0);
    cluster.servers[0].wait_ready(START_BOUND).await;
    let get = json!({"steps": [{"do": "get", "key": "posted"}]});
    let kept = cluster.front().http().send(&Request::post("/keeper").json(&get)).await.expect(200);
    eprintln!("a server killed under POSTs with keys: {posted} done, {} kept", kept["results"][0]["value"]);
    assert_eq!(kept["results"][0]["value"], posted.to_string());
    assert!(posted > 100, "{posted}");
}

/// How many were done; panics where one fails.
async fn post_until(until: Instant, authority: &str, caller: usize) -> u64 {
    let steps = json!({"steps": [{"do": "increment", "key": "posted", "by": 1}]});
    let mut connection = Connection::open(authority).await.unwrap();
    let mut done = 0;
    while Instant::now() < until {
        let key = format!("{caller}-{done}");
        let request = Request::post("/keeper").header("idempotency-key", &key).json(&steps);
        let reply = connection.try_send(&request).await.unwrap_or_else(|failure| panic!("{key}: {failure}"));
        assert_eq!(reply.status, 200, "{key}: {reply}");
        done += 1;
        if connection.is_closed() {
            connection = Connection::open(authority).await.unwrap();
        }
        sleep(Duration::from_millis(5)).await;
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn six_servers_behave_as_two() {
    let mut cluster = balanced(Shape { servers: 6, workers: 1, ..Shape::default() }).await;
    let calls = load(&cluster);
    let (picked, bytes) = (&cluster.servers[5], wasm::version(1));
    std::fs::write(picked.path("pickup/.new"), &bytes).unwrap();
    std::fs::rename(picked.path("pickup/.new"), picked.path("pickup/versioned.wasm")).unwrap();
    cluster.wait_everywhere("versioned", &digest(&bytes), poll::DEPLOY_BOUND).await;

    cluster.api("POST", "/servers/bus-3/drain", None).await.expect(200);
    poll::until("bus-3 is drained", BACK, async || {
        let seen = cluster.seen("bus-3").await;
        if seen["condition"] == "drained" { Ok(()) } else { Err(seen.to_string()) }
    })
    .await;
    cluster.api("POST", "/servers/bus-3/resume", None).await.expect(200);
    cluster.server("bus-3").wait_ready(poll::CHANGE_BOUND).await;

    let leader = cluster.leader().await;
    let at = cluster.servers.iter().position(|server| server.name == leader).unwrap();
    cluster.servers[at].kill().await;
    cluster.channel("after", "/after", "echo").await;
    for server in cluster.servers.iter().filter(|server| server.name != leader) {
        seen_by(&cluster, &server.name, "/after").await;
    }
    cluster.revive(at);
    cluster.servers[at].wait_ready(START_BOUND).await;
    cluster.wait_everywhere_at_head(BACK).await;
    cluster.wait_everywhere("versioned", &digest(&bytes), BACK).await;
    cluster.wait_balanced(6, BACK).await;
    calls.unharmed("six servers: a file, a drain, a death", 100).await;
}
