//! How a balancer does, as its agent tells it.

use serde::{Deserialize, Serialize};

use crate::{diff::Diff, history::Entry, info::Info, stats::ServerStats, validate::Finding};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The agent's name.
    pub agent: String,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// What is in force; `None` before the first.
    pub applied: Option<Entry>,
    /// The newest version that the agent has heard of.
    pub wanted_version: Option<i64>,
    pub standing: Standing,
    /// `None`: HAProxy does not answer.
    pub haproxy: Option<Info>,
    pub servers: Vec<ServerStats>,
    /// Of the configuration in force.
    pub findings: Vec<Finding>,
    /// Whether HAProxy has read the files that its configuration names as they stand there.
    #[serde(default)]
    pub files_read: bool,
    /// How often HAProxy was started again after it had died, since the agent began.
    pub restarts: u64,
}

/// Of the configuration in force beside what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Standing {
    /// Nothing was wanted yet, and nothing is in force.
    Waiting,
    Ok,
    /// What is wanted, or was written by hand, is not in force, and why.
    Failed {
        reason: String,
    },
    /// What is in force was edited by hand outside the places for own lines.
    Drift {
        diff: Diff,
    },
    /// An earlier one is in force at someone's wish, until they say otherwise.
    RolledBack {
        to: u64,
    },
}
