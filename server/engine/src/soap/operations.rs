//! The operations of SOAP channels, compiled once for as long as they stay the same.

use std::{collections::HashMap, sync::Arc};

use busbar_model::{
    Channel, Definitions, Name, channel::Message, definitions::SoapGroup, service::ServiceDescription,
};
use busbar_soap::{
    Operation,
    address::Address,
    binding::{self, Described, Problem},
};

use super::SoapAddress;
use crate::catalog::Route;

/// What outlives a catalog.
#[derive(Default)]
pub(crate) struct Operations {
    /// By the channel's name.
    compiled: HashMap<Name, Arc<Compiled>>,
    /// By path.
    addresses: HashMap<String, Arc<Bound>>,
}

/// A channel's operation, and what it was made of.
struct Compiled {
    channel: Channel,
    plugin: Name,
    version: String,
    service: ServiceDescription,
    operation: Result<Operation, Problem>,
}

/// An address, and the operations that it was made of.
struct Bound {
    operations: Vec<Arc<Compiled>>,
    address: Arc<Address>,
    problems: Vec<Problem>,
}

impl Operations {
    /// The addresses of `groups`. What is wrong with channels is added to `problems`.
    pub(crate) fn addresses(
        &mut self,
        definitions: &Definitions,
        groups: &[SoapGroup],
        routes: &[Route],
        problems: &mut Vec<String>,
    ) -> Vec<SoapAddress> {
        let (mut compiled, mut addresses) = (HashMap::new(), HashMap::new());
        let mut all = Vec::with_capacity(groups.len());
        for group in groups {
            let mut operations = Vec::new();
            let members = group.channels.iter().filter_map(|at| definitions.channels.get(*at));
            for (channel, message) in
                members.filter_map(|channel| Some((channel, channel.address.message()?)))
            {
                let Some(described) = binding::described(&definitions.plugins, &channel.service) else {
                    continue;
                };
                let operation = self.operation(channel, message, described);
                compiled.insert(channel.name.clone(), Arc::clone(&operation));
                operations.push(operation);
            }
            let path = group.path.as_str();
            let bound = match self.addresses.get(path).filter(|bound| bound.is_of(&operations)) {
                Some(unchanged) => Arc::clone(unchanged),
                None => Arc::new(Bound::new(path, operations)),
            };
            problems.extend(bound.problems.iter().map(ToString::to_string));
            all.push(SoapAddress::new(Arc::clone(&bound.address), &group.channels, routes));
            addresses.insert(path.to_owned(), bound);
        }
        (self.compiled, self.addresses) = (compiled, addresses);
        all
    }

    fn operation(&self, channel: &Channel, message: &Message, described: Described<'_>) -> Arc<Compiled> {
        match self.compiled.get(&channel.name).filter(|known| known.is_of(channel, message, described)) {
            Some(unchanged) => Arc::clone(unchanged),
            None => Arc::new(Compiled {
                channel: channel.clone(),
                plugin: described.plugin.clone(),
                version: described.version.to_owned(),
                service: described.service.clone(),
                operation: binding::operation(channel, message, described),
            }),
        }
    }
}

impl Compiled {
    fn is_of(&self, channel: &Channel, message: &Message, described: Described<'_>) -> bool {
        self.channel.address.message().is_some_and(|own| own.soap == message.soap)
            && self.channel.service == channel.service
            && self.plugin == *described.plugin
            && self.version == described.version
            && self.service == *described.service
    }
}

impl Bound {
    fn new(path: &str, operations: Vec<Arc<Compiled>>) -> Self {
        let fitting = operations.iter().filter_map(|compiled| {
            let operation = compiled.operation.as_ref().ok()?;
            Some((&compiled.channel, operation.clone()))
        });
        let (address, conflicts) = binding::address(path, fitting.collect());
        let unusable = operations.iter().filter_map(|compiled| compiled.operation.as_ref().err().cloned());
        let problems = unusable.chain(conflicts).collect();
        Self { operations, address: Arc::new(address), problems }
    }

    fn is_of(&self, operations: &[Arc<Compiled>]) -> bool {
        self.operations.len() == operations.len()
            && self.operations.iter().zip(operations).all(|(own, other)| Arc::ptr_eq(own, other))
    }
}
