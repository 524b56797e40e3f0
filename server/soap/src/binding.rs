//! From the SOAP channels of one path to its [`Address`], and what keeps a channel out of it.

use busbar_model::{
    Channel, Name, Plugin, bounds::SOAP_PROBLEM_CHARS_MAX, channel::Message, service::ServiceDescription,
    soap,
};

use crate::{
    address::Address,
    operation::{Operation, Source},
};

/// A service as its live version describes it.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    pub plugin: &'a Name,
    pub version: &'a str,
    pub service: &'a ServiceDescription,
}

/// The service of this name, if a version of its plugin is live.
pub fn described<'p>(plugins: &'p [Plugin], name: &Name) -> Option<Described<'p>> {
    plugins.iter().find_map(|plugin| {
        let description = &plugin.active.as_ref()?.description;
        let service = description.services.iter().find(|service| service.name == *name)?;
        Some(Described { plugin: &plugin.name, version: &description.version, service })
    })
}

/// A channel whose service can't be called over SOAP.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("channel {channel:?} can't offer service {service:?} over SOAP: {reason}")]
pub struct Problem {
    pub channel: Name,
    pub service: Name,
    pub reason: String,
}

impl Problem {
    fn of(channel: &Channel, reason: &impl std::error::Error) -> Self {
        let reason = reason.to_string().chars().take(SOAP_PROBLEM_CHARS_MAX).collect();
        Self { channel: channel.name.clone(), service: channel.service.clone(), reason }
    }
}

/// The operation of a channel with this address.
pub fn operation(
    channel: &Channel,
    message: &Message,
    described: Described<'_>,
) -> Result<Operation, Problem> {
    let default = soap::namespace(described.plugin, described.version);
    let namespace = message.soap.namespace.as_deref().unwrap_or(&default);
    Operation::of(Source {
        name: message.operation(&channel.service),
        namespace,
        documentation: described.service.summary.as_deref(),
        input_schema: described.service.input_schema.as_ref(),
        output_schema: described.service.output_schema.as_ref(),
    })
    .map_err(|unusable| Problem::of(channel, &unusable))
}

/// The address of channels that share a path, each with its operation: those that fit beside the ones before
/// them.
pub fn address(path: &str, bound: Vec<(&Channel, Operation)>) -> (Address, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut fitting: Vec<Operation> = Vec::new();
    let name = service_name(path);
    let all = bound.iter().map(|(_, operation)| operation.clone()).collect();
    if let Ok(address) = Address::new(&name, all) {
        return (address, problems);
    }
    for (channel, operation) in bound {
        let mut more = fitting.clone();
        more.push(operation);
        match Address::new(&name, more.clone()) {
            Ok(_) => fitting = more,
            Err(conflict) => problems.push(Problem::of(channel, &conflict)),
        }
    }
    (Address::new(&name, fitting).unwrap_or_default(), problems)
}

/// What WSDL calls the service: the last part of the path.
fn service_name(path: &str) -> String {
    path.rsplit('/').find(|segment| !segment.is_empty()).unwrap_or("service").to_owned()
}

/// What is wrong with the SOAP channels among `channels`, which are all there are, at the paths of those that
/// `concerns` picks.
pub fn problems<'d>(
    channels: &[Channel],
    concerns: impl Fn(&Channel) -> bool,
    describe: impl Fn(&Name) -> Option<Described<'d>>,
) -> Vec<Problem> {
    let definitions = busbar_model::Definitions { channels: channels.to_vec(), ..Default::default() };
    let mut problems = Vec::new();
    for group in definitions.routes().soap {
        let members = || group.channels.iter().filter_map(|at| channels.get(*at));
        if !members().any(&concerns) {
            continue;
        }
        let mut bound = Vec::new();
        let addressed = members().filter_map(|channel| Some((channel, channel.address.message()?)));
        for (channel, message) in addressed {
            match describe(&channel.service).map(|described| operation(channel, message, described)) {
                Some(Ok(operation)) => bound.push((channel, operation)),
                Some(Err(problem)) if concerns(channel) => problems.push(problem),
                Some(Err(_)) | None => {}
            }
        }
        problems.extend(address(group.path.as_str(), bound).1);
    }
    problems
}
