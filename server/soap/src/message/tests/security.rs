//! Security headers as they are read; whether a token is good is tested beside its verification.

use super::headers_of;
use crate::{
    message::{Password, PasswordKind, Security, SecurityTimestamp, UsernameToken},
    refusal::{Cause, Refusal, SecurityFault},
    version::Version,
};

const PROFILE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const MESSAGE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0";

fn read(inner: &str) -> Result<Security, Refusal> {
    let block = format!("<wsse:Security s:mustUnderstand='1'>{inner}</wsse:Security>");
    headers_of(Version::V11, &block).map(|headers| headers.security.unwrap())
}

#[test]
fn a_token_is_read() {
    let inner = format!(
        "<wsu:Timestamp wsu:Id='t'><wsu:Created>2024-01-01T00:00:00Z</wsu:Created><wsu:Expires>2024-01-01T00:05:00Z\
         </wsu:Expires></wsu:Timestamp> <wsse:UsernameToken wsu:Id='u'><wsse:Username>joe</wsse:Username>\
         <wsse:Password Type='{PROFILE}#PasswordDigest'>abc=</wsse:Password><wsse:Nonce EncodingType='{MESSAGE}#Base64Binary'>\
         bm9u </wsse:Nonce><wsu:Created>2024-01-01T00:00:00Z</wsu:Created><x:extension/></wsse:UsernameToken>"
    );
    let time = |text: &str| Some(text.to_owned());
    let expected = Security {
        username_token: Some(UsernameToken {
            username: "joe".into(),
            password: Some(Password { text: "abc=".into(), kind: PasswordKind::Digest }),
            nonce: Some("bm9u".into()),
            created: time("2024-01-01T00:00:00Z"),
        }),
        timestamp: Some(SecurityTimestamp {
            created: time("2024-01-01T00:00:00Z"),
            expires: time("2024-01-01T00:05:00Z"),
        }),
        others: Vec::new(),
    };
    assert_eq!(read(&inner).unwrap(), expected);
    assert!(expected.check_supported().is_ok());
    assert_eq!(read("").unwrap(), Security::default());
}

#[test]
fn a_password_is_text_unless_it_says_otherwise() {
    let cases = [
        (String::new(), PasswordKind::Text),
        ("Type=''".to_owned(), PasswordKind::Text),
        (format!("Type='{PROFILE}#PasswordText'"), PasswordKind::Text),
        (format!("Type='{PROFILE}#PasswordDigest'"), PasswordKind::Digest),
        ("Type='urn:x'".to_owned(), PasswordKind::Other),
    ];
    for (attribute, kind) in cases {
        let inner = format!(
            "<wsse:UsernameToken><wsse:Username>joe</wsse:Username><wsse:Password {attribute}> a&lt;<![CDATA[b]]> \
             </wsse:Password></wsse:UsernameToken>"
        );
        let password = read(&inner).unwrap().username_token.unwrap().password.unwrap();
        assert_eq!(password, Password { text: " a<b ".into(), kind }, "{attribute}");
    }
}

#[test]
fn other_tokens_are_told_and_not_supported() {
    use SecurityFault::{UnsupportedAlgorithm, UnsupportedSecurityToken};
    let cases = [
        ("<wsse:BinarySecurityToken>AAAA</wsse:BinarySecurityToken>", UnsupportedSecurityToken),
        (
            "<a:Assertion xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'><a:x/></a:Assertion>",
            UnsupportedSecurityToken,
        ),
        ("<d:Signature xmlns:d='http://www.w3.org/2000/09/xmldsig#'/>", UnsupportedAlgorithm),
        ("<e:EncryptedKey xmlns:e='http://www.w3.org/2001/04/xmlenc#'/>", UnsupportedAlgorithm),
    ];
    for (inner, fault) in cases {
        let security = read(&inner.repeat(2)).unwrap();
        assert_eq!(security.others.len(), 1);
        assert_eq!(security.check_supported().unwrap_err().cause, Cause::Security(fault), "{inner}");
    }
}

#[test]
fn what_is_given_twice_or_missing_is_invalid() {
    let token = |inner: &str| {
        format!("<wsse:UsernameToken><wsse:Username>a</wsse:Username>{inner}</wsse:UsernameToken>")
    };
    let cases = [
        token("").repeat(2),
        token("<wsse:Username>b</wsse:Username>"),
        token("<wsse:Password>b</wsse:Password><wsse:Password>b</wsse:Password>"),
        token("<wsse:Nonce>AA==</wsse:Nonce><wsse:Nonce>AA==</wsse:Nonce>"),
        token("<wsse:Nonce EncodingType='urn:hex'>00</wsse:Nonce>"),
        token("<wsu:Created/><wsu:Created/>"),
        "<wsse:UsernameToken/>".to_owned(),
        "<wsu:Timestamp/><wsu:Timestamp/>".to_owned(),
        "<wsu:Timestamp><wsu:Expires/><wsu:Expires/></wsu:Timestamp>".to_owned(),
        "</wsse:Security><wsse:Security>".to_owned(),
        "<x:t/>".repeat(201),
    ];
    for inner in cases {
        let refusal = read(&inner).expect_err(&inner);
        assert_eq!(refusal.cause, Cause::Security(SecurityFault::InvalidSecurity), "{inner}");
        assert_eq!(refusal.version, Some(Version::V11));
    }
}
