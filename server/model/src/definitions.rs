//! All definitions at one version of the ODB: what a catalog is built from.

use std::collections::{HashMap, hash_map::Entry};

use serde::{Deserialize, Serialize};

use crate::{
    channel::{Address, Channel, Message, Rest},
    connection::Connection,
    dictionary::Dictionary,
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

/// Where channels of HTTP say their address.
const PATH: &str = "path";

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
    #[serde(default)]
    pub dictionaries: Vec<Dictionary>,
}

/// Two channels that would answer the same request.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("channel {channel:?} has the address of channel {other:?}: {address}")]
pub struct AddressTaken {
    pub channel: Name,
    pub other: Name,
    /// Methods and path, operation and path, or queue and connection.
    pub address: String,
    /// What of the channel says its address, as a JSON Pointer without its first '/'.
    pub member: &'static str,
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
        let mut queues = HashMap::new();
        for (at, channel) in self.channels.iter().enumerate().filter(|(_, channel)| channel.active) {
            let taken = match &channel.address {
                Address::Rest(rest) => self.add_rest(&mut routes, at, channel, rest),
                Address::Soap(message) => self.add_soap(&mut routes, at, channel, message),
                // Two consumers would each get a part of what comes.
                Address::Amqp(amqp) => match queues.entry((&amqp.connection, &amqp.queue)) {
                    Entry::Vacant(free) => {
                        free.insert(at);
                        Ok(())
                    }
                    Entry::Occupied(taken) => {
                        let address = format!("queue {} of connection {}", amqp.queue, amqp.connection);
                        Err(self.taken(channel, Some(*taken.get()), address, "amqp/queue"))
                    }
                },
            };
            routes.conflicts.extend(taken.err());
        }
        routes
    }

    fn add_rest(
        &self,
        routes: &mut Routes,
        at: usize,
        channel: &Channel,
        rest: &Rest,
    ) -> Result<(), AddressTaken> {
        // Unlike beside a REST channel it would be no help for the other methods, but a trap.
        let beside = routes.router.standing(&rest.path).map(|(_, target)| *target);
        let soap =
            beside.filter(|_| rest.methods.is_empty()).find(|target| matches!(target, Target::Soap(_)));
        let insert = || routes.router.insert(&rest.path, &rest.methods, Target::Rest(at)).err().copied();
        let Some(taken) = soap.or_else(insert) else { return Ok(()) };
        let other = match taken {
            Target::Rest(other) => Some(other),
            Target::Soap(group) => routes.soap.get(group).and_then(|group| group.channels.first().copied()),
        };
        Err(self.taken(channel, other, address(&rest.methods, &rest.path), PATH))
    }

    fn add_soap(
        &self,
        routes: &mut Routes,
        at: usize,
        channel: &Channel,
        message: &Message,
    ) -> Result<(), AddressTaken> {
        let methods = SOAP_METHODS.map(str::to_owned);
        let any = routes.router.standing(&message.path).find(|(methods, _)| methods.is_empty());
        let any = any.map(|(_, target)| *target);
        let target = Target::Soap(routes.soap.len());
        let insert = || routes.router.insert(&message.path, &methods, target).err().copied();
        match any.or_else(insert) {
            None => routes.soap.push(SoapGroup { path: message.path.clone(), channels: vec![at] }),
            Some(Target::Rest(other)) => {
                return Err(self.taken(channel, Some(other), address(&methods, &message.path), PATH));
            }
            Some(Target::Soap(group)) => {
                let Some(group) = routes.soap.get_mut(group) else { return Ok(()) };
                let operation = message.operation(&channel.service);
                let same = |other: &&usize| {
                    self.channels.get(**other).is_some_and(|other| other.operation() == Some(operation))
                };
                if let Some(other) = group.channels.iter().find(same) {
                    let address = format!("operation {operation} at {}", message.path);
                    return Err(self.taken(channel, Some(*other), address, PATH));
                }
                group.channels.push(at);
            }
        }
        Ok(())
    }

    fn taken(
        &self,
        channel: &Channel,
        other: Option<usize>,
        address: String,
        member: &'static str,
    ) -> AddressTaken {
        let other = other.and_then(|other| self.channels.get(other)).unwrap_or(channel);
        AddressTaken { channel: channel.name.clone(), other: other.name.clone(), address, member }
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
        amqp::Amqp,
        channel::{Address, Channel, Draft, Message, Rest},
        path::PathPattern,
        router::Match,
        soap::Soap,
        time::Timestamp,
    };

    fn bound(name: &str, address: Address) -> Channel {
        let draft = Draft::new(name.parse().unwrap(), "s".parse().unwrap(), address);
        draft.into_channel(name.to_owned(), 1, Timestamp(0), Timestamp(0))
    }

    fn channel(name: &str, path: &str, active: bool) -> Channel {
        let rest = Address::Rest(Rest::new(PathPattern::parse(path).unwrap()));
        Channel { active, ..bound(name, rest) }
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
        let soap = Soap { operation: Some(operation.to_owned()), ..Soap::default() };
        let path = PathPattern::parse(path).unwrap();
        bound(name, Address::Soap(Message { path, security: None, soap }))
    }

    fn with_methods(name: &str, path: &str, methods: &[&str]) -> Channel {
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        let path = PathPattern::parse(path).unwrap();
        bound(name, Address::Rest(Rest { methods, ..Rest::new(path) }))
    }

    #[test]
    fn a_queue_has_one_channel() {
        let of = |name: &str, connection: &str, queue: &str| {
            bound(name, Address::Amqp(Amqp::new(connection.parse().unwrap(), queue.to_owned())))
        };
        let first = of("a", "broker", "orders");
        let taken = address_taken(&of("b", "broker", "orders"), std::slice::from_ref(&first)).unwrap();
        assert_eq!((taken.other.as_str(), taken.member), ("a", "amqp/queue"));
        for other in
            [of("b", "broker", "bills"), of("b", "elsewhere", "orders"), channel("b", "/orders", true)]
        {
            assert_eq!(address_taken(&other, std::slice::from_ref(&first)), None);
        }
        let paused = Channel { active: false, ..first };
        assert_eq!(address_taken(&of("b", "broker", "orders"), &[paused]), None);
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
