//! The pool of connections.

use diesel::r2d2::{ManageConnection, Pool, R2D2Connection as _};

use crate::{connection::AnyConnection, dialect, error::Error, url::Url};

#[derive(Debug)]
pub(crate) struct Manager {
    pub(crate) url: Url,
}

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = Error;

    fn connect(&self) -> Result<AnyConnection, Error> {
        dialect::connect(&self.url)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        dialect::check(connection)
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        // A connection given back inside a transaction counts as broken.
        std::thread::panicking() || connection.is_broken()
    }
}

/// Connections are made when first needed.
pub(crate) fn pool(url: Url, connections_max: u32) -> Pool<Manager> {
    let wait = dialect::connection_wait(&url);
    Pool::builder()
        .max_size(connections_max.max(1))
        .min_idle(Some(0))
        .connection_timeout(wait)
        .build_unchecked(Manager { url })
}
