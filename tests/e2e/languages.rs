//! Services in Python and JavaScript are services like others: the examples, called in every way.

use std::time::Duration;

use busbar_tests::{
    Folder, Options, Quickstart, Request, artifact,
    envelope::{call_11, call_12, text_of},
};
use serde_json::{Value, json};

/// Until an interpreter is compiled, on a machine that is busy.
pub(crate) const COMPILE_BOUND: Duration = Duration::from_secs(170);

/// A bus with these services, which take longer to compile than a start may.
pub(crate) async fn bus_with(services: &[&str], workers: u32) -> Quickstart {
    // Interpreters are large, and other tests want the processor too.
    let environment = vec![("BUSBAR_COMPILE_TIMEOUT_S", "300".to_owned())];
    let bus = Quickstart::start_with(Options { workers, environment, ..Options::default() }).await;
    for name in services {
        bus.deploy_within(&format!("{name}.wasm"), &artifact::service(name), COMPILE_BOUND).await;
    }
    bus.settle().await;
    bus
}

#[tokio::test]
async fn examples_are_called_by_rest_by_name_and_by_soap() {
    let bus = bus_with(&["currency", "addresses"], 2).await;
    python_over_rest_and_by_name(&bus).await;
    python_over_soap(&bus).await;
    javascript_over_rest_and_by_name(&bus).await;
    javascript_over_soap(&bus).await;
    what_they_promise_is_described(&bus).await;
}

async fn python_over_rest_and_by_name(bus: &Quickstart) {
    let converted = json!({"amount": "10.82", "currency": "USD", "rate": "1.082500"});
    assert_eq!(bus.http().get("/currency/EUR/USD/10").await.expect(200), converted);
    let input = json!({"amount": "10", "source": "EUR", "target": "USD"});
    assert_eq!(bus.invoke("currency.convert", &input).await.expect(200), converted);
    let post = async |input: Value| bus.http().send(&Request::post("/currency/convert").json(&input)).await;
    // Against its schema by the bus, against its format by the service.
    for (member, value) in
        [("source", json!("eur")), ("amount", json!("ten")), ("rounding", json!("up")), ("colour", json!(1))]
    {
        let mut wrong = input.clone();
        wrong[member] = value;
        let problem = post(wrong).await.problem(400, "invalid-input");
        assert_eq!(problem["errors"][0]["path"], format!("/{member}"), "{problem}");
    }
    let problem = bus.http().get("/currency/EUR/XXX/10").await.problem(422, "currency-unknown");
    assert_eq!(problem["errors"][0]["path"], "/target");

    let quotes = Request::post("/currency/quotes")
        .json(&json!({"amounts": ["1", "2.50"], "source": "EUR", "target": "USD"}));
    let reply = bus.http().send(&quotes).await;
    let quote = reply.expect(201);
    assert_eq!(quote["total"], "3.79");
    assert_eq!(
        reply.header("location"),
        Some(format!("/currency/quotes/{}", quote["id"].as_str().unwrap()).as_str())
    );
    assert_eq!(bus.http().get(reply.header("location").unwrap()).await.expect(200), quote);
    bus.http().get("/currency/quotes/none").await.problem(404, "quote-unknown");
    let rates = json!({"config": {"rates": {"CHF": "0.5", "USD": "0"}}});
    bus.admin("PUT", "/plugins/currency/config", Some(&rates["config"])).await.expect_status(200);
    bus.settle().await;
    assert_eq!(bus.http().get("/currency/EUR/CHF/10").await.expect(200)["amount"], "5.00");
    let reply = bus.http().get("/currency/USD/CHF/10").await;
    reply.problem(500, "failed");
    assert!(!reply.text().contains("zero"), "the reason is for the log: {reply}");
    bus.wait_log("the reason", reply.correlation_id(), |line| {
        line.to_string().contains("the configured rate of USD is zero")
    })
    .await;
    bus.admin("PUT", "/plugins/currency/config", Some(&json!({}))).await.expect_status(200);
    bus.settle().await;
}

async fn python_over_soap(bus: &Quickstart) {
    let convert = |amount: &str, target: &str| {
        format!(
            "<convert xmlns=\"urn:busbar:currency:v0\"><amount>{amount}</amount><source>EUR</source><target>{target}</target></convert>"
        )
    };
    let reply = bus.http().send(&call_11("/soap/currency", &convert("1000", "JPY"))).await;
    reply.expect_status(200);
    assert_eq!(text_of(reply.text(), "amount").as_deref(), Some("163420.00"), "{reply}");
    assert!(reply.text().contains("<convertResponse xmlns=\"urn:busbar:currency:v0\">"), "{reply}");
    let quote = "<quote xmlns=\"urn:busbar:currency:v0\"><amounts>1</amounts><amounts>2.50</amounts>\
                 <source>EUR</source><target>USD</target></quote>";
    let reply = bus.http().send(&call_12("/soap/currency", quote)).await;
    reply.expect_status(200);
    assert_eq!(text_of(reply.text(), "total").as_deref(), Some("3.79"), "{reply}");
    assert_eq!(reply.text().matches("<lines>").count(), 2, "{reply}");
    let reply = bus.http().send(&call_12("/soap/currency", &convert("ten", "JPY"))).await;
    reply.expect_status(400);
    assert!(reply.fault_12().0 == "Sender" && reply.text().contains("/amount"), "{reply}");
    let reply = bus.http().send(&call_11("/soap/currency", &convert("1", "XXX"))).await;
    assert_eq!(reply.fault_11().0, "Client");
    assert_eq!(text_of(reply.text(), "code").as_deref(), Some("currency-unknown"));
}

