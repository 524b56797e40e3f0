//! New settings and new binaries under load: all of it changes, or nothing does, and no request is lost.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use busbar_tests::{
    Client, Folder, Load, Options, Plan, Quickstart, Request, artifact, deployment::digest, poll, process,
    wasm,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Until what a reload replaced has ended.
const DRAINED: Duration = Duration::from_secs(30);

/// A `busbar` that may be replaced: a link, so that nothing is copied.
fn own_binary(folder: &Folder) -> PathBuf {
    let path = folder.root().join("busbar");
    put(&path, |new| {
        fs::hard_link(artifact::binary(), new).or_else(|_| fs::copy(artifact::binary(), new).map(drop))
    });
    path
}

/// Puts a file in place of another one, as package managers do.
fn put(path: &Path, make: impl FnOnce(&Path) -> std::io::Result<()>) {
    let new = path.with_extension("new");
    make(&new).unwrap();
    fs::rename(new, path).unwrap();
}

/// A program that is the real one but for what `script` does first.
fn put_script(path: &Path, script: &str) {
    let real = artifact::binary();
    let text = format!("#!/bin/sh\n{script}\nexec {} \"$@\"\n", real.display());
    put(path, |new| {
        fs::write(new, text)?;
        fs::set_permissions(new, fs::Permissions::from_mode(0o755))
    });
}

fn all_but_parent(bus: &Quickstart) -> Vec<u32> {
    let mut pids: Vec<u32> = bus.processes().iter().map(|p| p.pid).filter(|pid| *pid != bus.pid()).collect();
    pids.sort_unstable();
    pids
}

async fn started(folder: Folder) -> (Quickstart, PathBuf) {
    let program = own_binary(&folder);
    let options = Options { services: vec!["echo"], program: Some(program.clone()), ..Options::default() };
    (Quickstart::start_in(folder, options).await, program)
}

#[tokio::test]
async fn a_reload_under_load_loses_no_request() {
    let bus = Quickstart::start(&["echo"]).await;
    let get = || vec![Request::get("/echo")];
    let servers = vec![Request::get("/api/v1/servers").bearer(bus.token())];
    let loads = [
        Load::start(Plan::new(bus.http(), 8, get())),
        Load::start(Plan::new(bus.http(), 4, get()).fresh_connections()),
        Load::start(Plan::new(bus.admin_client(), 2, servers).pause(Duration::from_millis(5))),
    ];
    for round in 1..=3 {
        let before = all_but_parent(&bus);
        assert_eq!(before.len(), 4, "{:?}", bus.processes());
        match round {
            2 => process::signal(bus.pid(), Signal::SIGHUP),
            _ => {
                let said = bus.cli(&["reload", "--json"]).await.json();
                assert_eq!((&said["pid"], &said["workers"]), (&json!(bus.pid()), &json!(2)));
            }
        }
        poll::until("the end of what was replaced", DRAINED, async || {
            let now = all_but_parent(&bus);
            if now.len() == 4 && !now.iter().any(|pid| before.contains(pid)) {
                Ok(())
            } else {
                Err(format!("{now:?}, before {before:?}"))
            }
        })
        .await;
        assert!(process::is_alive(bus.pid()), "the parent keeps its process");
        for load in &loads {
            load.wait_good(20).await;
        }
        let file = wasm::version(round);
        bus.pickup("versioned.wasm", &file);
        bus.wait_deployment("versioned", &digest(&file), "active").await;
        bus.wait_workers("versioned", Some(&digest(&file))).await;
    }
    for load in loads {
        load.stop().await.expect_clean();
    }
    let endpoints: Value = serde_json::from_str(&bus.folder().read("endpoints.json")).unwrap();
    assert_eq!(endpoints["pid"], bus.pid());
    a_killed_worker_is_replaced(&bus).await;
    bus.stop().await;
}

/// The parent that a reload made looks after what it did not start itself.
async fn a_killed_worker_is_replaced(bus: &Quickstart) {
    for role in ["worker", "singleton", "admin-process"] {
        let victim = bus.processes_of(role)[0];
        process::signal(victim, Signal::SIGKILL);
        poll::until("its successor", DRAINED, async || {
            let now = all_but_parent(bus);
            if now.len() == 4 && !now.contains(&victim) {
                Ok(())
            } else {
                Err(format!("{now:?}, {victim} is dead"))
            }
        })
        .await;
    }
    bus.http().get("/echo").await.expect_status(200);
}

