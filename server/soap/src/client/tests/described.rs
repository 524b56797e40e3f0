//! What there is: services, ports, operations, and what is wrong with some of them.

use super::{client, documents, jaxws, shop, wcf};
use crate::{client::Client, version::Version};

#[test]
fn of_several_ports_the_one_of_soap_11_is_taken() {
    let found = client("calculator.wsdl");
    assert_eq!((found.service.as_str(), found.port.as_str()), ("Calculator", "CalculatorSoap"));
    assert_eq!(found.version, Version::V11);
    assert_eq!(found.address.as_deref(), Some("http://calc.example/calculator.asmx"));
    let names: Vec<&str> = found.operations().iter().map(|operation| operation.name.as_str()).collect();
    assert_eq!(names, ["Add", "Divide", "Clear"]);
    let add = found.operation("Add").unwrap();
    assert_eq!(add.documentation.as_deref(), Some("Adds two integers."));
    assert_eq!(
        (add.action.as_str(), add.is_one_way(), &add.problem),
        ("http://calc.example/Add", false, &None)
    );
}

#[test]
fn many_calls_share_a_client() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    is_shared(&client("calculator.wsdl"));
}

#[test]
fn a_port_is_chosen_by_its_name() {
    let documents = documents(&[("calculator.wsdl", "calculator.wsdl")]);
    let of = |service, port| Client::read(&documents, service, port);
    let newer = of(Some("Calculator"), Some("CalculatorSoap12")).unwrap();
    assert_eq!((newer.version, newer.operations().len()), (Version::V12, 1));
    let cases = [
        (
            None,
            Some("CalculatorHttpGet"),
            "line 81: the port \"CalculatorHttpGet\" is not bound to SOAP; there are these: \
          CalculatorSoap (SOAP 1.1), CalculatorSoap12 (SOAP 1.2), CalculatorHttpGet (no SOAP)",
        ),
        (
            None,
            Some("Other"),
            "line 81: the service \"Calculator\" has no port \"Other\", but these: CalculatorSoap (SOAP 1.1), \
          CalculatorSoap12 (SOAP 1.2), CalculatorHttpGet (no SOAP)",
        ),
        (Some("Other"), None, "line 81: there is no service \"Other\", but these: Calculator"),
    ];
    for (service, port, expected) in cases {
        assert_eq!(of(service, port).unwrap_err().to_string(), format!("calculator.wsdl, {expected}"));
    }
}

/// A description whose only variable part is its services.
fn with(services: &str) -> String {
    let mut made = documents(&[("rpc.wsdl", "rpc.wsdl")]);
    let text = made.remove(0).text;
    let (before, rest) = text.split_once("<service").unwrap();
    let (_, after) = rest.split_once("</service>").unwrap();
    [before, services, after].concat()
}

#[test]
fn what_is_not_clear_has_to_be_named() {
    let port = |name: &str| {
        format!("<port name='{name}' binding='t:StockBinding'><s:address location='http://x/{name}'/></port>")
    };
    let read = |text: String, service, port| {
        Client::read(&[super::Document { location: "a".to_owned(), text }], service, port)
    };
    let ports = with(&format!("<service name='S'>{}{}</service>", port("a"), port("b")));
    let error = read(ports.clone(), None, None).unwrap_err().text;
    assert_eq!(error, "the service \"S\" has several ports, and none is named: a (SOAP 1.1), b (SOAP 1.1)");
    assert_eq!(read(ports, None, Some("b")).unwrap().address.as_deref(), Some("http://x/b"));
    let services =
        with(&format!("<service name='S'>{}</service><service name='T'>{}</service>", port("a"), port("b")));
    let error = read(services.clone(), None, None).unwrap_err().text;
    assert_eq!(error, "there are several services, and none is named: S, T");
    assert_eq!(read(services, Some("T"), None).unwrap().port, "b");
    assert_eq!(
        read(with("<service name='S'/>"), None, None).unwrap_err().text,
        "the service \"S\" has no port"
    );
    assert!(read(with(""), None, None).unwrap_err().text.contains("no document has a service"));
}

#[test]
fn documents_may_lie_apart_and_refer_to_each_other() {
    let found = wcf();
    let names: Vec<&str> = found.operations().iter().map(|operation| operation.name.as_str()).collect();
    assert_eq!(names, ["Book", "Note"]);
    assert!(found.operation("Note").unwrap().is_one_way());
    assert!(found.operations().iter().all(|operation| operation.problem.is_none()));
    let found = jaxws();
    let lend = found.operation("lend").unwrap();
    assert_eq!(found.version, Version::V12);
    assert_eq!(
        lend.headers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["{http://library.example/}ticket"]
    );
    assert_eq!(lend.problem, None);
}

#[test]
fn a_document_that_is_missing_is_told_where_it_is_needed() {
    let files = [("jaxws/service.wsdl", "w"), ("jaxws/library.xsd", "http://library.example/x.xsd")];
    let error = Client::read(&documents(&files), None, None).unwrap_err();
    assert_eq!(error.document, "http://library.example/x.xsd");
    assert_eq!(
        error.text,
        "no operation can be called: the type {http://library.example/}person is declared in no document"
    );
}

#[test]
fn only_operations_with_what_is_not_supported_are_refused() {
    let found = shop();
    let problem = |name: &str| found.operation(name).unwrap().problem.clone().map(|refused| refused.text);
    for good in ["Order", "Pay", "Price", "Tree", "Kinds", "Query", "Wide", "AbstractMaybe"] {
        assert_eq!(problem(good), None, "{good}");
    }
    let cases = [
        (
            "SubstitutionGroup",
            "\"Thing\" is abstract: the elements that stand for it (substitutionGroup) are not supported",
        ),
        (
            "AbstractNeeded",
            "the type \"AbstractRequest\" is abstract: which of its types is meant can't be told",
        ),
        ("Notation", "values of xs:NOTATION are not supported"),
        ("Twice", "the element \"a\" twice in one type"),
        ("Repeats", "a group of several elements that repeats: JSON has no order among members"),
        (
            "Encoded",
            "{http://schemas.xmlsoap.org/soap/encoding/}Array is of the SOAP encoding, which is not supported",
        ),
        ("Missing", "the type {urn:shop:data}Nowhere is declared in no document"),
        ("Circle", "groups within each other, maybe in a circle"),
        ("Extends", "more than 32 types extend each other, maybe in a circle"),
    ];
    for (name, expected) in cases {
        assert_eq!(problem(name).as_deref(), Some(expected), "{name}");
    }
    let told = found.operation("Twice").unwrap().problem.clone().unwrap();
    assert_eq!(told.document, "shop.wsdl");
    let line = std::fs::read_to_string(format!("{}/tests/partners/shop.wsdl", env!("CARGO_MANIFEST_DIR")));
    assert!(line.unwrap().lines().nth(told.line - 1).unwrap().contains("name=\"Twice\""));
}

#[test]
fn rpc_is_literal_or_refused() {
    let found = client("rpc.wsdl");
    let problem = |name: &str| found.operation(name).unwrap().problem.clone().map(|refused| refused.text);
    assert_eq!(problem("find"), None);
    assert_eq!(problem("touch"), None);
    assert_eq!(problem("old").unwrap(), "use=\"encoded\" is not supported: SOAP encoding has no schema");
    assert_eq!(problem("stray").unwrap(), "a part of an rpc operation that has no type");
}
