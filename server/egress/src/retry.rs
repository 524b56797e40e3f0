//! Whether a call is tried again, and after what pause.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode, header};

use crate::{CallError, ErrorKind, Retries, backoff};

#[derive(Debug)]
pub(crate) struct Policy {
    max: u32,
    pause: Duration,
    pause_max: Duration,
    statuses: Vec<u16>,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome<'a> {
    Reply(StatusCode, &'a HeaderMap),
    Error(&'a CallError),
}

impl Policy {
    pub(crate) fn new(retries: &Retries) -> Self {
        Self {
            max: retries.max,
            pause: Duration::from_millis(retries.pause_ms),
            pause_max: Duration::from_millis(retries.pause_max_ms),
            statuses: retries.statuses.clone(),
        }
    }

    /// The pause before the next attempt, or `None`: this is what the caller gets. `retried` attempts after the first
    /// one were made; `left` is the time that the call has. That the request can be sent again is the caller's to
    /// know.
    pub(crate) fn pause(
        &self,
        method: &Method,
        outcome: Outcome<'_>,
        retried: u32,
        left: Duration,
        now: SystemTime,
        random: u32,
    ) -> Option<Duration> {
        if retried >= self.max {
            return None;
        }
        let mut pause = backoff::pause(retried + 1, self.pause, self.pause_max, random);
        match outcome {
            Outcome::Reply(status, headers) => {
                if !is_idempotent(method) || !self.statuses.contains(&status.as_u16()) {
                    return None;
                }
                pause = pause.max(retry_after(headers, now).unwrap_or_default());
            }
            // Of what certainly did not get there nothing can be done twice.
            Outcome::Error(error) => {
                if !is_passing(&error.kind) || (error.maybe_processed && !is_idempotent(method)) {
                    return None;
                }
            }
        }
        (pause < left).then_some(pause)
    }
}

/// Doing it twice is doing it once (RFC 9110, section 9.2.2).
pub(crate) fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE
    )
}

/// May be otherwise in a moment.
fn is_passing(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Connect { .. }
            | ErrorKind::Tls { .. }
            | ErrorKind::Timeout { .. }
            | ErrorKind::Body { .. }
    )
}

/// What a `Retry-After` says: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::Which;

    const LEFT: Duration = Duration::from_secs(60);

    fn pause(method: &Method, outcome: Outcome<'_>, retried: u32) -> Option<u128> {
        let policy = Policy::new(&Retries::default());
        let pause = policy.pause(method, outcome, retried, LEFT, UNIX_EPOCH, u32::MAX);
        pause.map(|pause| pause.as_millis())
    }

    fn replied(method: &Method, status: u16, headers: &HeaderMap) -> Option<u128> {
        pause(method, Outcome::Reply(StatusCode::from_u16(status).unwrap(), headers), 0)
    }

    fn timeout() -> ErrorKind {
        ErrorKind::Timeout { which: Which::FirstByte, bound: LEFT }
    }

    #[test]
    fn only_what_may_be_done_twice_is_tried_again() {
        let none = HeaderMap::new();
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            assert_eq!(replied(&method, 503, &none), Some(100), "{method}");
            assert_eq!(pause(&method, Outcome::Error(&timeout().sent()), 0), Some(100), "{method}");
        }
        for method in [Method::POST, Method::PATCH] {
            assert_eq!(replied(&method, 503, &none), None, "{method}");
            assert_eq!(pause(&method, Outcome::Error(&timeout().sent()), 0), None, "{method}");
            assert_eq!(pause(&method, Outcome::Error(&timeout().unsent()), 0), Some(100), "{method}");
        }
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        let none = HeaderMap::new();
        for status in [200, 301, 400, 404, 500, 501] {
            assert_eq!(replied(&Method::GET, status, &none), None, "{status}");
        }
        let redirect = ErrorKind::Redirect { text: String::new() };
        assert_eq!(pause(&Method::GET, Outcome::Error(&redirect.sent()), 0), None);
    }

    #[test]
    fn attempts_have_an_end() {
        let error = timeout().sent();
        assert_eq!(pause(&Method::GET, Outcome::Error(&error), 1), Some(200));
        assert_eq!(pause(&Method::GET, Outcome::Error(&error), 2), None);
    }

    #[test]
    fn what_the_other_side_asks_for_is_waited_for_if_there_is_the_time() {
        let asks = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            replied(&Method::GET, 503, &headers)
        };
        assert_eq!(asks("2"), Some(2_000));
        assert_eq!(asks("0"), Some(100));
        assert_eq!(asks("Thu, 01 Jan 1970 00:00:03 GMT"), Some(3_000));
        assert_eq!(asks("60"), None, "the call would be over by then");
        assert_eq!(asks("99999999999999999999999"), None);
        assert_eq!(asks("soon"), Some(100));
        assert_eq!(asks("-1"), Some(100));
    }
}
