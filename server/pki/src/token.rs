//! The token by which a machine joins: where the admin is, by which authority to know it, and a secret that is good
//! once.
//!
//! `busbar-join.1.BODY.CHECK`: BODY is JSON in base64url (RFC 4648 section 5, no padding), CHECK the first 6 bytes of
//! the SHA-256 of all before it, in base64url, so that a paste which was cut off is told from a token that is wrong.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Uri;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    Error, Fingerprint,
    fingerprint::{hex, sha256, unhex},
};

const PREFIX: &str = "busbar-join";
const VERSION: &str = "1";
const CHECK_BYTES: usize = 6;
/// Of the whole text; one with three URLs has some 500 bytes.
const TEXT_BYTES_MAX: usize = 8 * 1024;
const URLS_MAX: usize = 8;
const PINS_MAX: usize = 2;
const ID_BYTES_MAX: usize = 64;

/// What is wrong with a token that somebody pasted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("read the join token: it does not begin with busbar-join.")]
    Other,
    #[error("read the join token: it is of version {0:?}, and this Busbar knows version 1")]
    Version(String),
    #[error("read the join token: it is cut off or damaged; copy all of it, up to the last character")]
    Damaged,
    #[error("read the join token: {0}")]
    Content(String),
}

/// What a token says. `Debug` hides the secret.
#[derive(Clone, Debug)]
pub struct JoinToken {
    /// Of admins, any of which will do: `https://HOST` or `https://HOST:PORT`. One to eight.
    pub urls: Vec<String>,
    /// Of the authority, during a roll of both. One or two.
    pub pins: Vec<Fingerprint>,
    /// By which the cluster finds the digest of the secret: `[A-Za-z0-9-]{1,64}`.
    pub id: String,
    pub secret: Secret,
}

/// 256 random bits. Given to who is to join and nobody else; `Debug` shows nothing of them.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

/// What the cluster keeps of a secret: its SHA-256. The secret has 256 bits, so nobody guesses it from that.
#[derive(Clone, Copy, Debug)]
pub struct SecretDigest([u8; 32]);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    urls: Vec<String>,
    ca: Vec<String>,
    id: String,
    secret: String,
}

impl JoinToken {
    /// With a new secret. `pins` are the fingerprints of whom the cluster trusts now, as
    /// [`Trust::fingerprints`](crate::Trust::fingerprints) has them.
    pub fn new(
        urls: Vec<String>,
        pins: impl IntoIterator<Item = Fingerprint>,
        id: &str,
    ) -> Result<Self, TokenError> {
        let secret = Secret::generate().map_err(|error| TokenError::Content(error.to_string()))?;
        let token = Self { urls, pins: pins.into_iter().collect(), id: id.to_owned(), secret };
        token.check()?;
        Ok(token)
    }

