//! Fetching against servers that have documents.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http::{Request as Asked, Response, header::AUTHORIZATION};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

use super::*;

/// Each path asked for, with what was shown.
type Log = Arc<Mutex<Vec<(String, Option<String>)>>>;

struct Site {
    url: String,
    log: Log,
    task: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    async fn start(documents: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (documents, log) = (Arc::new(documents), Log::default());
        let told = Arc::clone(&log);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (documents, log) = (Arc::clone(&documents), Arc::clone(&told));
                let service = service_fn(move |asked: Asked<Incoming>| {
                    let shown = asked.headers().get(AUTHORIZATION);
                    let shown = shown.map(|shown| shown.to_str().unwrap().to_owned());
                    let path = asked.uri().to_string();
                    let text = documents(&path);
                    log.lock().unwrap_or_else(PoisonError::into_inner).push((path, shown));
                    let status = if text.is_some() { 200 } else { 404 };
                    let body = Full::new(Bytes::from(text.unwrap_or_default()));
                    async move { Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap()) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, log, task }
    }

    fn log(&self) -> Vec<(String, Option<String>)> {
        self.log.lock().unwrap().clone()
    }
}

fn importing(locations: &[&str]) -> String {
    let imports: String = locations.iter().map(|at| format!("<import location=\"{at}\"/>")).collect();
    format!("<definitions xmlns=\"http://schemas.xmlsoap.org/wsdl/\">{imports}</definitions>")
}

async fn fetched(base_url: &str, url: String) -> Result<Documents, String> {
    let settings = Settings {
        auth: Auth::Bearer {},
        allow: vec!["127.0.0.1".to_owned()],
        base_url: base_url.to_owned(),
        ..Settings::new("http://localhost")
    };
    let http = Http { settings, credential: Some("sesame".to_owned().into()), client_key: None };
    fetcher()(FetchWsdl { url, http }).await
}

#[tokio::test]
async fn what_is_imported_is_fetched_once_and_from_where_it_is() {
    let site = Site::start(|path| match path {
        "/a/root.wsdl?wsdl" => Some(importing(&["../b/one.wsdl", "two.wsdl"])),
        "/b/one.wsdl" => Some(importing(&["/a/two.wsdl", "/a/root.wsdl?wsdl"])),
        "/a/two.wsdl" => Some(importing(&[])),
        _ => None,
    });
    let site = site.await;
    let documents = fetched("", format!("{}/a/root.wsdl?wsdl", site.url)).await.unwrap().documents;
    let locations: Vec<&str> =
        documents.iter().map(|document| document.location.strip_prefix(&site.url).unwrap()).collect();
    assert_eq!(locations, ["/a/root.wsdl?wsdl", "/b/one.wsdl", "/a/two.wsdl"]);
    let log = site.log();
    assert_eq!(log.len(), 3, "a circle ends: {log:?}");
    assert!(log.iter().all(|(_, shown)| shown.as_deref() == Some("Bearer sesame")), "{log:?}");
}

#[tokio::test]
async fn others_see_no_credentials_and_are_reached_as_anyone_would() {
    let other = Site::start(|_| Some(importing(&[]))).await;
    let away = format!("{}/x.wsdl", other.url);
    let site = Site::start(move |_| Some(importing(&[&away]))).await;
    let refused = fetched(&site.url, format!("{}/a.wsdl", site.url)).await.unwrap_err();
    assert!(refused.contains("is not on the list of allowed addresses"), "{refused}");
    assert!(other.log().is_empty());
    let elsewhere = fetched("https://soap.example.com", format!("{}/a.wsdl", site.url)).await.unwrap_err();
    assert!(elsewhere.contains("is not on the list of allowed addresses"), "{elsewhere}");
}

#[tokio::test]
async fn what_has_no_end_is_bounded() {
    let endless = Site::start(|path| {
        let number: u32 = path.trim_start_matches('/').parse().unwrap_or(0);
        Some(importing(&[&format!("/{}", number + 1)]))
    });
    let endless = endless.await;
    let refused = fetched("", format!("{}/0", endless.url)).await.unwrap_err();
    assert_eq!(refused, "there are more than 32 documents");
    let large = Site::start(|_| Some(" ".repeat(CONNECTION_WSDL_BYTES_MAX + 1))).await;
    let refused = fetched("", format!("{}/a", large.url)).await.unwrap_err();
    assert!(refused.ends_with("all together are more than 2097152 bytes"), "{refused}");
}

#[tokio::test]
async fn what_is_not_there_or_no_document_is_told_by_its_place() {
    let site = Site::start(|path| match path {
        "/a.wsdl" => Some(importing(&["b.wsdl"])),
        "/entity.wsdl" => Some("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>".to_owned()),
        "/file.wsdl" => Some(importing(&["file:///etc/passwd"])),
        _ => None,
    });
    let site = site.await;
    for (path, words) in [
        ("/a.wsdl", "/b.wsdl: it answers with status 404 Not Found"),
        ("/entity.wsdl", "/entity.wsdl, line 1: "),
        ("/file.wsdl", "leads to nothing that can be fetched"),
    ] {
        let refused = fetched("", format!("{}{path}", site.url)).await.unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
}
