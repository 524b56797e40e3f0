//! Messages, port type, bindings and service.

use super::{fault_schema, markup::Markup, prefixes::Prefixes};
use crate::{address::Address, namespace, operation::Operation};

/// Of both the fault message and the operations' faults.
const FAULT: &str = "Fault";

pub(super) fn write(markup: &mut Markup, address: &Address, location: &str, prefixes: &Prefixes<'_>) {
    for operation in address.operations() {
        messages(markup, operation, prefixes);
    }
    if address.operations().iter().any(|operation| !operation.is_one_way()) {
        markup.start("wsdl:message", &[("name", FAULT)]);
        let element = format!("{}:{}", fault_schema::PREFIX, fault_schema::PROBLEM);
        markup.empty("wsdl:part", &[("name", "fault"), ("element", &element)]);
        markup.end();
    }
    let name = address.name();
    markup.start("wsdl:portType", &[("name", &format!("{name}PortType"))]);
    for operation in address.operations() {
        port_operation(markup, operation);
    }
    markup.end();
    for version in [Version::Soap11, Version::Soap12] {
        binding(markup, address, version);
    }
    markup.start("wsdl:service", &[("name", name)]);
    for version in [Version::Soap11, Version::Soap12] {
        let port = version.binding(address);
        markup.start("wsdl:port", &[("name", &port), ("binding", &format!("tns:{port}"))]);
        markup.empty(&version.tag("address"), &[("location", location)]);
        markup.end();
    }
    markup.end();
}

/// The suffixes keep all of them apart, whatever the operations' names.
fn messages(markup: &mut Markup, operation: &Operation, prefixes: &Prefixes<'_>) {
    let request = (format!("{}In", operation.name), operation.name.clone());
    let reply =
        (!operation.is_one_way()).then(|| (format!("{}Out", operation.name), operation.response_name()));
    for (message, element) in [Some(request), reply].into_iter().flatten() {
        markup.start("wsdl:message", &[("name", &message)]);
        let element = prefixes.qualified(&operation.namespace, &element);
        markup.empty("wsdl:part", &[("name", "parameters"), ("element", &element)]);
        markup.end();
    }
}

fn port_operation(markup: &mut Markup, operation: &Operation) {
    let name = &operation.name;
    markup.start("wsdl:operation", &[("name", name)]);
    if let Some(documentation) = &operation.documentation {
        markup.text("wsdl:documentation", documentation);
    }
    markup.empty("wsdl:input", &[("message", &format!("tns:{name}In")), ("wsam:Action", name)]);
    if !operation.is_one_way() {
        let action = operation.response_name();
        markup.empty("wsdl:output", &[("message", &format!("tns:{name}Out")), ("wsam:Action", &action)]);
        markup.empty("wsdl:fault", &[("name", FAULT), ("message", &format!("tns:{FAULT}"))]);
    }
    markup.end();
}

fn binding(markup: &mut Markup, address: &Address, version: Version) {
    let port_type = format!("tns:{}PortType", address.name());
    markup.start("wsdl:binding", &[("name", &version.binding(address)), ("type", &port_type)]);
    let transport = ("transport", namespace::SOAP_HTTP_TRANSPORT);
    markup.empty(&version.tag("binding"), &[("style", "document"), transport]);
    for operation in address.operations() {
        markup.start("wsdl:operation", &[("name", &operation.name)]);
        let action = ("soapAction", operation.name.as_str());
        match version {
            Version::Soap11 => markup.empty(&version.tag("operation"), &[action, ("style", "document")]),
            Version::Soap12 => {
                let optional = ("soapActionRequired", "false");
                markup.empty(&version.tag("operation"), &[action, optional, ("style", "document")]);
            }
        }
        let sides: &[&str] =
            if operation.is_one_way() { &["wsdl:input"] } else { &["wsdl:input", "wsdl:output"] };
        for side in sides {
            markup.start(side, &[]);
            markup.empty(&version.tag("body"), &[("use", "literal")]);
            markup.end();
        }
        // Axis 1.4 refuses a WSDL with soap12:fault, which it can't read. WS-I's profile lets faults go without here.
        if version == Version::Soap11 && !operation.is_one_way() {
            markup.start("wsdl:fault", &[("name", FAULT)]);
            markup.empty(&version.tag("fault"), &[("name", FAULT), ("use", "literal")]);
            markup.end();
        }
        markup.end();
    }
    markup.end();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Soap11,
    Soap12,
}

impl Version {
    /// Also the name of its port.
    fn binding(self, address: &Address) -> String {
        let suffix = match self {
            Self::Soap11 => "Soap11",
            Self::Soap12 => "Soap12",
        };
        format!("{}{suffix}", address.name())
    }

    fn tag(self, name: &str) -> String {
        match self {
            Self::Soap11 => format!("soap:{name}"),
            Self::Soap12 => format!("soap12:{name}"),
        }
    }
}
