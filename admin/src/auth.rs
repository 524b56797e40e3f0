//! Login by bearer token (RFC 6750). Everything needs it but what is listed here.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use busbar_model::digest::hex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    app::App,
    body, health, metrics, openapi,
    problem::{Kind, Problem},
};

const OPEN: [&str; 5] = [health::LIVE, health::READY, health::PING, metrics::PATH, openapi::PATH];

/// The token as its hash: comparing tells neither length nor beginning.
pub(crate) struct Token([u8; 32]);

impl Token {
    pub(crate) fn new(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Digits that tell texts apart, and from which nobody without the token finds out anything: what was
    /// hashed may hold a password.
    pub(crate) fn keyed_hash(&self, parts: &[&[u8]]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.0);
        for part in parts {
            // So that no byte can change sides.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }

    fn is_in(&self, headers: &HeaderMap) -> bool {
        let Some(given) = bearer(headers) else { return false };
        let given: [u8; 32] = Sha256::digest(given).into();
        given.ct_eq(&self.0).into()
    }
}

pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if OPEN.contains(&request.uri().path()) || app.token.is_in(request.headers()) {
        return next.run(request).await;
    }
    let (parts, rest) = request.into_parts();
    body::discard(&parts.headers, rest).await;
    Problem::new(Kind::Unauthenticated, "the admin token is missing or wrong")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"busbar-admin\""))
        .into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let at = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, token) = value.split_at(at);
    scheme.eq_ignore_ascii_case(b"bearer").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::Token;

    #[test]
    fn a_keyed_hash_depends_on_the_token_and_on_each_part() {
        let hash = |token, parts: &[&[u8]]| Token::new(token).keyed_hash(parts);
        let one = hash("hush", &[b"ab", b"c"]);
        assert_eq!((one.len(), &one), (64, &hash("hush", &[b"ab", b"c"])));
        for other in [hash("mum", &[b"ab", b"c"]), hash("hush", &[b"a", b"bc"]), hash("hush", &[b"ab"])] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn only_the_whole_token_lets_in() {
        let token = Token::new("hush");
        let given = |value| {
            token.is_in(&HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]))
        };
        assert!(given("Bearer hush") && given("bearer hush"));
        for bad in ["", "Bearer", "Bearer ", "Bearer hus", "Bearer hush2", "Basic hush", "hush"] {
            assert!(!given(bad), "{bad:?}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
    }
}
