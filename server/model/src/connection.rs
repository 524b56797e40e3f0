//! Connections: ways out to systems of others, and what channels of some protocols come in by.

pub mod amqp;
mod destination;
pub mod http;
mod invalid;
pub mod soap;
pub mod sql;

mod pem;
mod shown;
mod url;

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

pub use amqp::Amqp;
pub use http::Http;
pub use invalid::{Invalid, Refused};
pub use soap::Soap;
pub use sql::Sql;

use crate::{name::Name, secret::Sealed, time::Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub id: String,
    pub name: Name,
    /// What is not active is not connected: nothing comes in by it and nothing goes out.
    pub active: bool,
    pub client: Client,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The parts of a connection that its author decides. `S` is what its secrets are: in the clear, sealed, or maybe
/// not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft<S> {
    pub name: Name,
    pub active: bool,
    pub client: Client<S>,
}

/// What a connection is made with, by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Client<S = Sealed> {
    Amqp(Amqp<S>),
    Http(Http<S>),
    Soap(Soap<S>),
    Sql(Sql<S>),
}

/// Kinds of connections, by the names that they have outside.
pub const KINDS: [&str; 4] = [amqp::KIND, http::KIND, soap::KIND, sql::KIND];
pub const KINDS_ALLOWED: &str = "allowed is amqp, http, soap or sql";

/// One of the secrets that a connection may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Of HTTP also the key, token or client secret that it asks for.
    Password,
    /// Of a client certificate.
    ClientKey,
    /// Of WS-Security's UsernameToken.
    TokenPassword,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Password, Self::ClientKey, Self::TokenPassword];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ClientKey => "client_key",
            Self::TokenPassword => "token_password",
        }
    }
}

impl<S> Client<S> {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Amqp(_) => amqp::KIND,
            Self::Http(_) => http::KIND,
            Self::Soap(_) => soap::KIND,
            Self::Sql(_) => sql::KIND,
        }
    }

    pub fn secret(&self, part: Part) -> Option<&S> {
        match self {
            Self::Amqp(amqp) => amqp.secret(part),
            Self::Http(http) => http.secret(part),
            Self::Soap(soap) => soap.secret(part),
            Self::Sql(sql) => sql.secret(part),
        }
    }

    /// What this side shows, without its key.
    pub fn certificate(&self) -> Option<&str> {
        match self {
            Self::Amqp(amqp) => amqp.tls.as_ref()?.certificate(),
            Self::Http(http) => http.settings.tls.client_certificate.as_deref(),
            Self::Soap(soap) => soap.http.settings.tls.client_certificate.as_deref(),
            Self::Sql(sql) => sql.tls.as_ref()?.certificate(),
        }
    }

    /// Whether a secret of the one goes on to serve for the other: a key for the same certificate, a credential of the
    /// same kind.
    pub fn shares<T>(&self, part: Part, other: &Client<T>) -> bool {
        match part {
            Part::ClientKey => self.certificate() == other.certificate(),
            Part::Password => {
                let auth = |one: Option<&http::Auth>| one.map(std::mem::discriminant);
                self.kind() == other.kind() && auth(self.auth()) == auth(other.auth())
            }
            Part::TokenPassword => self.kind() == other.kind(),
        }
    }

    fn auth(&self) -> Option<&http::Auth> {
        match self {
            Self::Amqp(_) | Self::Sql(_) => None,
            Self::Http(http) => Some(&http.settings.auth),
            Self::Soap(soap) => Some(&soap.http.settings.auth),
        }
    }

    /// The same with other secrets.
    pub fn try_map<T, E>(self, secret: &mut impl FnMut(Part, S) -> Result<T, E>) -> Result<Client<T>, E> {
        Ok(match self {
            Self::Amqp(amqp) => Client::Amqp(amqp.try_map(secret)?),
            Self::Http(http) => Client::Http(http.try_map(secret)?),
            Self::Soap(soap) => Client::Soap(soap.try_map(secret)?),
            Self::Sql(sql) => Client::Sql(sql.try_map(secret)?),
        })
    }

    pub fn map<T>(self, mut secret: impl FnMut(Part, S) -> T) -> Client<T> {
        match self.try_map(&mut |part, given| Ok::<T, Infallible>(secret(part, given))) {
            Ok(mapped) => mapped,
            Err(impossible) => match impossible {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Amqp, Client, Part};

    #[test]
    fn secrets_are_mapped_one_by_one() {
        let tls = super::amqp::Tls {
            identity: Some(super::amqp::Identity { certificate: "c".to_owned(), key: 2 }),
            ..super::amqp::Tls::default()
        };
        let client =
            Client::Amqp(Amqp { tls: Some(tls), ..Amqp::new("h".to_owned(), "u".to_owned(), 1, false) });
        let mapped = client.map(|part, secret| format!("{} {secret}", part.as_str()));
        assert_eq!(mapped.secret(Part::Password).unwrap(), "password 1");
        assert_eq!(mapped.secret(Part::ClientKey).unwrap(), "client_key 2");
        let open = Client::Amqp(Amqp::new("h".to_owned(), "u".to_owned(), 1, true));
        assert_eq!(open.secret(Part::ClientKey), None);
    }
}
