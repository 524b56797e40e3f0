//! The SOAP channels of one path, ready to take messages.

use std::sync::Arc;

use busbar_soap::{Operation, Payload, Refusal, address::Address};

use crate::{
    authenticate::Guard,
    catalog::{Admission, Route},
    route::{Admitted, admitted},
};

/// An address with all that its requests need.
pub(crate) struct SoapAddress {
    pub(crate) address: Arc<Address>,
    /// Where the operations of `address` go: indexes into the catalog's routes.
    routes: Vec<usize>,
    /// Operations that can't be described at present, since their services are away or have no SOAP.
    absent: Vec<(String, usize)>,
    /// One of its channels, if all let in the same callers, and tell them by the head of a request.
    common: Option<usize>,
    by_message: bool,
    /// The most that one of its channels takes.
    pub(crate) body_bytes_max: u64,
    pub(crate) timeout_ms: u64,
}

/// Where a message goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) route: usize,
    /// Index into the address's operations; `None` of one that can't be described.
    pub(super) operation: Option<usize>,
}

impl SoapAddress {
    /// `members` are indexes into `routes`, the catalog's.
    pub(crate) fn new(address: Arc<Address>, members: &[usize], routes: &[Route]) -> Self {
        let of = |at: &usize| routes.get(*at).map(|route| (*at, route));
        let all: Vec<(usize, &Route)> = members.iter().filter_map(of).collect();
        let find = |name: &str| all.iter().find(|(_, route)| route.channel.operation() == Some(name));
        let described: Vec<usize> = address
            .operations()
            .iter()
            .filter_map(|operation| find(&operation.name))
            .map(|(at, _)| *at)
            .collect();
        let away = all.iter().filter(|(at, _)| !described.contains(at));
        let first = all.first().map(|(_, route)| &route.guard);
        let same = first.is_some_and(|first| all.iter().all(|(_, route)| is_same(first, &route.guard)));
        let by_message = all.iter().any(|(_, route)| route.is_by_message());
        Self {
            absent: away
                .filter_map(|(at, route)| Some((route.channel.operation()?.to_owned(), *at)))
                .collect(),
            common: members.first().copied().filter(|_| same && !by_message),
            by_message,
            body_bytes_max: all
                .iter()
                .map(|(_, route)| route.channel.body_bytes_max)
                .max()
                .unwrap_or_default(),
            timeout_ms: all.iter().map(|(_, route)| route.channel.timeout_ms).max().unwrap_or_default(),
            routes: described,
            address,
        }
    }

    /// Who is let in, where that can be told without the message.
    pub(super) fn admitted<'r>(&self, routes: &'r [Route]) -> Option<Admitted<'r>> {
        routes.get(self.common?).map(|route| admitted(&route.guard))
    }

    /// Whether one of its channels tells callers by their messages.
    pub(super) fn is_by_message(&self) -> bool {
        self.by_message
    }

    /// The operation of a message: by `action` (SOAPAction), else by what WS-Addressing states, else by the
    /// body's element.
    pub(super) fn choose(
        &self,
        action: Option<&str>,
        stated: Option<&str>,
        namespace: &str,
        local: &str,
    ) -> Result<Chosen, Refusal> {
        let action = action.or(stated.map(str::trim)).filter(|action| !action.is_empty());
        if let Some(named) = action.and_then(|action| self.named(action)) {
            return self.fits(named, namespace, local);
        }
        if let Some(named) = self.named(local) {
            return self.fits(named, namespace, local);
        }
        // One that takes anything, where there is nothing else.
        if let ([only], []) = (self.address.operations(), self.absent.as_slice())
            && only.input == Payload::Raw
            && let Some(route) = self.routes.first()
        {
            return Ok(Chosen { route: *route, operation: Some(0) });
        }
        let known: Vec<&str> = self.names().collect();
        let text = format!(
            "neither the action nor the body's element is an operation of this address: {}",
            known.join(", ")
        );
        Err(Refusal::message("operation-unknown", text))
    }

    fn named(&self, name: &str) -> Option<Chosen> {
        let described = self.address.operations().iter().position(|operation| operation.name == name);
        if let Some(at) = described {
            return self.routes.get(at).map(|route| Chosen { route: *route, operation: Some(at) });
        }
        let absent = self.absent.iter().find(|(operation, _)| operation == name);
        absent.map(|(_, route)| Chosen { route: *route, operation: None })
    }

    /// Refuses a message whose action and body are at odds.
    fn fits(&self, chosen: Chosen, namespace: &str, local: &str) -> Result<Chosen, Refusal> {
        let operation = chosen.operation.and_then(|at| self.address.operations().get(at));
        let Some(Operation { name, namespace: expected, input, .. }) = operation else { return Ok(chosen) };
        if *input == Payload::Raw || (local == name && namespace == expected) {
            return Ok(chosen);
        }
        let text = format!(
            "the body of operation {name} is an element {{{expected}}}{name}, not {{{namespace}}}{local}"
        );
        Err(Refusal::message("element-unexpected", text))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let described = self.address.operations().iter().map(|operation| operation.name.as_str());
        described.chain(self.absent.iter().map(|(name, _)| name.as_str()))
    }
}

fn is_same(a: &Admission, b: &Admission) -> bool {
    match (a, b) {
        (Admission::Open, Admission::Open) | (Admission::Closed, Admission::Closed) => true,
        (Admission::Guarded(a), Admission::Guarded(b)) => Arc::<Guard>::ptr_eq(a, b),
        _ => false,
    }
}
