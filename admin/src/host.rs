//! In development mode, who means another machine by `Host` is refused: a page in a browser could
//! otherwise reach this API by a name that is made to resolve to loopback (DNS rebinding).

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    app::App,
    body,
    problem::{Kind, Problem},
};

pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !app.development || means_loopback(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let (parts, rest) = request.into_parts();
    body::discard(&parts.headers, rest).await;
    Problem::new(Kind::Misdirected, "Host must be localhost, 127.0.0.1 or [::1]").into_response()
}

/// A target in absolute form beats the header (RFC 9112, section 3.2.2); none or several are refused.
fn means_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    if let Some(authority) = uri.authority() {
        return is_loopback(authority.as_str());
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(one), None) => one.to_str().is_ok_and(is_loopback),
        _ => false,
    }
}

fn is_loopback(authority: &str) -> bool {
    let split = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    let (host, port) = split.unwrap_or((authority, ""));
    let known = ["localhost", "127.0.0.1", "[::1]"].iter().any(|known| host.eq_ignore_ascii_case(known));
    known && port.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_has_three_names_and_any_port() {
        for good in ["localhost", "LOCALHOST:8183", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8183"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "localhost.example.org",
            "a@localhost",
            "127.0.0.2",
            "::1",
            "localhost:x",
            "[::1",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
