//! Going back to earlier versions; the order of a history is tested beside its code.

use busbar_model::{DeploymentState, Digest, deployment::Source};
use busbar_store::{Action, AuditFilter, Error, Page};

use crate::fixture::{Fixture, NOW, by, name};

/// Rolls back and goes the usual way until it is live; gives the digest that is live then.
fn roll_back(fixture: &Fixture, to: Option<Digest>) -> Result<Digest, Error> {
    let deployment = fixture.odb.rollback(&by(), &name("echo"), to)?;
    assert_eq!((deployment.state, deployment.source), (DeploymentState::Validated, Source::Rollback));
    fixture.odb.compiled_on(&deployment.id, "here", NOW)?;
    let activation = fixture.activate(&deployment.id)?;
    assert_eq!(activation.deployment.state, DeploymentState::Active);
    assert_eq!(fixture.active_digest("echo"), Some(deployment.digest));
    Ok(deployment.digest)
}

#[test]
fn going_back_again_goes_further_back() {
    let fixture = Fixture::new();
    for version in [b"1", b"2", b"3"] {
        fixture.deploy("echo", version);
    }
    assert_eq!(roll_back(&fixture, None).unwrap(), Digest::of(b"2"));
    assert_eq!(roll_back(&fixture, None).unwrap(), Digest::of(b"1"));
    assert!(matches!(roll_back(&fixture, None), Err(Error::NothingToRollBackTo { .. })));
    fixture.deploy("echo", b"4");
    assert_eq!(roll_back(&fixture, None).unwrap(), Digest::of(b"1"));
    assert_eq!(
        fixture.odb.audit(&Page::first(1), &AuditFilter::default()).unwrap().items[0].action,
        Action::Rollback
    );
}

#[test]
fn a_named_version_is_gone_back_to() {
    let fixture = Fixture::new();
    for version in [b"1", b"2", b"3"] {
        fixture.deploy("echo", version);
    }
    assert_eq!(roll_back(&fixture, Some(Digest::of(b"1"))).unwrap(), Digest::of(b"1"));
    let unknown = roll_back(&fixture, Some(Digest::of(b"9")));
    assert!(matches!(unknown, Err(Error::NothingToRollBackTo { .. })));
}

#[test]
fn a_recalled_version_comes_back() {
    let fixture = Fixture::new();
    fixture.deploy("echo", b"1");
    fixture.deploy("echo", b"2");
    fixture.odb.recall(&by(), &name("echo")).unwrap();
    assert_eq!(roll_back(&fixture, None).unwrap(), Digest::of(b"2"));
    assert_eq!(roll_back(&fixture, None).unwrap(), Digest::of(b"1"));
}

#[test]
fn asked_for_twice_it_is_made_once() {
    let fixture = Fixture::new();
    fixture.deploy("echo", b"1");
    fixture.deploy("echo", b"2");
    let first = fixture.odb.rollback(&by(), &name("echo"), None).unwrap();
    assert_eq!(fixture.odb.rollback(&by(), &name("echo"), None).unwrap(), first);
}

#[test]
fn an_unknown_plugin_and_a_first_version_have_nothing_to_go_back_to() {
    let fixture = Fixture::new();
    assert!(matches!(fixture.odb.rollback(&by(), &name("echo"), None), Err(Error::NotFound { .. })));
    fixture.deploy("echo", b"1");
    let error = fixture.odb.rollback(&by(), &name("echo"), None).unwrap_err();
    assert!(matches!(error, Error::NothingToRollBackTo { .. }), "{error}");
}

#[test]
fn a_deployment_made_after_the_rollback_wins() {
    let fixture = Fixture::new();
    fixture.deploy("echo", b"1");
    fixture.deploy("echo", b"2");
    let back = fixture.odb.rollback(&by(), &name("echo"), None).unwrap();
    fixture.odb.compiled_on(&back.id, "here", NOW).unwrap();
    fixture.deploy("echo", b"3");
    assert_eq!(fixture.activate(&back.id).unwrap().deployment.state, DeploymentState::Superseded);
    assert_eq!(fixture.active_digest("echo"), Some(Digest::of(b"3")));
}
