//! Where a running server is reached, told once all of it is up.

use std::net::TcpListener;

use crate::{
    layout::{self, Layout},
    parent::{Ended, listeners::Listeners},
};

#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Endpoints {
    pub(crate) http: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admin: Option<String>,
    pub(crate) pid: u32,
    #[serde(skip)]
    pub(crate) folder: String,
}

impl Endpoints {
    pub(crate) fn of(layout: &Layout, listeners: &Listeners) -> Result<Self, Ended> {
        // Where the folder is one of a member of a cluster, TLS is what is spoken.
        let scheme = if layout.tls().join("current").exists() { "https" } else { "http" };
        let url =
            |listener: &TcpListener| listener.local_addr().map(|address| format!("{scheme}://{address}"));
        Ok(Self {
            http: url(&listeners.http).map_err(anyhow::Error::from)?,
            admin: listeners.admin.as_deref().map(url).transpose().map_err(anyhow::Error::from)?,
            pid: std::process::id(),
            folder: layout.root().display().to_string(),
        })
    }

    /// Puts them in place of earlier ones, whole.
    pub(crate) fn write(&self, layout: &Layout) {
        let text = serde_json::to_string(self).unwrap_or_default();
        if let Err(error) = layout::write_atomically(&layout.endpoints(), &text) {
            tracing::error!(%error, "endpoints.json could not be written");
        }
    }
}
