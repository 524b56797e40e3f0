//! HTTP outwards: what services send, and the connection that leads to where a plain component wants to go.

use std::{sync::Arc, time::Duration};

use busbar_model::{
    Fault,
    connection::{
        Client,
        http::origin::{Base, Origin as Place},
    },
    fault::FaultKind,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header::CONTENT_TYPE, uri::PathAndQuery};
use url::Url;

use super::{Passage, Ways, there};
use crate::{body::Body, ports::Origin, request::Response};

/// A request on its way out. Its path is put behind the connection's base address.
#[derive(Debug)]
pub struct Outgoing {
    pub method: Method,
    pub path: PathAndQuery,
    pub headers: HeaderMap,
    pub body: Body,
}

/// The same as a service gives it, in texts.
#[derive(Debug, Default)]
pub struct Given {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub content_type: Option<String>,
    pub body: Body,
}

impl TryFrom<Given> for Outgoing {
    type Error = Fault;

    fn try_from(given: Given) -> Result<Self, Fault> {
        let mut headers = HeaderMap::with_capacity(given.headers.len() + 1);
        for (name, value) in &given.headers {
            let (name, value) = header(name, value)?;
            headers.append(name, value);
        }
        if let Some(content_type) = &given.content_type {
            let (name, value) = header(CONTENT_TYPE.as_str(), content_type)?;
            headers.insert(name, value);
        }
        let method = Method::from_bytes(given.method.as_bytes());
        let method = method.map_err(|_| invalid(format!("{:?} is no method", cut(&given.method))))?;
        let path =
            PathAndQuery::try_from(given.path.as_str()).ok().filter(|path| path.path().starts_with('/'));
        let path = path.ok_or_else(|| {
            invalid(format!("{:?} is no path; it begins with / and is percent-encoded", cut(&given.path)))
        })?;
        Ok(Self { method, path, headers, body: given.body })
    }
}

/// What is refused is shown, but no value, which may be a secret.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Fault> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    let parsed = parsed.map_err(|_| invalid(format!("{:?} is no header's name", cut(name))))?;
    let value = HeaderValue::try_from(value);
    let value = value.map_err(|_| invalid(format!("the value of header {parsed} can't be sent")))?;
    Ok((parsed, value))
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

pub(super) fn invalid(text: String) -> Fault {
    Fault::new(FaultKind::InvalidInput, format!("the request can't be sent: {text}"))
}

/// A call of a service by a connection that it names.
pub async fn send(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    connection: &str,
    request: Given,
    timeout: Option<Duration>,
) -> Result<Response, Fault> {
    let mut passage = Passage::of(origin, connection)?;
    if let Some(timeout) = timeout {
        let own = tokio::time::Instant::now().checked_add(timeout);
        passage.deadline = own.map_or(passage.deadline, |own| passage.deadline.min(own));
    }
    there(ways)?.http(passage, request.try_into()?).await
}

/// A call of a plain component to wherever it likes: it leaves by the granted connection that leads there, the one with
/// the longest base path if there are several.
pub async fn forward(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    target: &Uri,
    mut request: Outgoing,
) -> Result<Response, Fault> {
    let url = Url::parse(&target.to_string()).map_err(|_| invalid("its address is no URL".to_owned()))?;
    let connections = &origin.context.catalog.definitions().connections;
    let leading = connections.iter().enumerate().filter_map(|(place, connection)| {
        let Client::Http(http) = &connection.client else { return None };
        if !connection.active || !origin.service.grants.allows_connection(connection.name.as_str()) {
            return None;
        }
        let base = Base::parse("base_url", &http.settings.base_url).ok()?;
        let is_there = Place::of(&url).is_some_and(|there| there == *base.origin);
        let below = below(&base.path, url.path()).filter(|_| is_there)?;
        Some((base.path.len(), place, below.to_owned()))
    });
    let Some((_, place, below)) = leading.max_by_key(|(length, ..)| *length) else {
        let text = format!("no granted connection leads to {}", url.origin().ascii_serialization());
        return Err(Fault::new(FaultKind::NotAllowed, text).with_code("not-granted"));
    };
    let path = match url.query() {
        Some(query) => format!("{below}?{query}"),
        None => below,
    };
    request.path = PathAndQuery::try_from(path).map_err(|_| invalid("its path is none".to_owned()))?;
    there(ways)?.http(Passage::at(origin, place), request).await
}

/// What of a path comes behind a base path; `None`: it is elsewhere.
fn below<'p>(base: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(base)?;
    match rest {
        "" => Some("/"),
        rest if rest.starts_with('/') => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Given, Outgoing, below};

    fn given(method: &str, path: &str, header: (&str, &str)) -> Result<Outgoing, String> {
        let headers = vec![(header.0.to_owned(), header.1.to_owned())];
        let given = Given { method: method.to_owned(), path: path.to_owned(), headers, ..Given::default() };
        Outgoing::try_from(given).map_err(|fault| fault.message)
    }

    #[test]
    fn what_is_no_http_is_refused_without_its_values() {
        assert!(given("GET", "/a?b=c", ("x-a", "b")).is_ok());
        for (method, path, header) in [
            ("GET IT", "/", ("a", "b")),
            ("GET", "a", ("a", "b")),
            ("GET", "http://elsewhere/", ("a", "b")),
            ("GET", "/ä b", ("a", "b")),
            ("GET", "/", ("a b", "hunter2")),
            ("GET", "/", ("a", "hunter2\r\nb: c")),
        ] {
            let text = given(method, path, header).unwrap_err();
            assert!(text.starts_with("the request can't be sent: ") && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_path_is_below_a_base_by_whole_parts() {
        for (base, path, rest) in [
            ("", "/a", Some("/a")),
            ("/v1", "/v1/a", Some("/a")),
            ("/v1", "/v1", Some("/")),
            ("/v1", "/v10/a", None),
            ("/v1", "/v2/a", None),
        ] {
            assert_eq!(below(base, path), rest, "{base} {path}");
        }
    }
}
