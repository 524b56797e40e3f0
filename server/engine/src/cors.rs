//! What a channel tells browsers about pages of other origins (Fetch standard, section 3.2: CORS protocol).
//!
//! A browser asks first (a preflight) where a page does what a plain form could not; the bus answers that for
//! the channel, since a preflight carries no credentials and is none of the service's business. On a channel
//! with `cors` these headers are the bus's alone; on any other a service may set its own.

use busbar_model::{
    Cors,
    cors::{ANY, is_any},
    definitions,
    router::Match,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

use crate::{
    accept::CORRELATION_HEADER,
    catalog::{Catalog, Route},
    request::{Request, Response, Target},
};

const PREFIX: &str = "access-control-";
const VARY_PREFLIGHT: &str = "origin, access-control-request-method, access-control-request-headers";

/// A channel's `cors`, ready to be put into replies.
pub(crate) struct Policy {
    /// `None`: every origin.
    origins: Option<Vec<String>>,
    /// `None`: every header that is asked for.
    headers: Option<HeaderValue>,
    exposed: HeaderValue,
    credentials: bool,
    max_age: HeaderValue,
}

impl Policy {
    pub(crate) fn of(cors: &Cors) -> Self {
        let exposed = cors.expose.iter().fold(CORRELATION_HEADER.to_string(), |all, name| all + ", " + name);
        Self {
            origins: (!is_any(&cors.origins)).then(|| cors.origins.clone()),
            headers: (!is_any(&cors.headers)).then(|| list(&cors.headers.join(", "))),
            exposed: list(&exposed),
            credentials: cors.credentials,
            max_age: HeaderValue::from(cors.max_age_s),
        }
    }

    /// The value of `Access-Control-Allow-Origin`, if pages of this origin may.
    fn admits(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match &self.origins {
            None => Some(HeaderValue::from_static(ANY)),
            Some(origins) => {
                origins.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
            }
        }
    }

    fn mark(&self, allowed: HeaderValue, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Names that were checked when the channel was made; what is no value after all allows nothing.
fn list(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// Where the reply to a request on a channel with `cors` goes.
pub(crate) struct Page<'c> {
    policy: &'c Policy,
    allowed: Option<HeaderValue>,
}

impl<'c> Page<'c> {
    /// `headers` are the request's.
    pub(crate) fn of(policy: &'c Policy, headers: &HeaderMap) -> Self {
        Self { policy, allowed: headers.get(ORIGIN).and_then(|origin| policy.admits(origin)) }
    }

    /// Puts the bus's word in the place of the service's.
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        let set: Vec<HeaderName> =
            headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
        for name in set {
            headers.remove(name);
        }
        // Said to everyone: a cache must not give one origin's reply to another.
        if !varies_by_origin(headers) {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(allowed) = self.allowed {
            self.policy.mark(allowed, headers);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.policy.exposed.clone());
        }
    }
}

fn varies_by_origin(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(VARY).iter().filter_map(|value| value.to_str().ok());
    fields.flat_map(|value| value.split(',')).any(|field| {
        let field = field.trim();
        field == ANY || field.eq_ignore_ascii_case("origin")
    })
}

/// The answer to a preflight, and the channel that it is about. `None`: it is none, or the channel has no
/// `cors`, or one takes OPTIONS by name and so wants to answer itself.
pub(crate) fn preflight<'c>(catalog: &'c Catalog, request: &Request) -> Option<(&'c Route, Response)> {
    let asked = &request.head.headers;
    if request.head.method != Method::OPTIONS || request.target != Target::Path {
        return None;
    }
    let (origin, method) = (asked.get(ORIGIN)?, asked.get(ACCESS_CONTROL_REQUEST_METHOD)?);
    let (route, policy) = asked_for(catalog, request.head.uri.path(), method.to_str().ok()?)?;
    let mut response = Response { status: Some(StatusCode::NO_CONTENT), ..Response::default() };
    let headers = &mut response.headers;
    headers.insert(VARY, HeaderValue::from_static(VARY_PREFLIGHT));
    if let Some(allowed) = policy.admits(origin) {
        policy.mark(allowed, headers);
        let methods = named_methods(route);
        let methods = if methods.is_empty() { method.clone() } else { list(&methods.join(", ")) };
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        let names = policy.headers.as_ref().or_else(|| asked.get(ACCESS_CONTROL_REQUEST_HEADERS));
        if let Some(names) = names.filter(|names| !names.is_empty()) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, policy.max_age.clone());
    }
    Some((route, response))
}

