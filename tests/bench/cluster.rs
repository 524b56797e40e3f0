//! Several servers: how soon all of them know, how one joins, what they cost when nothing happens, and what the hop to
//! them costs by TLS.
//!
//! The binary needs the features of the databases, so this part runs in a process of its own with another
//! `BUSBAR_BIN`.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use busbar_tests::{
    Client, Load, Plan, Request,
    cluster::{Cluster, Shape},
    deployment::digest,
    poll, wasm,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    cpu,
    start::numbered,
    statistics::{duration, median, seconds},
};

/// Where the harness is told of the binary with all databases.
const BINARY: &str = "BUSBAR_CLUSTER_BIN";
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections of callers.
const CALLERS: usize = 64;

/// In another process.
pub(crate) fn report(quick: bool) {
    let Some(binary) = std::env::var_os(BINARY) else {
        println!(
            "## A cluster\n\nNot measured: `make bench` builds the binary with all databases and sets {BINARY}.\n"
        );
        return;
    };
    let mut own = Command::new(std::env::current_exe().expect("this program has a file"));
    own.env("BUSBAR_BIN", binary).args(quick.then_some("--quick")).arg("cluster");
    assert!(
        own.status().expect("this program runs").success(),
        "the figures of a cluster could not be taken"
    );
}

pub(crate) async fn measure(quick: bool) {
    let rounds = if quick { 3 } else { 30 };
    println!("## A cluster: PostgreSQL, two servers with two workers each, mutual TLS\n");
    println!("| what | figure | target |\n| --- | --- | --- |");
    let shape = || Shape { authority: true, ..Shape::default() };
    let mut cluster = Cluster::start(Shape { balancer: true, ..shape() }).await;
    cluster.deploy_service("echo").await;
    cluster.channel("echo", "/echo", "echo").await;
    line(
        "a change is live on every worker, with the broker (median)",
        &changes(&cluster, rounds).await,
        "100 ms",
    );
    deployments(&cluster, rounds.min(10)).await;
    let hop = hop(&cluster, quick).await;
    idle(&cluster, quick).await;
    joining(&mut cluster, if quick { 5 } else { 50 }).await;
    drop(cluster);
    let alone = Cluster::start(Shape { broker: false, ..shape() }).await;
    alone.deploy_service("echo").await;
    line("the same without a broker (median)", &changes(&alone, rounds.min(9)).await, "2 s");
    drop(alone);
    let clear = Cluster::start(Shape { balancer: true, ..Shape::default() }).await;
    clear.deploy_service("echo").await;
    clear.channel("echo", "/echo", "echo").await;
    let plain = self::hop(&clear, quick).await;
    drop(clear);
    let near = Cluster::start(Shape { balancer: true, sockets: true, ..Shape::default() }).await;
    near.deploy_service("echo").await;
    near.channel("echo", "/echo", "echo").await;
    let socket = self::hop(&near, quick).await;
    let direct = straight(&near, quick).await;
    println!("| CPU per call past HAProxy, at a server's own address | {direct:.1} µs | |");
    for (what, PerCall { all, haproxy }) in
        [("by Unix sockets", socket), ("by TCP in the clear", plain), ("by mutual TLS", hop)]
    {
        println!("| the same behind HAProxy, {what} | {all:.1} µs, of which HAProxy {haproxy:.1} | |");
    }
    println!();
}

fn line(what: &str, times: &[Duration], target: &str) {
    println!("| {what} | {} | {target} |", duration(seconds(times)));
}

