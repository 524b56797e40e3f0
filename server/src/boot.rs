//! What the parent tells a process that it starts: one JSON text on its standard input.

use std::{
    ffi::OsString,
    io::{self, Read as _},
    os::unix::process::{CommandExt as _, parent_id},
    path::PathBuf,
    process::Command,
};

use nix::sys::{prctl, signal::Signal};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{layout::Layout, settings::Settings};

/// The descriptor by which a child inherits its listening socket.
pub(crate) const LISTENER_FD: i32 = 3;

/// The descriptor by which a worker inherits the memory that tells whose calls it has under way.
pub(crate) const IN_FLIGHT_FD: i32 = 4;

/// The descriptor by which a worker inherits the Unix socket, where there is one.
pub(crate) const SOCKET_FD: i32 = 5;

/// The descriptor by which a worker inherits the memory in which workers tell how many connections they have.
pub(crate) const SHARE_FD: i32 = 6;

/// For every kind of child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Boot {
    pub(crate) layout: Layout,
    pub(crate) settings: Settings,
    pub(crate) odb_url: String,
    pub(crate) server_id: String,
    pub(crate) server_name: String,
    /// Conveniences for one person on one machine: loopback only, channels made by themselves,
    /// everything granted.
    pub(crate) development: bool,
    /// Of a worker: its place among the workers.
    pub(crate) slot: u32,
    /// Of a worker: that it has inherited [`SHARE_FD`].
    #[serde(default)]
    pub(crate) shares: bool,
    /// Tells the processes that were started together from those that they replace, or that replace
    /// them.
    #[serde(default)]
    pub(crate) generation: String,
    /// The process that started it.
    #[serde(default)]
    pub(crate) parent: u32,
}

impl Boot {
    /// What all processes of a server have in common.
    pub(crate) fn new(
        layout: Layout,
        settings: Settings,
        odb_url: String,
        server_id: String,
        server_name: String,
    ) -> Self {
        Self {
            layout,
            settings,
            odb_url,
            server_id,
            server_name,
            development: false,
            slot: 0,
            shares: false,
            generation: String::new(),
            parent: 0,
        }
    }

    /// What is the bus's own, files and folders: no connection of others opens them. The ODB is among them where it is a
    /// file, and what SQLite puts beside it goes with it.
    pub(crate) fn own_files(&self) -> Vec<PathBuf> {
        let odb = self.odb_url.strip_prefix("sqlite:");
        let odb = odb.map(|path| PathBuf::from(path.strip_prefix("//").unwrap_or(path)));
        let layout = &self.layout;
        let mut own = vec![
            layout.artifacts(),
            layout.run(),
            layout.logs(),
            layout.tls(),
            layout.pickup(),
            layout.master_key(),
            crate::master_key::path(layout, &self.settings),
        ];
        own.extend(odb);
        own
    }

    /// Where balancers reach the server; nowhere where it is for this machine only.
    pub(crate) fn address(&self) -> Option<String> {
        if self.development {
            return None;
        }
        let port = self.settings.http.listen.port();
        let host = || match self.settings.http.listen.ip() {
            ip if ip.is_unspecified() => nix::unistd::gethostname().ok()?.into_string().ok(),
            std::net::IpAddr::V6(ip) => Some(format!("[{ip}]")),
            ip => Some(ip.to_string()),
        };
        let socket = self.settings.http.socket.as_ref().map(|path| path.display().to_string());
        let set = self.settings.server.address.clone().or(socket);
        set.or_else(|| host().filter(|_| port > 0).map(|host| format!("{host}:{port}")))
    }
}

/// A command that runs this very binary as something else. A newer one that was put in its place
/// meanwhile is for the next start or reload: processes of one generation are of one version.
pub(crate) fn this_binary() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(std::env::args_os().next().unwrap_or_else(|| OsString::from("busbar")));
    command
}

/// What the parent said. Until `let_go` the process ends with its parent: while others can't find it by its
/// control socket, nobody would look after it.
pub(crate) fn receive_as_child() -> anyhow::Result<Boot> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let boot: Boot = receive()?;
    // It may have ended before.
    if boot.parent != parent_id() {
        return Err(io::Error::other("the parent is gone").into());
    }
    Ok(boot)
}

/// The process can be found: it lives on when its parent dies.
pub(crate) fn let_go() -> io::Result<()> {
    Ok(prctl::set_pdeathsig(None::<Signal>)?)
}

/// Reads what the parent said.
pub(crate) fn receive<T: DeserializeOwned>() -> anyhow::Result<T> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}
