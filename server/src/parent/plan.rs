//! What a parent is to run. It travels as JSON from the binary that made it to the parent that follows it,
//! which at a reload may be of the version before.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::boot::Boot;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// What each process is told: for a parent of another version words without a meaning.
    pub(crate) boot: Value,
    /// Of the binary that made the plan.
    pub(crate) version: String,
    /// The server's name.
    #[serde(default)]
    pub(crate) server: String,
    pub(crate) http: SocketAddr,
    #[serde(default)]
    pub(crate) ops: Option<SocketAddr>,
    /// A Unix socket beside `http`.
    #[serde(default)]
    pub(crate) socket: Option<PathBuf>,
    /// Where there is to be an admin process.
    #[serde(default)]
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) workers: u32,
    /// How long a process that drains may take.
    pub(crate) drain_ms: u64,
    /// The text of the settings file that all this was made from, for the config history.
    #[serde(default)]
    pub(crate) settings_text: Option<String>,
}

impl Plan {
    pub(crate) fn new(boot: &Boot, settings_text: String, with_admin: bool) -> serde_json::Result<Self> {
        let settings = &boot.settings;
        Ok(Self {
            boot: serde_json::to_value(boot)?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            server: boot.server_name.clone(),
            http: settings.http.listen,
            socket: settings.http.socket.clone(),
            // In development mode metrics are on the admin address.
            ops: (!boot.development).then_some(settings.ops.listen),
            admin: with_admin.then_some(settings.admin.listen),
            workers: u32::try_from(settings.workers.effective()).unwrap_or(u32::MAX),
            drain_ms: settings.http.drain_ms,
            settings_text: Some(settings_text),
        })
    }
}
