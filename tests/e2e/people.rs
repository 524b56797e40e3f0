//! What people mistype: refused with what is wrong, where, and what is allowed.

use std::fs;

use busbar_tests::{Folder, Quickstart, Request};
use serde_json::{Value, json};

#[tokio::test]
async fn settings_that_are_wrong_are_all_told_before_anything_starts() {
    let folder = Folder::default();
    fs::create_dir_all(folder.dir()).unwrap();
    let file = "[http]\nlisten = \"127.0.0.1:0\"\ndrain_s = 5\nheader_timeout_ms = \"soon\"\n\n[workers]\ncount = -1\n\n[lgo]\n";
    fs::write(folder.path("busbar.toml"), file).unwrap();
    for command in ["server", "quickstart", "admin"] {
        let dir = folder.dir();
        let finished = folder
            .run_with(&[command, "--dir", dir.to_str().unwrap()], |command| {
                command.env("BUSBAR_LOG_LEVEL", "loud").env("BUSBAR_HTTP_LISTN", "127.0.0.1:1");
            })
            .await;
        finished.expect(2);
        for part in [
            "busbar.toml, line 3: http.drain_s is unknown; did you mean drain_ms?",
            "line 4: http.header_timeout_ms: \"soon\" is not allowed; allowed is a whole number from 100 to 3600000",
            "line 7: workers.count: -1 is not allowed; allowed is a whole number from 0 to 256",
            "line 9: section [lgo] is unknown; did you mean log?",
            "BUSBAR_HTTP_LISTN: it is no setting; did you mean BUSBAR_HTTP_LISTEN?",
            "BUSBAR_LOG_LEVEL: \"loud\" is not allowed; allowed is error, warn, info",
        ] {
            assert!(finished.stderr.contains(part), "{command}: {part:?} is not in {}", finished.stderr);
        }
        assert!(!folder.path("run/lock").exists() || !folder.path("endpoints.json").exists());
    }
}

#[tokio::test]
async fn a_file_that_is_no_toml_is_told_with_line_and_column() {
    let folder = Folder::default();
    fs::create_dir_all(folder.dir()).unwrap();
    for (file, place) in [("[http\n", "line 1, column 6"), ("[log]\nlevel = \"info\n", "line 2, column")] {
        fs::write(folder.path("busbar.toml"), file).unwrap();
        let finished = folder.run(&["server", "--dir", folder.dir().to_str().unwrap()]).await;
        assert!(finished.expect(2).stderr.contains(place), "{finished:?}");
    }
}

#[tokio::test]
async fn arguments_that_are_wrong_are_told() {
    let folder = Folder::default();
    for (arguments, parts) in [
        (&["quickstart", "--workers", "0"][..], &["--workers", "'0'", "1..=256"][..]),
        (&["quickstart", "--workers", "many"], &["--workers", "'many'"]),
        (&["quickstart", "--http", "nonsense"], &["--http", "'nonsense'"]),
        (&["quickstart", "--http", "0.0.0.0:80"], &["--http", "0.0.0.0:80", "loopback"]),
        (&["quickstart", "--admin", "127.0.0.1:99999"], &["--admin", "99999"]),
        (&["quickstart", "--services", "/nowhere"], &["--services", "/nowhere"]),
        (&["quickstart", "--wokers", "2"], &["--wokers", "--workers"]),
        (&["qiuckstart"], &["qiuckstart", "quickstart"]),
        (&["service", "limits"], &["NAME"]),
        (&["server", "--dir"], &["--dir"]),
    ] {
        let finished = folder.run(arguments).await;
        finished.expect(2);
        for part in parts {
            let told = finished.stderr.to_lowercase();
            assert!(
                told.contains(&part.to_lowercase()),
                "{arguments:?}: {part:?} is not in {}",
                finished.stderr
            );
        }
    }
}

