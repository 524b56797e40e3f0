//! From the headers of a request to what the service sees of it.

use std::sync::{Arc, Mutex};

use busbar_model::{
    Channel, Definitions, Digest, Name, Security, Service, Soap, Timestamp,
    channel::{Address, Draft, Message, Rest},
    path::PathPattern,
    plugin::{ActiveVersion, Description, Grants, Kind, Plugin as Definition},
    security::{Certificates, Credential},
    service::{LimitsPatch, ServiceDescription},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{Certificate, is_own};
use crate::{
    Body, Outward, Pipeline, Reply, Request,
    catalog::Binder,
    consume,
    double::{Committed, Plain},
    metrics::Metrics,
    ports::{Access, AccessLog, Call, CallFuture, Plugin},
    request::{Head, Hop, Response, Target},
};

const SUBJECT: &str = "x-busbar-tls-subject";
const SHA256: &str = "x-busbar-tls-sha256";
const ADA: &str = "/O=B\u{e4}cker/CN=ada";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

/// Who called, and with which headers.
type Seen = Arc<Mutex<Vec<(Option<String>, HeaderMap)>>>;

struct Recorder(Seen);

impl Plugin for Recorder {
    fn digest(&self) -> Digest {
        Digest::of(b"p")
    }

    fn call(&self, call: Box<Call>) -> CallFuture {
        let headers = call.head.map(|head| head.headers).unwrap_or_default();
        self.0.lock().unwrap().push((call.caller.map(|caller| caller.to_string()), headers));
        Box::pin(async { Ok(Response::default()) })
    }
}

#[derive(Default)]
struct Callers(Mutex<Vec<Option<String>>>);

impl AccessLog for Callers {
    fn record(&self, access: &Access<'_>) {
        self.0.lock().unwrap().push(access.caller.map(str::to_owned));
    }
}

struct Bus {
    pipeline: Arc<Pipeline>,
    seen: Seen,
    log: Arc<Callers>,
}

fn plugin() -> Definition {
    let service = ServiceDescription {
        name: name("s"),
        summary: None,
        input_schema: None,
        output_schema: None,
        channels: Vec::new(),
        calls_per_instance: None,
    };
    let description = Description {
        kind: Kind::Bus,
        name: name("p"),
        version: "1.0.0".to_owned(),
        services: vec![service],
        invokes: Vec::new(),
        secrets: Vec::new(),
        imports: Vec::new(),
    };
    let digest = Digest::of(b"p");
    Definition {
        id: "p".to_owned(),
        name: name("p"),
        active: Some(ActiveVersion { deployment: "d".to_owned(), digest, description, quarantine: None }),
        grants: None,
        config: serde_json::json!({}),
        revision: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn channel(channel: &str, address: Address) -> Channel {
    Draft::new(name(channel), name("s"), address).into_channel(
        channel.to_owned(),
        1,
        Timestamp(0),
        Timestamp(0),
    )
}

/// `/guarded` and `/soap` let certificates in, `/open` everybody.
fn bus() -> Bus {
    let credential = Credential::ClientCertificate(Certificates {
        subjects: [ADA.to_owned()].into(),
        sha256: ["ab".repeat(32)].into(),
    });
    let (created_at, updated_at) = (Timestamp(0), Timestamp(0));
    let fleet =
        Security { id: "f".to_owned(), name: name("fleet"), credential, revision: 1, created_at, updated_at };
    let path = |text: &str| PathPattern::parse(text).unwrap();
    let security = || Some(name("fleet"));
    let queue = busbar_model::amqp::Amqp::new(name("mq"), "q".to_owned());
    let definitions = Definitions {
        plugins: vec![plugin()],
        services: vec![Service {
            id: "s".to_owned(),
            name: name("s"),
            plugin: name("p"),
            limits: LimitsPatch::default(),
            revision: 1,
        }],
        channels: vec![
            channel("open", Address::Rest(Rest::new(path("/open")))),
            channel("guarded", Address::Rest(Rest { security: security(), ..Rest::new(path("/guarded")) })),
            channel(
                "soap",
                Address::Soap(Message { path: path("/soap"), security: security(), soap: Soap::default() }),
            ),
            channel("queue", Address::Amqp(queue)),
        ],
        securities: vec![fleet],
        ..Definitions::default()
    };
    let (metrics, seen, log) = (Arc::new(Metrics::default()), Seen::default(), Arc::new(Callers::default()));
    let mut binder = Binder::new(Arc::clone(&metrics), Grants::default(), Arc::new(Plain));
    let recorder: Arc<dyn Plugin> = Arc::new(Recorder(Arc::clone(&seen)));
    let (catalog, problems) = binder.bind(definitions, &|_| Some(Arc::clone(&recorder)));
    assert_eq!(problems, [""; 0]);
    let access_log = Arc::clone(&log) as Arc<dyn AccessLog>;
    let pipeline = Pipeline::new(metrics, access_log, Committed::with([]), Outward::default());
    pipeline.switch(catalog);
    Bus { pipeline, seen, log }
}

impl Bus {
    async fn send(&self, uri: &str, hop: Hop, sent: &[(&str, &[u8])]) -> Reply {
        let body = match uri {
            "/soap" => Body::from(bytes::Bytes::from_static(
                br#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><s/></e:Body></e:Envelope>"#,
            )),
            _ => Body::Empty,
        };
        let mut headers = headers(sent);
        headers.insert("content-type", HeaderValue::from_static("text/xml"));
        let head = Head { method: Method::POST, uri: uri.parse().unwrap(), headers };
        self.pipeline.handle(Request { target: Target::Path, head, body, hop, trusted: false }, 7).await
    }

    /// Status and code.
    async fn refused(&self, uri: &str, hop: Hop, sent: &[(&str, &[u8])]) -> (u16, String) {
        let reply = self.send(uri, hop, sent).await;
        assert!(!reply.headers.contains_key("www-authenticate"));
        let body = reply.body.collect(10_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let json = serde_json::from_str::<serde_json::Value>(&text).ok();
        (reply.status.as_u16(), json.map_or(text, |json| json["code"].as_str().unwrap().to_owned()))
    }
}

#[tokio::test]
async fn what_a_client_says_of_its_certificate_is_not_believed() {
    let bus = bus();
    let digest = "AB".repeat(32);
    let forged: &[(&str, &[u8])] = &[(SUBJECT, ADA.as_bytes()), (SHA256, digest.as_bytes())];
    let required = (401, "certificate-required".to_owned());
    assert_eq!(bus.refused("/guarded", Hop::Client, forged).await, required);
    assert_eq!(bus.refused("/guarded", Hop::Balancer, &[]).await, required);
    assert!(bus.seen.lock().unwrap().is_empty());
    assert_eq!(*bus.log.0.lock().unwrap(), [None, None]);
}

#[tokio::test]
async fn a_certificate_lets_in_and_names_the_caller() {
    let bus = bus();
    let digest = "AB".repeat(32);
    for shown in [
        &[(SUBJECT, ADA.as_bytes())][..],
        &[(SHA256, digest.as_bytes())],
        &[(SUBJECT, b"/CN=eve"), (SHA256, digest.as_bytes())],
        &[(SUBJECT, ADA.as_bytes()), (SHA256, b"x"), ("authorization", b"Basic x")],
    ] {
        for uri in ["/guarded", "/soap"] {
            let reply = bus.send(uri, Hop::Balancer, shown).await;
            assert!(reply.status.is_success(), "{uri} {shown:?} {reply:?}");
            let (caller, headers) = bus.seen.lock().unwrap().pop().unwrap();
            assert_eq!(caller.as_deref(), Some("fleet"));
            assert!(!headers.keys().any(is_own), "{headers:?}");
            assert_eq!(bus.log.0.lock().unwrap().pop().unwrap().as_deref(), Some("fleet"));
        }
    }
}

#[tokio::test]
async fn another_certificate_is_refused() {
    let bus = bus();
    let (digest, long) = ("AB".repeat(32), format!("/CN={}", "a".repeat(10_000)));
    for shown in [
        &[(SUBJECT, &b"/CN=ada"[..])][..],
        &[(SUBJECT, b"/O=B\xe4cker/CN=ada")],
        &[(SUBJECT, b"/O=B\xc3\xa4cker/CN=ada\t")],
        &[(SUBJECT, b"\"/O=B\xc3\xa4cker/CN=ada\"")],
        &[(SUBJECT, b"/O=B\xc3\xa4cker/CN=ada/CN=eve")],
        &[(SUBJECT, b"")],
        &[(SUBJECT, long.as_bytes()), (SHA256, &digest.as_bytes()[1..])],
        // The balancer says each once.
        &[(SUBJECT, ADA.as_bytes()), (SUBJECT, ADA.as_bytes())],
        &[(SUBJECT, ADA.as_bytes()), (SHA256, digest.as_bytes()), (SHA256, digest.as_bytes())],
    ] {
        let refused = bus.refused("/guarded", Hop::Balancer, shown).await;
        assert_eq!(refused, (403, "certificate-refused".to_owned()), "{shown:?}");
        assert_eq!(bus.send("/open", Hop::Balancer, shown).await.status, 204);
        let (caller, headers) = bus.seen.lock().unwrap().pop().unwrap();
        assert!(caller.is_none() && !headers.keys().any(is_own), "{headers:?}");
    }
    assert!(bus.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn soap_tells_it_as_a_fault() {
    let bus = bus();
    let (status, fault) = bus.refused("/soap", Hop::Client, &[(SUBJECT, ADA.as_bytes())]).await;
    assert!(
        status == 401 && fault.contains(">certificate-required<") && fault.contains(":Client<"),
        "{fault}"
    );
    let (status, fault) = bus.refused("/soap", Hop::Balancer, &[(SUBJECT, b"/CN=eve")]).await;
    assert!(
        status == 500 && fault.contains(">certificate-refused<") && fault.contains(":Client<"),
        "{fault}"
    );
}

#[tokio::test]
async fn the_balancers_headers_reach_no_service() {
    let bus = bus();
    let own: &[(&str, &[u8])] = &[
        (SUBJECT, b"/CN=a"),
        (SHA256, b"00"),
        ("X-Busbar-Caller", b"root"),
        ("x_busbar_caller", b"root"),
        ("X-Busbar_Tls.Subject", b"/CN=a"),
        ("x-busbar-", b""),
    ];
    let others: &[(&str, &[u8])] = &[("x-busbars", b"a"), ("x-forwarded-for", b"::1"), ("x-busbar", b"b")];
    for hop in [Hop::Client, Hop::Balancer] {
        bus.send("/open", hop, &[own, others].concat()).await;
        let (_, mut seen) = bus.seen.lock().unwrap().pop().unwrap();
        seen.remove("content-type");
        assert_eq!(seen, headers(others), "{hop:?}");
    }
    let message = consume::Message {
        channel: name("queue"),
        headers: headers(&[own, others].concat()),
        body: bytes::Bytes::new(),
        key: None,
        attempt: 1,
        answered: false,
    };
    bus.pipeline.consume(message, 7).await;
    assert_eq!(bus.seen.lock().unwrap().pop().unwrap().1, headers(others));
}

#[tokio::test]
async fn correlation_is_taken_from_the_balancer() {
    let bus = bus();
    let sent: &[(&str, &[u8])] = &[("x-correlation-id", b"mine")];
    assert_eq!(bus.send("/open", Hop::Balancer, sent).await.correlation.as_str(), "mine");
    assert_ne!(bus.send("/open", Hop::Client, sent).await.correlation.as_str(), "mine");
}

#[test]
fn control_characters_make_no_subject() {
    // No header can have them; what else sets headers might.
    let told = headers(&[(SUBJECT, "/CN=a\u{85}b".as_bytes()), (SHA256, b"AB")]);
    let shown = Certificate::told(&told).unwrap();
    assert_eq!(*shown, Certificate { subject: None, sha256: None });
}
