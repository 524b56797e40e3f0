//! `busbar new`: what it writes builds and deploys as it is.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use busbar_tests::{Folder, Quickstart, artifact};
use serde_json::json;

use crate::languages::COMPILE_BOUND;

/// A build of everything that the SDK stands on, tools and all.
const BUILD_BOUND: Duration = Duration::from_secs(500);

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
    promises_what_all_do(&bus).await;
}

/// The same schemas, whatever the language.
async fn promises_what_all_do(bus: &Quickstart) {
    let service = bus.read("/services/web-shop.greet").await;
    assert_eq!(service["summary"], "Greets a person by name.");
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    let input = json!({
        "$schema": dialect, "title": "Greet", "description": "Whom to greet.", "type": "object",
        "properties": {"name": {"type": "string", "description": "A person's name."}}, "required": ["name"],
    });
    let output = json!({
        "$schema": dialect, "title": "Greeting", "type": "object",
        "properties": {"greeting": {"type": "string"}}, "required": ["greeting"],
    });
    assert_eq!((&service["input_schema"], &service["output_schema"]), (&input, &output));
}

#[tokio::test]
async fn a_new_service_in_python_builds_and_deploys_as_it_is() {
    let plugin = Scaffold::new("python").await;
    plugin.passes("python3", &["-m", "unittest"]).await;
    plugin.serves().await;
}

#[tokio::test]
async fn a_new_service_in_javascript_builds_and_deploys_as_it_is() {
    let plugin = Scaffold::new("javascript").await;
    plugin.passes("npm", &["test"]).await;
    plugin.serves().await;
}

/// A new service that is built by its own script, far from this repository.
struct Scaffold {
    folder: Folder,
    service: std::path::PathBuf,
}

impl Scaffold {
    async fn new(language: &str) -> Self {
        let folder = Folder::default();
        let written = folder.run(&["new", "service", "web-shop", "--lang", language, "--json"]).await.json();
        assert_eq!((&written["language"], &written["build"]), (&json!(language), &json!("./build.sh")));
        let service = folder.root().join("web-shop");
        assert!(
            !service.starts_with(artifact::repository()),
            "{} is within the repository",
            service.display()
        );
        let new = Self { folder, service };
        new.passes("./build.sh", &[]).await;
        assert!(new.service.join(written["artifact"].as_str().unwrap()).is_file());
        new
    }

    /// Runs a program in the service's folder, as its author would.
    async fn passes(&self, program: &str, arguments: &[&str]) {
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).current_dir(&self.service).stdin(Stdio::null()).kill_on_drop(true);
        let output =
            tokio::time::timeout(BUILD_BOUND, command.output()).await.expect("it ends in time").unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
    }

    async fn serves(self) {
        let cases = self.folder.run_within(&["test", "web-shop"], COMPILE_BOUND).await;
        cases.expect(0);
        assert!(cases.stdout.ends_with("3 cases passed\n"), "{cases:?}");
        let bus = Quickstart::start(&[]).await;
        let bytes = std::fs::read(self.service.join("web-shop.wasm")).unwrap();
        bus.deploy_within("web-shop.wasm", &bytes, COMPILE_BOUND).await;
        bus.settle().await;
        assert_eq!(bus.http().get("/web-shop/Ada").await.expect(200), json!({"greeting": "Hello, Ada!"}));
        bus.http().get("/web-shop/%20").await.problem(400, "name-empty");
        promises_what_all_do(&bus).await;
    }
}

/// What is missing is said before anything is installed.
#[tokio::test]
async fn a_build_without_its_tools_says_what_is_missing() {
    let folder = Folder::default();
    for (language, missing) in [("python", "python3 is not there"), ("javascript", "node is not there")] {
        folder.run(&["new", "service", language, "--lang", language]).await.expect(0);
        let service = folder.root().join(language);
        let tools = folder.root().join(format!("{language}-tools"));
        std::fs::create_dir(&tools).unwrap();
        std::os::unix::fs::symlink("/usr/bin/dirname", tools.join("dirname")).unwrap();
        let build = || {
            let mut command = Command::new("/bin/sh");
            command.arg("build.sh").env("PATH", &tools).current_dir(&service);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            String::from_utf8(output.stderr).unwrap()
        };
        let said = build();
        assert!(said.contains(missing) && said.contains("install"), "{said}");
        // One that is too old.
        for program in ["python3", "node", "npm"] {
            let old = tools.join(program);
            std::fs::write(&old, "#!/bin/sh\n[ \"$1\" = --version ] && echo v3.8.1\nexit 1\n").unwrap();
            std::fs::set_permissions(&old, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let said = build();
        assert!(said.contains("v3.8.1 is too old") && said.contains("newer"), "{said}");
        assert!(!service.join(".venv").exists() && !service.join("node_modules").exists());
    }
}
