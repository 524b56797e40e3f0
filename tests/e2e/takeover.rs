//! The parent dies: what it started serves on, and the next parent takes over without losing a request.

use std::{net::TcpListener, time::Duration};

use busbar_tests::{
    Folder, Load, Options, Plan, Quickstart, Request, deployment::digest, poll, process, wasm,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::sleep;

fn options(services: &[&'static str]) -> Options {
    Options { services: services.to_vec(), ..Options::default() }
}

/// Every process but the parent.
fn children(bus: &Quickstart) -> Vec<u32> {
    bus.processes().iter().map(|process| process.pid).filter(|pid| *pid != bus.pid()).collect()
}

fn loads(bus: &Quickstart) -> [Load; 3] {
    let get = || vec![Request::get("/echo")];
    let servers = vec![Request::get("/api/v1/servers").bearer(bus.token())];
    [
        Load::start(Plan::new(bus.http(), 8, get())),
        Load::start(Plan::new(bus.http(), 4, get()).fresh_connections()),
        Load::start(Plan::new(bus.admin_client(), 2, servers).pause(Duration::from_millis(5))),
    ]
}

#[tokio::test]
async fn the_next_parent_takes_over_without_a_lost_request() {
    let options = options(&["echo", "versioned"]);
    let mut bus = Quickstart::start_with(options.clone()).await;
    let (http, admin) = (bus.http().clone(), bus.admin_client().clone());
    let loads = loads(&bus);
    for round in 1..=2 {
        let orphans = children(&bus);
        assert_eq!(orphans.len(), 4, "two workers, a singleton, an admin process: {:?}", bus.processes());
        bus.kill_parent().await;
        for load in &loads {
            load.wait_good(20).await;
        }
        assert_eq!(children(&bus).len(), 4, "they serve on: {:?}", bus.processes());
        // The singleton that was left deploys on.
        let file = wasm::version(round);
        bus.pickup("versioned.wasm", &file);
        bus.wait_deployment("versioned", &digest(&file), "active").await;

        bus = bus.start_again(&options).await;
        bus.wait_gone(&orphans).await;
        assert_eq!(bus.http().authority(), http.authority(), "the sockets are those of before");
        assert_eq!(bus.admin_client().authority(), admin.authority());
        let now = bus.processes();
        assert_eq!(now.len(), 5, "{now:?}");
        assert!(now.iter().all(|p| p.pid == bus.pid() || p.parent == bus.pid()), "{now:?}");
        for load in &loads {
            load.wait_good(20).await;
        }
    }
    // All of it is as it was: files are deployed, by one singleton.
    let file = wasm::version(9);
    bus.pickup("versioned.wasm", &file);
    bus.wait_deployment("versioned", &digest(&file), "active").await;
    bus.wait_workers("versioned", Some(&digest(&file))).await;
    for load in loads {
        load.stop().await.expect_clean();
    }
    // lock, lead.lock, deaths, hint, ops, one feed, and one of each process.
    poll::until("no socket is left", poll::CHANGE_BOUND, async || {
        let entries = std::fs::read_dir(bus.path("run")).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        if names.len() == 11 { Ok(()) } else { Err(format!("{names:?}")) }
    })
    .await;
    bus.stop().await;
}

/// A parent that dies while it takes over leaves more to take over, and that is all.
#[tokio::test]
async fn a_take_over_that_is_cut_off_can_be_taken_over() {
    takeovers_are_cut_off(4).await;
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_a_take_over_is_cut_off_anywhere() {
    takeovers_are_cut_off(60).await;
}

async fn takeovers_are_cut_off(times: u64) {
    let options = options(&["echo"]);
    let mut bus = Quickstart::start_with(options.clone()).await;
    let loads = loads(&bus);
    bus.kill_parent().await;
    for time in 0..times {
        let mut next = Quickstart::spawn(bus.folder(), &options);
        // From before its processes are there to after the others are told to go.
        sleep(Duration::from_millis(10 + time * 600 / times)).await;
        process::signal(next.id(), Signal::SIGKILL);
        next.wait().unwrap();
        loads[0].wait_good(20).await;
    }
    let orphans = children(&bus);
    bus = bus.start_again(&options).await;
    bus.wait_gone(&orphans).await;
    assert_eq!(children(&bus).len(), 4, "{:?}", bus.processes());
    for load in &loads {
        load.wait_good(20).await;
    }
    for load in loads {
        load.stop().await.expect_clean();
    }
    let file = wasm::version(1);
    bus.deploy("versioned.wasm", &file).await;
    bus.wait_workers("versioned", Some(&digest(&file))).await;
    bus.stop().await;
}

/// What is dropped while one singleton goes and the next one comes is deployed once.
#[tokio::test]
async fn files_dropped_during_a_take_over_are_deployed_once() {
    let options = options(&["echo"]);
    let mut bus = Quickstart::start_with(options.clone()).await;
    let mut dropped = Vec::new();
    for round in 0..2 {
        bus.kill_parent().await;
        let child = Quickstart::spawn(bus.folder(), &options);
        for number in 1..=4 {
            let file = wasm::version(round * 10 + number);
            dropped.push(digest(&file));
            bus.pickup("versioned.wasm", &file);
            poll::until_true("it is claimed", poll::DEPLOY_BOUND, async || {
                !bus.path("pickup/versioned.wasm").exists()
            })
            .await;
        }
        bus = bus.adopt(child).await;
    }
    bus.wait_deployment("versioned", dropped.last().unwrap(), "active").await;
    let deployments = bus.deployments("versioned").await;
    for digest in &dropped {
        let of_it: Vec<_> =
            deployments.iter().filter(|deployment| deployment["digest"] == **digest).collect();
        assert_eq!(of_it.len(), 1, "{digest}: {of_it:?}");
        assert!(["active", "superseded"].contains(&of_it[0]["state"].as_str().unwrap()), "{of_it:?}");
    }
    bus.stop().await;
}

/// An attempt that an orphan makes is its own until it has ended.
#[tokio::test]
async fn attempts_under_way_are_not_made_again() {
    let options = options(&["faulty"]);
    let mut bus = Quickstart::start_with(options.clone()).await;
    let call = bus.invocation("faulty.sleep", &json!({"ms": 3_000})).header("prefer", "respond-async");
    for _ in 0..4 {
        bus.http().send(&call).await.expect_status(202);
    }
    let states = async |bus: &Quickstart| -> Vec<Value> {
        bus.read("/deliveries?limit=100").await["items"].as_array().cloned().unwrap_or_default()
    };
    poll::until("attempts are under way", poll::CHANGE_BOUND, async || {
        let states = states(&bus).await;
        let all = states.len() == 4 && states.iter().all(|delivery| delivery["state"] == "in-progress");
        if all { Ok(()) } else { Err(format!("{states:?}")) }
    })
    .await;
    bus.kill_parent().await;
    bus = bus.start_again(&options).await;
    poll::until("every delivery's end", Duration::from_secs(20), async || {
        let states = states(&bus).await;
        let all = states.iter().all(|delivery| delivery["state"] == "confirmed");
        if all { Ok(()) } else { Err(format!("{states:?}")) }
    })
    .await;
    let attempts: Vec<_> = states(&bus).await.iter().map(|delivery| delivery["attempts"].clone()).collect();
    assert_eq!(attempts, [1, 1, 1, 1].map(|attempt| json!(attempt)));
    bus.stop().await;
}

#[tokio::test]
async fn orphans_are_stopped_by_the_command() {
    let mut bus = Quickstart::start(&["echo"]).await;
    bus.kill_parent().await;
    bus.http().get("/echo").await.expect_status(200);
    bus.cli(&["stop"]).await.expect(0);
    assert!(bus.processes().is_empty(), "{:?}", bus.processes());
    // And by a signal to a parent that is about to take over.
    let mut bus = bus.start_again(&options(&["echo"])).await;
    bus.kill_parent().await;
    let mut next = Quickstart::spawn(bus.folder(), &options(&["echo"]));
    poll::until_true("it takes over", poll::CHANGE_BOUND, async || children(&bus).len() > 5).await;
    process::signal(next.id(), Signal::SIGTERM);
    assert!(next.wait().unwrap().success());
    assert!(bus.processes().is_empty(), "{:?}", bus.processes());
}

/// What does not answer is replaced all the same, and ended by force.
#[tokio::test]
async fn orphans_that_hang_are_ended() {
    let environment = vec![("BUSBAR_HTTP_DRAIN_MS", "500".to_owned())];
    let options = Options { environment, ..options(&["echo"]) };
    let mut bus = Quickstart::start_with(options.clone()).await;
    let orphans = children(&bus);
    bus.kill_parent().await;
    let (worker, singleton) = (bus.processes_of("worker")[0], bus.processes_of("singleton")[0]);
    [worker, singleton].iter().for_each(|pid| process::signal(*pid, Signal::SIGSTOP));
    bus = bus.start_again(&options).await;
    bus.wait_gone(&orphans).await;
    bus.http().get("/echo").await.expect_status(200);
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    bus.stop().await;
}

/// Another address: it is served, and the old one no more once those that had it are gone.
#[tokio::test]
async fn settings_may_have_changed() {
    let mut bus = Quickstart::start(&["echo"]).await;
    let (old, orphans) = (bus.http().clone(), children(&bus));
    bus.kill_parent().await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let changed = Options { http: free.clone(), workers: 1, ..options(&["echo"]) };
    bus = bus.start_again(&changed).await;
    assert_eq!(bus.http().authority(), free);
    bus.http().get("/echo").await.expect_status(200);
    bus.wait_gone(&orphans).await;
    assert_eq!(bus.workers().await.len(), 1);
    assert!(old.try_send(&Request::get("/echo")).await.is_err(), "nobody listens there");
    bus.stop().await;
}

/// Orphans have no socket at an address that someone else has taken.
#[tokio::test]
async fn an_address_of_someone_else_is_named() {
    let mut bus = Quickstart::start(&["echo"]).await;
    bus.kill_parent().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = bus.cli(&["quickstart", "--http", &address, "--admin", "127.0.0.1:0"]).await;
    refused.expect(3);
    assert!(refused.stderr.contains(&address) && refused.stderr.contains("http.listen"), "{refused:?}");
    bus.http().get("/echo").await.expect_status(200);
    bus.cli(&["stop"]).await.expect(0);
}

/// An admin process that someone started beside a server is none of its parent's business.
#[tokio::test]
async fn an_admin_process_of_its_own_lives_on() {
    let folder = Folder::default();
    let dir = folder.dir();
    let command = |word: &str| {
        let mut command = folder.busbar();
        command.arg(word).arg("--dir").arg(&dir);
        command.envs([
            ("BUSBAR_HTTP_LISTEN", "127.0.0.1:0"),
            ("BUSBAR_OPS_LISTEN", "127.0.0.1:0"),
            ("BUSBAR_ADMIN_LISTEN", "127.0.0.1:0"),
            ("BUSBAR_WORKERS_COUNT", "1"),
        ]);
        command
    };
    let wait = async |parent: u32| {
        poll::until("the server is up", Duration::from_secs(30), async || {
            let endpoints = std::fs::read_to_string(folder.path("endpoints.json")).unwrap_or_default();
            let endpoints: Value = serde_json::from_str(&endpoints).unwrap_or_default();
            if endpoints["pid"] == parent { Ok(()) } else { Err(endpoints.to_string()) }
        })
        .await;
    };
    let mut server = command("server").spawn().unwrap();
    wait(server.id()).await;
    let mut admin = command("admin").spawn().unwrap();
    poll::until_true("the admin process is up", poll::CHANGE_BOUND, async || {
        dir.join("run").join(format!("admin-{}.sock", admin.id())).exists()
    })
    .await;
    process::signal(server.id(), Signal::SIGKILL);
    server.wait().unwrap();
    let mut server = command("server").spawn().unwrap();
    wait(server.id()).await;
    poll::until("the orphans' end", Duration::from_secs(30), async || {
        let all = process::of_folder(folder.root());
        if all.len() == 4 { Ok(()) } else { Err(format!("{all:?}")) }
    })
    .await;
    assert!(process::is_alive(admin.id()));
    process::signal(server.id(), Signal::SIGTERM);
    assert!(server.wait().unwrap().success());
    process::signal(admin.id(), Signal::SIGTERM);
    assert!(admin.wait().unwrap().success());
}