    /// To be shown once, to who made it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let ca = self.pins.iter().map(Fingerprint::to_string).collect();
        let secret = URL_SAFE_NO_PAD.encode(self.secret.0.as_slice());
        let body = Body { urls: self.urls.clone(), ca, id: self.id.clone(), secret };
        // Strings and arrays of them are always JSON.
        let json = Zeroizing::new(serde_json::to_vec(&body).unwrap_or_default());
        drop(Zeroizing::new(body.secret));
        let body = Zeroizing::new(URL_SAFE_NO_PAD.encode(&json));
        let text = Zeroizing::new(format!("{PREFIX}.{VERSION}.{}", *body));
        Zeroizing::new(format!("{}.{}", *text, check_of(&text)))
    }

    /// White space is left out, wherever it stands: a terminal may have broken the line.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|character| !character.is_whitespace()).collect());
        let rest = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('.'));
        let rest = rest.ok_or(TokenError::Other)?;
        if rest.len() > TEXT_BYTES_MAX {
            return Err(TokenError::Content(format!("it is longer than {TEXT_BYTES_MAX} bytes")));
        }
        let (version, rest) = rest.split_once('.').ok_or(TokenError::Damaged)?;
        if version != VERSION {
            return Err(TokenError::Version(version.to_owned()));
        }
        let (body, check) = rest.split_once('.').ok_or(TokenError::Damaged)?;
        let before = text.len() - check.len() - 1;
        if text.get(..before).map(check_of).as_deref() != Some(check) {
            return Err(TokenError::Damaged);
        }
        let json = URL_SAFE_NO_PAD.decode(body).map(Zeroizing::new).map_err(|_| TokenError::Damaged)?;
        // The message of the parser may quote the secret, so it is not passed on.
        let body: Body = serde_json::from_slice(&json)
            .map_err(|_| TokenError::Content("its content is not what version 1 has".to_owned()))?;
        let secret = Zeroizing::new(body.secret);
        let pins = body.ca.iter().map(|pin| pin.parse()).collect::<Result<_, Error>>();
        let pins = pins.map_err(|error| TokenError::Content(error.to_string()))?;
        let secret = Secret::parse(&secret)?;
        let token = Self { urls: body.urls, pins, id: body.id, secret };
        token.check()?;
        Ok(token)
    }

    fn check(&self) -> Result<(), TokenError> {
        let refuse = |why: String| Err(TokenError::Content(why));
        if !(1..=URLS_MAX).contains(&self.urls.len()) {
            return refuse(format!(
                "it names {} addresses, where 1 to {URLS_MAX} are allowed",
                self.urls.len()
            ));
        }
        if let Some(url) = self.urls.iter().find(|url| !is_address(url)) {
            return refuse(format!("{url:?} is not https://HOST or https://HOST:PORT"));
        }
        if !(1..=PINS_MAX).contains(&self.pins.len()) {
            return refuse(format!(
                "it pins {} authorities, where 1 or {PINS_MAX} are allowed",
                self.pins.len()
            ));
        }
        let of_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(1..=ID_BYTES_MAX).contains(&self.id.len()) || !self.id.bytes().all(of_id) {
            return refuse(format!("its id is not 1 to {ID_BYTES_MAX} letters, digits or -"));
        }
        Ok(())
    }
}

impl Secret {
    fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(bytes.as_mut_slice()).map_err(|_| Error::Random)?;
        Ok(Self(bytes))
    }

    /// As who joins sends it, inside of TLS: base64url, 43 characters.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        let refused = || TokenError::Content("its secret is not 256 bits in base64url".to_owned());
        bytes.map(|bytes| Self(Zeroizing::new(bytes))).ok_or_else(refused)
    }

    pub fn digest(&self) -> SecretDigest {
        SecretDigest(sha256(self.0.as_slice()))
    }
}

impl SecretDigest {
    /// 64 hexadecimal digits, to be stored.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// What [`Self::to_hex`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }

