//! Putting a whole configuration in place: one transaction, through the same code as single edits.

mod calendars;
mod channels;
mod connections;
mod dictionaries;
mod jobs;
mod plugins;
mod secrets;
mod securities;
mod services;

use busbar_model::{
    calendar, channel,
    configuration::{PluginEntry, ServiceEntry},
    dictionary, job,
};

pub use secrets::SecretWish;
pub use securities::{SecurityWish, Wish};

use crate::{
    change::{By, Edit, Recorder},
    connection::AnyConnection,
    connections::Draft as Connection,
    error::Error,
    odb::Odb,
    secret::seal::MasterKey,
};

/// The definitions that there are to be.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub security: Vec<SecurityWish>,
    pub secrets: Vec<SecretWish>,
    pub plugins: Vec<PluginEntry>,
    pub services: Vec<ServiceEntry>,
    pub connections: Vec<Connection>,
    pub channels: Vec<channel::Draft>,
    pub calendars: Vec<calendar::Draft>,
    pub jobs: Vec<job::Draft>,
    pub dictionaries: Vec<dictionary::Draft>,
}

/// Why one of them can't be.
#[derive(Debug)]
pub struct Refusal {
    /// JSON Pointer (RFC 6901) into the document.
    pub path: String,
    pub error: Error,
}

/// What came of it.
#[derive(Debug)]
pub struct Applied {
    /// What was done, or would be.
    pub edits: Vec<Edit>,
    /// If there is any, nothing was done.
    pub refusals: Vec<Refusal>,
}

/// A transaction that puts definitions in place. What can't be is noted, so that all of it is said at
/// once; the transaction is given up at its end then.
struct Apply<'t> {
    connection: &'t mut AnyConnection,
    recorder: &'t mut Recorder,
    by: &'t By,
    key: &'t MasterKey,
    refusals: Vec<Refusal>,
}

impl Odb {
    /// Makes missing definitions and changes those that differ. With `prune` those that are not wanted
    /// go: jobs, calendars, channels, connections, dictionaries, security definitions and secrets are deleted, as are
    /// plugins that nothing was deployed of;
    /// a deployed plugin gets back the grants, config and limits of one that nobody has set them for.
    /// Nothing is done where anything is refused, nor with `dry_run`.
    pub fn apply(
        &self,
        by: &By,
        key: &MasterKey,
        wanted: &Wanted,
        prune: bool,
        dry_run: bool,
    ) -> Result<Applied, Error> {
        let mut given_up = None;
        let done = self.change(by, |connection, recorder| {
            let mut apply = Apply { connection, recorder, by, key, refusals: Vec::new() };
            apply.put(wanted, prune)?;
            let applied = Applied { edits: apply.recorder.edits(), refusals: apply.refusals };
            if applied.refusals.is_empty() && !dry_run {
                return Ok(applied);
            }
            given_up = Some(applied);
            Err(Error::rolled_back())
        });
        given_up.map_or(done, Ok)
    }
}

impl Apply<'_> {
    /// What others refer to comes first, and goes last.
    fn put(&mut self, wanted: &Wanted, prune: bool) -> Result<(), Error> {
        self.put_securities(&wanted.security)?;
        self.put_secrets(&wanted.secrets)?;
        self.put_connections(&wanted.connections)?;
        self.put_plugins(&wanted.plugins)?;
        self.put_services(&wanted.services)?;
        if prune {
            self.prune_channels(&wanted.channels)?;
        }
        self.put_channels(&wanted.channels)?;
        self.check_guards()?;
        self.check_soap(&wanted.channels)?;
        self.put_calendars(&wanted.calendars)?;
        self.put_jobs(&wanted.jobs)?;
        if prune {
            self.prune_jobs(&wanted.jobs)?;
            self.prune_calendars(&wanted.calendars)?;
            self.prune_plugins(&wanted.plugins)?;
            self.prune_services(&wanted.services)?;
            self.prune_securities(&wanted.security)?;
            self.prune_secrets(&wanted.secrets)?;
            self.prune_connections(&wanted.connections)?;
            self.prune_dictionaries(&wanted.dictionaries)?;
        }
        // Last: there may be room for them only then.
        self.put_dictionaries(&wanted.dictionaries)?;
        self.require_wsdl_room()?;
        Ok(())
    }

    /// Notes what is refused for a reason that its author can do something about.
    fn note<T>(&mut self, path: impl FnOnce() -> String, done: Result<T, Error>) -> Result<Option<T>, Error> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(
                error @ (Error::NotFound { .. }
                | Error::NameTaken { .. }
                | Error::AddressTaken(_)
                | Error::UnknownSecurity { .. }
                | Error::UnknownCalendar { .. }
                | Error::UnknownConnection { .. }
                | Error::UnfitConnection { .. }
                | Error::KindStays { .. }
                | Error::UnusableWsdl(_)
                | Error::SoapOnly { .. }
                | Error::NoSoap(_)
                | Error::NoCredential { .. }
                | Error::SecretRequired { .. }
                | Error::NoValue { .. }
                | Error::DictionariesFull { .. }
                | Error::WsdlsFull { .. }
                | Error::InUse { .. }
                | Error::ServiceTaken { .. }),
            ) => {
                self.refusals.push(Refusal { path: path(), error });
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}
