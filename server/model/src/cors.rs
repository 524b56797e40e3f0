//! Which pages of other origins may call a channel, and how (Fetch standard, section 3.2: CORS protocol).

use std::net::Ipv6Addr;

use http::HeaderName;
use serde::{Deserialize, Serialize};

use crate::bounds;

/// Stands for every origin, or every header of a request.
pub const ANY: &str = "*";

/// What a channel tells browsers about pages of other origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// As browsers write them, or `*` alone.
    pub origins: Vec<String>,
    /// Headers that a page may set, in lower case, or `*` alone. Those that need no permission are not among them.
    pub headers: Vec<String>,
    /// Headers of replies that a page may read beside those that every page may.
    pub expose: Vec<String>,
    /// Whether browsers send cookies and other credentials of their own along.
    pub credentials: bool,
    /// How long a browser may remember the answer to a preflight.
    pub max_age_s: u32,
}

impl Default for Cors {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            headers: Vec::new(),
            expose: Vec::new(),
            credentials: false,
            max_age_s: bounds::CORS_MAX_AGE_S_DEFAULT,
        }
    }
}

#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Invalid {
    #[error("is not an origin: write https://HOST or https://HOST:PORT without a path, or * alone")]
    Origin,
    #[error("is not the name of a header")]
    Header,
    #[error("goes with no other: * stands for all")]
    AnyAmongOthers,
}

/// Two members that do not go together, or one that is missing or too large.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Conflict {
    #[error("is required: name at least one origin")]
    NoOrigin,
    #[error("can't be true where every origin is allowed; name the origins")]
    CredentialsForAnyone,
    #[error("has more than {most} items", most = bounds::CORS_ITEMS_MAX)]
    TooMany { member: &'static str },
    #[error("is more than {most}", most = bounds::CORS_MAX_AGE_S_CEILING)]
    TooLong,
}

impl Conflict {
    /// The member that is to be changed.
    pub fn member(self) -> &'static str {
        match self {
            Self::NoOrigin => "origins",
            Self::CredentialsForAnyone => "credentials",
            Self::TooMany { member } => member,
            Self::TooLong => "max_age_s",
        }
    }
}

impl Cors {
    pub fn check(&self) -> Result<(), Conflict> {
        if self.origins.is_empty() {
            return Err(Conflict::NoOrigin);
        }
        if self.credentials && is_any(&self.origins) {
            return Err(Conflict::CredentialsForAnyone);
        }
        let lists = [("origins", &self.origins), ("headers", &self.headers), ("expose", &self.expose)];
        if let Some((member, _)) = lists.into_iter().find(|(_, list)| list.len() > bounds::CORS_ITEMS_MAX) {
            return Err(Conflict::TooMany { member });
        }
        if self.max_age_s > bounds::CORS_MAX_AGE_S_CEILING {
            return Err(Conflict::TooLong);
        }
        Ok(())
    }
}

/// Whether a list stands for all.
pub fn is_any(list: &[String]) -> bool {
    list.iter().any(|item| item == ANY)
}

/// Origins as browsers write them (RFC 6454, section 6.2), or the index of the first bad one.
pub fn origins(given: &[String]) -> Result<Vec<String>, (usize, Invalid)> {
    each(given, |text| if text == ANY { Some(ANY.to_owned()) } else { origin(text) }, Invalid::Origin)
}

/// Names of headers in lower case; `*` for all.
pub fn headers(given: &[String]) -> Result<Vec<String>, (usize, Invalid)> {
    each(given, header, Invalid::Header)
}

/// Names of headers in lower case. There is no `*`: where credentials are sent browsers take it for a name.
pub fn exposed(given: &[String]) -> Result<Vec<String>, (usize, Invalid)> {
    each(given, |text| header(text).filter(|name| name != ANY), Invalid::Header)
}

