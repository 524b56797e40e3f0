//! An agent on a stage: its folder, what is wanted of it, what it reports, and requests through its HAProxy.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use busbar_lb_agent::{Options, Request, Response, Source, Unavailable, ask, run};
use busbar_lb_config::{
    Address, BindSettings, Bounded, ListenAddress, Name, Report, Server, Settings, Standing, State,
    stats::ServerStats,
};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle, time::sleep};

use crate::backend::Backend;

/// The machine may be busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The cluster's administration.
#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Papers>>);

#[derive(Default)]
struct Papers {
    wanted: Option<State>,
    report: Option<Report>,
}

#[derive(Debug, thiserror::Error)]
#[error("nothing is wanted yet")]
struct Nothing;

impl Source for Desk {
    async fn desired(&self) -> Result<State, Unavailable> {
        self.0.lock().unwrap().wanted.clone().ok_or_else(|| Unavailable(Box::new(Nothing)))
    }

    async fn report(&self, report: Report) {
        self.0.lock().unwrap().report = Some(report);
    }
}

pub(crate) struct Stage {
    pub(crate) temp: TempDir,
    pub(crate) port: u16,
    pub(crate) desk: Desk,
    pub(crate) options: Options,
    version: i64,
    agent: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn server(backend: &Backend) -> Server {
    Server::new(Name::new(&backend.name).unwrap(), Address::new(&backend.address()).unwrap())
}

impl Stage {
    pub(crate) fn new() -> Self {
        let version = std::process::Command::new("haproxy").arg("-v").output();
        assert!(version.is_ok(), "haproxy is missing: apt-get install haproxy");
        let temp = tempfile::Builder::new().prefix("lb-").tempdir_in("/tmp").unwrap();
        let mut options = Options::new("balancer-1", temp.path().join("lb"));
        options.poll = Duration::from_millis(200);
        options.verify = Duration::from_secs(4);
        Self { port: free_port(), desk: Desk::default(), options, version: 0, agent: None, temp }
    }

    pub(crate) fn path(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn begin(&mut self) {
        self.desk.0.lock().unwrap().report = None;
        let (stop, stopped) = oneshot::channel();
        let work = run(self.options.clone(), self.desk.clone(), async move {
            let _ = stopped.await;
        });
        self.agent = Some((stop, tokio::spawn(async move { work.await.unwrap() })));
    }

    pub(crate) async fn end(&mut self) {
        let (stop, task) = self.agent.take().unwrap();
        stop.send(()).unwrap();
        task.await.unwrap();
    }

    pub(crate) fn state(&mut self, servers: Vec<Server>, change: impl FnOnce(&mut Settings)) -> State {
        self.version += 1;
        let address = ListenAddress::new(&format!("127.0.0.1:{}", self.port)).unwrap();
        let mut settings = Settings {
            front_end: vec![BindSettings { address, tls: None }],
            slow_start_ms: Bounded::nearest(0),
            threads: Some(Bounded::nearest(2)),
            ..Settings::default()
        };
        settings.health.interval_ms = Bounded::nearest(200);
        settings.health.fast_interval_ms = Bounded::nearest(100);
        change(&mut settings);
        State::new(self.version, servers, settings).unwrap()
    }

    pub(crate) fn want(&mut self, servers: Vec<Server>, change: impl FnOnce(&mut Settings)) {
        let state = self.state(servers, change);
        self.desk.0.lock().unwrap().wanted = Some(state);
    }

    pub(crate) fn report(&self) -> Option<Report> {
        self.desk.0.lock().unwrap().report.clone()
    }

    /// The first report for which this holds.
    pub(crate) async fn reported(&self, what: &str, is_so: impl Fn(&Report) -> bool) -> Report {
        let begun = Instant::now();
        loop {
            let report = self.report();
            if let Some(report) = report.as_ref().filter(|report| is_so(report)) {
                return report.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}: {report:#?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// What is wanted is in force.
    pub(crate) async fn applied(&self) -> Report {
        let version = self.version;
        let is_so =
            |report: &Report| report.wanted_version == Some(version) && report.standing == Standing::Ok;
        let report = self.reported("what is wanted is in force", is_so).await;
        assert!(report.haproxy.is_some(), "{report:#?}");
        report
    }

    pub(crate) async fn failed(&self) -> (String, Report) {
        let version = self.version;
        let is_so = |report: &Report| {
            report.wanted_version == Some(version) && matches!(report.standing, Standing::Failed { .. })
        };
        let report = self.reported("it failed", is_so).await;
        let Standing::Failed { reason } = report.standing.clone() else { unreachable!() };
        (reason, report)
    }

    pub(crate) async fn server_is(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&ServerStats) -> bool,
    ) -> Report {
        let found =
            |report: &Report| report.servers.iter().any(|server| server.name == name && is_so(server));
        self.reported(&format!("{name} is {what}"), found).await
    }

    pub(crate) async fn ask(&self, request: Request) -> Response {
        ask(&self.options.folder, request).await.unwrap()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.options.folder.join("current/haproxy.cfg")
    }

    /// As an editor does: in place.
    pub(crate) fn edit(&self, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), change(text)).unwrap();
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Status, head and body of one request with those headers.
    pub(crate) async fn get(&self, path: &str, headers: &str) -> (u16, String) {
        crate::load::once(self.connect().await, path, headers).await
    }

    pub(crate) fn master(&self) -> Option<i32> {
        fs::read_to_string(self.options.folder.join("run/haproxy.pid")).ok()?.trim().parse().ok()
    }

    pub(crate) fn kill(&self, id: i32) {
        kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
    }
}

/// HAProxy outlives its agent, and must not outlive its test.
impl Drop for Stage {
    fn drop(&mut self) {
        if let Some((_, task)) = self.agent.take() {
            task.abort();
        }
        if let Some(master) = self.master() {
            let _ = killpg(Pid::from_raw(master), Signal::SIGKILL);
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.options.folder.join("run/haproxy.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            println!("HAProxy said:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
        }
    }
}
