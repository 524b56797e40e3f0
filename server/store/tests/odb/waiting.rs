//! Waiting for another writer of the file.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use busbar_store::Committer;
use diesel::{Connection as _, connection::SimpleConnection as _, sqlite::SqliteConnection};

use crate::{
    fixture::{Fixture, by, draft},
    staging::{put, ticking, write},
};

/// Longer than SQLite waits for a lock before it says that it is busy.
const LOCKED: Duration = Duration::from_millis(6_500);
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
fn what_waits_for_a_locked_database_is_committed_unless_it_is_withdrawn() {
    let fixture = Fixture::new();
    let mut holder = SqliteConnection::establish(&fixture.path().to_string_lossy()).unwrap();
    holder.batch_execute("BEGIN IMMEDIATE").unwrap();
    let since = Instant::now();
    let committer = Committer::start(&fixture.odb, ticking).unwrap();
    let (told, outcomes) = mpsc::channel();
    let submit = |key: &str| {
        let (told, of) = (told.clone(), key.to_owned());
        committer.submit(write(key, put("1")), move |outcome| told.send((of, outcome)).unwrap())
    };
    let (early, _stays, late) = (submit("early"), submit("stays"), submit("late"));
    assert!(early.withdraw());
    assert!(!early.withdraw(), "it is gone already");
    thread::sleep(LOCKED.saturating_sub(since.elapsed()));
    // Meanwhile the database was called busy, and is waited for again.
    assert!(late.withdraw());
    let after = submit("after");
    holder.batch_execute("COMMIT").unwrap();
    for expected in ["stays", "after"] {
        let (of, outcome) = outcomes.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!((of.as_str(), outcome), (expected, Ok(())));
    }
    assert!(!after.withdraw(), "it is committed");
    drop(committer);
    let values = ["early", "stays", "late", "after"].map(|key| fixture.value(key));
    assert_eq!(values, [None, Some("1".to_owned()), None, Some("1".to_owned())]);
    assert!(outcomes.try_recv().is_err(), "of what is withdrawn nothing is told");
}
