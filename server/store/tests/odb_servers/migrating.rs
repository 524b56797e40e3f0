//! Making and checking the tables on a server.

use std::thread;

use busbar_store::{Error, Odb};

use crate::{fixture::Fixture, place::Place};

#[test]
fn many_migrate_at_once() {
    let place = Place::new();
    let url = place.url();
    thread::scope(|scope| {
        let migrations: Vec<_> = (0..4).map(|_| scope.spawn(|| Odb::migrate(&url))).collect();
        for migration in migrations {
            migration.join().unwrap().unwrap();
        }
    });
    let head = Odb::open(&url, 1).unwrap().head().unwrap();
    assert!(!head.incarnation.is_empty());
    Odb::migrate(&url).unwrap();
    assert_eq!(Odb::open(&url, 1).unwrap().head().unwrap(), head);
}

#[test]
fn what_was_not_migrated_is_not_opened() {
    let place = Place::new();
    assert!(matches!(Odb::open(&place.url(), 1), Err(Error::NotMigrated)));
    place.sql("CREATE TABLE other (x INTEGER)");
    assert!(matches!(Odb::open(&place.url(), 1), Err(Error::NotMigrated)));
}

#[test]
fn a_newer_database_is_used_but_not_begun_with() {
    let fixture = Fixture::new();
    fixture.place.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000001')");
    let error = Odb::migrate(&fixture.place.url()).unwrap_err();
    assert!(matches!(&error, Error::Newer { version } if version == "20990101000001"), "{error}");
    assert_eq!(fixture.another().head().unwrap(), fixture.odb.head().unwrap());
}

/// After a crash anywhere, what was made is there and not known to be: each migration runs again, over what it made.
#[test]
fn migrations_that_stopped_half_way_are_completed() {
    let fixture = Fixture::new();
    let versions = fixture.place.rows("SELECT version FROM __diesel_schema_migrations ORDER BY version");
    let versions: Vec<&str> = versions.lines().collect();
    for (at, version) in versions.iter().enumerate() {
        // All of it was made, and the rest too.
        fixture.place.sql(&format!("DELETE FROM __diesel_schema_migrations WHERE version >= '{version}'"));
        assert!(matches!(Odb::open(&fixture.place.url(), 1), Err(Error::NotMigrated)), "{at}");
        Odb::migrate(&fixture.place.url()).unwrap();
    }
    for missing in ["server_worker", "channel_amqp", "death_mark", "key_lock"] {
        fixture.place.sql(&format!("DROP TABLE {missing}; DELETE FROM __diesel_schema_migrations"));
        fixture.place.sql("DELETE FROM meta");
        Odb::migrate(&fixture.place.url()).unwrap();
    }
    assert_eq!(fixture.place.count("key_lock"), 4096);
    assert_eq!(fixture.another().servers().unwrap(), []);
}

#[test]
fn copies_are_left_to_the_servers_tools() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let refused = Odb::copy(&fixture.place.url(), &copy).unwrap_err().to_string();
    assert!(refused.contains("dump"), "{refused}");
    assert!(!copy.exists());
    assert!(matches!(Odb::replace(&fixture.place.url(), &copy), Err(Error::NoCopies { .. })));
}

/// All columns of all tables: name, whether NULL is taken, kind of type.
#[test]
fn tables_have_the_shape_that_they_have_in_sqlite() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    let file = crate::shape::File::new(folder.path());
    let expected = file.shape();
    let found = crate::shape::of_server(&fixture.place);
    for (table, shape) in &expected {
        assert_eq!(found.get(table), Some(shape), "{table}");
    }
    assert_eq!(found.len(), expected.len(), "{:?}", found.keys());
}