/// A body with one thing wrong: the resource, the body, the place that is named, and what its message speaks of.
type Wrong = (&'static str, &'static str, Value, &'static str, &'static [&'static str]);

#[expect(clippy::too_many_lines, reason = "a table")]
fn bodies() -> Vec<Wrong> {
    let channel = |members: Value| {
        let mut whole = json!({"name": "odd", "protocol": "rest", "path": "/odd", "service": "echo"});
        whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        whole
    };
    vec![
        (
            "POST",
            "/channels",
            channel(json!({"timeout": 5})),
            "/timeout",
            &["unknown", "did you mean `timeout_ms`"],
        ),
        (
            "POST",
            "/channels",
            channel(json!({"timeout_ms": "5"})),
            "/timeout_ms",
            &["string", "whole number"],
        ),
        ("POST", "/channels", channel(json!({"timeout_ms": 0})), "/timeout_ms", &["is 0", "allowed is 1 to"]),
        (
            "POST",
            "/channels",
            channel(json!({"body_bytes_max": -1})),
            "/body_bytes_max",
            &["-1", "allowed is"],
        ),
        ("POST", "/channels", channel(json!({"active": "yes"})), "/active", &["string", "boolean"]),
        (
            "POST",
            "/channels",
            channel(json!({"protocol": "gopher"})),
            "/protocol",
            &["gopher", "rest", "soap"],
        ),
        ("POST", "/channels", channel(json!({"methods": ["get"]})), "/methods", &["get", "upper-case"]),
        ("POST", "/channels", channel(json!({"path": "odd"})), "/path", &["/"]),
        (
            "POST",
            "/channels",
            channel(json!({"cors": {"orgins": ["*"]}})),
            "/cors",
            &["unknown", "did you mean `origins`"],
        ),
        ("POST", "/security", json!({"name": "s", "kind": "magic"}), "/kind", &["magic", "basic", "api-key"]),
        (
            "POST",
            "/security",
            json!({"name": "s", "kind": "basic", "user": "ada"}),
            "/user",
            &["unknown", "username"],
        ),
        (
            "POST",
            "/security",
            json!({"name": "s", "kind": "basic", "username": "ada"}),
            "/password",
            &["required"],
        ),
        ("POST", "/security", json!({"name": 5, "kind": "api-key"}), "/name", &["integer", "string"]),
        (
            "POST",
            "/secrets",
            json!({"name": "s", "vlaue": "x"}),
            "/vlaue",
            &["unknown", "did you mean `value`"],
        ),
        ("POST", "/secrets", json!({"name": "s", "value": 5}), "/value", &["is not a text"]),
        ("PATCH", "/services/echo", json!({"limts": {}}), "/limts", &["unknown", "limits"]),
        (
            "PATCH",
            "/services/echo",
            json!({"limits": {"timeuot_ms": 5}}),
            "/limits/timeuot_ms",
            &["did you mean `timeout_ms`"],
        ),
        (
            "PATCH",
            "/services/echo",
            json!({"limits": {"cpu_ms": 0}}),
            "/limits/cpu_ms",
            &["is 0", "allowed is 1 to"],
        ),
        (
            "PATCH",
            "/services/echo",
            json!({"limits": {"queue": 1.5}}),
            "/limits/queue",
            &["1.5", "whole number"],
        ),
        (
            "PUT",
            "/plugins/echo/grants",
            json!({"secrts": []}),
            "/secrts",
            &["unknown", "did you mean `secrets`"],
        ),
        ("PUT", "/plugins/echo/grants", json!({"secrets": 5}), "/secrets", &["integer"]),
        ("PUT", "/plugins/echo/config", json!([1]), "", &["object"]),
    ]
}

#[tokio::test]
async fn bodies_of_the_api_that_are_wrong_are_told_place_and_what_is_allowed() {
    let bus = Quickstart::start(&["echo"]).await;
    for (method, path, body, place, parts) in bodies() {
        let reply = bus.admin(method, path, Some(&body)).await;
        let problem = reply.problem(400, "invalid-input");
        let errors = problem["errors"].as_array().unwrap();
        let named =
            errors.iter().find(|error| error["path"].as_str().is_some_and(|path| path.starts_with(place)));
        let message = named.map(|error| error["message"].as_str().unwrap_or_default());
        let message = message.unwrap_or_else(|| panic!("{path} {body}: {place:?} is not named in {problem}"));
        for part in parts {
            assert!(message.contains(part), "{path} {body}: {part:?} is not in {message:?}");
        }
    }
    for (text, part) in
        [("{", "not JSON"), ("", "empty"), ("[]", "not a JSON object"), ("{\"name\": \"a\"} x", "not JSON")]
    {
        let request =
            Request::post("/api/v1/channels").bearer(bus.token()).header("content-type", "application/json");
        let problem = bus.admin_client().send(&request.body(text)).await.problem(400, "invalid-input");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{text:?}: {problem}");
    }
    let reply = bus.admin("GET", "/channels?nmae=x", None).await;
    let problem = reply.problem(400, "invalid-input");
    assert!(problem.to_string().contains("nmae") && problem.to_string().contains("name"), "{problem}");
}
