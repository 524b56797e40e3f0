//! Several servers, one bus: what comes to one of them holds on all. (43, 48, 55)

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use busbar_test_databases::Kind;
use busbar_tests::{
    Request,
    cluster::{Cluster, Member, START_BOUND, Shape},
    deployment::digest,
    poll, process, wasm,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Until a server that fell silent is taken for dead, or its lease is, with some room.
const SILENCE_BOUND: Duration = Duration::from_secs(40);

/// GETs to an address of each server in turn, until it is stopped; a server that is away is left out.
struct Callers {
    stop: Arc<AtomicBool>,
    good: Arc<AtomicU64>,
    task: JoinHandle<Vec<String>>,
}

impl Callers {
    /// To the servers that the cluster has now.
    fn start(cluster: &Cluster, path: &'static str) -> Self {
        Self::of(&cluster.servers, path)
    }

    fn of(servers: &[Member], path: &'static str) -> Self {
        let clients: Vec<_> = servers.iter().map(|server| server.http().clone()).collect();
        let (stop, good) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&good));
        let task = tokio::spawn(async move {
            let mut bad = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                for client in &clients {
                    match client.try_send(&Request::get(path)).await {
                        Ok(reply) if reply.status == 200 => drop(counted.fetch_add(1, Ordering::Relaxed)),
                        other => bad.push(format!("{}: {other:?}", client.authority())),
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            bad
        });
        Self { stop, good, task }
    }

    /// None of them failed, and there were some.
    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let bad = self.task.await.unwrap();
        assert_eq!(bad, [""; 0]);
        assert!(self.good.load(Ordering::Relaxed) > 10);
    }
}

async fn invoker(cluster: &Cluster) -> String {
    let made = json!({"name": "invoker", "kind": "api-key"});
    let made = cluster.api("POST", "/security", Some(&made)).await.expect(201);
    made["key"].as_str().unwrap().to_owned()
}

async fn received(cluster: &Cluster, key: &str, name: &str) -> i64 {
    let request = Request::post("/_busbar/invoke/keeper.received").key(key).json(&json!({"name": name}));
    poll::until("what was received", SILENCE_BOUND, async || {
        for server in &cluster.servers {
            match server.http().try_send(&request).await {
                Ok(reply) if reply.status == 200 => return Ok(reply.json()["count"].as_i64().unwrap()),
                _ => {}
            }
        }
        Err("nobody answers".to_owned())
    })
    .await
}

async fn counting_job(cluster: &Cluster, name: &str) -> Value {
    let job = json!({"name": name, "service": "keeper.receive", "input": {"name": name},
        "schedule": {"kind": "interval", "every": "1s"}});
    cluster.api("POST", "/jobs", Some(&job)).await.expect(201)
}

/// Times that a job was run for, oldest first, in seconds.
async fn times(cluster: &Cluster, job: &Value) -> Vec<i64> {
    let path = format!("/jobs/{}/runs?limit=500", job["id"].as_str().unwrap());
    let runs = cluster.read(&path).await;
    let mut times: Vec<i64> = runs["items"].as_array().unwrap().iter().map(second).collect();
    times.reverse();
    times
}

