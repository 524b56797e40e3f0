//! Services that Busbar had no hand in, called by their description alone.

use busbar_soap::client::{Client, Options, PartnerFault, Reply};
use busbar_tests::{
    Request,
    partner::{Partner, documents, send},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A service as its description says.
struct Called {
    client: Client,
    address: String,
}

impl Called {
    async fn of(url: &str) -> Self {
        let client =
            Client::read(&documents(url).await, None, None).unwrap_or_else(|error| panic!("{error}"));
        for operation in client.operations() {
            assert_eq!(operation.problem, None, "{}", operation.name);
        }
        let address = client.address.clone().expect("a port has an address");
        Self { client, address }
    }

    async fn reply(&self, operation: &str, input: &Value, options: &Options<'_>) -> Reply {
        let outgoing = self.client.request(operation, input.to_string().as_bytes(), options);
        let outgoing = outgoing.unwrap_or_else(|error| panic!("{operation} {input}: {error:?}"));
        let made = |path: &str| {
            let request = Request::post(path).header("content-type", &outgoing.content_type);
            let headers = outgoing.headers.iter();
            let request = headers.fold(request, |request, (name, value)| request.header(name, value));
            request.body(outgoing.body.clone())
        };
        let reply = send(&self.address, made).await;
        let content_type = reply.header("content-type").map(str::to_owned);
        let read = self.client.reply(operation, reply.status, content_type.as_deref(), &reply.body);
        read.unwrap_or_else(|error| panic!("{operation} {input}: {error:?} of {reply}"))
    }

    async fn output(&self, operation: &str, input: &Value) -> Value {
        self.output_with(operation, input, &Options::default()).await
    }

    async fn output_with(&self, operation: &str, input: &Value, options: &Options<'_>) -> Value {
        match self.reply(operation, input, options).await {
            Reply::Output(json) => serde_json::from_slice(&json).expect("it is JSON"),
            other => panic!("{operation} {input}: {other:?}"),
        }
    }

    async fn fault(&self, operation: &str, input: &Value) -> PartnerFault {
        match self.reply(operation, input, &Options::default()).await {
            Reply::Fault(fault) => *fault,
            other => panic!("{operation} {input}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn spyne_is_called_by_its_description() {
    for version in ["1.1", "1.2"] {
        let partner = Partner::spyne(version).await;
        let depot = Called::of(&partner.descriptions[0]).await;
        let line = |article: &str, price: &str| json!({"article": article, "quantity": 3, "price": price, "unit": "kg"});
        let order = json!({
            "customer": "Ada <&> Söhne", "urgency": "high", "due": "2026-12-01T08:30:00Z", "day": "2026-12-02",
            "lines": {"Line": [line("tea", "1.10"), {"article": "cup", "quantity": 1}]},
            "photo": "AAEC/w==", "tags": ["a", " b "]
        });
        let receipt = &depot.output("submit", &json!({"order": order})).await["submitResult"];
        assert_eq!(receipt["number"], json!(7), "{version}");
        assert_eq!(receipt["total"], json!("3.30"));
        assert_eq!(receipt["at"], json!("2026-11-30T12:00:00"));
        let mut expected = order.clone();
        expected["due"] = receipt["order"]["due"].clone();
        assert_eq!(receipt["order"], expected, "{version}");
        assert!(receipt["order"]["due"].as_str().unwrap().starts_with("2026-12-01T08:30:00"));

        let texts = json!({"text": ["", "ab", null]});
        let lengths = depot.output("lengths", &texts).await;
        assert_eq!(lengths["lengthsResult"]["int"].as_array().map(Vec::len), Some(3), "{lengths}");
        assert_eq!(depot.output("touch", &json!({})).await, json!({}));
        let document = json!({"document": "<a xmlns=\"urn:a\"><b>1</b></a>"});
        let echoed = depot.output("echo", &document).await;
        assert!(echoed["echoResult"].as_str().unwrap().contains("<b>1</b>"), "{echoed}");

        let unknown = json!({"order": {"customer": "Ada", "lines": {"Line": [line("unknown", "1")]}}});
        let fault = depot.fault("submit", &unknown).await;
        assert_eq!(fault.message, "no such article: unknown");
        assert!(
            fault.code.local.starts_with(if version == "1.1" { "Client" } else { "Sender" }),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn what_spynes_schema_refuses_does_not_leave() {
    let partner = Partner::spyne("1.1").await;
    let depot = Called::of(&partner.descriptions[0]).await;
    let line = |line: Value| json!({"order": {"customer": "Ada", "lines": {"Line": [line]}}});
    let wrong = [
        line(json!({"article": "tea", "quantity": 0})),
        line(json!({"article": "tea", "quantity": 1001})),
        line(json!({"article": "a".repeat(21), "quantity": 1})),
        line(json!({"article": "tea"})),
        json!({"order": {"customer": "Ada", "urgency": "medium"}}),
        json!({"order": {"customer": "Ada", "due": "tomorrow"}}),
        json!({"order": {"customer": "Ada", "nickname": "A"}}),
        json!({"order": {}}),
    ];
    for input in wrong {
        let sent = depot.client.request("submit", input.to_string().as_bytes(), &Options::default());
        assert!(sent.is_err(), "{input}");
    }
}

fn book() -> Value {
    json!({
        "isbn": "1-2", "title": "Ünïcode & <more>", "genre": "POETRY", "price": "12.50", "bought": "2026-11-30T12:00:00Z",
        "authors": ["Ada", null, "Bob"], "cover": "AAEC/w==",
        "sequels": [{"isbn": "3", "title": "second"}, null]
    })
}

#[tokio::test]
async fn jax_ws_is_called_by_its_description() {
    let folder = TempDir::new().unwrap();
    let partner = Partner::jax_ws(folder.path()).await;
    for (url, mtom) in [(0, false), (0, true), (1, false), (1, true)] {
        let library = Called::of(&partner.descriptions[url]).await;
        let boundary = "0123456789abcdef0123456789abcdef";
        let options = Options { mtom: mtom.then_some(boundary), ..Options::default() };
        // Only a service with MTOM reads packages.
        let options = if url == 0 { Options::default() } else { options };
        let shelved = library.output_with("shelve", &json!({"book": book(), "row": 3}), &options).await;
        let mut expected = book();
        expected["bought"] = shelved["bought"].clone();
        assert_eq!(shelved, expected, "{url} {mtom}");
        assert!(shelved["bought"].as_str().unwrap().starts_with("2026-11-30T12:00:00"));

        let lent = json!({"book": {"isbn": "9", "title": "lent"}, "row": 14});
        let fault = library.fault("shelve", &lent).await;
        assert_eq!(fault.message, "the book is lent");
        let (name, details) = fault.declared.expect("the fault is declared");
        assert_eq!(name, "LentException");
        assert_eq!(serde_json::from_str::<Value>(&details).unwrap(), json!({"isbn": "9", "days": 14}));
        assert_eq!(library.reply("note", &json!("a text"), &Options::default()).await, Reply::OneWay);
    }
    let counter = Called::of(&partner.descriptions[2]).await;
    let sum = counter.output("add", &json!({"one": i64::MAX - 1, "other": 1})).await;
    assert_eq!(sum, json!({"sum": i64::MAX}));
    let mirrored =
        counter.output("mirror", &json!({"book": {"isbn": "1", "title": "t", "printed": "x"}})).await;
    assert_eq!(mirrored["book"]["title"], json!("t"));
}
