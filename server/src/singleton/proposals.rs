//! Channels that a plugin proposes, as they are made in development mode.

use std::collections::BTreeMap;

use busbar_model::{
    Name,
    channel::{self, Draft, Protocol, Written},
    path::PathPattern,
    plugin::Description,
    service::{ChannelProposal, ServiceDescription},
};

/// The channels that a plugin would like, named after its services. What can't be is told in the log.
pub(crate) fn proposals(description: &Description) -> Vec<Draft> {
    description.services.iter().flat_map(of_service).collect()
}

fn of_service(service: &ServiceDescription) -> Vec<Draft> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut drafts = Vec::new();
    for proposal in &service.channels {
        let number = numbers.entry(proposal.protocol.as_str()).or_default();
        *number += 1;
        match draft(&service.name, *number, proposal) {
            Ok(draft) => drafts.push(draft),
            Err(reason) => {
                tracing::warn!(service = %service.name, path = proposal.path, reason, "a proposed channel is not valid");
            }
        }
    }
    drafts
}

/// `number` is the proposal's among those of its protocol, from 1 on.
fn draft(service: &Name, number: usize, proposal: &ChannelProposal) -> Result<Draft, String> {
    let protocol = proposal.protocol.parse::<Protocol>()?;
    let name = match protocol {
        Protocol::Rest => service.to_string(),
        Protocol::Soap => format!("{service}-soap"),
        Protocol::Amqp => return Err("an AMQP channel can't be proposed: it needs a connection".to_owned()),
    };
    let name = if number == 1 { name } else { format!("{name}-{number}") };
    let path = PathPattern::parse(&proposal.path).map_err(|error| error.to_string())?;
    let methods = channel::methods(&proposal.methods).map_err(|error| error.to_string())?;
    let name = name.parse::<Name>().map_err(|error| error.to_string())?;
    let written = Written { path: Some(path), methods, ..Written::new(protocol) };
    let address = written
        .fitted(service)
        .map_err(|misfits| misfits.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    Ok(Draft::new(name, service.clone(), address))
}

#[cfg(test)]
mod tests {
    use busbar_model::{
        channel::Protocol,
        service::{ChannelProposal, ServiceDescription},
    };

    use super::of_service;

    fn service(name: &str, channels: &[(&str, &str)]) -> ServiceDescription {
        let proposal = |(protocol, path): &(&str, &str)| ChannelProposal {
            protocol: (*protocol).to_owned(),
            path: (*path).to_owned(),
            methods: Vec::new(),
        };
        ServiceDescription {
            name: name.parse().unwrap(),
            summary: None,
            input_schema: None,
            output_schema: None,
            channels: channels.iter().map(proposal).collect(),
            calls_per_instance: None,
        }
    }

    fn names(service: &ServiceDescription) -> Vec<String> {
        of_service(service).iter().map(|draft| draft.name.to_string()).collect()
    }

    #[test]
    fn channels_are_named_by_service_and_protocol() {
        let channels =
            [("rest", "/a"), ("soap", "/soap/a"), ("rest", "/b/{id}"), ("soap", "/soap/b"), ("amqp", "q")];
        let service = service("orders.get", &channels);
        assert_eq!(names(&service), ["orders.get", "orders.get-soap", "orders.get-2", "orders.get-soap-2"]);
        assert_eq!(of_service(&service)[1].address.protocol(), Protocol::Soap);
    }

    #[test]
    fn what_no_channel_can_be_is_left_out() {
        let service =
            service("files.7zip", &[("soap", "/soap/files"), ("soap", "/soap/{id}"), ("rest", "x")]);
        assert_eq!(names(&service), [""; 0]);
    }
}
