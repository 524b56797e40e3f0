//! Starting, stopping, and starting again on the same folder.

use std::{fs, net::TcpListener, time::Duration};

use busbar_tests::{Folder, Options, Quickstart, Request, deployment::digest, poll, process, wasm};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

#[tokio::test]
async fn the_folder_is_as_promised() {
    let bus = Quickstart::start(&["echo", "greeter", "wasi-http"]).await;
    let endpoints: Value = serde_json::from_str(&bus.folder().read("endpoints.json")).unwrap();
    assert_eq!(endpoints["pid"], bus.pid());
    for name in ["http", "admin"] {
        assert!(endpoints[name].as_str().unwrap().starts_with("http://127.0.0.1:"), "{endpoints}");
    }
    for (secret, text) in [("admin-token", bus.token()), ("invoker-key", bus.invoker_key())] {
        assert_eq!(bus.folder().mode(secret), 0o600, "{secret}");
        assert!(
            text.len() >= 32 && !text.contains(char::is_whitespace),
            "{secret} is one line without its end"
        );
    }
    for folder in ["pickup", "logs", "run"] {
        assert!(bus.path(folder).is_dir(), "{folder}");
    }
    // All seeds are live on all workers by now.
    assert_eq!(bus.workers().await.len(), 2);
    for mut connection in bus.connect_each().await {
        for path in ["/echo", "/greet/Ada", "/wasi-http", "/wasi-http/x"] {
            assert_eq!(connection.get(path).await.status, 200, "{path}");
        }
    }
    for name in ["echo", "greeter", "wasi-http"] {
        bus.wait_moved(&format!("{name}.wasm")).await;
    }
    let parents: Vec<u32> = bus.processes().iter().filter(|p| p.pid != bus.pid()).map(|p| p.parent).collect();
    assert!(parents.contains(&bus.pid()), "the parent supervises: {:?}", bus.processes());
    let console = bus.folder().console();
    let port = bus.http().authority().to_owned();
    assert!(console.contains("curl") && console.contains(&port), "it prints what to try next: {console}");
    assert!(!console.contains(bus.token()), "and no secret: {console}");
    bus.stop().await;
}

/// (43, for one server) All state is kept; seeds are not deployed again.
#[tokio::test]
async fn a_restart_keeps_all_state() {
    let bus = Quickstart::start(&["echo", "greeter"]).await;
    let (_, key) = bus.create_key("partner").await;
    bus.create_basic("people", "ada", "a-long-password").await;
    bus.create_channel("keyed", "/keyed", "echo", json!({"security": "partner", "timeout_ms": 1_234})).await;
    bus.create_channel("basic", "/basic", "echo", json!({"security": "people"})).await;
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    bus.deploy("versioned.wasm", &wasm::version(2)).await;
    bus.act("greeter", "recall").await;
    bus.limit("echo", &json!({"timeout_ms": 4_321})).await;
    bus.admin("PUT", "/plugins/versioned/grants", Some(&json!({"invoke": ["versioned.*"]})))
        .await
        .expect_status(200);
    bus.admin("PUT", "/plugins/versioned/config", Some(&json!({"a": 1}))).await.expect_status(200);
    let (token, invoker_key) = (bus.token().to_owned(), bus.invoker_key().to_owned());
    let before = state(&bus).await;

    // Three times: what went well once may pile up.
    let options = Options { services: vec!["echo", "greeter", "faulty"], ..Options::default() };
    let mut folder = bus.stop().await;
    for _ in 0..3 {
        let bus = Quickstart::start_in(folder, options.clone()).await;
        assert_eq!((bus.token(), bus.invoker_key()), (token.as_str(), invoker_key.as_str()));
        assert_eq!(state(&bus).await, before);
        for mut connection in bus.connect_each().await {
            assert_eq!(connection.get("/version").await.expect(200)["version"], 2);
            assert_eq!(connection.get("/greet/Ada").await.status, 503, "recalled stays recalled");
            assert_eq!(connection.get("/keyed").await.status, 401);
            assert_eq!(connection.send(&Request::get("/keyed").key(&key)).await.status, 200);
            let basic = Request::get("/basic").basic("ada", "a-long-password");
            assert_eq!(connection.send(&basic).await.status, 200);
        }
        folder = bus.stop().await;
    }
    // Killed instead of stopped.
    let bus = Quickstart::start_in(folder, options.clone()).await;
    process::kill_all(bus.folder().root());
    let (_, folder) = bus.ended().await;
    let bus = Quickstart::start_in(folder, options).await;
    assert_eq!(state(&bus).await, before);
    bus.act("versioned", "rollback").await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(1)))).await;
}

/// What the admin API tells, without what belongs to a run.
async fn state(bus: &Quickstart) -> Value {
    let mut lists = serde_json::Map::new();
    for path in ["channels", "security", "plugins", "services", "deployments"] {
        let mut list = bus.read(&format!("/{path}?limit=500")).await;
        for item in list["items"].as_array_mut().unwrap_or_else(|| panic!("{path} is a list")) {
            if let Some(item) = item.as_object_mut() {
                item.remove("servers");
            }
        }
        lists.insert(path.to_owned(), list["items"].take());
    }
    Value::Object(lists)
}

