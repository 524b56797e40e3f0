//! Where a redirect leads, and whether it may (RFC 9110, section 15.4).

use std::sync::Arc;

use busbar_model::{
    bounds::HTTP_TARGET_BYTES_MAX,
    connection::http::origin::{Origin, parse_host},
};
use http::{HeaderMap, Method, StatusCode, header, uri::PathAndQuery};
use url::Url;

use crate::Redirects;

#[derive(Debug)]
pub(crate) struct Policy {
    kind: Kind,
    max: u32,
}

#[derive(Debug)]
enum Kind {
    None,
    SameOrigin,
    Hosts(Vec<String>),
}

/// The next request of a chain.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) origin: Arc<Origin>,
    pub(crate) target: PathAndQuery,
    pub(crate) method: Method,
    /// Else the request goes on without one.
    pub(crate) keeps_body: bool,
}

impl Policy {
    pub(crate) fn new(redirects: &Redirects) -> Self {
        let (kind, max) = match redirects {
            Redirects::None {} => (Kind::None, 0),
            Redirects::SameOrigin { max } => (Kind::SameOrigin, *max),
            Redirects::Hosts { max, hosts } => {
                (Kind::Hosts(hosts.iter().filter_map(|host| parse_host(host)).collect()), *max)
            }
        };
        Self { kind, max }
    }

    /// `None`: the reply is for the caller. `followed` were before this one. Errors out with the reason if it may not
    /// be followed.
    pub(crate) fn next(
        &self,
        from: (&Arc<Origin>, &PathAndQuery, &Method),
        reply: (StatusCode, &HeaderMap),
        base: &Arc<Origin>,
        followed: u32,
    ) -> Result<Option<Hop>, String> {
        let (origin, target, method) = from;
        let (status, headers) = reply;
        if matches!(self.kind, Kind::None) || !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = headers.get(header::LOCATION) else { return Ok(None) };
        if followed >= self.max {
            return Err(format!("it is number {}, and {} are allowed", followed + 1, self.max));
        }
        let url = location.to_str().ok().filter(|text| text.len() <= HTTP_TARGET_BYTES_MAX);
        let here = Url::parse(&format!("{}{target}", origin.url()));
        let url = url.and_then(|text| here.ok()?.join(text).ok()).ok_or("its Location is no URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its Location names a user".to_owned());
        }
        let next = Origin::of(&url).ok_or("it does not lead to http or https")?;
        let next = self.permit(next, origin, base)?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{}{query}", url.path()).parse().map_err(|_| "its Location is no URL")?;
        let (method, keeps_body) = carried_on(status, method);
        Ok(Some(Hop { origin: next, target, method, keeps_body }))
    }

    fn permit(&self, next: Origin, from: &Arc<Origin>, base: &Arc<Origin>) -> Result<Arc<Origin>, String> {
        if next == **base {
            return Ok(Arc::clone(base));
        }
        let Kind::Hosts(hosts) = &self.kind else {
            return Err(format!("it leads to {}, another origin", next.url()));
        };
        if !hosts.contains(&next.host) {
            return Err(format!("it leads to {}, which is not among the allowed hosts", next.host));
        }
        if from.is_tls && !next.is_tls {
            return Err("it leads from https to http".to_owned());
        }
        Ok(if next == **from { Arc::clone(from) } else { Arc::new(next) })
    }
}

/// What is seen elsewhere is asked for with GET; 307 and 308 change nothing.
fn carried_on(status: StatusCode, method: &Method) -> (Method, bool) {
    let becomes_get = match status {
        StatusCode::SEE_OTHER => *method != Method::GET && *method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
        _ => false,
    };
    if becomes_get { (Method::GET, false) } else { (method.clone(), true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Arc<Origin> {
        Arc::new(Origin::of(&Url::parse(text).unwrap()).unwrap())
    }

    fn followed(redirects: &Redirects, location: &str) -> Result<String, String> {
        let base = origin("https://a.example");
        let target = "/v1/x?y=1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        let from = (&base, &target, &Method::GET);
        let hop = Policy::new(redirects).next(from, (StatusCode::FOUND, &headers), &base, 0)?;
        Ok(hop.map_or("none".to_owned(), |hop| format!("{}{}", hop.origin.url(), hop.target)))
    }

    fn hosts() -> Redirects {
        Redirects::Hosts { max: 3, hosts: vec!["B.example".to_owned()] }
    }

    #[test]
    fn by_default_nothing_is_followed() {
        assert_eq!(followed(&Redirects::None {}, "/z").unwrap(), "none");
    }

    #[test]
    fn a_location_is_resolved_from_where_it_came() {
        let same = Redirects::SameOrigin { max: 1 };
        for (location, leads_to) in [
            ("/z#f", "https://a.example/z"),
            ("z?q", "https://a.example/v1/z?q"),
            ("?q", "https://a.example/v1/x?q"),
            ("//a.example:443/z", "https://a.example/z"),
        ] {
            assert_eq!(followed(&same, location).unwrap(), leads_to);
        }
    }

    #[test]
    fn another_origin_is_refused_unless_it_is_allowed() {
        let same = Redirects::SameOrigin { max: 1 };
        for location in ["http://a.example/", "https://a.example:8443/", "//b.example/", "/\\b.example/"] {
            assert!(followed(&same, location).unwrap_err().contains("another origin"), "{location}");
        }
        assert_eq!(followed(&hosts(), "https://b.example/z").unwrap(), "https://b.example/z");
        assert!(followed(&hosts(), "https://c.example/").unwrap_err().contains("not among"));
        assert!(followed(&hosts(), "http://b.example/").unwrap_err().contains("from https to http"));
        assert!(followed(&hosts(), "https://u:p@b.example/").unwrap_err().contains("names a user"));
        for location in ["file:///etc/passwd", "javascript:1", "ftp://b.example/"] {
            assert!(followed(&hosts(), location).unwrap_err().contains("http or https"), "{location}");
        }
        assert!(followed(&hosts(), "http://").unwrap_err().contains("no URL"));
    }

    #[test]
    fn a_post_becomes_a_get_where_the_status_says_so() {
        let becomes = |status: u16, method| carried_on(StatusCode::from_u16(status).unwrap(), &method);
        for status in [301, 302, 303] {
            assert_eq!(becomes(status, Method::POST), (Method::GET, false));
        }
        assert_eq!(becomes(303, Method::PUT), (Method::GET, false));
        assert_eq!(becomes(303, Method::HEAD), (Method::HEAD, true));
        assert_eq!(becomes(302, Method::PUT), (Method::PUT, true));
        assert_eq!(becomes(307, Method::POST), (Method::POST, true));
        assert_eq!(becomes(308, Method::POST), (Method::POST, true));
    }

    #[test]
    fn a_chain_has_an_end() {
        let base = origin("https://a.example");
        let target = "/".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, "/".parse().unwrap());
        let policy = Policy::new(&Redirects::SameOrigin { max: 2 });
        let next = |followed| {
            policy.next((&base, &target, &Method::GET), (StatusCode::FOUND, &headers), &base, followed)
        };
        assert!(next(1).unwrap().is_some());
        assert_eq!(next(2).unwrap_err(), "it is number 3, and 2 are allowed");
    }
}
