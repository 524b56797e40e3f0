//! A running `busbar quickstart`.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    folder::Folder,
    http::{Client, Reply, Request},
    poll,
    process::{self, Process},
};

/// Until all workers and seeds are live; they are compiled in it.
const START_BOUND: Duration = Duration::from_secs(60);

/// Until all processes are gone after the parent was asked to stop.
const STOP_BOUND: Duration = Duration::from_secs(30);

/// How a quickstart is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The files that are live from the start.
    pub services: Vec<&'static str>,
    pub workers: u32,
    pub http: String,
    pub admin: String,
    /// Of a broker.
    pub amqp: Option<String>,
    /// Further environment.
    pub environment: Vec<(&'static str, String)>,
    /// Where a `busbar` stands that is not the one to test, or may be replaced.
    pub program: Option<PathBuf>,
    /// Of `ulimit`, for all its processes: `-n 400`.
    pub limits: Option<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        let any_port = "127.0.0.1:0".to_owned();
        Self {
            services: Vec::new(),
            workers: 2,
            http: any_port.clone(),
            admin: any_port,
            amqp: None,
            environment: Vec::new(),
            program: None,
            limits: None,
        }
    }
}

/// Ends, with all its processes, when it is dropped.
#[derive(Debug)]
pub struct Quickstart {
    /// Dropped first: its processes end before the child is waited for.
    folder: Folder,
    child: Child,
    http: Client,
    admin: Client,
    token: String,
    invoker_key: String,
    pid: u32,
}

impl Quickstart {
    /// With two workers and these services, in a new folder.
    pub async fn start(services: &[&'static str]) -> Self {
        Self::start_with(Options { services: services.to_vec(), ..Options::default() }).await
    }

    pub async fn start_with(options: Options) -> Self {
        Self::start_in(Folder::default(), options).await
    }

    /// In a folder that may have been used before.
    pub async fn start_in(folder: Folder, options: Options) -> Self {
        let child = Self::spawn(&folder, &options);
        Self::started(folder, child).await
    }

    /// Once a parent that was started has said where it is.
    async fn started(folder: Folder, mut child: Child) -> Self {
        let started = Instant::now();
        let endpoints = loop {
            let file = fs::read(folder.path("endpoints.json")).ok();
            if let Some(endpoints) = file.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
                && endpoints["pid"] == child.id()
            {
                break endpoints;
            }
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                panic!("quickstart ended with {status} instead of starting");
            }
            assert!(started.elapsed() < START_BOUND, "no endpoints.json within {START_BOUND:?}");
            sleep(Duration::from_millis(10)).await;
        };
        let url = |name: &str| {
            Client::new(endpoints[name].as_str().unwrap_or_else(|| panic!("{name} of {endpoints}")))
        };
        Self {
            http: url("http"),
            admin: url("admin"),
            token: folder.read("admin-token"),
            invoker_key: folder.read("invoker-key"),
            pid: child.id(),
            child,
            folder,
        }
    }

