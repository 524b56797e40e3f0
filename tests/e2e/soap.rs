//! SOAP channels, as a client without a toolkit meets them.

use busbar_tests::{
    Options, Quickstart, Request, artifact, deployment,
    envelope::{SOAP_11, SOAP_12, call_11, call_12, envelope, of_text_11, text_of, username_token},
};
use serde_json::json;

const GREET: &str = "<greet xmlns=\"urn:busbar:greeter:v0\"><name>Ada</name></greet>";

#[tokio::test]
async fn messages_are_answered_in_kind() {
    let bus = Quickstart::start(&["greeter", "prices", "mailer", "orders"]).await;
    a_request_is_answered_in_its_version(&bus).await;
    an_action_is_the_same_quoted_and_bare(&bus).await;
    one_address_has_several_operations(&bus).await;
    failures_are_faults_of_the_callers_version(&bus).await;
    unknown_headers_must_not_be_ignored_where_they_say_so(&bus).await;
    addressing_headers_are_answered(&bus).await;
    other_methods_are_not_taken(&bus).await;
    what_is_kept_is_told_once(&bus).await;
}

/// (22)
async fn a_request_is_answered_in_its_version(bus: &Quickstart) {
    let reply = bus.http().send(&call_11("/soap/greeter", GREET)).await;
    reply.expect_status(200);
    assert_eq!(reply.header("content-type"), Some("text/xml; charset=utf-8"));
    assert!(reply.text().contains(SOAP_11) && !reply.text().contains(SOAP_12), "{reply}");
    assert!(reply.text().contains("<greetResponse xmlns=\"urn:busbar:greeter:v0\">"), "{reply}");
    assert_eq!(text_of(reply.text(), "greeting").as_deref(), Some("Hello, Ada!"));
    let reply = bus.http().send(&call_12("/soap/greeter", GREET)).await;
    reply.expect_status(200);
    assert_eq!(reply.header("content-type"), Some("application/soap+xml; charset=utf-8"));
    assert!(reply.text().contains(SOAP_12) && !reply.text().contains(SOAP_11), "{reply}");
    assert_eq!(text_of(reply.text(), "greeting").as_deref(), Some("Hello, Ada!"));
    assert!(!reply.correlation_id().is_empty());
}

/// (23)
async fn an_action_is_the_same_quoted_and_bare(bus: &Quickstart) {
    for action in ["\"greet\"", "greet", "\"\"", "", "\"http://sap.com/xi/WebService/soap1.1\""] {
        let request = call_11("/soap/greeter", GREET).header("soapaction", action);
        bus.http().send(&request).await.expect_status(200);
    }
    for content_type in
        ["application/soap+xml; action=\"greet\"", "application/soap+xml;charset=UTF-8;action=greet"]
    {
        let request = Request::post("/soap/greeter")
            .header("content-type", content_type)
            .body(envelope(SOAP_12, "", GREET));
        bus.http().send(&request).await.expect_status(200);
    }
}

/// (24)
async fn one_address_has_several_operations(bus: &Quickstart) {
    let submit = "<submit xmlns=\"urn:busbar:orders:v0\"><lines><quantity>2</quantity><sku>tea</sku></lines>\
                  <customer>Ada</customer><email>ada@example.org</email></submit>";
    let reply = bus.http().send(&call_11("/soap/orders", submit).header("soapaction", "submit")).await;
    reply.expect_status(200);
    let id = text_of(reply.text(), "id").unwrap();
    assert_eq!(text_of(reply.text(), "total_cents").as_deref(), Some("900"));
    let get = format!("<get xmlns=\"urn:busbar:orders:v0\"><id>{id}</id></get>");
    let reply = bus.http().send(&call_12("/soap/orders", &get)).await;
    reply.expect_status(200);
    assert!(reply.text().contains("getResponse"), "{reply}");
    assert_eq!(text_of(reply.text(), "customer").as_deref(), Some("Ada"));
    // What the action says and what the body is are the same.
    let spoofed = bus.http().send(&call_11("/soap/orders", submit).header("soapaction", "get")).await;
    spoofed.expect_status(500);
    assert_eq!(spoofed.fault_11().0, "Client");
    let nothing = bus.http().send(&call_11("/soap/orders", "<cancel xmlns=\"urn:busbar:orders:v0\"/>")).await;
    let (code, text) = nothing.fault_11();
    assert_eq!(code, "Client");
    assert!(text.contains("get, submit"), "the operations are named: {text}");
}

