//! What is given of a connection of kind amqp.

use busbar_model::{
    bounds::{AMQP_HEARTBEAT_S_CEILING, AMQP_IN_FLIGHT_CEILING, AMQP_PUBLISHERS_CEILING},
    connection::{
        Amqp,
        amqp::{self, Address},
    },
};
use busbar_store::Plaintext;
use serde::Deserialize;

use super::{Given, hidden, small, tls};
use crate::{
    check::{Check, REQUIRED},
    member::{Hidden, Member, Object, Whole},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
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
    tls: Member<Object<tls::Body>>,
    #[serde(default)]
    heartbeat_s: Member<Whole>,
    #[serde(default)]
    publishers: Member<Whole>,
    #[serde(default)]
    in_flight_max: Member<Whole>,
}

/// A checked change: `None` leaves a member as it is.
pub(super) struct Edit {
    host: Option<String>,
    /// The inner `None`: that of the protocol.
    port: Option<Option<u16>>,
    vhost: Option<String>,
    username: Option<String>,
    password: Option<Plaintext>,
    /// The inner `None`: in the clear.
    tls: Option<Option<tls::Edit>>,
    heartbeat_s: Option<u16>,
    publishers: Option<u16>,
    in_flight_max: Option<u16>,
}

impl Body {
    pub(super) fn into_new(mut self, check: &mut Check) -> Result<Amqp<Given>, Problem> {
        let by_url = matches!(self.url, Member::Given(_));
        let required = [
            ("/host", self.host.is_absent() && !by_url),
            ("/username", self.username.is_absent() && !by_url),
            ("/password", self.password.is_absent() && !by_url),
        ];
        for (path, _) in required.into_iter().filter(|(_, absent)| *absent) {
            check.refuse(path, REQUIRED);
        }
        let address = self.address(check);
        let mut edit = self.into_edit(check);
        if let Some(address) = address {
            edit.take_address(address, check);
        }
        tls::refuse_bare_key(edit.tls.as_ref(), check);
        let host = edit.host.clone().unwrap_or_default();
        let amqp = Amqp::new(host, String::new(), None, matches!(edit.tls, Some(Some(_))));
        if check.has("") { Ok(amqp) } else { edit.apply(amqp) }
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

    /// What is no address, which is of new connections only.
    pub(super) fn into_edit(self, check: &mut Check) -> Edit {
        if !self.url.is_absent() {
            check.refuse("/url", "is of new connections only");
        }
        let default = Amqp::new(String::new(), String::new(), (), false);
        let port = |given| small(u16::MAX)(given).map(Some);
        Edit {
            host: self.host.checked(check, "/host", None, amqp::host),
            port: self.port.checked(check, "/port", Some(None), port),
            vhost: self.vhost.checked(check, "/vhost", Some(default.vhost), amqp::vhost),
            username: self.username.checked(check, "/username", None, amqp::username),
            password: hidden(self.password, check, "/password", amqp::password),
            tls: tls::checked(self.tls, check),
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

impl Edit {
    fn take_address(&mut self, address: Address, check: &mut Check) {
        let Address { tls, host, port, vhost, username, password } = address;
        if !tls && matches!(self.tls, Some(Some(_))) {
            check.refuse("/tls", "goes with amqps, not with amqp");
        }
        if tls && !matches!(self.tls, Some(Some(_))) {
            self.tls = Some(Some(tls::Edit::default()));
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
    pub(super) fn apply(&self, before: Amqp<Given>) -> Result<Amqp<Given>, Problem> {
        let tls = match &self.tls {
            None => before.tls,
            Some(None) => None,
            Some(Some(edit)) => Some(edit.apply(before.tls.unwrap_or_default())?),
        };
        let port = self.port.map(|port| port.unwrap_or_else(|| amqp::port_default(tls.is_some())));
        Ok(Amqp {
            host: self.host.clone().unwrap_or(before.host),
            port: port.unwrap_or(before.port),
            vhost: self.vhost.clone().unwrap_or(before.vhost),
            username: self.username.clone().unwrap_or(before.username),
            password: self.password.clone(),
            tls,
            heartbeat_s: self.heartbeat_s.unwrap_or(before.heartbeat_s),
            publishers: self.publishers.unwrap_or(before.publishers),
            in_flight_max: self.in_flight_max.unwrap_or(before.in_flight_max),
        })
    }
}