fn second(run: &Value) -> i64 {
    run["scheduled_for"].as_str().unwrap().parse::<busbar_model::Timestamp>().unwrap().0 / 1_000_000
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_one_server_holds_on_all() {
    let mut cluster = Cluster::start(Shape::default()).await;
    cluster.deploy_service("echo").await;
    cluster.channel("echo", "/echo", "echo").await;
    both_answer(&cluster, "/echo").await;
    a_version_is_live_everywhere_or_nowhere(&cluster).await;
    a_file_that_one_server_picks_up_is_live_on_all(&cluster).await;
    servers_are_asked_past_the_database(&cluster).await;
    a_changed_definition_is_seen_soon(&cluster).await;
    a_drained_server_takes_no_work_and_loses_none(&cluster).await;
    a_leader_that_is_reloaded_keeps_its_place(&cluster).await;
    a_third_server_converges_before_it_is_ready(&mut cluster).await;
    a_server_leaves(&mut cluster).await;
}

async fn both_answer(cluster: &Cluster, path: &str) {
    for server in &cluster.servers {
        poll::until(&format!("{path} of {}", server.name), poll::CHANGE_BOUND, async || {
            let reply = server.http().get(path).await;
            if reply.status == 200 { Ok(()) } else { Err(format!("{reply:?}")) }
        })
        .await;
    }
}

async fn a_version_is_live_everywhere_or_nowhere(cluster: &Cluster) {
    let deployment = cluster.deploy("versioned.wasm", &wasm::version(1)).await;
    cluster.wait_everywhere("versioned", &digest(&wasm::version(1)), poll::CHANGE_BOUND).await;
    let servers = deployment["servers"].as_array().unwrap();
    let states: Vec<_> = servers.iter().map(|one| (&one["server"], &one["state"])).collect();
    assert_eq!(states, [(&json!("bus-1"), &json!("prepared")), (&json!("bus-2"), &json!("prepared"))]);
    let refused = cluster.post("broken.wasm", b"no component").await;
    let refused = cluster.wait_state(&refused, "failed").await;
    assert!(refused["reason"].as_str().unwrap().contains("WebAssembly"), "{refused}");
}

async fn a_file_that_one_server_picks_up_is_live_on_all(cluster: &Cluster) {
    let (picked, bytes) = (&cluster.servers[1], wasm::version(2));
    std::fs::write(picked.path("pickup/.new"), &bytes).unwrap();
    std::fs::rename(picked.path("pickup/.new"), picked.path("pickup/versioned.wasm")).unwrap();
    cluster.wait_everywhere("versioned", &digest(&bytes), poll::DEPLOY_BOUND).await;
    poll::until_true("the file is put away", poll::CHANGE_BOUND, async || {
        picked.path("pickup/deployed/versioned.wasm").exists()
    })
    .await;
    assert!(cached(&cluster.servers[0], &digest(&bytes)), "the other server compiled it for itself");
    let back = cluster.api("POST", "/plugins/versioned/rollback", None).await;
    assert_eq!(back.status, 202, "{back:?}");
    cluster.wait_everywhere("versioned", &digest(&wasm::version(1)), poll::CHANGE_BOUND).await;
}

/// Whether a server has the machine code of a version.
fn cached(server: &Member, digest: &str) -> bool {
    let hex = digest.trim_start_matches("sha256:");
    let mut files = std::fs::read_dir(server.path("artifacts")).unwrap();
    files.any(|file| file.unwrap().file_name().to_string_lossy().starts_with(hex))
}

async fn servers_are_asked_past_the_database(cluster: &Cluster) {
    let asked = async |query: &str| {
        poll::until("answers", poll::CHANGE_BOUND, async || {
            let told = cluster.read(&format!("/cluster/status{query}")).await;
            match told["items"].as_array().unwrap().len() {
                0 => Err(told.to_string()),
                _ => Ok(told),
            }
        })
        .await
    };
    let all = asked("").await;
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{all}");
    assert_eq!(items.iter().filter(|item| item["status"]["leads"] == true).count(), 1, "{all}");
    let workers = items.iter().flat_map(|item| item["status"]["workers"].as_array().unwrap());
    assert_eq!(workers.filter(|worker| worker["answered"] == true).count(), 4, "{all}");
    let one = asked("?server=bus-2").await;
    assert_eq!(one["items"][0]["status"]["server"], "bus-2");
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    assert_eq!(asked("?any=true").await["items"].as_array().unwrap().len(), 1);
    // One whose singleton stands still is missing.
    let singleton = cluster.servers[1].processes_of("singleton")[0];
    process::signal(singleton, Signal::SIGSTOP);
    let told = cluster.read("/cluster/status").await;
    process::signal(singleton, Signal::SIGCONT);
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "{told}");
}

async fn a_changed_definition_is_seen_soon(cluster: &Cluster) {
    for number in 0..5 {
        cluster.channel(&format!("c-{number}"), &format!("/c/{number}"), "echo").await;
        both_answer(cluster, &format!("/c/{number}")).await;
    }
}

async fn a_drained_server_takes_no_work_and_loses_none(cluster: &Cluster) {
    let callers = Callers::start(cluster, "/echo");
    let server = &cluster.servers[1];
    let cli = async |arguments: &[&str]| {
        let (url, token) =
            (format!("http://{}", cluster.admin.admin_client().authority()), cluster.admin.token());
        let environment = [("BUSBAR_ADMIN_URL", url), ("BUSBAR_ADMIN_TOKEN", token)];
        cluster
            .admin
            .folder()
            .run_with(arguments, |command| {
                command.envs(environment);
            })
            .await
    };
    let drained = cli(&["drain", "bus-2"]).await;
    assert!(drained.expect(0).stdout.contains("is drained"), "{drained:?}");
    let unready = server.ready().await.unwrap();
    unready.problem(503, "draining");
    assert_eq!(cluster.servers[0].ready().await.unwrap().status, 200);
    let seen = cluster.seen("bus-2").await;
    assert_eq!(
        (&seen["wanted"], &seen["condition"], &seen["live"]),
        (&json!("drain"), &json!("drained"), &json!(true))
    );
    cli(&["drain", "bus-2", "--undo"]).await.expect(0);
    server.wait_ready(poll::CHANGE_BOUND).await;
    let shown = cli(&["cluster"]).await;
    assert!(shown.expect(0).stdout.contains("bus-2\tyes\tready\tserve"), "{shown:?}");
    callers.end().await;
}

