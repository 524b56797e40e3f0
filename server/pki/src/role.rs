//! What a member does in the cluster, and what its certificate is good for.

use std::{fmt, str::FromStr};

use rcgen::ExtendedKeyUsagePurpose;

use crate::Error;

/// Stands in a certificate, and is checked by whoever it is shown to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Serves the data plane and the ops port; a client of the admin.
    Server,
    /// HAProxy and its agent: a client only.
    Balancer,
    /// The admin API; a client of servers.
    Admin,
    /// A person's command line: a client only.
    Operator,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Server, Self::Balancer, Self::Admin, Self::Operator];

    /// As in certificates: lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Balancer => "balancer",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    /// Whether it may be the server of a TLS connection. All roles may be clients.
    pub fn serves(self) -> bool {
        matches!(self, Self::Server | Self::Admin)
    }

    pub(crate) fn purposes(self) -> Vec<ExtendedKeyUsagePurpose> {
        let mut purposes = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if self.serves() {
            purposes.insert(0, ExtendedKeyUsagePurpose::ServerAuth);
        }
        purposes
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| Error::Role { text: text.to_owned() })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
