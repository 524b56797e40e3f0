//! Writes JSON straight into a buffer: this service measures the bus, so it must cost little itself.

use serde_json::value::RawValue;

pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// `{"name":"value"}` of names that are unique.
pub(crate) fn object(out: &mut Vec<u8>, pairs: &[(String, String)]) {
    out.push(b'{');
    for (at, (name, value)) in pairs.iter().enumerate() {
        separate(out, at);
        text(out, name);
        out.push(b':');
        text(out, value);
    }
    out.push(b'}');
}

/// `{"name":["value",…]}`: names in the order of their first values. The lists are short, so they are
/// searched and not hashed.
pub(crate) fn object_of_lists(out: &mut Vec<u8>, pairs: &[(String, String)]) {
    out.push(b'{');
    let mut written = 0;
    for (at, (name, value)) in pairs.iter().enumerate() {
        if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        separate(out, written);
        written += 1;
        text(out, name);
        out.extend_from_slice(b":[");
        text(out, value);
        for (_, value) in pairs[at + 1..].iter().filter(|(later, _)| later == name) {
            out.push(b',');
            text(out, value);
        }
        out.push(b']');
    }
    out.push(b'}');
}

/// The body as the JSON that it is, or as text, or as null. JSON is passed on as it is written, so that no
/// number loses digits.
pub(crate) fn body(out: &mut Vec<u8>, content_type: Option<&str>, body: &[u8]) {
    if body.is_empty() {
        out.extend_from_slice(b"null");
    } else if let Some(json) = content_type.filter(|kind| is_json(kind)).and_then(|_| parse(body)) {
        out.extend_from_slice(json.get().as_bytes());
    } else if let Ok(body) = str::from_utf8(body) {
        text(out, body);
    } else {
        out.extend_from_slice(b"null");
    }
}

fn parse(body: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(body).ok()
}

/// `application/json` or `…+json`, with or without parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().as_bytes();
    let suffix = essence.len().saturating_sub(b"+json".len());
    essence.eq_ignore_ascii_case(b"application/json") || essence[suffix..].eq_ignore_ascii_case(b"+json")
}

fn separate(out: &mut Vec<u8>, written: usize) {
    if written > 0 {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echoed(content_type: Option<&str>, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        body(&mut out, content_type, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_body_is_json_text_or_null() {
        assert_eq!(echoed(None, b""), "null");
        assert_eq!(echoed(Some("application/json"), b"[1, 2]"), "[1, 2]");
        assert_eq!(
            echoed(Some("Application/Problem+JSON; a=b"), b"12345678901234567890"),
            "12345678901234567890"
        );
        assert_eq!(echoed(Some("application/json"), b"{oops"), r#""{oops""#);
        assert_eq!(echoed(Some("application/json"), b"1 2"), r#""1 2""#);
        assert_eq!(echoed(Some("text/plain"), b"[1]\n"), r#""[1]\u000a""#);
        assert_eq!(echoed(None, b"plain"), r#""plain""#);
        assert_eq!(echoed(Some("image/png"), b"\x89PNG\xff"), "null");
        assert_eq!(echoed(Some("application/json"), b"\"\xff\""), "null");
    }

    #[test]
    fn text_is_escaped() {
        let mut out = Vec::new();
        text(&mut out, "a\"b\\c\u{1}ü");
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"b\\\\c\\u0001ü\"");
    }
}
