//! What is given of a connection, and what becomes of the one that there is. Which members there are is told by its kind.

mod amqp;
mod http;
mod soap;
mod sql;
mod tls;

use std::fmt;

use axum::extract::{FromRequest, Request};
use busbar_model::{
    Name,
    connection::{self, Client, KINDS, KINDS_ALLOWED, soap::Documents},
    fault::FieldError,
};
use busbar_store::{Plaintext, connections::Draft};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    body::{json_within, typed},
    bounds::CONNECTION_BYTES_MAX,
    check::{self, Check, REQUIRED, shown},
    member::{Hidden, Member, Whole},
    problem::Problem,
};

/// A secret; `None`: the present one stays.
type Given = Option<Plaintext>;

/// How an input is refused that is right in itself: of a new connection it is wrong, with one that is there it conflicts.
type Refuse = fn(&'static str, Vec<FieldError>) -> Problem;

/// A new connection, or what is to be changed of one.
pub(crate) struct Body(Map<String, Value>);

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        match json_within(request, CONNECTION_BYTES_MAX).await? {
            Some(Value::Object(members)) => Ok(Self(members)),
            Some(_) => Err(Problem::invalid_at("", "the body is not a JSON object")),
            None => Err(Problem::invalid_at("", "the body is empty")),
        }
    }
}

/// What connections of all kinds have.
#[derive(Deserialize)]
struct Common {
    #[serde(default)]
    name: Member<String>,
    #[serde(default)]
    kind: Member<String>,
    #[serde(default)]
    active: Member<bool>,
}

/// A checked change: `None` leaves a member as it is.
pub(super) struct Edit {
    name: Option<Name>,
    active: Option<bool>,
    /// Those of its kind, which is known with the connection.
    members: Map<String, Value>,
}

/// What is to be changed of a connection of a kind.
enum Change {
    Amqp(Box<amqp::Edit>),
    Http(http::Edit),
    Soap(Box<soap::Edit>),
    Sql(Box<sql::Edit>),
}

impl Body {
    /// The URL that a WSDL is to be fetched from, if it is given by one.
    pub(super) fn wsdl_url(&self) -> Result<Option<String>, Problem> {
        soap::url(&self.0)
    }

    /// The same with documents in place of their URL.
    pub(super) fn with_wsdl(&self, documents: &Documents) -> Self {
        let mut members = self.0.clone();
        members.insert(soap::WSDL.to_owned(), json!(documents));
        Self(members)
    }

    pub(super) fn into_edit(mut self) -> Result<Edit, Problem> {
        let mut check = Check::default();
        let common = common(&mut self.0)?;
        if !common.kind.is_absent() {
            check.refuse("/kind", "is of new connections only");
        }
        let name = common.name.checked(&mut check, "/name", None, check::name);
        let active = common.active.checked(&mut check, "/active", Some(true), Ok::<_, fmt::Error>);
        check.finish()?;
        Ok(Edit { name, active, members: self.0 })
    }

    pub(super) fn into_draft(mut self) -> Result<Draft, Problem> {
        let mut check = Check::default();
        let common = common(&mut self.0)?;
        let kind = check.some("/kind", common.kind.given(), &format!("is required; {KINDS_ALLOWED}"));
        let known = kind.and_then(|kind| {
            let known = KINDS.into_iter().find(|known| *known == kind);
            check.ok("/kind", known.ok_or_else(|| format!("is {:?}; {KINDS_ALLOWED}", shown(&kind))))
        });
        if common.name.is_absent() {
            check.refuse("/name", REQUIRED);
        }
        let name = common.name.checked(&mut check, "/name", None, check::name);
        let active = common.active.checked(&mut check, "/active", Some(true), Ok::<_, fmt::Error>);
        let members = Value::Object(self.0);
        let client = match known.unwrap_or(connection::amqp::KIND) {
            connection::http::KIND => Client::Http(http::new(members, &mut check)?),
            connection::soap::KIND => Client::Soap(soap::new(members, &mut check)?),
            connection::sql::KIND => Client::Sql(typed::<sql::Body>(members)?.into_new(&mut check)?),
            _ => Client::Amqp(typed::<amqp::Body>(members)?.into_new(&mut check)?),
        };
        let name = check.finish_with(name)?;
        Ok(Draft { name, active: active.unwrap_or(true), client })
    }
}

fn common(members: &mut Map<String, Value>) -> Result<Common, Problem> {
    typed(Value::Object(taken(members, &["name", "kind", "active"])))
}

/// These members, which are gone from where they were.
fn taken(members: &mut Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| members.shift_remove_entry(*name)).collect()
}

impl Edit {
    pub(super) fn apply(&self, draft: Draft) -> Result<Draft, Problem> {
        let client = match (self.change(draft.client.kind())?, draft.client) {
            (Change::Amqp(edit), Client::Amqp(before)) => Client::Amqp(edit.apply(before)?),
            (Change::Http(edit), Client::Http(before)) => {
                Client::Http(edit.apply(before, Problem::conflict)?)
            }
            (Change::Soap(edit), Client::Soap(before)) => {
                Client::Soap(edit.apply(before, Problem::conflict)?)
            }
            (Change::Sql(edit), Client::Sql(before)) => Client::Sql(edit.apply(before, Problem::conflict)?),
            // Changes are read by the kind of the connection.
            (_, before) => before,
        };
        Ok(Draft {
            name: self.name.clone().unwrap_or(draft.name),
            active: self.active.unwrap_or(draft.active),
            client,
        })
    }

    /// What would be right for a connection of another kind is not wrong in itself.
    fn change(&self, kind: &str) -> Result<Change, Problem> {
        let right =
            |read: Result<Change, Problem>| read.map_or_else(|problem| problem.is_conflict(), |_| true);
        let fits = |other: &&str| *other != kind && right(Change::read(other, self.members.clone()));
        Change::read(kind, self.members.clone()).map_err(|problem| {
            if KINDS.iter().any(fits) { problem.into_conflict("another-kind") } else { problem }
        })
    }
}

impl Change {
    fn read(kind: &str, members: Map<String, Value>) -> Result<Self, Problem> {
        let mut check = Check::default();
        let members = Value::Object(members);
        let change = match kind {
            connection::http::KIND => Self::Http(http::edit(members, &mut check)?),
            connection::soap::KIND => Self::Soap(Box::new(soap::edit(members, &mut check)?)),
            connection::sql::KIND => Self::Sql(Box::new(typed::<sql::Body>(members)?.into_edit(&mut check))),
            _ => Self::Amqp(Box::new(typed::<amqp::Body>(members)?.into_edit(&mut check))),
        };
        check.finish()?;
        Ok(change)
    }
}

/// From 1 on.
fn small(most: u16) -> impl FnOnce(Whole) -> Result<u16, String> {
    move |given: Whole| {
        let within = given.within(1, most.into())?;
        u16::try_from(within).map_err(|error| error.to_string())
    }
}

/// A value that no message repeats.
fn hidden(
    given: Member<Hidden>,
    check: &mut Check,
    path: &str,
    parse: impl FnOnce(String) -> Result<String, String>,
) -> Option<Plaintext> {
    let checked = |Hidden(value): Hidden| parse(value.reveal().to_owned()).map(|_| value);
    given.checked(check, path, None, checked)
}
