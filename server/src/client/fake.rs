//! A server for tests: answers as it is told, and remembers what it was asked.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    Session,
    locate::{Access, Locator},
    output::{
        Output,
        tests::{Said, recorded},
    },
};

#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// With its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// `GET /path`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub(crate) struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
    folder: tempfile::TempDir,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Script = Arc<dyn Fn(&Asked) -> (u16, Value) + Send + Sync>;

impl Fake {
    /// A 201 or 202 comes with `Location`, which is the answer's `href`; every answer with a tag.
    pub(crate) async fn start(script: impl Fn(&Asked) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (script, log): (Script, _) = (Arc::new(script), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                let service =
                    service_fn(move |request| answer(Arc::clone(&script), Arc::clone(&log), request));
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let endpoints = serde_json::json!({"http": address, "admin": address, "pid": 1});
        std::fs::write(folder.path().join("endpoints.json"), endpoints.to_string()).unwrap();
        std::fs::write(folder.path().join("admin-token"), "secret").unwrap();
        std::fs::write(folder.path().join("invoker-key"), "key").unwrap();
        Self { address, asked, task, folder }
    }

    pub(crate) fn access(&self) -> Access {
        let (secret, origin) = (Some("secret".to_owned()), "a test".to_owned());
        Access { url: self.address.clone(), secret, origin, tls: None }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked that changes something.
    pub(crate) fn changes(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.method != Method::GET).collect()
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    fn session_with(&self, output: Output) -> Session {
        let folder = self.folder().to_owned();
        Session::new(Locator::new(Some(folder.clone()), |_| None), folder, output)
    }

    /// A session with this server, and what it says.
    pub(crate) fn session(&self, json: bool) -> (Session, Said, Said) {
        let (output, out, err) = recorded(json, None);
        (self.session_with(output), out, err)
    }
}

async fn answer(
    script: Script,
    log: Arc<Mutex<Vec<Asked>>>,
    request: http::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let path = parts.uri.to_string();
    let asked = Asked { method: parts.method, path, headers: parts.headers, body };
    log.lock().unwrap().push(asked.clone());
    let (status, value) = script(&asked);
    let mut response = Response::builder().status(status).header("etag", "\"7\"");
    if let Some(href) = value["href"].as_str() {
        response = response.header("location", href);
    }
    response = response.header("content-type", "application/json").header("x-correlation-id", "c-1");
    let body = if status == 204 { Bytes::new() } else { Bytes::from(value.to_string()) };
    Ok(response.body(Full::new(body)).unwrap())
}
