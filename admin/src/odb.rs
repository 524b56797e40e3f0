//! Asking the ODB, which blocks, and what its refusals mean to a caller.

use axum::http::{HeaderValue, header};
use busbar_store::{Error, Odb};

use crate::{
    app::App,
    etag,
    problem::{Kind, Problem},
};

impl App {
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Odb) -> Result<T, Problem> + Send + 'static,
    {
        let odb = self.odb.clone();
        tokio::task::spawn_blocking(move || work(&odb)).await.map_err(Problem::internal)?
    }

    /// The same for what changes something: others are told to look. A caller that goes away in the
    /// middle changes nothing about that.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Odb) -> Result<T, Problem> + Send + 'static,
    {
        let (odb, hint) = (self.odb.clone(), self.hint.clone());
        let work = move || {
            let done = work(&odb)?;
            hint();
            Ok(done)
        };
        tokio::task::spawn_blocking(work).await.map_err(Problem::internal)?
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let conflict = |code| Self::new(Kind::Conflict, error.to_string()).with_code(code);
        match &error {
            Error::NotFound { .. } => Self::new(Kind::NotFound, error.to_string()),
            Error::NameTaken { .. } => conflict("name-taken").with_error("/name", error.to_string()),
            Error::AddressTaken(taken) => {
                conflict("address-taken").with_error("/path", format!("channel {:?} has it", taken.other))
            }
            Error::InUse { .. } => conflict("in-use"),
            Error::ServiceTaken { .. } => conflict("service-taken"),
            Error::NotPrepared { .. } => conflict("not-prepared"),
            Error::WrongState { .. } | Error::DeliveryState { .. } => conflict("wrong-state"),
            Error::NotActive { .. } => conflict("not-active"),
            Error::NothingToRollBackTo { .. } => conflict("nothing-to-roll-back-to"),
            Error::UnknownSecurity { .. } => Self::invalid_at("/security", error.to_string()),
            Error::InvalidCursor(_) => Self::invalid_at("/before", error.to_string()),
            Error::RevisionMismatch { current } => Self::new(Kind::PreconditionFailed, error.to_string())
                .with_header(header::ETAG, etag::of(*current)),
            Error::Busy | Error::Connections(_) => {
                Self::new(Kind::Unavailable, "the operational database is busy; try again")
                    .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
                    .with_cause(error)
            }
            _ => Self::internal(error),
        }
    }
}