/// In the order given, without doubles.
fn each(
    given: &[String],
    parse: impl Fn(&str) -> Option<String>,
    otherwise: Invalid,
) -> Result<Vec<String>, (usize, Invalid)> {
    let mut parsed = Vec::with_capacity(given.len());
    for (at, text) in given.iter().enumerate() {
        let item = parse(text).ok_or((at, otherwise))?;
        if !parsed.contains(&item) {
            parsed.push(item);
        }
    }
    match parsed.iter().position(|item| item == ANY) {
        Some(at) if parsed.len() > 1 => Err((at, Invalid::AnyAmongOthers)),
        _ => Ok(parsed),
    }
}

fn header(text: &str) -> Option<String> {
    let short = text.len() <= bounds::NAME_CHARS_MAX;
    HeaderName::from_bytes(text.as_bytes()).ok().filter(|_| short).map(|name| name.as_str().to_owned())
}

/// In lower case, without the port that the scheme implies.
fn origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://").filter(|_| text.len() <= bounds::ORIGIN_BYTES_MAX)?;
    let of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(of_scheme) {
        return None;
    }
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(end);
    if !is_host(host) {
        return None;
    }
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse::<u16>().ok()?),
        None if port.is_empty() => None,
        _ => return None,
    };
    let implied = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    Some(match port.filter(|port| Some(*port) != implied) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let of_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            !host.is_empty() && host.bytes().all(of_host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Conflict, Cors, Invalid, exposed, headers, origins};

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        let given =
            ["https://App.Example", "http://a.example:80", "https://a.example:443", "http://[::1]:3000"];
        let expected = ["https://app.example", "http://a.example", "https://a.example", "http://[::1]:3000"];
        assert_eq!(origins(&texts(&given)).unwrap(), expected);
        assert_eq!(origins(&texts(&["http://a.example:8080", "HTTP://A.example:8080"])).unwrap().len(), 1);
        assert_eq!(origins(&texts(&["*"])).unwrap(), ["*"]);
        assert_eq!(origins(&texts(&["capacitor://localhost"])).unwrap(), ["capacitor://localhost"]);
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for bad in [
            "",
            "null",
            "a.example",
            "https://",
            "https://a.example/",
            "https://a.example/x",
            "https://u@a.example",
            "https://a.example:",
            "https://a.example:x",
            "https://a.example:70000",
            "https://*.example",
            "//a.example",
            "https://a b",
            "https://ü.example",
            "https://[::1",
            "https://a.example?q",
            "1http://a",
            "https://a:+1",
        ] {
            assert_eq!(origins(&texts(&["https://good.example", bad])), Err((1, Invalid::Origin)), "{bad}");
        }
        assert_eq!(origins(&texts(&["https://a.example", "*"])), Err((1, Invalid::AnyAmongOthers)));
        assert_eq!(origins(&[format!("https://{}", "a".repeat(300))]), Err((0, Invalid::Origin)));
    }

    #[test]
    fn headers_are_names() {
        assert_eq!(headers(&texts(&["Content-Type", "x-own", "X-Own"])).unwrap(), ["content-type", "x-own"]);
        assert_eq!(headers(&texts(&["*"])).unwrap(), ["*"]);
        assert_eq!(headers(&texts(&["a b"])), Err((0, Invalid::Header)));
        assert_eq!(exposed(&texts(&["*"])), Err((0, Invalid::Header)));
    }

    #[test]
    fn credentials_are_for_named_origins_only() {
        let cors = Cors { origins: texts(&["*"]), ..Cors::default() };
        assert_eq!(cors.check(), Ok(()));
        let many = Cors { expose: vec!["x".to_owned(); 65], ..cors.clone() };
        assert_eq!(many.check(), Err(Conflict::TooMany { member: "expose" }));
        assert_eq!(Cors { max_age_s: 86_401, ..cors.clone() }.check(), Err(Conflict::TooLong));
        assert_eq!(Cors { credentials: true, ..cors }.check(), Err(Conflict::CredentialsForAnyone));
        assert_eq!(Cors::default().check(), Err(Conflict::NoOrigin));
    }
}
