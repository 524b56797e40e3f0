//! Asking the ODB, which blocks, and what its refusals mean to a caller.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use busbar_model::{security::INVOKER, unit::StoredReply};
use busbar_store::{Error, Odb, secret::seal};

use crate::{
    app::App,
    connections, etag,
    idempotency::{self, Held},
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
    /// middle changes nothing about that. Of a request with an `Idempotency-Key` it is done once.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Odb) -> Result<T, Problem> + Send + 'static,
    {
        self.once(work, |_, _| None).await
    }

    /// The same with the whole reply, which is kept in the transaction that changes something.
    pub(crate) async fn answer<F>(&self, work: F) -> Result<Response, Problem>
    where
        F: FnOnce(&Odb) -> Result<Response, Problem> + Send + 'static,
    {
        self.once(work, Held::reply).await
    }

    async fn once<T, F, R>(&self, work: F, reply: R) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Odb) -> Result<T, Problem> + Send + 'static,
        R: FnOnce(&Held, &mut T) -> Option<StoredReply> + Send + 'static,
    {
        let (odb, hint, held) = (self.odb.clone(), self.hint.clone(), idempotency::held());
        let work = move || {
            let done = match held {
                None => work(&odb)?,
                Some(held) => held.apply(&odb, work, reply)?,
            };
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
                let path = format!("/{}", taken.member);
                conflict("address-taken").with_error(&path, format!("channel {:?} has it", taken.other))
            }
            Error::NoSoap(problem) => conflict("no-soap").with_error("/service", problem.reason.clone()),
            Error::InUse { users, .. } => {
                let uses = |problem: Self, user: &String| problem.with_error("", format!("{user} uses it"));
                users.iter().fold(conflict("in-use"), uses)
            }
            Error::DictionariesFull { .. } => conflict("dictionaries-full"),
            Error::WsdlsFull { .. } => conflict("wsdls-full").with_error("/wsdl", error.to_string()),
            Error::GoesWithPlugin { .. } => conflict("plugin-active"),
            Error::ClaimTakenOver => idempotency::under_way(),
            Error::Seal(seal::Error::AnotherKey { .. }) => conflict("another-master-key"),
            Error::ServiceTaken { .. } => conflict("service-taken"),
            Error::NotPrepared { .. } => conflict("not-prepared"),
            Error::WrongState { .. } | Error::DeliveryState { .. } => conflict("wrong-state"),
            Error::StillLive { .. } => conflict("still-live"),
            Error::MemberTaken { .. } => conflict("member-taken"),
            Error::NotActive { .. } => conflict("not-active"),
            Error::NotQuarantined { .. } => conflict("not-quarantined"),
            Error::NothingToRollBackTo { .. } => conflict("nothing-to-roll-back-to"),
            Error::UnknownSecurity { .. } => {
                conflict("unknown-security").with_error("/security", error.to_string())
            }
            Error::UnknownCalendar { .. } => {
                conflict("unknown-calendar").with_error("/calendar", error.to_string())
            }
            Error::RunUnderWay { .. } => conflict("run-under-way"),
            Error::TooManyRuns { .. } => conflict("too-many-runs"),
            Error::UnknownConnection { .. } => {
                conflict("unknown-connection").with_error("/amqp/connection", error.to_string())
            }
            Error::UnfitConnection { .. } => {
                conflict("unfit-connection").with_error("/amqp/connection", error.to_string())
            }
            Error::UnusableWsdl(_) => conflict("unusable-wsdl").with_error("/wsdl", error.to_string()),
            Error::KindStays { .. } => conflict("another-kind").with_error("/kind", error.to_string()),
            Error::SoapOnly { name, .. } => {
                let path = if name.as_str() == INVOKER { "/name" } else { "/security" };
                conflict("soap-only").with_error(path, error.to_string())
            }
            Error::SecretRequired { what, .. } => {
                conflict("secret-required").with_error(&connections::path(what), error.to_string())
            }
            Error::NoCredential { .. } | Error::NoValue { .. } => Self::invalid_at("", error.to_string()),
            Error::InvalidCursor(_) => Self::invalid_at("/before", error.to_string()),
            Error::RevisionMismatch { current } => Self::new(Kind::PreconditionFailed, error.to_string())
                .with_header(header::ETAG, etag::of(*current)),
            Error::Busy | Error::Connections(_) | Error::Lost(_) | Error::Unwritable(_) => away(error),
            _ => Self::internal(error),
        }
    }
}

/// The ODB can't do it at present.
fn away(error: Error) -> Problem {
    let (text, again_s) = match &error {
        Error::Lost(_) => (
            "the connection to the operational database was lost; whether anything was changed is not known",
            "1",
        ),
        Error::Unwritable(_) => ("the operational database can't be written; its disk may be full", "5"),
        _ => ("the operational database is busy; try again", "1"),
    };
    Problem::new(Kind::Unavailable, text)
        .with_header(header::RETRY_AFTER, HeaderValue::from_static(again_s))
        .with_cause(error)
}
