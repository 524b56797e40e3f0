//! The bus on a database that is a server: it does what it does on a file, and what was acknowledged outlives the
//! server's death.

use std::{
    fs,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use busbar_test_databases::{Database, Kind, Server};
use busbar_tests::{Folder, Options, Quickstart, Request, deployment::digest, poll, process, wasm};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::{
    jobs,
    ledger::{self, Account, balance, call_on},
    unit_of_work::{everything, steps, value},
};

/// Until calls that need the database are answered again, whose pause between attempts has grown.
const BACK: Duration = Duration::from_secs(30);

/// A folder whose settings say which database it is.
fn folder(url: &str) -> Folder {
    let folder = Folder::default();
    fs::create_dir_all(folder.dir()).unwrap();
    fs::write(folder.dir().join("busbar.toml"), format!("[odb]\nurl = \"{url}\"\n")).unwrap();
    folder
}

fn options(services: &[&'static str]) -> Options {
    Options { services: services.to_vec(), ..Options::default() }
}

#[tokio::test]
async fn postgresql_does_what_a_file_does() {
    a_day_on(Kind::Postgres).await;
}

#[tokio::test]
async fn mariadb_does_what_a_file_does() {
    a_day_on(Kind::Mariadb).await;
}

async fn a_day_on(kind: Kind) {
    let database = Database::new(kind);
    let options = || options(&["keeper", "echo", "versioned"]);
    let bus = Quickstart::start_in(folder(&database.url()), options()).await;
    everything(&bus).await;
    let schedule = json!({"kind": "interval", "every": "1s", "repeats": 2});
    let job = jobs::create(&bus, jobs::counting("twice", schedule, json!({}))).await;
    bus.create_channel("again", "/again", "echo", json!({})).await;
    bus.settle().await;
    bus.http().get("/again").await.expect_status(200);
    for number in [2, 3] {
        bus.deploy("versioned.wasm", &wasm::version(number)).await;
        bus.wait_workers("versioned", Some(&digest(&wasm::version(number)))).await;
    }
    bus.act("versioned", "rollback").await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(2)))).await;
    jobs::wait_ended(&bus, &job, 2).await;
    assert_eq!(jobs::received(&bus, "twice").await, 2);
    steps(&bus, json!([{"do": "put", "key": "kept", "value": "1"}])).await.expect_status(200);

    let backup = bus.path("busbar.tar").display().to_string();
    let refused = bus.cli(&["backup", &backup]).await;
    assert!(refused.expect(1).stderr.contains("is copied by"), "{refused:?}");
    assert!(!bus.path("odb.sqlite").exists(), "nothing is kept beside the server");

    let folder = bus.stop().await;
    let bus = Quickstart::start_in(folder, options()).await;
    assert_eq!(value(&bus, "kept").await, "1");
    bus.http().get("/again").await.expect_status(200);
    bus.wait_workers("versioned", Some(&digest(&wasm::version(2)))).await;
    let deployments = bus.deployments("keeper").await;
    assert_eq!(deployments.len(), 1, "a further start drops nothing: {deployments:?}");
    bus.stop().await;
}

#[tokio::test]
async fn a_postgresql_that_dies_loses_nothing_acknowledged() {
    the_server_dies(Kind::Postgres).await;
}

#[tokio::test]
async fn a_mariadb_that_dies_loses_nothing_acknowledged() {
    the_server_dies(Kind::Mariadb).await;
}

/// The database's server and a worker are killed in turn, while calls and deliveries go on.
async fn the_server_dies(kind: Kind) {
    let mut server = Server::start(kind);
    let folder = folder(&server.database("busbar"));
    let bus = Quickstart::start_in(folder, options(&["keeper", "echo"])).await;
    let account = Arc::new(Account::default());
    let client = || bus.http().clone();
    let callers: Vec<_> = (0..8)
        .map(|_| tokio::spawn(call_on(client(), Arc::clone(&account), ledger::Database::Goes)))
        .collect();
    let acknowledged = || account.acknowledged.lock().unwrap().len();
    for round in 0..2 {
        let before = acknowledged();
        poll::until_true("acknowledged calls", BACK, async || acknowledged() > before + 50).await;
        server.kill();
        // What needs no database goes on.
        bus.http().send(&Request::get("/echo")).await.expect_status(200);
        let refused = steps(&bus, json!([{"do": "put", "key": "while/away", "value": "1"}])).await;
        refused.problem(503, "odb-unavailable");
        server.start_again();
        if round == 0 {
            process::signal(bus.processes_of("worker")[0], Signal::SIGKILL);
        }
    }
    let before = acknowledged();
    poll::until_true("acknowledged calls", BACK, async || acknowledged() > before + 50).await;
    account.stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    balance(&bus, &account).await;
    bus.stop().await;
}

#[tokio::test]
async fn a_database_that_can_not_be_had_is_told_at_the_start() {
    let wrong = [
        ("postgres://busbar:hunter2@127.0.0.1:1/busbar", "refused"),
        ("mysql://busbar:hunter2@127.0.0.1:1/busbar", "connect"),
        ("oracle://busbar:hunter2@127.0.0.1:1/busbar", "postgres"),
    ];
    for (url, word) in wrong {
        let folder = folder(url);
        let mut child = Quickstart::spawn(&folder, &options(&["echo"]));
        let status = poll::until("its end", BACK, async || {
            child.try_wait().unwrap().ok_or_else(|| "it goes on".to_owned())
        })
        .await;
        let said = folder.console();
        assert!(!status.success() && said.to_lowercase().contains(word), "{url}: {status}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
