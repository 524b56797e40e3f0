//! Which headers go on to the next side, and which end here (RFC 9110, section 7.6.1).

use busbar_model::connection::http::headers::{HOP_BY_HOP, MADE_HERE};
use http::{HeaderMap, HeaderName, HeaderValue, header};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

pub(crate) fn clean_request(headers: &mut HeaderMap) {
    clean_hop(headers);
    for name in &MADE_HERE {
        headers.remove(name);
    }
}

pub(crate) fn clean_reply(headers: &mut HeaderMap) {
    clean_hop(headers);
}

fn clean_hop(headers: &mut HeaderMap) {
    if headers.is_empty() {
        return;
    }
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// What no origin but the one it was meant for may see.
pub(crate) fn strip_credentials(headers: &mut HeaderMap) {
    for name in [header::AUTHORIZATION, header::COOKIE] {
        headers.remove(name);
    }
}

/// W3C Trace Context: the call's place in a trace, for the header of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    parent: HeaderValue,
    state: Option<HeaderValue>,
}

impl Trace {
    /// `None` if the parent is not `00-` with 32, 16 and 2 hexadecimal digits, or names nothing (section 3.2 of the
    /// recommendation). A state of more than 512 bytes is left out.
    pub fn new(parent: &str, state: Option<&str>) -> Option<Self> {
        let parts: Vec<&str> = parent.split('-').collect();
        let [version, trace, span, flags] = parts.as_slice() else { return None };
        let is_hex = |text: &str, length| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let names_something = |text: &str| text.bytes().any(|byte| byte != b'0');
        let is_right = *version == "00" && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
        if !is_right || !names_something(trace) || !names_something(span) {
            return None;
        }
        let state = state.filter(|state| !state.is_empty() && state.len() <= 512);
        Some(Self {
            parent: HeaderValue::from_str(parent).ok()?,
            state: state.and_then(|state| HeaderValue::from_str(state).ok()),
        })
    }

    /// In place of what the caller put there.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(TRACEPARENT, self.parent);
        headers.remove(TRACESTATE);
        if let Some(state) = self.state {
            headers.insert(TRACESTATE, state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn what_belongs_to_one_connection_goes_no_further() {
        let mut request = headers(&[
            ("connection", "keep-alive, x-secret"),
            ("connection", "X-Other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("host", "elsewhere"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
            ("expect", "100-continue"),
            ("proxy-authorization", "Basic x"),
            ("accept", "*/*"),
        ]);
        clean_request(&mut request);
        assert_eq!(request, headers(&[("accept", "*/*")]));
        let mut reply = headers(&[("connection", "close"), ("keep-alive", "5"), ("content-length", "5")]);
        clean_reply(&mut reply);
        assert_eq!(reply, headers(&[("content-length", "5")]));
    }

    #[test]
    fn a_trace_is_one_or_is_refused() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::new(parent, Some("a=b")).unwrap();
        let mut found = headers(&[("traceparent", "old"), ("tracestate", "old")]);
        trace.write(&mut found);
        assert_eq!(found["traceparent"], parent);
        assert_eq!(found["tracestate"], "a=b");
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
        ] {
            assert_eq!(Trace::new(wrong, None), None, "{wrong}");
        }
    }
}