/// A call that takes its time ends on the worker that has it.
#[tokio::test]
async fn calls_under_way_end_and_connections_are_told() {
    let bus = Quickstart::start(&["faulty", "echo"]).await;
    let mut connections = bus.connect_each().await;
    let call = bus.invocation("faulty.sleep", &json!({"ms": 4_000}));
    let (left, right) = connections.split_at_mut(1);
    let reload = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        bus.cli(&["reload"]).await.expect(0);
    };
    // A draining worker answers the next request on a connection that it has, and says that it is the last.
    let told = poll::until("the last reply", DRAINED, async || {
        let reply = right[0].get("/echo").await;
        reply.expect_status(200);
        if reply.header("connection") == Some("close") { Ok(()) } else { Err(reply.to_string()) }
    });
    let (slow, (), ()) = tokio::join!(left[0].try_send(&call), reload, told);
    slow.unwrap().expect_status(200);
    bus.stop().await;
}

#[tokio::test]
async fn a_newer_binary_takes_over() {
    let (bus, program) = started(Folder::default()).await;
    let load = Load::start(Plan::new(bus.http(), 4, vec![Request::get("/echo")]));
    let before = all_but_parent(&bus);
    // Another file, with the same content.
    put(&program, |new| fs::copy(artifact::binary(), new).map(drop));
    let wanted = fs::metadata(&program).unwrap().ino();
    bus.cli(&["reload"]).await.expect(0);
    bus.wait_gone(&before).await;
    for process in bus.processes() {
        let runs = fs::metadata(format!("/proc/{}/exe", process.pid)).unwrap().ino();
        assert_eq!(runs, wanted, "{process:?}");
    }
    load.stop().await.expect_clean();
    // What is started later is of the same binary, also when yet another one stands there.
    put_script(&program, "exit 7");
    a_killed_worker_is_replaced(&bus).await;
    bus.stop().await;
}

/// Binaries that can't take over: nothing changes, and the reason is told.
#[tokio::test]
async fn a_binary_that_fails_changes_nothing() {
    let (bus, program) = started(Folder::default()).await;
    let load = Load::start(Plan::new(bus.http(), 4, vec![Request::get("/echo")]));
    let before = all_but_parent(&bus);
    let on = |word: &str, act: &str| format!("case \" $* \" in *' {word} '*) {act};; esac");
    for (script, reason) in [
        ("echo no such library >&2; exit 127".to_owned(), "no such library"),
        ("[ -z \"$BUSBAR_STEP\" ] || { echo nonsense; exit 0; }".to_owned(), "no busbar that can follow"),
        (on("worker", "exit 9"), "ended with exit code 9"),
        (on("singleton", "kill -9 $$"), "the singleton"),
        (on("admin-process", "exec sleep 600"), "were not ready within 5 s"),
        // The new processes are well; and then there is nothing that the parent could become.
        (on("admin-process", "sleep 1; rm \"$0\""), "failed to run"),
    ] {
        put_script(&program, &script);
        let refused = bus.cli(&["reload", "--timeout", "5"]).await;
        refused.expect(1);
        assert!(refused.stderr.contains(reason), "{script}: {refused:?}");
        assert!(refused.stderr.contains("nothing was changed"), "{script}: {refused:?}");
        poll::until("what was before, and nothing else", DRAINED, async || {
            let now = all_but_parent(&bus);
            if now == before { Ok(()) } else { Err(format!("{now:?}, before {before:?}")) }
        })
        .await;
        assert!(bus.folder().console().contains("reload failed"), "it is in the log");
    }
    fs::remove_file(&program).ok();
    bus.cli(&["reload"]).await.expect(1);
    load.stop().await.expect_clean();
    // A good one is taken afterwards.
    put(&program, |new| fs::copy(artifact::binary(), new).map(drop));
    bus.cli(&["reload"]).await.expect(0);
    bus.wait_gone(&before).await;
    bus.http().get("/echo").await.expect_status(200);
    bus.stop().await;
}

/// A server with a settings file, which a reload reads again.
struct Server {
    folder: Folder,
    child: std::process::Child,
}

impl Server {
    async fn start(settings: &str) -> Self {
        let folder = Folder::default();
        fs::create_dir_all(folder.dir()).unwrap();
        fs::write(folder.path("busbar.toml"), settings).unwrap();
        let mut command = folder.busbar();
        command.arg("server").arg("--dir").arg(folder.dir());
        let console = fs::OpenOptions::new().create(true).append(true).open(folder.console_path()).unwrap();
        let child = command.stderr(console).spawn().unwrap();
        let server = Self { folder, child };
        poll::until_true("the server is up", Duration::from_secs(30), async || {
            server.folder.path("endpoints.json").exists()
        })
        .await;
        server
    }

    fn client(&self) -> Client {
        let endpoints: Value = serde_json::from_str(&self.folder.read("endpoints.json")).unwrap();
        Client::new(endpoints["http"].as_str().unwrap())
    }

