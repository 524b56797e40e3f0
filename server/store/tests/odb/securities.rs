//! Security definitions.

use busbar_model::{
    Security, Soap,
    secret::Sealed,
    security::{Certificates, Credential, PasswordType},
};
use busbar_store::{
    AuditFilter, Error, MasterKey, Page,
    secret::{New, seal},
    security::{Draft, Filter},
};

use crate::fixture::{Fixture, basic, by, guarded, name, soap};

#[test]
fn a_definition_in_use_is_not_deleted() {
    let fixture = Fixture::new();
    let guard = fixture.odb.create_security(&by(), basic("guard")).unwrap();
    let channel = fixture.odb.create_channel(&by(), guarded("a", "/a", "guard")).unwrap();
    let error = fixture.odb.delete_security(&by(), &guard.id, None).unwrap_err();
    assert!(matches!(&error, Error::InUse { users, .. } if *users == ["channel \"a\""]), "{error}");
    fixture.odb.delete_channel(&by(), &channel.id, None).unwrap();
    fixture.odb.delete_security(&by(), &guard.id, Some(1)).unwrap();
    assert!(matches!(fixture.odb.security(&guard.id), Err(Error::NotFound { .. })));
}

#[test]
fn channels_follow_a_renamed_definition() {
    let fixture = Fixture::new();
    let guard = fixture.odb.create_security(&by(), basic("guard")).unwrap();
    let channel = fixture.odb.create_channel(&by(), guarded("a", "/a", "guard")).unwrap();
    let rename = |draft: Draft| Ok::<_, Error>(Draft { name: name("sentry"), ..draft });
    let renamed = fixture.odb.update_security(&by(), &guard.id, Some(1), rename).unwrap();
    assert_eq!((renamed.revision, &renamed.credential), (2, &guard.credential));
    assert_eq!(fixture.odb.channel(&channel.id).unwrap().address.security(), Some(&name("sentry")));
}

#[test]
fn names_and_revisions_are_checked() {
    let fixture = Fixture::new();
    let guard = fixture.odb.create_security(&by(), basic("guard")).unwrap();
    let other = fixture.odb.create_security(&by(), basic("other")).unwrap();
    let rename = |draft: Draft| Ok::<_, Error>(Draft { name: name("guard"), ..draft });
    for error in [
        fixture.odb.create_security(&by(), basic("guard")).unwrap_err(),
        fixture.odb.update_security(&by(), &other.id, None, rename).unwrap_err(),
    ] {
        assert!(matches!(error, Error::NameTaken { .. }), "{error}");
    }
    let error = fixture.odb.update_security(&by(), &guard.id, Some(9), rename).unwrap_err();
    assert!(matches!(error, Error::RevisionMismatch { current: 1 }), "{error}");
}

#[test]
fn lists_are_filtered_by_field() {
    let fixture = Fixture::new();
    fixture.odb.create_security(&by(), basic("guard")).unwrap();
    let count = |filter: Filter| fixture.odb.securities(&Page::first(10), &filter).unwrap().items.len();
    assert_eq!(count(Filter { kind: Some("basic".into()), ..Filter::default() }), 1);
    assert_eq!(count(Filter { kind: Some("api-key".into()), ..Filter::default() }), 0);
    assert_eq!(count(Filter { name: Some("guard".into()), ..Filter::default() }), 1);
}

fn key() -> MasterKey {
    MasterKey::new(&[7; seal::KEY_BYTES])
}

fn token(definition: &str, password: Sealed) -> Draft {
    let (username, accepts) = ("erp".to_owned(), PasswordType::Any);
    Draft { name: name(definition), credential: Credential::WsSecurity { username, password, accepts } }
}

impl Fixture {
    fn create_token(&self, definition: &str, key: &MasterKey) -> Result<Security, Error> {
        let password = "open sesame".to_owned().into();
        self.odb.create_security_with(&by(), |id| Ok(token(definition, key.seal_password(id, &password)?)))
    }
}

