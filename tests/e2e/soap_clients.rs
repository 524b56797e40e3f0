//! Clients that Busbar had no hand in, each with a description alone (29): what they get is what REST answers.

mod payload;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use busbar_tests::{
    Options, Quickstart, Request, poll,
    soap::{Client, call, plain},
};
use serde_json::{Value, json};

/// The services of the plugin `shapes`, all at one address.
const SHAPES: [&str; 6] = ["mirror", "fail", "note", "noted", "raw", "blob"];

const BOTH: [&str; 2] = ["1.1", "1.2"];

#[tokio::test]
async fn zeep_works_by_the_description_alone() {
    let bus = shapes().await;
    works(&bus, Client::Zeep, &BOTH).await;
}

#[tokio::test]
async fn nodes_soap_works_by_the_description_alone() {
    let bus = shapes().await;
    works(&bus, Client::Node, &BOTH).await;
}

#[tokio::test]
async fn jax_ws_works_by_the_description_alone() {
    let bus = shapes().await;
    works(&bus, Client::JaxWs, &BOTH).await;
}

#[tokio::test]
async fn axis_works_by_the_description_alone() {
    let bus = shapes().await;
    works(&bus, Client::Axis, &["1.1"]).await;
}

/// The services of the examples, as a newcomer calls them.
#[tokio::test]
async fn the_examples_are_called_by_all() {
    let services = vec!["greeter", "mailer", "orders", "prices"];
    let bus = Quickstart::start_with(Options { services, ..Options::default() }).await;
    bus.admin("PUT", "/plugins/orders/grants", Some(&json!({"invoke": ["prices.*", "mailer.*"]})))
        .await
        .expect_status(200);
    bus.settle().await;
    for client in [Client::Zeep, Client::Node, Client::JaxWs, Client::Axis] {
        let versions = if client == Client::Axis { &BOTH[..1] } else { &BOTH[..] };
        for version in versions {
            greeted(&bus, client, version).await;
            ordered(&bus, client, version).await;
        }
    }
}

async fn greeted(bus: &Quickstart, client: Client, version: &str) {
    let calls = [
        call(version, "greet", &json!({"name": "Ada", "language": "de"})),
        call(version, "greet", &json!({"name": ""})),
    ];
    let [greeting, refusal] = &run(bus, client, "/soap/greeter", &calls).await[..] else {
        panic!("two results")
    };
    assert_eq!(greeting["output"], json!({"greeting": "Hallo, Ada!"}), "{client:?} {version}");
    is_fault(refusal, client, version, "sender", "name-empty", &["/name"]);
}

/// An order that one operation takes is given by the other.
async fn ordered(bus: &Quickstart, client: Client, version: &str) {
    let lines = json!([{"sku": "tea", "quantity": 2}]);
    let order = json!({"customer": "Ada", "email": "ada@example.org", "lines": lines});
    let taken = &run(bus, client, "/soap/orders", &[call(version, "submit", &order)]).await[0]["output"];
    let id = taken["id"].as_str().unwrap_or_else(|| panic!("{client:?} {version}: {taken}"));
    let calls = [call(version, "get", &json!({"id": id})), call(version, "get", &json!({"id": "none"}))];
    let [given, missing] = &run(bus, client, "/soap/orders", &calls).await[..] else { panic!("two results") };
    let by_rest = bus.http().get(&format!("/orders/{id}")).await.expect(200);
    assert_eq!(plain(&given["output"]), plain(&by_rest), "{client:?} {version}");
    assert_eq!(plain(taken), plain(&by_rest), "{client:?} {version}");
    is_fault(missing, client, version, "sender", "order-unknown", &[]);
}

#[tokio::test]
async fn credentials_are_presented_in_each_clients_way() {
    let bus = Quickstart::start(&["greeter"]).await;
    bus.create_basic("people", "ada", "a-long-password").await;
    let (_, key) = bus.create_key("robot").await;
    for (name, password_type) in [("token-digest", "digest"), ("token-text", "text")] {
        let body = json!({"name": name, "kind": "ws-security", "username": "ada", "password": "a-long-password",
            "password_type": password_type});
        bus.admin("POST", "/security", Some(&body)).await.expect(201);
    }
    let person = |kind: &str, password: &str| json!({"kind": kind, "username": "ada", "password": password});
    let ways = [
        ("people", person("basic", "a-long-password"), person("basic", "a-wrong-password"), true),
        ("robot", json!({"kind": "api-key", "key": key}), json!({"kind": "api-key", "key": "no.key"}), true),
        (
            "token-digest",
            person("ws-digest", "a-long-password"),
            person("ws-digest", "a-wrong-password"),
            false,
        ),
        ("token-text", person("ws-text", "a-long-password"), person("ws-text", "a-wrong-password"), false),
    ];
    for (name, ..) in &ways {
        let members = json!({"protocol": "soap", "security": name});
        bus.create_channel(&format!("guarded-{name}"), &format!("/soap/{name}"), "greeter.greet", members)
            .await;
    }
    bus.settle().await;
    for (name, right, wrong, is_basic_kind) in &ways {
        let path = format!("/soap/{name}");
        for client in [Client::Zeep, Client::Node] {
            for version in BOTH {
                let calls = [call(version, "greet", &json!({"name": "Ada"}))];
                let let_in = run_as(&bus, client, &path, &calls, right).await;
                assert_eq!(
                    let_in[0]["output"],
                    json!({"greeting": "Hello, Ada!"}),
                    "{client:?} {version} {name}"
                );
                // Where the description is guarded as well, a wrong password does not get that far.
                if !is_basic_kind {
                    let kept_out = run_as(&bus, client, &path, &calls, wrong).await;
                    assert!(kept_out[0]["output"].is_null(), "{client:?} {version} {name}: {kept_out:?}");
                }
            }
        }
    }
    replayed(&bus, &person("ws-digest", "a-long-password")).await;
}