/// (25, 26)
async fn failures_are_faults_of_the_callers_version(bus: &Quickstart) {
    let wrong = "<submit xmlns=\"urn:busbar:orders:v0\"><customer/><email>ada@example.org</email>\
                 <lines><sku>tea</sku><quantity>0</quantity></lines></submit>";
    let reply = bus.http().send(&call_11("/soap/orders", wrong)).await;
    reply.expect_status(500);
    assert_eq!(reply.fault_11().0, "Client");
    assert_eq!(text_of(reply.text(), "code").as_deref(), Some("invalid-input"));
    assert_eq!(text_of(reply.text(), "correlationId").as_deref(), Some(reply.correlation_id()));
    assert!(reply.text().contains("<f:path>/customer</f:path>"), "{reply}");
    assert!(reply.text().contains("<f:path>/lines/0/quantity</f:path>"), "{reply}");
    let reply = bus.http().send(&call_12("/soap/orders", wrong)).await;
    reply.expect_status(400);
    assert_eq!(reply.fault_12().0, "Sender");
    let unknown = "<get xmlns=\"urn:busbar:orders:v0\"><id>none</id></get>";
    let reply = bus.http().send(&call_11("/soap/orders", unknown)).await;
    reply.expect_status(500);
    assert_eq!(reply.fault_11(), ("Client".to_owned(), "there is no such order".to_owned()));
    assert_eq!(text_of(reply.text(), "code").as_deref(), Some("order-unknown"));
    let bad = bus.http().send(&of_text_11("/soap/orders", "<not-an-envelope/>")).await;
    bad.expect_status(500);
    assert_eq!(bad.fault_11().0, "Client");
    let other = envelope("http://www.w3.org/2001/12/soap-envelope", "", GREET);
    let reply = bus.http().send(&of_text_11("/soap/greeter", other)).await;
    reply.expect_status(500);
    assert_eq!(reply.fault_11().0, "VersionMismatch");
    assert!(reply.text().contains("Upgrade"), "{reply}");
}

/// (27)
async fn unknown_headers_must_not_be_ignored_where_they_say_so(bus: &Quickstart) {
    let header = |version: &str, must: &str| {
        format!(
            "<t:transaction xmlns:t=\"urn:t\" xmlns:e=\"{version}\" e:mustUnderstand=\"{must}\">5</t:transaction>"
        )
    };
    let text = envelope(SOAP_11, &header(SOAP_11, "1"), GREET);
    let reply = bus.http().send(&of_text_11("/soap/greeter", text)).await;
    reply.expect_status(500);
    assert_eq!(reply.fault_11().0, "MustUnderstand");
    let text = envelope(SOAP_12, &header(SOAP_12, "true"), GREET);
    let request = Request::post("/soap/greeter").header("content-type", "application/soap+xml").body(text);
    let reply = bus.http().send(&request).await;
    reply.expect_status(500);
    assert_eq!(reply.fault_12().0, "MustUnderstand");
    assert!(reply.text().contains("NotUnderstood"), "{reply}");
    let text = envelope(SOAP_11, &header(SOAP_11, "0"), GREET);
    bus.http().send(&of_text_11("/soap/greeter", text)).await.expect_status(200);
    // A security token that nobody here looks at is not understood.
    let token = username_token("ada", "Text", "x", "AAAA", "2026-01-01T00:00:00Z");
    let reply = bus.http().send(&of_text_11("/soap/greeter", envelope(SOAP_11, &token, GREET))).await;
    assert_eq!(reply.fault_11().0, "MustUnderstand");
}

