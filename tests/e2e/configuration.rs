//! The whole configuration as one document, by the command line.

use std::fs;

use busbar_tests::{Quickstart, Request, artifact};
use serde_json::json;

/// A file with this text, by its path.
fn file(bus: &Quickstart, name: &str, text: &str) -> String {
    let path = bus.folder().root().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn export(bus: &Quickstart) -> String {
    let finished = bus.cli(&["export"]).await;
    finished.expect(0);
    finished.stdout
}

/// The number of the last change.
async fn version(bus: &Quickstart) -> u64 {
    bus.read("/audit?limit=1").await["items"][0]["number"].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn what_is_exported_makes_the_same_on_an_empty_system() {
    let (source, target) = tokio::join!(Quickstart::start(&["echo"]), Quickstart::start(&[]));
    source.create_basic("clerk", "bob", "open sesame").await;
    let (_, key) = source.create_key("partner").await;
    let members = json!({"security": "clerk", "methods": ["GET"], "timeout_ms": 777});
    source.create_channel("orders", "/orders/{id}", "echo", members).await;
    source.create_channel("keyed", "/keyed", "echo", json!({"security": "partner"})).await;
    source.admin("PUT", "/plugins/echo/config", Some(&json!({"url": "${not a variable}"}))).await.expect(200);
    source.limit("echo", &json!({"queue": 5})).await;
    let secret = json!({"name": "pay-key", "description": "for the shop", "value": "open barley"});
    source.admin("POST", "/secrets", Some(&secret)).await.expect(201);
    let exported = export(&source).await;
    for secret in ["open sesame", "open barley", key.as_str(), "argon2"] {
        assert!(!exported.contains(secret), "{exported}");
    }
    let document = file(&target, "busbar.yaml", &exported);

    let refused = target.cli(&["apply", &document]).await;
    refused.expect(1);
    let line = exported.lines().position(|line| line == "  clerk:").unwrap() + 1;
    let place = format!("busbar.yaml:{line}: security.clerk: ");
    assert!(refused.stderr.contains(&place) && refused.stderr.contains("PASSWORD_CLERK"), "{refused:?}");
    assert!(refused.stderr.contains("variable SECRET_PAY_KEY is not given"), "{refused:?}");

    let vars = file(&target, "target.env", "PASSWORD_CLERK='open sesame'\nSECRET_PAY_KEY='open barley'\n");
    let apply = ["apply", document.as_str(), "--vars", vars.as_str()];
    let before = version(&target).await;
    let dry = target.cli(&[&apply[..], &["--dry-run"]].concat()).await;
    assert!(dry.expect(0).stdout.contains("+ channel orders\n"), "{dry:?}");
    assert!(dry.stdout.contains("+ secret pay-key\n") && !dry.stdout.contains("barley"), "{dry:?}");
    assert_eq!(version(&target).await, before);
    let done = target.cli(&apply).await;
    assert_eq!(done.expect(0).stdout, dry.stdout);
    assert_eq!(export(&target).await, exported);

    let after = version(&target).await;
    for again in [&apply[..], &["apply", &document], &["apply", &document, "--prune"]] {
        assert_eq!(target.cli(again).await.expect(0).stdout, "Nothing to do.\n");
    }
    let json = target.cli(&["apply", &document, "--json"]).await.json();
    assert_eq!(json["changes"], json!([]));
    assert_eq!(version(&target).await, after);

    // What was decided waited for the plugin.
    target.deploy("echo.wasm", &artifact::service("echo")).await;
    target.settle().await;
    let ordered = Request::get("/orders/7");
    target.http().send(&ordered.clone().basic("bob", "open sesame")).await.expect_status(200);
    assert_eq!(target.http().send(&ordered).await.status, 401);
    target.http().send(&Request::get("/keyed").key(&key)).await.expect_status(200);
    assert_eq!(export(&target).await, exported);
}

#[tokio::test]
async fn a_document_is_applied_whole_or_not_at_all() {
    let bus = Quickstart::start(&["echo"]).await;
    let exported = export(&bus).await;
    let before = version(&bus).await;
    for (text, place, words) in [
        ("busbar: 2\n", ":1: busbar: is 2", "format 1 only"),
        (
            "busbar: 1\nchannels:\n  a:\n    path: nowhere\n",
            ":4: channels.a.path: ",
            ":3: channels.a.service: is required",
        ),
        (
            "busbar: 1\nchannels:\n  good: {path: /good, service: echo}\n  bad:\n    path: /echo\n    service: echo\n",
            ":5: channels.bad.path: ",
            "\"echo\"",
        ),
        ("a: 'x\n", ".yaml:", "mistake"),
    ] {
        let finished = bus.cli(&["apply", &file(&bus, "wrong.yaml", text)]).await;
        finished.expect(1);
        for part in [place, words, "nothing was changed"] {
            assert!(finished.stderr.contains(part), "{part:?} is not in {finished:?}");
        }
    }
    assert_eq!((export(&bus).await, version(&bus).await), (exported, before));

    let text = "busbar: 1\nplugins:\n  echo: {}\nchannels:\n  mine:\n    path: ${WHERE}\n    service: echo\n";
    let document = file(&bus, "mine.yaml", text);
    let checked = bus.cli(&["check", &document, artifact::service_file("echo").to_str().unwrap()]).await;
    checked.expect(0);
    for part in
        ["mine.yaml:6: channels.mine.path: variable WHERE is not given", "mine.yaml: ok", "echo.wasm: ok"]
    {
        assert!(checked.stdout.contains(part), "{part:?} is not in {checked:?}");
    }
    bus.cli(&["apply", &document, "--var", "WHERE=/mine", "--prune"]).await.expect(0);
    bus.settle().await;
    bus.http().get("/mine").await.expect_status(200);
    assert_eq!(bus.http().get("/echo").await.status, 404, "it was pruned");
    // The key for calls by name is none of the document's business.
    bus.invoke("echo", &json!({})).await.expect_status(200);
}