#[test]
fn a_password_stays_sealed_for_its_row() {
    let fixture = Fixture::new();
    let made = fixture.create_token("erp", &key()).unwrap();
    assert_eq!(key().open_password(&made).unwrap().reveal(), "open sesame");
    assert_eq!(fixture.odb.security(&made.id).unwrap(), made);
    assert_eq!(fixture.odb.secret_keys().unwrap(), [key().id()]);
    let rename = |draft: Draft| Ok::<_, Error>(Draft { name: name("sap"), ..draft });
    let renamed = fixture.odb.update_security(&by(), &made.id, None, rename).unwrap();
    assert_eq!(key().open_password(&renamed).unwrap().reveal(), "open sesame");
    let elsewhere = Security { id: "another".to_owned(), ..renamed };
    assert!(matches!(key().open_password(&elsewhere), Err(seal::Error::Damaged)));
    let guard = fixture.odb.create_security(&by(), basic("guard")).unwrap();
    assert!(matches!(key().open_password(&guard), Err(seal::Error::Nothing)));
    let audit = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap();
    let shown = format!("{:?} {made:?}", audit.items);
    assert!(shown.contains("erp") && !shown.contains("ciphertext") && !shown.contains("replaced"), "{shown}");
}

#[test]
fn secrets_and_passwords_are_sealed_with_one_key() {
    let other = MasterKey::new(&[8; seal::KEY_BYTES]);
    let fixture = Fixture::new();
    fixture.create_token("erp", &key()).unwrap();
    let error = fixture.create_token("sap", &other).unwrap_err();
    assert!(matches!(error, Error::Seal(seal::Error::AnotherKey { .. })), "{error}");
    let secret = New { name: name("s"), description: None, value: "x".to_owned().into() };
    let error = fixture.odb.create_secret(&by(), &other, secret).unwrap_err();
    assert!(matches!(error, Error::Seal(seal::Error::AnotherKey { .. })), "{error}");
}

#[test]
fn a_token_guards_soap_channels_only() {
    let fixture = Fixture::new();
    fixture.create_token("erp", &key()).unwrap();
    let rest = guarded("a", "/a", "erp");
    let error = fixture.odb.create_channel(&by(), rest.clone()).unwrap_err();
    assert!(matches!(error, Error::SoapOnly { .. }), "{error}");
    let soap = soap("a", "/a", Some("erp"), Soap::default());
    let channel = fixture.odb.create_channel(&by(), soap).unwrap();
    let to_rest = |_| Ok::<_, Error>(rest.clone());
    let error = fixture.odb.update_channel(&by(), &channel.id, None, to_rest).unwrap_err();
    assert!(matches!(error, Error::SoapOnly { .. }), "{error}");
    let error = fixture.create_token("invoker", &key()).unwrap_err();
    assert!(matches!(error, Error::SoapOnly { .. }), "{error}");
}

fn certificates(subjects: &[&str], sha256: &[&str]) -> Credential {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Credential::ClientCertificate(Certificates { subjects: texts(subjects), sha256: texts(sha256) })
}

#[test]
fn certificates_are_kept_and_shown_in_the_audit_trail() {
    let fixture = Fixture::new();
    let digest = "0a".repeat(32);
    let draft = Draft {
        name: name("fleet"),
        credential: certificates(&["/O=Bäcker \"x\"/CN=ada", "/CN=a"], &[&digest]),
    };
    let made = fixture.odb.create_security(&by(), draft.clone()).unwrap();
    assert_eq!(fixture.odb.security(&made.id).unwrap().credential, draft.credential);
    let listed = Filter { kind: Some("client-certificate".into()), ..Filter::default() };
    assert_eq!(fixture.odb.securities(&Page::first(10), &listed).unwrap().items, std::slice::from_ref(&made));
    assert!(matches!(key().open_password(&made), Err(seal::Error::Nothing)));
    // Both protocols of HTTP know the client's certificate.
    fixture.odb.create_channel(&by(), guarded("a", "/a", "fleet")).unwrap();
    fixture.odb.create_channel(&by(), soap("b", "/b", Some("fleet"), Soap::default())).unwrap();
    let other = |draft: Draft| Ok::<_, Error>(Draft { credential: certificates(&["/CN=b"], &[]), ..draft });
    assert_eq!(fixture.odb.update_security(&by(), &made.id, None, other).unwrap().revision, 2);
    let audit = fixture.odb.audit(&Page::first(1), &AuditFilter::default()).unwrap();
    let shown = format!("{:?}", audit.items);
    assert!(shown.contains("/CN=ada") && shown.contains("/CN=b") && shown.contains(&digest), "{shown}");
    assert!(!shown.contains("replaced"), "{shown}");
}
