//! HAProxy's runtime commands, where they do what a reload would.

use std::fmt;

use crate::diff::{Diff, ServerChange, ServerLine};

/// One command, which HAProxy answers with an empty line if it was obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    SetWeight {
        server: String,
        weight: u32,
    },
    SetMaintenance(String),
    SetReady(String),
    /// A server that is added is in maintenance until it is set ready, and inherits no `default-server`.
    AddServer {
        server: String,
        address: String,
        parameters: Vec<String>,
    },
    /// Checks of a server that was added do not begin by themselves.
    EnableHealth(String),
    /// Refused while a connection to it is there: to be tried again, or done by a reload.
    DeleteServer(String),
}

/// What `add server` of HAProxy 2.6 takes, with how many words follow.
const TAKEN: &[(&str, usize)] = &[
    ("alpn", 1),
    ("backup", 0),
    ("ca-file", 1),
    ("check", 0),
    ("check-alpn", 1),
    ("check-sni", 1),
    ("check-ssl", 0),
    ("crl-file", 1),
    ("crt", 1),
    ("error-limit", 1),
    ("fall", 1),
    ("fastinter", 1),
    ("downinter", 1),
    ("inter", 1),
    ("maxconn", 1),
    ("maxqueue", 1),
    ("observe", 1),
    ("on-error", 1),
    ("on-marked-down", 1),
    ("on-marked-up", 1),
    ("pool-low-conn", 1),
    ("pool-max-conn", 1),
    ("pool-purge-delay", 1),
    ("port", 1),
    ("rise", 1),
    ("slowstart", 1),
    ("sni", 1),
    ("ssl", 0),
    ("ssl-max-ver", 1),
    ("ssl-min-ver", 1),
    ("verify", 1),
    ("verifyhost", 1),
];

impl Diff {
    /// The commands that make a running HAProxy do what the new configuration says, in their order; `None`: it takes a
    /// reload. Servers come before others go.
    pub fn runtime(&self) -> Option<Vec<Command>> {
        if !self.sections.is_empty() {
            return None;
        }
        let (mut come, mut change, mut go) = (Vec::new(), Vec::new(), Vec::new());
        for server in &self.servers {
            match server {
                ServerChange::Added { backend, server, defaults, dynamic } => {
                    come.extend(add(backend, server, defaults).filter(|_| *dynamic)?);
                }
                ServerChange::Removed { backend, server } => {
                    let name = addressed(backend, server)?;
                    go.extend([Command::SetMaintenance(name.clone()), Command::DeleteServer(name)]);
                }
                ServerChange::Changed { backend, before, after } => {
                    change.extend(alter(&addressed(backend, after)?, before, after)?);
                }
            }
        }
        come.append(&mut change);
        come.append(&mut go);
        Some(come)
    }
}

/// What the command line can carry without being cut elsewhere.
fn plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && !b";\\\"'<#$".contains(&byte))
}

fn addressed(backend: &str, server: &ServerLine) -> Option<String> {
    (plain(backend) && plain(&server.name)).then(|| format!("{backend}/{}", server.name))
}

fn add(backend: &str, server: &ServerLine, defaults: &[String]) -> Option<Vec<Command>> {
    let name = addressed(backend, server)?;
    let mut parameters = taken(defaults.iter().chain(&server.parameters))?;
    parameters.extend(["weight".to_owned(), server.weight.to_string()]);
    // A name would not be resolved before the next reload.
    let resolved =
        server.address.starts_with("unix@") || server.address.parse::<std::net::SocketAddr>().is_ok();
    if !resolved || !plain(&server.address) {
        return None;
    }
    let checked = parameters.iter().any(|word| word == "check");
    let mut commands =
        vec![Command::AddServer { server: name.clone(), address: server.address.clone(), parameters }];
    if checked {
        commands.push(Command::EnableHealth(name.clone()));
    }
    if !server.disabled {
        commands.push(Command::SetReady(name));
    }
    Some(commands)
}

fn taken<'a>(mut words: impl Iterator<Item = &'a String>) -> Option<Vec<String>> {
    let mut taken = Vec::new();
    while let Some(word) = words.next() {
        if word == "init-addr" {
            words.next()?;
            continue;
        }
        let (_, following) = TAKEN.iter().find(|(keyword, _)| keyword == word)?;
        taken.push(word.clone());
        for _ in 0..*following {
            taken.push(words.next().filter(|value| plain(value))?.clone());
        }
    }
    Some(taken)
}

fn alter(name: &str, before: &ServerLine, after: &ServerLine) -> Option<Vec<Command>> {
    if before.address != after.address || before.parameters != after.parameters || after.weight > 256 {
        return None;
    }
    let mut commands = Vec::new();
    if before.weight != after.weight {
        commands.push(Command::SetWeight { server: name.to_owned(), weight: after.weight });
    }
    match (before.disabled, after.disabled) {
        (false, true) => commands.push(Command::SetMaintenance(name.to_owned())),
        (true, false) => commands.push(Command::SetReady(name.to_owned())),
        _ => {}
    }
    Some(commands)
}

/// As the socket takes it, without the end of the line.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetWeight { server, weight } => write!(f, "set server {server} weight {weight}"),
            Self::SetMaintenance(server) => write!(f, "set server {server} state maint"),
            Self::SetReady(server) => write!(f, "set server {server} state ready"),
            Self::AddServer { server, address, parameters } => {
                write!(f, "add server {server} {address} {}", parameters.join(" "))
            }
            Self::EnableHealth(server) => write!(f, "enable health {server}"),
            Self::DeleteServer(server) => write!(f, "del server {server}"),
        }
    }
}
