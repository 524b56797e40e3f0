//! An operation of a partner, ready to be called.

use std::fmt::Write as _;

use super::{
    Refused,
    tree::QName,
    types::{Compiled, Compiler, Reached, Walk},
    wsdl::{Body, Described},
};
use crate::{
    escape::{Place, escape_lossy},
    shape::TypeId,
};

#[derive(Debug)]
pub struct Operation {
    pub name: String,
    pub documentation: Option<String>,
    /// SOAPAction; empty for none.
    pub action: String,
    /// Why it can't be called.
    pub problem: Option<Refused>,
    /// Elements of the header blocks that are declared for requests; they are given as XML.
    pub headers: Vec<QName>,
    pub(super) addressing_action: Option<String>,
    pub(super) input: Payload,
    /// `None`: it is one-way.
    pub(super) output: Option<Payload>,
    pub(super) faults: Vec<Fault>,
}

/// What stands in a Body.
#[derive(Debug, Default)]
pub(super) struct Payload {
    pub(super) has_rules: bool,
    /// `None`: nothing.
    pub(super) content: Option<Tagged>,
}

/// An element, and the type of what is in it.
#[derive(Debug)]
pub(super) struct Tagged {
    pub(super) root: TypeId,
    pub(super) element: QName,
    /// In replies it may stand for `null`.
    pub(super) nillable: bool,
    /// In rpc, services do not agree on what it is called in replies.
    pub(super) is_rpc: bool,
    /// With its prefix.
    pub(super) name: String,
    /// All namespaces that are used in it.
    pub(super) declarations: String,
}

/// A fault that the description has.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) name: String,
    pub(super) element: QName,
    pub(super) root: TypeId,
}

impl Operation {
    pub fn is_one_way(&self) -> bool {
        self.output.is_none()
    }

    /// Else it is of style document.
    pub fn is_rpc(&self) -> bool {
        self.input.content.as_ref().is_some_and(|content| content.is_rpc)
    }
}

/// An operation whose types are made, but not yet all that they refer to.
pub(super) struct Pending {
    operation: Operation,
    input: Option<Made>,
    output: Option<Made>,
}

struct Made {
    element: QName,
    nillable: bool,
    is_rpc: bool,
    root: TypeId,
}

impl Pending {
    pub(super) fn of<'d>(compiler: &mut Compiler<'d>, described: Described<'d>) -> Self {
        let item = compiler.item_of(described.place);
        let mut problem = None;
        let mut body = |way: &Result<Body, Refused>, name: &str| {
            let made = match way {
                Err(refused) => Err(refused.clone()),
                Ok(Body::Nothing) => Ok(None),
                Ok(Body::Element(element)) => {
                    let made = compiler.global(item, element);
                    made.map(|(root, nillable)| {
                        Some(Made { element: element.clone(), nillable, is_rpc: false, root })
                    })
                }
                Ok(Body::Rpc { namespace, parts }) => {
                    let element = QName { namespace: namespace.as_str().into(), local: name.into() };
                    compiler
                        .parts(item, parts)
                        .map(|root| Some(Made { element, nillable: false, is_rpc: true, root }))
                }
            };
            made.unwrap_or_else(|refused| {
                problem.get_or_insert(refused);
                None
            })
        };
        let input = body(&described.input, &described.name);
        let response = format!("{}Response", described.name);
        let output = described.output.as_ref().map(|output| body(output, &response));
        let mut faults = Vec::new();
        for (name, element) in &described.faults {
            // A fault that can't be read is told as XML.
            if let Ok((root, _)) = compiler.global(item, element) {
                faults.push(Fault { name: name.clone(), element: element.clone(), root });
            }
        }
        let Described { name, documentation, action, addressing_action, headers, .. } = described;
        let operation = Operation {
            name,
            documentation,
            action,
            problem,
            headers,
            addressing_action,
            input: Payload::default(),
            output: output.as_ref().map(|_| Payload::default()),
            faults,
        };
        Self { operation, input, output: output.flatten() }
    }

    pub(super) fn finish(self, compiled: &Compiled, walk: &mut Walk<'_>) -> Operation {
        let mut operation = self.operation;
        let (input, reached) = payload(self.input, compiled, walk);
        operation.input = input;
        let problem = operation.problem.or(reached.problem).or(reached.unsendable);
        let (output, reached) = payload(self.output, compiled, walk);
        operation.problem = problem.or(reached.problem);
        operation.output = operation.output.map(|_| output);
        operation.faults.retain(|fault| walk.from(fault.root).problem.is_none());
        operation
    }
}

fn payload(made: Option<Made>, compiled: &Compiled, walk: &mut Walk<'_>) -> (Payload, Reached) {
    let Some(Made { element, nillable, is_rpc, root }) = made else {
        return (Payload::default(), Reached::default());
    };
    let reached = walk.from(root);
    let own = compiled.namespaces.iter().position(|namespace| *namespace == element.namespace);
    let mut declarations = String::new();
    let mut declare = |number: usize, namespace: &str| {
        let _ = write!(declarations, " xmlns:n{number}=\"");
        escape_lossy(&mut declarations, namespace, Place::Attribute);
        declarations.push('"');
    };
    let mut prefix = None;
    for at in &reached.namespaces {
        let number = at + 1;
        declare(number, &compiled.namespaces[*at]);
        if own == Some(*at) {
            prefix = Some(format!("n{number}:"));
        }
    }
    let prefix = prefix.unwrap_or_else(|| match element.namespace.is_empty() {
        true => String::new(),
        false => {
            declare(0, &element.namespace);
            "n0:".to_owned()
        }
    });
    let name = format!("{prefix}{}", element.local);
    let content = Some(Tagged { root, element, nillable, is_rpc, name, declarations });
    (Payload { has_rules: reached.has_rules, content }, reached)
}