async fn a_leader_that_is_reloaded_keeps_its_place(cluster: &Cluster) {
    let leader = cluster.leader().await;
    let callers = Callers::start(cluster, "/echo");
    let server = cluster.server(&leader);
    let dir = server.folder().dir().display().to_string();
    let reload = async { server.folder().run(&["reload", "--dir", &dir]).await.expect(0).code };
    let watch = async {
        loop {
            let seen = cluster.seen(&leader).await;
            assert_eq!(seen["live"], true, "{seen}");
            assert_ne!(seen["condition"], "stopped", "{seen}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        code = reload => assert_eq!(code, Some(0)),
        () = watch => {}
    }
    poll::until_true("one singleton", poll::CHANGE_BOUND, async || {
        server.processes_of("singleton").len() == 1
    })
    .await;
    assert_eq!(cluster.leader().await, leader);
    assert_eq!(cluster.seen(&leader).await["live"], true);
    callers.end().await;
}

async fn a_third_server_converges_before_it_is_ready(cluster: &mut Cluster) {
    let third = cluster.add("bus-3").await;
    third.wait_ready(START_BOUND).await;
    // From its first ready on.
    third.http().get("/echo").await.expect_status(200);
    third.http().get("/c/4").await.expect_status(200);
    cluster.wait_everywhere("versioned", &digest(&wasm::version(1)), poll::CHANGE_BOUND).await;
}

async fn a_server_leaves(cluster: &mut Cluster) {
    let callers = Callers::of(&cluster.servers[..2], "/echo");
    let mut third = cluster.servers.pop().unwrap();
    let (url, token) =
        (format!("http://{}", cluster.admin.admin_client().authority()), cluster.admin.token());
    let dir = third.path("").display().to_string();
    let left = third
        .folder()
        .run_with(&["leave", "--dir", &dir], |command| {
            command.env("BUSBAR_ADMIN_URL", url).env("BUSBAR_ADMIN_TOKEN", token);
        })
        .await;
    assert!(left.expect(0).stdout.contains("has left"), "{left:?}");
    third.wait_ended().await;
    let servers = cluster.read("/servers").await;
    assert_eq!(servers["items"].as_array().unwrap().len(), 2, "{servers}");
    // Nobody waits for it.
    let begun = Instant::now();
    cluster.deploy("versioned.wasm", &wasm::version(3)).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}: as long as silence lasts", begun.elapsed());
    callers.end().await;
}

/// A leader that stands still writes nothing when it goes on, and each instant of a job is run for once.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stood_still_is_fenced_off() {
    let mut cluster = Cluster::start(Shape { broker: false, ..Shape::default() }).await;
    cluster.deploy_service("keeper").await;
    let key = invoker(&cluster).await;
    let job = counting_job(&cluster, "tick").await;
    let before = cluster.leader().await;
    let fence = cluster.read("/cluster").await["fence"].as_i64().unwrap();
    poll::until_true("a first run", SILENCE_BOUND, async || !times(&cluster, &job).await.is_empty()).await;
    let singleton = cluster.server(&before).processes_of("singleton")[0];
    process::signal(singleton, Signal::SIGSTOP);
    let stood = Instant::now();
    poll::until("another leader", SILENCE_BOUND, async || {
        let cluster = cluster.read("/cluster").await;
        match cluster["fence"].as_i64() {
            Some(later) if later > fence => Ok(()),
            _ => Err(cluster.to_string()),
        }
    })
    .await;
    let runs = times(&cluster, &job).await.len();
    poll::until_true("runs by the next leader", SILENCE_BOUND, async || {
        times(&cluster, &job).await.len() > runs + 2
    })
    .await;
    eprintln!("runs went on {:?} after the leader stood still", stood.elapsed());
    process::signal(singleton, Signal::SIGCONT);
    let runs = times(&cluster, &job).await.len();
    poll::until_true("further runs", SILENCE_BOUND, async || times(&cluster, &job).await.len() > runs + 3)
        .await;
    let after = cluster.leader().await;
    assert_ne!(after, before);
    each_once(&cluster, &key, &job).await;

    // The whole server that leads now is gone at once.
    let at = cluster.servers.iter().position(|server| server.name == after).unwrap();
    cluster.servers[at].kill().await;
    let killed = Instant::now();
    let runs = times(&cluster, &job).await.len();
    poll::until_true("runs by the one that is left", SILENCE_BOUND, async || {
        times(&cluster, &job).await.len() > runs + 2
    })
    .await;
    eprintln!("runs went on {:?} after the leader was gone", killed.elapsed());
    cluster.revive(at);
    cluster.servers[at].wait_ready(START_BOUND).await;
    each_once(&cluster, &key, &job).await;
}

