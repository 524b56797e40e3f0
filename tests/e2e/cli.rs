//! The command line.

use busbar_tests::{Quickstart, artifact, deployment::digest, poll, wasm};
use serde_json::{Value, json};

#[tokio::test]
async fn commands_do_what_the_api_does() {
    let bus = Quickstart::start(&["echo"]).await;
    deploying(&bus).await;
    looking(&bus).await;
    invoking(&bus).await;
    editing(&bus).await;
    failing(&bus).await;
    bus.cli(&["stop"]).await.expect(0);
    let (status, folder) = bus.ended().await;
    assert_eq!(status.code(), Some(0));
    let dir = folder.dir();
    let finished = folder.run(&["status", "--dir", dir.to_str().unwrap()]).await;
    finished.expect(2);
    assert!(!finished.stderr.is_empty(), "{finished:?}");
}

/// A file with these bytes, by its path.
fn file(bus: &Quickstart, name: &str, bytes: &[u8]) -> String {
    let path = bus.folder().root().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn deploying(bus: &Quickstart) {
    for number in 1..=2 {
        let path = file(bus, "versioned.wasm", &wasm::version(number));
        let deployed = bus.cli(&["deploy", "--wait", &path]).await;
        assert!(
            deployed.expect(0).stdout.contains("active") || deployed.stderr.contains("active"),
            "{deployed:?}"
        );
        bus.wait_workers("versioned", Some(&digest(&wasm::version(number)))).await;
    }
    let path = file(bus, "broken.wasm", wasm::EMPTY_MODULE);
    let refused = bus.cli(&["deploy", "--wait", &path]).await;
    refused.expect(1);
    assert!(
        format!("{}{}", refused.stdout, refused.stderr).contains("component"),
        "the reason is told: {refused:?}"
    );
    bus.cli(&["deploy", "--wait", "/no/such/file.wasm"]).await.expect(2);
    bus.cli(&["plugin", "rollback", "versioned"]).await.expect(0);
    bus.wait_workers("versioned", Some(&digest(&wasm::version(1)))).await;
    let path = file(bus, "greeter.wasm", &artifact::service("greeter"));
    let json = bus.cli(&["deploy", "--wait", "--json", &path]).await;
    assert_eq!(json.json()["state"], "active", "{json:?}");
    bus.wait_workers("greeter", Some(&digest(&artifact::service("greeter")))).await;
}

/// The items of a list, bare or under `items`.
fn items(list: &Value) -> Vec<Value> {
    list.as_array()
        .or_else(|| list["items"].as_array())
        .cloned()
        .unwrap_or_else(|| panic!("{list} is no list"))
}

async fn looking(bus: &Quickstart) {
    let plugins = items(&bus.cli(&["plugin", "list", "--json"]).await.json());
    let names: Vec<&str> = plugins.iter().filter_map(|plugin| plugin["name"].as_str()).collect();
    for name in ["echo", "versioned", "greeter"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let table = bus.cli(&["plugin", "list"]).await;
    assert!(table.expect(0).stdout.contains("versioned") && !table.stdout.contains('\u{1b}'), "{table:?}");
    assert_eq!(bus.cli(&["plugin", "show", "versioned", "--json"]).await.json()["name"], "versioned");
    bus.cli(&["plugin", "show", "no-such"]).await.expect(1);
    let services = items(&bus.cli(&["service", "list", "--json"]).await.json());
    assert!(services.iter().any(|service| service["name"] == "versioned.tree"), "{services:?}");
    assert_eq!(bus.cli(&["service", "show", "greeter.greet", "--json"]).await.json()["plugin"], "greeter");
    let status = bus.cli(&["status", "--json"]).await.json().to_string();
    for worker in bus.workers().await {
        assert!(status.contains(&worker.to_string()), "{worker} is not in {status}");
    }
    bus.cli(&["status"]).await.expect(0);
}

async fn invoking(bus: &Quickstart) {
    let invoked = bus.cli(&["invoke", "greeter.greet", r#"{"name": "Ada"}"#]).await;
    assert_eq!(invoked.json(), json!({"greeting": "Hello, Ada!"}));
    let refused = bus.cli(&["invoke", "greeter.greet", r#"{"name": 7}"#]).await;
    refused.expect(1);
    assert!(refused.stderr.contains("invalid-input"), "{refused:?}");
    bus.cli(&["invoke", "no-such.service", "{}"]).await.expect(1);
}

async fn editing(bus: &Quickstart) {
    let create = ["channel", "create", "--name", "mine", "--path", "/mine", "--service", "echo", "--json"];
    let channel = bus.cli(&create).await.json();
    assert_eq!((&channel["name"], &channel["path"]), (&json!("mine"), &json!("/mine")));
    bus.settle().await;
    bus.http().get("/mine").await.expect_status(200);
    bus.cli(&create).await.expect(1);
    let channels = items(&bus.cli(&["channel", "list", "--json"]).await.json());
    assert!(channels.iter().any(|channel| channel["name"] == "mine"), "{channels:?}");
    bus.cli(&["channel", "delete", "mine"]).await.expect(0);
    bus.settle().await;
    assert_eq!(bus.http().get("/mine").await.status, 404);
    bus.cli(&["channel", "delete", "mine"]).await.expect(1);
    let created = bus.cli(&["security", "create-key", "partner", "--json"]).await.json();
    let key = created["key"].as_str().unwrap_or_else(|| panic!("no key in {created}"));
    bus.create_channel("keyed", "/keyed", "echo", json!({"security": "partner"})).await;
    bus.settle().await;
    let request = busbar_tests::Request::get("/keyed").key(key);
    bus.http().send(&request).await.expect_status(200);
    let list = bus.cli(&["security", "list", "--json"]).await;
    assert!(items(&list.json()).iter().any(|definition| definition["name"] == "partner"), "{list:?}");
    assert!(!list.stdout.contains(key), "{list:?}");
    bus.cli(&["plugin", "recall", "greeter"]).await.expect(0);
    bus.wait_workers("greeter", None).await;
}

async fn failing(bus: &Quickstart) {
    for usage in [&["plugin"][..], &["plugin", "rollback"], &["deploy"], &["channel", "create"], &["invoke"]]
    {
        bus.cli(usage).await.expect(2);
    }
    // The environment names the server where there is no folder.
    let elsewhere = bus.folder().root().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let url = format!("http://{}", bus.admin_client().authority());
    let finished = bus
        .folder()
        .run_with(&["plugin", "list", "--json"], |command| {
            command
                .current_dir(&elsewhere)
                .env("BUSBAR_ADMIN_URL", &url)
                .env("BUSBAR_ADMIN_TOKEN", bus.token());
        })
        .await;
    assert!(!items(&finished.json()).is_empty());
    let wrong = bus
        .folder()
        .run_with(&["plugin", "list"], |command| {
            command.current_dir(&elsewhere).env("BUSBAR_ADMIN_URL", &url).env("BUSBAR_ADMIN_TOKEN", "wrong");
        })
        .await;
    wrong.expect(1);
    let nowhere = bus.folder().run_with(&["plugin", "list"], |command| {
        command.current_dir(&elsewhere);
    });
    let nowhere = nowhere.await;
    assert!(matches!(nowhere.code, Some(1 | 2)) && !nowhere.stderr.is_empty(), "{nowhere:?}");
    poll::until_true("it runs on", poll::CHANGE_BOUND, async || bus.http().get("/echo").await.status == 200)
        .await;
}
