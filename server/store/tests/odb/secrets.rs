//! Secrets.

use busbar_model::{Secret, plugin::Grants};
use busbar_store::{
    AuditFilter, Error, MasterKey, Page, Plaintext,
    secret::{Draft, Filter, New, seal},
};
use serde_json::json;

use crate::fixture::{Fixture, by, name};

fn key() -> MasterKey {
    MasterKey::new(&[7; seal::KEY_BYTES])
}

fn new(secret: &str, value: &str) -> New {
    New { name: name(secret), description: None, value: Plaintext::from(value.to_owned()) }
}

pub(crate) fn create(fixture: &Fixture, secret: &str, value: &str) -> Secret {
    fixture.odb.create_secret(&by(), &key(), new(secret, value)).unwrap()
}

fn opened(secret: &Secret) -> String {
    key().open_secret(secret).unwrap().reveal().to_owned()
}

fn rename(to: &str) -> impl FnMut(Draft) -> Result<Draft, Error> {
    move |draft| Ok(Draft { name: name(to), ..draft })
}

fn granting(secrets: &[&str]) -> Grants {
    Grants { secrets: secrets.iter().map(ToString::to_string).collect(), ..Grants::default() }
}

#[test]
fn a_value_is_kept_sealed() {
    let fixture = Fixture::new();
    let made = create(&fixture, "pay-key", "open sesame");
    assert_eq!(opened(&made), "open sesame");
    assert_eq!(fixture.odb.secret(&made.id).unwrap(), made);
    assert_eq!(fixture.odb.definitions().unwrap().secrets, [made]);
    assert_eq!(fixture.odb.secret_keys().unwrap(), [key().id()]);
}

#[test]
fn a_new_value_replaces_the_old_one() {
    let fixture = Fixture::new();
    let made = create(&fixture, "pay-key", "old");
    let replace = |draft: Draft| Ok::<_, Error>(Draft { value: Some("new".to_owned().into()), ..draft });
    let replaced = fixture.odb.update_secret(&by(), &key(), &made.id, Some(1), replace).unwrap();
    assert_eq!((replaced.revision, opened(&replaced).as_str()), (2, "new"));
    // The same value again counts too, so that nobody finds it out by guessing.
    let again = fixture.odb.update_secret(&by(), &key(), &made.id, Some(2), replace).unwrap();
    assert_eq!((again.revision, opened(&again).as_str()), (3, "new"));
    let error = fixture.odb.update_secret(&by(), &key(), &made.id, Some(2), replace).unwrap_err();
    assert!(matches!(error, Error::RevisionMismatch { current: 3 }), "{error}");
    let same = fixture.odb.update_secret(&by(), &key(), &made.id, None, Ok::<_, Error>).unwrap();
    assert_eq!(same, again);
}

#[test]
fn a_renamed_secret_keeps_its_value() {
    let fixture = Fixture::new();
    let made = create(&fixture, "pay-key", "open sesame");
    create(&fixture, "other", "x");
    let renamed = fixture.odb.update_secret(&by(), &key(), &made.id, None, rename("pay")).unwrap();
    assert_eq!((renamed.name.as_str(), opened(&renamed).as_str()), ("pay", "open sesame"));
    for error in [
        fixture.odb.update_secret(&by(), &key(), &made.id, None, rename("other")).unwrap_err(),
        fixture.odb.create_secret(&by(), &key(), new("pay", "x")).unwrap_err(),
    ] {
        assert!(matches!(error, Error::NameTaken { .. }), "{error}");
    }
}

#[test]
fn a_secret_that_is_granted_by_name_stays() {
    let fixture = Fixture::new();
    fixture.deploy("orders", b"1");
    let made = create(&fixture, "pay-key", "open sesame");
    fixture.odb.set_grants(&by(), "orders", None, Some(granting(&["pay-key"]))).unwrap();
    for error in [
        fixture.odb.delete_secret(&by(), &made.id, None).unwrap_err(),
        fixture.odb.update_secret(&by(), &key(), &made.id, None, rename("pay")).unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::InUse { users, .. } if *users == ["the grants of plugin \"orders\""]),
            "{error}"
        );
    }
    fixture.odb.set_grants(&by(), "orders", None, Some(granting(&["*"]))).unwrap();
    fixture.odb.delete_secret(&by(), &made.id, Some(1)).unwrap();
    assert!(matches!(fixture.odb.secret(&made.id), Err(Error::NotFound { .. })));
}

