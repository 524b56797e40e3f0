//! An API over a migrated ODB in a temporary folder, and short ways to ask it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, request::Builder},
};
use busbar_admin::{Asked, FetchWsdl, Handed, Heard, Settings, Whom, router};
use busbar_model::{
    Deployment, Digest, Name, Timestamp,
    connection::soap::{Document, Documents},
    deployment::Source,
    plugin::{Description, Kind},
    server::{Condition, Load, Server, Standing, Worker, WorkerState},
    service::ServiceDescription,
};
use busbar_store::{By, MasterKey, NewDeployment, Odb, Received};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) const TOKEN: &str = "token-of-the-test";
/// Of a partner with prices.
pub(crate) const WSDL: &str = include_str!("prices.wsdl");

pub(crate) struct Api {
    pub(crate) odb: Odb,
    pub(crate) router: Router,
    hints: Arc<AtomicUsize>,
    _folder: TempDir,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Null where the body is empty or no JSON.
    pub(crate) json: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self, member: &str) -> &str {
        self.json[member].as_str().unwrap()
    }

    /// Names of a list's items.
    pub(crate) fn names(&self) -> Vec<&str> {
        let items = self.json["items"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        items.iter().map(|item| item["name"].as_str().unwrap()).collect()
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:#?}");
        self
    }

    /// A problem with every member it must have.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let reply = self.is(status);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(reply.json["status"], status);
        assert_eq!(reply.json["code"], code, "{:#}", reply.json);
        assert_eq!(reply.json["correlation_id"], reply.header("x-correlation-id"));
        assert!(!reply.header("x-correlation-id").is_empty());
        for member in ["type", "title", "detail"] {
            assert!(!reply.text(member).is_empty(), "{member}");
        }
        assert!(reply.json["errors"].is_array());
        reply
    }

    /// A refused input, whose messages at `path` have all of `words`.
    #[track_caller]
    pub(crate) fn invalid_at(self, path: &str, words: &[&str]) -> Self {
        self.refused(400, "invalid-input").says_at(path, words)
    }

    /// A refusal whose messages at `path` have all of `words`.
    #[track_caller]
    pub(crate) fn says_at(self, path: &str, words: &[&str]) -> Self {
        let reply = self;
        let errors = reply.json["errors"].as_array().unwrap();
        let here: Vec<&str> =
            errors.iter().filter(|e| e["path"] == path).map(|e| e["message"].as_str().unwrap()).collect();
        for word in words {
            assert!(here.iter().any(|message| message.contains(word)), "{word:?} at {path:?}: {errors:#?}");
        }
        assert!(!here.is_empty(), "{path:?}: {errors:#?}");
        reply
    }
}

