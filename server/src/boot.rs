//! What the parent tells a process that it starts: one JSON text on its standard input.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{layout::Layout, settings::Settings};

/// The descriptor by which a child inherits its listening socket.
pub(crate) const LISTENER_FD: i32 = 3;

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
}

/// Reads what the parent said.
pub(crate) fn receive<T: DeserializeOwned>() -> anyhow::Result<T> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// Starts `command` and says `boot` to it.
pub(crate) fn start<T: Serialize>(command: &mut Command, boot: &T) -> std::io::Result<Child> {
    let text = serde_json::to_vec(boot).map_err(std::io::Error::other)?;
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&text)?;
    }
    Ok(child)
}
