//! What is given of a connection, and what becomes of the one that there is.

use std::fmt;

use busbar_model::{
    Name,
    bounds::{AMQP_HEARTBEAT_S_CEILING, AMQP_IN_FLIGHT_CEILING, AMQP_PUBLISHERS_CEILING},
    connection::{
        Amqp, Client,
        amqp::{self, Address, Identity, Tls},
    },
    fault::FieldError,
};
use busbar_store::{Plaintext, connections::Draft};
use serde::Deserialize;

use crate::{
    check::{self, Check, REQUIRED, shown},
    member::{Hidden, Member, Object, Whole},
    problem::Problem,
};

/// A new connection, or what is to be changed of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    #[serde(default)]
    name: Member<String>,
    #[serde(default)]
    kind: Member<String>,
    #[serde(default)]
    active: Member<bool>,
    #[serde(default)]
    url: Member<Hidden>,
    #[serde(default)]
    host: Member<String>,
    #[serde(default)]
    port: Member<Whole>,
    #[serde(default)]
    vhost: Member<String>,
    #[serde(default)]
    username: Member<String>,
    #[serde(default)]
    password: Member<Hidden>,
    #[serde(default)]
    tls: Member<Object<TlsBody>>,
    #[serde(default)]
    heartbeat_s: Member<Whole>,
    #[serde(default)]
    publishers: Member<Whole>,
    #[serde(default)]
    in_flight_max: Member<Whole>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsBody {
    #[serde(default)]
    ca: Member<String>,
    #[serde(default)]
    server_name: Member<String>,
    #[serde(default)]
    client_certificate: Member<String>,
    #[serde(default)]
    client_key: Member<Hidden>,
}

/// A checked change: `None` leaves a field as it is.
pub(super) struct Edit {
    name: Option<Name>,
    active: Option<bool>,
    host: Option<String>,
    /// The inner `None`: that of the protocol.
    port: Option<Option<u16>>,
    vhost: Option<String>,
    username: Option<String>,
    password: Option<Plaintext>,
    /// The inner `None`: in the clear.
    tls: Option<Option<TlsEdit>>,
    heartbeat_s: Option<u16>,
    publishers: Option<u16>,
    in_flight_max: Option<u16>,
}

#[derive(Default)]
struct TlsEdit {
    ca: Option<Option<String>>,
    server_name: Option<Option<String>>,
    /// The inner `None`: this side shows nothing.
    certificate: Option<Option<String>>,
    key: Option<Plaintext>,
}

impl Body {
    pub(super) fn into_edit(self) -> Result<Edit, Problem> {
        let mut check = Check::default();
        for (path, absent) in [("/kind", self.kind.is_absent()), ("/url", self.url.is_absent())] {
            if !absent {
                check.refuse(path, "is of new connections only");
            }
        }
        let edit = self.checked(&mut check);
        check.finish()?;
        Ok(edit)
    }

    pub(super) fn into_draft(mut self) -> Result<Draft, Problem> {
        let mut check = Check::default();
        let known = |kind: String| {
            let known = kind == amqp::KIND;
            if known { Ok(()) } else { Err(format!("is {:?}; allowed is amqp", shown(&kind))) }
        };
        let kind = std::mem::take(&mut self.kind).given();
        let kind = check.some("/kind", kind, "is required; allowed is amqp");
        kind.and_then(|kind| check.ok("/kind", known(kind)));
        let by_url = matches!(self.url, Member::Given(_));
        let required = [
            ("/name", self.name.is_absent()),
            ("/host", self.host.is_absent() && !by_url),
            ("/username", self.username.is_absent() && !by_url),
            ("/password", self.password.is_absent() && !by_url),
        ];
        for (path, _) in required.into_iter().filter(|(_, absent)| *absent) {
            check.refuse(path, REQUIRED);
        }
        let address = self.address(&mut check);
        let mut edit = self.checked(&mut check);
        if let Some(address) = address {
            edit.take_address(address, &mut check);
        }
        if let Some(Some(TlsEdit { certificate: None, key: Some(_), .. })) = &edit.tls {
            check.refuse("/tls/client_certificate", "is required with a client_key");
        }
        let (name, host) = (edit.name.clone(), edit.host.clone().unwrap_or_default());
        let name = check.finish_with(name)?;
        let amqp = Amqp::new(host, String::new(), None, matches!(edit.tls, Some(Some(_))));
        edit.apply(Draft { name, active: true, client: Client::Amqp(amqp) })
    }

    /// What the URL says, if there is one; it has no other members beside it that say the same.
    fn address(&mut self, check: &mut Check) -> Option<Address> {
        let Hidden(url) = match std::mem::take(&mut self.url) {
            Member::Absent | Member::Null => return None,
            Member::Given(url) => url,
        };
        let given = [
            ("/host", self.host.is_absent()),
            ("/port", self.port.is_absent()),
            ("/vhost", self.vhost.is_absent()),
            ("/username", self.username.is_absent()),
            ("/password", self.password.is_absent()),
        ];
        for (path, _) in given.into_iter().filter(|(_, absent)| !absent) {
            check.refuse(path, "does not go with url, which says it");
        }
        check.ok("/url", amqp::parse_url(url.reveal()))
    }

