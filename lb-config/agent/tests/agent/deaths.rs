//! Deaths: of a back end, of HAProxy, of the agent.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use busbar_lb_agent::{Options, Source, Unavailable, answers, run};
use busbar_lb_config::{Report, State};
use tokio::{net::TcpStream, time::sleep};

use crate::{
    backend::Backend,
    load::Load,
    stage::{Stage, server, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_back_end_fails_no_request() {
    let mut stage = Stage::new();
    let mut a = Backend::start(stage.path(), "a").await;
    let b = Backend::start(stage.path(), "b").await;
    stage.begin();
    stage.want(vec![server(&a), server(&b)], |_| {});
    stage.applied().await;
    let load = Load::start(stage.port, 8);
    for _ in 0..3 {
        stage.server_is("a", "up", |server| server.status == "UP").await;
        load.more(100).await;
        a.kill();
        load.more(200).await;
        stage.server_is("a", "down", |server| server.status == "DOWN").await;
        a.restart();
    }
    stage.server_is("a", "up", |server| server.status == "UP").await;
    println!("3 back ends killed, {} requests, 0 failed", load.all_well().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_haproxy_is_back_within_two_seconds() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    let mut report = stage.applied().await;
    for kill_master in [false, true, false] {
        let before = report.haproxy.clone().unwrap().pid;
        let restarts = report.restarts;
        let begun = Instant::now();
        stage.kill(if kill_master { stage.master().unwrap() } else { i32::try_from(before).unwrap() });
        until("the worker is gone", || {
            let stat = fs::read_to_string(format!("/proc/{before}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        })
        .await;
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", stage.port)).await
                && let Ok((200, _)) = tokio::spawn(crate::load::once(stream, "/x", "")).await
            {
                break;
            }
            // Three times what is promised: the machine is busy.
            assert!(begun.elapsed() < Duration::from_secs(6), "HAProxy is away for too long");
            sleep(Duration::from_millis(10)).await;
        }
        println!("back after {:?}", begun.elapsed());
        report = stage
            .reported("a restart", |report| report.restarts > restarts && report.haproxy.is_some())
            .await;
        assert_ne!(report.haproxy.clone().unwrap().pid, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_agent_leaves_haproxy_running_or_stops_it() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    let before = stage.applied().await.haproxy.unwrap();
    stage.end().await;
    assert_eq!(stage.get("/x", "").await.0, 200);
    answers(&stage.options.folder, Duration::from_millis(500)).await.unwrap();
    stage.options.stop_haproxy = true;
    stage.begin();
    let report =
        stage.reported("found again", |report| report.haproxy.is_some() && report.applied.is_some()).await;
    assert_eq!((report.haproxy.unwrap().pid, report.restarts), (before.pid, 0));
    stage.end().await;
    assert!(
        TcpStream::connect(("127.0.0.1", stage.port)).await.is_err(),
        "HAProxy is stopped with its agent"
    );
    let silent = answers(&stage.options.folder, Duration::from_millis(500)).await.unwrap_err().to_string();
    assert!(silent.ends_with("run/stats.sock within 500ms"), "{silent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_agent_finds_what_a_killed_one_left() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    let state = stage.state(vec![server(&a)], |_| {});
    let wanted = stage.path().join("wanted.json");
    fs::write(&wanted, serde_json::to_string(&state).unwrap()).unwrap();
    let mut agent = Agent::start(&stage);
    until("the agent serves", || std::net::TcpStream::connect(("127.0.0.1", stage.port)).is_ok()).await;
    let record = stage.options.folder.join("current/meta.json");
    until("it is verified", || fs::read_to_string(&record).is_ok_and(|text| text.contains("reloaded"))).await;
    let master = stage.master().unwrap();
    let load = Load::start(stage.port, 4);
    load.more(50).await;
    agent.0.kill().unwrap();
    agent.0.wait().unwrap();
    load.more(100).await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    let report = stage.applied().await;
    assert_eq!((stage.master().unwrap(), report.restarts, report.applied.unwrap().number), (master, 0, 1));
    // The one that was found is restarted like one that was started.
    println!("an agent killed, {} requests, 0 failed", load.all_well().await);
    stage.kill(i32::try_from(report.haproxy.unwrap().pid).unwrap());
    stage.reported("a restart", |report| report.restarts == 1 && report.haproxy.is_some()).await;
}

struct Agent(Child);

const FOLDER: &str = "BUSBAR_LB_AGENT";

impl Agent {
    fn start(stage: &Stage) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "deaths::agent", "--ignored", "--nocapture"])
            .env(FOLDER, stage.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct FromFile(PathBuf);

impl Source for FromFile {
    async fn desired(&self) -> Result<State, Unavailable> {
        let text = fs::read_to_string(&self.0).map_err(|error| Unavailable(Box::new(error)))?;
        serde_json::from_str(&text).map_err(|error| Unavailable(Box::new(error)))
    }

    async fn report(&self, _: Report) {}
}

#[test]
#[ignore = "this is an agent's process, which another test starts"]
fn agent() {
    #[expect(clippy::disallowed_methods, reason = "how a test's process is told what it is")]
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let options = Options::new("killed", folder.join("lb"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(options, FromFile(folder.join("wanted.json")), std::future::pending())).unwrap();
}
