//! Connections.

use busbar_model::{
    Connection,
    connection::{
        Amqp, Client, Part,
        amqp::{Identity, Tls},
    },
    plugin::Grants,
};
use busbar_store::{
    AuditFilter, Error, MasterKey, Page, Plaintext,
    connections::{Draft, Filter},
    secret::seal,
};

use crate::fixture::{Fixture, by, name};

pub(crate) fn key() -> MasterKey {
    MasterKey::new(&[7; seal::KEY_BYTES])
}

pub(crate) fn hidden(text: &str) -> Option<Plaintext> {
    Some(text.to_owned().into())
}

pub(crate) fn connection(of: &str, password: Option<Plaintext>) -> Draft {
    let amqp = Amqp::new("mq.example.com".to_owned(), "ada".to_owned(), password, false);
    Draft { name: name(of), active: true, client: Client::Amqp(amqp) }
}

pub(crate) fn secured(certificate: &str, key: Option<Plaintext>) -> Draft {
    let identity = Some(Identity { certificate: certificate.to_owned(), key });
    let tls = Some(Tls { identity, ..Tls::default() });
    let Client::Amqp(amqp) = connection("broker", hidden("hush")).client else { unreachable!() };
    Draft { client: Client::Amqp(Amqp { tls, ..amqp }), ..connection("broker", None) }
}

pub(crate) fn create(fixture: &Fixture, draft: &Draft) -> Connection {
    fixture.odb.create_connection(&by(), &key(), draft).unwrap()
}

pub(crate) fn update(fixture: &Fixture, id: &str, draft: &Draft) -> Result<Connection, Error> {
    fixture.odb.update_connection(&by(), &key(), id, None, |_| Ok::<_, Error>(draft.clone()))
}

pub(crate) fn opened(connection: &Connection, part: Part) -> String {
    key().open_connection(connection).unwrap().secret(part).unwrap().reveal().to_owned()
}

#[test]
fn secrets_are_kept_sealed() {
    let fixture = Fixture::new();
    let made = create(&fixture, &secured("CERTIFICATE", hidden("sesame key")));
    assert_eq!(opened(&made, Part::Password), "hush");
    assert_eq!(opened(&made, Part::ClientKey), "sesame key");
    assert_eq!(fixture.odb.find_connection(&made.id).unwrap(), made);
    assert_eq!(fixture.odb.definitions().unwrap().connections, [made]);
    assert_eq!(fixture.odb.secret_keys().unwrap(), [key().id()]);
    let other = MasterKey::new(&[8; seal::KEY_BYTES]);
    let refused = fixture.odb.create_connection(&by(), &other, &connection("b", hidden("x"))).unwrap_err();
    assert!(matches!(refused, Error::Seal(seal::Error::AnotherKey { .. })), "{refused}");
}

#[test]
fn a_secret_stays_until_another_is_given() {
    let fixture = Fixture::new();
    let refused = fixture.odb.create_connection(&by(), &key(), &connection("broker", None)).unwrap_err();
    assert!(matches!(refused, Error::NoCredential { what: "password", .. }), "{refused}");
    let made = create(&fixture, &secured("ONE", hidden("first")));
    let renamed = Draft { name: name("mq"), ..secured("ONE", None) };
    let changed = update(&fixture, &made.id, &renamed).unwrap();
    assert_eq!((changed.revision, opened(&changed, Part::ClientKey).as_str()), (2, "first"));
    let refused = update(&fixture, &made.id, &secured("TWO", None)).unwrap_err();
    assert!(matches!(refused, Error::NoCredential { what: "client_key", .. }), "{refused}");
    let changed = update(&fixture, &made.id, &secured("TWO", hidden("second"))).unwrap();
    assert_eq!((changed.revision, opened(&changed, Part::ClientKey).as_str()), (3, "second"));
    let same = fixture.odb.update_connection(&by(), &key(), &made.id, Some(3), Ok::<_, Error>).unwrap();
    assert_eq!(same, changed);
    let stale = fixture.odb.update_connection(&by(), &key(), &made.id, Some(2), Ok::<_, Error>).unwrap_err();
    assert!(matches!(stale, Error::RevisionMismatch { current: 3 }), "{stale}");
}

#[test]
fn what_grants_name_stays_and_keeps_its_name() {
    let fixture = Fixture::new();
    let made = create(&fixture, &connection("broker", hidden("hush")));
    fixture.deploy("orders", b"v1");
    let granting = |connections: &[&str]| {
        let connections = connections.iter().map(ToString::to_string).collect();
        let grants = Some(Grants { connections, ..Grants::default() });
        fixture.odb.set_grants(&by(), "orders", None, grants).unwrap();
    };
    granting(&["broker"]);
    let renamed = connection("mq", None);
    for refused in [
        fixture.odb.delete_connection(&by(), &made.id, None).unwrap_err(),
        update(&fixture, &made.id, &renamed).unwrap_err(),
    ] {
        let Error::InUse { users, .. } = &refused else { panic!("{refused}") };
        assert_eq!(users[..], [r#"the grants of plugin "orders""#]);
    }
    granting(&["brok*"]);
    update(&fixture, &made.id, &renamed).unwrap();
    fixture.odb.delete_connection(&by(), &made.id, None).unwrap();
    assert!(matches!(fixture.odb.find_connection(&made.id), Err(Error::NotFound { .. })));
}

#[test]
fn lists_are_filtered_and_names_are_taken_once() {
    let fixture = Fixture::new();
    create(&fixture, &connection("a", hidden("x")));
    let away = create(&fixture, &Draft { active: false, ..connection("b", hidden("x")) });
    let found = |filter: Filter| {
        let page = fixture.odb.connections(&Page::first(10), &filter).unwrap();
        page.items.into_iter().map(|found| found.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(Filter::default()), ["b", "a"]);
    assert_eq!(found(Filter { active: Some(true), ..Filter::default() }), ["a"]);
    assert_eq!(found(Filter { name: Some("b".to_owned()), ..Filter::default() }), ["b"]);
    assert_eq!(found(Filter { kind: Some("amqp".to_owned()), ..Filter::default() }).len(), 2);
    assert_eq!(found(Filter { kind: Some("ftp".to_owned()), ..Filter::default() }).len(), 0);
    for taken in [
        fixture.odb.create_connection(&by(), &key(), &connection("a", hidden("x"))).unwrap_err(),
        update(&fixture, &away.id, &connection("a", None)).unwrap_err(),
    ] {
        assert!(matches!(taken, Error::NameTaken { .. }), "{taken}");
    }
}

#[test]
fn the_audit_trail_shows_no_secret() {
    let fixture = Fixture::new();
    let made = create(&fixture, &secured("ONE", hidden("sesame")));
    update(&fixture, &made.id, &secured("ONE", hidden("sesame 2"))).unwrap();
    fixture.odb.delete_connection(&by(), &made.id, None).unwrap();
    let entries = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items;
    let shown = format!("{entries:?}");
    assert!(!shown.contains("sesame") && !shown.contains("hush") && !shown.contains("ciphertext"), "{shown}");
    let after = entries[1].after.as_ref().unwrap();
    assert_eq!((&after["client_key"], &after["password"]), (&"replaced".into(), &"replaced".into()));
    assert_eq!(entries[2].after.as_ref().unwrap()["tls"]["client_certificate"], "ONE");
}
