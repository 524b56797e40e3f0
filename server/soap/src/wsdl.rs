//! WSDL 1.1 with XSD: what a stranger's client needs to know of an address.
//!
//! Document/literal wrapped, in SOAP 1.1 and 1.2. The same address and location give the same bytes.

mod binding;
pub mod fault_schema;
mod markup;
mod prefixes;
mod schema;

#[cfg(test)]
mod tests;

use self::{markup::Markup, prefixes::Prefixes};
use crate::{address::Address, namespace};

/// The WSDL of `address`, whose callers reach it at `location`, a URL.
pub fn document(address: &Address, location: &str) -> String {
    let prefixes = Prefixes::of(address);
    let mut markup = Markup::document();
    let mut attributes = vec![
        ("xmlns:wsdl", namespace::WSDL),
        ("xmlns:soap", namespace::WSDL_SOAP_11),
        ("xmlns:soap12", namespace::WSDL_SOAP_12),
        ("xmlns:wsam", namespace::ADDRESSING_METADATA),
        ("xmlns:xs", namespace::XSD),
    ];
    let declarations = prefixes.declarations();
    attributes.extend(declarations.iter().map(|(name, namespace)| (name.as_str(), *namespace)));
    attributes.extend([("name", address.name()), ("targetNamespace", prefixes.target())]);
    markup.start("wsdl:definitions", &attributes);
    let names: Vec<&str> = address.operations().iter().map(|operation| operation.name.as_str()).collect();
    markup.text("wsdl:documentation", &format!("Operations: {}.", names.join(", ")));
    markup.start("wsdl:types", &[]);
    schema::write(&mut markup, address, &prefixes);
    fault_schema::write(&mut markup);
    markup.end();
    binding::write(&mut markup, address, location, &prefixes);
    markup.end();
    markup.finish()
}
