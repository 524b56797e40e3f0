//! Writing `wsse:Security` (WS-Security 1.0; UsernameToken Profile 1.0, section 3.1).

use std::fmt::{self, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    escape::{Forbidden, Place, escape},
    namespace::{SECURITY, SECURITY_UTILITY},
    username_token::digest,
};

const PROFILE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#Password";
const BASE64: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// Who calls. Time and nonce are the caller's: nothing here is random.
#[derive(Clone, Copy)]
pub struct UsernameToken<'a> {
    pub username: &'a str,
    pub password: &'a str,
    /// The password does not go out, but a digest of it, `nonce` and `created`.
    pub digest: bool,
    /// New for each message; empty for none, which no digest may have.
    pub nonce: &'a [u8],
    /// Now, as an `xs:dateTime` in UTC.
    pub created: &'a str,
    /// Until when the message holds: some services want a `wsu:Timestamp`.
    pub expires: Option<&'a str>,
}

impl fmt::Debug for UsernameToken<'_> {
    /// Without the password, which shall not get to a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsernameToken").field("username", &self.username).finish_non_exhaustive()
    }
}

impl UsernameToken<'_> {
    /// The header block. It has to be understood: a service that passed over it would take anybody's call for ours.
    /// The prefix `soap` is taken to be declared around it.
    pub(super) fn push(&self, out: &mut String) -> Result<(), Forbidden> {
        let _ = write!(
            out,
            "<wsse:Security xmlns:wsse=\"{SECURITY}\" xmlns:wsu=\"{SECURITY_UTILITY}\" soap:mustUnderstand=\"1\">"
        );
        let created = |out: &mut String| {
            out.push_str("<wsu:Created>");
            escape(out, self.created, Place::Content)?;
            out.push_str("</wsu:Created>");
            Ok(())
        };
        if let Some(expires) = self.expires {
            out.push_str("<wsu:Timestamp>");
            created(out)?;
            out.push_str("<wsu:Expires>");
            escape(out, expires, Place::Content)?;
            out.push_str("</wsu:Expires></wsu:Timestamp>");
        }
        out.push_str("<wsse:UsernameToken><wsse:Username>");
        escape(out, self.username, Place::Content)?;
        let kind = if self.digest { "Digest" } else { "Text" };
        let _ = write!(out, "</wsse:Username><wsse:Password Type=\"{PROFILE}{kind}\">");
        match self.digest {
            true => out.push_str(&digest(self.nonce, self.created, self.password)),
            false => escape(out, self.password, Place::Content)?,
        }
        out.push_str("</wsse:Password>");
        if !self.nonce.is_empty() {
            let nonce = STANDARD.encode(self.nonce);
            let _ = write!(out, "<wsse:Nonce EncodingType=\"{BASE64}\">{nonce}</wsse:Nonce>");
        }
        if !self.created.is_empty() {
            created(out)?;
        }
        out.push_str("</wsse:UsernameToken></wsse:Security>");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::{Timestamp, security::PasswordType};

    use super::UsernameToken;
    use crate::{envelope, message, username_token::verify, version::Version};

    #[test]
    fn a_channel_lets_such_a_token_in() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (digest, accepts) in [(true, PasswordType::Digest), (false, PasswordType::Text)] {
            let token = UsernameToken {
                username: "a<da",
                password: "p&w",
                digest,
                nonce: b"0123456789abcdef",
                created: "2026-11-30T12:00:00Z",
                expires: Some("2026-11-30T12:05:00Z"),
            };
            let mut blocks = String::new();
            token.push(&mut blocks).unwrap();
            let mut text = envelope::open_with(Version::V12, &blocks);
            text.push_str("<a/>");
            envelope::close(&mut text);
            let headers = message::open(&text).unwrap().headers;
            assert!(headers.security_must_understand);
            let security = headers.security.unwrap();
            let read = security.username_token.unwrap();
            assert!(verify(&read, "a<da", "p&w", accepts, now).unwrap().is_some());
            assert!(verify(&read, "a<da", "wrong", accepts, now).is_err());
            assert_eq!(security.timestamp.unwrap().expires.as_deref(), Some("2026-11-30T12:05:00Z"));
            assert!(!format!("{token:?}").contains("p&w"));
        }
    }
}
