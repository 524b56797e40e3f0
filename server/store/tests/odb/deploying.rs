//! Receiving and following deployments up to the switch.

use std::thread;

use busbar_model::{DeploymentState, deployment::Source, plugin::Description};
use busbar_store::{DeploymentFilter, Error, LeftOut, Page, Received, new_id};

use crate::fixture::{DEAD_MS, Fixture, NOW, by, description, name, new_deployment, server};

#[test]
fn the_same_id_again_finds_what_it_made() {
    let fixture = Fixture::new();
    let mut new = new_deployment("echo", b"1");
    new.id = Some(new_id(NOW));
    let made = match fixture.odb.receive(&by(), new.clone()).unwrap() {
        Received::New(made) => made,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (made.state, made.source, made.actor.as_str()),
        (DeploymentState::Received, Source::Api, "ada")
    );
    assert_eq!(fixture.odb.receive(&by(), new).unwrap(), Received::Existing(made));
    assert_eq!(fixture.odb.pending_deployments().unwrap().len(), 1);
}

#[test]
fn the_same_id_at_once_makes_one_deployment() {
    let fixture = Fixture::new();
    let mut new = new_deployment("echo", b"1");
    new.id = Some(new_id(NOW));
    let handles = [fixture.odb.clone(), fixture.another(), fixture.another(), fixture.odb.clone()];
    let made = thread::scope(|scope| {
        let all: Vec<_> =
            handles.iter().map(|odb| scope.spawn(|| odb.receive(&by(), new.clone()).unwrap())).collect();
        let all = all.into_iter().map(|one| one.join().unwrap());
        all.filter(|received| matches!(received, Received::New(_))).count()
    });
    assert_eq!(made, 1);
}

#[test]
fn what_is_live_already_makes_no_new_deployment() {
    let fixture = Fixture::new();
    let live = fixture.deploy("echo", b"1");
    let again = fixture.odb.receive(&by(), new_deployment("renamed", b"1")).unwrap();
    assert!(matches!(again, Received::AlreadyActive(active) if active.id == live.id));
    // Unless another version is on its way: then it is to come after that one.
    fixture.compiled("echo", b"2", &["echo"]);
    assert!(matches!(fixture.odb.receive(&by(), new_deployment("echo", b"1")).unwrap(), Received::New(_)));
}

#[test]
fn a_plain_component_is_another_plugin_under_another_name() {
    let fixture = Fixture::new();
    let made = fixture.receive("web", b"w");
    fixture.odb.described(&made.id, &Description::of_wasi_http(name("web"), Vec::new()), NOW).unwrap();
    fixture.odb.compiled_on(&made.id, "here", NOW).unwrap();
    fixture.activate(&made.id).unwrap();
    let received = |stem| fixture.odb.receive(&by(), new_deployment(stem, b"w")).unwrap();
    assert!(matches!(received("web"), Received::AlreadyActive(_)));
    assert!(matches!(received("web2"), Received::New(_)));
}

#[test]
fn a_description_names_the_deployment() {
    let fixture = Fixture::new();
    let made = fixture.receive("file-stem", b"1");
    let described = description("greeter", &["greeter.greet"]);
    for _ in 0..2 {
        fixture.odb.described(&made.id, &described, NOW).unwrap();
    }
    let deployment = fixture.odb.deployment(&made.id).unwrap();
    assert_eq!((deployment.plugin.as_str(), deployment.state), ("greeter", DeploymentState::Validated));
    assert_eq!(fixture.odb.description(&made.id).unwrap(), Some(described));
    let error = fixture.odb.described(&made.id, &description("other", &["o"]), NOW).unwrap_err();
    assert!(matches!(error, Error::WrongState { .. }), "{error}");
}

#[test]
fn a_service_of_another_active_plugin_is_refused() {
    let fixture = Fixture::new();
    fixture.deploy("echo", b"1");
    let made = fixture.receive("thief", b"2");
    let error = fixture.odb.described(&made.id, &description("thief", &["echo"]), NOW).unwrap_err();
    assert!(
        matches!(&error, Error::ServiceTaken { service, plugin } if *service == *plugin && plugin.as_str() == "echo"),
        "{error}"
    );
    assert_eq!(fixture.state(&made.id), DeploymentState::Received);
}