fn ada() -> Value {
    json!({"name": "Ada", "street": "12 St James’s Square", "postcode": "SW1Y 4JH", "city": "London", "country": "GB"})
}

async fn javascript_over_rest_and_by_name(bus: &Quickstart) {
    let label = json!({"lines": ["Ada", "12 St James’s Square", "LONDON", "SW1Y 4JH"]});
    let format = async |input: Value| bus.http().send(&Request::post("/addresses/format").json(&input)).await;
    assert_eq!(format(ada()).await.expect(200), label);
    assert_eq!(bus.invoke("addresses.format", &ada()).await.expect(200), label);
    for (member, value) in
        [("country", json!("XX")), ("name", json!("")), ("street", json!(12)), ("colour", json!(1))]
    {
        let mut wrong = ada();
        wrong[member] = value;
        let problem = format(wrong).await.problem(400, "invalid-input");
        assert_eq!(problem["errors"][0]["path"], format!("/{member}"), "{problem}");
    }
    let mut elsewhere = ada();
    elsewhere["country"] = json!("DE");
    let problem = format(elsewhere).await.problem(422, "postcode-invalid");
    assert_eq!(
        problem["errors"][0],
        json!({"path": "/postcode", "message": "SW1Y 4JH is no postcode of DE"})
    );

    let reply = bus.http().send(&Request::post("/addresses").json(&ada())).await;
    let kept = reply.expect(201);
    assert_eq!((&kept["address"], &kept["label"]), (&ada(), &label["lines"]));
    assert_eq!(bus.http().get(reply.header("location").unwrap()).await.expect(200), kept);
    bus.http().get("/addresses/none").await.problem(404, "address-unknown");
    // What the service did not foresee: the log has the stack, the caller nothing of it.
    let config = json!({"postcodes": {"GB": "("}});
    bus.admin("PUT", "/plugins/addresses/config", Some(&config)).await.expect_status(200);
    bus.settle().await;
    let reply = format(ada()).await;
    reply.problem(500, "failed");
    for detail in ["SyntaxError", "service.js", "parenthetical", "Regular", "RegExp"] {
        assert!(!reply.text().contains(detail), "{detail:?} is none of the caller's business: {reply}");
    }
    let stack =
        |line: &Value| line.to_string().contains("SyntaxError") && line.to_string().contains("service.js:");
    bus.wait_log("the stack", reply.correlation_id(), stack).await;
    bus.admin("PUT", "/plugins/addresses/config", Some(&json!({}))).await.expect_status(200);
    bus.settle().await;
}

async fn javascript_over_soap(bus: &Quickstart) {
    let format = |postcode: &str, country: &str| {
        format!(
            "<format xmlns=\"urn:busbar:addresses:v0\"><name>Ada</name><street>1 Ring</street><postcode>{postcode}</postcode>\
             <city>Wien</city><country>{country}</country></format>"
        )
    };
    let reply = bus.http().send(&call_11("/soap/addresses", &format("1010", "AT"))).await;
    reply.expect_status(200);
    assert!(
        reply.text().contains("<lines>Ada</lines><lines>1 Ring</lines><lines>1010 Wien</lines>"),
        "{reply}"
    );
    let save = format("1010", "AT").replace("format", "save");
    let reply = bus.http().send(&call_12("/soap/addresses", &save)).await;
    reply.expect_status(200);
    assert_eq!(text_of(reply.text(), "city").as_deref(), Some("Wien"), "{reply}");
    let reply = bus.http().send(&call_12("/soap/addresses", &format("1010", "XX"))).await;
    reply.expect_status(400);
    assert!(reply.fault_12().0 == "Sender" && reply.text().contains("/country"), "{reply}");
    let reply = bus.http().send(&call_11("/soap/addresses", &format("1010", "DE"))).await;
    assert_eq!(reply.fault_11().0, "Client");
    assert_eq!(text_of(reply.text(), "code").as_deref(), Some("postcode-invalid"));
}

/// OpenAPI and WSDL come from their schemas as from any other's, and instances serve several calls.
async fn what_they_promise_is_described(bus: &Quickstart) {
    let openapi = bus.http().get("/_busbar/openapi.json").await.expect(200).to_string();
    for part in [
        "/currency/{source}/{target}/{amount}",
        "Rounding",
        "/addresses/format",
        "Where somebody is to be found.",
    ] {
        assert!(openapi.contains(part), "{part}");
    }
    let wsdl = bus.http().get("/soap/currency?wsdl").await;
    wsdl.expect_status(200);
    for part in ["xs:decimal", "xs:dateTime", "name=\"Line\"", "value=\"cent\""] {
        assert!(wsdl.text().contains(part), "{part}: {wsdl}");
    }
    let wsdl = bus.http().get("/soap/addresses?wsdl").await;
    wsdl.expect_status(200);
    assert!(wsdl.text().contains("name=\"Address\"") && wsdl.text().contains("value=\"GB\""), "{wsdl}");
    for service in ["currency.convert", "addresses.format"] {
        let limits = &bus.read(&format!("/services/{service}")).await["limits"];
        assert_eq!(limits["calls_per_instance"], 128, "{limits}");
    }
}

#[tokio::test]
async fn the_cases_of_the_examples_pass() {
    let folder = Folder::default();
    for (name, cases) in [("currency", 4), ("addresses", 4)] {
        let shipped = artifact::repository().join("plugins").join(name);
        let plugin = artifact::service_file(name);
        let finished = folder
            .run_within(
                &["test", shipped.to_str().unwrap(), "--plugin", plugin.to_str().unwrap()],
                COMPILE_BOUND,
            )
            .await;
        finished.expect(0);
        assert!(finished.stdout.ends_with(&format!("{cases} cases passed\n")), "{finished:?}");
    }
}
