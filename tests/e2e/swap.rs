//! Versions are exchanged while callers call. (41)

use std::time::Duration;

use busbar_tests::{Load, Plan, Quickstart, Reply, Request, deployment::digest, poll, wasm};

/// Every version in the reply is the same.
fn unmixed(reply: &Reply) -> Result<(), String> {
    if reply.status != 200 {
        return Err(reply.to_string());
    }
    let answer = reply.json();
    let outer = answer.get("outer").or(answer.get("version")).ok_or("no version")?;
    let inner = answer["inner"].as_array().cloned().unwrap_or_default();
    if inner.iter().all(|version| version == outer) { Ok(()) } else { Err(format!("mixed: {answer}")) }
}

async fn under_load(bus: &Quickstart) -> Load {
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(1)))).await;
    let tree = |pause: u32| Request::get(&format!("/version/tree?times=3&depth=2&pause_ms={pause}"));
    let requests = vec![Request::get("/version"), tree(0), Request::get("/version"), tree(3)];
    let load =
        Load::start(Plan::new(bus.http(), 16, requests).check(unmixed).pause(Duration::from_millis(2)));
    load.wait_good(200).await;
    load
}

/// Drops version after version; each must be met by every worker before the next one comes.
async fn swap(bus: &Quickstart, load: &Load, versions: impl Iterator<Item = u32>) {
    for number in versions {
        let bytes = wasm::version(number);
        if number % 2 == 0 {
            bus.pickup("versioned.wasm", &bytes);
            bus.wait_deployment("versioned", &digest(&bytes), "active").await;
        } else {
            bus.deploy("versioned.wasm", &bytes).await;
        }
        bus.wait_workers("versioned", Some(&digest(&bytes))).await;
        let request = Request::get("/version");
        bus.wait_everywhere("the new version", poll::CHANGE_BOUND, &request, |reply| {
            reply.status == 200 && reply.json()["version"] == number
        })
        .await;
        load.wait_good(20).await;
    }
}

#[tokio::test]
async fn swaps_under_load_lose_and_mix_nothing() {
    let bus = Quickstart::start(&[]).await;
    let load = under_load(&bus).await;
    swap(&bus, &load, 2..=21).await;
    for number in (17..=20).rev() {
        bus.act("versioned", "rollback").await;
        bus.wait_workers("versioned", Some(&digest(&wasm::version(number)))).await;
        load.wait_good(20).await;
    }
    let report = load.stop().await;
    report.expect_clean();
}

/// Several files at once: the last one wins, and nothing in between is half.
#[tokio::test]
async fn files_dropped_at_once_are_taken_one_by_one() {
    let bus = Quickstart::start(&[]).await;
    let load = under_load(&bus).await;
    for number in 2..=6 {
        bus.pickup("versioned.wasm", &wasm::version(number));
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    bus.wait_deployment("versioned", &digest(&wasm::version(6)), "active").await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(6)))).await;
    bus.pickup("a.wasm", &wasm::version(7));
    bus.pickup("b.wasm", &busbar_tests::artifact::service("greeter"));
    bus.wait_workers("versioned", Some(&digest(&wasm::version(7)))).await;
    bus.wait_moved("b.wasm").await;
    load.stop().await.expect_clean();
    let pending = bus.deployments("versioned").await;
    let active = pending.iter().filter(|deployment| deployment["state"] == "active").count();
    assert_eq!(active, 1, "{pending:?}");
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_two_hundred_swaps_under_load() {
    let bus = Quickstart::start(&[]).await;
    let load = under_load(&bus).await;
    swap(&bus, &load, 2..=201).await;
    let report = load.stop().await;
    report.expect_clean();
}