#[tokio::test]
async fn signals_and_the_command_stop_all_of_it() {
    let mut folder = Folder::default();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let bus =
            Quickstart::start_in(folder, Options { services: vec!["echo"], ..Options::default() }).await;
        let slow = tokio::spawn({
            let client = bus.http().clone();
            async move { client.try_send(&Request::post("/echo").body("under way")).await }
        });
        slow.await.unwrap().unwrap().expect_status(200);
        let (status, ended) = bus.end(signal).await;
        assert_eq!(status.code(), Some(0), "{signal}");
        folder = ended;
    }
    let bus = Quickstart::start_in(folder, Options::default()).await;
    let authority = bus.http().authority().to_owned();
    bus.cli(&["stop"]).await.expect(0);
    let (status, folder) = bus.ended().await;
    assert_eq!(status.code(), Some(0));
    TcpListener::bind(&authority).expect("the port is free again");

    // The group's signal, as a terminal sends it: the parent alone acts on it.
    let bus = Quickstart::start_in(folder, Options::default()).await;
    nix::sys::signal::killpg(nix::unistd::Pid::from_raw(bus.pid().cast_signed()), Signal::SIGINT).unwrap();
    let (status, _folder) = bus.ended().await;
    assert_eq!(status.code(), Some(0));
}

/// A call under way ends before its worker does.
#[tokio::test]
async fn stopping_lets_calls_end() {
    let bus = Quickstart::start(&["faulty"]).await;
    let call = bus.invocation("faulty.sleep", &json!({"ms": 1_500}));
    let calls: Vec<_> = bus
        .connect_each()
        .await
        .into_iter()
        .map(|mut connection| {
            let call = call.clone();
            tokio::spawn(async move { connection.try_send(&call).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let _folder = bus.stop().await;
    for call in calls {
        let reply = call.await.unwrap().unwrap_or_else(|failure| panic!("{failure}"));
        reply.expect_status(200);
    }
}

#[tokio::test]
async fn endpoints_stand_for_this_start_only() {
    let bus = Quickstart::start(&["echo"]).await;
    let folder = bus.stop().await;
    let stale = json!({"http": "http://127.0.0.1:1", "admin": "http://127.0.0.1:2", "pid": 1});
    fs::write(folder.path("endpoints.json"), stale.to_string()).unwrap();
    // A port that is taken keeps it from ever being ready, and the stale file is gone nevertheless.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["--http", "--admin"] {
        let other = if option == "--http" { "--admin" } else { "--http" };
        let dir = folder.dir();
        let arguments =
            ["quickstart", "--dir", dir.to_str().unwrap(), option, &address, other, "127.0.0.1:0"];
        let finished = folder.run(&arguments).await;
        finished.expect(3);
        assert!(finished.stderr.contains(&address), "the port is named: {finished:?}");
        assert!(!folder.path("endpoints.json").exists(), "{option}");
        assert!(process::of_folder(folder.root()).is_empty(), "{option}: nothing is left");
    }
    drop(taken);
    let bus = Quickstart::start_in(folder, Options::default()).await;
    one_folder_has_one_quickstart(&bus).await;
    bus.http().get("/echo").await.expect_status(200);
}

async fn one_folder_has_one_quickstart(bus: &Quickstart) {
    let second = bus.cli(&["quickstart", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).await;
    assert!(second.code.is_some_and(|code| code != 0), "{second:?}");
    assert!(!second.stderr.is_empty(), "{second:?}");
    assert!(bus.path("endpoints.json").exists(), "what runs keeps its endpoints");
    poll::until_true("the first one is well", poll::CHANGE_BOUND, async || {
        bus.http().get("/echo").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn bad_options_are_told_and_end_with_2() {
    let folder = Folder::default();
    let dir = folder.dir();
    let dir = dir.to_str().unwrap();
    for bad in [
        &["--http", "0.0.0.0:0"][..],
        &["--admin", "0.0.0.0:0"],
        &["--http", "nonsense"],
        &["--workers", "0"],
        &["--workers", "many"],
        &["--no-such-option"],
        &["--services", "/no/such/folder"],
    ] {
        let finished = folder.run(&[&["quickstart", "--dir", dir], bad].concat()).await;
        assert_eq!(finished.code, Some(2), "{bad:?}: {finished:?}");
        assert!(!finished.stderr.trim().is_empty(), "{bad:?} is explained");
    }
    let finished = folder
        .run_with(&["quickstart", "--dir", dir], |command| {
            command.env("BUSBAR_NO_SUCH_KEY", "1");
        })
        .await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("BUSBAR_NO_SUCH_KEY"), "{finished:?}");
    assert_eq!(folder.run(&[]).await.code, Some(2));
    assert_eq!(folder.run(&["no-such-command"]).await.code, Some(2));
    let version = folder.run(&["--version"]).await;
    assert!(version.expect(0).stdout.starts_with("busbar "), "{version:?}");
}
