//! Secrets: who reads them, and that they are nowhere to be found.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use busbar_tests::{Folder, Options, Quickstart, poll};
use serde_json::{Value, json};

/// In every value of these tests.
const MARK: &str = "sesame-7f3a9c";

/// Two lines, with what is escaped in quotes.
fn value(part: &str) -> String {
    format!("{MARK}-{part} \"first\"\n{MARK}-{part} second")
}

async fn create(bus: &Quickstart, name: &str, value: &str) -> Value {
    let made = bus.admin("POST", "/secrets", Some(&json!({"name": name, "value": value}))).await.expect(201);
    bus.settle().await;
    made
}

async fn grant(bus: &Quickstart, grants: Value) {
    bus.admin("PUT", "/plugins/faulty/grants", Some(&grants)).await.expect_status(200);
    bus.settle().await;
}

#[tokio::test]
async fn a_secret_is_read_by_grant_and_shown_to_nobody() {
    let bus = Quickstart::start(&["faulty"]).await;
    assert_eq!(bus.folder().mode("master-key"), 0o400);
    let made = create(&bus, "pay-key", &value("old")).await;
    let wanted = json!({"name": "pay-key"});
    // In development mode everything is granted where nobody has set grants.
    let reply = bus.invoke("faulty.secret", &wanted).await;
    assert_eq!(reply.expect(200), value("old").len());
    bus.wait_log("what the service wrote", reply.correlation_id(), |line| {
        line.to_string().contains("[secret pay-key]")
    })
    .await;
    bus.invoke("faulty.secret", &json!({"name": "no-such"})).await.problem(500, "secret-unknown");
    grants_decide(&bus, &wanted).await;
    a_new_value_is_seen_everywhere(&bus, &made, &wanted).await;
    for end in ["fail", "panic"] {
        let reply = bus.invoke("faulty.secret", &json!({"name": "pay-key", "end": end})).await;
        reply.expect_status(500);
        assert!(!reply.text().contains(MARK), "{reply}");
        bus.wait_log("the cause", reply.correlation_id(), |line| {
            line["level"] == "ERROR" && line.to_string().contains("service failed")
                || line.to_string().contains("it panicked with [secret pay-key]")
        })
        .await;
    }
    the_command_line_never_shows_it(&bus).await;
    the_value_is_nowhere(&bus).await;
    let folder = bus.stop().await;
    nothing_is_in(folder.root());
}

async fn grants_decide(bus: &Quickstart, wanted: &Value) {
    for grants in [json!({}), json!({"invoke": ["*"], "secrets": ["pay", "pay-keys"]})] {
        grant(bus, grants).await;
        bus.invoke("faulty.secret", wanted).await.problem(500, "not-granted");
    }
    for grants in [json!({"secrets": ["pay-key"]}), json!({"secrets": ["pay-*"]})] {
        grant(bus, grants).await;
        bus.invoke("faulty.secret", wanted).await.expect_status(200);
    }
    let plugin = bus.read("/plugins/faulty").await;
    assert_eq!(plugin["secrets"], json!(["pay-key"]), "what it asks for is shown: {plugin}");
}

async fn a_new_value_is_seen_everywhere(bus: &Quickstart, made: &Value, wanted: &Value) {
    let path = format!("/secrets/{}", made["id"].as_str().unwrap());
    let longer = value("new and longer");
    bus.admin("PATCH", &path, Some(&json!({"value": longer}))).await.expect_status(200);
    let call = bus.invocation("faulty.secret", wanted);
    let length = longer.len().to_string();
    bus.wait_everywhere("the new value", poll::CHANGE_BOUND, &call, |reply| reply.text() == length).await;
}

