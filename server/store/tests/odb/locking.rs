//! Waiting for others.

use std::thread;

use busbar_store::Error;

use crate::fixture::{Fixture, by, draft};

#[test]
fn a_failed_change_leaves_the_connection_usable() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    for _ in 0..10 {
        let taken = fixture.odb.create_channel(&by(), draft("a", "/b"));
        assert!(matches!(taken, Err(Error::NameTaken { .. })));
    }
    fixture.odb.create_channel(&by(), draft("b", "/b")).unwrap();
    assert_eq!(fixture.odb.head().unwrap().version, 2);
}

#[test]
fn more_callers_than_connections_all_get_their_turn() {
    let fixture = Fixture::new();
    let odb = fixture.another();
    thread::scope(|scope| {
        for number in 0..16 {
            let odb = &odb;
            scope.spawn(move || {
                odb.create_channel(&by(), draft(&format!("c{number}"), &format!("/{number}"))).unwrap();
                odb.definitions().unwrap();
            });
        }
    });
    assert_eq!(odb.head().unwrap().version, 16);
}
