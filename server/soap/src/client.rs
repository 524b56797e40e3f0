//! A partner's SOAP service as its WSDL describes it, called with JSON: the reverse of what a SOAP channel does.
//!
//! The documents are read once into a [`Client`]: its operations, each with the shapes of what it takes and gives. Then
//! [`Client::request`] makes an envelope of JSON, and [`Client::reply`] JSON of the answer. Nothing here does any I/O: who
//! fetches asks [`references`], and who sends gets an [`Outgoing`].

mod components;
mod document;
mod operation;
mod refused;
mod reply;
mod request;
mod rules;
mod schema;
mod token;
mod tree;
mod types;
mod wsdl;

#[cfg(test)]
mod tests;

pub use self::{
    document::{Document, Reference, ReferenceKind, references, resolve},
    operation::Operation,
    refused::Refused,
    reply::{Code, PartnerFault, Reply, Unreadable},
    request::{Addressing, Options, Outgoing, Unsendable},
    token::UsernameToken,
    tree::QName,
};

use std::collections::HashMap;

use serde_json::Value;

use self::{
    components::Components,
    operation::{Payload, Pending},
    schema::Direction,
    tree::Names,
    types::{Compiler, Extra, Walk},
    wsdl::Definitions,
};
use crate::{shape::Shape, version::Version};

/// A port of a partner's service. It never changes: many calls share one.
#[derive(Debug)]
pub struct Client {
    pub service: String,
    pub port: String,
    pub version: Version,
    /// Where the description says that the service is.
    pub address: Option<String>,
    operations: Vec<Operation>,
    by_name: HashMap<String, usize>,
    /// All types of all operations.
    shape: Shape,
    extras: Vec<Extra>,
}

impl Client {
    /// Reads the documents, of which the first is the WSDL and the others what it and they refer to.
    ///
    /// A service or a port that is not named has to be the only one; of several ports the one of SOAP 1.1 is taken if there is
    /// one. An operation that can't be called has its [`Operation::problem`]; only if none can be, the whole is refused.
    pub fn read(documents: &[Document], service: Option<&str>, port: Option<&str>) -> Result<Self, Refused> {
        let mut names = Names::default();
        let sources = tree::read(documents, &mut names)?;
        let definitions = Definitions::of(&sources, &mut names)?;
        let bound = wsdl::choose(&definitions, service, port)?;
        let described = wsdl::described(&definitions, &bound)?;
        let components = Components::of(&sources, &mut names)?;
        let mut compiler = Compiler::new(&components);
        let pending: Vec<Pending> =
            described.into_iter().map(|described| Pending::of(&mut compiler, described)).collect();
        let compiled = compiler.finish();
        let limit = definitions.refuse(bound.binding, "the operations come to more than can be looked at");
        let mut walk = Walk::new(&compiled, limit);
        let operations: Vec<Operation> =
            pending.into_iter().map(|pending| pending.finish(&compiled, &mut walk)).collect();
        let mut problems = operations.iter().map(|operation| &operation.problem);
        if problems.all(Option::is_some)
            && let Some(first) = operations.iter().find_map(|operation| operation.problem.clone())
        {
            let text = format!("no operation can be called: {}", first.text);
            return Err(Refused { text, ..first });
        }
        let by_name = operations.iter().enumerate().rev();
        Ok(Self {
            service: bound.service,
            port: bound.port,
            version: bound.version,
            address: bound.address,
            by_name: by_name.map(|(at, operation)| (operation.name.clone(), at)).collect(),
            operations,
            shape: compiled.shape,
            extras: compiled.extras,
        })
    }

    /// In the order of the description.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.by_name.get(name).and_then(|at| self.operations.get(*at))
    }

    /// The JSON Schema of what an operation takes.
    pub fn input_schema(&self, operation: &Operation) -> Value {
        self.schema(&operation.input, Direction::Out)
    }

    /// The JSON Schema of what an operation gives; `None`: it is one-way.
    pub fn output_schema(&self, operation: &Operation) -> Option<Value> {
        operation.output.as_ref().map(|output| self.schema(output, Direction::In))
    }

    /// Names, elements and JSON Schemas of the faults that an operation has declared.
    pub fn fault_schemas<'c>(
        &'c self,
        operation: &'c Operation,
    ) -> impl Iterator<Item = (&'c str, &'c QName, Value)> {
        let of = |root| schema::schema(&self.shape, &self.extras, root, false, Direction::In);
        operation.faults.iter().map(move |fault| (fault.name.as_str(), &fault.element, of(fault.root)))
    }

    fn schema(&self, payload: &Payload, direction: Direction) -> Value {
        match &payload.content {
            Some(content) => {
                schema::schema(&self.shape, &self.extras, content.root, content.nillable, direction)
            }
            None => schema::nothing(),
        }
    }
}
