//! Verifying a UsernameToken (OASIS WS-Security UsernameToken Profile 1.0, section 3.1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use busbar_model::{
    Timestamp,
    bounds::{TOKEN_AGE_MS_MAX, TOKEN_NONCE_BYTES_MAX, TOKEN_SKEW_MS_MAX},
    security::PasswordType,
};
use sha1::{Digest as _, Sha1};
use subtle::{Choice, ConstantTimeEq as _};

use crate::{
    message::{PasswordKind, SecurityTimestamp, UsernameToken},
    refusal::{Refusal, SecurityFault},
};

/// What must not come a second time until it expires: who calls [`verify`] claims it, once in the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce {
    /// At most [`TOKEN_NONCE_BYTES_MAX`] bytes, decoded.
    pub value: Vec<u8>,
    /// From then on the token is too old by itself.
    pub expires_at: Timestamp,
}

/// The reason is for the log; the caller learns only that the token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    pub reason: &'static str,
}

impl From<Denied> for Refusal {
    fn from(_: Denied) -> Self {
        let message = "the security token could not be authenticated";
        Self::security(SecurityFault::FailedAuthentication, message)
    }
}

/// Checks a token against the username and the password that are right. A digest needs a nonce and a time; with a
/// password in text they are checked where they are given. It takes as long for a wrong username as for a wrong
/// password.
pub fn verify(
    token: &UsernameToken,
    username: &str,
    password: &str,
    accepts: PasswordType,
    now: Timestamp,
) -> Result<Option<Nonce>, Denied> {
    let given = token.password.as_ref().ok_or(Denied { reason: "the token has no password" })?;
    match (given.kind, accepts) {
        (PasswordKind::Text, PasswordType::Text | PasswordType::Any) => {}
        (PasswordKind::Digest, PasswordType::Digest | PasswordType::Any) => {}
        _ => return Err(Denied { reason: "the password is of a kind that is not accepted" }),
    }
    let nonce = token.nonce.as_deref().map(decoded).transpose()?;
    let created = token.created.as_deref().map(|text| time(text, "the token's time can't be read"));
    let created = created.transpose()?;
    if given.kind == PasswordKind::Digest && (nonce.is_none() || created.is_none()) {
        return Err(Denied { reason: "a digest without a nonce or a time" });
    }
    let right_username = same(&token.username, username);
    let right_password = match given.kind {
        PasswordKind::Digest => {
            let nonce = nonce.as_deref().unwrap_or_default();
            let expected = digest(nonce, token.created.as_deref().unwrap_or_default(), password);
            expected.as_bytes().ct_eq(given.text.trim_ascii().as_bytes())
        }
        _ => same(&given.text, password),
    };
    if !bool::from(right_username & right_password) {
        return Err(Denied { reason: "the username or the password is wrong" });
    }
    if let Some(created) = created {
        if created.0 > later(now, TOKEN_SKEW_MS_MAX).0 {
            return Err(Denied { reason: "the token is of the future" });
        }
        if now.0 > later(created, TOKEN_AGE_MS_MAX).0 {
            return Err(Denied { reason: "the token is too old" });
        }
    }
    let expires_at = later(created.unwrap_or(now), TOKEN_AGE_MS_MAX + TOKEN_SKEW_MS_MAX);
    Ok(nonce.map(|value| Nonce { value, expires_at }))
}

/// Checks that a message is not used before or after its time (WS-Security 1.0, section 10).
pub fn check_timestamp(timestamp: &SecurityTimestamp, now: Timestamp) -> Result<(), Denied> {
    let unreadable = "the message's timestamp can't be read";
    if let Some(created) = &timestamp.created
        && time(created, unreadable)?.0 > later(now, TOKEN_SKEW_MS_MAX).0
    {
        return Err(Denied { reason: "the message is of the future" });
    }
    match &timestamp.expires {
        Some(expires) if now.0 >= later(time(expires, unreadable)?, TOKEN_SKEW_MS_MAX).0 => {
            Err(Denied { reason: "the message has expired" })
        }
        _ => Ok(()),
    }
}

/// Base64(SHA-1(nonce + created + password)); the nonce is decoded, `created` is the text as it was sent.
pub fn digest(nonce: &[u8], created: &str, password: &str) -> String {
    let hash = Sha1::new().chain_update(nonce).chain_update(created).chain_update(password);
    STANDARD.encode(hash.finalize())
}

/// By their hashes, so that the time tells nothing of their lengths either.
fn same(given: &str, expected: &str) -> Choice {
    Sha1::digest(given).as_slice().ct_eq(Sha1::digest(expected).as_slice())
}

fn decoded(nonce: &str) -> Result<Vec<u8>, Denied> {
    let compact: String = nonce.split_ascii_whitespace().collect();
    match STANDARD.decode(compact) {
        Ok(bytes) if (1..=TOKEN_NONCE_BYTES_MAX).contains(&bytes.len()) => Ok(bytes),
        Ok(_) => Err(Denied { reason: "the nonce is empty or too long" }),
        Err(_) => Err(Denied { reason: "the nonce is not in base64" }),
    }
}

fn time(text: &str, reason: &'static str) -> Result<Timestamp, Denied> {
    text.parse().map_err(|_| Denied { reason })
}

fn later(time: Timestamp, ms: u64) -> Timestamp {
    time.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