/// No time has two runs, and what was run was received once.
async fn each_once(cluster: &Cluster, key: &str, job: &Value) {
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    cluster.api("POST", &format!("{path}/pause"), None).await.expect(200);
    let ended = poll::until("the end of all runs", SILENCE_BOUND, async || {
        let runs = cluster.read(&format!("{path}/runs?limit=500")).await;
        let runs = runs["items"].as_array().unwrap().clone();
        let open = runs.iter().filter(|run| run["outcome"].is_null()).count();
        if open == 0 { Ok(runs) } else { Err(format!("{open} are open")) }
    })
    .await;
    let mut times: Vec<i64> = ended.iter().map(second).collect();
    times.sort_unstable();
    let count = times.len();
    times.dedup();
    assert_eq!(times.len(), count, "a time was run for twice");
    let succeeded = ended.iter().filter(|run| run["outcome"] == "success").count();
    assert_eq!(received(cluster, key, "tick").await, i64::try_from(succeeded).unwrap());
    cluster.api("POST", &format!("{path}/resume"), None).await.expect(200);
}

/// Whoever decides, a deployment that a server can't be prepared for is decided.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_prepared_is_named_or_left_out() {
    let settings = "[deploy]\npatience_s = 3\n";
    let cluster = Cluster::start(Shape { settings, broker: false, ..Shape::default() }).await;
    cluster.deploy("versioned.wasm", &wasm::version(1)).await;
    let held = cluster.servers[1].processes_of("singleton")[0];
    // It lives for as long as its heartbeat is fresh, and does nothing.
    process::signal(held, Signal::SIGSTOP);
    let id = cluster.post("versioned.wasm", &wasm::version(2)).await;
    let failed = cluster.wait_state(&id, "failed").await;
    process::signal(held, Signal::SIGCONT);
    let reason = failed["reason"].as_str().unwrap();
    assert_eq!(reason, "on bus-2: not prepared within 3 s");
    cluster.wait_everywhere("versioned", &digest(&wasm::version(1)), poll::CHANGE_BOUND).await;
    drop(cluster);

    let settings = "[deploy]\npatience_s = 3\nunprepared = \"leave-out\"\n";
    let cluster = Cluster::start(Shape { settings, broker: false, ..Shape::default() }).await;
    cluster.deploy("versioned.wasm", &wasm::version(1)).await;
    let held = cluster.servers[1].processes_of("singleton")[0];
    process::signal(held, Signal::SIGSTOP);
    let id = cluster.post("versioned.wasm", &wasm::version(2)).await;
    let active = cluster.wait_state(&id, "active").await;
    let left = active["servers"].as_array().unwrap().iter().find(|one| one["server"] == "bus-2").unwrap();
    assert_eq!((&left["state"], &left["reason"]), (&json!("failed"), &json!("not prepared within 3 s")));
    process::signal(held, Signal::SIGCONT);
    cluster.wait_everywhere("versioned", &digest(&wasm::version(2)), SILENCE_BOUND).await;
    cluster.servers[1].wait_ready(poll::CHANGE_BOUND).await;
}

/// Two servers that are given different versions at once agree on one order.
#[tokio::test(flavor = "multi_thread")]
async fn versions_that_come_at_once_have_one_order_everywhere() {
    let cluster = Cluster::start(Shape { database: Kind::Mariadb, ..Shape::default() }).await;
    cluster.deploy("versioned.wasm", &wasm::version(1)).await;
    for round in 0..4_usize {
        for (at, server) in cluster.servers.iter().enumerate() {
            let bytes = wasm::version(u32::try_from(10 + 2 * round + at).unwrap());
            std::fs::write(server.path("pickup/.new"), &bytes).unwrap();
        }
        for server in &cluster.servers {
            std::fs::rename(server.path("pickup/.new"), server.path("pickup/versioned.wasm")).unwrap();
        }
        let active = poll::until("both are decided", poll::DEPLOY_BOUND, async || {
            let list = cluster.read("/deployments?plugin=versioned&limit=500").await;
            let all = list["items"].as_array().unwrap();
            let of =
                |state: &str| all.iter().filter(|one| one["state"] == state).cloned().collect::<Vec<_>>();
            let (active, superseded) = (of("active"), of("superseded"));
            let expected = 1 + 2 * (round + 1);
            if active.len() + superseded.len() == expected { Ok(active) } else { Err(list.to_string()) }
        })
        .await;
        assert_eq!(active.len(), 1, "one is live: {active:?}");
        cluster.wait_everywhere("versioned", active[0]["digest"].as_str().unwrap(), poll::CHANGE_BOUND).await;
    }
}
