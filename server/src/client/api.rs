//! Requests to a server and what comes back.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

use super::{
    failure::{Cause, Problem},
    locate::Target,
};

pub(crate) const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How long a server may take to accept a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long the admin API may take for one request, a large upload included.
const ADMIN_TIME_MAX: Duration = Duration::from_secs(300);
/// What is read of a reply of the admin API, in bytes.
const ADMIN_REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What is read of a reply that says why not, in bytes.
const PROBLEM_BYTES_MAX: usize = 1024 * 1024;
/// What is shown of a refusal that is not a problem body, in characters.
const EXCERPT_CHARS: usize = 400;
/// Items that one page of a list is asked to hold.
const PAGE_ITEMS: u32 = busbar_model::bounds::PAGE_ITEMS_MAX;

pub(crate) struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    credential: (HeaderName, HeaderValue),
}

/// A success of the admin API.
pub(crate) struct Reply {
    pub(crate) body: Value,
    pub(crate) etag: Option<HeaderValue>,
    /// Where the object is that the reply is about.
    pub(crate) location: Option<String>,
}

/// What a request carries beside its method and path.
#[derive(Default)]
pub(crate) struct Content {
    media_type: Option<&'static str>,
    bytes: Bytes,
    if_match: Option<HeaderValue>,
}

impl Content {
    pub(crate) fn of(media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { media_type: Some(media_type), bytes: bytes.into(), if_match: None }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self::of(JSON, value.to_string())
    }

    /// Only if the object is still the one that was seen.
    pub(crate) fn if_match(self, etag: Option<HeaderValue>) -> Self {
        Self { if_match: etag, ..self }
    }
}

impl Api {
    pub(crate) fn admin(target: &Target) -> Result<Self, Cause> {
        Self::new(target, header::AUTHORIZATION, &format!("Bearer {}", target.secret))
    }

    pub(crate) fn invoker(target: &Target) -> Result<Self, Cause> {
        Self::new(target, API_KEY, &target.secret)
    }

