//! Servers' reports of themselves.

use busbar_model::server::WorkerState;

use crate::fixture::{Fixture, NOW, server};

#[test]
fn a_heartbeat_replaces_what_was_known() {
    let fixture = Fixture::new();
    let mut reported = server("s1", NOW);
    fixture.odb.heartbeat(&reported).unwrap();
    fixture.odb.heartbeat(&server("s0", NOW)).unwrap();
    assert_eq!(fixture.odb.servers().unwrap(), [server("s0", NOW), reported.clone()]);
    reported.heartbeat_at = NOW.plus_ms(2_000);
    reported.workers[0].state = WorkerState::Draining;
    let mut second = reported.workers[0].clone();
    second.slot = 1;
    reported.workers.push(second);
    fixture.odb.heartbeat(&reported).unwrap();
    assert_eq!(fixture.odb.servers().unwrap()[1], reported);
    reported.workers.clear();
    fixture.odb.heartbeat(&reported).unwrap();
    assert_eq!(fixture.odb.servers().unwrap()[1], reported);
    assert_eq!(fixture.odb.head().unwrap().version, 0);
}

#[test]
fn a_server_set_up_anew_takes_the_place_of_its_namesake() {
    let fixture = Fixture::new();
    fixture.odb.heartbeat(&server("s1", NOW)).unwrap();
    let mut anew = server("s1", NOW);
    anew.id = "another-id".to_owned();
    fixture.odb.heartbeat(&anew).unwrap();
    assert_eq!(fixture.odb.servers().unwrap(), [anew]);
}
