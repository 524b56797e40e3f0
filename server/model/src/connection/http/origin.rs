//! Whom a connection talks to: scheme, host and port (RFC 6454), and the path that all calls begin with.

use std::{net::IpAddr, sync::Arc};

use http::HeaderValue;
use url::{Host, Url};

use crate::connection::Invalid;

/// Equal if scheme, host and port are.
#[derive(Debug)]
pub struct Origin {
    pub is_tls: bool,
    /// As a certificate names it: no brackets around an address.
    pub host: String,
    /// If the host is one, there is nothing to resolve.
    pub address: Option<IpAddr>,
    pub port: u16,
    /// For the header `Host`.
    pub authority: HeaderValue,
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        (self.is_tls, self.port, &self.host) == (other.is_tls, other.port, &other.host)
    }
}

impl Origin {
    /// `None` if it is not one of HTTP.
    pub fn of(url: &Url) -> Option<Self> {
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let (host, address) = match url.host()? {
            Host::Domain(name) => (name.to_owned(), None),
            Host::Ipv4(address) => (address.to_string(), Some(IpAddr::V4(address))),
            Host::Ipv6(address) => (address.to_string(), Some(IpAddr::V6(address))),
        };
        let authority = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str()?),
            None => url.host_str()?.to_owned(),
        };
        let port = url.port_or_known_default().filter(|port| *port != 0)?;
        Some(Self { is_tls, host, address, port, authority: HeaderValue::try_from(authority).ok()? })
    }

    /// Of a URL as text, whatever stands behind its host and port.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(&Url::parse(text).ok()?)
    }

    /// Without a path.
    pub fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority.to_str().unwrap_or_default())
    }
}

/// Where calls go.
#[derive(Clone, Debug)]
pub struct Base {
    pub origin: Arc<Origin>,
    /// Empty, or begins with a slash; no slash at its end.
    pub path: String,
}

const ALLOWED: &str = "http:// or https:// with a host, and a port and a path if need be, is needed, without user, query or fragment";

impl Base {
    pub fn parse(member: &str, text: &str) -> Result<Self, Invalid> {
        let parsed = Url::parse(text).ok().filter(|url| {
            let has_user = !url.username().is_empty() || url.password().is_some();
            !has_user && url.query().is_none() && url.fragment().is_none()
        });
        let base = parsed.and_then(|url| {
            let path = url.path().trim_end_matches('/').to_owned();
            Some(Self { origin: Arc::new(Origin::of(&url)?), path })
        });
        // A password that stands where none is allowed is not repeated.
        let shown = if text.contains('@') { "one with a user".to_owned() } else { format!("{text:?}") };
        base.ok_or_else(|| Invalid::new(member, shown, ALLOWED))
    }
}

/// A host alone, written as URLs write it when they are compared.
pub fn parse_host(text: &str) -> Option<String> {
    let bracketed =
        if text.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{text}]") } else { text.to_owned() };
    let is_host = !text.is_empty() && !text.contains(['/', '@', '?', '#', '\\', '%']);
    let has_port = !bracketed.ends_with(']') && bracketed.contains(':');
    let url = Url::parse(&format!("http://{bracketed}/")).ok().filter(|_| is_host && !has_port)?;
    Some(Origin::of(&url)?.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::of(&Url::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn origins_are_compared_as_they_are_meant() {
        assert_eq!(origin("https://A.example:443/x"), origin("https://a.example/y"));
        assert_ne!(origin("https://a.example/"), origin("http://a.example/"));
        assert_ne!(origin("https://a.example:8443/"), origin("https://a.example/"));
        assert_ne!(origin("https://a.example/"), origin("https://b.example/"));
    }

    #[test]
    fn an_address_is_known_in_each_way_of_writing_it() {
        for text in ["http://127.0.0.1", "http://2130706433", "http://0x7f.1", "http://0177.0.0.1"] {
            assert_eq!(origin(text).address, Some([127, 0, 0, 1].into()), "{text}");
        }
        let six = origin("http://[::1]:8080/");
        assert_eq!((six.host.as_str(), six.authority.to_str().unwrap()), ("::1", "[::1]:8080"));
    }

    #[test]
    fn a_base_is_taken_apart() {
        let base = Base::parse("base_url", "https://api.example.com:8443/v1/").unwrap();
        assert_eq!((base.origin.port, base.path.as_str()), (8443, "/v1"));
        assert_eq!(base.origin.authority, "api.example.com:8443");
        assert_eq!(Base::parse("base_url", "http://a").unwrap().path, "");
    }

    #[test]
    fn what_is_no_base_is_refused_without_its_password() {
        for text in ["", "a", "ftp://a", "http://", "http://a?x=1", "http://a#x", "http://a:0", "//a"] {
            let refused = Base::parse("base_url", text).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("base_url is {text:?}: http://")), "{refused}");
        }
        let refused = Base::parse("base_url", "http://ada:hunter2@a").unwrap_err().to_string();
        assert!(!refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn a_host_stands_alone() {
        assert_eq!(parse_host("API.example.com").as_deref(), Some("api.example.com"));
        assert_eq!(parse_host("::1").as_deref(), Some("::1"));
        assert_eq!(parse_host("10.0.0.1").as_deref(), Some("10.0.0.1"));
        for text in ["", "a:80", "a/", "u@a", "a?b", "a b"] {
            assert_eq!(parse_host(text), None, "{text}");
        }
    }
}
