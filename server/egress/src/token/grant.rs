//! What is said to a token endpoint and what it says (RFC 6749, sections 4.4 and 5).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use busbar_model::connection::http::origin::Base;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::Granted;
use crate::Secret;

/// One token endpoint, as one client.
pub(crate) struct Endpoint {
    pub(crate) base: Base,
    headers: HeaderMap,
    form: Bytes,
}

pub(crate) struct Client<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: &'a Secret,
    pub(crate) scope: Option<&'a str>,
    pub(crate) audience: Option<&'a str>,
    pub(crate) in_body: bool,
}

impl Endpoint {
    pub(crate) fn new(base: Base, client: &Client<'_>) -> Self {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        let optional = [("scope", client.scope), ("audience", client.audience)];
        form.extend_pairs(optional.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
        let mut headers = HeaderMap::new();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form_type);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if client.in_body {
            form.append_pair("client_id", client.id).append_pair("client_secret", client.secret.reveal());
        } else {
            // Both are form-encoded before they are put together: section 2.3.1.
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let basic = basic(&encoded(client.id), &encoded(client.secret.reveal()));
            headers.insert(header::AUTHORIZATION, basic);
        }
        Self { base, headers, form: Bytes::from(form.finish()) }
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    pub(crate) fn form(&self) -> Bytes {
        self.form.clone()
    }
}

/// A header that logs and `Debug` do not show.
pub(crate) fn basic(username: &str, password: &str) -> HeaderValue {
    let text = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
    let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

/// `None` if it does not go into a header.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let is_visible = !token.is_empty() && token.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok().filter(|_| is_visible)?;
    value.set_sensitive(true);
    Some(value)
}

#[derive(Deserialize)]
struct Success {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

/// Says what is wrong without repeating what came, but for an error's code.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Result<Granted, String> {
    if status != StatusCode::OK {
        let code = serde_json::from_slice::<Failure>(body).ok().map(|failure| failure.error);
        let is_code = |code: &String| {
            code.len() <= 64
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        let code = code.filter(is_code).map(|code| format!(", {code}")).unwrap_or_default();
        return Err(format!("the token endpoint answered {}{code}", status.as_u16()));
    }
    let success: Success =
        serde_json::from_slice(body).map_err(|_| "the token endpoint's reply holds no token".to_owned())?;
    if !success.token_type.eq_ignore_ascii_case("bearer") {
        return Err("the token endpoint's token is not of the type Bearer".to_owned());
    }
    let header =
        bearer(&success.access_token).ok_or("the token endpoint's token does not go into a header")?;
    Ok(Granted { header, lifetime: success.expires_in.as_ref().and_then(seconds) })
}

/// A number, or as some endpoints have it, one in a string.
fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    seconds.map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(in_body: bool) -> Endpoint {
        let base = Base::parse("auth.token_url", "https://id.example/token").unwrap();
        let secret = Secret::new("hunter2:&");
        let client = Client { id: "shop a", secret: &secret, scope: Some("a b"), audience: None, in_body };
        Endpoint::new(base, &client)
    }

    #[test]
    fn a_client_shows_itself_in_a_header_or_in_the_form() {
        let basic = endpoint(false);
        assert_eq!(basic.form(), "grant_type=client_credentials&scope=a+b");
        let value = &basic.headers()[header::AUTHORIZATION];
        assert!(value.is_sensitive());
        let encoded = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(STANDARD.decode(encoded).unwrap(), b"shop+a:hunter2%3A%26");
        let form = endpoint(true);
        assert!(form.form().ends_with(b"&client_id=shop+a&client_secret=hunter2%3A%26"));
        assert!(!form.headers().contains_key(header::AUTHORIZATION));
    }

    #[test]
    fn a_token_is_read() {
        for text in [
            r#"{"access_token": "t", "token_type": "Bearer", "expires_in": 60}"#,
            r#"{"access_token": "t", "token_type": "bearer", "expires_in": "60", "scope": "x"}"#,
        ] {
            let granted = read(StatusCode::OK, text.as_bytes()).ok().unwrap();
            assert_eq!(granted.header, "Bearer t");
            assert_eq!(granted.lifetime, Some(Duration::from_secs(60)));
        }
        let text = br#"{"access_token": "t", "token_type": "Bearer", "expires_in": -5}"#;
        assert_eq!(read(StatusCode::OK, text).ok().unwrap().lifetime, None);
    }

    #[test]
    fn what_is_no_token_is_told_without_repeating_it() {
        let refused = |status: u16, text: &str| {
            read(StatusCode::from_u16(status).unwrap(), text.as_bytes()).err().unwrap()
        };
        assert_eq!(
            refused(400, r#"{"error": "invalid_client"}"#),
            "the token endpoint answered 400, invalid_client"
        );
        assert_eq!(refused(400, r#"{"error": "hunter2 hunter2"}"#), "the token endpoint answered 400");
        assert_eq!(refused(503, "<html>"), "the token endpoint answered 503");
        assert!(refused(200, "hunter2").ends_with("holds no token"));
        assert!(refused(200, r#"{"access_token": "t", "token_type": "mac"}"#).ends_with("type Bearer"));
        let split = r#"{"access_token": "t\r\nX: y", "token_type": "bearer"}"#;
        assert!(refused(200, split).ends_with("into a header"));
    }
}