/// (28) The same header twice: refused, whichever worker gets it.
async fn replayed(bus: &Quickstart, security: &Value) {
    let mut security = security.clone();
    security["same_token"] = true.into();
    // On connections that are kept and on others, so that both workers get some.
    let calls = vec![call("1.1", "greet", &json!({"name": "Ada"})); 8];
    let results = run_as(bus, Client::Zeep, "/soap/token-digest", &calls, &security).await;
    assert_eq!(results[0]["output"], json!({"greeting": "Hello, Ada!"}));
    for replay in &results[1..] {
        assert!(replay["fault"]["code"].is_string(), "{replay}");
    }
}

#[tokio::test]
async fn the_description_is_valid_and_so_are_replies() {
    let bus = shapes().await;
    let mut messages = Vec::new();
    for version in BOTH {
        for content in payload::VALID {
            messages.push(reply_to(&bus, version, content).await);
        }
    }
    let task = json!({"wsdl": description(&bus, "/soap/shapes"), "messages": messages});
    let found = Client::Validator.run(bus.folder().root(), &task).await;
    for (message, wrong) in messages.iter().zip(found["messages"].as_array().unwrap()) {
        assert_eq!(*wrong, json!([]), "{message}");
    }
    assert_eq!(found["namespace"], "urn:busbar:shapes:v0");
    let address = format!("http://{}/soap/shapes", bus.http().authority());
    let ports = found["ports"].as_array().unwrap();
    let versions: Vec<_> = ports.iter().map(|port| port["version"].as_str().unwrap()).collect();
    assert_eq!(versions, BOTH, "that of 1.1 is the first one");
    for port in ports {
        assert_eq!(port["address"], *address, "{port}");
        let mut operations: Vec<_> = port["operations"].as_array().unwrap().iter().collect();
        operations.sort_by_key(|operation| SHAPES.iter().position(|name| operation["name"] == *name));
        let names: Vec<_> = operations.iter().map(|operation| operation["name"].as_str().unwrap()).collect();
        assert_eq!(names, SHAPES, "{port}");
        let one_way = |operation: &&&Value| operation["one_way"] == true;
        assert_eq!(operations.iter().filter(one_way).map(|one| &one["name"]).collect::<Vec<_>>(), ["note"]);
        assert!(operations.iter().all(|operation| operation["action"] == operation["name"]), "{port}");
    }
    for sentence in
        ["Answers with what it was given.", "Any text; its white space is kept.", "A piece of something."]
    {
        assert!(found["documentation"].as_array().unwrap().contains(&json!(sentence)), "{sentence}: {found}");
    }
}

#[tokio::test]
async fn bytes_travel_beside_the_envelope() {
    let bus = shapes().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).chain(*b"\r\n--a-boundary=_of its ow\r").collect();
    let content = BASE64_STANDARD.encode(&bytes);
    let input = json!({"name": "all & sundry", "content": content});
    let by_rest = bus.http().send(&Request::post("/shapes/blob").json(&input)).await.expect(200);
    assert_eq!(by_rest["length"], bytes.len());
    let calls: Vec<Value> = BOTH
        .iter()
        .flat_map(|version| {
            let mut call = call(version, "blob", &input);
            call["binary"] = "content".into();
            let mut missing = call.clone();
            missing["wrong"] = "missing".into();
            [call, missing]
        })
        .collect();
    let results = run(&bus, Client::Mtom, "/soap/shapes", &calls).await;
    for pair in results.chunks(2) {
        let [answered, refused] = pair else { panic!("{results:?}") };
        assert_eq!(plain(&answered["output"]), plain(&by_rest), "{answered}");
        assert_eq!((&answered["status"], &answered["parts"]), (&json!(200), &json!(1)), "{answered}");
        let kind = answered["content_type"].as_str().unwrap();
        assert!(kind.starts_with("multipart/related") && kind.contains("application/xop+xml"), "{kind}");
        assert!(refused["fault"].is_string(), "{refused}");
    }
    let calls: Vec<Value> = calls
        .iter()
        .step_by(2)
        .map(|call| {
            let mut call = call.clone();
            call["mtom"] = true.into();
            call
        })
        .collect();
    for answered in run(&bus, Client::JaxWs, "/soap/shapes", &calls).await {
        assert_eq!(plain(&answered["output"]), plain(&by_rest), "{answered}");
    }
}

