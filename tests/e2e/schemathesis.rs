//! The admin API does what its own description says, for whatever fits that description and whatever does not:
//! schemathesis draws requests from `/api/v1/openapi.json` and checks the replies against it, with all its checks
//! and nothing excused.

use std::{
    env, io,
    process::{Output, Stdio},
    time::Duration,
};

use busbar_tests::{Quickstart, Request};
use serde_json::{Value, json};
use tokio::time::timeout;

/// One run with one seed, also where other tests take most of the processor.
const RUN_BOUND: Duration = Duration::from_secs(1500);

const MISSING: &str = "schemathesis is not installed: run `make schemathesis`, and set BUSBAR_SCHEMATHESIS to \
    TARGET/schemathesis/bin/schemathesis, as `make test` does, or have it in PATH";

/// Some ten thousand requests, most of them from the limits and words of the description, whatever the examples.
#[tokio::test]
async fn the_admin_api_is_as_it_is_described() {
    run(&inhabited().await, 1, 5).await;
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn the_admin_api_is_as_it_is_described_for_many_seeds() {
    for seed in 100..110 {
        run(&inhabited().await, seed, 60).await;
    }
}

/// A bus with objects of every kind, so that requests meet some.
async fn inhabited() -> Quickstart {
    let bus = Quickstart::start(&["echo", "greeter"]).await;
    bus.create_channel("orders", "/orders/{id}", "echo", json!({"methods": ["GET"]})).await;
    bus.create_channel("files", "/files/{rest...}", "greeter.greet", json!({"active": false})).await;
    bus.create_basic("partner", "ada", "long-enough-1").await;
    bus.create_key("robot").await;
    let countries = json!({"name": "countries", "systems": ["erp", "shop"], "defaults": {"shop": "XX"},
        "entries": [{"codes": {"erp": "DE", "shop": "germany"}}]});
    bus.admin("POST", "/dictionaries", Some(&countries)).await.expect_status(201);
    let grants = json!({"invoke": ["echo", "greeter.*"]});
    bus.admin("PUT", "/plugins/echo/grants", Some(&grants)).await.expect_status(200);
    bus
}

async fn run(bus: &Quickstart, seed: u32, examples: u32) {
    let output = schemathesis(bus, seed, examples).await;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "schemathesis with seed {seed} found something:\n{said}\n{complained}");
    // Not the same as that nothing was tried.
    assert!(said.contains("passed"), "schemathesis with seed {seed} tried nothing:\n{said}\n{complained}");
    let ready = Request::get("/_busbar/ready");
    bus.admin_client().send(&ready).await.expect_status(200);
}

async fn schemathesis(bus: &Quickstart, seed: u32, examples: u32) -> Output {
    let endpoints: Value = serde_json::from_str(&bus.folder().read("endpoints.json")).unwrap();
    let description = format!("{}/api/v1/openapi.json", endpoints["admin"].as_str().unwrap());
    let program = env::var_os("BUSBAR_SCHEMATHESIS").unwrap_or_else(|| "schemathesis".into());
    let mut command = tokio::process::Command::new(program);
    command
        .args(["run", &description, "--checks", "all", "--continue-on-failure", "--no-color"])
        .args(["--header", &format!("Authorization: Bearer {}", bus.token())])
        .args(["--seed", &seed.to_string(), "--max-examples", &examples.to_string()])
        // What it remembers of a run must not reach another.
        .args(["--generation-database", "none"])
        .current_dir(bus.folder().root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    match timeout(RUN_BOUND, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => panic!("{MISSING}"),
        Ok(Err(error)) => panic!("schemathesis can't be run: {error}"),
        Err(_) => panic!("schemathesis with seed {seed} took longer than {RUN_BOUND:?}"),
    }
}
