//! All definitions at one moment.

use busbar_model::Definitions;

use crate::{channel, connections, error::Error, meta, odb::Odb, plugin, secret, security, service};

impl Odb {
    /// Everything a catalog is built from, exactly as of its version.
    pub fn definitions(&self) -> Result<Definitions, Error> {
        self.read(|connection| {
            let head = meta::head(connection)?;
            Ok(Definitions {
                incarnation: head.incarnation,
                version: head.version,
                plugins: plugin::all(connection)?,
                services: service::all(connection)?,
                channels: channel::all(connection)?,
                connections: connections::all(connection)?,
                securities: security::all(connection)?,
                secrets: secret::all(connection)?,
            })
        })
    }
}