/// All that the services of `shapes` can show.
async fn works(bus: &Quickstart, client: Client, versions: &[&str]) {
    let failures = payload::failures();
    let mut calls = Vec::new();
    for version in versions {
        calls.extend(
            payload::mirrored(client).iter().map(|rest| call(version, "mirror", &payload::given(rest))),
        );
        calls.extend(failures.iter().map(|failure| call(version, "fail", failure)));
        let note = json!({"key": format!("of-{version}"), "text": "noted"});
        calls.push(call(version, "note", &note));
    }
    let mut results = run(bus, client, "/soap/shapes", &calls).await.into_iter();
    let mut next = || results.next().unwrap();
    for version in versions {
        for rest in payload::mirrored(client) {
            let by_rest = bus.http().send(&Request::post("/shapes/mirror").json(&rest)).await.expect(200);
            assert_eq!(by_rest, rest);
            let expected = plain(&payload::expected(&by_rest));
            assert_eq!(plain(&next()["output"]), expected, "{client:?} {version}");
        }
        for failure in &failures {
            is_failure(bus, &next(), client, version, failure).await;
        }
        assert_eq!(next(), json!({"output": null}), "{client:?} {version}");
        let path = format!("/shapes/note/of-{version}");
        poll::until("the note", poll::CHANGE_BOUND, async || match bus.http().get(&path).await.expect(200) {
            noted if noted == json!({"text": "noted"}) => Ok(()),
            other => Err(other.to_string()),
        })
        .await;
    }
}

/// The fault says what the problem of REST does, and no more.
async fn is_failure(bus: &Quickstart, result: &Value, client: Client, version: &str, failure: &Value) {
    let reply = bus.http().send(&Request::post("/shapes/fail").json(failure)).await;
    let problem = reply.json();
    let side = if reply.status < 500 { "sender" } else { "receiver" };
    let errors = problem["errors"].as_array().unwrap();
    let paths: Vec<&str> = errors.iter().map(|error| error["path"].as_str().unwrap()).collect();
    is_fault(result, client, version, side, problem["code"].as_str().unwrap(), &paths);
    let hidden = failure["message"].as_str().unwrap();
    assert_eq!(
        result.to_string().contains(hidden),
        reply.text().contains(hidden),
        "{client:?} {version}: {result}"
    );
}

/// A fault of that side, with a code and places.
#[track_caller]
fn is_fault(result: &Value, client: Client, version: &str, side: &str, code: &str, paths: &[&str]) {
    let fault = &result["fault"];
    let expected = match (side, version) {
        ("sender", "1.1") => "Client",
        ("sender", _) => "Sender",
        (_, "1.1") => "Server",
        _ => "Receiver",
    };
    // JAX-WS has no code for what the description declares.
    assert!(
        fault["code"] == expected || client == Client::JaxWs && fault["code"].is_null(),
        "{client:?} {version}: {result}"
    );
    assert!(fault["text"].as_str().is_some_and(|text| !text.is_empty()), "{client:?} {version}: {result}");
    let detail = fault["detail"].as_str().unwrap_or_else(|| panic!("{client:?} {version}: {result}"));
    for part in paths.iter().chain([&code]) {
        assert!(detail.contains(part), "{client:?} {version}: no {part} in {detail}");
    }
}

/// A bus with the plugin `shapes`, all of whose services are operations at `/soap/shapes`.
async fn shapes() -> Quickstart {
    let bus = Quickstart::start(&["shapes"]).await;
    for name in SHAPES {
        let members = json!({"protocol": "soap"});
        bus.create_channel(
            &format!("shapes-{name}-soap"),
            "/soap/shapes",
            &format!("shapes.{name}"),
            members,
        )
        .await;
    }
    bus.settle().await;
    bus
}

/// The envelope that a hand-made one with `content` is answered by.
async fn reply_to(bus: &Quickstart, version: &str, content: &str) -> String {
    let (namespace, kind) = match version {
        "1.1" => ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8"),
        _ => ("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8"),
    };
    let body = format!(r#"<e:Envelope xmlns:e="{namespace}"><e:Body>{content}</e:Body></e:Envelope>"#);
    let request = Request::post("/soap/shapes").header("content-type", kind).body(body);
    bus.http().send(&request).await.text().to_owned()
}

fn description(bus: &Quickstart, path: &str) -> String {
    format!("http://{}{path}?wsdl", bus.http().authority())
}

async fn run(bus: &Quickstart, client: Client, path: &str, calls: &[Value]) -> Vec<Value> {
    run_as(bus, client, path, calls, &Value::Null).await
}

async fn run_as(
    bus: &Quickstart,
    client: Client,
    path: &str,
    calls: &[Value],
    security: &Value,
) -> Vec<Value> {
    let mut task = json!({"wsdl": description(bus, path), "calls": calls});
    if !security.is_null() {
        task["security"] = security.clone();
    }
    // Axis loses classes where only some operations can be unwrapped, and can't read what it made of arrays in arrays:
    // its own options turn off the unwrapping of both.
    if client == Client::Axis {
        task["generator"] = json!(["-W", "-w"]);
    }
    client.call(bus.folder().root(), &task).await
}
