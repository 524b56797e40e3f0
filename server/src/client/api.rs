//! A client of the bus over HTTP/1.1.

use std::{collections::HashSet, time::Duration};

use busbar_model::bounds::{CALL_OUTPUT_BYTES_CEILING, PAGE_ITEMS_MAX};
use bytes::Bytes;
use http::{
    HeaderValue, Method, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, IF_MATCH, USER_AGENT},
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::{BodyExt as _, Full, Limited};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Error},
    bounds::{ANSWER_BYTES_MAX, ANSWER_TIME_MAX},
    dial::Dial,
    locate::Access,
};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const RESPOND_ASYNC: HeaderValue = HeaderValue::from_static("respond-async");
const JSON: &str = "application/json";
const AGENT: &str = concat!("busbar/", env!("CARGO_PKG_VERSION"));
/// What stands for itself in a path or query (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A question, yet to be asked.
pub(crate) struct Question {
    method: Method,
    path: String,
    content: Option<(String, Bytes)>,
    seen: Option<HeaderValue>,
    patience: Option<Duration>,
    asynchronous: bool,
}

impl Question {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            content: None,
            seen: None,
            patience: Some(ANSWER_TIME_MAX),
            asynchronous: false,
        }
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        self.content(JSON, Bytes::from(value.to_string()))
    }

    pub(crate) fn content(self, kind: &str, bytes: Bytes) -> Self {
        Self { content: Some((kind.to_owned(), bytes)), ..self }
    }

    /// Only if it is still the version with this tag.
    pub(crate) fn seen(self, tag: Option<HeaderValue>) -> Self {
        Self { seen: tag, ..self }
    }

    /// The answer need not wait until it is done (RFC 7240, section 4.1).
    pub(crate) fn asynchronous(self, asynchronous: bool) -> Self {
        Self { asynchronous, ..self }
    }

    /// How long to wait for the answer; `None` leaves it to the bus.
    pub(crate) fn patience(self, patience: Option<Duration>) -> Self {
        Self { patience, ..self }
    }
}

pub(crate) struct Api {
    scheme: Scheme,
    authority: Authority,
    origin: String,
    credential: Option<(HeaderName, HeaderValue)>,
    answer_bytes_max: u64,
    dial: Dial,
}

impl Api {
    pub(crate) fn admin(access: Access) -> Result<Self, Error> {
        let bearer = access.secret.as_ref().map(|token| (AUTHORIZATION, format!("Bearer {token}")));
        Self::new(access, bearer, ANSWER_BYTES_MAX)
    }

    pub(crate) fn data_plane(access: Access) -> Result<Self, Error> {
        let key = access.secret.clone().map(|key| (API_KEY, key));
        Self::new(access, key, CALL_OUTPUT_BYTES_CEILING)
    }

    fn new(
        access: Access,
        credential: Option<(HeaderName, String)>,
        answer_bytes_max: u64,
    ) -> Result<Self, Error> {
        let Access { url, origin, tls, .. } = access;
        let refuse =
            |url: &str, reason| Error::Address { url: url.to_owned(), origin: origin.clone(), reason };
        let (scheme, authority) = address(&url).map_err(|reason| refuse(&url, reason))?;
        // Whoever answers in the clear is not known to be of the cluster.
        if scheme == Scheme::HTTP && tls.is_some() {
            return Err(refuse(&url, "is not https://, which members of a cluster speak"));
        }
        if scheme == Scheme::HTTPS && tls.is_none() {
            return Err(refuse(
                &url,
                "asks for TLS, for which this folder has no certificate of the cluster: `busbar join` gets one",
            ));
        }
        let credential = match credential {
            None => None,
            Some((name, text)) => {
                let odd = |_| refuse(&url, "goes with a credential that no HTTP header can carry");
                let mut value = HeaderValue::try_from(text).map_err(odd)?;
                value.set_sensitive(true);
                Some((name, value))
            }
        };
        Ok(Self { scheme, authority, origin, credential, answer_bytes_max, dial: Dial::new(tls) })
    }

    pub(crate) async fn get(&self, path: impl Into<String>) -> Result<Value, Error> {
        self.ask(Question::get(path)).await?.json()
    }

