//! Files become live through the API, go back, and go away.

use std::time::Duration;

use busbar_tests::{
    Quickstart, Request, artifact,
    deployment::{accepted, digest},
    poll, wasm,
};
use serde_json::{Value, json};

async fn version_now(bus: &Quickstart) -> Value {
    bus.http().get("/version").await.expect(200)["version"].clone()
}

/// (39, 44)
#[tokio::test]
async fn a_version_goes_live_and_back() {
    let bus = Quickstart::start(&[]).await;
    let (one, two, three) = (wasm::version(1), wasm::version(2), wasm::version(3));
    every_worker_has_it(&bus, &one).await;

    let second = bus.deploy("versioned.wasm", &two).await;
    bus.wait_workers("versioned", Some(&digest(&two))).await;
    assert_eq!(version_now(&bus).await, 2);
    same_again_is_nothing_new(&bus, &two, &second).await;

    let back = bus.act("versioned", "rollback").await;
    assert_eq!((&back["plugin"], &back["digest"]), (&json!("versioned"), &json!(digest(&one))));
    bus.wait_workers("versioned", Some(&digest(&one))).await;
    assert_eq!(version_now(&bus).await, 1);

    bus.deploy("versioned.wasm", &two).await;
    bus.deploy("versioned.wasm", &three).await;
    bus.wait_workers("versioned", Some(&digest(&three))).await;
    // Twice goes back twice: three, two, one.
    bus.act("versioned", "rollback").await;
    bus.wait_workers("versioned", Some(&digest(&two))).await;
    bus.act("versioned", "rollback").await;
    bus.wait_workers("versioned", Some(&digest(&one))).await;
    assert_eq!(version_now(&bus).await, 1);

    recalled_is_503_and_comes_back(&bus, &two).await;
    there_is_nothing_to_go_back_to(&bus).await;
}

async fn every_worker_has_it(bus: &Quickstart, one: &[u8]) {
    let reply = bus.post_deployment("versioned.wasm", one).await;
    let deployment = bus.wait_state(&accepted(&reply), "active").await;
    assert_eq!((&deployment["plugin"], &deployment["digest"]), (&json!("versioned"), &json!(digest(one))));
    assert!(deployment["reason"].is_null() && deployment["created_at"].as_str().unwrap().ends_with('Z'));
    bus.wait_workers("versioned", Some(&digest(one))).await;
    let workers = bus.workers().await;
    let seen = poll::until("every worker's digest in the deployment", poll::CHANGE_BOUND, async || {
        let deployment = bus.deployment(deployment["id"].as_str().unwrap()).await;
        let states = deployment["servers"][0]["workers"].as_array().cloned().unwrap_or_default();
        let all = states.len() == 2 && states.iter().all(|worker| worker["digest"] == digest(one));
        if all { Ok(deployment) } else { Err(deployment.to_string()) }
    })
    .await;
    let state = seen["servers"][0]["state"].as_str().unwrap();
    assert!(matches!(state, "prepared" | "active"), "{seen}");
    for worker in seen["servers"][0]["workers"].as_array().unwrap() {
        let pid = u32::try_from(worker["pid"].as_u64().unwrap()).unwrap();
        assert!(workers.contains(&pid), "{pid} is none of {workers:?}");
    }
    let version = Request::get("/version");
    bus.wait_everywhere("version 1", poll::CHANGE_BOUND, &version, |reply| reply.status == 200).await;
    let plugin = bus.read("/plugins/versioned").await;
    assert_eq!(plugin["name"], "versioned", "{plugin}");
}

async fn same_again_is_nothing_new(bus: &Quickstart, two: &[u8], second: &Value) {
    let before = bus.deployments("versioned").await;
    let again = bus.post_deployment("versioned.wasm", two).await;
    assert!(matches!(again.status, 200 | 202), "{again}");
    assert_eq!(again.json()["id"], second["id"], "{again}");
    bus.pickup("versioned.wasm", two);
    bus.wait_moved("versioned.wasm").await;
    assert_eq!(bus.deployments("versioned").await.len(), before.len());
}

async fn recalled_is_503_and_comes_back(bus: &Quickstart, two: &[u8]) {
    bus.act("versioned", "recall").await;
    bus.wait_workers("versioned", None).await;
    let get = Request::get("/version");
    bus.wait_everywhere("503", poll::CHANGE_BOUND, &get, |reply| reply.status == 503).await;
    bus.http().get("/version").await.problem(503, "not-deployed");
    bus.invoke("versioned.get", &json!({})).await.problem(503, "not-deployed");
    bus.deploy("versioned.wasm", two).await;
    bus.wait_workers("versioned", Some(&digest(two))).await;
    assert_eq!(version_now(bus).await, 2);
}

