//! A case's call, through the pipeline as one from outside.

use anyhow::Context as _;
use busbar_engine::{
    Body, Request,
    authenticate::API_KEY_HEADER,
    request::{Head, Hop, Reply, Target},
};
use busbar_model::{Name, bounds::CALL_OUTPUT_BYTES_DEFAULT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header::CONTENT_TYPE};
use serde_json::Value;

use super::{
    case::Case,
    comparison::Failure,
    double,
    ledger::Committed,
    stage::{KEY, Stage},
};

/// What came of it.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// JSON, or text that is none.
    pub(super) body: Value,
    pub(super) committed: Committed,
    /// Calls of doubles that the case gives no answer for, and answers that nobody asked for.
    pub(super) unanswered: Vec<Failure>,
    /// The plugin under test.
    pub(super) plugin: Name,
}

impl Stage {
    pub(super) async fn call(self, case: &Case) -> anyhow::Result<Seen> {
        let body = case.input.as_ref().map_or(Body::Empty, |input| Body::Bytes(input.to_string().into()));
        let request = Request {
            target: Target::Service(case.service.to_string()),
            head: head(case)?,
            body,
            hop: Hop::Client,
            trusted: true,
        };
        let unique = uuid::Uuid::now_v7().as_u128();
        let Reply { status, headers, body, .. } = self.pipeline.handle(request, unique).await;
        // A stream that breaks off is what a caller would have got of it.
        let bytes = body.collect(CALL_OUTPUT_BYTES_DEFAULT).await.context("failed to read the reply")?;
        Ok(Seen {
            status: status.as_u16(),
            headers,
            body: double::value(&bytes),
            committed: self.ledger.committed(),
            unanswered: [self.doubles.unanswered(), self.script.failures()].concat(),
            plugin: self.plugin,
        })
    }
}

fn head(case: &Case) -> anyhow::Result<Head> {
    let uri: Uri = format!("/_busbar/invoke/{}", case.service).parse()?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &case.given.headers {
        headers.insert(HeaderName::try_from(name.as_str())?, HeaderValue::try_from(value.as_str())?);
    }
    headers.insert(API_KEY_HEADER, HeaderValue::from_static(KEY));
    Ok(Head { method: Method::POST, uri, headers })
}