#[test]
fn rows_whose_contents_were_swapped_do_not_open() {
    let fixture = Fixture::new();
    let (one, two) = (create(&fixture, "one", "first"), create(&fixture, "two", "second"));
    fixture.place.sql(
        "CREATE TABLE t AS SELECT * FROM secret;
         UPDATE secret SET ciphertext = (SELECT t.ciphertext FROM t WHERE t.name <> secret.name),
             nonce = (SELECT t.nonce FROM t WHERE t.name <> secret.name);
         DROP TABLE t;",
    );
    for secret in [one, two] {
        let swapped = fixture.odb.secret(&secret.id).unwrap();
        assert_ne!(swapped.sealed, secret.sealed);
        assert!(matches!(key().open_secret(&swapped), Err(seal::Error::Damaged)));
        let error = fixture.odb.update_secret(&by(), &key(), &secret.id, None, rename("three")).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    }
}

#[test]
fn one_key_seals_all_secrets() {
    let fixture = Fixture::new();
    let made = create(&fixture, "pay-key", "open sesame");
    let other = MasterKey::new(&[8; seal::KEY_BYTES]);
    let replace = |draft: Draft| Ok::<_, Error>(Draft { value: Some("new".to_owned().into()), ..draft });
    for error in [
        fixture.odb.create_secret(&by(), &other, new("more", "x")).unwrap_err(),
        fixture.odb.update_secret(&by(), &other, &made.id, None, replace).unwrap_err(),
        fixture.odb.update_secret(&by(), &other, &made.id, None, rename("pay")).unwrap_err(),
    ] {
        assert!(matches!(&error, Error::Seal(seal::Error::AnotherKey { .. })), "{error}");
        assert!(error.to_string().contains(key().id()) && error.to_string().contains(other.id()), "{error}");
    }
    let describe = |draft: Draft| Ok::<_, Error>(Draft { description: Some("why".to_owned()), ..draft });
    fixture.odb.update_secret(&by(), &other, &made.id, None, describe).unwrap();
}

#[test]
fn the_audit_trail_tells_that_a_value_changed_and_not_to_what() {
    let fixture = Fixture::new();
    let made = create(&fixture, "pay-key", "open sesame");
    let replace = |draft: Draft| {
        let (description, value) = (Some("for the shop".to_owned()), Some("open barley".to_owned().into()));
        Ok::<_, Error>(Draft { description, value, ..draft })
    };
    fixture.odb.update_secret(&by(), &key(), &made.id, None, replace).unwrap();
    fixture.odb.delete_secret(&by(), &made.id, None).unwrap();
    let entries = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items;
    let shown: Vec<_> =
        entries.iter().rev().map(|entry| (entry.before.clone(), entry.after.clone())).collect();
    let bare = json!({"name": "pay-key", "description": null});
    let described = json!({"name": "pay-key", "description": "for the shop"});
    let mut replaced = described.clone();
    replaced["value"] = json!("replaced");
    let expected = [(None, Some(bare.clone())), (Some(bare), Some(replaced)), (Some(described), None)];
    assert_eq!(shown, expected);
    assert!(entries.iter().all(|entry| entry.object_kind.as_str() == "secret"));
}

#[test]
fn lists_are_filtered_by_name() {
    let fixture = Fixture::new();
    create(&fixture, "one", "1");
    create(&fixture, "two", "2");
    let names = |filter: Filter| -> Vec<String> {
        let listed = fixture.odb.secrets(&Page::first(10), &filter).unwrap().items;
        listed.into_iter().map(|secret| secret.name.into()).collect()
    };
    assert_eq!(names(Filter::default()), ["two", "one"]);
    assert_eq!(names(Filter { name: Some("one".to_owned()) }), ["one"]);
}
