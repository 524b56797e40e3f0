//! Security definitions.

use busbar_store::{
    Error, Page,
    security::{Draft, Filter},
};

use crate::fixture::{Fixture, basic, by, draft, name};

#[test]
fn a_definition_in_use_is_not_deleted() {
    let fixture = Fixture::new();
    let guard = fixture.odb.create_security(&by(), basic("guard")).unwrap();
    let mut guarded = draft("a", "/a");
    guarded.security = Some(name("guard"));
    let channel = fixture.odb.create_channel(&by(), guarded).unwrap();
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
    let mut guarded = draft("a", "/a");
    guarded.security = Some(name("guard"));
    let channel = fixture.odb.create_channel(&by(), guarded).unwrap();
    let rename = |draft: Draft| Ok::<_, Error>(Draft { name: name("sentry"), ..draft });
    let renamed = fixture.odb.update_security(&by(), &guard.id, Some(1), rename).unwrap();
    assert_eq!((renamed.revision, &renamed.credential), (2, &guard.credential));
    assert_eq!(fixture.odb.channel(&channel.id).unwrap().security, Some(name("sentry")));
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
