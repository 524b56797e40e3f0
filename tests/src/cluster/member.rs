//! A process of a cluster, with those that it starts: a server, or an admin process.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, ExitStatus},
    time::Duration,
};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{DIR, write_private};
use crate::{
    artifact,
    folder::Folder,
    http::{Client, Reply, Request, Tls},
    network::Host,
    poll,
    process::{self, Process},
};

const STOP_BOUND: Duration = Duration::from_secs(60);

/// Ends, with all its processes, when it is dropped.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    /// Dropped first: its processes end before the child is waited for.
    folder: Folder,
    child: Option<Child>,
    /// Where it runs, if that is a host of its own.
    host: Option<Host>,
    http: Client,
    admin: Client,
}

impl Member {
    /// A folder with these settings, in which nothing runs.
    pub(super) fn prepare(name: &str, settings: &str) -> Self {
        let folder = Folder::default();
        fs::create_dir_all(folder.dir()).expect("a folder can be made");
        let settings = &settings.replace(DIR, &folder.dir().display().to_string());
        write_private(&folder.path("busbar.toml"), settings.as_bytes(), 0o600);
        let table: toml::Table = settings.parse().expect("settings are TOML");
        let url =
            |section: &str| Client::new(&format!("http://{}", table[section]["listen"].as_str().unwrap()));
        Self {
            name: name.to_owned(),
            http: url("http"),
            admin: url("admin"),
            folder,
            child: None,
            host: None,
        }
    }

    /// Lets it run on a host of its own.
    pub(super) fn on(self, host: &Host) -> Self {
        Self { host: Some(host.clone()), ..self }
    }

    pub(super) fn take_master_key(&self, from: &Self) {
        let key = fs::read(from.folder.path("master-key")).expect("there is a master key");
        write_private(&self.folder.path("master-key"), &key, 0o400);
    }

    /// It is reached by TLS, with the certificate of the member whose folder that is.
    pub(super) fn speak_tls(&mut self, folder: PathBuf) {
        let tls = Tls::member(folder);
        self.http = self.http.clone().with_tls(tls.clone());
        self.admin = self.admin.clone().with_tls(tls);
    }

    /// `busbar server` or `busbar admin`.
    pub(super) fn start(mut self, command: &str) -> Self {
        self.spawn(command);
        self
    }

    fn spawn(&mut self, command: &str) {
        let mut process = match &self.host {
            Some(host) => host.command(&self.folder, artifact::binary()),
            None => self.folder.busbar(),
        };
        process.arg(command).arg("--dir").arg(self.folder.dir());
        process.stdout(self.folder.console_file()).stderr(self.folder.console_file()).process_group(0);
        self.child = Some(process.spawn().expect("busbar starts"));
    }

    pub(super) fn again(mut self, command: &str) -> Self {
        self.restart(command);
        self
    }

    /// What ran is gone.
    pub fn restart(&mut self, command: &str) {
        if let Some(mut child) = self.child.take() {
            let ended = child.try_wait().expect("a child can be waited for");
            assert!(ended.is_some(), "{} runs still", self.name);
        }
        self.spawn(command);
    }

    /// Waits until the server takes calls.
    pub async fn wait_ready(&self, bound: Duration) {
        poll::until(&format!("{} is ready", self.name), bound, async || match self.ready().await {
            Some(reply) if reply.status == 200 => Ok(()),
            other => Err(format!("{other:?}\n{}", self.folder.tail())),
        })
        .await;
    }

    pub(super) async fn wait_admin(&mut self, bound: Duration) {
        poll::until("the admin API", bound, async || {
            let token = fs::read_to_string(self.folder.path("admin-token")).map_err(|e| e.to_string())?;
            let request = Request::get("/api/v1/servers").bearer(&token);
            match self.admin.try_send(&request).await {
                Ok(reply) if reply.status == 200 => Ok(()),
                other => Err(format!("{other:?}\n{}", self.folder.tail())),
            }
        })
        .await;
    }

    /// What it says of being ready for calls; `None` where nothing listens.
    pub async fn ready(&self) -> Option<Reply> {
        self.http.try_send(&Request::get("/_busbar/ready")).await.ok()
    }

    /// The data plane.
    pub fn http(&self) -> &Client {
        &self.http
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    pub fn token(&self) -> String {
        self.folder.read("admin-token")
    }

    /// Calls the admin API of an admin process: `path` is what follows `/api/v1`.
    pub async fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let request = Request::new(method, &format!("/api/v1{path}"));
        self.send_admin(body.map_or(request.clone(), |body| request.json(body))).await
    }

    pub(super) async fn send_admin(&self, request: Request) -> Reply {
        self.admin.send(&request.bearer(&self.token())).await
    }

    pub fn admin_client(&self) -> &Client {
        &self.admin
    }

    pub fn processes(&self) -> Vec<Process> {
        process::of_folder(self.folder.root())
    }

    /// The living processes of a role: `worker`, `singleton`.
    pub fn processes_of(&self, role: &str) -> Vec<u32> {
        self.processes().iter().filter(|process| process.has_argument(role)).map(|one| one.pid).collect()
    }

    /// The same signal to all of its processes, as when its machine is gone (SIGKILL) or stands still (SIGSTOP).
    pub fn signal_all(&self, signal: Signal) {
        for process in self.processes() {
            process::signal(process.pid, signal);
        }
    }

    /// All of its processes die at once, and it is known that they did.
    pub async fn kill(&mut self) {
        self.signal_all(Signal::SIGKILL);
        poll::until_true("the end of all", STOP_BOUND, async || {
            self.signal_all(Signal::SIGKILL);
            self.processes().is_empty()
        })
        .await;
        if let Some(mut child) = self.child.take() {
            child.wait().expect("a child can be waited for");
        }
    }

    /// SIGKILL to the process that was started; those that it started live on.
    pub async fn kill_parent(&mut self) {
        let mut child = self.child.take().expect("it runs");
        process::signal(child.id(), Signal::SIGKILL);
        child.wait().expect("a child can be waited for");
    }

    /// Waits until its parent has ended by itself, well.
    pub async fn wait_ended(&mut self) {
        let child = self.child.as_mut().expect("it runs");
        let status = poll::until(&format!("{}'s end", self.name), STOP_BOUND, async || {
            child.try_wait().expect("a child can be waited for").ok_or_else(|| "it lives".to_owned())
        })
        .await;
        assert!(status.success(), "{} ended with {status}", self.name);
    }

    /// SIGTERM to the parent: all of it ends.
    pub async fn stop(&mut self) -> ExitStatus {
        let child = self.child.as_mut().expect("it runs");
        process::signal(child.id(), Signal::SIGTERM);
        poll::until(&format!("{}'s end", self.name), STOP_BOUND, async || {
            child.try_wait().expect("a child can be waited for").ok_or_else(|| "it lives".to_owned())
        })
        .await
    }
}
