//! The pickup folder.

use std::{fs, time::Duration};

use busbar_tests::{Quickstart, artifact, deployment::digest, wasm};
use serde_json::json;

/// (39, 40)
#[tokio::test]
async fn a_dropped_file_is_deployed_or_refused_with_a_reason() {
    let bus = Quickstart::start(&[]).await;
    let one = wasm::version(1);
    bus.pickup("versioned.wasm", &one);
    let kept = bus.wait_moved("versioned.wasm").await;
    assert_eq!(digest(&fs::read(kept).unwrap()), digest(&one));
    bus.wait_deployment("versioned", &digest(&one), "active").await;
    bus.wait_workers("versioned", Some(&digest(&one))).await;

    for (name, bytes, reason) in wasm::broken() {
        bus.pickup(name, &bytes);
        let refusal = bus.wait_refused(name).await;
        assert!(refusal.reason.contains(reason), "{name}: {reason:?} is not in {:?}", refusal.reason);
        assert_eq!(fs::read(refusal.file).unwrap(), bytes, "{name} is kept as it came");
        let stem = name.strip_suffix(".wasm").unwrap();
        let failed = bus.read("/deployments?state=failed&limit=500").await;
        let item =
            failed["items"].as_array().unwrap().iter().find(|d| d["digest"] == digest(&bytes)).cloned();
        let item = item.unwrap_or_else(|| panic!("{name} is not in {failed}"));
        assert!(item["reason"].as_str().unwrap().contains(reason), "{item}");
        assert!(item["plugin"] == stem || item["plugin"] == "versioned", "{item}");
        assert_eq!(bus.http().get("/version").await.expect(200)["version"], 1, "{name}");
    }
    other_files_are_left_alone(&bus).await;
    a_second_refusal_replaces_the_first(&bus).await;
}

async fn other_files_are_left_alone(bus: &Quickstart) {
    bus.pickup("README.txt", b"not a plugin");
    bus.pickup(".hidden.wasm", &wasm::version(9));
    bus.pickup("versioned.wasm.part", &wasm::version(9));
    let two = wasm::version(2);
    bus.pickup("versioned.wasm", &two);
    bus.wait_workers("versioned", Some(&digest(&two))).await;
    bus.wait_moved("versioned.wasm").await;
    for name in ["README.txt", ".hidden.wasm", "versioned.wasm.part"] {
        assert!(bus.path("pickup").join(name).exists(), "{name} is gone");
    }
}

async fn a_second_refusal_replaces_the_first(bus: &Quickstart) {
    bus.pickup("module.wasm", b"now it is a text");
    busbar_tests::poll::until("the new reason", busbar_tests::poll::DEPLOY_BOUND, async || {
        let refusal = bus.wait_refused("module.wasm").await;
        let new = fs::read(&refusal.file).unwrap_or_default() == b"now it is a text";
        if new && refusal.reason.contains("not a WebAssembly") { Ok(()) } else { Err(refusal.reason) }
    })
    .await;
    // A good file of the name of a refused one is deployed, and the complaint goes away or stays old.
    let greeter = artifact::service("greeter");
    bus.pickup("module.wasm", &greeter);
    bus.wait_deployment("greeter", &digest(&greeter), "active").await;
    bus.wait_invocable("greeter.greet", &json!({"name": "Ada"}), 200).await;
}

/// (42)
#[tokio::test]
async fn a_half_written_file_is_ignored_until_it_is_complete() {
    let bus = Quickstart::start(&[]).await;
    let one = wasm::version(1);
    let (first, second) = one.split_at(one.len() / 2);
    let mut slow = bus.pickup_slowly("versioned.wasm");
    slow.write(first);
    // A file that comes whole meanwhile makes the folder be looked through.
    let greeter = artifact::service("greeter");
    bus.pickup("greeter.wasm", &greeter);
    bus.wait_deployment("greeter", &digest(&greeter), "active").await;
    // Nothing can be polled for here: what must not happen has to be given the time to happen.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(slow.is_there(), "it was taken while it was open");
    assert!(bus.deployments("versioned").await.is_empty());
    slow.write(second);
    drop(slow);
    bus.wait_deployment("versioned", &digest(&one), "active").await;
    bus.wait_moved("versioned.wasm").await;
    let all = bus.deployments("versioned").await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(!bus.path("pickup/failed/versioned.wasm").exists());

    // Written in place over many small pieces.
    let two = wasm::version(2);
    let mut slow = bus.pickup_slowly("versioned.wasm");
    for piece in two.chunks(two.len() / 20) {
        slow.write(piece);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(slow.is_there(), "it was taken while it was open");
    drop(slow);
    bus.wait_deployment("versioned", &digest(&two), "active").await;
    assert_eq!(bus.deployments("versioned").await.len(), 2);
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_many_seeds() {
    let bus = Quickstart::start(&["echo", "greeter", "wasi-http", "faulty", "versioned"]).await;
    let component = artifact::service("wasi-http");
    for number in 0..60 {
        bus.pickup(&format!("copy-{number}.wasm"), &component);
    }
    for number in 0..60 {
        bus.wait_deployment(&format!("copy-{number}"), &digest(&component), "active").await;
    }
    for number in 0..60 {
        let path = format!("/copy-{number}/x");
        assert_eq!(bus.http().get(&path).await.expect_status(200).text(), format!("GET {path}\n"));
    }
    let options = busbar_tests::Options { workers: 4, ..busbar_tests::Options::default() };
    let bus = Quickstart::start_in(bus.stop().await, options).await;
    let started = std::time::Instant::now();
    bus.http().get("/copy-59").await.expect_status(200);
    assert!(started.elapsed() < Duration::from_secs(5));
}