/// None is any.
fn named_methods(route: &Route) -> &[String] {
    route.channel.address.rest().map(|rest| rest.methods.as_slice()).unwrap_or_default()
}

/// The channel that would take the request, or another at its path, whose methods then tell the browser that
/// this one is not among them.
fn asked_for<'c>(catalog: &'c Catalog, path: &str, method: &str) -> Option<(&'c Route, &'c Policy)> {
    let (router, routes) = catalog.routes();
    let at = |method: &str| match router.find(method, path) {
        Match::Found { target: definitions::Target::Rest(at), .. } => routes.get(*at),
        // Of a SOAP channel pages are told nothing.
        Match::Found { target: definitions::Target::Soap(_), .. }
        | Match::WrongMethod { .. }
        | Match::Unknown => None,
    };
    let itself = |route: &Route| named_methods(route).iter().any(|named| named == Method::OPTIONS.as_str());
    if at(Method::OPTIONS.as_str()).is_some_and(itself) {
        return None;
    }
    let route = match router.find(method, path) {
        Match::Found { .. } => at(method)?,
        Match::WrongMethod { allow } => {
            allow.iter().filter_map(|other| at(other)).find(|route| route.cors.is_some())?
        }
        Match::Unknown => return None,
    };
    Some((route, route.cors.as_ref()?))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use busbar_model::{
        Channel, Cors, Definitions, Timestamp,
        channel::{Address, Draft, Rest},
        path::PathPattern,
        plugin::Grants,
    };
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Page, Policy};
    use crate::{
        Body, Outward, Pipeline, Reply, Request,
        catalog::Binder,
        double::{Committed, Plain},
        metrics::Metrics,
        ports::{Access, AccessLog},
        request::{Head, Hop, Target},
    };

    struct Silent;

    impl AccessLog for Silent {
        fn record(&self, _: &Access<'_>) {}
    }

    fn cors(origins: &[&str]) -> Cors {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Cors { origins: texts(origins), expose: texts(&["x-total"]), ..Cors::default() }
    }

    fn channel(path: &str, methods: &[&str], cors: Option<Cors>) -> Channel {
        let name = format!("c{}{}", path.replace(['/', '{', '}'], "-"), methods.join("-").to_lowercase());
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        let path = PathPattern::parse(path).unwrap();
        let address = Address::Rest(Rest { path, methods, security: None, cors });
        let draft = Draft::new(name.parse().unwrap(), "s".parse().unwrap(), address);
        draft.into_channel(name, 1, Timestamp(0), Timestamp(0))
    }

    /// A bus with these channels, on which no service is live.
    fn bus(channels: Vec<Channel>) -> Arc<Pipeline> {
        let metrics = Arc::new(Metrics::default());
        let mut binder = Binder::new(Arc::clone(&metrics), Grants::default(), Arc::new(Plain));
        let (catalog, problems) = binder.bind(Definitions { channels, ..Definitions::default() }, &|_| None);
        assert_eq!(problems, [""; 0]);
        let pipeline = Pipeline::new(metrics, Arc::new(Silent), Committed::with([]), Outward::default());
        pipeline.switch(catalog);
        pipeline
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    async fn send(bus: &Arc<Pipeline>, line: &str, sent: &[(&str, &str)]) -> Reply {
        let (method, uri) = line.split_once(' ').unwrap();
        let head =
            Head { method: method.parse().unwrap(), uri: uri.parse().unwrap(), headers: headers(sent) };
        let (target, body, hop) = (Target::Path, Body::Empty, Hop::Client);
        bus.handle(Request { target, head, body, hop, trusted: false }, 7).await
    }

    async fn preflight(bus: &Arc<Pipeline>, path: &str, origin: &str, method: &str) -> Reply {
        let sent = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", "content-type,x-api-key"),
        ];
        send(bus, &format!("OPTIONS {path}"), &sent).await
    }

    /// Those of CORS, but for Vary.
    fn said(headers: &HeaderMap) -> HashMap<&str, &str> {
        let pairs = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        pairs.filter_map(|(name, value)| Some((name.strip_prefix(super::PREFIX)?, value))).collect()
    }

    const APP: &str = "https://app.example";

    #[tokio::test]
    async fn a_preflight_is_answered_without_the_service() {
        let named = Cors { headers: vec!["content-type".to_owned()], credentials: true, ..cors(&[APP]) };
        let bus = bus(vec![channel("/a/{id}", &["GET", "PUT"], Some(named))]);
        let reply = preflight(&bus, "/a/7", APP, "PUT").await;
        assert_eq!(reply.status, 204);
        let expected = HashMap::from([
            ("allow-origin", APP),
            ("allow-methods", "GET, PUT"),
            ("allow-headers", "content-type"),
            ("allow-credentials", "true"),
            ("max-age", "600"),
        ]);
        assert_eq!(said(&reply.headers), expected);
        assert!(reply.headers["vary"].to_str().unwrap().starts_with("origin"));
        assert!(reply.headers.contains_key("x-correlation-id"));
        // A method that nobody takes is not among those that are allowed.
        let reply = preflight(&bus, "/a/7", APP, "DELETE").await;
        assert_eq!((reply.status.as_u16(), said(&reply.headers)["allow-methods"]), (204, "GET, PUT"));
    }

    #[tokio::test]
    async fn an_origin_that_may_not_is_told_nothing() {
        let bus = bus(vec![channel("/a", &["GET"], Some(cors(&[APP])))]);
        for origin in
            ["https://evil.example", "null", "https://app.example.evil.example", "https://app.example:444"]
        {
            let reply = preflight(&bus, "/a", origin, "GET").await;
            assert_eq!((reply.status.as_u16(), said(&reply.headers)), (204, HashMap::new()), "{origin}");
            let reply = send(&bus, "GET /a", &[("origin", origin)]).await;
            assert_eq!(said(&reply.headers), HashMap::new(), "{origin}");
            assert_eq!(reply.headers["vary"], "origin", "{origin}");
        }
    }

    #[tokio::test]
    async fn any_header_is_every_header_that_is_asked_for() {
        let cors = Cors { headers: vec!["*".to_owned()], ..cors(&["*"]) };
        let bus = bus(vec![channel("/a", &[], Some(cors))]);
        let reply = preflight(&bus, "/a", APP, "PATCH").await;
        let said = said(&reply.headers);
        assert_eq!((said["allow-headers"], said["allow-methods"]), ("content-type,x-api-key", "PATCH"));
        assert_eq!(said["allow-origin"], "*");
    }

    #[tokio::test]
    async fn faults_reach_the_page_too() {
        let bus = bus(vec![channel("/a", &["GET"], Some(cors(&[APP])))]);
        let reply = send(&bus, "GET /a", &[("origin", APP)]).await;
        assert_eq!(reply.status, 503);
        let expected = [("allow-origin", APP), ("expose-headers", "x-correlation-id, x-total")];
        assert_eq!(said(&reply.headers), HashMap::from(expected));
    }

    #[tokio::test]
    async fn what_is_no_preflight_takes_its_way() {
        let open = channel("/open", &[], None);
        let own = channel("/own", &["OPTIONS"], None);
        let beside = channel("/own", &["GET"], Some(cors(&[APP])));
        let plain = channel("/plain", &["GET"], Some(cors(&[APP])));
        let bus = bus(vec![open, own, beside, plain]);
        for path in ["/open", "/own"] {
            assert_eq!(preflight(&bus, path, APP, "GET").await.status, 503, "{path} goes to the service");
        }
        assert_eq!(preflight(&bus, "/nowhere", APP, "GET").await.status, 404);
        assert_eq!(send(&bus, "OPTIONS /plain", &[("origin", APP)]).await.status, 405);
        let reply = send(&bus, "GET /open", &[("origin", APP)]).await;
        assert!(said(&reply.headers).is_empty() && !reply.headers.contains_key("vary"));
    }

    #[test]
    fn the_services_own_word_does_not_count() {
        let policy = Policy::of(&cors(&[APP]));
        let service = [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("vary", "Accept, ORIGIN"),
            ("x-total", "3"),
        ];
        let mut reply = headers(&service);
        Page::of(&policy, &headers(&[("origin", "https://evil.example")])).mark(&mut reply);
        assert_eq!(reply, headers(&service[2..]));
        let mut reply = headers(&service);
        Page::of(&policy, &headers(&[("origin", APP)])).mark(&mut reply);
        assert_eq!(said(&reply)["allow-origin"], APP);
        assert!(!reply.contains_key("access-control-allow-credentials"));
        assert_eq!(reply.get_all("vary").iter().count(), 1);
        assert_eq!(reply["x-total"], "3");
    }
}
