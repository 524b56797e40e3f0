//! What can go wrong between the bus and its database.

use std::path::PathBuf;

use busbar_model::{DeploymentState, Name, definitions::AddressTaken, delivery::DeliveryState};
use busbar_soap::binding::Problem;

use crate::{dialect, secret::seal};

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} {name:?} does not exist")]
    NotFound { what: &'static str, name: String },
    #[error("{what} {name:?} exists already")]
    NameTaken { what: &'static str, name: Name },
    #[error(transparent)]
    AddressTaken(#[from] AddressTaken),
    #[error(transparent)]
    NoSoap(#[from] Problem),
    #[error("security definition {name:?} does not exist")]
    UnknownSecurity { name: Name },
    #[error("connection {name:?} does not exist")]
    UnknownConnection { name: Name },
    #[error("connection {name:?} is of kind {kind}, and channels come in by those of kind {wanted}")]
    UnfitConnection { name: Name, kind: String, wanted: &'static str },
    /// It says where.
    #[error("the WSDL can't be used: {0}")]
    UnusableWsdl(String),
    #[error("connection {name:?} is of kind {kind}: make a new one to have another kind")]
    KindStays { name: Name, kind: &'static str },
    #[error(
        "security definition {name:?} is of the kind ws-security, which is for SOAP channels only, not for {user}"
    )]
    SoapOnly { name: Name, user: String },
    #[error("calendar {name:?} does not exist")]
    UnknownCalendar { name: Name },
    #[error("{would} {what} would be too many: allowed is {most} in all")]
    DictionariesFull { what: &'static str, would: i64, most: i64 },
    #[error("{would} bytes of connections' WSDLs would be too many: allowed is {most} in all")]
    WsdlsFull { would: usize, most: usize },
    #[error("job {name:?} has a run that has not ended, and its runs may not overlap")]
    RunUnderWay { name: Name },
    #[error("job {name:?} has {most} runs that have not ended; no more are taken")]
    TooManyRuns { name: Name, most: usize },
    #[error("{of} {name:?} has no {what} yet, so one must be given")]
    NoCredential { of: &'static str, name: Name, what: &'static str },
    /// Whoever may change where a connection leads must not get to see its secrets there.
    #[error(
        "connection {name:?} would show its {what} to another system, or without TLS, so it must be given again"
    )]
    SecretRequired { name: Name, what: &'static str },
    #[error("secret {name:?} has no value yet, so one must be given")]
    NoValue { name: Name },
    #[error("{what} {name:?} is in use by {}", users.join(", "))]
    InUse { what: &'static str, name: Name, users: Vec<String> },
    /// Someone else changed the object since it was read.
    #[error("the object was changed meanwhile; its revision is {current}")]
    RevisionMismatch { current: i64 },
    #[error("service {service:?} belongs to plugin {plugin:?}")]
    ServiceTaken { service: Name, plugin: Name },
    #[error("deployment is not prepared on {}", servers.join(", "))]
    NotPrepared { servers: Vec<String> },
    #[error("the lease passed on to another owner")]
    Fenced,
    #[error("{role} {name:?} is a member already: forget it first, or take another name")]
    MemberTaken { role: String, name: String },
    /// A server that lives has the name.
    #[error("server {name:?} is another one, which lives: each server of a cluster has a name of its own")]
    LiveNamesake { name: Name },
    #[error("server {name:?} lives: drain and stop it first")]
    StillLive { name: Name },
    #[error("deployment {id} is {from} and can't become {to}")]
    WrongState { id: String, from: DeploymentState, to: DeploymentState },
    #[error("delivery {id} is {state}: nothing can be done about it")]
    DeliveryState { id: String, state: DeliveryState },
    #[error("service {service:?} is offered by plugin {plugin:?}, which is active: it goes with its plugin")]
    GoesWithPlugin { service: Name, plugin: Name },
    #[error("another request with this idempotency key took this one's place")]
    ClaimTakenOver,
    #[error("plugin {plugin:?} is not active")]
    NotActive { plugin: Name },
    #[error("plugin {plugin:?} is not quarantined")]
    NotQuarantined { plugin: Name },
    #[error("plugin {plugin:?} has no earlier version to go back to")]
    NothingToRollBackTo { plugin: Name },
    #[error(transparent)]
    Seal(#[from] seal::Error),
    #[error("page does not begin after {0:?}, which is not from a list like this one")]
    InvalidCursor(String),
    #[error(
        "database URL with scheme {scheme:?} is not supported; supported are \"sqlite:PATH\", \
         \"postgres://USER@HOST/DATABASE\" and \"mysql://USER@HOST/DATABASE\""
    )]
    InvalidUrl { scheme: String },
    #[error(
        "database URL with scheme {scheme:?} needs a Busbar that was built with the feature {feature:?}, and this \
         one was not"
    )]
    MissingFeature { scheme: String, feature: &'static str },
    #[error("database can't be used as it is: its {what} is {is:?} and must {must}")]
    Unsuited { what: &'static str, is: String, must: String },
    /// Copies are made by the database's own tools.
    #[error(
        "a {database} database is copied by {tool} and put back by its counterpart, not by Busbar; keep the master \
         key, busbar.toml and the administrator's token of the server's folder beside the dump"
    )]
    NoCopies { database: &'static str, tool: &'static str },
    #[error("database was migrated by a newer version of Busbar (migration {version} is unknown here)")]
    Newer { version: String },
    #[error("database is not migrated to this version of Busbar")]
    NotMigrated,
    #[error("database file {} is damaged: {finding}", path.display())]
    Damaged { path: PathBuf, finding: String },
    #[error("database stayed locked by others")]
    Busy,
    #[error("every connection to the database stayed in use or none could be made")]
    Connections(#[source] Source),
    #[error("database can't be opened")]
    Open(#[source] Source),
    #[error("migration did not complete")]
    Migration(#[source] Source),
    #[error("file {} can't be used", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// What was stored is not what can be stored.
    #[error("stored {what} {name:?} is damaged")]
    Corrupt { what: &'static str, name: String, source: Source },
    /// What was under way may have been committed.
    #[error("connection to the database was lost")]
    Lost(#[source] Source),
    #[error("database can't be written; its disk is full, or fails")]
    Unwritable(#[source] Source),
    #[error("database refused the statement")]
    Database(#[source] Source),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        if dialect::is_contention(&error) {
            return Self::Busy;
        }
        let (unwritable, lost) = (dialect::is_unwritable(&error), dialect::is_lost(&error));
        let source: Source = Box::new(error);
        match (lost, unwritable) {
            (true, _) => Self::Lost(source),
            (false, true) => Self::Unwritable(source),
            (false, false) => Self::Database(source),
        }
    }
}

impl Error {
    pub(crate) fn not_found(what: &'static str, name: &str) -> Self {
        Self::NotFound { what, name: name.to_owned() }
    }

    /// For `map_err` where a stored text is parsed.
    pub(crate) fn corrupt<E: Into<Source>>(what: &'static str, name: &str) -> impl FnOnce(E) -> Self {
        let name = name.to_owned();
        move |source| Self::Corrupt { what, name, source: source.into() }
    }

    /// Ends a transaction whose closure gives its own error back by other means.
    pub(crate) fn rolled_back() -> Self {
        Self::Database(Box::new(diesel::result::Error::RollbackTransaction))
    }

    pub(crate) fn check_revision(expected: Option<i64>, current: i64) -> Result<(), Self> {
        match expected {
            Some(expected) if expected != current => Err(Self::RevisionMismatch { current }),
            _ => Ok(()),
        }
    }
}
