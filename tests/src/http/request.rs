//! What is asked.

use std::convert::Infallible;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::{BodyExt as _, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use serde_json::Value;

/// How the body goes out.
#[derive(Clone, Debug, Default)]
pub enum Body {
    #[default]
    Empty,
    /// With `Content-Length`.
    Whole(Bytes),
    /// With `Transfer-Encoding: chunked`.
    Chunks(Vec<Bytes>),
}

/// A request that can be sent again and again.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl Request {
    /// `path` is raw, with the query.
    pub fn new(method: &str, path: &str) -> Self {
        let method = method.parse().unwrap_or_else(|error| panic!("{method:?}: {error}"));
        Self { method, path: path.to_owned(), headers: HeaderMap::new(), body: Body::Empty }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap_or_else(|error| panic!("{name:?}: {error}"));
        let value =
            HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        self.headers.append(name, value);
        self
    }

    #[must_use]
    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    #[must_use]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = Body::Whole(bytes.into());
        self
    }

    #[must_use]
    pub fn chunks(mut self, chunks: impl IntoIterator<Item = Bytes>) -> Self {
        self.body = Body::Chunks(chunks.into_iter().collect());
        self
    }

    /// RFC 7617.
    #[must_use]
    pub fn basic(self, username: &str, password: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("{username}:{password}"));
        self.header("authorization", &format!("Basic {encoded}"))
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("x-api-key", key)
    }

    pub fn method(&self) -> &Method {
        &self.method
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// In hyper's form. `authority` is the `Host` unless the request has one of its own.
    pub(crate) fn to_http(&self, authority: &str) -> http::Request<UnsyncBoxBody<Bytes, Infallible>> {
        let body = match &self.body {
            Body::Empty => Empty::new().boxed_unsync(),
            Body::Whole(bytes) => Full::new(bytes.clone()).boxed_unsync(),
            Body::Chunks(chunks) => {
                let frames = chunks.clone().into_iter().map(|chunk| Ok(Frame::data(chunk)));
                StreamBody::new(stream::iter(frames)).boxed_unsync()
            }
        };
        let mut request = http::Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().unwrap_or_else(|error| panic!("{:?}: {error}", self.path));
        *request.headers_mut() = self.headers.clone();
        if let header::Entry::Vacant(host) = request.headers_mut().entry(header::HOST) {
            host.insert(HeaderValue::from_str(authority).expect("an authority is a header value"));
        }
        request
    }
}
