//! The header `Idempotency-Key`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use busbar_model::bounds::IDEMPOTENCY_KEY_CHARS_MAX;

use crate::problem::{Kind, Problem};

pub(crate) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The request's key. Methods that change nothing need none.
pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (Some(_), _) if !changes => Ok(None),
        (None, _) => Ok(None),
        (Some(one), None) => parse(one).map(Some),
        (Some(_), Some(_)) => Err(invalid("is given more than once")),
    }
}

/// A structured field's string (RFC 9651, section 3.3.3), or the bare text that most clients send.
fn parse(value: &HeaderValue) -> Result<String, Problem> {
    let text = value.to_str().map_err(|_| invalid("has characters that are not printable ASCII"))?.trim();
    let key = match text.strip_prefix('"') {
        Some(quoted) => {
            unquoted(quoted).ok_or_else(|| invalid("begins with a quote, but is no quoted text"))?
        }
        None => text.to_owned(),
    };
    if !key.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(invalid("has characters that are not printable ASCII"));
    }
    match key.len() {
        1..=IDEMPOTENCY_KEY_CHARS_MAX => Ok(key),
        characters => {
            let most = IDEMPOTENCY_KEY_CHARS_MAX;
            Err(invalid(&format!("has {characters} characters; allowed is 1 to {most}")))
        }
    }
}

/// The text before the closing quote, which must be the end.
fn unquoted(quoted: &str) -> Option<String> {
    let mut key = String::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return rest.next().is_none().then_some(key),
            '\\' => key.push(rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            other => key.push(other),
        }
    }
}

fn invalid(why: &str) -> Problem {
    let errors = format!("Idempotency-Key {why}");
    Problem::new(Kind::InvalidInput, errors.clone())
        .with_code("idempotency-key-invalid")
        .with_error("", errors)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Method};

    use super::{HEADER, of};

    fn key(method: Method, values: &[&str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        of(&method, &headers).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn takes_bare_and_quoted_keys() {
        let long = "x".repeat(255);
        for (given, expected) in [
            ("abc-1", "abc-1"),
            ("\"abc-1\"", "abc-1"),
            (" a b ", "a b"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            (r"a\b", r"a\b"),
            (&long, &long),
        ] {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(key(method, &[given]).unwrap().as_deref(), Some(expected));
            }
        }
        assert_eq!(key(Method::POST, &[]).unwrap(), None);
        assert_eq!(key(Method::GET, &["é", "x"]).unwrap(), None);
    }

    #[test]
    fn refuses_what_is_no_key() {
        let long = "x".repeat(256);
        for bad in [&[""][..], &["\"\""], &["\""], &["\"a"], &["\"a\"b"], &[r#""a\b""#], &["é"], &["a\tb"]] {
            assert!(key(Method::POST, bad).unwrap_err().contains("idempotency-key-invalid"), "{bad:?}");
        }
        assert!(key(Method::POST, &[&long]).unwrap_err().contains("256 characters"));
        assert!(key(Method::POST, &["a", "a"]).unwrap_err().contains("more than once"));
    }
}