    /// Asks, and waits for the whole answer.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answer, Error> {
        let url = format!("{}://{}{}", self.scheme, self.authority, question.path);
        let patience = question.patience;
        let exchange = self.exchange(question, &url);
        match patience {
            None => exchange.await,
            Some(time) => tokio::time::timeout(time, exchange)
                .await
                .unwrap_or_else(|_| Err(Error::Late { url: url.clone(), seconds: time.as_secs() })),
        }
    }

    async fn exchange(&self, question: Question, url: &str) -> Result<Answer, Error> {
        let broken = |source| Error::Broken { url: url.to_owned(), source };
        let request = self.request(question).map_err(|error| broken(error.into()))?;
        let response = self.dial.request(request).await.map_err(|error| {
            if error.is_connect() {
                let base = format!("{}://{}", self.scheme, self.authority);
                return Error::Unreachable { url: base, origin: self.origin.clone(), source: error.into() };
            }
            broken(error.into())
        })?;
        let (parts, body) = response.into_parts();
        let most = usize::try_from(self.answer_bytes_max).unwrap_or(usize::MAX);
        let body = Limited::new(body, most).collect().await.map_err(broken)?.to_bytes();
        Answer::of(url.to_owned(), parts.status, parts.headers, body)
    }

    fn request(&self, question: Question) -> Result<http::Request<Full<Bytes>>, http::Error> {
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::try_from(question.path)?)
            .build()?;
        let mut request = http::Request::builder().method(question.method).uri(uri).header(USER_AGENT, AGENT);
        if let Some((name, value)) = &self.credential {
            request = request.header(name, value);
        }
        if let Some(tag) = question.seen {
            request = request.header(IF_MATCH, tag);
        }
        if question.asynchronous {
            request = request.header(PREFER, RESPOND_ASYNC);
        }
        let (kind, bytes) = question.content.unzip();
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        request.body(Full::new(bytes.unwrap_or_default()))
    }

    /// All pages of a list: `{"items": […], "next": null}`.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>, Error> {
        self.pages(first_page(path, PAGE_ITEMS_MAX), None).await
    }

    /// So many items of a list, and whether there are more.
    pub(crate) async fn some(&self, path: &str, most: usize) -> Result<(Vec<Value>, bool), Error> {
        let asked = u32::try_from(most).unwrap_or(u32::MAX).saturating_add(1);
        let first = first_page(path, asked.min(PAGE_ITEMS_MAX));
        let mut items = self.pages(first, Some(most)).await?;
        let more = items.len() > most;
        items.truncate(most);
        Ok((items, more))
    }

    async fn pages(&self, first: String, enough: Option<usize>) -> Result<Vec<Value>, Error> {
        let mut next = Some(first);
        let (mut items, mut seen) = (Vec::new(), HashSet::new());
        while let Some(page) = next {
            if !seen.insert(page.clone()) {
                return Err(Error::Circle { url: page });
            }
            let mut answer = self.get(&page).await?;
            if let Some(Value::Array(more)) = answer.get_mut("items").map(Value::take) {
                items.extend(more);
            }
            if enough.is_some_and(|enough| items.len() > enough) {
                break;
            }
            next = answer.get("next").and_then(Value::as_str).map(|next| relative(&page, next));
        }
        Ok(items)
    }
}

fn first_page(path: &str, items: u32) -> String {
    let and = if path.contains('?') { '&' } else { '?' };
    format!("{path}{and}limit={items}")
}

/// A list as the API would give it on one page.
pub(crate) fn whole_list(items: Vec<Value>) -> Value {
    json!({"items": items, "next": null})
}

/// Scheme, and host and port, of `http://host:port` or `https://host:port`: all that an address may have.
fn address(url: &str) -> Result<(Scheme, Authority), &'static str> {
    const FORM: &str = "is not of the form http://HOST:PORT or https://HOST:PORT";
    let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| FORM)?;
    let bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
    match (uri.scheme(), authority) {
        (Some(scheme), Some(authority)) if bare && [Scheme::HTTP, Scheme::HTTPS].contains(scheme) => {
            Ok((scheme.clone(), authority.clone()))
        }
        _ => Err(FORM),
    }
}

/// The path that `link` on the page `at` leads to. A credential never goes elsewhere than where it is
/// for, so another host in the link does not count.
pub(crate) fn relative(at: &str, link: &str) -> String {
    let path = link.parse::<Uri>().ok().filter(|uri| uri.authority().is_some());
    let link = match &path {
        Some(uri) => uri.path_and_query().map_or("/", PathAndQuery::as_str),
        None => link,
    };
    let folder = at.split('?').next().unwrap_or_default();
    match link.as_bytes().first() {
        Some(b'/') => link.to_owned(),
        Some(b'?') => format!("{folder}{link}"),
        _ => format!("{}/{link}", folder.rsplit_once('/').map_or("", |(folder, _)| folder)),
    }
}

/// A part of a path, or a value in a query.
pub(crate) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Access, Api, Question, address, encoded, relative};
    use crate::client::{answer::Error, fake::Fake};

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["http://127.0.0.1:8183", "http://localhost:1/", "https://[::1]:80", "HTTP://a"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["", "127.0.0.1:8183", "http://", "http://a/b", "http://u@a", "ftp://a", "http://a?b"] {
            assert!(address(bad).is_err(), "{bad}");
        }
        let access =
            Access { url: "https://a:1".to_owned(), secret: None, origin: "a test".to_owned(), tls: None };
        let error = Api::admin(access).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("busbar join"), "{error}");
    }

    #[test]
    fn links_stay_with_their_server() {
        let at = "/api/v1/channels?limit=2";
        assert_eq!(relative(at, "/api/v1/channels?before=x"), "/api/v1/channels?before=x");
        assert_eq!(relative(at, "?before=x"), "/api/v1/channels?before=x");
        assert_eq!(relative(at, "channels?before=x"), "/api/v1/channels?before=x");
        assert_eq!(relative(at, "http://elsewhere/api/v1/x"), "/api/v1/x");
        assert_eq!(encoded("a/b ü"), "a%2Fb%20%C3%BC");
    }

    #[tokio::test]
    async fn a_list_is_all_its_pages() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/things?limit=500" => (200, json!({"items": [1, 2], "next": "/things?limit=500&before=2"})),
            "/things?limit=500&before=2" => (200, json!({"items": [3], "next": null})),
            "/round?limit=500" => (200, json!({"items": [], "next": "/round?limit=500"})),
            _ => (404, json!({})),
        })
        .await;
        let api = Api::admin(fake.access()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(api.list("/things").await.unwrap(), [json!(1), json!(2), json!(3)]);
        assert!(matches!(api.list("/round").await, Err(Error::Circle { .. })));
        assert_eq!(fake.asked()[0].header("authorization"), Some("Bearer secret"));
    }

    #[tokio::test]
    async fn nobody_there_is_said_so() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let access = Access { url, secret: None, origin: "a test".to_owned(), tls: None };
        let api = Api::admin(access).unwrap_or_else(|error| panic!("{error}"));
        let error = api.ask(Question::get("/")).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    }
}
