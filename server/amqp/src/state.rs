//! What a link is doing.

use std::time::Instant;

use crate::reason::Reason;

#[derive(Clone, Debug)]
pub enum State {
    /// For the first time.
    Connecting,
    Connected,
    Reconnecting {
        /// When it was connected last, or the first attempt failed.
        since: Instant,
        /// Of the latest attempt.
        reason: Reason,
        /// That failed since then.
        attempts: u32,
    },
    /// Connected, but the broker takes no messages: it lacks memory or disk.
    Blocked {
        since: Instant,
        /// In the broker's words.
        reason: String,
    },
    /// For good.
    Stopped,
}

impl State {
    /// Why there is no connection.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Reconnecting { reason, .. } => reason.clone(),
            Self::Stopped => Reason::Stopped,
            Self::Connecting | Self::Connected | Self::Blocked { .. } => Reason::Untried,
        }
    }
}
