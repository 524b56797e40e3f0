//! Login by bearer token (RFC 6750). Everything needs it but what is listed here.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
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