impl Api {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (settings, hints, folder) = settings();
        let odb = settings.odb.clone();
        let mut settings = settings;
        change(&mut settings);
        Self { odb, router: router(settings).unwrap(), hints, _folder: folder }
    }

    pub(crate) fn hints(&self) -> usize {
        self.hints.load(Ordering::SeqCst)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: parts.status, headers: parts.headers, json }
    }

    pub(crate) async fn get(&self, uri: &str) -> Reply {
        self.send(request("GET", uri).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn delete(&self, uri: &str) -> Reply {
        self.send(request("DELETE", uri).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send_json(&self, method: &str, uri: &str, body: Value) -> Reply {
        let request = request(method, uri).header("content-type", "application/json");
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    pub(crate) async fn post(&self, uri: &str, body: Value) -> Reply {
        self.send_json("POST", uri, body).await
    }

    pub(crate) async fn patch(&self, uri: &str, body: Value) -> Reply {
        self.send_json("PATCH", uri, body).await
    }

    pub(crate) async fn put(&self, uri: &str, body: Value) -> Reply {
        self.send_json("PUT", uri, body).await
    }

    pub(crate) async fn post_empty(&self, uri: &str) -> Reply {
        self.send(request("POST", uri).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn upload(&self, query: &str, bytes: &[u8]) -> Reply {
        let uri = format!("/api/v1/deployments{query}");
        let request = request("POST", &uri).header("content-type", "application/wasm");
        self.send(request.body(bytes.to_vec().into()).unwrap()).await
    }

    /// With `If-Match`.
    pub(crate) async fn send_if(&self, method: &str, uri: &str, tag: &str, body: Value) -> Reply {
        let request = request(method, uri).header("content-type", "application/json").header("if-match", tag);
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    pub(crate) async fn channel(&self, name: &str, path: &str) -> Reply {
        let body = json!({"name": name, "path": path, "service": "some-service"});
        self.post("/api/v1/channels", body).await.is(201)
    }

    /// A plugin that is live, with services of the names given.
    pub(crate) fn deploy(&self, plugin: &str, bytes: &[u8], services: &[&str]) -> Deployment {
        let new = NewDeployment { id: None, stem: name(plugin), bytes, source: Source::Api, forced: false };
        let Received::New(deployment) = self.odb.receive(&by(), new).unwrap() else { panic!("{plugin}") };
        self.odb.described(&deployment.id, &description(plugin, services), now()).unwrap();
        self.odb.compiled_on(&deployment.id, "here", now()).unwrap();
        self.odb.prepared_on(&deployment.id, "here", now(), 0).unwrap();
        self.odb.activate(&by(), &deployment.id, 0, Vec::new()).unwrap().deployment
    }
}

pub(crate) fn settings() -> (Settings, Arc<AtomicUsize>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("odb.sqlite").display());
    Odb::migrate(&url).unwrap();
    let hints = Arc::new(AtomicUsize::new(0));
    let counter = hints.clone();
    let settings = Settings {
        odb: Odb::open(&url, 4).unwrap(),
        master_key: Arc::new(MasterKey::new(&[7; 32])),
        token: TOKEN.to_owned(),
        development: false,
        hint: Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }),
        metrics: None::<PathBuf>,
        hash_password: Arc::new(|password| Ok(format!("$hash${}", password.len()))),
        password_fits: Arc::new(|hash, password| hash == format!("$hash${}", password.len())),
        ping: Arc::new(|connection| {
            let reached = connection.name.as_str() != "away";
            Box::pin(async move {
                if reached { Ok(Duration::from_millis(12)) } else { Err("nobody is there".to_owned()) }
            })
        }),
        wsdl: Arc::new(|wanted| Box::pin(async move { fetched(&wanted) })),
        ask: Some(Arc::new(|whom| Box::pin(async move { asked(&whom) }))),
        urls: vec!["https://admin.example.org:8183".to_owned()],
        handed: Handed {
            odb_url: "postgres://bus@db/busbar".to_owned(),
            amqp_url: None,
            master_key: vec![7; 32].into(),
        },
        tls: None,
        version: "1.2.3",
    };
    (settings, hints, folder)
}

/// A document that says how it was fetched.
fn fetched(wanted: &FetchWsdl) -> Result<Documents, String> {
    if wanted.url.contains("away") {
        return Err("nobody is there".to_owned());
    }
    let credential = wanted.http.credential.as_ref().map_or("", |credential| credential.reveal());
    let text = format!("{WSDL}<!-- as {credential} -->");
    Ok(Documents { documents: vec![Document { location: wanted.url.clone(), text }] })
}

pub(crate) fn request(method: &str, uri: &str) -> Builder {
    Request::builder().method(method).uri(uri).header("authorization", format!("Bearer {TOKEN}"))
}

pub(crate) fn now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_micros())
}

pub(crate) fn by() -> By {
    By { actor: "ada".to_owned(), correlation_id: None, now: now() }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn description(plugin: &str, services: &[&str]) -> Description {
    let service = |service: &&str| ServiceDescription {
        name: name(service),
        summary: Some("Does things.".to_owned()),
        input_schema: Some(json!({"type": "object"})),
        output_schema: None,
        channels: Vec::new(),
        calls_per_instance: Some(7),
    };
    Description {
        kind: Kind::Bus,
        name: name(plugin),
        version: "1.0.0".to_owned(),
        services: services.iter().map(service).collect(),
        invokes: vec!["other".to_owned()],
        secrets: vec!["pay-key".to_owned()],
        imports: vec!["busbar:bus/log@0.1.0".to_owned()],
    }
}

pub(crate) fn server(server: &str, heartbeat_at: Timestamp, plugins: &[(&str, Digest)]) -> Server {
    let worker = |slot: u32, plugins: BTreeMap<Name, Digest>| Worker {
        slot,
        pid: 4711 + slot,
        state: WorkerState::Ready,
        catalog_version: 3,
        load: Load::default(),
        plugins,
        started_at: now(),
    };
    let plugins = plugins.iter().map(|(plugin, digest)| (name(plugin), *digest)).collect();
    Server {
        id: format!("id-of-{server}"),
        name: name(server),
        version: "0.1.0".to_owned(),
        started_at: now(),
        heartbeat_at,
        engine: "engine-1".to_owned(),
        standing: Standing {
            condition: Condition::Ready,
            address: Some("10.0.0.1:17010".to_owned()),
            ..Standing::default()
        },
        workers: vec![worker(0, plugins), worker(1, BTreeMap::new())],
    }
}

/// As two servers would answer, one of which hangs.
fn asked(whom: &Whom) -> Asked {
    let answer = |server: &str, progress: Option<(u64, u64)>| Heard {
        from: format!("{server}/17"),
        progress,
        body: if progress.is_none() { json!({"server": server}) } else { json!(null) },
    };
    let answers = match whom {
        Whom::One(server) if server == "gone" => Vec::new(),
        Whom::One(server) => vec![answer(server, None)],
        Whom::Any => vec![answer("a", None)],
        Whom::All => vec![answer("a", None), answer("b", Some((0, 2)))],
    };
    Asked { broker: "connected".to_owned(), answers }
}
