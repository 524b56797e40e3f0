//! Which port of which service is meant.

use super::{super::Refused, Definitions, Item, Kind};
use crate::{client::tree::Space, version::Version};

/// A port with its binding.
pub(in crate::client) struct Bound<'d> {
    pub(in crate::client) service: String,
    pub(in crate::client) port: String,
    pub(in crate::client) version: Version,
    pub(in crate::client) address: Option<String>,
    pub(in crate::client) binding: Item<'d>,
    /// The binding is to rpc unless an operation says otherwise.
    pub(in crate::client) rpc: bool,
}

/// The port of these names. One that is not named is the only one of its kind, where of several ports the one with
/// SOAP 1.1 is taken: every partner of that time has it.
pub(in crate::client) fn choose<'d>(
    definitions: &Definitions<'d>,
    service: Option<&str>,
    port: Option<&str>,
) -> Result<Bound<'d>, Refused> {
    let services = &definitions.services;
    let names = services.iter().map(|item| name(*item)).collect::<Vec<_>>().join(", ");
    let of_name = |item: &&Item<'d>| service.is_none_or(|wanted| item.node.get("name") == Some(wanted));
    let mut found = services.iter().filter(of_name);
    let first = services.first().copied();
    let refuse = |text: String| match first {
        Some(first) => definitions.refuse(first, text),
        None => Refused::on("", 1, &text),
    };
    let chosen = match (found.next(), found.next(), service) {
        (Some(only), None, _) => *only,
        (Some(_), Some(_), None) => {
            return Err(refuse(format!("there are several services, and none is named: {names}")));
        }
        (Some(only), Some(_), Some(_)) => *only,
        (None, _, wanted) => {
            let wanted = wanted.unwrap_or_default();
            return Err(refuse(format!("there is no service {wanted:?}, but these: {names}")));
        }
    };
    let ports: Vec<Candidate<'d>> =
        chosen.node.each(Space::Wsdl, "port").map(|node| candidate(definitions, chosen, node)).collect();
    let of_service = |text: String| definitions.refuse(chosen, text);
    pick(ports, port, &name(chosen)).map_err(of_service)?.bound(definitions, chosen)
}

struct Candidate<'d> {
    item: Item<'d>,
    binding: Result<Item<'d>, Refused>,
    kind: Option<Version>,
}

/// A port, and what it is bound to: SOAP of a version, or something else.
fn candidate<'d>(
    definitions: &Definitions<'d>,
    service: Item<'d>,
    node: &'d crate::client::tree::Node<'d>,
) -> Candidate<'d> {
    let binding = definitions.named(service.source, node, "binding", Kind::Binding);
    let is = |space| {
        binding.as_ref().is_ok_and(|binding| binding.node.child(space, "binding").is_some())
            || node.child(space, "address").is_some()
    };
    let kind = match (is(Space::Soap11), is(Space::Soap12)) {
        (true, _) => Some(Version::V11),
        (false, true) => Some(Version::V12),
        (false, false) => None,
    };
    Candidate { item: Item { source: service.source, node }, binding, kind }
}

fn pick<'d>(ports: Vec<Candidate<'d>>, wanted: Option<&str>, service: &str) -> Result<Candidate<'d>, String> {
    let told: Vec<String> = ports
        .iter()
        .map(|port| {
            let kind = match port.kind {
                Some(Version::V11) => "SOAP 1.1",
                Some(Version::V12) => "SOAP 1.2",
                None => "no SOAP",
            };
            format!("{} ({kind})", name(port.item))
        })
        .collect();
    let told = told.join(", ");
    if let Some(wanted) = wanted {
        let found = ports.into_iter().find(|port| port.item.node.get("name") == Some(wanted));
        let found = found
            .ok_or_else(|| format!("the service {service:?} has no port {wanted:?}, but these: {told}"))?;
        return match found.kind {
            Some(_) => Ok(found),
            None => Err(format!("the port {wanted:?} is not bound to SOAP; there are these: {told}")),
        };
    }
    let mut soap: Vec<Candidate<'d>> = ports.into_iter().filter(|port| port.kind.is_some()).collect();
    let older = soap.iter().filter(|port| port.kind == Some(Version::V11)).count();
    if older == 1 && soap.len() > 1 {
        soap.retain(|port| port.kind == Some(Version::V11));
    }
    match (soap.pop(), soap.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => {
            Err(format!("the service {service:?} has several ports, and none is named: {told}"))
        }
        (None, _) if told.is_empty() => Err(format!("the service {service:?} has no port")),
        (None, _) => Err(format!("the service {service:?} has no port with SOAP, but these: {told}")),
    }
}

impl<'d> Candidate<'d> {
    fn bound(self, definitions: &Definitions<'d>, service: Item<'d>) -> Result<Bound<'d>, Refused> {
        let version = self.kind.unwrap_or(Version::V11);
        let space = super::operations::space(version);
        let binding = self.binding?;
        let Some(soap) = binding.node.child(space, "binding") else {
            return Err(definitions.refuse(binding, "the binding has no SOAP, but its port has"));
        };
        let address = self.item.node.child(space, "address").and_then(|node| node.get("location"));
        Ok(Bound {
            service: name(service),
            port: name(self.item),
            version,
            address: address.filter(|address| !address.is_empty()).map(str::to_owned),
            binding,
            rpc: soap.get("style") == Some("rpc"),
        })
    }
}

fn name(item: Item<'_>) -> String {
    item.node.get("name").unwrap_or_default().to_owned()
}