async fn the_command_line_never_shows_it(bus: &Quickstart) {
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("value");
    fs::write(&file, value("of the command line") + "\n").unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["secret", "create", "by-command", "--value-file", file][..],
        &["secret", "update", "by-command", "--value-file", file],
        &["secret", "show", "by-command", "--json"],
        &["secret", "list"],
        &["plugin", "grants", "faulty", "--secret", "by-command"],
        &["plugin", "show", "faulty"],
    ] {
        let done = bus.cli(arguments).await;
        done.expect(0);
        assert!(!done.stdout.contains(MARK) && !done.stderr.contains(MARK), "{arguments:?}: {done:?}");
    }
    bus.settle().await;
    let length = bus.invoke("faulty.secret", &json!({"name": "by-command"})).await.expect(200);
    assert_eq!(length, value("of the command line").len(), "the line end is no part of it");
    let used = bus.cli(&["secret", "delete", "by-command"]).await;
    assert!(used.code == Some(1) && used.stderr.contains("faulty"), "{used:?}");
    bus.cli(&["plugin", "grants", "faulty", "--unset"]).await.expect(0);
    bus.cli(&["secret", "delete", "by-command"]).await.expect(0);
    let dir = bus.folder().dir();
    let arguments = ["secret", "create", "piped", "--dir", dir.to_str().unwrap()];
    let piped = bus.folder().run_with(&arguments, |command| {
        command.stdin(fs::File::open(file).unwrap());
    });
    piped.await.expect(0);
}

async fn the_value_is_nowhere(bus: &Quickstart) {
    for path in ["/secrets", "/audit", "/plugins", "/services", "/channels", "/security", "/deployments"] {
        let text = bus.read(&format!("{path}?limit=500")).await.to_string();
        assert!(!text.contains(MARK) && !text.contains("ciphertext"), "{path}: {text}");
    }
    let audit = bus.read("/audit?limit=500").await.to_string();
    assert!(audit.contains(r#""value":"replaced""#), "that it changed is in the audit trail: {audit}");
    for path in ["/metrics", "/api/v1/openapi.json"] {
        assert!(!bus.admin_client().get(path).await.text().contains(MARK), "{path}");
    }
    nothing_is_in(bus.folder().root());
}

/// Every file: the ODB with what it wrote ahead, logs, artifacts, the console.
fn nothing_is_in(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            nothing_is_in(&entry.path());
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            let found = bytes.windows(MARK.len()).position(|window| window == MARK.as_bytes());
            let around = found.map(|at| {
                let around = &bytes[at.saturating_sub(200)..bytes.len().min(at + 100)];
                String::from_utf8_lossy(around).into_owned()
            });
            assert_eq!(around, None, "{}", entry.path().display());
        }
    }
}

#[tokio::test]
async fn a_bad_master_key_keeps_all_from_starting() {
    let bus = Quickstart::start(&["faulty"]).await;
    create(&bus, "pay-key", &value("kept")).await;
    let folder = bus.stop().await;
    let file = folder.path("master-key");
    let key = fs::read(&file).unwrap();
    let put = |bytes: &[u8], mode: u32| {
        let _ = fs::remove_file(&file);
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    };
    put(&key, 0o644);
    refused(&folder, &["mode 0644", "chmod 400"]).await;
    put(&key[..31], 0o400);
    refused(&folder, &["32 bytes"]).await;
    put(&[7; 32], 0o400);
    refused(&folder, &["not the one that secrets are sealed with"]).await;
    fs::remove_file(&file).unwrap();
    refused(&folder, &["missing", "backup"]).await;
    assert!(!file.exists(), "no new key is made");

    // Elsewhere is fine, if it is said.
    let elsewhere = folder.root().join("the-key");
    fs::write(&elsewhere, &key).unwrap();
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o400)).unwrap();
    let environment = vec![("BUSBAR_SECRETS_MASTER_KEY_FILE", elsewhere.display().to_string())];
    let bus = Quickstart::start_in(folder, Options { environment, ..Options::default() }).await;
    let length = bus.invoke("faulty.secret", &json!({"name": "pay-key"})).await.expect(200);
    assert_eq!(length, value("kept").len());
    assert!(!bus.path("master-key").exists());
}

async fn refused(folder: &Folder, words: &[&str]) {
    let dir = folder.dir();
    let dir = ["--dir", dir.to_str().unwrap()];
    let quickstart = ["quickstart", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    for arguments in [&quickstart[..], &["server"], &["admin"]] {
        let finished = folder.run(&[arguments, &dir].concat()).await;
        finished.expect(2);
        for word in words.iter().chain(&["master key", "master-key"]) {
            assert!(finished.stderr.contains(word), "{arguments:?}: {word:?} is not in {finished:?}");
        }
    }
}