    fn new(target: &Target, name: HeaderName, secret: &str) -> Result<Self, Cause> {
        let mut value = HeaderValue::try_from(secret)
            .map_err(|_| Cause::Usage("the credential has characters that can't be sent".to_owned()))?;
        value.set_sensitive(true);
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, base: base(&target.url)?, credential: (name, value) })
    }

    /// The reply whatever its status, its body unread.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content: Content,
    ) -> Result<Response<Incoming>, Cause> {
        let (name, value) = &self.credential;
        let mut request =
            Request::builder().method(method).uri(format!("{}{path}", self.base)).header(name, value);
        if let Some(media_type) = content.media_type {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        if let Some(etag) = content.if_match {
            request = request.header(header::IF_MATCH, etag);
        }
        let request = request.body(Full::new(content.bytes));
        let request = request.map_err(|error| Cause::Other(format!("the request can't be made: {error}")))?;
        self.client.request(request).await.map_err(|error| Cause::unreachable(&self.base, error))
    }

    async fn reply(&self, method: Method, path: &str, content: Content) -> Result<Reply, Cause> {
        let exchange = async {
            let response = succeeded(self.send(method, path, content).await?).await?;
            let (parts, body) = response.into_parts();
            let location = parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            let (etag, location) = (parts.headers.get(header::ETAG).cloned(), location.and_then(here));
            let bytes = self.collect(body, ADMIN_REPLY_BYTES_MAX).await?;
            let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
            let body = body.map_err(|error| Cause::Other(format!("the reply is not JSON: {error}")))?;
            Ok(Reply { body, etag, location })
        };
        within(ADMIN_TIME_MAX, exchange).await
    }

    async fn collect(&self, body: Incoming, bytes_max: usize) -> Result<Bytes, Cause> {
        let collected = Limited::new(body, bytes_max).collect().await;
        let broken = |source| Cause::Unreachable { url: self.base.clone(), source };
        Ok(collected.map_err(broken)?.to_bytes())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Reply, Cause> {
        self.reply(Method::GET, path, Content::default()).await
    }

    pub(crate) async fn post(&self, path: &str, content: Content) -> Result<Reply, Cause> {
        self.reply(Method::POST, path, content).await
    }

    pub(crate) async fn put(&self, path: &str, content: Content) -> Result<Reply, Cause> {
        self.reply(Method::PUT, path, content).await
    }

    pub(crate) async fn patch(&self, path: &str, patch: &Value) -> Result<Reply, Cause> {
        self.reply(Method::PATCH, path, Content::of(MERGE_PATCH, patch.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Reply, Cause> {
        self.reply(Method::DELETE, path, Content::default()).await
    }

    /// All items of a list, page by page, narrowed to where `filters` hold.
    pub(crate) async fn list(&self, path: &str, filters: &[(&str, &str)]) -> Result<Vec<Value>, Cause> {
        let mut address = format!("{path}?limit={PAGE_ITEMS}");
        for (name, value) in filters {
            address.push_str(&format!("&{name}={}", encoded(value)));
        }
        let mut items = Vec::new();
        loop {
            let mut page = self.get(&address).await?.body;
            match page["items"].take() {
                Value::Array(more) => items.extend(more),
                _ => return Err(Cause::Other(format!("the reply from {address} is not a list"))),
            }
            let Some(next) = page["next"].as_str().and_then(here).filter(|next| *next != address) else {
                return Ok(items);
            };
            address = next;
        }
    }

    /// The address of the one object of this name; of none where it has an id for its name.
    pub(crate) async fn named(&self, path: &str, name: &str) -> Result<String, Cause> {
        let found = self.list(path, &[("name", name)]).await?;
        let href = found.first().and_then(|object| object["href"].as_str()).and_then(here);
        Ok(href.unwrap_or_else(|| format!("{path}/{}", encoded(name))))
    }
}

/// The reply if it is a success, else why it is none.
pub(crate) async fn succeeded(response: Response<Incoming>) -> Result<Response<Incoming>, Cause> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = Limited::new(response.into_body(), PROBLEM_BYTES_MAX).collect().await;
    let bytes = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Err(Cause::Refused(Box::new(problem(status, &bytes))))
}

fn problem(status: StatusCode, body: &[u8]) -> Problem {
    let problem = serde_json::from_slice::<Problem>(body).unwrap_or_default();
    let excerpt = || String::from_utf8_lossy(body).chars().take(EXCERPT_CHARS).collect::<String>();
    let title = match problem.title.is_empty() && problem.detail.is_empty() {
        true if body.is_empty() => status.canonical_reason().unwrap_or_default().to_owned(),
        true => excerpt().trim().to_owned(),
        false => problem.title,
    };
    Problem { status: status.as_u16(), title, ..problem }
}

async fn within<T>(time: Duration, work: impl Future<Output = Result<T, Cause>>) -> Result<T, Cause> {
    let late = || Cause::Other(format!("no complete reply came within {} s", time.as_secs()));
    tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(late()))
}

/// A URL up to where paths begin.
fn base(url: &str) -> Result<String, Cause> {
    let wrong = |why: &str| Cause::Usage(format!("the URL {url:?} {why}"));
    let uri = url.parse::<Uri>().map_err(|error| wrong(&format!("can't be understood: {error}")))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(_)) if uri.query().is_none() => Ok(url.trim_end_matches('/').to_owned()),
        (Some("http"), Some(_)) => Err(wrong("has a query; only scheme, host and port are wanted")),
        (Some("https"), _) => Err(wrong("asks for TLS, which this command does not offer yet; use http://")),
        _ => Err(wrong("is not one like http://127.0.0.1:8183")),
    }
}

/// An address within the server that gave it: a credential goes nowhere else.
fn here(address: &str) -> Option<String> {
    let uri = address.parse::<Uri>().ok()?;
    Some(uri.path_and_query()?.as_str().to_owned()).filter(|path| path.starts_with('/'))
}

/// One segment of a path or one value of a query (RFC 3986, section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{base, encoded, here, problem};

    #[test]
    fn urls_are_checked_before_they_are_used() {
        assert_eq!(base("http://127.0.0.1:1/").unwrap(), "http://127.0.0.1:1");
        assert_eq!(base("http://[::1]:1/bus/").unwrap(), "http://[::1]:1/bus");
        assert!(base("https://bus").unwrap_err().to_string().contains("TLS"));
        for bad in ["", "bus", "ftp://bus", "http://bus/?a=b", "127.0.0.1:1"] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_servers_addresses_are_read_as_this_ones() {
        assert_eq!(here("http://elsewhere/api/v1/x?a=b").as_deref(), Some("/api/v1/x?a=b"));
        assert_eq!(here("/api/v1/x").as_deref(), Some("/api/v1/x"));
    }

    #[test]
    fn names_can_hold_anything() {
        assert_eq!(encoded("a.b-c_d~1"), "a.b-c_d~1");
        assert_eq!(encoded("a/b?c é"), "a%2Fb%3Fc%20%C3%A9");
    }

    #[test]
    fn a_refusal_that_is_no_problem_body_is_quoted() {
        let title = |body: &[u8]| problem(StatusCode::BAD_GATEWAY, body).title;
        assert_eq!(title(b""), "Bad Gateway");
        assert_eq!(title(b"upstream is gone\n"), "upstream is gone");
        assert_eq!(problem(StatusCode::BAD_GATEWAY, br#"{"detail": "why"}"#).detail, "why");
    }
}
