//! All definitions at one version of the ODB: what a catalog is built from.

use serde::{Deserialize, Serialize};

use crate::{
    channel::{Channel, Protocol},
    connection::Connection,
    name::Name,
    path::PathPattern,
    plugin::Plugin,
    router::Router,
    secret::Secret,
    security::Security,
    service::Service,
};

/// What a SOAP channel's address answers: calls, and questions for the WSDL.
const SOAP_METHODS: [&str; 2] = ["GET", "POST"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definitions {
    /// Renewed when the ODB is restored; versions of two incarnations do not compare.
    pub incarnation: String,
    /// The number of the last change contained.
    pub version: i64,
    pub plugins: Vec<Plugin>,
    pub services: Vec<Service>,
    pub channels: Vec<Channel>,
    pub connections: Vec<Connection>,
    pub securities: Vec<Security>,
    pub secrets: Vec<Secret>,
}

/// Two channels that would answer the same request.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("channel {channel:?} has the address of channel {other:?}: {address}")]
pub struct AddressTaken {
    pub channel: Name,
    pub other: Name,
    /// Methods and path, or operation and path.
    pub address: String,
}

/// What an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Index into the channels.
    Rest(usize),
    /// Index into the groups of SOAP channels.
    Soap(usize),
}

/// The SOAP channels of one address, each with an operation of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoapGroup {
    pub path: PathPattern,
    /// Indexes into the channels; at least one.
    pub channels: Vec<usize>,
}

/// Where requests go.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    pub router: Router<Target>,
    pub soap: Vec<SoapGroup>,
    /// What could not be routed: an earlier channel has its address.
    pub conflicts: Vec<AddressTaken>,
}

impl Definitions {
    pub fn plugin(&self, name: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.name.as_str() == name)
    }

    pub fn connection(&self, name: &str) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.name.as_str() == name)
    }

    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|secret| secret.name.as_str() == name)
    }

    /// Routes of the active channels.
    pub fn routes(&self) -> Routes {
        let mut routes = Routes::default();
        for (at, channel) in self.channels.iter().enumerate().filter(|(_, channel)| channel.active) {
            let taken = match channel.protocol {
                Protocol::Rest => self.add_rest(&mut routes, at, channel),
                Protocol::Soap => self.add_soap(&mut routes, at, channel),
            };
            routes.conflicts.extend(taken.err());
        }
        routes
    }

    fn add_rest(&self, routes: &mut Routes, at: usize, channel: &Channel) -> Result<(), AddressTaken> {
        // Unlike beside a REST channel it would be no help for the other methods, but a trap.
        let beside = routes.router.standing(&channel.path).map(|(_, target)| *target);
        let soap =
            beside.filter(|_| channel.methods.is_empty()).find(|target| matches!(target, Target::Soap(_)));
        let insert =
            || routes.router.insert(&channel.path, &channel.methods, Target::Rest(at)).err().copied();
        let Some(taken) = soap.or_else(insert) else { return Ok(()) };
        let other = match taken {
            Target::Rest(other) => Some(other),
            Target::Soap(group) => routes.soap.get(group).and_then(|group| group.channels.first().copied()),
        };
        Err(self.taken(channel, other, address(&channel.methods, &channel.path)))
    }

    fn add_soap(&self, routes: &mut Routes, at: usize, channel: &Channel) -> Result<(), AddressTaken> {
        let methods = SOAP_METHODS.map(str::to_owned);
        let any = routes.router.standing(&channel.path).find(|(methods, _)| methods.is_empty());
        let any = any.map(|(_, target)| *target);
        let target = Target::Soap(routes.soap.len());
        let insert = || routes.router.insert(&channel.path, &methods, target).err().copied();
        match any.or_else(insert) {
            None => routes.soap.push(SoapGroup { path: channel.path.clone(), channels: vec![at] }),
            Some(Target::Rest(other)) => {
                return Err(self.taken(channel, Some(other), address(&methods, &channel.path)));
            }
            Some(Target::Soap(group)) => {
                let Some(group) = routes.soap.get_mut(group) else { return Ok(()) };
                let operation = channel.operation();
                let same = |other: &&usize| {
                    self.channels.get(**other).is_some_and(|other| other.operation() == operation)
                };
                if let Some(other) = group.channels.iter().find(same) {
                    let address = format!("operation {operation} at {}", channel.path);
                    return Err(self.taken(channel, Some(*other), address));
                }
                group.channels.push(at);
            }
        }
        Ok(())
    }

    fn taken(&self, channel: &Channel, other: Option<usize>, address: String) -> AddressTaken {
        let other = other.and_then(|other| self.channels.get(other)).unwrap_or(channel);
        AddressTaken { channel: channel.name.clone(), other: other.name.clone(), address }
    }
}

