//! All definitions at one moment.

use busbar_model::{Definitions, Timetable};

use crate::{
    calendar, channel, connection::AnyConnection, connections, dictionary, error::Error, job, meta, odb::Odb,
    plugin, secret, security, service,
};

impl Odb {
    /// Everything a catalog is built from, exactly as of its version.
    pub fn definitions(&self) -> Result<Definitions, Error> {
        self.read(definitions)
    }

    /// The same with the jobs and calendars, which no catalog needs.
    pub fn configuration(&self) -> Result<(Definitions, Timetable), Error> {
        self.read(|connection| {
            let timetable = Timetable { calendars: calendar::all(connection)?, jobs: job::all(connection)? };
            Ok((definitions(connection)?, timetable))
        })
    }
}

fn definitions(connection: &mut AnyConnection) -> Result<Definitions, Error> {
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
        dictionaries: dictionary::all(connection)?,
    })
}
