//! Making and checking the tables.

use std::{os::unix::fs::PermissionsExt as _, thread};

use busbar_store::{Error, Odb};
use diesel::{Connection as _, connection::SimpleConnection as _, sqlite::SqliteConnection};

use crate::fixture::Fixture;

fn sql(path: &std::path::Path, statements: &str) {
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
    connection.batch_execute(statements).unwrap();
}

#[test]
fn a_second_migration_changes_nothing() {
    let fixture = Fixture::new();
    let head = fixture.odb.head().unwrap();
    assert_eq!(head.version, 0);
    Odb::migrate(&format!("sqlite:{}", fixture.path().display())).unwrap();
    assert_eq!(fixture.odb.head().unwrap(), head);
}

#[test]
fn many_migrate_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("odb.sqlite").display());
    thread::scope(|scope| {
        let migrations: Vec<_> = (0..8).map(|_| scope.spawn(|| Odb::migrate(&url))).collect();
        for migration in migrations {
            migration.join().unwrap().unwrap();
        }
    });
    assert!(!Odb::open(&url, 1).unwrap().head().unwrap().incarnation.is_empty());
}

#[test]
fn what_was_not_migrated_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odb.sqlite");
    let url = format!("sqlite:{}", path.display());
    assert!(matches!(Odb::open(&url, 1), Err(Error::NotMigrated)));
    assert!(!path.exists());
    sql(&path, "CREATE TABLE other (x)");
    assert!(matches!(Odb::open(&url, 1), Err(Error::NotMigrated)));
}

#[test]
fn a_newer_database_is_used_but_not_begun_with() {
    let fixture = Fixture::new();
    sql(&fixture.path(), "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000001')");
    let url = format!("sqlite:{}", fixture.path().display());
    let error = Odb::migrate(&url).unwrap_err();
    assert!(matches!(&error, Error::Newer { version } if version == "20990101000001"), "{error}");
    // A process of the version before that is started again during a reload.
    let odb = Odb::open(&url, 1).unwrap();
    assert_eq!(odb.head().unwrap(), fixture.odb.head().unwrap());
}

#[test]
fn a_migration_that_stopped_half_way_is_completed() {
    let fixture = Fixture::new();
    sql(
        &fixture.path(),
        "DELETE FROM __diesel_schema_migrations; DROP TABLE server_worker; DELETE FROM meta",
    );
    let url = format!("sqlite:{}", fixture.path().display());
    assert!(matches!(Odb::open(&url, 1), Err(Error::NotMigrated)));
    Odb::migrate(&url).unwrap();
    assert_eq!(Odb::open(&url, 1).unwrap().servers().unwrap(), []);
}

#[test]
fn only_its_owner_reads_the_file() {
    let fixture = Fixture::new();
    fixture.odb.create_security(&crate::fixture::by(), crate::fixture::basic("b")).unwrap();
    for suffix in ["", "-wal"] {
        let path = format!("{}{suffix}", fixture.path().display());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{path}");
    }
}
