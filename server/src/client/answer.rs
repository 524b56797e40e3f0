//! What comes back from the bus: an answer, or the reason why there is none.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    bounds::EXCERPT_CHARS_MAX,
    text::{excerpt, one_line},
};

const CORRELATION_ID: &str = "x-correlation-id";

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("address {url:?} (from {origin}) {reason}")]
    Address { url: String, origin: String, reason: &'static str },
    #[error("no answer from {url} (from {origin})")]
    Unreachable {
        url: String,
        origin: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("no answer from {url} within {seconds} s")]
    Late { url: String, seconds: u64 },
    #[error("the exchange with {url} broke off")]
    Broken {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{0}")]
    Refused(Box<Problem>),
    #[error("the answer of {url} is not what was expected")]
    Malformed {
        url: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("{url} answered without saying where to look further")]
    NoLocation { url: String },
    #[error("the pages of {url} go in a circle")]
    Circle { url: String },
}

impl Error {
    /// Whether the same may succeed a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Late { .. } | Self::Broken { .. } => true,
            Self::Refused(problem) => problem.status >= 500,
            _ => false,
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 404)
    }
}

/// Why the bus did not do it (RFC 9457).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub(crate) title: String,
    pub(crate) status: u16,
    pub(crate) detail: String,
    pub(crate) code: String,
    pub(crate) correlation_id: String,
    pub(crate) errors: Vec<FieldProblem>,
    /// From the header `Retry-After`.
    #[serde(skip)]
    pub(crate) retry_after_s: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FieldProblem {
    pub(crate) path: String,
    pub(crate) message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.detail.is_empty() { &self.title } else { &self.detail };
        let code = if self.code.is_empty() { String::new() } else { format!(" {}", self.code) };
        write!(f, "{text} ({}{code})", self.status)
    }
}

impl Problem {
    fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut problem = serde_json::from_slice::<Self>(body).unwrap_or_default();
        problem.status = status.as_u16();
        if problem.detail.is_empty() && problem.title.is_empty() {
            let text = excerpt(&one_line(&String::from_utf8_lossy(body)), EXCERPT_CHARS_MAX);
            let reason = status.canonical_reason().unwrap_or("it was refused");
            problem.detail = if text.is_empty() { reason.to_owned() } else { format!("{reason}: {text}") };
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if problem.correlation_id.is_empty() {
            problem.correlation_id = text(CORRELATION_ID).unwrap_or_default().to_owned();
        }
        problem.retry_after_s = text(header::RETRY_AFTER.as_str()).and_then(|value| value.parse().ok());
        problem
    }
}

/// A success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// An answer, if it is a success.
    pub(crate) fn of(
        url: String,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Self, Error> {
        if status.is_success() {
            return Ok(Self { url, headers, body });
        }
        Err(Error::Refused(Box::new(Problem::of(status, &headers, &body))))
    }

    pub(crate) fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|source| Error::Malformed { url: self.url.clone(), source })
    }

    /// Where the thing is that the answer is about.
    pub(crate) fn location(&self) -> Result<String, Error> {
        let given = self.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        given.map(str::to_owned).ok_or_else(|| Error::NoLocation { url: self.url.clone() })
    }

    /// The tag of the version that was seen.
    pub(crate) fn tag(&self) -> Option<http::HeaderValue> {
        self.headers.get(header::ETAG).cloned()
    }

    pub(crate) fn is_json(&self) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind =
            kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || kind.ends_with("+json")
    }
}

/// A value of the API as something that the commands know.
pub(crate) fn view<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    let malformed = |source| Error::Malformed { url: "the admin API".to_owned(), source };
    T::deserialize(value).map_err(malformed)
}

/// All of them.
pub(crate) fn views<T: DeserializeOwned>(values: &[Value]) -> Result<Vec<T>, Error> {
    values.iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{Answer, Error};

    fn refused(status: u16, body: &'static str) -> Error {
        let mut headers = HeaderMap::new();
        headers.insert("x-correlation-id", HeaderValue::from_static("of-the-header"));
        headers.insert("retry-after", HeaderValue::from_static("7"));
        let status = StatusCode::from_u16(status).unwrap();
        Answer::of(String::new(), status, headers, Bytes::from_static(body.as_bytes())).unwrap_err()
    }

    #[test]
    fn a_refusal_without_a_problem_is_told_too() {
        assert_eq!(refused(502, "<b>\nbad</b>").to_string(), "Bad Gateway: <b> bad</b> (502)");
        assert_eq!(refused(503, "").to_string(), "Service Unavailable (503)");
        let Error::Refused(problem) = refused(503, "[1]") else { panic!() };
        assert_eq!((problem.correlation_id.as_str(), problem.retry_after_s), ("of-the-header", Some(7)));
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        assert!(refused(503, "").is_passing());
        assert!(!refused(404, "").is_passing());
        assert!(refused(404, "").is_not_found());
    }
}
