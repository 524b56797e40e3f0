//! A server that one test has to itself.

use std::{path::PathBuf, process::Child};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::{
    guardian::Guardian,
    kind::Kind,
    node::{self, Place, free_port},
};

/// Ends with its files when it is dropped, or when the test is gone.
#[derive(Debug)]
pub struct Server {
    place: Place,
    process: Option<Child>,
    /// Before the folder: it wants to find it.
    guardian: Option<Guardian>,
    _folder: TempDir,
}

impl Server {
    pub fn start(kind: Kind) -> Self {
        Self::start_as(kind, false)
    }

    /// One that takes connections by TLS, too.
    pub fn start_encrypted(kind: Kind) -> Self {
        Self::start_as(kind, true)
    }

    fn start_as(kind: Kind, encrypted: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("database-").tempdir().expect("a folder can be made");
        let guardian = Guardian::of(folder.path());
        let mut place = Place::new(kind, folder.path(), free_port());
        place.encrypted = encrypted;
        place.prepare();
        let process = place.start();
        Self { place, process: Some(process), guardian: Some(guardian), _folder: folder }
    }

    /// The certificate by which it is known.
    pub fn certificate(&self) -> PathBuf {
        self.place.path("tls.crt")
    }

    pub fn port(&self) -> u16 {
        self.place.port
    }

    /// The URL of a database that is made.
    pub fn database(&self, name: &str) -> String {
        self.sql(None, &format!("CREATE DATABASE {name}"));
        self.place.kind.url(self.place.port, name)
    }

    /// Rows of statements, a line each.
    pub fn sql(&self, database: Option<&str>, statements: &str) -> String {
        self.place.try_sql(database, statements).unwrap_or_else(|error| panic!("{statements}: {error}"))
    }

    /// Its clients lose their connections at once, and can't make new ones.
    pub fn stop(&mut self) {
        let signal = match self.place.kind {
            Kind::Postgres => Signal::SIGINT,
            Kind::Mariadb => Signal::SIGTERM,
        };
        self.end(signal);
    }

    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// Starts it again, with what it had, on the same port.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        self.process = Some(self.place.start());
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            node::end(&mut process, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(Signal::SIGKILL);
        drop(self.guardian.take());
    }
}
