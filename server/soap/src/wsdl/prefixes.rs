//! Prefixes of the namespaces that a WSDL speaks of.

use std::collections::{BTreeMap, BTreeSet};

use super::fault_schema;
use crate::{
    address::{Address, globals},
    namespace,
};

/// All of them are declared on the WSDL's root.
pub(super) struct Prefixes<'a> {
    target: &'a str,
    by_namespace: BTreeMap<&'a str, String>,
}

impl<'a> Prefixes<'a> {
    pub(super) fn of(address: &'a Address) -> Self {
        let target = address.operations().first().map_or(namespace::FAULT, |first| &first.namespace);
        // An address is refused if its globals contradict each other.
        let globals = globals(address.operations()).unwrap_or_default();
        let others = globals.keys().map(|(_, namespace, _)| *namespace);
        let own = address.operations().iter().map(|operation| operation.namespace.as_str());
        let all: BTreeSet<&str> = own.chain(others).filter(|namespace| *namespace != target).collect();
        let numbered = all.into_iter().zip(1..).map(|(namespace, n)| (namespace, format!("ns{n}")));
        let mut by_namespace: BTreeMap<&str, String> = numbered.collect();
        by_namespace.insert(target, "tns".to_owned());
        Self { target, by_namespace }
    }

    /// The WSDL's own namespace: that of its operations, or of the first one.
    pub(super) fn target(&self) -> &'a str {
        self.target
    }

    /// Those that need a schema of their own.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &'a str> {
        self.by_namespace.keys().copied()
    }

    pub(super) fn declarations(&self) -> Vec<(String, &'a str)> {
        let mut declarations: Vec<(String, &str)> = self
            .by_namespace
            .iter()
            .map(|(namespace, prefix)| (format!("xmlns:{prefix}"), *namespace))
            .collect();
        declarations.push((format!("xmlns:{}", fault_schema::PREFIX), namespace::FAULT));
        declarations.sort();
        declarations
    }

    pub(super) fn qualified(&self, namespace: &str, name: &str) -> String {
        match self.by_namespace.get(namespace) {
            Some(prefix) => format!("{prefix}:{name}"),
            None => name.to_owned(),
        }
    }
}
