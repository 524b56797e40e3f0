//! SOAP connections: operations of services that Busbar had no hand in, by their WSDL, and WSDLs that are refused.

use busbar_tests::{Options, Quickstart, partner::Partner};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn bus(services: &[&'static str]) -> Quickstart {
    let options = Options { services: services.to_vec(), workers: 1, ..Options::default() };
    Quickstart::start_with(options).await
}

async fn connect(bus: &Quickstart, name: &str, wsdl: &str, more: Value) -> Value {
    let mut body = json!({"name": name, "kind": "soap", "wsdl": {"url": wsdl}, "allow": ["127.0.0.1"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = bus.admin("POST", "/connections", Some(&body)).await.expect(201);
    bus.settle().await;
    made
}

async fn call(bus: &Quickstart, connection: &str, operation: &str, input: Value) -> Value {
    let step = json!({"do": "soap", "connection": connection, "operation": operation, "input": input});
    bus.invoke("reacher.run", &json!({"steps": [step]})).await.expect(200)["told"][0].clone()
}

#[tokio::test]
async fn spyne_is_called_with_json() {
    let bus = bus(&["reacher"]).await;
    for version in ["1.1", "1.2"] {
        let partner = Partner::spyne(version).await;
        let name = format!("depot-{}", version.replace('.', ""));
        let made = connect(&bus, &name, &partner.descriptions[0], json!({})).await;
        assert_eq!(made["version"], version, "{made}");
        bus.cli(&["connection", "ping", &name]).await.expect(0);
        let listed = bus.cli(&["connection", "operations", &name]).await;
        assert!(listed.expect(0).stdout.contains("submit"), "{listed:?}");
        let line = |article: &str| json!({"article": article, "quantity": 3, "price": "1.10"});
        let order =
            |article: &str| json!({"order": {"customer": "Ada <&>", "lines": {"Line": [line(article)]}}});
        let told = call(&bus, &name, "submit", order("tea")).await;
        assert_eq!(told["submitResult"]["total"], "3.30", "{told}");
        let told = call(&bus, &name, "submit", order("unknown")).await;
        assert_eq!(told["partner"]["message"], "no such article: unknown", "{told}");
        let told = call(&bus, &name, "submit", json!({"order": {"customer": 1}})).await;
        assert_eq!(told["fault"], "invalid-input", "{told}");
        let told = call(&bus, &name, "vanish", json!({})).await;
        assert_eq!(told["fault"], "operation-unknown", "{told}");
    }
}

#[tokio::test]
async fn jax_ws_answers_with_parts_and_declared_faults() {
    let (bus, folder) = (bus(&["reacher"]).await, TempDir::new().unwrap());
    let partner = Partner::jax_ws(folder.path()).await;
    connect(&bus, "library", &partner.descriptions[1], json!({"mtom": true})).await;
    let book = |title: &str| {
        json!({"isbn": "1", "title": title, "genre": "POETRY", "price": "12.50", "bought": "2026-11-30T12:00:00Z",
            "authors": ["Ada"], "cover": "AAEC/w==", "sequels": []})
    };
    let told = call(&bus, "library", "shelve", json!({"book": book("Ünïcode"), "row": 3})).await;
    assert_eq!((&told["title"], &told["cover"]), (&json!("Ünïcode"), &json!("AAEC/w==")), "{told}");
    let told = call(&bus, "library", "shelve", json!({"book": book("lent"), "row": 14})).await;
    assert_eq!(told["partner"]["message"], "the book is lent", "{told}");
    assert_eq!(told["partner"]["described"][0], "LentException", "{told}");
    assert_eq!(call(&bus, "library", "note", json!("a text")).await, Value::Null, "it is one-way");
}

/// The bus calls itself: what one side writes the other reads, credentials included.
#[tokio::test]
async fn a_username_token_lets_it_in() {
    let bus = bus(&["reacher", "greeter"]).await;
    for kind in ["digest", "text"] {
        let security = json!({"name": kind, "kind": "ws-security", "username": "bus", "password": "pass-5f",
            "password_type": kind});
        bus.admin("POST", "/security", Some(&security)).await.expect(201);
        let channel = json!({"name": kind, "protocol": "soap", "path": format!("/soap/{kind}"),
            "service": "greeter.greet", "security": kind});
        bus.admin("POST", "/channels", Some(&channel)).await.expect(201);
    }
    bus.settle().await;
    for (name, kind, password) in
        [("digest", "digest", "pass-5f"), ("text", "text", "pass-5f"), ("wrong", "digest", "other")]
    {
        let wsdl = format!("http://{}/soap/{kind}?wsdl", bus.http().authority());
        let token =
            json!({"username_token": {"username": "bus", "password_type": kind}, "token_password": password});
        let made = connect(&bus, name, &wsdl, token).await;
        assert!(!made.to_string().contains(password), "{made}");
        let told = call(&bus, name, "greet", json!({"name": "Ada"})).await;
        if name == "wrong" {
            assert_eq!(told["partner"]["code"], "FailedAuthentication", "{told}");
        } else {
            assert_eq!(told["greeting"], "Hello, Ada!", "{name}: {told}");
        }
    }
}

const WSDL: &str = r#"<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">IMPORT
  <types><x:schema targetNamespace="urn:t"><x:element name="ask" type="x:string"/><x:element name="told" type="x:string"/></x:schema></types>
  <message name="a"><part name="p" element="t:ask"/></message><message name="b"><part name="p" element="t:told"/></message>
  <portType name="T"><operation name="Ask"><input message="t:a"/><output message="t:b"/></operation></portType>
  <binding name="B" type="t:T"><s:binding transport="http://schemas.xmlsoap.org/soap/http" style="STYLE"/>
    <operation name="Ask"><s:operation soapAction="ask"/><input><s:body use="USE"/></input><output><s:body use="USE"/></output></operation></binding>
  <service name="S"><port name="P" binding="t:B"><s:address location="http://partner.example/"/></port></service>
</definitions>"#;

#[tokio::test]
async fn a_description_that_can_not_be_used_is_refused_with_its_place() {
    let bus = bus(&["reacher"]).await;
    let text = |import: &str, style: &str, used: &str| {
        WSDL.replace("IMPORT", import).replace("STYLE", style).replace("USE", used)
    };
    let document = |location: &str, text: String| json!({"location": location, "text": text});
    let create = async |name: &str, documents: Value| {
        let body = json!({"name": name, "kind": "soap", "wsdl": {"documents": documents}});
        bus.admin("POST", "/connections", Some(&body)).await
    };
    let good = text("", "document", "literal");
    create("good", json!([document("a.wsdl", good.clone())])).await.expect(201);
    let doctype = format!("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>{good}");
    let external = good.replace("\"urn:t\">", "\"urn:t\">&b;");
    let schema = r#"<import namespace="urn:o" location="b.wsdl"/>"#;
    let other = r#"<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:o"><import namespace="urn:t" location="a.wsdl"/></definitions>"#;
    let cyclic = json!([
        document("a.wsdl", text(schema, "document", "literal")),
        document("b.wsdl", other.to_owned())
    ]);
    create("cyclic", cyclic).await.expect(201);
    for (name, text, says) in [
        ("doctype", doctype, "DOCTYPE"),
        ("entity", external, "line"),
        ("encoded", text("", "rpc", "encoded"), "encoded"),
        ("half", good[..good.len() / 2].to_owned(), "a.wsdl"),
        ("none", "<html/>".to_owned(), "a.wsdl"),
    ] {
        let refused = create(name, json!([document("a.wsdl", text)])).await.expect(409);
        assert_eq!(refused["code"], "unusable-wsdl", "{name}: {refused}");
        assert!(refused["errors"][0]["path"].as_str().unwrap().starts_with("/wsdl"), "{name}: {refused}");
        assert!(refused.to_string().contains(says), "{name}: {refused}");
    }
    // Loopback is not allowed unless it is said.
    let url = format!("http://{}/soap/none?wsdl", bus.http().authority());
    let body = json!({"name": "away", "kind": "soap", "wsdl": {"url": url}});
    let refused = bus.admin("POST", "/connections", Some(&body)).await.expect(409);
    assert!(refused.to_string().contains("allowed addresses"), "{refused}");
}