    fn checked(self, check: &mut Check) -> Edit {
        let small = |most: u16| {
            move |given: Whole| {
                let within = given.within(1, most.into())?;
                u16::try_from(within).map_err(|error| error.to_string())
            }
        };
        let default = Amqp::new(String::new(), String::new(), (), false);
        let port = |given| small(u16::MAX)(given).map(Some);
        let tls = match self.tls {
            Member::Absent => None,
            Member::Null => Some(None),
            Member::Given(Object(tls)) => Some(Some(tls.checked(check))),
        };
        Edit {
            name: self.name.checked(check, "/name", None, check::name),
            active: self.active.checked(check, "/active", Some(true), Ok::<_, fmt::Error>),
            host: self.host.checked(check, "/host", None, amqp::host),
            port: self.port.checked(check, "/port", Some(None), port),
            vhost: self.vhost.checked(check, "/vhost", Some(default.vhost), amqp::vhost),
            username: self.username.checked(check, "/username", None, amqp::username),
            password: hidden(self.password, check, "/password", amqp::password),
            tls,
            heartbeat_s: self.heartbeat_s.checked(
                check,
                "/heartbeat_s",
                Some(default.heartbeat_s),
                small(AMQP_HEARTBEAT_S_CEILING),
            ),
            publishers: self.publishers.checked(
                check,
                "/publishers",
                Some(default.publishers),
                small(AMQP_PUBLISHERS_CEILING),
            ),
            in_flight_max: self.in_flight_max.checked(
                check,
                "/in_flight_max",
                Some(default.in_flight_max),
                small(AMQP_IN_FLIGHT_CEILING),
            ),
        }
    }
}

impl TlsBody {
    fn checked(self, check: &mut Check) -> TlsEdit {
        let some = |parse: fn(String) -> Result<String, String>| move |text| parse(text).map(Some);
        let bare = matches!(self.client_certificate, Member::Given(_))
            && matches!(self.client_key, Member::Absent | Member::Null);
        if bare {
            check.refuse("/tls/client_key", "is required with a client_certificate");
        }
        if matches!((&self.client_certificate, &self.client_key), (Member::Null, Member::Given(_))) {
            check.refuse("/tls/client_key", "does not go without a client_certificate");
        }
        TlsEdit {
            ca: self.ca.checked(check, "/tls/ca", Some(None), some(amqp::certificates)),
            server_name: self.server_name.checked(check, "/tls/server_name", Some(None), some(amqp::host)),
            certificate: self.client_certificate.checked(
                check,
                "/tls/client_certificate",
                Some(None),
                some(amqp::certificates),
            ),
            key: match self.client_key {
                Member::Null => None,
                given => hidden(given, check, "/tls/client_key", amqp::private_key),
            },
        }
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

impl Edit {
    fn take_address(&mut self, address: Address, check: &mut Check) {
        let Address { tls, host, port, vhost, username, password } = address;
        if !tls && matches!(self.tls, Some(Some(_))) {
            check.refuse("/tls", "goes with amqps, not with amqp");
        }
        if tls && !matches!(self.tls, Some(Some(_))) {
            self.tls = Some(Some(TlsEdit::default()));
        }
        let (Some(username), Some(password)) = (username, password) else {
            return check.refuse("/url", "has no user name and password");
        };
        self.host = Some(host);
        self.port = Some(port);
        self.username = check.ok("/url", amqp::username(username));
        self.password = check.ok("/url", amqp::password(password)).map(Plaintext::from);
        self.vhost = vhost.and_then(|vhost| check.ok("/url", amqp::vhost(vhost)));
    }

    /// Refuses a key where there is no certificate that it could belong to.
    pub(super) fn apply(&self, draft: Draft) -> Result<Draft, Problem> {
        let Client::Amqp(before) = draft.client else {
            let message = format!("is {}", draft.client.kind());
            let error = FieldError { path: "/kind".to_owned(), message };
            return Err(Problem::conflict("another-kind", vec![error]));
        };
        let tls = match &self.tls {
            None => before.tls,
            Some(None) => None,
            Some(Some(edit)) => Some(edit.apply(before.tls.unwrap_or_default())?),
        };
        let port = self.port.map(|port| port.unwrap_or_else(|| amqp::port_default(tls.is_some())));
        let amqp = Amqp {
            host: self.host.clone().unwrap_or(before.host),
            port: port.unwrap_or(before.port),
            vhost: self.vhost.clone().unwrap_or(before.vhost),
            username: self.username.clone().unwrap_or(before.username),
            password: self.password.clone(),
            tls,
            heartbeat_s: self.heartbeat_s.unwrap_or(before.heartbeat_s),
            publishers: self.publishers.unwrap_or(before.publishers),
            in_flight_max: self.in_flight_max.unwrap_or(before.in_flight_max),
        };
        Ok(Draft {
            name: self.name.clone().unwrap_or(draft.name),
            active: self.active.unwrap_or(draft.active),
            client: Client::Amqp(amqp),
        })
    }
}

impl TlsEdit {
    fn apply(&self, before: Tls<Option<Plaintext>>) -> Result<Tls<Option<Plaintext>>, Problem> {
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
