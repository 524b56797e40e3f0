//! Servers and their workers, as the API tells of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    answer::{Error, views},
    api::Api,
};

pub(crate) const PATH: &str = "/api/v1/servers";
const DRAINING: &str = "draining";

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Server {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
    /// Whether a deployment waits for it.
    pub(crate) live: bool,
    #[serde(default)]
    pub(crate) heartbeat_at: String,
    #[serde(default)]
    pub(crate) leads: bool,
    #[serde(default)]
    pub(crate) wanted: String,
    #[serde(default)]
    pub(crate) condition: String,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) address: Option<String>,
    #[serde(default)]
    pub(crate) workers: Vec<Worker>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Worker {
    pub(crate) slot: u32,
    pub(crate) pid: u32,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) catalog_version: i64,
    /// The digest of each plugin that new calls meet.
    #[serde(default)]
    pub(crate) plugins: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) load: Load,
}

/// What it lacked a moment ago.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Load {
    #[serde(default)]
    pub(crate) connections: u64,
    #[serde(default)]
    pub(crate) troubles: Vec<String>,
}

impl Worker {
    pub(crate) fn runs(&self, plugin: &str, digest: &str) -> bool {
        self.plugins.get(plugin).is_some_and(|running| running == digest)
    }
}

impl Server {
    /// Workers that take new calls, or will.
    pub(crate) fn serving(&self) -> impl Iterator<Item = &Worker> {
        self.workers.iter().filter(|worker| worker.state != DRAINING)
    }
}

pub(crate) async fn list(api: &Api) -> Result<Vec<Server>, Error> {
    views(&api.list(PATH).await?)
}