    /// The process alone, without waiting for anything.
    pub fn spawn(folder: &Folder, options: &Options) -> Child {
        let names = options.services.as_slice();
        let mut command = match (&options.program, options.limits) {
            (Some(program), _) => folder.busbar_at(program),
            (None, Some(limits)) => folder.busbar_under(limits),
            (None, None) => folder.busbar(),
        };
        command.arg("quickstart").arg("--dir").arg(folder.dir()).args(["--http", &options.http]);
        command.args(["--admin", &options.admin, "--workers", &options.workers.to_string()]);
        command.arg("--services").arg(folder.seeds(names));
        command.args(options.amqp.iter().flat_map(|url| ["--amqp", url]));
        command.envs(options.environment.iter().map(|(name, value)| (name, value)));
        command.stdout(folder.console_file()).stderr(folder.console_file()).process_group(0);
        command.spawn().expect("busbar starts")
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// `kill -9` to the parent: the others live on, and nobody looks after them.
    pub async fn kill_parent(&mut self) {
        process::signal(self.pid, Signal::SIGKILL);
        let child = &mut self.child;
        poll::until_true("the parent's end", STOP_BOUND, async || {
            child.try_wait().expect("a child can be waited for").is_some()
        })
        .await;
    }

    /// Starts a parent on the same folder, beside what runs there, and waits until all of it is up.
    pub async fn start_again(self, options: &Options) -> Self {
        let child = Self::spawn(&self.folder, options);
        self.adopt(child).await
    }

    /// Waits until a parent that was started in the folder is up.
    pub async fn adopt(self, child: Child) -> Self {
        Self::started(self.folder, child).await
    }

    /// Waits until none of these processes lives.
    pub async fn wait_gone(&self, pids: &[u32]) {
        poll::until("the end of processes", STOP_BOUND, async || {
            let living: Vec<_> = pids.iter().filter(|pid| process::is_alive(**pid)).collect();
            if living.is_empty() { Ok(()) } else { Err(format!("{living:?} of {:?}", self.processes())) }
        })
        .await;
    }

    /// The data plane.
    pub fn http(&self) -> &Client {
        &self.http
    }

    /// The admin plane, without the token.
    pub fn admin_client(&self) -> &Client {
        &self.admin
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn invoker_key(&self) -> &str {
        &self.invoker_key
    }

    /// The parent.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Calls the admin API: `path` is what follows `/api/v1`.
    pub async fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let request = Request::new(method, &format!("/api/v1{path}")).bearer(&self.token);
        self.admin.send(&body.map_or(request.clone(), |body| request.json(body))).await
    }

    /// `GET` from the admin API; must succeed.
    pub async fn read(&self, path: &str) -> Value {
        self.admin("GET", path, None).await.expect(200)
    }

    /// The request that calls a service by name.
    pub fn invocation(&self, service: &str, input: &Value) -> Request {
        Request::post(&format!("/_busbar/invoke/{service}")).key(&self.invoker_key).json(input)
    }

    /// Calls a service by name.
    pub async fn invoke(&self, service: &str, input: &Value) -> Reply {
        self.http.send(&self.invocation(service, input)).await
    }

    /// Every living process of it.
    pub fn processes(&self) -> Vec<Process> {
        process::of_folder(self.folder.root())
    }

    /// The living processes of a role: `worker`, `singleton`, `admin-process`.
    pub fn processes_of(&self, role: &str) -> Vec<u32> {
        self.processes().iter().filter(|p| p.has_argument(role)).map(|p| p.pid).collect()
    }

    /// The one singleton, once there is one.
    pub async fn singleton(&self) -> u32 {
        poll::until("a singleton", poll::CHANGE_BOUND, async || match self.processes_of("singleton")[..] {
            [one] => Ok(one),
            ref others => Err(format!("{others:?} of {:?}", self.processes())),
        })
        .await
    }

    /// Workers as the admin API tells of them.
    pub async fn worker_states(&self) -> Vec<Value> {
        let servers = self.read("/servers").await;
        let items = servers["items"].as_array().unwrap_or_else(|| panic!("items of {servers}"));
        items.iter().flat_map(|server| server["workers"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// Process ids of the ready workers.
    pub async fn workers(&self) -> Vec<u32> {
        let states = self.worker_states().await;
        let ready = states.iter().filter(|worker| worker["state"] == "ready");
        ready.filter_map(|worker| worker["pid"].as_u64()?.try_into().ok()).collect()
    }

    /// SIGINT to the parent: all of it must end, with status 0. What is left is the folder.
    pub async fn stop(self) -> Folder {
        let (status, folder) = self.end(Signal::SIGINT).await;
        assert!(status.success(), "busbar ended with {status}");
        folder
    }

    /// Sends the parent a signal and waits until nothing of it lives.
    pub async fn end(self, signal: Signal) -> (ExitStatus, Folder) {
        process::signal(self.pid, signal);
        self.ended().await
    }

    /// Waits until nothing of it lives.
    pub async fn ended(self) -> (ExitStatus, Folder) {
        let Self { folder, mut child, .. } = self;
        let status = poll::until("the parent's end", STOP_BOUND, async || {
            child.try_wait().expect("a child can be waited for").ok_or_else(|| "it lives".to_owned())
        })
        .await;
        poll::until("the end of every process", STOP_BOUND, async || {
            let living = process::of_folder(folder.root());
            if living.is_empty() { Ok(()) } else { Err(format!("{living:?}")) }
        })
        .await;
        (status, folder)
    }
}
