//! Which database is spoken to, and how a connection to it is made.

use std::{sync::Arc, time::Duration};

use busbar_model::connection::sql::{self, Invalid, Refused};

use crate::{
    Outside, Secret, SqlError,
    bounds::TRUSTED_IDLE,
    limits::Limits,
    mysql::{self, Mysql},
    postgres::{self, Postgres},
    session::{Session, pair, serve},
    sqlite,
    tls::Encryption,
};

pub(crate) struct Engine {
    place: Place,
    limits: Limits,
}

enum Place {
    Postgres(Arc<postgres::Target>),
    Mysql(mysql::Target),
    Sqlite(Arc<sqlite::Target>),
}

impl Engine {
    pub(crate) fn new(settings: &sql::Sql<Secret>, outside: Outside) -> Result<Self, Refused> {
        settings.check()?;
        let limits = Limits {
            read_only: settings.read_only,
            statement: Duration::from_millis(settings.statement_ms),
            rows_max: settings.rows_max,
            bytes_max: settings.bytes_max,
        };
        let place = match settings.engine {
            sql::Engine::Sqlite => {
                let file = given("file", settings.file.clone())?;
                Place::Sqlite(Arc::new(sqlite::Target::new(file, outside.forbidden)))
            }
            sql::Engine::Postgres => {
                let host = given("host", settings.host.clone())?;
                Place::Postgres(Arc::new(postgres::Target {
                    encryption: Encryption::new(settings.tls.as_ref(), &host, &outside.authorities)
                        .map_err(one)?,
                    host,
                    port: settings.port.or(settings.engine.port()).unwrap_or_default(),
                    database: given("database", settings.database.clone())?,
                    username: given("username", settings.username.clone())?,
                    password: given("password", settings.password.clone())?,
                }))
            }
            sql::Engine::Mysql => {
                let host = given("host", settings.host.clone())?;
                // Only to know whether it can be.
                Encryption::new(settings.tls.as_ref(), &host, &outside.authorities).map_err(one)?;
                Place::Mysql(mysql::Target::new(mysql::Login {
                    tls: settings.tls.as_ref(),
                    host,
                    port: settings.port.or(settings.engine.port()).unwrap_or_default(),
                    database: given("database", settings.database.clone())?,
                    username: given("username", settings.username.clone())?,
                    password: given("password", settings.password.clone())?,
                    bytes_max: settings.bytes_max,
                    trusted: &outside.authorities,
                }))
            }
        };
        Ok(Self { place, limits })
    }

    /// Drives it by a task until nobody has it any more.
    pub(crate) async fn connect(&self) -> Result<Session, SqlError> {
        let (session, orders) = pair();
        let limits = self.limits.clone();
        match &self.place {
            Place::Postgres(target) => {
                let driver = Postgres::connect(target, &self.limits).await?;
                tokio::spawn(serve(driver, orders, limits));
            }
            Place::Mysql(target) => {
                let driver = Mysql::connect(target, &self.limits).await?;
                tokio::spawn(serve(driver, orders, limits));
            }
            Place::Sqlite(target) => sqlite::open(target, &self.limits, orders).await?,
        }
        Ok(session)
    }

    /// Whether a connection that was idle for so long may be lost without that anybody was told.
    pub(crate) fn is_suspect(&self, idle: Duration) -> bool {
        !matches!(self.place, Place::Sqlite(_)) && idle >= TRUSTED_IDLE
    }
}

fn given<T>(member: &'static str, value: Option<T>) -> Result<T, Refused> {
    value.ok_or_else(|| one(Invalid { member, text: "is missing".to_owned() }))
}

fn one(invalid: Invalid) -> Refused {
    Refused(vec![invalid])
}
