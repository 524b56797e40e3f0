//! Tokens that are good and that are denied.

use busbar_model::{Timestamp, security::PasswordType};

use super::{Denied, Nonce, check_timestamp, digest, verify};
use crate::{
    message::{Password, PasswordKind, SecurityTimestamp, UsernameToken},
    refusal::{Cause, Refusal, SecurityFault},
};

const CREATED: &str = "2003-07-16T01:24:32Z";
const NONCE: &str = "WScqanjCEAC4mQoBE07sAQ==";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn token(kind: PasswordKind, text: &str) -> UsernameToken {
    UsernameToken {
        username: "joe".to_owned(),
        password: Some(Password { text: text.to_owned(), kind }),
        nonce: Some(NONCE.to_owned()),
        created: Some(CREATED.to_owned()),
    }
}

fn good() -> UsernameToken {
    let nonce = super::decoded(NONCE).unwrap();
    token(PasswordKind::Digest, &digest(&nonce, CREATED, "secret"))
}

fn check(token: &UsernameToken, accepts: PasswordType, now: &str) -> Result<Option<Nonce>, Denied> {
    verify(token, "joe", "secret", accepts, at(now))
}

/// Computed by `printf NONCE+created+password | openssl sha1 -binary | base64`.
#[test]
fn the_digest_is_known() {
    assert_eq!(digest(b"abc", "", ""), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    assert_eq!(digest(b"a", "b", "c"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    assert_eq!(digest(&super::decoded(NONCE).unwrap(), CREATED, "secret"), "fWXCaByUpMlnSuAV37ZpBERz2BQ=");
}

#[test]
fn a_fresh_digest_is_good_and_its_nonce_is_to_be_claimed() {
    let nonce = Nonce { value: super::decoded(NONCE).unwrap(), expires_at: at("2003-07-16T01:30:32Z") };
    for now in [CREATED, "2003-07-16T01:23:32Z", "2003-07-16T01:29:32Z"] {
        for accepts in [PasswordType::Digest, PasswordType::Any] {
            assert_eq!(check(&good(), accepts, now).unwrap().as_ref(), Some(&nonce), "{now}");
        }
    }
}

#[test]
fn a_text_needs_neither_nonce_nor_time() {
    let text = token(PasswordKind::Text, "secret");
    assert!(check(&text, PasswordType::Text, CREATED).unwrap().is_some());
    let bare = UsernameToken { nonce: None, created: None, ..text.clone() };
    assert_eq!(check(&bare, PasswordType::Any, CREATED), Ok(None));
    let timeless = UsernameToken { created: None, ..text.clone() };
    let nonce = check(&timeless, PasswordType::Text, CREATED).unwrap().unwrap();
    assert_eq!(nonce.expires_at, at("2003-07-16T01:30:32Z"));
    assert!(check(&text, PasswordType::Text, "2003-07-16T01:29:33Z").is_err());
}

#[test]
fn whatever_is_wrong_is_denied() {
    let good = good();
    let with = |change: &dyn Fn(&mut UsernameToken)| {
        let mut token = good.clone();
        change(&mut token);
        token
    };
    let long = "AAAA".repeat(100);
    let cases = [
        (with(&|of| of.username = "jim".into()), CREATED, "wrong"),
        (with(&|of| of.username = "joe ".into()), CREATED, "wrong"),
        (token(PasswordKind::Digest, "secret"), CREATED, "wrong"),
        (token(PasswordKind::Text, "Secret"), CREATED, "wrong"),
        (token(PasswordKind::Text, ""), CREATED, "wrong"),
        (token(PasswordKind::Other, "secret"), CREATED, "kind"),
        (with(&|of| of.password = None), CREATED, "no password"),
        (with(&|of| of.nonce = None), CREATED, "without"),
        (with(&|of| of.created = None), CREATED, "without"),
        (with(&|of| of.nonce = Some("AAAA".into())), CREATED, "wrong"),
        (with(&|of| of.nonce = Some("!".into())), CREATED, "base64"),
        (with(&|of| of.nonce = Some(String::new())), CREATED, "empty"),
        (with(&|of| of.nonce = Some(long.clone())), CREATED, "too long"),
        (with(&|of| of.created = Some("2003-07-16T01:24:33Z".into())), CREATED, "wrong"),
        (with(&|of| of.created = Some("2003-07-16T01:24:32".into())), CREATED, "read"),
        (with(&|of| of.created = Some("yesterday".into())), CREATED, "read"),
        (good.clone(), "2003-07-16T01:29:32.000001Z", "too old"),
        (good.clone(), "2003-07-16T01:23:31Z", "future"),
    ];
    for (token, now, expected) in cases {
        let denied = check(&token, PasswordType::Any, now).expect_err(expected);
        assert!(denied.reason.contains(expected), "{denied}: {expected}");
        let refusal = Refusal::from(denied);
        assert_eq!(refusal.cause, Cause::Security(SecurityFault::FailedAuthentication));
        assert_eq!(refusal.message, "the security token could not be authenticated");
    }
    assert!(check(&good, PasswordType::Text, CREATED).unwrap_err().reason.contains("kind"));
    let text = token(PasswordKind::Text, "secret");
    assert!(check(&text, PasswordType::Digest, CREATED).unwrap_err().reason.contains("kind"));
}

#[test]
fn a_message_has_its_time() {
    let timestamp = |created: Option<&str>, expires: Option<&str>| SecurityTimestamp {
        created: created.map(str::to_owned),
        expires: expires.map(str::to_owned),
    };
    let now = at("2003-07-16T01:24:32Z");
    let cases = [
        (timestamp(None, None), true),
        (timestamp(Some("2003-07-16T03:24:32+02:00"), Some("2003-07-16T01:29:32.5Z")), true),
        (timestamp(Some("2003-07-16T01:25:32Z"), None), true),
        (timestamp(Some("2003-07-16T01:25:33Z"), None), false),
        (timestamp(None, Some("2003-07-16T01:23:33Z")), true),
        (timestamp(None, Some("2003-07-16T01:23:32Z")), false),
        (timestamp(None, Some("soon")), false),
        (timestamp(Some("now"), None), false),
    ];
    for (timestamp, good) in cases {
        assert_eq!(check_timestamp(&timestamp, now).is_ok(), good, "{timestamp:?}");
    }
}

#[test]
fn a_password_is_not_shown() {
    assert!(!format!("{:?}", token(PasswordKind::Text, "hidden")).contains("hidden"));
}

proptest::proptest! {
    #[test]
    fn nothing_breaks_it(nonce in "\\PC{0,12}", created in "[0-9TZ:.+-]{0,40}", now in proptest::prelude::any::<i64>()) {
        let token = UsernameToken { nonce: Some(nonce), created: Some(created.clone()), ..good() };
        let _ = verify(&token, "joe", "secret", PasswordType::Any, Timestamp(now));
        let _ = verify(&good(), "joe", "secret", PasswordType::Any, Timestamp(now));
        let timestamp = SecurityTimestamp { created: Some(created.clone()), expires: Some(created) };
        let _ = check_timestamp(&timestamp, Timestamp(now));
    }
}
