//! Copies of the whole database, and putting one back.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use busbar_model::DeploymentState;
use busbar_store::{Error, Head, Odb};
use diesel::{Connection as _, connection::SimpleConnection as _, sqlite::SqliteConnection};

use crate::{
    dictionaries,
    fixture::{DEAD_MS, Fixture, NOW, by, draft, server},
};

impl Fixture {
    fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    fn copy(&self, file: &str) -> PathBuf {
        let to = self.path().with_file_name(file);
        Odb::copy(&self.url(), &to).unwrap();
        to
    }

    fn replace(&self, copy: &Path) -> Result<Head, Error> {
        Odb::replace(&self.url(), copy)
    }

    fn names(&self) -> Vec<String> {
        let channels = self.odb.definitions().unwrap().channels;
        channels.iter().map(|channel| channel.name.to_string()).collect()
    }
}

fn sql(path: &Path, statements: &str) {
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
    connection.batch_execute(statements).unwrap();
}

#[test]
fn what_was_is_again_and_readers_notice() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    fixture.deploy("p", b"v1");
    let (before, copy) = (fixture.odb.definitions().unwrap(), fixture.copy("copy"));
    fixture.odb.create_channel(&by(), draft("b", "/b")).unwrap();
    fixture.deploy("p", b"v2");
    fixture.deploy("q", b"q");
    let silent = NOW.plus_ms(-2 * DEAD_MS);
    fixture.odb.heartbeat(&server("here", silent), DEAD_MS).unwrap();
    let head = fixture.replace(&copy).unwrap();
    let after = fixture.odb.definitions().unwrap();
    assert_ne!(after.incarnation, before.incarnation);
    assert_eq!((&after.incarnation, after.version), (&head.incarnation, before.version));
    assert_eq!(
        (&after.plugins, &after.services, &after.channels),
        (&before.plugins, &before.services, &before.channels)
    );
    assert_eq!(fixture.odb.artifact(&busbar_model::Digest::of(b"v1")).unwrap(), b"v1");
    assert!(fixture.odb.artifact(&busbar_model::Digest::of(b"q")).is_err());
    assert_eq!(fixture.odb.servers().unwrap().len(), 1, "what lives now is not in the copy");
    // And it goes on from there.
    let made = fixture.odb.create_channel(&by(), draft("c", "/c")).unwrap();
    assert_eq!((made.revision, fixture.odb.head().unwrap().version), (1, before.version + 1));
    fixture.deploy("p", b"v3");
}

#[test]
fn an_empty_place_is_filled() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    let units = fixture.odb.create_dictionary(&by(), dictionaries::draft("units", &[("KGM", "kg")])).unwrap();
    let copy = fixture.copy("copy");
    let url = format!("sqlite:{}", fixture.path().with_file_name("new.sqlite").display());
    Odb::replace(&url, &copy).unwrap();
    let definitions = Odb::open(&url, 1).unwrap().definitions().unwrap();
    assert_eq!((definitions.channels.len(), definitions.dictionaries), (1, vec![units]));
}

#[test]
fn a_copy_made_while_others_write_is_whole() {
    let fixture = Fixture::new();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for at in 0..2 {
            let (odb, stop) = (fixture.another(), &stop);
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    odb.create_channel(&by(), draft(&format!("c{at}-{number}"), &format!("/{at}/{number}")))
                        .unwrap();
                }
            });
        }
        for number in 0..8 {
            let copy = fixture.copy(&format!("copy-{number}"));
            let of_copy = Odb::open(&format!("sqlite:{}", copy.display()), 1).unwrap().definitions().unwrap();
            // Each change makes one channel.
            assert_eq!(of_copy.channels.len(), usize::try_from(of_copy.version).unwrap());
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn writers_never_meet_half_of_a_replacement() {
    let fixture = Fixture::new();
    for number in 0..20 {
        fixture
            .odb
            .create_channel(&by(), draft(&format!("old-{number}"), &format!("/old/{number}")))
            .unwrap();
    }
    let copy = fixture.copy("copy");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (writer, reader, stop) = (fixture.another(), fixture.another(), &stop);
        scope.spawn(move || {
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                writer
                    .create_channel(&by(), draft(&format!("new-{number}"), &format!("/new/{number}")))
                    .unwrap();
            }
        });
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let definitions = reader.definitions().unwrap();
                assert_eq!(definitions.channels.len(), usize::try_from(definitions.version).unwrap());
            }
        });
        for _ in 0..5 {
            fixture.replace(&copy).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(fixture.names().iter().filter(|name| name.starts_with("old-")).count() == 20);
}

#[test]
fn a_deployment_under_way_is_prepared_again() {
    let fixture = Fixture::new();
    fixture.odb.heartbeat(&server("here", NOW), DEAD_MS).unwrap();
    let deployment = fixture.compiled("p", b"v1", &["p"]);
    fixture.odb.prepared_on(&deployment.id, "here", NOW, DEAD_MS).unwrap();
    assert_eq!(fixture.state(&deployment.id), DeploymentState::Prepared);
    let copy = fixture.copy("copy");
    fixture.replace(&copy).unwrap();
    let again = fixture.odb.deployment(&deployment.id).unwrap();
    assert_eq!((again.state, again.servers.len()), (DeploymentState::Validated, 0));
    fixture.odb.compiled_on(&deployment.id, "here", NOW).unwrap();
    let early = fixture.odb.activate(&by(), &deployment.id, DEAD_MS, Vec::new());
    assert!(matches!(early, Err(Error::NotPrepared { .. })), "{early:?}");
}

#[test]
fn what_is_no_copy_changes_nothing() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    let head = fixture.odb.head().unwrap();
    let newer = fixture.copy("newer");
    sql(&newer, "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000001')");
    assert!(matches!(fixture.replace(&newer), Err(Error::Newer { version }) if version == "20990101000001"));
    let other = fixture.path().with_file_name("other");
    sql(&other, "CREATE TABLE other (x)");
    assert!(matches!(fixture.replace(&other), Err(Error::NotMigrated)));
    let damaged = fixture.copy("damaged");
    let mut bytes = std::fs::read(&damaged).unwrap();
    let half = bytes.len() / 2;
    bytes[4_096..half].fill(0x5a);
    std::fs::write(&damaged, bytes).unwrap();
    let error = fixture.replace(&damaged).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert_eq!((fixture.odb.head().unwrap(), fixture.names()), (head, vec!["a".to_owned()]));
}

#[test]
fn an_older_copy_is_migrated() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    let older = fixture.copy("older");
    // Migrations can be run again, so one that was run counts as one that was not.
    sql(&older, "DELETE FROM __diesel_schema_migrations; DROP TABLE server_worker");
    fixture.replace(&older).unwrap();
    assert_eq!(fixture.names(), ["a"]);
}

#[test]
fn a_database_that_is_not_there_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("none").display());
    assert!(matches!(Odb::copy(&url, &folder.path().join("copy")), Err(Error::NotMigrated)));
    assert!(!folder.path().join("none").exists());
}
