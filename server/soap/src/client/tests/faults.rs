//! Faults as partners tell them.

use serde_json::{Value, json};

use super::{client, jaxws, replied, wcf};
use crate::{
    client::{Client, PartnerFault, Reply},
    namespace,
};

fn fault(client: &Client, operation: &str, status: u16, text: &str) -> PartnerFault {
    match client.reply(operation, status, Some("text/xml"), text.as_bytes()) {
        Ok(Reply::Fault(fault)) => *fault,
        other => panic!("{other:?}"),
    }
}

fn of_11(inner: &str) -> String {
    super::enveloped(&format!("<e:Fault>{inner}</e:Fault>"))
}

#[test]
fn a_fault_of_11_has_code_message_and_actor() {
    let text = of_11(
        "<faultcode>e:Server</faultcode><faultstring xml:lang='en'> it  broke </faultstring><faultactor>urn:a</faultactor><detail><x a='1'/>t<y/></detail>",
    );
    for status in [200, 400, 500, 503] {
        let fault = fault(&client("calculator.wsdl"), "Add", status, &text);
        assert_eq!(fault.code.local, "Server");
        assert_eq!(fault.code.namespace.as_deref(), Some(namespace::SOAP_11));
        assert_eq!(fault.message, "it  broke");
        assert_eq!(fault.role.as_deref(), Some("urn:a"));
        assert!(fault.detail.as_deref().unwrap().starts_with("<x xmlns:e="), "{:?}", fault.detail);
        assert!(fault.detail.unwrap().contains("a='1'/><y "));
        assert_eq!(fault.declared, None);
    }
    let bare =
        fault(&client("calculator.wsdl"), "Add", 500, &of_11("<faultcode>soap:Odd.Sub</faultcode><detail/>"));
    assert_eq!((bare.code.namespace, bare.code.local.as_str()), (None, "soap:Odd.Sub"));
    assert_eq!((bare.detail, bare.message.as_str()), (None, ""));
}

#[test]
fn a_declared_fault_is_json_too() {
    let text = of_11(
        "<faultcode xmlns='' xmlns:q='urn:q'>q:Full</faultcode><faultstring>full</faultstring><detail>\
         <Full xmlns='http://schemas.datacontract.org/2004/07/Bookings'><Until>2026-12-01</Until></Full></detail>",
    );
    let fault = fault(&wcf(), "Book", 500, &text);
    assert_eq!((fault.code.namespace.as_deref(), fault.code.local.as_str()), (Some("urn:q"), "Full"));
    let (name, json) = fault.declared.unwrap();
    assert_eq!(
        (name.as_str(), serde_json::from_str::<Value>(&json).unwrap()),
        ("FullFault", json!({"Until": "2026-12-01"}))
    );
    let broken = text.replace("2026-12-01", "tomorrow");
    let fault = self::fault(&wcf(), "Book", 500, &broken);
    assert!(fault.declared.is_none() && fault.detail.unwrap().contains("tomorrow"));
}

#[test]
fn a_fault_of_12_has_subcodes_and_languages() {
    let text = format!(
        "<e:Envelope xmlns:e='{}'><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value xmlns:m='urn:m'>m:Lent</e:Value>\
         <e:Subcode><e:Value>plain</e:Value></e:Subcode></e:Subcode></e:Code><e:Reason><e:Text xml:lang='de'>verliehen</e:Text>\
         <e:Text xml:lang='en-GB'>lent</e:Text></e:Reason><e:Node>urn:n</e:Node><e:Role>urn:r</e:Role><e:Detail>\
         <l:LentException xmlns:l='http://library.example/'><message>lent</message></l:LentException></e:Detail></e:Fault></e:Body></e:Envelope>",
        namespace::SOAP_12
    );
    let fault = fault(&jaxws(), "lend", 400, &text);
    assert_eq!(fault.code.local, "Sender");
    let subcodes: Vec<_> =
        fault.subcodes.iter().map(|code| (code.namespace.as_deref(), code.local.as_str())).collect();
    assert_eq!(subcodes, [(Some("urn:m"), "Lent"), (None, "plain")]);
    assert_eq!((fault.message.as_str(), fault.role.as_deref()), ("lent", Some("urn:r")));
    assert_eq!(fault.declared.unwrap(), ("LentException".to_owned(), "{\"message\":\"lent\"}".to_owned()));
}

#[test]
fn a_fault_answers_one_way_operations_too() {
    assert!(matches!(
        replied(&wcf(), "Note", "<e:Fault><faultcode>e:Client</faultcode></e:Fault>"),
        Ok(Reply::Fault(_))
    ));
}