/// From a change's request to every worker's word, as the ODB has it, that it serves it.
async fn changes(cluster: &Cluster, rounds: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for round in 0..rounds {
        let begun = Instant::now();
        cluster.channel(&format!("n{round}"), &format!("/n/{round}"), "echo").await;
        let state = cluster.read("/balancer/state").await;
        let head = state["version"].as_i64().expect("a version");
        until(async || {
            let servers = cluster.read("/servers").await;
            workers(&servers).all(|worker| worker["catalog_version"].as_i64().unwrap_or(0) >= head)
        })
        .await;
        times.push(begun.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    times
}

fn workers(servers: &Value) -> impl Iterator<Item = &Value> {
    let servers = servers["items"].as_array().into_iter().flatten();
    servers.flat_map(|server| server["workers"].as_array().into_iter().flatten())
}

async fn until(done: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < PATIENCE, "it did not come about within {PATIENCE:?}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// From a file's upload to every worker of both servers, beside the same on one server alone.
async fn deployments(cluster: &Cluster, rounds: usize) {
    let both = deploying(cluster, rounds).await;
    let one = Cluster::start(Shape { servers: 1, authority: true, ..Shape::default() }).await;
    let alone = deploying(&one, rounds).await;
    let more = seconds(&both) - seconds(&alone);
    println!(
        "| deployed to two servers (median) | {}; to one {}: {} more | 200 ms more than the slower compile |",
        duration(seconds(&both)),
        duration(seconds(&alone)),
        duration(more.max(0.0)),
    );
}

async fn deploying(cluster: &Cluster, rounds: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for round in 0..rounds {
        let version = wasm::version(u32::try_from(round).unwrap_or_default() + 1);
        let begun = Instant::now();
        cluster.post("versioned.wasm", &version).await;
        let wanted = digest(&version);
        until(async || {
            let servers = cluster.read("/servers").await;
            workers(&servers).all(|worker| worker["plugins"]["versioned"] == wanted.as_str())
        })
        .await;
        times.push(begun.elapsed());
    }
    times
}

/// Microseconds for each call: of all, and of HAProxy alone.
#[derive(Clone, Copy)]
struct PerCall {
    all: f64,
    haproxy: f64,
}

async fn hop(cluster: &Cluster, quick: bool) -> PerCall {
    cluster.wait_balanced(2, PATIENCE).await;
    per_call(cluster, cluster.front().http(), quick).await
}

/// Past HAProxy.
async fn straight(cluster: &Cluster, quick: bool) -> f64 {
    per_call(cluster, cluster.servers[0].http(), quick).await.all
}

async fn per_call(cluster: &Cluster, client: &Client, quick: bool) -> PerCall {
    let servers = || cluster.servers.iter().map(|server| cpu::used_ns(server.folder().root())).sum::<u64>();
    let haproxy = || cpu::used_ns(cluster.front().folder().root());
    let plan = || Plan::new(client, CALLERS, vec![Request::get("/echo?n=1")]);
    // Connections to the servers are made.
    let warm = Load::start(plan());
    sleep(Duration::from_millis(500)).await;
    warm.stop().await;
    let (mut all, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (of_servers, of_haproxy, load) = (servers(), haproxy(), Load::start(plan()));
        sleep(Duration::from_secs(if quick { 1 } else { 4 })).await;
        let report = load.stop().await;
        assert_eq!((report.wrong, report.broken, report.refused), (0, 0, 0), "{:?}", report.examples);
        let haproxy = haproxy() - of_haproxy;
        #[expect(clippy::cast_precision_loss, reason = "calls and nanoseconds of seconds")]
        let each = |used: u64| used as f64 / report.good as f64 / 1_000.0;
        all.push(each(servers() - of_servers + haproxy));
        alone.push(each(haproxy));
    }
    PerCall { all: median(&all), haproxy: median(&alone) }
}

async fn idle(cluster: &Cluster, quick: bool) {
    let time = Duration::from_secs(if quick { 2 } else { 15 });
    let used = || -> Vec<u64> {
        cluster.servers.iter().map(|server| cpu::used_ns(server.folder().root())).collect()
    };
    sleep(Duration::from_secs(1)).await;
    let (before, begun) = (used(), Instant::now());
    sleep(time).await;
    let most = used().iter().zip(&before).map(|(after, before)| after - before).max().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of seconds")]
    let share = most as f64 / begun.elapsed().as_nanos() as f64 * 100.0;
    println!("| processor of an idle server | {share:.2} % of a core | 1 % |");
}

/// From `busbar join` to the first call that is answered, where so many services are active.
async fn joining(cluster: &mut Cluster, services: u32) {
    for number in 0..services {
        let (name, bytes) = numbered(number);
        cluster.deploy(&format!("{name}.wasm"), &bytes).await;
    }
    let begun = Instant::now();
    let third = cluster.add("bus-3").await;
    third.wait_ready(poll::DEPLOY_BOUND).await;
    let ready = begun.elapsed();
    cluster.wait_balanced(3, PATIENCE).await;
    println!(
        "| from a join token to ready, {services} services to be compiled | {}; {} until a balancer says so | 3 s |",
        duration(ready.as_secs_f64()),
        duration(begun.elapsed().as_secs_f64()),
    );
    let everything: Value = json!(cluster.read("/servers").await["items"].as_array().map(Vec::len));
    assert_eq!(everything, 3);
}
