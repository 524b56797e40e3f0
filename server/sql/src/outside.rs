//! What a connection asks of its surroundings.

use std::path::PathBuf;

pub use crate::tls::Authorities;

/// A process clones one for all its connections.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Whom the machine trusts, for connections that name no authority.
    pub authorities: Authorities,
    /// Files that no connection may open, by whatever path, with what SQLite puts beside them; and folders with all
    /// below them: the bus's own. Looked at when a connection is opened.
    pub forbidden: Vec<PathBuf>,
}