async fn there_is_nothing_to_go_back_to(bus: &Quickstart) {
    bus.deploy("greeter.wasm", &artifact::service("greeter")).await;
    let reply = bus.admin("POST", "/plugins/greeter/rollback", None).await;
    assert_eq!(reply.status, 409, "{reply}");
    let unknown = bus.admin("POST", "/plugins/no-such/rollback", None).await;
    assert_eq!(unknown.status, 404, "{unknown}");
    let unknown = bus.admin("POST", "/plugins/no-such/recall", None).await;
    assert_eq!(unknown.status, 404, "{unknown}");
}

/// (40) The API refuses what cannot run, with a reason, and the old version serves on.
#[tokio::test]
async fn what_cannot_run_changes_nothing() {
    let bus = Quickstart::start(&[]).await;
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(1)))).await;
    for (name, bytes, reason) in wasm::broken() {
        let reply = bus.post_deployment("versioned.wasm", &bytes).await;
        let said = match reply.status {
            // What is wrong at first sight may be told at once.
            400..=499 => reply.text().to_owned(),
            _ => {
                let deployment = bus.wait_state(&accepted(&reply), "failed").await;
                assert_eq!(deployment["digest"], digest(&bytes));
                deployment["reason"].as_str().unwrap_or_default().to_owned()
            }
        };
        assert!(said.contains(reason), "{name}: {reason:?} is not in {said:?}");
        assert_eq!(version_now(&bus).await, 1, "{name}");
    }
    bus.wait_workers("versioned", Some(&digest(&wasm::version(1)))).await;
    a_taken_service_name_is_refused(&bus).await;
    bus.deploy("versioned.wasm", &wasm::version(2)).await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(2)))).await;
}

/// A plugin may not take over a service of another one.
async fn a_taken_service_name_is_refused(bus: &Quickstart) {
    // A plain component is named by its file, so it can be given the name of another plugin's service.
    let thief = bus.post_deployment("versioned.get.wasm", &artifact::service("wasi-http")).await;
    let dotted = accepted(&thief);
    poll::until("the dotted stem settles", poll::DEPLOY_BOUND, async || {
        let state = bus.deployment(&dotted).await["state"].clone();
        if state == "active" || state == "failed" { Ok(()) } else { Err(state.to_string()) }
    })
    .await;
    assert_eq!(version_now(bus).await, 1);
    bus.deploy("greeter.wasm", &artifact::service("greeter")).await;
    let renamed = wasm::replaced(&artifact::service("greeter"), "greeter.greet", "versioned.get");
    let reply = bus.post_deployment("greeter.wasm", &renamed).await;
    let failed = bus.wait_state(&accepted(&reply), "failed").await;
    assert!(failed["reason"].as_str().unwrap().contains("versioned"), "its owner is named: {failed}");
    assert_eq!(version_now(bus).await, 1);
    let greeting = bus.invoke("greeter.greet", &json!({"name": "Ada"})).await;
    assert_eq!(greeting.expect(200), json!({"greeting": "Hello, Ada!"}));
}

/// (41) Calls under way end on the version that they met.
#[tokio::test]
async fn a_slow_call_ends_on_the_old_version() {
    let bus = Quickstart::start(&[]).await;
    let (one, two) = (wasm::version(1), wasm::version(2));
    bus.deploy("versioned.wasm", &one).await;
    bus.deploy("faulty.wasm", &artifact::service("faulty")).await;
    bus.wait_workers("versioned", Some(&digest(&one))).await;
    let mut slow: Vec<_> = bus.connect_each().await;
    let mut trees: Vec<_> = bus.connect_each().await;
    let swap = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        bus.deploy("versioned.wasm", &two).await;
        bus.wait_workers("versioned", Some(&digest(&two))).await;
        assert_eq!(version_now(&bus).await, 2);
    };
    let (slow_get, tree_get) =
        (Request::get("/version/slow?ms=6000"), Request::get("/version/tree?times=12&pause_ms=500"));
    let slow =
        futures_util::future::join_all(slow.iter_mut().map(async |c| c.send(&slow_get).await.expect(200)));
    let trees =
        futures_util::future::join_all(trees.iter_mut().map(async |c| c.send(&tree_get).await.expect(200)));
    let (slow, trees, ()) = tokio::join!(slow, trees, swap);
    for answer in slow {
        assert_eq!(answer["version"], 1);
    }
    for tree in trees {
        assert_eq!(tree["outer"], 1, "{tree}");
        assert!(tree["inner"].as_array().unwrap().iter().all(|version| *version == 1), "{tree}");
    }
    recall_lets_calls_end(&bus).await;
}

async fn recall_lets_calls_end(bus: &Quickstart) {
    let recall = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        bus.act("versioned", "recall").await;
        bus.wait_workers("versioned", None).await;
    };
    let slow = bus.http().get("/version/slow?ms=2500");
    let (reply, ()) = tokio::join!(slow, recall);
    assert_eq!(reply.expect(200)["version"], 2);
}
