//! What `show info` says of the process.

use serde::{Deserialize, Serialize};

/// Of the worker that answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    pub version: String,
    pub pid: u32,
    pub uptime_s: u64,
    pub threads: u64,
    pub connections: u64,
    pub connections_max: u64,
    pub connections_total: u64,
    pub requests_total: u64,
    pub tls_connections: u64,
    /// Of the last second.
    pub connections_per_s: u64,
    pub idle_percent: u64,
    /// Files and sockets it may have open.
    pub descriptors_max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    #[error("{0} is missing: it is no answer to \"show info\"")]
    Missing(&'static str),
    #[error("{field} is {value:?}: a whole number is expected")]
    Number { field: &'static str, value: String },
}

pub fn parse(text: &str) -> Result<Info, InfoError> {
    let find = |field: &'static str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(name, _)| *name == field).map(|(_, value)| value.trim()).ok_or(InfoError::Missing(field))
    };
    let number = |field: &'static str| {
        let value = find(field)?;
        value.parse::<u64>().map_err(|_| InfoError::Number { field, value: value.to_owned() })
    };
    Ok(Info {
        version: find("Version")?.to_owned(),
        pid: find("Pid").and_then(|value| {
            value.parse().map_err(|_| InfoError::Number { field: "Pid", value: value.to_owned() })
        })?,
        uptime_s: number("Uptime_sec")?,
        threads: number("Nbthread")?,
        connections: number("CurrConns")?,
        connections_max: number("Maxconn")?,
        connections_total: number("CumConns")?,
        requests_total: number("CumReq")?,
        tls_connections: number("CurrSslConns")?,
        connections_per_s: number("ConnRate")?,
        idle_percent: number("Idle_pct")?,
        descriptors_max: number("Ulimit-n")?,
    })
}