    fn workers(&self) -> Vec<u32> {
        let all = process::of_folder(self.folder.root());
        all.iter().filter(|process| process.has_argument("worker")).map(|process| process.pid).collect()
    }

    async fn reload(&self, settings: &str) -> busbar_tests::Finished {
        fs::write(self.folder.path("busbar.toml"), settings).unwrap();
        let dir = self.folder.dir();
        self.folder.run(&["reload", "--dir", dir.to_str().unwrap()]).await
    }
}

fn settings(http: &str, ops: &str, workers: u32, more: &str) -> String {
    format!(
        "[http]\nlisten = \"{http}\"\ndrain_idle_ms = 300\n[ops]\nlisten = \"{ops}\"\n[workers]\ncount = {workers}\n{more}"
    )
}

fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn settings_are_read_again() {
    let (http, ops, other) = (free(), free(), free());
    let mut server = Server::start(&settings(&http, &ops, 1, "")).await;
    let first = server.workers();
    let ping = Request::get("/_busbar/ping");
    let metrics = Client::new(&format!("http://{ops}"));
    metrics.get("/metrics").await.expect_status(200);

    for (bad, named) in [
        (settings(&http, &ops, 1, "[log]\nlevle = \"warn\"\n"), "levle"),
        (settings(&http, &ops, 1_000, ""), "workers.count"),
        (settings(&http, &ops, 1, "[log]\nlevel = \"=loud=\"\n"), "log.level"),
        (settings("127.0.0.1", &ops, 1, ""), "listen"),
        ("nonsense".to_owned(), "busbar.toml"),
    ] {
        let refused = server.reload(&bad).await;
        refused.expect(1);
        assert!(refused.stderr.contains(named), "{named}: {refused:?}");
        assert_eq!(server.workers(), first, "{named}");
        assert!(server.folder.console().contains("reload failed"), "{named}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = server.reload(&settings(&address, &ops, 1, "")).await;
    refused.expect(1);
    assert!(refused.stderr.contains(&address) && refused.stderr.contains("http.listen"), "{refused:?}");
    server.client().send(&ping).await.expect_status(200);
    assert_eq!(server.workers(), first);

    // Another address, another number of workers; who asks at the old address is answered until it is gone.
    let load = Load::start(Plan::new(&server.client(), 4, vec![ping.clone()]));
    load.wait_good(20).await;
    server.reload(&settings(&http, &ops, 2, "[log]\nlevel = \"debug\"\n")).await.expect(0);
    poll::until_true("the first worker's end", DRAINED, async || !process::is_alive(first[0])).await;
    assert_eq!(server.workers().len(), 2);
    load.stop().await.expect_clean();
    let second = server.workers();
    server.reload(&settings(&other, &ops, 2, "")).await.expect(0);
    poll::until_true("the others' end", DRAINED, async || !second.iter().any(|pid| process::is_alive(*pid)))
        .await;
    let old = Client::new(&format!("http://{http}"));
    assert!(old.try_send(&ping).await.is_err(), "nobody listens at the old address");
    poll::until_true("endpoints.json is that of now", poll::CHANGE_BOUND, async || {
        server.client().authority() == other
    })
    .await;
    server.client().send(&ping).await.expect_status(200);
    poll::until_true("metrics", poll::CHANGE_BOUND, async || {
        metrics.try_send(&Request::get("/metrics")).await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    process::signal(server.child.id(), Signal::SIGTERM);
    assert!(server.child.wait().unwrap().success());
    assert!(process::of_folder(server.folder.root()).is_empty());
}

/// Whoever reloads twice, or stops during a reload, is obeyed.
#[tokio::test]
async fn reloads_do_not_mix() {
    let (bus, program) = started(Folder::default()).await;
    let before = all_but_parent(&bus);
    put_script(&program, "case \" $* \" in *' admin-process '*) exec sleep 600;; esac");
    let first = bus.cli(&["reload", "--timeout", "60"]);
    let second = async {
        poll::until_true("a reload is under way", DRAINED, async || all_but_parent(&bus).len() > 6).await;
        let refused = bus.cli(&["reload"]).await;
        refused.expect(1);
        assert!(refused.stderr.contains("under way"), "{refused:?}");
        assert!(before.iter().all(|pid| process::is_alive(*pid)));
        process::signal(bus.pid(), Signal::SIGTERM);
    };
    let (first, ()) = tokio::join!(first, second);
    first.expect(1);
    let (status, folder) = bus.ended().await;
    assert!(status.success());
    let dir = folder.dir();
    let nobody = folder.run(&["reload", "--dir", dir.to_str().unwrap()]).await;
    nobody.expect(1);
    assert!(nobody.stderr.contains("no server runs"), "{nobody:?}");
}
