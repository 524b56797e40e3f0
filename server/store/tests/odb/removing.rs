//! Removing plugins and services.

use busbar_model::{Digest, plugin::Grants};
use busbar_store::{Action, AuditFilter, Error, ObjectKind, Page};

use crate::fixture::{Fixture, by, draft, name};

fn users(refused: Result<(), Error>) -> Vec<String> {
    match refused {
        Err(Error::InUse { users, .. }) => users,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plugin_in_use_is_not_deleted_and_its_users_are_named() {
    let fixture = Fixture::new();
    let made = fixture.compiled("p", b"1", &["some-service", "other-service"]);
    fixture.activate(&made.id).unwrap();
    fixture.deploy("caller", b"2");
    let grants =
        Grants { invoke: vec!["other-service".to_owned(), "some-*".to_owned()], ..Grants::default() };
    fixture.odb.set_grants(&by(), "caller", None, Some(grants)).unwrap();
    let channel = fixture.odb.create_channel(&by(), draft("c", "/c")).unwrap();
    let all = ["its active version 1.0.0", "channel \"c\"", "the grants of plugin \"caller\""];
    assert_eq!(users(fixture.odb.delete_plugin(&by(), "p", None)), all);
    fixture.odb.recall(&by(), &name("p")).unwrap();
    assert_eq!(users(fixture.odb.delete_plugin(&by(), "p", None)), all[1..]);
    assert_eq!(users(fixture.odb.delete_service(&by(), "some-service", None)), all[1..2]);
    assert_eq!(users(fixture.odb.delete_service(&by(), "other-service", None)), all[2..]);
    fixture.odb.delete_channel(&by(), &channel.id, None).unwrap();
    fixture.odb.set_grants(&by(), "caller", None, None).unwrap();
    fixture.odb.delete_plugin(&by(), "p", None).unwrap();
    assert!(matches!(fixture.odb.plugin("p"), Err(Error::NotFound { .. })));
}

#[test]
fn a_deleted_plugin_takes_its_services_and_artifacts_with_it() {
    let fixture = Fixture::new();
    for version in [&b"shared"[..], b"1"] {
        fixture.deploy("p", version);
    }
    fixture.deploy("q", b"shared");
    fixture.odb.recall(&by(), &name("p")).unwrap();
    let revision = fixture.odb.plugin("p").unwrap().revision;
    let stale = fixture.odb.delete_plugin(&by(), "p", Some(revision - 1));
    assert!(matches!(stale, Err(Error::RevisionMismatch { .. })), "{stale:?}");
    fixture.odb.delete_plugin(&by(), "p", Some(revision)).unwrap();
    assert!(matches!(fixture.odb.service("p"), Err(Error::NotFound { .. })));
    assert!(matches!(fixture.odb.artifact(&Digest::of(b"1")), Err(Error::NotFound { .. })));
    assert_eq!(fixture.odb.artifact(&Digest::of(b"shared")).unwrap(), b"shared");
    let filter = AuditFilter { action: Some(Action::Delete), ..AuditFilter::default() };
    let entries = fixture.odb.audit(&Page::first(9), &filter).unwrap().items;
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.object_kind, entry.after.is_none())).collect();
    assert_eq!(kinds, [(ObjectKind::Plugin, true), (ObjectKind::Service, true)]);
    assert!(matches!(fixture.odb.delete_plugin(&by(), "p", None), Err(Error::NotFound { .. })));
}

#[test]
fn a_deleted_plugin_can_be_deployed_again_but_not_gone_back_before() {
    let fixture = Fixture::new();
    fixture.deploy("p", b"1");
    fixture.deploy("p", b"2");
    fixture.odb.recall(&by(), &name("p")).unwrap();
    fixture.odb.delete_plugin(&by(), "p", None).unwrap();
    fixture.deploy("p", b"3");
    assert_eq!(fixture.active_digest("p"), Some(Digest::of(b"3")));
    let back = fixture.odb.rollback(&by(), &name("p"), None);
    assert!(matches!(back, Err(Error::NothingToRollBackTo { .. })), "{back:?}");
}

#[test]
fn a_service_goes_with_its_plugin_or_after_it() {
    let fixture = Fixture::new();
    fixture.deploy("p", b"1");
    let refused = fixture.odb.delete_service(&by(), "p", None);
    assert!(matches!(refused, Err(Error::GoesWithPlugin { .. })), "{refused:?}");
    fixture.odb.recall(&by(), &name("p")).unwrap();
    fixture.odb.delete_service(&by(), "p", None).unwrap();
    assert!(matches!(fixture.odb.delete_service(&by(), "p", None), Err(Error::NotFound { .. })));
    fixture.odb.rollback(&by(), &name("p"), None).unwrap();
}

#[test]
fn a_recalled_plugin_is_remembered_as_it_last_was() {
    let fixture = Fixture::new();
    fixture.deploy("p", b"1");
    assert!(fixture.odb.retired_versions().unwrap().is_empty());
    let second = fixture.compiled("p", b"2", &["p", "p.more"]);
    fixture.activate(&second.id).unwrap();
    fixture.odb.recall(&by(), &name("p")).unwrap();
    let retired = fixture.odb.retired_versions().unwrap();
    assert_eq!(retired[&name("p")].services.len(), 2);
}