async fn addressing_headers_are_answered(bus: &Quickstart) {
    let addressing = |reply_to: &str| {
        format!(
            "<a:Action xmlns:a=\"http://www.w3.org/2005/08/addressing\">greet</a:Action>\
             <a:MessageID xmlns:a=\"http://www.w3.org/2005/08/addressing\">urn:uuid:1</a:MessageID>\
             <a:ReplyTo xmlns:a=\"http://www.w3.org/2005/08/addressing\"><a:Address>{reply_to}</a:Address></a:ReplyTo>"
        )
    };
    let anonymous = addressing("http://www.w3.org/2005/08/addressing/anonymous");
    let reply = bus.http().send(&of_text_11("/soap/greeter", envelope(SOAP_11, &anonymous, GREET))).await;
    reply.expect_status(200);
    assert_eq!(text_of(reply.text(), "RelatesTo").as_deref(), Some("urn:uuid:1"));
    assert_eq!(text_of(reply.text(), "Action").as_deref(), Some("greetResponse"));
    assert!(text_of(reply.text(), "MessageID").unwrap().starts_with("urn:uuid:"), "{reply}");
    let elsewhere = addressing("http://example.org/replies");
    let reply = bus.http().send(&of_text_11("/soap/greeter", envelope(SOAP_11, &elsewhere, GREET))).await;
    assert_eq!(reply.fault_11().0, "OnlyAnonymousAddressSupported");
    let none = addressing("http://www.w3.org/2005/08/addressing/none");
    let fault = bus.http().send(&of_text_11("/soap/greeter", envelope(SOAP_11, &none, "<greet/>"))).await;
    fault.expect_status(202);
    assert!(fault.text().is_empty(), "{fault}");
    let action =
        of_text_11("/soap/greeter", envelope(SOAP_11, &anonymous, GREET)).header("soapaction", "other");
    assert_eq!(bus.http().send(&action).await.fault_11().0, "ActionMismatch");
    let reply = bus.http().send(&of_text_11("/soap/greeter", envelope(SOAP_11, &none, GREET))).await;
    reply.expect_status(202);
    assert!(reply.text().is_empty(), "{reply}");
}

async fn other_methods_are_not_taken(bus: &Quickstart) {
    let reply = bus.http().send(&Request::new("PUT", "/soap/greeter")).await;
    reply.problem(405, "method-not-allowed");
    let reply = bus.http().get("/soap/greeter").await;
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), Some("POST"));
}

