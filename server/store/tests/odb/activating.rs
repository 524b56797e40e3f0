//! The switch and recalling.

use std::thread;

use busbar_model::{DeploymentState, channel::Draft};
use busbar_store::{Action, AuditFilter, Error, ObjectKind, Page};

use crate::fixture::{DEAD_MS, Fixture, NOW, by, draft, guarded, name, server};

#[test]
fn a_switch_is_one_commit() {
    let fixture = Fixture::new();
    let first = fixture.compiled("greeter", b"1", &["greeter.greet", "greeter.old"]);
    fixture.activate(&first.id).unwrap();
    let before = fixture.odb.definitions().unwrap();
    let second = fixture.compiled("greeter", b"2", &["greeter.greet", "greeter.new"]);
    let activation = fixture.activate(&second.id).unwrap();
    assert_eq!(activation.deployment.state, DeploymentState::Active);
    assert_eq!(activation.deployment.activated_at, Some(NOW));
    assert_eq!(fixture.state(&first.id), DeploymentState::Superseded);

    let after = fixture.odb.definitions().unwrap();
    assert_eq!(after.version, before.version + 4, "the request, plugin, one service gone, one new");
    assert_eq!(after.plugins[0].active.as_ref().unwrap().deployment, second.id);
    assert_eq!(after.plugins[0].revision, 2);
    let names: Vec<_> = after.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["greeter.greet", "greeter.new"]);
    assert_eq!(after.services[0], before.services[0]);

    let entries = fixture.odb.audit(&Page::first(3), &AuditFilter::default()).unwrap().items;
    let shown: Vec<_> = entries.iter().map(|e| (e.action, e.object_kind, e.object_name.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Action::Create, ObjectKind::Service, "greeter.new"),
            (Action::Delete, ObjectKind::Service, "greeter.old"),
            (Action::Activate, ObjectKind::Plugin, "greeter"),
        ]
    );
}

#[test]
fn every_live_server_has_to_be_prepared() {
    let fixture = Fixture::new();
    for (live, heartbeat) in [("s1", 0), ("s2", -DEAD_MS + 1), ("dead", -DEAD_MS)] {
        fixture.odb.heartbeat(&server(live, NOW.plus_ms(heartbeat)), DEAD_MS).unwrap();
    }
    let made = fixture.compiled("echo", b"1", &["echo"]);
    let prepared = |server: &str| fixture.odb.prepared_on(&made.id, server, NOW, DEAD_MS).unwrap();
    prepared("s1");
    fixture.odb.compiled_on(&made.id, "s2", NOW).unwrap();
    let error = fixture.activate(&made.id).unwrap_err();
    assert!(matches!(&error, Error::NotPrepared { servers } if *servers == ["s2"]), "{error}");
    assert_eq!(fixture.odb.head().unwrap().version, 1, "the request alone");
    prepared("s2");
    assert_eq!(fixture.activate(&made.id).unwrap().deployment.state, DeploymentState::Active);
}

#[test]
fn only_what_is_compiled_becomes_active_and_only_once() {
    let fixture = Fixture::new();
    let made = fixture.receive("echo", b"1");
    assert!(matches!(fixture.activate(&made.id), Err(Error::WrongState { .. })));
    let made = fixture.compiled("echo", b"2", &["echo"]);
    let handles = [fixture.odb.clone(), fixture.another(), fixture.another()];
    let switched = thread::scope(|scope| {
        let all: Vec<_> = handles
            .iter()
            .map(|odb| scope.spawn(|| odb.activate(&by(), &made.id, DEAD_MS, Vec::new()).is_ok()))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|done| *done).count()
    });
    assert_eq!(switched, 1);
    assert!(matches!(fixture.activate("nobody"), Err(Error::NotFound { .. })));
}

#[test]
fn an_older_deployment_does_not_replace_a_newer_one() {
    let fixture = Fixture::new();
    let old = fixture.compiled("echo", b"1", &["echo"]);
    let new = fixture.deploy("echo", b"2");
    let head = fixture.odb.head().unwrap();
    let activation = fixture.activate(&old.id).unwrap();
    assert_eq!(activation.deployment.state, DeploymentState::Superseded);
    assert_eq!(fixture.active_digest("echo"), Some(new.digest));
    assert_eq!(fixture.odb.head().unwrap(), head);
}

#[test]
fn a_recalled_plugin_keeps_its_services() {
    let fixture = Fixture::new();
    let live = fixture.deploy("echo", b"1");
    let recalled = fixture.odb.recall(&by(), &name("echo")).unwrap();
    assert_eq!((recalled.id.as_str(), recalled.state), (live.id.as_str(), DeploymentState::Recalled));
    let definitions = fixture.odb.definitions().unwrap();
    assert_eq!(definitions.plugins[0].active, None);
    assert_eq!(definitions.services.len(), 1);
    assert!(matches!(fixture.odb.recall(&by(), &name("echo")), Err(Error::NotActive { .. })));
    assert!(matches!(fixture.odb.recall(&by(), &name("nobody")), Err(Error::NotFound { .. })));
    assert_eq!(fixture.deploy("echo", b"1").state, DeploymentState::Active);
}

#[test]
fn a_service_moves_from_a_recalled_plugin_only() {
    let fixture = Fixture::new();
    fixture.deploy("old", b"1");
    let rival = fixture.receive("new", b"2");
    fixture.odb.recall(&by(), &name("old")).unwrap();
    fixture.odb.described(&rival.id, &crate::fixture::description("new", &["old"]), NOW).unwrap();
    fixture.odb.compiled_on(&rival.id, "here", NOW).unwrap();
    // The check is made again at the switch: the first owner may have come back.
    fixture.deploy("old", b"3");
    assert!(matches!(fixture.activate(&rival.id), Err(Error::ServiceTaken { .. })));
    fixture.odb.recall(&by(), &name("old")).unwrap();
    fixture.activate(&rival.id).unwrap();
    assert_eq!(fixture.odb.service("old").unwrap().plugin, name("new"));
}

#[test]
fn proposed_channels_are_made_where_they_fit() {
    let fixture = Fixture::new();
    let existing = fixture.odb.create_channel(&by(), draft("there", "/there")).unwrap();
    fixture.odb.create_channel(&by(), draft("other", "/taken")).unwrap();
    let made = fixture.compiled("echo", b"1", &["echo"]);
    let proposal = |channel, path| Draft { service: name("echo"), ..draft(channel, path) };
    let foreign = Draft { service: name("foreign"), ..draft("c3", "/c3") };
    let guarded = Draft { service: name("echo"), ..guarded("c4", "/c4", "nobody") };
    let proposals = vec![
        proposal("there", "/elsewhere"),
        proposal("c1", "/c1"),
        proposal("c2", "/taken"),
        foreign,
        guarded,
    ];
    let activation = fixture.odb.activate(&by(), &made.id, DEAD_MS, proposals).unwrap();
    let names: Vec<_> = activation.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["c1"]);
    assert_eq!(activation.skipped.len(), 3, "{:?}", activation.skipped);
    assert!(activation.skipped[0].contains("has the address of channel \"other\""));
    assert_eq!(fixture.odb.channel(&existing.id).unwrap(), existing);
    assert_eq!(fixture.odb.definitions().unwrap().channels.len(), 3);
}
