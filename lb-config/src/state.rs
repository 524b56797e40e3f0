//! What a cluster wants of its load balancer.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    bounded::Bounded,
    settings::Settings,
    text::{HostName, Name},
};

/// The version is that of the ODB. No two servers have one name or one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct State {
    version: i64,
    servers: Vec<Server>,
    settings: Settings,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub name: Name,
    pub address: Address,
    /// Its share of the traffic beside the others' weights; 0 is as draining.
    #[serde(default = "hundred")]
    pub weight: Bounded<0, 256>,
    #[serde(default)]
    pub wanted: Wanted,
    /// What its certificate must be for, where the hop is TLS. Its name, if nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<HostName>,
}

/// Of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    #[default]
    Ready,
    /// It gets nothing new and ends what it has.
    Drain,
    /// It gets nothing and is not checked.
    Maintenance,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("two servers are named {0}: names are unique")]
    Name(Name),
    #[error("two servers have the address {0}: addresses are unique")]
    Address(Address),
    #[error("the server {0} needs a server_name: the hop is TLS, and its name is no host name")]
    ServerName(Name),
    #[error("two front ends listen at {0}: addresses are unique")]
    Bind(String),
    #[error("no address to listen at is given: front_end needs one at least")]
    NoBind,
    #[error("{key} is {value} ms, more than {limit}_ms: at most as long is allowed")]
    Longer { key: &'static str, value: u64, limit: &'static str },
    #[error("there are {0} servers: 1024 at most are allowed")]
    Servers(usize),
}

const SERVERS_MAX: usize = 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    version: i64,
    servers: Vec<Server>,
    #[serde(default)]
    settings: Settings,
}

const fn hundred() -> Bounded<0, 256> {
    Bounded::nearest(100)
}

impl State {
    /// The order of the servers is that of the file; `first` fills them in this order.
    pub fn new(version: i64, servers: Vec<Server>, settings: Settings) -> Result<Self, Conflict> {
        if servers.len() > SERVERS_MAX {
            return Err(Conflict::Servers(servers.len()));
        }
        let mut names = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for server in &servers {
            // Names that differ in case only are one to people.
            if !names.insert(server.name.as_str().to_ascii_lowercase()) {
                return Err(Conflict::Name(server.name.clone()));
            }
            if !addresses.insert(&server.address) {
                return Err(Conflict::Address(server.address.clone()));
            }
            let over_tls = settings.hop.tls.is_some() && matches!(server.address, Address::Tcp { .. });
            if over_tls && server.tls_name().is_none() {
                return Err(Conflict::ServerName(server.name.clone()));
            }
        }
        settings.check()?;
        Ok(Self { version, servers, settings })
    }

    pub fn version(&self) -> i64 {
        self.version
    }

    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// With what is of the balancer's host only, such as paths.
    pub fn with_settings(self, settings: Settings) -> Result<Self, Conflict> {
        Self::new(self.version, self.servers, settings)
    }
}

impl Server {
    /// Ready, with a weight of 100.
    pub fn new(name: Name, address: Address) -> Self {
        Self { name, address, weight: hundred(), wanted: Wanted::Ready, server_name: None }
    }

    pub(crate) fn tls_name(&self) -> Option<HostName> {
        self.server_name.clone().or_else(|| HostName::new(self.name.as_str()).ok())
    }
}

impl TryFrom<Draft> for State {
    type Error = Conflict;

    fn try_from(draft: Draft) -> Result<Self, Conflict> {
        Self::new(draft.version, draft.servers, draft.settings)
    }
}

impl From<State> for Draft {
    fn from(state: State) -> Self {
        Self { version: state.version, servers: state.servers, settings: state.settings }
    }
}