async fn what_is_kept_is_told_once(bus: &Quickstart) {
    let submit = "<submit xmlns=\"urn:busbar:orders:v0\"><customer>Bob</customer><email>b@example.org</email>\
                  <lines><sku>tea</sku><quantity>1</quantity></lines></submit>";
    let request = call_11("/soap/orders", submit).header("idempotency-key", "soap-1");
    let first = bus.http().send(&request).await;
    first.expect_status(200);
    let again = bus.http().send(&request).await;
    again.expect_status(200);
    assert_eq!(text_of(first.text(), "id"), text_of(again.text(), "id"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn the_wsdl_has_the_address_that_was_asked() {
    let bus = Quickstart::start(&["greeter", "prices", "mailer", "orders"]).await;
    let wsdl = async |request: Request| {
        let reply = bus.http().send(&request).await;
        reply.expect_status(200);
        assert_eq!(reply.header("content-type"), Some("text/xml; charset=utf-8"));
        reply.text().to_owned()
    };
    let own = wsdl(Request::get("/soap/orders?wsdl")).await;
    let address = format!("location=\"http://{}/soap/orders\"", bus.http().authority());
    assert_eq!(own.matches(&address).count(), 2, "a port for each version of SOAP: {own}");
    assert_eq!(own, wsdl(Request::get("/soap/orders?WSDL")).await, "it is the same each time");
    let balanced = Request::get("/soap/orders?wsdl")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "bus.example.org");
    assert!(wsdl(balanced).await.contains("location=\"https://bus.example.org/soap/orders\""));
    assert!(own.contains("Takes an order: prices it"), "documented as the service is: {own}");
    for operation in ["submit", "get"] {
        assert!(own.contains(&format!("soapAction=\"{operation}\"")), "{operation}: {own}");
    }
    // The same after a restart.
    let folder = bus.stop().await;
    let options = Options { services: Vec::new(), ..Options::default() };
    let bus = Quickstart::start_in(folder, options).await;
    let again = bus.http().get("/soap/orders?wsdl").await;
    let address_now = format!("location=\"http://{}/soap/orders\"", bus.http().authority());
    assert_eq!(again.text().replace(&address_now, &address), own);
}

/// What can't be told in XML is refused, with its place in the schema.
#[tokio::test]
async fn a_service_without_an_image_in_xml_has_no_soap_channel() {
    let bus = Quickstart::start(&["echo", "greeter", "keeper"]).await;
    let channel = json!({"name": "k", "protocol": "soap", "path": "/soap/k", "service": "keeper.run"});
    let reply = bus.admin("POST", "/channels", Some(&channel)).await;
    reply.problem(409, "no-soap");
    assert!(reply.text().contains("/properties/"), "the place is told: {reply}");
    // One that takes anything is one that takes XML.
    bus.create_channel("raw", "/soap/raw", "echo", json!({"protocol": "soap"})).await;
    let parametrised =
        json!({"name": "p", "protocol": "soap", "path": "/soap/{x}", "service": "greeter.greet"});
    bus.admin("POST", "/channels", Some(&parametrised)).await.problem(400, "invalid-input");
    let twice = json!({"name": "t", "protocol": "soap", "path": "/soap/greeter", "service": "greeter.greet"});
    bus.admin("POST", "/channels", Some(&twice)).await.problem(409, "address-taken");
    let renamed = json!({
        "name": "t", "protocol": "soap", "path": "/soap/greeter", "service": "greeter.greet",
        "soap": {"operation": "Hello", "namespace": "http://example.org/greetings"},
    });
    bus.admin("POST", "/channels", Some(&renamed)).await.expect_status(201);
    bus.settle().await;
    let body = "<Hello xmlns=\"http://example.org/greetings\"><name>Ada</name></Hello>";
    let reply = bus.http().send(&call_11("/soap/greeter", body)).await;
    reply.expect_status(200);
    assert!(reply.text().contains("<HelloResponse xmlns=\"http://example.org/greetings\">"), "{reply}");
}

/// A SOAP channel may be there before its service; the service then has to fit.
#[tokio::test]
async fn a_plugin_that_does_not_fit_its_soap_channel_is_not_deployed() {
    let bus = Quickstart::start(&["greeter"]).await;
    bus.create_channel("early", "/soap/early", "keeper.run", json!({"protocol": "soap"})).await;
    bus.settle().await;
    let early = bus.http().send(&call_11("/soap/early", "<run xmlns=\"urn:busbar:keeper:v0\"/>")).await;
    early.expect_status(500);
    assert!(early.header("retry-after").is_some(), "{early}");
    assert_eq!(early.fault_11().0, "Server");
    bus.http().get("/soap/early?wsdl").await.problem(503, "not-deployed");
    let posted = bus.post_deployment("keeper.wasm", &artifact::service("keeper")).await;
    let failed = bus.wait_state(&deployment::accepted(&posted), "failed").await;
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.contains("early") && reason.contains("/properties/"), "{reason}");
    bus.http().send(&call_11("/soap/greeter", GREET)).await.expect_status(200);
}

/// A service without schemas gets the XML of the Body as it came, and gives that of the reply.
#[tokio::test]
async fn a_raw_service_takes_and_gives_xml() {
    let bus = Quickstart::start(&["shapes", "echo"]).await;
    bus.create_channel("raw", "/soap/raw", "shapes.raw", json!({"protocol": "soap"})).await;
    bus.create_channel("note", "/soap/note", "shapes.note", json!({"protocol": "soap"})).await;
    bus.create_channel("json", "/soap/json", "echo", json!({"protocol": "soap"})).await;
    bus.settle().await;
    let text = format!(
        "<e:Envelope xmlns:e=\"{SOAP_11}\" xmlns:p=\"urn:p\"><e:Body><p:any a=\"1\"><![CDATA[<]]></p:any></e:Body></e:Envelope>"
    );
    let reply = bus.http().send(&of_text_11("/soap/raw", text)).await;
    reply.expect_status(200);
    let expected = format!(
        "<soap:Body><seen xmlns=\"urn:example:seen\" type=\"application/xml; charset=utf-8\">\
         <p:any xmlns:e=\"{SOAP_11}\" xmlns:p=\"urn:p\" a=\"1\"><![CDATA[<]]></p:any></seen></soap:Body>"
    );
    assert!(reply.text().contains(&expected), "{reply}");
    // What is no XML is no reply.
    let reply = bus.http().send(&call_12("/soap/json", "<x/>")).await;
    reply.expect_status(500);
    assert_eq!(reply.fault_12().0, "Receiver");
    // An operation that gives nothing is acknowledged once what it did is kept.
    let note = "<note xmlns=\"urn:busbar:shapes:v0\"><key>k</key><text>t</text></note>";
    let reply = bus.http().send(&call_11("/soap/note", note)).await;
    reply.expect_status(202);
    assert!(reply.text().is_empty(), "{reply}");
    assert_eq!(bus.http().get("/shapes/note/k").await.expect(200), json!({"text": "t"}));
}
