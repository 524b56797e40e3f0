//! One plugin version's way to being live.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{digest::Digest, name::Name, time::Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentState {
    /// The file is in the ODB.
    Received,
    /// It is a component that offers what it says, and imports only what the bus has.
    Validated,
    /// Machine code for this engine exists on the server.
    Compiled,
    /// Every live server's workers have loaded it.
    Prepared,
    /// It is what callers meet.
    Active,
    /// See the reason.
    Failed,
    /// A newer deployment took its place.
    Superseded,
    /// Taken out of service by command.
    Recalled,
}

impl DeploymentState {
    pub const ALL: [Self; 8] = [
        Self::Received,
        Self::Validated,
        Self::Compiled,
        Self::Prepared,
        Self::Active,
        Self::Failed,
        Self::Superseded,
        Self::Recalled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Validated => "validated",
            Self::Compiled => "compiled",
            Self::Prepared => "prepared",
            Self::Active => "active",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::Recalled => "recalled",
        }
    }

    /// Work is still to be done on it.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Received | Self::Validated | Self::Compiled | Self::Prepared)
    }

    /// Whether a deployment may go from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use DeploymentState::{
            Active, Compiled, Failed, Prepared, Recalled, Received, Superseded, Validated,
        };
        match self {
            // A pending one is superseded where one that was created later is active already.
            Received => matches!(next, Validated | Failed | Superseded),
            Validated => matches!(next, Compiled | Failed | Superseded),
            Compiled => matches!(next, Prepared | Failed | Superseded),
            // Prepared servers may leave and unprepared ones join before the switch.
            Prepared => matches!(next, Active | Compiled | Failed | Superseded),
            Active => matches!(next, Superseded | Recalled),
            Failed | Superseded | Recalled => false,
        }
    }
}

impl fmt::Display for DeploymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeploymentState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("deployment state {text:?} is unknown"))
    }
}

/// How a deployment came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Pickup,
    Api,
    Rollback,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pickup => "pickup",
            Self::Api => "api",
            Self::Rollback => "rollback",
        }
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Pickup, Self::Api, Self::Rollback]
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| format!("deployment source {text:?} is unknown"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    pub id: String,
    /// The file's stem until the component has described itself.
    pub plugin: Name,
    pub digest: Digest,
    pub state: DeploymentState,
    pub reason: Option<String>,
    pub source: Source,
    /// It goes live even if it breaks what callers count on.
    pub forced: bool,
    /// Who asked for it: a user's name, or `pickup`.
    pub actor: String,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    pub servers: Vec<ServerState>,
}

/// A deployment as one server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerState {
    pub server: String,
    pub state: DeploymentState,
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::DeploymentState;

    #[test]
    fn texts_round_trip() {
        for state in DeploymentState::ALL {
            assert_eq!(state.as_str().parse::<DeploymentState>(), Ok(state));
        }
        assert!("Active".parse::<DeploymentState>().is_err());
    }

    #[test]
    fn nothing_leaves_an_end_and_nothing_skips_being_prepared() {
        for next in DeploymentState::ALL {
            for end in [DeploymentState::Failed, DeploymentState::Superseded, DeploymentState::Recalled] {
                assert!(!end.may_become(next), "{end} → {next}");
            }
            let from_prepared = next == DeploymentState::Prepared;
            let to_active = DeploymentState::ALL.iter().filter(|s| s.may_become(DeploymentState::Active));
            assert_eq!(to_active.collect::<Vec<_>>(), [&DeploymentState::Prepared], "{from_prepared}");
        }
    }
}