    /// Takes the same time whatever differs.
    pub fn is_of(&self, secret: &Secret) -> bool {
        self.0.ct_eq(&secret.digest().0).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

fn check_of(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&sha256(text.as_bytes())[..CHECK_BYTES])
}

fn is_address(url: &str) -> bool {
    let Ok(parsed) = url.parse::<Uri>() else {
        return false;
    };
    let bare = parsed.path() == "/" && parsed.query().is_none() && !url.ends_with('/');
    let host = parsed.authority().is_some_and(|authority| {
        let port = authority.as_str().strip_prefix(authority.host());
        !authority.host().is_empty()
            && port.is_some_and(|port| port.is_empty() || authority.port_u16().is_some_and(|port| port > 0))
    });
    parsed.scheme_str() == Some("https") && bare && host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> JoinToken {
        let urls = vec!["https://admin.example.com:8183".to_owned(), "https://[::1]".to_owned()];
        JoinToken::new(urls, [Fingerprint::of(b"a")], "0197-ab").unwrap()
    }

    /// A token of that JSON, with a right checksum.
    fn sealed(json: &str) -> String {
        let text = format!("busbar-join.1.{}", URL_SAFE_NO_PAD.encode(json));
        format!("{text}.{}", check_of(&text))
    }

    #[test]
    fn reads_what_it_writes_however_it_was_pasted() {
        let token = token();
        let text = token.to_text();
        let broken = format!("  {}\r\n  {} \n", &text[..70], &text[70..]);
        for text in [text.as_str(), &broken] {
            let read = JoinToken::parse(text).unwrap();
            assert_eq!((&read.urls, &read.pins, &read.id), (&token.urls, &token.pins, &token.id));
            assert!(token.secret.digest().is_of(&read.secret));
        }
    }

    #[test]
    fn a_token_that_is_cut_off_is_told_wherever_it_was_cut() {
        let text = token().to_text();
        for end in 0..text.len() {
            let error = JoinToken::parse(&text[..end]).unwrap_err();
            let expected = if end < "busbar-join.".len() { TokenError::Other } else { TokenError::Damaged };
            assert_eq!(error, expected, "{end}");
        }
    }

    #[test]
    fn a_token_with_one_other_character_is_told() {
        let text = token().to_text();
        for (at, character) in text.char_indices().skip("busbar-join.1.".len()) {
            let other = if character == 'A' { 'B' } else { 'A' };
            let damaged = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert_eq!(JoinToken::parse(&damaged).unwrap_err(), TokenError::Damaged, "{at}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(JoinToken::parse("hello").unwrap_err(), TokenError::Other);
        assert_eq!(JoinToken::parse("busbar-join.2.a.b").unwrap_err(), TokenError::Version("2".to_owned()));
        let secret = Secret::generate().unwrap().to_text();
        let pin = Fingerprint::of(b"a");
        let body = |urls: &str, ca: &str, id: &str, secret: &str| {
            sealed(&format!(r#"{{"urls":[{urls}],"ca":[{ca}],"id":"{id}","secret":"{secret}"}}"#))
        };
        let (url, ca) = (r#""https://a""#, format!("\"{pin}\""));
        assert!(JoinToken::parse(&body(url, &ca, "1", &secret)).is_ok());
        let nine = [url; 9].join(",");
        let three = [ca.as_str(); 3].join(",");
        for (text, expected) in [
            (sealed("{}"), "its content is not"),
            (sealed("no"), "its content is not"),
            (body("", &ca, "1", &secret), "names 0 addresses"),
            (body(&nine, &ca, "1", &secret), "names 9 addresses"),
            (body(url, "", "1", &secret), "pins 0 authorities"),
            (body(url, &three, "1", &secret), "pins 3 authorities"),
            (body(url, "\"ab\"", "1", &secret), "64 hexadecimal digits"),
            (body(url, &ca, "", &secret), "its id is not"),
            (body(url, &ca, "a b", &secret), "its id is not"),
            (body(url, &ca, "1", "abc"), "256 bits"),
        ] {
            let error = JoinToken::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains(secret.as_str()), "{error}");
        }
        let long = format!("busbar-join.1.{}", "a".repeat(TEXT_BYTES_MAX));
        assert!(JoinToken::parse(&long).unwrap_err().to_string().contains("longer than"));
    }

    #[test]
    fn addresses_are_of_https_and_bare() {
        for good in ["https://a", "https://a:1", "https://127.0.0.1:8183", "https://[::1]:8183"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a:1",
            "http://a",
            "https://",
            "https://a/",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://u:p@a",
            "https://a:0",
            "https://a:70000",
            "https://a:",
            "https:///a",
            "ftp://a",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_stored_is_the_digest() {
        let secret = token().secret;
        let stored = secret.digest().to_hex();
        assert_eq!(stored.len(), 64);
        let digest = SecretDigest::parse(&stored).unwrap();
        assert!(digest.is_of(&Secret::parse(&secret.to_text()).unwrap()));
        assert!(!digest.is_of(&token().secret));
        assert!(SecretDigest::parse("ab").is_none());
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
