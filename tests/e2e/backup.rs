//! Backup and restore of a folder, while it is in use and while it is not.

use std::{fs, time::Duration};

use busbar_tests::{
    Load, Options, Plan, Quickstart, Request, artifact, deployment::digest, folder::Folder, poll, process,
    wasm,
};
use serde_json::json;

/// Three polls of the ODB, and the compiler where an artifact is gone.
const TAKEN_OVER: Duration = Duration::from_secs(6);

/// A path beside the folder.
fn beside(folder: &Folder, name: &str) -> String {
    folder.root().join(name).to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_running_bus_goes_back_to_what_it_was() {
    let bus = Quickstart::start(&["echo"]).await;
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    bus.create_channel("kept", "/kept", "versioned.tree", json!({})).await;
    bus.create_basic("clerk", "bob", "open sesame").await;
    bus.settle().await;
    let load =
        Load::start(Plan::new(bus.http(), 4, vec![Request::get("/echo"), Request::get("/kept?times=1")]));
    load.wait_good(100).await;

    let backup = beside(bus.folder(), "busbar.tar");
    // While files are deployed, too.
    let deploying = async {
        for number in 2..=3 {
            bus.deploy("versioned.wasm", &wasm::version(number)).await;
        }
    };
    let backing_up = async {
        let made = bus.cli(&["backup", &backup]).await;
        assert!(made.expect(0).stderr.contains("keys"), "{made:?}");
    };
    tokio::join!(deploying, backing_up);
    let metadata = fs::metadata(&backup).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
    // Now without anything under way, so that it is known what is in it.
    let made = bus.cli(&["backup", &backup, "--json"]).await.json();
    assert!(made["manifest"]["files"].as_array().unwrap().len() >= 3, "{made}");
    let exported = bus.cli(&["export"]).await.stdout;
    let processes: Vec<u32> = bus.processes().iter().map(|process| process.pid).collect();

    bus.deploy("versioned.wasm", &wasm::version(4)).await;
    bus.create_channel("late", "/late", "echo", json!({})).await;
    bus.settle().await;
    bus.http().get("/late").await.expect_status(200);

    a_damaged_backup_changes_nothing(&bus, &backup).await;
    bus.cli(&["restore", &backup]).await.expect(2);
    bus.cli(&["restore", &backup, "--yes"]).await.expect(0);
    let late = Request::get("/late");
    bus.wait_everywhere("the restored channels", TAKEN_OVER, &late, |reply| reply.status == 404).await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(3)))).await;
    assert_eq!(bus.cli(&["export"]).await.stdout, exported);
    load.wait_good(100).await;
    let report = load.stop().await;
    assert_eq!((report.wrong, report.broken, report.refused), (0, 0, 0), "{report}");
    let living: Vec<u32> = bus.processes().iter().map(|process| process.pid).collect();
    assert!(processes.iter().all(|pid| living.contains(pid)), "nothing crashed: {processes:?}, {living:?}");

    // It goes on from there.
    bus.invoke("echo", &json!({})).await.expect_status(200);
    bus.deploy("versioned.wasm", &wasm::version(5)).await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(5)))).await;
}

async fn a_damaged_backup_changes_nothing(bus: &Quickstart, backup: &str) {
    let whole = fs::read(backup).unwrap();
    let before = bus.cli(&["export"]).await.stdout;
    let damaged = beside(bus.folder(), "damaged.tar");
    let mut altered = whole.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    for bytes in [&whole[..whole.len() - 1], &whole[..whole.len() / 3], &altered, b""] {
        fs::write(&damaged, bytes).unwrap();
        let refused = bus.cli(&["restore", &damaged, "--yes"]).await;
        refused.expect(1);
        assert!(refused.stderr.contains("it is no backup, or not whole"), "{refused:?}");
    }
    assert_eq!(bus.cli(&["export"]).await.stdout, before);
    bus.http().get("/late").await.expect_status(200);
}

#[tokio::test]
async fn an_empty_folder_becomes_the_one_that_was_lost() {
    let bus = Quickstart::start(&["echo"]).await;
    bus.create_channel("kept", "/kept", "echo", json!({})).await;
    bus.deploy("greeter.wasm", &artifact::service("greeter")).await;
    let (token, key) = (bus.token().to_owned(), bus.invoker_key().to_owned());
    let backup = beside(bus.folder(), "busbar.tar");
    let old = bus.stop().await;
    // It need not run.
    let dir = old.dir();
    old.run(&["backup", &backup, "--dir", dir.to_str().unwrap()]).await.expect(0);

    let new = Folder::default();
    let dir = new.dir();
    let restored = new.run(&["restore", &backup, "--yes", "--dir", dir.to_str().unwrap()]).await;
    restored.expect(0);
    assert_eq!((new.read("admin-token"), new.read("invoker-key")), (token, key));
    assert_eq!((new.mode("admin-token"), new.mode("odb.sqlite")), (0o600, 0o600));
    let left = fs::read_dir(&dir).unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    assert!(left.into_iter().all(|name| !name.starts_with(".restore")));
    assert!(process::of_folder(new.root()).is_empty());

    let bus = Quickstart::start_in(new, Options::default()).await;
    bus.http().get("/kept").await.expect_status(200);
    poll::until("the greeter, compiled here", poll::DEPLOY_BOUND, async || {
        let reply = bus.invoke("greeter.greet", &json!({"name": "Ada"})).await;
        if reply.status == 200 { Ok(()) } else { Err(reply.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn another_master_key_is_not_put_below_a_running_bus() {
    let source = Quickstart::start(&[]).await;
    let secret = json!({"name": "pay-key", "value": "open sesame"});
    source.admin("POST", "/secrets", Some(&secret)).await.expect(201);
    let bus = Quickstart::start(&[]).await;
    let backup = beside(bus.folder(), "busbar.tar");
    source.cli(&["backup", &backup]).await.expect(0);
    bus.create_channel("late", "/late", "echo", json!({})).await;
    let refused = bus.cli(&["restore", &backup, "--yes"]).await;
    refused.expect(1);
    assert!(refused.stderr.contains("master-key") && refused.stderr.contains("busbar stop"), "{refused:?}");
    assert_eq!(bus.read("/channels").await["items"][0]["name"], "late");
    let theirs = fs::read(source.path("master-key")).unwrap();
    let ours = fs::read(bus.path("master-key")).unwrap();
    let folder = bus.stop().await;
    let dir = folder.dir();
    folder.run(&["restore", &backup, "--yes", "--dir", dir.to_str().unwrap()]).await.expect(0);
    assert_eq!((fs::read(folder.path("master-key")).unwrap(), folder.mode("master-key")), (theirs, 0o400));
    assert_eq!(fs::read(folder.path("master-key.replaced")).unwrap(), ours);
    // It starts with the secrets of the other.
    let bus = Quickstart::start_in(folder, Options::default()).await;
    assert_eq!(bus.read("/secrets").await["items"][0]["name"], "pay-key");
}
