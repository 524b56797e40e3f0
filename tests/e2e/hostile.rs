//! Files that nobody means well with: refused with a reason, while everything else goes on.

use std::time::{Duration, Instant};

use busbar_tests::{
    Load, Options, Plan, Quickstart, Request, artifact,
    deployment::accepted,
    hostile::{self, describing, mutated},
    poll, wasm,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// For all of a test's files together, on a machine that is busy.
const SETTLED: Duration = Duration::from_secs(160);

async fn start(environment: Vec<(&'static str, String)>) -> Quickstart {
    let services = vec!["echo", "versioned"];
    Quickstart::start_with(Options { services, workers: 1, environment, ..Options::default() }).await
}

/// Waits until a deployment is active or failed.
async fn settled(bus: &Quickstart, id: &str) -> Value {
    poll::until(&format!("deployment {id} has come to its end"), SETTLED, async || {
        let deployment = bus.deployment(id).await;
        let state = deployment["state"].as_str().unwrap_or_default();
        let done = matches!(state, "active" | "failed" | "superseded");
        if done { Ok(deployment.clone()) } else { Err(deployment.to_string()) }
    })
    .await
}

/// Deploys all at once and sees that each is refused for its reason.
async fn all_are_refused(bus: &Quickstart, files: Vec<(String, Vec<u8>, &str)>) {
    let (singleton, worker) = (bus.singleton().await, bus.workers().await);
    let refusals = files.iter().map(async |(name, bytes, reason)| {
        let reply = bus.post_deployment(&format!("{name}.wasm"), bytes).await;
        let deployment = settled(bus, &accepted(&reply)).await;
        let said = deployment["reason"].as_str().unwrap_or_default();
        let fits = deployment["state"] == "failed" && said.contains(reason) && said.len() < 10_000;
        (!fits).then(|| format!("{name}: {reason:?} is not in {deployment:.600}"))
    });
    let wrong: Vec<String> = join_all(refusals).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(bus.singleton().await, singleton, "it has not died of it");
    assert_eq!(bus.workers().await, worker);
    bus.http().get("/echo").await.expect_status(200);
}

#[tokio::test]
async fn a_bad_description_is_refused() {
    let bus = start(Vec::new()).await;
    let cases = [
        ("spin", "2000 ms of processor time"),
        ("allocate", "bytes of memory"),
        ("trap", "could not describe itself"),
        ("panic", "could not describe itself"),
        ("sleep", "longer than 10000 ms"),
        // Its stack of values is in its memory, and ends before the engine's own does.
        ("recurse", "trap"),
        ("handles", "could not describe itself"),
        ("invoke", "within a call only"),
        ("many", "10000 services; at most 256"),
        ("twice", "described twice"),
        ("none", "offers no service"),
        ("thief", "belongs to plugin"),
        ("name", "is not valid"),
        ("version", "larger than 4194304 bytes"),
        ("invokes", "larger than 4194304 bytes"),
    ];
    all_are_refused(&bus, cases.map(described).into()).await;
    // Wordy, but no harm.
    bus.deploy("hostile.wasm", &describing("log")).await;
    bus.wait_invocable("hostile.run", &json!({}), 200).await;
}

#[tokio::test]
async fn bad_schemas_are_refused() {
    let bus = start(Vec::new()).await;
    let cases = [
        ("schema", "larger than 262144 bytes"),
        ("schemas", "larger than 4194304 bytes"),
        ("nojson", "is not JSON"),
        ("noobject", "not a JSON object"),
        ("deep", "is not JSON"),
        ("regex", "can't be used"),
        ("look", "can't be used"),
        ("patterns", "patterns"),
        ("choices", "look at one value"),
        ("remote", "leads nowhere"),
    ];
    all_are_refused(&bus, cases.map(described).into()).await;
    // What others take for ever to match is matched at once.
    bus.deploy("hostile.wasm", &describing("backtrack")).await;
    bus.wait_invocable("hostile.run", &json!("aaa"), 200).await;
    let started = Instant::now();
    let text = format!("{}!", "a".repeat(100_000));
    bus.invoke("hostile.run", &json!(text)).await.problem(400, "invalid-input");
    assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
}

fn described((mode, reason): (&'static str, &'static str)) -> (String, Vec<u8>, &'static str) {
    (format!("hostile-{mode}"), describing(mode), reason)
}

#[tokio::test]
async fn a_file_of_a_bad_shape_is_refused() {
    let bus = start(Vec::new()).await;
    let good = wasm::version(2);
    let mut files = vec![
        ("exports".to_owned(), hostile::exports(10_000), "exceeds limit"),
        ("nested".to_owned(), hostile::nested(10_000), "no service"),
        ("doubling".to_owned(), hostile::doubling_types(200), "valid"),
        ("data".to_owned(), hostile::large_data(60 * 1024 * 1024), "no service"),
        ("modules".to_owned(), hostile::modules(100_000), "valid"),
        ("random".to_owned(), mutated(&vec![0x5a; 65_536], 1), "WebAssembly"),
        ("stuffed".to_owned(), [wasm::EMPTY_COMPONENT, &[0xff; 4_096]].concat(), "valid"),
        (
            "newer".to_owned(),
            wasm::replaced(&good, "wasi:clocks/monotonic-clock@0.2.", "wasi:clocks/monotonic-clock@0.9."),
            "wasi:clocks/monotonic-clock@0.9.",
        ),
    ];
    // In the head, at each kind of section, in the code, near the end.
    for part in [9, 12, 50, 200, 1_000, 5_000, good.len() / 4, good.len() * 3 / 4, good.len() - 1] {
        files.push((format!("truncated-at-{part}"), good[..part].to_vec(), "valid"));
    }
    all_are_refused(&bus, files).await;
    let large = vec![0; 64 * 1024 * 1024 + 1];
    let refused = bus.post_deployment("large.wasm", &large).await;
    refused.problem(413, "too-large");
    bus.pickup("large.wasm", &large);
    let refusal = bus.wait_refused("large.wasm").await;
    assert!(refusal.reason.contains("larger than 67108864 bytes"), "{}", refusal.reason);
}

/// Compiling is stopped at its limits, with the reason told, and holds up nobody.
#[tokio::test]
async fn a_compiler_bomb_is_stopped() {
    const LIMIT: Duration = Duration::from_secs(12);
    let limits = vec![
        ("BUSBAR_COMPILE_TIMEOUT_S", LIMIT.as_secs().to_string()),
        ("BUSBAR_COMPILE_MEMORY_MIB", "512".to_owned()),
    ];
    let bus = start(limits).await;
    let (singleton, workers) = (bus.singleton().await, bus.workers().await);
    let load =
        Load::start(Plan::new(bus.http(), 1, vec![Request::get("/echo")]).pause(Duration::from_millis(5)));
    let bombs = [
        ("nested-loops", hostile::compiler_bomb(1, 20_000, 5_000)),
        ("long-functions", hostile::compiler_bomb(16, 2_000, 2_000)),
        ("jump-tables", hostile::jump_tables(1_500, 1_000)),
        ("many-functions", hostile::small_functions(900_000)),
    ];
    let started = Instant::now();
    let mut bombed = Vec::new();
    for (name, bytes) in &bombs {
        bombed.push(accepted(&bus.post_deployment(&format!("{name}.wasm"), bytes).await));
    }
    // Others have their turn while bombs are busy.
    let id = accepted(&bus.post_deployment("versioned.wasm", &wasm::version(7)).await);
    assert_eq!(settled(&bus, &id).await["state"], "active");
    let others = started.elapsed();
    let mut reasons = Vec::new();
    for ((name, _), id) in bombs.iter().zip(&bombed) {
        let deployment = settled(&bus, id).await;
        assert_eq!(deployment["state"], "failed", "{deployment}");
        reasons.push(format!("{name}: {}", deployment["reason"]));
    }
    let report = load.stop().await;
    report.expect_clean();
    eprintln!(
        "{reasons:#?}\nanother was live after {others:?}, all over after {:?}\n{report}",
        started.elapsed()
    );
    let stopped =
        reasons.iter().filter(|reason| reason.contains("longer than 12 s") || reason.contains("memory"));
    assert!(stopped.count() >= 1, "{reasons:#?}");
    assert_eq!((bus.singleton().await, bus.workers().await), (singleton, workers), "nobody died of it");
    bus.deploy("versioned.wasm", &wasm::version(8)).await;
}

#[tokio::test]
async fn files_that_were_damaged_harm_nobody() {
    damaged(0..12).await;
}

#[tokio::test]
#[ignore = "some hundred compilations: a part of make test-long"]
async fn many_files_that_were_damaged_harm_nobody() {
    damaged(100..700).await;
}

/// Whatever a damaged file is, it comes to its end, and nothing else comes to an end by it.
async fn damaged(seeds: std::ops::Range<u64>) {
    let bus = start(Vec::new()).await;
    let (singleton, workers) = (bus.singleton().await, bus.workers().await);
    let original = artifact::service("hostile");
    for seed in seeds {
        let reply = bus.post_deployment("damaged.wasm", &mutated(&original, seed)).await;
        let deployment = settled(&bus, &accepted(&reply)).await;
        let told = deployment["state"] != "failed" || deployment["reason"].is_string();
        assert!(told, "seed {seed}: {deployment}");
        bus.http().get("/echo").await.expect_status(200);
    }
    assert_eq!((bus.singleton().await, bus.workers().await), (singleton, workers));
}