fn address(methods: &[String], path: &PathPattern) -> String {
    let methods = if methods.is_empty() { "any".to_owned() } else { methods.join(",") };
    format!("{methods} {path}")
}

/// Whether `channel` would answer a request that one of `others` answers already.
pub fn address_taken(channel: &Channel, others: &[Channel]) -> Option<AddressTaken> {
    let mut channels: Vec<Channel> = others.iter().filter(|other| other.id != channel.id).cloned().collect();
    channels.push(channel.clone());
    let routes = Definitions { channels, ..Definitions::default() }.routes();
    routes.conflicts.into_iter().find(|conflict| conflict.channel == channel.name)
}

#[cfg(test)]
mod tests {
    use super::{Definitions, Target, address_taken};
    use crate::{
        channel::{Channel, Draft, Protocol},
        path::PathPattern,
        router::Match,
        soap::Soap,
        time::Timestamp,
    };

    fn channel(name: &str, path: &str, active: bool) -> Channel {
        let draft =
            Draft::new(name.parse().unwrap(), PathPattern::parse(path).unwrap(), "s".parse().unwrap());
        Channel {
            id: name.to_owned(),
            name: draft.name,
            protocol: Protocol::Rest,
            path: draft.path,
            methods: draft.methods,
            service: draft.service,
            security: None,
            active,
            body_bytes_max: draft.body_bytes_max,
            timeout_ms: draft.timeout_ms,
            cors: None,
            soap: None,
            revision: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    #[test]
    fn an_address_is_taken_by_an_active_channel_only() {
        let new = channel("b", "/x/{q}", true);
        let taken = address_taken(&new, &[channel("a", "/x/{p}", true)]).unwrap();
        assert_eq!(taken.other.as_str(), "a");
        assert_eq!(address_taken(&new, &[channel("a", "/x/{p}", false)]), None);
        assert_eq!(address_taken(&new, &[channel("a", "/y", true), new.clone()]), None);
    }
    fn soap(name: &str, path: &str, operation: &str) -> Channel {
        let soap = Some(Soap { operation: Some(operation.to_owned()), ..Soap::default() });
        Channel { protocol: Protocol::Soap, soap, ..channel(name, path, true) }
    }

    fn with_methods(name: &str, path: &str, methods: &[&str]) -> Channel {
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        Channel { methods, ..channel(name, path, true) }
    }

    #[test]
    fn soap_channels_share_an_address_by_their_operations() {
        let channels = vec![
            soap("a", "/soap/orders", "submit"),
            channel("r", "/r", true),
            soap("b", "/soap/%6Frders", "get"),
        ];
        let routes = Definitions { channels: channels.clone(), ..Definitions::default() }.routes();
        assert_eq!(routes.conflicts, []);
        assert_eq!(routes.soap[0].channels, [0, 2]);
        let found = routes.router.find("POST", "/soap/orders");
        assert!(matches!(found, Match::Found { target: Target::Soap(0), .. }), "{found:?}");
        assert!(matches!(routes.router.find("GET", "/soap/orders"), Match::Found { .. }));
        assert!(matches!(routes.router.find("PUT", "/soap/orders"), Match::WrongMethod { .. }));
        let taken = address_taken(&soap("c", "/soap/orders", "submit"), &channels).unwrap();
        assert_eq!(
            taken.to_string(),
            r#"channel "c" has the address of channel "a": operation submit at /soap/orders"#
        );
    }

    #[test]
    fn rest_and_soap_do_not_share_what_both_answer() {
        let orders = soap("s", "/orders", "submit");
        for methods in [&["GET"][..], &["POST"], &["POST", "PUT"], &[]] {
            let rest = with_methods("r", "/orders", methods);
            let taken = address_taken(&rest, std::slice::from_ref(&orders)).unwrap();
            assert_eq!(taken.other.as_str(), "s");
            let taken = address_taken(&orders, std::slice::from_ref(&rest)).unwrap();
            assert_eq!(taken.address, "GET,POST /orders");
        }
        assert_eq!(address_taken(&with_methods("r", "/orders", &["PUT"]), &[orders]), None);
    }
}
