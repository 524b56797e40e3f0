//! `busbar new`: what it writes builds and deploys as it is.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use busbar_tests::{Quickstart, artifact};
use serde_json::json;

/// A build of everything that the SDK stands on.
const BUILD_BOUND: Duration = Duration::from_secs(400);

/// As an author has it: none of this build's own settings.
async fn cargo_build(folder: &Path, offline: bool) -> Output {
    let mut command = Command::new("cargo");
    for ours in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        command.env_remove(ours);
    }
    command
        .args(["build", "--release", "--target", "wasm32-wasip2"])
        .current_dir(folder)
        .stdin(Stdio::null());
    command.args(offline.then_some("--offline"));
    let build = tokio::process::Command::from(command).kill_on_drop(true).output();
    tokio::time::timeout(BUILD_BOUND, build).await.expect("cargo builds in time").expect("cargo starts")
}

#[tokio::test]
async fn a_new_service_builds_and_deploys_as_it_is() {
    let bus = Quickstart::start(&[]).await;
    let root = bus.folder().root();
    assert!(!root.starts_with(artifact::repository()), "{} is within the repository", root.display());
    let service = root.join("web-shop");
    let written = bus.folder().run(&["new", "service", "web-shop", "--json"]).await.json();
    assert_eq!((&written["dir"], &written["language"]), (&json!("web-shop"), &json!("rust")));
    bus.folder().run(&["new", "service", "web-shop"]).await.expect(2);

    // What the repository's own build fetched is there already, mostly.
    let mut built = cargo_build(&service, true).await;
    if !built.status.success() {
        built = cargo_build(&service, false).await;
    }
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert!(!String::from_utf8_lossy(&built.stderr).contains("warning"), "{built:?}");

    let plugin = service.join(written["artifact"].as_str().unwrap());
    bus.cli(&["deploy", "--wait", plugin.to_str().unwrap()]).await.expect(0);
    assert_eq!(bus.http().get("/web-shop/Ada").await.expect(200), json!({"greeting": "Hello, Ada!"}));
    bus.http().get("/web-shop/%20").await.problem(400, "name-empty");
    let invoked = bus.cli(&["invoke", "web-shop.greet", r#"{"name": "Bob"}"#]).await;
    assert_eq!(invoked.json(), json!({"greeting": "Hello, Bob!"}));
}
