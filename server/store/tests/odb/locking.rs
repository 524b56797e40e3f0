//! Waiting for others.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use busbar_store::Error;
use diesel::{Connection as _, connection::SimpleConnection as _, sqlite::SqliteConnection};

use crate::fixture::{Fixture, by, draft};

const HELD: Duration = Duration::from_secs(1);

#[test]
fn a_writer_waits_for_another_and_readers_do_not() {
    let fixture = Fixture::new();
    let (begun, has_begun) = mpsc::channel();
    let path = fixture.path();
    let holder = thread::spawn(move || {
        let mut other = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        begun.send(Instant::now()).unwrap();
        thread::sleep(HELD);
        other.batch_execute("COMMIT").unwrap();
    });
    let since = has_begun.recv().unwrap();
    fixture.odb.head().unwrap();
    fixture.odb.definitions().unwrap();
    assert!(since.elapsed() < HELD);
    fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    assert!(since.elapsed() >= HELD);
    holder.join().unwrap();
}

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
