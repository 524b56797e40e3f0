//! What was applied, when, and what became of it.

use serde::{Deserialize, Serialize};

/// One configuration that was made or found, in force or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1 on, without gaps while the history is kept.
    pub number: u64,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// Of the definitions; `None` where no state was known yet.
    pub version: Option<i64>,
    /// Of the text: `sha256:HEX`.
    pub digest: String,
    /// Of what HAProxy reads besides: certificates and the like. Renewed ones are a reason to reload.
    pub files_digest: String,
    pub origin: Origin,
    pub outcome: Outcome,
    /// Why it was refused or put back; of one in force, what is to be known of it.
    pub reason: Option<String>,
}

/// How a configuration came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Origin {
    /// Rendered from a state.
    Rendered,
    /// Found edited.
    Edited,
    /// Taken from the history at someone's wish.
    Rollback { to: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is being tried; or the agent was killed meanwhile.
    Pending,
    /// In force, by a reload or a start.
    Reloaded,
    /// In force, by runtime commands alone.
    Runtime,
    /// Not fit to be tried; nothing was changed.
    Refused,
    /// Tried, found bad, and the one before put back.
    PutBack,
}

impl Outcome {
    /// Whether it came into force.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Reloaded | Self::Runtime)
    }
}
