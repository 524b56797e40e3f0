//! How a connection is secured: what is given of it.

use busbar_model::{
    connection::amqp::{Identity, Tls, certificates, host, private_key},
    fault::FieldError,
};
use busbar_store::Plaintext;
use serde::Deserialize;

use super::hidden;
use crate::{
    check::Check,
    member::{Hidden, Member, Object},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    #[serde(default)]
    ca: Member<String>,
    #[serde(default)]
    server_name: Member<String>,
    #[serde(default)]
    client_certificate: Member<String>,
    #[serde(default)]
    client_key: Member<Hidden>,
}

/// A checked change: `None` leaves a member as it is.
#[derive(Default)]
pub(super) struct Edit {
    ca: Option<Option<String>>,
    server_name: Option<Option<String>>,
    /// The inner `None`: this side shows nothing.
    certificate: Option<Option<String>>,
    key: Option<Plaintext>,
}

/// The inner `None`: in the clear.
pub(super) fn checked(given: Member<Object<Body>>, check: &mut Check) -> Option<Option<Edit>> {
    match given {
        Member::Absent => None,
        Member::Null => Some(None),
        Member::Given(Object(tls)) => Some(Some(tls.checked(check))),
    }
}

/// Of a new connection: a key has its certificate beside it.
pub(super) fn refuse_bare_key(edit: Option<&Option<Edit>>, check: &mut Check) {
    if let Some(Some(Edit { certificate: None, key: Some(_), .. })) = edit {
        check.refuse("/tls/client_certificate", "is required with a client_key");
    }
}

impl Body {
    fn checked(self, check: &mut Check) -> Edit {
        let some = |parse: fn(String) -> Result<String, String>| move |text| parse(text).map(Some);
        let bare = matches!(self.client_certificate, Member::Given(_))
            && matches!(self.client_key, Member::Absent | Member::Null);
        if bare {
            check.refuse("/tls/client_key", "is required with a client_certificate");
        }
        if matches!((&self.client_certificate, &self.client_key), (Member::Null, Member::Given(_))) {
            check.refuse("/tls/client_key", "does not go without a client_certificate");
        }
        Edit {
            ca: self.ca.checked(check, "/tls/ca", Some(None), some(certificates)),
            server_name: self.server_name.checked(check, "/tls/server_name", Some(None), some(host)),
            certificate: self.client_certificate.checked(
                check,
                "/tls/client_certificate",
                Some(None),
                some(certificates),
            ),
            key: match self.client_key {
                Member::Null => None,
                given => hidden(given, check, "/tls/client_key", private_key),
            },
        }
    }
}

impl Edit {
    pub(super) fn apply(&self, before: Tls<Option<Plaintext>>) -> Result<Tls<Option<Plaintext>>, Problem> {
        let certificate = match &self.certificate {
            None => before.identity.map(|identity| identity.certificate),
            Some(certificate) => certificate.clone(),
        };
        if certificate.is_none() && self.key.is_some() {
            let message = "has no client_certificate that it could belong to".to_owned();
            let error = FieldError { path: "/tls/client_key".to_owned(), message };
            return Err(Problem::conflict("no-certificate", vec![error]));
        }
        Ok(Tls {
            ca: self.ca.clone().unwrap_or(before.ca),
            server_name: self.server_name.clone().unwrap_or(before.server_name),
            identity: certificate.map(|certificate| Identity { certificate, key: self.key.clone() }),
        })
    }
}