#[test]
fn states_follow_one_another() {
    let fixture = Fixture::new();
    let made = fixture.receive("echo", b"1");
    let compiled = |server| fixture.odb.compiled_on(&made.id, server, NOW);
    let prepared = |server| fixture.odb.prepared_on(&made.id, server, NOW, DEAD_MS);
    assert!(matches!(compiled("s1"), Err(Error::WrongState { .. })));
    for live in ["s1", "s2"] {
        fixture.odb.heartbeat(&server(live, NOW), DEAD_MS).unwrap();
    }
    fixture.odb.described(&made.id, &description("echo", &["echo"]), NOW).unwrap();
    compiled("s1").unwrap();
    assert_eq!(fixture.state(&made.id), DeploymentState::Compiled);
    prepared("s1").unwrap();
    assert_eq!(fixture.state(&made.id), DeploymentState::Compiled, "another server lives");
    compiled("s2").unwrap();
    prepared("s2").unwrap();
    assert_eq!(fixture.state(&made.id), DeploymentState::Prepared);
    compiled("s1").unwrap();
    assert_eq!(fixture.state(&made.id), DeploymentState::Prepared, "it does not go back");
    assert_eq!(
        fixture.odb.head().unwrap().version,
        1,
        "progress is no change of a definition, being asked for is one"
    );
}

#[test]
fn a_failure_keeps_its_first_reason() {
    let fixture = Fixture::new();
    let made = fixture.receive("echo", b"1");
    let failed = fixture.odb.fail(&by(), &made.id, "not a component").unwrap();
    assert_eq!((failed.state, failed.reason.as_deref()), (DeploymentState::Failed, Some("not a component")));
    assert_eq!(fixture.odb.fail(&by(), &made.id, "later").unwrap(), failed);
    assert_eq!(fixture.odb.pending_deployments().unwrap(), []);
    let live = fixture.deploy("echo", b"2");
    assert!(matches!(fixture.odb.fail(&by(), &live.id, "no"), Err(Error::WrongState { .. })));
}

#[test]
fn servers_report_how_far_they_are() {
    let fixture = Fixture::new();
    let made = fixture.receive("echo", b"1");
    for live in ["s1", "s2"] {
        fixture.odb.heartbeat(&server(live, NOW), DEAD_MS).unwrap();
    }
    let leave_out = |server: &str| {
        fixture.odb.leave_out(&by(), &made.id, &[server.to_owned()], "no room", DEAD_MS).unwrap()
    };
    fixture.odb.described(&made.id, &description("echo", &["echo"]), NOW).unwrap();
    assert_eq!(leave_out("s2"), LeftOut::GoesOn);
    fixture.odb.compiled_on(&made.id, "s1", NOW).unwrap();
    fixture.odb.prepared_on(&made.id, "s1", NOW, DEAD_MS).unwrap();
    let servers = fixture.odb.deployment(&made.id).unwrap().servers;
    let shown: Vec<_> =
        servers.iter().map(|s| (s.server.as_str(), s.state.as_str(), s.reason.as_deref())).collect();
    assert_eq!(shown, [("s1", "prepared", None), ("s2", "failed", Some("no room"))]);
    assert_eq!(fixture.state(&made.id), DeploymentState::Prepared);
    assert_eq!(leave_out("s1"), LeftOut::GoesOn);
    let s1 = fixture.odb.deployment(&made.id).unwrap().servers.remove(0);
    assert_eq!(s1.state, DeploymentState::Prepared, "it became so in time");

    let other = fixture.compiled("other", b"2", &["other"]);
    let all = ["s1", "s2"].map(str::to_owned);
    let left = fixture.odb.leave_out(&by(), &other.id, &all, "no room", DEAD_MS).unwrap();
    assert_eq!(left, LeftOut::NobodyIsLeft);
}

#[test]
fn pending_ones_come_in_order_of_creation_and_lists_are_filtered() {
    let fixture = Fixture::new();
    let made: Vec<String> = (0_u8..3).map(|n| fixture.receive(&format!("p{n}"), &[n]).id).collect();
    fixture.odb.fail(&by(), &made[1], "x").unwrap();
    let pending: Vec<String> =
        fixture.odb.pending_deployments().unwrap().into_iter().map(|deployment| deployment.id).collect();
    assert_eq!(pending, [made[0].clone(), made[2].clone()]);
    let found = |filter| -> Vec<String> {
        let page = fixture.odb.deployments(&Page::first(9), &filter).unwrap();
        page.items.into_iter().map(|deployment| deployment.id).collect()
    };
    let of = |plugin: Option<&str>, state| DeploymentFilter {
        plugin: plugin.map(str::to_owned),
        state,
        ..DeploymentFilter::default()
    };
    assert_eq!(found(of(None, Some(DeploymentState::Failed))), [made[1].clone()]);
    assert_eq!(found(of(Some("p2"), None)), [made[2].clone()]);
    assert_eq!(found(of(Some("p2"), Some(DeploymentState::Failed))), [""; 0]);
}
